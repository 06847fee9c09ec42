"""A policy at work: sign-ins event by event, as Cognito sends them."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authflow.errors import EventError
from authflow.triggers import (
    Triggers,
    any_of,
    challenge,
    k_of,
    optional,
    password,
)

LoadEvent = Callable[..., dict[str, Any]]


async def test_a_wrong_answer_is_asked_again_and_the_right_one_gives_tokens(
    triggers_of, cognito_side
):
    cognito = cognito_side(triggers_of(challenge("sum", attempts=2)))
    first = {"question": "2+3", "challenge": "sum", "attempt": "1", "attempts": "2"}
    assert await cognito.define() == first
    assert await cognito.answer("6") == {**first, "attempt": "2"}
    assert await cognito.answer("5") == "tokens"


async def test_the_last_wrong_answer_fails_the_sign_in(triggers_of, cognito_side):
    cognito = cognito_side(triggers_of(challenge("sum", attempts=2)))
    await cognito.define()
    await cognito.answer("6")
    assert await cognito.answer("7") == "failed"


async def test_the_password_comes_first_where_the_policy_wants_it(triggers_of, cognito_side):
    cognito = cognito_side(triggers_of(password(), challenge("sum")), srp=True)
    assert await cognito.define() == "PASSWORD_VERIFIER"
    asked = await cognito.prove_password()
    assert asked["attempt"] == "1"
    assert await cognito.answer("5") == "tokens"


async def test_a_client_that_leaves_the_password_out_fails(triggers_of, cognito_side):
    assert await cognito_side(triggers_of(password(), challenge("sum"))).define() == "failed"


async def test_a_password_alone_needs_no_plugin(cognito_side):
    cognito = cognito_side(Triggers(policy=password()), srp=True)
    await cognito.define()
    assert await cognito.prove_password() == "tokens"


async def test_each_step_is_verified_by_its_own_plugin_with_its_own_settings(
    triggers_of, cognito_side
):
    cognito = cognito_side(
        triggers_of(
            challenge("word", word="apple"),
            challenge("sum", left=20),
            challenge("word", word="pear"),
        )
    )
    assert (await cognito.define())["hint"] == "a"
    assert (await cognito.answer("apple"))["question"] == "20+3"
    assert (await cognito.answer("23"))["hint"] == "p"
    assert (await cognito.answer("apple"))["attempt"] == "2"
    assert await cognito.answer("pear") == "tokens"


@settings(max_examples=60)
@given(st.booleans(), st.lists(st.sampled_from(["5", "6"]), min_size=6, max_size=6))
async def test_an_unknown_user_sees_the_same_shape_and_never_tokens(
    triggers_of, cognito_side, srp: bool, answers: list[str]
):
    steps = [*([password()] if srp else []), challenge("sum"), challenge("sum", right=1)]
    hidden = cognito_side(triggers_of(*steps), srp=srp, user_not_found=True)
    known = cognito_side(triggers_of(*steps), srp=srp)
    seen, other = await known.define(), await hidden.define()
    if srp:
        seen, other = await known.prove_password(), await hidden.prove_password()
    while isinstance(seen, dict):
        assert seen == other
        answer = answers.pop()
        seen, other = await known.answer(answer), await hidden.answer(answer)
    assert other == "failed"


async def test_an_unknown_user_gets_no_tokens_even_after_a_history_that_passes(
    triggers_of, load_event: LoadEvent
):
    passed = [
        {
            "challengeName": "CUSTOM_CHALLENGE",
            "challengeResult": True,
            "challengeMetadata": "SUM_CHALLENGE",
        }
    ]
    triggers = triggers_of(challenge("sum"))
    known = await triggers.handle(load_event("define_first", session=passed))
    assert known["response"]["issueTokens"] is True
    hidden = await triggers.handle(load_event("define_first", session=passed, userNotFound=True))
    assert hidden["response"]["issueTokens"] is False
    assert hidden["response"]["failAuthentication"] is True


async def test_a_plugin_is_told_little_and_never_our_own_parameters(triggers_of, cognito_side):
    triggers = triggers_of(challenge("sum", attempts=2))
    plugin = triggers._flow.plugins.made["sum"]
    cognito = cognito_side(triggers)
    await cognito.define()
    await cognito.answer("canary-4")
    context = plugin.created[1]
    assert (context.username, context.user_attributes) == ("ada", {"email": "ada@example.com"})
    assert (context.attempt, context.attempts, context.user_not_found) == (2, 2, False)
    assert plugin.verified[0].private == {"answer": "5"}
    assert "canary-4" not in repr(plugin.verified)


async def test_the_answer_is_in_nothing_that_the_client_or_a_later_trigger_sees(
    triggers_of, cognito_side
):
    cognito = cognito_side(triggers_of(challenge("sum", left=481500, right=16)))
    await cognito.define()
    assert "481516" not in json.dumps(dict(cognito.created.public))
    assert cognito.created.metadata == "SUM_CHALLENGE"


async def test_define_is_pure(triggers_of, load_event: LoadEvent):
    triggers = triggers_of(any_of(challenge("sum"), challenge("word")), challenge("otp"))
    sessions = [
        [],
        [entry("AUTHFLOW_CHOICE", passed=True)],
        [entry("AUTHFLOW_CHOICE", passed=True), entry("SUM_CHALLENGE", passed=True)],
        [entry("SUM_CHALLENGE", passed=True)],
    ]
    replies: list[Any] = []
    for session in (*sessions, *reversed(sessions)):
        event = load_event("define_first", session=session)
        before = json.dumps(event)
        replies.append(await triggers.handle(event))
        assert json.dumps(event) == before
    assert replies == replies[::-1]


# --- choices -------------------------------------------------------------------------------------


def entry(metadata: str, *, passed: bool) -> dict[str, Any]:
    return {
        "challengeName": "CUSTOM_CHALLENGE",
        "challengeResult": passed,
        "challengeMetadata": metadata,
    }


def choice(*options: str) -> dict[str, str]:
    once = {"attempt": "1", "attempts": "1"}
    return {"challenge": "choice", "options": " ".join(options), **once}


async def test_a_choice_is_a_round_of_its_own(triggers_of, cognito_side):
    cognito = cognito_side(triggers_of(any_of(challenge("sum"), challenge("word"))))
    assert await cognito.define() == choice("sum", "word")
    assert cognito.created.metadata == "AUTHFLOW_CHOICE"
    assert (await cognito.answer(" word "))["challenge"] == "word"
    assert await cognito.answer("open") == "tokens"


@pytest.mark.parametrize("count", range(2, 7))
async def test_the_same_answer_chooses_an_option_of_many(triggers_of, count: int, cognito_side):
    for wanted in range(count):
        name = "sum" if wanted == 0 else f"sum#{wanted + 1}"
        steps = [challenge("sum", left=number) for number in range(count)]
        cognito = cognito_side(triggers_of(any_of(*steps)))
        asked = await cognito.define()
        open_before = count + 1
        while asked["challenge"] == "choice":
            options = asked["options"].split()
            assert name in options
            assert len(options) < open_before
            open_before = len(options)
            asked = await cognito.answer(name)
        assert asked["question"] == f"{wanted}+3"
        assert await cognito.answer(str(wanted + 3)) == "tokens"


async def test_some_of_several_are_passed_in_the_order_that_the_client_likes(
    triggers_of, cognito_side
):
    cognito = cognito_side(
        triggers_of(k_of(2, challenge("sum"), challenge("word"), challenge("otp", word="pear")))
    )
    assert await cognito.define() == choice("sum", "word", "otp")
    assert (await cognito.answer("otp"))["hint"] == "p"
    assert await cognito.answer("pear") == choice("sum", "word")
    assert (await cognito.answer("sum"))["question"] == "2+3"
    assert await cognito.answer("5") == "tokens"


@pytest.mark.parametrize("answer", ["", "otp", "choice", "SUM", "sum word", "5"])
async def test_an_answer_that_names_no_option_is_refused(triggers_of, answer: str, cognito_side):
    cognito = cognito_side(triggers_of(any_of(challenge("sum"), challenge("word"))))
    await cognito.define()
    with pytest.raises(EventError, match="one of: sum, word"):
        await cognito.answer(answer)


async def test_an_optional_step_is_skipped_passed_or_failed(triggers_of, cognito_side):
    triggers = triggers_of(optional(challenge("word", attempts=1)), challenge("sum"))
    for answers in (["skip"], ["word", "open"], ["word", "wrong"]):
        cognito = cognito_side(triggers)
        assert await cognito.define() == choice("word", "skip")
        for answer in answers:
            asked = await cognito.answer(answer)
        assert asked["question"] == "2+3"
        assert await cognito.answer("5") == "tokens"


async def test_beginning_with_srp_chooses_the_password(triggers_of, cognito_side):
    triggers = triggers_of(any_of(password(), challenge("word")), challenge("sum"))
    with_srp, without = cognito_side(triggers, srp=True), cognito_side(triggers)
    assert await with_srp.define() == "PASSWORD_VERIFIER"
    assert (await with_srp.prove_password())["challenge"] == "sum"
    assert (await without.define())["challenge"] == "word"
    assert (await without.answer("open"))["challenge"] == "sum"
