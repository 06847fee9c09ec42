"""The calls of kept users, devices and administrators, and requests that wait for their turn."""

import asyncio
import json
import subprocess
import sys
from base64 import urlsafe_b64encode
from contextlib import suppress
from typing import Any

import anyio
import pytest
from attrs import evolve

from authflow import AdminClient, AuthClient, AuthFlow, JwksUnreachableError
from authflow.client import Pacing, RequestBudgets, TokenVerifier
from authflow.client.kept_entry import Lease
from authflow.client.observation import Observation
from authflow.client.observed_calls import ObservedCalls
from authflow.client.unobserved_call import UNOBSERVED
from authflow.errors import CodeMismatchError, SignedOutError, ThrottledError
from authflow.keys import KeyRing
from authflow.machine import State
from authflow.sign_in import SignIn
from authflow.testing import PASSWORD
from authflow.wire import Request, read_reply
from testbed.kept_bench import LIFE, result, until
from testbed.told_events import Told

KEYS = KeyRing.generate()


WAITING = SignIn(
    flow=AuthFlow.CUSTOM_AUTH,
    state=State.CUSTOM_CHALLENGE,
    username="ada",
    canonical_username="ada",
    expires_at=0.0,
)


class Shown(KeyRing):
    def __repr__(self) -> str:
        return "canary"


TOKENS = {"AuthenticationResult": {"AccessToken": "a", "IdToken": "i", "ExpiresIn": 3600}}
BEGUN = ["call_began refresh", "request_began GetTokensFromRefreshToken 1"]


async def test_a_kept_user_is_told_of_when_a_refresh_is_due_and_only_then(bench, scripted):
    told = Told()
    async with bench() as at:
        user = await at.kept(observer=told)
        for _ in range(3):
            await user.access_token()
        assert told.lines() == []
        at.clock.now += LIFE
        at.server.script[:] = [result("R2", at.clock.now)]
        await asyncio.gather(*(user.access_token() for _ in range(20)))
        mark = told.events[0].user
        assert told.lines() == [*BEGUN, "request_ended ok", "tokens_refreshed"]
        at.clock.now += LIFE
        at.server.script[:] = [
            scripted.error("NotAuthorizedException", "Refresh Token has been revoked")
        ]
        with pytest.raises(SignedOutError):
            await user.access_token()
    assert mark == user._users.calls._marks.mark("ada")
    assert told.lines() == [
        *(*BEGUN, "request_ended token_revoked", "call_refused signed_out restart"),
    ]


async def test_what_another_process_refreshed_is_told_as_shared(bench):
    """The other one has the lease, and its result is there before it is over."""
    told = Told()
    async with bench() as at:
        user = await at.kept(observer=told)
        at.clock.now += LIFE
        await at.change(user, lease=Lease(holder="another"))
        getting = asyncio.ensure_future(user.access_token())
        await until(lambda: bool(told.events))
        renewed = read_reply(result("R2", at.clock.now)).tokens
        entry = (await user._users._turns.entries.read(user._kept.of)).entry
        members = entry.renewed(renewed, now=at.clock.now)
        await at.change(user, tokens=members.tokens, access=members.access, lease=None, turn=1)
        await getting
        assert at.server.requests == []
    assert told.lines() == ["call_began refresh", "tokens_shared"]


async def test_a_kept_users_sign_out_is_one_call_with_the_revocation_in_it(bench):
    told = Told()
    async with bench({}) as at:
        user = await at.kept(observer=told)
        await user.sign_out()
    assert told.lines() == [
        *("call_began sign_out", "call_began revoke", "request_began RevokeToken 1"),
        *("request_ended ok", "call_succeeded", "user_signed_out"),
    ]


WITH_DEVICE = {
    "AuthenticationResult": {
        **TOKENS["AuthenticationResult"],
        "RefreshToken": "r",
        "NewDeviceMetadata": {
            "DeviceKey": "eu-central-1_00000000-0000-4000-8000-000000000001",
            "DeviceGroupKey": "-group",
        },
    }
}


