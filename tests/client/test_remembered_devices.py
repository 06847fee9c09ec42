"""Remembered devices: what is sent, what is kept, and what becomes of a refusal at each place."""

import asyncio
import base64
import json
import logging
from datetime import datetime
from typing import Any

import anyio
import pytest
from attrs import evolve

from authflow import (
    AuthClient,
    AuthConfig,
    AuthFlow,
    ChallengeRequired,
    Device,
    ListedDevice,
    Secret,
    SignedIn,
    UnconfirmedDevice,
)
from authflow.client import ScriptedPrompt
from authflow.errors import (
    BadCredentialsError,
    CodeMismatchError,
    DeviceConfirmedError,
    DeviceRefusedError,
    DeviceRequiredError,
    LockedOutError,
    MalformedReplyError,
    MisuseError,
    OutcomeUnknownError,
    PromptEndedError,
    RequestRejectedError,
    SessionExpiredError,
    StoreUnavailableError,
    TokenRevokedError,
    UnexpectedReplyError,
)
from authflow.keys import KeyRing
from authflow.srp import COGNITO
from authflow.stores import MemoryStore
from authflow.testing import MovableClock
from testbed.kept_bench import Breakable

BY_PASSWORD = AuthFlow.USER_PASSWORD_AUTH
PASSWORD = "hunter2!"
KEY = "eu-central-1_0b1c2d3e-0000-4000-8000-000000000001"
GROUP = "-Gr0up"
NEW = {"DeviceKey": KEY, "DeviceGroupKey": GROUP}
SUB = "sub-of-ada"
MINE = Device(key=KEY, group_key=GROUP, password=Secret("dev1ce"), sub=SUB)
KEYS = KeyRing.generate()
NECESSARY = {"UserConfirmationNecessary": True}
CONFIRMED = {"UserConfirmationNecessary": False}


def session(number: int) -> str:
    return f"session-{number}-{'s' * 20}"


def jwt(**claims: Any) -> str:
    parts = ({"alg": "RS256", "kid": "one"}, claims)
    encoded = (base64.urlsafe_b64encode(json.dumps(part).encode()) for part in parts)
    return ".".join([*(part.decode().rstrip("=") for part in encoded), "c2ln"])


def tokens(
    new: dict[str, str] | None = None, *, sub: str = SUB, name: str = "ada-1", refresh: str = "r"
) -> dict[str, Any]:
    result = {
        "AccessToken": jwt(sub=sub, username=name),
        "IdToken": jwt(sub=sub, **{"cognito:username": name}),
        "RefreshToken": refresh,
        "ExpiresIn": 300,
    }
    if new is not None:
        result["NewDeviceMetadata"] = new
    return {"AuthenticationResult": result}


def asked(name: str, number: int = 1, **parameters: str) -> dict[str, Any]:
    return {
        "ChallengeName": name,
        "Session": session(number),
        "ChallengeParameters": {"USERNAME": "ada-1", **parameters},
    }


DEVICE_SRP = asked("DEVICE_SRP_AUTH", 2, DEVICE_KEY=KEY)
DEVICE_VERIFIER = asked(
    "DEVICE_PASSWORD_VERIFIER",
    3,
    DEVICE_KEY=KEY,
    SALT="ab" * 16,
    SRP_B=f"{COGNITO.public_a(12345):x}",
    SECRET_BLOCK="c2VjcmV0",
)
VERIFIER = asked(
    "PASSWORD_VERIFIER",
    1,
    USER_ID_FOR_SRP="ada-1",
    SALT="ab" * 16,
    SRP_B=f"{COGNITO.public_a(12345):x}",
    SECRET_BLOCK="c2VjcmV0",
)


@pytest.fixture
def gone(scripted):
    return scripted.error("ResourceNotFoundException", "Device does not exist.")


@pytest.fixture
def exists(scripted):
    return scripted.error("DeviceKeyExistsException", "Device already exists.")


@pytest.fixture
def refused(scripted):
    return scripted.error("NotAuthorizedException", "Incorrect username or password.")


def names_of(server: Any) -> list[str | None]:
    """The DEVICE_KEY of each request of a sign-in."""
    return [
        (body.get("AuthParameters") or body.get("ChallengeResponses") or {}).get("DEVICE_KEY")
        for operation, body in server.requests
        if operation in {"InitiateAuth", "RespondToAuthChallenge"}
    ]


def client(server: Any, when: str = "always", **more: Any) -> AuthClient:
    return AuthClient(
        server.config(flow=more.pop("flow", BY_PASSWORD)), remember_device=when, **more
    )


async def sign_in(auth: AuthClient, name: str = "ada", **given: Any) -> SignedIn:
    result = await auth.sign_in(name, PASSWORD, **given)
    assert isinstance(result, SignedIn)
    return result


