"""Stores, which processes share: the protocol of a store, and a store in memory.

The limits' counts are kept in one, the claims of tickets, and the tokens of signed-in users.

All that a store must do is compare and set: keep small values under a key, and replace one only if
nobody else did so in between. Further stores are in `authflow.stores.redis`,
`authflow.stores.dynamodb` and `authflow.stores.keyring`.
"""

import heapq
import threading
import time
from collections.abc import Callable
from itertools import count
from typing import Final, Protocol, runtime_checkable

from attrs import define, field, frozen

from authflow.errors import StoreUnavailableError
from authflow.given_numbers import check_count, check_seconds
from authflow.unframed import whole

MOST_KEPT: Final = 1000 * 365 * 86400.0
"""The most seconds that an entry may be kept: a thousand years."""


def check_kept(seconds: object) -> None:
    """Check for how long an entry is to be kept: every store does, before it writes.

    Args:
        seconds: From now on.

    Raises:
        ConfigError: It is no number of seconds above zero, or more than a thousand years.
    """
    check_seconds("seconds, for which a store keeps an entry,", seconds, most=MOST_KEPT)


@frozen(kw_only=True)
class Stored:
    """An entry of a store.

    Args:
        value: What was kept.
        version: The store's name for this very state of the entry. Every write gives a new one.
    """

    value: bytes = field(repr=False)
    version: str


class Store(Protocol):
    """Keeps small values, for all processes that serve one user pool.

    A store that cannot do what it is asked raises: any exception is taken for "nobody knows", and
    nothing is allowed or issued then. It must not forget entries early, nor give outdated ones.
    """

    async def read(self, key: str) -> Stored | None:
        """Return an entry that has not expired, or None.

        Args:
            key: 43 ASCII letters, digits, `-` and `_`, which tell nothing.
        """

    async def replace(
        self, key: str, value: bytes, *, expected: str | None, seconds: float
    ) -> bool:
        """Write an entry, unless another process has changed it in between.

        A write that is repeated by a driver because its reply was lost may say either.

        Args:
            key: As `read` takes it.
            value: At most 256 KiB; for counts a few hundred bytes.
            expected: The version that was read; None if there was no entry.
            seconds: When the entry expires, from now on.

        Returns:
            Whether it was written: only if the entry's version is still the expected one.
        """


@runtime_checkable
class KeepsStrangersApart(Protocol):
    """A store with a separate place for users who do not exist.

    Whoever tries names that nobody has then fills that place alone. A store that lacks it keeps
    everything together.
    """

    def for_strangers(self) -> Store:
        """Return the store for users who do not exist. It may forget any of its entries."""


@whole
@define(kw_only=True, eq=False)
class MemoryStore:
    """A store for one process. A restart loses everything: for development and tests only.

    Entries that have expired are dropped. A store that is full of others refuses new ones rather
    than forget a lock-out: to fill it would else be a way to end one. Entries of users who do not
    exist are kept apart, where the oldest make room for new ones: they fill nothing. It may be used
    from several threads.

    Args:
        most_entries: How many entries there may be; each takes about half a kilobyte.
        most_strangers: How many entries there may be of users who do not exist.
        clock: Gives seconds that never go back.

    Raises:
        ConfigError: There is no room for a single entry.
    """

    most_entries: int = 200_000
    most_strangers: int = 20_000
    clock: Callable[[], float] = field(default=time.monotonic, repr=False)
    _entries: dict[str, tuple[Stored, float]] = field(factory=dict, init=False, repr=False)
    _expiries: list[tuple[float, str]] = field(factory=list, init=False, repr=False)
    _versions: "count[int]" = field(factory=count, init=False, repr=False)
    _lock: threading.Lock = field(factory=threading.Lock, init=False, repr=False)
    _strangers: "_Forgetful | None" = field(default=None, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        for name in ("most_entries", "most_strangers"):
            check_count(f"MemoryStore: {name}", getattr(self, name))

    def __len__(self) -> int:
        strangers = self._strangers
        return len(self._entries) + (0 if strangers is None else len(strangers))

    def for_strangers(self) -> Store:
        """Return the store for users who do not exist."""
        with self._lock:
            if self._strangers is None:
                apart = _Forgetful(most_entries=self.most_strangers, clock=self.clock)
                apart._lock = self._lock  # noqa: SLF001  # an object of this same class
                self._strangers = apart
            return self._strangers

    async def read(self, key: str) -> Stored | None:
        """Return an entry.

        Args:
            key: Its key.
        """
        with self._lock:
            return self._live(key)

    async def replace(
        self, key: str, value: bytes, *, expected: str | None, seconds: float
    ) -> bool:
        """Write an entry, unless another task has changed it in between.

        Args:
            key: Its key.
            value: What to keep.
            expected: The version that was read; None if there was no entry.
            seconds: When it expires, from now on.

        Raises:
            StoreUnavailableError: The store is full.
            ConfigError: The time is no number of seconds above zero.
        """
        check_kept(seconds)
        with self._lock:
            self._drop_expired()
            stored = self._live(key)
            if expected != (None if stored is None else stored.version):
                return False
            if stored is None and len(self._entries) >= self.most_entries:
                self._make_room()
            expires_at = self.clock() + seconds
            self._entries.pop(key, None)  # so that the oldest entry stays the first
            self._entries[key] = Stored(value=value, version=str(next(self._versions))), expires_at
            heapq.heappush(self._expiries, (expires_at, key))
            return True

    def _make_room(self) -> None:
        msg = "the store in memory is full: nothing new can be kept, and nothing is allowed"
        raise StoreUnavailableError(msg)

    def _live(self, key: str) -> Stored | None:
        stored, expires_at = self._entries.get(key, (None, 0.0))
        return stored if self.clock() < expires_at else None

    def _drop_expired(self) -> None:
        """Drop expired entries. Entries that were written again wait for their new time."""
        if self._strangers is not None:
            self._strangers._drop_expired()  # noqa: SLF001  # the same
        now = self.clock()
        while self._expiries and self._expiries[0][0] <= now:
            _, key = heapq.heappop(self._expiries)
            if key in self._entries and self._entries[key][1] <= now:
                del self._entries[key]
        if len(self._expiries) > _SLACK + 2 * len(self._entries):
            self._expiries = [(until, key) for key, (_, until) in self._entries.items()]
            heapq.heapify(self._expiries)


@whole
@define(kw_only=True, eq=False)
class _Forgetful(MemoryStore):
    """A store that drops its oldest entry when it is full."""

    def _make_room(self) -> None:
        del self._entries[next(iter(self._entries))]


_SLACK: Final = 64
"""The most outdated expiries, beside one for each entry, before they are removed."""
