"""The number of connections that fits below the process's limit of open files."""

import contextlib
from typing import Final

from authflow.errors import ConfigError

try:
    import resource
except ImportError:  # Windows has no such limit
    resource = None  # type: ignore[assignment]

MOST_CONNECTIONS: Final = 2048
"""The default limit: each connection may hold 64 KiB of headers, of a body and of a reply."""
FEWEST_CONNECTIONS: Final = 2
"""One connection that is served, and one that can be closed to make room."""
_MOST_KEPT: Final = 256
_FEWEST_KEPT: Final = 32
_NO_LIMIT: Final = 1 << 20


def raise_file_limit() -> None:
    """Raise the soft limit of open files to what the connections need, up to the hard limit.

    It is the whole process's, so only a command does this, and no library inside a program.
    """
    if resource is None:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    raised = _raised(soft, hard)
    if raised > soft:
        # A system may have a lower limit that it does not tell; then the soft limit stays.
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))


def _raised(soft: int, hard: int) -> int:
    if soft == resource.RLIM_INFINITY:
        return soft
    needed = MOST_CONNECTIONS + _MOST_KEPT
    return max(soft, needed if hard == resource.RLIM_INFINITY else min(needed, hard))


def most_connections(wanted: int | None = None) -> int:
    """Return the greatest number of connections that leaves files for everything else.

    A quarter of the files is kept for the database, for triggers and for the program around.

    Args:
        wanted: How many a user wants; 2048 if he does not say, or as many as there can be.

    Raises:
        ConfigError: There cannot be so many, or it is no number of connections.
    """
    files = _file_limit()
    fit = files - min(_MOST_KEPT, max(_FEWEST_KEPT, files // 4))
    if wanted is None:
        return max(FEWEST_CONNECTIONS, min(MOST_CONNECTIONS, fit))
    if isinstance(wanted, bool) or not isinstance(wanted, int) or wanted < FEWEST_CONNECTIONS:
        msg = f"max_connections must be a whole number of at least {FEWEST_CONNECTIONS}"
        raise ConfigError(msg)
    if wanted > fit:
        msg = (
            f"max_connections may be {max(FEWEST_CONNECTIONS, fit)} here, and not {wanted}: the"
            f" process may open {files} files. Allow it more (ulimit -n), or ask for less"
        )
        raise ConfigError(msg)
    return wanted


def _file_limit() -> int:
    if resource is None:
        return _NO_LIMIT
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return _NO_LIMIT if soft == resource.RLIM_INFINITY else soft
