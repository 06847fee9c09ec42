"""The custom flow: serves Define, Create and Verify with a policy and its plugins."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Any, Final, TypeVar

from attrs import define, evolve, field, frozen

from authflow import rounds
from authflow.coroutines import is_plain
from authflow.errors import (
    ConfigError,
    DeniedError,
    EventError,
    MisuseError,
    StateError,
)
from authflow.given_services import kind_of, stray_cancel_fails
from authflow.machine import State
from authflow.plugins.outcomes import Outcome, Verdict
from authflow.plugins.registry import PluginRegistry
from authflow.plugins.trigger_challenge import CreateContext, Issued, VerifyContext
from authflow.secret import Secret
from authflow.triggers.events.challenge_events import CreateEvent, DefineEvent, VerifyEvent
from authflow.triggers.policies.facts import Facts
from authflow.triggers.policies.policy import (
    CHOICE_METADATA,
    CONDITION_METADATA,
    Failed,
    Passed,
    Policy,
)
from authflow.triggers.policies.steps import (
    ChallengeStep,
    ConditionalStep,
    OptionalStep,
    PasswordStep,
    walk,
)
from authflow.triggers.policies.table import ChoiceRound, Owed
from authflow.triggers.policy_plugins import PolicyPlugins
from authflow.triggers.round_metadata import RoundMetadata
from authflow.triggers.safeguards import DRAWN, ISSUE, TURN, WHOSE, Safeguards
from authflow.unframed import whole
from authflow.wire import members

if TYPE_CHECKING:
    from authflow.telemetry.flow_events import FlowWatch, Hook

T = TypeVar("T")

GroupLookup = Callable[[str, str], Awaitable[Iterable[str]]]
"""Returns the names of a user's groups, for a pool's id and a user's canonical name; none for a
user who does not exist."""

ROUND: Final = "authflow.round"
"""The private challenge parameter that tells Verify which round the answer is for: Cognito does not
give it the session."""

RESERVED_PUBLIC: Final = frozenset(
    {rounds.KIND, rounds.ATTEMPT, rounds.ATTEMPTS, members.USERNAME, members.USER_ID_FOR_SRP}
)
"""The names of authflow's and Cognito's public parameters, which a plugin must not imitate."""

RESERVED_PRIVATE: Final = frozenset({ROUND, ISSUE, TURN, WHOSE, DRAWN})

MOST_CHARS: Final = 131_072
"""The most characters of a public parameter: StringType in the API's model."""

GROUPS_TIMEOUT: Final = 3.0
"""Seconds in which the groups must be told: Cognito waits 5 for the whole trigger."""

_ONCE: Final = {rounds.ATTEMPT: "1", rounds.ATTEMPTS: "1"}

_log: Final = logging.getLogger("authflow.triggers")


