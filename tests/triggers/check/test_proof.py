"""The proof of a policy: right ones are proved, and what is wrong is shown by its shortest path."""

from collections.abc import Iterable
from typing import Any

import anyio
import pytest
from attrs import evolve
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from authflow.errors import ConfigError, PluginNotFoundError
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
from authflow.triggers.check.define_paths import SRP_A, Decision, Finding, Result, Verdict
from authflow.triggers.check.mfa_notes import NOT_ASKED, SKIPPED
from authflow.triggers.check.proof import prove
from authflow.triggers.custom_flow import CustomFlow
from authflow.triggers.policies import policy as policy_module
from authflow.triggers.policies.user_kinds import user_kinds

PROVED = SessionEntry(challenge_name="PASSWORD_VERIFIER", challenge_result=True)
TOKENS, ROUNDS, WAYS_OUT, ATTEMPTS, FOREIGN, EXTRAS, UNKNOWN = range(7)
WORD = challenge("word")
GOLD, STAFF = attribute("tier", "gold"), in_group("staff")


def answer(metadata: str | None, *, passed: bool) -> SessionEntry:
    return SessionEntry(
        challenge_name="CUSTOM_CHALLENGE", challenge_result=passed, challenge_metadata=metadata
    )


def verdict_on(subject: Step | Policy | Triggers) -> Verdict:
    return anyio.run(prove, subject)


def broken(verdict: Verdict) -> list[str]:
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
def test_every_policy_that_can_be_built_is_proved(policies, data: st.DataObject):
    policy = data.draw(policies)
    kinds = user_kinds(step.condition for step in policy.conditions)
    assume(len(policy.table) * len(kinds) <= 24)
    verdict = verdict_on(policy)
    assert broken(verdict) == []
    assert len(verdict.findings) == 7


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
def test_policies_of_each_kind_are_proved(subject: Step | Policy):
    assert broken(verdict_on(subject)) == []


def test_triggers_are_proved_with_their_own_plugins_for_the_pool_that_they_serve(word):
    async def nobody_asks(_user_pool_id: str, _username: str) -> Iterable[str]:
        raise AssertionError  # the proof says who is in which group

    triggers = Triggers(
        policy=sequence(password(), challenge("word", attempts=2), when(STAFF, WORD)),
        challenges=[word],
        groups=nobody_asks,
        user_pool_id="eu-west-1_Mine",
        client_ids={"mine"},
    )
    assert verdict_on(triggers).holds


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


# --- what is shown -------------------------------------------------------------------------------


def test_a_challenge_that_can_be_skipped_is_shown_by_the_shortest_path():
    step = sequence(challenge("word", attempts=2), challenge("otp", attempts=1))
    found = finding_on(with_transition(step, "word 1/2", "failed", "otp 1/1"), TOKENS)
    assert found.path is not None
    assert found.path.session == (answer("word", passed=False), answer("otp", passed=True))
    assert found.path.reply.decision is Decision.TOKENS


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
    assert found.path.reply.decision is Decision.CUSTOM_CHALLENGE
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


# --- kinds of users ------------------------------------------------------------------------------


def test_a_kind_of_user_who_can_never_sign_in_is_named():
    policy = Policy(
        sequence(challenge("word", attempts=1), when(STAFF, challenge("otp", attempts=1))),
        rounds=1,
    )
    verdict = verdict_on(policy)
    assert broken(verdict) == ["every state has a way out"]
    finding = verdict.findings[WAYS_OUT]
    assert finding.path is not None
    assert (finding.path.who, finding.path.session) == ("a user in group staff", ())
    assert finding.explanation == "no sign-in can begin"


def test_an_unknown_user_like_none_who_exists_is_found():
    step = sequence(WORD, when(GOLD, WORD, unknown=True), when(~GOLD, WORD, unknown=True))
    verdict = verdict_on(step)
    assert broken(verdict) == ["an unknown user sees what a known one sees, and no tokens"]
    finding = verdict.findings[UNKNOWN]
    assert finding.explanation == "no user who exists is like this one: see unknown= of when()"
    assert finding.path is not None
    assert finding.path.user_not_found


def test_what_is_unknown_may_be_declared_either_way():
    for unknown in (True, False):
        assert verdict_on(sequence(WORD, when(GOLD, WORD, unknown=unknown))).holds


def test_every_user_has_a_sub():
    assert verdict_on(sequence(WORD, when(attribute("sub"), WORD, unknown=True))).holds
    assert broken(verdict_on(sequence(WORD, when(attribute("sub"), WORD)))) == [
        "an unknown user sees what a known one sees, and no tokens"
    ]


def test_too_many_kinds_of_users_are_an_error_and_no_verdict():
    staff = [when(in_group(f"group-{number}"), WORD) for number in range(10)]
    with pytest.raises(ConfigError, match=r"1024 kinds .* up to 512"):
        verdict_on(Policy(sequence(WORD, *staff), rounds=5))


# --- a Define that is wrong ----------------------------------------------------------------------


