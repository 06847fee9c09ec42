"""A sign-out revokes every token that may live; what fails is told, and finished by anybody."""

import asyncio
from typing import Any

import anyio
import pytest
from attrs import evolve

from authflow import Secret, Tokens
from authflow.client.kept_entry import MOST_OWED, KeptEntry
from authflow.client.kept_sign_out import ended
from authflow.client.refresh_result import _merged
from authflow.client.signed_in_user import SignedInUser
from authflow.errors import (
    AuthFlowError,
    PoolSetupError,
    ServerFaultError,
    SignedOutError,
    StoreUnavailableError,
)
from testbed.kept_bench import LIFE, Bench, Breakable, name_of, refused, result, until


def revoked(all_: Bench) -> list[str]:
    """Return the refresh tokens for which a revocation was asked, in order."""
    return [
        members["Token"]
        for operation, members in all_.server.requests
        if operation == "RevokeToken"
    ]


async def holder(all_: Bench, clock: Any, reply: "asyncio.Future[Any]") -> SignedInUser:
    """Return a user whose R2 this process alone has: the store failed for longer than a minute."""
    user = await all_.kept()
    clock.advance(LIFE)
    call = asyncio.create_task(user.access_token())
    await until(lambda: all_.sent == ["R1"])
    all_.store.error = OSError()
    reply.set_result(result("R2", clock(), "R2"))
    assert name_of(await call) == "access R2"
    all_.ticks.now += 61
    await until(lambda: not user._users._attempts)
    all_.store.error = None
    return user


async def late(all_: Bench, clock: Any, reply: "asyncio.Future[Any]", leaver: Any) -> Any:
    """Have a user sign out while a refresh is on its way that brings R2."""
    user = await all_.kept()
    other = await all_.elsewhere(user)
    clock.advance(LIFE)
    call = asyncio.create_task(user.access_token())
    await until(lambda: all_.sent == ["R1"])
    await (user if leaver == "here" else other).sign_out()
    assert revoked(all_) == ["R1"]
    reply.set_result(result("R2", clock(), "R2"))
    return user, other, call


@pytest.fixture
async def reply() -> "asyncio.Future[Any]":
    return asyncio.get_running_loop().create_future()


@pytest.fixture
def fault(scripted: Any) -> Any:
    return scripted.error("InternalErrorException", status=500)


