"""Pacing, as a client uses it: over real HTTP, with a real store, behind an enforced quota."""

import asyncio
import random

import anyio
import pytest
from attrs import define, field

from authflow import AuthClient, ChallengeRequired, Code, Secret, SignedIn
from authflow.client import Pacing, RequestBudgets
from authflow.client.pacing.waiting_line import WaitingLine
from authflow.client.transport import open_transport
from authflow.config import AuthConfig
from authflow.errors import (
    ConfigError,
    MisuseError,
    OutcomeUnknownError,
    ThrottledError,
    UnreachableError,
)
from authflow.machine import AuthFlow
from authflow.stores import MemoryStore
from authflow.wire import read_done, read_reply
from benchmarks.quota_server import ANSWER, QuotaServer
from testbed.virtual_time import run_in_virtual_time

TOKENS = {"AuthenticationResult": {"AccessToken": "a", "IdToken": "i", "ExpiresIn": 3600}}
REGION = "eu-central-1"


def pacing(quota, store=None):
    return Pacing(budgets=RequestBudgets({"UserAuthentication": quota}), store=store)


def used_up(paced, operation):
    """Take what may leave at once: the next request has to wait."""
    line = paced.line(REGION, operation)
    while line.bucket.take(anyio.current_time()):
        line.bucket.leave(anyio.current_time())


# The quota storm. One event loop's clock, so that whose processors are busy fails no test.


@define
class Storm:
    """Sign-ins of two requests, against a server that enforces its quota strictly."""

    processes: list[Pacing]
    server: QuotaServer = field(factory=QuotaServer)
    order: list[int] = field(factory=list)

    async def request(self, paced, operation, number):
        line, again = paced.line(REGION, operation), False
        while True:
            await line.turn(timeout=27, again=again)
            await asyncio.sleep(random.uniform(0, 0.04))  # connecting, under way
            line.leave()
            await asyncio.sleep(random.uniform(0, 0.02))
            if self.server.takes(operation, asyncio.get_running_loop().time()):
                return
            line.slow_down(number)
            again = True
            await asyncio.sleep(random.uniform(0.1, 0.2))

    async def sign_in(self, number):
        paced = self.processes[number % len(self.processes)]
        await self.request(paced, "InitiateAuth", number)
        self.order.append(number)
        await self.request(paced, ANSWER, number)


@pytest.mark.parametrize("count", [1, 4])
def test_a_thousand_sign_ins_at_once_are_served_in_order_and_none_is_throttled(count):
    async def main():
        store = MemoryStore(clock=asyncio.get_running_loop().time) if count > 1 else None
        storm = Storm([pacing(120, store) for _ in range(count)])
        await asyncio.gather(*map(storm.sign_in, range(1000)))
        assert storm.server.counts["throttled"] == 0
        assert storm.server.counts["requests"] == 2000
        places = [abs(at - number) for at, number in enumerate(storm.order)]
        assert max(places) < (10 if count == 1 else 150)
        assert asyncio.get_running_loop().time() < 1.1 * 1000 / 120

    random.seed(3)
    run_in_virtual_time(main())


def test_at_a_storms_end_who_has_many_left_gets_what_the_others_need_no_more():
    async def main():
        store = MemoryStore(clock=asyncio.get_running_loop().time)
        storm = Storm([pacing(120, store) for _ in range(4)])
        few = [number for number in range(400) if number % 4 == 0 or number < 200]
        await asyncio.gather(*map(storm.sign_in, few))
        return asyncio.get_running_loop().time() / (len(few) / 120)

    random.seed(3)
    times = [run_in_virtual_time(main()) for _ in range(3)]
    assert sum(times) / len(times) < 1.18


def test_where_others_use_half_of_the_quota_few_requests_are_wasted():
    async def main():
        storm = Storm([pacing(120)], QuotaServer(60))
        await asyncio.gather(*map(storm.sign_in, range(600)))
        assert storm.server.counts["requests"] <= 1.1 * 1200
        assert asyncio.get_running_loop().time() < 1.3 * 600 / 60

    random.seed(3)
    run_in_virtual_time(main())


