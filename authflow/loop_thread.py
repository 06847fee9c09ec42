"""An event loop in a thread of its own, for synchronous code and for code on other loops.

anyio's portal does much of it. Why there is this, too:

1. It ends with the process's main thread, also if nobody ends it: files are closed, no port stays.
2. A call that comes while it ends is told so. With a portal it may wait for ever.
3. A forked process has the object, but no such thread, and is told so; nor has it the sockets,
   lest a port that it knows nothing of stays open in it.
4. gevent makes greenlets of threads. On one of them an event loop would seem to run in all others,
   and no second one could. So this is a real thread there.
"""

import asyncio
import atexit
import concurrent.futures
import contextlib
import os
import selectors
import sys
import threading
import weakref
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from typing import Any, Final, Generic, ParamSpec, TypeVar

import anyio
from attrs import define, field

from authflow.errors import MisuseError
from authflow.event_loop import keep_for_ever, leave_to_the_parent

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")

_TICK: Final = 0.2
"""Seconds between two looks at whether the main thread has ended."""
_PAUSE: Final = 0.002
"""Seconds between two looks under gevent at whether another thread is done."""


def _gevents(name: str) -> Any:
    """Return a part of gevent's that stands in for a module of Python's; None without patches."""
    monkey = sys.modules.get("gevent.monkey")
    if monkey is None or not monkey.is_module_patched("threading"):
        return None
    return sys.modules[name]


def _new_lock() -> Any:
    """Return a lock that threads share: gevent's own knows greenlets of one thread alone."""
    monkey = _gevents("gevent.monkey")
    return threading.Lock() if monkey is None else monkey.get_original("_thread", "allocate_lock")()


class _Outcome(Generic[R]):
    """The result of a thread, or its error, for which another thread waits."""

    def __init__(self) -> None:
        self._future: concurrent.futures.Future[R] = concurrent.futures.Future()
        self._done = False
        self._future.add_done_callback(self._note)

    def _note(self, _future: object) -> None:
        self._done = True

    @property
    def done(self) -> bool:
        """Whether it is there."""
        return self._done

    def give(self, result: R) -> None:
        """Set the result, unless there is an outcome."""
        if not self._done:
            self._future.set_result(result)

    def fail(self, error: BaseException) -> None:
        """Set the error, unless there is an outcome."""
        if not self._done:
            self._future.set_exception(error)

    def wait(self) -> R:
        """Wait for the outcome, and return or raise it."""
        gevent = _gevents("gevent")
        # gevent cannot tell that another thread will wake it, and takes this for a deadlock.
        while gevent is not None and not self._done:
            gevent.sleep(_PAUSE)
        return self._future.result()

    def then(self, tell: Callable[[], object]) -> None:
        """Call a function when there is an outcome, on the thread that gives it."""
        self._future.add_done_callback(lambda _: tell())


class _Call(Generic[R]):
    """A call on its way: it can be cancelled from before it begins."""

    def __init__(self) -> None:
        self.outcome: _Outcome[R] = _Outcome()
        self.loop: asyncio.AbstractEventLoop | None = None
        self.tasks: list[asyncio.Task[None]] = []

    def cancel(self) -> None:
        """End it, if it has been handed to the loop at all."""
        if self.loop is not None:
            _call_soon(self.loop, lambda: [task.cancel() for task in self.tasks])


