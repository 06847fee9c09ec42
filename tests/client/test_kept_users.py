"""Users are kept, found by their handles and signed out, over real HTTP."""

import asyncio
from datetime import timedelta

import anyio
import pytest
from attrs import evolve

from authflow import Secret, SignedIn
from authflow.client.signed_in_user import SignedInUser
from authflow.errors import (
    ConfigError,
    MisuseError,
    PoolSetupError,
    SignedOutError,
    StateError,
    StoreUnavailableError,
    UnreachableError,
)
from authflow.keys import KeyRing
from authflow.stores import MemoryStore, Stored
from authflow.testing import START
from testbed.kept_bench import (
    KEYS,
    LIFE,
    Breakable,
    name_of,
    refused,
    result,
    settled,
    signed_in,
    until,
)


class TestSignOut:
    async def test_all_processes_learn_it_and_cognito_does(self, bench):
        async with bench({}) as all_:
            user = await all_.kept()
            elsewhere = await all_.elsewhere(user)
            await elsewhere.sign_out()
            assert all_.server.operations == ["RevokeToken"]
            assert all_.sent == ["R1"]
            for each in (user, elsewhere):
                await refused(each.access_token(), SignedOutError)
                await refused(each.id_token(), SignedOutError)
            await refused(all_.elsewhere(user), SignedOutError)
            await elsewhere.sign_out()

    async def test_sign_ins_on_several_devices_are_apart(self, bench):
        async with bench({}) as all_:
            auth = await all_.client()
            phone, laptop = [await auth.keep(signed_in()) for _ in range(2)]
            assert phone.handle != laptop.handle
            await phone.sign_out()
            assert name_of(await laptop.access_token()) == "access R1"

    @pytest.mark.parametrize("where", ["here", "elsewhere"])
    async def test_a_refresh_that_is_on_its_way_gives_nothing_and_its_tokens_are_revoked(
        self, bench, clock, where
    ):
        reply = asyncio.get_running_loop().create_future()
        async with bench(reply, {}, {}) as all_:
            user = await all_.kept()
            leaver = user if where == "here" else await all_.elsewhere(user)
            clock.advance(LIFE)
            call = asyncio.create_task(user.access_token())
            await until(lambda: all_.sent == ["R1"])
            await leaver.sign_out()
            reply.set_result(result("R2", clock(), "R2"))
            await refused(call, SignedOutError)
            assert all_.sent == ["R1", "R1", "R2"]
            assert all_.server.operations[1:] == ["RevokeToken"] * 2

    async def test_a_revocation_that_fails_is_told_and_can_be_repeated(self, bench, scripted):
        async with bench(scripted.hang_up, {}) as all_:
            user = await all_.kept()
            elsewhere = await all_.elsewhere(user)
            await refused(user.sign_out(), UnreachableError)
            for each in (user, elsewhere):
                await refused(each.access_token(), SignedOutError)
            await user.sign_out()
            assert all_.sent == ["R1", "R1"]
            await user.sign_out()
            assert all_.sent == ["R1", "R1"]

    async def test_while_the_store_fails_the_token_is_revoked_and_the_failure_told(self, bench):
        store = Breakable()
        async with bench({}, {}, store=store) as all_:
            user = await all_.kept()
            store.error = OSError("canary")
            await refused(user.sign_out(), StoreUnavailableError)
            assert all_.sent == ["R1"]
            await refused(user.access_token(), SignedOutError)
            store.error = None
            await user.sign_out()
            await refused(all_.elsewhere(user), SignedOutError)

    async def test_a_user_whose_entry_the_store_has_lost_is_revoked_all_the_same(self, bench):
        async with bench({}) as all_:
            user = await all_.kept()
            all_.store._entries.clear()
            await user.sign_out()
            assert all_.sent == ["R1"]


