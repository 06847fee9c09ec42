"""A call that is observed: its scope, and to which call a request belongs."""

import asyncio
import contextvars

import pytest

from authflow import AuthClient, AuthFlow
from authflow.client import ScriptedPrompt, events
from authflow.client.observation import Observation
from authflow.client.observed_call import ObservedCall, current_call
from authflow.client.user_marks import UserMarks
from authflow.results import Challenge
from testbed.told_events import Told

TOKENS = {"AuthenticationResult": {"AccessToken": "a", "IdToken": "i", "ExpiresIn": 3600}}
ASKED = {
    "ChallengeName": "CUSTOM_CHALLENGE",
    "ChallengeParameters": {"challenge": "word", "USERNAME": "ada"},
    "Session": "s" * 20,
}


def made(told: Told) -> ObservedCall:
    return ObservedCall(
        call="refresh", observation=Observation(told), marks=UserMarks(None), kinds=()
    )


def test_after_its_end_nothing_is_told_of_a_call():
    told = Told()
    with made(told) as call:
        call.ends(events.TokensRefreshed)
    call.tell(events.RequestBegan, operation="RevokeToken")
    call.tell(events.CallFailed)
    assert told.lines() == ["call_began refresh", "tokens_refreshed"]


def test_an_error_of_somebody_elses_fails_the_call_and_is_told_by_no_name_of_its_own():
    told = Told()
    with pytest.raises(ZeroDivisionError), made(told):
        raise ZeroDivisionError("canary")
    assert told.lines() == ["call_began refresh", "call_failed error"]


def test_a_call_within_another_is_the_current_one_and_gives_way_to_it_at_its_end():
    outer, inner = made(Told()), made(Told())
    assert current_call(outer.observation) is None
    with outer:
        assert current_call(outer.observation) is outer
        with inner:
            assert current_call(inner.observation) is inner
            assert current_call(outer.observation) is None  # it is another client's
        assert current_call(outer.observation) is outer
    assert current_call(outer.observation) is None


def test_a_call_that_is_closed_in_another_context_has_its_end_too():
    """As a coroutine that is thrown away, which the garbage collector closes wherever that runs."""
    told = Told()
    call = made(told)
    contextvars.copy_context().run(call.__enter__)
    call.__exit__(GeneratorExit, GeneratorExit(), None)
    assert told.lines() == ["call_began refresh", "call_cancelled"]


async def test_what_a_prompt_asks_of_another_client_is_told_to_that_ones_observer(scripted):
    mine, others = Told(), Told()

    class Word:
        name = "word"

        async def answer(self, challenge: object, prompt: object) -> str:
            await other.sign_in("bob", "hunter2", flow=AuthFlow.USER_PASSWORD_AUTH)
            await unobserved.sign_in("cid", "hunter2", flow=AuthFlow.USER_PASSWORD_AUTH)
            return "open sesame"

    async with scripted.serve(ASKED, *[TOKENS] * 3) as server:
        config = server.config()
        async with (
            AuthClient(config, challenges=[Word], observer=mine) as auth,
            AuthClient(config, observer=others) as other,
            AuthClient(config) as unobserved,
        ):
            await auth.sign_in("ada", flow=AuthFlow.CUSTOM_AUTH, prompt=ScriptedPrompt([]))
    sent = ["request_began InitiateAuth 1", "request_ended ok"]
    assert others.lines() == ["sign_in_began sign_in", *sent, "user_signed_in"]
    assert [each for each in mine.lines() if each.startswith("request")] == [
        *(*sent, "request_began RespondToAuthChallenge 1", "request_ended ok")
    ]


async def test_a_call_that_is_cancelled_between_two_tries_has_told_the_first_ones_end(
    scripted, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("authflow.client.transport._PAUSES", (1e6,))
    told = Told()
    async with (
        scripted.serve(scripted.error("TooManyRequestsException", "Rate exceeded")) as server,
        AuthClient(server.config(), observer=told) as auth,
    ):
        task = asyncio.ensure_future(auth.sign_in("ada", "hunter2"))
        while not isinstance(told.events[-1:] and told.events[-1], events.RequestEnded):
            await asyncio.sleep(0.001)
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
    assert told.lines() == [
        *("sign_in_began sign_in", "request_began InitiateAuth 1", "request_ended throttled"),
        "call_cancelled",
    ]


def test_an_interruption_as_it_begins_ends_it_and_lets_nobody_in():
    class Interrupted(Told):
        def observe(self, event: events.ClientEvent) -> None:
            super().observe(event)
            if isinstance(event, events.CallBegan):
                raise KeyboardInterrupt

    told, entered = Interrupted(), False
    call = made(told)
    with pytest.raises(KeyboardInterrupt), call:
        entered = True
    assert not entered
    assert current_call(call.observation) is None
    assert told.lines() == ["call_began refresh", "call_cancelled"]


async def test_a_user_is_known_by_the_name_that_was_told_last_and_not_forgotten():
    marks = await UserMarks.of(None, "pool")
    call = ObservedCall(call="x", observation=Observation(Told()), marks=marks, kinds=(), user="m")
    for told_name, mark in ((None, "m"), ("ada", marks.mark("ada")), ("", marks.mark("ada"))):
        call.named(told_name)
        assert call.user == mark


def challenge(name: str, attempt: int = 1, kind: str | None = None) -> Challenge:
    return Challenge(name=name, parameters={}, kind=kind, attempt=attempt)


def test_an_answer_is_refused_where_its_own_challenge_is_asked_once_more_and_nowhere_else():
    told = Told()
    with made(told) as call:
        call.asked(challenge("SMS_MFA", attempt=2))  # begun in another call: nothing to refuse
        for name, attempt in (("SMS_MFA", 3), ("EMAIL_OTP", 2), ("EMAIL_OTP", 1)):
            call.answered(challenge(name), by="caller")
            call.asked(challenge(name, attempt))
            call.asked(challenge(name, attempt))  # it was not answered meanwhile
    refused = [each for each in told.events if type(each) is events.AnswerRefused]
    assert [each.challenge for each in refused] == ["SMS_MFA"]


def test_what_the_client_proves_is_given_once_with_the_next_request():
    told = Told()
    with made(told) as call:
        call.sends()
        call.asked(challenge("SMS_MFA"))
        call.sends()
        call.asked(challenge("PASSWORD_VERIFIER"))
        call.sends()
        call.sends()
    given = [each for each in told.events if type(each) is events.AnswerGiven]
    assert [(each.challenge, each.by) for each in given] == [("PASSWORD_VERIFIER", "client")]
