"""One at a time refreshes for all, whoever is cancelled, and a failure signs nobody out."""

import asyncio
from collections.abc import Callable
from typing import Any

import anyio
import pytest
from attrs import evolve

from authflow import Secret
from authflow.client.kept_entry import Lease
from authflow.errors import (
    AuthFlowError,
    MalformedReplyError,
    SignedOutError,
    ThrottledError,
    TimedOutError,
    TriggerFailedError,
    UnreachableError,
)
from authflow.stores import MemoryStore
from authflow.testing import START
from testbed.kept_bench import (
    LIFE,
    name_of,
    refused,
    result,
    settled,
    signed_in,
    until,
)


class TestOneAtATime:
    @pytest.mark.parametrize("rotated", [None, "R2"], ids=["kept", "rotated"])
    async def test_many_tasks_of_many_clients_send_one_request_and_get_the_same_tokens(
        self, bench, clock, store, rotated
    ):
        async with bench(result("R2", START + LIFE, rotated), store=store) as all_:
            user = await all_.kept()
            users = [user, *[await all_.elsewhere(user) for _ in range(7)]]
            clock.advance(LIFE)
            got = await asyncio.gather(*(each.tokens() for each in users * 4))
            assert {name_of(tokens.access_token) for tokens in got} == {"access R2"}
            assert all(tokens == got[0] for tokens in got)
            assert all_.sent == ["R1"]

    async def test_ahead_of_time_one_caller_refreshes_and_the_others_go_on(self, bench, clock):
        reply = asyncio.get_running_loop().create_future()
        async with bench(reply) as all_:
            user = await all_.kept()
            elsewhere = await all_.elsewhere(user)
            clock.advance(LIFE * 0.95)
            leader = asyncio.create_task(user.access_token())
            await until(lambda: all_.sent == ["R1"])
            for each in (user, elsewhere):
                assert name_of(await each.access_token()) == "access R1"
            assert not leader.done()
            reply.set_result(result("R2", clock()))
            assert name_of(await leader) == "access R2"
            assert name_of(await elsewhere.access_token()) == "access R2"
            assert all_.sent == ["R1"]

    async def test_a_leader_that_is_cancelled_cancels_no_other(self, bench, clock):
        reply = asyncio.get_running_loop().create_future()
        async with bench(reply) as all_:
            user = await all_.kept()
            elsewhere = await all_.elsewhere(user)
            clock.advance(LIFE)
            calls = [asyncio.create_task(each.access_token()) for each in (user, user, elsewhere)]
            await until(lambda: all_.sent == ["R1"])
            calls[0].cancel()
            with pytest.raises(asyncio.CancelledError):
                await calls[0]
            reply.set_result(result("R2", clock()))
            assert [name_of(await call) for call in calls[1:]] == ["access R2"] * 2
            assert all_.sent == ["R1"]

    async def test_a_refresh_whose_callers_are_all_gone_ends_and_is_kept(self, bench, clock):
        """With rotation its reply has the only refresh token that is good."""
        reply = asyncio.get_running_loop().create_future()
        async with bench(reply) as all_:
            user = await all_.kept()
            elsewhere = await all_.elsewhere(user)
            clock.advance(LIFE)
            calls = [asyncio.create_task(user.access_token()) for _ in range(3)]
            await until(lambda: all_.sent == ["R1"])
            for call in calls:
                call.cancel()
            assert len(await asyncio.gather(*calls, return_exceptions=True)) == 3
            reply.set_result(result("R2", clock(), "R2"))
            tokens = await elsewhere.tokens()
            assert tokens.refresh_token == Secret("R2")
            assert all_.sent == ["R1"]

    async def test_a_caller_who_waits_for_another_process_leaves_in_time_and_leaves_nothing(
        self, bench, clock
    ):
        async with bench() as all_:
            user = await all_.kept()
            clock.advance(LIFE)
            await all_.change(user, lease=Lease(holder="other"))
            for _ in range(2):
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.01):
                        await user.access_token()
            await settled()
            assert not user._users._attempts
            assert all_.sent == []

    async def test_a_client_that_closes_waits_for_the_refresh_that_it_has_sent(self, bench, clock):
        reply = asyncio.get_running_loop().create_future()
        async with bench(reply) as all_:
            user = await all_.kept()
            leader = await all_.elsewhere(user)
            clock.advance(LIFE)
            call = asyncio.create_task(leader.access_token())
            await until(lambda: all_.sent == ["R1"])
            call.cancel()
            asyncio.get_running_loop().call_later(
                0.02, reply.set_result, result("R2", clock(), "R2")
            )
            await leader._users.aclose()
            assert (await user.tokens()).refresh_token == Secret("R2")
            assert all_.sent == ["R1"]


