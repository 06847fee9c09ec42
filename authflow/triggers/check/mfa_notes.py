"""Notes on the effects of MFA on custom challenges; MFA breaks no property of a Define trigger.

What Cognito does there is not documented. It was reported by users and confirmed by maintainers of
Amplify, so a note says "is reported". The embedded pool asks Define all the same, so that nothing
is skipped there (docs/pool.md); `factor_sessions` looks at what Define does then.
"""

from collections.abc import Iterable
from typing import Final

from authflow.machine import State
from authflow.triggers.check.define_paths import DefineDecision, Session, SessionReply

SKIPPED: Final = (
    "users with MFA skip what follows the password: Cognito is reported to ask for their second"
    " factor there, and Define not again (amplify-js#3876); the embedded pool asks Define"
)
NOT_ASKED: Final = (
    "users with MFA are asked for no second factor where no password is proved (amplify-js#12887)"
)
MFA_NOTES: Final = (SKIPPED, NOT_ASKED)


def mfa_notes(replies: Iterable[tuple[Session, SessionReply]]) -> tuple[str, ...]:
    """Return the notes on the effects of MFA on a Define trigger.

    Args:
        replies: The sessions of a user who exists, and what Define replied to each.
    """
    skipped = not_asked = False
    for session, reply in replies:
        proved = any(entry.challenge_name == State.PASSWORD_VERIFIER for entry in session)
        skipped |= proved and reply.decision is DefineDecision.CUSTOM_CHALLENGE
        not_asked |= not proved and reply.decision is DefineDecision.TOKENS
    return (*[SKIPPED] * skipped, *[NOT_ASKED] * not_asked)
