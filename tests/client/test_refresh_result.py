"""What a refresh gave is verified, given and written, however slow keys and stores are."""

import asyncio
import gc
from typing import Any

import anyio
import pytest
from attrs import evolve

from authflow import Secret, Tokens
from authflow.client import kept_user
from authflow.errors import (
    JwksUnreachableError,
    SignedOutError,
    TokenError,
    TokenExpiredError,
)
from authflow.testing import START
from testbed.kept_bench import (
    LIFE,
    Breakable,
    Hanging,
    jwt,
    name_of,
    refused,
    result,
    settled,
    signed_in,
    until,
)


class TestUnwritten:
    """A store that fails takes the result later."""

    @pytest.mark.parametrize("fails_from", ["", "replace"])
    async def test_a_result_that_the_store_does_not_take_is_given_and_written_later(
        self, bench, clock, fails_from
    ):
        store = Breakable(fails_from=fails_from)
        reply = asyncio.get_running_loop().create_future()
        async with bench(reply, store=store) as all_:
            user = await all_.kept()
            clock.advance(LIFE)
            calls = [asyncio.create_task(user.access_token()) for _ in range(3)]
            await until(lambda: all_.sent == ["R1"])
            store.error = OSError()
            reply.set_result(result("R2", clock(), "R2"))
            assert {name_of(await call) for call in calls} == {"access R2"}
            assert name_of(await user.access_token()) == "access R2"
            store.error = None
            elsewhere = await all_.elsewhere(user)
            assert (await elsewhere.tokens()).refresh_token == Secret("R2")
            assert all_.sent == ["R1"]

    async def test_a_result_that_could_not_be_written_for_long_is_written_by_the_next_call(
        self, bench, clock
    ):
        store = Breakable()
        reply = asyncio.get_running_loop().create_future()
        async with bench(reply, store=store) as all_:
            user = await all_.kept()
            clock.advance(LIFE)
            call = asyncio.create_task(user.access_token())
            await until(lambda: all_.sent == ["R1"])
            store.error = OSError()
            reply.set_result(result("R2", clock(), "R2"))
            await call
            all_.ticks.now += 61
            await until(lambda: not user._users._attempts)
            store.error = None
            assert name_of(await user.access_token()) == "access R2"
            elsewhere = await all_.elsewhere(user)
            assert (await elsewhere.tokens()).refresh_token == Secret("R2")
            assert all_.sent == ["R1"]


class TestUnproved:
    """New tokens that cannot be verified yet are not lost, and not given."""

    async def test_tokens_whose_keys_cannot_be_had_are_verified_by_the_next_call(
        self, bench, clock, monkeypatch, scripted
    ):
        monkeypatch.setattr("authflow.tokens.key_source._PAUSES", ())
        no_keys = scripted.error("InternalErrorException", status=500)

        async def verified(tokens: Tokens) -> Tokens:
            return tokens

        async with bench(result("R2", START + LIFE - 5, "R2"), no_keys) as all_:
            user = await all_.kept(config=evolve(all_.server.config(), verify_tokens=True))
            clock.advance(LIFE - 5)
            assert name_of(await user.access_token()) == "access R1"
            clock.advance(5)
            await refused(user.access_token(), JwksUnreachableError)
            entry = (await user._users._turns.entries.read(user._kept.of)).entry
            assert entry.unproved.refresh_token == Secret("R2")
            elsewhere = await all_.elsewhere(user, verify=verified)
            tokens = await elsewhere.tokens()
            assert name_of(tokens.access_token) == "access R2"
            assert tokens.refresh_token == Secret("R2")
            assert name_of(await user.access_token()) == "access R2"
            assert [each for each in all_.sent if each] == ["R1"]

    async def test_where_the_tokens_have_expired_meanwhile_the_new_refresh_token_goes_first(
        self, bench, clock, scripted
    ):
        script = [
            scripted.error("NotAuthorizedException", "Invalid Refresh Token"),
            result("R4", START + 2 * LIFE, "R4"),
        ]
        async with bench(*script) as all_:
            user = await all_.kept()
            new = evolve(signed_in(START + 1).tokens, refresh_token=Secret("R2"))
            await all_.change(user, unproved=new)
            clock.advance(2 * LIFE)
            assert (await user.tokens()).refresh_token == Secret("R4")
            assert all_.sent == ["R2", "R1"]