@whole
@define(kw_only=True, eq=False)
class CustomFlow:
    """Runs a policy in Define, Create and Verify.

    Args:
        policy: What a user must pass.
        registry: Where its plugins are found.
        safeguards: Keep what must survive between Cognito's calls.
        groups: Who tells which groups a user is in, if the policy asks.
        clock: Gives seconds since the epoch.
        watch: Tells observers, if there are any.

    Raises:
        ConfigError: The policy asks for groups, and nobody tells them.
    """

    policy: Policy
    registry: PluginRegistry
    safeguards: Safeguards = field(factory=Safeguards)
    groups: GroupLookup | None = None
    clock: Callable[[], float] = field(default=time.time, repr=False)
    watch: "FlowWatch | None" = field(default=None, repr=False)
    plugins: PolicyPlugins = field(init=False, repr=False)
    _optional: frozenset[str] = field(init=False, repr=False)
    _asks_groups: bool = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self.plugins = PolicyPlugins(
            steps=self.policy.challenges, registry=self.registry, safeguards=self.safeguards
        )
        self._optional = frozenset(
            each.label
            for step in walk(self.policy.step)
            if isinstance(step, OptionalStep)
            for each in walk(step)
            if isinstance(each, ChallengeStep)
        )
        self._asks_groups = any(step.condition.needs_groups for step in self.policy.conditions)
        if self._asks_groups and self.groups is None:
            msg = (
                "the policy asks which groups a user is in, and Cognito does not tell triggers:"
                " give Triggers(groups=...), such as CognitoGroups(...)"
            )
            raise ConfigError(msg)
        groups = self.groups
        unfit = not callable(groups) or isinstance(groups, type) or is_plain(groups)
        if groups is not None and unfit:
            msg = (
                "groups= is an async function of the user pool's id and the username, such as"
                f" CognitoGroups(...), not {kind_of(groups)}: write it by `async def`"
            )
            raise ConfigError(msg)

    async def define(self, event: DefineEvent) -> dict[str, Any]:
        """Decide the next step.

        Raises:
            PluginFailedError: A plugin is missing or broken.
            ConfigError: A plugin does not take its settings.
            StateError: The groups cannot be told, or not in time.
        """
        self.plugins.ready()
        facts = await self._facts(event)
        match self.policy.replay(event.session, self.plugins.metadata, facts):
            case Owed(step=PasswordStep()):
                return event.ask(State.PASSWORD_VERIFIER.value)
            case Owed():
                return event.ask(State.CUSTOM_CHALLENGE.value)
            case Passed() if not event.user_not_found:
                return self._decided(event.issue_tokens(), passed=True)
            case Passed():
                _log.error("an unknown user has passed the policy: no tokens were issued")
                return self._decided(event.fail_authentication(), passed=False)
            case Failed(reason):
                _log.info("authentication failed: %s", reason)
                return self._decided(event.fail_authentication(), passed=False)

    async def create(self, event: CreateEvent) -> dict[str, Any]:
        """Make the owed challenge.

        Raises:
            EventError: None is owed, or Cognito asks for something else.
            PluginFailedError: A plugin is missing, raised, or gave something unusable.
        """
        if event.challenge_name != State.CUSTOM_CHALLENGE:
            msg = f"the event: request: challengeName must be {State.CUSTOM_CHALLENGE}"
            raise EventError(msg)
        self.plugins.ready()
        facts = await self._facts(event)
        standing = self.policy.replay(event.session, self.plugins.metadata, facts)
        sign_in = self.safeguards.new_sign_in(event)
        match standing:
            case Owed(step=ChallengeStep() as step):
                issuing = self._issue(step, standing, event, sign_in)
                made = await self._told("create", step, standing, issuing)
            case Owed(step=ChoiceRound() as choice):
                made = _choice_round(choice)
            case Owed(step=ConditionalStep() as conditional):
                made = _condition_round(conditional)
            case _:
                msg = "no challenge is owed after this session"
                raise EventError(msg)
        private = {**made.private, ROUND: standing.state}
        told = evolve(made.metadata, step=self.policy.number_of(standing), sign_in=sign_in)
        return event.give(public=made.public, private=private, metadata=told.write())

    async def verify(self, event: VerifyEvent) -> dict[str, Any]:
        """Decide whether an answer is right.

        Raises:
            EventError: These triggers did not make the challenge, or the answer names no option.
            PluginFailedError: A plugin is missing, raised, or gave something unusable.
        """
        self.plugins.ready()
        owed = self.policy.owed.get(event.private.get(ROUND, ""))
        match owed:
            case Owed(step=ChallengeStep() as step):
                # The plugin runs for an unknown user, too, so that the reply takes as long.
                verifying = self._verified(step, owed, event)
                right = await self._told("verify", step, owed, verifying)
                return event.verified(correct=right)
            case Owed(step=ChoiceRound() as choice):
                return event.verified(correct=_means_first(choice, event))
            case Owed(step=ConditionalStep() as conditional):
                return event.verified(correct=conditional.holds(await self._facts(event)))
            case _:
                msg = "the challenge was not made by these triggers"
                raise EventError(msg)

    def _decided(self, reply: dict[str, Any], *, passed: bool) -> dict[str, Any]:
        """Report to observers what became of a sign-in, and return the reply."""
        if self.watch is not None:
            self.watch.decided(passed=passed)
        return reply

    async def _told(self, hook: "Hook", step: ChallengeStep, owed: Owed, work: Awaitable[T]) -> T:
        """Wait for a plugin, and tell observers what came of it."""
        if self.watch is None:
            return await work
        return await self.watch.round(hook, step.label, owed.attempt, work)

    async def _issue(
        self, step: ChallengeStep, owed: Owed, event: CreateEvent, sign_in: str | None
    ) -> "_Made":
        """Ask a plugin for a challenge."""
        sends_to = self.plugins.sends_to[step.label]
        draw = await self.safeguards.draw(step, owed, event, sends_to=sends_to)
        context = CreateContext(
            username=event.username,
            user_attributes=event.user_attributes,
            user_not_found=event.user_not_found,
            attempt=owed.attempt,
            attempts=step.attempts,
            user_pool_id=event.user_pool_id,
            now=self.clock(),
            randomness=draw.randomness,
            state=draw.state,
            sends=draw.sends,
            uses=draw.uses,
            keys=self.safeguards.keys,
            case_sensitive=self.safeguards.case_sensitive,
        )
        issued = await self.plugins.create(step, context)
        if not isinstance(issued, Issued):
            raise self.plugins.failed(step, f"create() gave {type(issued).__name__}, not Issued")
        reserved = (RESERVED_PUBLIC & issued.public.keys()) | (
            RESERVED_PRIVATE & issued.private.keys()
        )
        if reserved:
            raise self.plugins.failed(step, f"reserved parameters: {', '.join(sorted(reserved))}")
        for name, value in issued.public.items():
            if len(value) > MOST_CHARS:
                raise self.plugins.failed(step, f"{name!r} has more than {MOST_CHARS} characters")
        state = None
        if issued.state is not None:
            state = await self._sealed(issued.state, step, event, sign_in, draw.reached)
        metadata = RoundMetadata(challenge=self.plugins.metadata[step.name], state=state)
        public = {
            **issued.public,
            rounds.KIND: step.name,
            rounds.ATTEMPT: str(owed.attempt),
            rounds.ATTEMPTS: str(step.attempts),
        }
        private = {**issued.private, **draw.bound(event)}
        return _Made(public=public, private=private, metadata=metadata)

    async def _sealed(
        self,
        state: Secret[bytes],
        step: ChallengeStep,
        event: CreateEvent,
        sign_in: str | None,
        reached: str,
    ) -> str:
        try:
            return await self.safeguards.seal(state, step, event, sign_in, reached)
        except MisuseError as error:
            if isinstance(error, ConfigError) and self.safeguards.keys is not None:
                raise  # the keys are not set up: no plugin is to blame
            raise self.plugins.failed(step, f"its state cannot be sealed: {error}") from error

    async def _verified(self, step: ChallengeStep, owed: Owed, event: VerifyEvent) -> bool:
        """Ask a plugin to verify an answer, after it was counted."""
        if not await self.safeguards.admits(step, event):
            return False
        context = VerifyContext(
            username=event.username,
            user_attributes=event.user_attributes,
            user_not_found=event.user_not_found,
            private={
                name: value for name, value in event.private.items() if name not in RESERVED_PRIVATE
            },
            answer=event.answer,
            attempt=owed.attempt,
            attempts=step.attempts,
            user_pool_id=event.user_pool_id,
            now=self.clock(),
            uses=self.safeguards.uses(step, event),
            keys=self.safeguards.keys,
            case_sensitive=self.safeguards.case_sensitive,
        )
        verdict = await self.plugins.verify(step, context)
        right = self._judged(step, verdict)
        claimed = isinstance(verdict, Outcome) and verdict.claimed
        return right and await self.safeguards.use_up(step, owed, event, claimed=claimed)

    def _judged(self, step: ChallengeStep, verdict: object) -> bool:
        """Return whether a plugin's verdict passes the round.

        Raises:
            DeniedError: It ends the sign-in.
        """
        if isinstance(verdict, bool):
            return verdict
        if not isinstance(verdict, Outcome):
            why = f"verify() gave {type(verdict).__name__}, neither bool nor Outcome"
            raise self.plugins.failed(step, why)
        if verdict.reason:
            _log.info("the challenge %r: %s: %s", step.label, verdict.verdict, verdict.reason)
        match verdict.verdict:
            case Verdict.PASSED:
                return True
            case Verdict.RETRY:
                return False
            case Verdict.SKIPPED if step.label in self._optional:
                return True
            case Verdict.SKIPPED:
                raise self.plugins.failed(
                    step, "it was skipped, and the policy does not have it optional"
                )
            case _:
                msg = "Incorrect username or password."
                raise DeniedError(msg)

    async def _facts(self, event: DefineEvent | CreateEvent | VerifyEvent) -> Facts:
        groups: frozenset[str] = frozenset()
        if self._asks_groups and self.groups is not None:
            try:
                async with asyncio.timeout(GROUPS_TIMEOUT):
                    with stray_cancel_fails():
                        told = await self.groups(event.user_pool_id, event.username)
                if isinstance(told, str):
                    raise TypeError("groups= gave one string, not a collection of names")  # noqa: TRY301
                groups = frozenset(told)
            except ConfigError as error:
                _log.error("the groups cannot be told: %s", error.message)
                msg = "the user's groups cannot be told"
                raise ConfigError(msg) from error
            except Exception as error:
                _log.error("the groups cannot be told: it raised %s", type(error).__qualname__)
                msg = "the user's groups cannot be told now"
                raise StateError(msg) from error
        return Facts(
            user_attributes=event.user_attributes,
            groups=groups,
            client_metadata=event.client_metadata,
            user_not_found=event.user_not_found,
        )


