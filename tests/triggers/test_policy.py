import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authflow.errors import ConfigError
from authflow.triggers.events import SessionEntry
from authflow.triggers.policy import (
    FAILED,
    PASSED,
    Failed,
    Owed,
    Passed,
    PasswordStep,
    Policy,
    challenge,
    password,
    sequence,
)

METADATA = {"sum": "SUM_CHALLENGE", "word": "WORD_CHALLENGE"}

# A history as a string: a capital letter is a round that was passed, a small one was not.
LETTERS = {
    "S": ("SRP_A", None),
    "P": ("PASSWORD_VERIFIER", None),
    "M": ("SMS_MFA", None),
    "D": ("DEVICE_SRP_AUTH", None),
    "A": ("CUSTOM_CHALLENGE", "SUM_CHALLENGE"),
    "B": ("CUSTOM_CHALLENGE", "WORD_CHALLENGE"),
    "F": ("CUSTOM_CHALLENGE", "FOREIGN"),
    "N": ("CUSTOM_CHALLENGE", None),
    "G": ("ADMIN_NO_SRP_AUTH", None),
}


def history(letters: str):
    return [
        SessionEntry(
            challenge_name=LETTERS[letter.upper()][0],
            challenge_result=letter.isupper(),
            challenge_metadata=LETTERS[letter.upper()][1],
        )
        for letter in letters
    ]


def standing(policy: Policy, letters: str):
    return policy.replay(history(letters), METADATA)


SUM = sequence(challenge("sum", attempts=3))
PASSWORD_AND_SUM = sequence(password(), challenge("sum", attempts=2))


def test_without_a_password_the_first_challenge_is_owed_at_once():
    assert standing(SUM, "") == Owed(SUM.steps[0], 1)


def test_a_wrong_answer_leaves_the_same_step_owed_at_the_next_attempt():
    assert standing(SUM, "a") == Owed(SUM.steps[0], 2)
    assert standing(SUM, "aa") == Owed(SUM.steps[0], 3)


def test_the_last_wrong_answer_fails():
    assert isinstance(standing(SUM, "aaa"), Failed)


@pytest.mark.parametrize("letters", ["A", "aA", "aaA"])
def test_a_right_answer_within_the_attempts_passes(letters: str):
    assert standing(SUM, letters) == Passed()


def test_the_password_is_owed_once_srp_has_begun():
    assert standing(PASSWORD_AND_SUM, "S") == Owed(PasswordStep())


def test_attempts_are_not_miscounted_when_srp_comes_first():
    assert standing(PASSWORD_AND_SUM, "SP") == Owed(PASSWORD_AND_SUM.steps[1], 1)
    assert standing(PASSWORD_AND_SUM, "SPa") == Owed(PASSWORD_AND_SUM.steps[1], 2)
    assert standing(PASSWORD_AND_SUM, "SPaA") == Passed()


def test_a_password_alone_is_a_policy():
    assert standing(sequence(password()), "SP") == Passed()


@pytest.mark.parametrize("letters", ["SPMDa", "SPaMD", "SPMaD"])
def test_cognitos_own_challenges_after_the_password_do_not_count_as_attempts(letters: str):
    assert standing(PASSWORD_AND_SUM, letters) == Owed(PASSWORD_AND_SUM.steps[1], 2)


def test_cognitos_own_challenges_may_come_last():
    assert standing(sequence(password()), "SPMD") == Passed()


@pytest.mark.parametrize(
    ("why", "policy", "letters"),
    [
        ("the client did not begin with SRP", PASSWORD_AND_SUM, ""),
        ("a challenge instead of SRP", PASSWORD_AND_SUM, "A"),
        ("SRP was refused", PASSWORD_AND_SUM, "s"),
        ("SRP twice", PASSWORD_AND_SUM, "SS"),
        ("a challenge instead of the password", PASSWORD_AND_SUM, "SA"),
        ("the password was wrong", PASSWORD_AND_SUM, "Sp"),
        ("an MFA before the password", PASSWORD_AND_SUM, "SM"),
        ("a history whose beginning is cut off", PASSWORD_AND_SUM, "PA"),
        ("an MFA that was not passed", PASSWORD_AND_SUM, "SPm"),
        ("an MFA that was not passed after all was", sequence(password()), "SPm"),
        ("the password twice", PASSWORD_AND_SUM, "SPPA"),
        ("SRP where no password is wanted", SUM, "S"),
        ("a password where none is wanted", SUM, "SPA"),
        ("an MFA where no password is wanted", SUM, "MA"),
        ("a foreign challenge passed", SUM, "F"),
        ("a foreign challenge failed", SUM, "f"),
        ("a challenge that is not the one owed", SUM, "B"),
        ("a challenge without metadata", SUM, "N"),
        ("the password by another flow", PASSWORD_AND_SUM, "GA"),
        ("a round too many", SUM, "AA"),
        ("a wrong answer after the right one", SUM, "Aa"),
        ("a right answer after the last attempt", SUM, "aaaA"),
    ],
)
def test_a_history_that_is_not_the_policys_own_fails(why: str, policy: Policy, letters: str):
    assert isinstance(standing(policy, letters), Failed), why


def test_the_reason_of_a_failure_holds_nothing_of_the_history():
    entry = SessionEntry(
        challenge_name="CUSTOM_CHALLENGE", challenge_result=True, challenge_metadata="CODE-123456"
    )
    failed = SUM.replay([entry], METADATA)
    assert isinstance(failed, Failed)
    assert "123456" not in failed.reason


