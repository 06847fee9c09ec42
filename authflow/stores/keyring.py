"""A store in the keyring of the system: for the programs of one person on one machine.

That is the Keychain of macOS, the Credential Locker of Windows, or the Secret Service of a Linux
desktop, by the package `keyring`. A keyring cannot compare and set; so a file is locked meanwhile,
which all processes that share the entries must have the same path of. The operating system unlocks
it when a process ends, however that happens.

A keyring keeps texts, and some only short ones: the Credential Locker 2,560 bytes of UTF-16. So a
value is cut into pieces, which two places take in turn: the pieces are written first and the entry
that names their place last. A process that is killed in between leaves the old value as it was.

A keyring forgets nothing by itself, and cannot be searched for what has expired. So an entry that
has expired is deleted when it is asked for, and with the next write of the process that wrote it.

Needs the extra `keyring`: `pip install 'cognito-authflow[keyring]'`.
"""

import asyncio
import base64
import binascii
import json
import math
import os
import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeVar

from attrs import Factory, define, field, frozen

from authflow.errors import ConfigError, StateError, StoreEntryError, StoreUnavailableError
from authflow.extras import UnavailableImportError, advice
from authflow.stores.store import Stored, check_kept
from authflow.unframed import whole

try:
    import keyring
    from filelock import FileLock, Timeout
    from keyring.backend import KeyringBackend
    from keyring.backends import fail, null
    from keyring.errors import KeyringError
except ImportError as error:
    raise UnavailableImportError(advice(error, extra="keyring")) from error

T = TypeVar("T")

MOST_CHARS: Final = 1200
"""Characters of a piece: the Credential Locker takes 1,280."""
LOCK_TIMEOUT: Final = 4.0
"""Seconds to wait until other processes have read or written."""


@frozen(kw_only=True)
class _Head:
    """The entry that says where a value is.

    Args:
        version: The name of this state.
        expires_at: When it expires, in seconds since the epoch.
        place: In which of the two places its pieces are.
        pieces: How many there are.
    """

    version: str
    expires_at: float
    place: int
    pieces: int


def _default_lock() -> Path:
    return Path.home() / ".authflow" / "keyring.lock"


def _path(value: str | os.PathLike[str]) -> Path:
    if isinstance(value, str | os.PathLike):
        return Path(value)
    msg = f"KeyringStore: lock is the path of a file, not {type(value).__name__}"
    raise ConfigError(msg)


