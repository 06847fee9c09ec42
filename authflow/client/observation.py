"""Tells observers what a client does. One that fails does not stop the sign-in."""

from collections.abc import Mapping
from typing import Any, Final

from attrs import define, field

from authflow.client.events import ClientEvent
from authflow.client.exchange import Exchange
from authflow.client.observer import Observers
from authflow.errors import AuthFlowError
from authflow.telemetry.listeners import Listener, listeners_of, tell_all
from authflow.unframed import whole
from authflow.wire import Request

_WHAT: Final = "observer must be an Observer or a function of an Exchange, or a list of these"


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

    _events: tuple[Listener, ...] = field(repr=False)
    _exchanges: tuple[Listener, ...] = field(repr=False)

    def __init__(self, observers: Observers) -> None:
        listeners = listeners_of(observers, wanted=_WHAT)
        self._events = tuple(each for each in listeners if each.is_wide)
        self._exchanges = tuple(each for each in listeners if not each.is_wide)

    @property
    def watches(self) -> bool:
        """Whether anybody is told of events."""
        return bool(self._events)

    def __call__(self, request: Request, outcome: Mapping[str, Any] | AuthFlowError) -> None:
        """Pass a request and its outcome to those who want exchanges."""
        if self._exchanges:
            tell_all(self._exchanges, lambda: Exchange.of(request, outcome))

    def tell(self, event: ClientEvent) -> None:
        """Pass an event to those who want them."""
        tell_all(self._events, lambda: event)
