"""The proof that a policy has no mistakes, or else the shortest paths that show them.

RULES

1. What a policy cannot get wrong is not asked: that tokens take all its steps, in order, that each
   challenge has the attempts declared, that another round than the one owed ends the sign-in, and
   that no state is a dead end, hold for whatever compiles. Our tests prove the compiler for that.
2. What its owner can get wrong is: too few rounds for some kind of user, extra challenges that
   let somebody in alone, conditions that show who does not exist.
3. What runs is the real thing: `Triggers.handle`, with Define's event, at every state that a
   sign-in can come to, for every kind of user that the policy's conditions tell apart, and for one
   who does not exist. A state is one of the policy's table, and whether the password was proved;
   it is come to by the shortest way, which leaves the most rounds.
4. Only `Policy` and `Triggers` themselves can be proved: a subclass may remember something else.
"""

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final

from attrs import define, evolve, field, frozen

from authflow.errors import ConfigError
from authflow.machine import State
from authflow.plugins.trigger_challenge import TriggerChallenge
from authflow.triggers.check.define_paths import (
    SRP_A,
    CheckVerdict,
    DefineDecision,
    Finding,
    Path,
    Result,
    Session,
    SessionReply,
    ask,
    define_event,
)
from authflow.triggers.check.mfa_notes import mfa_notes
from authflow.triggers.check.named_plugins import NamedPlugin, triggers_of
from authflow.triggers.dispatcher import Triggers
from authflow.triggers.events.challenge_events import SessionEntry
from authflow.triggers.policies.facts import Facts
from authflow.triggers.policies.policy import CHOICE_METADATA, CONDITION_METADATA, Policy
from authflow.triggers.policies.steps import ChallengeStep, ConditionalStep, PasswordStep, Step
from authflow.triggers.policies.table import (
    BEGIN,
    FAILED,
    PASSED,
    WITH_SRP,
    WITHOUT_SRP,
    Owed,
)
from authflow.triggers.policies.user_kinds import UserKind, user_kinds
from authflow.triggers.round_metadata import RoundMetadata

_POOL: Final = "us-east-1_AuthflowX"
_CLIENT: Final = "1example23456789"
_EXTRAS: Final = "extra challenges never suffice alone"

_Broken = tuple[Path, str] | None
"""The shortest path that breaks a property, and what is wrong there."""


@frozen
class _Place:
    """A point of a sign-in: a state of the policy's table, and the shortest way there."""

    state: str
    session: Session
    rounds: int = 0
    proved: bool = False


@frozen(kw_only=True)
class _Replies:
    """Define's replies at a place, to a user who exists and to one who does not."""

    place: _Place
    known: SessionReply
    unknown: SessionReply


async def prove(subject: Step | Policy | Triggers) -> CheckVerdict:
    """Prove that a policy has none of the mistakes that its owner can make.

    Args:
        subject: The policy, or triggers with a policy. What a policy only names is looked up among
            the installed plugins. One that is not there need not be: it is acquitted of nothing.

    Returns:
        The verdict on three properties: rounds, extra challenges, unknown users.

    Raises:
        ConfigError: There is no policy, or it is a subclass's, or it tells too many users apart.
        PluginError: A plugin of the triggers is missing or broken.
    """
    if isinstance(subject, Step):
        subject = Policy(subject)
    # isinstance would accept classes that override `handle` or `replay`, see rule 4.
    if type(subject) is Policy:
        subject = triggers_of(subject)
    if type(subject) is not Triggers or type(subject.policy) is not Policy:
        msg = (
            "only a Policy, or Triggers with a Policy, can be proved, and no subclass of them:"
            " check another Define trigger by its handler"
        )
        raise ConfigError(msg)
    plugins = subject.load()
    explorations = []
    for kind in user_kinds(step.condition for step in subject.policy.conditions):
        exploration = _Exploration(
            triggers=subject if subject.groups is None else _with_groups(subject, kind.groups),
            policy=subject.policy,
            plugins=plugins,
            kind=kind,
        )
        await exploration.run()
        explorations.append(exploration)
    return _verdict(subject.policy, explorations)


