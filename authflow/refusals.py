"""Cognito's errors, turned from a code and a text into one of our errors.

What came is classified first, whatever was typed (`causes`), and what is shown is chosen then. What
has a class has words of its own. Others' words are shown where they are written for the person (a
trigger refuses) or where nobody knows what they mean; and not where they hold something of what was
sent (`echoes`). Nothing that came is kept on an error besides.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from authflow import errors
from authflow.causes import (
    ACCESS_TOKEN_IS_NO_GOOD,
    BAD_CREDENTIALS,
    CODES,
    COMPROMISED,
    LOCKED,
    LOCKED_FOR_AN_HOUR,
    NO_POOL,
    QUOTA_IS_REACHED,
    REFRESH_TOKEN_IS_NO_GOOD,
    SERVER_FAULT,
    STATUSES,
    THREAT,
    THROTTLED,
    UNKNOWN,
    USER_NOT_FOUND,
    WAF,
    Cause,
)
from authflow.echoes import echoes
from authflow.errors import AuthFlowError, NextStep
from authflow.printable import MOST_CHARS, one_line
from authflow.retry_after import read_retry_after

_CODE_CHARS: Final = 80
_READ_CHARS: Final = 4 * MOST_CHARS
"""The most characters of a text that are read: as many as `one_line` reads."""
_TOLD_ABOUT_CREDENTIALS: Final = "NotAuthorizedException"
"""Cognito's code for a wrong password; if it hides who exists, for every unknown name, too."""
_NO_CREDENTIALS: Final[Mapping[str, Cause]] = {
    "GetTokensFromRefreshToken": REFRESH_TOKEN_IS_NO_GOOD,
    "RevokeToken": REFRESH_TOKEN_IS_NO_GOOD,
    **dict.fromkeys(
        (
            *("GlobalSignOut", "ConfirmDevice", "UpdateDeviceStatus"),
            *("ForgetDevice", "GetDevice", "ListDevices"),
            *("GetUser", "SetUserMFAPreference", "UpdateUserAttributes", "DeleteUserAttributes"),
            *("GetUserAttributeVerificationCode", "VerifyUserAttribute", "DeleteUser"),
        ),
        ACCESS_TOKEN_IS_NO_GOOD,
    ),
}
"""The cause of wrong credentials where only a token is sent: the token's user was deleted."""
_LIMITS: Final = "LimitExceededException"
_LIMITED: Final[Mapping[str, Cause]] = {
    **dict.fromkeys(
        (
            *("SignUp", "ConfirmSignUp", "ResendConfirmationCode"),
            *("ForgotPassword", "ConfirmForgotPassword", "AdminResetUserPassword"),
            *("UpdateUserAttributes", "GetUserAttributeVerificationCode", "VerifyUserAttribute"),
        ),
        LOCKED_FOR_AN_HOUR,
    ),
    **dict.fromkeys(("CreateGroup", "UpdateGroup", "AdminCreateUser"), QUOTA_IS_REACHED),
}
"""The meaning of a limit where it is no lock of sign-ins: codes that are sent, and attempts to
enter one, are counted by the hour ("Forgot password behavior" in the developer guide); others are
quotas of a pool."""
_ADMINISTRATORS: Final = "Admin"
"""The beginning of the names of operations that are told who exists."""
_CHANGE: Final = "ChangePassword"
_REFRESH: Final = "GetTokensFromRefreshToken"
_NOT_OF_A_TOKEN: Final = frozenset(
    {
        *(errors.SecretHashMismatchError, errors.PoolNotFoundError, errors.PoolSetupError),
        *(errors.FlowNotEnabledError, errors.WrongTokenError),
        *(errors.UserDisabledError, errors.UserNotConfirmedError),
        errors.PasswordResetRequiredError,
        *(errors.LockedOutError, errors.RequestBlockedError, errors.SignInBlockedError),
    }
)
"""The refusals of a refresh by NotAuthorizedException that are not about its token: they are about
the app client, the pool, the user or who asks. A refresh has no session, code or password that
could be wrong, and it is the only code that GetTokensFromRefreshToken has for a token that is no
good (API reference), but for one that rotation ended. So whatever else it says, in words of a
challenge or in words that nobody knows, is about the token: its owner signs in again, and does not
try for ever. No other operation's error is taken to say that a token is gone, for then a sign-out
would be done that is not."""
_WAF_HEADER: Final = "x-amzn-waf-action"
"""The header of AWS WAF's own replies: "captcha" with HTTP's 405, "challenge" with 202 ("How the
AWS WAF CAPTCHA and Challenge actions work" in its developer guide)."""
_TELLS_WHO_EXISTS: Final = "UserNotFoundException"
_OF_COGNITO_ALONE: Final = frozenset({"NotAuthorizedException", "InvalidParameterException"})
"""Codes that no gateway sends: the HTTP status says nothing more about them."""
_SERVER_ERRORS: Final = 500
"""HTTP's first status of a server error."""


