"""Observation of a plugin's hooks: every step between two awaits, and every message.

The plugin is observed from a subclass of its class, so it runs as it is, with all that the core
gives to it.
"""

import asyncio
import contextlib
import inspect
import time
from collections.abc import Awaitable, Callable, Coroutine, Generator
from types import FrameType
from typing import Any, Final, Literal

import anyio
from attrs import define, evolve, field

from authflow.testing.blocking import BlockingCalls, Stacks
from authflow.testing.plugin_code import PluginCode

Hook = Literal["create", "verify", "answer"]

_CANCEL_TIMEOUT: Final = 5.0
"""Seconds to wait for the end of a cancelled hook."""


@define(kw_only=True)
class HookRun:
    """One run of a hook.

    Args:
        hook: Which one.
        context: What it was told.
        steps: How often it was resumed.
        longest_step: For how many seconds it kept the event loop at most.
        blocking_calls: Calls that make a thread wait, by their names.
        blocked_at: Where in the plugin it made them, or kept the event loop.
        seconds: How long it took.
        worked: For how many seconds the process computed meanwhile, all its threads together.
        result: What it gave.
        error: What it raised.
        timed_out: Whether it was ended because it took too long.
    """

    hook: Hook
    context: Any = field(repr=False)
    steps: int = 0
    longest_step: float = 0.0
    blocking_calls: list[str] = field(factory=list)
    blocked_at: list[str] = field(factory=list)
    seconds: float = 0.0
    worked: float = 0.0
    result: Any = field(default=None, repr=False)
    error: BaseException | None = field(default=None, repr=False)
    timed_out: bool = False

    @property
    def attempt(self) -> int:
        """The attempt at which the hook ran."""
        return int(getattr(self.context, "attempt", 1))

    def whereabouts(self, code: PluginCode) -> str:
        """Return the place in the plugin where it ran, or raised.

        Args:
            code: The plugin's.
        """
        raised = None if self.error is None else code.of_error(self.error)
        return f"{self.hook} at attempt {self.attempt}, {raised or code.of_hook(self.hook)}"


@define(kw_only=True)
class HookLog:
    """The record of what hooks did.

    Args:
        clock: Gives plugins the time, in seconds since the epoch.
        timeout: Seconds for a hook.
        code: Where the plugin's code is, to say where it blocks.
    """

    clock: Callable[[], float]
    timeout: float
    code: PluginCode | None = None
    runs: list[HookRun] = field(factory=list, init=False)
    sent: int = field(default=0, init=False)
    """The number of messages that `deliver` passed to the sender."""
    cancel_at: int | None = field(default=None, init=False)
    """The step before which the next hook is to be cancelled."""

    def of(self, hook: Hook) -> list[HookRun]:
        """Return the runs of one hook."""
        return [run for run in self.runs if run.hook == hook]

    async def run(self, hook: Hook, call: Callable[..., Any], context: Any, *more: Any) -> Any:
        """Run a hook, and record what it does.

        Args:
            hook: Which one.
            call: The plugin's method.
            context: Its first argument.
            *more: Its further ones.
        """
        run = HookRun(hook=hook, context=context)
        self.runs.append(run)
        began, worked = time.monotonic(), time.process_time()
        try:
            with anyio.fail_after(self.timeout) as scope:
                run.result = await _Stepped(call(context, *more), run, self.cancel_at, self.code)
        except BaseException as error:
            run.timed_out = scope.cancelled_caught
            run.error = error
            raise
        finally:
            run.seconds, run.worked = time.monotonic() - began, time.process_time() - worked
        return run.result


@define
class RecordedSends:
    """Sends a challenge's messages as the core does, and counts them."""

    _sends: Any
    _log: HookLog

    async def deliver(
        self, destination: str | None, send: Callable[[], Awaitable[object]], **named: str
    ) -> Any:
        """Send the message of a challenge."""
        return await self._sends.deliver(destination, self._counted(send), **named)

    async def repeat(
        self, destination: str | None, send: Callable[[], Awaitable[object]], **named: str
    ) -> None:
        """Send a message of an earlier attempt, if it failed."""
        await self._sends.repeat(destination, self._counted(send), **named)

    def _counted(self, send: Callable[[], Awaitable[object]]) -> Callable[[], Awaitable[object]]:
        async def counted() -> object:
            self._log.sent += 1
            return await send()

        return counted


