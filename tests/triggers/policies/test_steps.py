from typing import Any

import pytest

from authflow.errors import ConfigError
from authflow.triggers import (
    Policy,
    Step,
    any_of,
    attribute,
    challenge,
    client_metadata,
    disabled,
    k_of,
    optional,
    password,
    sequence,
    when,
)
from authflow.triggers.policies.conditions import Facts
from authflow.triggers.policies.preparation import begun, option_name, prepared
from authflow.triggers.policies.steps import (
    ChallengeStep,
    ChooseStep,
    ImpossibleStep,
    OptionalStep,
    SequenceStep,
    begins_with_password,
    walk,
)

SUM, WORD, OTP = challenge("sum"), challenge("word"), challenge("otp")
GOLD, PHONE = attribute("tier", "gold"), client_metadata("device", "phone")


def labels(step: Step) -> list[str]:
    return [part.label for part in walk(prepared(step)) if isinstance(part, ChallengeStep)]


# --- challenges ----------------------------------------------------------------------------------


def test_settings_stay_with_their_step_out_of_sight_and_read_only():
    step = challenge("sum", key="canary-3")
    assert step.settings == {"key": "canary-3"}
    for shown in (step, sequence(step), any_of(step, WORD), Policy(step)):
        assert "canary-3" not in repr(shown)
    with pytest.raises(TypeError):
        step.settings["key"] = "other"


@pytest.mark.parametrize("name", ["", "a", "A1", "1a", "a b", "a" * 33, "é1", "ab\n", None, 7])
def test_a_name_that_no_plugin_can_have_is_refused(name: Any):
    with pytest.raises(ConfigError, match="name"):
        challenge(name)


@pytest.mark.parametrize("name", ["choice", "condition", "skip"])
def test_a_name_of_authflows_own_is_refused(name: str):
    with pytest.raises(ConfigError, match="give the challenge another"):
        challenge(name)


@pytest.mark.parametrize("attempts", [0, -1, 21, 1.0, "3", True, None])
def test_a_number_of_attempts_out_of_bounds_is_refused(attempts: Any):
    with pytest.raises(ConfigError, match="1 to 20"):
        challenge("sum", attempts=attempts)


# --- what is refused where -----------------------------------------------------------------------


@pytest.mark.parametrize("not_a_step", ["sum", None, 7, password, Policy(SUM), (SUM,)])
@pytest.mark.parametrize(
    "build",
    [
        sequence,
        lambda step: any_of(SUM, step),
        lambda step: k_of(2, SUM, step, WORD),
        optional,
        lambda step: when(GOLD, step),
        lambda step: when(PHONE, step),
        disabled,
    ],
)
def test_what_is_no_step_is_refused_everywhere(build: Any, not_a_step: Any):
    with pytest.raises(ConfigError, match=f"made of password.*not {type(not_a_step).__name__}"):
        build(not_a_step)


def test_a_step_that_asks_for_nothing_is_refused():
    with pytest.raises(ConfigError, match="everybody"):
        sequence()
    with pytest.raises(ConfigError, match="everybody"):
        when(GOLD)


@pytest.mark.parametrize(
    "build",
    [
        any_of,
        lambda: any_of(SUM),
        lambda: k_of(2, SUM, WORD),
        lambda: k_of(3, SUM, WORD),
        lambda: k_of(0, SUM, WORD),
        lambda: k_of(-1, SUM, WORD),
        lambda: k_of(True, SUM, WORD),
        lambda: k_of(1.0, SUM, WORD),  # type: ignore[arg-type]
        lambda: k_of("1", SUM, WORD),  # type: ignore[arg-type]
    ],
)
def test_a_choice_that_leaves_none_is_refused(build: Any):
    with pytest.raises(ConfigError, match="leaves no choice: give 1 or more"):
        build()


