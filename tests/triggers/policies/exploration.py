"""Proves the compiler: explores all that can happen to a sign-in by a policy, and finds no mistake.

RULES

1. What runs is the real thing: `Triggers.handle`, with Define's event, for every session below.
2. A session goes on as long as Define asks, by every entry there could be: each challenge passed
   and failed, with the metadata of every step and of none, choices, the password, Cognito's own
   challenges. Cognito can do less than that; what holds for all of it holds for Cognito.
3. All of it is done for every kind of user that the policy's conditions tell apart.
4. What the policy demands is stated a second time, by `Requirement`, from its steps and apart from
   its table: so a mistake in the table cannot excuse itself.
5. Sessions are one state if Define replies the same to them, the policy stands at the same place
   after them, and so does the requirement. A policy replays a session entry by entry, so what
   follows is the same too, and exploring one of them is enough: the exploration ends.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from attrs import define, evolve, field

from authflow.machine import State
from authflow.plugins.registry import TRIGGER_CHALLENGES, PluginRegistry
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
from authflow.triggers.dispatcher import Triggers
from authflow.triggers.events.challenge_events import SessionEntry
from authflow.triggers.policies.facts import Facts
from authflow.triggers.policies.policy import CHOICE_METADATA, CONDITION_METADATA, Policy, Standing
from authflow.triggers.policies.steps import Step
from authflow.triggers.policies.table import (
    Owed,
)
from authflow.triggers.policies.user_kinds import UserKind, user_kinds
from tests.triggers.policies.requirement import COGNITOS_OWN, Progress, Requirement, described

_WAY_OUT: Final = "every state has a way out"
_POOL: Final = "us-east-1_AuthflowX"
_CLIENT: Final = "1example23456789"

_Key = tuple[Standing, str, Progress, SessionReply, SessionReply]
_Broken = tuple[Path, str] | None
"""The shortest path that breaks a property, and what is wrong there."""


@define(kw_only=True)
class _Node:
    """A state of a sign-in: the shortest session that leads there, and what may follow."""

    session: Session
    progress: Progress
    known: SessionReply
    unknown: SessionReply
    followers: dict[SessionEntry, _Key] = field(factory=dict)


async def explore(subject: Step | Policy | Triggers) -> CheckVerdict:
    """Give the verdict on tokens, rounds, ways out, attempts, foreign rounds and unknown users."""
    if isinstance(subject, Step):
        subject = Policy(subject)
    if isinstance(subject, Policy):
        subject = Triggers(policy=subject, challenges=_named(subject), groups=_in_no_group)
    policy = subject.policy
    assert policy is not None
    subject.load()
    registry = PluginRegistry(TRIGGER_CHALLENGES, explicit=subject.challenges)
    plugins = {step.name: registry.find(step.name) for step in policy.challenges}
    metadata = {name: plugin.metadata for name, plugin in plugins.items()}
    explorations = []
    for kind in user_kinds(step.condition for step in policy.conditions):
        exploration = _Exploration(
            triggers=subject if subject.groups is None else _with_groups(subject, kind.groups),
            policy=policy,
            metadata=metadata,
            kind=kind,
            requirement=Requirement(
                step=policy.step,
                rounds=policy.rounds if policy.is_limited else None,
                metadata=metadata,
                facts=kind.facts,
            ),
        )
        await exploration.run()
        explorations.append(exploration)
    return _verdict(policy, explorations)


@define(kw_only=True)
class _Exploration:
    """Explores the sessions of a policy for one kind of user, and judges them."""

    triggers: Triggers
    policy: Policy
    metadata: Mapping[str, str]
    kind: UserKind
    requirement: Requirement
    nodes: dict[_Key, _Node] = field(factory=dict)
    """In the order in which they were found: a shorter session comes before a longer one."""
    sessions: int = 0

    async def run(self) -> None:
        """Find all states."""
        alphabet = tuple(self._alphabet())
        queue = deque([await self._visit((), self.requirement.begin())])
        while queue:
            node = self.nodes[queue.popleft()]
            for entry in alphabet:
                seen = len(self.nodes)
                progress = self.requirement.after(node.progress, entry)
                key = await self._visit((*node.session, entry), progress)
                node.followers[entry] = key
                follower = self.nodes[key]
                if len(self.nodes) > seen and (follower.known.asks or follower.unknown.asks):
                    queue.append(key)

    def _alphabet(self) -> Iterator[SessionEntry]:
        """Give every entry that is told apart from others."""
        told = dict.fromkeys([*self.metadata.values(), CHOICE_METADATA, CONDITION_METADATA])
        for passed in (True, False):
            for name in (State.SRP_A, State.PASSWORD_VERIFIER, *sorted(COGNITOS_OWN)):
                yield SessionEntry(challenge_name=name.value, challenge_result=passed)
            for metadata in (*told, None):
                yield SessionEntry(
                    challenge_name=State.CUSTOM_CHALLENGE.value,
                    challenge_result=passed,
                    challenge_metadata=metadata,
                )

    async def _visit(self, session: Session, progress: Progress) -> _Key:
        known, unknown = [
            await ask(
                self.triggers.handle,
                define_event(
                    session,
                    user_not_found=user_not_found,
                    user_pool_id=self.triggers.user_pool_id or _POOL,
                    client_id=min(self.triggers.client_ids or {_CLIENT}),
                    user_attributes=self.kind.attributes,
                ),
            )
            for user_not_found in (False, True)
        ]
        self.sessions += 1
        standing = self.policy.replay(session, self.metadata, self.kind.facts)
        # Two states may wait for the same round, and lead to different ones.
        state = standing.state if isinstance(standing, Owed) else ""
        key = (standing, state, progress, known, unknown)
        node = _Node(session=session, progress=progress, known=known, unknown=unknown)
        self.nodes.setdefault(key, node)
        return key

    def path(self, node: _Node) -> Path:
        """Write a state as the path that leads there."""
        return Path(session=node.session, reply=node.known, who=self.kind.who)

    def unearned(self) -> _Broken:
        """Find tokens that nobody has earned."""
        for node in self.nodes.values():
            if node.known.decision is DefineDecision.TOKENS and not self.requirement.met(
                node.progress
            ):
                return self.path(node), "the session does not show all that the policy demands"
        return None

    def endless(self) -> _Broken:
        """Walk on round by round: a loop shows as a walk that is too long."""
        root, rounds = next(iter(self.nodes)), self.policy.rounds
        begun = {self.nodes[root].followers[SRP_A]: (SRP_A,)}
        frontier: dict[_Key, Session] = {root: (), **begun}
        for _ in range(rounds):
            frontier = {
                key: (*session, entry)
                for state, session in frontier.items()
                if self.nodes[state].known.asks
                for entry, key in self.nodes[state].followers.items()
                if entry.challenge_name in {State.PASSWORD_VERIFIER, State.CUSTOM_CHALLENGE}
            }
        for key, session in frontier.items():
            node = self.nodes[key]
            if node.known.asks:
                path = Path(session=session, reply=node.known, who=self.kind.who)
                return path, f"it goes on after {rounds} rounds"
        return None

    def dead_end(self) -> _Broken:
        """Find a state from which no tokens can be reached."""
        signed_in = {
            key for key, node in self.nodes.items() if node.known.decision is DefineDecision.TOKENS
        }
        while grown := {
            key
            for key, node in self.nodes.items()
            if key not in signed_in and not signed_in.isdisjoint(node.followers.values())
        }:
            signed_in |= grown
        for key, node in self.nodes.items():
            if node.known.decision is DefineDecision.UNUSABLE:
                return self.path(node), "Cognito does not accept the reply"
            if node.known.asks and key not in signed_in:
                return self.path(node), "whatever is answered from here on, no tokens are issued"
            if (
                self.requirement.met(node.progress)
                and node.known.decision is DefineDecision.FAILURE
            ):
                return self.path(node), "all was passed, and no tokens are issued"
        if not signed_in:
            return self.path(next(iter(self.nodes.values()))), "no sign-in can begin"
        return None

    def miscounted(self) -> _Broken:
        """Find a challenge that has more attempts than declared, or fewer."""
        for node in self.nodes.values():
            progress, asks = node.progress, node.known.asks
            if asks and progress.exhausted is not None:
                label, failures, attempts = progress.exhausted
                why = f"it goes on after {failures} of {attempts} wrong answers to {label}"
                return self.path(node), why
            owed = self.requirement.asks_for(progress)
            if owed is not None and not asks and node.known.decision is not DefineDecision.TOKENS:
                return self.path(node), f"it ends, and {described(owed)} is owed"
        return None

    def strayed(self) -> _Broken:
        """Find a sign-in that goes on after a round that was not owed."""
        for node in self.nodes.values():
            progress = node.progress
            given_up = progress.left is None and progress.begun and progress.exhausted is None
            if given_up and node.known.decision is not DefineDecision.FAILURE:
                return self.path(node), "its last round is not the one that was owed"
        return None

    def told(self) -> _Broken:
        """Find a difference between an unknown user and one of this kind."""
        for node in self.nodes.values():
            expected = node.known
            if expected.decision is DefineDecision.TOKENS:
                # Nothing that an unknown user answers is right, so nobody sees this difference.
                expected = SessionReply(DefineDecision.FAILURE)
            if node.unknown != expected:
                path = Path(session=node.session, reply=node.unknown, user_not_found=True)
                return path, f"for {self.kind.who or 'a user who exists'} it {node.known}"
        return None


def _verdict(policy: Policy, explorations: Sequence[_Exploration]) -> CheckVerdict:
    """Judge what was found, for all kinds of users together."""
    judged: list[tuple[str, Iterable[_Broken]]] = [
        (
            "tokens are issued only when all was passed, in order",
            (each.unearned() for each in explorations),
        ),
        (
            f"every path ends within {policy.rounds} round{'s'[: policy.rounds > 1]}",
            (each.endless() for each in explorations),
        ),
        (_WAY_OUT, (each.dead_end() for each in explorations)),
        (
            "each challenge gets the attempts that are declared",
            (each.miscounted() for each in explorations),
        ),
        ("a round that was not owed ends the sign-in", (each.strayed() for each in explorations)),
        (
            "an unknown user sees what a known one sees, and no tokens",
            [_told(policy, explorations)],
        ),
    ]
    replies = [(node.session, node.known) for each in explorations for node in each.nodes.values()]
    dead = all(reply.decision is DefineDecision.UNUSABLE for _, reply in replies)
    findings = []
    for name, broken in judged:
        found = next((found for found in broken if found is not None), None)
        if dead and name != _WAY_OUT:
            # There was no reply that anything else could be seen by.
            findings.append(Finding(name=name, result=Result.NOT_TRIED))
        elif found is None:
            findings.append(Finding(name=name))
        else:
            findings.append(Finding.broken(name, *found))
    return CheckVerdict(
        findings=tuple(findings),
        sessions=sum(each.sessions for each in explorations),
        notes=mfa_notes(replies),
    )


def _told(policy: Policy, explorations: Sequence[_Exploration]) -> _Broken:
    """Hold unknown users against the known ones whom the policy declares to be like them."""
    nobody = Facts(user_not_found=True)
    alike = [
        each
        for each in explorations
        if all(
            step.holds(nobody) == step.holds(each.kind.facts)
            for step in policy.conditions
            if not step.condition.is_told_by_client
        )
    ]
    if not alike:
        first = explorations[0]
        path = Path(session=(), reply=next(iter(first.nodes.values())).unknown, user_not_found=True)
        return path, "no user who exists is like this one: see unknown= of when()"
    return alike[0].told()


async def _in_no_group(_user_pool_id: str, _username: str) -> frozenset[str]:
    return frozenset()


def _with_groups(triggers: Triggers, groups: frozenset[str]) -> Triggers:
    """Have a user be in some groups; all else stays as it is."""

    async def looked_up(_user_pool_id: str, _username: str) -> frozenset[str]:
        return groups

    return evolve(triggers, groups=looked_up)


class _NamedChallenge(TriggerChallenge):
    """Stands for a plugin where none is made: Define reads nothing of one but its metadata."""

    def __init__(self, **_settings: Any) -> None:
        """Take any settings: the plugin's owner checks them, not the proof."""


def _named(policy: Policy) -> list[type[TriggerChallenge]]:
    names = dict.fromkeys(step.name for step in policy.challenges)
    return [type(name, (_NamedChallenge,), {"name": name, "metadata": name}) for name in names]
