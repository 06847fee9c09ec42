"""`authflow doctor`: the installed parts of authflow, and what is wrong with them."""

import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Final, TextIO

import authflow
from authflow.extras import EXTRAS
from authflow.plugins import CLIENT_CHALLENGES, TRIGGER_CHALLENGES, PluginRegistry
from authflow.printable import printable
from cognito_authflow.shadowing import advice

_DEPENDENCIES: Final = ("aiobotocore", "botocore", "cryptography", "joserfc", "pycryptodome")
"""The packages whose versions a fault report should name."""


def run(*, out: TextIO) -> int:
    """Print a report on the installation, without importing any plugin.

    Args:
        out: Where to print.

    Returns:
        The exit code: 0 if nothing is wrong, 1 if something is.
    """
    faults: list[str] = []
    lines = [
        f"cognito-authflow {_version('cognito-authflow')}, at {Path(authflow.__file__).parent}",
        f"Python {platform.python_version()} on {platform.system()}, at {sys.executable}",
        ", ".join(f"{name} {_version(name)}" for name in _DEPENDENCIES),
        *map(_extra, EXTRAS),
        *_plugins(faults),
    ]
    faults += [
        f"{name} is not installed: run `pip install cognito-authflow`"
        for name in _DEPENDENCIES
        if _version(name) is _MISSING
    ]
    if shadowed := advice():
        faults.append(shadowed)
    lines += [f"WRONG: {fault}" for fault in faults] or ["Nothing is wrong."]
    print("\n".join(map(printable, lines)), file=out)
    return 1 if faults else 0


_MISSING: Final = "(not installed)"


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return _MISSING


def _extra(extra: str) -> str:
    lacking = [name for name in EXTRAS[extra] if find_spec(name) is None]
    if not lacking:
        return f"extra {extra}: installed"
    return (
        f"extra {extra}: without {', '.join(lacking)};"
        f" `pip install 'cognito-authflow[{extra}]'` brings it"
    )


def _plugins(faults: list[str]) -> list[str]:
    """List the plugins of both sides by their metadata, and add what is wrong with them."""
    found: dict[str, list[str]] = {}
    for group in (CLIENT_CHALLENGES, TRIGGER_CHALLENGES):
        for info in PluginRegistry(group).listed():
            found.setdefault(f"{info.distribution} {info.version}", []).append(info.name)
            if info.status not in {"ok", "not_allowed"}:
                faults.append(f"plugin {info.name}: {info.status}; see `authflow plugins`")
    return [f"plugins of {each}: {', '.join(sorted({*found[each]}))}" for each in sorted(found)]