async def test_sign_ins_at_once_over_http_need_hardly_a_request_more_than_their_own():
    server = QuotaServer(200, latency=0.0)
    async with server.listening() as endpoint:
        config = AuthConfig(
            user_pool_id="eu-central-1_Abc123def",
            client_id="1example23456789",
            endpoint=endpoint,
            verify_tokens=False,
            flow=AuthFlow.USER_PASSWORD_AUTH,
        )
        async with AuthClient(config, pacing=pacing(200)) as auth:

            async def one(number):
                pending = await auth.sign_in(f"user-{number}", "canary-password")
                assert isinstance(pending, ChallengeRequired)
                assert isinstance(await auth.answer(pending, Code("123456")), SignedIn)

            await asyncio.gather(*map(one, range(100)))
    assert server.counts["requests"] <= 1.05 * 200


@pytest.mark.system("redis-server")
async def test_those_who_share_a_budget_are_told_apart_in_a_real_store(redis_store):
    store = redis_store
    them = [pacing(400, store) for _ in range(3)]
    gone = []

    async def one(paced):
        line = paced.line(REGION, "InitiateAuth")
        await line.turn(timeout=30)
        line.leave()
        gone.append(anyio.current_time())

    async with them[0].in_use(), them[1].in_use(), them[2].in_use():
        await asyncio.gather(*(one(paced) for paced in them for _ in range(40)))
        stored = await store.read(them[0]._shared[0].key)
        assert stored.value.count(b"[") == 3
    assert len(gone) == 120
    assert b'"shares":{}' in (await store.read(them[0]._shared[0].key)).value


# Through the transport.


def respond(config, username="ada"):
    return config.app_client.respond(
        "CUSTOM_CHALLENGE", username, {"ANSWER": "canary-answer"}, session=Secret("s" * 20)
    )


async def test_a_request_whose_turn_comes_too_late_is_never_sent(scripted):
    paced = pacing(0.1)
    async with (
        scripted.serve(TOKENS) as server,
        open_transport(server.config(request_timeout=1.0), pacing=paced) as transport,
    ):
        used_up(paced, "RevokeToken")
        used_up(paced, "RespondToAuthChallenge")
        with pytest.raises(ThrottledError, match=r"UserAuthentication.*nothing was sent") as late:
            await transport.send(respond(server.config()), read_reply)
        assert server.requests == []
    assert late.value.retry_after > 1
    assert late.value.__cause__ is late.value.__context__ is None


async def test_a_deadline_around_the_call_counts_as_the_requests_own(scripted):
    paced = pacing(1)
    async with (
        scripted.serve(TOKENS) as server,
        open_transport(server.config(), pacing=paced) as transport,
    ):
        used_up(paced, "RespondToAuthChallenge")
        with anyio.fail_after(0.1), pytest.raises(ThrottledError):
            await transport.send(respond(server.config()), read_reply)
        assert server.requests == []


async def test_who_is_cancelled_in_the_line_leaves_it(scripted):
    paced = pacing(0.1)
    async with (
        scripted.serve(TOKENS) as server,
        open_transport(server.config(request_timeout=100.0), pacing=paced) as transport,
    ):
        used_up(paced, "RespondToAuthChallenge")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await transport.send(respond(server.config()), read_reply)
        assert len(paced.line(REGION, "RespondToAuthChallenge")) == 0
        assert server.requests == []


async def test_a_request_that_runs_out_of_time_in_the_line_was_throttled_and_not_sent(scripted):
    paced = pacing(3)
    async with (
        scripted.serve(TOKENS) as server,
        open_transport(server.config(request_timeout=0.2), pacing=paced) as transport,
    ):
        used_up(paced, "RespondToAuthChallenge")
        line = paced.line(REGION, "RespondToAuthChallenge")
        line.expected = 1e6  # as where a share is less than it seemed
        line.bucket.change(anyio.current_time(), 0.001, 1.0)
        with pytest.raises(ThrottledError, match="nothing was sent"):
            await transport.send(respond(server.config()), read_reply)
        assert server.requests == []
        assert len(line) == 0


