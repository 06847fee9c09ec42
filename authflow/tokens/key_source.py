"""The source of a pool's keys for a verifier: given by hand, or published, fetched and kept.

Many callers may want the keys at one time. They share one flight: who comes first starts it, all
get what comes of it, and who is cancelled leaves it to the others; the last one to leave ends it.
A failure is told to all of them and remembered for a moment, so that a server that is down is not
asked by each caller anew.
"""

import asyncio
import random
import time
from collections.abc import Callable, MutableMapping
from math import inf
from typing import Final
from weakref import WeakKeyDictionary, ref

import anyio
from attrs import define, field, frozen
from joserfc.jwk import RSAKey

from authflow.errors import JwksUnreachableError
from authflow.own_task import own_task
from authflow.pool_address import PoolAddress
from authflow.tokens.key_set import Keys
from authflow.unframed import whole

FETCH_TIMEOUT: Final = 10.0
"""Seconds for a flight, with all its attempts."""
REFETCH_AFTER: Final = 60.0
"""Seconds for which an unknown key id in a token from outside does not fetch the keys again."""
FRESH_AFTER: Final = 1.0
"""The same for a token that the pool has just issued, whose key id nobody else can choose."""
REMEMBERED: Final = 5.0
"""Seconds for which a failure is raised again without another download."""
_PAUSES: Final = (0.2, 0.8)
"""The longest pauses before another attempt, in seconds; drawn in full (full jitter)."""


@frozen
class _Failure:
    """A download of the keys that failed.

    Args:
        why: What is told to everybody.
        until: For how long, by the source's clock.
    """

    why: str
    until: float = float("-inf")


@define(eq=False)
class _Flight:
    """A download of the keys in progress, and the number of tasks that wait for it."""

    task: "asyncio.Task[Keys | _Failure]"
    waiting: int = 0


# A flight's task holds its loop: only those who wait hold a flight, so that no loop outlives them.
_Flights = MutableMapping[asyncio.AbstractEventLoop, "ref[_Flight]"]


def _flights() -> _Flights:
    return WeakKeyDictionary()


@whole
@define(kw_only=True, eq=False)
class KeySource:
    """Provides the keys of a pool to any number of tasks, on any number of event loops.

    Args:
        config: Which pool, whether its keys are given, and the time-outs.
        ticks: Gives seconds that never go back.
    """

    config: PoolAddress
    ticks: Callable[[], float] = time.monotonic
    _keys: Keys = field(factory=dict, init=False, repr=False)
    _fetched_at: float = field(default=float("-inf"), init=False)
    _failure: _Failure | None = field(default=None, init=False)
    _flights: _Flights = field(factory=_flights, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        if self.config.jwks is not None:
            self._keys = self.config.jwks.keys
            self._fetched_at = float("inf")

    def known(self, key_id: str) -> RSAKey | None:
        """Return the key with an id if it is here; nothing is fetched, and any thread may ask."""
        return self._keys.get(key_id)

    async def key(self, key_id: str, *, just_issued: bool) -> RSAKey | None:
        """Return the key with an id; None if the pool has no such key.

        Args:
            key_id: What a token names.
            just_issued: Whether the token came from the pool right now. Then keys that were fetched
                before it do not count, and they are fetched once more if the name is not among
                them; else they do for a minute, since anybody can make up names.

        Raises:
            JwksUnreachableError: The keys cannot be had.
        """
        asked_at = self.ticks()
        # A key may be published a moment after the first token that it signed.
        flights = 2 if just_issued else 1
        while key_id not in self._keys and flights and self._fetched_at < inf:
            wait = self._fetched_at + (FRESH_AFTER if just_issued else REFETCH_AFTER) - self.ticks()
            if wait > 0:
                if not just_issued:
                    break
                await anyio.sleep(wait)
                continue
            await self._join()
            flights -= 1
            if self.ticks() - asked_at >= FETCH_TIMEOUT - FRESH_AFTER:
                break
        return self._keys.get(key_id)

    async def fetch(self) -> None:
        """Fetch the keys, if there are none yet.

        Raises:
            JwksUnreachableError: They cannot be had.
        """
        if self._fetched_at == float("-inf"):
            await self._join()

    async def _join(self) -> None:
        """Wait for this event loop's download of the keys; start it if there is none."""
        if self._failure is not None and (left := self._failure.until - self.ticks()) > 0:
            raise JwksUnreachableError(self._failure.why, retry_after=left)
        loop = asyncio.get_running_loop()
        known = self._flights.get(loop)
        flight = None if known is None else known()
        if flight is None or flight.task.done():
            flight = _Flight(own_task(self._fly()))
            self._flights[loop] = ref(flight)
        flight.waiting += 1
        try:
            await asyncio.wait({flight.task})
        finally:
            flight.waiting -= 1
            if not flight.waiting and not flight.task.done():
                self._flights.pop(loop, None)  # no other task joins this download any more
                flight.task.cancel()
                with anyio.CancelScope(shield=True):  # asyncio may cancel it: nothing else is due
                    await asyncio.wait({flight.task})
        # A new error for each: one that many raise would collect the frames of all.
        if flight.task.cancelled():  # by code that ends all tasks of the loop
            msg = "fetching the user pool's keys was cancelled"
            raise JwksUnreachableError(msg)
        outcome = flight.task.result()
        if isinstance(outcome, _Failure):
            raise JwksUnreachableError(outcome.why, retry_after=REMEMBERED)

    async def _fly(self) -> Keys | _Failure:
        """Download the keys, in as many attempts as the time allows."""
        began = self.ticks()
        outcome = await self._fetched()
        if isinstance(outcome, _Failure):
            self._failure = _Failure(outcome.why, self.ticks() + REMEMBERED)
        else:
            self._keys, self._fetched_at, self._failure = outcome, began, None
        return outcome

    async def _fetched(self) -> Keys | _Failure:
        # Imported here because it loads aiohttp, which keys given by hand do not need.
        from authflow.tokens.key_download import (  # noqa: PLC0415
            GiveUpError,
            TryAgainError,
            UntrustedError,
            attempt,
            open_download,
        )

        url = self.config.jwks_url
        why = f"no whole answer within {FETCH_TIMEOUT:g} seconds"
        with anyio.move_on_after(FETCH_TIMEOUT):
            try:
                async with open_download(
                    url,
                    connect_timeout=self.config.connect_timeout,
                    read_timeout=self.config.read_timeout,
                ) as download:
                    for pause in (*_PAUSES, None):
                        try:
                            return await attempt(download)
                        except TryAgainError as error:
                            why = str(error)
                        if pause is not None:
                            await anyio.sleep(random.uniform(0, pause))  # noqa: S311  # no secret
            except (GiveUpError, UntrustedError) as error:
                why = str(error)
        return _Failure(f"the user pool's keys cannot be read from {url}: {why}")
