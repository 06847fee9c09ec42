"""Threads for what is too long for the event loop: modular exponentiation and signatures.

Both release the GIL, so as many run side by side as there are processors, and no more: a flood of
sign-ins then waits in line instead of making every one of them slow. A plain executor has that
limit by itself, and costs a quarter less than anyio's threads at five trips per sign-in; a caller
that is cancelled leaves at once, and the thread finishes alone.
"""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import ParamSpec, Self, TypeVar

from attrs import define, field

P = ParamSpec("P")
T = TypeVar("T")


def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="authflow-worker")


@define(kw_only=True)
class Workers:
    """Runs functions off the event loop, a few at a time; an async context manager."""

    _executor: ThreadPoolExecutor = field(factory=_threads, init=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # Nobody waits for what is still in line, and what runs takes milliseconds.
        self._executor.shutdown(wait=True, cancel_futures=True)

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function in a thread."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, lambda: function(*args, **kwargs))
