"""The proof of a policy: right ones are proved, and every single mistake in a table is found."""

import re
from collections.abc import Iterable
from itertools import product
from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authflow.errors import ConfigError, PluginNotFoundError
from authflow.triggers import (
    Owed,
    Passed,
    PasswordStep,
    Policy,
    SessionEntry,
    Triggers,
    challenge,
    password,
    sequence,
)
from authflow.triggers.define_paths import COGNITOS_OWN, Decision, Finding, Verdict
from authflow.triggers.policy import BEGIN, FAILED
from authflow.triggers.proof import Progress, Requirement, prove

PROVED = SessionEntry(challenge_name="PASSWORD_VERIFIER", challenge_result=True)
BEGUN = SessionEntry(challenge_name="SRP_A", challenge_result=True)
TOKENS, ROUNDS, WAYS_OUT, ATTEMPTS, UNKNOWN = range(5)


def answer(metadata: str | None, *, passed: bool) -> SessionEntry:
    return SessionEntry(
        challenge_name="CUSTOM_CHALLENGE", challenge_result=passed, challenge_metadata=metadata
    )


def verdict_on(subject: Policy | Triggers) -> Verdict:
    return anyio.run(prove, subject)


def broken(verdict: Verdict) -> list[str]:
    return [finding.name for finding in verdict.findings if not finding.holds]


def finding_on(subject: Policy | Triggers, number: int) -> Finding:
    found = verdict_on(subject).findings[number]
    assert not found.holds
    return found


def with_transition(policy: Policy, state: str, event: str, follower: str) -> Policy:
    """Make a mistake in a policy's table."""
    table = {name: dict(followers) for name, followers in policy.table.items()}
    table[state][event] = follower
    object.__setattr__(policy, "table", table)
    object.__setattr__(policy, "_machine", policy._put_on_a_machine())
    return policy


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    first = [password()] if draw(st.booleans()) else []
    step = st.builds(challenge, st.sampled_from(["captcha", "otp"]), attempts=st.integers(1, 4))
    steps = draw(st.lists(step, min_size=1 - len(first), max_size=3))
    return sequence(*first, *steps)


@settings(max_examples=30)
@given(policies())
def test_every_policy_that_can_be_built_is_proved(policy):
    verdict = verdict_on(policy)
    assert broken(verdict) == []
    assert len(verdict.findings) == 5


def test_triggers_are_proved_with_their_own_plugins_for_the_pool_that_they_serve(word):
    triggers = Triggers(
        policy=sequence(password(), challenge("word", attempts=2)),
        challenges=[word],
        user_pool_id="eu-west-1_Mine",
        client_ids={"mine"},
    )
    assert verdict_on(triggers).holds


def test_every_challenge_a_user_can_get_is_explored():
    asked: list[tuple[SessionEntry, ...]] = []
    replay = Policy.replay

    def noted(self: Policy, session: Iterable[SessionEntry], metadata: Any) -> Any:
        entries = tuple(session)
        standing = replay(self, entries, metadata)
        if isinstance(standing, Owed):
            asked.append(entries)
        return standing

    policy = sequence(password(), challenge("word", attempts=2), challenge("otp", attempts=3))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Policy, "replay", noted)
        verdict_on(policy)
    failed_word, failed_otp = answer("word", passed=False), answer("otp", passed=False)
    start, word_passed = (BEGUN, PROVED), answer("word", passed=True)
    for session in (
        (BEGUN,),
        start,
        (*start, failed_word),
        (*start, word_passed),
        (*start, word_passed, failed_otp),
        (*start, word_passed, failed_otp, failed_otp),
    ):
        assert session in asked


FLAWLESS = {
    "password": lambda: sequence(
        password(), challenge("word", attempts=2), challenge("otp", attempts=1)
    ),
    "no password": lambda: sequence(challenge("word", attempts=2), challenge("word", attempts=1)),
}