class TestConfirming:
    async def test_a_new_device_is_confirmed_kept_and_proved_by_the_next_sign_in(self, scripted):
        script = [tokens(NEW), CONFIRMED, DEVICE_SRP, DEVICE_VERIFIER, tokens()]
        async with scripted.serve(*script) as server, client(server, device_name="a PC") as auth:
            first = await sign_in(auth)
            again = await sign_in(auth)
        assert server.operations == [
            *("InitiateAuth", "ConfirmDevice"),
            *("InitiateAuth", "RespondToAuthChallenge", "RespondToAuthChallenge"),
        ]
        confirmation = server.requests[1][1]
        verifier = confirmation.pop("DeviceSecretVerifierConfig")
        assert confirmation == {
            "AccessToken": first.tokens.access_token.reveal(),
            "DeviceKey": KEY,
            "DeviceName": "a PC",
        }
        assert set(verifier) == {"Salt", "PasswordVerifier"}
        assert names_of(server) == [None, KEY, KEY, KEY]
        assert [body.get("Session") for _, body in server.requests[3:]] == [session(2), session(3)]
        assert isinstance(first.tokens.device, Device)
        assert first.tokens.device == again.tokens.device
        assert (first.tokens.device.key, first.tokens.device.sub) == (KEY, SUB)
        assert len(base64.b64decode(first.tokens.device.password.reveal())) == 40

    async def test_each_proof_has_an_a_of_its_own_and_no_device_has_anothers_password(
        self, scripted
    ):
        round_ = [DEVICE_SRP, DEVICE_VERIFIER, tokens()]
        async with (
            scripted.serve(tokens(NEW), CONFIRMED, *round_ * 2) as server,
            client(server) as auth,
        ):
            for _ in range(3):
                await sign_in(auth)
        sent = [body["ChallengeResponses"] for name, body in server.requests if name[0] == "R"]
        drawn = [members["SRP_A"] for members in sent if "SRP_A" in members]
        assert len(set(drawn)) == 2
        async with scripted.serve(*[tokens(NEW), CONFIRMED] * 2) as server:
            devices = []
            for _ in range(2):
                async with client(server) as auth:
                    devices.append((await sign_in(auth)).tokens.device)
        assert devices[0].password != devices[1].password

    async def test_where_the_user_decides_always_means_yes(self, scripted):
        async with (
            scripted.serve(tokens(NEW), NECESSARY, {}) as server,
            client(server) as auth,
        ):
            await sign_in(auth)
        operation, body = server.requests[2]
        assert operation == "UpdateDeviceStatus"
        assert (body["DeviceKey"], body["DeviceRememberedStatus"]) == (KEY, "remembered")

    @pytest.mark.parametrize(
        ("says", "remembered"), [("yes", True), ("no", False)], ids=["yes", "no"]
    )
    async def test_a_person_is_asked(self, scripted, says, remembered):
        async with (
            scripted.serve(tokens(NEW), NECESSARY, {}, tokens()) as server,
            client(server, "ask") as auth,
        ):
            result = await sign_in(auth, prompt=ScriptedPrompt([says]))
            if not remembered:
                server.script[:] = [tokens()]
            await sign_in(auth)
        assert (result.tokens.device.password is not None) is remembered
        assert ("UpdateDeviceStatus" in server.operations) is remembered
        assert names_of(server) == [None, KEY if remembered else None]

    async def test_with_nobody_to_ask_it_is_left_to_the_caller(self, scripted):
        script = [tokens(NEW), CONFIRMED, DEVICE_SRP, DEVICE_VERIFIER, tokens()]
        async with scripted.serve(*script) as server, client(server, "ask") as auth:
            pending = await sign_in(auth)
            assert pending.tokens.device == UnconfirmedDevice(key=KEY, group_key=GROUP)
            assert server.operations == ["InitiateAuth"]
            done = await auth.remember_device(pending, name="ada's laptop")
            assert isinstance(done.tokens.device, Device)
            assert server.requests[1][1]["DeviceName"] == "ada's laptop"
            again = await sign_in(auth)
        assert again.tokens.device == done.tokens.device
        assert pending.tokens.device == UnconfirmedDevice(key=KEY, group_key=GROUP)

    @pytest.mark.parametrize("prompt", [ScriptedPrompt([]), None], ids=["silent", "waits"])
    async def test_a_prompt_that_fails_or_waits_costs_no_tokens(self, scripted, prompt):
        class Waits(ScriptedPrompt):
            async def choose(self, *_: Any, **__: Any) -> str:
                await anyio.sleep_forever()
                raise PromptEndedError("over")

        async with scripted.serve(tokens(NEW)) as server, client(server, "ask") as auth:
            auth._devices.ask_timeout = 0.02
            result = await sign_in(auth, prompt=prompt or Waits([]))
        assert isinstance(result.tokens.device, UnconfirmedDevice)

    async def test_never_confirms_so_that_tokens_are_refreshed_and_keeps_no_password(
        self, scripted
    ):
        async with (
            scripted.serve(tokens(NEW), NECESSARY, tokens(), tokens()) as server,
            AuthClient(server.config(flow=BY_PASSWORD)) as auth,
        ):
            result = await sign_in(auth)
            assert result.tokens.device == Device(key=KEY, group_key=GROUP, sub=SUB)
            await auth.refresh(result.tokens.refresh_token)
            await sign_in(auth)
            with pytest.raises(MisuseError, match="thrown away"):
                await auth.sign_in("ada", PASSWORD, device=result.tokens.device)
            with pytest.raises(MisuseError, match="thrown away"):
                await auth.remember_device(result)
            assert await auth.remember_device(result, keep=False) == result
        assert server.operations == [
            *("InitiateAuth", "ConfirmDevice", "GetTokensFromRefreshToken", "InitiateAuth")
        ]
        assert names_of(server) == [None, None]

    @pytest.mark.parametrize("when", ["always", "never"])
    async def test_a_device_that_cannot_be_confirmed_fails_no_sign_in_and_is_told_once(
        self, scripted, when, caplog
    ):
        wrong = scripted.error("InvalidParameterException", "canary of the server")
        exchanges: list[Any] = []
        async with (
            scripted.serve(*[tokens(NEW), wrong] * 3) as server,
            client(server, when, observer=exchanges.append) as auth,
        ):
            for _ in range(3):
                result = await sign_in(auth)
                assert isinstance(result.tokens.device, UnconfirmedDevice)
        told = [each for each in caplog.records if each.name.startswith("authflow")]
        assert [each.levelno for each in told] == [logging.WARNING]
        assert "a device could not be remembered" in told[0].getMessage()
        assert sum(each.operation == "ConfirmDevice" for each in exchanges) == 3
        assert names_of(server) == [None] * 3

    async def test_a_confirmation_whose_reply_was_lost_may_count_and_is_tried_at_the_next_sign_in(
        self, scripted, gone
    ):
        script = [tokens(NEW), scripted.hang_up, gone, tokens()]
        async with scripted.serve(*script) as server, client(server) as auth:
            first = await sign_in(auth)
            assert isinstance(first.tokens.device, Device)
            await sign_in(auth)
        assert names_of(server) == [None, KEY, None]

    @pytest.mark.parametrize("asked_for", [False, True], ids=["by itself", "on request"])
    async def test_a_status_that_cannot_be_set_costs_no_device(self, scripted, asked_for):
        wrong = scripted.error("InvalidParameterException")
        script = [tokens(NEW), NECESSARY, wrong, DEVICE_SRP, DEVICE_VERIFIER, tokens()]
        when = "ask" if asked_for else "always"
        async with scripted.serve(*script) as server, client(server, when) as auth:
            first = await sign_in(auth)
            if asked_for:
                with pytest.raises(RequestRejectedError):
                    await auth.remember_device(first)
            else:
                assert isinstance(first.tokens.device, Device)
            assert isinstance((await sign_in(auth)).tokens.device, Device)
        assert names_of(server) == [None, KEY, KEY, KEY]

    async def test_asked_for_it_says_what_went_wrong(self, scripted, gone):
        async with scripted.serve(tokens(NEW)) as server, client(server, "ask") as auth:
            pending = await sign_in(auth)
            server.script[:] = [gone, scripted.hang_up]
            with pytest.raises(DeviceRefusedError):
                await auth.remember_device(pending)
            with pytest.raises(OutcomeUnknownError):
                await auth.remember_device(pending)

    async def test_there_is_nothing_to_remember_where_no_device_came(self, scripted):
        async with scripted.serve(tokens()) as server, client(server) as auth:
            result = await sign_in(auth)
            assert result.tokens.device is None
            with pytest.raises(MisuseError, match="there is no device"):
                await auth.remember_device(result)
            assert server.operations == ["InitiateAuth"]

    @pytest.mark.parametrize(
        "told",
        [
            {"DeviceKey": KEY},
            {"DeviceGroupKey": GROUP},
            {"DeviceKey": 7, "DeviceGroupKey": GROUP},
            {"DeviceKey": "\x00", "DeviceGroupKey": GROUP},
            ["x"],
        ],
        ids=str,
    )
    async def test_keys_of_another_form_are_refused(self, scripted, told):
        async with scripted.serve(tokens(told)) as server, client(server) as auth:
            with pytest.raises(MalformedReplyError):
                await auth.sign_in("ada", PASSWORD)