class TestUnfinishedSignOut:
    """A sign-out that was begun gives no tokens, and can be finished wherever the handle is."""

    @pytest.mark.parametrize("where", ["here", "elsewhere"])
    @pytest.mark.parametrize("how", ["refused", "cancelled"])
    async def test_one_that_failed_is_finished_by_whoever_finds_the_user(
        self, bench, scripted, where, how
    ):
        never = asyncio.get_running_loop().create_future()
        first = scripted.hang_up if how == "refused" else never
        async with bench(first, {}) as all_:
            user = await all_.kept()
            auth, handle = all_.opened, user.handle
            leaving = asyncio.create_task(user.sign_out())
            await until(lambda: all_.sent == ["R1"])
            if how == "cancelled":
                leaving.cancel()
            await asyncio.gather(leaving, return_exceptions=True)
            never.set_result(scripted.hang_up)
            other = evolve(user._users)
            del user, leaving
            find = auth.kept if where == "here" else other.find
            found = await find(handle)
            user = found if where == "here" else SignedInUser(other, found)
            assert user.username == "ada"
            for call in (user.access_token, user.id_token, user.tokens):
                await refused(call(), SignedOutError)
            await user.sign_out()
            assert all_.sent == ["R1", "R1"]
            await refused(find(handle), SignedOutError)
            await refused(auth.kept(handle), SignedOutError)

    async def test_one_that_the_store_did_not_take_gives_no_token_here_any_more(self, bench):
        store = Breakable(fails_from="replace")
        async with bench({}, {}, store=store) as all_:
            user = await all_.kept()
            auth, handle = all_.opened, user.handle
            store.error = OSError()
            await refused(user.sign_out(), StoreUnavailableError)
            del user
            store.error = None
            found = await auth.kept(handle)
            await refused(found.access_token(), SignedOutError)
            await found.sign_out()
            await refused(auth.kept(handle), SignedOutError)

    async def test_an_app_client_that_lets_nothing_be_revoked_is_told_and_the_user_is_forgotten(
        self, bench, scripted
    ):
        refusal = scripted.error("UnsupportedOperationException", "Revocation is not enabled")
        async with bench(refusal) as all_:
            user = await all_.kept()
            await refused(user.sign_out(), PoolSetupError)
            entry = (await user._users._turns.entries.read(user._kept.of)).entry
            assert entry.tokens is None
            await refused(user.access_token(), SignedOutError)
            await refused(all_.opened.kept(user.handle), SignedOutError)
            await user.sign_out()
            assert all_.sent == ["R1"]


class TestStores:
    """Stores that fail: what is good is given, and nothing is sent without a lease."""

    async def test_a_store_that_fails_signs_nobody_out(self, bench, clock):
        store = Breakable()
        async with bench(result("R2", START + LIFE), store=store) as all_:
            user = await all_.kept()
            errors = OSError("x"), ValueError("odd"), StoreUnavailableError("x"), TimeoutError()
            clock.advance(LIFE * 0.99)
            for store.error in errors:
                assert name_of(await user.access_token()) == "access R1"
            clock.advance(LIFE * 0.01)
            for store.error in errors:
                await refused(user.access_token(), StoreUnavailableError)
                await refused(all_.kept(), StoreUnavailableError)
                await refused(all_.elsewhere(user), StoreUnavailableError)
            assert all_.sent == []
            store.error = None
            assert name_of(await user.access_token()) == "access R2"

    async def test_a_store_that_takes_no_lease_has_nothing_sent(self, bench, clock):
        store = Breakable(fails_from="replace")
        async with bench(store=store) as all_:
            user = await all_.kept()
            store.error = OSError()
            clock.advance(LIFE)
            await refused(user.access_token(), StoreUnavailableError)
            assert all_.sent == []

    async def test_a_store_that_hangs_is_given_up(self, bench, monkeypatch):
        monkeypatch.setattr("authflow.client.kept_entry.STORE_TIMEOUT", 0.01)

        class Hanging(MemoryStore):
            async def read(self, key: str) -> Stored | None:
                await anyio.sleep_forever()

        async with bench(store=Hanging()) as all_:
            user = await all_.kept()
            assert name_of(await user.access_token()) == "access R1"
            await refused(all_.elsewhere(user), StoreUnavailableError)

    async def test_an_entry_that_the_store_has_lost_is_a_user_who_is_signed_out(self, bench):
        async with bench() as all_:
            user = await all_.kept()
            all_.store._entries.clear()
            await refused(user.access_token(), SignedOutError)

    async def test_a_store_without_keys_is_refused_when_the_client_is_made(self, bench):
        async with bench() as all_:
            await refused(all_.client(keys=None), ConfigError)

    async def test_keys_that_cannot_be_read_sign_nobody_out(self, bench, clock):
        class Keys:
            down = False

            async def key_ring(self, *, having: str | None = None) -> KeyRing:
                if self.down:
                    raise OSError
                return KEYS

        keys = Keys()
        async with bench(result("R2", START + LIFE)) as all_:
            user = await all_.kept(keys=keys)
            keys.down = True
            assert name_of(await user.access_token()) == "access R1"
            clock.advance(LIFE)
            with pytest.raises(StateError):
                await user.access_token()
            keys.down = False
            assert name_of(await user.access_token()) == "access R2"

    async def test_without_a_store_a_user_is_kept_in_the_process_alone(self, bench, clock):
        async with bench(result("R2", START + LIFE)) as all_:
            user = await all_.kept(store=None, keys=None)
            clock.advance(LIFE)
            got = await asyncio.gather(*(user.access_token() for _ in range(8)))
            assert {name_of(token) for token in got} == {"access R2"}
            assert all_.sent == ["R1"]
            await refused(all_.elsewhere(user, keys=None, store=None), SignedOutError)

    async def test_callers_share_reads_and_none_is_given_an_older_one(self, bench):
        store = Breakable()
        async with bench({}, store=store) as all_:
            user = await all_.kept()
            elsewhere = await all_.elsewhere(user)
            store.calls.clear()
            await asyncio.gather(*(user.access_token() for _ in range(50)))
            assert len(store.calls) <= 2

            begun, go_on = anyio.Event(), anyio.Event()
            real = store.store.read

            async def slow(key: str) -> Stored | None:
                stored = await real(key)
                begun.set()
                await go_on.wait()
                return stored

            store.store.read = slow
            first = asyncio.create_task(user.access_token())
            await begun.wait()
            store.store.read = real
            await elsewhere.sign_out()
            second = asyncio.create_task(user.access_token())
            await settled()
            go_on.set()
            assert name_of(await first) == "access R1"  # it has called before
            await refused(second, SignedOutError)


