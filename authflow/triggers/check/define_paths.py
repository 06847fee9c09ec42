"""Paths through a Define trigger: Cognito's events, its replies, and a check's findings.

`proof` and `define_probe` beside this play Cognito to a Define trigger by what is here. A reply is
read as Cognito reads it: whatever Cognito does not accept ends a sign-in with an error, however
well it was meant.

Source: "Define Auth challenge Lambda trigger" in the Amazon Cognito developer guide.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum
from typing import Any, Final, Self

from attrs import frozen

from authflow.errors import TriggerReplyError
from authflow.given_numbers import check_seconds
from authflow.machine import State
from authflow.printable import one_line
from authflow.triggers.check.cognito_users import KNOWN_USER, SUB
from authflow.triggers.events.challenge_events import DefineEvent, SessionEntry
from authflow.triggers.lambda_context import COGNITO_WAITS

SRP_A: Final = SessionEntry(challenge_name=State.SRP_A.value, challenge_result=True)
"""The first entry of a session in which the client began with SRP."""

TIMEOUT: Final = COGNITO_WAITS
"""Seconds in which Define must answer: as many as Cognito waits for a trigger."""

_ERROR_CHARS: Final = 200

Session = tuple[SessionEntry, ...]

Define = Callable[[dict[str, Any]], Awaitable[Any]]
"""A Define trigger: it takes the event, and returns it with its response filled in."""


def check_timeout(timeout: float) -> None:
    """Refuse a time limit that is not possible.

    Args:
        timeout: How many seconds an answer may take.

    Raises:
        ConfigError: It is not positive, or has no end.
    """
    check_seconds("timeout", timeout)


class DefineFailedError(Exception):
    """A Define trigger returned no reply; the text says why, as something that it "does"."""


class DefineDecision(StrEnum):
    """The decisions that Define can make."""

    CUSTOM_CHALLENGE = "asks for CUSTOM_CHALLENGE"
    PASSWORD_VERIFIER = "asks for PASSWORD_VERIFIER"
    TOKENS = "issues tokens"
    FAILURE = "fails the authentication"
    UNUSABLE = "gives no decision that Cognito accepts"


ASKS: Final = frozenset({DefineDecision.CUSTOM_CHALLENGE, DefineDecision.PASSWORD_VERIFIER})


@frozen
class SessionReply:
    """Define's reply to one session.

    Args:
        decision: The decision.
        why: What is wrong with it, if it is unusable.
    """

    decision: DefineDecision
    why: str = ""

    @property
    def asks(self) -> bool:
        """Whether the sign-in goes on."""
        return self.decision in ASKS

    def __str__(self) -> str:
        return self.why or self.decision.value


@frozen(kw_only=True)
class Path:
    """A way through a sign-in, and its end.

    Args:
        session: The rounds so far, the first one first.
        reply: What Define replied to them.
        user_not_found: Whether the user does not exist, which the pool hides.
        who: What is known of a user who exists, if that matters: "email_verified is true".
    """

    session: Session
    reply: SessionReply
    user_not_found: bool = False
    who: str = ""


class Result(StrEnum):
    """The result of a check for one property."""

    HOLDS = "ok"
    BROKEN = "BROKEN"
    NOT_TRIED = "not tried"
    """Nothing could show it, such as a reply of Define, so it is unknown."""


@frozen(kw_only=True)
class Finding:
    """The finding about one property.

    Args:
        name: The property, as a sentence that is true if it holds.
        result: Whether it does.
        path: The shortest path that breaks it, if a path does.
        explanation: What is wrong, if it is broken, or why it was not tried.
    """

    name: str
    result: Result = Result.HOLDS
    path: Path | None = None
    explanation: str = ""

    @classmethod
    def broken(cls, name: str, path: Path | None, explanation: str) -> Self:
        """Return the finding for a property that does not hold."""
        return cls(name=name, result=Result.BROKEN, path=path, explanation=explanation)

    @property
    def holds(self) -> bool:
        """Whether the property was tried, and nothing breaks it."""
        return self.result is Result.HOLDS


@frozen(kw_only=True)
class CheckVerdict:
    """The result of a check.

    Args:
        findings: One for each property.
        sessions: How many sessions Define was asked about.
        unusable: To how many of them it gave no reply that Cognito accepts.
        notes: What breaks no property and is worth knowing, each in one line.
        pool: The user pool whose settings were read; None if none were.
    """

    findings: tuple[Finding, ...]
    sessions: int
    unusable: int = 0
    notes: tuple[str, ...] = ()
    pool: str | None = None

    @property
    def holds(self) -> bool:
        """Whether all properties were tried and hold."""
        return all(finding.holds for finding in self.findings)


def define_event(
    session: Session,
    *,
    user_not_found: bool,
    user_pool_id: str,
    client_id: str,
    user_attributes: Mapping[str, str] = KNOWN_USER,
) -> DefineEvent:
    """Make the event that Cognito sends to Define.

    Args:
        session: The rounds so far.
        user_not_found: Whether the user does not exist.
        user_pool_id: The user pool that asks.
        client_id: The app client.
        user_attributes: What a user who exists has; a `sub` in any case.
    """
    return DefineEvent(
        user_pool_id=user_pool_id,
        client_id=client_id,
        username="nobody" if user_not_found else "ada",
        user_attributes={} if user_not_found else {"sub": SUB, **user_attributes},
        user_not_found=user_not_found,
        session=session,
    )


async def ask(define: Define, event: DefineEvent) -> SessionReply:
    """Send an event to Define, and read its reply as Cognito does.

    Args:
        define: The trigger.
        event: The event; the trigger gets the JSON of it, which it may change.
    """
    try:
        given = await define(event.to_json())
    except DefineFailedError as error:
        return _unusable(one_line(str(error)))
    except Exception as error:  # noqa: BLE001  # whatever a trigger raises ends the sign-in
        return _unusable(raised(error))
    try:
        given = as_json(given)
    except DefineFailedError as error:
        return _unusable(str(error))
    try:
        return SessionReply(DefineDecision[event.read_reply(given).name])
    except TriggerReplyError as error:
        return _unusable(str(error).removeprefix(f"{event.trigger} "))


def as_json(given: Any) -> Any:
    """Return a trigger's result as it arrives in JSON, the only form in which it can reply.

    Args:
        given: Whatever a handler returned.

    Raises:
        DefineFailedError: JSON cannot say it.
    """
    try:
        return json.loads(json.dumps(given))
    except (TypeError, ValueError, RecursionError):
        msg = "gives what JSON cannot say"
        raise DefineFailedError(msg) from None


def raised(error: BaseException) -> str:
    """Return an exception of a trigger as one line, as something that it "does".

    Args:
        error: What was raised: somebody else's, so it may fail to say itself in any way.
    """
    name = one_line(type(error).__name__, _ERROR_CHARS)
    try:
        text = one_line(str(error), _ERROR_CHARS)
    except BaseException:  # noqa: BLE001  # even SystemExit: it would end the check
        text = ""
    return f"raises {name}: {text}" if text else f"raises {name}"


def _unusable(why: str) -> SessionReply:
    return SessionReply(DefineDecision.UNUSABLE, why)