@whole
@define(kw_only=True, eq=False)
class KeyringStore:
    """Keeps entries in the keyring of the system, for all processes of one person on one machine.

    Args:
        service: The name under which the keyring lists the entries.
        lock: The file that is locked meanwhile. Its folder is made if it is missing, for nobody
            else to read.
        backend: The keyring; by default the system's, or the one that keyring's own settings name.
        clock: Gives seconds since the epoch.

    Raises:
        ConfigError: There is no keyring here, or it keeps nothing; the service has no name, or the
            lock is no path.
    """

    service: str = "authflow"
    lock: Path = field(default=Factory(_default_lock), converter=_path)
    backend: KeyringBackend = field(default=Factory(keyring.get_keyring), repr=False)
    clock: Callable[[], float] = field(default=time.time, repr=False)
    _lock: FileLock = field(init=False, repr=False)
    _thread: ThreadPoolExecutor = field(init=False, repr=False)
    _process: int = field(init=False, repr=False)
    _ours: dict[str, float] = field(factory=dict, init=False, repr=False)
    """The entries that this process wrote, and the times when they expire."""

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.service, str) or not self.service:
            msg = "KeyringStore: name the service"
            raise ConfigError(msg)
        if not isinstance(self.backend, KeyringBackend):
            msg = f"KeyringStore: {type(self.backend).__name__} is no keyring"
            raise ConfigError(msg)
        if isinstance(self.backend, fail.Keyring | null.Keyring):
            msg = "there is no keyring on this system that keeps anything: use another store"
            raise ConfigError(msg)
        self._begin()

    def _begin(self) -> None:
        """Begin in this process: a child that `fork` makes has no threads."""
        self._process = os.getpid()
        self._lock = FileLock(self.lock)
        # One thread: the tasks of a process need not compete for the lock.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="authflow-keyring")

    async def read(self, key: str) -> Stored | None:
        """Return an entry.

        Args:
            key: Its key.

        Raises:
            StoreUnavailableError: The keyring cannot be asked.
            StoreEntryError: Something else wrote the entry.
        """
        return await self._in_thread(lambda: self._read(key))

    async def replace(
        self, key: str, value: bytes, *, expected: str | None, seconds: float
    ) -> bool:
        """Write an entry, unless another process has changed it in between.

        Args:
            key: Its key.
            value: What to keep.
            expected: The version that was read; None if there was no entry.
            seconds: When it expires, from now on.

        Raises:
            ConfigError: The seconds are none.
            StoreUnavailableError: The keyring cannot be asked.
            StoreEntryError: Something else wrote the entry.
        """
        check_kept(seconds)
        return await self._in_thread(lambda: self._replace(key, value, expected, seconds))

    async def _in_thread(self, work: Callable[[], T]) -> T:
        """Do some work in a thread: a keyring may ask the person to unlock it.

        Whoever is cancelled does not wait for that; the thread unlocks the file when it is done.

        Raises:
            StateError: It failed.
        """
        if self._process != os.getpid():
            self._begin()
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._thread, self._locked, work)
        except (StateError, asyncio.CancelledError):
            raise
        except Timeout as error:
            msg = "another process keeps the keyring's file locked; try later"
            raise StoreUnavailableError(msg) from error
        except Exception as error:  # keyrings raise what their systems do
            msg = "the keyring cannot be asked now; unlock it, or try later"
            raise StoreUnavailableError(msg) from error

    def _locked(self, work: Callable[[], T]) -> T:
        self.lock.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._lock.acquire(timeout=LOCK_TIMEOUT, poll_interval=0.01):
            return work()

    def _read(self, key: str) -> Stored | None:
        head = self._head(key)
        if head is None:
            return None
        if self.clock() >= head.expires_at:
            self._delete(key, head)
            return None
        pieces = [
            self.backend.get_password(self.service, _name(key, head.place, number))
            for number in range(head.pieces)
        ]
        try:
            value = base64.b64decode("".join(piece or "-" for piece in pieces), validate=True)
        except binascii.Error:  # one is missing, or altered
            raise _foreign() from None
        return Stored(value=value, version=head.version)

    def _replace(self, key: str, value: bytes, expected: str | None, seconds: float) -> bool:
        head = self._head(key)
        is_there = head is not None and self.clock() < head.expires_at
        if expected != (head.version if head is not None and is_there else None):
            return False
        place = 0 if head is None else 1 - head.place
        text = base64.b64encode(value).decode()
        pieces = [text[start : start + MOST_CHARS] for start in range(0, len(text), MOST_CHARS)]
        for number, piece in enumerate(pieces):
            self.backend.set_password(self.service, _name(key, place, number), piece)
        written = [secrets.token_hex(16), self.clock() + seconds, place, len(pieces)]
        self.backend.set_password(self.service, key, json.dumps(written))
        if head is not None:
            self._drop(key, head)
        self._ours[key] = self.clock() + seconds
        self._sweep()
        return True

    def _sweep(self) -> None:
        """Delete what this process wrote and has expired."""
        now = self.clock()
        for key in [each for each, until in self._ours.items() if now >= until]:
            del self._ours[key]
            try:
                head = self._head(key)
            except StoreEntryError:
                continue  # something else has written it since
            if head is not None and now >= head.expires_at:
                self._delete(key, head)

    def _delete(self, key: str, head: _Head) -> None:
        """Delete an entry that has expired, its head first: without it nothing looks for more."""
        try:
            self.backend.delete_password(self.service, key)
        except KeyringError:
            return
        self._drop(key, head)

    def _drop(self, key: str, head: _Head) -> None:
        """Delete the pieces of a value that was replaced; what stays is overwritten later."""
        for number in range(head.pieces):
            try:
                self.backend.delete_password(self.service, _name(key, head.place, number))
            except KeyringError:
                return

    def _head(self, key: str) -> _Head | None:
        text = self.backend.get_password(self.service, key)
        if text is None:
            return None
        try:
            version, expires_at, place, pieces = json.loads(text)
        except (ValueError, TypeError, RecursionError):
            raise _foreign() from None
        if (
            not isinstance(version, str)
            or not isinstance(expires_at, float)
            or not math.isfinite(expires_at)
            or place not in (0, 1)
            or not isinstance(pieces, int)
            or not 0 <= pieces <= _MOST_PIECES
        ):
            raise _foreign()
        return _Head(version=version, expires_at=expires_at, place=place, pieces=pieces)


_MOST_PIECES: Final = 400
"""More pieces than the largest value has that a store takes."""


def _name(key: str, place: int, number: int) -> str:
    return f"{key}.{place}.{number}"


def _foreign() -> StoreEntryError:
    return StoreEntryError("an entry in the keyring was not written by authflow")
