"""Tasks for work with secrets, so that no traceback of ours leads to them.

The libraries that send our requests hold a password or a token in a dozen frames, as text, and an
error or a cancellation that passes through them carries these frames along: a crash reporter shows
them all. So such work runs in a task of its own. Whoever waits for it holds only the task; an error
comes out without the frames that it has seen, and a cancellation is the waiter's own.
"""

import asyncio
from collections.abc import Coroutine
from contextvars import Context
from typing import Any, TypeVar

from authflow.own_task import own_task
from authflow.unframed import bare

T = TypeVar("T")


async def secluded(
    work: Coroutine[Any, Any, T],
    timeout: float | None = None,  # noqa: ASYNC109
    *,
    context: Context | None = None,
) -> T:
    """Run some work in its own task. Cancelling the caller cancels the work, and waits for its end.

    Args:
        work: What to do. No local variable of the caller's may hold what it works with.
        timeout: How many seconds it may take; as long as it likes, if that is None.
        context: The context variables that it sees; by default the caller's.

    Returns:
        What comes of it.

    Raises:
        TimeoutError: The time is over, and the work has ended.
        Exception: What the work raised, without traceback, cause and context.
    """
    task = own_task(work, context=context)
    del work
    try:
        await asyncio.wait([task], timeout=timeout)
        in_time = task.done()
    finally:
        if not task.done():
            await _end(task)
    if not in_time:
        raise TimeoutError
    if task.cancelled():  # not by this function: by a library, or by the code that closes the loop
        raise asyncio.CancelledError
    error = task.exception()
    if error is None:
        return task.result()
    del task
    try:
        raise bare(error)
    finally:
        del error  # otherwise the frame and its error would keep each other alive


async def _end(task: "asyncio.Task[Any]") -> None:
    """Cancel a task and wait for its end, even if the waiter itself is cancelled meanwhile."""
    task.cancel()
    cancelled = False
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            cancelled = True
    if cancelled:
        raise asyncio.CancelledError