class TestWhatIsRevoked:
    @pytest.mark.parametrize("is_down", [False, True], ids=["store", "no store"])
    async def test_a_token_that_the_store_has_not_taken_is_revoked_with_the_one_that_it_has(
        self, bench, clock, reply, is_down
    ):
        async with bench(reply, {}, {}, {}, {}, store=Breakable()) as all_:
            user = await holder(all_, clock, reply)
            if is_down:
                all_.store.error = OSError()
                await refused(user.sign_out(), StoreUnavailableError)
                assert "R2" in revoked(all_)
                all_.store.error = None
            await user.sign_out()
            assert set(revoked(all_)) == {"R1", "R2"}
            await refused(all_.opened.kept(user.handle), SignedOutError)
            before = len(revoked(all_))
            await user.sign_out()
            assert len(revoked(all_)) == before

    @pytest.mark.parametrize("then", ["asks", "signs out", "closes"])
    async def test_one_that_the_store_has_not_taken_is_revoked_after_a_sign_out_elsewhere(
        self, bench, clock, reply, then
    ):
        async with bench(reply, {}, {}, store=Breakable()) as all_:
            user = await holder(all_, clock, reply)
            other = await all_.elsewhere(user)
            await other.sign_out()
            assert revoked(all_) == ["R1"]
            if then == "asks":
                await refused(user.access_token(), SignedOutError)
            elif then == "signs out":
                await user.sign_out()
            else:
                await user._users.aclose()
            assert revoked(all_) == ["R1", "R2"]
            await refused(other._users.find(user.handle), SignedOutError)

    @pytest.mark.parametrize("then", ["nothing", "asks"])
    @pytest.mark.parametrize("has", ["R1", "R2"])
    async def test_what_is_known_of_an_entry_that_the_store_has_lost_is_revoked(
        self, bench, clock, reply, has, then
    ):
        script = () if has == "R1" else (reply,)
        async with bench(*script, {}, {}, {}, store=Breakable()) as all_:
            user = await all_.kept() if has == "R1" else await holder(all_, clock, reply)
            all_.store.store._entries.clear()
            if then == "asks":
                await refused(user.access_token(), SignedOutError)
                assert revoked(all_) == ([] if has == "R1" else ["R2"])
            await user.sign_out()
            assert has in revoked(all_)
            await refused(user.access_token(), SignedOutError)
            await refused(all_.opened.kept(user.handle), SignedOutError)

    @pytest.mark.parametrize("how", ["lost", "lost unwritten", "signed out elsewhere"])
    @pytest.mark.parametrize("fails", [False, True], ids=["at once", "after a failure"])
    async def test_what_an_entry_owed_is_revoked_though_the_store_lost_it_during_a_refresh(
        self, bench, clock, reply, how, fails
    ):
        async with bench(reply, *[{}] * 8, store=Breakable()) as all_:
            user = await all_.kept()
            await all_.change(user, owed=(Secret("RB"),))
            clock.advance(LIFE)
            call = asyncio.create_task(user.access_token())
            await until(lambda: all_.sent == ["R1"])
            if how == "lost unwritten":
                all_.store.error = OSError()
                reply.set_result(result("R2", clock(), "R2"))
                assert name_of(await call) == "access R2"
                all_.ticks.now += 61
                await until(lambda: not user._users._attempts)
                all_.store.error = None
                call = asyncio.create_task(user.access_token())
            entries = all_.store.store._entries
            entries.clear()
            if how == "signed out elsewhere":  # by a process that knew of R1 alone
                over = ended(user._kept.seen, "left", (), now=clock())
                written = user._users._turns.entries.write(user._kept.of, over, expected=None)
                assert await written
            if fails:
                all_.store.error, all_.store.fails_from = OSError(), "replace"
            if how != "lost unwritten":
                reply.set_result(result("R2", clock(), "R2"))
            await refused(call, SignedOutError)
            all_.store.error = None
            await user.sign_out()
            assert {"R2", "RB"} <= set(revoked(all_))

    async def test_a_token_that_cannot_be_revoked_keeps_no_other_one_alive(
        self, bench, clock, reply, fault
    ):
        async with bench(reply, fault, {}, {}, store=Breakable()) as all_:
            user = await holder(all_, clock, reply)
            handle = user.handle
            await refused(user.sign_out(), ServerFaultError)
            first, second = revoked(all_)
            assert {first, second} == {"R1", "R2"}
            other = evolve(user._users)
            found = SignedInUser(other, await other.find(handle))
            await refused(found.access_token(), SignedOutError)
            await found.sign_out()
            assert revoked(all_) == [first, second, first]
            for users in (user._users, other):
                await refused(users.find(handle), SignedOutError)

    async def test_what_this_process_could_not_write_goes_before_what_it_has_seen(self, bench):
        async with bench() as all_:
            kept = (await all_.kept())._kept
            newer = evolve(kept.seen.tokens, refresh_token=Secret("R2"))
            kept.unwritten = evolve(kept.seen, unproved=newer)
            assert kept.leave().unproved == newer
            assert [token.reveal() for token in kept.owed] == ["R2", "R1"]
            assert kept.seen is kept.unwritten is None

    async def test_two_sign_outs_at_once_are_both_done(self, bench):
        async with bench({}, {}, {}, {}) as all_:
            user = await all_.kept()
            other = await all_.elsewhere(user)
            await asyncio.gather(*(each.sign_out() for each in (user, user, other)))
            assert set(revoked(all_)) == {"R1"}
            await refused(all_.opened.kept(user.handle), SignedOutError)

    async def test_a_sign_out_by_a_clock_that_is_ahead_revokes_what_the_entry_has(
        self, bench, clock
    ):
        async with bench(result("R2", clock() + LIFE, "R2"), {}, {}) as all_:
            user = await all_.kept()
            ahead = await all_.elsewhere(user)
            clock.advance(LIFE)
            assert name_of(await user.access_token()) == "access R2"
            for part in (ahead._users, ahead._users._turns, ahead._users._sign_out):
                part.clock = lambda: clock() + 31 * 86_400
            await ahead.sign_out()
            assert "R2" in revoked(all_)
            await refused(user.access_token(), SignedOutError)

    async def test_by_its_handle_a_user_is_found_to_sign_out_whose_entry_the_store_has_lost(
        self, bench
    ):
        async with bench({}) as all_:
            user = await all_.kept()
            other = await all_.elsewhere(user)
            all_.store._entries.clear()
            for _ in range(2):
                found = await all_.opened.kept(user.handle)
                await refused(found.access_token(), SignedOutError)
            await found.sign_out()
            assert revoked(all_) == ["R1"]
            await refused(all_.opened.kept(user.handle), SignedOutError)
            stranger = evolve(other._users)
            await refused(stranger.find(user.handle), SignedOutError)


