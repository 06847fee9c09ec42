"""An event loop in a thread of its own: how it begins, is called and ends, whoever ends it."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from authflow.errors import MisuseError
from authflow.loop_thread import LoopThread

events: list[str] = []


@contextlib.asynccontextmanager
async def noted() -> AsyncIterator[str]:
    events.append("opened")
    try:
        yield "value"
    finally:
        events.append("closed")


@pytest.fixture
def thread() -> Any:
    events.clear()
    thread = LoopThread("it", noted)
    assert thread.start() == "value"
    yield thread
    thread.stop()
    assert events == ["opened", "closed"]
    assert "authflow-loop" not in {each.name for each in threading.enumerate()}


async def where() -> tuple[int, int]:
    return threading.get_ident(), id(asyncio.get_running_loop())


async def fails() -> None:
    raise LookupError("as it is")


def test_calls_run_on_its_loop_from_any_thread(thread: LoopThread[str]):
    found = {thread.call(where)}
    callers = [threading.Thread(target=lambda: found.add(thread.call(where))) for _ in range(8)]
    for each in callers:
        each.start()
    for each in callers:
        each.join()
    assert len(found) == 1
    assert found != {(threading.get_ident(), 0)}
    with pytest.raises(LookupError, match="as it is"):
        thread.call(fails)


async def test_another_loop_awaits_its_calls_and_goes_on_meanwhile(thread: LoopThread[str]):
    here = threading.get_ident()
    turn: Any = threading.Event()

    async def waits_for_the_other_loop() -> int:
        while not turn.is_set():
            await asyncio.sleep(0)
        return threading.get_ident()

    async with asyncio.TaskGroup() as group:
        call = group.create_task(thread.awaited(waits_for_the_other_loop))
        await asyncio.sleep(0)
        turn.set()
    assert call.result() != here
    with pytest.raises(LookupError, match="as it is"):
        await thread.awaited(fails)


async def test_who_is_cancelled_while_awaiting_cancels_the_call(thread: LoopThread[str]):
    begun, ended = threading.Event(), threading.Event()

    async def waits() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    call = asyncio.create_task(thread.awaited(waits))
    await asyncio.to_thread(begun.wait)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await asyncio.to_thread(ended.wait)


def test_it_does_not_wait_for_itself(thread: LoopThread[str]):
    async def calls() -> None:
        for wrong in (lambda: thread.call(where), thread.stop):
            with pytest.raises(MisuseError, match="it would wait for itself: a trigger"):
                wrong()

    thread.call(calls)


def test_what_cannot_be_opened_raises_its_own_error_and_leaves_no_thread():
    @contextlib.asynccontextmanager
    async def broken() -> AsyncIterator[None]:
        raise LookupError("as it is")
        yield

    thread = LoopThread("it", broken)
    with pytest.raises(LookupError, match="as it is"):
        thread.start()
    thread.stop()
    with pytest.raises(MisuseError, match="it does not run any more"):
        thread.call(where)
    assert "authflow-loop" not in {each.name for each in threading.enumerate()}


def test_what_cannot_be_closed_raises_its_own_error():
    @contextlib.asynccontextmanager
    async def broken() -> AsyncIterator[None]:
        yield
        raise LookupError("as it is")

    thread = LoopThread("it", broken)
    thread.start()
    with pytest.raises(LookupError, match="as it is"):
        thread.stop()


def test_a_call_that_it_ends_under_is_told_so():
    thread = LoopThread("it", noted)
    thread.start()
    begun = threading.Event()
    told: list[BaseException] = []

    async def waits() -> None:
        begun.set()
        await asyncio.Event().wait()

    def call() -> None:
        try:
            thread.call(waits)
        except MisuseError as error:
            told.append(error)

    caller = threading.Thread(target=call)
    caller.start()
    begun.wait()
    thread.stop()
    caller.join()
    assert "it does not run any more" in str(told[0])
    with pytest.raises(MisuseError, match="it does not run any more"):
        thread.call(where)
    thread.stop()


def test_a_call_that_comes_in_its_last_step_is_told_so():
    """It is made a task that never has a first step."""
    closing, may_close = threading.Event(), threading.Event()
    told: list[BaseException] = []

    @contextlib.asynccontextmanager
    async def closes_slowly() -> AsyncIterator[None]:
        yield
        closing.set()
        may_close.wait(20)

    thread = LoopThread("it", closes_slowly)
    thread.start()

    def call() -> None:
        try:
            thread.call(where)
        except MisuseError as error:
            told.append(error)

    caller = threading.Thread(target=call, daemon=True)
    ender = threading.Thread(target=thread.stop)
    ender.start()
    assert closing.wait(20)
    caller.start()
    while not thread._calls:
        time.sleep(0.001)
    may_close.set()
    for each in (caller, ender):
        each.join(20)
    assert [str(each) for each in told] == ["it does not run any more, or not yet"]


def test_who_is_interrupted_while_it_opens_leaves_no_thread():
    opened = threading.Event()

    @contextlib.asynccontextmanager
    async def hangs() -> AsyncIterator[None]:
        opened.set()
        await asyncio.Event().wait()
        yield

    def interrupt() -> None:
        opened.wait()
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        LoopThread("it", hangs).start()
    assert "authflow-loop" not in {each.name for each in threading.enumerate()}


@pytest.mark.parametrize("begins", [True, False])
def test_who_is_interrupted_as_the_thread_begins_leaves_none(
    monkeypatch: pytest.MonkeyPatch, *, begins: bool
):
    events.clear()
    start = threading.Thread.start

    def interrupted(thread: threading.Thread) -> None:
        if begins:
            start(thread)
        raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "start", interrupted)
    with pytest.raises(KeyboardInterrupt):
        LoopThread("it", noted).start()
    assert events in ([], ["opened", "closed"])
    assert "authflow-loop" not in {each.name for each in threading.enumerate()}


def test_who_is_interrupted_in_a_call_cancels_it(thread: LoopThread[str]):
    begun, ended = threading.Event(), threading.Event()

    async def waits() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    def interrupt() -> None:
        begun.wait()
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        thread.call(waits)
    ended.wait()


def test_who_is_interrupted_as_a_call_begins_cancels_it(
    thread: LoopThread[str], monkeypatch: pytest.MonkeyPatch
):
    async def waits() -> None:
        await asyncio.Event().wait()

    async def others() -> int:
        for _ in range(100):
            await asyncio.sleep(0)
        return len(thread._calls) - 1

    hand_over = thread._loop.call_soon_threadsafe

    def interrupted(function: Any, *args: Any) -> None:
        monkeypatch.undo()
        hand_over(function, *args)
        raise KeyboardInterrupt

    monkeypatch.setattr(thread._loop, "call_soon_threadsafe", interrupted)
    with pytest.raises(KeyboardInterrupt):
        thread.call(waits)
    assert thread.call(others) == 0


PROGRAM = """
import asyncio, contextlib, os, sys, threading
if "gevent" in sys.argv:
    from gevent import monkey
    monkey.patch_all()