class TestNothingIsLost:
    """What Cognito gave, and what was begun, outlives slow keys, outages and dropped objects."""

    async def test_new_tokens_are_in_the_store_before_they_are_verified(self, bench, clock):
        checked = asyncio.get_running_loop().create_future()

        async def verify(tokens: Tokens) -> Tokens:
            return await checked

        async with bench(result("R2", START + LIFE, "R2")) as all_:
            user = await all_.kept()
            slow = await all_.elsewhere(user, verify=verify)
            slow._users._turns.lease = 0.03
            clock.advance(LIFE)
            call = asyncio.create_task(slow.access_token())
            entries, of = user._users._turns.entries, user._kept.of
            await until(lambda: all_.sent == ["R1"])
            await until(lambda: slow._kept.seen is not None and slow._kept.seen.turn == 1)
            first = (await entries.read(of)).entry
            assert first.unproved.refresh_token == Secret("R2")
            assert first.tokens.refresh_token == Secret("R1")
            with anyio.fail_after(5):  # the lease is prolonged meanwhile, and so others wait
                while (await entries.read(of)).entry.lease.times < first.lease.times + 2:
                    await anyio.sleep(0.005)
            other = asyncio.create_task(user.access_token())
            await anyio.sleep(0.03)
            assert not other.done()
            slow._users._turns.verify = user._users._turns.verify
            call.cancel()
            checked.cancel()  # the process dies
            await asyncio.gather(call, return_exceptions=True)
            await until(lambda: not slow._users._attempts)
            last = (await entries.read(of)).entry.lease
            await until(lambda: user._kept._watched[0] == last)
            all_.ticks.now += 6
            assert name_of(await other) == "access R2"
            assert all_.sent == ["R1"]

    @pytest.mark.parametrize("held", [True, False], ids=["held", "found anew each time"])
    async def test_an_outage_of_any_length_loses_no_result(self, bench, clock, held):
        store = Breakable()
        reply = asyncio.get_running_loop().create_future()
        async with bench(reply, store=store) as all_:
            user = await all_.kept()
            auth, handle, attempts = all_.opened, user.handle, user._users._attempts
            kept = [user] if held else []
            clock.advance(LIFE)
            call = asyncio.create_task(user.access_token())
            await until(lambda: all_.sent == ["R1"])
            store.error = OSError()
            reply.set_result(result("R2", clock(), "R2"))
            await call
            all_.ticks.now += 61
            await until(lambda: not attempts)
            del user, call
            gc.collect()
            for _ in range(2):
                found = await auth.kept(handle)
                assert name_of(await found.access_token()) == "access R2"
            del found
            store.error = None
            found = await auth.kept(handle)
            elsewhere = await all_.elsewhere(found)
            assert (await elsewhere.tokens()).refresh_token == Secret("R2")
            assert all_.sent == ["R1"]
            del kept

    async def test_a_client_that_closes_writes_what_the_store_takes_by_then(self, bench, clock):
        store = Breakable()
        reply = asyncio.get_running_loop().create_future()
        async with bench(reply, store=store) as all_:
            user = await all_.kept()
            elsewhere = await all_.elsewhere(user)
            clock.advance(LIFE)
            call = asyncio.create_task(user.access_token())
            await until(lambda: all_.sent == ["R1"])
            store.error = OSError()
            reply.set_result(result("R2", clock(), "R2"))
            await call
            all_.ticks.now += 61
            await until(lambda: not user._users._attempts)
            store.error = None
            await user._users.aclose()
            assert (await elsewhere.tokens()).refresh_token == Secret("R2")
            assert all_.sent == ["R1"]


