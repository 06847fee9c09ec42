"""Servers that a test's own function serves: hostile, failing, or just counting."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any

import pytest

__all__ = ["listen", "listening"]

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[object]]


@pytest.fixture(scope="session")
def listening() -> Callable[..., AbstractAsyncContextManager[int]]:
    """Serves connections by a function, at the port that it gives, and leaves none of them open."""
    return listen


@asynccontextmanager
async def listen(serve: Serve, port: int = 0, **options: Any) -> AsyncIterator[int]:
    """One that is left outlives its event loop, and fails whichever test runs by then."""
    served: set[asyncio.Task[object]] = set()

    async def to_its_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if (task := asyncio.current_task()) is not None:
            served.add(task)
        try:
            await serve(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the other side has gone
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    listener = await asyncio.start_server(to_its_end, "127.0.0.1", port, **options)
    async with listener:
        yield listener.sockets[0].getsockname()[1]
        listener.close()
        # A connection that was accepted a moment ago is a task of asyncio's own before it is ours.
        while any(map(_is_accepting, asyncio.all_tasks())):  # noqa: ASYNC110  # it tells nobody
            await asyncio.sleep(0.001)
        await asyncio.sleep(0)  # and ours begins
        for task in served:
            task.cancel()  # it may wait for ever, as the test wanted it
        await asyncio.gather(*served, return_exceptions=True)


def _is_accepting(task: asyncio.Task[Any]) -> bool:
    return "accept" in getattr(task.get_coro(), "__qualname__", "")