class TestConfirmingAgain:
    @pytest.mark.parametrize("counted", [True, False])
    @pytest.mark.parametrize("keep", [True, False])
    async def test_a_confirmation_whose_reply_was_lost_is_made_again_with_the_same_secret(
        self, scripted, counted, keep, exists
    ):
        script = [tokens(NEW), scripted.hang_up, exists if counted else NECESSARY, {}, tokens()]
        async with scripted.serve(*script) as server, client(server, "ask") as auth:
            pending = await sign_in(auth)
            with pytest.raises(OutcomeUnknownError):
                await auth.remember_device(pending)
            done = await auth.remember_device(pending, keep=keep)
            assert (done.tokens.device.password is not None) is keep
            assert ("UpdateDeviceStatus" in server.operations) is keep
            server.script[:] = [tokens()]
            await sign_in(auth)
        sent = [body for name, body in server.requests if name == "ConfirmDevice"]
        assert sent[0] == sent[1]
        assert names_of(server) == [None, KEY if keep else None]

    async def test_two_calls_at_once_send_one_request_and_get_one_device(self, scripted):
        script = [tokens(NEW), NECESSARY, {}]
        async with scripted.serve(*script) as server, client(server, "ask") as auth:
            pending = await sign_in(auth)
            calls = [auth.remember_device(pending) for _ in range(3)]
            done = await asyncio.gather(*calls)
            again = await auth.remember_device(done[0])
        assert len({each.tokens.device for each in (*done, again)}) == 1
        assert server.operations == ["InitiateAuth", "ConfirmDevice", "UpdateDeviceStatus"]

    async def test_a_no_after_a_yes_counts_and_a_yes_after_a_no_cannot(self, scripted):
        script = [tokens(NEW), CONFIRMED, tokens()]
        async with scripted.serve(*script) as server, client(server, "ask") as auth:
            pending = await sign_in(auth)
            yes = await auth.remember_device(pending)
            for each in (pending, yes):
                no = await auth.remember_device(each, keep=False)
                assert no.tokens.device == Device(key=KEY, group_key=GROUP, sub=SUB)
                with pytest.raises(MisuseError, match="thrown away"):
                    await auth.remember_device(pending)
            await sign_in(auth)
        assert names_of(server) == [None, None]

    async def test_a_device_that_another_process_confirmed_serves_to_refresh(
        self, scripted, exists
    ):
        script = [tokens(NEW), exists, exists, exists, tokens()]
        async with scripted.serve(*script) as server, client(server, "ask") as auth:
            pending = await sign_in(auth)
            for _ in range(2):
                with pytest.raises(DeviceConfirmedError, match="another call"):
                    await auth.remember_device(pending)
            done = await auth.remember_device(pending, keep=False)
            assert done.tokens.device == Device(key=KEY, group_key=GROUP, sub=SUB)
            await auth.refresh(pending.tokens.refresh_token)
        assert server.requests[-1][1]["DeviceKey"] == KEY

    async def test_a_refusal_is_no_lost_reply(self, scripted, exists):
        wrong = scripted.error("InvalidParameterException")
        async with (
            scripted.serve(tokens(NEW), wrong, exists) as server,
            client(server, "ask") as auth,
        ):
            pending = await sign_in(auth)
            with pytest.raises(RequestRejectedError):
                await auth.remember_device(pending)
            with pytest.raises(DeviceConfirmedError):
                await auth.remember_device(pending)

    @pytest.mark.parametrize("asked_for", [False, True], ids=["by itself", "on request"])
    async def test_the_persons_word_that_the_pool_did_not_get_is_brought_by_the_next_sign_in(
        self, scripted, asked_for
    ):
        wrong = scripted.error("InvalidParameterException")
        proved = [DEVICE_SRP, DEVICE_VERIFIER, tokens()]
        script = [tokens(NEW), NECESSARY, wrong, *proved, wrong, *proved, {}, *proved]
        when = "ask" if asked_for else "always"
        async with scripted.serve(*script) as server, client(server, when) as auth:
            first = await sign_in(auth)
            if asked_for:
                with pytest.raises(RequestRejectedError):
                    await auth.remember_device(first)
            for _ in range(3):
                await sign_in(auth)
        assert server.operations.count("UpdateDeviceStatus") == 3
        assert server.script == []

    async def test_it_is_brought_by_the_same_call_made_again(self, scripted):
        wrong = scripted.error("InvalidParameterException")
        script = [tokens(NEW), NECESSARY, wrong, {}]
        async with scripted.serve(*script) as server, client(server, "ask") as auth:
            pending = await sign_in(auth)
            with pytest.raises(RequestRejectedError):
                await auth.remember_device(pending)
            for _ in range(2):
                assert isinstance((await auth.remember_device(pending)).tokens.device, Device)
        assert server.operations[1:] == ["ConfirmDevice", *["UpdateDeviceStatus"] * 2]

    @pytest.mark.parametrize("error", [RuntimeError("x"), asyncio.CancelledError()], ids=repr)
    async def test_a_prompt_that_breaks_costs_no_tokens(self, scripted, error):
        class Breaks(ScriptedPrompt):
            async def choose(self, *_: Any, **__: Any) -> str:
                raise error

        async with scripted.serve(tokens(NEW)) as server, client(server, "ask") as auth:
            result = await sign_in(auth, prompt=Breaks([]))
        assert isinstance(result.tokens.device, UnconfirmedDevice)


