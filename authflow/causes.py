"""The meaning of Cognito's errors: the class for each code and text, and what is said about it.

One code has many meanings, and often only the text separates them: NotAuthorizedException is a
wrong password, a lock-out, a spent session, a disabled user, a wrong SECRET_HASH or a revoked
token. The texts are those of the developer guide, the API reference and what others report that
Cognito said; `tests/scenarios/refusals.json` has each with its source. Texts change in small
things, so a few words that carry the meaning are looked for, whatever stands around them.
"""

import re
from collections.abc import Mapping
from typing import Final

from attrs import frozen

from authflow import errors
from authflow.errors import AuthFlowError

LOCKED_SECONDS: Final = 900.0
"""Cognito's longest lock. Cognito does not say how long a lock lasts: see `LockedOutError`."""
THROTTLED_SECONDS: Final = 1.5
"""Seconds to wait before asking again, if the server does not say. A server asks for whole numbers,
and this is none, so that the two can be distinguished."""


@frozen
class Cause:
    """The reason why the server refused a request.

    Args:
        kind: The class of the error.
        told: What the error says, in our words.
        in_its_words: Whether Cognito's words follow: they are for the person, or nobody knows them.
        wait: Seconds to wait where the server does not say.
    """

    kind: type[AuthFlowError]
    told: str
    in_its_words: bool = False
    wait: float | None = None


@frozen
class ErrorCode:
    """The meaning of an error code.

    Args:
        texts: What it means where its text has certain words; the first that fits counts.
        else_: What it means otherwise.
    """

    else_: Cause
    texts: tuple[tuple[re.Pattern[str], Cause], ...] = ()

    def read(self, text: str) -> Cause:
        """Return the code's meaning with a text, which is in lower case and on one line."""
        for words, cause in self.texts:
            if words.search(text):
                return cause
        return self.else_


BAD_CREDENTIALS: Final = Cause(errors.BadCredentialsError, "wrong username, password or answer")
USER_NOT_FOUND: Final = Cause(errors.UserNotFoundError, "no user of the pool has this name")
REFRESH_TOKEN_IS_NO_GOOD: Final = Cause(
    errors.TokenRevokedError, "the refresh token is no longer good: sign in again"
)
ACCESS_TOKEN_IS_NO_GOOD: Final = Cause(
    errors.TokenRevokedError, "the access token is no longer good: sign in again"
)
BLOCKED: Final = Cause(
    errors.RequestBlockedError,
    "a firewall or proxy in front of the user pool stopped the request: its owner knows why",
)
THROTTLED: Final = Cause(
    errors.ThrottledError, "the server asks to slow down", wait=THROTTLED_SECONDS
)
TOO_LARGE: Final = Cause(
    errors.RequestRejectedError, "the request is too large for the server: send less"
)
TIMED_OUT: Final = Cause(errors.TimedOutError, "the server did not get the request in time")
NO_POOL: Final = Cause(
    errors.MalformedReplyError, "the reply is no user pool's: check the endpoint"
)
SERVER_FAULT: Final = Cause(errors.ServerFaultError, "the server failed; try again later")
UNKNOWN: Final = Cause(errors.RequestRejectedError, "", in_its_words=True)

