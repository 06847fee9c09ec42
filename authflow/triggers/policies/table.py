"""The compiler of a policy's steps to one table of states and events.

A state is a round that is owed, or a condition that is evaluated on the way. Each step is compiled
with where to go from it: `then` if it is passed, `otherwise` if it has failed for good.

| state | events |
|---|---|
| the beginning | begun with SRP, begun without |
| the password, an attempt at a challenge | passed, failed |
| a choice | passed: the first half of its options was meant; failed: the second half |
| a condition on client metadata | passed: it holds; failed: it does not |
| any other condition | held, lacked; no round is needed for it |

A choice between more than two options takes several rounds: Cognito keeps of a round only whether
it was passed. The client gives the same answer to each of them.
"""

from collections import Counter, deque
from collections.abc import Mapping
from typing import Final

from attrs import define, field, frozen

from authflow import rounds
from authflow.errors import ConfigError
from authflow.triggers.policies.preparation import begun, option_name
from authflow.triggers.policies.steps import (
    ChallengeStep,
    ChooseStep,
    ConditionalStep,
    ImpossibleStep,
    OptionalStep,
    PasswordStep,
    SequenceStep,
    Step,
)

BEGIN: Final = "begin"
PASSED: Final = "passed"
FAILED: Final = "failed"
WITH_SRP: Final = "begun with SRP"
WITHOUT_SRP: Final = "begun without SRP"
HELD: Final = "held"
LACKED: Final = "lacked"

MOST_STATES: Final = 2_000
"""The most states of a policy; one with more would be too large to understand."""


@frozen(kw_only=True)
class ChoiceRound:
    """A round in which the client chooses an option.

    Args:
        options: The names of the options that are still open.
        first: Those that the answer is compared with: one of them passes the round.
        count: How many options are to be passed in all.
    """

    options: tuple[str, ...]
    first: frozenset[str]
    count: int = 1


Round = PasswordStep | ChallengeStep | ChoiceRound | ConditionalStep
"""The rounds that a client can be asked; a condition only if it is on client metadata."""


@frozen
class Owed:
    """A round is owed: the password, an answer to a challenge, a choice, or client metadata.

    Args:
        step: What is owed.
        attempt: Which try the answer will be, from 1.
        state: The state's name in the policy's table.
    """

    step: Round
    attempt: int = 1
    state: str = field(default="", eq=False)


Table = Mapping[str, Mapping[str, str]]


@frozen(kw_only=True)
class Compiled:
    """A policy's table, and the meaning of each of its states.

    Args:
        table: For each state that is not an end: where each event leads.
        owed: For each state that waits for a round: the round.
        conditions: For each state that waits for none: what is evaluated.
    """

    table: Table
    owed: Mapping[str, Owed]
    conditions: Mapping[str, ConditionalStep]


_Node = int | str
"""A state without a name yet: a number, or the name of an end."""


@frozen
class _State:
    name: str
    stands_for: tuple[Round, int]
    events: Mapping[str, _Node]


def compile_steps(step: Step) -> Compiled:
    """Compile a policy's steps.

    Args:
        step: What it demands, prepared.

    Raises:
        ConfigError: It has too many states.
    """
    compiler = _Compiler()
    beginnings = {
        WITH_SRP: compiler.compile(begun(step, srp=True), PASSED, FAILED),
        WITHOUT_SRP: compiler.compile(begun(step, srp=False), PASSED, FAILED),
    }
    return compiler.named(beginnings)


