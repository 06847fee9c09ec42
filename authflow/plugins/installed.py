"""The plugins of the installed distributions, read from their metadata.

Source: "Entry points specification" of the Python Packaging User Guide.
"""

import re
from collections import Counter
from importlib import metadata
from typing import Any, Final, Literal

from attrs import evolve, frozen

from authflow.plugins.names import NAME, OWN_NAMES, Side, canonical
from authflow.printable import one_line

_PLACE: Final = re.compile(r"[\w.]+\s*:\s*[\w.]+\s*(\[.*\])?")
"""The value of a plugin's entry point: where its class is, and perhaps the extras it needs."""


@frozen(kw_only=True, order=True)
class PluginInfo:
    """One plugin, as its distribution's metadata describes it; nothing was imported.

    Args:
        name: The challenge's name.
        side: Which half it is.
        distribution: The distribution that brings it.
        version: The distribution's version.
        entry_point: Where the class is, as "package.module:Class".
        status: "ok"; "conflict" if another claims the same name; "bad_name" if the name cannot be
            a challenge's; "not_allowed" if the distribution is not in AUTHFLOW_PLUGINS.
    """

    name: str
    side: Side
    distribution: str
    version: str
    entry_point: str
    status: Literal["ok", "conflict", "bad_name", "not_allowed"]

    def __str__(self) -> str:
        return f"{self.distribution} {self.version} ({self.entry_point})"


@frozen(kw_only=True)
class InstalledPlugins:
    """The result of one reading of the metadata.

    Args:
        group: The entry-point group that was read.
        plugins: The plugins in it, by name.
        unreadable: Whose metadata is damaged, and why: the distributions that were skipped.
        misplaced: The plugins that are listed and whose entry points name no class, and why.
    """

    group: str
    plugins: tuple[PluginInfo, ...]
    unreadable: tuple[str, ...]
    misplaced: tuple[str, ...]

    def load(self, plugin: PluginInfo) -> Any:
        """Import a plugin. It can raise any exception."""
        return metadata.EntryPoint(plugin.name, plugin.entry_point, self.group).load()


def read_metadata(group: str, side: Side, allowed: frozenset[str] | None) -> InstalledPlugins:
    """Read which distributions claim which names.

    Args:
        group: The entry-point group.
        side: Which half of a plugin it is for.
        allowed: The normalised names of the distributions that may bring plugins; None for all.
    """
    claims: set[PluginInfo] = set()
    unreadable: set[str] = set()
    for distribution in metadata.distributions():
        try:
            if distribution.entry_points.select(group=group):
                claims |= _claims(distribution.name, group, side)
        except Exception as error:  # noqa: BLE001  # a file that anybody wrote: see rule 4
            why = one_line(f"{type(error).__name__}: {error}")
            unreadable.add(f"a distribution in {_home(distribution)} ({why})")
    if allowed is not None:
        claims = {
            info if canonical(info.distribution) in allowed else evolve(info, status="not_allowed")
            for info in claims
        }
    claimed = Counter(info.name for info in claims if info.status != "not_allowed")
    plugins = (
        evolve(info, status="conflict") if info.status == "ok" and claimed[info.name] > 1 else info
        for info in claims
    )
    return InstalledPlugins(
        group=group,
        plugins=tuple(sorted(plugins)),
        unreadable=tuple(sorted(unreadable)),
        misplaced=tuple(sorted(map(_misplaced, filter(_names_no_class, claims)))),
    )


def _home(distribution: metadata.Distribution) -> str:
    """Return where a distribution is: its metadata's folder, if it has one."""
    return str(getattr(distribution, "_path", None) or distribution.locate_file(""))


def _names_no_class(info: PluginInfo) -> bool:
    return _PLACE.fullmatch(info.entry_point) is None


def _misplaced(info: PluginInfo) -> str:
    return (
        f"the {info.side} plugin {one_line(info.name)!r} of {info.distribution} {info.version}:"
        f" {one_line(info.entry_point)!r} is not package.module:Class"
    )


def _claims(distribution_name: str, group: str, side: Side) -> set[PluginInfo]:
    """Read which names one distribution claims.

    Asking by name gives the copy that an import would find: a distribution that is on sys.path
    twice, such as an editable install over an installed one, claims what its first copy says.
    """
    distribution = metadata.distribution(distribution_name)
    told = distribution.metadata  # it is parsed whenever it is asked for
    name, version = told["Name"], told["Version"] or "unknown"
    return {
        PluginInfo(
            name=entry_point.name,
            side=side,
            distribution=name,
            version=version,
            entry_point=entry_point.value,
            status="ok" if _can_be_a_name(entry_point.name) else "bad_name",
        )
        for entry_point in distribution.entry_points.select(group=group)
    }


def _can_be_a_name(name: str) -> bool:
    return NAME.fullmatch(name) is not None and name not in OWN_NAMES
