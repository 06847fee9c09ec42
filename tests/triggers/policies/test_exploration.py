"""The exploration of policies: what compiles is right, and what is made wrong is shown."""

from collections.abc import Iterable
from typing import Any

import anyio
import pytest
from attrs import evolve
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from authflow.triggers import (
    Owed,
    Passed,
    Policy,
    SessionEntry,
    Step,
    Triggers,
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
from authflow.triggers.check.define_paths import SRP_A, CheckVerdict, DefineDecision, Finding
from authflow.triggers.custom_flow import CustomFlow
from authflow.triggers.policies import policy as policy_module
from authflow.triggers.policies.user_kinds import user_kinds
from tests.triggers.policies.exploration import explore

PROVED = SessionEntry(challenge_name="PASSWORD_VERIFIER", challenge_result=True)
TOKENS, ROUNDS, WAYS_OUT, ATTEMPTS, FOREIGN, UNKNOWN = range(6)
WORD = challenge("word")
GOLD, STAFF = attribute("tier", "gold"), in_group("staff")


def answer(metadata: str | None, *, passed: bool) -> SessionEntry:
    return SessionEntry(
        challenge_name="CUSTOM_CHALLENGE", challenge_result=passed, challenge_metadata=metadata
    )


def verdict_on(subject: Step | Policy | Triggers) -> CheckVerdict:
    return anyio.run(explore, subject)


def broken(verdict: CheckVerdict) -> list[str]:
    return [finding.name for finding in verdict.findings if not finding.holds]


def finding_on(subject: Step | Policy | Triggers, number: int) -> Finding:
    found = verdict_on(subject).findings[number]
    assert not found.holds
    return found


def with_transition(step: Step, state: str, event: str, follower: str) -> Policy:
    """Make a mistake in a policy's table."""
    policy = Policy(step)
    table = {name: dict(followers) for name, followers in policy.table.items()}
    table[state][event] = follower
    object.__setattr__(policy, "_compiled", evolve(policy._compiled, table=table))
    return policy


@settings(max_examples=12)
@given(st.data())
def test_every_policy_that_can_be_built_is_right(policies, data: st.DataObject):
    policy = data.draw(policies)
    kinds = user_kinds(step.condition for step in policy.conditions)
    assume(len(policy.table) * len(kinds) <= 24)
    verdict = verdict_on(policy)
    assert broken(verdict) == []
    assert len(verdict.findings) == 6


@pytest.mark.parametrize(
    "subject",
    [
        password(),
        k_of(2, challenge("word", attempts=1), challenge("otp", attempts=1), password()),
        sequence(optional(sequence(password(), WORD)), challenge("otp", attempts=1)),
        sequence(when(STAFF, password()), when(~STAFF, WORD, unknown=True), WORD),
        Policy(sequence(optional(WORD), challenge("otp", attempts=2)), rounds=3),
        sequence(WORD, when(client_metadata("device"), when(GOLD, challenge("otp", attempts=1)))),
    ],
)
def test_policies_of_each_kind_are_right(subject: Step | Policy):
    assert broken(verdict_on(subject)) == []


def test_every_challenge_a_user_can_get_is_explored():
    asked: list[tuple[SessionEntry, ...]] = []
    replay = Policy.replay

    def noted(self: Policy, session: Iterable[SessionEntry], *known: Any) -> Any:
        entries = tuple(session)
        standing = replay(self, entries, *known)
        if isinstance(standing, Owed):
            asked.append(entries)
        return standing

    step = sequence(password(), challenge("word", attempts=2), challenge("otp", attempts=3))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Policy, "replay", noted)
        verdict_on(step)
    failed_word, failed_otp = answer("word", passed=False), answer("otp", passed=False)
    start, word_passed = (SRP_A, PROVED), answer("word", passed=True)
    for session in (
        (SRP_A,),
        start,
        (*start, failed_word),
        (*start, word_passed),
        (*start, word_passed, failed_otp),
        (*start, word_passed, failed_otp, failed_otp),
    ):
        assert session in asked


