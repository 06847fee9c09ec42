"""A policy: the challenges before Define issues tokens, declared instead of programmed.

    Policy(sequence(password(), challenge("captcha", attempts=3)), rounds=6)

RULES

1. A policy compiles to one table (`authflow.triggers.policies.table`), of the same kind as those of
   `authflow.machine`. No machine runs it: Define walks it at every call, which takes a tenth of the
   time that a `transitions.Machine` takes. A test compares the two walks.
2. Cognito calls Define without memory, so where a sign-in stands is found by replaying its whole
   session. Rounds are never just counted: a session that begins with SRP is longer, and so is one
   that Cognito put an MFA into.
3. An entry of the session counts only if it is the round that was owed. Any other one (a foreign
   challenge, a round too many, SRP where no password is wanted) fails the authentication. So does
   a round of another step of the same kind, which was owed before a user's attributes changed:
   where a policy has several of a kind, the metadata says which one a round was of.
4. Cognito's own challenges may follow the password; the policy takes no notice of those passed.
5. Nothing here awaits, reads a clock, draws a random number or logs.

Source: "Define Auth challenge Lambda trigger" and "Custom authentication flow and challenges" in
the Amazon Cognito developer guide.
"""

from collections.abc import Callable, Iterable, Mapping
from math import inf
from typing import TYPE_CHECKING, Final, cast

from attrs import Factory, field, frozen

from authflow.errors import ConfigError
from authflow.machine import CHALLENGES, State
from authflow.triggers.events.challenge_events import SessionEntry
from authflow.triggers.policies.facts import Facts
from authflow.triggers.policies.preparation import prepared
from authflow.triggers.policies.steps import (
    ChallengeStep,
    ConditionalStep,
    PasswordStep,
    Step,
    walk,
)
from authflow.triggers.policies.table import (
    BEGIN,
    FAILED,
    HELD,
    LACKED,
    PASSED,
    WITH_SRP,
    WITHOUT_SRP,
    Compiled,
    Owed,
    Table,
    compile_steps,
)
from authflow.unframed import whole

if TYPE_CHECKING:
    from authflow.plugins.trigger_challenge import TriggerChallenge

CHOICE_METADATA: Final = "AUTHFLOW_CHOICE"
"""The challengeMetadata of a choice."""
CONDITION_METADATA: Final = "AUTHFLOW_CONDITION"
"""The challengeMetadata of a condition on client metadata."""
STATE_MARK: Final = "#"
"""The mark between a challenge's metadata and the state after it (`round_metadata`)."""
STEP: Final = "of."
"""The mark before a step's number among those of its kind (`round_metadata`)."""
_ALONE: Final = "1"

MOST_ROUNDS: Final = 30
"""The most rounds of a policy. authflow's client gives up after 40 replies, and some may be
for Cognito's own challenges."""

_COGNITOS_OWN: Final = CHALLENGES - {State.PASSWORD_VERIFIER, State.CUSTOM_CHALLENGE}
_DEVICES_PROOF: Final = frozenset({State.DEVICE_SRP_AUTH, State.DEVICE_PASSWORD_VERIFIER})
"""The challenges that stand where tokens would follow, without a password too."""


@frozen
class Passed:
    """The user has passed everything that the policy asks for."""


@frozen
class Failed:
    """The authentication has failed.

    Args:
        reason: Why, for the owner of the pool; it holds nothing that the client sent.
    """

    reason: str


Standing = Owed | Passed | Failed
"""The place of a sign-in in a policy: something is owed, all is passed, or it has failed."""


def _whole_number(rounds: object) -> int:
    # isinstance would accept True as a number.
    if type(rounds) is not int:
        msg = f"rounds= is a whole number, not {rounds!r:.80}"
        raise ConfigError(msg)
    return rounds


def _as_many_as_the_longest_path_takes(policy: "Policy") -> int:
    compiled = policy._compiled  # noqa: SLF001  # the class is this one's only caller
    return int(min(_rounds(compiled, BEGIN, max, None), MOST_ROUNDS))


