"""Tasks whose errors are for those who wait for them, and for nobody else."""

import asyncio
from collections.abc import Coroutine
from contextvars import Context
from typing import Any, TypeVar

T = TypeVar("T")


def own_task(work: Coroutine[Any, Any, T], *, context: Context | None = None) -> "asyncio.Task[T]":
    """Begin some work in a task of its own, on the running loop.

    Whoever waits for it may be cancelled in the very moment in which it fails. Then nobody hears of
    the error, and asyncio would log it at some time, with its traceback and whatever it says.

    Args:
        work: What to do.
        context: The context variables that it sees; by default the caller's.
    """
    task = asyncio.get_running_loop().create_task(work, context=context)
    task.add_done_callback(_hear)
    return task


def _hear(task: "asyncio.Task[Any]") -> None:
    if not task.cancelled():
        task.exception()  # asyncio logs an error that nobody has read
