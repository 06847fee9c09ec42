"""Cognito's JSON names on one side, our values on the other. Only this package spells them.

The client builds requests and reads replies with `requests` and `replies`; the pool and the
triggers use the names alone, and import nothing else. Source: InitiateAuth, RespondToAuthChallenge
and GetTokensFromRefreshToken in the Amazon Cognito user pools API reference.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from authflow.lazy_names import lazy_names

if TYPE_CHECKING:
    from authflow.wire.replies import Reply, read_reply, read_tokens, required_attributes
    from authflow.wire.requests import Answers, AppClient, Request, answer, secret_hash, sign_out
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "authflow.wire.replies": "Reply read_reply read_tokens required_attributes",
            "authflow.wire.requests": "Answers AppClient Request answer secret_hash sign_out",
        },
    )

__all__ = [
    "ANSWER",
    "ANSWER_KEYS",
    "ATTEMPT",
    "ATTEMPTS",
    "CHALLENGE_NAME",
    "CHOICE",
    "CONDITION",
    "DEVICE_KEY",
    "KIND",
    "NEW_PASSWORD",
    "OPTIONS",
    "PASSWORD",
    "PASSWORD_CLAIM_SECRET_BLOCK",
    "PASSWORD_CLAIM_SIGNATURE",
    "REFRESH_TOKEN",
    "REQUIRED_ATTRIBUTES",
    "SALT",
    "SECRET_BLOCK",
    "SECRET_HASH",
    "SESSION_CHARS",
    "SKIP",
    "SRP_A",
    "SRP_B",
    "TIMESTAMP",
    "USERNAME",
    "USER_ATTRIBUTES",
    "USER_ATTRIBUTE_PREFIX",
    "USER_ID_FOR_SRP",
    "WANTED",
    "Answers",
    "AppClient",
    "Reply",
    "Request",
    "answer",
    "read_reply",
    "read_tokens",
    "required_attributes",
    "secret_hash",
    "sign_out",
]

# Auth parameters, challenge parameters and challenge answers.
USERNAME: Final = "USERNAME"
PASSWORD: Final = "PASSWORD"
SRP_A: Final = "SRP_A"
CHALLENGE_NAME: Final = "CHALLENGE_NAME"
SECRET_HASH: Final = "SECRET_HASH"
DEVICE_KEY: Final = "DEVICE_KEY"
REFRESH_TOKEN: Final = "REFRESH_TOKEN"
SALT: Final = "SALT"
SRP_B: Final = "SRP_B"
SECRET_BLOCK: Final = "SECRET_BLOCK"
USER_ID_FOR_SRP: Final = "USER_ID_FOR_SRP"
PASSWORD_CLAIM_SECRET_BLOCK: Final = "PASSWORD_CLAIM_SECRET_BLOCK"
PASSWORD_CLAIM_SIGNATURE: Final = "PASSWORD_CLAIM_SIGNATURE"
TIMESTAMP: Final = "TIMESTAMP"
ANSWER: Final = "ANSWER"
NEW_PASSWORD: Final = "NEW_PASSWORD"
USER_ATTRIBUTES: Final = "userAttributes"
REQUIRED_ATTRIBUTES: Final = "requiredAttributes"
USER_ATTRIBUTE_PREFIX: Final = "userAttributes."

ANSWER_KEYS: Final[Mapping[str, str]] = {
    "CUSTOM_CHALLENGE": ANSWER,
    "SMS_MFA": "SMS_MFA_CODE",
    "SOFTWARE_TOKEN_MFA": "SOFTWARE_TOKEN_MFA_CODE",
    "EMAIL_OTP": "EMAIL_OTP_CODE",
    "SELECT_MFA_TYPE": ANSWER,
    "NEW_PASSWORD_REQUIRED": NEW_PASSWORD,
}
"""The challenges that one text answers, and the name under which the text is sent."""

# What authflow's triggers tell its client in the public challenge parameters. Other clients see
# plain strings and may ignore them.
KIND: Final = "challenge"
ATTEMPT: Final = "attempt"
ATTEMPTS: Final = "attempts"
CHOICE: Final = "choice"
"""The kind of a round in which the client chooses between options."""
OPTIONS: Final = "options"
"""What a choice offers, with blanks between the names."""
SKIP: Final = "skip"
"""The option of doing without an optional challenge."""
CONDITION: Final = "condition"
"""The kind of a round in which the client tells its metadata."""
WANTED: Final = "wanted"
"""The names of the client metadata that a condition wants, with blanks between them."""

SESSION_CHARS: Final = range(20, 4097)
"""The length of Cognito's session."""