def read_error(
    aws_code: str,
    text: str,
    *,
    operation: str = "InitiateAuth",
    secrets: Iterable[str] = (),
    status: int = 400,
    headers: Mapping[str, str] | None = None,
) -> AuthFlowError:
    """Turn one of Cognito's errors into one of ours.

    Args:
        aws_code: Cognito's name for it, such as NotAuthorizedException, as it came; a number where
            the reply was not Cognito's.
        text: Its message, as it came.
        operation: What was asked for, such as "RespondToAuthChallenge".
        secrets: What was sent and must not be told.
        status: The reply's HTTP status.
        headers: The reply's HTTP headers, under names in lower case.

    Returns:
        The error. Its text, its code and all else in it can be shown.
    """
    named = bool(aws_code) and not aws_code.isdecimal()
    cause = _cause(aws_code if named else "", text, operation, status)
    if is_stopped(headers or {}):
        cause = WAF
    secrets, told, its_code = tuple(secrets), cause.told, None
    if named and (aws_code in CODES or not echoes(aws_code[:_READ_CHARS], secrets)):
        its_code = one_line(aws_code, _CODE_CHARS)
    hidden = aws_code == _TELLS_WHO_EXISTS and cause is not USER_NOT_FOUND
    if cause.kind is errors.BadCredentialsError or hidden:
        its_code = _TOLD_ABOUT_CREDENTIALS
    if cause.kind is errors.ServerFaultError and status >= _SERVER_ERRORS:
        told = f"the server failed with HTTP status {status}"
    if cause.in_its_words:
        told = told or its_code or "the server refused the request"
        words = one_line(text) if not echoes(text[:_READ_CHARS], secrets) else ""
        told = f"{told}: {words}" if words else told
    return cause.kind(told, aws_code=its_code, retry_after=_wait(cause, headers or {}))


def is_stopped(headers: Mapping[str, str]) -> bool:
    """Return whether a firewall (AWS WAF) answered instead of the user pool."""
    return _WAF_HEADER in headers


def _cause(aws_code: str, text: str, operation: str, status: int) -> Cause:
    """Return the meaning of an error, from its code and text as they came."""
    known = CODES.get(aws_code)
    cause = UNKNOWN if known is None else known.read(_folded(text))
    if status >= _SERVER_ERRORS and cause is not THROTTLED:
        return SERVER_FAULT
    if cause is UNKNOWN and aws_code not in _OF_COGNITO_ALONE:
        return STATUSES.get(status, UNKNOWN if aws_code else NO_POOL)
    if cause is COMPROMISED and operation != "RespondToAuthChallenge":
        # The user's existing password is refused, and no other one can be chosen here.
        return cause if aws_code == "InvalidPasswordException" else THREAT
    if cause is LOCKED and aws_code == _LIMITS:
        return _LIMITED.get(operation, cause)
    if cause is BAD_CREDENTIALS:
        if operation.startswith(_ADMINISTRATORS) and aws_code == _TELLS_WHO_EXISTS:
            return USER_NOT_FOUND
        if operation == _CHANGE and aws_code == _TELLS_WHO_EXISTS:  # not the old password
            return ACCESS_TOKEN_IS_NO_GOOD
        return _NO_CREDENTIALS.get(operation, cause)
    if operation == _REFRESH and aws_code == _TOLD_ABOUT_CREDENTIALS:
        return cause if cause.kind in _NOT_OF_A_TOKEN else REFRESH_TOKEN_IS_NO_GOOD
    return cause


def _folded(text: str) -> str:
    return " ".join(text[:_READ_CHARS].casefold().split())


def _wait(cause: Cause, headers: Mapping[str, str]) -> float | None:
    """Return how many seconds to wait before the next try; None where waiting does not help."""
    if cause.kind.next_step is not NextStep.WAIT:
        return None
    asked = read_retry_after(headers)
    return cause.wait if asked is None else asked
