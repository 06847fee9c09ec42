"""A store that refuses what nobody has written before: every loop ends, and lets others go on."""

import asyncio
from typing import Any

import pytest
from attrs import define

from authflow.client import lost_writes
from authflow.client.lost_writes import MOST_LOST, LostWrites
from authflow.errors import StoreUnavailableError, ThrottledError
from testbed.kept_bench import LIFE, SlowStore, name_of, refused, result, until


@define(eq=False)
class VainStore(SlowStore):
    """A store that takes no write, and says each time that another one came first."""

    is_vain: bool = False
    writes: int = 0

    async def replace(self, key: str, value: bytes, **given: Any) -> bool:
        if not self.is_vain:
            return await super().replace(key, value, **given)
        self.writes += 1
        return False


@pytest.fixture
def store() -> VainStore:
    return VainStore()


@pytest.fixture
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lost_writes, "_FIRST_PAUSE", 0.0)


@pytest.mark.usefixtures("_at_once")
class TestEveryLoop:
    async def test_a_sign_out_revokes_and_says_that_others_may_not_learn_it(self, bench, store):
        async with bench({}, {}, store=store) as all_:
            user = await all_.kept()
            store.is_vain = True
            error = await refused(user.sign_out(), StoreUnavailableError)
            assert "takes no write" in error.message
            assert all_.sent == ["R1"]
            assert store.writes == MOST_LOST
            store.is_vain = False
            await user.sign_out()

    async def test_a_refresh_sends_nothing_without_the_lease(self, bench, clock, store):
        async with bench(store=store) as all_:
            user = await all_.kept()
            clock.advance(LIFE)
            store.is_vain = True
            await refused(user.access_token(), StoreUnavailableError)
            assert all_.sent == []
            assert store.writes == MOST_LOST

    async def test_a_result_is_given_and_written_once_the_store_takes_it(
        self, bench, clock, store, monkeypatch
    ):
        reply = asyncio.get_running_loop().create_future()
        monkeypatch.setattr("authflow.client.refresh_result.FIRST_POLL", 0.001)
        async with bench(reply, store=store) as all_:
            user = await all_.kept()
            clock.advance(LIFE)
            call = asyncio.create_task(user.access_token())
            await until(lambda: all_.sent == ["R1"])
            store.is_vain = True
            reply.set_result(result("R2", clock(), "R2"))
            assert name_of(await call) == "access R2"
            store.is_vain = False
            await until(lambda: user._kept.unwritten is None)

    async def test_a_refusal_for_good_is_told_when_it_is_written(
        self, bench, clock, store, scripted
    ):
        refusal = scripted.error("NotAuthorizedException", "Refresh Token has been revoked")
        reply = asyncio.get_running_loop().create_future()
        async with bench(reply, store=store) as all_:
            user = await all_.kept()
            clock.advance(LIFE)
            call = asyncio.create_task(user.access_token())
            await until(lambda: all_.sent == ["R1"])
            store.is_vain = True
            reply.set_result(refusal)
            await refused(call, StoreUnavailableError)

    async def test_a_lease_that_cannot_be_returned_hides_no_error(
        self, bench, clock, store, scripted
    ):
        reply = asyncio.get_running_loop().create_future()
        throttled = scripted.error("TooManyRequestsException")
        async with bench(reply, *[throttled] * 5, store=store) as all_:
            user = await all_.kept()
            clock.advance(LIFE)
            call = asyncio.create_task(user.access_token())
            await until(lambda: all_.sent == ["R1"])
            store.is_vain = True
            reply.set_result(throttled)
            await refused(call, ThrottledError)


async def test_others_have_their_turn_and_a_deadline_ends_it(bench, store):
    async with bench({}, store=store) as all_:
        user = await all_.kept()
        store.is_vain = True
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await user.sign_out()
        assert 0 < store.writes < MOST_LOST


@pytest.mark.usefixtures("_at_once")
async def test_one_write_fewer_than_the_most_may_be_lost():
    lost = LostWrites(most=3)
    for _ in range(2):
        await lost.note()
    with pytest.raises(StoreUnavailableError, match="try later"):
        await lost.note()
