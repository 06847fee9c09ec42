import asyncio
import contextlib
import math

import anyio
import pytest

from authflow.pool.admission.lane import Lane, Ticket, at_work, waiting_outside, working
from authflow.pool.cognito_errors import CognitoError
from tests.pool.admission.test_budgets import Time

FULL = CognitoError("TooManyRequestsException", "full")


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
def time():
    return Time()


def lane_of(time, places=1, max_wait=1.0, **more):
    return Lane(places=places, max_wait=max_wait, clock=time, **more)


async def settled():
    for _ in range(5):
        await anyio.sleep(0)


async def in_line(lane, flows, order, **settings):
    """Stand in line, and write down who comes to a place; each gives it back at once."""

    async def one(label, address, name):
        try:
            await lane.enter(address, name, **settings)
        except CognitoError as error:
            order.append((label, error.code))
        else:
            order.append(label)
            lane.leave(lane.clock())

    tasks = [asyncio.create_task(one(*flow)) for flow in flows]
    await settled()
    return tasks


async def test_so_many_work_at_a_time_and_the_others_wait_their_turn(time):
    lane, order = lane_of(time, places=2), []
    assert not await lane.enter("a", b"")
    assert not await lane.enter("a", b"")
    tasks = await in_line(lane, [(n, "a", b"") for n in range(3)], order)
    assert order == []
    lane.leave(time.now)
    await asyncio.gather(*tasks)
    assert order == [0, 1, 2]


async def test_who_waited_is_told(time):
    lane = lane_of(time)
    await lane.enter("a", b"")
    task = asyncio.create_task(lane.enter("a", b""))
    await settled()
    lane.leave(time.now)
    assert await task


@pytest.mark.parametrize(("going_on", "room"), [(False, 1000), (True, 2000)])
async def test_the_line_is_as_long_as_one_may_have_to_wait(time, going_on, room):
    lane, order = lane_of(time, max_wait=1.0), []
    await lane.enter("a", b"")
    flows = [(n, "a", n.to_bytes(2)) for n in range(room + 1)]
    tasks = await in_line(lane, flows, order, going_on=going_on)
    assert order == [(room, "TooManyRequestsException")]
    lane.leave(time.now)
    await asyncio.gather(*tasks)
    assert len(order) == room + 1


@pytest.mark.parametrize(("held", "room"), [(0.004, 250), (0.005, 200), (0.5, 100), (1000.0, 100)])
async def test_the_slower_the_machine_the_shorter_the_line(time, held, room):
    lane, order = lane_of(time), []
    for _ in range(200):  # it is measured
        await lane.enter("a", b"")
        time.now += held
        lane.leave(time.now - held)
    await lane.enter("a", b"")
    tasks = await in_line(lane, [(n, "a", n.to_bytes(2)) for n in range(400)], order)
    assert len(order) == pytest.approx(400 - room, abs=2)
    assert all(code == "TooManyRequestsException" for _, code in order)
    lane.leave(time.now)
    await asyncio.gather(*tasks)


async def test_in_a_full_line_a_guest_takes_the_place_of_the_newest_of_the_flood(time):
    lane, order = lane_of(time, held=1000.0), []
    await lane.enter("flood", b"")
    tasks = await in_line(lane, [(n, "flood", b"") for n in range(100)], order)
    tasks += await in_line(lane, [("guest", "guest", b"")], order)
    assert order == [(99, "TooManyRequestsException")]
    lane.leave(time.now)
    await asyncio.gather(*tasks)
    assert "guest" in order[1:4]


async def test_what_goes_on_comes_first_and_what_begins_is_not_forgotten(time):
    lane, order = lane_of(time), []
    await lane.enter("a", b"")
    begun = await in_line(lane, [("begin", "a", b"")] * 20, order)
    going = await in_line(lane, [("go on", "a", b"")] * 60, order, going_on=True)
    lane.leave(time.now)
    await asyncio.gather(*begun, *going)
    assert order.count("begin") == 20
    for first in range(0, 60, 4):
        assert order[first : first + 4].count("go on") == 3


