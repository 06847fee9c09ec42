"""A database file that only its owner may read, with the files that SQLite puts beside it.

No file that is there is opened here: POSIX drops all locks that a process has on a file as soon as
it closes any descriptor of it, and then other processes take SQLite's place from under it ("How To
Corrupt An SQLite Database File", 2.2).
"""

import contextlib
import logging
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from attrs import field, frozen

from authflow.errors import ConfigError

_LOG: Final = logging.getLogger("authflow.pool")
_MODE: Final = 0o600
_OTHERS: Final = 0o077
_BESIDE: Final = ("-wal", "-shm", "-journal")
"""Endings of SQLite's further files. SQLite gives new ones the mode of the database file."""
_HAS_MODES: Final = os.name == "posix"


def _resolved(path: str) -> Path:
    return Path(os.path.realpath(path))  # SQLite follows links, too


@frozen
class PrivateFile:
    """A database file and the files beside it.

    Args:
        path: The file; where it is a link, what it leads to.
    """

    path: Path = field(converter=_resolved)

    def make(self) -> None:
        """Create the file if it is missing, and check all files before any is opened.

        Raises:
            ConfigError: One is no file, or another user put it there.
            OSError: It can be neither made nor looked at.
        """
        with contextlib.suppress(FileExistsError):
            os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, _MODE))
        owner = self.path.lstat().st_uid
        for each, found in self._there():
            if not stat.S_ISREG(found.st_mode):
                msg = f"cannot open {str(each)!r} as a database: it is no file"
                raise ConfigError(msg)
            if found.st_uid != owner:
                msg = (
                    f"{str(each)!r} belongs to another user than {self.path.name}: SQLite would"
                    " read it as a part of the database; move one of them away"
                )
                raise ConfigError(msg)

    def close_off(self) -> None:
        """Remove other users' rights to the files, and log this in one line.

        Only for what is known to be a pool's: somebody's file of another kind keeps its mode. A
        folder that others may write to is told of and left, since it may be the system's.

        Raises:
            ConfigError: Others have rights to one of them, and that cannot be changed.
        """
        if not _HAS_MODES:
            return
        changed = [each.name for each, found in self._there() if found.st_mode & _OTHERS]
        for name in changed:
            _close_off(self.path.with_name(name))
        if changed:
            folder = self.path.parent
            writable = _may_be_replaced(folder)
            _LOG.warning(
                "other users could read %s in %s: the mode is 0600 now%s",
                ", ".join(changed),
                folder,
                "; they can still put other files there, so close the folder off" * writable,
            )

    def _there(self) -> Iterator[tuple[Path, os.stat_result]]:
        for end in ("", *_BESIDE):
            each = self.path.with_name(self.path.name + end)
            with contextlib.suppress(FileNotFoundError):
                yield each, each.lstat()


def _close_off(file: Path) -> None:
    try:
        file.chmod(_MODE)
        open_still = file.lstat().st_mode & _OTHERS
    except FileNotFoundError:
        return  # another process, the last user of the database, deleted it
    except OSError as error:
        raise _stays_open(file, str(error)) from error
    if open_still:
        raise _stays_open(file, "its file system keeps no modes")


def _stays_open(file: Path, reason: str) -> ConfigError:
    return ConfigError(
        f"other users can read {str(file)!r}, and that cannot be changed ({reason}): it holds"
        " secrets, so give it the mode 0600 as its owner, or keep the database elsewhere"
    )


def _may_be_replaced(folder: Path) -> bool:
    mode = folder.stat().st_mode
    return bool(mode & 0o022) and not mode & stat.S_ISVTX
