import asyncio
import threading

import anyio
import anyio.to_thread
import pytest

from authflow.triggers.places import NoThreadError, Places


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
def gate():
    """Handlers wait here, until the test is over at the latest."""
    gate = threading.Event()
    yield gate
    gate.set()


async def until(condition):
    with anyio.fail_after(30):
        while not condition():
            await anyio.sleep(0.001)


async def held(places, trigger, gate):
    place = await places.place(trigger)
    return await place.in_thread(gate.wait)


async def test_one_trigger_has_so_many_places_and_every_other_as_many_of_its_own(gate):
    places, begun = Places(2), []

    def handler(name):
        begun.append(name)
        gate.wait()

    async def call(trigger, name):
        await (await places.place(trigger)).in_thread(handler, name)

    async with asyncio.TaskGroup() as tasks:
        for name in "abc":
            tasks.create_task(call("slow", name))
        await until(lambda: len(begun) == 2)
        tasks.create_task(call("other", "d"))
        await until(lambda: len(begun) == 3)
        assert sorted(begun) == ["a", "b", "d"]
        gate.set()
    assert begun[3] == "c"


async def test_what_holds_them_leaves_the_threads_of_other_work_alone(gate):
    places = Places(100)
    async with asyncio.TaskGroup() as tasks:
        for _ in range(60):
            tasks.create_task(held(places, "slow", gate))
        limiter = anyio.to_thread.current_default_thread_limiter()
        assert await anyio.to_thread.run_sync(lambda: "done") == "done"
        assert limiter.borrowed_tokens == 0
        gate.set()


async def test_a_handler_that_nobody_waits_for_keeps_its_place_until_it_ends(gate):
    places, begun = Places(1), threading.Event()

    def hanging():
        begun.set()
        gate.wait()

    place = await places.place("slow")
    task = asyncio.create_task(place.in_thread(hanging))
    await until(begun.is_set)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with anyio.move_on_after(0.02) as scope:
        await places.place("slow")
    assert scope.cancelled_caught
    gate.set()
    with anyio.fail_after(30):
        assert await (await places.place("slow")).in_thread(lambda: 7) == 7


async def test_places_are_given_in_the_order_of_coming():
    places, order = Places(1), []
    first = await places.place("t")

    async def wait(name):
        place = await places.place("t")
        order.append(name)
        place.leave()

    async with asyncio.TaskGroup() as tasks:
        for name in "abcd":
            tasks.create_task(wait(name))
        await anyio.sleep(0)
        first.leave()
    assert order == [*"abcd"]


@pytest.mark.parametrize("gone", [(1,), (0, 1), (0, 1, 2), (2,), (0, 2)])
async def test_who_no_longer_waits_gets_no_place(gone):
    places = Places(1)
    first = await places.place("t")
    tasks = [asyncio.create_task(places.place("t")) for _ in range(3)]
    await anyio.sleep(0)
    for number in gone:
        tasks[number].cancel()
    first.leave()
    for number, task in enumerate(tasks):
        if number in gone:
            with pytest.raises(asyncio.CancelledError):
                await task
        else:
            (await task).leave()
    (await places.place("t")).leave()


async def test_a_place_that_was_given_to_who_is_cancelled_goes_on():
    places = Places(1)
    first = await places.place("t")
    task = asyncio.create_task(places.place("t"))
    await anyio.sleep(0)
    first.leave()  # the task has it now, and is cancelled before it hears of it
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with anyio.fail_after(30):
        (await places.place("t")).leave()


async def test_nothing_is_kept_of_triggers_that_nobody_runs():
    places = Places(2)
    for number in range(50):
        place = await places.place(number)
        await place.in_thread(int)
    await until(lambda: not places._rooms)


async def test_a_call_that_is_cancelled_before_it_begins_leaves(gate):
    places, called = Places(1), []
    place = await places.place("t")
    with anyio.CancelScope() as scope:
        scope.cancel()
        await place.in_thread(called.append, 1)
    (await places.place("t")).leave()
    assert not called


@pytest.mark.parametrize("end", [SystemExit, KeyboardInterrupt, GeneratorExit])
async def test_a_handler_ends_nobodys_process(end):
    def ending():
        raise end

    places = Places(1)
    with pytest.raises(RuntimeError, match=end.__name__):
        await (await places.place("t")).in_thread(ending)
    with anyio.fail_after(30):
        (await places.place("t")).leave()


async def test_where_the_system_gives_no_thread_the_place_is_free_again(monkeypatch):
    """It stands in for a machine that is full, which no test can make."""

    async def refused(*arguments, **settings):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("anyio.to_thread.run_sync", refused)
    places = Places(1)
    with pytest.raises(NoThreadError):
        await (await places.place("t")).in_thread(int)
    (await places.place("t")).leave()
