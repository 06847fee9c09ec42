from itertools import product
from typing import Any

import pytest
from attrs import evolve

from authflow.errors import ConfigError
from authflow.triggers import (
    Failed,
    Owed,
    Passed,
    PasswordStep,
    Policy,
    Step,
    any_of,
    attribute,
    challenge,
    client_metadata,
    disabled,
    in_group,
    k_of,
    optional,
    password,
    sequence,
    when,
)
from authflow.triggers.events.parsing import SessionEntry
from authflow.triggers.policies.conditions import Facts

SUM = Policy(challenge("sum", attempts=3))
PASSWORD_AND_SUM = Policy(sequence(password(), challenge("sum", attempts=2)))
PASSWORD = Policy(password())


def test_without_a_password_the_first_challenge_is_owed_at_once(standing):
    assert standing(SUM, "") == Owed(SUM.challenges[0], 1)


def test_a_wrong_answer_leaves_the_same_step_owed_at_the_next_attempt(standing):
    assert standing(SUM, "a") == Owed(SUM.challenges[0], 2)
    assert standing(SUM, "aa") == Owed(SUM.challenges[0], 3)


def test_the_last_wrong_answer_fails(standing):
    assert isinstance(standing(SUM, "aaa"), Failed)


@pytest.mark.parametrize("letters", ["A", "aA", "aaA"])
def test_a_right_answer_within_the_attempts_passes(standing, letters: str):
    assert standing(SUM, letters) == Passed()


def test_the_password_is_owed_once_srp_has_begun(standing):
    assert standing(PASSWORD_AND_SUM, "S") == Owed(PasswordStep())


def test_attempts_are_not_miscounted_when_srp_comes_first(standing):
    (step,) = PASSWORD_AND_SUM.challenges
    assert standing(PASSWORD_AND_SUM, "SP") == Owed(step, 1)
    assert standing(PASSWORD_AND_SUM, "SPa") == Owed(step, 2)
    assert standing(PASSWORD_AND_SUM, "SPaA") == Passed()


@pytest.mark.parametrize("letters", ["SPMDa", "SPaMD", "SPMaD"])
def test_cognitos_own_challenges_after_the_password_do_not_count_as_attempts(
    standing, letters: str
):
    assert standing(PASSWORD_AND_SUM, letters) == Owed(PASSWORD_AND_SUM.challenges[0], 2)


def test_cognitos_own_challenges_may_come_last(standing):
    assert standing(PASSWORD, "SPMD") == Passed()


def test_a_device_is_proved_where_tokens_would_follow_without_a_password_too(standing):
    assert standing(SUM, "aADD") == Passed()


@pytest.mark.parametrize("letters", ["D", "DA", "aDA", "AM", "ADM", "ADA", "ADa"])
def test_without_a_password_nothing_of_cognitos_own_stands_elsewhere(standing, letters: str):
    assert isinstance(standing(SUM, letters), Failed)


@pytest.mark.parametrize("name", ["DEVICE_SRP_AUTH", "DEVICE_PASSWORD_VERIFIER"])
def test_a_device_that_was_not_proved_gives_no_tokens(name: str):
    answer = SessionEntry(
        challenge_name="CUSTOM_CHALLENGE", challenge_result=True, challenge_metadata="SUM"
    )
    device = SessionEntry(challenge_name=name, challenge_result=False)
    assert SUM.replay([answer], {"sum": "SUM"}, Facts()) == Passed()
    assert isinstance(SUM.replay([answer, device], {"sum": "SUM"}, Facts()), Failed)


def test_cognitos_own_challenges_take_no_rounds(standing):
    policy = Policy(sequence(password(), challenge("sum", attempts=2)), rounds=2)
    assert standing(policy, "SPMDMDA") == Passed()


def test_metadata_that_carries_a_plugins_state_is_known_by_what_stands_before_it():
    sealed = SessionEntry(
        challenge_name="CUSTOM_CHALLENGE",
        challenge_result=True,
        challenge_metadata="SUM_CHALLENGE#sealed#more",
    )
    assert SUM.replay([sealed], {"sum": "SUM_CHALLENGE"}, Facts()) == Passed()


