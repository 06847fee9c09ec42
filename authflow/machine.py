"""The state machine of a sign-in: its rules, its states, its events, one table per auth flow.

RULES

1. Whatever decides which reply may follow which is in this file. The client, the embedded pool,
   the diagrams in the docs and the property tests all read the tables below; nobody keeps a copy.
2. A state is what a sign-in waits at: the challenge that was asked last, or what was chosen where
   there was a choice, or one of the two beginnings, or an end. The events are those of both sides:
   what a reply turned out to be, and what the client chose.
3. A reply that the table does not allow raises and changes nothing. This matters, because SRP as
   Cognito speaks it does not authenticate the server: a rogue or confused server must not be able
   to talk a client out of the flow that the caller chose, nor to hand out tokens in a flow that
   promised a proof of the password first.
4. A wrong answer that Cognito lets a user correct is no event: the sign-in stays where it is.
   For a one-time code Cognito says so by an error (CodeMismatchException), for a custom challenge
   by asking again (CUSTOM_CHALLENGE after CUSTOM_CHALLENGE).
5. From every state that is not an end, a sign-in can be refused, fail, expire or be cancelled.
   No end has a way out.
6. Nothing here awaits, reads a clock, draws a random number or logs.
7. The tables are a client's. SERVER_ALONE has the arrows that a pool takes and a client never does:
   where a password was given, it refuses to go on without a proof of it, while a pool serves other
   clients, too, that begin with SRP_A and mean to prove nothing.

Sources: "Authentication flows", "Custom authentication challenge Lambda triggers" and "Working
with user devices" in the Amazon Cognito developer guide; RespondToAuthChallenge in its API
reference.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Final

from attrs import field, frozen

from authflow.errors import MisuseError, SignInOverError, UnexpectedReplyError

if TYPE_CHECKING:
    from authflow.table_machine import TableMachine


class AuthFlow(StrEnum):
    """The client-side flows of Cognito that authflow signs in by."""

    USER_SRP_AUTH = "USER_SRP_AUTH"
    """The password never leaves the client."""
    USER_PASSWORD_AUTH = "USER_PASSWORD_AUTH"
    """The password goes to Cognito over TLS; the Migration trigger needs it."""
    CUSTOM_AUTH = "CUSTOM_AUTH"
    """Rounds of challenge and answer, defined by the pool's triggers; SRP may come first."""


class State(StrEnum):
    """The states of a sign-in: a beginning, a challenge that waits for an answer, or an end."""

    INITIATED = "initiated"
    """InitiateAuth was sent, without SRP_A."""
    SRP_A = "SRP_A"
    """InitiateAuth was sent with SRP_A: a proof of the password must come first."""

    PASSWORD_VERIFIER = "PASSWORD_VERIFIER"
    CUSTOM_CHALLENGE = "CUSTOM_CHALLENGE"
    NEW_PASSWORD_REQUIRED = "NEW_PASSWORD_REQUIRED"
    SMS_MFA = "SMS_MFA"
    SOFTWARE_TOKEN_MFA = "SOFTWARE_TOKEN_MFA"
    EMAIL_OTP = "EMAIL_OTP"
    SELECT_MFA_TYPE = "SELECT_MFA_TYPE"
    MFA_SETUP = "MFA_SETUP"
    DEVICE_SRP_AUTH = "DEVICE_SRP_AUTH"
    DEVICE_PASSWORD_VERIFIER = "DEVICE_PASSWORD_VERIFIER"

    SMS_MFA_CHOSEN = "SMS_MFA_chosen"
    """The client chose a code by text message, and nothing else may be asked for."""
    SOFTWARE_TOKEN_MFA_CHOSEN = "SOFTWARE_TOKEN_MFA_chosen"
    EMAIL_OTP_CHOSEN = "EMAIL_OTP_chosen"

    SIGNED_IN = "signed_in"
    REFUSED = "refused"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