@define(eq=False)
class LoopThread(Generic[T]):
    """A thread that runs an event loop, on which something is open as long as the thread lives.

    Args:
        owner: What it is, such as "this pool"; errors say so.
        lifetime: Makes what is opened at the start, and closed at the end.
    """

    owner: str
    lifetime: Callable[[], AbstractAsyncContextManager[T]] = field(repr=False)
    _begun: _Outcome[T] = field(factory=_Outcome, init=False, repr=False)
    _ended: _Outcome[None] = field(factory=_Outcome, init=False, repr=False)
    _lock: Any = field(factory=_new_lock, init=False, repr=False)
    _pid: int = field(factory=os.getpid, init=False, repr=False)
    _thread: threading.Thread | None = field(default=None, init=False, repr=False)
    _is_launched: bool = field(default=False, init=False, repr=False)
    _loop: asyncio.AbstractEventLoop | None = field(default=None, init=False, repr=False)
    _living: "asyncio.Task[Any] | None" = field(default=None, init=False, repr=False)
    _over: asyncio.Event = field(factory=asyncio.Event, init=False, repr=False)
    _given_up: bool = field(default=False, init=False, repr=False)
    _calls: set[_Outcome[Any]] = field(factory=set, init=False, repr=False)

    def start(self) -> T:
        """Start the thread, once, and wait until all is open.

        Returns:
            What was opened.

        Raises:
            BaseException: It could not be opened; the error is raised as it is.
        """
        try:
            self._start_thread()
            return self._begun.wait()
        except BaseException:
            self._give_up()  # it may be that the caller waits no more
            self._join()
            raise

    @property
    def is_over(self) -> bool:
        """Whether the thread has ended, in whatever way."""
        return self._ended.done

    def stop(self) -> None:
        """Close what is open, and wait until the thread has ended; then do nothing any more.

        A process that was forked from the thread's one has nothing to end.

        Raises:
            BaseException: It could not be closed; the error is raised as it is.
            MisuseError: It is called on the thread's own loop.
        """
        if self._pid != os.getpid():
            return
        self._refuse_own_loop()
        with self._lock:
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._over.set)
        self._join()
        self._ended.wait()

    def call(
        self, function: Callable[P, Coroutine[Any, Any, R]], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Run a coroutine function on the loop, and wait for its result.

        Args:
            function: What to run.
            *args: Its arguments.
            **kwargs: Its arguments by name.

        Raises:
            MisuseError: The thread does not run, ended meanwhile, or would wait for itself.
        """
        self._refuse_own_loop()
        call: _Call[R] = _Call()
        try:
            self._submit(call, function, *args, **kwargs)
            return call.outcome.wait()
        except BaseException:
            call.cancel()  # it goes on if the caller was interrupted, at whatever step
            raise

    async def awaited(
        self, function: Callable[P, Coroutine[Any, Any, R]], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Run a coroutine function on the loop, and await its result on the caller's.

        Args:
            function: What to run.
            *args: Its arguments.
            **kwargs: Its arguments by name.

        Raises:
            MisuseError: The thread does not run, or ended meanwhile.
        """
        here, there = asyncio.get_running_loop(), asyncio.Event()
        call: _Call[R] = _Call()
        try:
            self._submit(call, function, *args, **kwargs)
            call.outcome.then(lambda: _call_soon(here, there.set))
            await there.wait()
        except BaseException:
            call.cancel()
            raise
        return call.outcome.wait()

    def _submit(
        self,
        call: _Call[R],
        function: Callable[P, Coroutine[Any, Any, R]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> None:
        """Begin a call."""
        if self._pid != os.getpid():  # the lock may be held for ever here
            msg = f"{self.owner} runs in another process, of which this one is a fork"
            raise MisuseError(msg)
        outcome = call.outcome

        async def run() -> None:
            try:
                outcome.give(await function(*args, **kwargs))
            except asyncio.CancelledError:
                raise
            except BaseException as error:  # noqa: BLE001  # the caller gets it
                outcome.fail(error)

        def end(_task: object) -> None:
            outcome.fail(self._none_runs())  # cancelled, and it may be before its first step
            self._calls.discard(outcome)

        def begin() -> None:
            task = asyncio.create_task(run())
            call.tasks.append(task)
            task.add_done_callback(end)

        with self._lock:
            loop = self._loop
            if loop is None or not self._begun.done:
                raise self._none_runs()
            self._calls.add(outcome)
            call.loop = loop
            loop.call_soon_threadsafe(begin)

    def _none_runs(self) -> MisuseError:
        return MisuseError(f"{self.owner} does not run any more, or not yet")

    def _refuse_own_loop(self) -> None:
        try:
            running = asyncio.get_running_loop()
        except RuntimeError:
            return
        if running is self._loop:
            msg = (
                f"{self.owner} would wait for itself: a trigger and what a pool calls run on its"
                " own event loop, where its synchronous methods cannot be called"
            )
            raise MisuseError(msg)

    def _start_thread(self) -> None:
        monkey = _gevents("gevent.monkey")
        if monkey is not None:
            atexit.register(self.stop)  # Python does not wait for such a thread
            # gevent imports what its hubs are made of with the first one. Two threads that make
            # theirs at once would wait for each other's imports for ever.
            _gevents("gevent").get_hub()
            monkey.get_original("_thread", "start_new_thread")(self._run, ())
            self._is_launched = True
            return
        self._thread = threading.Thread(target=self._run, name="authflow-loop", daemon=False)
        self._thread.start()

    def _join(self) -> None:
        if self._thread is not None:
            with contextlib.suppress(RuntimeError):  # interrupted as it began: it opens nothing
                self._thread.join()
            return
        if self._is_launched:
            with contextlib.suppress(BaseException):
                self._ended.wait()
        atexit.unregister(self.stop)

    def _run(self) -> None:
        """Run the loop until it is over. This is what the thread does."""
        error: BaseException | None = None
        try:
            asyncio.run(self._live())
        except BaseException as raised:  # noqa: BLE001  # whoever begins or ends it gets the error
            error = raised
        with self._lock:
            self._loop = self._living = None
            left = tuple(self._calls)
        for call in left:
            call.fail(self._none_runs())
        if error is None or not self._begun.done:
            self._ended.give(None)
        else:
            self._ended.fail(error)
        self._begun.fail(error or self._none_runs())

    async def _live(self) -> None:
        with self._lock:
            self._loop, self._living = asyncio.get_running_loop(), asyncio.current_task()
            _RUNNING.add(self)
            if self._given_up:
                return
        async with self.lifetime() as value:
            self._begun.give(value)
            # Python waits for this thread, and takes nothing down before.
            while not self._over.is_set() and threading.main_thread().is_alive():
                with anyio.move_on_after(_TICK):
                    await self._over.wait()

    def leave_to_the_parent(self) -> None:
        """Leave the thread's sockets, in a child process that has inherited them."""
        selector = getattr(self._loop, "_selector", None)  # other kinds of loops keep theirs
        if isinstance(selector, selectors.BaseSelector) and self._pid != os.getpid():
            keep_for_ever(self._loop)
            leave_to_the_parent(selector)

    def _give_up(self) -> None:
        with self._lock:
            self._given_up = True
            if self._loop is not None and self._living is not None:
                self._loop.call_soon_threadsafe(self._living.cancel)


_RUNNING: "Final[weakref.WeakSet[LoopThread[Any]]]" = weakref.WeakSet()


def _after_fork_in_child() -> None:
    if _gevents("gevent.monkey") is not None:
        return  # what its loops wait by belongs to a hub
    for each in tuple(_RUNNING):
        each.leave_to_the_parent()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)


def _call_soon(loop: asyncio.AbstractEventLoop, function: Callable[[], object]) -> None:
    """Call a function on a loop, if that still runs."""
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(function)
