"""What a policy demands, stated a second time: told by examples, and held against the table."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authflow.triggers import (
    Owed,
    Passed,
    Policy,
    any_of,
    attribute,
    challenge,
    client_metadata,
    k_of,
    optional,
    password,
    sequence,
    when,
)
from authflow.triggers.policies.conditions import Facts
from tests.triggers.policies.requirement import Progress, Requirement, described

SUM, WORD = challenge("sum", attempts=2), challenge("word", attempts=2)
OTP = challenge("otp", attempts=1)

After = Callable[..., tuple[Requirement, Progress]]


@pytest.fixture(scope="session")
def after(entries, metadata) -> After:
    """Gives a function: a policy's requirement, and the progress that a history makes."""

    def made(policy: Policy, letters: str, facts: Facts | None = None):
        requirement = Requirement(
            step=policy.step, rounds=policy.rounds, metadata=metadata, facts=facts or Facts()
        )
        progress = requirement.begin()
        for letter in letters:
            progress = requirement.after(progress, entries[letter])
        return requirement, progress

    return made


@pytest.fixture(scope="session")
def wanted(after) -> Callable[..., str]:
    """Gives a function: in words, what is owed after a history."""

    def told(policy: Policy, letters: str, facts: Facts | None = None) -> str:
        requirement, progress = after(policy, letters, facts)
        owed = requirement.asks_for(progress)
        if owed is not None:
            return described(owed)
        return "nothing" if requirement.met(progress) else "it failed"

    return told


EVERYTHING = Policy(
    sequence(
        any_of(password(), SUM),
        optional(sequence(WORD, OTP)),
        when(attribute("tier", "gold"), SUM),
        when(client_metadata("device"), k_of(2, SUM, WORD, OTP)),
    )
)


@pytest.mark.parametrize(
    ("letters", "owed"),
    [
        ("", "attempt 1 of 2 at sum"),
        ("S", "the password"),
        ("Sp", "it failed"),
        ("SP", "a choice"),
        ("SPM", "a choice"),
        ("SPm", "it failed"),
        ("A", "a choice"),
        ("a", "attempt 2 of 2 at sum"),
        ("aa", "it failed"),
        ("AM", "it failed"),
        ("AC", "attempt 1 of 2 at word"),
        ("ACb", "attempt 2 of 2 at word"),
        ("ACbb", "client metadata"),
        ("ACB", "attempt 1 of 1 at otp"),
        ("ACBo", "client metadata"),
        ("ACBO", "client metadata"),
        ("Ac", "client metadata"),
        ("Ack", "nothing"),
        ("AckM", "it failed"),
        ("SPckM", "nothing"),
        ("AcK", "a choice"),
        ("AcKC", "a choice"),
        ("AcKc", "attempt 1 of 1 at otp#2"),
        ("AcKcO", "a choice"),
        ("AcKcOc", "attempt 1 of 2 at word#2"),
        ("AcKcOcB", "nothing"),
        ("AcKcOcBB", "it failed"),
    ],
)
def test_what_is_owed_after_a_history(wanted, letters: str, owed: str):
    assert wanted(EVERYTHING, letters) == owed


def test_conditions_on_users_are_taken_apart_by_their_facts(wanted):
    gold = Facts(user_attributes={"tier": "gold"})
    assert wanted(EVERYTHING, "Ac", gold) == "attempt 1 of 2 at sum#2"
    assert wanted(EVERYTHING, "AcA", gold) == "client metadata"


def test_nothing_is_owed_once_the_rounds_do_not_suffice(wanted):
    policy = Policy(sequence(SUM, optional(WORD), OTP), rounds=4)
    assert wanted(policy, "aA") == "a choice"
    assert wanted(policy, "aAc") == "attempt 1 of 1 at otp"
    assert wanted(policy, "aACB") == "it failed"
    assert wanted(policy, "aACBO") == "it failed"
    assert wanted(policy, "aAcO") == "nothing"


def test_a_challenge_that_has_failed_for_good_is_told(after):
    _, progress = after(Policy(sequence(SUM, OTP)), "aa")
    assert (progress.left, progress.exhausted) == (None, ("sum", 2, 2))


def test_a_challenge_that_may_fail_is_not_told(after):
    _, progress = after(Policy(sequence(optional(SUM), OTP)), "Caa")
    assert progress.exhausted is None
    assert progress.left


def test_a_wrong_password_and_a_stray_round_exhaust_nothing(after):
    for letters in ("Sp", "SB", "SPB"):
        _, progress = after(Policy(sequence(password(), SUM)), letters)
        assert (progress.left, progress.exhausted) == (None, None)


def test_what_is_given_up_stays_given_up(after):
    _, progress = after(Policy(sequence(SUM, OTP)), "aaAO")
    assert progress.left is None
    _, progress = after(Policy(SUM), "SA")
    assert progress.left is None


ROUNDS = {"password": "P", "choice": "C", "metadata": "K", "sum": "A", "word": "B", "otp": "O"}


@settings(max_examples=60)
@given(st.data())
def test_it_says_what_the_table_says(
    limited_policies, standing, after, entries, data: st.DataObject
):
    policy = data.draw(limited_policies)
    attributes = data.draw(st.sampled_from([{}, {"tier": "gold"}, {"tier": "lead"}]))
    groups = data.draw(st.sampled_from([frozenset(), frozenset({"staff"})]))
    facts = Facts(user_attributes=attributes, groups=groups)
    letters = data.draw(st.sampled_from(["", "S"]))
    while True:
        found = standing(policy, letters, facts)
        requirement, progress = after(policy, letters, facts)
        assert requirement.met(progress) == (found == Passed()), letters
        owed = requirement.asks_for(progress)
        assert (owed is not None) == isinstance(found, Owed), letters
        if owed is None:
            return
        letter = ROUNDS[described(owed).split()[-1].partition("#")[0]]
        often = st.sampled_from([letter, letter.lower()])
        letters += data.draw(st.one_of(often, often, st.sampled_from(sorted(entries))))
