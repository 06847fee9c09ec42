"""Conditions of a policy at work: client metadata, attributes and groups."""

import asyncio
from collections.abc import Callable, Iterable
from itertools import product
from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authflow.errors import ConfigError, StateError
from authflow.triggers import (
    any_of,
    attribute,
    challenge,
    client_metadata,
    in_group,
    optional,
    when,
)

LoadEvent = Callable[..., dict[str, Any]]


def entry(metadata: str, *, passed: bool) -> dict[str, Any]:
    return {
        "challengeName": "CUSTOM_CHALLENGE",
        "challengeResult": passed,
        "challengeMetadata": metadata,
    }


# --- conditions ----------------------------------------------------------------------------------

PHONE = client_metadata("device", "phone") & ~client_metadata("trusted")


@pytest.mark.parametrize(
    ("told", "then"),
    [
        ({"device": "phone"}, "sum"),
        ({"device": "desk"}, None),
        ({"device": "phone", "trusted": "yes"}, None),
        ({}, None),
    ],
)
@pytest.mark.parametrize("answer", ["", "anything", "phone"])
async def test_client_metadata_is_told_in_a_round_of_its_own(
    triggers_of, told, then, answer, cognito_side
):
    cognito = cognito_side(triggers_of(challenge("word"), when(PHONE, challenge("sum"))))
    await cognito.define()
    # What is told along with another answer, here `device`, counts for nothing.
    asked = await cognito.answer("open", device="phone")
    wanted = {"challenge": "condition", "wanted": "device trusted"}
    assert asked == {**wanted, "attempt": "1", "attempts": "1"}
    assert cognito.created.metadata == "AUTHFLOW_CONDITION"
    asked = await cognito.answer(answer, **told)
    assert (asked["challenge"] if then else asked) == (then or "tokens")


async def test_a_change_of_the_user_during_a_sign_in_fails_it(triggers_of, load_event: LoadEvent):
    triggers = triggers_of(
        challenge("word"), when(attribute("tier", "gold"), challenge("sum")), challenge("otp")
    )
    session = [entry("WORD_CHALLENGE", passed=True), entry("SUM_CHALLENGE", passed=True)]
    for attributes, fails in (({"tier": "gold"}, False), ({"tier": "lead"}, True), (None, True)):
        event = load_event("define_first", session=session, userAttributes=attributes)
        reply = (await triggers.handle(event))["response"]
        assert reply["failAuthentication"] is fails


OTHERS = [
    (challenge("sum", attempts=2), challenge("sum", attempts=3), True),
    (challenge("sum", attempts=2), challenge("sum", attempts=2), True),
    (
        any_of(challenge("sum"), challenge("word")),
        any_of(challenge("word"), challenge("sum")),
        None,
    ),
    (
        when(client_metadata("a"), challenge("sum"), otherwise=challenge("word")),
        when(client_metadata("b"), challenge("sum"), otherwise=challenge("word")),
        None,
    ),
]


@pytest.mark.parametrize("steps", OTHERS)
@pytest.mark.parametrize(("before", "passed"), list(product(("gold", "lead"), (True, False))))
async def test_a_round_counts_for_no_other_step_of_its_kind(
    triggers_of, load_event: LoadEvent, steps, before, passed
):
    gold, lead, ends = steps
    triggers = triggers_of(when(attribute("tier", "gold"), gold, otherwise=lead))
    event = load_event("create_first", session=[], userAttributes={"tier": before})
    metadata = (await triggers.handle(event))["response"]["challengeMetadata"]
    session = [entry(metadata, passed=passed)]
    for tier in ("gold", "lead"):
        event = load_event("define_first", session=session, userAttributes={"tier": tier})
        reply = (await triggers.handle(event))["response"]
        assert reply["failAuthentication"] is (tier != before)
        assert reply["issueTokens"] is bool(ends and passed and tier == before)
    # Triggers that numbered no steps wrote the kind alone: their sign-ins go on.
    old = [entry(metadata.partition("#")[0], passed=passed)]
    event = load_event("define_first", session=old, userAttributes={"tier": before})
    reply = (await triggers.handle(event))["response"]
    assert reply["failAuthentication"] is False


async def test_a_step_that_is_the_only_one_of_its_kind_has_no_number(
    triggers_of, load_event: LoadEvent
):
    triggers = triggers_of(when(attribute("tier"), challenge("sum"), otherwise=challenge("word")))
    reply = await triggers.handle(load_event("create_first", session=[]))
    assert "#" not in reply["response"]["challengeMetadata"]
    # Numbers of a policy that had several are not those of this one, but the first.
    for number, fails in (("1", False), ("2", True), ("", True)):
        session = [entry(f"WORD_CHALLENGE#of.{number}", passed=True)]
        event = load_event("define_first", session=session)
        reply = await triggers.handle(event)
        assert reply["response"]["failAuthentication"] is fails


ALL_ROUNDS = [
    when(attribute("tier", "gold"), optional(challenge("otp", attempts=2)), unknown=True),
    when(PHONE, optional(challenge("word", attempts=1))),
    any_of(challenge("sum"), challenge("word"), challenge("otp")),
]
RIGHT = {"sum": "5", "word": "open", "otp": "open"}


