"""The errors of HTTP requests: what a page or a program sent cannot be taken as it is.

Each has its HTTP status, and a text that says what to do and shows nothing of the request.
"""

from typing import ClassVar

from authflow.errors import AuthFlowError, NextStep

__all__ = [
    "AnsweredElsewhereError",
    "BodyTooLargeError",
    "CsrfError",
    "CsrfMismatchError",
    "CsrfMissingError",
    "CsrfStaleError",
    "ForeignOriginError",
    "MalformedRequestError",
    "MediaTypeError",
    "MethodNotAllowedError",
    "NoSignInError",
    "NotSignedInError",
    "OtherStepError",
    "RequestError",
    "RouteNotFoundError",
    "SlowBodyError",
]


class RequestError(AuthFlowError):
    """A request that cannot be taken as it is; nothing was sent to the user pool."""

    code = "request"
    http_status: ClassVar[int] = 400


class MalformedRequestError(RequestError):
    """A header, a cookie or the body does not have its form; the text says which.

    Args:
        message: As of every error.
        is_of_token: Whether it is the Authorization header.
    """

    code = "malformed_request"

    def __init__(self, message: str, *, is_of_token: bool = False) -> None:
        super().__init__(message)
        self.is_of_token = is_of_token


class BodyTooLargeError(RequestError):
    """The body is longer than is read here."""

    code = "too_large"
    http_status = 413


class SlowBodyError(RequestError):
    """The body did not come in time (RFC 9110 §15.5.9)."""

    code = "slow_body"
    http_status = 408


class MediaTypeError(RequestError):
    """The body is not said to be JSON."""

    code = "media_type"
    http_status = 415


class RouteNotFoundError(RequestError):
    """There is no route of this path."""

    code = "not_found"
    http_status = 404


class MethodNotAllowedError(RequestError):
    """The route does not take this method.

    Args:
        message: As of every error.
        allowed: The methods that it takes, with commas between them.
    """

    code = "method_not_allowed"
    http_status = 405

    def __init__(self, message: str, *, allowed: str = "") -> None:
        super().__init__(message)
        self.allowed = allowed


class NotSignedInError(RequestError):
    """Nobody is signed in: there is no token, and no session or none any more."""

    code = "not_signed_in"
    next_step = NextStep.RESTART
    http_status = 401


class NoSignInError(RequestError):
    """No sign-in is waiting for an answer in this browser: begin one."""

    code = "no_sign_in"
    next_step = NextStep.RESTART
    http_status = 404


class OtherStepError(RequestError):
    """The answer is for another step than the one at which the sign-in waits.

    So it is after the back button, in a second tab, and for a form that was sent twice. The current
    step's form can be asked for, and be answered.
    """

    code = "other_step"
    next_step = NextStep.RETRY_SAME_CHALLENGE
    http_status = 409


class AnsweredElsewhereError(RequestError):
    """Another request answers this step just now, as the first click of a double click does.

    Its reply has the next step or the end. Wait for it; then ask for the current step.
    """

    code = "answered_elsewhere"
    next_step = NextStep.WAIT
    http_status = 409


class CsrfError(RequestError):
    """The request may come from another site's page: it changes something and does not prove more.

    Source: "Cross-Site Request Forgery Prevention Cheat Sheet" of OWASP.
    """

    code = "csrf"
    next_step = NextStep.RETRY_SAME_CHALLENGE
    http_status = 403


class CsrfMissingError(CsrfError):
    """There is no CSRF token, or not the cookie that it goes with."""

    code = "csrf_missing"


class CsrfMismatchError(CsrfError):
    """The CSRF token is another browser's or session's, or was altered."""

    code = "csrf_mismatch"


class CsrfStaleError(CsrfError):
    """The CSRF token is too old."""

    code = "csrf_stale"


class ForeignOriginError(CsrfError):
    """A page of another origin sent the request, by what its browser says."""

    code = "foreign_origin"
    next_step = NextStep.GIVE_UP
