"""A handler in this process: it cannot keep a check from ending, nor end it."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import anyio
import pytest

from authflow.errors import ConfigError
from authflow.triggers.check.define_paths import DefineFailedError
from authflow.triggers.check.python_handler import in_process

EVENT = {"request": {"session": []}}


async def test_a_plain_function_may_run_a_loop_of_its_own():
    def handler(event: dict[str, Any], _context: Any) -> Any:
        return asyncio.run(asyncio.sleep(0, event))

    assert await in_process(handler)(EVENT) == EVENT


async def test_a_plain_function_is_asked_by_one_thread_as_on_lambda():
    threads = []
    define = in_process(lambda event, _context: threads.append(threading.get_ident()) or event)
    for _ in range(3):
        assert await define(EVENT) == EVENT
    assert len(set(threads)) == 1
    assert threads[0] != threading.get_ident()


async def test_a_callable_object_that_gives_a_coroutine_is_awaited():
    class Called:
        async def __call__(self, event: dict[str, Any], _context: Any) -> Any:
            return event

    assert await in_process(Called())(EVENT) == EVENT


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf")])
def test_a_time_that_is_not_positive_is_refused(timeout):
    with pytest.raises(ConfigError, match="timeout"):
        in_process(sleeps, timeout=timeout)


async def sleeps(event: dict[str, Any], _context: Any) -> Any:
    await anyio.sleep_forever()


@pytest.fixture
def hangs():
    """Make a handler that hangs where the event says so."""
    forever = threading.Event()
    yield lambda event, _context: event if "quick" in event else forever.wait()
    forever.set()


async def test_a_handler_that_does_not_return_is_given_up(hangs):
    for handler in (hangs, sleeps):
        with pytest.raises(DefineFailedError, match=r"within 0\.02 seconds; --timeout"):
            await in_process(handler, timeout=0.02)(EVENT)


async def test_the_next_event_is_answered_though_the_last_one_hangs(hangs):
    define = in_process(hangs, timeout=0.05)
    with pytest.raises(DefineFailedError):
        await define(EVENT)
    assert await define({"quick": True}) == {"quick": True}


async def test_an_answer_that_comes_too_late_disturbs_nothing():
    go_on = threading.Event()
    complaints: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, told: complaints.append(told))
    define = in_process(lambda event, _context: go_on.wait() and event, timeout=0.02)
    with pytest.raises(DefineFailedError):
        await define(EVENT)
    go_on.set()
    assert await in_process(lambda event, _context: event)(EVENT) == EVENT
    await anyio.sleep(0.02)
    assert complaints == []


async def test_a_time_out_of_the_handlers_own_stays_its_own():
    async def handler(_event: dict[str, Any], _context: Any) -> Any:
        raise TimeoutError("the database")

    with pytest.raises(TimeoutError, match="the database"):
        await in_process(handler)(EVENT)


def interrupted(_event: Any, _context: Any) -> Any:
    raise KeyboardInterrupt


def ended(_event: Any, _context: Any) -> Any:
    raise SystemExit(0)


async def ended_async(event: Any, context: Any) -> Any:
    return ended(event, context)


def exhausted(_event: Any, _context: Any) -> Any:
    raise StopIteration


def cancelled(_event: Any, _context: Any) -> Any:
    raise asyncio.CancelledError


@pytest.mark.parametrize("handler", [interrupted, ended, ended_async, exhausted, cancelled])
async def test_what_would_end_the_check_is_a_failure_of_the_handler(
    handler: Callable[[Any, Any], Any],
):
    with pytest.raises(DefineFailedError, match=r"raises|ends the process"):
        await in_process(handler)(EVENT)
