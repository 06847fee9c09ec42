"""One object that serves all triggers of a user pool, on Lambda and in process."""

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final, TypeVar

import anyio
from attrs import define, field

from authflow import wire
from authflow.errors import (
    BadCredentialsError,
    ConfigError,
    DirectoryError,
    EventError,
    PluginConflictError,
    PluginError,
    PluginFailedError,
    PluginLoadError,
)
from authflow.machine import State
from authflow.plugins import TRIGGER_CHALLENGES, PluginRegistry
from authflow.triggers.challenges import CreateContext, Issued, TriggerChallenge, VerifyContext
from authflow.triggers.events import (
    CreateEvent,
    DefineEvent,
    HandledEvent,
    MigrationEvent,
    TriggerEvent,
    VerifyEvent,
    WrappedEvent,
    parse_event,
)
from authflow.triggers.handlers import Handler, handlers, run_handler
from authflow.triggers.migration import (
    Found,
    MigratedUser,
    UnknownUser,
    UserDirectory,
    WrongPassword,
)
from authflow.triggers.policy import ChallengeStep, Failed, Owed, Passed, PasswordStep, Policy

T = TypeVar("T")

STEP: Final = "authflow.step"
"""The private challenge parameter that tells Verify which step the answer is for: Cognito does not
give it the session."""

RESERVED_PUBLIC: Final = frozenset(
    {wire.KIND, wire.ATTEMPT, wire.ATTEMPTS, wire.USERNAME, wire.USER_ID_FOR_SRP}
)
"""Public parameters that are ours or Cognito's: a client would take a plugin's for real."""

_log = logging.getLogger(__name__)


def _ids(ids: Iterable[str] | None) -> frozenset[str] | None:
    if isinstance(ids, str):
        msg = "client_ids is a collection of app client ids, not one string"
        raise ConfigError(msg)
    return None if ids is None else frozenset(ids)