async def stalled(all_: Bench, clock: Any, replies: Any, first: str) -> Any:
    """Have two processes refresh with R1, since one stands still: they get R2a and R2b."""
    user = await all_.kept()
    other = await all_.elsewhere(user)
    user._users._turns.lease = 1e6  # it prolongs nothing
    clock.advance(LIFE)
    calls = {"a": asyncio.create_task(user.access_token())}
    await until(lambda: all_.sent == ["R1"])
    calls["b"] = asyncio.create_task(other.access_token())
    await until(lambda: other._kept._watched is not None)
    all_.ticks.now += 6
    await until(lambda: all_.sent == ["R1", "R1"])
    for each in (first, "ba"["ab".index(first)]):
        replies[each].set_result(result(f"R2{each}", clock(), f"R2{each}"))
        assert name_of(await calls[each]) == f"access R2{first}"
    assert revoked(all_) == []  # that might end the other one as well
    return user, other


class TestTwoResults:
    @pytest.mark.parametrize("first", ["a", "b"])
    @pytest.mark.parametrize("leaver", ["a", "b", "a third"])
    async def test_a_result_that_is_not_kept_is_revoked_with_the_one_that_is(
        self, bench, clock, first, leaver
    ):
        loop = asyncio.get_running_loop()
        replies = {each: loop.create_future() for each in "ab"}
        third = (result("R3", clock() + 2 * LIFE, "R3"), {}, {})
        async with bench(*replies.values(), *third) as all_:
            user, other = await stalled(all_, clock, replies, first)
            clock.advance(LIFE)
            assert name_of(await other.access_token()) == "access R3"
            assert all_.sent == ["R1", "R1", f"R2{first}"]
            leaving = await {"a": user.tokens, "b": other.tokens}.get(leaver, other.tokens)()
            assert leaving.refresh_token == Secret("R3")
            leaver = {"a": user, "b": other}.get(leaver) or await all_.elsewhere(user)
            await leaver.sign_out()
            assert revoked(all_) == ["R3", "R2b" if first == "a" else "R2a"]
            await refused(all_.elsewhere(user), SignedOutError)

    async def test_where_the_one_that_is_kept_is_refused_the_other_one_is_revoked_and_not_used(
        self, bench, clock, scripted
    ):
        loop = asyncio.get_running_loop()
        replies = {each: loop.create_future() for each in "ab"}
        refusal = scripted.error("NotAuthorizedException", "Refresh Token has been revoked")
        async with bench(*replies.values(), refusal, {}) as all_:
            user, _ = await stalled(all_, clock, replies, "a")
            clock.advance(LIFE)
            await refused(user.access_token(), SignedOutError)
            assert all_.sent == ["R1", "R1", "R2a", "R2b"]
            assert revoked(all_) == ["R2b"]
            await refused(all_.elsewhere(user), SignedOutError)

    @pytest.mark.parametrize("result_has", ["tokens", "unproved"])
    @pytest.mark.parametrize("found_has", ["tokens", "unproved", "both"])
    @pytest.mark.parametrize("ahead", [-1, 0, 1])
    async def test_of_two_results_no_refresh_token_is_lost_whichever_is_kept(
        self, bench, result_has, found_has, ahead
    ):
        async with bench() as all_:
            base = (await all_.kept())._kept.seen

        def made(turn: int, has: str, name: str) -> KeptEntry:
            def tokens(name: str) -> Tokens:
                return evolve(base.tokens, refresh_token=Secret(name))

            if has == "both":
                return evolve(
                    base, turn=turn, tokens=tokens(f"{name} 1"), unproved=tokens(f"{name} 2")
                )
            return evolve(base, turn=turn, **{has: tokens(name)})

        mine = made(5 + ahead, result_has, "mine").owing(Secret("owed by mine"))
        theirs = made(5, found_has, "theirs").owing(Secret("owed by theirs"))
        merged = _merged(mine, theirs)
        names = {"mine", "owed by theirs"}  # and not "theirs 1", of which "theirs 2" came
        if ahead == 1:
            names.add("owed by mine")
        if found_has == "both":
            names.add("theirs 2")
        elif found_has == "unproved" or ahead < 1:  # else "mine" came of it
            names.add("theirs")
        later = merged if merged.unproved is None else merged.renewed(merged.unproved, now=0)
        for each in (merged, later):
            assert names <= {token.reveal() for token in each.refresh_tokens()}
        assert not [each for each in merged.own_tokens() if each.reveal().startswith("owed")]
        assert _merged(mine, merged).refresh_tokens() == merged.refresh_tokens()

    async def test_what_is_owed_does_not_outgrow_an_entry(self, bench):
        async with bench() as all_:
            entry = (await all_.kept())._kept.seen
        assert entry.owing(Secret("R1")) is entry
        for number in range(2 * MOST_OWED):
            entry = entry.owing(Secret(f"{number}"), Secret(f"{number}"))
        owed = [token.reveal() for token in entry.owed]
        assert owed == [f"{number}" for number in range(MOST_OWED, 2 * MOST_OWED)]


