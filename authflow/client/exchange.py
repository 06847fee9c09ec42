"""One request and what became of it, as it may be shown: for logs, traces and demonstrations."""

from collections.abc import Mapping
from typing import Any, Final, Self

from attrs import frozen

from authflow import rounds
from authflow.errors import AuthFlowError
from authflow.printable import printable
from authflow.wire import Request
from authflow.wire.auth_parameters import CHALLENGE_NAME, SRP_A
from authflow.wire.members import USER_ID_FOR_SRP, USERNAME
from authflow.wire.new_password import REQUIRED_ATTRIBUTES
from authflow.wire.password_verifier import SALT, SRP_B, TIMESTAMP

HIDDEN: Final = "***"
_LONGEST: Final = 48
"""Characters of a value that are shown: enough to tell one from another."""
_SHOWN: Final = frozenset(
    {
        *("AuthFlow", "ClientId", "ChallengeName", "ExpiresIn", "TokenType"),
        *(USERNAME, CHALLENGE_NAME, USER_ID_FOR_SRP, TIMESTAMP, REQUIRED_ATTRIBUTES),
        *(SRP_A, SRP_B, SALT),  # SRP's public values: they may cross any network
        *(rounds.KIND, rounds.ATTEMPT, rounds.ATTEMPTS),
    }
)
_GROUPS: Final = frozenset(
    {"AuthParameters", "ChallengeResponses", "ChallengeParameters", "AuthenticationResult"}
)


@frozen(kw_only=True)
class Exchange:
    """One request and its outcome. Every value that is not known to be harmless is hidden.

    What cannot be printed in the others, and in the members' names, is escaped: a server wrote it.

    Args:
        operation: Cognito's operation, such as "InitiateAuth".
        sent: The request's members.
        received: The reply's members; empty if there was none.
        error: What the request ended with instead of a reply.
    """

    operation: str
    sent: Mapping[str, Any]
    received: Mapping[str, Any]
    error: AuthFlowError | None = None

    @classmethod
    def of(cls, request: Request, outcome: Mapping[str, Any] | AuthFlowError) -> Self:
        """Take the secrets out of an exchange."""
        sent = _shown(request.body)
        if isinstance(outcome, AuthFlowError):
            return cls(operation=request.operation, sent=sent, received={}, error=outcome)
        return cls(operation=request.operation, sent=sent, received=_shown(outcome))


def _shown(members: Mapping[str, Any]) -> dict[str, Any]:
    return {
        printable(str(name)): (
            _shown(value) if name in _GROUPS and isinstance(value, Mapping) else _one(name, value)
        )
        for name, value in members.items()
        if name != "ResponseMetadata"  # botocore's own, not Cognito's
    }


def _one(name: str, value: Any) -> Any:
    if name not in _SHOWN:
        return HIDDEN
    text = printable(str(value))
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text)} characters)"
