"""`authflow plugins`: lists the installed challenge plugins, from their metadata.

None is imported: a plugin that raises, prints or exits at its import is listed like any other, and
disturbs no other. Whether one works is what `authflow plugins check NAME` is for.
"""

import json
import sys
from typing import TextIO

from attrs import asdict, fields

from authflow.plugins import (
    CLIENT_CHALLENGES,
    TRIGGER_CHALLENGES,
    PluginInfo,
    PluginRegistry,
)
from authflow.printable import printable

_HEADINGS = tuple(member.name.replace("_", " ") for member in fields(PluginInfo))


def run(*, as_json: bool, out: TextIO) -> int:
    """List the installed plugins of both sides.

    What cannot be read is told at standard error, in JSON's case too: its array is of plugins.

    Args:
        as_json: Whether to print a JSON array of objects instead of a table.
        out: Where to print.

    Returns:
        The exit code: 0 if every plugin can be found by its name, 1 if one is in conflict with
        another, or has a bad name.
    """
    groups = (CLIENT_CHALLENGES, TRIGGER_CHALLENGES)
    registries = [PluginRegistry(group) for group in groups]
    plugins = sorted(info for registry in registries for info in registry.listed())
    if as_json:
        print(json.dumps([asdict(each) for each in plugins], indent=2), file=out)
    elif plugins:
        print(_table(plugins), file=out)
    else:
        print("No challenge plugins are installed. Try `pip install authflow-captcha`.", file=out)
    _tell("Not readable, and skipped", {each for of in registries for each in of.unreadable()})
    _tell("Cannot be loaded", {each for of in registries for each in of.misplaced()})
    return 0 if all(each.status in {"ok", "not_allowed"} for each in plugins) else 1


def _tell(what: str, whose: set[str]) -> None:
    for each in sorted(whose):
        print(printable(f"{what}: {each}"), file=sys.stderr)


def _table(plugins: list[PluginInfo]) -> str:
    rows = [_HEADINGS, *(tuple(map(printable, asdict(each).values())) for each in plugins)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