@define(kw_only=True, eq=False)
class Triggers:
    """Serves Define, Create and Verify by a policy, and UserMigration by a directory.

    All other triggers are served by functions of the owner's, each of one kind of event:
    `Triggers(on={PreAuthenticationEvent: check_country, PreTokenGenerationEvent: add_claims})`.
    A function gives back what its event's class says, or None to change nothing, and refuses by
    raising a `DeniedError`; everything else that it raises refuses too, and stays inside.

    Args:
        policy: What a user must pass in CUSTOM_AUTH.
        challenges: Plugin classes, for what is not to be looked up among the installed ones.
        directory: Where users come from that the pool does not know.
        on: For each further kind of event, the function that serves it. A coroutine function runs
            on the event loop, any other in a thread.
        user_pool_id: The only user pool to serve; any, if it is not given.
        client_ids: The only app clients to serve; any, if they are not given. Where an
            administrator acts, Cognito names CLIENT_ID_NOT_APPLICABLE.

    Raises:
        ConfigError: There is neither a policy nor a directory nor a function, or one of them
            cannot be used, or a plugin does not take its settings.
        PluginConflictError: Two plugins have one name, or one metadata.
    """

    policy: Policy | None = None
    challenges: tuple[type[TriggerChallenge], ...] = field(
        default=(), converter=tuple[type[TriggerChallenge], ...]
    )
    directory: UserDirectory | None = None
    on: Mapping[type[HandledEvent], Handler] = field(factory=dict, converter=handlers)
    user_pool_id: str | None = None
    client_ids: frozenset[str] | None = field(default=None, converter=_ids)
    _registry: PluginRegistry = field(init=False, repr=False)
    _steps: Mapping[str, ChallengeStep] = field(init=False, repr=False)
    _plugins: dict[str, TriggerChallenge] = field(factory=dict, init=False, repr=False)
    _metadata: dict[str, str] = field(factory=dict, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        if self.policy is None and self.directory is None and not self.on:
            msg = "Triggers needs a policy, a directory to migrate users from, or functions in on="
            raise ConfigError(msg)
        self._registry = PluginRegistry(TRIGGER_CHALLENGES, explicit=self.challenges)
        steps = () if self.policy is None else self.policy.challenges
        self._steps = {step.label: step for step in steps}
        explicit = {plugin.name for plugin in self.challenges}
        for step in steps:
            if step.name in explicit:
                self._load(step)

    @property
    def sources(self) -> frozenset[str]:
        """The triggers that are served, by their names in a user pool's LambdaConfig."""
        events: set[type[TriggerEvent]] = {*self.on}
        if self.policy is not None:
            events |= {DefineEvent, CreateEvent, VerifyEvent}
        if self.directory is not None:
            events.add(MigrationEvent)
        return frozenset(event.trigger for event in events)

    def load(self) -> None:
        """Find and make all plugins of the policy now, so that a mistake shows at the start.

        Raises:
            PluginError: A plugin is missing, broken or in conflict with another.
            ConfigError: A plugin does not take its settings.
        """
        for step in self._steps.values():
            self._load(step)

    def lambda_handler(
        self, event: Mapping[str, Any] | WrappedEvent, _context: object
    ) -> dict[str, Any]:
        """Serve an event on AWS Lambda: name this method as the function's handler.

        Args:
            event: The event.
            _context: Lambda's context; it is not used.

        Raises:
            AuthFlowError: As `handle` does. Cognito then refuses the sign-in.
        """
        return anyio.run(self.handle, event)

    async def handle(self, event: Mapping[str, Any] | WrappedEvent) -> dict[str, Any]:
        """Serve an event.

        Cognito sends the text of an error to the client, so none tells what went wrong inside;
        that is in the error's cause.

        Args:
            event: The event as Cognito sends it, or an event object of AWS Lambda Powertools.

        Returns:
            The event with its response filled in; the one that was given stays as it is.

        Raises:
            EventError: The event is malformed, or not for these triggers.
            PluginFailedError: A plugin is missing, raised, or gave something unusable.
            BadCredentialsError: The directory does not know the user, or not by this password.
            DirectoryError: The directory failed.
            DeniedError: A function of the owner's refuses.
            TriggerFailedError: Such a function raised, or gave something unusable.
        """
        parsed = parse_event(event)
        if self.user_pool_id is not None and parsed.user_pool_id != self.user_pool_id:
            msg = "the event is from a user pool that these triggers do not serve"
            raise EventError(msg)
        if self.client_ids is not None and parsed.client_id not in self.client_ids:
            msg = "the event is from an app client that these triggers do not serve"
            raise EventError(msg)
        match parsed:
            case MigrationEvent() if self.directory is not None:
                return await _migrate(self.directory, parsed)
            case DefineEvent() if self.policy is not None:
                return self._define(self.policy, parsed)
            case CreateEvent() if self.policy is not None:
                return await self._create(self.policy, parsed)
            case VerifyEvent() if self.policy is not None:
                return await self._verify(parsed)
            case HandledEvent() if type(parsed) in self.on:
                return await run_handler(self.on[type(parsed)], parsed)
            case _:
                msg = f"these triggers do not serve {parsed.trigger}"
                raise EventError(msg)

    def _define(self, policy: Policy, event: DefineEvent) -> dict[str, Any]:
        self._ready()
        match policy.replay(event.session, self._metadata):
            case Owed(step=PasswordStep()):
                return event.ask(State.PASSWORD_VERIFIER.value)
            case Owed():
                return event.ask(State.CUSTOM_CHALLENGE.value)
            case Passed() if not event.user_not_found:
                return event.issue_tokens()
            case Passed():
                _log.error("an unknown user has passed the policy: no tokens were issued")
                return event.fail_authentication()
            case Failed(reason):
                _log.info("authentication failed: %s", reason)
                return event.fail_authentication()

    async def _create(self, policy: Policy, event: CreateEvent) -> dict[str, Any]:
        self._ready()
        match policy.replay(event.session, self._metadata):
            case Owed(step=ChallengeStep() as step, attempt=attempt):
                pass
            case _:
                msg = "no challenge is owed after this session"
                raise EventError(msg)
        plugin = self._plugins[step.label]
        context = CreateContext(
            username=event.username,
            user_attributes=event.user_attributes,
            user_not_found=event.user_not_found,
            attempt=attempt,
            attempts=step.attempts,
        )
        issued = await _ask(step.name, plugin.create, context)
        if not isinstance(issued, Issued):
            raise _failed(step.name, f"create() gave {type(issued).__name__}, not Issued")
        reserved = (RESERVED_PUBLIC & issued.public.keys()) | ({STEP} & issued.private.keys())
        if reserved:
            raise _failed(step.name, f"reserved parameters: {', '.join(sorted(reserved))}")
        ours = {
            wire.KIND: step.name,
            wire.ATTEMPT: str(attempt),
            wire.ATTEMPTS: str(step.attempts),
        }
        marked = Issued(
            public={**issued.public, **ours}, private={**issued.private, STEP: step.label}
        )
        return event.give(marked, metadata=self._metadata[step.name])

    async def _verify(self, event: VerifyEvent) -> dict[str, Any]:
        self._ready()
        step = self._steps.get(event.private.get(STEP, ""))
        if step is None:
            msg = "the challenge was not made by these triggers"
            raise EventError(msg)
        context = VerifyContext(
            username=event.username,
            user_attributes=event.user_attributes,
            user_not_found=event.user_not_found,
            private={name: value for name, value in event.private.items() if name != STEP},
            answer=event.answer,
        )
        # The plugin is asked for an unknown user too, so that it takes as long.
        right = await _ask(step.name, self._plugins[step.label].verify, context)
        if not isinstance(right, bool):
            raise _failed(step.name, f"verify() gave {type(right).__name__}, not bool")
        return event.verified(correct=right and not event.user_not_found)

    def _ready(self) -> None:
        """Load the plugins at their first use, keeping from the client what is wrong with one."""
        try:
            self.load()
        except (PluginError, ConfigError) as error:
            _log.error("the triggers cannot be served: %s", error)
            msg = "a challenge of this flow cannot be served"
            raise PluginFailedError(msg) from error

    def _load(self, step: ChallengeStep) -> None:
        """Find and make a step's plugin, unless that was done before."""
        if step.label in self._plugins:
            return
        made_by = self._registry.find(step.name)
        metadata = getattr(made_by, "metadata", None)
        if not isinstance(metadata, str) or not metadata:
            msg = f"the challenge {step.name!r} must have a `metadata`, a string"
            raise PluginLoadError(msg)
        for other, taken in self._metadata.items():
            if taken == metadata and other != step.name:
                msg = f"{other!r} and {step.name!r} share one metadata: none would know its answers"
                raise PluginConflictError(msg)
        try:
            plugin: TriggerChallenge = made_by(**step.settings)
        except Exception as error:
            given = ", ".join(step.settings) or "none"
            msg = f"the challenge {step.name!r} cannot be made with its settings ({given})"
            raise ConfigError(msg) from error
        self._metadata[step.name] = metadata
        self._plugins[step.label] = plugin


def _failed(name: str, why: str) -> PluginFailedError:
    """Log why a plugin's result is unusable, and give the error that the client may see."""
    _log.error("the challenge plugin %r failed: %s", name, why)
    return PluginFailedError(f"the challenge {name!r} failed")


async def _ask(name: str, method: Callable[[T], Awaitable[object]], context: T) -> object:
    """Call a plugin. Its error may hold anything: neither the client nor the log gets its text."""
    try:
        return await method(context)
    except Exception as error:
        raise _failed(name, f"it raised {type(error).__qualname__}") from error


async def _migrate(directory: UserDirectory, event: MigrationEvent) -> dict[str, Any]:
    """Ask a directory for a user."""
    outcome: object
    try:
        if event.password is None:
            outcome = await directory.look_up(event.username)
        else:
            outcome = await directory.authenticate(event.username, event.password)
    except DirectoryError:
        raise
    except Exception as error:
        _log.error("the user directory raised %s", type(error).__qualname__)
        msg = "the user directory failed"
        raise DirectoryError(msg) from error
    match outcome:
        case Found(user=MigratedUser() as user):
            return event.migrated(user)
        case UnknownUser() | WrongPassword():
            msg = "Bad username or password"
            raise BadCredentialsError(msg)
        case _:
            msg = "the user directory gave no outcome"
            raise DirectoryError(msg)
