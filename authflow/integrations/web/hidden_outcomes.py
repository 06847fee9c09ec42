"""Outcomes that are not told to whoever has proved nothing: who exists, how an account stands.

Cognito hides it where the app client says so (PreventUserExistenceErrors), and not everywhere. So
these routes give one reply for each of what a stranger may ask, and an error only where it says
nothing of an account.

Sources: "Managing user existence error responses" of Amazon Cognito, "Authentication Cheat Sheet"
of OWASP (authentication and error messages).
"""

import logging
import re
from typing import Final

from authflow.errors import (
    AliasExistsError,
    AuthFlowError,
    BadCredentialsError,
    CodeDeliveryError,
    CodeExpiredError,
    CodeMismatchError,
    DeniedError,
    LockedOutError,
    MfaNotSetUpError,
    PasswordResetRequiredError,
    PoolSetupError,
    RequestRejectedError,
    TemporaryPasswordExpiredError,
    TriggerFailedError,
    UserDisabledError,
    UserNotConfirmedError,
    UserNotFoundError,
)
from authflow.printable import one_line

_log = logging.getLogger(__name__)

_OF_AN_ACCOUNT: Final = (
    UserDisabledError,
    UserNotFoundError,
    UserNotConfirmedError,
    PasswordResetRequiredError,
    TemporaryPasswordExpiredError,
    MfaNotSetUpError,
)
_FOR_THE_OWNER: Final = (CodeDeliveryError, PoolSetupError, TriggerFailedError, DeniedError)
"""Failures to send a message. For a name that nobody has, none is sent, and none fails."""
_OF_A_CODE: Final = (
    *_OF_AN_ACCOUNT,
    *_FOR_THE_OWNER,
    BadCredentialsError,
    LockedOutError,
    RequestRejectedError,
    AliasExistsError,
)
"""Refusals to send a code, each of which is about the account that was named."""
_OF_A_WRONG_CODE: Final = (
    *_OF_AN_ACCOUNT,
    BadCredentialsError,
    CodeExpiredError,
    CodeMismatchError,
    RequestRejectedError,
    AliasExistsError,
)
"""Refusals of a code. Cognito calls the code of a name that nobody has wrong or expired."""
_MESSAGES_ROLE: Final = frozenset(
    {
        "InvalidEmailRoleAccessPolicyException",
        "InvalidSmsRoleAccessPolicyException",
        "InvalidSmsRoleTrustRelationshipException",
    }
)
"""Cognito's codes for a pool whose role lets it send nothing (`SignUp` in the API reference)."""
_MESSAGE_TRIGGER: Final = re.compile(
    r"\b(?:CustomMessage|CustomEmailSender|CustomSMSSender)\b", re.IGNORECASE
)
"""The triggers that word or send a message, as Cognito names the one that has failed. They run for
a name that is free alone."""


def of_sign_in(error: AuthFlowError, *, proved: bool) -> AuthFlowError:
    """Return the error that a sign-in is answered by.

    Args:
        error: What the client raised.
        proved: Whether a password came with it: a pool that hides who exists says how an account
            stands to none but those whose password was right.
    """
    hidden = (BadCredentialsError, *((UserNotFoundError,) if proved else _OF_AN_ACCOUNT))
    if not isinstance(error, hidden):
        return error
    return BadCredentialsError("the username, the password or an answer is wrong")


def hides_sending(error: AuthFlowError) -> bool:
    """Return whether a refusal to send a code is answered as if it had been sent.

    Nobody but the owner learns that codes cannot be sent: by the log.

    Args:
        error: What the client raised.
    """
    _log_for_owner(error)
    return isinstance(error, _OF_A_CODE)


def hides_taken_name(error: AuthFlowError) -> bool:
    """Return whether a sign-up is answered as if it had been made.

    So it is where its code cannot be sent: for a taken name none is sent, and none fails.

    Args:
        error: What the client raised.
    """
    is_hidden = (
        isinstance(error, AliasExistsError | CodeDeliveryError)
        or error.aws_code in _MESSAGES_ROLE
        or (
            isinstance(error, TriggerFailedError | DeniedError)
            and _MESSAGE_TRIGGER.search(error.message) is not None
        )
    )
    if is_hidden:
        _log_for_owner(error)
    return is_hidden


def of_code(error: AuthFlowError) -> AuthFlowError:
    """Return the error that a code is answered by.

    Args:
        error: What the client raised.
    """
    if not isinstance(error, _OF_A_WRONG_CODE):
        return error
    return CodeMismatchError("the code is wrong, or not good any more: ask for another one")


def _log_for_owner(error: AuthFlowError) -> None:
    if isinstance(error, _FOR_THE_OWNER):
        _log.error("no code was sent: %s: %s", error.code, one_line(error.message))
