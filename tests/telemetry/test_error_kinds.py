"""What is told of an error is what a class of ours says, whatever the error itself does."""

import asyncio
from typing import Any

import pytest

from authflow.errors import LockedOutError, PluginFailedError, ThrottledError
from authflow.telemetry.error_kinds import code_of_error, kind_of_error, wait_of_error


class OwnError(PluginFailedError):
    code = "canary"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (LockedOutError("x"), "locked_out"),
        (OwnError("x"), "plugin_failed"),
        (ValueError("canary"), "error"),
        (asyncio.CancelledError(), "cancelled"),
        (KeyboardInterrupt(), "cancelled"),
    ],
)
def test_a_code_is_one_of_ours(error: BaseException, code: str):
    assert code_of_error(error) == code


def test_the_kind_of_an_error_is_the_nearest_of_ours():
    assert kind_of_error(OwnError("x")) is PluginFailedError
    assert kind_of_error(LockedOutError("x")) is LockedOutError


@pytest.mark.parametrize(
    ("wait", "told"),
    [(3, 3.0), (0.5, 0.5), (0, 0.0), (None, None), (-1, None), (True, None), (10**400, None)],
)
def test_a_wait_is_a_number_of_seconds_or_none(wait: Any, told: float | None):
    assert wait_of_error(ThrottledError("x", retry_after=wait)) == told
