from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authflow.errors import ConfigError
from authflow.triggers import (
    Step,
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
from authflow.triggers.policies.preparation import prepared
from authflow.triggers.policies.steps import ConditionalStep, PasswordStep
from authflow.triggers.policies.table import (
    BEGIN,
    FAILED,
    HELD,
    LACKED,
    PASSED,
    WITH_SRP,
    WITHOUT_SRP,
    ChoiceRound,
    Compiled,
    Owed,
    compile_steps,
)

SUM, WORD, OTP = (challenge(name, attempts=1) for name in ("sum", "word", "otp"))
GOLD, PHONE = attribute("tier", "gold"), client_metadata("device", "phone")


def compiled(step: Step) -> Compiled:
    return compile_steps(prepared(step))


def table(step: Step):
    return compiled(step).table


def test_the_table_of_a_sequence():
    assert table(sequence(password(), challenge("sum", attempts=2))) == {
        BEGIN: {WITH_SRP: "password", WITHOUT_SRP: FAILED},
        "password": {PASSED: "sum 1/2", FAILED: FAILED},
        "sum 1/2": {PASSED: PASSED, FAILED: "sum 2/2"},
        "sum 2/2": {PASSED: PASSED, FAILED: FAILED},
    }


def test_the_table_of_an_option():
    assert table(sequence(optional(SUM), WORD)) == {
        BEGIN: {WITH_SRP: FAILED, WITHOUT_SRP: "choose 1 of sum, skip"},
        "choose 1 of sum, skip": {PASSED: "sum 1/1", FAILED: "word 1/1"},
        "sum 1/1": {PASSED: "word 1/1", FAILED: "word 1/1"},
        "word 1/1": {PASSED: PASSED, FAILED: FAILED},
    }


def test_a_password_that_is_an_option_is_chosen_by_the_beginning():
    assert table(any_of(password(), SUM))[BEGIN] == {WITH_SRP: "password", WITHOUT_SRP: "sum 1/1"}
    assert table(sequence(optional(password()), SUM))[BEGIN] == {
        WITH_SRP: "password",
        WITHOUT_SRP: "sum 1/1",
    }
    two = table(k_of(2, password(), SUM, WORD))
    assert two[BEGIN] == {WITH_SRP: "password", WITHOUT_SRP: "sum 1/1"}
    assert two["password"] == {PASSED: "choose 1 of sum, word", FAILED: FAILED}


def test_a_wrong_password_fails_even_where_it_is_optional():
    # Cognito ends such a sign-in itself, and Define is not asked again.
    assert table(sequence(optional(password()), SUM))["password"][FAILED] == FAILED


def test_the_table_of_conditions():
    whole = compiled(sequence(SUM, when(GOLD, WORD), when(PHONE, OTP)))
    gold, phone = "whether attribute tier is gold", "whether client metadata device is phone"
    assert whole.table["sum 1/1"] == {PASSED: gold, FAILED: FAILED}
    assert whole.table[gold] == {HELD: "word 1/1", LACKED: phone}
    assert whole.table[phone] == {PASSED: "otp 1/1", FAILED: PASSED}
    assert whole.conditions.keys() == {gold}
    assert isinstance(whole.owed[phone].step, ConditionalStep)


def test_a_condition_on_a_password_divides_the_beginnings():
    whole = table(sequence(when(in_group("staff"), password()), SUM))
    staff = "whether in group staff"
    assert whole[BEGIN] == {WITH_SRP: staff, WITHOUT_SRP: f"{staff} (2)"}
    assert whole[staff] == {HELD: "password", LACKED: FAILED}
    assert whole[f"{staff} (2)"] == {HELD: FAILED, LACKED: "sum 1/1"}


# What each option of a choice is chosen by: a capital C is a round that was passed.
CODES = {
    2: ["C", "c"],
    3: ["CC", "Cc", "c"],
    4: ["CC", "Cc", "cC", "cc"],
    5: ["CCC", "CCc", "Cc", "cC", "cc"],
    6: ["CCC", "CCc", "Cc", "cCC", "cCc", "cc"],
}


@pytest.mark.parametrize("count", CODES)
def test_an_option_is_found_half_by_half(count: int):
    names = [f"kind-{number}" for number in range(count)]
    whole = compiled(any_of(*(challenge(name, attempts=1) for name in names)))
    for name, code in zip(names, CODES[count], strict=True):
        state = whole.table[BEGIN][WITHOUT_SRP]
        for letter in code:
            choice = whole.owed[state].step
            assert isinstance(choice, ChoiceRound)
            assert name in choice.options
            # The client gives the same answer each time, and it leads the right way.
            assert (name in choice.first) == (letter == "C")
            state = whole.table[state][PASSED if letter == "C" else FAILED]
        assert state == f"{name} 1/1"


def test_options_are_passed_in_any_order():
    whole = table(k_of(2, SUM, WORD, OTP))
    first = whole[BEGIN][WITHOUT_SRP]
    begun = {
        "sum": whole[whole[first][PASSED]][PASSED],
        "word": whole[whole[first][PASSED]][FAILED],
        "otp": whole[first][FAILED],
    }
    pairs = set()
    for name, state in begun.items():
        others = [each for each in begun if each != name]
        choice = whole[state][PASSED]
        assert choice == f"choose 1 of {', '.join(others)}"
        for event, other in zip((PASSED, FAILED), others, strict=True):
            last = whole[choice][event]
            assert last.startswith(f"{other} 1/1")
            assert whole[last] == {PASSED: PASSED, FAILED: FAILED}
            pairs.add((name, other))
    assert len(pairs) == 6


def test_a_choice_knows_how_many_are_to_be_passed():
    counts = [
        owed.step.count
        for owed in compiled(k_of(2, SUM, WORD, OTP)).owed.values()
        if isinstance(owed.step, ChoiceRound)
    ]
    assert sorted(counts) == [1, 1, 1, 2, 2]


def test_the_same_options_left_are_one_state():
    six = [challenge(f"kind-{number}", attempts=1) for number in range(6)]
    choices = [
        owed.step.options
        for owed in compiled(k_of(4, *six)).owed.values()
        if isinstance(owed.step, ChoiceRound) and owed.step.count == 1
    ]
    # Three of the six are left for the last choice, whichever came first.
    left = [names for names in choices if len(names) == 3]
    assert set(left) == set(combinations([step.name for step in six], 3))
    assert len(left) == len(set(left))


def test_what_a_state_owes_carries_the_states_name():
    whole = compiled(sequence(password(), any_of(SUM, challenge("word")), when(PHONE, OTP)))
    assert {owed.state for owed in whole.owed.values()} == set(whole.owed)
    assert whole.owed["password"] == Owed(PasswordStep())
    assert whole.owed["word 2/3"].attempt == 2


def test_a_policy_of_too_many_states_is_refused():
    many = [challenge(f"kind-{number}", attempts=20) for number in range(7)]
    with pytest.raises(ConfigError, match="more than 2000 states: offer fewer options"):
        compiled(k_of(4, *many))


@settings(max_examples=40)
@given(st.data())
def test_every_state_is_reached_leads_on_and_is_never_come_back_to(policies, data: st.DataObject):
    policy = data.draw(policies)
    seen: dict[str, int] = {}

    def depth(state: str) -> int:
        """Give the longest way to an end; a loop would never return."""
        if state in (PASSED, FAILED):
            return 0
        if state not in seen:
            seen[state] = len(policy.table) + 1
            seen[state] = 1 + max(map(depth, policy.table[state].values()))
        return seen[state]

    assert depth(BEGIN) <= len(policy.table)
    assert set(seen) == set(policy.table)

    owed, conditions = set(policy.owed), set(policy._compiled.conditions)
    assert owed.isdisjoint(conditions)
    assert owed | conditions | {BEGIN} == set(policy.table)
    for state, followers in policy.table.items():
        if state == BEGIN:
            assert list(followers) == [WITH_SRP, WITHOUT_SRP]
        else:
            assert list(followers) == ([PASSED, FAILED] if state in owed else [HELD, LACKED])
