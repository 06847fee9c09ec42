"""A server that is not the user pool it should be: what it gets, and what it never gets.

SRP as Cognito speaks it does not authenticate the server, so the client must refuse to be led.
"""

import io
from pathlib import Path
from typing import Any

import pytest

from authflow import AuthClient, ChallengeRequired, Secret
from authflow.client import ScriptedPrompt, TerminalPrompt
from authflow.client.conversation import MOST_ROUNDS
from authflow.errors import (
    MalformedReplyError,
    PluginFailedError,
    PromptEndedError,
    RemoteProtocolError,
    SessionExpiredError,
    UnexpectedReplyError,
    UnsafeSrpValueError,
)
from authflow.machine import AuthFlow
from authflow.srp import COGNITO

PASSWORD = Secret("canary-password")
TOKENS = {
    "AuthenticationResult": {
        "AccessToken": "forged",
        "IdToken": "forged",
        "RefreshToken": "forged",
        "ExpiresIn": 3600,
        "TokenType": "Bearer",
    }
}


def verifier(**changes: str | None) -> dict:
    parameters = {
        "SALT": "ab" * 16,
        "SRP_B": f"{COGNITO.public_a(12345):x}",
        "SECRET_BLOCK": "c2VjcmV0",
        "USER_ID_FOR_SRP": "ada",
        "USERNAME": "ada",
        **changes,
    }
    return {
        "ChallengeName": "PASSWORD_VERIFIER",
        "ChallengeParameters": {k: v for k, v in parameters.items() if v is not None},
    }


def challenge(name: str = "CUSTOM_CHALLENGE", **parameters: str) -> dict:
    return {"ChallengeName": name, "ChallengeParameters": parameters, "Session": "s" * 20}


N = COGNITO.prime


@pytest.mark.parametrize(
    "reply",
    [
        TOKENS,
        challenge(),
        challenge("NEW_PASSWORD_REQUIRED"),
        challenge("SMS_MFA"),
        challenge("PASSWORD"),
        challenge("SELECT_CHALLENGE"),
        challenge("MADE_UP"),
        verifier(SRP_B="0"),
        verifier(SRP_B=f"{N:x}"),
        verifier(SRP_B=f"{2 * N:x}"),
        verifier(SRP_B=f"-{N:x}"),
        verifier(SRP_B="0x" + "1" * 20),
        verifier(SRP_B="f" * 10_000),
        verifier(SRP_B=""),
        verifier(SALT="-16e4"),
        verifier(SALT=""),
        verifier(SALT="a" * 65),
        verifier(SECRET_BLOCK="!"),
        verifier(SECRET_BLOCK=""),
        verifier(SECRET_BLOCK="A" * 10_000),
        verifier(SALT=None),
        verifier(SRP_B=None),
        verifier(SECRET_BLOCK=None),
        verifier(USER_ID_FOR_SRP=None),
        {},
        {**verifier(), **TOKENS},
        {"ChallengeName": "PASSWORD_VERIFIER"},
        {"AuthenticationResult": {}},
        {**verifier(), "Session": "short"},
    ],
    ids=lambda reply: str(reply)[:60],
)
async def test_a_rogue_reply_to_srp_ends_it_before_a_second_request(scripted, reply):
    async with scripted.serve(reply, TOKENS) as server, AuthClient(server.config()) as auth:
        with pytest.raises(RemoteProtocolError):
            await auth.sign_in("ada", PASSWORD)
        assert server.operations == ["InitiateAuth"]
        assert "canary" not in str(server.requests)


@pytest.mark.parametrize("reply", [TOKENS, challenge()], ids=["tokens", "a custom challenge"])
async def test_nothing_comes_before_the_proof_in_custom_auth_with_a_password(scripted, reply):
    """A pool may ask a custom challenge at once; with a password the client does not go on."""
    async with scripted.serve(reply, TOKENS) as server, AuthClient(server.config()) as auth:
        with pytest.raises(UnexpectedReplyError, match="SRP_A"):
            await auth.sign_in("ada", PASSWORD, flow=AuthFlow.CUSTOM_AUTH)
        assert server.operations == ["InitiateAuth"]