@settings(max_examples=60)
@given(
    st.lists(st.integers(0, 2), min_size=9, max_size=9),
    st.lists(st.booleans(), min_size=20, max_size=20),
    st.sampled_from([{}, {"device": "phone"}]),
)
async def test_an_unknown_user_sees_what_a_known_one_sees_but_the_tokens(
    triggers_of, cognito_side, picks: list[int], guessed: list[bool], told: dict[str, str]
):
    triggers = triggers_of(*ALL_ROUNDS)
    known = cognito_side(triggers, attributes={"tier": "gold"})
    hidden = cognito_side(triggers, user_not_found=True)
    seen = await known.define()
    assert seen == await hidden.define()
    while isinstance(seen, dict):
        if seen["challenge"] == "choice":
            options = seen["options"].split()
            answer = options[picks.pop() % len(options)]
        else:
            answer = RIGHT.get(seen["challenge"], "") if guessed.pop() else "wrong"
        seen, other = await known.answer(answer, **told), await hidden.answer(answer, **told)
        assert other == ("failed" if seen == "tokens" else seen)


async def test_an_unknown_user_is_asked_about_client_metadata_alike(triggers_of, cognito_side):
    triggers = triggers_of(when(PHONE, challenge("word")), challenge("sum"))
    for told, then in (({"device": "phone"}, "word"), ({}, "sum")):
        for user_not_found in (False, True):
            cognito = cognito_side(triggers, user_not_found=user_not_found)
            assert (await cognito.define())["challenge"] == "condition"
            assert (await cognito.answer("", **told))["challenge"] == then


# --- groups --------------------------------------------------------------------------------------


class Lookup:
    """Tells groups, and remembers who asked."""

    def __init__(self, *groups: str) -> None:
        self.groups, self.asked = groups, []

    async def __call__(self, user_pool_id: str, username: str) -> Iterable[str]:
        self.asked.append((user_pool_id, username))
        return self.groups


async def test_groups_are_looked_up_once_for_each_event_that_needs_them(triggers_of, cognito_side):
    lookup = Lookup("ops", "staff")
    condition = in_group("staff") & ~in_group("guests")
    triggers = triggers_of(challenge("sum"), when(condition, challenge("word")), groups=lookup)
    cognito = cognito_side(triggers)
    await cognito.define()
    assert lookup.asked == [("eu-central-1_EXAMPLE01", "ada")] * 2  # Define and Create
    assert (await cognito.answer("5"))["challenge"] == "word"
    assert len(lookup.asked) == 4  # Verify does not need them
    assert await cognito.answer("open") == "tokens"
    assert len(lookup.asked) == 5


async def test_groups_that_are_one_text_are_refused(triggers_of, load_event: LoadEvent):
    async def lookup(_user_pool_id: str, _username: str) -> str:
        return "staff"

    triggers = triggers_of(challenge("sum"), when(in_group("s"), challenge("word")), groups=lookup)
    with pytest.raises(StateError, match="groups"):
        await triggers.handle(load_event("define_first"))


async def test_groups_that_no_condition_asks_for_are_not_looked_up(triggers_of, cognito_side):
    lookup = Lookup("staff")
    step = when(attribute("tier"), challenge("word"))
    cognito = cognito_side(triggers_of(challenge("sum"), step, groups=lookup))
    await cognito.define()
    assert await cognito.answer("5") == "tokens"
    assert lookup.asked == []


@pytest.mark.parametrize(
    "told", [RuntimeError("canary-8"), asyncio.CancelledError("canary-8"), None, 7, [["staff"]]]
)
async def test_groups_that_cannot_be_told_fail_closed(triggers_of, load_event, caplog, told: Any):
    async def lookup(_user_pool_id: str, _username: str) -> Any:
        if isinstance(told, BaseException):
            raise told
        return told

    steps = [challenge("sum"), when(in_group("staff"), challenge("word"))]
    triggers = triggers_of(*steps, groups=lookup)
    for name in ("define_first", "create_first"):
        with pytest.raises(StateError, match=r"^the user's groups cannot be told now$"):
            await triggers.handle(load_event(name))
    assert "groups" in caplog.text
    assert "canary-8" not in caplog.text


async def test_groups_are_told_in_time_or_not_at_all(triggers_of, load_event, monkeypatch):
    async def lookup(_user_pool_id: str, _username: str) -> Any:
        await anyio.sleep_forever()

    monkeypatch.setattr("authflow.triggers.custom_flow.GROUPS_TIMEOUT", 0.01)
    steps = [challenge("sum"), when(in_group("staff"), challenge("word"))]
    with anyio.fail_after(2), pytest.raises(StateError, match="groups cannot be told now"):
        await triggers_of(*steps, groups=lookup).handle(load_event("define_first"))


async def test_a_mistake_in_the_settings_of_who_tells_groups_is_not_waited_for(
    triggers_of, load_event
):
    async def lookup(_user_pool_id: str, _username: str) -> Any:
        raise ConfigError("canary-8")

    steps = [challenge("sum"), when(in_group("staff"), challenge("word"))]
    with pytest.raises(ConfigError, match=r"^the user's groups cannot be told$"):
        await triggers_of(*steps, groups=lookup).handle(load_event("define_first"))


def _told_at_once(_user_pool_id: str, _username: str) -> list[str]:
    return ["staff"]


@pytest.mark.parametrize("groups", ["x", ["g"], {"g"}, 5, b"g", _told_at_once])
@pytest.mark.parametrize("asks", [True, False])
def test_who_tells_groups_is_an_async_function(triggers_of, groups: Any, asks: bool):
    step = when(in_group("staff") if asks else attribute("tier"), challenge("word"))
    with pytest.raises(ConfigError, match="groups= is an async function"):
        triggers_of(challenge("sum"), step, groups=groups)


def test_a_policy_that_asks_for_groups_needs_somebody_who_tells_them(triggers_of):
    step = when(attribute("tier") & ~in_group("staff"), challenge("word"))
    with pytest.raises(ConfigError, match=r"Triggers\(groups=\.\.\.\)"):
        triggers_of(challenge("sum"), step)
