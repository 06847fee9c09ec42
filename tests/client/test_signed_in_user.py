"""Kept users against the embedded pool, whose rotation and grace period are as Cognito's."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from attrs import define, field

from authflow import (
    AuthClient,
    AuthConfig,
    RefusedError,
    SignedInUser,
    SignedOutError,
    TokenError,
)
from authflow.client import Exchange
from authflow.keys import KeyRing
from authflow.stores import MemoryStore
from authflow.testing import PASSWORD, MovableClock

KEYS = KeyRing.generate()


@define(eq=False)
class Household:
    """A pool, and clients as of several processes, which share a store."""

    pool: Any
    config: AuthConfig
    clock: MovableClock
    store: MemoryStore = field(factory=MemoryStore)
    seen: list[str] = field(factory=list)

    def client(self, clock: MovableClock | None = None) -> AuthClient:
        def observe(exchange: Exchange) -> None:
            self.seen.append(exchange.operation)

        ours = clock or self.clock
        return AuthClient(
            self.config,
            keys=KEYS,
            store=self.store,
            clock=lambda: datetime.fromtimestamp(ours.now, UTC),
            observer=observe,
        )

    async def kept(self, auth: AuthClient) -> SignedInUser:
        user = await auth.keep(await auth.sign_in("ada", PASSWORD))
        self.seen.clear()
        return user


@pytest.fixture
def household(live_pool: Any, clock: MovableClock) -> Any:
    @asynccontextmanager
    async def made(grace: int | None = None) -> AsyncIterator[Household]:
        rotation = {"Feature": "ENABLED", "RetryGracePeriodSeconds": grace or 0}
        async with live_pool(users={"ada": PASSWORD}, clock=clock) as pool:
            config = await pool.app_client(
                flows=["ALLOW_USER_PASSWORD_AUTH"],
                flow="USER_PASSWORD_AUTH",
                members={} if grace is None else {"RefreshTokenRotation": rotation},
            )
            yield Household(pool, config, clock)

    return made


@pytest.mark.parametrize("grace", [None, 0])
async def test_eight_refreshes_at_once_do_not_revoke_each_other(household, clock, grace):
    async with household(grace) as all_, all_.client() as one, all_.client() as two:
        user = await all_.kept(one)
        users = [user, await two.kept(user.handle)] * 4
        assert user.username == "ada"
        assert user.sub
        for _ in range(2):
            clock.advance(3700)
            got = await asyncio.gather(*(each.tokens() for each in users))
            assert all(tokens == got[0] for tokens in got)
        assert all_.seen == ["GetTokensFromRefreshToken"] * 2


@pytest.mark.parametrize("late", [0, 9, 11], ids=["at once", "in time", "too late"])
async def test_a_refresh_token_whose_successor_was_lost_is_good_for_the_grace_period(
    household, clock, late
):
    async with household(10) as all_, all_.client() as auth:
        user = await all_.kept(auth)
        clock.advance(3700)
        await auth.refresh((await auth.kept(user.handle))._kept.seen.tokens.refresh_token)
        clock.advance(late)
        if late < 10:
            first = await user.tokens()
            clock.advance(3700)
            assert (await user.tokens()).refresh_token != first.refresh_token
        else:
            for _ in range(3):
                with pytest.raises(SignedOutError, match="used before: sign in again"):
                    await user.tokens()
            assert all_.seen == ["GetTokensFromRefreshToken"] * 2


@pytest.mark.parametrize("how", ["signed out everywhere", "disabled", "deleted"])
async def test_a_user_whom_the_pool_ends_is_signed_out_in_all_processes(household, clock, how):
    async with household() as all_, all_.client() as one, all_.client() as two:
        user = await all_.kept(one)
        elsewhere = await two.kept(user.handle)
        pool_id = all_.pool.user_pool_id
        if how == "signed out everywhere":
            await one.sign_out(await user.access_token())
        else:
            operation = "AdminDisableUser" if how == "disabled" else "AdminDeleteUser"
            await all_.pool.call(operation, UserPoolId=pool_id, Username="ada")
        all_.seen.clear()
        clock.advance(3700)
        for each in (user, elsewhere, user):
            with pytest.raises(SignedOutError):
                await each.access_token()
        assert all_.seen == ["GetTokensFromRefreshToken"]
        if how == "signed out everywhere":
            assert await (await all_.kept(one)).access_token()


async def test_signing_out_revokes_the_tokens_of_this_device_alone(household):
    async with household() as all_, all_.client() as auth:
        phone, laptop = await all_.kept(auth), await all_.kept(auth)
        tokens = await phone.tokens()
        await phone.sign_out()
        for call in (auth.refresh(tokens.refresh_token), auth.sign_out(tokens.access_token)):
            with pytest.raises(RefusedError):
                await call
        kept = await laptop.tokens()
        assert await auth.refresh(kept.refresh_token)


async def test_a_clock_that_is_wrong_loses_no_refresh_token_and_signs_nobody_out(household, clock):
    """The new tokens seem to have expired long ago; with them would go the only refresh token."""
    wrong = MovableClock(clock.now)
    async with household(0) as all_, all_.client(wrong) as auth:
        user = await all_.kept(auth)
        for ahead in (7200, 86_400, 90_000):
            wrong.now = clock.now + ahead
            with pytest.raises(TokenError):
                await user.access_token()
        clock.advance(3600)
        wrong.now = clock.now
        assert await user.access_token()
        clock.advance(3700)
        wrong.now = clock.now
        assert await user.access_token()
        assert set(all_.seen) == {"GetTokensFromRefreshToken"}
