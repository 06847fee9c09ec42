"""What Cognito's errors mean: from a code and a text to one of our classes.

One code has many meanings, and often only the text separates them: NotAuthorizedException is a
wrong password, a lock-out, a spent session, a disabled user, a wrong SECRET_HASH or a revoked
token. Texts were collected from the developer guide and from issue threads; an unknown one stays a
RequestRejectedError with Cognito's own words.
"""

from collections.abc import Mapping
from typing import Final

from authflow import errors
from authflow.errors import AuthFlowError

_BAD_CREDENTIALS: Final = "wrong username, password or answer"

_BY_MESSAGE: Final[tuple[tuple[str, type[AuthFlowError], str], ...]] = (
    ("incorrect username or password", errors.BadCredentialsError, ""),
    ("user does not exist", errors.BadCredentialsError, ""),
    ("attempts exceeded", errors.LockedOutError, "too many failures: wait before the next try"),
    (
        "attempt limit exceeded",
        errors.LockedOutError,
        "too many failures: wait before the next try",
    ),
    ("session is expired", errors.SessionExpiredError, "the challenge was not answered in time"),
    ("session has expired", errors.SessionExpiredError, "the challenge was not answered in time"),
    ("only be used once", errors.SessionSpentError, "this challenge was answered before"),
    ("invalid session", errors.SessionSpentError, "this challenge was answered or has expired"),
    ("user is disabled", errors.UserDisabledError, "the user is disabled"),
    ("secret_hash", errors.SecretHashMismatchError, "check the client secret in the settings"),
    ("secret hash", errors.SecretHashMismatchError, "check the client secret in the settings"),
    ("secret was not received", errors.SecretHashMismatchError, "set the app client's secret"),
    ("client secret", errors.SecretHashMismatchError, "check the client secret in the settings"),
    ("flow not enabled", errors.FlowNotEnabledError, "allow the flow in the app client"),
    ("flow is not enabled", errors.FlowNotEnabledError, "allow the flow in the app client"),
    (
        "is not enabled for the client",
        errors.FlowNotEnabledError,
        "allow the flow in the app client",
    ),
    ("auth flow not supported", errors.FlowNotEnabledError, "allow the flow in the app client"),
    ("refresh token", errors.TokenRevokedError, "the refresh token is no longer good"),
    ("access token", errors.TokenRevokedError, "the access token is no longer good"),
    (
        "lambda trigger is not configured",
        errors.TriggerFailedError,
        "the user pool is not set up for this sign-in",
    ),
)
"""NotAuthorizedException and InvalidParameterException mean many things, and only the text says
which. First match wins."""

_BY_CODE: Final[Mapping[str, tuple[type[AuthFlowError], str]]] = {
    "UserNotFoundException": (errors.BadCredentialsError, ""),
    "CodeMismatchException": (errors.CodeMismatchError, "the code is wrong; try again"),
    "ExpiredCodeException": (errors.CodeExpiredError, "the code has expired; start again"),
    "UserNotConfirmedException": (
        errors.UserNotConfirmedError,
        "the user must confirm the sign-up first",
    ),
    "PasswordResetRequiredException": (
        errors.PasswordResetRequiredError,
        "the password must be reset first",
    ),
    "RefreshTokenReuseException": (errors.TokenRevokedError, "the refresh token was used before"),
    "TooManyFailedAttemptsException": (errors.LockedOutError, "too many failures: wait"),
    "LimitExceededException": (errors.LockedOutError, "too many tries: wait"),
    "TooManyRequestsException": (errors.ThrottledError, "Cognito asks to slow down"),
    "ThrottlingException": (errors.ThrottledError, "Cognito asks to slow down"),
    "RequestLimitExceeded": (errors.ThrottledError, "Cognito asks to slow down"),
    "InternalErrorException": (errors.ServerFaultError, "the server failed; try again later"),
    "ServiceUnavailable": (errors.ServerFaultError, "the server failed; try again later"),
}

_WITH_REASON: Final[Mapping[str, tuple[type[AuthFlowError], str]]] = {
    "InvalidPasswordException": (errors.NewPasswordRejectedError, "the password was rejected"),
    "PasswordHistoryPolicyViolationException": (
        errors.NewPasswordRejectedError,
        "the password was rejected",
    ),
    "UserLambdaValidationException": (errors.TriggerFailedError, "a trigger refused"),
    "UnexpectedLambdaException": (errors.TriggerFailedError, "a trigger could not be run"),
    "InvalidLambdaResponseException": (errors.TriggerFailedError, "a trigger's result is invalid"),
    "InvalidUserPoolConfigurationException": (
        errors.TriggerFailedError,
        "the user pool is not set up for this sign-in",
    ),
}
"""Errors whose text is written for the person who reads it."""

_CODE_CHARS: Final = 80
_REASON_CHARS: Final = 300


def _printable(text: str, most: int) -> str:
    return "".join(c if c.isprintable() else " " for c in text[:most])


def read_error(aws_code: str, text: str) -> AuthFlowError:
    """Turn one of Cognito's errors into ours.

    Args:
        aws_code: Cognito's name for it, such as NotAuthorizedException.
        text: Its message, with everything secret taken out already.
    """
    aws_code, reason = _printable(aws_code, _CODE_CHARS), _printable(text, _REASON_CHARS)
    if aws_code in _WITH_REASON:
        kind, what = _WITH_REASON[aws_code]
        return kind(f"{what}: {reason}", aws_code=aws_code)
    if aws_code in _BY_CODE:
        kind, what = _BY_CODE[aws_code]
        return kind(what or _BAD_CREDENTIALS, aws_code=aws_code)
    if aws_code in {"NotAuthorizedException", "InvalidParameterException"}:
        for part, kind, what in _BY_MESSAGE:
            if part in text.lower():
                return kind(what or _BAD_CREDENTIALS, aws_code=aws_code)
    return errors.RequestRejectedError(f"{aws_code}: {reason}", aws_code=aws_code)
