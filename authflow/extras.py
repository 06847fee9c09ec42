"""The extra that brings a missing package, and the command that installs it.

Most of authflow needs none: an extra is imported by the module that uses it, and where it is not
installed that module says what to run. The brackets are quoted, for zsh takes them for a pattern.
"""

from collections.abc import Mapping
from typing import Final

from authflow.errors import ConfigError
from authflow.printable import one_line

_EXTRAS: Final[Mapping[str, str]] = {
    "fastapi": "fastapi",
    "pydantic": "fastapi",
    "starlette": "pool",
    "uvicorn": "pool",
    "httptools": "pool",
    "pyotp": "pool",
    "sqlalchemy": "sql",
    "aiosqlite": "sql",
    "argon2": "sql",
    "bcrypt": "sql",
    "bonsai": "ldap",
    "redis": "redis",
    "httpx": "httpx",
    "opentelemetry": "opentelemetry",
    "structlog": "structlog",
    "keyring": "keyring",
    "filelock": "keyring",
    "rich": "cli",
    "segno": "cli",
    "aws_encryption_sdk": "custom-senders",
}
"""The extra of each package that is imported, by the package's name in Python."""

_OTHERS: Final[Mapping[str, tuple[str, ...]]] = {
    "starlette": ("starlette",),
    "fastapi": ("starlette",),
}
"""Packages that are in more extras than one."""

EXTRAS: Final[Mapping[str, tuple[str, ...]]] = {
    extra: (
        *(package for package, of in _EXTRAS.items() if of == extra),
        *_OTHERS.get(extra, ()),
    )
    for extra in dict.fromkeys([*_OTHERS, *_EXTRAS.values()])
}
"""The packages of each extra."""

_DEPENDENCIES: Final = frozenset(
    {
        *("Crypto", "aiobotocore", "aiohttp", "anyio", "attrs", "botocore", "cryptography"),
        *("joserfc", "transitions"),
    }
)
"""Packages that are installed with authflow itself, unless a bundle was made slim."""


def advice(error: ImportError, *, extra: str | None = None) -> str:
    """Return a text that says what is missing or broken, and what to run.

    Args:
        error: What the import of a package raised.
        extra: The extra that brings it, if that is not told by the package's name, or the one of
            several that the module asks for.
    """
    name = error.name or ""
    package = name.partition(".")[0]
    if package in _DEPENDENCIES:
        extra = None
    if package not in _OTHERS.get(extra or "", ()):
        extra = _EXTRAS.get(package, extra)
    missing = isinstance(error, ModuleNotFoundError) and name
    # Otherwise the package is there but cannot be imported, for example for lack of a library.
    what = f"{name} is missing" if missing else f"an import has failed ({one_line(str(error))})"
    if extra is not None:
        return f"{what}: run `pip install 'cognito-authflow[{extra}]'`"
    if missing and package in _DEPENDENCIES:
        return f"{what}: run `pip install cognito-authflow`"
    return what


class UnavailableAttributeError(ConfigError, AttributeError):
    """A public name was looked up, and its module cannot be imported here."""


class UnavailableImportError(ConfigError, ImportError):
    """A public name or module was imported, and it cannot be imported here."""


def own_error(error: Exception) -> BaseException:
    """Return a dependency's error, where one of our modules has raised its own error for it."""
    return error.__cause__ if isinstance(error, ConfigError) and error.__cause__ else error


def unavailable(place: str, error: Exception, *, imported: bool) -> ConfigError:
    """Make the error of a public name whose module cannot be imported.

    Args:
        place: The name, and the package that has it.
        error: What the import raised.
        imported: Whether an import statement asks for the name.
    """
    kind = UnavailableImportError if imported else UnavailableAttributeError
    match error:
        case UnavailableAttributeError():  # the package re-exports the name from another of ours
            return kind(str(error))
        case ConfigError():
            why = str(error)
        case ImportError():
            why = advice(error)
        case _:
            why = f"its import raised {type(error).__name__}: {one_line(str(error))}"
    return kind(f"{place} is not available: {why}")
