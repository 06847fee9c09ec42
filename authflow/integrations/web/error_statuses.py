"""The HTTP status of every error, and whether its text is for whoever asks.

One table, by class; a class that is not in it has what the class above it has. Errors of a request
and of a token say their status themselves. A text that is for the service's owner is logged, and
whoever asks gets the status's own text instead.

    400   the request cannot be taken as it is
    401   the password is wrong, or nobody is signed in (any more): sign in
    403   the pool or its owner says no, and trying again does not help
    409   somebody was faster: another answer, another account, another process
    410   it was too late: begin anew
    422   what was typed cannot be right: the same form takes another answer
    429   too many tries: wait
    500   the service, its settings or its user pool are not set up for this
    502   what the service asked gave no usable reply
    503   it cannot be asked now: wait
    504   it did not answer in time

Sources: RFC 9110 §15 (statuses) and §10.2.3 (Retry-After), RFC 6585 §4 (429).
"""

import math
from collections.abc import Mapping
from typing import Final

from attrs import frozen

from authflow import errors
from authflow.errors import AuthFlowError, NextStep, TokenError
from authflow.integrations.web.request_errors import RequestError

_TOLD: Final[Mapping[int, str]] = {
    500: "the service cannot do this as it is set up: its owner finds the reason in the log",
    502: "the service got no usable reply: try again",
    503: "the service cannot do this now: try again later",
    504: "the service got no reply in time: try again",
}
"""The texts for errors whose own text is for the service's owner."""
_WAIT_SECONDS: Final = 5
"""The seconds to wait where nobody knows how long: a store or Cognito is mostly back by then, and
pages do not ask in a loop."""


@frozen
class Shown:
    """The way an error is shown.

    Args:
        status: The HTTP status.
        tells: Whether the error's own text is for whoever asks.
    """

    status: int
    tells: bool


_ASK_AGAIN, _REFUSED, _FASTER, _LATE, _SIGN_IN, _MALFORMED = (
    Shown(status, tells=True) for status in (422, 403, 409, 410, 401, 400)
)
_SET_UP, _NO_REPLY, _LATER, _NOT_IN_TIME = (
    Shown(status, tells=False) for status in (500, 502, 503, 504)
)

STATUSES: Final[Mapping[type[AuthFlowError], Shown]] = {
    AuthFlowError: _SET_UP,
    errors.MisuseError: _SET_UP,
    errors.ConfigError: _SET_UP,
    errors.PasswordRequiredError: _MALFORMED,
    errors.DeviceRequiredError: _FASTER,
    errors.AnswerNotSupportedError: _MALFORMED,
    errors.SignInOverError: _FASTER,
    errors.EventError: _SET_UP,
    errors.AskAgainError: _ASK_AGAIN,
    errors.RemoteProtocolError: _NO_REPLY,
    errors.MalformedReplyError: _NO_REPLY,
    errors.UnexpectedReplyError: _NO_REPLY,
    errors.UnsafeSrpValueError: _NO_REPLY,
    errors.TriggerReplyError: _NO_REPLY,
    errors.RefusedError: _REFUSED,
    errors.BadCredentialsError: _SIGN_IN,
    errors.CodeMismatchError: _ASK_AGAIN,
    errors.CodeExpiredError: _LATE,
    errors.SessionExpiredError: _LATE,
    errors.SessionSpentError: _FASTER,
    errors.LockedOutError: Shown(429, tells=True),
    errors.UserDisabledError: _REFUSED,
    errors.UserNotFoundError: Shown(404, tells=True),
    errors.UserNotConfirmedError: _REFUSED,
    errors.PasswordResetRequiredError: _REFUSED,
    errors.TemporaryPasswordExpiredError: _REFUSED,
    errors.NewPasswordRejectedError: _ASK_AGAIN,
    errors.AttributeRejectedError: _ASK_AGAIN,
    errors.AliasExistsError: _FASTER,
    errors.SignInBlockedError: _REFUSED,
    errors.RequestBlockedError: _REFUSED,
    errors.CodeDeliveryError: Shown(503, tells=True),
    errors.MfaNotSetUpError: _REFUSED,
    errors.DeviceRefusedError: _FASTER,
    errors.DeviceConfirmedError: _FASTER,
    errors.FlowNotEnabledError: _SET_UP,
    errors.SecretHashMismatchError: _SET_UP,
    errors.PoolNotFoundError: _SET_UP,
    errors.PoolSetupError: _SET_UP,
    errors.TokenRevokedError: _SIGN_IN,
    errors.SignedOutError: _SIGN_IN,
    errors.WrongTokenError: _SIGN_IN,
    errors.IdentityRefusedError: _REFUSED,
    errors.TriggerFailedError: _NO_REPLY,
    errors.DeniedError: _REFUSED,
    errors.RequestRejectedError: _REFUSED,
    errors.TransportError: _LATER,
    errors.UnreachableError: _LATER,
    errors.TimedOutError: _NOT_IN_TIME,
    errors.ThrottledError: _LATER,
    errors.ServerFaultError: _NO_REPLY,
    errors.JwksUnreachableError: _LATER,
    errors.OutcomeUnknownError: Shown(502, tells=True),
    errors.DirectoryError: _SET_UP,
    errors.DirectoryRecordError: _SET_UP,
    errors.DirectoryUnavailableError: _LATER,
    errors.StateError: _LATER,
    errors.StoreUnavailableError: _LATER,
    errors.StoreEntryError: _SET_UP,
    errors.KeysUnavailableError: _LATER,
    errors.ClientSecretsUnavailableError: _LATER,
    errors.SealError: _LATE,
    errors.TicketVersionError: _LATE,
    errors.PluginError: _SET_UP,
    errors.PluginNotFoundError: _SET_UP,
    errors.PluginConflictError: _SET_UP,
    errors.PluginLoadError: _SET_UP,
    errors.PluginFailedError: _SET_UP,
    errors.PromptError: _SET_UP,
    errors.PromptEndedError: _SET_UP,
}


def shown(error: AuthFlowError) -> Shown:
    """Return how an error is shown.

    Args:
        error: The error.
    """
    if isinstance(error, RequestError | TokenError):
        return Shown(error.http_status, tells=True)
    return next(STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES)


def told(error: AuthFlowError) -> str:
    """Return the text for whoever asks.

    Args:
        error: The error.
    """
    how = shown(error)
    return error.message if how.tells else _TOLD[how.status]


def retry_after(error: AuthFlowError) -> int | None:
    """Return the seconds of Retry-After, rounded up; None where waiting does not help.

    Args:
        error: The error.
    """
    if error.retry_after is not None:
        return max(0, math.ceil(error.retry_after))
    return _WAIT_SECONDS if error.next_step is NextStep.WAIT else None