class TestHandingOver:
    async def test_a_device_is_confirmed_and_handed_over_and_no_store_is_asked(self, scripted):
        store = Breakable(error=OSError("down"))
        script = [tokens(NEW), NECESSARY, {}, asked("SMS_MFA"), DEVICE_SRP]
        async with (
            scripted.serve(*script, DEVICE_VERIFIER, tokens(), asked("SMS_MFA")) as server,
            client(server, "caller", keys=KEYS, store=store) as auth,
        ):
            first = await sign_in(auth)
            mine = first.tokens.device
            assert isinstance(mine, Device)
            assert mine.password is not None
            assert server.operations == ["InitiateAuth", "ConfirmDevice"]
            assert await auth.remember_device(first) == first
            assert server.operations[2:] == ["UpdateDeviceStatus"]
            no = await auth.remember_device(first, keep=False)
            assert no.tokens.device.password is None
            pending = await auth.sign_in("ada", PASSWORD)  # another browser
            assert isinstance(pending, ChallengeRequired)
            assert pending.sign_in.device is None
            assert (await sign_in(auth, device=mine)).tokens.device == mine
            with pytest.raises(MisuseError, match="no device of this user"):
                await auth.forget_device(first.tokens.access_token)
            server.script[:] = [{}]
            await auth.forget_device(first.tokens.access_token, mine)
        assert names_of(server) == [None, None, KEY, KEY, KEY]
        assert store.calls == []

    async def test_one_that_the_pool_does_not_take_is_followed_by_a_new_one(self, scripted, gone):
        other = {**NEW, "DeviceKey": "other"}
        script = [gone, tokens(other), CONFIRMED]
        async with scripted.serve(*script) as server, client(server, "caller") as auth:
            new = (await sign_in(auth, device=MINE)).tokens.device
        assert (new.key, new.password is None) == ("other", False)

    async def test_what_was_handed_over_is_proved_where_the_answer_is_given(self, scripted):
        script = [asked("SMS_MFA"), DEVICE_SRP, DEVICE_VERIFIER, tokens()]
        async with scripted.serve(*script) as server, client(server, "caller") as auth:
            pending = await auth.sign_in("ada", PASSWORD)
            result = await auth.answer(pending, "123456", device=MINE)
        assert result.tokens.device == MINE
        assert names_of(server) == [None, KEY, KEY, KEY]