async def test_a_device_is_confirmed_within_the_sign_in_that_it_came_with(scripted):
    told = Told()
    no = scripted.error("InvalidParameterException", "?")
    confirmed = {"UserConfirmationNecessary": False}
    async with (
        scripted.serve(WITH_DEVICE, confirmed, WITH_DEVICE, no) as server,
        AuthClient(server.config(), observer=told, remember_device="always") as auth,
    ):
        for _ in range(2):
            await auth.sign_in("ada", "hunter2", flow=AuthFlow.USER_PASSWORD_AUTH)
    sign_in = [
        *("sign_in_began sign_in", "request_began InitiateAuth 1", "request_ended ok"),
        "request_began ConfirmDevice 1",
    ]
    assert told.lines()[:6] == [*sign_in, "request_ended ok", "user_signed_in"]


async def test_a_device_that_is_remembered_later_is_a_call_of_its_own(scripted):
    told = Told()
    async with (
        scripted.serve(WITH_DEVICE, {"UserConfirmationNecessary": False}) as server,
        AuthClient(server.config(), observer=told, remember_device="ask") as auth,
    ):
        signed_in = await auth.sign_in("ada", "hunter2", flow=AuthFlow.USER_PASSWORD_AUTH)
        told.events.clear()
        await auth.remember_device(signed_in)
        assert {each.user for each in told.events} == {auth._calls._marks.mark("ada")}
    assert told.lines() == [
        *("call_began remember_device", "request_began ConfirmDevice 1", "request_ended ok"),
        "call_succeeded",
    ]


async def test_an_administrators_calls_are_told_as_they_are_sent(scripted, aws_credentials):
    told = Told()
    user = {"Username": "ada", "UserStatus": "CONFIRMED", "Enabled": True, "UserAttributes": []}
    async with (
        scripted.serve(user, TOKENS, {}) as server,
        AdminClient(server.config(), observer=told) as admin,
    ):
        await admin.user("ada")
        await admin.sign_in("ada", "hunter2", flow=AuthFlow.USER_PASSWORD_AUTH)
        await admin.sign_out("ada")
        assert {each.user for each in told.events} == {admin._calls._marks.mark("ada")}
    assert told.lines() == [
        *("call_began admin_get_user", "request_began AdminGetUser 1", "request_ended ok"),
        *("call_succeeded", "sign_in_began sign_in", "request_began AdminInitiateAuth 1"),
        *("request_ended ok", "user_signed_in", "call_began admin_user_global_sign_out"),
        *("request_began AdminUserGlobalSignOut 1", "request_ended ok", "user_signed_out"),
    ]


@pytest.mark.parametrize("quota", [3, 0.1])
async def test_a_wait_for_a_turn_is_told_and_so_is_one_that_would_be_too_long(scripted, quota):
    told, paced = Told(), Pacing(budgets=RequestBudgets({"UserAuthentication": quota}))
    config: Any = {"request_timeout": 1.0} if quota < 1 else {}
    async with (
        scripted.serve(*[TOKENS] * 2) as server,
        AuthClient(server.config(**config), observer=told, pacing=paced) as auth,
    ):
        await auth.sign_in("ada", "hunter2", flow=AuthFlow.USER_PASSWORD_AUTH)
        line, now = paced.line("eu-central-1", "InitiateAuth"), anyio.current_time()
        while line.bucket.take(now):
            line.bucket.leave(now)
        with suppress(ThrottledError):
            await auth.sign_in("ada", "hunter2", flow=AuthFlow.USER_PASSWORD_AUTH)
    begun, sent = ["sign_in_began sign_in"], ["request_began InitiateAuth 1", "request_ended ok"]
    ends = {
        3: ["turn_awaited InitiateAuth ok", *sent, "user_signed_in"],
        0.1: ["turn_awaited InitiateAuth throttled", "call_failed throttled wait"],
    }
    assert told.lines() == [*(*begun, *sent, "user_signed_in"), *(*begun, *ends[quota])]


async def test_tokens_that_cannot_be_verified_fail_a_sign_in_which_verify_ends(
    live_pool, monkeypatch: pytest.MonkeyPatch
):
    told = Told()
    async with live_pool() as pool:
        await pool.add_user()
        config = await pool.app_client()
        async with AuthClient(config, observer=told) as auth:

            async def unreachable(_: Any, tokens: Any) -> None:
                raise JwksUnreachableError("no keys", tokens=tokens)

            with monkeypatch.context() as patched:
                patched.setattr(TokenVerifier, "verify", unreachable)
                with pytest.raises(JwksUnreachableError) as failed:
                    await auth.sign_in("ada", PASSWORD, flow=AuthFlow.USER_PASSWORD_AUTH)
            await auth.verify(failed.value.signed_in)
    assert told.lines()[-3:] == [
        *("call_failed jwks_unreachable wait", "call_began verify", "user_signed_in"),
    ]


