"""A client's events as lines of logging."""

import json
import logging
import re

import pytest

from authflow import AuthClient, AuthFlowError, MisuseError
from authflow.client import events
from authflow.errors import NextStep
from authflow.integrations.logging import LoggingObserver
from authflow.telemetry import (
    AnswerFailed,
    ChallengeMade,
    HookFailed,
    PolicyFailed,
    TokenAccepted,
    TokenRefused,
    TokenUnjudged,
    TriggerFailed,
)
from authflow.testing import PASSWORD

ROUND = {"challenge": "otp", "attempt": 1, "seconds": 0.1}
EXPIRED = TokenRefused(seconds=0.1, code="token_expired", next_step=NextStep.REFRESH)
KNOWN = {"call": "sign_in", "call_id": "0123456789abcdef", "user": "77292bcf"}
EVENTS = {
    logging.DEBUG: [
        events.SignInBegan(**KNOWN),
        events.RequestBegan(**KNOWN, operation="InitiateAuth"),
        events.RequestEnded(**KNOWN, operation="InitiateAuth", seconds=0.1),
        events.TurnAwaited(**KNOWN, operation="InitiateAuth", seconds=0.1),
        events.ChallengeAsked(**KNOWN, challenge="SMS_MFA"),
        events.AnswerGiven(**KNOWN, challenge="SMS_MFA", by="caller"),
        TokenAccepted(seconds=0.1, use="access"),
        ChallengeMade(**ROUND),
    ],
    logging.INFO: [
        events.RequestEnded(**KNOWN, operation="InitiateAuth", seconds=0.1, code="timed_out"),
        events.AnswerRefused(**KNOWN, challenge="SMS_MFA", code="code_mismatch"),
        events.UserSignedIn(**KNOWN, seconds=0.1),
        events.CallRefused(**KNOWN, seconds=0.1, code="locked_out"),
        events.CallCancelled(**KNOWN, seconds=0.1),
        EXPIRED,
        AnswerFailed(**ROUND),
        PolicyFailed(),
        TriggerFailed(seconds=0.1, code="denied"),
    ],
    logging.WARNING: [
        events.TurnAwaited(**KNOWN, operation="InitiateAuth", seconds=0.1, code="throttled"),
        events.CallFailed(**KNOWN, seconds=0.1, code="unreachable"),
        TokenUnjudged(seconds=0.1, code="jwks_unreachable"),
        HookFailed(**ROUND, hook="create", code="plugin_failed"),
        TriggerFailed(seconds=0.1, code="plugin_failed"),
    ],
}


@pytest.mark.parametrize("level", EVENTS)
def test_an_event_has_the_level_of_how_much_it_matters(caplog, level: int):
    caplog.set_level(logging.DEBUG)
    for event in EVENTS[level]:
        LoggingObserver().observe(event)
    assert [each.levelno for each in caplog.records] == [level] * len(EVENTS[level])
    assert {each.name for each in caplog.records} == {"authflow.events"}


def test_a_record_has_every_field_in_its_text_and_as_an_attribute(caplog):
    caplog.set_level(logging.DEBUG)
    LoggingObserver().observe(
        events.RequestEnded(**KNOWN, operation="InitiateAuth", seconds=1 / 3, code="timed_out")
    )
    (record,) = caplog.records
    assert record.getMessage() == (
        "request_ended call=sign_in call_id=0123456789abcdef user=77292bcf elapsed=0.0"
        " operation=InitiateAuth attempt=1 seconds=0.333333 code=timed_out"
    )
    told = {name: of for name, of in vars(record).items() if name.startswith("authflow_")}
    assert told["authflow_event"] == "request_ended"
    assert told["authflow_code"] == "timed_out"
    assert json.loads(json.dumps(told)) == told


def test_a_verifiers_event_is_a_line_like_any_other(caplog):
    caplog.set_level(logging.INFO)
    LoggingObserver().observe(EXPIRED)
    assert caplog.messages == ["token_refused seconds=0.1 code=token_expired next_step=refresh"]


def test_no_event_hides_what_logging_itself_writes():
    made = logging.LogRecord("a", 10, "b", 1, "c", (), None)
    for some in EVENTS.values():
        for event in some:
            names = {f"authflow_{each}" for each in vars(type(event)).get("__slots__", ())}
            assert names.isdisjoint(vars(made))


def test_another_logger_or_an_adapter_of_one_is_taken_and_nothing_else(caplog):
    caplog.set_level(logging.INFO)
    mine = logging.getLogger("mine")
    for logger in (mine, logging.LoggerAdapter(mine, {})):
        LoggingObserver(logger).observe(EVENTS[logging.INFO][2])
    assert [each.name for each in caplog.records] == ["mine", "mine"]
    for odd in ("mine", logging, print, logging.Logger):
        with pytest.raises(MisuseError, match=r"logging\.getLogger"):
            LoggingObserver(odd)


def test_an_adapter_adds_what_it_has_and_takes_no_field_away(caplog):
    caplog.set_level(logging.INFO)

    class Prefixed(logging.LoggerAdapter):
        def process(self, msg, kwargs):
            return f"[shop] {msg}", kwargs

    inner = logging.LoggerAdapter(logging.getLogger("mine"), {"service": "shop"})
    for adapter in (inner, Prefixed(inner, {})):
        LoggingObserver(adapter).observe(EVENTS[logging.WARNING][1])
    for record in caplog.records:
        assert (record.service, record.authflow_code) == ("shop", "unreachable")
    assert caplog.records[-1].getMessage().startswith("[shop] call_failed call=sign_in ")


def test_an_adapter_is_not_asked_for_what_nobody_sees(caplog):
    caplog.set_level(logging.INFO)

    class Asked(logging.LoggerAdapter):
        def process(self, msg, kwargs):
            raise AssertionError(msg)

    LoggingObserver(Asked(logging.getLogger("mine"), {})).observe(EVENTS[logging.DEBUG][0])


async def test_a_refused_sign_in_is_two_lines_at_info_and_names_nobody(live_pool, caplog):
    caplog.set_level(logging.INFO, "authflow.events")
    async with live_pool() as pool:
        await pool.add_user()
        async with AuthClient(await pool.app_client(), observer=LoggingObserver()) as auth:
            with pytest.raises(AuthFlowError):
                await auth.sign_in("ada", f"{PASSWORD}?")
    lines = [each.getMessage() for each in caplog.records if each.name == "authflow.events"]
    assert [each.split()[0] for each in lines] == [
        *("request_ended", "answer_refused", "call_refused"),
    ]
    assert all("code=bad_credentials" in each for each in lines)
    assert PASSWORD not in "".join(lines)
    assert not re.search(r"\bada\b", "".join(lines))  # an id may have the letters