def test_one_kind_asked_for_twice_is_two_steps():
    policy = sequence(challenge("sum", attempts=2, hard=False), challenge("sum", hard=True))
    first, second = policy.challenges
    assert (first.label, second.label) == ("sum", "sum#2")
    assert standing(policy, "a") == Owed(first, 2)
    assert standing(policy, "aA") == Owed(second, 1)
    assert standing(policy, "aAaa") == Owed(second, 3)
    assert standing(policy, "aAA") == Passed()


def test_settings_stay_with_their_step_out_of_sight_and_read_only():
    step = challenge("sum", key="canary-3")
    assert step.settings == {"key": "canary-3"}
    assert "canary-3" not in repr(sequence(step))
    with pytest.raises(TypeError):
        step.settings["key"] = "other"


@pytest.mark.parametrize("name", ["", "a", "A1", "1a", "a b", "a" * 33, "é1", "ab\n", None, 7])
def test_a_name_that_no_plugin_can_have_is_refused(name: str):
    with pytest.raises(ConfigError, match="name"):
        challenge(name)


@pytest.mark.parametrize("attempts", [0, -1, 21, 1.0, "3", True, None])
def test_a_number_of_attempts_out_of_bounds_is_refused(attempts: Any):
    with pytest.raises(ConfigError, match="1 to 20"):
        challenge("sum", attempts=attempts)


def test_a_policy_without_a_step_is_refused():
    with pytest.raises(ConfigError, match="everybody"):
        sequence()


def test_a_password_that_is_not_first_is_refused():
    with pytest.raises(ConfigError, match="first"):
        sequence(challenge("sum"), password())
    with pytest.raises(ConfigError, match="first"):
        sequence(password(), password())


@pytest.mark.parametrize("step", ["sum", None, SUM, password])
def test_what_is_no_step_is_refused(step: Any):
    with pytest.raises(ConfigError, match="made of"):
        sequence(step)


# --- over all policies and histories -------------------------------------------------------------

KINDS = {"sum": "A", "word": "B"}

policies = st.builds(
    lambda wants_password, steps: (
        wants_password,
        steps,
        sequence(
            *([password()] if wants_password else []),
            *(challenge(name, attempts=attempts) for name, attempts in steps),
        ),
    ),
    st.booleans(),
    st.lists(st.tuples(st.sampled_from(sorted(KINDS)), st.integers(1, 4)), min_size=1, max_size=4),
)


def requirement(wants_password: bool, steps: Any):
    """The policy as a regular expression over histories: a second way to say the same."""
    own = "[MD]*" if wants_password else ""
    begin = f"SP{own}" if wants_password else ""
    parts = (
        f"(?:{KINDS[name].lower()}{own}){{0,{attempts - 1}}}{KINDS[name]}{own}"
        for name, attempts in steps
    )
    return re.compile(begin + "".join(parts))


@st.composite
def sign_ins(draw: Any):
    """A policy with a history: one that passes it, damaged in a few places or not at all."""
    wants_password, steps, policy = draw(policies)
    letters = list("SP") if wants_password else []
    for name, attempts in steps:
        letters += KINDS[name].lower() * draw(st.integers(0, attempts - 1)) + KINDS[name]
        if wants_password and draw(st.booleans()):
            letters.append(draw(st.sampled_from("MD")))
    anything = st.sampled_from([*LETTERS, *map(str.lower, LETTERS)])
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(letters)))
        cut = draw(st.integers(0, 2))
        letters[at : at + cut] = draw(st.lists(anything, max_size=2))
    return requirement(wants_password, steps), policy, "".join(letters)


@given(sign_ins())
def test_tokens_are_issued_if_and_only_if_the_requirement_holds(sign_in: Any):
    requirement, policy, letters = sign_in
    passed = standing(policy, letters) == Passed()
    assert passed == (requirement.fullmatch(letters) is not None)


@given(policies, st.text(alphabet="SPMDABFNGspmdabfng", max_size=12))
def test_no_random_history_passes_unless_the_requirement_holds(case: Any, letters: str):
    wants_password, steps, policy = case
    passed = standing(policy, letters) == Passed()
    assert passed == (requirement(wants_password, steps).fullmatch(letters) is not None)


@given(policies, st.data())
def test_every_path_ends_within_bounded_rounds(case: Any, data: Any):
    wants_password, steps, policy = case
    bound = 2 * wants_password + sum(attempts for _, attempts in steps)
    letters = "S" if wants_password else ""
    while isinstance(owed := standing(policy, letters), Owed):
        letter = "P" if isinstance(owed.step, PasswordStep) else KINDS[owed.step.name]
        letters += data.draw(st.sampled_from([letter, letter.lower()]))
        assert len(letters) <= bound
    assert isinstance(owed, Passed | Failed)


@given(sign_ins())
def test_a_failed_history_never_recovers(sign_in: Any):
    _, policy, letters = sign_in
    fates = [standing(policy, letters[:length]) for length in range(1, len(letters) + 1)]
    failed = [isinstance(fate, Failed) for fate in fates]
    assert failed == sorted(failed)


@given(policies)
def test_every_state_of_the_table_is_reached_and_has_a_way_out(case: Any):
    _, _, policy = case
    reached, waiting = set(), [next(iter(policy.table))]
    while waiting:
        state = waiting.pop()
        if state not in reached | {PASSED, FAILED}:
            reached.add(state)
            waiting += policy.table[state].values()
    assert reached == set(policy.table)