async def test_a_throttled_request_takes_another_turn_and_slows_no_other_user_down(
    scripted, monkeypatch
):
    monkeypatch.setattr("authflow.client.transport._PACED_PAUSES", (0.001,) * 4)
    paced, agains = pacing(120), []
    turn = WaitingLine.turn

    async def noted(self, **how):
        agains.append(how["again"])
        await turn(self, **how)

    monkeypatch.setattr(WaitingLine, "turn", noted)
    slow_down = scripted.error("TooManyRequestsException")
    async with (
        scripted.serve(slow_down, slow_down, slow_down, TOKENS) as server,
        open_transport(server.config(), pacing=paced) as transport,
    ):
        await transport.send(respond(server.config()), read_reply)
        assert len(server.requests) == 4
    line = paced.line(REGION, "RespondToAuthChallenge")
    assert agains == [False, True, True, True]  # it goes before those who have not been sent yet
    assert line.bucket._pace == 1


async def test_where_several_users_are_throttled_the_pace_is_lowered(scripted, monkeypatch):
    monkeypatch.setattr("authflow.client.transport._PACED_PAUSES", (0.001,) * 4)
    slow_down, paced = scripted.error("TooManyRequestsException"), pacing(120)
    async with (
        scripted.serve(slow_down, TOKENS, slow_down, TOKENS) as server,
        open_transport(server.config(), pacing=paced) as transport,
    ):
        for username in ("ada", "grace"):
            await transport.send(respond(server.config(), username), read_reply)
    assert paced.line(REGION, "RespondToAuthChallenge").bucket._pace < 1


async def test_a_throttled_request_whose_next_turn_is_too_late_has_cognitos_own_error(
    scripted, monkeypatch
):
    monkeypatch.setattr("authflow.client.transport._PACED_PAUSES", (0.001,) * 4)
    async with (
        scripted.serve(scripted.error("TooManyRequestsException"), TOKENS) as server,
        open_transport(server.config(request_timeout=1.0), pacing=pacing(0.1)) as transport,
    ):
        with pytest.raises(ThrottledError) as throttled:
            await transport.send(respond(server.config()), read_reply)
        assert len(server.requests) == 1
    assert throttled.value.aws_code == "TooManyRequestsException"


async def test_throttling_without_end_is_told_with_cognitos_own_error(scripted, monkeypatch):
    monkeypatch.setattr("authflow.client.transport._PACED_PAUSES", (0.001,) * 4)
    slow_down = scripted.error("TooManyRequestsException")
    async with (
        scripted.serve(*[slow_down] * 9) as server,
        open_transport(server.config(), pacing=pacing(120)) as transport,
    ):
        with pytest.raises(ThrottledError) as throttled:
            await transport.send(respond(server.config()), read_reply)
        assert len(server.requests) == 5
    assert throttled.value.aws_code == "TooManyRequestsException"


async def test_every_request_that_left_counts_and_one_that_did_not_counts_for_nothing(
    scripted, monkeypatch
):
    monkeypatch.setattr("authflow.client.transport._PACED_PAUSES", (0.001,) * 4)
    paced = pacing(1)
    config = AuthConfig(
        user_pool_id="eu-central-1_A", client_id="1", endpoint="http://127.0.0.1:9", region=REGION
    )
    line = paced.line(REGION, "RespondToAuthChallenge")
    async with open_transport(config, pacing=paced) as transport:
        with pytest.raises(UnreachableError):
            await transport.send(respond(config), read_reply)
        assert (line.bucket._gone, line.bucket._leaving) == (0, 0)
    async with (
        scripted.serve(scripted.hang_up) as server,
        open_transport(server.config(), pacing=paced) as transport,
    ):
        with pytest.raises(OutcomeUnknownError):
            await transport.send(respond(server.config()), read_reply)
        assert (line.bucket._gone, line.bucket._leaving) == (1, 0)


