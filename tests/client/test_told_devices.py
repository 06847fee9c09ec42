"""What a client tells of the user's device, with which requests, and what observers hear of it."""

import base64
import json
import traceback
from datetime import UTC, datetime
from typing import Any

import pytest

from authflow import AuthClient, AuthFlow, MisuseError, UserContext
from authflow.client import DeviceFingerprint
from authflow.triggers import Triggers, challenge, password, sequence

PASSWORD = "Correct-horse-1"


@pytest.mark.parametrize("context", ["canary", 5, {"ip_address": "::1"}, UserContext, [None]])
async def test_a_context_of_another_kind_is_misuse_and_nothing_is_sent(scripted, context: Any):
    asked = {"ChallengeName": "SMS_MFA", "Session": "s" * 20, "ChallengeParameters": {}}
    async with scripted.serve(asked) as server, AuthClient(server.config()) as auth:
        pending = await auth.sign_in("ada", PASSWORD, flow=AuthFlow.USER_PASSWORD_AUTH)
        for call in (
            auth.sign_in("ada", PASSWORD, context=context),
            auth.answer(pending, "123456", context=context),
        ):
            with pytest.raises(MisuseError, match="context must be a UserContext") as refused:
                await call
            frames = [frame for frame, _ in traceback.walk_tb(refused.value.__traceback__)]
            ours = [frame for frame in frames if frame.f_code.co_filename != __file__]
            assert ours
            assert "canary" not in f"{refused.value} {[frame.f_locals for frame in ours]}"
    assert server.operations == ["InitiateAuth"]


async def test_every_request_of_a_call_tells_of_the_device_and_the_next_call_starts_anew(
    live_pool, word
):
    exchanges: list[Any] = []
    triggers = Triggers(
        policy=sequence(password(), challenge("word", attempts=3)), challenges=[word]
    )
    async with live_pool(triggers=triggers) as pool:
        await pool.add_user("ada", PASSWORD)
        config = await pool.app_client(
            secret=True,
            flow=AuthFlow.CUSTOM_AUTH,
            members={"EnablePropagateAdditionalUserContextData": True},
        )
        device = DeviceFingerprint(characteristics={"DeviceId": "canary"})
        context = UserContext(
            ip_address="203.0.113.7", device=device, analytics_endpoint_id="canary-endpoint"
        )
        async with AuthClient(config, observer=exchanges.append) as auth:
            pending = await auth.sign_in("ada", PASSWORD, context=context)
            again = await auth.answer(pending, "wrong")
            done = await auth.answer(again, "open sesame", context=context)
            await auth.refresh(done.tokens.refresh_token)
    told = [
        (each.operation, each.sent.get("UserContextData"), each.sent.get("AnalyticsMetadata"))
        for each in exchanges
    ]
    assert told == [
        ("InitiateAuth", "***", "***"),
        ("RespondToAuthChallenge", "***", "***"),
        ("RespondToAuthChallenge", None, None),
        ("RespondToAuthChallenge", "***", "***"),
        ("GetTokensFromRefreshToken", None, None),
    ]
    assert "canary" not in str(exchanges)
    assert "203.0" not in str(exchanges)


async def test_each_request_of_a_call_tells_the_time_that_it_is_sent_at(scripted):
    asked = {"ChallengeName": "CUSTOM_CHALLENGE", "Session": "s" * 20, "ChallengeParameters": {}}
    times = iter(range(1_800_000_000, 1_900_000_000))

    def clock() -> datetime:
        return datetime.fromtimestamp(next(times), UTC)

    context = UserContext(device=DeviceFingerprint(characteristics={}))
    async with (
        scripted.serve(asked, asked) as server,
        AuthClient(server.config(flow=AuthFlow.CUSTOM_AUTH), clock=clock) as auth,
    ):
        pending = await auth.sign_in("ada", context=context)
        await auth.answer(pending, "x", context=context)
    first, second = (
        json.loads(json.loads(base64.b64decode(sent["UserContextData"]["EncodedData"]))["payload"])
        for _, sent in server.requests
    )
    assert 1_800_000_000_000 <= int(first["timestamp"]) < int(second["timestamp"])
