"""Runs work that handles secrets where no traceback of ours leads.

The libraries that send our requests hold a password or a token in a dozen frames, as text, and an
error or a cancellation that passes through them carries these frames along: a crash reporter shows
them all. So such work runs in a task of its own. Whoever waits for it holds only the task; an error
comes out without the frames that it has seen, and a cancellation is the waiter's own.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from authflow.unframed import bare

T = TypeVar("T")


async def secluded(work: Coroutine[Any, Any, T], timeout: float | None = None) -> T:  # noqa: ASYNC109
    """Do some work in a task of its own. Cancelling the caller ends it, and waits until it has.

    Args:
        work: What to do. No local variable of the caller's may hold what it works with.
        timeout: How many seconds it may take; as long as it likes, if that is None.

    Returns:
        What comes of it.

    Raises:
        TimeoutError: The time is over, and the work has ended.
        Exception: What the work raised, without traceback, cause and context.
    """
    task = asyncio.get_running_loop().create_task(work)
    del work
    try:
        await asyncio.wait([task], timeout=timeout)
        in_time = task.done()
    finally:
        if not task.done():
            await _end(task)
    if not in_time:
        raise TimeoutError
    if task.cancelled():  # by nobody whom we know: whatever closes the loop, or a library
        raise asyncio.CancelledError
    error = task.exception()
    if error is None:
        return task.result()
    del task
    try:
        raise bare(error)
    finally:
        del error  # a frame and its own error would keep each other alive


async def _end(task: "asyncio.Task[Any]") -> None:
    """Cancel a task and wait for its end, also if the waiter is cancelled meanwhile."""
    task.cancel()
    cancelled = False
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            cancelled = True
    if not task.cancelled():
        task.exception()  # nobody wants it any more; asyncio would log that nobody has seen it
    if cancelled:
        raise asyncio.CancelledError