ALIKE = [
    *("CAPTCHA", "CAPTCHA_2", "CAPTCHA_22", "2_CAPTCHA", "CAPTCH", "captcha", "Captcha_2"),
    *("CAPTCHA ", " CAPTCHA", "CAPTCHA\0", "CAPTCHA_2_CAPTCHA", "CAPTCHACAPTCHA"),
]


@pytest.mark.parametrize("owed", ALIKE)
def test_a_challenge_passes_for_no_other_whose_metadata_is_alike(owed):
    """Each of two captchas in one policy has metadata of its own, and the easy one may be first."""
    passed = []
    for told, state in product(ALIKE, ["", "#sealed", "#CAPTCHA", "#CAPTCHA_2"]):
        entry = SessionEntry(
            challenge_name="CUSTOM_CHALLENGE",
            challenge_result=True,
            challenge_metadata=told + state,
        )
        if SUM.replay([entry], {"sum": owed}, Facts()) == Passed():
            passed.append(told)
    assert passed == [owed] * 4


@pytest.mark.parametrize("metadata", [None, "", "#", "#CAPTCHA", "CAPTCHA_2", "CAPTCH"])
def test_a_round_without_its_metadata_is_no_round(metadata):
    entry = SessionEntry(
        challenge_name="CUSTOM_CHALLENGE", challenge_result=True, challenge_metadata=metadata
    )
    assert isinstance(SUM.replay([entry], {"sum": "CAPTCHA"}, Facts()), Failed)


@pytest.mark.parametrize("told", ["AUTHFLOW_CHOICE_2", "AUTHFLOW", "X_AUTHFLOW_CHOICE"])
def test_a_choice_is_no_choice_under_a_name_that_is_alike(told):
    policy = Policy(sequence(optional(challenge("sum")), challenge("word")))
    entry = SessionEntry(
        challenge_name="CUSTOM_CHALLENGE", challenge_result=False, challenge_metadata=told
    )
    names = {"sum": "SUM_CHALLENGE", "word": "WORD_CHALLENGE"}
    assert isinstance(policy.replay([entry], names, Facts()), Failed)
    right = evolve(entry, challenge_metadata="AUTHFLOW_CHOICE")
    assert isinstance(policy.replay([right], names, Facts()), Owed)


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
        ("an MFA that was not passed after all was", PASSWORD, "SPm"),
        ("the password twice", PASSWORD_AND_SUM, "SPPA"),
        ("SRP where no password is wanted", SUM, "S"),
        ("a password where none is wanted", SUM, "SPA"),
        ("an MFA where no password is wanted", SUM, "MA"),
        ("a foreign challenge passed", SUM, "F"),
        ("a foreign challenge failed", SUM, "f"),
        ("a challenge that is not the one owed", SUM, "B"),
        ("a challenge without metadata", SUM, "N"),
        ("a choice where there is none", SUM, "C"),
        ("client metadata that nobody asked for", SUM, "K"),
        ("the password by another flow", PASSWORD_AND_SUM, "GA"),
        ("a round too many", SUM, "AA"),
        ("a wrong answer after the right one", SUM, "Aa"),
        ("a right answer after the last attempt", SUM, "aaaA"),
    ],
)
def test_a_history_that_is_not_the_policys_own_fails(
    standing, why: str, policy: Policy, letters: str
):
    assert isinstance(standing(policy, letters), Failed), why


def test_the_reason_of_a_failure_holds_nothing_of_the_history():
    entry = SessionEntry(
        challenge_name="CUSTOM_CHALLENGE", challenge_result=True, challenge_metadata="CODE-123456"
    )
    failed = SUM.replay([entry], {"sum": "SUM_CHALLENGE"}, Facts())
    assert isinstance(failed, Failed)
    assert "123456" not in failed.reason


def test_one_kind_asked_for_twice_is_two_steps(standing):
    policy = Policy(sequence(challenge("sum", attempts=2, hard=False), challenge("sum", hard=True)))
    first, second = policy.challenges
    assert (first.label, second.label) == ("sum", "sum#2")
    assert standing(policy, "a") == Owed(first, 2)
    assert standing(policy, "aA") == Owed(second, 1)
    assert standing(policy, "aAaa") == Owed(second, 3)
    assert standing(policy, "aAA") == Passed()


