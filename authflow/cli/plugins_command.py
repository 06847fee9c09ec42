"""`authflow plugins`: which challenge plugins are installed, as their metadata tells it."""

import json
from typing import TextIO

from attrs import asdict

from authflow.plugins import CLIENT_CHALLENGES, TRIGGER_CHALLENGES, PluginInfo, PluginRegistry

_HEADINGS = ("name", "side", "distribution", "version", "entry point", "status")


def run(*, as_json: bool, out: TextIO) -> int:
    """List the installed plugins of both sides; nothing of them is imported.

    Args:
        as_json: Whether to print a JSON array of objects instead of a table.
        out: Where to print.

    Returns:
        The exit code: 0 if every plugin can be used, 1 if there is a conflict or a bad name.
    """
    plugins = sorted(
        info
        for group in (CLIENT_CHALLENGES, TRIGGER_CHALLENGES)
        for info in PluginRegistry(group).listed()
    )
    if as_json:
        print(json.dumps([asdict(info) for info in plugins], indent=2), file=out)
    elif plugins:
        print(_table(plugins), file=out)
    else:
        print("No challenge plugins are installed. Try `pip install authflow-captcha`.", file=out)
    return 0 if all(info.status == "ok" for info in plugins) else 1


def _table(plugins: list[PluginInfo]) -> str:
    rows = [_HEADINGS, *(tuple(map(_printable, asdict(info).values())) for info in plugins)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _printable(text: str) -> str:
    """Escape what would steer a terminal: metadata is written by anybody."""
    return text if text.isprintable() else ascii(text)
