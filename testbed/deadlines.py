"""A hang fails the test that hangs, and no other.

An asynchronous test has, with its asynchronous fixtures, half of what pytest-timeout grants it;
their tear-down has as much again. Each runs in a task of its own: one that swallows its
cancellation is left behind, and the event loop, which later tests may share, goes on. What hangs
without awaiting anything is pytest-timeout's, which raises wherever the main thread is by then.

Its functions are hooks: a conftest.py imports them by name, `from testbed.deadlines import *`.
"""

import asyncio
import functools
import inspect
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Generator,
    Iterator,
)
from concurrent.futures import ThreadPoolExecutor
from types import FrameType
from typing import Any, Final

import pytest
from _pytest.outcomes import OutcomeException
from attrs import define, field, frozen

__all__ = [
    "pytest_fixture_setup",
    "pytest_pyfunc_call",
    "pytest_runtest_makereport",
    "pytest_runtest_teardown",
    "pytest_sessionfinish",
    "pytest_timeout_set_timer",
    "pytest_unconfigure",
]

SHARE = 1 / 2
"""Of what pytest-timeout grants. The rest is for what is late, or has to be left behind."""
_GRACE: Final = 1 / 12
_SETTINGS: Final = pytest.StashKey[Any]()
_STATUS: Final = pytest.StashKey[int]()


class HungError(OutcomeException):
    """A test has hung. Hypothesis catches all that is an `Exception`, and tries again."""


@frozen
class Deadline:
    """Until when one test, or its tear-down, may take.

    Args:
        test: The test's id.
        granted: What pytest-timeout grants it, in seconds.
    """

    test: str
    granted: float
    begun: float = field(factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """What asynchronous code has."""
        return self.granted * SHARE

    @property
    def left(self) -> float:
        """What it has left, in seconds."""
        return max(0.0, self.begun + self.seconds - time.monotonic())

    @property
    def grace(self) -> float:
        """How long a task may take to end when it is cancelled, in seconds, twice."""
        return self.granted * _GRACE


@define
class _State:
    """What hooks tell each other in this process."""

    deadline: Deadline | None = None
    hung: bool = False
    at_work: asyncio.Task[Any] | None = None
    left_behind: list[asyncio.Task[Any]] = field(factory=list)  # one that is lost would complain


_state: Final = _State()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, Any, Any]:
    """Run an asynchronous test, or each example of one, within its deadline."""
    generated = getattr(pyfuncitem.obj, "hypothesis", None)
    holder, name = (pyfuncitem, "obj") if generated is None else (generated, "inner_test")
    given = getattr(holder, name)
    test = getattr(given, "_anyio_original_func", given)  # of another parameter's run
    if not inspect.iscoroutinefunction(test):
        return (yield)
    setattr(holder, name, _within_deadline(test, "it"))
    try:
        return (yield)
    finally:
        setattr(holder, name, given)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> Generator[None, Any, Any]:
    """Run an asynchronous fixture within the deadline of the test that it is set up for."""
    given = made = fixturedef.func
    if request.instance is not None and inspect.ismethod(given):
        made = given.__func__.__get__(request.instance)
    limited: Callable[..., Any]
    if inspect.isasyncgenfunction(made):
        limited = _generator_within_deadline(made, fixturedef.argname)
    elif inspect.iscoroutinefunction(made):
        limited = _within_deadline(made, f"the set-up of its fixture {fixturedef.argname!r}")
    else:
        return (yield)
    fixturedef.func = limited
    try:
        return (yield)
    finally:
        fixturedef.func = given


def _within_deadline(
    function: Callable[..., Coroutine[Any, Any, Any]], what: str
) -> Callable[..., Awaitable[Any]]:
    @functools.wraps(function)
    async def limited(**arguments: Any) -> Any:
        __tracebackhide__ = True
        coroutine = function(**arguments)
        task = asyncio.create_task(coroutine)
        await _await(task, coroutine, what)
        return _result(task)

    return limited


def _generator_within_deadline(
    function: Callable[..., AsyncGenerator[Any, None]], name: str
) -> Callable[..., AsyncIterator[Any]]:
    @functools.wraps(function)
    async def limited(**arguments: Any) -> AsyncIterator[Any]:
        __tracebackhide__ = True
        generator = function(**arguments)
        ready, over = asyncio.Event(), asyncio.Event()
        value: list[Any] = []

        async def live() -> None:
            """Set up and tear down in one task: what is entered here is left where it began."""
            value.append(await anext(generator))
            ready.set()
            while not over.is_set():
                try:
                    await over.wait()
                except asyncio.CancelledError:  # what it runs beside the test has failed
                    if _state.at_work not in {None, task}:
                        _state.at_work.cancel()
            async for _ in generator:
                raise RuntimeError(f"the fixture {name!r} yields more than once")

        task = asyncio.create_task(live())
        await _await(task, generator, f"the set-up of its fixture {name!r}", ready)
        if not ready.is_set():
            _result(task)  # the set-up failed
        yield value.pop()
        over.set()
        await _await(task, generator, f"the tear-down of the fixture {name!r}")
        _result(task)

    return limited


