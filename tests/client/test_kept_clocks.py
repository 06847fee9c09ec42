"""A clock that is ahead ends a kept user before his time for its own process, and for no other."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from attrs import define, field

from authflow import Secret
from authflow.errors import SignedOutError, StoreUnavailableError
from authflow.stores import MemoryStore, Stored
from testbed.kept_bench import (
    LIFE,
    Bench,
    Breakable,
    Ticks,
    name_of,
    refused,
    result,
    signed_in,
    until,
)

DAY = 86_400.0
KEPT = 30 * DAY


@define(eq=False)
class Recording:
    """A store that records for how long it is to keep what."""

    store: MemoryStore = field(factory=MemoryStore)
    seconds: list[float] = field(factory=list)

    async def read(self, key: str) -> Stored | None:
        return await self.store.read(key)

    async def replace(
        self, key: str, value: bytes, *, expected: str | None, seconds: float
    ) -> bool:
        self.seconds.append(seconds)
        return await self.store.replace(key, value, expected=expected, seconds=seconds)


@pytest.mark.parametrize("jump", [KEPT - 60, 15 * DAY, -40 * 365 * DAY])
async def test_no_clock_changes_for_how_long_a_store_keeps_an_entry(bench, clock, jump):
    store = Recording()
    async with bench(result("R2", clock() + jump, "R2"), {}, {}, store=store) as all_:
        user = await all_.kept()
        clock.now += jump
        all_.ticks.now += LIFE
        assert name_of(await user.access_token()) == "access R2"
        assert len(store.seconds) > 2
        assert set(store.seconds) == {KEPT}


@pytest.mark.parametrize("ahead", [KEPT - 60, KEPT - 2 * LIFE])
async def test_a_process_whose_clock_is_ahead_takes_no_time_from_the_others(bench, clock, ahead):
    passed = Ticks()
    store = MemoryStore(clock=passed)
    async with bench(result("R2", clock() + ahead, "R2"), store=store) as all_:
        user = await all_.kept()
        other = await all_.elsewhere(user, clock=lambda: clock() + ahead)
        assert name_of(await other.access_token()) == "access R2"
        passed.now += 20 * DAY
        clock.now += 20 * DAY
        assert (await user.tokens()).refresh_token == Secret("R2")
        clock.now += 10 * DAY
        await refused(user.access_token(), SignedOutError)


@pytest.mark.parametrize("ahead", [KEPT, 7e9])
async def test_who_is_over_by_a_clock_that_is_ahead_is_signed_in_when_it_is_right(
    bench, clock, ahead
):
    async with bench() as all_:
        user = await all_.kept()
        clock.now += ahead
        await refused(user.access_token(), SignedOutError)
        found = await all_.opened.kept(user.handle)  # to sign out
        await refused(found.access_token(), SignedOutError)
        clock.now -= ahead
        assert name_of(await user.access_token()) == "access R1"
        assert name_of(await (await all_.opened.kept(user.handle)).id_token()) == "id R1"
        assert all_.sent == []


@pytest.mark.parametrize("ahead", [60.0, 61.0, 7e9])
@pytest.mark.parametrize("where", ["here", "elsewhere"])
async def test_who_is_over_by_the_clock_is_found_to_sign_out_and_what_lives_is_revoked(
    bench, clock, ahead, where
):
    async with bench({}) as all_:
        user = await (await all_.client()).keep(signed_in(), validity=timedelta(seconds=60))
        auth = all_.opened if where == "here" else await all_.client()
        clock.now += ahead
        found = await auth.kept(user.handle)
        assert (found.username, found.sub) == ("ada", "sub-of-ada")
        for call in (found.access_token, found.id_token, found.tokens):
            await refused(call(), SignedOutError)
        await (await auth.kept(user.handle)).sign_out()
        assert all_.server.requests[0][0] == "RevokeToken"
        assert all_.sent == ["R1"]
        await refused(auth.kept(user.handle), SignedOutError)
        clock.now -= ahead
        for each in (auth, await all_.client()):
            await refused(each.kept(user.handle), SignedOutError)
        await refused(user.access_token(), SignedOutError)
        assert all_.sent == ["R1"]


async def test_who_was_over_by_a_clock_is_not_found_once_another_process_has_signed_him_out(
    bench, clock
):
    async with bench({}) as all_:
        user = await (await all_.client()).keep(signed_in(), validity=timedelta(seconds=60))
        auth = await all_.client()
        clock.now += 61
        found = await auth.kept(user.handle)
        await user.sign_out()
        await refused(auth.kept(user.handle), SignedOutError)
        await refused(found.access_token(), SignedOutError)
        assert all_.sent == ["R1"]


async def unwritten(all_: Bench, clock: Any, reply: "asyncio.Future[Any]") -> Any:
    user = await all_.kept()
    clock.now += LIFE
    call = asyncio.create_task(user.access_token())
    await until(lambda: all_.sent == ["R1"])
    all_.store.error = OSError()
    reply.set_result(result("R2", clock(), "R2"))
    await call
    all_.ticks.now += 61
    await until(lambda: not user._users._attempts)
    return user


@pytest.mark.parametrize("is_down", [False, True], ids=["store", "no store"])
async def test_a_result_that_the_store_has_not_taken_outlives_a_clock_that_is_ahead(
    bench, clock, is_down
):
    reply = asyncio.get_running_loop().create_future()
    async with bench(reply, store=Breakable()) as all_:
        user = await unwritten(all_, clock, reply)
        if not is_down:
            all_.store.error = None
        clock.now += KEPT
        for _ in range(2):
            with pytest.raises((SignedOutError, StoreUnavailableError)):
                await user.access_token()
        all_.store.error = None
        clock.now -= KEPT
        assert (await user.tokens()).refresh_token == Secret("R2")
        other = await all_.elsewhere(user)
        assert (await other.tokens()).refresh_token == Secret("R2")
        assert all_.sent == ["R1"]


async def test_a_result_that_comes_while_the_clock_is_ahead_is_kept_and_not_revoked(bench, clock):
    reply = asyncio.get_running_loop().create_future()
    async with bench(reply) as all_:
        user = await all_.kept()
        other = await all_.elsewhere(user)
        clock.now += LIFE
        call = asyncio.create_task(user.access_token())
        await until(lambda: all_.sent == ["R1"])
        clock.now += KEPT
        reply.set_result(result("R2", clock() - KEPT, "R2"))
        await asyncio.gather(call, return_exceptions=True)
        clock.now -= KEPT
        for each in (user, other):
            assert (await each.tokens()).refresh_token == Secret("R2")
        assert all_.server.operations == ["GetTokensFromRefreshToken"]


async def test_when_the_time_is_over_no_token_is_given_though_the_store_fails(bench, clock):
    async with bench(store=Breakable()) as all_:
        auth = await all_.client()
        user = await auth.keep(signed_in(), validity=timedelta(seconds=60))
        clock.now += 61
        all_.store.error = OSError()
        await refused(user.access_token(), StoreUnavailableError)
        all_.store.error = None
        await refused(user.access_token(), SignedOutError)
