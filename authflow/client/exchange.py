"""A request and its outcome, without secrets: for logs, traces and demonstrations."""

from collections.abc import Mapping
from typing import Any, Final, Self

from attrs import frozen

from authflow import rounds
from authflow.echoes import HIDDEN, without_secrets
from authflow.errors import AuthFlowError
from authflow.machine import State
from authflow.printable import printable
from authflow.wire import Request
from authflow.wire.auth_parameters import CHALLENGE_NAME, SRP_A
from authflow.wire.members import USER_ID_FOR_SRP, USERNAME
from authflow.wire.mfa_choice import OPTIONS
from authflow.wire.new_password import REQUIRED_ATTRIBUTES, USER_ATTRIBUTES
from authflow.wire.password_verifier import SALT, SECRET_BLOCK, SRP_B, TIMESTAMP

_LONGEST: Final = 48
"""Characters of a value that are shown: enough to distinguish values."""
_SHOWN: Final = frozenset(
    {
        *("AuthFlow", "ClientId", "ChallengeName", "ExpiresIn", "TokenType"),
        *(USERNAME, CHALLENGE_NAME, USER_ID_FOR_SRP, TIMESTAMP, REQUIRED_ATTRIBUTES),
        *(SRP_A, SRP_B, SALT),  # SRP's public values: they may cross any network
        *(rounds.KIND, rounds.ATTEMPT, rounds.ATTEMPTS),
    }
)
_CHALLENGES: Final = frozenset(map(str, State))
_GROUPS: Final = frozenset(
    {"AuthParameters", "ChallengeResponses", "ChallengeParameters", "AuthenticationResult"}
)
_DOCUMENTED: Final = (
    _SHOWN
    | _GROUPS
    | {*("Session", "AvailableChallenges", "NewDeviceMetadata", SECRET_BLOCK, OPTIONS)}
    | {*("AccessToken", "IdToken", "RefreshToken", USER_ATTRIBUTES)}
)
"""Names of a reply's members that Cognito documents, and our triggers' own."""


@frozen(kw_only=True)
class Exchange:
    """One request and its outcome. Every value that is not known to be harmless is hidden.

    What cannot be printed in the others, and in the members' names, is escaped: a server wrote it.
    For the same reason either is hidden if it repeats what was sent.

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
        """Return a request and its outcome without the secrets in them."""
        sent = _shown(request.body)
        if isinstance(outcome, AuthFlowError):
            return cls(operation=request.operation, sent=sent, received={}, error=outcome)
        received = _shown(outcome, request.secrets())
        return cls(operation=request.operation, sent=sent, received=received)


def _shown(members: Mapping[str, Any], secrets: frozenset[str] = frozenset()) -> dict[str, Any]:
    return {
        printable(without_secrets(str(name), secrets, documented=_DOCUMENTED)): (
            _shown(value, secrets)
            if name in _GROUPS and isinstance(value, Mapping)
            else _one(name, value, secrets)
        )
        for name, value in members.items()
        if name != "ResponseMetadata"  # botocore's own, not Cognito's
    }


def _one(name: str, value: Any, secrets: frozenset[str]) -> Any:
    if name not in _SHOWN:
        return HIDDEN
    text = printable(without_secrets(str(value), secrets, documented=_CHALLENGES))
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text)} characters)"
