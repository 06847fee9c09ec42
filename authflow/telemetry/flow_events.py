"""The events that triggers tell their observer: what became of challenges, policies and triggers.

    FlowEvent
    ├── RoundEvent              a plugin was called
    │   ├── ChallengeMade       it made a challenge
    │   ├── AnswerPassed        an answer is right
    │   ├── AnswerFailed        an answer is wrong, or was not admitted
    │   └── HookFailed          it failed, or what is kept and counted for it did
    ├── PolicyPassed            a sign-in has passed the policy: Cognito issues tokens
    ├── PolicyFailed            a sign-in has failed
    └── TriggerFailed           Cognito got an error in place of a reply, for whatever reason

Nothing in them is secret, and nobody is named. Cognito may call a trigger more than once for one
answer, and then each time is told. A sign-in of a user who does not exist is told like any other.
"""

import time
from collections.abc import Awaitable
from typing import Any, ClassVar, Final, Literal, Protocol, TypeVar

from attrs import define, field, frozen

from authflow.errors import DeniedError
from authflow.telemetry.error_kinds import code_of_error
from authflow.telemetry.listeners import Listener, event_listeners_of, tell_all

T = TypeVar("T")
Hook = Literal["create", "verify"]

_WHAT: Final = "observer must be a FlowObserver, or a list of these"


@frozen(kw_only=True)
class FlowEvent:
    """Something that happened in triggers."""

    name: ClassVar[str] = "flow_event"


@frozen(kw_only=True)
class RoundEvent(FlowEvent):
    """A plugin was called for a round of a challenge.

    Args:
        challenge: The challenge's label in the policy: "otp", or "question#2" for a second one.
        attempt: Which try the round is, from 1.
        seconds: How long it took, with what is kept and counted for it.
    """

    name = "round_event"

    challenge: str
    attempt: int
    seconds: float


@frozen(kw_only=True)
class ChallengeMade(RoundEvent):
    """A plugin made a challenge: what it sends was handed over."""

    name = "challenge_made"


@frozen(kw_only=True)
class AnswerPassed(RoundEvent):
    """An answer is right."""

    name = "answer_passed"


@frozen(kw_only=True)
class AnswerFailed(RoundEvent):
    """An answer is wrong, or was not admitted, since too many were.

    Args:
        code: "denied" if the plugin ended the sign-in by it; else None.
    """

    name = "answer_failed"

    code: str | None = None


@frozen(kw_only=True)
class HookFailed(RoundEvent):
    """A plugin failed, or what is kept and counted for it did. `TriggerFailed` follows.

    Args:
        hook: Which of its methods was due.
        code: The `code` of the error; "cancelled" if it was broken off.
    """

    name = "hook_failed"

    hook: Hook
    code: str


@frozen(kw_only=True)
class PolicyPassed(FlowEvent):
    """A sign-in has passed the policy, and Cognito was told to issue tokens."""

    name = "policy_passed"


@frozen(kw_only=True)
class PolicyFailed(FlowEvent):
    """A sign-in has failed the policy."""

    name = "policy_failed"


@frozen(kw_only=True)
class TriggerFailed(FlowEvent):
    """Cognito got an error in place of a reply, and the sign-in is refused.

    Args:
        code: The `code` of the error: "plugin_failed", "store_unavailable", "denied", "event"...
        seconds: How long it took.
    """

    name = "trigger_failed"

    code: str
    seconds: float


class FlowObserver(Protocol):
    """Is told what triggers do.

        class Answers:
            def observe(self, event: FlowEvent) -> None:
                if isinstance(event, AnswerFailed):
                    count(event.challenge)

        Triggers(policy=..., observer=Answers())

    Any object with this method is one. It is called at once, while Cognito waits for the trigger:
    put what takes long into a queue. What it raises is said once in the log.
    """

    def observe(self, event: FlowEvent) -> None:
        """Take note of an event.

        Args:
            event: What happened. It is an immutable value.
        """


@define(eq=False)
class FlowWatch:
    """Tells observers what triggers do. Make it with `of`."""

    _listeners: tuple[Listener, ...] = field(repr=False)

    @classmethod
    def of(cls, observer: object) -> "FlowWatch":
        """Return what tells an observer, or several.

        Args:
            observer: A `FlowObserver`, or a sequence of them.

        Raises:
            MisuseError: One is none, or is asynchronous.
        """
        return cls(event_listeners_of(observer, wanted=_WHAT))

    def tell(self, event: FlowEvent) -> None:
        """Pass an event to the observers."""
        tell_all(self._listeners, lambda: event)

    async def round(self, hook: Hook, challenge: str, attempt: int, work: Awaitable[T]) -> T:
        """Wait for a plugin, and tell what came of it.

        Args:
            hook: Which of its methods is called.
            challenge: The challenge's label.
            attempt: Which try the round is.
            work: The call; for "verify" it gives whether the answer is right.

        Raises:
            BaseException: What it raised.
        """
        began = time.monotonic()
        try:
            result = await work
        except BaseException as error:
            seconds = time.monotonic() - began
            known: dict[str, Any] = {
                "challenge": challenge,
                "attempt": attempt,
                "seconds": seconds,
            }
            if isinstance(error, DeniedError) and hook == "verify":
                self.tell(AnswerFailed(**known, code=DeniedError.code))
            else:
                self.tell(HookFailed(**known, hook=hook, code=code_of_error(error)))
            raise
        seconds = time.monotonic() - began
        kind = ChallengeMade if hook == "create" else AnswerPassed if result else AnswerFailed
        self.tell(kind(challenge=challenge, attempt=attempt, seconds=seconds))
        return result

    async def served(self, work: Awaitable[T]) -> T:
        """Wait for a trigger, and tell if it fails.

        Args:
            work: What serves it.

        Raises:
            BaseException: What it raised.
        """
        began = time.monotonic()
        try:
            return await work
        except BaseException as error:
            seconds = time.monotonic() - began
            self.tell(TriggerFailed(code=code_of_error(error), seconds=seconds))
            raise

    def decided(self, *, passed: bool) -> None:
        """Report what became of a sign-in.

        Args:
            passed: Whether it has passed the policy.
        """
        self.tell(PolicyPassed() if passed else PolicyFailed())