class TestGivenToNobody:
    async def test_an_error_for_tokens_that_cannot_be_verified_does_not_carry_them(
        self, bench, clock, monkeypatch, scripted
    ):
        monkeypatch.setattr("authflow.tokens.key_source._PAUSES", ())
        no_keys = scripted.error("InternalErrorException", status=500)
        async with bench(result("R2", START + LIFE, "R2"), no_keys) as all_:
            user = await all_.kept(config=evolve(all_.server.config(), verify_tokens=True))
            clock.advance(LIFE)
            for call in (user.access_token, user.tokens):
                error = await refused(call(), JwksUnreachableError)
                assert error.tokens is None
                assert error.signed_in is None

    @pytest.mark.parametrize("first", ["unproved", "proved"])
    async def test_of_two_results_of_one_turn_no_expired_token_is_given(self, bench, clock, first):
        reply = asyncio.get_running_loop().create_future()
        async with bench(reply, result("R4", START + LIFE, "R4")) as all_:
            user = await all_.kept()
            clock.advance(LIFE)
            call = asyncio.create_task(user.tokens())
            await until(lambda: all_.sent == ["R1"])
            entries, of = user._users._turns.entries, user._kept.of
            found = await entries.read(of)
            theirs = evolve(signed_in(clock()).tokens, refresh_token=Secret("R3"))
            new = found.entry.renewed(theirs, now=clock())
            if first == "unproved":
                new = evolve(found.entry, turn=1, lease=None, unproved=theirs)
            assert await entries.write(of, new, expected=found.version)
            reply.set_result(result("R2", clock(), "R2"))
            tokens = await call
            assert tokens.refresh_token == Secret("R3")
            assert user._kept.left(user._kept.seen, kept_user.both) == LIFE
            assert all_.sent == ["R1"]

    @pytest.mark.parametrize("which", ["access", "identity", "both"])
    @pytest.mark.parametrize("sub", ["sub-of-eve", None, "Sub-of-ada", 1])
    async def test_new_tokens_of_somebody_else_are_given_to_nobody_and_not_kept(
        self, bench, clock, which, sub
    ):
        reply = result("R2", START + LIFE, "R2")
        members = reply["AuthenticationResult"]
        for name in {"access": ["AccessToken"], "identity": ["IdToken"]}.get(
            which, ["AccessToken", "IdToken"]
        ):
            members[name] = jwt("of somebody else", START + LIFE, sub=sub)
        async with bench(reply, result("R3", START + LIFE, "R3")) as all_:
            user = await all_.kept()
            clock.advance(LIFE)
            await refused(user.access_token(), TokenError)
            entry = (await user._users._turns.entries.read(user._kept.of)).entry
            assert (entry.unproved, entry.lease) == (None, None)
            assert name_of(await user.access_token()) == "access R3"
            assert all_.sent == ["R1", "R1"]

    async def test_new_tokens_that_have_expired_already_are_not_given(self, bench, clock):
        old = result("R2", START), result("R3", START)
        async with bench(*old) as all_:
            user = await all_.kept()
            clock.advance(2 * LIFE)
            await refused(user.access_token(), TokenExpiredError)
            assert all_.sent == ["R1", "R1"]


class TestSlowStores:
    @pytest.fixture(autouse=True)
    def quick(self, monkeypatch: Any) -> None:
        for module in ("kept_users", "refresh_result", "refresh_turn"):
            monkeypatch.setattr(f"authflow.client.{module}.READY_TIMEOUT", 0.02)

    async def test_new_tokens_are_given_although_the_store_hangs_and_written_when_it_answers(
        self, bench, clock
    ):
        store, reply = Hanging(), asyncio.get_running_loop().create_future()
        async with bench(reply, store=store) as all_:
            user = await all_.kept()
            clock.advance(LIFE)
            call = asyncio.create_task(user.access_token())
            await until(lambda: all_.sent == ["R1"])
            store.hang()
            reply.set_result(result("R2", clock(), "R2"))
            assert name_of(await call) == "access R2"
            for _ in range(5):
                assert name_of(await user.access_token()) == "access R2"
                assert name_of(await (await all_.opened.kept(user.handle)).id_token()) == "id R2"
            assert store.waiting <= 5
            store.go_on.set()
            await until(lambda: not user._users._attempts)
            elsewhere = await all_.elsewhere(user)
            assert (await elsewhere.tokens()).refresh_token == Secret("R2")
            assert all_.sent == ["R1"]

    async def test_what_a_slow_store_says_counts_for_the_next_call(self, bench):
        store = Hanging()
        async with bench({}, store=store) as all_:
            user = await all_.kept()
            elsewhere = await all_.elsewhere(user)
            await elsewhere.sign_out()
            store.hang()
            assert name_of(await user.access_token()) == "access R1"
            store.go_on.set()
            await until(user._kept.late.done)
            store.hang()  # it is not asked in vain again
            call = asyncio.create_task(user.access_token())
            await anyio.sleep(0.05)
            assert not call.done()
            store.go_on.set()
            await refused(call, SignedOutError)

    async def test_a_client_that_closes_leaves_no_read_behind(self, bench):
        store = Hanging()
        async with bench(store=store) as all_:
            user = await all_.kept()
            store.hang()
            assert name_of(await user.access_token()) == "access R1"
            await user._users.aclose()
            await settled()
            assert store.waiting == 0
            store.go_on.set()
