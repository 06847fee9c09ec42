"""A server hears SIGTERM and SIGINT, on event loops that take signals and on those that do not."""

import asyncio
import os
import signal
from typing import Any

import anyio
import pytest

from authflow.pool.ending import asked_to_end


def taken_by_no_loop(*_: Any) -> None:
    raise NotImplementedError  # as Windows' event loops do


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
@pytest.mark.parametrize("takes", [True, False], ids=["POSIX", "hidden"])
async def test_a_signal_is_heard_and_what_was_before_is_there_again(
    monkeypatch: pytest.MonkeyPatch, number: signal.Signals, *, takes: bool
):
    if not takes:
        loop = type(asyncio.get_running_loop())
        monkeypatch.setattr(loop, "add_signal_handler", taken_by_no_loop)
    before = signal.getsignal(number)
    with asked_to_end() as ending:
        assert not ending.is_set()
        os.kill(os.getpid(), number)
        with anyio.fail_after(10):
            await ending.wait()
    assert signal.getsignal(number) is before