@whole
@frozen
class Policy:
    """The steps that a user must pass.

    Args:
        step: What is demanded, such as a `sequence`.
        rounds: How many rounds a sign-in may take at most, the password, choices and wrong
            answers among them. By default as many as its longest path takes, and 30 at most.
            A sign-in fails as soon as it cannot be passed within them.

    Raises:
        ConfigError: Some sign-ins would be asked for nothing, or for too much, or the rounds
            suffice for none.
    """

    step: Step = field(converter=prepared)
    _compiled: Compiled = field(init=False, repr=False, eq=False)
    rounds: int = field(
        kw_only=True,
        default=Factory(_as_many_as_the_longest_path_takes, takes_self=True),
        converter=_whole_number,
    )
    _numbers: Mapping[str, str] = field(init=False, repr=False, eq=False)
    is_limited: bool = field(init=False, repr=False, eq=False)
    """Whether some paths are longer than a sign-in may take."""

    @_compiled.default
    def _compile(self) -> Compiled:
        return compile_steps(self.step)

    @_numbers.default
    def _number(self) -> Mapping[str, str]:
        return _numbered(self._compiled.owed)

    @is_limited.default
    def _is_shorter_than_the_longest_path(self) -> bool:
        return self.rounds < _rounds(self._compiled, BEGIN, max, None)

    def __attrs_post_init__(self) -> None:
        for facts in self._kinds_of_users():
            if _passes_for_nothing(self._compiled, facts):
                msg = (
                    "the policy would let somebody in for nothing: a step that cannot be skipped"
                    " or lacked must be on every path"
                )
                raise ConfigError(msg)
        shortest = _rounds(self._compiled, BEGIN, min, None)
        if self.rounds < shortest:
            msg = (
                f"rounds={self.rounds!r:.20} suffice for no sign-in: the shortest by this policy"
                f" takes {shortest}"
            )
            raise ConfigError(msg)
        if self.rounds > MOST_ROUNDS:
            msg = f"rounds={self.rounds}: a client goes along with {MOST_ROUNDS} at most"
            raise ConfigError(msg)

    @property
    def table(self) -> Table:
        """For each state that is not an end, the next state after each event."""
        return self._compiled.table

    @property
    def owed(self) -> Mapping[str, Owed]:
        """For each state that waits for a round, the round."""
        return self._compiled.owed

    @property
    def challenges(self) -> tuple[ChallengeStep, ...]:
        """The steps that are custom challenges."""
        return tuple(step for step in walk(self.step) if isinstance(step, ChallengeStep))

    @property
    def plugins(self) -> "tuple[type[TriggerChallenge], ...]":
        """The classes of the plugins that the policy has as objects, not only by name."""
        given = (step.plugin for step in self.challenges if step.plugin is not None)
        return tuple(each if isinstance(each, type) else type(each) for each in given)

    @property
    def conditions(self) -> tuple[ConditionalStep, ...]:
        """The steps that are conditional."""
        return tuple(step for step in walk(self.step) if isinstance(step, ConditionalStep))

    def number_of(self, owed: Owed) -> str | None:
        """Return which step of its kind a round is of; None if the policy has no other.

        Args:
            owed: A round that this policy owes.
        """
        return self._numbers.get(owed.state)

    def _kinds_of_users(self) -> Iterable[Facts]:
        """Return the facts of every kind of user that the conditions distinguish."""
        conditions = [step.condition for step in self.conditions]
        if not conditions:
            return [Facts()]
        from authflow.triggers.policies.user_kinds import user_kinds  # noqa: PLC0415  # not for slim starts

        return [kind.facts for kind in user_kinds(conditions)]

    def replay(
        self, session: Iterable[SessionEntry], metadata: Mapping[str, str], facts: Facts
    ) -> Standing:
        """Return the state of a sign-in.

        Args:
            session: All its rounds so far, the first one first.
            metadata: For each challenge's name, what stands in its challengeMetadata.
            facts: What conditions are evaluated on. Client metadata does not count here.

        Returns:
            What is owed next, or that it has passed, or that it has failed.
        """
        entries = tuple(session)
        srp = bool(entries) and entries[0].challenge_name == State.SRP_A
        if srp and not entries[0].challenge_result:
            return Failed("SRP was refused")
        state = self.settled(self.table[BEGIN][WITH_SRP if srp else WITHOUT_SRP], facts)
        if state == FAILED:
            return Failed(
                "the policy wants no password, and the client began with SRP"
                if srp
                else "the policy wants the password, and the client did not begin with SRP"
            )
        rounds, password_passed = 0, False
        for entry in entries[1:] if srp else entries:
            own = _COGNITOS_OWN if password_passed else _DEVICES_PROOF if state == PASSED else ()
            if entry.challenge_name in own:
                if not entry.challenge_result:
                    return Failed(f"Cognito's own {entry.challenge_name} was not passed")
                continue
            owed = self.owed.get(state)
            if owed is None or not _is_round(entry, owed, self.number_of(owed), metadata):
                return Failed(f"the session holds another round than the one owed: {state}")
            rounds += 1
            password_passed = password_passed or isinstance(owed.step, PasswordStep)
            event = PASSED if entry.challenge_result else FAILED
            state = self.settled(self.table[state][event], facts)
        if state == FAILED:
            return Failed("a challenge was not passed, and no attempt is left")
        if self.is_limited and rounds + _rounds(self._compiled, state, min, facts) > self.rounds:
            return Failed(f"not all can be passed any more within {self.rounds} rounds")
        return Passed() if state == PASSED else self.owed[state]

    def settled(self, state: str, facts: Facts) -> str:
        """Return the state after all conditions: one that waits for a round, or an end.

        Args:
            state: A state of the table.
            facts: What conditions are evaluated on.
        """
        while conditional := self._compiled.conditions.get(state):
            state = self.table[state][HELD if conditional.holds(facts) else LACKED]
        return state