@pytest.mark.parametrize("condition", [True, None, "tier", Facts(), lambda _facts: True])
def test_what_is_no_condition_is_refused(condition: Any):
    with pytest.raises(ConfigError, match=r"when\(\) wants a condition"):
        when(condition, SUM)


@pytest.mark.parametrize("unknown", [None, 1, "true"])
def test_unknown_is_true_or_false(unknown: Any):
    with pytest.raises(ConfigError, match="unknown="):
        when(GOLD, SUM, unknown=unknown)


BEGINS = {
    "password": password(),
    "sequence": sequence(password(), SUM),
    "any_of": any_of(SUM, password()),
    "k_of": k_of(2, SUM, WORD, sequence(password(), OTP)),
    "optional": optional(password()),
    "when": when(GOLD, password()),
    "in all": sequence(optional(any_of(SUM, when(GOLD, sequence(password(), WORD))))),
}


@pytest.mark.parametrize("name", BEGINS)
def test_a_step_that_begins_with_the_password_stands_first_or_nowhere(name: str):
    step = BEGINS[name]
    assert begins_with_password(step)
    assert Policy(sequence(step, SUM)).table
    for late in (step, optional(step), any_of(step, WORD), when(GOLD, step)):
        with pytest.raises(ConfigError, match="can only be the first step"):
            sequence(SUM, late)
        with pytest.raises(ConfigError, match="can only be the first step"):
            when(GOLD, SUM, late)


@pytest.mark.parametrize("name", BEGINS)
def test_only_one_option_begins_with_the_password(name: str):
    for build in (lambda *steps: any_of(*steps, SUM), lambda *steps: k_of(2, WORD, *steps)):
        with pytest.raises(ConfigError, match="only one option may begin with password"):
            build(BEGINS[name], password())


@pytest.mark.parametrize("name", BEGINS)
def test_client_metadata_cannot_decide_on_a_password(name: str):
    for condition in (PHONE, ~PHONE, PHONE | client_metadata("other")):
        with pytest.raises(ConfigError, match="client metadata comes after the beginning"):
            when(condition, BEGINS[name])
        with pytest.raises(ConfigError, match="client metadata comes after the beginning"):
            when(condition, SUM, otherwise=BEGINS[name])


def test_client_metadata_and_what_is_known_of_a_user_are_no_single_condition():
    for condition in (PHONE & GOLD, ~(PHONE | GOLD)):
        with pytest.raises(ConfigError, match="round of its own"):
            when(condition, SUM)


def test_those_for_whom_a_condition_does_not_hold_can_be_asked_for_something_else():
    policy = Policy(when(GOLD, SUM, otherwise=sequence(WORD, disabled(OTP))))
    assert [step.label for step in policy.challenges] == [SUM.name, WORD.name]
    with pytest.raises(ConfigError, match="for nothing"):
        Policy(when(GOLD, SUM, otherwise=optional(WORD)))


def test_conditions_of_which_one_always_holds_let_nobody_in_for_nothing():
    assert Policy(sequence(when(GOLD, SUM), when(~GOLD, WORD))).table


def test_a_disabled_password_may_stand_anywhere():
    step = sequence(SUM, disabled(password()), any_of(WORD, OTP, disabled(password())))
    assert not begins_with_password(step)
    assert Policy(step).table == Policy(sequence(SUM, any_of(WORD, OTP))).table


