"""Observers, as they are told what happens. One that fails stops nothing but itself."""

import asyncio
import inspect
import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, Final

from attrs import define

from authflow.coroutines import is_generator
from authflow.errors import MisuseError
from authflow.raised import kind_and_place

_log: Final = logging.getLogger(__name__)
_OWN_FAILURES: Final = (Exception, asyncio.CancelledError, GeneratorExit)
"""Failures of an observer alone. A task is cancelled, and a generator closed, where it waits; an
observer cannot wait, so either comes of what it does itself: of a future that is over, say."""


@define(eq=False)
class Listener:
    """One observer.

    Args:
        tell: Called with what happened.
        is_wide: Whether it is an object with `observe`, and not a plain function.
    """

    tell: Callable[[Any], object]
    is_wide: bool
    warned: bool = False

    def warn(self, what: str) -> None:
        """Log that it fails, unless that was logged."""
        if not self.warned:
            self.warned = True
            # What failed may be a handler of the log itself, which the observer writes to.
            with suppress(*_OWN_FAILURES):
                _log.warning(
                    "the observer %s; what it watches goes on, and this is said once", what
                )


def listeners_of(observer: object, *, wanted: str) -> tuple[Listener, ...]:
    """Return an observer, or each of several, as who is told.

    Args:
        observer: An object with `observe`, a function, or a sequence of either.
        wanted: What it must be, for the error.

    Raises:
        MisuseError: One cannot be called, or what it does would have to be awaited.
    """
    if isinstance(observer, str | bytes):
        msg = f"{wanted}, not {type(observer).__name__}"
        raise MisuseError(msg)
    if isinstance(observer, Sequence) and not callable(getattr(observer, "observe", None)):
        return tuple(_listener(each, wanted) for each in observer)
    return (_listener(observer, wanted),)


def event_listeners_of(observer: object, *, wanted: str) -> tuple[Listener, ...]:
    """Return who is told events: an observer with `observe`, several of them, or nobody.

    Args:
        observer: The observer; None if there is none.
        wanted: What it must be, for the error.

    Raises:
        MisuseError: As `listeners_of`; or one is a function.
    """
    if observer is None:
        return ()
    listeners = listeners_of(observer, wanted=wanted)
    if not all(each.is_wide for each in listeners):
        msg = f"{wanted}, not a function"
        raise MisuseError(msg)
    return listeners


def tell_all(listeners: Iterable[Listener], what: Callable[[], object]) -> None:
    """Call each observer. What ends the process passes, once all have been told.

    Args:
        listeners: The observers.
        what: Makes what each is told.
    """
    passing: BaseException | None = None
    for each in listeners:
        try:
            result = each.tell(what())
            if inspect.iscoroutine(result):
                result.close()  # otherwise Python warns that it was never awaited
                each.warn("gave a coroutine, which nobody waits for")
        except _OWN_FAILURES as error:  # an observer must stop nothing
            # The error's text is left out: an observer may put anything there.
            each.warn(f"raised {kind_and_place(error)}")
        except BaseException as error:  # noqa: BLE001  # it is raised below
            passing = passing or error
    if passing is not None:
        try:
            raise passing
        finally:
            del passing  # otherwise the frame and its error would keep each other alive


def _listener(observer: object, wanted: str) -> Listener:
    wide = getattr(observer, "observe", None)
    is_wide = callable(wide)
    if is_wide and isinstance(observer, type):
        msg = f"observer must be an object, not the class: {observer.__name__}()"
        raise MisuseError(msg)
    told: Any = wide if is_wide else observer
    if not callable(told):
        msg = f"{wanted}, not {type(observer).__name__}"
        raise MisuseError(msg)
    if is_generator(told):
        msg = "observer must be a plain function, without `yield`: nobody runs what follows it"
        raise MisuseError(msg)
    if any(map(inspect.iscoroutinefunction, (told, getattr(told, "__call__", None)))):  # noqa: B004  # it is called, and what calls it may be `async def`
        msg = "observer must be a plain function: nobody waits for it; start a task in it instead"
        raise MisuseError(msg)
    return Listener(told, is_wide)