class TestLeases:
    @pytest.mark.parametrize("ahead", [0, 6, 86_400, -86_400])
    async def test_a_lease_is_over_for_who_saw_it_unchanged_for_long_whatever_the_clocks_say(
        self, bench, clock, ahead
    ):
        async with bench(result("R2", START + LIFE + ahead)) as all_:
            user = await all_.kept()
            clock.advance(LIFE)
            await all_.change(user, lease=Lease(holder="other"))
            clock.now += ahead
            all_.ticks.now += LIFE
            call = asyncio.create_task(user.access_token())
            await until(lambda: user._kept._watched is not None)
            all_.ticks.now += user._users._turns.lease - 0.1
            await anyio.sleep(0.03)
            assert all_.sent == []
            await all_.change(user, lease=Lease(holder="other", times=1))  # it is alive
            await until(lambda: user._kept._watched[0].times == 1)
            all_.ticks.now += user._users._turns.lease - 0.1
            await anyio.sleep(0.03)
            assert all_.sent == []
            all_.ticks.now += 0.1
            assert name_of(await call) == "access R2"
            assert all_.sent == ["R1"]

    async def test_a_lease_is_prolonged_as_long_as_the_request_is_on_its_way(self, bench, clock):
        reply = asyncio.get_running_loop().create_future()
        async with bench(reply) as all_:
            user = await all_.kept()
            elsewhere = await all_.elsewhere(user)
            user._users._turns.lease = 0.03
            clock.advance(LIFE)
            calls = [asyncio.create_task(each.access_token()) for each in (user, elsewhere)]
            await until(lambda: all_.sent == ["R1"])
            read = user._users._turns.entries.read
            first = (await read(user._kept.of)).entry.lease
            seen = {first}
            while len(seen) < 4:
                seen.add((await read(user._kept.of)).entry.lease)
                await anyio.sleep(0.005)
            assert {lease.holder for lease in seen} == {first.holder}
            reply.set_result(result("R2", clock()))
            assert [name_of(await call) for call in calls] == ["access R2"] * 2
            assert all_.sent == ["R1"]

    async def test_others_that_refresh_without_end_are_waited_for_a_while(self, bench, clock):
        async with bench() as all_:
            user = await all_.kept()
            user._users._turns.lease = 1000.0
            clock.advance(LIFE)
            await all_.change(user, lease=Lease(holder="other"))
            call = asyncio.create_task(user.access_token())
            await until(lambda: user._kept._watched is not None)
            all_.ticks.now += 59
            await anyio.sleep(0.02)
            assert not call.done()
            all_.ticks.now += 2
            await refused(call, TimedOutError)
            assert all_.sent == []

    async def test_a_prolonging_write_whose_reply_was_lost_ends_nothing(self, bench, clock):
        class Losing(MemoryStore):
            lost = 0

            async def replace(self, key: str, value: bytes, **given: Any) -> bool:
                written = await super().replace(key, value, **given)
                self.lost -= 1
                if self.lost == 0:
                    raise OSError
                return written

        store, reply = Losing(), asyncio.get_running_loop().create_future()
        async with bench(reply, store=store) as all_:
            user = await all_.kept()
            user._users._turns.lease = 0.03
            clock.advance(LIFE)
            store.lost = 2  # the lease, and its first prolonging
            call = asyncio.create_task(user.access_token())
            with anyio.fail_after(5):
                while True:
                    lease = (await user._users._turns.entries.read(user._kept.of)).entry.lease
                    if lease is not None and lease.times > 2:
                        break
                    await anyio.sleep(0.005)
            reply.set_result(result("R2", clock()))
            assert name_of(await call) == "access R2"


FAILURES: dict[str, tuple[Callable[[Any], Any], int, type[AuthFlowError]]] = {
    "throttled": (lambda s: s.error("TooManyRequestsException"), 3, ThrottledError),
    "a lost reply": (lambda s: s.hang_up, 2, UnreachableError),
    "half a reply": (lambda s: s.half, 2, UnreachableError),
    "a fault": (lambda s: s.error("InternalErrorException", status=500), 2, UnreachableError),
    "a web page": (lambda s: {}, 1, MalformedReplyError),
    "a trigger": (
        lambda s: s.error("UserLambdaValidationException", "PreTokenGeneration failed"),
        1,
        TriggerFailedError,
    ),
}
"""Failures that may pass: how often each is met in one attempt, and the error."""


