"""One synchronous call: it runs on the shared loop, and the thread that made it waits."""

import asyncio
import queue
from collections.abc import Callable, Coroutine
from contextlib import suppress
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Final, Generic, TypeVar

from attrs import define, field

from authflow.errors import OutcomeUnknownError
from authflow.unframed import Unframed

T = TypeVar("T")

_LOOK_TIMEOUT: Final = 1.0
"""Seconds after which a thread that waits looks whether the shared loop is still there. On Windows
Ctrl-C is not seen before."""
_END_TIMEOUT: Final = 5.0
"""Seconds for which a thread that was interrupted waits for the end of its call."""

Job = Callable[[], None]


_running: "Final[ContextVar[Call[Any]]]" = ContextVar("authflow_call")


def running_call() -> "Call[Any]":
    """Return the call that the running task serves."""
    return _running.get()


@define(eq=False, repr=False)
class Call(Generic[T]):
    """A call: it begins as its thread waits for it. No attribute shows what it was given.

    Args:
        work: Makes what runs on the loop, given that. It is forgotten as soon as that runs.
        hand_over: Has it begin, by its own thread: calls `begin`, and later `run` on the loop; or
            `fail`. None if it is ended by hand.
    """

    _work: Callable[[Any], Coroutine[Any, Any, T]] | None
    _hand_over: "Callable[[Call[T]], None] | None" = None
    _inbox: "queue.SimpleQueue[Job | None]" = field(factory=queue.SimpleQueue, init=False)
    _cancel: Callable[[], None] | None = field(default=None, init=False)
    _is_alive: Callable[[], bool] = field(default=lambda: True, init=False)
    task: "asyncio.Task[Any] | None" = field(default=None, init=False)
    """The task that it runs in, while it runs."""
    _over: Callable[[], None] = field(default=lambda: None, init=False)
    _was_handed_over: bool = field(default=False, init=False)
    _is_broken_off: bool = field(default=False, init=False)
    _is_over: bool = field(default=False, init=False)
    _value: T | None = field(default=None, init=False)
    _error: BaseException | None = field(default=None, init=False)

    def begin(self, cancel: Callable[[], None], is_alive: Callable[[], bool]) -> None:
        """Note that it is on its way to the loop.

        Args:
            cancel: Has `break_off` called on the loop, by any thread.
            is_alive: Whether the shared loop still runs.
        """
        self._cancel, self._is_alive = cancel, is_alive

    def fail(self, error: BaseException) -> None:
        """End it before it has begun."""
        self._work = None
        self._error = error
        self._end()

    def when_over(self, over: Callable[[], None]) -> None:
        """Note a function that is called on the loop when the call is over."""
        self._over = over

    def succeed(self, value: T) -> None:
        """End it before it has begun: there was nothing to wait for."""
        self._work = None
        self._value = value
        self._end()

    async def run(self, home: object) -> None:
        """Run it, on the loop. Nothing is raised: whoever waits gets what came of it.

        Args:
            home: The shared loop.
        """
        self.task = asyncio.current_task()
        _running.set(self)  # this task's own context: it ends with the call
        work, self._work = self._work, None
        try:
            if work is not None and not self._is_broken_off:
                running = work(home)
                del work
                with Unframed():
                    self._value = await running
        except asyncio.CancelledError:
            self._error = _broken_off()
        except BaseException as error:  # noqa: BLE001  # it is the waiting thread's
            self._error = _without_first_frames(error)
        else:
            if self._is_broken_off:
                self._error = _broken_off()
        finally:
            self.task = None
            self._over()
            self._end()

    def break_off(self) -> None:
        """End it, on the loop."""
        self._is_broken_off = True
        if self.task is not None:
            self.task.cancel()

    def result(self) -> T:
        """Begin it, and wait for its end.

        Returns:
            What the asynchronous method returned.

        Raises:
            BaseException: What that raised.
            OutcomeUnknownError: It was broken off, by a close or at the end of the program.
        """
        try:  # Ctrl-C between the two would leave a call for which nobody waits
            hand_over, self._hand_over = self._hand_over, None
            if hand_over is not None:
                hand_over(self)
                self._was_handed_over = True
            self._wait()
        except BaseException:  # Ctrl-C, or whatever a signal's handler raises
            self._interrupt()
            raise
        error, self._error = self._error, None
        if error is None:
            return self._value  # type: ignore[return-value]  # it is there: there was no error
        try:
            raise error
        finally:
            del error  # otherwise the frame and its error would keep each other alive

    def _wait(self) -> None:
        while not self._is_over:
            try:
                job = self._inbox.get(timeout=_LOOK_TIMEOUT)
            except queue.Empty:
                if not self._is_alive() and not self._is_over:
                    self.fail(_broken_off())
                continue
            if job is not None:
                job()

    def _interrupt(self) -> None:
        """Break it off by its own thread, and wait until nothing of it runs."""
        if self._is_over or self._cancel is None:
            return
        self._cancel()
        if not self._was_handed_over:  # it may be that nobody has it, and that no end comes
            return
        with suppress(queue.Empty):
            while self._inbox.get(timeout=_END_TIMEOUT) is not None:
                pass

    def _end(self) -> None:
        self._is_over = True
        self._inbox.put(None)

    async def in_its_thread(self, function: Callable[[], Any]) -> Any:
        """Do something in the thread that waits.

        Args:
            function: What it does.

        Raises:
            Exception: What the function raised.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Any] = loop.create_future()

        def give(value: Any, error: Exception | None) -> None:
            if done.done():  # the call has ended meanwhile
                return
            if error is None:
                done.set_result(value)
            elif isinstance(error, StopIteration):  # no future takes one: the call would wait on
                done.set_exception(_stopped(error))
            else:
                done.set_exception(error)

        def job() -> None:
            if done.cancelled():  # nobody asks any more
                return
            value, failed = None, None
            try:
                value = function()
            except Exception as error:  # noqa: BLE001  # whoever asked gets it
                failed = error
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(give, value, failed)

        self._inbox.put(job)
        return await done


def _stopped(error: StopIteration) -> RuntimeError:
    """Return the error for one that coroutines cannot raise, as Python itself puts it (PEP 479)."""
    stopped = RuntimeError("a prompt's method raised StopIteration")
    stopped.__cause__ = error
    return stopped.with_traceback(error.__traceback__)  # it says where in the prompt it was


def _broken_off() -> OutcomeUnknownError:
    return OutcomeUnknownError(
        "the call was broken off, since the client was closed or the program ends: nobody knows"
        " whether it counted"
    )


def _without_first_frames(error: BaseException) -> BaseException:
    """Take the frames of this package away, from the outside in: they hold the arguments."""
    trace = error.__traceback__
    while trace is not None and _is_ours(trace):
        trace = trace.tb_next
    return error.with_traceback(trace)


def _is_ours(trace: TracebackType) -> bool:
    return str(trace.tb_frame.f_globals.get("__name__", "")).startswith("authflow.sync")