def test_a_define_that_never_issues_tokens_is_shown(monkeypatch):
    async def refuse(_flow: CustomFlow, event: Any) -> Any:
        return event.fail_authentication()

    monkeypatch.setattr(CustomFlow, "define", refuse)
    found = finding_on(WORD, WAYS_OUT)
    assert found.explanation == "all was passed, and no tokens are issued"
    assert found.path is not None
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


def test_a_define_that_tells_an_unknown_user_apart_is_shown(monkeypatch):
    define = CustomFlow.define

    async def hasty(self: CustomFlow, event: Any) -> Any:
        return event.fail_authentication() if event.user_not_found else await define(self, event)

    monkeypatch.setattr(CustomFlow, "define", hasty)
    verdict = verdict_on(WORD)
    assert broken(verdict) == ["an unknown user sees what a known one sees, and no tokens"]
    path = verdict.findings[UNKNOWN].path
    assert path is not None
    assert (path.session, path.user_not_found) == ((), True)


def test_a_define_that_gives_an_unknown_user_tokens_is_shown(monkeypatch):
    define = CustomFlow.define

    async def trusting(self: CustomFlow, event: Any) -> Any:
        return await define(self, evolve(event, user_not_found=False))

    monkeypatch.setattr(CustomFlow, "define", trusting)
    path = finding_on(WORD, UNKNOWN).path
    assert path is not None
    assert (path.user_not_found, path.reply.decision) == (True, Decision.TOKENS)


def test_a_define_that_raises_or_decides_nothing_leaves_no_way_out(monkeypatch):
    async def undecided(_flow: CustomFlow, event: Any) -> Any:
        return event.ask("")

    async def raising(_flow: CustomFlow, _event: Any) -> Any:
        return 1 / 0

    monkeypatch.setattr(CustomFlow, "define", undecided)
    path = finding_on(WORD, WAYS_OUT).path
    assert path is not None
    assert path.reply.decision is Decision.UNUSABLE
    monkeypatch.setattr(CustomFlow, "define", raising)
    path = finding_on(WORD, WAYS_OUT).path
    assert path is not None
    assert "ZeroDivisionError" in str(path.reply)


def test_what_may_remember_more_than_the_session_cannot_be_proved(word):
    class Moody(Triggers):
        pass

    class Partial(Policy):
        pass

    partial = Partial(WORD)
    for subject in (
        Moody(policy=WORD, challenges=[word]),
        partial,
        Triggers(policy=partial, challenges=[word]),
        "a policy",
    ):
        with pytest.raises(ConfigError, match="can be proved"):
            verdict_on(subject)


def test_triggers_whose_plugin_is_missing_are_an_error_and_no_verdict():
    with pytest.raises(PluginNotFoundError):
        verdict_on(Triggers(policy=challenge("not-installed")))


# --- extra challenges ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "path"),
    [
        (challenge("word"), ["WORD"]),
        (any_of(challenge("otp"), challenge("word")), ["AUTHFLOW_CHOICE", "WORD"]),
        (any_of(password(), challenge("word")), ["WORD"]),
        (sequence(challenge("word"), optional(challenge("otp"))), ["WORD", "AUTHFLOW_CHOICE"]),
        (
            when(attribute("tier", "gold"), password(), otherwise=challenge("word")),
            ["WORD"],
        ),
    ],
)
def test_extra_challenges_that_suffice_alone_are_found_with_their_path(word, step, path):
    class Extra(word):
        suffices = False

    class Otp(word):
        name, metadata = "otp", "OTP"

    finding = finding_on(Triggers(policy=step, challenges=[Extra, Otp]), EXTRAS)
    assert "word never suffices alone" in finding.explanation
    assert [entry.challenge_metadata for entry in finding.path.session] == path


def test_extra_challenges_beside_one_that_suffices_are_fine(word):
    class Extra(word):
        suffices = False

    class Otp(word):
        name, metadata = "otp", "OTP"

    step = sequence(any_of(password(), challenge("otp")), challenge("word"))
    assert verdict_on(Triggers(policy=step, challenges=[Extra, Otp])).holds


def test_triggers_that_serve_nobody_are_acquitted_of_nothing(word):
    triggers = Triggers(policy=sequence(WORD), challenges=[word], client_ids=[])
    results = [finding.result for finding in verdict_on(triggers).findings]
    assert results.pop(WAYS_OUT) is Result.BROKEN
    assert set(results) == {Result.NOT_TRIED}


@pytest.mark.parametrize(
    ("policy", "notes"),
    [
        (sequence(password(), WORD), {SKIPPED}),
        (sequence(WORD), {NOT_ASKED}),
        (any_of(sequence(password(), WORD), challenge("otp")), {SKIPPED, NOT_ASKED}),
        (password(), set()),
        (sequence(when(STAFF, password()), WORD), {SKIPPED, NOT_ASKED}),
    ],
)
def test_notes_say_what_mfa_does_to_a_policy(policy: Step, notes):
    assert set(verdict_on(policy).notes) == notes
