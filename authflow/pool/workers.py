"""Threads for work too long for the event loop: modular exponentiation and signatures.

Both release the GIL, so as many run side by side as there are processors, and no more: a flood of
sign-ins then waits in line instead of making every one of them slow. A plain executor has that
limit by itself, and costs a quarter less than anyio's threads at five trips per sign-in; a caller
that is cancelled leaves at once, and the thread finishes alone. How long the line may become, the
gate says (`authflow.pool.admission`).
"""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import ParamSpec, Self, TypeVar

from attrs import define, field

from authflow.pool.admission.lane import working

P = ParamSpec("P")
T = TypeVar("T")


def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="authflow-worker")


def _thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="authflow-long-work")


@define(kw_only=True)
class Workers:
    """Runs functions off the event loop, a few at a time; an async context manager."""

    _executor: ThreadPoolExecutor = field(factory=_threads, init=False)
    _long: ThreadPoolExecutor = field(factory=_thread, init=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # No task waits for the functions in line, and those that run take milliseconds.
        for executor in (self._executor, self._long):
            executor.shutdown(wait=True, cancel_futures=True)

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function in a thread."""
        return await _run(self._executor, lambda: function(*args, **kwargs))

    async def run_long(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function that takes a tenth of a second, in the thread for such functions."""
        return await _run(self._long, lambda: function(*args, **kwargs))


async def _run(executor: ThreadPoolExecutor, function: Callable[[], T]) -> T:
    async with working():
        return await asyncio.get_running_loop().run_in_executor(executor, function)
