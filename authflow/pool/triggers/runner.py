"""Runs a pool's triggers, as Cognito runs them on Lambda.

A pool's LambdaConfig names handlers by ARN; an object in process may serve every pool that names
none for a source. However a trigger is invoked, limits and errors are Cognito's: five seconds, up
to three tries where it could not be run or the time ran out, and every failure ends the sign-in
("Customizing user pool workflows with Lambda triggers", important considerations).
"""

import contextlib
from collections.abc import Sequence
from typing import ClassVar, Final, Protocol, TypeVar

import anyio
from attrs import define

from authflow.errors import TriggerReplyError
from authflow.pool.accounts.user_pool import UserPool
from authflow.pool.admission.lane import waiting_outside
from authflow.pool.cognito_errors import CognitoError, invalid_trigger_result
from authflow.pool.log_limit import limited_logger
from authflow.pool.triggers.invokers import (
    Event,
    HandlerRaisedError,
    Invoker,
    NotInvokedError,
    NotJsonError,
    function_name,
    throttled,
)

_LOG: Final = limited_logger("authflow.pool.triggers")
TIMEOUT: Final = 5.0
INFORMING_TIMEOUT: Final = 60.0
"""Seconds that a trigger may take for which nobody waits. Lambda allows 900; here it may not keep
the server from ending, nor a place from others."""
_TRIES: Final = 3
_PAUSE: Final = 0.1
"""Seconds before a further try."""
_TOO_LONG: Final = "it took too long"
_MESSAGE_CHARS: Final = 300


_Reply_co = TypeVar("_Reply_co", covariant=True)


class AskingEvent(Protocol[_Reply_co]):
    """An event of `authflow.triggers.events`, as the pool uses it."""

    trigger: ClassVar[str]
    """The trigger's key in LambdaConfig."""

    def to_json(self) -> Event:
        """Write the event."""

    def read_reply(self, given: object) -> _Reply_co:
        """Read the trigger's result."""


class TriggerRaisedError(Exception):
    """A trigger raised: it refused, or it failed.

    Args:
        message: What Cognito tells the client.
        reason: What the pool's owner reads: nothing that a trigger may have put into its words.
    """

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


def _unexpected(source: str, reason: str) -> CognitoError:
    message = f"{source} invocation failed: {reason}."
    return CognitoError("UnexpectedLambdaException", message, reason=message)


@define(kw_only=True)
class TriggerRunner:
    """Finds and runs triggers.

    Args:
        invokers: The ways to invoke them; of several that have a trigger the first is taken.
        timeout: How many seconds a trigger may take.
    """

    invokers: Sequence[Invoker] = ()
    timeout: float = TIMEOUT

    @property
    def longest(self) -> float:
        """The seconds that a trigger may take in all its tries."""
        return _TRIES * (self.timeout + _PAUSE)

    def serves(self, pool: UserPool, source: str) -> bool:
        """Return whether a pool has a trigger.

        Args:
            pool: The pool.
            source: A key of LambdaConfig, such as DefineAuthChallenge.
        """
        # A trigger that is named and cannot be invoked is an error: it must not be skipped.
        named = pool.trigger_arn(source) is not None
        return named or any(invoker.has(pool, source) for invoker in self.invokers)

    async def run(self, pool: UserPool, event: AskingEvent[_Reply_co]) -> _Reply_co:
        """Run a trigger.

        Args:
            pool: The pool, which has this trigger.
            event: The event. The trigger gets a copy, and so do we of what it gives back.

        Returns:
            The reply.

        Raises:
            TriggerRaisedError: The trigger raised; the text is what Cognito tells the client.
            CognitoError: It cannot be run, took too long, or gave back what Cognito does not take.
        """
        with waiting_outside(pool.id, _unexpected(event.trigger, str(throttled(again=False)))):
            try:
                given = await self._given(pool, event.trigger, event.to_json(), self.timeout)
            except NotJsonError:
                message = "Invalid lambda function output : Invalid JSON"
                reason = f"{event.trigger} gave back what is no JSON"
                raise invalid_trigger_result(message, reason=reason) from None
        try:
            return event.read_reply(given)
        except TriggerReplyError as error:
            reason = f"{event.trigger} gave back what Cognito does not take"
            raise invalid_trigger_result(reason=reason) from error

    async def inform(self, pool: UserPool, event: AskingEvent[_Reply_co]) -> None:
        """Run a trigger that nobody waits for, and that answers nothing.

        Lambda queues such an invocation, so Cognito's time limit does not count. What took too long
        is not tried again: it may have done its work.

        Args:
            pool: As in `run`.
            event: The event.

        Raises:
            TriggerRaisedError: The trigger raised.
            CognitoError: It cannot be run, or took longer than a minute.
        """
        with contextlib.suppress(NotJsonError):
            await self._given(
                pool, event.trigger, event.to_json(), INFORMING_TIMEOUT, again_if_late=False
            )

    async def _given(
        self,
        pool: UserPool,
        source: str,
        event: Event,
        timeout: float,  # noqa: ASYNC109
        *,
        again_if_late: bool = True,
    ) -> object:
        invoker = self._invoker(pool, source)
        for attempt in range(1, _TRIES + 1):
            failure = NotInvokedError(_TOO_LONG, again=again_if_late)
            with anyio.move_on_after(timeout):
                try:
                    return await _try(invoker, pool, source, event)
                except NotInvokedError as error:
                    failure = error
            _LOG.warning("%s: %s (try %s of %s)", source, failure, attempt, _TRIES)
            if not failure.again or attempt == _TRIES:
                break
            await anyio.sleep(_PAUSE)
        raise _unexpected(source, str(failure))

    async def consult(self, pool: UserPool, event: AskingEvent[_Reply_co]) -> _Reply_co:
        """Run a trigger that refuses by raising.

        Args:
            pool: As in `run`, here and below.
            event: The event.

        Returns:
            The reply.

        Raises:
            CognitoError: The trigger refused, or `run` raised it.
        """
        try:
            return await self.run(pool, event)
        except TriggerRaisedError as error:
            raise CognitoError("UserLambdaValidationException", str(error)) from error

    def _invoker(self, pool: UserPool, source: str) -> Invoker:
        for invoker in self.invokers:
            if invoker.has(pool, source):
                return invoker
        arn = pool.trigger_arn(source)
        raise _unexpected(
            source,
            "the pool has no such trigger"
            if arn is None
            else f"no handler is registered for {function_name(arn)}",
        )


async def _try(invoker: Invoker, pool: UserPool, source: str, event: Event) -> object:
    try:
        return await invoker.invoke(pool, source, event)
    except HandlerRaisedError as error:
        text = str(error)[:_MESSAGE_CHARS].rstrip(".")
        what = "an error" if error.__cause__ is None else type(error.__cause__).__name__
        message = f"{source} failed with error {text}."
        raise TriggerRaisedError(message, reason=f"{source} raised {what}") from error