def watched_trigger(challenge: type[Any], log: HookLog) -> type[Any]:
    """Make a class that works like a trigger challenge's class, and records its runs.

    Args:
        challenge: The plugin's class.
        log: Where to write down what its hooks do.
    """

    class Watched(challenge):  # type: ignore[misc]  # its base is what is tested
        async def create(self, context: Any) -> Any:
            sends = None if context.sends is None else RecordedSends(context.sends, log)
            told = evolve(context, sends=sends, now=log.clock())
            return await log.run("create", super().create, told)

        async def verify(self, context: Any) -> Any:
            told = evolve(context, now=log.clock())
            return await log.run("verify", super().verify, told)

    return named_as(Watched, challenge)


def watched_client(challenge: type[Any], log: HookLog) -> type[Any]:
    """Make a class that works like a client challenge's class, and records its runs.

    Args:
        challenge: The plugin's class.
        log: Where to write down what its hook does.
    """

    class Watched(challenge):  # type: ignore[misc]  # its base is what is tested
        async def answer(self, asked: Any, prompt: Any) -> Any:
            return await log.run("answer", super().answer, asked, prompt)

    return named_as(Watched, challenge)


def named_as(watched: type[Any], challenge: type[Any]) -> type[Any]:
    """Name a class as another, so that findings name the other."""
    watched.__name__ = challenge.__name__
    watched.__qualname__ = challenge.__qualname__
    watched.__module__ = challenge.__module__
    return watched


class _Stepped:
    """Runs a coroutine step by step, in the task that awaits it."""

    def __init__(
        self, hook: Any, run: HookRun, cancel_at: int | None, code: PluginCode | None
    ) -> None:
        if not inspect.iscoroutine(hook):
            msg = f"{run.hook} is no coroutine function: write `async def {run.hook}`"
            raise TypeError(msg)
        self._hook: Coroutine[Any, Any, Any] = hook
        self._run = run
        self._cancel_at = cancel_at
        self._code = code

    def __await__(self) -> Generator[Any, Any, Any]:
        error: BaseException | None = None
        while True:
            began = time.perf_counter()
            try:
                with (
                    BlockingCalls.recorded(self._run.blocking_calls, self._at),
                    Stacks.watched(self._at),
                ):
                    awaited = self._hook.send(None) if error is None else self._hook.throw(error)
            except StopIteration as done:
                return done.value
            finally:
                took = time.perf_counter() - began
                self._run.longest_step = max(self._run.longest_step, took)
            if self._run.steps == self._cancel_at:
                # This is the task's own way: it passes the cancellation on to the awaited future.
                _this_task().cancel()
            self._run.steps += 1
            error = None
            try:
                yield awaited
            except GeneratorExit:
                self._hook.close()
                raise
            except BaseException as raised:  # noqa: BLE001  # all of it is the hook's to see
                error = raised

    def _at(self, frame: FrameType | None) -> None:
        """Record where in the plugin the event loop has to wait."""
        place = None if self._code is None else self._code.of_stack(frame)
        if place is not None and place not in self._run.blocked_at:
            self._run.blocked_at.append(place)


def _this_task() -> "asyncio.Task[Any]":
    task = asyncio.current_task()
    if task is None:
        msg = "a hook is run by a task"
        raise RuntimeError(msg)
    return task


async def run_cancelled(log: HookLog, call: Callable[[], Awaitable[Any]], at: int) -> str | None:
    """Cancel a hook at one of its awaits, and return what is wrong with its end.

    Args:
        log: What observes the hook.
        call: What makes it run.
        at: Before which of its steps.

    Returns:
        None if it ended as it should.
    """
    before = asyncio.all_tasks()
    log.cancel_at = at
    task = asyncio.ensure_future(call())
    try:
        done, _ = await asyncio.wait({task}, timeout=_CANCEL_TIMEOUT)
    finally:
        log.cancel_at = None
    if not done:
        task.cancel()
        await asyncio.wait({task}, timeout=_CANCEL_TIMEOUT)
        return "it did not end"
    if not task.cancelled():
        with contextlib.suppress(Exception):
            task.result()
        return "it went on as if nothing had happened: let CancelledError through"
    await asyncio.sleep(0)
    left = [one for one in asyncio.all_tasks() - before if one is not task and not one.done()]
    return f"it left {len(left)} task behind" if left else None
