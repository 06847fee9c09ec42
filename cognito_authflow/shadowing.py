"""Whether `authflow` is ours, or what another distribution laid over it.

The distribution `authflow` has nothing to do with this one, and installs a package of the same
name. Where both are installed the last one's `authflow/__init__.py` stands; where one of them was
uninstalled since, none does.
"""

import sys
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType
from typing import Final

OTHER: Final = "authflow"
"""The distribution that must not be installed beside ours."""

_MEND: Final = (
    "run `pip uninstall -y authflow`, then `pip install --force-reinstall --no-deps"
    " cognito-authflow`"
)


def is_ours(package: ModuleType | None) -> bool:
    """Say whether this is our package, judged by what it says that it has.

    Args:
        package: What is imported as `authflow`.
    """
    return "AuthClient" in getattr(package, "__all__", ())


def other_version() -> str | None:
    """Give the version of the other distribution; None if it is not installed."""
    try:
        return version(OTHER)
    except PackageNotFoundError:
        return None


def advice() -> str | None:
    """Say why `authflow` is not ours, or will soon not be, and what to do; None if all is well."""
    other, package = other_version(), sys.modules.get("authflow")
    if package is not None and is_ours(package):
        if other is None:
            return None
        return (
            f"the distribution {OTHER} {other} is installed too, and has a package `authflow` as"
            f" well, so that neither can be relied on: {_MEND}"
        )
    place = getattr(package, "__file__", None)
    if other is not None:
        where = f" at {place}" if place else ""
        return (
            f"the package `authflow`{where} is that of the distribution {OTHER} {other}, not of"
            f" cognito-authflow, and both cannot be installed together: {_MEND}"
        )
    if package is None:
        return None  # nothing was imported: whatever is wrong, it is not this
    if place is None:
        return (
            "authflow/__init__.py is missing, as when another distribution that has one is"
            f" uninstalled: {_MEND}"
        )
    return (
        f"the package `authflow` at {place} is not that of cognito-authflow: rename it, if it is"
        f" yours; otherwise {_MEND}"
    )
