"""The waiting line: in order of arrival, within the time that is left, and cancelled at once."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authflow.client.pacing.token_bucket import TokenBucket
from authflow.client.pacing.waiting_line import WaitingLine
from authflow.errors import ThrottledError
from authflow.wire import Request
from testbed.virtual_time import run_in_virtual_time

PATIENT = 1e6


def line(rate=10.0, burst=1.0):
    now = asyncio.get_running_loop().time()
    bucket = TokenBucket(rate=rate, burst=burst, window=1.05, now=now, left=burst)
    return WaitingLine(budget="UserAuthentication", bucket=bucket)


async def turn_of(turns, timeout=PATIENT):
    await turns.turn(timeout=timeout)
    turns.leave()


def now():
    return asyncio.get_running_loop().time()


def in_virtual_time(test):
    def run():
        run_in_virtual_time(test())

    run.__name__ = test.__name__
    return run


@in_virtual_time
async def test_turns_come_in_the_order_of_arrival():
    turns, waiting = line(), []

    async def one(name):
        await turns.turn(timeout=PATIENT)
        turns.leave()
        waiting.append((name, now()))

    await asyncio.gather(*map(one, range(50)))
    assert [name for name, _ in waiting] == list(range(50))
    assert 4.5 < waiting[-1][1] < 5.5


@in_virtual_time
async def test_a_turn_that_would_come_too_late_is_refused_at_once():
    turns = line()
    waiting = [asyncio.create_task(turn_of(turns)) for _ in range(101)]
    await asyncio.sleep(0)
    before = now()
    with pytest.raises(ThrottledError, match="nothing was sent") as late:
        await turns.turn(timeout=5)
    assert now() == before
    assert len(turns) == 100
    assert late.value.retry_after == pytest.approx(10.1 - 4.5, abs=0.02)
    assert late.value.next_step == "wait"
    await asyncio.sleep(late.value.retry_after)
    await turns.turn(timeout=5)  # in the same time there is one now
    await asyncio.gather(*waiting)


@in_virtual_time
async def test_who_may_wait_long_enough_does():
    turns = line()
    await turns.turn(timeout=1)
    await turns.turn(timeout=0.12)
    with pytest.raises(ThrottledError):
        await turns.turn(timeout=0.1)  # the turn would come as the time is over


@in_virtual_time
async def test_who_is_cancelled_leaves_the_line_to_those_behind():
    turns, waiting = line(), []

    async def one(name):
        await turns.turn(timeout=PATIENT)
        turns.leave()
        waiting.append((name, now()))

    tasks = [asyncio.create_task(one(name)) for name in range(30)]
    await asyncio.sleep(0.01)
    for task in tasks[5:25]:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert [name for name, _ in waiting] == [*range(5), *range(25, 30)]
    assert now() < 1.1
    assert len(turns) == 0


@in_virtual_time
async def test_the_turn_of_who_was_cancelled_on_the_way_is_not_lost():
    turns = line(burst=1.0, rate=0.001)
    await turns.turn(timeout=PATIENT)
    waiting = [asyncio.create_task(turns.turn(timeout=PATIENT)) for _ in range(2)]
    await asyncio.sleep(0)
    turns.give_back()  # the first waiter has its turn now, and does not know it yet
    assert len(turns) == 1
    waiting[0].cancel()
    await asyncio.wait([waiting[1]], timeout=1)
    assert waiting[0].cancelled()
    assert waiting[1].done()
    assert not waiting[1].cancelled()


@in_virtual_time
async def test_a_turn_is_not_given_to_who_is_cancelled_and_does_not_know_it_yet():
    turns = line(rate=0.001)
    await turns.turn(timeout=PATIENT)
    waiting = [asyncio.create_task(turn_of(turns)) for _ in range(2)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    turns.give_back()
    await asyncio.wait(waiting, timeout=1)
    assert waiting[0].cancelled()
    assert waiting[1].done()
    assert len(turns) == 0


@in_virtual_time
async def test_a_request_that_had_a_turn_before_goes_first():
    turns, waiting = line(), []

    async def one(name, *, again=False):
        await turns.turn(timeout=PATIENT, again=again)
        turns.leave()
        waiting.append(name)

    tasks = [asyncio.create_task(one(name)) for name in range(5)]
    await asyncio.sleep(0.01)
    tasks.append(asyncio.create_task(one("again", again=True)))
    await asyncio.gather(*tasks)
    assert waiting == [0, "again", 1, 2, 3, 4]


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 4)), min_size=1, max_size=30))
def test_those_that_had_a_turn_before_keep_their_order_and_go_before_the_others(arrivals):
    async def main():
        turns, served, expected = line(rate=1.0), [], {False: [], True: []}
        blocked = asyncio.create_task(turn_of(turns))
        await asyncio.sleep(0)

        async def one(name, *, again):
            await turns.turn(timeout=PATIENT, again=again)
            turns.leave()
            served.append(name)

        tasks = []
        for name, (again, fate) in enumerate(arrivals):
            tasks.append(asyncio.create_task(one(name, again=again)))
            await asyncio.sleep(0.01)
            if fate:
                expected[again].append(name)
            else:
                tasks[-1].cancel()
        turns.refuse_late()
        await asyncio.gather(blocked, *tasks, return_exceptions=True)
        assert served == [*expected[True], *expected[False]]
        assert len(turns) == 0

    run_in_virtual_time(main())


@in_virtual_time
async def test_who_had_a_turn_before_waits_behind_others_of_its_kind_only():
    turns = line(rate=1.0)
    waiting = [asyncio.create_task(turn_of(turns)) for _ in range(9)]
    await asyncio.sleep(0)

    async def repeated(timeout):
        await turns.turn(timeout=timeout, again=True)
        turns.leave()

    again = [asyncio.create_task(repeated(4.7)) for _ in range(9)]
    told = await asyncio.wait_for(asyncio.gather(*again, return_exceptions=True), 30)
    assert [each is None for each in told] == [True] * 4 + [False] * 5
    turns.bucket.change(now(), 0.1, 1.0)
    patient = asyncio.create_task(repeated(30))
    await asyncio.sleep(0)
    late = asyncio.create_task(repeated(30))
    await asyncio.sleep(0)
    turns.bucket.change(now(), 0.05, 1.0)
    turns.refuse_late()
    assert len(turns) == 9
    with pytest.raises(ThrottledError):
        await late
    await patient
    for each in waiting:
        each.cancel()


@in_virtual_time
async def test_who_comes_later_does_not_overtake_who_waits():
    turns, waiting = line(rate=10.0), []

    async def one(name):
        await turn_of(turns)
        waiting.append(name)

    async with asyncio.TaskGroup() as tasks:
        for name in range(40):
            tasks.create_task(one(name))
            await asyncio.sleep(0.05)  # a turn comes free each 0.1 seconds
    assert waiting == list(range(40))


@in_virtual_time
async def test_what_ran_out_of_time_in_the_line_is_told_when_to_come_again():
    turns = line()
    waiting = [asyncio.create_task(turn_of(turns)) for _ in range(21)]
    await asyncio.sleep(0)
    assert turns.ran_out().retry_after == pytest.approx(2.1, abs=0.1)
    await asyncio.gather(*waiting)


@in_virtual_time
async def test_who_has_too_little_time_left_when_the_turn_comes_is_refused_and_takes_none():
    turns = line()
    turns.expected = 1e6  # as where a share is less than it seemed
    impatient = [asyncio.create_task(turn_of(turns, timeout=1.05)) for _ in range(15)]
    patient = asyncio.create_task(turn_of(turns))
    told = await asyncio.gather(*impatient, return_exceptions=True)
    refused = [each for each in told if isinstance(each, ThrottledError)]
    assert len(refused) == 15 - 10
    assert now() < 1.01
    assert all(0 < each.retry_after < 1 for each in refused)
    await patient
    assert now() < 1.11


@in_virtual_time
async def test_who_waits_in_vain_is_refused_as_soon_as_the_rate_is_known_to_be_less():
    turns = line()
    waiting = [asyncio.create_task(turn_of(turns, timeout=10.05)) for _ in range(80)]
    await asyncio.sleep(1)
    turns.refuse_late()
    assert len(turns) == 69
    turns.bucket.change(now(), 5.0, 1.0)
    turns.refuse_late()
    assert len(turns) == 40  # in the eight seconds that they may wait
    asked = now()
    await asyncio.sleep(0)
    refused = [each.exception() for each in waiting if each.done() and each.exception()]
    assert len(refused) == 29
    told = [each.retry_after for each in refused]
    assert told == sorted(told)  # they do not come back all at once
    assert told[-1] == pytest.approx(69 / 5 - 9, abs=0.3)
    turns.refuse_late()
    served = await asyncio.gather(*waiting, return_exceptions=True)
    assert served.count(None) == 51
    assert now() == pytest.approx(asked + 8, abs=0.3)


@in_virtual_time
async def test_who_was_refused_and_is_cancelled_before_it_knows_gives_no_turn_back():
    turns = line()
    await turn_of(turns)
    waiting = asyncio.create_task(turn_of(turns, timeout=1))
    await asyncio.sleep(0)
    turns.bucket.change(now(), 0.1, 1.0)
    turns.refuse_late()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert turns.bucket._leaving == 0


@in_virtual_time
async def test_one_users_throttled_requests_slow_nobody_else_down():
    turns = line()
    for _ in range(50):
        turns.slow_down(1)
        await asyncio.sleep(0.1)
    await asyncio.sleep(1)
    turns.slow_down(2)  # more than a second apart
    assert turns.bucket._pace == 1
    turns.slow_down(3)
    assert turns.bucket._pace < 1


@pytest.mark.parametrize(
    ("requests", "slows"),
    [
        ([{"USERNAME": "ada"}, {"USERNAME": "ADA"}, {"USERNAME": "Ada", "PASSWORD": "x"}], False),
        ([{"USERNAME": "stra\xdfe"}, {"USERNAME": "STRASSE"}], False),
        ([{"USERNAME": "ada"}, {"USERNAME": "bob"}], True),
        ([{"RefreshToken": "1"}, {"RefreshToken": "2"}], False),
        ([{"RefreshToken": "1", "ClientMetadata": {"n": str(n)}} for n in range(9)], False),
        ([{"Token": "1", "ClientSecret": str(n)} for n in range(9)], False),
        ([{"AccessToken": "1"}, {"AccessToken": "2"}], False),
        ([{"RefreshToken": str(n)} for n in range(3)], True),
        ([{"USERNAME": "ada"}, {"RefreshToken": "1"}], False),
    ],
)
def test_one_user_is_one_in_whatever_case_and_with_two_tokens(requests, slows):
    async def main():
        turns = line()
        for _ in range(20):
            for each in requests:
                body = {"AuthParameters": each} if "USERNAME" in each else each
                turns.slow_down(Request(operation="InitiateAuth", body=body).whose)
            await asyncio.sleep(0.05)
        assert (turns.bucket._pace < 1) == slows

    run_in_virtual_time(main())


@in_virtual_time
async def test_retry_after_is_never_more_than_a_day():
    turns = line(rate=1e-5)
    await turn_of(turns)
    with pytest.raises(ThrottledError) as late:
        await turns.turn(timeout=1)
    assert late.value.retry_after == 86_400
    turns.bucket.change(now(), 0.0, 1.0)
    with pytest.raises(ThrottledError, match="nobody knows when") as late:
        await turns.turn(timeout=1)
    assert late.value.retry_after == 86_400


@given(
    st.lists(
        st.tuples(st.floats(0, 0.5), st.floats(0.01, 3), st.booleans(), st.integers(0, 3)),
        max_size=40,
    )
)
def test_whoever_waits_is_served_or_refused_and_nobody_is_forgotten(arrivals):
    async def storm():
        turns, served = line(rate=20.0, burst=3.0), []

        async def one(name, patience, leaves, cancelled_after):
            try:
                async with asyncio.timeout(cancelled_after or None):
                    await turns.turn(timeout=patience)
            except (ThrottledError, TimeoutError):
                return
            served.append((name, now()))
            await asyncio.sleep(0.05)
            turns.leave() if leaves else turns.give_back()

        async with asyncio.TaskGroup() as tasks:
            for name, (pause, *how) in enumerate(arrivals):
                await asyncio.sleep(pause)
                tasks.create_task(one(name, *how))
        assert len(turns) == 0
        assert [name for name, _ in served] == sorted(name for name, _ in served)
        await asyncio.sleep(10)
        for _ in range(3):  # no turn was lost
            await turn_of(turns, 0.1)

    run_in_virtual_time(storm())
