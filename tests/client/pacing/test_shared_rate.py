"""A budget that several processes share: by one store, in virtual time, with its troubles.

Each `Pacing` stands for a process. Processes of their own, with a real store, are in `test_pacing`.
"""

import asyncio
import logging
import random
from collections.abc import Coroutine
from typing import Any

import pytest
from attrs import define, field
from hypothesis import given, settings
from hypothesis import strategies as st

from authflow.client import Pacing, RequestBudgets
from authflow.errors import StoreUnavailableError, ThrottledError
from authflow.stores import MemoryStore, Stored
from testbed.virtual_time import run_in_virtual_time

QUOTA = 120
KEPT_UP = 1.04


def now():
    return asyncio.get_running_loop().time()


@define
class Troubled:
    """A store that takes its time, and that fails when it is told to."""

    inner: Any = field(factory=lambda: MemoryStore(clock=now))
    delay: float = 0.005
    fault: Exception | None = None
    hangs: bool = False
    reads: int = 0
    writes: int = 0

    async def _trouble(self):
        await asyncio.sleep(random.uniform(0, self.delay))
        if self.hangs:
            await asyncio.sleep(1e6)
        if self.fault is not None:
            raise self.fault

    async def read(self, key: str) -> Stored | None:
        self.reads += 1
        await self._trouble()
        return await self.inner.read(key)

    async def replace(self, key: str, value: bytes, *, expected, seconds) -> bool:
        self.writes += 1
        await self._trouble()
        return await self.inner.replace(key, value, expected=expected, seconds=seconds)


@define(eq=False)
class Process:
    """A process that sends."""

    store: Any
    gone: list[float]
    quota: float = QUOTA
    pacing: Pacing = field(init=False)
    sent: list[float] = field(factory=list)

    def __attrs_post_init__(self):
        budgets = RequestBudgets({"UserAuthentication": self.quota})
        self.pacing = Pacing(budgets=budgets, store=self.store)

    @property
    def line(self):
        return self.pacing.line("eu-central-1", "InitiateAuth")

    async def send(self, timeout=1e6):
        await self.line.turn(timeout=timeout)
        self.line.leave()
        self.gone.append(now())
        self.sent.append(now())

    async def storm(self, requests):
        await asyncio.gather(*(self.send() for _ in range(requests)))

    def dies(self):
        """It is killed: nothing of it runs on."""
        for shared in self.pacing._shared:
            if shared._task is not None:
                shared._task.cancel()
            shared.line.is_open = lambda: False

    def share(self):
        return self.line.bucket.rate


def processes(count, **options):
    gone: list[float] = []
    store = options.pop("store", None) or Troubled()
    return [Process(store, gone, **options) for _ in range(count)]


def most_in_a_second(gone):
    return max(sum(end - 1 < each <= end for each in gone) for end in gone)


def run(main: Coroutine[Any, Any, Any]) -> None:
    random.seed(7)
    run_in_virtual_time(main)


