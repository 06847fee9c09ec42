"""A handler in this process: it cannot keep a check from ending, nor end it."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import anyio
import pytest

from authflow.errors import ConfigError
from authflow.triggers.check.define_paths import DefineFailedError
from authflow.triggers.check.python_handler import in_process

EVENT = {"request": {"session": []}}


async def test_a_plain_function_may_run_a_loop_of_its_own():
    def handler(event: dict[str, Any], _context: Any) -> Any:
        return asyncio.run(asyncio.sleep(0, event))

    assert await in_process(handler)(EVENT) == EVENT


async def test_a_plain_function_is_asked_by_one_thread_as_on_lambda():
    threads = []
    define = in_process(lambda event, _context: threads.append(threading.get_ident()) or event)
    for _ in range(3):
        assert await define(EVENT) == EVENT
    assert len(set(threads)) == 1
    assert threads[0] != threading.get_ident()


async def test_a_callable_object_that_gives_a_coroutine_is_awaited():
    class Called:
        async def __call__(self, event: dict[str, Any], _context: Any) -> Any:
            return event

    assert await in_process(Called())(EVENT) == EVENT


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf")])
def test_a_time_that_is_not_positive_is_refused(timeout):
    with pytest.raises(ConfigError, match="timeout"):
        in_process(sleeps, timeout=timeout)


async def sleeps(event: dict[str, Any], _context: Any) -> Any:
    await anyio.sleep_forever()


@pytest.fixture
def hangs():
    """Make a handler that hangs where the event says so."""
    forever = threading.Event()
    yield lambda event, _context: event if "quick" in event else forever.wait()
    forever.set()


async def test_a_handler_that_does_not_return_is_given_up(hangs):
    for handler in (hangs, sleeps):
        with pytest.raises(DefineFailedError, match=r"within 0\.02 seconds; --timeout"):
            await in_process(handler, timeout=0.02)(EVENT)


async def test_the_next_event_is_answered_though_the_last_one_hangs(hangs):
    define = in_process(hangs, timeout=0.05)
    with pytest.raises(DefineFailedError):
        await define(EVENT)
    assert await define({"quick": True}) == {"quick": True}


async def test_an_answer_that_comes_too_late_disturbs_nothing():
    go_on = threading.Event()
    complaints: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, told: complaints.append(told))
    define = in_process(lambda event, _context: go_on.wait() and event, timeout=0.02)
    with pytest.raises(DefineFailedError):
        await define(EVENT)
    go_on.set()
    assert await in_process(lambda event, _context: event)(EVENT) == EVENT
    await anyio.sleep(0.02)
    assert complaints == []


async def test_a_time_out_of_the_handlers_own_stays_its_own():
    async def handler(_event: dict[str, Any], _context: Any) -> Any:
        raise TimeoutError("the database")

    with pytest.raises(DefineFailedError, match=r"^raises TimeoutError: the database$"):
        await in_process(handler)(EVENT)


class Unspeakable(Exception):  # noqa: N818
    """Does something while it is put into words."""

    def __str__(self) -> str:
        error: BaseException = self.args[0]
        raise error


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize(
    "error",
    [
        KeyboardInterrupt(),
        SystemExit(0),
        StopIteration(),
        asyncio.CancelledError(),
        GeneratorExit(),
        BaseException("gone"),
        TimeoutError(),
        Unspeakable(ValueError()),
        Unspeakable(SystemExit(0)),
        Unspeakable(KeyboardInterrupt()),
        Unspeakable(asyncio.CancelledError()),
    ],
    ids=repr,
)
async def test_whatever_a_handler_raises_is_its_failure_and_the_next_event_is_answered(
    error: BaseException, is_async: bool
):
    def handler(event: dict[str, Any], _context: Any) -> Any:
        if "quick" in event:
            return event
        raise error

    async def awaited(event: dict[str, Any], context: Any) -> Any:
        await asyncio.sleep(0)
        return handler(event, context)

    define = in_process(awaited if is_async else handler)
    for _ in range(2):
        with pytest.raises(DefineFailedError, match=r"^raises|^ends the process"):
            await define(EVENT)
    assert await define({"quick": True}) == {"quick": True}


class Unwritable(dict[str, Any]):
    """Does something while it is written as JSON."""

    def items(self) -> Any:
        raise SystemExit(0)


async def test_what_a_handler_gives_is_written_where_it_cannot_end_the_check():
    with pytest.raises(DefineFailedError, match="ends the process"):
        await in_process(lambda _event, _context: Unwritable(key=1))(EVENT)
    with pytest.raises(DefineFailedError, match="what JSON cannot say"):
        await in_process(lambda _event, _context: {"response": object()})(EVENT)


async def blocks(_event: dict[str, Any], _context: Any) -> Any:
    FOREVER.wait()


async def is_busy(_event: dict[str, Any], _context: Any) -> Any:
    while not FOREVER.is_set():
        pass


async def will_not_be_cancelled(_event: dict[str, Any], _context: Any) -> Any:
    while not FOREVER.is_set():
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(0.005)


async def cannot_say_it(_event: dict[str, Any], _context: Any) -> Any:
    class Slow(Exception):  # noqa: N818
        def __str__(self) -> str:
            FOREVER.wait()
            return ""

    raise Slow


FOREVER = threading.Event()


@pytest.fixture
def forever() -> Iterator[None]:
    FOREVER.clear()
    yield
    FOREVER.set()


@pytest.mark.usefixtures("forever")
@pytest.mark.parametrize("hanging", [blocks, is_busy, will_not_be_cancelled, cannot_say_it, sleeps])
async def test_a_coroutine_that_does_not_end_is_given_up_and_the_next_event_is_answered(
    hanging: Callable[[Any, Any], Any],
):
    async def handler(event: dict[str, Any], context: Any) -> Any:
        return event if "quick" in event else await hanging(event, context)

    define = in_process(handler, timeout=0.1)
    with pytest.raises(DefineFailedError, match=r"within 0\.1 seconds; --timeout"):
        await define(EVENT)
    assert await define({"quick": True}) == {"quick": True}


async def test_coroutines_share_one_loop_so_that_what_belongs_to_it_lasts():
    kept: list[asyncio.Queue[int]] = []

    async def handler(event: dict[str, Any], _context: Any) -> Any:
        queue = kept[0] if kept else asyncio.Queue()
        kept.append(queue)
        asyncio.get_running_loop().call_soon(queue.put_nowait, 1)
        return {**event, "got": await queue.get()}

    define = in_process(handler)
    assert [(await define(EVENT))["got"] for _ in range(3)] == [1, 1, 1]


async def test_a_handler_gets_a_context_like_lambdas():
    def handler(event: dict[str, Any], context: Any) -> Any:
        left = context.get_remaining_time_in_millis()
        return {**event, "id": context.aws_request_id, "left": left}

    define = in_process(handler, timeout=2)
    first, second = await define(EVENT), await define(EVENT)
    assert first["id"] != second["id"]
    assert 0 < first["left"] <= 2000