@define(kw_only=True)
class _Exploration:
    """Explores a policy for one kind of user, and judges the result."""

    triggers: Triggers
    policy: Policy
    plugins: Mapping[str, TriggerChallenge]
    kind: UserKind
    told: list[_Replies] = field(factory=list)
    """The replies of Define, those with the shortest paths first."""

    async def run(self) -> None:
        """Ask Define at every place."""
        seen: set[tuple[str, bool]] = set()
        queue = deque(self._beginnings())
        while queue:
            place = queue.popleft()
            if (place.state, place.proved) in seen:
                continue
            seen.add((place.state, place.proved))
            known, unknown = [
                await ask(
                    self.triggers.handle,
                    define_event(
                        place.session,
                        user_not_found=user_not_found,
                        user_pool_id=self.triggers.user_pool_id or _POOL,
                        client_id=min(self.triggers.client_ids or {_CLIENT}),
                        user_attributes=self.kind.attributes,
                    ),
                )
                for user_not_found in (False, True)
            ]
            self.told.append(_Replies(place=place, known=known, unknown=unknown))
            if known.asks or unknown.asks:
                queue.extend(self._after(place))

    def _beginnings(self) -> Iterator[_Place]:
        for session, event in (((), WITHOUT_SRP), ((SRP_A,), WITH_SRP)):
            state = self.policy.settled(self.policy.table[BEGIN][event], self.kind.facts)
            yield _Place(state, session)

    def _after(self, place: _Place) -> Iterator[_Place]:
        """Return the places to which a round leads, passed or not."""
        owed = self.policy.owed.get(place.state)
        if owed is None:
            return
        for passed, event in ((True, PASSED), (False, FAILED)):
            follower = self.policy.table[place.state][event]
            yield _Place(
                self.policy.settled(follower, self.kind.facts),
                (*place.session, self._entry(owed, passed=passed)),
                place.rounds + 1,
                place.proved or isinstance(owed.step, PasswordStep),
            )

    def _entry(self, owed: Owed, *, passed: bool) -> SessionEntry:
        match owed.step:
            case PasswordStep():
                return SessionEntry(
                    challenge_name=State.PASSWORD_VERIFIER.value, challenge_result=passed
                )
            case ChallengeStep(label=label):
                metadata = self.plugins[label].metadata
            case ConditionalStep():
                metadata = CONDITION_METADATA
            case _:
                metadata = CHOICE_METADATA
        told = RoundMetadata(challenge=metadata, step=self.policy.number_of(owed))
        return SessionEntry(
            challenge_name=State.CUSTOM_CHALLENGE.value,
            challenge_result=passed,
            challenge_metadata=told.write(),
        )

    def _path(self, place: _Place, reply: SessionReply) -> Path:
        return Path(session=place.session, reply=reply, who=self.kind.who)

    def locked_out(self) -> _Broken:
        """Find a kind of user who cannot sign in."""
        for told in self.told:
            if told.known.decision is DefineDecision.UNUSABLE:
                return self._path(told.place, told.known), "Cognito does not accept the reply"
        if any(told.known.decision is DefineDecision.TOKENS for told in self.told):
            return None
        first = self.told[0]
        why = f"every way to tokens takes more than {_rounds(self.policy)}"
        return self._path(first.place, first.known), why

    @property
    def missing(self) -> dict[str, str]:
        """For each label whose plugin cannot be found, why."""
        return {
            label: plugin.missing
            for label, plugin in self.plugins.items()
            if isinstance(plugin, NamedPlugin) and plugin.missing
        }

    def by_extras_alone(self, *, distrusted: Collection[str] = ()) -> _Broken:
        """Find a way to tokens through nothing but challenges that never suffice alone.

        Args:
            distrusted: Labels of challenges of which nobody knows whether they suffice.
        """
        extras = {
            label
            for label, plugin in self.plugins.items()
            if getattr(plugin, "suffices", True) is not True or label in distrusted
        }
        queue = deque(self._beginnings())
        seen = set()
        while queue:
            place = queue.popleft()
            if place.state in seen or place.rounds > self.policy.rounds:
                continue
            seen.add(place.state)
            if place.state == PASSED:
                names = ", ".join(sorted({self.plugins[label].name for label in extras}))
                return self._path(
                    place, SessionReply(DefineDecision.TOKENS)
                ), f"{names} never suffices alone"
            queue.extend(
                after
                for after in self._after(place)
                if not (after.session[-1].challenge_result and self._suffices(place, extras))
            )
        return None

    def _suffices(self, place: _Place, extras: set[str]) -> bool:
        """Return whether passing the owed round proves something that suffices."""
        step = self.policy.owed[place.state].step
        if isinstance(step, ChallengeStep):
            return step.label not in extras
        return isinstance(step, PasswordStep)

    def is_like_nobody(self) -> bool:
        """Return whether an unknown user is asked for the same, at every place of a sign-in.

        Only conditions on the way count: another one is evaluated for neither of the two.
        """
        nobody = Facts(user_not_found=True)
        return all(
            self.policy.settled(state, nobody) == self.policy.settled(state, self.kind.facts)
            for state in self._entered()
        )

    def _entered(self) -> Iterator[str]:
        """Yield the states to which events lead, before any condition is evaluated."""
        yield from self.policy.table[BEGIN].values()
        for told in self.told:
            if (told.known.asks or told.unknown.asks) and told.place.state in self.policy.owed:
                yield from self.policy.table[told.place.state].values()

    def differs(self) -> _Broken:
        """Find a difference between an unknown user and one of this kind."""
        for told in self.told:
            expected = told.known
            if expected.decision is DefineDecision.TOKENS:
                # No answer of an unknown user is right, so nobody sees this difference.
                expected = SessionReply(DefineDecision.FAILURE)
            if told.unknown != expected:
                session = told.place.session
                path = Path(session=session, reply=told.unknown, user_not_found=True)
                return path, f"for {self.kind.who or 'a user who exists'} it {told.known}"
        return None