PROGRAM = """
import asyncio, json, sys
from authflow import AuthClient, AuthConfig
from authflow.keys import KeyRing
from testbed.told_events import Told

async def main(told):
    seen = Told()
    config = AuthConfig(**told["config"])
    keys = KeyRing.parse(told["keys"])
    async with AuthClient(config, keys=keys, observer=seen, discover=False) as auth:
        await auth.resume(told["ticket"])
    return [seen.events[-1].sign_in_id, seen.events[-1].user, *seen.lines()]

print(json.dumps(asyncio.run(main(json.load(sys.stdin)))))
"""


async def test_another_process_knows_the_sign_in_and_the_user_by_the_same_marks(scripted):
    told = Told()
    asked = {
        "ChallengeName": "CUSTOM_CHALLENGE",
        "ChallengeParameters": {"challenge": "word", "USERNAME": "ada"},
        "Session": "s" * 20,
    }
    async with (
        scripted.serve(asked) as server,
        AuthClient(server.config(), observer=told, keys=KEYS) as auth,
    ):
        pending = await auth.sign_in("ada", flow=AuthFlow.CUSTOM_AUTH)
        ticket = await auth.seal(pending)
    given = {
        "ticket": ticket,
        "keys": KEYS.to_json().reveal(),
        "config": {
            "user_pool_id": "eu-central-1_Abc123def",
            "client_id": "1example23456789",
            "endpoint": "http://127.0.0.1:9",
        },
    }
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", PROGRAM],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=True,
    )
    known = told.events[-1]
    assert json.loads(done.stdout) == [
        *(known.sign_in_id, known.user, "call_began resume", "ticket_resumed"),
    ]


async def test_a_user_is_known_by_the_access_token_in_calls_about_the_account(scripted):
    claims = urlsafe_b64encode(json.dumps({"username": "Ada"}).encode()).decode().rstrip("=")
    told, token = Told(), f"eyJhbGciOiJSUzI1NiJ9.{claims}.c2ln"
    renewed = {"AuthenticationResult": {**TOKENS["AuthenticationResult"], "AccessToken": token}}
    async with (
        scripted.serve(renewed, {}) as server,
        AuthClient(server.config(), observer=told, keys=KEYS) as auth,
    ):
        await auth.refresh("r")
        assert told.events.pop().user == auth._calls._marks.mark("ada")  # it is new at the end
        told.events.clear()
        await auth.delete_user(token)
        with pytest.raises(CodeMismatchError):  # nothing was sent, so nothing is told
            await auth.confirm_forgot_password("bob", " ", "x")
        mark = auth._calls._marks.mark("ada")
    assert {each.user for each in told.events} == {mark}


@pytest.mark.parametrize("observation", [None, Observation(lambda _exchange: None)])
async def test_where_nobody_is_told_of_events_nothing_is_read_or_made_for_them(observation):
    class Unread:
        async def key_ring(self, *, having: str | None = None) -> KeyRing:
            raise AssertionError("nobody asked for the keys")

    def unmade() -> Request:
        raise AssertionError("nobody asked for the request")

    calls = ObservedCalls(observation=observation, keys=Unread(), user_pool_id="pool")
    await calls.open()
    begun = [
        calls.sign_in(AuthFlow.USER_SRP_AUTH, "ada"),
        calls.going_on("answer", WAITING),
        calls.on_account(unmade),
        calls.other("refresh"),
    ]
    assert all(each is UNOBSERVED for each in begun)


def test_a_sign_in_that_was_begun_unobserved_is_known_from_then_on():
    calls = ObservedCalls(observation=Observation(Told()))
    one, other = [calls.going_on("answer", WAITING).sign_in_id for _ in range(2)]
    assert len(one) == 32
    assert one != other
    assert calls.going_on("answer", evolve(WAITING, id="known")).sign_in_id == "known"


def test_what_gives_the_keys_is_in_no_repr():
    shown = repr(ObservedCalls(keys=Shown(keys=KEYS.keys, current=KEYS.current)))
    assert "canary" not in shown
