"""The registry of challenge plugins: those registered, those installed, and which of them win.

RULES

1. Explicit registration comes first. It needs no metadata, so it works where a bundle has lost its
   `*.dist-info` folders, as slim Lambda bundles do.
2. Discovery is the convenience: the entry points of the installed distributions. It reads metadata
   only; a plugin is imported when it is asked for by name, and not before.
3. There is no silent winner. A name that two distributions claim belongs to neither, until one is
   uninstalled, `prefer` settles it, or the wanted class is registered explicitly. Names that mean
   something to authflow itself cannot be claimed.
4. A broken plugin, or a broken distribution beside it, is an error for whoever asks for that
   plugin, and for nobody else.
5. A plugin states in `interface` which version of the interface it was written for. Another one
   than those that are supported here is refused by name. An explicit one that states none is
   taken for one of interface 1. In interface 2 a client half has `form` and `read`, plain functions
   both; for a trigger half it is the same as 1.
6. The environment variable AUTHFLOW_PLUGINS, if it is set, lists the distributions that may bring
   plugins, with commas between them; explicit ones do not need it.

A plugin runs with all the rights of its process: this registry is no sandbox.

Source: "Entry points specification" of the Python Packaging User Guide.
"""

import inspect
import os
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from attrs import field, frozen

from authflow.coroutines import is_plain
from authflow.errors import (
    ConfigError,
    PluginConflictError,
    PluginLoadError,
    PluginNotFoundError,
)
from authflow.plugins.names import NAME, NAME_RULE, OWN_NAMES, PUBLISHED, Side, canonical, nearest
from authflow.unframed import whole

if TYPE_CHECKING:
    from authflow.plugins.installed import InstalledPlugins, PluginInfo

CLIENT_CHALLENGES: Final = "authflow.client_challenges"
"""The entry-point group of the client halves (`authflow.plugins.ClientChallenge`)."""
TRIGGER_CHALLENGES: Final = "authflow.trigger_challenges"
"""The entry-point group of the trigger halves (`authflow.plugins.TriggerChallenge`)."""

INTERFACE: Final = 2
"""The version of the interface of challenge plugins, on both sides."""
SUPPORTED: Final = range(1, INTERFACE + 1)
FORMS: Final = 2
"""The first version in which client halves have forms."""
ALLOWED_VARIABLE: Final = "AUTHFLOW_PLUGINS"
"""The environment variable that names the distributions whose plugins are used."""


_SIDES: Final[dict[str, Side]] = {CLIENT_CHALLENGES: "client", TRIGGER_CHALLENGES: "trigger"}
_METHODS: Final[dict[Side, tuple[str, ...]]] = {
    "client": ("answer",),
    "trigger": ("create", "verify"),
}
_FORM_METHODS: Final = ("form", "read")
"""The methods of a client half in interface 2."""


def _group_is_known(_registry: object, _field: object, group: str) -> None:
    if group not in _SIDES:
        msg = f"{group!r} is no group of plugins; there are {', '.join(_SIDES)}"
        raise ConfigError(msg)


def _preferences(prefer: Mapping[str, str]) -> Mapping[str, str]:
    if not isinstance(prefer, Mapping) or not all(
        isinstance(part, str) for pair in prefer.items() for part in pair
    ):
        msg = "prefer= is a mapping of plugins' names to distributions"
        raise ConfigError(msg)
    return dict(prefer)


