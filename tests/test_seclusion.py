import asyncio
import gc
import logging
from typing import Any

import anyio
import pytest

from authflow.seclusion import secluded

pytestmark = pytest.mark.both_loops


async def give(value: Any) -> Any:
    await asyncio.sleep(0)
    return value


async def fail(error: BaseException) -> None:
    try:
        raise KeyError("canary")
    except KeyError as cause:
        await asyncio.sleep(0)
        raise error from cause


class Work:
    """Waits without an end, and notes what becomes of it."""

    def __init__(self, *, stubborn: int = 0) -> None:
        self.began = asyncio.Event()
        self.cancelled = 0
        self.over = False
        self.stubborn = stubborn

    async def __call__(self) -> None:
        try:
            while True:
                try:
                    self.began.set()
                    await anyio.sleep_forever()
                except asyncio.CancelledError:
                    self.cancelled += 1
                    await asyncio.sleep(0)  # closing takes a turn of the loop
                    if self.cancelled > self.stubborn:
                        raise
        finally:
            self.over = True


async def test_what_comes_of_the_work_comes_back():
    assert await secluded(give(7)) == 7
    assert await secluded(give(7), 10) == 7


async def test_an_error_comes_without_the_frames_and_the_errors_that_led_to_it():
    error = ValueError("x")
    with pytest.raises(ValueError, match="x") as failed:
        await secluded(fail(error))
    assert failed.value is error
    assert (error.__cause__, error.__context__) == (None, None)
    frames = [entry.name for entry in failed.traceback]
    assert "fail" not in frames
    assert frames[-1] == "secluded"


async def test_work_that_takes_too_long_has_ended_when_that_is_told():
    work = Work()
    with pytest.raises(TimeoutError) as late:
        await secluded(work(), 0.01)
    assert work.over
    assert late.value.__context__ is None


async def test_a_cancelled_caller_is_cancelled_once_the_work_has_ended():
    work = Work()
    task = asyncio.ensure_future(secluded(work()))
    await work.began.wait()
    task.cancel("mine")
    with pytest.raises(asyncio.CancelledError) as cancelled:
        await task
    assert cancelled.value.args == ("mine",)
    assert work.over
    assert task.cancelled()


async def test_a_caller_that_is_cancelled_again_and_again_still_waits_for_the_end():
    work = Work()
    task = asyncio.ensure_future(secluded(work()))
    await work.began.wait()
    while not task.done():
        task.cancel()
        await asyncio.sleep(0)
    assert task.cancelled()
    assert work.over


async def test_a_cancellation_while_late_work_ends_is_not_lost():
    work = Work()
    task = asyncio.ensure_future(secluded(work(), 0.01))
    while not work.cancelled:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert work.over


async def test_who_catches_a_cancellation_can_take_it_back():
    work = Work()

    async def caller() -> str:
        try:
            await secluded(work())
        except asyncio.CancelledError:
            assert asyncio.current_task().uncancel() == 0
        return await secluded(give("went on"))

    task = asyncio.ensure_future(caller())
    await work.began.wait()
    task.cancel()
    assert await task == "went on"


@pytest.mark.parametrize("first", ["inner", "outer"])
async def test_of_two_time_limits_the_one_that_is_over_ends_the_work(first: str):
    work = Work()
    outer, inner = (0.01, 10) if first == "outer" else (10, 0.01)
    ended = []
    try:
        async with asyncio.timeout(outer):
            try:
                async with asyncio.timeout(inner):
                    await secluded(work())
            except TimeoutError:
                ended.append("inner")
    except TimeoutError:
        ended.append("outer")
    assert ended == [first]
    assert work.over
    assert asyncio.current_task().cancelling() == 0


async def test_a_cancel_scope_ends_the_work_and_nothing_else():
    work = Work()
    with anyio.move_on_after(0.01) as scope:
        await secluded(work())
    assert scope.cancelled_caught
    assert work.over
    with anyio.move_on_after(0.01) as outer, anyio.CancelScope() as inner:
        await secluded(Work()())
    assert (outer.cancelled_caught, inner.cancelled_caught) == (True, False)
    assert await secluded(give(1)) == 1


async def test_a_shielded_scope_shields_the_work():
    with anyio.CancelScope() as outer:
        outer.cancel()
        with anyio.CancelScope(shield=True):
            assert await secluded(give(1)) == 1


async def test_no_task_and_no_unseen_error_is_left(caplog):
    caplog.set_level(logging.DEBUG)
    before = asyncio.all_tasks()

    async def end_badly() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            raise ValueError("while it was cancelled")

    for _ in range(3):
        task = asyncio.ensure_future(secluded(end_badly()))
        await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(TimeoutError):
            await secluded(end_badly(), 0.001)
        del task
    gc.collect()
    assert asyncio.all_tasks() == before
    assert "never retrieved" not in caplog.text


async def test_what_the_caller_set_in_its_context_is_seen_by_the_work():
    from contextvars import ContextVar

    note: ContextVar[str] = ContextVar("note")
    note.set("trace")

    async def read() -> str:
        return note.get()

    assert await secluded(read()) == "trace"


async def test_work_that_was_cancelled_from_elsewhere_is_a_cancellation():
    async def cancel_oneself() -> None:
        asyncio.current_task().cancel()
        await asyncio.sleep(0)

    with pytest.raises(asyncio.CancelledError):
        await secluded(cancel_oneself())
