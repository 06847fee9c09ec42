"""A server hears SIGTERM and SIGINT, on event loops that take signals and on those that do not."""

import asyncio
import os
import signal
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from authflow.pool.ending import asked_to_end, cancelled_by_signals


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


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
@pytest.mark.parametrize("takes", [True, False], ids=["POSIX", "hidden"])
async def test_a_signal_cancels_what_runs_and_acts_when_it_has_ended(
    monkeypatch: pytest.MonkeyPatch, number: signal.Signals, *, takes: bool
):
    if not takes:
        loop = type(asyncio.get_running_loop())
        monkeypatch.setattr(loop, "add_signal_handler", taken_by_no_loop)
    happened: list[object] = []
    before = signal.signal(number, lambda number, _frame: happened.append(number))
    try:
        with anyio.fail_after(10), cancelled_by_signals():
            try:
                os.kill(os.getpid(), number)
                await anyio.sleep_forever()
            finally:
                happened.append("cleaned up")
    finally:
        signal.signal(number, before)
    assert happened == ["cleaned up", number]


async def test_without_a_signal_all_goes_on_and_errors_are_as_they_were():
    with cancelled_by_signals():
        await anyio.lowlevel.checkpoint()
    with pytest.raises(ZeroDivisionError), cancelled_by_signals():
        raise ZeroDivisionError