async def test_a_full_line_of_beginnings_leaves_room_for_what_goes_on(time):
    lane, order = lane_of(time, held=1000.0), []
    await lane.enter("a", b"")
    tasks = await in_line(lane, [(n, "a", n.to_bytes(2)) for n in range(150)], order)
    assert len(order) == 50
    tasks += await in_line(lane, [("proof", "a", b"")], order, going_on=True)
    lane.leave(time.now)
    await asyncio.gather(*tasks)
    assert "proof" in order


async def test_who_may_not_be_refused_waits_however_long_the_line_is(time):
    lane, order = lane_of(time, held=1000.0), []
    await lane.enter("a", b"")
    settings = {"going_on": True, "stays": True}
    tasks = await in_line(lane, [(n, "a", b"") for n in range(300)], order, **settings)
    tasks += await in_line(lane, [("new", "a", b"")], order, going_on=True)
    assert order == [("new", "TooManyRequestsException")]
    lane.leave(time.now)
    await asyncio.gather(*tasks)
    assert len(order) == 301


@pytest.mark.parametrize("late", [False, True], ids=["in line", "at the moment of the turn"])
async def test_the_turn_of_who_has_gone_goes_to_the_next(time, late):
    lane, order = lane_of(time), []
    await lane.enter("a", b"")
    gone, waits = await in_line(lane, [("gone", "a", b""), ("next", "a", b"")], order)
    if late:
        lane.leave(time.now)
        gone.cancel()
    else:
        gone.cancel()
        await settled()
        lane.leave(time.now)
    with anyio.fail_after(10):
        await waits
    assert order == ["next"]
    assert not await lane.enter("a", b"")


async def ticket_in(lane):
    ticket = Ticket(lane=lane, address="a", name=b"")
    await ticket.enter(going_on=False)
    return ticket


async def test_a_place_is_given_back_after_the_first_arithmetic_and_the_rest_waits_for_nothing(
    time,
):
    lane, order = lane_of(time), []
    with at_work(await ticket_in(lane)):
        (task,) = await in_line(lane, [("next", "a", b"")], order)
        async with working():
            await settled()
            assert order == []
        await task
        await lane.enter("a", b"")
        with anyio.fail_after(10):
            async with working():
                pass


async def test_while_triggers_run_the_place_is_anothers(time):
    lane, order = lane_of(time), []
    with at_work(await ticket_in(lane)):
        with waiting_outside("pool", FULL):
            (task,) = await in_line(lane, [("next", "a", b"")], order)
            await task
        await lane.enter("b", b"")
        came_back = asyncio.Event()

        async def back():
            async with working():
                came_back.set()

        task = asyncio.create_task(back())
        await settled()
        assert not came_back.is_set()  # it has to wait again, before its arithmetic
        lane.leave(time.now)
        with anyio.fail_after(10):
            await task
    assert not await lane.enter("a", b"")


@pytest.mark.parametrize("where", ["before", "in the trigger", "in the arithmetic"])
async def test_whatever_becomes_of_a_request_its_place_is_given_back_once(time, where):
    lane = lane_of(time, places=3)
    with contextlib.suppress(ZeroDivisionError), at_work(await ticket_in(lane)):
        if where == "in the trigger":
            with waiting_outside("pool", FULL):
                raise ZeroDivisionError
        elif where == "in the arithmetic":
            async with working():
                raise ZeroDivisionError
        raise ZeroDivisionError
    assert lane._taken == 0


async def test_outside_of_requests_nothing_waits():
    async with working():
        with waiting_outside("pool", FULL):
            pass


@pytest.mark.parametrize("going_on", [False, True])
@pytest.mark.parametrize("most", [1, 2.25, 7])
async def test_no_more_wait_than_may_whatever_it_takes(time, most, going_on):
    lane, order = lane_of(time, most=most), []
    await lane.enter("a", b"")
    flows = [(n, "a", b"") for n in range(20)]
    tasks = await in_line(lane, flows, order, going_on=going_on)
    refused = 20 - math.ceil(most)
    assert [label for label, _ in order] == list(range(20))[-refused:]
    lane.leave(time.now)
    await asyncio.gather(*tasks)
    assert len(order) == 20