from authflow.loop_thread import LoopThread

@contextlib.asynccontextmanager
async def noted():
    print("opened", flush=True)
    yield
    print("closed", flush=True)

async def answer():
    await asyncio.sleep(0)
    return 42

thread = LoopThread("it", noted)
thread.start()
assert thread.call(answer) == 42
"""


def run(program: str, *arguments: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM + program, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert not done.stderr
    return done.stdout.split()


@pytest.mark.parametrize(
    "begun_by",
    ["", "threading.Thread(target=threading.Event().wait, daemon=True).start()", "sys.exit()"],
)
def test_what_nobody_ends_is_closed_when_the_process_ends(begun_by: str):
    assert run(begun_by) == ["opened", "closed"]


def test_a_forked_process_is_told_so_and_ends_nothing():
    program = """
if os.fork() == 0:
    try:
        thread.call(answer)
    except Exception as error:
        print(str(error).replace(" ", "_"), flush=True)
    thread.stop()
    os._exit(0)
os.wait()
print(thread.call(answer))
"""
    told = "it_runs_in_another_process,_of_which_this_one_is_a_fork"
    assert run(program) == ["opened", told, "42", "closed"]


def test_under_gevent_it_is_a_real_thread_and_waits_stop_no_greenlet():
    program = """
import gevent
other = LoopThread("other", noted)
other.start()
assert {*gevent.joinall([gevent.spawn(each.call, answer) for each in (thread, other) * 8])}
assert asyncio.run(answer()) == 42  # no event loop runs here

async def waits():
    while not turn:
        await asyncio.sleep(0.001)

turn = []
waiting = gevent.spawn(other.call, waits)
gevent.sleep(0.01)
turn.append(1)
waiting.get()
other.stop()
"""
    assert run(program, "gevent") == ["opened", "opened", "closed", "closed"]