# --- what is disabled ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "same"),
    [
        (sequence(disabled(SUM), WORD), WORD),
        (sequence(WORD, sequence(disabled(SUM))), WORD),
        (sequence(WORD, optional(disabled(SUM))), WORD),
        (sequence(WORD, when(GOLD, disabled(SUM))), WORD),
        (sequence(WORD, when(PHONE, disabled(SUM))), WORD),
        (sequence(WORD, disabled(any_of(SUM, disabled(OTP)))), WORD),
        (any_of(disabled(SUM), WORD), WORD),
        (any_of(disabled(SUM), WORD, OTP), any_of(WORD, OTP)),
        (k_of(2, disabled(SUM), WORD, OTP), sequence(WORD, OTP)),
        (k_of(2, WORD, password(), disabled(OTP)), sequence(password(), WORD)),
        (optional(disabled(password())), None),
    ],
)
def test_what_is_disabled_takes_no_part(step: Step, same: Step | None):
    if same is None:
        with pytest.raises(ConfigError, match="for nothing"):
            Policy(step)
        step, same = sequence(step, SUM), SUM
    disabled_one, without = Policy(step), Policy(same)
    assert disabled_one.table == without.table
    assert disabled_one.owed == without.owed


def test_a_choice_of_which_too_much_is_disabled_is_refused():
    with pytest.raises(ConfigError, match="too many are disabled"):
        Policy(any_of(disabled(SUM), disabled(WORD)))
    with pytest.raises(ConfigError, match="2 of 1 options"):
        Policy(sequence(OTP, k_of(2, disabled(SUM), disabled(WORD), OTP)))


# --- names ---------------------------------------------------------------------------------------


def test_a_challenge_that_is_asked_for_again_gets_a_label_of_its_own():
    whole = sequence(SUM, any_of(SUM, optional(sequence(WORD, SUM))), when(GOLD, SUM, WORD))
    assert labels(whole) == ["sum", "sum#2", "word", "sum#3", "sum#4", "word#2"]


def test_what_is_disabled_gets_no_label():
    assert labels(sequence(disabled(SUM), SUM)) == ["sum"]


@pytest.mark.parametrize(
    ("step", "name"),
    [
        (SUM, "sum"),
        (sequence(SUM, WORD), "sum+word"),
        (sequence(SUM, SUM), "sum+sum#2"),
        (any_of(SUM, when(GOLD, WORD)), "sum+word"),
        (optional(sequence(password(), OTP)), "otp"),
        (password(), "skip"),
    ],
)
def test_an_option_is_named_by_its_challenges(step: Step, name: str):
    assert option_name(prepared(step)) == name


# --- how a sign-in begins ------------------------------------------------------------------------


def test_beginning_with_srp_where_no_password_is_wanted_is_impossible():
    assert begun(any_of(SUM, WORD), srp=True) == ImpossibleStep()
    assert begun(any_of(SUM, WORD), srp=False) == any_of(SUM, WORD)


def test_beginning_with_srp_chooses_the_option_with_the_password():
    step = k_of(2, SUM, sequence(password(), OTP), WORD)
    left = SequenceStep((sequence(password(), OTP), ChooseStep(1, (SUM, WORD))))
    assert begun(step, srp=True) == left
    assert begun(step, srp=False) == ChooseStep(2, (SUM, WORD))


def test_too_few_options_are_left_without_the_password():
    step = k_of(2, password(), SUM, disabled(WORD))
    assert begun(prepared(step), srp=False) == ImpossibleStep()


def test_beginning_with_srp_takes_an_optional_password():
    assert begun(optional(password()), srp=True) == OptionalStep(password(), taken=True)
    assert begun(optional(password()), srp=False) == SequenceStep(())


def test_a_password_on_condition_is_owed_by_some_and_forbidden_to_the_others():
    with_srp = begun(when(GOLD, password()), srp=True)
    assert (with_srp.step.steps, with_srp.otherwise) == ((password(),), ImpossibleStep())
    without = begun(when(GOLD, password()), srp=False)
    assert (without.step.steps, without.otherwise) == ((ImpossibleStep(),), SequenceStep(()))


def test_unknown_users_count_as_declared_unless_the_client_tells():
    nobody = Facts(user_not_found=True, client_metadata={"device": "phone"})
    for unknown in (True, False):
        assert when(GOLD, SUM, unknown=unknown).holds(nobody) is unknown
        assert when(PHONE, SUM, unknown=unknown).holds(nobody) is True
