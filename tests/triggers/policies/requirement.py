"""What a policy demands, stated a second time: the steps that are left, rewritten round by round.

The table says where each event leads; this says what is still owed after it, by taking the steps
apart as they stand. The two are written apart, so that a proof can hold one against the other.
"""

from collections.abc import Mapping
from math import inf
from typing import Final

from attrs import evolve, field, frozen

from authflow.machine import CHALLENGES, State
from authflow.triggers.events.challenge_events import SessionEntry
from authflow.triggers.policies.facts import Facts
from authflow.triggers.policies.policy import CHOICE_METADATA, CONDITION_METADATA
from authflow.triggers.policies.preparation import begun
from authflow.triggers.policies.steps import (
    NOTHING,
    ChallengeStep,
    ChooseStep,
    ConditionalStep,
    ImpossibleStep,
    OptionalStep,
    PasswordStep,
    SequenceStep,
    Step,
)

COGNITOS_OWN: Final = CHALLENGES - {State.PASSWORD_VERIFIER, State.CUSTOM_CHALLENGE}
"""The challenges that Cognito puts in by itself once the password was proved."""
DEVICES: Final = {State.DEVICE_SRP_AUTH, State.DEVICE_PASSWORD_VERIFIER}
"""Those among them that it puts in before any tokens."""


@frozen
class _Fence(Step):
    """Where a failed optional step leads to: what stands before it is given up."""


@frozen
class _Trying(Step):
    """A challenge that got wrong answers."""

    challenge: ChallengeStep
    failures: int


@frozen
class _Choosing(Step):
    """A choice of which some options are still open."""

    count: int
    options: tuple[Step, ...]
    open: tuple[Step, ...]


_FENCE: Final = _Fence()
Left = tuple[Step, ...]
"""What is owed, the next first."""
_Exhausted = tuple[str, int, int]
"""A challenge's label, its wrong answers, and how many it may get."""


@frozen
class Progress:
    """How much of a requirement a session shows.

    Args:
        left: What is owed still; None once it cannot be met any more.
        begun: The first entry was seen, or the sign-in went on without SRP.
        proved: The password was proved.
        rounds: How many rounds were taken.
        exhausted: The challenge that has failed for good, and by how many wrong answers.
    """

    left: Left | None
    begun: bool = False
    proved: bool = False
    rounds: int = 0
    exhausted: _Exhausted | None = None


