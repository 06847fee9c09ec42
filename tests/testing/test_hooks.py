"""Hooks under observation: what they did is written down, and they do it as always."""

import asyncio
import socket
from typing import Any

import anyio
import anyio.to_thread
import pytest

from authflow.testing import MovableClock
from authflow.testing.hooks import HookLog, run_cancelled, watched_client


def log_of(timeout: float = 5.0) -> HookLog:
    return HookLog(clock=MovableClock(), timeout=timeout)


class Plugin:
    name = "plugin"

    async def answer(self, challenge: Any, prompt: Any) -> Any:
        return await challenge(prompt)


def plugin(log: HookLog) -> Any:
    return watched_client(Plugin, log)()


async def test_it_gives_what_the_plugin_gives_and_counts_its_steps():
    async def three(prompt: str) -> str:
        for _ in range(3):
            await asyncio.sleep(0)
        return prompt * 2

    log = log_of()
    assert await plugin(log).answer(three, "x") == "xx"
    (run,) = log.of("answer")
    assert (run.steps, run.result, run.error, run.timed_out) == (3, "xx", None, False)
    assert log.of("create") == []


async def test_threads_and_timers_work_under_observation():
    async def work(_: object) -> int:
        with anyio.move_on_after(0.01):
            await anyio.sleep(60)
        return await anyio.to_thread.run_sync(lambda: 7)

    assert await plugin(log_of()).answer(work, None) == 7


async def test_an_error_is_passed_on_and_written_down():
    async def fail(_: object) -> None:
        raise LookupError

    log = log_of()
    with pytest.raises(LookupError):
        await plugin(log).answer(fail, None)
    assert isinstance(log.runs[0].error, LookupError)
    assert not log.runs[0].timed_out


async def test_a_hook_that_hangs_is_ended_and_written_down():
    async def hang(_: object) -> None:
        await asyncio.sleep(3600)

    log = log_of(timeout=0.05)
    with pytest.raises(TimeoutError):
        await plugin(log).answer(hang, None)
    assert log.runs[0].timed_out


async def test_a_worker_thread_may_wait_and_the_event_loop_may_not():
    def resolve() -> object:
        return socket.getaddrinfo("127.0.0.1", 80)

    async def elsewhere(_: object) -> object:
        return await anyio.to_thread.run_sync(resolve)

    async def here(_: object) -> object:
        return resolve()

    log = log_of()
    for work in (elsewhere, here):
        await plugin(log).answer(work, None)
    assert [run.blocking_calls for run in log.runs] == [[], ["socket.getaddrinfo"]]


async def test_a_hook_that_is_no_coroutine_function_says_what_to_write():
    class Plain(Plugin):
        def answer(self, challenge: Any, prompt: Any) -> Any:  # type: ignore[override]
            return "x"

    with pytest.raises(TypeError, match="async def answer"):
        await watched_client(Plain, log_of())().answer(None, None)


async def test_a_cancellation_reaches_what_is_awaited_at_that_step():
    ended: list[str] = []

    async def two(_: object) -> None:
        for name in ("first", "second"):
            try:
                await asyncio.sleep(0.001)
            finally:
                ended.append(name)

    log = log_of()
    half = plugin(log)
    assert await run_cancelled(log, lambda: half.answer(two, None), 1) is None
    assert ended == ["first", "second"]
    assert isinstance(log.runs[0].error, asyncio.CancelledError)
    await half.answer(two, None)  # the next one is not cancelled


async def test_a_hook_that_ignores_its_end_is_reported():
    async def stubborn(_: object) -> str:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            return "x"
        return "y"

    log = log_of()
    half = plugin(log)
    wrong = await run_cancelled(log, lambda: half.answer(stubborn, None), 0)
    assert wrong is not None
    assert "went on" in wrong