class TestFinding:
    async def test_a_device_is_named_with_every_request_of_its_user(self, scripted):
        code = asked("SMS_MFA", 1)
        script = [
            *(code, scripted.error("CodeMismatchException", "Invalid code")),
            *(DEVICE_SRP, DEVICE_VERIFIER, tokens()),
        ]
        async with scripted.serve(*script) as server, client(server) as auth:
            pending = await auth.sign_in("ada", PASSWORD, device=MINE)
            assert isinstance(pending, ChallengeRequired)
            assert "dev1ce" not in repr(pending)
            with pytest.raises(CodeMismatchError):
                await auth.answer(pending, "000000")
            assert isinstance(await auth.answer(pending, "123456"), SignedIn)
        assert names_of(server) == [KEY] * 5

    async def test_an_alias_and_the_username_lead_to_one_device(self, scripted):
        again = [VERIFIER, DEVICE_SRP, DEVICE_VERIFIER, tokens()]
        script = [VERIFIER, tokens(NEW), CONFIRMED, *again * 4]
        async with (
            scripted.serve(*script) as server,
            client(server, flow=AuthFlow.USER_SRP_AUTH) as auth,
        ):
            await sign_in(auth, "ada@example.org")
            seen = len(server.requests)
            for name in ("ada@example.org", "ada-1", "+49151", "+49151"):
                assert (await sign_in(auth, name)).tokens.device.key == KEY
        named = names_of(server)[seen - 1 :]
        # Another name is known once the pool has told the canonical one; from then on at once.
        assert named == [KEY] * 8 + [None, KEY, KEY, KEY] + [KEY] * 4

    async def test_the_same_letters_in_other_cases_are_another_name(self, scripted):
        async with (
            scripted.serve(tokens(NEW), CONFIRMED, tokens()) as server,
            client(server) as auth,
        ):
            await sign_in(auth, "ada")
            await sign_in(auth, "Ada")
        assert names_of(server) == [None, None]

    @pytest.mark.parametrize("when", ["always", "ask"])
    async def test_a_name_that_was_never_typed_brings_no_other_device_and_leads_to_the_one(
        self, scripted, when
    ):
        new = {**NEW, "DeviceKey": "new"}
        renewed = tokens(new, refresh="r2")
        script = [tokens(NEW), CONFIRMED, renewed, NECESSARY, tokens(), tokens(), tokens()]
        async with scripted.serve(*script) as server, client(server, when) as auth:
            prompt = ScriptedPrompt(["yes"])  # the person is asked once
            first = await sign_in(auth, "ada", prompt=prompt)
            second = await sign_in(auth, "Ada", prompt=prompt)
            for name in ("ada", "Ada"):
                assert (await sign_in(auth, name)).tokens.device == first.tokens.device
            assert second.tokens.device == Device(key="new", group_key=GROUP, sub=SUB)
            await auth.refresh("r2")
        assert names_of(server) == [None, None, KEY, KEY]
        assert server.requests[-1][1]["DeviceKey"] == "new"
        assert server.operations.count("ConfirmDevice") == 2
        assert "UpdateDeviceStatus" not in server.operations

    async def test_nor_where_it_is_confirmed_on_request(self, scripted):
        script = [tokens(NEW), CONFIRMED, tokens({**NEW, "DeviceKey": "new"}), CONFIRMED, tokens()]
        store = {"keys": KEYS, "store": MemoryStore()}
        async with scripted.serve(*script) as server, client(server, "ask", **store) as auth:
            early = [await sign_in(auth)]
            async with client(server, **store) as other:
                server.script.insert(0, server.script.pop(1))
                await sign_in(other, "Ada")
            done = await auth.remember_device(early[0])
            assert done.tokens.device == Device(key=KEY, group_key=GROUP, sub=SUB)
            await sign_in(auth)
        assert names_of(server) == [None, None, "new"]

    async def test_two_users_of_one_machine_have_devices_of_their_own(self, scripted):
        bobs = {**NEW, "DeviceKey": "bobs"}
        of_bob = tokens(bobs, sub="sub-of-bob", name="bob-1")
        script = [tokens(NEW), CONFIRMED, of_bob, CONFIRMED, tokens(), of_bob]
        async with scripted.serve(*script) as server, client(server) as auth:
            for name in ("ada", "bob", "ada", "bob"):
                await sign_in(auth, name)
        assert names_of(server) == [None, None, KEY, "bobs"]

    async def test_a_name_that_is_anothers_by_now_leads_no_further_than_the_first_request(
        self, scripted
    ):
        moved = {**VERIFIER["ChallengeParameters"], "USERNAME": "bob-1", "USER_ID_FOR_SRP": "bob-1"}
        of_bob = tokens(sub="sub-of-bob", name="bob-1")
        script = [
            *(VERIFIER, tokens(NEW), CONFIRMED),
            *({**VERIFIER, "ChallengeParameters": moved}, of_bob),
        ]
        async with (
            scripted.serve(*script) as server,
            client(server, flow=AuthFlow.USER_SRP_AUTH) as auth,
        ):
            await sign_in(auth, "a@example.org")
            result = await sign_in(auth, "a@example.org")
        assert names_of(server) == [None, None, KEY, None]
        assert result.tokens.device is None

    async def test_a_device_of_somebody_else_stands_in_no_result(self, scripted):
        of_bob = tokens(sub="sub-of-bob", name="bob-1")
        async with scripted.serve(of_bob, of_bob) as server, client(server) as auth:
            result = await sign_in(auth, device=MINE)
            assert result.tokens.device is None
            await auth.refresh("r")
        assert "DeviceKey" not in server.requests[1][1]

    async def test_another_process_finds_the_device_by_the_store(self, scripted):
        store = MemoryStore()
        given = {"keys": KEYS, "store": store}
        script = [tokens(NEW), CONFIRMED, asked("SMS_MFA"), DEVICE_SRP, DEVICE_VERIFIER, tokens()]
        async with scripted.serve(*script) as server:
            async with client(server, **given) as auth:
                await sign_in(auth)
                pending = await auth.sign_in("ada", PASSWORD)
                ticket = await auth.seal(pending)
            async with client(server, **given) as other:
                resumed = await other.resume(ticket)
                assert resumed.sign_in.device is None
                result = await other.answer(resumed, "123456")
        assert isinstance(result, SignedIn)
        assert names_of(server) == [None] + [KEY] * 4

    async def test_a_device_that_is_not_at_hand_is_an_error_that_says_what_to_do(self, scripted):
        script = [asked("SMS_MFA"), DEVICE_SRP]
        async with scripted.serve(*script) as server, client(server, keys=KEYS) as auth:
            pending = await auth.sign_in("ada", PASSWORD, device=MINE)
            async with client(server, keys=KEYS) as other:
                resumed = await other.resume(await auth.seal(pending))
                with pytest.raises(DeviceRequiredError, match="begin the sign-in anew"):
                    await other.answer(resumed, "123456")

    async def test_a_device_is_at_hand_where_the_caller_gives_it(self, scripted):
        script = [asked("SMS_MFA"), DEVICE_SRP, DEVICE_VERIFIER, tokens()]
        async with scripted.serve(*script) as server, client(server, keys=KEYS) as auth:
            pending = await auth.sign_in("ada", PASSWORD, device=MINE)
            async with client(server, "never", keys=KEYS) as other:
                resumed = await other.resume(await auth.seal(pending))
                result = await other.answer(resumed, "123456", device=MINE)
        assert result.tokens.device == MINE
        assert names_of(server) == [KEY] * 4

    @pytest.mark.parametrize("told", ["another", None], ids=["another", "unnamed"])
    async def test_a_proof_is_given_for_the_named_device_alone(self, scripted, told):
        parameters = {} if told is None else {"DEVICE_KEY": told}
        first = asked("DEVICE_SRP_AUTH", 2, **parameters)
        script = [first, DEVICE_VERIFIER, tokens()]
        async with scripted.serve(*script) as server, client(server) as auth:
            if told is None:
                assert isinstance(await auth.sign_in("ada", PASSWORD, device=MINE), SignedIn)
            else:
                with pytest.raises(DeviceRequiredError):
                    await auth.sign_in("ada", PASSWORD, device=MINE)
                assert server.operations == ["InitiateAuth"]

    async def test_a_proof_that_nobody_began_is_refused(self, scripted):
        async with scripted.serve(DEVICE_VERIFIER) as server, client(server) as auth:
            with pytest.raises(UnexpectedReplyError):
                await auth.sign_in("ada", PASSWORD, device=MINE)

    @pytest.mark.parametrize("at", ["read", "replace"])
    async def test_a_store_that_is_down_fails_before_anything_is_sent_and_never_after_tokens(
        self, scripted, at
    ):
        store = Breakable()
        async with (
            scripted.serve(tokens(NEW), CONFIRMED) as server,
            client(server, keys=KEYS, store=store) as auth,
        ):
            store.error, store.fails_from = OSError("down"), at
            if at == "read":
                with pytest.raises(StoreUnavailableError, match="try later"):
                    await auth.sign_in("ada", PASSWORD)
                assert server.operations == []
            else:
                result = await sign_in(auth)
                assert isinstance(result.tokens.device, Device)

    @pytest.mark.parametrize("error", [OSError("down"), asyncio.CancelledError()], ids=repr)
    @pytest.mark.parametrize("flow", [AuthFlow.USER_SRP_AUTH, BY_PASSWORD])
    async def test_a_store_that_goes_down_in_a_sign_in_lets_it_go_on_as_from_no_device(
        self, scripted, flow, error
    ):
        store = Breakable()

        async def breaking() -> Any:
            store.error = error
            return VERIFIER if flow is AuthFlow.USER_SRP_AUTH else asked("SMS_MFA")

        script = [tokens(NEW), CONFIRMED, breaking(), asked("SMS_MFA", 2), tokens()]
        if flow is BY_PASSWORD:
            del script[3]
        given = {"keys": KEYS, "store": store}
        async with scripted.serve(*script) as server, client(server, **given) as auth:
            await sign_in(auth)
            pending = await auth.sign_in("ada", PASSWORD, flow=flow)
            with pytest.raises(StoreUnavailableError):
                await auth.answer(pending, "123456")  # nothing was sent
            store.error = None
            assert isinstance(await auth.answer(pending, "123456"), SignedIn)
        assert names_of(server)[:3] == [None, KEY, None if flow is not BY_PASSWORD else KEY]

    async def test_nor_is_an_answer_lost_with_it_that_has_counted(self, scripted):
        store = Breakable()

        async def breaking() -> Any:
            store.error = OSError("down")
            return {**asked("CUSTOM_CHALLENGE", 2), "ChallengeParameters": {"USERNAME": "ada-2"}}

        script = [asked("CUSTOM_CHALLENGE", 1), breaking(), tokens()]
        given = {"keys": KEYS, "store": store, "flow": AuthFlow.CUSTOM_AUTH}
        async with scripted.serve(*script) as server, client(server, **given) as auth:
            pending = await auth.sign_in("ada")
            pending = await auth.answer(pending, "123456")
            assert pending.sign_in.canonical_username == "ada-2"
            store.error = None
            assert isinstance(await auth.answer(pending, "123456"), SignedIn)

    async def test_a_store_that_is_down_keeps_no_forgotten_device_in_the_way(
        self, scripted, gone, caplog
    ):
        store = Breakable()
        given = {"keys": KEYS, "store": store}

        async def breaking() -> Any:
            store.error = OSError("down")
            return gone

        script = [tokens(NEW), CONFIRMED, breaking(), tokens()]
        async with scripted.serve(*script) as server, client(server, **given) as auth:
            await sign_in(auth)
            assert (await sign_in(auth)).tokens.device is None
        assert names_of(server) == [None, KEY, None]
        assert "a device could not be forgotten here" in caplog.text

    async def test_a_proof_that_comes_too_late_is_not_sent(self, scripted):
        clock = MovableClock()

        def late() -> datetime:
            if len(server.requests) == 2:  # the proof is asked for
                clock.advance(1000)
            return clock.utc()

        script = [DEVICE_SRP, DEVICE_VERIFIER, tokens()]
        async with scripted.serve(*script) as server, client(server, clock=late) as auth:
            with pytest.raises(SessionExpiredError):
                await auth.sign_in("ada", PASSWORD, device=MINE)
        assert len(server.requests) == 2

    async def test_a_client_that_remembers_nothing_asks_no_store(self, scripted):
        store = Breakable(error=OSError("down"))
        async with (
            scripted.serve(tokens(), asked("SMS_MFA"), tokens()) as server,
            client(server, "never", keys=KEYS, store=store) as auth,
        ):
            await sign_in(auth)
            await auth.sign_in("ada", PASSWORD)
            assert (await sign_in(auth, device=MINE)).tokens.device == MINE
        assert store.calls == []

    async def test_of_two_sign_ins_at_once_both_devices_are_good_and_one_is_kept(self, scripted):
        other = {**NEW, "DeviceKey": "other"}
        arrived = anyio.Event()

        async def later() -> dict[str, Any]:
            await arrived.wait()
            return tokens(other, refresh="r2")

        script = [later(), tokens(NEW), CONFIRMED, CONFIRMED, tokens(refresh="r3")]
        async with scripted.serve(*script) as server, client(server) as auth:
            results: list[SignedIn] = []
            async with anyio.create_task_group() as tasks:

                async def slow() -> None:
                    results.append(await sign_in(auth))

                tasks.start_soon(slow)
                while not server.requests:
                    await anyio.sleep(0)
                results.append(await sign_in(auth))
                arrived.set()
            await sign_in(auth)
            server.script[:] = [tokens(), tokens()]
            for result in results:
                await auth.refresh(result.tokens.refresh_token)
        assert {result.tokens.device.key for result in results} == {KEY, "other"}
        assert names_of(server) == [None, None, KEY]
        bound = [body["DeviceKey"] for name, body in server.requests if name.startswith("Get")]
        assert bound == [KEY, "other"]


