"""The plugins of a policy: made at the first use, limited in time, named in errors."""

import asyncio
import inspect
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeVar

from attrs import define, field

from authflow import rounds
from authflow.errors import (
    ConfigError,
    KeysUnavailableError,
    PluginConflictError,
    PluginError,
    PluginFailedError,
    PluginLoadError,
    RemoteProtocolError,
    SealError,
    StateError,
    StoreEntryError,
    StoreUnavailableError,
    TransportError,
)
from authflow.given_services import stray_cancel_fails
from authflow.plugins.registry import PluginRegistry
from authflow.plugins.settings import OF_TRIGGERS, unknown_setting
from authflow.plugins.trigger_challenge import CreateContext, TriggerChallenge, VerifyContext
from authflow.raised import kind_and_place
from authflow.triggers.policies.policy import CHOICE_METADATA, CONDITION_METADATA, STATE_MARK
from authflow.triggers.policies.steps import ChallengeStep
from authflow.triggers.safeguards import Safeguards

T = TypeVar("T")

_MANY: Final = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
"""The kinds of parameters that take all remaining arguments."""
_ATTRIBUTE: Final = re.compile(r"[a-z_]+|(cognito|custom|dev):\S+")
"""The form of an attribute's name: a standard one, or one with a prefix. No address has it."""
_OUR_OWN: Final = {rounds.CHOICE: CHOICE_METADATA, rounds.CONDITION: CONDITION_METADATA}

_OTHERS_FAULTS: Final = (StateError, TransportError, RemoteProtocolError, ConfigError)
"""Errors for which a plugin is not to blame: of a store, a service or its owner's settings."""
_OUR_WORDS: Final[dict[type[StateError], str]] = {
    StoreUnavailableError: "a store cannot be asked now; try again later",
    StoreEntryError: "an entry of a store was not written by authflow: nothing is allowed",
    KeysUnavailableError: "the keys of the triggers cannot be read now; try again later",
    SealError: "the state of this sign-in cannot be opened: begin again",
}
"""The texts that the client reads of errors that keep their kind. A store, a provider of keys or a
plugin may have raised them, with an address or a password in the text: so it is never theirs."""

_log: Final = logging.getLogger("authflow.triggers")


@define(kw_only=True, eq=False)
class PolicyPlugins:
    """The plugins of a policy's challenges.

    Args:
        steps: The challenges.
        registry: Where their plugins are found.
        safeguards: What a plugin may need.
        timeout: How many seconds a plugin may take for one call. Cognito gives a trigger 5 in all.
    """

    steps: tuple[ChallengeStep, ...]
    registry: PluginRegistry
    safeguards: Safeguards
    timeout: float = 4.5
    made: dict[str, TriggerChallenge] = field(factory=dict, init=False, repr=False)
    """For each step's label, its plugin."""
    metadata: dict[str, str] = field(factory=dict, init=False, repr=False)
    """For each challenge's name, its challengeMetadata."""
    sends_to: dict[str, tuple[str, ...] | None] = field(factory=dict, init=False, repr=False)
    """For each step's label, the attributes that its plugin sends to; None if it does not say."""

    def load(self, *, only_held: bool = False) -> None:
        """Find and make the plugins of the policy, unless they are made already.

        Args:
            only_held: Only those that the policy holds, as a class or an object, and no step that
                only names one.

        Raises:
            PluginError: A plugin is missing, broken or in conflict with another.
            ConfigError: A plugin does not take its settings.
        """
        for step in self.steps:
            if not only_held or step.plugin is not None:
                self._load(step)

    def ready(self) -> None:
        """Load the plugins at their first use; the client does not learn what is wrong with one.

        Raises:
            PluginFailedError: One cannot be loaded.
            ConfigError: One does not take its settings, or lacks what it needs.
        """
        if len(self.made) == len(self.steps):
            return
        try:
            self.load()
        except (PluginError, ConfigError) as error:
            _log.error("the triggers cannot be served: %s", error)
            msg = "a challenge of this flow cannot be served"
            blamed = ConfigError if isinstance(error, ConfigError) else PluginFailedError
            raise blamed(msg) from error

    async def create(self, step: ChallengeStep, context: CreateContext) -> object:
        """Ask a step's plugin for a challenge.

        Raises:
            PluginFailedError: It raised, or took too long.
            StateError: What it was given or keeps failed.
            TransportError: What it asks cannot be reached.
            RemoteProtocolError: What it asks gave something else than an answer.
            ConfigError: What its owner has set is not accepted there.
        """
        return await self._ask(step, self.made[step.label].create, context)

    async def verify(self, step: ChallengeStep, context: VerifyContext) -> object:
        """Ask a step's plugin to verify an answer.

        Raises:
            PluginFailedError: It raised, or took too long.
            StateError: What it was given or keeps failed.
            TransportError: What it asks cannot be reached.
            RemoteProtocolError: What it asks gave something else than an answer.
            ConfigError: What its owner has set is not accepted there.
        """
        return await self._ask(step, self.made[step.label].verify, context)

    def failed(self, step: ChallengeStep, why: str) -> PluginFailedError:
        """Log why a plugin's result is unusable, and return the error that the client may see."""
        brought_by = self.registry.distribution_of(type(self.made[step.label]))
        _log.error("the challenge plugin %r of %s failed: %s", step.name, brought_by, why)
        return PluginFailedError(_failed(step))

    async def _ask(
        self, step: ChallengeStep, method: Callable[[T], Awaitable[object]], context: T
    ) -> object:
        """Call a plugin. Its errors may hold anything, so their text is passed to nobody."""
        try:
            async with asyncio.timeout(self.timeout) as limit:
                with stray_cancel_fails():
                    return await method(context)
        except _OTHERS_FAULTS as error:
            kinds = (*_OUR_WORDS, *_OTHERS_FAULTS)
            kind = next(kind for kind in kinds if isinstance(error, kind))
            _log.error("the challenge %r cannot be served: %s", step.name, type(error).__qualname__)
            raise kind(_OUR_WORDS.get(kind, _failed(step))) from error
        except Exception as error:
            why = f"it raised {type(error).__qualname__}"
            # A plugin may have time limits of its own, which say nothing of this one.
            if limit.expired() and isinstance(error, TimeoutError):
                why = f"it took longer than {self.timeout:g} s"
            raise self.failed(step, why) from error

    def _load(self, step: ChallengeStep) -> None:
        """Find and make a step's plugin, unless it is made already."""
        if step.label in self.made:
            return
        made_by = self.registry.find(step.name)
        metadata = getattr(made_by, "metadata", None)
        if not isinstance(metadata, str) or not metadata or STATE_MARK in metadata:
            msg = (
                f"the challenge {step.name!r} must have a `metadata`, a string that is not empty"
                f" and holds no {STATE_MARK!r}"
            )
            raise PluginLoadError(msg)
        for other, taken in {**self.metadata, **_OUR_OWN}.items():
            if taken == metadata and other != step.name:
                msg = f"{other!r} and {step.name!r} share one metadata: none would know its answers"
                raise PluginConflictError(msg)
        self.safeguards.check(step.name, _needs(step.name, made_by))
        plugin = step.plugin
        if plugin is None or isinstance(plugin, type):
            plugin = _made(step, made_by)
        try:
            self.safeguards.suit(plugin)
        except Exception as error:  # noqa: BLE001  # as below
            msg = f"the settings of the challenge {step.name!r} do not fit the limits: "
            raise ConfigError(msg + _told(error)) from None
        self.sends_to[step.label] = _sends_to(step.name, plugin)
        self.metadata[step.name] = metadata
        self.made[step.label] = plugin


