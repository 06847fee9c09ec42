"""`authflow plugins`: which challenge plugins are installed, and whether they can be used."""

import json
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from typing import TextIO

from attrs import asdict, frozen

from authflow.errors import PluginError
from authflow.plugins import (
    CLIENT_CHALLENGES,
    TRIGGER_CHALLENGES,
    PluginInfo,
    PluginRegistry,
)
from authflow.printable import printable

_HEADINGS = ("name", "side", "distribution", "version", "interface", "entry point", "status")


@frozen(kw_only=True, order=True)
class _Listed:
    """A plugin, as it is shown."""

    name: str
    side: str
    distribution: str
    version: str
    interface: str
    entry_point: str
    status: str
    reason: str

    @property
    def cells(self) -> tuple[str, ...]:
        """What stands in its row of the table."""
        return tuple(map(printable, asdict(self).values()))[: len(_HEADINGS)]


def run(*, as_json: bool, out: TextIO) -> int:
    """List the installed plugins of both sides.

    Those that their metadata allows to use are imported, each by itself: this command is there to
    say what is wrong with one, and which interface it was written for.

    Args:
        as_json: Whether to print a JSON array of objects instead of a table.
        out: Where to print.

    Returns:
        The exit code: 0 if every plugin can be used, 1 if one is broken, in conflict, or has a bad
        name.
    """
    with redirect_stdout(sys.stderr):  # what a plugin prints at its import is no part of the list
        plugins = sorted(_listed())
    if as_json:
        print(json.dumps([asdict(each) for each in plugins], indent=2), file=out)
    elif plugins:
        print(_table(plugins), file=out)
    else:
        print("No challenge plugins are installed. Try `pip install authflow-captcha`.", file=out)
    return 0 if all(each.status in {"ok", "not_allowed"} for each in plugins) else 1


def _listed() -> Iterator[_Listed]:
    for group in (CLIENT_CHALLENGES, TRIGGER_CHALLENGES):
        registry = PluginRegistry(group)
        for info in registry.listed():
            interface, status, reason = "", str(info.status), ""
            if info.status == "ok":
                try:
                    interface = str(registry.find(info.name).interface)
                except PluginError as error:
                    status, reason = "broken", str(error)
            yield _row(info, interface=interface, status=status, reason=reason)


def _row(info: PluginInfo, *, interface: str, status: str, reason: str) -> _Listed:
    members = asdict(info) | {"interface": interface, "status": status, "reason": reason}
    return _Listed(**members)


def _table(plugins: list[_Listed]) -> str:
    rows = [_HEADINGS, *(each.cells for each in plugins)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    reasons = [printable(each.reason) for each in plugins if each.reason]
    return "\n".join([*lines, *([""] if reasons else []), *reasons])