def _rounds(policy: Policy) -> str:
    return f"{policy.rounds} round{'s'[: policy.rounds > 1]}"


def _verdict(policy: Policy, explorations: list[_Exploration]) -> CheckVerdict:
    """Return the verdict on the findings for all kinds of users together."""
    told = [each for exploration in explorations for each in exploration.told]
    # Without any reply, there was nothing that could show the other properties.
    dead = all(each.known.decision is DefineDecision.UNUSABLE for each in told)
    judged: tuple[tuple[str, Iterable[_Broken]], ...] = (
        (
            f"every user can sign in within {_rounds(policy)}",
            (each.locked_out() for each in explorations),
        ),
        (_EXTRAS, (each.by_extras_alone() for each in explorations)),
        ("an unknown user sees what a known one sees, and no tokens", [_shown(explorations)]),
    )
    findings = []
    for number, (name, broken) in enumerate(judged):
        found = next((found for found in broken if found is not None), None)
        if dead and number:
            findings.append(Finding(name=name, result=Result.NOT_TRIED))
        elif found is None and name == _EXTRAS and (why := _undecided(explorations)):
            findings.append(Finding(name=name, result=Result.NOT_TRIED, explanation=why))
        elif found is None:
            findings.append(Finding(name=name))
        else:
            findings.append(Finding.broken(name, *found))
    return CheckVerdict(
        findings=tuple(findings),
        sessions=len(told),
        notes=mfa_notes((each.place.session, each.known) for each in told),
    )


def _undecided(explorations: list[_Exploration]) -> str:
    """Return why nobody knows whether extras suffice alone; empty if it is known."""
    for each in explorations:
        if each.by_extras_alone(distrusted=each.missing) is not None:
            return "; ".join(dict.fromkeys(each.missing.values()))
    return ""


def _shown(explorations: list[_Exploration]) -> _Broken:
    """Compare unknown users with the known ones whom the policy declares to be like them."""
    for each in explorations:
        if each.is_like_nobody():
            return each.differs()
    path = Path(session=(), reply=explorations[0].told[0].unknown, user_not_found=True)
    return path, "no user who exists is like this one: see unknown= of when()"


def _with_groups(triggers: Triggers, groups: frozenset[str]) -> Triggers:
    """Put the user into some groups; all else stays as it is."""

    async def looked_up(_user_pool_id: str, _username: str) -> frozenset[str]:
        return groups

    return evolve(triggers, groups=looked_up)
