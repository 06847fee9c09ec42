"""The errors of tasks: whoever waits has them, and asyncio's log never."""

import asyncio
import gc
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from authflow.own_task import own_task
from authflow.seclusion import secluded

pytestmark = pytest.mark.both_loops
Work = Callable[..., Any]


async def in_a_task_of_its_own(work: Work) -> None:
    await asyncio.wait({own_task(work())})


async def in_seclusion(work: Work) -> None:
    await secluded(work())


@pytest.mark.parametrize("waits", [in_a_task_of_its_own, in_seclusion])
async def test_an_error_in_the_moment_of_a_cancellation_is_not_logged(
    waits: Callable[[Work], Awaitable[None]],
    caplog: pytest.LogCaptureFixture,
):
    cancelled = 0
    for steps in range(6):  # of the loop, between the failure and the cancellation
        may_fail = asyncio.Event()

        async def fails(*_: object, may_fail: asyncio.Event = may_fail) -> None:
            await may_fail.wait()
            raise ValueError("canary")

        caller = asyncio.ensure_future(waits(fails))
        for _ in range(3):
            await asyncio.sleep(0)
        may_fail.set()
        for _ in range(steps):
            await asyncio.sleep(0)
        caller.cancel()
        (outcome,) = await asyncio.gather(caller, return_exceptions=True)
        cancelled += isinstance(outcome, asyncio.CancelledError)
        del caller, outcome, fails
    gc.collect()
    assert cancelled
    assert "never retrieved" not in caplog.text
