"""Frames in the tracebacks of errors, removed because a crash reporter would show their secrets.

A traceback holds its frames, and these hold their local variables: events with passwords in them,
answers, requests. So errors of ours leave without.
"""

from functools import wraps
from types import FrameType, TracebackType
from typing import Any, Final, TypeVar

from attrs import frozen

from authflow.errors import AuthFlowError

E = TypeVar("E", bound=BaseException)
C = TypeVar("C")


def bare(error: E) -> E:
    """Remove from an error the frames that it has passed, and the errors that caused it."""
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)


_OURS: Final = frozenset(
    {"authflow", "anyio", "asyncio", "concurrent", "aiohttp", "aiobotocore", "botocore"}
)
"""Packages whose frames hold our secrets: events, answers and requests."""


@frozen
class Unframed:
    """A scope that removes our own frames from the errors of ours that leave it.

    What such an error has to say is in its text. What led to it stays, and so do the frames of
    whoever wrote a plugin, a directory or a handler: they need them, and it is their own code.
    """

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        if not isinstance(error, AuthFlowError):
            return
        del _trace
        try:
            raise _without_our_frames(error)
        finally:
            del error  # otherwise the frame and its error would keep each other alive


def whole(cls: type[C]) -> type[C]:
    """Make errors in `__init__` lead to no half-made value of the class.

    attrs' `__repr__` fails on a value that lacks attributes, and so does whoever shows the locals
    of a frame in which one stands: `__init__`, a validator, or `__attrs_post_init__`. So what is
    raised there leaves without these frames; the class's own decorators go before this one.

    Args:
        cls: A class whose making checks what it is given.
    """
    initialise = cls.__init__

    @wraps(initialise)
    def init(self: Any, *args: Any, **given: Any) -> None:
        try:
            initialise(self, *args, **given)
        except BaseException as error:  # noqa: BLE001  # it is raised below
            failed = _without_our_frames(error)
        else:
            return
        del self, args, given
        try:
            raise failed
        finally:
            del failed

    cls.__init__ = init  # type: ignore[method-assign]
    return cls


def _without_our_frames(error: E) -> E:
    """Remove our own frames from an error and from the errors that caused it."""
    link: BaseException | None = error
    seen: set[int] = set()
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        if isinstance(link, AuthFlowError):
            link.__context__ = None
        link.__traceback__ = _others(link.__traceback__)
        link = link.__cause__
    return error


def _others(trace: TracebackType | None) -> TracebackType | None:
    """Return a traceback without our own frames."""
    kept = []
    while trace is not None:  # a recursion would fail on the traceback of a RecursionError
        if not _is_ours(trace.tb_frame):
            kept.append(trace)
        trace = trace.tb_next
    rest: TracebackType | None = None
    for each in reversed(kept):
        rest = TracebackType(rest, each.tb_frame, each.tb_lasti, each.tb_lineno)
    return rest


def _is_ours(frame: FrameType) -> bool:
    """Return whether a frame is of one of our packages, or of code that attrs wrote for one."""
    module = str(frame.f_globals.get("__name__", ""))
    return module.partition(".")[0] in _OURS or frame.f_code.co_filename.startswith("<attrs ")