async def test_a_request_that_is_cancelled_after_its_turn_gives_it_back(scripted):
    paced = pacing(120)
    async with (
        scripted.serve(scripted.hang, TOKENS) as server,
        open_transport(server.config(max_concurrency=1), pacing=paced) as transport,
        anyio.create_task_group() as tasks,
    ):
        line = paced.line(REGION, "RespondToAuthChallenge")
        tasks.start_soon(transport.send, respond(server.config()), read_reply)
        while not server.requests:
            await anyio.sleep(0)
        with anyio.move_on_after(0.05):  # its turn has come, and no place among the concurrent
            await transport.send(respond(server.config()), read_reply)
        assert (line.bucket._gone, line.bucket._leaving) == (1, 0)
        tasks.cancel_scope.cancel()


async def test_answers_do_not_wait_behind_those_who_begin(scripted):
    paced = pacing(0.1)
    async with (
        scripted.serve(TOKENS, {}) as server,
        open_transport(server.config(request_timeout=0.5), pacing=paced) as transport,
    ):
        used_up(paced, "InitiateAuth")
        await transport.send(respond(server.config()), read_reply)
        await transport.send(server.config().app_client.revoke(Secret("r")), read_done)
        refresh = server.config().app_client.refresh(Secret("r"), {})
        with pytest.raises(ThrottledError):
            await transport.send(refresh, read_reply)
        assert server.operations == ["RespondToAuthChallenge", "RevokeToken"]


# The service.


@pytest.mark.parametrize("wrong", [Pacing, "pacing", 120, RequestBudgets()])
def test_a_client_takes_no_other_pacing(wrong):
    config = AuthConfig(user_pool_id="eu-central-1_A", client_id="1")
    with pytest.raises(MisuseError, match="Pacing"):
        AuthClient(config, pacing=wrong)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"budgets": {"UserAuthentication": 120}}, "RequestBudgets"),
        ({"budgets": 120}, "RequestBudgets"),
        ({"budgets": None}, "RequestBudgets"),
        ({"store": "redis://"}, "authflow.stores"),
        ({"store": MemoryStore}, "authflow.stores"),
        ({"store": {}}, "authflow.stores"),
        ({"account": None}, "text"),
        ({"account": 123456789012}, "text"),
    ],
)
def test_what_cannot_be_paced_by_is_refused(settings, told):
    with pytest.raises(ConfigError, match=told):
        Pacing(**settings)


def test_it_belongs_to_one_event_loop_until_no_client_uses_it():
    paced = pacing(120)
    loops = [asyncio.new_event_loop() for _ in range(2)]
    used = paced.in_use()
    loops[0].run_until_complete(used.__aenter__())
    with pytest.raises(MisuseError, match="event loop"):
        loops[1].run_until_complete(paced.in_use().__aenter__())
    loops[0].run_until_complete(used.__aexit__(None, None, None))
    again = paced.in_use()
    loops[1].run_until_complete(again.__aenter__())
    loops[1].run_until_complete(again.__aexit__(None, None, None))
    for loop in loops:
        loop.close()


def test_one_whose_client_is_cancelled_as_it_closes_serves_another_event_loop(monkeypatch):
    """And the shares are given back all the same."""
    left = []

    async def leave(shared, keeper):
        await asyncio.sleep(0.001)
        left.append(shared)

    monkeypatch.setattr("authflow.client.pacing.shared_rate.SharedRate.leave", leave)
    paced = pacing(120, MemoryStore())

    async def use(cancelled):
        used = paced.in_use()
        await used.__aenter__()
        for operation in ("InitiateAuth", ANSWER):
            paced.line(REGION, operation)
        leaving = asyncio.ensure_future(used.__aexit__(None, None, None))
        await asyncio.sleep(0)
        if cancelled:
            leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)
        await paced._duties.aclose()
        assert len(left) == 2

    for cancelled in (True, False):
        asyncio.run(use(cancelled))
        left.clear()


async def test_several_clients_use_one_pacing(scripted):
    paced = pacing(120)
    async with (
        scripted.serve({}, {}) as server,
        AuthClient(server.config(), pacing=paced) as one,
    ):
        async with AuthClient(server.config(), pacing=paced) as other:
            await other.revoke("r")
        await one.revoke("r")
    assert paced.line(REGION, "RevokeToken").came == 2
