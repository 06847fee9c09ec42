"""Tells observers what happens. One that fails does not stop the sign-in."""

import asyncio
import inspect
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from attrs import define, field

from authflow.client.events import ClientEvent
from authflow.client.exchange import Exchange
from authflow.client.observer import Observers
from authflow.coroutines import is_generator
from authflow.errors import AuthFlowError, MisuseError
from authflow.raised import kind_and_place
from authflow.unframed import whole
from authflow.wire import Request

_log: Final = logging.getLogger(__name__)
_WHAT: Final = "observer must be an Observer or a function of an Exchange, or a list of these"
_OWN_FAILURES: Final = (Exception, asyncio.CancelledError, GeneratorExit)
"""What fails in an observer alone. A task is cancelled, and a generator closed, where it waits; an
observer cannot wait, so either comes of what it does itself: of a future that is over, say."""


@define(eq=False)
class _Listener:
    """One observer.

    Args:
        tell: Called with what happened.
        is_wide: Whether that is an event, and not an exchange.
    """

    tell: Callable[[Any], object]
    is_wide: bool
    warned: bool = False

    def warn(self, what: str) -> None:
        if not self.warned:
            self.warned = True
            # What failed may be a handler of the log itself, which the observer writes to.
            with suppress(*_OWN_FAILURES):
                _log.warning("the observer %s; sign-ins go on, and this is said once", what)


def _listener(observer: object) -> _Listener:
    wide = getattr(observer, "observe", None)
    is_wide = callable(wide)
    if is_wide and isinstance(observer, type):
        msg = f"observer must be an object, not the class: {observer.__name__}()"
        raise MisuseError(msg)
    told: Any = wide if is_wide else observer
    if not callable(told):
        msg = f"{_WHAT}, not {type(observer).__name__}"
        raise MisuseError(msg)
    if is_generator(told):
        msg = "observer must be a plain function, without `yield`: nobody runs what follows it"
        raise MisuseError(msg)
    if any(map(inspect.iscoroutinefunction, (told, getattr(told, "__call__", None)))):  # noqa: B004  # it is called, and what calls it may be `async def`
        msg = "observer must be a plain function: nobody waits for it; start a task in it instead"
        raise MisuseError(msg)
    return _Listener(told, is_wide)


def _listeners(observer: object) -> tuple[_Listener, ...]:
    if isinstance(observer, Sequence) and not callable(getattr(observer, "observe", None)):
        return () if isinstance(observer, str) else tuple(map(_listener, observer))
    return (_listener(observer),)


@whole
@define(eq=False, init=False)
class Observation:
    """Tells observers, and logs once for each that fails.

    Args:
        observers: An `Observer`, which is told of every event; or a function, which is told of
            every exchange; or several of them.

    Raises:
        MisuseError: One is neither, or is asynchronous.
    """

    _events: tuple[_Listener, ...] = field(repr=False)
    _exchanges: tuple[_Listener, ...] = field(repr=False)

    def __init__(self, observers: Observers) -> None:
        listeners = _listeners(observers)
        if not listeners and isinstance(observers, str):
            msg = f"{_WHAT}, not {type(observers).__name__}"
            raise MisuseError(msg)
        self._events = tuple(each for each in listeners if each.is_wide)
        self._exchanges = tuple(each for each in listeners if not each.is_wide)

    @property
    def watches(self) -> bool:
        """Whether anybody is told of events."""
        return bool(self._events)

    def __call__(self, request: Request, outcome: Mapping[str, Any] | AuthFlowError) -> None:
        """Pass a request and its outcome to those who want exchanges."""
        if self._exchanges:
            _tell(self._exchanges, lambda: Exchange.of(request, outcome))

    def tell(self, event: ClientEvent) -> None:
        """Pass an event to those who want them."""
        _tell(self._events, lambda: event)


def _tell(listeners: Sequence[_Listener], what: Callable[[], object]) -> None:
    """Call each listener. What ends a task or the process passes, once all have been told."""
    passing: BaseException | None = None
    for each in listeners:
        try:
            result = each.tell(what())
            if inspect.iscoroutine(result):
                result.close()  # otherwise Python warns that it was never awaited
                each.warn("gave a coroutine, which nobody waits for")
        except _OWN_FAILURES as error:  # an observer must not stop a sign-in
            # The error's text is left out: an observer may put anything there.
            each.warn(f"raised {kind_and_place(error)}")
        except BaseException as error:  # noqa: BLE001  # it is raised below
            passing = passing or error
    if passing is not None:
        try:
            raise passing
        finally:
            del passing  # otherwise the frame and its error would keep each other alive