def _numbered(owed: Mapping[str, Owed]) -> Mapping[str, str]:
    """Return for each state the number of its round's step, where there are several of its kind."""
    kinds: dict[object, dict[object, str]] = {}
    places: dict[str, tuple[object, object]] = {}
    for state, each in owed.items():
        number, kind, of = None, CHOICE_METADATA, cast("object", each.step)
        match each.step:
            case PasswordStep():
                continue
            case ChallengeStep(name=name, label=label):
                kind, of = name, label
                number = label.partition(STATE_MARK)[2] or _ALONE
            case ConditionalStep(condition=condition):
                kind, of = CONDITION_METADATA, condition
        steps = kinds.setdefault(kind, {})
        steps.setdefault(of, number or str(len(steps) + 1))
        places[state] = kind, of
    return {state: kinds[kind][of] for state, (kind, of) in places.items() if len(kinds[kind]) > 1}


def _is_round(
    entry: SessionEntry, owed: Owed, number: str | None, metadata: Mapping[str, str]
) -> bool:
    """Return whether an entry of the session is the owed round.

    One without a number may be of any step of its kind: an authflow that numbered none wrote it, or
    a policy with no other. A sign-in goes on after an update of the triggers.
    """
    match owed.step:
        case PasswordStep():
            return entry.challenge_name == State.PASSWORD_VERIFIER
        case ChallengeStep(name=name):
            expected = metadata[name]
        case ConditionalStep():
            expected = CONDITION_METADATA
        case _:
            expected = CHOICE_METADATA
    kind, _, rest = (entry.challenge_metadata or "").partition(STATE_MARK)
    numbered = rest.partition(STATE_MARK)[0] if rest.startswith(STEP) else None
    return (
        entry.challenge_name == State.CUSTOM_CHALLENGE
        and kind == expected
        and numbered in {None, f"{STEP}{number or _ALONE}"}
    )


def _proves(compiled: Compiled, state: str, event: str) -> bool:
    """Return whether an event proves something, and is not only a choice or a condition."""
    owed = compiled.owed.get(state)
    return (
        event == PASSED and owed is not None and isinstance(owed.step, PasswordStep | ChallengeStep)
    )


def _passes_for_nothing(compiled: Compiled, facts: Facts) -> bool:
    """Return whether a user can pass with nothing but choices and conditions."""
    fresh, seen = [BEGIN], {BEGIN}
    while fresh:
        state = fresh.pop()
        followers = compiled.table.get(state, {})
        if conditional := compiled.conditions.get(state):
            held = HELD if conditional.holds(facts) else LACKED
            followers = {held: followers[held]}
        for event, follower in followers.items():
            if follower not in seen and not _proves(compiled, state, event):
                seen.add(follower)
                fresh.append(follower)
    return PASSED in seen


def _rounds(
    compiled: Compiled, start: str, best: Callable[[Iterable[float]], float], facts: Facts | None
) -> float:
    """Return the number of rounds from a state on the longest or the shortest passing path.

    The table has no loops: a path comes to each state once.

    Args:
        compiled: The policy's table.
        start: The state.
        best: `max` for the longest path, `min` for the shortest one that passes.
        facts: What conditions are evaluated on; without it they go either way.
    """
    known: dict[str, float] = {PASSED: 0, FAILED: 0 if best is max else inf}
    stack = [start]
    while stack:
        state = stack[-1]
        followers = list(compiled.table[state].values()) if state not in known else []
        if facts is not None and state in compiled.conditions:
            held = compiled.conditions[state].holds(facts)
            followers = [compiled.table[state][HELD if held else LACKED]]
        unknown = [each for each in followers if each not in known]
        if unknown:
            stack.extend(unknown)
            continue
        stack.pop()
        if state not in known:
            known[state] = best(known[each] for each in followers) + (state in compiled.owed)
    return known[start]
