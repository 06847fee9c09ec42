"""A duty is carried out to its end, whoever is cancelled meanwhile and however."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest
from attrs import define, field

from authflow.duties import Duties


@define
class Work:
    """Something to do, in as many steps as it takes until the test lets it go on."""

    go_on: asyncio.Event = field(factory=asyncio.Event)
    begun: int = 0
    done: int = 0

    async def do(self) -> None:
        self.begun += 1
        await self.go_on.wait()
        self.done += 1


def run(duties: Duties, work: Awaitable[Any], work_timeout: float = 60) -> Any:
    return duties.run(work, about="it", failed="it could not be done", work_timeout=work_timeout)


async def by_task(call: Awaitable[Any]) -> None:
    task = asyncio.ensure_future(call)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def before_its_first_step(call: Awaitable[Any]) -> None:
    task = asyncio.ensure_future(call)
    asyncio.get_running_loop().call_soon(task.cancel)
    with pytest.raises(asyncio.CancelledError):
        await task


async def twice(call: Awaitable[Any]) -> None:
    task = asyncio.ensure_future(call)
    for _ in range(2):
        await asyncio.sleep(0)
        task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def by_timeout(call: Awaitable[Any]) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.001):
            await call


async def by_wait_for(call: Awaitable[Any]) -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(call, 0.001)


async def by_a_task_group(call: Awaitable[Any]) -> None:
    async def fails() -> None:
        await asyncio.sleep(0)
        raise KeyError

    with pytest.raises(ExceptionGroup):  # noqa: PT012
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(call)
            tasks.create_task(fails())


HOW = [by_task, before_its_first_step, twice, by_timeout, by_wait_for, by_a_task_group]


@pytest.mark.parametrize("how", HOW)
async def test_a_caller_whom_asyncio_cancels_goes_at_once_and_the_duty_is_carried_out(
    how: Callable[[Awaitable[Any]], Awaitable[None]],
):
    duties, work = Duties(), Work()
    await how(run(duties, work.do()))
    assert work.done == 0
    asyncio.get_running_loop().call_soon(work.go_on.set)
    await duties.aclose()
    assert (work.begun, work.done) == (1, 1)
    assert not duties._running


async def test_a_scope_that_is_cancelled_waits_for_the_duty():
    duties, work = Duties(), Work()
    with anyio.CancelScope() as scope:
        scope.cancel()
        asyncio.get_running_loop().call_later(0.01, work.go_on.set)
        await run(duties, work.do())
        assert work.done == 1
        await anyio.sleep(0)
    assert scope.cancelled_caught


async def test_duties_are_waited_for_by_what_they_concern():
    duties, mine, others = Duties(), Work(), Work()
    await by_task(duties.run(mine.do(), about="mine", failed="", work_timeout=60))
    await by_task(duties.run(others.do(), about="others", failed="", work_timeout=60))
    await duties.ended("nothing")
    asyncio.get_running_loop().call_soon(mine.go_on.set)
    await duties.ended("mine")
    assert (mine.done, others.done) == (1, 0)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.001):
            await duties.ended("others")
    others.go_on.set()
    await duties.aclose()
    assert others.done == 1


async def test_a_duty_takes_no_longer_than_it_may_and_the_log_says_so(caplog):
    duties, work = Duties(), Work()
    await run(duties, work.do(), work_timeout=0.001)
    assert not duties._running
    assert "it could not be done: it took too long" in caplog.text


async def test_a_duty_fails_in_the_log_alone_and_by_its_class(caplog):
    async def fails() -> None:
        raise OSError("canary")

    duties = Duties()
    await run(duties, fails())
    assert "it could not be done: OSError" in caplog.text
    assert "canary" not in caplog.text


async def test_a_duty_whose_event_loop_ends_says_so(caplog):
    duties, work = Duties(), Work()
    call = asyncio.ensure_future(run(duties, work.do()))
    while not work.begun:
        await asyncio.sleep(0)
    for task in duties._running:
        task.cancel()
    await call
    assert "all tasks of the event loop were cancelled" in caplog.text


async def test_closing_waits_for_duties_that_begin_meanwhile_whatever_scope_is_cancelled():
    duties, first, second = Duties(), Work(), Work()
    await by_task(run(duties, first.do()))

    async def also() -> None:
        first.go_on.set()
        await by_task(run(duties, second.do()))
        second.go_on.set()

    with anyio.CancelScope() as scope:
        scope.cancel()
        begun = asyncio.ensure_future(also())
        await duties.aclose()
    assert first.done == 1
    await begun
    await duties.aclose()
    assert second.done == 1
