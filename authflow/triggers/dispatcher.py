"""`Triggers`: one object that serves all triggers of a user pool, on Lambda and in process."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from attrs import define, field

from authflow.errors import ConfigError, EventError, PluginConflictError
from authflow.given_services import can, kind_of
from authflow.plugins.registry import TRIGGER_CHALLENGES, PluginRegistry
from authflow.plugins.trigger_challenge import TriggerChallenge
from authflow.triggers.custom_flow import CustomFlow, GroupLookup
from authflow.triggers.events.challenge_events import CreateEvent, DefineEvent, VerifyEvent
from authflow.triggers.events.envelope import HandledEvent, TriggerEvent, WrappedEvent
from authflow.triggers.events.parsing import parse_event
from authflow.triggers.handlers import Handler, handlers, run_handler
from authflow.triggers.policies.policy import Policy
from authflow.triggers.policies.steps import Step
from authflow.triggers.safeguards import Safeguards
from authflow.unframed import Unframed, whole

if TYPE_CHECKING:
    from authflow.keys.key_ring import KeyProvider
    from authflow.telemetry.flow_events import FlowObserver, FlowWatch
    from authflow.triggers.directories.migrating import Authenticate, LookUp, Migrating
    from authflow.triggers.directories.migration import UserDirectory
    from authflow.triggers.events.user_events import MigrationEvent
    from authflow.triggers.limits.limits import Limits


def _ids(ids: Iterable[str] | None) -> frozenset[str] | None:
    if ids is None:
        return None
    if isinstance(ids, str):
        msg = "client_ids is a collection of app client ids, not one string"
        raise ConfigError(msg)
    found = () if isinstance(ids, bytes) or not isinstance(ids, Iterable) else tuple(ids)
    if not found or not all(isinstance(each, str) and each for each in found):
        msg = "client_ids is a collection of app client ids, each a text; leave it out to serve all"
        raise ConfigError(msg)
    return frozenset(found)


def _pool_id(given: str | None) -> str | None:
    if given is None or (isinstance(given, str) and given):
        return given
    msg = "user_pool_id is a user pool's id, a text; leave it out to serve all"
    raise ConfigError(msg)


def _limits(given: "Limits | None") -> "Limits | None":
    # The class is not imported for it: without limits a Lambda function starts faster.
    if given is None or can(given, "admit_guess", "admit_send", "once"):
        return given
    msg = f"limits must be Limits(store=..., keys=...), not {kind_of(given)}"
    del given
    raise ConfigError(msg)


def _keys(given: "KeyProvider | None") -> "KeyProvider | None":
    if given is not None:
        from authflow.keys.key_ring import check_provider  # noqa: PLC0415  # as above

        check_provider("keys", given)
    return given


def _classes(classes: Iterable[type[TriggerChallenge]]) -> tuple[type[TriggerChallenge], ...]:
    if isinstance(classes, type | str) or not isinstance(classes, Iterable):
        msg = "challenges is a collection of plugin classes, such as challenges=[Captcha]"
        raise ConfigError(msg)
    return tuple(classes)


def _lazy(given: object) -> bool:
    return _yes_or_no("lazy", given)


def _case_sensitive(given: object) -> bool:
    return _yes_or_no("case_sensitive", given)


def _yes_or_no(name: str, given: object) -> bool:
    if type(given) is not bool:
        msg = f"{name} is True or False"
        raise ConfigError(msg)
    return given


def _policy(policy: Policy | Step | None) -> Policy | None:
    if policy is None or isinstance(policy, Policy):
        return policy
    return Policy(policy)


def _migrating(
    directory: "UserDirectory | Migrating | tuple[Authenticate, LookUp] | None",
) -> "Migrating | None":
    # Only triggers with a directory need it: without it a Lambda function starts faster.
    if directory is None:
        return None
    from authflow.triggers.directories.migrating import Migrating, migrating  # noqa: PLC0415

    if isinstance(directory, Migrating):
        return directory
    if isinstance(directory, tuple):
        if len(directory) != 2:
            msg = "a directory of functions is two async functions: (authenticate, look_up)"
            raise ConfigError(msg)
        authenticate, look_up = directory
        return migrating(authenticate=authenticate, look_up=look_up)
    return migrating(directory)


@whole
@define(kw_only=True, eq=False)
class Triggers:
    """Serves Define, Create and Verify with a policy, and UserMigration with a directory.

    All other triggers are served by functions of the owner's, each of one kind of event:
    `Triggers(on={PreAuthenticationEvent: check_country, PreTokenGenerationEvent: add_claims})`.
    A function gives back what its event's class says, or None to change nothing, and refuses by
    raising a `DeniedError`; everything else that it raises refuses too, and stays inside.

    Args:
        policy: What a user must pass in CUSTOM_AUTH: a `Policy`, or what one is made of.
        challenges: Plugin classes, for what is not to be looked up among the installed ones. What
            the policy itself holds, as `challenge(Captcha(length=5))`, need not be named here.
        prefer: For a challenge's name, the distribution to take it from if several bring it.
        directory: Where users come from that the pool does not know: `SqlDirectory`,
            `LdapDirectory`, two async functions (authenticate, look_up), or what `migrating` makes
            of either where three seconds are not the time that it may take.
        on: For each further kind of event, the function that serves it. A coroutine function runs
            on the event loop, any other in a thread.
        limits: Count guesses and messages for all challenges of the policy, and have each code be
            drawn once, sent once and used once, however often Cognito runs a trigger.
        keys: Seal what challenges keep from round to round; by default those of the limits.
        groups: Tells which groups a user is in, if the policy asks: an async function of the user
            pool's id and the user's canonical name, such as `CognitoGroups`.
        lazy: Find and make the plugins that the policy only names at the first event, and not here.
            A mistake in the policy then refuses sign-ins instead of the start.
        case_sensitive: What the pool's `UsernameConfiguration` says as `CaseSensitive`. No event
            tells it, and users who do not exist are treated as this says: as the pool's own, or
            whoever compares `ADA` and `ada` sees who exists. A pool that is made by API, without
            the setting, is True; Cognito's console makes them False.
        clock: Gives seconds since the epoch, for challenges and their sealed state.
        observer: A `FlowObserver`, or several, told what became of challenges, policies and
            triggers. Secrets and names are in no event.
        user_pool_id: The only user pool to serve; any, if it is not given.
        client_ids: The only app clients to serve; any, if they are not given. Where an
            administrator acts, Cognito names CLIENT_ID_NOT_APPLICABLE.

    Raises:
        ConfigError: There is neither a policy nor a directory nor a function, or one of them or of
            the services cannot be used, or a plugin does not take its settings.
        PluginNotFoundError: The policy names a plugin that is not there; the error says which one
            was probably meant, or what to install.
        PluginConflictError: Two plugins have one name, or one metadata.
        PluginLoadError: A plugin cannot be imported, or was written for another interface.
        MisuseError: The observer is none, or is asynchronous.
    """

    policy: Policy | None = field(default=None, converter=_policy)
    challenges: tuple[type[TriggerChallenge], ...] = field(default=(), converter=_classes)
    prefer: Mapping[str, str] = field(factory=dict)
    directory: "Migrating | None" = field(default=None, converter=_migrating)
    on: Mapping[type[HandledEvent], Handler] = field(factory=dict, converter=handlers)
    limits: "Limits | None" = field(default=None, converter=_limits)
    keys: "KeyProvider | None" = field(default=None, converter=_keys)
    groups: GroupLookup | None = None
    lazy: bool = field(default=False, converter=_lazy)
    case_sensitive: bool = field(default=False, converter=_case_sensitive)
    clock: Callable[[], float] = field(default=time.time, repr=False)
    user_pool_id: str | None = field(default=None, converter=_pool_id)
    client_ids: frozenset[str] | None = field(default=None, converter=_ids)
    observer: "FlowObserver | Sequence[FlowObserver] | None" = None
    _watch: "FlowWatch | None" = field(init=False, repr=False)
    _flow: CustomFlow | None = field(default=None, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._watch = _watch(self.observer)
        if self.policy is None and self.directory is None and not self.on:
            msg = "Triggers needs a policy, a directory to migrate users from, or functions in on="
            raise ConfigError(msg)
        held = () if self.policy is None else self.policy.plugins
        explicit = (*self.challenges, *held)
        registry = PluginRegistry(TRIGGER_CHALLENGES, explicit=explicit, prefer=self.prefer)
        if self.policy is not None:
            self._refuse_two_meanings(self.policy)
            self._flow = CustomFlow(
                policy=self.policy,
                registry=registry,
                safeguards=Safeguards(
                    limits=self.limits,
                    keys=self.keys,
                    clock=self.clock,
                    case_sensitive=self.case_sensitive,
                ),
                groups=self.groups,
                clock=self.clock,
                watch=self._watch,
            )
            self._flow.plugins.load(only_held=self.lazy)

    def _refuse_two_meanings(self, policy: Policy) -> None:
        """Refuse a name in the policy that may be a held class's, or that of one which it derives.

        Raises:
            PluginConflictError: There is such a name, and `challenges` does not settle it.
        """
        named = {step.name for step in policy.challenges if step.plugin is None}
        for held in {*policy.plugins} - {*self.challenges}:
            for base in held.__mro__[1:]:
                if held.name in named and vars(base).get("name") == held.name:
                    msg = (
                        f"challenge({held.name!r}) may be {held.__qualname__} or"
                        f" {base.__qualname__}, which it derives from: write the class in place of"
                        f" the name, or give challenges=[{held.__qualname__}]"
                    )
                    raise PluginConflictError(msg)

    @property
    def sources(self) -> frozenset[str]:
        """The triggers that are served, by their names in a user pool's LambdaConfig."""
        decided: set[type[TriggerEvent]] = set()
        if self.policy is not None:
            decided |= {DefineEvent, CreateEvent, VerifyEvent}
        if self.directory is not None:
            decided.add(_migration_event())
        return frozenset(event.trigger for event in decided | self.on.keys())

    def load(self) -> Mapping[str, TriggerChallenge]:
        """Find and make all plugins of the policy, which is only needed if they are lazy.

        Returns:
            For each challenge's label in the policy, its plugin.

        Raises:
            PluginError: A plugin is missing, broken or in conflict with another.
            ConfigError: A plugin does not take its settings.
        """
        if self._flow is None:
            return {}
        self._flow.plugins.load()
        return MappingProxyType(self._flow.plugins.made)

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
        from authflow.triggers.lambda_loop import run  # noqa: PLC0415  # elsewhere a loop runs already

        serving = self.handle(event)
        del event  # it holds passwords and answers, and tracebacks may show local variables
        return run(serving)

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
        serving = self._serve(event)
        del event  # as above
        with Unframed():
            return await (serving if self._watch is None else self._watch.served(serving))

    async def _serve(self, event: Mapping[str, Any] | WrappedEvent) -> dict[str, Any]:
        parsed = parse_event(event)
        del event
        if self.user_pool_id is not None and parsed.user_pool_id != self.user_pool_id:
            msg = "the event is from a user pool that these triggers do not serve"
            raise EventError(msg)
        if self.client_ids is not None and parsed.client_id not in self.client_ids:
            msg = "the event is from an app client that these triggers do not serve"
            raise EventError(msg)
        match parsed:
            case DefineEvent() if self._flow is not None:
                return await self._flow.define(parsed)
            case CreateEvent() if self._flow is not None:
                return await self._flow.create(parsed)
            case VerifyEvent() if self._flow is not None:
                return await self._flow.verify(parsed)
            case HandledEvent() if type(parsed) in self.on:
                return await run_handler(self.on[type(parsed)], parsed)
            case _ if self.directory is not None:
                if isinstance(parsed, _migration_event()):
                    return await self.directory.migrate(parsed)
        msg = f"these triggers do not serve {parsed.trigger}"
        raise EventError(msg)


def _watch(observer: object) -> "FlowWatch | None":
    if observer is None:
        return None
    from authflow.telemetry.flow_events import FlowWatch  # noqa: PLC0415  # as above

    return FlowWatch.of(observer)


def _migration_event() -> "type[MigrationEvent]":
    from authflow.triggers.events.user_events import MigrationEvent  # noqa: PLC0415  # as above

    return MigrationEvent