@frozen(kw_only=True)
class Requirement:
    """What a policy demands of a user of whom some facts are known.

    Args:
        step: The policy's step, prepared.
        rounds: How many rounds there may be; None if no path is longer than that. Then they need
            not be counted, and fewer sessions differ.
        metadata: For each challenge's name, its metadata.
        facts: What conditions are evaluated on.
    """

    step: Step
    rounds: int | None
    metadata: Mapping[str, str] = field(hash=False)
    facts: Facts
    _known: dict[Left, float] = field(factory=dict, init=False, repr=False, eq=False)

    def begin(self) -> Progress:
        """Give the progress of an empty session, which began without SRP as far as one can see."""
        return Progress(self._next((begun(self.step, srp=False),)))

    def after(self, progress: Progress, entry: SessionEntry) -> Progress:
        """Give the progress that an entry makes."""
        passed, name = entry.challenge_result, entry.challenge_name
        if name == State.SRP_A and passed and not progress.begun:
            return Progress(self._next((begun(self.step, srp=True),)), begun=True)
        if progress.left is None:
            return evolve(progress, begun=True)
        if name in COGNITOS_OWN and passed and progress.proved:
            return progress
        if name in DEVICES and passed and progress.left == ():
            return progress
        if not progress.left or not self._is_round(entry, progress.left[0]):
            return evolve(progress, left=None, begun=True, exhausted=None)
        left, exhausted = self._answered(progress.left, passed=passed)
        return Progress(
            left,
            begun=True,
            proved=progress.proved or (isinstance(progress.left[0], PasswordStep) and passed),
            rounds=0 if self.rounds is None else progress.rounds + 1,
            exhausted=exhausted,
        )

    def _answered(self, left: Left, *, passed: bool) -> tuple[Left | None, _Exhausted | None]:
        """Give what is left after the next round, and which challenge has failed for good."""
        top, rest = left[0], left[1:]
        match top:
            case PasswordStep():
                return (self._next(rest) if passed else None), None
            case _Choosing():
                return self._next((*_chosen(top, first=passed), *rest)), None
            case ConditionalStep():
                return self._next((top.step if passed else top.otherwise, *rest)), None
        if passed:
            return self._next(rest), None
        step, failures = _trying(top).challenge, _trying(top).failures + 1
        if failures < step.attempts:
            return (_Trying(step, failures), *rest), None
        if _FENCE in rest:
            return self._next(rest[rest.index(_FENCE) :]), None
        return None, (step.label, failures, step.attempts)

    def asks_for(self, progress: Progress) -> Step | None:
        """Give what is owed next; None if the sign-in is over, or cannot be passed any more."""
        if not progress.left or self._is_too_late(progress):
            return None
        return progress.left[0]

    def met(self, progress: Progress) -> bool:
        """Say whether nothing is owed any more, and it was not too many rounds."""
        return progress.left == () and not self._is_too_late(progress)

    def _is_too_late(self, progress: Progress) -> bool:
        if self.rounds is None:
            return False
        return progress.rounds + self._fewest(progress.left) > self.rounds

    def _fewest(self, left: Left | None) -> float:
        """Count the rounds that are needed at least."""
        if not left:
            return inf if left is None else 0
        if left not in self._known:
            after = (self._answered(left, passed=passed)[0] for passed in (True, False))
            self._known[left] = 1 + min(map(self._fewest, after))
        return self._known[left]

    def _is_round(self, entry: SessionEntry, top: Step) -> bool:
        if isinstance(top, PasswordStep):
            return entry.challenge_name == State.PASSWORD_VERIFIER
        match top:
            case _Choosing():
                metadata = CHOICE_METADATA
            case ConditionalStep():
                metadata = CONDITION_METADATA
            case _:
                metadata = self.metadata[_trying(top).challenge.name]
        return (
            entry.challenge_name == State.CUSTOM_CHALLENGE and entry.challenge_metadata == metadata
        )

    def _next(self, left: Left) -> Left | None:
        """Take apart what comes next until it is a round."""
        while left:
            top, rest = left[0], left[1:]
            match top:
                case SequenceStep(steps=steps):
                    left = (*steps, *rest)
                case ChooseStep(count=0) | _Fence():
                    left = rest
                case ChooseStep(count=count, options=options) if count == len(options):
                    left = (*options, *rest)
                case ChooseStep(count=count, options=options):
                    return (_Choosing(count, options, options), *rest)
                case OptionalStep(step=step, taken=True):
                    left = (step, _FENCE, *rest)
                case OptionalStep(step=step):
                    options = (OptionalStep(step, taken=True), NOTHING)
                    return (_Choosing(1, options, options), *rest)
                case ConditionalStep(condition=condition) if not condition.is_told_by_client:
                    left = (top.step if top.holds(self.facts) else top.otherwise, *rest)
                case ImpossibleStep():
                    return None
                case _:
                    return left
        return left


def _trying(top: Step) -> _Trying:
    return top if isinstance(top, _Trying) else _Trying(top, 0)  # type: ignore[arg-type]


def _chosen(choosing: _Choosing, *, first: bool) -> Left:
    """Keep the half that was meant; once that is one option, it is owed, and then the others."""
    middle = (len(choosing.open) + 1) // 2
    half = choosing.open[:middle] if first else choosing.open[middle:]
    if len(half) > 1:
        return (evolve(choosing, open=half),)
    others = tuple(each for each in choosing.options if each is not half[0])
    return (half[0], ChooseStep(choosing.count - 1, others))


def described(owed: Step) -> str:
    """Name a round that is owed."""
    match owed:
        case PasswordStep():
            return "the password"
        case _Choosing():
            return "a choice"
        case ConditionalStep():
            return "client metadata"
        case _:
            trying = _trying(owed)
            step = trying.challenge
            return f"attempt {trying.failures + 1} of {step.attempts} at {step.label}"