def _result(task: asyncio.Task[Any]) -> Any:
    """What a task gave. Anyio's runner would be no more after a cancellation."""
    __tracebackhide__ = True
    try:
        return task.result()
    except asyncio.CancelledError as error:
        raise RuntimeError("cancelled by what a fixture runs beside it, or by itself") from error


async def _await(
    task: asyncio.Task[Any], awaited: object, what: str, ready: asyncio.Event | None = None
) -> None:
    """Wait until a task has ended or is ready.

    Args:
        task: The task.
        awaited: The coroutine or asynchronous generator that it is about.
        what: What it is, for the error.
        ready: When to leave it running.

    Raises:
        HungError: It does neither in time.
    """
    __tracebackhide__ = True
    deadline, before = _state.deadline, asyncio.all_tasks()
    until = {task} if ready is None else {task, asyncio.create_task(ready.wait())}
    _state.at_work = task
    done, _ = await asyncio.wait(
        until,
        timeout=None if deadline is None else deadline.left,
        return_when=asyncio.FIRST_COMPLETED,
    )
    _state.at_work = None
    for waiting in until - {task}:
        waiting.cancel()
    if done or deadline is None:
        return
    _state.hung = True
    begun = asyncio.all_tasks() - before - until
    where = _where(awaited, begun)
    for _ in range(2):  # the second one is for who swallows one
        task.cancel()
        done, _ = await asyncio.wait({task}, timeout=deadline.grace)
        if done:
            break
    swallowed = "" if done else "; it swallowed its cancellation, and was left behind"
    _leave_behind({*begun, task})
    error = HungError(
        f"{deadline.test}: {what} did not end within {deadline.seconds:g} seconds{swallowed}."
        f" It hung here:\n{where}"
    )
    ended = _how_it_ended(task) if done else None
    raise error.with_traceback(None if ended is None else ended.__traceback__) from None


def _how_it_ended(task: asyncio.Task[Any]) -> BaseException | None:
    try:
        task.result()
    except BaseException as error:  # noqa: BLE001  # however it ended
        return error
    return None


def _where(awaited: object, begun: set[asyncio.Task[Any]]) -> str:
    """Where something waits, and what was begun since, the innermost frames last."""
    told = "".join(traceback.StackSummary.extract(_frames(awaited)).format())
    for task in begun:
        stack = "".join(traceback.StackSummary.extract(_frames(task.get_coro())).format())
        told += f"Begun meanwhile, {task.get_name()}:\n{stack}"
    return told


def _frames(awaited: object) -> Iterator[tuple[FrameType, int]]:
    while awaited is not None:
        frame = next(filter(None, (getattr(awaited, f"{k}_frame", None) for k in _KINDS)), None)
        if frame is not None:
            yield frame, frame.f_lineno
        awaited = next(filter(None, (getattr(awaited, name, None) for name in _INNER)), None)


_KINDS: Final = ("cr", "gi", "ag")
_INNER: Final = ("cr_await", "gi_yieldfrom", "ag_await")


def _leave_behind(tasks: set[asyncio.Task[Any]]) -> None:
    """Have the event loop's end wait neither for tasks nor for threads that may never end."""
    for task in tasks:
        if not task.done():
            asyncio._unregister_task(task)  # noqa: SLF001  # documented, for event loops
            _state.left_behind.append(task)
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor())


@pytest.hookimpl(optionalhook=True, wrapper=True)
def pytest_timeout_set_timer(item: pytest.Item, settings: Any) -> Generator[None, Any, Any]:
    """Note what pytest-timeout grants; have its alarm end Hypothesis, too, and ring again."""
    item.stash[_SETTINGS] = settings
    _state.deadline = Deadline(item.nodeid, settings.timeout)
    result = yield
    theirs = signal.getsignal(signal.SIGALRM)
    remaining, _ = signal.getitimer(signal.ITIMER_REAL)
    if not remaining or not callable(theirs):
        return result  # it is not done by a signal

    def ring(number: int, frame: FrameType | None) -> None:
        __tracebackhide__ = True
        try:
            theirs(number, frame)
        except pytest.fail.Exception as error:
            _state.hung = True
            raise HungError(
                f"{item.nodeid} did not end within {settings.timeout:g} seconds: {error}"
            ) from None

    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, remaining, settings.timeout)
    return result


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Stop the alarm before it rings in pytest's own code."""
    if call.excinfo is not None and item.stash.get(_SETTINGS, None) is not None:
        item.config.pluginmanager.hook.pytest_timeout_cancel_timer(item=item)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, Any, Any]:
    """Give the tear-down a deadline of its own: pytest-timeout has none left for a failed test."""
    settings = item.stash.get(_SETTINGS, None)
    if settings is not None and not settings.func_only:
        item.config.pluginmanager.hook.pytest_timeout_set_timer(item=item, settings=settings)
    return (yield)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Note how it ends."""
    session.config.stash[_STATUS] = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """End the process though threads hang, for which Python would wait."""
    others = {*threading.enumerate()} - {threading.current_thread()}
    hanging = [each for each in others if not each.daemon]
    # A worker of pytest-xdist has another thread to answer by, and is ended by who began it.
    if _state.hung and hanging and not hasattr(config, "workerinput"):
        for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
            if stream is not None:
                stream.flush()
        os._exit(config.stash.get(_STATUS, 1))
