"""What errors keep of the way that they have come: a crash reporter shows all of it.

A traceback holds its frames, and these hold their local variables: events with passwords in them,
answers, requests. So errors of ours leave without.
"""

from types import TracebackType
from typing import Final, TypeVar

from attrs import frozen

from authflow.errors import AuthFlowError

E = TypeVar("E", bound=BaseException)


def bare(error: E) -> E:
    """Take from an error the frames that it has passed, and the errors that led to it."""
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)


_OURS: Final = frozenset(
    {"authflow", "anyio", "asyncio", "concurrent", "aiohttp", "aiobotocore", "botocore"}
)
"""Packages whose frames hold what is ours to keep: the events, the answers, the requests."""


@frozen
class Unframed:
    """A scope that errors of ours leave without the frames of ours that they have passed in it.

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
        link: BaseException | None = error
        while link is not None:
            if isinstance(link, AuthFlowError):
                link.__context__ = None
            link.__traceback__ = _others(link.__traceback__)
            link = link.__cause__
        try:
            raise error
        finally:
            del error, link  # a frame and its own error would keep each other alive


def _others(trace: TracebackType | None) -> TracebackType | None:
    """Give a traceback without the frames of ours."""
    if trace is None:
        return None
    rest = _others(trace.tb_next)
    if str(trace.tb_frame.f_globals.get("__name__", "")).partition(".")[0] in _OURS:
        return rest
    return TracebackType(rest, trace.tb_frame, trace.tb_lasti, trace.tb_lineno)
