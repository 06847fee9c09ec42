"""Proves a policy: explores all that can happen to a sign-in, and finds no path that breaks it.

RULES

1. What runs is the real thing: `Triggers.handle`, with Define's event, for every session below.
2. A session goes on as long as Define asks, by every entry there could be: each challenge passed
   and failed, with the metadata of every step and of none, the password, Cognito's own challenges.
   Cognito can do less than that; what holds for all of it holds for Cognito.
3. What the policy demands is stated a second time, by `Requirement`, from its steps and apart from
   its table: so a mistake in the table cannot excuse itself.
4. Sessions are one state if Define replies the same to them, the policy stands at the same place
   after them, and so does the requirement. A policy replays a session entry by entry, so what
   follows is the same too, and exploring one of them is enough: the exploration ends. That is why
   only `Policy` and `Triggers` themselves can be proved; a subclass may remember something else.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from attrs import define, evolve, field, frozen

from authflow.errors import ConfigError
from authflow.machine import State
from authflow.plugins import TRIGGER_CHALLENGES, PluginRegistry
from authflow.triggers.challenges import TriggerChallenge
from authflow.triggers.define_paths import (
    COGNITOS_OWN,
    SRP_A,
    Decision,
    Finding,
    Path,
    Reply,
    Session,
    Verdict,
    ask,
    define_event,
)
from authflow.triggers.dispatcher import Triggers
from authflow.triggers.events import SessionEntry
from authflow.triggers.policy import PasswordStep, Policy, Standing

_POOL: Final = "us-east-1_AuthflowX"
_CLIENT: Final = "1example23456789"


@frozen
class Progress:
    """How much of a requirement a session shows.

    Args:
        begun: SRP was begun.
        proved: The password was proved.
        passed: How many custom challenges were passed.
        failures: How many wrong answers the challenge that is owed now has got.
        strayed: An entry was not what the requirement wants there; nothing after it counts.
    """

    begun: bool = False
    proved: bool = False
    passed: int = 0
    failures: int = 0
    strayed: bool = False


@frozen(kw_only=True)
class Requirement:
    """What a policy demands: the password first, if it is wanted, then each challenge in order.

    Args:
        password: Whether the password is wanted.
        challenges: For each challenge its metadata, and how many answers it may get.
    """

    password: bool
    challenges: tuple[tuple[str, int], ...]

    @property
    def rounds(self) -> int:
        """How many rounds a sign-in may take at most."""
        return self.password + sum(attempts for _, attempts in self.challenges)

    def after(self, progress: Progress, entry: SessionEntry) -> Progress:
        """Give the progress that an entry makes."""
        passed, name = entry.challenge_result, entry.challenge_name
        if progress.strayed:
            return progress
        if name == State.SRP_A and passed and self.password and not progress.begun:
            return evolve(progress, begun=True)
        if name == State.PASSWORD_VERIFIER and passed and progress.begun and not progress.proved:
            return evolve(progress, proved=True)
        if name in COGNITOS_OWN and passed and progress.proved:
            return progress
        owed = self.owed(progress)
        if (
            name == State.CUSTOM_CHALLENGE
            and owed is not None
            and entry.challenge_metadata == owed[0]
            and progress.failures < owed[1]
        ):
            if passed:
                return evolve(progress, passed=progress.passed + 1, failures=0)
            return evolve(progress, failures=progress.failures + 1)
        return evolve(progress, strayed=True)

    def owed(self, progress: Progress) -> tuple[str, int] | None:
        """Give the challenge that is owed now; None if none is."""
        if progress.strayed or progress.proved != self.password or self.met(progress):
            return None
        return self.challenges[progress.passed]

    def met(self, progress: Progress) -> bool:
        """Say whether all was passed."""
        return (
            not progress.strayed
            and progress.proved == self.password
            and progress.passed == len(self.challenges)
        )


_Key = tuple[Standing, Progress, Reply, Reply]


@define(kw_only=True)
class _Node:
    """A state of a sign-in: the shortest session that leads there, and what may follow."""

    session: Session
    progress: Progress
    known: Reply
    unknown: Reply
    followers: dict[SessionEntry, _Key] = field(factory=dict)

    @property
    def path(self) -> Path:
        return Path(session=self.session, reply=self.known)


async def prove(subject: Policy | Triggers) -> Verdict:
    """Prove a policy, or find the shortest paths that break it.

    Args:
        subject: The policy, whose plugins need not be installed, or triggers with a policy.

    Returns:
        The verdict on five properties: tokens, rounds, ways out, attempts, unknown users.

    Raises:
        ConfigError: There is no policy, or it is a subclass's.
        PluginError: A plugin of the triggers is missing or broken.
    """
    # isinstance would let in what overrides `handle` or `replay`, see rule 4.
    if type(subject) is Policy:
        subject = Triggers(policy=subject, challenges=_named(subject))
    if type(subject) is not Triggers or type(subject.policy) is not Policy:
        msg = (
            "only a Policy, or Triggers with a Policy, can be proved, and no subclass of them:"
            " check another Define trigger by its handler"
        )
        raise ConfigError(msg)
    subject.load()
    registry = PluginRegistry(TRIGGER_CHALLENGES, explicit=subject.challenges)
    metadata = {step.name: registry.find(step.name).metadata for step in subject.policy.challenges}
    requirement = Requirement(
        password=any(isinstance(step, PasswordStep) for step in subject.policy.steps),
        challenges=tuple(
            (metadata[step.name], step.attempts) for step in subject.policy.challenges
        ),
    )
    exploration = _Exploration(
        triggers=subject, policy=subject.policy, metadata=metadata, requirement=requirement
    )
    await exploration.run()
    return exploration.verdict()


@define(kw_only=True)
class _Exploration:
    """Explores the sessions of a policy, and judges them."""

    triggers: Triggers
    policy: Policy
    metadata: Mapping[str, str]
    requirement: Requirement
    nodes: dict[_Key, _Node] = field(factory=dict)
    """In the order in which they were found: a shorter session comes before a longer one."""
    sessions: int = 0

    async def run(self) -> None:
        """Find all states."""
        alphabet = tuple(self._alphabet())
        queue = deque([await self._visit((), Progress())])
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
        for passed in (True, False):
            for name in (State.SRP_A, State.PASSWORD_VERIFIER, *sorted(COGNITOS_OWN)):
                yield SessionEntry(challenge_name=name.value, challenge_result=passed)
            for metadata in (*dict.fromkeys(self.metadata.values()), None):
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
                ),
            )
            for user_not_found in (False, True)
        ]
        self.sessions += 1
        key = (self.policy.replay(session, self.metadata), progress, known, unknown)
        node = _Node(session=session, progress=progress, known=known, unknown=unknown)
        self.nodes.setdefault(key, node)
        return key

    def verdict(self) -> Verdict:
        """Judge the states that were found."""
        rounds = self.requirement.rounds
        findings = (
            self._finding("tokens are issued only when all was passed, in order", self._unearned),
            self._finding(f"every path ends within {rounds} rounds", self._endless),
            self._finding("every state has a way out", self._dead_end),
            self._finding("each challenge gets the attempts that are declared", self._miscounted),
            self._finding("an unknown user sees what a known one sees, and no tokens", self._told),
        )
        return Verdict(findings=findings, sessions=self.sessions)

    @staticmethod
    def _finding(name: str, find: Callable[[], tuple[Path, str] | None]) -> Finding:
        found = find()
        if found is None:
            return Finding(name=name)
        path, explanation = found
        return Finding(name=name, path=path, explanation=explanation)

    def _unearned(self) -> tuple[Path, str] | None:
        for node in self.nodes.values():
            if node.known.decision is Decision.TOKENS and not self.requirement.met(node.progress):
                return node.path, "the session does not show all that the policy demands"
        return None

    def _endless(self) -> tuple[Path, str] | None:
        """Walk on round by round: a loop shows as a walk that is too long."""
        root, rounds = next(iter(self.nodes)), self.requirement.rounds
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
            if self.nodes[key].known.asks:
                path = Path(session=session, reply=self.nodes[key].known)
                return path, f"it goes on after {rounds} rounds"
        return None

    def _dead_end(self) -> tuple[Path, str] | None:
        signed_in = {
            key for key, node in self.nodes.items() if node.known.decision is Decision.TOKENS
        }
        while grown := {
            key
            for key, node in self.nodes.items()
            if key not in signed_in
            and any(
                follower in signed_in
                for entry, follower in node.followers.items()
                if entry.challenge_result
            )
        }:
            signed_in |= grown
        for key, node in self.nodes.items():
            if node.known.decision is Decision.UNUSABLE:
                return node.path, "Cognito does not accept the reply"
            if node.known.asks and key not in signed_in:
                return node.path, "whatever is answered from here on, no tokens are issued"
        if not signed_in:
            return next(iter(self.nodes.values())).path, "no sign-in can begin"
        return None

    def _miscounted(self) -> tuple[Path, str] | None:
        for node in self.nodes.values():
            owed, failures = self.requirement.owed(node.progress), node.progress.failures
            if owed is None or failures == 0:
                continue
            if node.known.asks and failures >= owed[1]:
                return node.path, f"it goes on after {failures} of {owed[1]} wrong answers"
            if not node.known.asks and failures < owed[1]:
                return node.path, f"it ends after {failures} of {owed[1]} wrong answers"
        return None

    def _told(self) -> tuple[Path, str] | None:
        for node in self.nodes.values():
            expected = node.known
            if expected.decision is Decision.TOKENS:
                # Nothing that an unknown user answers is right, so nobody sees this difference.
                expected = Reply(Decision.FAILURE)
            if node.unknown != expected:
                path = Path(session=node.session, reply=node.unknown, user_not_found=True)
                return path, f"for a user who exists it {node.known}"
        return None


class _NamedChallenge(TriggerChallenge):
    """Stands for a plugin where none is made: Define reads nothing of one but its metadata."""

    def __init__(self, **_settings: Any) -> None:
        """Take any settings: the plugin's owner checks them, not the proof."""


def _named(policy: Policy) -> list[type[TriggerChallenge]]:
    names = dict.fromkeys(step.name for step in policy.challenges)
    return [type(name, (_NamedChallenge,), {"name": name, "metadata": name}) for name in names]