WAF: Final = Cause(
    errors.RequestBlockedError,
    "a firewall (AWS WAF) stopped the request: the user pool's owner knows why",
)
LOCKED: Final = Cause(
    errors.LockedOutError, "too many failures: wait before the next try", wait=LOCKED_SECONDS
)
LOCKED_FOR_AN_HOUR: Final = Cause(
    errors.LockedOutError, "too many attempts in this hour: wait before the next one", wait=3600.0
)
QUOTA_IS_REACHED: Final = Cause(
    errors.RequestRejectedError, "a quota of the user pool is reached", in_its_words=True
)
_EXPIRED: Final = Cause(errors.SessionExpiredError, "the challenge was not answered in time")
_SPENT: Final = Cause(errors.SessionSpentError, "this challenge was answered before")
_SESSION: Final = Cause(errors.SessionSpentError, "this challenge was answered or has expired")
_CODE: Final = Cause(errors.CodeMismatchError, "the code is wrong; try again")
_CODE_USED: Final = Cause(
    errors.CodeMismatchError, "the code was used before: wait for the next one, and try again"
)
_DISABLED: Final = Cause(errors.UserDisabledError, "the user is disabled")
_NOT_CONFIRMED: Final = Cause(
    errors.UserNotConfirmedError,
    "the user must confirm the sign-up first: by confirm_sign_up, with the code that was sent, or"
    " another one by resend_code",
)
_RESET: Final = Cause(
    errors.PasswordResetRequiredError,
    "the password must be reset first: by confirm_forgot_password, with the code that was sent, or"
    " another one by forgot_password",
)
_NO_SIGN_UPS: Final = Cause(
    errors.PoolSetupError, "in this user pool only administrators create users"
)
_TEMPORARY: Final = Cause(
    errors.TemporaryPasswordExpiredError,
    "the temporary password has expired: an administrator must set a new one",
)
COMPROMISED: Final = Cause(
    errors.NewPasswordRejectedError, "the password was rejected: it is known to attackers"
)
THREAT: Final = Cause(
    errors.SignInBlockedError,
    "the user pool's threat protection blocked this: try from elsewhere, or reset the password",
)
_SECRET: Final = Cause(errors.SecretHashMismatchError, "check the client secret in the settings")
_NO_SECRET: Final = Cause(errors.SecretHashMismatchError, "set the app client's secret")
_FLOW: Final = Cause(errors.FlowNotEnabledError, "allow the flow in the app client")
_SCOPES: Final = Cause(errors.WrongTokenError, "the access token does not have the scope for this")
_TOKEN_KIND: Final = Cause(errors.WrongTokenError, "only refresh tokens can be revoked")
_FOREIGN_TOKEN: Final = Cause(errors.WrongTokenError, "the token was given to another app client")
_NO_REVOCATION: Final = Cause(
    errors.PoolSetupError, "allow the revocation of tokens in the app client"
)
_NO_TRIGGER: Final = Cause(errors.PoolSetupError, "the user pool is not set up for this sign-in")
_ROTATION: Final = Cause(
    errors.PoolSetupError,
    "this does not go with the app client's refresh token rotation: refresh by AuthClient.refresh",
)
_NO_SUCH_POOL: Final = Cause(
    errors.PoolNotFoundError,
    "there is no such user pool or app client: check their ids and the region",
)
_NO_MFA: Final = Cause(
    errors.MfaNotSetUpError,
    "the second factor is not set up: the user pool's owner turns it on, and the user sets it up"
    " (an authenticator by enrol_totp, or a phone number or e-mail address)",
)
_NO_AUTHENTICATOR: Final = Cause(
    errors.MfaNotSetUpError,
    "the user has no authenticator app yet: set one up by enrol_totp and verify_totp",
)
_NO_ADDRESS: Final = Cause(
    errors.MfaNotSetUpError,
    "the user has no phone number or e-mail address for this second factor: set it first",
)
_NO_FACTOR: Final = Cause(
    errors.MfaNotSetUpError,
    "the user pool does not have this second factor: its owner turns it on",
)
_NO_DEVICE: Final = Cause(
    errors.DeviceRefusedError, "the user pool does not know the device: sign in without it"
)
_CONFIRMED: Final = Cause(
    errors.DeviceConfirmedError,
    "the device is confirmed already, by another call, which has what proves it",
)
_NO_CODE_SENT: Final = Cause(
    errors.CodeDeliveryError, "the code could not be sent; try again later"
)
_MESSAGES_SETUP: Final = Cause(
    errors.PoolSetupError,
    "the user pool may not send messages: its owner must mend its role for SMS or e-mail",
)
_SETUP: Final = Cause(errors.PoolSetupError, "the user pool is not set up for this")
_PLAN: Final = Cause(errors.PoolSetupError, "the user pool's feature plan does not have this")
_ALIAS: Final = Cause(
    errors.AliasExistsError, "the e-mail address, phone number or name belongs to another account"
)
_NOWHERE_TO_SEND: Final = Cause(
    errors.RequestRejectedError, "there is no verified address that a code could be sent to"
)
_NO_GROUP: Final = Cause(errors.RequestRejectedError, "the user pool has no such group")
_CREDENTIALS: Final = Cause(
    errors.RequestBlockedError, "AWS does not take these credentials: check them, and the clock"
)
_POLICY: Final = Cause(
    errors.RequestBlockedError, "a policy of AWS does not allow the request: ask the pool's owner"
)