@pytest.mark.parametrize("count", [1, 2, 4, 9])
def test_several_processes_together_send_what_one_may(count):
    async def main():
        them = processes(count)
        await asyncio.gather(*(each.storm(720 // count) for each in them))
        gone = them[0].gone
        assert len(gone) == 720
        assert most_in_a_second(gone) <= QUOTA + count
        assert now() < 1.1 * 720 / QUOTA + 0.4

    run(main())


def test_the_shares_of_equal_processes_are_equal():
    async def main():
        them = processes(4)
        storms = [asyncio.create_task(each.storm(250)) for each in them]
        await asyncio.sleep(4)
        sent = [len(each.sent) for each in them]
        assert min(sent) > 0.75 * max(sent)
        await asyncio.gather(*storms)

    run(main())


def test_who_wants_little_is_served_at_once_beside_who_wants_much():
    async def main():
        busy, quiet = processes(2)
        storm = asyncio.create_task(busy.storm(900))
        await asyncio.sleep(2)
        waits = []
        for _ in range(20):
            before = now()
            await quiet.send()
            waits.append(now() - before)
            await asyncio.sleep(0.2)
        assert max(waits) < 0.8
        assert sorted(waits)[10] < 0.1
        storm.cancel()

    run(main())


def test_the_store_is_not_written_for_each_request():
    async def main():
        them = processes(4)
        await asyncio.gather(*(each.storm(250) for each in them))
        store = them[0].store
        assert store.writes < 150
        assert store.reads < 400

    run(main())


def test_a_share_that_is_not_used_is_given_back():
    async def main():
        one, other = processes(2)
        await one.storm(10)
        await asyncio.sleep(3)
        assert one.share() == 0
        assert b'"shares":{}' in (await one.store.inner.read(one.pacing._shared[0].key)).value
        writes = one.store.writes
        await asyncio.sleep(600)
        assert one.store.writes == writes  # and nobody asks for ever
        storm = asyncio.create_task(other.storm(300))
        await asyncio.sleep(1)
        assert other.share() > 100
        await storm

    run(main())


def test_the_share_of_a_process_that_died_is_the_others_after_a_few_seconds():
    async def main():
        dead, alive = processes(2)
        storms = [asyncio.create_task(each.storm(800)) for each in (dead, alive)]
        await asyncio.sleep(3)
        assert alive.share() == pytest.approx(QUOTA / KEPT_UP / 2, rel=0.05)
        dead.dies()
        await asyncio.sleep(5)
        assert alive.share() == pytest.approx(QUOTA / KEPT_UP, rel=0.05)
        for each in storms:
            each.cancel()

    run(main())


def test_a_process_that_was_stopped_asks_the_store_before_it_goes_on():
    async def main():
        stopped, other = processes(2)
        storms = [asyncio.create_task(each.storm(800)) for each in (stopped, other)]
        await asyncio.sleep(3)
        shared = stopped.pacing._shared[0]
        shared._task.cancel()  # it does not run
        stopped.line.is_open = lambda: False
        await asyncio.sleep(10)
        gone = len(other.gone)
        stopped.line.is_open = shared.is_open  # and now it does
        stopped.line.serve()
        sent = len(stopped.sent)
        await asyncio.sleep(0)
        assert len(stopped.sent) == sent
        storms.append(asyncio.create_task(stopped.send()))
        await asyncio.sleep(5)
        assert len(stopped.sent) > sent
        assert most_in_a_second(stopped.gone[gone:]) <= QUOTA + 2
        for each in storms:
            each.cancel()

    run(main())


FAULTS = [StoreUnavailableError("canary"), KeyError("canary")]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: type(fault).__name__)
def test_a_store_that_fails_stops_nobody_and_the_log_says_so_once(fault, caplog):
    async def main():
        them = processes(4)
        storms = [asyncio.create_task(each.storm(330)) for each in them]
        await asyncio.sleep(3)
        them[0].store.fault = fault
        await asyncio.sleep(8)
        for each in them:  # with the share that it had last
            assert each.share() == pytest.approx(QUOTA / KEPT_UP / 4, rel=0.1)
        assert most_in_a_second(them[0].gone) <= QUOTA + 4
        await asyncio.gather(*storms)

    run(main())
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 4  # one for each process
    assert all("last" in each and type(fault).__name__ in each for each in told)
    assert "canary" not in caplog.text


def test_a_store_that_hangs_holds_nobody_up_for_long(caplog):
    async def main():
        (one,) = processes(1, store=Troubled(hangs=True))
        before = now()
        await one.send()
        assert now() - before < 1.5
        await one.storm(100)
        assert now() - before < 1.5 + 100 / (QUOTA / KEPT_UP / 4) + 1

    run(main())
    assert len(caplog.records) == 1


def test_a_process_that_never_had_a_share_takes_a_quarter_while_the_store_is_down():
    async def main():
        (one,) = processes(1, store=Troubled(fault=OSError()))
        await one.storm(60)
        assert one.share() == pytest.approx(QUOTA / KEPT_UP / 4)

    run(main())


def test_a_store_that_is_back_is_used_again_and_the_log_says_so(caplog):
    async def main():
        them = processes(2)
        storms = [asyncio.create_task(each.storm(800)) for each in them]
        them[0].store.fault = OSError()
        await asyncio.sleep(5)
        them[0].store.fault = None
        await asyncio.sleep(5)
        for each in them:
            assert each.share() == pytest.approx(QUOTA / KEPT_UP / 2, rel=0.1)
        for each in storms:
            each.cancel()

    run(main())
    told = [record.getMessage() for record in caplog.records]
    assert sum("cannot be asked" in each for each in told) == 2
    assert sum("answers again" in each for each in told) == 2
    assert all(record.levelno == logging.WARNING for record in caplog.records)


def test_an_entry_that_something_else_wrote_stops_nobody(caplog):
    async def main():
        (one,) = processes(1)
        one.line.arrived()
        key = one.pacing._shared[0].key
        await one.store.inner.replace(key, b"something else", expected=None, seconds=100)
        await one.storm(30)
        assert len(one.sent) == 30

    run(main())
    assert "StoreEntryError" in caplog.text


def test_a_store_that_forgot_everything_is_told_again():
    async def main():
        them = processes(4)
        storms = [asyncio.create_task(each.storm(800)) for each in them]
        await asyncio.sleep(3)
        them[0].store.inner = MemoryStore(clock=now)
        await asyncio.sleep(5)
        assert most_in_a_second(them[0].gone) <= QUOTA + 4
        for each in them:
            assert each.share() == pytest.approx(QUOTA / KEPT_UP / 4, rel=0.1)
        for each in storms:
            each.cancel()

    run(main())


def test_a_write_whose_reply_was_lost_gives_nobody_more_than_there_is():
    class Lossy(Troubled):
        async def replace(self, key, value, *, expected, seconds):
            done = await super().replace(key, value, expected=expected, seconds=seconds)
            return done and random.random() < 0.5

    async def main():
        them = processes(3, store=Lossy())
        await asyncio.gather(*(each.storm(200) for each in them))
        assert most_in_a_second(them[0].gone) <= QUOTA + 3

    run(main())


def test_less_is_used_before_the_others_can_read_that_there_is_more_for_them():
    class LateReplies(Troubled):
        async def replace(self, key, value, *, expected, seconds):
            done = await super().replace(key, value, expected=expected, seconds=seconds)
            await asyncio.sleep(0.7)
            return done

    async def main():
        late, gone = LateReplies(), []
        first = Process(late, gone)
        others = [Process(Troubled(inner=late.inner), gone) for _ in range(2)]
        storms = [asyncio.create_task(first.storm(900))]
        await asyncio.sleep(4)
        storms += [asyncio.create_task(each.storm(200)) for each in others]
        await asyncio.sleep(6)
        assert most_in_a_second(first.gone) <= QUOTA + 3
        for each in storms:
            each.cancel()

    run(main())


class Far(Troubled):
    """A store that works, and is far away."""

    async def _far(self):
        await asyncio.sleep(self.delay * random.uniform(0.25, 0.75))

    async def read(self, key):
        await self._far()
        stored = await self.inner.read(key)
        await self._far()
        return stored

    async def replace(self, key, value, *, expected, seconds):
        self.writes += 1
        await self._far()
        done = await self.inner.replace(key, value, expected=expected, seconds=seconds)
        await self._far()
        return done


@pytest.mark.parametrize(("count", "delay"), [(10, 0.1), (20, 0.1), (4, 0.6), (2, 0.6)])
def test_many_who_write_to_a_slow_store_at_once_are_no_outage(count, delay, caplog):
    async def main():
        store = Far(delay=delay)
        them = processes(count, store=store)
        await asyncio.gather(*(each.storm(720 // count) for each in them))
        assert most_in_a_second(them[0].gone) <= QUOTA + count
        assert now() < 4 * 720 / QUOTA
        assert store.writes / now() < 50

    run(main())
    assert caplog.records == []


def test_a_process_with_a_smaller_budget_does_not_starve_beside_one_with_a_larger():
    async def main():
        (large,), (small,) = processes(1, quota=240), processes(1)
        small.pacing.store, small.gone = large.pacing.store, large.gone
        storm = asyncio.create_task(large.storm(2000))
        await asyncio.sleep(2)
        assert large.share() > 200
        before = now()
        await small.storm(100)
        assert now() - before < 2 * 100 / (QUOTA / 2)
        again = asyncio.create_task(small.storm(100))
        await asyncio.sleep(1.5)
        gone = len(large.gone)
        await again
        assert most_in_a_second(large.gone[gone:]) <= QUOTA + 2
        await asyncio.sleep(4)
        assert large.share() > 200  # the smaller budget counts for as long as somebody goes by it
        storm.cancel()

    run(main())


@pytest.mark.parametrize("warm", [False, True])
def test_who_shares_a_budget_is_refused_soon_if_the_turn_would_come_too_late(warm):
    async def main():
        them, refused, served = processes(4), [], []

        async def one(each):
            came = now()
            try:
                await each.send(timeout=4)
            except ThrottledError as error:
                refused.append((now() - came, error.retry_after))
            else:
                served.append(now() - came)

        if warm:
            await asyncio.gather(*(each.storm(3) for each in them))
            await asyncio.sleep(0.4)
        await asyncio.gather(*(one(each) for each in them for _ in range(300)))
        assert len(served) > 0.85 * 3.6 * QUOTA / KEPT_UP
        assert max(served) <= 3.6 + 0.01
        waited = sorted(seconds for seconds, _ in refused)
        assert waited[int(len(waited) * 0.95)] < 1
        assert max(after for _, after in refused) > 4  # not all of them at once

    run(main())


@settings(max_examples=10)
@given(
    st.lists(
        st.tuples(st.floats(0, 3), st.integers(0, 3), st.integers(1, 80)), min_size=1, max_size=12
    ),
    st.sampled_from([0.0, 0.005, 0.1]),
    st.sampled_from([8, 40, 120]),
)
def test_whoever_comes_when_no_second_has_more_than_the_quota(arrivals, delay, quota):
    async def main():
        them = processes(4, store=Troubled(delay=delay), quota=quota)
        async with asyncio.TaskGroup() as tasks:
            for pause, which, requests in arrivals:
                await asyncio.sleep(pause)
                tasks.create_task(them[which].storm(requests))
        gone = them[0].gone
        assert len(gone) == sum(requests for *_, requests in arrivals)
        assert most_in_a_second(gone) <= quota + 4

    run(main())


def test_accounts_regions_and_categories_share_nothing():
    async def main():
        one, other = Pacing(store=Troubled()), Pacing(store=Troubled(), account="other")
        for pacing in (one, other):
            for region in ("eu-central-1", "us-east-1"):
                for operation in ("InitiateAuth", "RespondToAuthChallenge", "RevokeToken"):
                    pacing.line(region, operation)
        keys = [shared.key for pacing in (one, other) for shared in pacing._shared]
        assert len({*keys}) == 12
        assert all(
            len(key) == 43 and key.replace("-", "").replace("_", "").isalnum() for key in keys
        )

    run(main())


@define
class Fixed(Troubled):
    """A store that takes as long each time."""

    async def _trouble(self):
        await asyncio.sleep(self.delay)


OPERATIONS = ["InitiateAuth", "RespondToAuthChallenge", "RevokeToken"]


@pytest.mark.parametrize("delay", [0.001, 0.03])
@pytest.mark.parametrize("first", OPERATIONS[:2])
@pytest.mark.parametrize("second", OPERATIONS)
def test_who_comes_while_the_last_client_leaves_is_served(first, second, delay):
    async def one(at):
        pacing = Pacing(store=Fixed(delay=delay))
        for each in OPERATIONS:  # as any earlier use opens them
            pacing.line("r", each)

        async def client(operation):
            began = now()
            async with pacing.in_use():
                line = pacing.line("r", operation)
                await asyncio.wait_for(line.turn(timeout=27), 27)
                line.leave()
                return now() - began

        leaving = asyncio.create_task(client(first))
        await asyncio.sleep(at)
        assert await client(second) < 1
        await leaving
        assert all(shared._task is None for shared in pacing._shared)
        for shared in pacing._shared:
            stored = await pacing.store.inner.read(shared.key)
            assert stored is None or b'"shares":{}' in stored.value

    async def main():
        for at in range(1, 60, 2):
            await one(delay * at / 10)

    run(main())


def test_what_the_next_client_has_written_is_not_given_back_by_the_one_that_leaves():
    async def main():
        (process,) = processes(1, store=Fixed(delay=0.03))
        async with process.pacing.in_use():
            await process.send()
            await asyncio.sleep(0.5)
        shared = process.pacing._shared[0]
        process.pacing.store.delay = 0.1
        storm = None
        leaving = asyncio.create_task(process.pacing.in_use().__aenter__())
        await leaving
        shared._is_kept = True
        giving = asyncio.create_task(shared.leave(shared.stop()))
        await asyncio.sleep(0.05)  # it reads
        storm = asyncio.create_task(process.storm(300))
        await giving
        await asyncio.sleep(0.5)
        assert process.share() > 0
        assert shared._me.encode() in (await process.store.inner.read(shared.key)).value
        assert shared._is_kept
        storm.cancel()

    run(main())


def test_a_client_that_leaves_while_its_share_is_given_back_leaves_none_behind():
    async def main():
        (process,) = processes(1, store=Fixed(delay=0.1))
        async with process.pacing.in_use():
            await process.send()
            (shared,) = process.pacing._shared
            while shared._written_at > 0:  # until it gives it back, being idle
                await asyncio.sleep(0.01)
        assert b'"shares":{}' in (await process.store.inner.read(shared.key)).value

    run(main())


@define
class Odd(Troubled):
    """A store that fails in a way of its own."""

    way: str = ""

    async def read(self, key):
        if self.way == "ended, read":
            raise asyncio.CancelledError("canary")
        return await super().read(key)

    async def replace(self, key, value, *, expected, seconds):
        if self.way == "ended":
            raise asyncio.CancelledError("canary")
        if self.way == "written, and denied":
            await super().replace(key, value, expected=expected, seconds=seconds)
            return False
        if self.way == "once":
            self.way = ""
            return False
        if self.way:
            return {"none": None, "never": False, "text": "canary"}[self.way]
        return await super().replace(key, value, expected=expected, seconds=seconds)


WAYS = ["ended, read", "ended", "none", "never", "text", "written, and denied"]


@pytest.mark.parametrize("way", WAYS)
def test_a_store_that_never_takes_a_share_stops_nobody_and_the_log_says_so_once(way, caplog):
    async def main():
        (one,) = processes(1, store=Odd(way=way))
        async with one.pacing.in_use():
            await one.send(timeout=27)
            assert now() < (12 if way == "written, and denied" else 1.5)
            await one.storm(60)
            assert one.share() == pytest.approx(QUOTA / KEPT_UP / 4)
            await asyncio.sleep(100)
            await one.send(timeout=1)  # and after a time of silence it is known
            assert len(caplog.records) == 1
            one.store.way = ""
            await one.storm(60)
            assert one.share() > QUOTA / 2

    run(main())
    down, up = (record.getMessage() for record in caplog.records)
    assert "cannot be asked" in down
    assert "answers again" in up
    assert "canary" not in caplog.text


def test_a_loss_long_ago_makes_no_outage_of_the_next_one(caplog):
    async def main():
        (one,) = processes(1, store=Odd())
        await one.send()
        await asyncio.sleep(100)
        (shared,) = one.pacing._shared
        shared._lost_since, shared._lost_to = 5.0, ("version", 2)  # as the last client left it
        one.store.way = "once"
        await one.storm(10)
        assert one.store.way == ""

    run(main())
    assert caplog.records == []
