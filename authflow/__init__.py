"""Sign users in to Amazon Cognito, write its custom challenges, run all of it without AWS."""

from typing import TYPE_CHECKING, Any

from authflow.errors import AuthFlowError
from authflow.machine import AuthFlow
from authflow.results import Challenge, ChallengeRequired, SignedIn, SignInResult, Tokens
from authflow.secret import Secret

if TYPE_CHECKING:
    from authflow.client import AuthClient, AuthConfig

__all__ = [
    "AuthClient",
    "AuthConfig",
    "AuthFlow",
    "AuthFlowError",
    "Challenge",
    "ChallengeRequired",
    "Secret",
    "SignInResult",
    "SignedIn",
    "Tokens",
]


def __getattr__(name: str) -> Any:
    """Load the client when it is asked for: a Lambda with triggers never pays for it."""
    if name in {"AuthClient", "AuthConfig"}:
        from authflow import client  # noqa: PLC0415

        return getattr(client, name)
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
