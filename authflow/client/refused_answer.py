"""Refused answers: after which of them the same challenge can be answered again.

Cognito uses up a session when it takes an answer, right or wrong, and not when it turns the request
away before: for its form, its size or its sender. Then nothing has counted, and whoever claimed the
challenge gives the claim back. All that the embedded pool refuses is tried against this rule.
"""

from typing import Final

from authflow.errors import (
    AuthFlowError,
    NextStep,
    OutcomeUnknownError,
    PoolNotFoundError,
    RequestBlockedError,
    RequestRejectedError,
    SecretHashMismatchError,
    ThrottledError,
    TimedOutError,
    UnreachableError,
)

_NOT_LOOKED_AT: Final = (
    *(ThrottledError, UnreachableError, TimedOutError, RequestBlockedError),
    *(SecretHashMismatchError, PoolNotFoundError),
)
"""The errors after which Cognito has not looked at an answer. An answer that may have come to it
ends in OutcomeUnknownError instead, whatever went wrong."""

_OF_THE_FORM: Final = frozenset(
    {"InvalidParameterException", "SerializationException", "ValidationException", None}
)
"""The codes of requests that are refused for their form. None is a gateway's, for their size."""


def can_be_answered_again(error: AuthFlowError) -> bool:
    """Return whether the challenge stands as before, after an answer that was refused.

    Args:
        error: What the answer ended with.
    """
    if isinstance(error, OutcomeUnknownError):
        return False
    if isinstance(error, RequestRejectedError):
        return error.aws_code in _OF_THE_FORM
    return error.next_step is NextStep.RETRY_SAME_CHALLENGE or isinstance(error, _NOT_LOOKED_AT)


def left_behind(error: AuthFlowError) -> OutcomeUnknownError:
    """Return the error for an answer that has counted, when what has to follow it was refused.

    Some answers are more than one request: an authenticator's first code is verified, and then
    MFA_SETUP is answered; a custom answer is followed by a condition that the client meets by
    itself. Once the first of them has counted, nobody holds a challenge that could be answered.

    Args:
        error: Why a later request was refused.
    """
    return OutcomeUnknownError(
        f"the answer counted, and what had to follow it failed: begin anew ({error.message})",
        aws_code=error.aws_code,
        retry_after=error.retry_after,
    )