@define
class _Compiler:
    states: list[_State] = field(factory=list)
    known: dict[object, _Node] = field(factory=dict)

    def compile(self, step: Step, then: _Node, otherwise: _Node) -> _Node:
        """Return the state in which a step begins."""
        match step:
            case PasswordStep():
                # Cognito ends a sign-in with a wrong password itself: there is no second try.
                return self._state("password", (step, 1), {PASSED: then, FAILED: FAILED})
            case ChallengeStep():
                return self._challenge(step, then, otherwise)
            case SequenceStep(steps=steps):
                for each in reversed(steps):
                    then = self.compile(each, then, otherwise)
                return then
            case ChooseStep():
                return self._choose(step, then, otherwise)
            case OptionalStep(step=inner, taken=taken):
                entry = self.compile(inner, then, then)
                return (
                    entry
                    if taken
                    else self._halve({option_name(inner): entry, rounds.SKIP: then}, 1)
                )
            case ConditionalStep():
                return self._condition(step, then, otherwise)
            case _:
                assert isinstance(step, ImpossibleStep)  # noqa: S101  # the last kind there is
                return FAILED

    def _state(
        self, name: str, stands_for: tuple[Round, int], events: Mapping[str, _Node]
    ) -> _Node:
        """Make a state, or return an equal one."""
        key = (name, stands_for, tuple(events.items()))
        if key not in self.known:
            self.known[key] = len(self.states)
            self.states.append(_State(name, stands_for, events))
            if len(self.states) > MOST_STATES:
                msg = f"the policy has more than {MOST_STATES} states: offer fewer options"
                raise ConfigError(msg)
        return self.known[key]

    def _challenge(self, step: ChallengeStep, then: _Node, otherwise: _Node) -> _Node:
        retry = otherwise
        for attempt in range(step.attempts, 0, -1):
            name = f"{step.label} {attempt}/{step.attempts}"
            retry = self._state(name, (step, attempt), {PASSED: then, FAILED: retry})
        return retry

    def _choose(self, step: ChooseStep, then: _Node, otherwise: _Node) -> _Node:
        count, options = step.count, step.options
        if count == 0:
            return then
        if count == len(options):
            return self.compile(SequenceStep(options), then, otherwise)
        # Different choices leave the same options: without this, the work would be factorial.
        key = (count, tuple(map(option_name, options)), then, otherwise)
        if key not in self.known:
            entries = {}
            for option in options:
                others = tuple(each for each in options if each is not option)
                rest = self._choose(ChooseStep(count - 1, others), then, otherwise)
                entries[option_name(option)] = self.compile(option, rest, otherwise)
            self.known[key] = self._halve(entries, count)
        return self.known[key]

    def _halve(self, entries: Mapping[str, _Node], count: int) -> _Node:
        """Make the rounds that ask for one half of the options, until one is left."""
        names = tuple(entries)
        if len(names) == 1:
            return entries[names[0]]
        middle = (len(names) + 1) // 2
        choice = ChoiceRound(options=names, first=frozenset(names[:middle]), count=count)
        halves = [
            self._halve({name: entries[name] for name in half}, count)
            for half in (names[:middle], names[middle:])
        ]
        return self._state(
            f"choose {count} of {', '.join(names)}",
            (choice, 1),
            dict(zip((PASSED, FAILED), halves, strict=True)),
        )

    def _condition(self, step: ConditionalStep, then: _Node, otherwise: _Node) -> _Node:
        told = step.condition.is_told_by_client
        events = (PASSED, FAILED) if told else (HELD, LACKED)
        followers = [self.compile(each, then, otherwise) for each in (step.step, step.otherwise)]
        leads = dict(zip(events, followers, strict=True))
        return self._state(f"whether {step.condition}", (step, 1), leads)

    def named(self, beginnings: Mapping[str, _Node]) -> Compiled:
        """Name the states, in the order in which a sign-in can reach them."""
        names: dict[_Node, str] = {PASSED: PASSED, FAILED: FAILED}
        order: list[int] = []
        taken: Counter[str] = Counter()
        queue = deque(beginnings.values())
        while queue:
            node = queue.popleft()
            if isinstance(node, str) or node in names:
                continue
            name = self.states[node].name
            taken[name] += 1
            names[node] = name if taken[name] == 1 else f"{name} ({taken[name]})"
            order.append(node)
            queue.extend(self.states[node].events.values())
        table = {BEGIN: {event: names[node] for event, node in beginnings.items()}}
        owed: dict[str, Owed] = {}
        conditions: dict[str, ConditionalStep] = {}
        for node in order:
            state, name = self.states[node], names[node]
            table[name] = {event: names[follower] for event, follower in state.events.items()}
            step, attempt = state.stands_for
            if HELD in state.events:
                assert isinstance(step, ConditionalStep)  # noqa: S101  # only these are evaluated
                conditions[name] = step
            else:
                owed[name] = Owed(step=step, attempt=attempt, state=name)
        return Compiled(table=table, owed=owed, conditions=conditions)
