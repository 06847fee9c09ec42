"""Detection of another distribution's files in the package `authflow`.

The distribution `authflow` has nothing to do with this one, and installs a package of the same
name. Where both are installed the last one's `authflow/__init__.py` stands; where one of them was
uninstalled since, none does.
"""

import sys
from base64 import urlsafe_b64encode
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, PackagePath, files, version
from pathlib import Path
from types import ModuleType
from typing import Final

OTHER: Final = "authflow"
"""The distribution that must not be installed beside ours."""
_OURS: Final = "cognito-authflow"

_MEND: Final = (
    "run `pip uninstall -y authflow`, then `pip install --force-reinstall --no-deps"
    " cognito-authflow`"
)


def is_ours(package: ModuleType | None) -> bool:
    """Return whether the package is ours, judged by the names that it lists.

    Args:
        package: What is imported as `authflow`.
    """
    return "AuthClient" in getattr(package, "__all__", ())


def other_version() -> str | None:
    """Return the version of the other distribution; None if it is not installed."""
    try:
        return version(OTHER)
    except PackageNotFoundError:
        return None


def advice() -> str | None:
    """Return why `authflow` is not ours, or soon will not be, and what to do; else None."""
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
        return None  # nothing was imported, so the fault is another one
    if place is None:
        return (
            "authflow/__init__.py is missing, as when another distribution that has one is"
            f" uninstalled: {_MEND}"
        )
    return (
        f"the package `authflow` at {place} is not that of cognito-authflow: rename it, if it is"
        f" yours; otherwise {_MEND}"
    )


def mixed() -> str | None:
    """Return which of our files is missing or replaced, and what to do; None if all are ours.

    Every file is read: this is for when something failed. Where ours was not installed as files, as
    in a checkout, nothing is known.
    """
    changed = [each.as_posix() for each in _listed() if _hash(each.locate()) != _wanted(each)]
    if not changed:
        return None
    return (
        f"{len(changed)} of the files of {_OURS} are missing or not its own, such as {changed[0]},"
        f" as when another distribution has a package `authflow` too: {_MEND}"
    )


def _listed() -> list[PackagePath]:
    try:
        listed = files(_OURS) or []
    except PackageNotFoundError:
        return []
    return [each for each in listed if each.parts[0] == "authflow" and _wanted(each)]


def _wanted(file: PackagePath) -> str:
    known = file.hash
    return known.value if known is not None and known.mode == "sha256" else ""


def _hash(path: object) -> str:
    """Return a file's hash in the form of a list of installed files; "" if it is unreadable."""
    try:
        content = Path(str(path)).read_bytes()
    except OSError:
        return ""
    return urlsafe_b64encode(sha256(content).digest()).rstrip(b"=").decode()
