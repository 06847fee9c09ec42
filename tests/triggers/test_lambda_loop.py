import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar

import anyio.to_thread
import pytest

from authflow.errors import MisuseError
from authflow.triggers.lambda_loop import run

NOTE: ContextVar[str] = ContextVar("note", default="none")


async def loop_of(_event: object) -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


def test_all_events_are_served_on_one_loop_that_stays_open():
    first = run(loop_of(1))
    assert run(loop_of(2)) is first
    assert not first.is_closed()


def test_what_an_event_gives_and_raises_comes_back():
    async def double(event: int) -> int:
        await asyncio.sleep(0)
        if event < 0:
            raise ValueError(event)
        return 2 * event

    assert run(double(21)) == 42
    with pytest.raises(ValueError, match="-1"):
        run(double(-1))
    assert run(double(4)) == 8


def test_what_an_event_sets_in_its_context_is_not_seen_by_the_next():
    async def note(event: str) -> str:
        before = NOTE.get()
        NOTE.set(event)
        return before

    assert [run(note("one")), run(note("two"))] == ["none", "none"]
    assert NOTE.get() == "none"


def test_what_the_caller_set_in_the_context_is_seen():
    async def read(_event: object) -> str:
        return NOTE.get()

    token = NOTE.set("trace")
    assert run(read(None)) == "trace"
    NOTE.reset(token)


def test_a_background_task_goes_on_with_the_next_event():
    done: list[str] = []

    async def in_the_background() -> None:
        await asyncio.sleep(0)
        done.append("done")

    async def start(_event: object) -> asyncio.Task[None]:
        return asyncio.create_task(in_the_background())

    async def wait(task: asyncio.Task[None]) -> None:
        await task

    run(wait(run(start(None))))
    assert done == ["done"]


def test_a_worker_thread_of_one_event_does_not_break_the_next():
    async def in_a_thread(_event: object) -> bool:
        name = await anyio.to_thread.run_sync(threading.get_ident)
        return name != threading.get_ident()

    assert all(run(in_a_thread(number)) for number in range(5))


def test_threads_take_turns_on_the_loop():
    serving: list[int] = []

    async def serve(event: int) -> int:
        serving.append(event)
        await asyncio.sleep(0.001)
        together = len(serving)
        serving.remove(event)
        return together

    with ThreadPoolExecutor(8) as threads:
        assert [*threads.map(lambda event: run(serve(event)), range(40))] == [1] * 40


async def test_where_a_loop_runs_already_the_error_says_what_to_call():
    with pytest.raises(MisuseError, match=r"await triggers\.handle"):
        run(loop_of(1))
