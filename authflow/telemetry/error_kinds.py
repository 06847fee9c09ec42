"""The kind of an error as events tell it: by a class of ours, and nothing else."""

import sys
from typing import Any

from authflow import errors
from authflow.errors import AuthFlowError


def kind_of_error(error: AuthFlowError) -> type[AuthFlowError]:
    """Return the nearest class of ours: a plugin's own error may have anything as its code.

    Args:
        error: The error.
    """
    return next(kind for kind in type(error).__mro__ if kind.__module__ == errors.__name__)


def code_of_error(error: BaseException) -> str:
    """Return the code of an error: "error" for one that is none of ours, "cancelled" for a task's.

    Args:
        error: The error.
    """
    if isinstance(error, AuthFlowError):
        return kind_of_error(error).code
    return AuthFlowError.code if isinstance(error, Exception) else "cancelled"


def wait_of_error(error: AuthFlowError) -> float | None:
    """Return the seconds to wait that an error tells: a plugin's own error may tell anything.

    Args:
        error: The error.
    """
    wait: Any = vars(error).get("retry_after")
    if type(wait) not in (int, float) or not 0 <= wait <= sys.float_info.max:
        return None
    return float(wait)