BEGINNINGS: Final = frozenset({State.INITIATED, State.SRP_A})
ENDS: Final = frozenset(
    {State.SIGNED_IN, State.REFUSED, State.FAILED, State.EXPIRED, State.CANCELLED}
)
CHOSEN: Final[Mapping[State, State]] = {
    State.SMS_MFA_CHOSEN: State.SMS_MFA,
    State.SOFTWARE_TOKEN_MFA_CHOSEN: State.SOFTWARE_TOKEN_MFA,
    State.EMAIL_OTP_CHOSEN: State.EMAIL_OTP,
}
"""For each state that a choice leads to, the challenge that was chosen."""
CHALLENGES: Final = frozenset(State) - BEGINNINGS - ENDS - CHOSEN.keys()


@frozen
class Challenged:
    """The server asks for an answer to the challenge `name` (one of Cognito's ChallengeName)."""

    name: str

    @property
    def trigger(self) -> str:
        """The event's name in the tables and diagrams."""
        return f"challenged with {self.name}"


@frozen
class Chosen:
    """The client chose the challenge `name`, where the server offered a choice."""

    name: str = field(repr=False)

    @property
    def trigger(self) -> str:
        """The event's name in the tables and diagrams."""
        return f"chose {self.name}"


class Ending(StrEnum):
    """The events that end a sign-in."""

    AUTHENTICATED = "authenticated"
    DENIED = "denied"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"

    @property
    def trigger(self) -> str:
        """The event's name in the tables and diagrams."""
        return self.value


Event = Challenged | Chosen | Ending

END_OF: Final[Mapping[Ending, State]] = {
    Ending.AUTHENTICATED: State.SIGNED_IN,
    Ending.DENIED: State.REFUSED,
    Ending.FAILED: State.FAILED,
    Ending.EXPIRED: State.EXPIRED,
    Ending.CANCELLED: State.CANCELLED,
}

Table = Mapping[State, frozenset[State]]
"""For each state that is not an end: the challenges and choices that may follow, and SIGNED_IN if
tokens may. The other ends follow from each of these states (rule 5), so no table repeats them."""

_CODES = frozenset({State.SMS_MFA, State.SOFTWARE_TOKEN_MFA, State.EMAIL_OTP})
_SECOND_FACTOR = _CODES | {State.SELECT_MFA_TYPE, State.MFA_SETUP}
_DONE = frozenset({State.SIGNED_IN, State.DEVICE_SRP_AUTH})
_AFTER_PASSWORD = _DONE | _SECOND_FACTOR | {State.NEW_PASSWORD_REQUIRED}


def _after_password(then: frozenset[State]) -> dict[State, frozenset[State]]:
    """Return what Cognito may ask after it accepted a password; `then` follows the last of it."""
    return {
        State.NEW_PASSWORD_REQUIRED: _SECOND_FACTOR | then,
        State.SELECT_MFA_TYPE: frozenset(CHOSEN),
        **{choice: frozenset({chosen}) for choice, chosen in CHOSEN.items()},
        State.MFA_SETUP: frozenset({State.EMAIL_OTP}) | then,
        State.SMS_MFA: then,
        State.SOFTWARE_TOKEN_MFA: then,
        State.EMAIL_OTP: then,
        State.DEVICE_SRP_AUTH: frozenset({State.DEVICE_PASSWORD_VERIFIER}),
        State.DEVICE_PASSWORD_VERIFIER: then - {State.DEVICE_SRP_AUTH},
    }


_DONE_OR_CUSTOM = _DONE | {State.CUSTOM_CHALLENGE}

TABLES: Final[Mapping[AuthFlow, Table]] = {
    AuthFlow.USER_SRP_AUTH: {
        State.SRP_A: frozenset({State.PASSWORD_VERIFIER}),
        State.PASSWORD_VERIFIER: _AFTER_PASSWORD,
        **_after_password(_DONE),
    },
    AuthFlow.USER_PASSWORD_AUTH: {
        State.INITIATED: _AFTER_PASSWORD,
        **_after_password(_DONE),
    },
    AuthFlow.CUSTOM_AUTH: {
        State.INITIATED: frozenset({State.CUSTOM_CHALLENGE, State.SIGNED_IN}),
        State.SRP_A: frozenset({State.PASSWORD_VERIFIER}),
        State.PASSWORD_VERIFIER: _AFTER_PASSWORD | {State.CUSTOM_CHALLENGE},
        State.CUSTOM_CHALLENGE: _DONE_OR_CUSTOM,
        **_after_password(_DONE_OR_CUSTOM),
    },
}

