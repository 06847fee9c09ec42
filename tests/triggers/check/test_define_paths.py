"""A Define trigger's replies, read as Cognito reads them."""

import json
from pathlib import Path
from typing import Any

import pytest

from authflow.triggers import DefineEvent, SessionEntry, parse_event
from authflow.triggers.check.define_paths import (
    SRP_A,
    DefineDecision,
    DefineFailedError,
    SessionReply,
    ask,
    define_event,
)

CUSTOM = SessionEntry(
    challenge_name="CUSTOM_CHALLENGE", challenge_result=False, challenge_metadata="WORD"
)


def event(*session: SessionEntry, user_not_found: bool = False) -> DefineEvent:
    return define_event(
        session, user_not_found=user_not_found, user_pool_id="eu-west-1_X", client_id="client"
    )


async def reply_to(response: Any, *session: SessionEntry) -> SessionReply:
    async def define(asked: dict[str, Any]) -> Any:
        return {**asked, "response": response}

    return await ask(define, event(*session))


def test_the_event_has_the_shape_that_aws_documents():
    events = Path(__file__).parents[1] / "events"
    documented = json.loads((events / "define_first.json").read_text())
    written = event(CUSTOM).to_json()
    assert documented.keys() == written.keys()
    assert documented["response"].keys() == written["response"].keys()
    assert written["region"] == "eu-west-1"


def test_the_event_is_what_define_reads():
    parsed = parse_event(event(SRP_A, CUSTOM, user_not_found=True).to_json())
    assert isinstance(parsed, DefineEvent)
    assert parsed.session == (SRP_A, CUSTOM)
    assert parsed.user_not_found
    assert parsed.user_attributes == {}


@pytest.mark.parametrize(
    ("response", "decision"),
    [
        ({"issueTokens": True, "failAuthentication": False}, DefineDecision.TOKENS),
        ({"issueTokens": True}, DefineDecision.TOKENS),
        ({"issueTokens": None, "failAuthentication": True}, DefineDecision.FAILURE),
        ({"failAuthentication": True, "challengeName": "CUSTOM_CHALLENGE"}, DefineDecision.FAILURE),
        ({"challengeName": "CUSTOM_CHALLENGE"}, DefineDecision.CUSTOM_CHALLENGE),
        ({"challengeName": "PASSWORD_VERIFIER"}, DefineDecision.PASSWORD_VERIFIER),
    ],
)
async def test_a_decision_is_read(response, decision):
    assert await reply_to(response, SRP_A) == SessionReply(decision)


@pytest.mark.parametrize(
    ("response", "why"),
    [
        ({"issueTokens": True, "failAuthentication": True}, "at once"),
        ({"issueTokens": "true"}, "neither true nor false"),
        ({"failAuthentication": 0}, "neither true nor false"),
        ({"issueTokens": False, "failAuthentication": False}, "decides nothing"),
        ({"challengeName": ""}, "decides nothing"),
        ({"challengeName": "SMS_MFA"}, "SMS_MFA"),
        ({"challengeName": "custom_challenge"}, "cannot ask for"),
        ({"challengeName": ["CUSTOM_CHALLENGE"]}, "cannot ask for"),
        ({"challengeName": "PASSWORD_VERIFIER"}, "can only follow SRP_A"),
        (None, "does not give the event back"),
        ([], "does not give the event back"),
        ({"challengeName": object()}, "JSON"),
    ],
)
async def test_what_cognito_does_not_accept_is_unusable(response, why):
    reply = await reply_to(response, CUSTOM)
    assert reply.decision is DefineDecision.UNUSABLE
    assert why in str(reply)
    assert not reply.asks


@pytest.mark.parametrize("session", [(), (SRP_A, SRP_A), (CUSTOM, SRP_A)])
async def test_the_password_can_only_be_asked_for_right_after_srp_a(session):
    reply = await reply_to({"challengeName": "PASSWORD_VERIFIER"}, *session)
    assert reply.decision is DefineDecision.UNUSABLE


async def test_a_trigger_that_gives_nothing_back_is_unusable():
    async def define(_event: dict[str, Any]) -> None:
        return None

    assert (await ask(define, event())).decision is DefineDecision.UNUSABLE


async def test_what_a_trigger_raises_is_told_in_one_line():
    async def define(asked: dict[str, Any]) -> Any:
        return asked["request"]["session"][0] if asked else None

    async def broken(_event: dict[str, Any]) -> Any:
        raise ValueError("first\nsecond" + "x" * 1000)

    async def silent(_event: dict[str, Any]) -> Any:
        raise DefineFailedError("does not answer")

    assert str(await ask(define, event())) == "raises IndexError: list index out of range"
    told = str(await ask(broken, event()))
    assert told.startswith("raises ValueError: first second")
    assert len(told) < 300
    assert await ask(silent, event()) == SessionReply(DefineDecision.UNUSABLE, "does not answer")
