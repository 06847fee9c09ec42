"""The registry of challenge plugins: what is registered, what is installed, and who wins.

RULES

1. Explicit registration comes first. It needs no metadata, so it works where a bundle has lost its
   `*.dist-info` folders, as slim Lambda bundles do.
2. Discovery is the convenience: the entry points of the installed distributions. It reads metadata
   only; a plugin is imported when it is asked for by name, and not before.
3. There is no silent winner. A name that two distributions claim belongs to neither, until one is
   uninstalled or the wanted class is registered explicitly.
4. A broken plugin, or a broken distribution beside it, is an error for whoever asks for that
   plugin, and for nobody else.

A plugin runs with all the rights of its process: this registry is no sandbox.

Source: "Entry points specification" of the Python Packaging User Guide.
"""

import re
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Literal

from attrs import field, frozen

from authflow.errors import (
    ConfigError,
    PluginConflictError,
    PluginLoadError,
    PluginNotFoundError,
)
from authflow.lazy_names import lazy_names

if TYPE_CHECKING:
    from authflow.installed_plugins import InstalledPlugins, PluginInfo
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "authflow.installed_plugins": "PluginInfo",
        },
    )

__all__ = [
    "CLIENT_CHALLENGES",
    "NAME",
    "NAME_RULE",
    "TRIGGER_CHALLENGES",
    "PluginInfo",
    "PluginRegistry",
    "Side",
]

CLIENT_CHALLENGES: Final = "authflow.client_challenges"
"""The entry-point group of the client halves (`authflow.client.challenges.ClientChallenge`)."""
TRIGGER_CHALLENGES: Final = "authflow.trigger_challenges"
"""The entry-point group of the trigger halves (`authflow.triggers.challenges.TriggerChallenge`)."""

Side = Literal["client", "trigger"]

NAME: Final = re.compile(r"[a-z][a-z0-9_-]{1,31}")
NAME_RULE: Final = "2 to 32 of a-z, 0-9, _ and -, beginning with a letter"

_SIDES: Final[dict[str, Side]] = {CLIENT_CHALLENGES: "client", TRIGGER_CHALLENGES: "trigger"}
_METHODS: Final[dict[Side, tuple[str, ...]]] = {
    "client": ("answer",),
    "trigger": ("create", "verify"),
}
_PUBLISHED: Final = frozenset({"captcha", "otp", "question"})


def _group_is_known(_registry: object, _field: object, group: str) -> None:
    if group not in _SIDES:
        msg = f"{group!r} is no group of plugins; there are {', '.join(_SIDES)}"
        raise ConfigError(msg)


@frozen
class PluginRegistry:
    """Finds the challenge plugins of one side by their names.

    It is a value. The installed distributions are read once per registry, at the first question
    that needs them.

    Args:
        group: `CLIENT_CHALLENGES` or `TRIGGER_CHALLENGES`.
        explicit: Plugin classes that need no installed metadata, and win over what has some.
        discover: Whether to look at the installed distributions at all.

    Raises:
        ConfigError: The group is unknown, or something explicit is not a plugin of this side.
        PluginConflictError: Two explicit plugins have one name.
    """

    group: str = field(validator=_group_is_known)
    explicit: tuple[type[Any], ...] = field(default=(), converter=tuple[type[Any], ...])
    discover: bool = True

    def __attrs_post_init__(self) -> None:
        by_name: dict[str, type[Any]] = {}
        for plugin in self.explicit:
            flaw = _flaw(plugin, self.side)
            if flaw is not None:
                msg = f"no {self.side} plugin can be registered: {flaw}"
                raise ConfigError(msg)
            other = by_name.setdefault(plugin.name, plugin)
            if other is not plugin:
                msg = (
                    f"{_place(other)} and {_place(plugin)} are both registered as"
                    f" {plugin.name!r}; register one of them"
                )
                raise PluginConflictError(msg)

    @property
    def side(self) -> Side:
        """Which half of a plugin this registry is about."""
        return _SIDES[self.group]

    def find(self, name: str) -> type[Any]:
        """Give the plugin class of a name, and import it if it is not yet.

        Args:
            name: The challenge's name. It may come from the network.

        Raises:
            PluginNotFoundError: There is no such plugin; the error says what to install.
            PluginConflictError: Two distributions claim the name; the error names both.
            PluginLoadError: It cannot be imported, or is not what its entry point says.
        """
        for plugin in self.explicit:
            if plugin.name == name:
                return plugin
        if NAME.fullmatch(name) is None:
            msg = f"no plugin can have such a name: a name is {NAME_RULE}"
            raise PluginNotFoundError(msg)
        claims = [info for info in self.listed() if info.name == name] if self.discover else []
        if not claims:
            raise PluginNotFoundError(self._not_found(name))
        if len(claims) > 1:
            msg = (
                f"the {self.side} plugin {name!r} is claimed by"
                f" {' and by '.join(map(str, claims))}; uninstall all but one, or register"
                " the class that you want explicitly"
            )
            raise PluginConflictError(msg)
        return self._load(claims[0])

    def listed(self) -> "tuple[PluginInfo, ...]":
        """Give all installed plugins of this side by name, from metadata only."""
        return self._installed.plugins

    @cached_property
    def _installed(self) -> "InstalledPlugins":
        # Reading metadata takes a parser of emails and a reader of ZIP files: where all plugins are
        # registered explicitly, nobody waits for their import.
        from authflow.installed_plugins import read_metadata  # noqa: PLC0415

        return read_metadata(self.group, self.side)

    def _load(self, info: "PluginInfo") -> type[Any]:
        blame = f"the {self.side} plugin {info.name!r} of {info}"
        try:
            plugin = self._installed.load(info)
        except (Exception, SystemExit) as error:  # what an import can raise is anything
            msg = (
                f"{blame} cannot be imported: {type(error).__name__}: {error};"
                f" upgrade or uninstall {info.distribution}"
            )
            raise PluginLoadError(msg) from error
        flaw = _flaw(plugin, self.side, info.name)
        if flaw is not None:
            msg = f"{blame} cannot be used: {flaw}; upgrade or uninstall {info.distribution}"
            raise PluginLoadError(msg)
        found: type[Any] = plugin
        return found

    def _not_found(self, name: str) -> str:
        if not self.discover:
            return (
                f"no {self.side} plugin {name!r} is registered, and discovery is off: register it"
            )
        advice = (
            f"run `pip install authflow-{name}`"
            if name in _PUBLISHED
            else "install the distribution that brings it"
        )
        damaged = self._installed.unreadable
        hint = f". Not readable, and skipped: {', '.join(damaged)}" if damaged else ""
        return (
            f"no {self.side} plugin {name!r} is installed: {advice},"
            f" or register its class explicitly{hint}"
        )


def _flaw(plugin: object, side: Side, expected: str | None = None) -> str | None:
    """Say why an object is not a plugin of this side, if it is not."""
    if not isinstance(plugin, type):
        return f"it must be a class, not an object of type {type(plugin).__name__}"
    name = getattr(plugin, "name", None)
    if not isinstance(name, str) or NAME.fullmatch(name) is None:
        return f"{_place(plugin)} must have a `name` of {NAME_RULE}"
    if expected is not None and name != expected:
        return f"{_place(plugin)} calls itself {name!r}"
    missing = [method for method in _METHODS[side] if not callable(getattr(plugin, method, None))]
    if missing:
        return f"{_place(plugin)} has no method {' and no '.join(missing)}"
    return None


def _place(plugin: type[Any]) -> str:
    return f"{plugin.__module__}.{plugin.__qualname__}"