# --- rounds, and what is refused -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "rounds"),
    [
        (challenge("sum", attempts=3), 3),
        (sequence(password(), challenge("sum", attempts=3)), 4),
        (sequence(optional(challenge("word", attempts=2)), challenge("sum", attempts=1)), 4),
        (any_of(password(), challenge("sum", attempts=5)), 5),
        (sequence(*[challenge("sum", attempts=20)] * 2), 30),
    ],
)
def test_by_default_there_are_as_many_rounds_as_the_longest_path_takes(step: Step, rounds: int):
    assert Policy(step).rounds == rounds


def test_a_sign_in_fails_as_soon_as_it_cannot_be_passed_within_its_rounds(standing):
    policy = Policy(sequence(challenge("sum"), challenge("word")), rounds=3)
    assert standing(policy, "aAB") == Passed()
    assert isinstance(standing(policy, "a"), Owed)
    assert isinstance(standing(policy, "aa"), Failed)
    assert isinstance(standing(policy, "aAb"), Failed)


def test_what_can_be_skipped_is_not_reckoned_with_when_rounds_run_out(standing):
    policy = Policy(
        sequence(optional(challenge("word", attempts=1)), challenge("sum", attempts=2)), rounds=3
    )
    assert isinstance(standing(policy, "Cb"), Owed)
    assert isinstance(standing(policy, "Cba"), Failed)
    assert standing(policy, "caA") == Passed()


def test_only_a_users_own_conditions_count_when_rounds_run_out(standing):
    gold = attribute("tier", "gold")
    policy = Policy(
        sequence(challenge("sum", attempts=2), when(gold, challenge("word", attempts=1))), rounds=2
    )
    assert standing(policy, "aA") == Passed()
    assert isinstance(standing(policy, "a", Facts(user_attributes={"tier": "gold"})), Failed)


@pytest.mark.parametrize("rounds", ["3", None, 2.0, True, [3]])
def test_rounds_that_are_no_whole_number_are_refused(rounds: Any):
    with pytest.raises(ConfigError, match="whole number"):
        Policy(challenge("sum"), rounds=rounds)


@pytest.mark.parametrize("rounds", [1, 0, -1])
def test_rounds_that_suffice_for_no_sign_in_are_refused(rounds: int):
    with pytest.raises(ConfigError, match=r"the shortest by this policy takes 2"):
        Policy(sequence(challenge("sum"), challenge("word")), rounds=rounds)


def test_more_rounds_than_a_client_goes_along_with_are_refused():
    assert Policy(challenge("sum"), rounds=30).rounds == 30
    with pytest.raises(ConfigError, match="30 at most"):
        Policy(challenge("sum"), rounds=31)
    with pytest.raises(ConfigError, match="takes 31"):
        Policy(sequence(*[challenge("sum")] * 31))


@pytest.mark.parametrize(
    "step",
    [
        optional(challenge("sum")),
        optional(password()),
        sequence(optional(challenge("sum")), optional(challenge("word"))),
        when(attribute("tier", "gold"), challenge("sum")),
        when(in_group("staff"), password()),
        when(client_metadata("device"), challenge("sum")),
        any_of(challenge("sum"), optional(challenge("word"))),
        any_of(challenge("sum"), when(attribute("tier"), challenge("word"))),
        k_of(2, challenge("sum"), optional(challenge("word")), optional(challenge("otp"))),
        disabled(challenge("sum")),
        sequence(disabled(password()), disabled(challenge("sum"))),
        sequence(disabled(challenge("sum")), optional(challenge("word"))),
    ],
)
def test_a_policy_that_lets_somebody_in_for_nothing_is_refused(step: Step):
    with pytest.raises(ConfigError, match="for nothing"):
        Policy(step)


@pytest.mark.parametrize("step", ["sum", None, SUM, password, 7])
def test_what_is_no_step_is_refused(step: Any):
    with pytest.raises(ConfigError, match="made of"):
        Policy(step)
