"""The diagram of a policy's table."""

from collections.abc import Iterator
from typing import Final

from authflow.picture import BEGINNING, Picture
from authflow.triggers.policies.policy import Policy
from authflow.triggers.policies.steps import ChallengeStep, ConditionalStep
from authflow.triggers.policies.table import BEGIN, FAILED, HELD, LACKED, PASSED, ChoiceRound

_ENDS: Final = {PASSED: "tokens", FAILED: "refused"}


def picture(policy: Policy) -> Picture:
    """Draw a policy.

    Args:
        policy: The policy.
    """
    reached = {target for followers in policy.table.values() for target in followers.values()}
    ends = {state: end for state, end in _ENDS.items() if state in reached}
    waiting = [state for state in policy.table if state != BEGIN]
    # The names of states are not identifiers in either language, so states get numbers.
    numbers = {state: f"s{number}" for number, state in enumerate(waiting, 1)}
    ids = {BEGIN: BEGINNING, **numbers, **ends}
    return Picture(
        boxes={numbers[state]: state for state in waiting} | {end: end for end in ends.values()},
        arrows=tuple(
            (ids[source], label, ids[target]) for source, label, target in _arrows(policy)
        ),
        ends=tuple(ends.values()),
        evaluated=frozenset(numbers[state] for state in waiting if state not in policy.owed),
    )


def _arrows(policy: Policy) -> Iterator[tuple[str, str, str]]:
    """Yield source, label and target of each arrow; events with the same target share one."""
    for source, followers in policy.table.items():
        labels: dict[str, list[str]] = {}
        for event, target in followers.items():
            if source == BEGIN and target == FAILED:
                continue  # the other beginning's arrow shows it
            labels.setdefault(target, []).append(_label(policy, source, event))
        for target, told in labels.items():
            yield source, " or ".join(told), target


def _label(policy: Policy, state: str, event: str) -> str:
    """Return the meaning of an event in its state."""
    owed = policy.owed.get(state)
    if owed is None:
        return {HELD: "yes", LACKED: "no"}.get(event, event)
    match owed.step:
        case ChoiceRound(options=options, first=first):
            return ", ".join(each for each in options if (each in first) == (event == PASSED))
        case ConditionalStep():
            return "yes" if event == PASSED else "no"
        case ChallengeStep() if event == FAILED:
            return "wrong"
        case _:
            return event