def _texts(*rows: tuple[Cause, *tuple[str, ...]]) -> tuple[tuple[re.Pattern[str], Cause], ...]:
    """Make a table of texts: each entry is a cause, and the words that its texts contain."""
    return tuple((re.compile("|".join(words)), cause) for cause, *words in rows)


def _rejected(why: str) -> Cause:
    return Cause(errors.NewPasswordRejectedError, f"the password was rejected: {why}")


def _attribute(why: str) -> Cause:
    return Cause(errors.AttributeRejectedError, f"the user attributes were rejected: {why}")


_PASSWORD: Final = _texts(
    (COMPROMISED, "security reasons", "compromised"),
    (_rejected("it was used before"), "previous", "history", "used before"),
    (_rejected("it must have uppercase characters"), "upper"),
    (_rejected("it must have lowercase characters"), "lower"),
    (_rejected("it must have numeric characters"), "numeric", "digit", "number"),
    (_rejected("it must have symbol characters"), "symbol", "special"),
    (_rejected("it is not long enough"), "not long enough", "too short", "greater than or equal"),
    (_rejected("it is too long"), "too long", "less than or equal"),
    (_rejected("it must not begin or end with a space"), "space"),
)
_USED_BEFORE: Final = r"\b(?:software token|code) (?:has |was )?(?:already )?(?:been )?used"
_AT_A_PASSWORD: Final = r" at '(?:[\w.]*\.)?(?:new|proposed)?_?password'"
_MANY: Final = _texts(
    # Cognito repeats the malformed value, which may contain any words.
    (
        _rejected("it is not of the form of a password"),
        rf"{_AT_A_PASSWORD}.*failed to satisfy",
        rf"validation errors? detected.*{_AT_A_PASSWORD}",
    ),
    (_rejected("there is none"), "required parameter new_?password"),
    (UNKNOWN, "validation errors? detected"),
    # Attributes' names may contain any words, too.
    (
        _attribute("one of them cannot be changed"),
        r"\bcannot modify (?:the non-?mutable|an immutable|an already provided)\b",
        r"\battribute cannot be (?:updated|modified|changed)",
        r"\bimmutable attribute",
    ),
    (
        BAD_CREDENTIALS,
        *("incorrect user ?name or password", "user does not exist", "incorrect password"),
        *("client id combination not found", "exception migrating user"),
        "authorized to get auth details",  # for users of another provider
    ),
    (_TEMPORARY, "temporary password.*expire", "account has expired", "reset by an admin"),
    (_RESET, "reset (?:is )?required", "(?:must|required to|need to) reset"),
    (
        LOCKED,
        *("attempts? (?:limit )?(?:is |was )?exceeded", "exceeded .*attempts"),
        *("too many .*(?:attempts|failures|tries)", "temporarily locked", "locked out"),
        r"\b(?:account|user) (?:is |has been |was )?(?:now |currently )?locked",
    ),
    (COMPROMISED, "password (?:cannot|can not|can't|must not) be used.* security reasons"),
    (THREAT, "security reasons", "adaptive authentication", "high risk"),
    (WAF, r"\bwaf\b"),
    (_EXPIRED, "session (?:is |has |was )?expired", "expired session"),
    (_SPENT, "session .*only be used once", "session .*already (?:been )?used"),
    (_SESSION, "invalid session", "session (?:is )?(?:invalid|not (?:found|valid))"),
    (_CODE, "invalid code"),
    (_CODE_USED, _USED_BEFORE),
    (_NO_SIGN_UPS, r"\bsign-?up is not (?:permitted|allowed|enabled)"),
    (_DISABLED, "user (?:account )?(?:is |has been )?disabled", "user is not enabled"),
    (_NOT_CONFIRMED, "not confirmed", "unconfirmed"),
    (_NO_SECRET, "secret was not received", "secret[_ ]?hash was not received"),
    (_SECRET, "secret[_ ]?hash", "client secret", "(?:for|with) secret"),
    (_SCOPES, "token does not (?:have|contain|include)", r"\bscopes?\b"),
    (_TOKEN_KIND, "only refresh tokens"),
    (_NO_REVOCATION, "revocation is not enabled"),
    (_ROTATION, r"token rotation (?:is|was|has been) (?:not )?(?:enabled|disabled|required)"),
    (
        _FLOW,
        r"\bflow\b.*\bnot (?:enabled|allowed|supported|configured)",
        "not (?:enabled|allowed|supported) (?:for|on|by|in) th(?:e|is) (?:app |user pool )?client",
        "auth method not supported",
        "(?:unsupported|unknown|invalid) auth(?:entication)?[ _]?flow",
        r"\b\w+_auth is not (?:enabled|allowed|supported)",
    ),
    (REFRESH_TOKEN_IS_NO_GOOD, "refresh[ _]?token"),
    (ACCESS_TOKEN_IS_NO_GOOD, "access[ _]?token"),
    (_NO_TRIGGER, "lambda trigger is not configured"),
    (_NO_SUCH_POOL, r"\b(?:user pool|client) (?:\S+ )?(?:does not exist|not found)"),
    (_NO_DEVICE, "device (?:does not exist|not found)", "invalid device key"),
    (_NOWHERE_TO_SEND, "no (?:registered|verified).*(?:e-?mail|phone)"),
    (
        _NO_AUTHENTICATOR,
        *("delivery config.*software_token", "not verified software token"),
        "software token .*not exist",
    ),
    (_NO_ADDRESS, "delivery config"),
    (
        _NO_FACTOR,
        *("software token .*not been enabled", r"_mfa is not (?:configured|enabled)"),
    ),
    (
        _NO_MFA,
        "software token .*not",
        *(r"(?:\b|_)mfa\b.*\bnot\b", r"\b(?:not|no)\b.*(?:\b|_)mfa\b"),
    ),
    (_PLAN, "feature plan", "not available in .*(?:tier|plan)"),
    (_ALIAS, "already found an entry", "already exists"),
    (_attribute("the e-mail address is malformed"), r"\binvalid e-?mail\b"),
    (_attribute("the phone number is malformed"), r"\binvalid phone\b"),
    (_attribute("the app client may not write one of them"), r"\bunauthorized attribute"),
    (
        _attribute("one is missing"),
        r"\battributes? .*\b(?:missing|required)\b",
        r"\b(?:missing|required) (?:user )?attributes?\b",
    ),
    (
        _attribute("one is not as the pool's schema wants it"),
        r"\battributes? .*\b(?:not|n't|invalid|too long|too short)\b",
        r"\binvalid (?:user )?attributes?\b",
    ),
)
"""Texts of NotAuthorizedException, InvalidParameterException and similar. First match wins."""


