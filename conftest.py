"""What the tests of all distributions share; each plugin's source distribution has it, too."""

import asyncio
import inspect
import os
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from functools import cache
from itertools import cycle
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from hypothesis import settings

sys.path.append(str(Path(__file__).parent))  # it is not there where `pytest` itself was started

from testbed.deadlines import *  # noqa: F403  # hooks

# A busy machine is no failure: no test asserts how long something takes. Half of the usual number
# of examples: the whole suite is to end within ten minutes on two processors.
settings.register_profile("authflow", deadline=None, max_examples=50)
settings.load_profile("authflow")


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(
    collector: pytest.Module | pytest.Class, name: str, obj: object
) -> None:
    """Give every asynchronous test to anyio, as `anyio_mode = auto` does from anyio 4.11 on."""
    if not collector.istestfunction(obj, name):
        return  # it may be anything that a test's module imports, such as Django's lazy settings
    generated = getattr(obj, "hypothesis", None)
    test = obj if generated is None else generated.inner_test
    if inspect.iscoroutinefunction(test):
        pytest.mark.anyio(obj)


@pytest.hookimpl(optionalhook=True)  # a plugin's tests run without pytest-xdist, too
def pytest_xdist_auto_num_workers() -> int:
    """Give one worker more than there are processors: tests wait for processes and sockets."""
    return (os.cpu_count() or 1) + 1


Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[object]]


@pytest.fixture(scope="session")
def listening() -> Callable[..., AbstractAsyncContextManager[int]]:
    """Serves connections by a function, at the port that it gives, and leaves none of them open."""
    return _listening


@asynccontextmanager
async def _listening(serve: Serve, port: int = 0, **options: Any) -> AsyncIterator[int]:
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


@pytest.fixture(scope="session", autouse=True)
def _services_read_once() -> Iterator[None]:
    """Let the AWS SDK's sessions read its services' files once: most of what a client costs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.session, "create_loader", cache(botocore.session.create_loader))
        yield


@pytest.fixture(scope="session", autouse=True)
def _few_signing_keys() -> Iterator[None]:
    """Give pools real keys that were made once, each under another name: to make one takes long."""
    try:
        from authflow.pool.accounts import signing_keys, user_pools  # noqa: PLC0415
    except ImportError:  # without the pool's extra there are no pools
        yield
        return
    made: list[tuple[str, str]] = []
    turns = cycle(range(3))

    def draw() -> tuple[str, str]:
        turn = next(turns)
        if turn == len(made):
            made.append(signing_keys.new_signing_key())
        key_id, key = made[turn]
        return f"{key_id}.{uuid.uuid4()}", key

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(user_pools, "new_signing_key", draw)
        yield
