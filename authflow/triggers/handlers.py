"""The functions with which a pool's owner serves the triggers that no policy decides.

Such a function takes the typed event and gives back what the event's class names, or None to change
nothing. What it raises refuses what Cognito asks about. Cognito sends the text of an error to the
client, so only a `DeniedError` keeps its own.
"""

import inspect
import logging
from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from authflow.coroutines import is_generator
from authflow.errors import ConfigError, DeniedError, TriggerFailedError
from authflow.given_services import kind_of, stray_cancel_fails
from authflow.triggers.events.envelope import HandledEvent
from authflow.triggers.events.parsing import HANDLED_EVENTS, is_handled

if TYPE_CHECKING:
    from authflow.triggers.places import Places

Handler = Callable[[Any], object]
"""A function for one kind of event; it is async, or else runs in a thread."""

_log: Final = logging.getLogger(__name__)


def handlers(on: Mapping[type[HandledEvent], Handler]) -> Mapping[type[HandledEvent], Handler]:
    """Check and copy the functions that serve each kind of event.

    Args:
        on: For each class of events, its function.

    Raises:
        ConfigError: A class is none that functions serve, or what serves it cannot be called.
    """
    if not isinstance(on, Mapping):
        msg = f"on= is a mapping of event classes to functions, not {type(on).__name__}"
        raise ConfigError(msg)
    for kind, handler in on.items():
        if not is_handled(kind):
            named = ", ".join(HANDLED_EVENTS)
            msg = f"on= names {kind!r:.80}, which no function serves; there are {named}"
            raise ConfigError(msg)
        if not callable(handler) or isinstance(handler, type) or is_generator(handler):
            given = "a generator: it has a `yield`" if callable(handler) else ""
            given = kind_of(handler) if not given or isinstance(handler, type) else given
            msg = f"on= wants a function for {kind.__name__}, not {given}"
            raise ConfigError(msg)
    return MappingProxyType(dict(on))


async def run_handler(handler: Handler, event: HandledEvent) -> dict[str, Any]:
    """Serve an event with a function.

    Args:
        handler: The function.
        event: The event.

    Returns:
        The event with its response filled in.

    Raises:
        DeniedError: The function refuses.
        TriggerFailedError: It raised something else, or gave back something unusable.
    """
    try:
        with stray_cancel_fails():
            given = await _call(handler, event)
        return event.filled(given)
    except DeniedError:
        raise
    except Exception as error:
        _log.error("the handler of %s raised %s", event.trigger, type(error).__qualname__)
        msg = f"the handler of {event.trigger} failed"
        raise TriggerFailedError(msg) from error


async def _call(handler: Handler, event: HandledEvent) -> object:
    if inspect.iscoroutinefunction(handler):
        return await handler(event)
    # The function may block, and the loop serves other sign-ins.
    place = await _places().place((event.user_pool_id, id(handler)))
    given = await place.in_thread(handler, event)
    return await given if inspect.isawaitable(given) else given


@cache
def _places() -> "Places":
    """Import a module that only plain functions need, so that others do not wait for it."""
    from authflow.triggers.places import Places  # noqa: PLC0415

    return Places()
