"""Ways to invoke a trigger: their protocol, and the one in process.

Whichever way it goes, an event goes in and what was given back comes out, as JSON says it.
"""

import copy
import inspect
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, NoReturn, Protocol, runtime_checkable

import anyio
from attrs import define, field

from authflow.errors import ConfigError
from authflow.given_services import stray_cancel_fails
from authflow.pool.accounts.user_pool import UserPool
from authflow.pool.log_limit import limited_logger
from authflow.triggers.lambda_context import LambdaContext
from authflow.triggers.places import NoThreadError, Place, Places

_LOG: Final = limited_logger("authflow.pool.triggers")

Event = dict[str, Any]
Handler = Callable[[Event, Any], Event | Awaitable[Event]]
"""A function that a LambdaConfig names: called with the event and a context, as on Lambda."""


class HandlerRaisedError(Exception):
    """The handler ran and raised; the text is the handler's own."""


class NotJsonError(Exception):
    """The handler ran, and its result is not JSON."""


class NotInvokedError(Exception):
    """The handler could not be run, or it is unknown whether it ran.

    Args:
        reason: What the client hears, so nothing internal.
        again: Whether another try may go better.
    """

    def __init__(self, reason: str, *, again: bool) -> None:
        super().__init__(reason)
        self.again = again


_MOMENT: Final = 0.05
"""Seconds of a trigger's time that are kept to report that it was not run."""


def throttled(*, again: bool) -> NotInvokedError:
    """Return the error for a trigger that has too many calls at a time.

    Args:
        again: Whether another try may go better; not where this one has waited its whole time.
    """
    return NotInvokedError("it is throttled", again=again)


async def place_in(places: Places, pool: UserPool, source: str) -> Place:
    """Wait for a place for a pool's trigger, for almost as long as the trigger may take.

    Raises:
        NotInvokedError: There is none.
    """
    left = anyio.current_effective_deadline() - anyio.current_time()
    with anyio.move_on_after(left - _MOMENT):
        return await places.place((pool.id, source))
    raise throttled(again=False)


class Invoker(Protocol):
    """A way to invoke triggers."""

    def has(self, pool: UserPool, source: str) -> bool:
        """Return whether this invoker runs a pool's trigger.

        Args:
            pool: The pool.
            source: A key of LambdaConfig, such as DefineAuthChallenge.
        """

    async def invoke(self, pool: UserPool, source: str, event: Event) -> Any:
        """Invoke a trigger once; the caller limits the time, by cancelling.

        Args:
            pool: The pool.
            source: As in `has`, which said yes.
            event: The event, which stays as it is.

        Returns:
            What the handler gave back, any JSON value.

        Raises:
            HandlerRaisedError: The handler raised.
            NotJsonError: What it gave back is not JSON.
            NotInvokedError: It could not be run.
        """


@runtime_checkable
class TriggerSet(Protocol):
    """One object for several sources, such as `authflow.triggers.Triggers`."""

    @property
    def sources(self) -> frozenset[str]:
        """The keys of LambdaConfig that it serves."""

    async def handle(self, event: Event) -> Event:
        """Return the event with its response filled in."""


TriggerSource = TriggerSet | Mapping[str, Handler | TriggerSet]


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)  # NaN and Infinity, which only Python accepts as JSON


def read_json(text: str | bytes) -> Any:
    """Read the result of a handler.

    Raises:
        NotJsonError: It is not JSON, or holds half of a surrogate pair, which no file, token or
            reply can hold (RFC 8259 §8.2).
    """
    try:
        given = json.loads(text, parse_constant=_no_constant)
        json.dumps(given, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise NotJsonError from None
    return given


@define(kw_only=True)
class InProcess:
    """Invokes handlers that live in this process.

    Args:
        triggers: The handlers by name or ARN, or one object for every pool that names none.
        places: How many handlers run at a time that are no coroutine functions.

    Raises:
        ConfigError: It is neither.
    """

    triggers: TriggerSource = field()
    places: Places = field(factory=Places)

    @triggers.validator
    def _known_form(self, _attribute: Any, value: Any) -> None:
        if isinstance(value, type) or not isinstance(value, Mapping | TriggerSet):
            msg = (
                "triggers must be a mapping of function names to handlers, or an object with "
                f"'sources' and 'handle', not {type(value).__name__}"
            )
            raise ConfigError(msg)
        for name, handler in value.items() if isinstance(value, Mapping) else ():
            is_handler = callable(handler) or isinstance(handler, TriggerSet)
            if not isinstance(name, str) or not is_handler or isinstance(handler, type):
                msg = f"triggers names {name!r:.80}, and has no handler there: a function, Triggers"
                raise ConfigError(msg)

    def has(self, pool: UserPool, source: str) -> bool:
        """Return whether a handler is registered for the ARN, or one object serves the source."""
        return self._find(pool, source) is not None

    async def invoke(self, pool: UserPool, source: str, event: Event) -> Any:
        """Call the handler with a copy of the event; see `Invoker`."""
        handler = self._find(pool, source)
        assert handler is not None  # noqa: S101  # has() said so; for the type checker
        try:
            with stray_cancel_fails():
                given = await self._call(pool, source, handler, copy.deepcopy(event))
        except NotInvokedError:
            raise
        except NoThreadError:
            raise throttled(again=True) from None
        except Exception as error:
            _LOG.warning("%s raised", source, exc_info=error)
            raise HandlerRaisedError(str(error)) from error
        try:
            # On Lambda the result travels as JSON, so a trigger cannot return anything else.
            text = json.dumps(given)
        except (TypeError, ValueError, RecursionError):
            raise NotJsonError from None
        return read_json(text)

    async def _call(self, pool: UserPool, source: str, handler: Handler, event: Event) -> Any:
        """Call a handler; one that is no coroutine function may block, so it runs in a thread."""
        left = anyio.current_effective_deadline() - anyio.current_time()
        arn = pool.trigger_arn(source)
        name = source if arn is None else function_name(arn)
        context = LambdaContext.of(name, arn=arn, seconds=left)
        if inspect.iscoroutinefunction(handler):
            return await handler(event, context)
        place = await place_in(self.places, pool, source)
        given = await place.in_thread(handler, event, context)
        return await given if inspect.isawaitable(given) else given

    def _find(self, pool: UserPool, source: str) -> Handler | None:
        arn = pool.trigger_arn(source)
        if isinstance(self.triggers, TriggerSet):
            # An ARN names another function, which must not be replaced by this object.
            mine = arn is None and source in self.triggers.sources
            return _handler_of(self.triggers) if mine else None
        if arn is None:
            return None
        found = self.triggers.get(arn) or self.triggers.get(function_name(arn))
        return _handler_of(found) if isinstance(found, TriggerSet) else found


def function_name(arn: str) -> str:
    """Return the name in `arn:aws:lambda:<region>:<account>:function:<name>[:<qualifier>]`."""
    parts = arn.split(":")
    return parts[6] if len(parts) > 6 else parts[-1]


def _handler_of(triggers: TriggerSet) -> Handler:
    async def handle(event: Event, _context: Any) -> Event:
        return await triggers.handle(event)

    return handle
