"""The sessions with which Cognito can ask a Define trigger; they are defined only here.

RULES

1. A client chooses how a sign-in begins: with nothing, or with SRP_A, which proves nothing yet.
2. After PASSWORD_VERIFIER Define is asked again only if the password was right. A wrong one ends
   the sign-in (NotAuthorizedException), so no entry ever says that PASSWORD_VERIFIER failed.
3. Nobody proves the password of a user who does not exist: such a sign-in ends there.
4. A user who has a temporary password chooses another one before Define is asked again.
5. Whether a custom challenge is passed is Verify's word, for whoever answers: Cognito tells Verify
   that a user does not exist, and takes its answer. So both results are possible, for everybody.
6. A user who has MFA is asked for the second factor right after the password, and Define is
   reported not to be asked again: `mfa_notes` tells of it, and no session here holds such an entry.
   Those that a pool brings which asks Define then are in `factor_sessions`.

The tests run triggers in the embedded pool, and hold what it brings before Define against this.

Sources: "Define Auth challenge Lambda trigger" and "Managing error responses" in the Amazon Cognito
developer guide; amplify-js#3876 and amplify-js#12887 for MFA.
"""

from collections.abc import Iterator
from typing import Final

from authflow.machine import AuthFlow, Side, State, table
from authflow.triggers.check.define_paths import SRP_A, DefineDecision, Session
from authflow.triggers.events.challenge_events import SessionEntry

BEGINNINGS: Final[tuple[Session, ...]] = ((), (SRP_A,))
"""The sessions with which Define can be asked first."""

_AFTER: Final = table(AuthFlow.CUSTOM_AUTH, Side.SERVER)

_BETWEEN: Final = (State.NEW_PASSWORD_REQUIRED,)
"""The challenge that Cognito itself asks between the password and Define (rule 4)."""


def sessions_after(
    session: Session, decision: DefineDecision, *, user_not_found: bool, metadata: str | None = None
) -> Iterator[Session]:
    """Return the sessions with which Define can be asked next; none if the sign-in is over.

    Args:
        session: What Define was asked about.
        decision: What it decided.
        user_not_found: Whether the user does not exist.
        metadata: What Create writes into challengeMetadata.
    """
    match decision:
        case DefineDecision.CUSTOM_CHALLENGE:
            for passed in (False, True):
                yield (*session, _entry(State.CUSTOM_CHALLENGE, metadata, passed=passed))
        case DefineDecision.PASSWORD_VERIFIER if not user_not_found:
            proved = (*session, _entry(State.PASSWORD_VERIFIER))
            yield proved
            for state in _BETWEEN:
                if state in _AFTER[State.PASSWORD_VERIFIER]:
                    yield (*proved, _entry(state))


def with_new_password(session: Session) -> bool:
    """Return whether a session's user had to choose another password (rule 4)."""
    return any(entry.challenge_name in _BETWEEN for entry in session)


def _entry(state: State, metadata: str | None = None, *, passed: bool = True) -> SessionEntry:
    return SessionEntry(
        challenge_name=state.value, challenge_result=passed, challenge_metadata=metadata
    )
