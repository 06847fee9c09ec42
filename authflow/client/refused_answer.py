"""Refused answers: after which of them the same challenge can be answered again.

Cognito uses up a session when it takes an answer, right or wrong, and not when it turns the request
away before: for its form, its size or its sender. Then nothing has counted, and whoever claimed the
challenge gives the claim back. All that the embedded pool refuses is tried against this rule.
"""

from typing import Final

from authflow.errors import (
    AuthFlowError,
    DeviceRefusedError,
    JwksUnreachableError,
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
_REPEATED: Final = frozenset({NextStep.WAIT, NextStep.RETRY_SAME_CHALLENGE})
"""The next steps by which the same answer would be given once more."""


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


def counted_for_nothing(error: AuthFlowError, *, names_device: bool) -> bool:
    """Return whether Cognito took nothing of a request that it refused: the same may be sent again.

    A device that it does not know ends a request before the answer in it is looked at.

    Args:
        error: What the request ended with.
        names_device: Whether it named a device.
    """
    return can_be_answered_again(error) or (names_device and isinstance(error, DeviceRefusedError))


def misleads(error: AuthFlowError) -> bool:
    """Return whether an error asks to repeat an answer that has counted already.

    An error with tokens in it asks to verify them later, and they are not to be lost.

    Args:
        error: What a step ended with, after the answer had counted.
    """
    if isinstance(error, JwksUnreachableError) and (error.signed_in or error.tokens):
        return False
    return can_be_answered_again(error) or error.next_step in _REPEATED


def left_behind(error: AuthFlowError) -> OutcomeUnknownError:
    """Return the error for an answer that has counted, when what has to follow it failed.

    Some answers are more than one request: an authenticator's first code is verified, and then
    MFA_SETUP is answered; a custom answer is followed by a condition that the client meets by
    itself. Once the first of them has counted, nobody holds a challenge that could be answered.

    Args:
        error: Why what had to follow failed: an error that `misleads`.
    """
    return OutcomeUnknownError(
        f"the answer counted, and what had to follow it failed: begin anew ({error.message})",
        aws_code=error.aws_code,
        retry_after=error.retry_after,
    )