@pytest.mark.parametrize(
    "refusal",
    [
        ("NotAuthorizedException", "User is disabled."),
        ("PasswordResetRequiredException", "Password reset required for the user"),
        ("UserNotConfirmedException", "User is not confirmed."),
    ],
    ids=lambda refusal: refusal[0],
)
class TestRefusedUsers:
    async def test_the_token_of_a_user_whom_cognito_refuses_is_revoked_since_it_may_be_good_again(
        self, bench, clock, scripted, refusal
    ):
        async with bench(scripted.error(*refusal), {}, {}) as all_:
            user = await all_.kept()
            unproved = evolve(user._kept.seen.tokens, refresh_token=Secret("R2"))
            await all_.change(user, unproved=unproved)
            clock.advance(LIFE)
            await refused(user.access_token(), SignedOutError)
            assert revoked(all_) == ["R2", "R1"]
            await refused(all_.opened.kept(user.handle), SignedOutError)

    async def test_what_cannot_be_revoked_is_owed_for_whoever_signs_out(
        self, bench, clock, scripted, fault, refusal
    ):
        async with bench(scripted.error(*refusal), fault, fault, {}) as all_:
            user = await all_.kept()
            clock.advance(LIFE)
            await refused(user.access_token(), SignedOutError)
            other = evolve(user._users)
            found = SignedInUser(other, await other.find(user.handle))
            assert "sign in again" in str(await refused(found.tokens(), SignedOutError))
            await refused(found.sign_out(), ServerFaultError)
            await found.sign_out()
            assert revoked(all_) == ["R1"] * 3
            await refused(all_.opened.kept(user.handle), SignedOutError)
            assert all_.server.operations.count("RevokeToken") == len(all_.sent) - 1


async def test_where_one_refresh_token_is_of_another_kind_the_other_one_is_used(
    bench, clock, scripted
):
    refusal = scripted.error("UnauthorizedException", "The token was given to another client.")
    async with bench(refusal, result("R3", clock() + LIFE, "R3")) as all_:
        user = await all_.kept()
        unproved = evolve(user._kept.seen.tokens, refresh_token=Secret("R2"))
        await all_.change(user, unproved=unproved)
        clock.advance(LIFE)
        assert name_of(await user.access_token()) == "access R3"
        assert all_.sent == ["R2", "R1"]


LEAVERS = pytest.mark.parametrize("leaver", ["here", "elsewhere"])


