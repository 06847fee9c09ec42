"""Cognito's errors, with the texts that clients look for.

Texts were collected from the API reference and from public reports of what Cognito answers; clients
tell many cases of one code apart by them.
"""

from typing import Final

from authflow.wire.members import BASE64, MemberError
from authflow.wire.password_verifier import TIMESTAMP_FORM

BAD_CREDENTIALS: Final = "Incorrect username or password."
NO_SUCH_USER: Final = "no such user"


class CognitoError(Exception):
    """A refusal by the pool, as Cognito would send it.

    Args:
        code: Cognito's name for the error.
        message: Its text; it reaches the client, so it holds no secret and nothing internal.
        status: The HTTP status.
        reason: What the pool's owner reads, where the client hears less. It holds nothing that was
            typed.
    """

    def __init__(self, code: str, message: str, status: int = 400, *, reason: str = "") -> None:
        super().__init__(f"{code}: {message}")
        self.reason = reason
        self.code = code
        self.message = message
        self.status = status


def invalid_parameter(message: str, *, reason: str = "") -> CognitoError:
    """Return the refusal of a request with wrong parameters."""
    return CognitoError("InvalidParameterException", message, reason=reason)


def _invalid(message: str) -> CognitoError:
    """Return the refusal of parameters, in words that contain nothing of what was typed."""
    return invalid_parameter(message, reason=message)


def missing_parameter(name: str) -> CognitoError:
    """Return the refusal of a request without an entry of AuthParameters or ChallengeResponses."""
    return _invalid(f"Missing required parameter {name}")


def malformed_member(error: MemberError) -> CognitoError:
    """Return the refusal of an unreadable entry of AuthParameters or ChallengeResponses."""
    if error.form is None:
        return missing_parameter(error.name)
    if error.form == BASE64:
        return _invalid(f"Invalid {error.name} format. Must be a Base64 string.")
    if error.form == TIMESTAMP_FORM:
        return _invalid(f"{error.name} format should be {error.form}.")
    return _invalid(f"{error.name} must be {error.form}.")


def not_authorized(message: str = BAD_CREDENTIALS, *, reason: str = "") -> CognitoError:
    """Return a refusal; without a message, for a wrong password, answer or name.

    Args:
        message: What the client hears.
        reason: As of every error. By default it is the message, which then is a fixed text: the
            owner of the pool reads it even where a word of it is what was typed.
    """
    if message != BAD_CREDENTIALS:
        reason = reason or message
    return CognitoError("NotAuthorizedException", message, reason=reason)


def invalid_session(told: str = "", *, because: str = "") -> CognitoError:
    """Return the refusal of a session: unknown, used, expired or of another sign-in.

    Args:
        told: What the client hears of why.
        because: What the pool's owner reads instead, where the client hears nothing.
    """
    return not_authorized(f"Invalid session for the user{told and ', '}{told}.", reason=because)


def user_not_found() -> CognitoError:
    """Return the refusal of an unknown user, for an app client that does not hide users."""
    message = "User does not exist."
    return CognitoError("UserNotFoundException", message, reason=message)


def user_not_found_by_name() -> CognitoError:
    """Return the refusal of an unknown user, as the operations on forgotten passwords word it."""
    message = "Username/client id combination not found."
    return CognitoError("UserNotFoundException", message, reason=message)


def too_many_requests() -> CognitoError:
    """Return the refusal of a request that may come again later, in the words of AWS."""
    return CognitoError("TooManyRequestsException", "Rate exceeded", reason="Rate exceeded")


def limit_exceeded() -> CognitoError:
    """Return the refusal of an attempt after too many others."""
    message = "Attempt limit exceeded, please try after some time."
    return CognitoError("LimitExceededException", message, reason=message)


def no_such_pool(pool_id: str) -> CognitoError:
    """Return the refusal of an unknown user pool id."""
    message = f"User pool {pool_id} does not exist."
    return CognitoError("ResourceNotFoundException", message, reason="no such user pool")


def no_such_client(client_id: str) -> CognitoError:
    """Return the refusal of an app client id that is unknown, or not of this pool."""
    message = f"User pool client {client_id} does not exist."
    reason = "no such app client, or none of this user pool"
    return CognitoError("ResourceNotFoundException", message, reason=reason)


def invalid_trigger_result(
    message: str = "Unrecognizable lambda output", *, reason: str = ""
) -> CognitoError:
    """Return the refusal for an invalid result of a trigger."""
    return CognitoError("InvalidLambdaResponseException", message, reason=reason)


def cannot_ask(setting: str, reason: str) -> CognitoError:
    """Return the refusal of a sign-in that Cognito would have challenged, because of a setting.

    Args:
        setting: The setting, such as `MfaConfiguration=ON`.
        reason: What Cognito would do.
    """
    return CognitoError(
        "InvalidUserPoolConfigurationException",
        f"{setting}: {reason}. This pool cannot do that yet, and gives no tokens instead;"
        " see docs/pool.md of authflow.",
        reason=f"{setting}: {reason}",
    )