class TestForgetting:
    @pytest.mark.parametrize("at", ["begin", "code"])
    async def test_a_device_the_pool_has_forgotten_is_forgotten_and_the_same_answer_sent_again(
        self, scripted, gone, at
    ):
        script = [tokens(NEW), CONFIRMED]
        if at == "begin":
            script += [gone, asked("SMS_MFA"), tokens()]
        else:
            script += [asked("SMS_MFA"), gone, tokens()]
        async with scripted.serve(*script, tokens()) as server, client(server) as auth:
            await sign_in(auth)
            pending = await auth.sign_in("ada", PASSWORD)
            result = await auth.answer(pending, "123456")
            assert isinstance(result, SignedIn)
            assert result.tokens.device is None
            await sign_in(auth)
        named = [None, KEY, None, None] if at == "begin" else [None, KEY, KEY, None]
        assert names_of(server) == [*named, None]
        refused, again = (server.requests[i][1] for i in ((2, 3) if at == "begin" else (3, 4)))
        for body in (refused, again):
            (body.get("AuthParameters") or body["ChallengeResponses"]).pop("DEVICE_KEY", None)
        assert refused == again

    async def test_a_wrong_code_after_that_leaves_the_challenge_to_be_answered_again(
        self, scripted, gone
    ):
        store = MemoryStore()
        mismatch = scripted.error("CodeMismatchException", "Invalid code")
        script = [asked("SMS_MFA"), gone, mismatch, gone, tokens()]
        async with (
            scripted.serve(*script) as server,
            client(server, keys=KEYS, store=store) as auth,
        ):
            pending = await auth.sign_in("ada", PASSWORD, device=MINE)
            with pytest.raises(CodeMismatchError):
                await auth.answer(pending, "000000")
            assert isinstance(await auth.answer(pending, "123456"), SignedIn)

    async def test_a_person_at_the_prompt_is_asked_again_without_the_device(self, scripted, gone):
        mismatch = scripted.error("CodeMismatchException", "Invalid code")
        script = [asked("SMS_MFA"), gone, mismatch, tokens()]
        async with scripted.serve(*script) as server, client(server) as auth:
            prompt = ScriptedPrompt(["000000", "123456"])
            assert (await sign_in(auth, device=MINE, prompt=prompt)).tokens.device is None
        assert names_of(server) == [KEY, KEY, None, None]

    @pytest.mark.parametrize("at", [0, 1])
    @pytest.mark.parametrize("kind", ["gone", "refused"])
    async def test_a_proof_that_is_refused_forgets_the_device_and_signs_in_anew_once(
        self, scripted, request, at, kind
    ):
        no = request.getfixturevalue(kind)
        script = [tokens(NEW), CONFIRMED, DEVICE_SRP, *[DEVICE_VERIFIER][:at], no, tokens()]
        async with scripted.serve(*script, tokens()) as server, client(server) as auth:
            await sign_in(auth)
            result = await sign_in(auth)
            assert result.tokens.device is None
            await sign_in(auth)
        assert names_of(server) == [None, *[KEY] * (2 + at), None, None]
        assert server.script == []

    @pytest.mark.parametrize("sub", [SUB, None])
    async def test_a_sign_in_is_not_begun_anew_for_ever(self, scripted, refused, sub):
        script = [DEVICE_SRP, refused, refused]
        async with scripted.serve(*script) as server, client(server) as auth:
            with pytest.raises(BadCredentialsError):
                await auth.sign_in("ada", PASSWORD, device=evolve(MINE, sub=sub))
        assert names_of(server) == [KEY, KEY, None]

    async def test_nor_with_a_device_that_cannot_be_forgotten_here(self, scripted, refused):
        store = Breakable()

        async def breaking() -> Any:
            store.error, store.fails_from = OSError("down"), "replace"
            return DEVICE_SRP

        script = [
            *(VERIFIER, tokens(NEW), CONFIRMED),
            *(VERIFIER, breaking(), refused, VERIFIER, tokens()),
        ]
        given = {"keys": KEYS, "store": store, "flow": AuthFlow.USER_SRP_AUTH}
        async with scripted.serve(*script) as server, client(server, **given) as auth:
            await sign_in(auth)
            assert (await sign_in(auth)).tokens.device is None
        assert names_of(server) == [None, None, KEY, KEY, KEY, None, None]

    async def test_a_device_that_was_not_named_is_refused_as_it_is(self, scripted, gone):
        async with scripted.serve(gone) as server, client(server) as auth:
            with pytest.raises(DeviceRefusedError):
                await auth.sign_in("ada", PASSWORD)
        assert len(server.requests) == 1

    async def test_keys_that_come_again_for_a_device_make_no_new_one(self, scripted):
        script = [DEVICE_SRP, DEVICE_VERIFIER, tokens(NEW)]
        async with scripted.serve(*script) as server, client(server) as auth:
            assert (await sign_in(auth, device=MINE)).tokens.device == MINE
        assert "ConfirmDevice" not in server.operations

    async def test_nor_where_a_person_has_answered_something(self, scripted, refused):
        script = [asked("SMS_MFA"), DEVICE_SRP, refused] * 2
        async with scripted.serve(*script) as server, client(server) as auth:
            pending = await auth.sign_in("ada", PASSWORD, device=MINE)
            with pytest.raises(DeviceRefusedError, match="sign in again"):
                await auth.answer(pending, "123456")
            with pytest.raises(DeviceRefusedError):
                await auth.sign_in("ada", PASSWORD, device=MINE, prompt=ScriptedPrompt(["123456"]))
        assert server.script == []

    async def test_a_locked_device_is_not_forgotten(self, scripted):
        locked = scripted.error("NotAuthorizedException", "Password attempts exceeded")
        script = [tokens(NEW), CONFIRMED, DEVICE_SRP, locked, tokens()]
        async with scripted.serve(*script) as server, client(server) as auth:
            await sign_in(auth)
            with pytest.raises(LockedOutError):
                await auth.sign_in("ada", PASSWORD)
            await sign_in(auth)
        assert names_of(server) == [None, KEY, KEY, KEY]

    async def test_a_device_is_forgotten_on_request_in_the_pool_and_here(self, scripted, gone):
        script = [tokens(NEW), CONFIRMED, {}, tokens(NEW), CONFIRMED, gone, tokens()]
        async with scripted.serve(*script) as server, client(server) as auth:
            first = await sign_in(auth)
            token = first.tokens.access_token
            await auth.forget_device(token)
            await sign_in(auth)
            await auth.forget_device(token, KEY)  # the pool knows it no more
            await sign_in(auth)
            with pytest.raises(MisuseError, match="no device of this user"):
                await auth.forget_device(token)
        assert server.requests[2] == (
            "ForgetDevice",
            {"AccessToken": token.reveal(), "DeviceKey": KEY},
        )
        assert names_of(server) == [None] * 3

    async def test_a_second_call_ends_what_the_store_did_not_take(self, scripted):
        revoked = scripted.error("NotAuthorizedException", "Access Token has been revoked")
        store = Breakable()
        script = [tokens(NEW), CONFIRMED, {}, revoked]
        async with (
            scripted.serve(*script) as server,
            client(server, keys=KEYS, store=store) as auth,
        ):
            token = (await sign_in(auth)).tokens.access_token
            store.error, store.fails_from = OSError("down"), "replace"
            for _ in range(2):
                with pytest.raises(StoreUnavailableError):
                    await auth.forget_device(token)
            store.error = None
            await auth.forget_device(token)
            assert server.script == [revoked]  # the token was the device's, and is good no more
            with pytest.raises(MisuseError, match="no device of this user"):
                await auth.forget_device(token)
            server.script[:] = [tokens()]
            await sign_in(auth)
        assert names_of(server) == [None, None]

    async def test_a_token_that_is_refused_forgets_nothing_here(self, scripted):
        no = scripted.error("NotAuthorizedException", "Access Token has been revoked")
        script = [tokens(NEW), CONFIRMED, no, no, tokens()]
        async with scripted.serve(*script) as server, client(server) as auth:
            token = (await sign_in(auth)).tokens.access_token
            for _ in range(2):
                with pytest.raises(TokenRevokedError):
                    await auth.forget_device(token)
            await sign_in(auth)
        assert names_of(server) == [None, KEY]

    @pytest.mark.parametrize("at", ["begin", "code", "proof", "proof after code"])
    @pytest.mark.parametrize("kind", ["gone", "refused"])
    async def test_what_is_said_of_a_device_to_another_user_forgets_it_for_nobody(
        self, scripted, request, at, kind
    ):
        no = request.getfixturevalue(kind)
        if kind == "refused" and not at.startswith("proof"):
            no = request.getfixturevalue("gone")
        of_bob = tokens(sub="sub-of-bob", name="bob-1")
        bobs = {"USERNAME": "bob-1"}
        code = asked("SMS_MFA", 1, **bobs)
        proof = asked("DEVICE_SRP_AUTH", 2, DEVICE_KEY=KEY, **bobs)
        script = {
            "begin": [no, of_bob],
            "code": [code, no, of_bob],
            "proof": [proof, no, of_bob],
            "proof after code": [code, proof, no],
        }[at]
        script = [tokens(NEW), CONFIRMED, *script, tokens(), tokens()]
        async with scripted.serve(*script) as server, client(server) as auth:
            mine = (await sign_in(auth)).tokens.device
            result = await auth.sign_in("bob", PASSWORD, device=mine)
            if at == "proof after code":
                with pytest.raises(DeviceRefusedError):
                    await auth.answer(result, "123456")
            elif at == "code":
                result = await auth.answer(result, "123456")
            assert (await sign_in(auth)).tokens.device == mine
            assert (await sign_in(auth)).tokens.device == mine
        assert names_of(server)[-2:] == [KEY, KEY]

    async def test_an_alias_that_moved_forgets_nothing_and_leads_to_its_new_user(
        self, scripted, gone
    ):
        of_bob = tokens({**NEW, "DeviceKey": "bobs"}, sub="sub-of-bob", name="bob-1")
        script = [tokens(NEW), CONFIRMED, gone, of_bob, CONFIRMED, tokens(), of_bob]
        async with scripted.serve(*script) as server, client(server) as auth:
            for name in ("a@example.org", "a@example.org", "ada-1", "a@example.org"):
                await sign_in(auth, name)
        assert names_of(server) == [None, KEY, None, KEY, "bobs"]

    async def test_a_refused_device_is_not_found_again_in_the_same_sign_in(self, scripted, gone):
        codes = [asked("CUSTOM_CHALLENGE", number) for number in (1, 2)]
        script = [tokens(NEW), CONFIRMED, gone, *codes, tokens(), tokens()]
        async with scripted.serve(*script) as server, client(server) as auth:
            await sign_in(auth)
            pending = await auth.sign_in("ada", flow=AuthFlow.CUSTOM_AUTH)
            pending = await auth.answer(pending, "123456")
            assert isinstance(await auth.answer(pending, "123456"), SignedIn)
            await sign_in(auth)
        assert names_of(server) == [None, KEY, *[None] * 4]

    async def test_a_device_that_is_kept_is_not_put_away_for_one_that_was_named_in_vain(
        self, scripted, gone
    ):
        new = {**NEW, "DeviceKey": "new"}
        script = [tokens(NEW), CONFIRMED, gone, tokens(new), CONFIRMED, tokens()]
        stray = evolve(MINE, key="stray")
        async with scripted.serve(*script) as server, client(server) as auth:
            await sign_in(auth)
            result = await sign_in(auth, device=stray)
            await sign_in(auth)
        assert result.tokens.device == Device(key="new", group_key=GROUP, sub=SUB)
        assert names_of(server) == [None, "stray", None, KEY]

    async def test_a_device_that_the_pool_passes_over_gives_way_to_the_new_one(self, scripted):
        new = {**NEW, "DeviceKey": "new"}
        script = [tokens(NEW), CONFIRMED, tokens(new), CONFIRMED, tokens()]
        async with scripted.serve(*script) as server, client(server) as auth:
            for _ in range(3):
                await sign_in(auth)
        assert names_of(server) == [None, KEY, "new"]

    async def test_a_device_that_the_pool_may_still_know_is_kept(self, scripted):
        script = [tokens(NEW), CONFIRMED, scripted.hang_up, tokens()]
        async with scripted.serve(*script) as server, client(server) as auth:
            first = await sign_in(auth)
            with pytest.raises(Exception, match="connection"):
                await auth.forget_device(first.tokens.access_token)
            await sign_in(auth)
        assert names_of(server) == [None, KEY]