class TestFailures:
    @pytest.mark.parametrize("failure", FAILURES)
    async def test_a_failure_signs_nobody_out_while_the_token_is_good(
        self, bench, scripted, clock, failure
    ):
        reply, times, _ = FAILURES[failure]
        async with bench(*[reply(scripted)] * times, result("R2", START + LIFE)) as all_:
            user = await all_.kept()
            elsewhere = await all_.elsewhere(user)
            clock.advance(LIFE - 5)
            assert name_of(await user.access_token()) == "access R1"
            assert all_.sent == ["R1"] * times
            for each in (user, elsewhere):
                assert name_of(await each.access_token()) in {"access R1", "access R2"}
            clock.advance(5)
            assert name_of(await user.access_token()) == "access R2"
            assert all_.sent == ["R1"] * (times + 1)

    @pytest.mark.parametrize("failure", FAILURES)
    async def test_a_failure_is_told_to_all_whose_token_is_over_and_the_next_call_tries_again(
        self, bench, scripted, clock, failure
    ):
        reply, times, kind = FAILURES[failure]
        async with bench(*[reply(scripted)] * times, result("R2", START + LIFE)) as all_:
            user = await all_.kept()
            clock.advance(LIFE)
            errors = await asyncio.gather(
                *(user.access_token() for _ in range(5)), return_exceptions=True
            )
            assert {type(error) for error in errors} == {kind}
            assert len({id(error) for error in errors}) == 5
            assert name_of(await user.access_token()) == "access R2"
            assert all_.sent == ["R1"] * (times + 1)

    async def test_a_failure_ahead_of_time_is_not_tried_again_by_every_call(
        self, bench, scripted, clock
    ):
        script = [scripted.error("TooManyRequestsException")] * 3
        async with bench(*script, result("R2", START + LIFE)) as all_:
            user = await all_.kept()
            elsewhere = await all_.elsewhere(user)
            clock.advance(LIFE * 0.95)
            for each in (user, user, elsewhere):
                assert name_of(await each.access_token()) == "access R1"
            assert all_.sent == ["R1"] * 3
            clock.advance(16)
            assert name_of(await elsewhere.access_token()) == "access R2"

    async def test_a_lost_reply_is_asked_for_once_more_at_once(self, bench, scripted, clock):
        async with bench(scripted.hang_up, result("R3", START + LIFE, "R3")) as all_:
            user = await all_.kept()
            clock.advance(LIFE)
            assert (await user.tokens()).refresh_token == Secret("R3")
            assert all_.sent == ["R1", "R1"]

    @pytest.mark.parametrize(
        "refusal",
        [
            ("NotAuthorizedException", "Refresh Token has been revoked"),
            ("NotAuthorizedException", "Refresh Token has expired"),
            ("NotAuthorizedException", "Invalid Refresh Token"),
            ("NotAuthorizedException", "User is disabled."),
            ("UserNotFoundException", "User does not exist."),
            ("RefreshTokenReuseException", "Refresh token has been used before."),
            ("PasswordResetRequiredException", "Password reset required"),
            ("UserNotConfirmedException", "User is not confirmed."),
            ("UnauthorizedException", "The token was given to another client."),
        ],
        ids=lambda refusal: refusal[1],
    )
    async def test_a_refusal_for_good_signs_out_everywhere_and_is_asked_for_once(
        self, bench, scripted, clock, refusal
    ):
        age = LIFE * (0.95 if "revoked" in refusal[1] else 1)
        lives = refusal[1].startswith(("User is", "Password"))
        async with bench(scripted.error(*refusal), {}) as all_:
            user = await all_.kept()
            elsewhere = await all_.elsewhere(user)
            clock.advance(age)
            calls = [each.access_token() for each in (user, elsewhere) * 3]
            ends = await asyncio.gather(*calls, return_exceptions=True)
            assert SignedOutError in {type(end) for end in ends}
            for each in (user, elsewhere):
                error = await refused(each.tokens(), SignedOutError)
                assert "sign in again" in str(error)
            await refused(all_.elsewhere(user), SignedOutError)
            await user.sign_out()
            assert all_.sent == ["R1"] * (2 if lives else 1)
            assert all_.server.operations[1:] == ["RevokeToken"] * lives
            entry = (await user._users._turns.entries.read(user._kept.of)).entry
            assert entry.tokens is None

    async def test_a_refusal_of_a_token_that_another_process_has_replaced_signs_nobody_out(
        self, bench, scripted, clock
    ):
        reply = asyncio.get_running_loop().create_future()
        async with bench(reply) as all_:
            user = await all_.kept()
            clock.advance(LIFE)
            call = asyncio.create_task(user.tokens())
            await until(lambda: all_.sent == ["R1"])
            found = await user._users._turns.entries.read(user._kept.of)
            tokens = evolve(signed_in(clock()).tokens, refresh_token=Secret("R2"))
            new = found.entry.renewed(tokens, now=clock())
            assert await user._users._turns.entries.write(
                user._kept.of, new, expected=found.version
            )
            reply.set_result(scripted.error("RefreshTokenReuseException", "used before"))
            assert (await call).refresh_token == Secret("R2")
