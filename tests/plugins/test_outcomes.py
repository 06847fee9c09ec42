"""What a plugin's verdict makes of a sign-in, and what a plugin that hangs makes of it."""

import logging

import anyio
import pytest

from authflow.errors import DeniedError, PluginFailedError, PluginLoadError
from authflow.keys.key_ring import KeyRing
from authflow.triggers import (
    Limits,
    MemoryStore,
    Outcome,
    Triggers,
    challenge,
    optional,
    sequence,
)
from authflow.triggers.addressees import addressee


def plugin(word, verdict, **more):
    class Judging(word):
        async def verify(self, context):
            return await verdict(context) if callable(verdict) else verdict

    for name, value in more.items():
        setattr(Judging, name, value)
    return Judging


def verify_event(private):
    return {
        "version": "1",
        "triggerSource": "VerifyAuthChallengeResponse_Authentication",
        "region": "eu-central-1",
        "userPoolId": "eu-central-1_Abc123def",
        "userName": "ada",
        "callerContext": {"awsSdkVersion": "any", "clientId": "client"},
        "request": {
            "userAttributes": {"sub": "x"},
            "privateChallengeParameters": private,
            "challengeAnswer": "canary-answer",
        },
        "response": {"answerCorrect": None},
    }


async def verdict_of(triggers, private=None):
    private = private or {"authflow.round": "word 1/3", "answer": "x"}
    filled = await triggers.handle(verify_event(private))
    return filled["response"]["answerCorrect"]


@pytest.mark.parametrize(
    ("outcome", "correct"),
    [
        (True, True),
        (False, False),
        (Outcome.passed(), True),
        (Outcome.retry("it was late"), False),
    ],
)
async def test_a_verdict_is_a_bool_or_an_outcome(word, outcome, correct, caplog):
    caplog.set_level(logging.INFO)
    triggers = Triggers(policy=challenge("word"), challenges=[plugin(word, outcome)])
    assert await verdict_of(triggers) is correct
    assert ("it was late" in caplog.text) == (outcome == Outcome.retry("it was late"))


async def test_a_failure_ends_the_sign_in_and_its_reason_stays_inside(word, caplog):
    caplog.set_level(logging.INFO)
    triggers = Triggers(
        policy=challenge("word"), challenges=[plugin(word, Outcome.failed("a bot"))]
    )
    with pytest.raises(DeniedError) as denied:
        await verdict_of(triggers)
    assert "bot" not in str(denied.value)
    assert "a bot" in caplog.text


async def test_only_an_optional_challenge_can_be_skipped(word):
    judging = plugin(word, Outcome.skipped("not enrolled"))
    required = Triggers(policy=challenge("word"), challenges=[judging])
    with pytest.raises(PluginFailedError):
        await verdict_of(required)
    step = sequence(challenge("word"), optional(challenge("word")))
    either = Triggers(policy=step, challenges=[judging])
    assert await verdict_of(either, {"authflow.round": "word#2 1/3", "answer": "x"}) is True
    with pytest.raises(PluginFailedError):
        await verdict_of(either)


@pytest.mark.parametrize("junk", [None, 1, "yes", [], object()])
async def test_what_is_no_verdict_is_the_plugins_failure(word, junk, caplog):
    triggers = Triggers(policy=challenge("word"), challenges=[plugin(word, junk)])
    with pytest.raises(PluginFailedError):
        await verdict_of(triggers)
    assert f"of {__name__} failed" in caplog.text


async def test_a_plugin_that_hangs_is_cut_off_and_named(word, caplog):
    async def hang(_context):
        await anyio.sleep_forever()

    triggers = Triggers(policy=challenge("word"), challenges=[plugin(word, hang)])
    triggers._flow.plugins.timeout = 0.05
    with pytest.raises(PluginFailedError):
        await verdict_of(triggers)
    assert "took longer than 0.05 s" in caplog.text
    assert __name__ in caplog.text


async def test_what_is_used_once_is_used_by_one_answer(word):
    async def step_of_totp(context):
        return await context.claim("step", "42", seconds=60)

    ring = KeyRing.generate()
    limits = Limits(store=MemoryStore(), keys=ring)
    triggers = Triggers(
        policy=challenge("word"), challenges=[plugin(word, step_of_totp)], limits=limits
    )
    mine = {
        "authflow.round": "word 1/3",
        "authflow.issue": "i",
        "authflow.turn": "1",
        "authflow.whose": addressee(ring, "eu-central-1_Abc123def", {"sub": "x"}, ()),
        "authflow.drawn": "d",
    }
    assert [await verdict_of(triggers, mine) for _ in range(3)] == [True] * 3
    other = {**mine, "authflow.issue": "j", "authflow.turn": "2"}
    assert await verdict_of(triggers, other) is False


async def test_without_limits_nothing_can_be_used_once(word):
    async def step_of_totp(context):
        return await context.claim("step", seconds=60)

    triggers = Triggers(policy=challenge("word"), challenges=[plugin(word, step_of_totp)])
    with pytest.raises(PluginFailedError):
        await verdict_of(triggers)


@pytest.mark.parametrize("need", ["coffee", "clock"])
def test_a_need_that_nobody_knows_is_an_error(word, need):
    needy = plugin(word, True, needs=("limits", need))
    with pytest.raises(PluginLoadError, match=need):
        Triggers(
            policy=challenge("word"),
            challenges=[needy],
            limits=Limits(store=MemoryStore(), keys=KeyRing.generate()),
        )