class TestRefreshing:
    @pytest.mark.parametrize("rotated", [None, "r2"], ids=["one token", "rotation"])
    async def test_a_refresh_names_the_device_that_the_token_was_given_to(self, scripted, rotated):
        renewed = tokens(refresh=rotated or "r")
        if rotated is None:
            del renewed["AuthenticationResult"]["RefreshToken"]
        script = [tokens(NEW), CONFIRMED, renewed, renewed]
        async with scripted.serve(*script) as server, client(server) as auth:
            first = await sign_in(auth)
            second = await auth.refresh(first.tokens.refresh_token)
            await auth.refresh(second.refresh_token)
        assert [body.get("DeviceKey") for _, body in server.requests[2:]] == [KEY, KEY]

    @pytest.mark.parametrize("when", ["always", "ask", "caller", "never"])
    async def test_a_refresh_by_the_token_alone_gives_the_device_back(self, scripted, when):
        script = [tokens(NEW), CONFIRMED, tokens(refresh="r2"), tokens(refresh="r3")]
        async with scripted.serve(*script) as server, client(server, when) as auth:
            first = await sign_in(auth)
            if when == "ask":
                first = await auth.remember_device(first)
            second = await auth.refresh(first.tokens.refresh_token)
            third = await auth.refresh(second.refresh_token)
        assert first.tokens.device == second.device == third.device
        assert isinstance(first.tokens.device, Device)

    async def test_another_process_is_told_the_device(self, scripted):
        async with (
            scripted.serve(tokens(), tokens(), tokens()) as server,
            client(server) as auth,
        ):
            unconfirmed = UnconfirmedDevice(key="new", group_key=GROUP)
            assert (await auth.refresh("r1", device=MINE)).device == MINE
            await auth.refresh("r2", device=unconfirmed)
            await auth.refresh("r3")
        assert [body.get("DeviceKey") for _, body in server.requests] == [KEY, "new", None]

    async def test_a_kept_user_is_refreshed_from_the_device_in_every_process(self, scripted):
        given = {"keys": KEYS, "store": MemoryStore()}
        short = tokens(NEW)
        short["AuthenticationResult"]["ExpiresIn"] = 5  # to be refreshed at once
        script = [short, CONFIRMED, tokens(refresh="r2")]
        async with scripted.serve(*script) as server:
            async with client(server, "never", **given) as auth:
                first = await sign_in(auth)
                user = await auth.keep(first)
            async with client(server, "never", **given) as other:
                renewed = await (await other.kept(user.handle)).tokens()
        assert renewed.device == first.tokens.device
        assert server.operations[2] == "GetTokensFromRefreshToken"
        assert server.requests[2][1]["DeviceKey"] == KEY