def test_a_challenge_that_can_be_skipped_is_shown_by_the_shortest_path():
    step = sequence(challenge("word", attempts=2), challenge("otp", attempts=1))
    found = finding_on(with_transition(step, "word 1/2", "failed", "otp 1/1"), TOKENS)
    assert found.path is not None
    assert found.path.session == (answer("word", passed=False), answer("otp", passed=True))
    assert found.path.reply.decision is DefineDecision.TOKENS


def test_a_wrong_password_that_counts_as_right_is_shown():
    found = finding_on(with_transition(password(), "password", "failed", "passed"), TOKENS)
    assert found.path is not None
    assert [entry.challenge_result for entry in found.path.session] == [True, False]


def test_a_loop_is_shown_as_a_path_that_is_too_long_and_as_too_many_attempts():
    policy = with_transition(challenge("word", attempts=2), "word 2/2", "failed", "word 2/2")
    failed = answer("word", passed=False)
    found = finding_on(policy, ROUNDS)
    assert found.path is not None
    assert found.path.session == (failed, failed)
    assert found.path.reply.decision is DefineDecision.CUSTOM_CHALLENGE
    explanation = finding_on(policy, ATTEMPTS).explanation
    assert explanation == "it goes on after 2 of 2 wrong answers to word"


def test_an_attempt_that_is_not_granted_is_shown():
    found = finding_on(with_transition(WORD, "word 2/3", "failed", "failed"), ATTEMPTS)
    assert found.explanation == "it ends, and attempt 3 of 3 at word is owed"


def test_a_state_that_only_fails_has_no_way_out():
    found = finding_on(with_transition(WORD, "word 3/3", "passed", "failed"), WAYS_OUT)
    assert found.path is not None
    assert found.path.session == (answer("word", passed=False),) * 2


def test_a_choice_that_leads_to_another_option_is_shown_at_its_next_round():
    step = any_of(WORD, challenge("otp"))
    policy = with_transition(step, "choose 1 of word, otp", "failed", "word 1/3")
    found = finding_on(policy, FOREIGN)
    assert found.path is not None
    assert found.path.session[0] == answer("AUTHFLOW_CHOICE", passed=False)
    assert found.path.session[1].challenge_metadata == "word"


def test_a_condition_that_is_not_minded_is_shown_for_the_users_it_holds_for():
    step = sequence(WORD, when(GOLD & ~STAFF, challenge("otp")))
    state = "whether (attribute tier is gold and not in group staff)"
    found = finding_on(with_transition(step, state, "held", "passed"), TOKENS)
    assert found.path is not None
    assert found.path.who == "a user whose tier is gold and not in group staff"
    assert found.path.session == (answer("word", passed=True),)


def test_a_define_that_counts_rounds_by_their_number_is_shown(monkeypatch):
    def count(self: Policy, session: Iterable[SessionEntry], *_known: Any) -> Any:
        return Passed() if len(tuple(session)) == 1 else Owed(self.challenges[0])

    monkeypatch.setattr(Policy, "replay", count)
    found = finding_on(WORD, TOKENS)
    assert found.path is not None
    assert found.path.session == (SRP_A,)


def test_a_define_that_takes_any_challenge_for_the_one_that_is_owed_is_shown(monkeypatch):
    monkeypatch.setattr(policy_module, "_is_round", lambda *_: True)
    step = sequence(WORD, challenge("otp"))
    found = finding_on(step, TOKENS)
    assert found.path is not None
    assert len(found.path.session) == 2
    stray = finding_on(step, FOREIGN)
    assert stray.explanation == "its last round is not the one that was owed"


def test_a_define_that_never_issues_tokens_is_shown(monkeypatch):
    async def refuse(_flow: CustomFlow, event: Any) -> Any:
        return event.fail_authentication()

    monkeypatch.setattr(CustomFlow, "define", refuse)
    found = finding_on(WORD, WAYS_OUT)
    assert found.explanation == "all was passed, and no tokens are issued"
    assert found.path is not None
    assert found.path.session == (answer("word", passed=True),)