def mistakes() -> list[tuple[str, str, str, str]]:
    found = []
    for name, build in FLAWLESS.items():
        table = build().table
        for state, event, follower in product(
            table, ("passed", "failed"), (*table, "passed", "failed")
        ):
            right = table[state][event]
            # To wait for SRP once the session has begun is to fail: nobody sees a difference.
            same = {right, BEGIN} if right == FAILED else {right}
            if follower not in same:
                found.append((name, state, event, follower))
    return found


@pytest.mark.parametrize(("name", "state", "event", "follower"), mistakes())
def test_every_single_mistake_in_a_table_is_found(name, state, event, follower):
    policy = with_transition(FLAWLESS[name](), state, event, follower)
    assert broken(verdict_on(policy))


def test_a_challenge_that_can_be_skipped_is_shown_by_the_shortest_path():
    policy = sequence(challenge("word", attempts=2), challenge("otp", attempts=1))
    found = finding_on(with_transition(policy, "word 1/2", "failed", "otp 1/1"), TOKENS)
    assert found.path is not None
    assert found.path.session == (answer("word", passed=False), answer("otp", passed=True))
    assert found.path.reply.decision is Decision.TOKENS


def test_a_wrong_password_that_counts_as_right_is_shown():
    policy = with_transition(sequence(password()), "password", "failed", "passed")
    found = finding_on(policy, TOKENS)
    assert found.path is not None
    assert [entry.challenge_result for entry in found.path.session] == [True, False]


def test_a_loop_is_shown_as_a_path_that_is_too_long_and_as_too_many_attempts():
    policy = sequence(challenge("word", attempts=2))
    policy = with_transition(policy, "word 2/2", "failed", "word 2/2")
    failed = answer("word", passed=False)
    found = finding_on(policy, ROUNDS)
    assert found.path is not None
    assert found.path.session == (failed, failed)
    assert found.path.reply.decision is Decision.CUSTOM_CHALLENGE
    assert finding_on(policy, ATTEMPTS).explanation == "it goes on after 2 of 2 wrong answers"


def test_an_attempt_that_is_not_granted_is_shown():
    policy = with_transition(sequence(challenge("word")), "word 2/3", "failed", "failed")
    found = finding_on(policy, ATTEMPTS)
    assert found.explanation == "it ends after 2 of 3 wrong answers"


def test_a_state_that_only_fails_has_no_way_out():
    policy = with_transition(sequence(challenge("word")), "word 3/3", "passed", "failed")
    found = finding_on(policy, WAYS_OUT)
    assert found.path is not None
    assert found.path.session == (answer("word", passed=False),) * 2


def test_a_policy_that_nobody_can_begin_is_shown(monkeypatch):
    monkeypatch.setattr(
        Triggers, "_define", lambda self, policy, event: event.fail_authentication()
    )
    found = finding_on(sequence(challenge("word")), WAYS_OUT)
    assert found.explanation == "no sign-in can begin"


def test_a_define_that_counts_rounds_by_their_number_is_shown(monkeypatch):
    def count(self: Policy, session: Iterable[SessionEntry], metadata: Any) -> Any:
        return Passed() if len(tuple(session)) == 1 else Owed(self.challenges[0])

    monkeypatch.setattr(Policy, "replay", count)
    found = finding_on(sequence(challenge("word")), TOKENS)
    assert found.path is not None
    assert found.path.session == (BEGUN,)


def test_a_define_that_takes_any_challenge_for_the_one_that_is_owed_is_shown(monkeypatch):
    monkeypatch.setattr(Policy, "_is_owed", lambda *_: True)
    found = finding_on(sequence(challenge("word"), challenge("otp")), TOKENS)
    assert found.path is not None
    assert len(found.path.session) == 2


def test_a_define_that_tells_an_unknown_user_apart_is_shown(monkeypatch):
    define = Triggers._define

    def hasty(self: Triggers, policy: Policy, event: Any) -> Any:
        if event.user_not_found:
            return event.fail_authentication()
        return define(self, policy, event)

    monkeypatch.setattr(Triggers, "_define", hasty)
    verdict = verdict_on(sequence(challenge("word")))
    assert broken(verdict) == ["an unknown user sees what a known one sees, and no tokens"]
    path = verdict.findings[UNKNOWN].path
    assert path is not None
    assert (path.session, path.user_not_found) == ((), True)