async def test_custom_auth_without_a_password_cannot_be_asked_to_prove_one(scripted):
    async with scripted.serve(verifier(), TOKENS) as server, AuthClient(server.config()) as auth:
        with pytest.raises(UnexpectedReplyError):
            await auth.sign_in("ada", flow=AuthFlow.CUSTOM_AUTH)
        assert server.operations == ["InitiateAuth"]


async def test_the_password_goes_out_only_where_the_caller_chose_that(scripted):
    sent = []
    for flow in AuthFlow:
        script = [verifier(), TOKENS] if flow != AuthFlow.USER_PASSWORD_AUTH else [TOKENS]
        async with scripted.serve(*script) as server, AuthClient(server.config()) as auth:
            await auth.sign_in("ada", PASSWORD, flow=flow)
            if "canary-password" in str(server.requests):
                sent.append(flow)
    assert sent == [AuthFlow.USER_PASSWORD_AUTH]


async def test_a_server_that_keeps_asking_is_left_after_a_bounded_number_of_rounds(scripted):
    class Again:
        name = "again"

        async def answer(self, challenge, prompt):
            return "x"

    endless = [challenge(challenge="again")] * (2 * MOST_ROUNDS)
    async with (
        scripted.serve(*endless) as server,
        AuthClient(server.config(), challenges=[Again]) as auth,
    ):
        with pytest.raises(UnexpectedReplyError, match="without an end"):
            await auth.sign_in("ada", flow=AuthFlow.CUSTOM_AUTH, prompt=ScriptedPrompt([]))
        assert len(server.requests) == MOST_ROUNDS


async def test_a_client_challenge_answers_custom_challenges_only(scripted):
    class Eager:
        name = "eager"

        async def answer(self, challenge, prompt):
            return "x"

    async with (
        scripted.serve(challenge("SMS_MFA", challenge="eager")) as server,
        AuthClient(server.config(), challenges=[Eager]) as auth,
    ):
        with pytest.raises(PromptEndedError):  # the person is asked, and not the plugin
            await auth.sign_in(
                "ada", PASSWORD, flow=AuthFlow.USER_PASSWORD_AUTH, prompt=ScriptedPrompt([])
            )
    assert server.operations == ["InitiateAuth"]


@pytest.mark.parametrize("junk", [None, 5, b"bytes"])
async def test_a_client_challenge_that_gives_no_text_fails_by_name(scripted, junk):
    class Junk:
        name = "junk"

        async def answer(self, challenge, prompt):
            return junk

    async with (
        scripted.serve(challenge(challenge="junk")) as server,
        AuthClient(server.config(), challenges=[Junk]) as auth,
    ):
        with pytest.raises(PluginFailedError, match="'junk'"):
            await auth.sign_in("ada", flow=AuthFlow.CUSTOM_AUTH, prompt=ScriptedPrompt([]))


async def test_a_client_challenge_that_raises_fails_by_name_with_the_kind_and_the_line(scripted):
    class Broken:
        name = "broken"

        async def answer(self, challenge, prompt):
            raise ZeroDivisionError

    async with (
        scripted.serve(challenge(challenge="broken")) as server,
        AuthClient(server.config(), challenges=[Broken]) as auth,
    ):
        line = Broken.answer.__code__.co_firstlineno + 1
        told = rf"'broken' .* failed: ZeroDivisionError at .*{Path(__file__).name}:{line}$"
        with pytest.raises(PluginFailedError, match=told) as failed:
            await auth.sign_in("ada", flow=AuthFlow.CUSTOM_AUTH, prompt=ScriptedPrompt([]))
    assert failed.value.__cause__ is None  # it may quote what was typed


@pytest.mark.parametrize("kind", ["unheard-of", "../etc", "", "CAPTCHA", "x" * 5000, "json"])
async def test_a_kind_that_no_plugin_has_is_the_callers_to_answer(scripted, kind):
    async with (
        scripted.serve(challenge(challenge=kind)) as server,
        AuthClient(server.config()) as auth,
    ):
        result = await auth.sign_in("ada", flow=AuthFlow.CUSTOM_AUTH, prompt=ScriptedPrompt([]))
    assert isinstance(result, ChallengeRequired)