@whole
@frozen
class PluginRegistry:
    """Finds the challenge plugins of one side by their names.

    It is a value. The installed distributions are read once per registry, at the first question
    that needs them.

    Args:
        group: `CLIENT_CHALLENGES` or `TRIGGER_CHALLENGES`.
        explicit: Plugin classes that need no installed metadata, and win over what has some.
        discover: Whether to look at the installed distributions at all.
        prefer: For a plugin's name, the distribution to take it from if several claim it.

    Raises:
        ConfigError: The group is unknown, or something explicit is not a plugin of this side.
        PluginConflictError: Two explicit plugins have one name.
        PluginNotFoundError: `prefer` names a plugin that is not installed, or another distribution
            than those that bring it.
    """

    group: str = field(validator=_group_is_known)
    explicit: tuple[type[Any], ...] = field(default=(), converter=tuple[type[Any], ...])
    discover: bool = True
    prefer: Mapping[str, str] = field(factory=dict, converter=_preferences, hash=False)

    def __attrs_post_init__(self) -> None:
        by_name: dict[str, type[Any]] = {}
        for plugin in self.explicit:
            flaw = _flaw(plugin, self.side)
            if flaw is None and hasattr(plugin, "interface"):
                flaw = _unsupported(plugin)
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
        if self.discover:
            for name in self.prefer:
                self._check_preference(name, registered=name in by_name)

    @property
    def side(self) -> Side:
        """The half of plugins that this registry finds."""
        return _SIDES[self.group]

    def find(self, name: str) -> type[Any]:
        """Return the plugin class with a name; import it at the first use.

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
        if name in OWN_NAMES:
            msg = f"{name!r} is a name of authflow's own: no plugin can have it"
            raise PluginNotFoundError(msg)
        claims = [info for info in self.listed() if info.name == name] if self.discover else []
        if not claims:
            raise PluginNotFoundError(self._not_found(name))
        allowed = [info for info in claims if info.status != "not_allowed"]
        if not allowed:
            msg = (
                f"the {self.side} plugin {name!r} of {claims[0].distribution} is not allowed here:"
                f" add the distribution to the environment variable {ALLOWED_VARIABLE}"
            )
            raise PluginNotFoundError(msg)
        claims = self._preferred(name, allowed)
        if len(claims) > 1:
            msg = (
                f"the {self.side} plugin {name!r} is claimed by"
                f" {' and by '.join(map(str, claims))}; uninstall all but one, or name one in"
                f" prefer={{{name!r}: ...}}, or register the class that you want explicitly"
            )
            raise PluginConflictError(msg)
        return self._load(claims[0])

    def distribution_of(self, plugin: type[Any]) -> str:
        """Return the name of a plugin's distribution or else of its module, for errors."""
        if plugin not in self.explicit and self.discover:
            place = f"{plugin.__module__}:{plugin.__qualname__}"
            for info in self.listed():
                if info.entry_point == place:
                    return f"{info.distribution} {info.version}"
        return plugin.__module__

    def _check_preference(self, name: str, *, registered: bool) -> None:
        """Refuse a preference that will never be asked for.

        Args:
            name: The plugin.
            registered: Whether its class is registered explicitly; then none is preferred, and the
                distribution is only looked for.

        Raises:
            PluginNotFoundError: No such plugin is installed, or not by that distribution, or that
                one may bring no plugins here.
        """
        claims = [info for info in self.listed() if info.name == name]
        if not claims and registered:
            msg = (
                f"prefer= wants the {self.side} plugin {name!r} from {self.prefer[name]!r:.80},"
                " which does not bring it: its class is registered, so leave the preference out"
            )
            raise PluginNotFoundError(msg)
        if not claims:
            raise PluginNotFoundError(f"prefer= names what is not there: {self._not_found(name)}")
        if all(info.status == "not_allowed" for info in self._preferred(name, claims)):
            msg = (
                f"prefer= wants the {self.side} plugin {name!r} from {self.prefer[name]!r:.80},"
                f" which is not allowed here: add it to the environment variable {ALLOWED_VARIABLE}"
            )
            raise PluginNotFoundError(msg)

    def _preferred(self, name: str, claims: "list[PluginInfo]") -> "list[PluginInfo]":
        """Return the preferred distribution alone, if one is preferred."""
        if name not in self.prefer:
            return claims
        wanted = canonical(self.prefer[name])
        found = [info for info in claims if canonical(info.distribution) == wanted]
        if not found:
            there = [info.distribution for info in claims]
            meant = nearest(wanted, there)
            msg = (
                f"prefer= wants the {self.side} plugin {name!r} from {self.prefer[name]!r:.80}, and"
                f" only {', '.join(there)} brings it"
            )
            if meant is not None and len(there) > 1:
                msg += f": did you mean {meant!r}?"
            raise PluginNotFoundError(msg)
        return found

    def listed(self) -> "tuple[PluginInfo, ...]":
        """Return all installed plugins of this side by name, from metadata only."""
        return self._installed.plugins

    def unreadable(self) -> tuple[str, ...]:
        """Return the distributions that were skipped because their metadata is damaged, and why."""
        return self._installed.unreadable

    def misplaced(self) -> tuple[str, ...]:
        """Return the plugins of this side whose entry points name no class, and why."""
        return self._installed.misplaced

    @cached_property
    def _installed(self) -> "InstalledPlugins":
        # Reading metadata takes a parser of emails and a reader of ZIP files: where all plugins are
        # registered explicitly, nobody waits for their import.
        from authflow.plugins.installed import read_metadata  # noqa: PLC0415

        return read_metadata(self.group, self.side, allowed_distributions())

    def _load(self, info: "PluginInfo") -> type[Any]:
        blame = f"the {self.side} plugin {info.name!r} of {info}"
        try:
            plugin = self._installed.load(info)
        except (Exception, SystemExit) as error:  # an import can raise any exception
            msg = (
                f"{blame} cannot be imported: {type(error).__name__}: {error};"
                f" upgrade or uninstall {info.distribution}"
            )
            raise PluginLoadError(msg) from error
        flaw = _flaw(plugin, self.side, info.name) or _unsupported(plugin)
        if flaw is not None:
            msg = f"{blame} cannot be used: {flaw}; upgrade or uninstall {info.distribution}"
            raise PluginLoadError(msg)
        found: type[Any] = plugin
        return found

    def _not_found(self, name: str) -> str:
        here = {plugin.name for plugin in self.explicit}
        here |= {info.name for info in self.listed()} if self.discover else set()
        published = PUBLISHED if self.discover and name not in PUBLISHED else {}
        guess, meant = "", nearest(name, here) or nearest(name, published)
        if meant is not None:
            found = "" if meant in here else f" Run `pip install {PUBLISHED[meant]}`."
            guess = f"did you mean {meant!r}?{found} If not, "
        if not self.discover:
            return (
                f"no {self.side} plugin {name!r} is registered, and discovery is off:"
                f" {guess}register it"
            )
        advice = (
            f"run `pip install {PUBLISHED[name]}`"
            if name in PUBLISHED
            else "install the distribution that brings it"
        )
        damaged = self.unreadable()
        hint = f". Not readable, and skipped: {', '.join(damaged)}" if damaged else ""
        return (
            f"no {self.side} plugin {name!r} is installed: {guess}{advice},"
            f" or register its class explicitly{hint}"
        )