class TestBadInput:
    async def test_a_handle_that_nobody_has_is_told_in_one_way(self, bench):
        store = Breakable()
        handles = [
            *("", "x", "A" * 42, "A" * 44, "A" * 42 + "=", "A" * 42 + " ", "A" * 42 + "\n"),
            *("A" * 43 + "\n", "\0" * 43, "\u0661" * 43, "\ud800" * 43, "A" * 10**6, "ä" * 43),
            *("../" * 14 + "a", "A" * 43),
        ]
        async with bench(store=store) as all_:
            auth = await all_.client()
            for handle in handles:
                for given in (handle, Secret(handle)):
                    error = await refused(auth.kept(given), SignedOutError)
                    assert str(error) == "nobody is signed in under this handle: sign in again"
                assert bool(store.calls) == (handle == "A" * 43)  # the only one of its form

    async def test_what_is_no_handle_is_the_callers_mistake(self, bench):
        async with bench() as all_:
            auth = await all_.client()
            for handle in (None, 1, b"A" * 43, ["A" * 43], Secret(b"x"), object()):
                error = await refused(auth.kept(handle), MisuseError)
                assert "handle must be a text" in str(error)

    async def test_only_a_sign_in_with_a_refresh_token_is_kept_for_a_time(self, bench):
        async with bench() as all_:
            auth = await all_.client()
            for given in (None, "token", b"", 1, signed_in().tokens, SignedIn):
                await refused(auth.keep(given), MisuseError)
            given = signed_in()
            given = evolve(given, tokens=evolve(given.tokens, refresh_token=None))
            await refused(auth.keep(given), MisuseError)
            times = (timedelta(), timedelta(-1), timedelta(days=3651), timedelta.max)
            for validity in (*times, 30, None, "30 days"):
                await refused(auth.keep(signed_in(), validity=validity), MisuseError)

    async def test_a_user_is_kept_for_as_long_as_was_said_and_refreshing_does_not_prolong_it(
        self, bench, clock
    ):
        async with bench(result("R2", START + LIFE)) as all_:
            auth = await all_.client()
            user = await auth.keep(signed_in(), validity=timedelta(seconds=LIFE + 9))
            clock.advance(LIFE)
            await user.access_token()
            clock.advance(9)
            await refused(user.access_token(), SignedOutError)
            await refused((await all_.elsewhere(user)).tokens(), SignedOutError)
            assert all_.sent == ["R1"]

    async def test_whoever_asks_as_the_client_closes_is_told_so_at_whatever_step(
        self, bench, clock
    ):
        """At one of them the refresh has been made a task that has not had its first step."""
        told = []
        async with bench(*(result("R2", START + LIFE) for _ in range(20))) as all_:
            clock.advance(LIFE)
            for steps in range(20):  # of the loop, between the question and the close
                user = await (await all_.client()).keep(signed_in())
                asks = asyncio.create_task(user.access_token())
                for _ in range(steps):
                    await asyncio.sleep(0)
                await user._users.aclose()
                await asyncio.wait({asks}, timeout=20)
                told += [asks.exception()] if asks.done() else ["it waits for ever"]
                assert not user._users._attempts
        assert {type(each) for each in told if each is not None} == {UnreachableError}

    async def test_a_closed_client_gives_nothing(self, bench):
        async with bench() as all_:
            user = await all_.kept()
            await all_.stack.aclose()
            await refused(user.access_token(), MisuseError)
            await refused(user.sign_out(), MisuseError)