async def test_the_session_and_the_canonical_name_are_carried_from_reply_to_answer(scripted):
    replies = [
        {**challenge(USERNAME="canonical"), "Session": "1" * 20},
        {**challenge(), "Session": "2" * 20},
        TOKENS,
    ]
    async with scripted.serve(*replies) as server, AuthClient(server.config()) as auth:
        pending = await auth.sign_in("alias@example.com", flow=AuthFlow.CUSTOM_AUTH)
        pending = await auth.answer(pending, "a")
        signed_in = await auth.answer(pending, "b")
        bodies = [body for _, body in server.requests]
    assert [body.get("Session") for body in bodies] == [None, "1" * 20, "2" * 20]
    assert bodies[1]["ChallengeResponses"] == {"USERNAME": "canonical", "ANSWER": "a"}
    assert bodies[2]["ChallengeResponses"] == {"USERNAME": "canonical", "ANSWER": "b"}
    assert signed_in.username == "canonical"


async def test_a_missing_session_is_not_made_up_from_an_earlier_one(scripted):
    last = challenge()
    del last["Session"]
    async with (
        scripted.serve(challenge(), last, TOKENS) as server,
        AuthClient(server.config()) as auth,
    ):
        pending = await auth.sign_in("ada", flow=AuthFlow.CUSTOM_AUTH)
        pending = await auth.answer(pending, "a")
        await auth.answer(pending, "b")
        assert "Session" not in server.requests[2][1]


async def test_an_answer_after_the_session_has_expired_is_not_sent(scripted):
    from datetime import UTC, datetime, timedelta

    now = datetime(2026, 2, 1, tzinfo=UTC)
    async with (
        scripted.serve(challenge(), TOKENS) as server,
        AuthClient(server.config(), clock=lambda: now) as auth,
    ):
        pending = await auth.sign_in("ada", flow=AuthFlow.CUSTOM_AUTH)
        now += timedelta(minutes=3)
        with pytest.raises(SessionExpiredError):
            await auth.answer(pending, "late")
        assert server.operations == ["InitiateAuth"]


@pytest.mark.parametrize("tokens", [{}, {"AccessToken": 5, "IdToken": "i", "ExpiresIn": 1}, None])
async def test_a_refresh_without_tokens_is_malformed(scripted, tokens):
    async with (
        scripted.serve({"AuthenticationResult": tokens}) as server,
        AuthClient(server.config()) as auth,
    ):
        with pytest.raises(MalformedReplyError):
            await auth.refresh(Secret("refresh"))


async def test_srp_checks_come_before_the_password_is_used(scripted, monkeypatch):
    used = []
    monkeypatch.setattr("authflow.srp.password_key", lambda *_: used.append("password"))
    async with scripted.serve(verifier(SRP_B="0")) as server, AuthClient(server.config()) as auth:
        with pytest.raises(UnsafeSrpValueError):
            await auth.sign_in("ada", PASSWORD)
    assert used == []


async def test_a_rogue_pools_options_that_cannot_be_printed_never_reach_the_terminal(
    scripted, tmp_path
):
    class Captcha:
        name = "captcha"

        async def answer(self, challenge: Any, prompt: Any) -> str:
            return await prompt.ask("?")

    reply = {
        "ChallengeName": "CUSTOM_CHALLENGE",
        "Session": "s" * 20,
        "ChallengeParameters": {
            "USERNAME": "ada",
            "challenge": "choice",
            "options": "captcha#\x1b[2J captcha#\x9b31m\u202e",
        },
    }
    output = io.StringIO()
    prompt = TerminalPrompt(image_folder=tmp_path, output=output, input=io.StringIO("1\n"))
    async with scripted.serve(reply) as server:
        client = AuthClient(server.config(), challenges=[Captcha], discover=False)
        async with client as auth:
            with pytest.raises(MalformedReplyError):
                await auth.sign_in("ada", flow=AuthFlow.CUSTOM_AUTH, prompt=prompt)
    assert output.getvalue() == ""