def _words(kind: type[AuthFlowError], told: str) -> ErrorCode:
    return ErrorCode(Cause(kind, told, in_its_words=True))


_TRIGGER: Final = errors.TriggerFailedError
_REJECTED: Final = ErrorCode(
    Cause(errors.NewPasswordRejectedError, "the password was rejected", in_its_words=True),
    _PASSWORD,
)

CODES: Final[Mapping[str, ErrorCode]] = {
    "NotAuthorizedException": ErrorCode(UNKNOWN, _MANY),
    "InvalidParameterException": ErrorCode(UNKNOWN, _MANY),
    "UnsupportedOperationException": ErrorCode(_FLOW, _MANY),
    "UserNotFoundException": ErrorCode(BAD_CREDENTIALS),
    "CodeMismatchException": ErrorCode(_CODE, _texts((_SESSION, "session"))),
    "EnableSoftwareTokenMFAException": ErrorCode(_CODE),
    "ExpiredCodeException": ErrorCode(
        Cause(errors.CodeExpiredError, "the code has expired: start again, and get a new one"),
        _texts((_CODE_USED, _USED_BEFORE)),
    ),
    "UserNotConfirmedException": ErrorCode(_NOT_CONFIRMED),
    "PasswordResetRequiredException": ErrorCode(_RESET),
    "InvalidPasswordException": _REJECTED,
    "PasswordHistoryPolicyViolationException": ErrorCode(_rejected("it was used before")),
    "AliasExistsException": ErrorCode(_ALIAS),
    "UsernameExistsException": ErrorCode(_ALIAS),
    "TooManyFailedAttemptsException": ErrorCode(LOCKED),
    "LimitExceededException": ErrorCode(
        LOCKED, _texts((_NO_CODE_SENT, "daily (?:e-?mail|sms|message)", "spend"))
    ),
    "CodeDeliveryFailureException": ErrorCode(_NO_CODE_SENT),
    "InvalidSmsRoleAccessPolicyException": ErrorCode(_MESSAGES_SETUP),
    "InvalidSmsRoleTrustRelationshipException": ErrorCode(_MESSAGES_SETUP),
    "InvalidEmailRoleAccessPolicyException": ErrorCode(_MESSAGES_SETUP),
    "MFAMethodNotFoundException": ErrorCode(_NO_MFA),
    "SoftwareTokenMFANotFoundException": ErrorCode(
        _NO_MFA,
        _texts((_NO_AUTHENTICATOR, "not exist"), (_NO_FACTOR, "not been enabled", "not enabled")),
    ),
    "ForbiddenException": ErrorCode(WAF),
    "AccessDeniedException": ErrorCode(_POLICY),
    "AccessDenied": ErrorCode(_POLICY),
    "ResourceNotFoundException": ErrorCode(
        _NO_SUCH_POOL, _texts((_NO_DEVICE, r"\bdevice\b"), (_NO_GROUP, r"\bgroup\b"))
    ),
    **dict.fromkeys(
        (
            *("ExpiredTokenException", "ExpiredToken", "IncompleteSignature"),
            *("IncompleteSignatureException", "InvalidClientTokenId", "InvalidSignatureException"),
            *("MissingAuthenticationToken", "MissingAuthenticationTokenException"),
            *("SignatureDoesNotMatch", "UnrecognizedClientException"),
        ),
        ErrorCode(_CREDENTIALS),
    ),
    "DeviceKeyExistsException": ErrorCode(_CONFIRMED),
    "UserPoolAddOnNotEnabledException": ErrorCode(_SETUP),
    "OperationNotEnabledException": ErrorCode(_SETUP),
    "WebAuthnNotEnabledException": ErrorCode(_SETUP),
    "FeatureUnavailableInTierException": ErrorCode(_PLAN),
    "RefreshTokenReuseException": ErrorCode(
        Cause(errors.TokenRevokedError, "the refresh token was used before")
    ),
    "UnsupportedTokenTypeException": ErrorCode(_TOKEN_KIND),
    "UnauthorizedException": ErrorCode(
        _FOREIGN_TOKEN, _texts((_SECRET, "secret"), (_SCOPES, "scope"))
    ),
    "UserLambdaValidationException": _words(_TRIGGER, "a trigger refused"),
    "UnexpectedLambdaException": _words(_TRIGGER, "a trigger could not be run"),
    "InvalidLambdaResponseException": ErrorCode(
        Cause(_TRIGGER, "a trigger's result is invalid", in_its_words=True),
        _texts(
            (Cause(_TRIGGER, "a trigger's result is no JSON"), "invalid json"),
            (
                Cause(_TRIGGER, "a trigger's result is invalid: it decides nothing"),
                "unrecognizable lambda output",
            ),
        ),
    ),
    "InvalidUserPoolConfigurationException": _words(errors.PoolSetupError, _NO_TRIGGER.told),
    **dict.fromkeys(
        (
            *("TooManyRequestsException", "ThrottlingException", "Throttling", "SlowDown"),
            *("ThrottledException", "RequestThrottledException", "RequestThrottled"),
            *("RequestLimitExceeded", "BandwidthLimitExceeded"),
        ),
        ErrorCode(THROTTLED),
    ),
    **dict.fromkeys(
        (
            *("InternalErrorException", "InternalServerException", "InternalServerError"),
            *("InternalFailure", "ServiceUnavailable", "ServiceUnavailableException"),
        ),
        ErrorCode(SERVER_FAULT),
    ),
    **dict.fromkeys(("RequestTimeout", "RequestTimeoutException"), ErrorCode(TIMED_OUT)),
    # These codes only say that the request is wrong in some way.
    **dict.fromkeys(
        (
            *("SerializationException", "ValidationException", "UnknownOperationException"),
            *("ConcurrentModificationException", "UnsupportedUserStateException"),
        ),
        ErrorCode(UNKNOWN),
    ),
}
"""Every code that has a meaning of its own. Sources: the errors of InitiateAuth,
RespondToAuthChallenge, GetTokensFromRefreshToken, RevokeToken and GlobalSignOut in the API
reference, and the errors that all of AWS's services share."""

STATUSES: Final[Mapping[int, Cause]] = {
    **dict.fromkeys((401, 403, 407, 451), BLOCKED),
    408: TIMED_OUT,
    **dict.fromkeys((413, 414, 431), TOO_LARGE),
    429: THROTTLED,
}
"""The meaning of an HTTP status without an error of Cognito's, which is from a gateway."""
