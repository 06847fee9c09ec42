"""A kept user as a process knows it: what was seen last, and whether somebody refreshes."""

import asyncio
import hashlib
import os
import time
from collections.abc import Callable
from typing import Final

import anyio
from attrs import define, field

from authflow.client.kept_entry import FoundEntry, KeptEntry, Lease, once
from authflow.errors import AuthFlowError
from authflow.secret import Secret
from authflow.tokens.token_life import TokenLife

MARGIN: Final = 10.0
"""Seconds of a token's life that are not relied on while it can be refreshed: it is on its way, and
clocks differ."""
_SHARE: Final = 0.2
_MOST_AHEAD: Final = 600.0

Needed = Callable[[KeptEntry], tuple[TokenLife, ...]]
"""The lives of the tokens that a caller needs."""


def both(entry: KeptEntry) -> tuple[TokenLife, ...]:
    """Return the lives of both tokens."""
    return entry.access, entry.identity


def access(entry: KeptEntry) -> tuple[TokenLife, ...]:
    """Return the life of the access token."""
    return (entry.access,)


def identity(entry: KeptEntry) -> tuple[TokenLife, ...]:
    """Return the life of the id token."""
    return (entry.identity,)


def _outcome() -> "asyncio.Future[KeptEntry | AuthFlowError]":
    return asyncio.get_running_loop().create_future()


@define(eq=False)
class Refreshing:
    """An attempt to refresh, which all tasks of a process share."""

    task: "asyncio.Task[None] | None" = None
    outcome: "asyncio.Future[KeptEntry | AuthFlowError]" = field(factory=_outcome)
    waiting: int = 0
    leading: bool = False
    """Whether it holds the lease: then it goes on to its end, even if nobody waits any more."""

    def give(self, outcome: KeptEntry | AuthFlowError) -> None:
        """Pass the outcome to all who wait, if they have none yet."""
        if not self.outcome.done():
            self.outcome.set_result(outcome)


@define(kw_only=True, eq=False)
class KeptUser:
    """A kept user, as one process knows it.

    Args:
        handle: The name that the user is found by.
        of: What stands for it.
        salt: What this process draws by.
        clock: Gives seconds since the epoch.
        ticks: Gives seconds that never go back.
    """

    handle: Secret[str] = field(repr=False)
    of: str = field(repr=False)
    salt: bytes = field(default=b"", repr=False)
    clock: Callable[[], float] = field(repr=False)
    ticks: Callable[[], float] = field(default=time.monotonic, repr=False)
    username: str = ""
    sub: str | None = None
    seen: KeptEntry | None = field(default=None, repr=False)
    """The entry as it was last seen."""
    unwritten: KeptEntry | None = field(default=None, repr=False)
    """The result of a refresh that the store did not take yet."""
    refreshing: Refreshing | None = field(default=None, repr=False)
    late: "asyncio.Task[FoundEntry] | None" = field(default=None, repr=False)
    """A read that takes long, and that nobody waits for any more."""
    reading: anyio.Lock = field(factory=anyio.Lock, repr=False)
    asked: int = field(default=0, repr=False)
    answered: int = field(default=0, repr=False)
    found: FoundEntry | AuthFlowError | None = field(default=None, repr=False)
    """The outcome of the last read, for the calls up to `answered` of all that `asked`."""
    over: bool = False
    """Whether the user signed out here."""
    owed: tuple[Secret[str], ...] = field(default=(), repr=False)
    """Refresh tokens that a sign-out has to revoke, and of which this process alone knows so."""
    unfinished: bool = False
    """Whether the user's sign-out was begun, here or elsewhere, and not ended yet."""
    may_leave: bool = False
    """Whether by the last read no token is given any more, and yet some may be good: the time for
    which the user was kept is over, as far as the clock is right, or the store has lost the
    entry. Then `sign_out` has something to revoke."""
    _seen_at: float = 0.0
    _watched: tuple[Lease, float] | None = field(default=None, repr=False)

    def note(self, entry: KeptEntry) -> None:
        """Note what was seen, and since when its tokens are known here."""
        if self.seen is None or self.seen.turn != entry.turn:
            self._seen_at = self.ticks()
        self.seen, self.username, self.sub = entry, entry.username, entry.sub

    def owe(self, tokens: tuple[Secret[str], ...]) -> None:
        """Note refresh tokens that a sign-out has to revoke."""
        self.owed = once(*self.owed, *tokens)

    def paid(self, *tokens: Secret[str]) -> None:
        """Note refresh tokens that are revoked, or in the store as what is to be revoked."""
        self.owed = tuple(each for each in self.owed if each not in tokens)

    def leave(self) -> KeptEntry | None:
        """Sign the user out here, and owe all tokens that are known; return what was known."""
        known = self.unwritten or self.seen
        if known is not None:
            self.owe(known.refresh_tokens())
        self.over = self.unfinished = True
        self.forget()
        return known

    def forget(self) -> None:
        """Forget all tokens."""
        self.seen = self.unwritten = self.found = None

    @property
    def is_owing(self) -> bool:
        """Whether something of this user is known here alone, and must not be lost."""
        return bool(self.unwritten or self.owed or self.unfinished or self.refreshing)

    def left(self, entry: KeptEntry, needed: Needed) -> float:
        """Return how many seconds are left of the tokens that are needed."""
        now, age = self.clock(), self.ticks() - self._seen_at
        return min(life.left(now=now, age=age) for life in needed(entry))

    def ahead(self, entry: KeptEntry, needed: Needed) -> float:
        """Return how many seconds before their end these tokens are refreshed.

        It is drawn for each process and refresh, and is the same for each call: drawing anew for
        each would let the earliest draw decide.
        """
        shortest = min(life.seconds for life in needed(entry))
        drawn = hashlib.blake2b(
            f"{self.of} {entry.turn} {os.getpid()}".encode(), key=self.salt, digest_size=8
        )
        part = int.from_bytes(drawn.digest()) / 2**64
        share = _SHARE * (1 + part) / 2
        return max(MARGIN, min(shortest, _MOST_AHEAD / _SHARE) * share)

    def is_held(self, lease: Lease | None, seconds: float) -> bool:
        """Return whether somebody is refreshing, as far as one can know.

        It is judged by nothing but how long it was seen here as it is: the clocks of two machines
        differ, and a clock that is ahead would take every lease for one that is over.

        Args:
            lease: The lease in the entry.
            seconds: After which a lease is over that nobody prolongs.
        """
        if lease is None:
            return False
        ticks = self.ticks()
        if self._watched is None or self._watched[0] != lease:
            self._watched = lease, ticks
        return ticks - self._watched[1] < seconds
