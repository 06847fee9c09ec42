"""Every single mistake in a policy's table is found by its exploration."""

import logging
from collections.abc import Iterator

import anyio
import pytest
from attrs import evolve
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from authflow.triggers import (
    Owed,
    Policy,
    any_of,
    attribute,
    challenge,
    client_metadata,
    in_group,
    k_of,
    optional,
    password,
    sequence,
    when,
)
from authflow.triggers.policies.steps import ChallengeStep
from authflow.triggers.policies.table import FAILED, PASSED
from authflow.triggers.policies.user_kinds import user_kinds
from tests.triggers.policies.exploration import explore

Mistake = tuple[str, str, str]
"""A state, an event, and where it leads by mistake."""

SUM, WORD = challenge("sum", attempts=2), challenge("word", attempts=1)
OTP = challenge("otp", attempts=1)

FLAWLESS = {
    "password": Policy(sequence(password(), SUM)),
    "one kind twice": Policy(sequence(SUM, challenge("sum", attempts=1))),
    "choice": Policy(any_of(SUM, OTP)),
    "optional": Policy(sequence(optional(WORD), OTP)),
    "group": Policy(sequence(when(in_group("staff"), OTP), WORD)),
    "told": Policy(sequence(WORD, when(client_metadata("device"), OTP))),
    "password or else": Policy(any_of(password(), SUM)),
    "optional password": Policy(sequence(optional(password()), WORD)),
    "rounds": Policy(sequence(SUM, challenge("word", attempts=2)), rounds=3),
}


def with_mistake(policy: Policy, mistake: Mistake) -> Policy:
    state, event, follower = mistake
    table = {name: dict(followers) for name, followers in policy.table.items()}
    table[state][event] = follower
    wrong = evolve(policy, step=policy.step, rounds=policy.rounds)
    object.__setattr__(wrong, "_compiled", evolve(policy._compiled, table=table))
    return wrong


def leads_to(policy: Policy, start: str, end: str, *, without_a_round: bool) -> bool:
    if start == end:
        return True
    if without_a_round and start in policy.owed:
        return False
    followers = policy.table.get(start, {}).values()
    return any(leads_to(policy, each, end, without_a_round=without_a_round) for each in followers)


def mistakes(policy: Policy) -> Iterator[Mistake]:
    limited = policy.is_limited
    for state, followers in policy.table.items():
        for event, right in followers.items():
            for follower in (*policy.owed, *policy._compiled.conditions, PASSED, FAILED):
                # Where rounds are counted out, and where none is taken, a loop has no end at all.
                counted = state in policy._compiled.conditions or limited
                looped = counted and leads_to(policy, follower, state, without_a_round=not limited)
                if follower != right and not looped:
                    yield state, event, follower


@pytest.fixture(scope="module", autouse=True)
def quiet() -> Iterator[None]:
    """Keep the log of some hundred thousand refused sessions out of pytest's."""
    log = logging.getLogger("authflow.triggers")
    log.disabled = True
    yield
    log.disabled = False


@pytest.fixture(scope="session")
def replies_alike(standing):
    """Gives a function: whether two policies answer every session alike, for every kind of user."""

    def told(policy, letters, facts):
        found = standing(policy, letters, facts)
        if not isinstance(found, Owed):
            return type(found).__name__
        return found.step.name if isinstance(found.step, ChallengeStep) else type(found.step)

    letter = {"sum": "A", "word": "B", "otp": "O", "PasswordStep": "P", "ChoiceRound": "C"}

    def alike(one, other, letters, facts):
        found = told(one, letters, facts)
        if found != told(other, letters, facts):
            return False
        if found in ("Passed", "Failed"):
            return True
        right = letter.get(getattr(found, "__name__", found), "K")
        return all(alike(one, other, letters + each, facts) for each in (right, right.lower()))

    def for_everybody(one, other):
        kinds = user_kinds(step.condition for step in one.conditions)
        return all(alike(one, other, begin, kind.facts) for kind in kinds for begin in ("", "S"))

    return for_everybody


@pytest.mark.parametrize(
    ("name", "mistake"),
    [(name, mistake) for name, policy in FLAWLESS.items() for mistake in mistakes(policy)],
)
def test_every_single_mistake_in_a_table_is_found(name, mistake, replies_alike):
    wrong = with_mistake(FLAWLESS[name], mistake)
    # A mistake that shows in no reply to any session is none.
    assert anyio.run(explore, wrong).holds == replies_alike(FLAWLESS[name], wrong)


@pytest.mark.parametrize("name", FLAWLESS)
def test_nothing_is_found_where_there_is_no_mistake(name):
    assert anyio.run(explore, FLAWLESS[name]).holds


MANY = {
    "attribute": Policy(sequence(WORD, when(attribute("tier", "gold"), OTP))),
    "password for some": Policy(sequence(when(in_group("staff"), password()), WORD)),
    "rounds and a choice": Policy(sequence(optional(SUM), WORD), rounds=3),
    "sequence": Policy(sequence(password(), SUM, OTP)),
    "optional sequence": Policy(sequence(WORD, optional(sequence(OTP, SUM)))),
    "password among others": Policy(k_of(2, WORD, password(), OTP)),
    "one of three": Policy(any_of(SUM, OTP, WORD)),
    "two of three": Policy(k_of(2, challenge("sum", attempts=1), OTP, WORD)),
    "choice in choice": Policy(any_of(sequence(password(), any_of(SUM, WORD)), OTP)),
}


@settings(max_examples=30)
@given(st.data())
def test_a_mistake_among_very_many_is_found(replies_alike, data: st.DataObject):
    policy = MANY[data.draw(st.sampled_from(sorted(MANY)))]
    wrong = with_mistake(policy, data.draw(st.sampled_from(list(mistakes(policy)))))
    assert anyio.run(explore, wrong).holds == replies_alike(policy, wrong)


@settings(max_examples=12)
@given(st.data())
def test_a_mistake_in_any_policy_is_found(policies, replies_alike, data: st.DataObject):
    policy = data.draw(policies)
    kinds = user_kinds(step.condition for step in policy.conditions)
    assume(len(policy.table) * len(kinds) <= 16)
    wrong = with_mistake(policy, data.draw(st.sampled_from(list(mistakes(policy)))))
    assert anyio.run(explore, wrong).holds == replies_alike(policy, wrong)