class TestWhatComesTooLate:
    @LEAVERS
    async def test_a_revocation_that_fails_is_told_and_repeated_by_whoever_signs_out(  # noqa: PLR0917
        self, bench, clock, reply, fault, leaver, caplog
    ):
        async with bench(reply, {}, fault, fault, fault, fault, {}) as all_:
            user, other, call = await late(all_, clock, reply, leaver)
            await refused(call, SignedOutError)
            assert revoked(all_) == ["R1", "R2"]
            assert "could not be revoked yet: ServerFaultError" in caplog.text
            third = evolve(user._users)
            found = SignedInUser(third, await third.find(user.handle))
            for each in (user, other, found):
                await refused(each.access_token(), SignedOutError)
                await refused(each.sign_out(), ServerFaultError)
            await found.sign_out()
            assert revoked(all_) == ["R1"] + ["R2"] * 5
            for users in (third, user._users, other._users):
                await refused(users.find(user.handle), SignedOutError)
            for each in (user, other, found):
                await each.sign_out()
            assert len(revoked(all_)) == 6

    async def test_a_process_that_dies_while_it_revokes_leaves_it_to_whoever_finds_the_user(
        self, bench, clock, reply
    ):
        never = asyncio.get_running_loop().create_future()
        async with bench(reply, {}, never, {}) as all_:
            user, _, call = await late(all_, clock, reply, "elsewhere")
            await until(lambda: revoked(all_) == ["R1", "R2"])
            (attempt,) = user._users._attempts
            attempt.task.cancel()
            with pytest.raises(AuthFlowError):
                await call
            third = evolve(user._users)
            found = SignedInUser(third, await third.find(user.handle))
            await found.sign_out()
            assert revoked(all_) == ["R1", "R2", "R2"]
            never.set_result({})

    @LEAVERS
    @pytest.mark.parametrize("then", ["signs out", "closes"])
    async def test_what_the_store_does_not_take_either_this_process_owes(  # noqa: PLR0917
        self, bench, clock, reply, fault, leaver, then
    ):
        async with bench(reply, {}, fault, {}, {}, store=Breakable()) as all_:
            user, other, call = await late(all_, clock, reply, leaver)
            if leaver == "elsewhere":
                replace = all_.store.store.replace

                async def fails(*_: Any, **__: Any) -> bool:
                    raise OSError

                all_.store.store.replace = fails
            else:
                all_.store.error = OSError()
            await refused(call, SignedOutError)
            assert revoked(all_) == ["R1", "R2"]
            users, handle = user._users, user.handle
            del user, call
            if leaver == "elsewhere":
                all_.store.store.replace = replace
            all_.store.error = None
            if then == "closes":
                await users.aclose()
            else:
                found = SignedInUser(users, await users.find(handle))
                await found.sign_out()
            assert revoked(all_) == ["R1", "R2", "R2"]
            await refused(other._users.find(handle), SignedOutError)

    async def test_an_app_client_that_lets_nothing_be_revoked_has_it_forgotten(
        self, bench, clock, reply, scripted
    ):
        refusal = scripted.error("UnsupportedOperationException", "Revocation is not enabled")
        async with bench(reply, {}, refusal) as all_:
            user, _, call = await late(all_, clock, reply, "elsewhere")
            await refused(call, SignedOutError)
            await refused(all_.opened.kept(user.handle), SignedOutError)
            assert revoked(all_) == ["R1", "R2"]

    async def test_nothing_of_it_is_readable_in_the_store(self, bench, clock, reply, fault):
        async with bench(reply, {}, fault) as all_:
            user, _, call = await late(all_, clock, reply, "elsewhere")
            await refused(call, SignedOutError)
            entry = (await user._users._turns.entries.read(user._kept.of)).entry
            assert [token.reveal() for token in entry.owed] == ["R2"]
            assert entry.tokens is entry.unproved is None
            assert "R2" not in repr(entry) + repr(user._kept)
            assert all(b'"R2"' not in stored.value for stored, _ in all_.store._entries.values())


async def test_a_sign_out_that_is_cancelled_anywhere_is_finished_by_whoever_finds_the_user(
    bench, clock
):
    async with bench(*[{}] * 60) as all_:
        auth = await all_.client()
        for steps in range(0, 40, 3):
            user = await all_.kept()
            leaving = asyncio.create_task(user.sign_out())
            for _ in range(steps):
                await anyio.lowlevel.checkpoint()
            leaving.cancel()
            ended = (await asyncio.gather(leaving, return_exceptions=True))[0]
            if ended is None:
                break
            before, other = len(revoked(all_)), evolve(auth._users)
            try:
                found = SignedInUser(other, await other.find(user.handle))
            except SignedOutError:
                continue  # it was done
            await found.sign_out()
            assert len(revoked(all_)) > before
            await refused(found.access_token(), SignedOutError)


async def test_a_refusal_of_revocation_is_told_after_all_tokens_were_tried(
    bench, clock, reply, scripted
):
    refusal = scripted.error("UnsupportedOperationException", "Revocation is not enabled")
    async with bench(reply, refusal, refusal, store=Breakable()) as all_:
        user = await holder(all_, clock, reply)
        await refused(user.sign_out(), PoolSetupError)
        assert set(revoked(all_)) == {"R1", "R2"}
        await user.sign_out()
        assert len(revoked(all_)) == 2