def _needs(name: str, made_by: type[Any]) -> tuple[str, ...]:
    """Return what a plugin says that it needs.

    Raises:
        PluginLoadError: It says so in another way, or needs what no plugin is given.
    """
    needs = getattr(made_by, "needs", ())
    if isinstance(needs, tuple | list | set | frozenset):
        strange = [each for each in needs if not isinstance(each, str) or each not in OF_TRIGGERS]
        if not strange:
            return tuple(needs)
        needs = strange[0]
    msg = (
        f"the challenge {name!r} must have as `needs` a tuple of what plugins can be given,"
        f" {' and '.join(map(repr, sorted(OF_TRIGGERS)))}, and not {needs!r:.40}"
    )
    raise PluginLoadError(msg)


def _sends_to(name: str, plugin: object) -> tuple[str, ...] | None:
    """Return the attributes that a plugin says it sends to; None if it does not say.

    Raises:
        PluginLoadError: It says so in another way, or names what is no attribute.
    """
    try:
        sends_to = getattr(plugin, "sends_to", None)
    except Exception as error:  # noqa: BLE001  # a plugin may raise anything
        msg = f"`sends_to` of the challenge {name!r} cannot be read: {_told(error)}"
        raise PluginLoadError(msg) from None
    if sends_to is None:
        return None
    if isinstance(sends_to, tuple | list | set | frozenset):
        strange = [
            each for each in sends_to if not isinstance(each, str) or not _ATTRIBUTE.fullmatch(each)
        ]
        if not strange:
            return tuple(sends_to)
    msg = (
        f"the challenge {name!r} must have as `sends_to` a tuple of the names of the user"
        " attributes that it sends to, such as ('email', 'custom:pager'), or nothing of that name"
    )
    raise PluginLoadError(msg)


def _made(step: ChallengeStep, made_by: type[Any]) -> TriggerChallenge:
    """Make a step's plugin with its settings, which no error shows, as they may be secret."""
    given = ", ".join(step.settings) or "none"
    msg = f"the challenge {step.name!r} cannot be made with its settings ({given}): "
    if flaw := _misfit(step.settings, made_by):
        raise ConfigError(msg + flaw)
    try:
        plugin: TriggerChallenge = made_by(**step.settings)
    except Exception as error:  # noqa: BLE001  # a plugin may raise anything
        # Not even as the cause: a traceback shows the texts of all errors that led to it.
        raise ConfigError(msg + _told(error)) from None
    return plugin


def _told(error: Exception) -> str:
    """Return why a plugin refuses; only a ConfigError's text is sure to show no setting."""
    if isinstance(error, ConfigError):
        return error.message
    return kind_and_place(error)


def _misfit(settings: Mapping[str, Any], made_by: type[Any]) -> str:
    """Return which settings a plugin lacks or does not know; "" if all are right."""
    try:
        signature = inspect.signature(made_by)
    except (TypeError, ValueError):  # a class not written in Python: making it will show this
        return ""
    named = [each for each in signature.parameters.values() if each.kind not in _MANY]
    names = [each.name for each in named]
    for name in settings:
        if name not in names and len(named) == len(signature.parameters):
            return unknown_setting(name, names, "attempts")
    needed = (each.name for each in named if each.default is each.empty)
    missing = [name for name in needed if name not in settings]
    return f"it needs {', '.join(missing)} as well" if missing else ""


def _failed(step: ChallengeStep) -> str:
    """Return the error that the client may see, whoever is to blame."""
    return f"the challenge {step.name!r} failed"
