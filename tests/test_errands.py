"""An errand is carried out to its end, whoever is cancelled meanwhile and however."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest
from attrs import define, field

from authflow.errands import Errands


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


def run(errands: Errands, work: Awaitable[Any], seconds: float = 60) -> Any:
    return errands.run(work, about="it", failed="it could not be done", seconds=seconds)


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
async def test_a_caller_whom_asyncio_cancels_goes_at_once_and_the_errand_is_carried_out(
    how: Callable[[Awaitable[Any]], Awaitable[None]],
):
    errands, work = Errands(), Work()
    await how(run(errands, work.do()))
    assert work.done == 0
    asyncio.get_running_loop().call_soon(work.go_on.set)
    await errands.aclose()
    assert (work.begun, work.done) == (1, 1)
    assert not errands._running


async def test_a_scope_that_is_cancelled_waits_for_the_errand():
    errands, work = Errands(), Work()
    with anyio.CancelScope() as scope:
        scope.cancel()
        asyncio.get_running_loop().call_later(0.01, work.go_on.set)
        await run(errands, work.do())
        assert work.done == 1
        await anyio.sleep(0)
    assert scope.cancelled_caught


async def test_errands_are_waited_for_by_what_they_concern():
    errands, mine, others = Errands(), Work(), Work()
    await by_task(errands.run(mine.do(), about="mine", failed="", seconds=60))
    await by_task(errands.run(others.do(), about="others", failed="", seconds=60))
    await errands.ended("nothing")
    asyncio.get_running_loop().call_soon(mine.go_on.set)
    await errands.ended("mine")
    assert (mine.done, others.done) == (1, 0)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.001):
            await errands.ended("others")
    others.go_on.set()
    await errands.aclose()
    assert others.done == 1


async def test_an_errand_takes_no_longer_than_it_may_and_the_log_says_so(caplog):
    errands, work = Errands(), Work()
    await run(errands, work.do(), seconds=0.001)
    assert not errands._running
    assert "it could not be done: it took too long" in caplog.text


async def test_an_errand_fails_in_the_log_alone_and_by_its_class(caplog):
    async def fails() -> None:
        raise OSError("canary")

    errands = Errands()
    await run(errands, fails())
    assert "it could not be done: OSError" in caplog.text
    assert "canary" not in caplog.text


async def test_an_errand_whose_event_loop_ends_says_so(caplog):
    errands, work = Errands(), Work()
    call = asyncio.ensure_future(run(errands, work.do()))
    while not work.begun:
        await asyncio.sleep(0)
    for task in errands._running:
        task.cancel()
    await call
    assert "all tasks of the event loop were cancelled" in caplog.text


async def test_closing_waits_for_errands_that_begin_meanwhile_whatever_scope_is_cancelled():
    errands, first, second = Errands(), Work(), Work()
    await by_task(run(errands, first.do()))

    async def also() -> None:
        first.go_on.set()
        await by_task(run(errands, second.do()))
        second.go_on.set()

    with anyio.CancelScope() as scope:
        scope.cancel()
        begun = asyncio.ensure_future(also())
        await errands.aclose()
    assert first.done == 1
    await begun
    await errands.aclose()
    assert second.done == 1