def answers_by_form(plugin: object) -> bool:
    """Return whether a client challenge, or its class, is written for interface 2."""
    interface = getattr(plugin, "interface", 1)
    return type(interface) is int and interface == FORMS


def _flaw(plugin: object, side: Side, expected: str | None = None) -> str | None:
    """Return why an object is not a plugin of this side; None if it is one."""
    if not isinstance(plugin, type):
        return f"it must be a class, not an object of type {type(plugin).__name__}"
    name = getattr(plugin, "name", None)
    if not isinstance(name, str) or NAME.fullmatch(name) is None:
        return f"{_place(plugin)} must have a `name` of {NAME_RULE}"
    if expected is not None and name != expected:
        return f"{_place(plugin)} calls itself {name!r}"
    if name in OWN_NAMES:
        return f"{_place(plugin)} calls itself {name!r}, which is a name of authflow's own"
    stated = getattr(plugin, "interface", None)
    if type(stated) is int and stated not in SUPPORTED:
        return _unsupported(plugin)  # it may have other methods than those that are wanted here
    by_form = side == "client" and answers_by_form(plugin)
    methods = _FORM_METHODS if by_form else _METHODS[side]
    missing = [method for method in methods if not callable(getattr(plugin, method, None))]
    if missing and all(callable(getattr(plugin, method, None)) for method in _FORM_METHODS):
        return (
            _unsupported(plugin) or f"{_place(plugin)} has `form` and `read`: write interface = 2"
        )
    if missing:
        return f"{_place(plugin)} has no method {' and no '.join(missing)}"
    waits = [method for method in methods if by_form and _is_async(getattr(plugin, method))]
    if waits:
        return f"{_place(plugin)}: {' and '.join(waits)} must be written by `def`, not `async def`"
    plain = [method for method in methods if not by_form and is_plain(getattr(plugin, method))]
    if plain:
        return f"{_place(plugin)}: {' and '.join(plain)} must be `async def`, and have no `yield`"
    return None


def _is_async(method: object) -> bool:
    return inspect.iscoroutinefunction(method) or inspect.isasyncgenfunction(method)


def _unsupported(plugin: type[Any]) -> str | None:
    """Return why a plugin's version of the interface is not supported; None if it is."""
    interface = getattr(plugin, "interface", None)
    if type(interface) is not int:
        written = 1 if hasattr(plugin, "answer") and not hasattr(plugin, "form") else INTERFACE
        return f"{_place(plugin)} does not state its interface: write interface = {written}"
    if interface > INTERFACE:
        return f"it was written for interface {interface}: upgrade cognito-authflow"
    if interface not in SUPPORTED:
        return f"interface {interface} is not supported any more"
    return None


def allowed_distributions() -> frozenset[str] | None:
    """Return the normal names of the distributions that may bring plugins; None if all may."""
    named = os.environ.get(ALLOWED_VARIABLE)
    if named is None:
        return None
    return frozenset(canonical(each) for each in named.split(",") if each.strip())


def _place(plugin: type[Any]) -> str:
    return f"{plugin.__module__}.{plugin.__qualname__}"
