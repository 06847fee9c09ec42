"""Runs a pool's triggers in process, as Cognito runs them on Lambda.

A pool's LambdaConfig names handlers by ARN; a `Triggers` object serves every pool that names none
for a source, and can be registered as a handler, too. Limits and errors are Cognito's: five
seconds, up to three tries where the time ran out, and every failure ends the sign-in ("Customizing
user pool workflows with Lambda triggers", important considerations).
"""

import copy
import inspect
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Protocol, runtime_checkable

import anyio
import anyio.to_thread
from attrs import define, field

from authflow.errors import ConfigError
from authflow.pool.cognito_errors import CognitoError, invalid_trigger_result
from authflow.pool.user_pools import UserPool

_LOG: Final = logging.getLogger("authflow.pool.triggers")
_SECONDS: Final = 5.0
_TRIES: Final = 3
_MESSAGE_CHARS: Final = 300

Event = dict[str, Any]
Handler = Callable[[Event, Any], Event | Awaitable[Event]]
"""What a LambdaConfig names: called with the event and a context, as on Lambda."""


@runtime_checkable
class TriggerSet(Protocol):
    """One object for several sources, such as `authflow.triggers.Triggers`."""

    @property
    def sources(self) -> frozenset[str]:
        """The keys of LambdaConfig that it serves."""

    async def handle(self, event: Event) -> Event:
        """Give the event back with its response filled in."""


TriggerSource = TriggerSet | Mapping[str, Handler | TriggerSet]


class TriggerRaisedError(Exception):
    """A trigger raised: it refused, or failed."""


def _function_name(arn: str) -> str:
    """Give the name in `arn:aws:lambda:<region>:<account>:function:<name>[:<qualifier>]`."""
    parts = arn.split(":")
    return parts[6] if len(parts) > 6 else parts[-1]


def _unexpected(message: str) -> CognitoError:
    return CognitoError("UnexpectedLambdaException", message)


@define(kw_only=True)
class TriggerRunner:
    """Finds and runs triggers.

    Args:
        triggers: The handlers by name or ARN, or one object for all; None if there are none.
        seconds: How long a trigger may take.
    """

    triggers: TriggerSource | None = field(default=None)
    seconds: float = _SECONDS

    @triggers.validator
    def _known_form(self, _attribute: Any, value: Any) -> None:
        if not (value is None or isinstance(value, Mapping | TriggerSet)):
            msg = (
                "triggers must be a mapping of function names to handlers, or an object with "
                f"'sources' and 'handle', not {type(value).__name__}"
            )
            raise ConfigError(msg)

    def serves(self, pool: UserPool, source: str) -> bool:
        """Say whether a pool has a trigger.

        Args:
            pool: The pool.
            source: A key of LambdaConfig, such as DefineAuthChallenge.
        """
        if pool.trigger_arn(source) is not None:
            return True
        return isinstance(self.triggers, TriggerSet) and source in self.triggers.sources

    async def run(self, pool: UserPool, source: str, event: Event) -> Mapping[str, Any]:
        """Run a trigger.

        Args:
            pool: The pool.
            source: A key of LambdaConfig; the pool has this trigger.
            event: The event. The trigger gets a copy, and so do we of what it gives back.

        Returns:
            The event's `response`.

        Raises:
            TriggerRaisedError: The trigger raised; the text is what Cognito tells the client.
            CognitoError: It cannot be run, took too long, or gave no event back.
        """
        handler = self._find(pool, source)
        for attempt in range(1, _TRIES + 1):
            with anyio.move_on_after(self.seconds) as limit:
                given = await self._try(handler, source, copy.deepcopy(event))
            if not limit.cancelled_caught:
                return given
            _LOG.warning("%s took longer than %s s (try %s)", source, self.seconds, attempt)
        raise _unexpected(f"{source} invocation failed: it took too long {_TRIES} times.")

    async def consult(self, pool: UserPool, source: str, event: Event) -> Mapping[str, Any]:
        """Run a trigger that refuses by raising.

        Args:
            pool: As in `run`, here and below.
            source: A key of LambdaConfig.
            event: The event.

        Returns:
            The event's `response`.

        Raises:
            CognitoError: The trigger refused, or `run` raised it.
        """
        try:
            return await self.run(pool, source, event)
        except TriggerRaisedError as error:
            raise CognitoError("UserLambdaValidationException", str(error)) from error

    async def _try(self, handler: Handler, source: str, event: Event) -> Mapping[str, Any]:
        try:
            given = await _call(handler, event)
        except Exception as error:
            _LOG.warning("%s raised", source, exc_info=error)
            text = str(error)[:_MESSAGE_CHARS].rstrip(".")
            raise TriggerRaisedError(f"{source} failed with error {text}.") from error
        try:
            # On Lambda it travels as JSON: what JSON cannot say, a trigger cannot answer.
            given = json.loads(json.dumps(given))
        except (TypeError, ValueError, RecursionError):
            message = "Invalid lambda function output : Invalid JSON"
            raise invalid_trigger_result(message) from None
        response = given.get("response") if isinstance(given, dict) else None
        if not isinstance(response, dict):
            raise invalid_trigger_result()
        return response

    def _find(self, pool: UserPool, source: str) -> Handler:
        arn = pool.trigger_arn(source)
        if arn is not None:
            registered = self.triggers if isinstance(self.triggers, Mapping) else {}
            handler = registered.get(arn) or registered.get(_function_name(arn))
            if handler is None:
                raise _unexpected(
                    f"{source} invocation failed: no handler is registered for "
                    f"{_function_name(arn)}."
                )
            return _handler_of(handler) if isinstance(handler, TriggerSet) else handler
        if not isinstance(self.triggers, TriggerSet):
            raise _unexpected(f"{source} invocation failed: the pool has no such trigger.")
        return _handler_of(self.triggers)


def _handler_of(triggers: TriggerSet) -> Handler:
    async def handle(event: Event, _context: Any) -> Event:
        return await triggers.handle(event)

    return handle


async def _call(handler: Handler, event: Event) -> Any:
    """Call a handler; one that is not a coroutine function may block, so it gets a thread."""
    if inspect.iscoroutinefunction(handler):
        return await handler(event, None)
    given = await anyio.to_thread.run_sync(handler, event, None, abandon_on_cancel=True)
    return await given if inspect.isawaitable(given) else given