@frozen(kw_only=True)
class _Made:
    """A challenge for Cognito's reply."""

    public: dict[str, str] = field(repr=False)
    private: dict[str, str] = field(repr=False)
    metadata: RoundMetadata


def _choice_round(choice: ChoiceRound) -> _Made:
    """Return the round that asks for the client's choice of an option."""
    public = {rounds.KIND: rounds.CHOICE, rounds.OPTIONS: " ".join(choice.options), **_ONCE}
    return _Made(public=public, private={}, metadata=RoundMetadata(challenge=CHOICE_METADATA))


def _condition_round(conditional: ConditionalStep) -> _Made:
    """Return the round that the client answers only to send its metadata."""
    wanted = " ".join(conditional.condition.client_metadata_names)
    public = {rounds.KIND: rounds.CONDITION, rounds.WANTED: wanted, **_ONCE}
    return _Made(public=public, private={}, metadata=RoundMetadata(challenge=CONDITION_METADATA))


def _means_first(choice: ChoiceRound, event: VerifyEvent) -> bool:
    """Return whether an answer means the first half of the open options."""
    answer = event.answer.reveal().strip()
    if answer not in choice.options:
        msg = f"the answer to this choice is one of: {', '.join(choice.options)}"
        raise EventError(msg)
    return answer in choice.first