def test_a_define_that_gives_an_unknown_user_tokens_is_shown(monkeypatch):
    define = Triggers._define

    def trusting(self: Triggers, policy: Policy, event: Any) -> Any:
        if policy.replay(event.session, self._metadata) == Passed():
            return event.issue_tokens()
        return define(self, policy, event)

    monkeypatch.setattr(Triggers, "_define", trusting)
    path = finding_on(sequence(challenge("word")), UNKNOWN).path
    assert path is not None
    assert (path.user_not_found, path.reply.decision) == (True, Decision.TOKENS)


def test_a_define_that_raises_or_decides_nothing_leaves_no_way_out(monkeypatch):
    monkeypatch.setattr(Triggers, "_define", lambda self, policy, event: event.ask(""))
    path = finding_on(sequence(challenge("word")), WAYS_OUT).path
    assert path is not None
    assert path.reply.decision is Decision.UNUSABLE
    monkeypatch.setattr(Triggers, "_define", lambda *_: 1 / 0)
    path = finding_on(sequence(challenge("word")), WAYS_OUT).path
    assert path is not None
    assert "ZeroDivisionError" in str(path.reply)


def test_what_may_remember_more_than_the_session_cannot_be_proved(word):
    class Moody(Triggers):
        pass

    class Partial(Policy):
        pass

    for subject in (
        Moody(policy=sequence(challenge("word")), challenges=[word]),
        Partial([challenge("word")]),
        "a policy",
    ):
        with pytest.raises(ConfigError, match="can be proved"):
            verdict_on(subject)


def test_triggers_whose_plugin_is_missing_are_an_error_and_no_verdict():
    with pytest.raises(PluginNotFoundError):
        verdict_on(Triggers(policy=sequence(challenge("not-installed"))))


def letters(entry: SessionEntry) -> str:
    """Write an entry as a word, for the regular expression below."""
    return f"{entry.challenge_name}:{entry.challenge_metadata}:{entry.challenge_result};"


def expression(policy: Policy) -> str:
    """State what a policy demands as a regular expression over its session."""
    own = f"(?:(?:{'|'.join(COGNITOS_OWN)}):None:True;)*"
    after = own if isinstance(policy.steps[0], PasswordStep) else ""
    parts = ["SRP_A:None:True;PASSWORD_VERIFIER:None:True;" + own] if after else []
    for step in policy.challenges:
        word = f"CUSTOM_CHALLENGE:{step.name}:"
        wrong = f"(?:{word}False;{after}){{0,{step.attempts - 1}}}"
        parts.append(f"{wrong}{word}True;{after}")
    return "".join(parts)


@st.composite
def histories(draw: st.DrawFn) -> tuple[Policy, list[SessionEntry]]:
    """Give a policy and a session that is right, or nearly so."""
    policy = draw(policies())
    session = [BEGUN, PROVED] if isinstance(policy.steps[0], PasswordStep) else []
    for step in policy.challenges:
        session += [answer(step.name, passed=False)] * draw(st.integers(0, step.attempts - 1))
        session.append(answer(step.name, passed=True))
    any_entry = st.builds(
        SessionEntry,
        challenge_name=st.sampled_from(["SRP_A", "PASSWORD_VERIFIER", "SMS_MFA"]),
        challenge_result=st.booleans(),
    ) | st.builds(answer, st.sampled_from(["captcha", "otp", None]), passed=st.booleans())
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(session)))
        session[at : at + draw(st.integers(0, 1))] = draw(st.lists(any_entry, max_size=1))
    return policy, session


@settings(max_examples=300)
@given(histories())
def test_the_requirement_says_what_a_regular_expression_says(history):
    policy, session = history
    requirement = Requirement(
        password=isinstance(policy.steps[0], PasswordStep),
        challenges=tuple((step.name, step.attempts) for step in policy.challenges),
    )
    progress = Progress()
    for entry in session:
        progress = requirement.after(progress, entry)
    text = "".join(map(letters, session))
    assert requirement.met(progress) == bool(re.fullmatch(expression(policy), text))