class TestCalls:
    async def test_all_devices_are_listed_page_by_page(self, scripted):
        def page(after: str | None, *keys: str) -> dict[str, Any]:
            more = {} if after is None else {"PaginationToken": after}
            return {"Devices": [{"DeviceKey": key} for key in keys], **more}

        async with (
            scripted.serve(page("p1", "a", "b"), page("p2"), page(None, "c")) as server,
            client(server) as auth,
        ):
            listed = await auth.devices("token")
        assert [each.key for each in listed] == ["a", "b", "c"]
        assert [body.get("PaginationToken") for _, body in server.requests] == [None, "p1", "p2"]

    async def test_a_server_that_lists_without_an_end_is_left(self, scripted, monkeypatch):
        monkeypatch.setattr("authflow.client.remembered_devices._MOST_PAGES", 3)
        page = {"Devices": [], "PaginationToken": "again"}
        async with scripted.serve(*[page] * 4) as server, client(server) as auth:
            with pytest.raises(UnexpectedReplyError, match="without an end"):
                await auth.devices("token")
        assert len(server.requests) == 3

    async def test_a_device_is_described_and_its_status_set(self, scripted):
        told = {
            "DeviceKey": KEY,
            "DeviceAttributes": [
                {"Name": "device_name", "Value": "a PC"},
                {"Name": "dev:device_remembered_status", "Value": "not_remembered"},
                {"Name": "last_ip_used", "Value": "203.0.113.7"},
            ],
            "DeviceCreateDate": 1.5e9,
        }
        async with scripted.serve({"Device": told}, {}) as server, client(server) as auth:
            described = await auth.device("token", KEY)
            await auth.set_device_status("token", described, remembered=False)
        assert (described.name, described.remembered) == ("a PC", False)
        assert described.last_ip == "203.0.113.7"
        assert described.created_at.timestamp() == 1.5e9
        assert described.authenticated_at is None
        assert server.requests[1][1] == {
            "AccessToken": "token",
            "DeviceKey": KEY,
            "DeviceRememberedStatus": "not_remembered",
        }

    @pytest.mark.parametrize(
        "device",
        [5, b"x", "", ["k"], object(), "\ud800", None],
        ids=lambda given: type(given).__name__,
    )
    async def test_what_is_no_device_is_not_sent(self, scripted, device):
        async with scripted.serve() as server, client(server) as auth:
            calls = [
                auth.device("token", device),
                auth.set_device_status("token", device, remembered=True),
            ]
            if device is not None:
                calls += [
                    auth.forget_device("token", device),
                    auth.sign_in("ada", PASSWORD, device=device),
                    auth.refresh("token", device=device),
                ]
            for call in calls:
                with pytest.raises(MisuseError, match="device"):
                    await call
        assert server.requests == []

    def test_a_listed_device_shows_neither_its_address_nor_its_name(self):
        told = {"last_ip_used": "203.0.113.7", "device_name": "canary of Ada"}
        listed = ListedDevice(
            key=KEY, name=told["device_name"], last_ip=told["last_ip_used"], attributes=told
        )
        for hidden in told.values():
            assert hidden not in f"{listed!r} {listed}"
        assert KEY in repr(listed)

    @pytest.mark.parametrize("when", ["Always", "", None, True, ["ask"]], ids=repr)
    def test_a_setting_that_does_not_exist_is_misuse(self, when):
        config = AuthConfig(user_pool_id="eu-central-1_A", client_id="1")
        with pytest.raises(MisuseError, match="always, ask, caller, never"):
            AuthClient(config, remember_device=when)