SERVER_ALONE: Final[Mapping[AuthFlow, Table]] = {
    # So begin passwordless sign-ins of Amplify for iOS and Android ("Custom authentication flow").
    AuthFlow.CUSTOM_AUTH: {State.SRP_A: frozenset({State.CUSTOM_CHALLENGE})},
}
"""The challenges and choices that may follow in a server's table only (rule 7)."""


class Side(StrEnum):
    """The side of a sign-in: the client or the user pool."""

    CLIENT = "client"
    """The client asked for the sign-in, and refuses any reply that it did not ask for."""
    SERVER = "server"
    """The server is a user pool."""


def table(flow: AuthFlow, side: Side) -> Table:
    """Return a flow's table for one side."""
    alone = SERVER_ALONE.get(flow, {}) if side is Side.SERVER else {}
    return {
        state: followers | alone.get(state, frozenset())
        for state, followers in TABLES[flow].items()
    }


@cache
def _machine(flow: AuthFlow, side: Side) -> "TableMachine":
    """Return the machine of a flow's table, which all sign-ins by this flow share."""
    # A Lambda with triggers only reads the tables: it must not pay the import of `transitions`.
    from authflow.table_machine import TableMachine  # noqa: PLC0415

    return TableMachine(_transitions(flow, side))


def _transitions(flow: AuthFlow, side: Side) -> Iterator[tuple[str, str, str]]:
    """Yield the transitions of a flow's table and of rule 5: event, source, target."""
    for source, followers in table(flow, side).items():
        for follower in followers - ENDS:
            event = Chosen(CHOSEN[follower]) if follower in CHOSEN else Challenged(follower)
            yield event.trigger, str(source), str(follower)
        for outcome, end in END_OF.items():
            if outcome is not Ending.AUTHENTICATED or end in followers:
                yield outcome.trigger, str(source), str(end)


def beginning(*, srp: bool) -> State:
    """Return the state in which a sign-in begins.

    Args:
        srp: Whether InitiateAuth carries SRP_A.
    """
    return State.SRP_A if srp else State.INITIATED


def follows(flow: AuthFlow, state: State, event: Event, *, side: Side = Side.CLIENT) -> bool:
    """Return whether the table allows an event in a state."""
    return _machine(flow, side).allows(str(state), event.trigger)


def advance(flow: AuthFlow, state: State, event: Event, *, side: Side = Side.CLIENT) -> State:
    """Return the state that an event leads to.

    Args:
        flow: The auth flow whose table counts.
        state: Where the sign-in stands.
        event: What the server's reply was, what the client chose, or how the sign-in ended.
        side: Whose table counts.

    Returns:
        The new state. The old one is a value and stays as it is.

    Raises:
        SignInOverError: The sign-in has ended already.
        MisuseError: The client chose what cannot be chosen here.
        UnexpectedReplyError: The table does not allow this reply here.
    """
    if state in ENDS:
        msg = f"the sign-in has ended ({state}); start a new one"
        raise SignInOverError(msg)
    if not follows(flow, state, event, side=side):
        if isinstance(event, Chosen):
            # The typed text is not shown: it may be a code that was meant for another question.
            options = [str(CHOSEN[each]) for each in TABLES[flow].get(state, ()) if each in CHOSEN]
            msg = f"this cannot be chosen at {state}; what can: {', '.join(sorted(options)) or '-'}"
            raise MisuseError(msg)
        msg = (
            f"{flow} does not allow '{event.trigger[:80]}' after {state}: the server is not the "
            "user pool it should be, or its app client was set up for another flow"
        )
        raise UnexpectedReplyError(msg)
    return State(_machine(flow, side).move(str(state), event.trigger))
