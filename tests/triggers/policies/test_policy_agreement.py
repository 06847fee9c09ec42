"""What a policy makes of histories, held against an interpreter of its steps written apart."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transitions import MachineError

from authflow.table_machine import TableMachine
from authflow.triggers import (
    Failed,
    Owed,
    Passed,
    PasswordStep,
    Policy,
    Standing,
    Step,
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
from authflow.triggers.policies.steps import (
    ChallengeStep,
    ChooseStep,
    ConditionalStep,
    OptionalStep,
    SequenceStep,
    walk,
)
from authflow.triggers.policies.table import FAILED, PASSED, ChoiceRound

KINDS = {"sum": "A", "word": "B", "otp": "O"}

WHO = [
    Facts(user_attributes=attributes, groups=groups, user_not_found=hidden)
    for attributes, groups, hidden in [
        ({}, frozenset(), False),
        ({"tier": "gold"}, frozenset(), False),
        ({"tier": "silver"}, frozenset({"staff"}), False),
        ({"tier": "gold"}, frozenset({"staff"}), False),
        ({}, frozenset(), True),
    ]
]

Runs = set[tuple[str, bool]]
"""Histories without SRP_A, and whether they pass."""


def after(first: Runs, second: Runs) -> Runs:
    failed = {(letters, False) for letters, passed in first if not passed}
    ways = product((letters for letters, passed in first if passed), second)
    return failed | {(letters + more, passed) for letters, (more, passed) in ways}


def wants_password(step: Step) -> bool:
    return any(isinstance(part, PasswordStep) for part in walk(step))


def with_password(ways: Runs) -> Runs:
    return {(letters, passed) for letters, passed in ways if letters[:1] in ("P", "p")}


def codes(options: int) -> list[str]:
    """Say how each of several options is chosen: half by half."""
    if options == 1:
        return [""]
    first = (options + 1) // 2
    halves = zip("Cc", (first, options - first), strict=True)
    return [letter + code for letter, size in halves for code in codes(size)]


def chosen(count: int, options: tuple[Step, ...], facts: Facts) -> Runs:
    ways: Runs = set()
    for option in filter(wants_password, options):  # silently, and first
        others = tuple(each for each in options if each is not option)
        ways |= after(with_password(runs(option, facts)), chosen(count - 1, others, facts))
        return ways | (chosen(count, others, facts) if count <= len(others) else set())
    if count in (0, len(options)):
        return runs(SequenceStep(options[:count]), facts)
    for code, option in zip(codes(len(options)), options, strict=True):
        others = tuple(each for each in options if each is not option)
        rest = chosen(count - 1, others, facts)
        ways |= after({(code, True)}, after(runs(option, facts), rest))
    return ways


def runs(step: Step, facts: Facts) -> Runs:
    """Give everything that can happen to a step, round by round."""
    match step:
        case PasswordStep():
            return {("P", True), ("p", False)}
        case ChallengeStep(name=name, attempts=attempts):
            wrong = KINDS[name].lower()
            passed = {(wrong * failures + KINDS[name], True) for failures in range(attempts)}
            return passed | {(wrong * attempts, False)}
        case SequenceStep(steps=steps):
            ways: Runs = {("", True)}
            for each in steps:
                ways = after(ways, runs(each, facts))
            return ways
        case ChooseStep(count=count, options=options):
            return chosen(count, options, facts)
        case OptionalStep(step=inner):
            taken = {(letters, "p" not in letters) for letters, _ in runs(inner, facts)}
            if wants_password(inner):
                return {("", True)} | with_password(taken)
            return {("c", True)} | after({("C", True)}, taken)
        case ConditionalStep(condition=condition, step=inner):
            if condition.is_told_by_client:
                return {("k", True)} | after({("K", True)}, runs(inner, facts))
            held = step.unknown if facts.user_not_found else condition.holds(facts)
            return runs(inner, facts) if held else {("", True)}
    raise AssertionError(step)


class Oracle:
    """Says what becomes of a history, by a set of all that are accepted."""

    def __init__(self, policy: Policy, facts: Facts) -> None:
        self.accepted = {
            f"S{letters}" if "P" in letters else letters
            for letters, passed in runs(policy.step, facts)
            if passed and len(letters) <= policy.rounds
        }
        self.open = {each[:length] for each in self.accepted for length in range(1, len(each))}
        if any(not each.startswith("S") for each in self.accepted):
            self.open.add("")

    def fate(self, letters: str) -> type:
        if letters in self.accepted:
            return Passed
        return Owed if letters in self.open else Failed

    def wanted(self, letters: str) -> set[str]:
        """Give what may be next, passed or not."""
        return {
            each.upper()[len(letters)]
            for each in self.accepted
            if each.startswith(letters) and (letters or not each.startswith("S"))
        }


def wanted(owed: Owed) -> str:
    match owed.step:
        case PasswordStep():
            return "P"
        case ChallengeStep(name=name):
            return KINDS[name]
        case ChoiceRound():
            return "C"
        case _:
            return "K"


def agree(found: Standing, oracle: Oracle, letters: str) -> None:
    counted = letters
    if letters.startswith("SP"):  # Cognito's own challenges count for nothing
        counted = letters.replace("M", "").replace("D", "")
    elif (before := letters.rstrip("D")) in oracle.accepted:  # nor does a device's proof at the end
        counted = before
    assert type(found) is oracle.fate(counted), letters
    if isinstance(found, Owed):
        assert oracle.wanted(counted) == {wanted(found)}, letters


SUM, WORD = challenge("sum", attempts=2), challenge("word", attempts=2)
ONCE = challenge("otp", attempts=1)
GOLD = attribute("tier", "gold")

SMALL = {
    "sequence": Policy(sequence(password(), SUM, ONCE)),
    "any of": Policy(any_of(SUM, WORD, ONCE)),
    "any of with password": Policy(any_of(sequence(password(), ONCE), SUM, WORD)),
    "k of": Policy(k_of(2, SUM, WORD, ONCE)),
    "k of with password": Policy(k_of(2, SUM, password(), ONCE)),
    "optional": Policy(sequence(optional(sequence(SUM, ONCE)), WORD)),
    "optional password": Policy(sequence(optional(sequence(password(), ONCE)), SUM)),
    "optional in optional": Policy(sequence(optional(sequence(optional(SUM), ONCE)), WORD)),
    "when": Policy(sequence(SUM, when(GOLD, ONCE, unknown=True), when(~GOLD, WORD))),
    "when password": Policy(sequence(when(GOLD, password()), SUM)),
    "when told": Policy(
        sequence(SUM, when(client_metadata("device"), when(GOLD, any_of(WORD, ONCE))))
    ),
    "rounds": Policy(sequence(any_of(SUM, WORD), optional(ONCE), SUM), rounds=5),
    "rounds with password": Policy(k_of(2, password(), SUM, WORD), rounds=2),
}


@pytest.mark.parametrize("name", SMALL)
def test_all_histories_of_up_to_three_rounds_are_judged_as_by_the_interpreter(name, standing):
    policy = SMALL[name]
    alphabet = "SPpMDAaBbOoCcKkF"
    histories = ["".join(each) for length in range(4) for each in product(alphabet, repeat=length)]
    histories += ["S" + each for each in histories if len(each) == 3]
    for facts in WHO[:2]:
        oracle = Oracle(policy, facts)
        for letters in histories:
            agree(standing(policy, letters, facts), oracle, letters)


@settings(max_examples=80)
@given(st.data())
def test_every_first_wrong_turn_is_judged_as_by_the_interpreter(
    limited_policies, standing, entries, data: st.DataObject
):
    policy = data.draw(limited_policies)
    facts = data.draw(st.sampled_from(WHO))
    oracle = Oracle(policy, facts)
    agree(standing(policy, "", facts), oracle, "")
    # Together with the next property, these are all histories there are.
    known = sorted(oracle.open | oracle.accepted)
    some = data.draw(st.permutations(known)) if len(known) > 150 else known
    for letters, another in product(some[:150], entries):
        agree(standing(policy, letters + another, facts), oracle, letters + another)


@settings(max_examples=80)
@given(st.data())
def test_a_damaged_history_is_judged_as_by_the_interpreter_and_never_recovers(
    limited_policies, standing, entries, data: st.DataObject
):
    policy = data.draw(limited_policies)
    facts = data.draw(st.sampled_from(WHO))
    oracle = Oracle(policy, facts)
    letters = list(data.draw(st.sampled_from(sorted(oracle.accepted) or [""])))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(letters)))
        cut = data.draw(st.integers(0, 2))
        letters[at : at + cut] = data.draw(st.lists(st.sampled_from(sorted(entries)), max_size=2))
    text = "".join(letters)
    fates = [standing(policy, text[:length], facts) for length in range(1, len(text) + 1)]
    for length, found in enumerate(fates, 1):
        agree(found, oracle, text[:length])
    failed = [isinstance(found, Failed) for found in fates]
    assert failed == sorted(failed)


@settings(max_examples=40)
@given(st.data())
def test_every_path_ends_within_the_rounds(limited_policies, standing, data: st.DataObject):
    policy = data.draw(limited_policies)
    facts = data.draw(st.sampled_from(WHO))
    letters = data.draw(st.sampled_from(["", "S"]))
    rounds = 0
    while isinstance(owed := standing(policy, letters, facts), Owed):
        letter = wanted(owed)
        letters += data.draw(st.sampled_from([letter, letter.lower()]))
        rounds += 1
        assert rounds <= policy.rounds
    assert isinstance(owed, Passed | Failed)


@settings(max_examples=40)
@given(st.data())
def test_the_walk_of_the_table_is_the_run_of_the_machine(policies, data: st.DataObject):
    policy = data.draw(policies)
    machine = TableMachine(
        (event, state, follower)
        for state, followers in policy.table.items()
        for event, follower in followers.items()
    )
    events = {event for followers in policy.table.values() for event in followers}
    for state, event in product([*policy.table, PASSED, FAILED], sorted(events)):
        follower = policy.table.get(state, {}).get(event)
        assert machine.allows(state, event) == (follower is not None)
        if follower is None:
            with pytest.raises(MachineError):
                machine.move(state, event)
        else:
            assert machine.move(state, event) == follower
