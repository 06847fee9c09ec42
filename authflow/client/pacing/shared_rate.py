"""One process's share of a budget that several share by a store: asked for, kept up, given back.

While it has requests, a process reads the shares five times a second, and writes its own about
once: not for each request. It is granted what is its fair share and free, so the shares never add
up to more than the budget:

1. Less is used from before it is written, more only after it is written.
2. A share lasts two seconds from the beginning of the last write. A process that was stopped for
   longer asks the store before it goes on, and others drop a share whose beat has stood still for
   three seconds of their own. No clock is compared with another machine's.
3. Who loses the write to another process tries again after a pause that grows; meanwhile its share
   stays what it was, for as long as it lasts. That is no outage, however slow the store is: an
   answer that takes longer than a second is one, and so is a store that refuses what nobody else
   has written in between, or ten seconds of nothing but lost writes.
4. Of unlike budgets the least one counts, as long as its process has a share.

So in any time t all processes together send at most budget * t requests, and the burst, and one for
each process. It is more only while the store is down or has forgotten everything. THE STORE IS
DOWN: each process goes on with the share that it had last; one that never had any takes a quarter
of the budget. If the store is down for all, that adds up to the budget as before, and so much more
as there are processes that never had a share. A process that alone is cut off keeps its share, and
the others divide the whole budget after three seconds: together at most twice the budget if it was
nearly all. THE STORE FORGOT EVERYTHING: nobody takes more before all have written their shares
anew, half a second at most; but a process that comes just then may take what seems free.
"""

import asyncio
import logging
import math
import random
import secrets
from typing import Final

import anyio
from attrs import define, evolve, field

from authflow.client.pacing.shares import Share, Shares
from authflow.client.pacing.waiting_line import WaitingLine
from authflow.given_services import stray_cancel_fails
from authflow.stores.store import Store, Stored

_BEAT: Final = 0.2
"""Seconds between two looks at the shares, of up to ten processes; more look less often."""
_SLOWEST_BEAT: Final = 0.5
_FEW: Final = 10
_HUNGRY: Final = 4
"""The times as often that a process looks which is new, or has not all of its fair share yet."""
_NEW: Final = 1.0
"""Seconds for which a process is new: others often come together with it."""
_REWRITE: Final = 0.75
"""Seconds after which a share is written again, even if nothing has changed."""
_LASTS: Final = 2.0
_DROPPED: Final = 3.0
_IDLE: Final = 1.0
"""Seconds without a request after which a share is given back."""
_SPARE: Final = 2.0
"""The multiple of its recent requests that a process wants: none should wait for another."""
_SOON: Final = 0.25
"""Seconds in which a process wants turns for all that wait: about a beat, so that at a storm's end
who has many left gets what the others need no more."""
_LEAST_WANTED: Final = 0.03
"""The part of the budget that a process wants at least: the next request may come."""
_KEPT_SECONDS: Final = 10.0
"""Seconds for which the store keeps the shares after the last write."""
_STORE_TIMEOUT: Final = 1.0
_TRIES: Final = 8
_RETRY: Final = 1.0
"""Seconds between two looks while the store is down."""
_FIRST_SHARE: Final = 0.25
"""The part of the budget for a process that never had a share, while the store is down."""
_CHANGED: Final = 0.1
"""The part by which a number changes before it is written for that."""
_DIGITS: Final = 1e4
_IN_VAIN: Final = 3
"""The writes that a store may refuse one after another though nobody else has written."""
_LONGEST_LOSS: Final = 10.0
"""Seconds in which all writes are lost, after which it must be the store that loses them."""

_log = logging.getLogger(__name__)


@define(eq=False)
class StoreOutage:
    """A log line when the store is down, and one when it is back."""

    _down: set[str] = field(factory=set, init=False)

    def began(self, key: str, error: Exception) -> None:
        """Note that the store cannot be asked for an entry."""
        if not self._down:
            _log.warning(
                "the store of request budgets cannot be asked (%s): this process goes on with the"
                " share that it had last",
                type(error).__name__,  # its text may name hosts, or repeat what it was given
            )
        self._down.add(key)

    def ended(self, key: str) -> None:
        """Note that the store has answered."""
        if key in self._down:
            self._down.remove(key)
            if not self._down:
                _log.warning("the store of request budgets answers again")


class _NeverWrittenError(Exception):
    """The store takes no share of this process."""


@define(kw_only=True, eq=False)
class SharedRate:
    """Keeps a line's bucket at this process's share of a budget.

    Args:
        store: Where the shares are kept.
        key: The entry's key.
        rate: Requests a second of all processes, as far as this one knows.
        burst: Requests of all processes that may leave at once.
        line: Whose bucket it is.
        outage: Told of a store that is down.
    """

    store: Store
    key: str
    rate: float
    burst: float
    line: WaitingLine
    outage: StoreOutage
    _me: str = field(factory=lambda: secrets.token_hex(8), init=False)
    _beat: int = field(default=0, init=False)
    _granted: float = field(default=0.0, init=False)
    _last_share: float = field(init=False)
    _written_at: float = field(default=-math.inf, init=False)
    _joined_at: float = field(default=-math.inf, init=False)
    _is_down: bool = field(default=False, init=False)
    _lost: int = field(default=0, init=False)
    """The writes that were lost to other processes since the last one that was not."""
    _lost_since: float = field(default=math.inf, init=False)
    _lost_to: tuple[str | None, int] = field(default=(None, 0), init=False)
    """The version that the last lost write was to replace, and how many such were lost to it."""
    _is_kept: bool = field(default=False, init=False)
    """Whether the store may have this process's share."""
    _seen: dict[str, tuple[int, float]] = field(factory=dict, init=False)
    """The beat of each other process, and since when it has been that one."""
    _interval: float = field(default=_BEAT, init=False)
    _came: int = field(default=0, init=False)
    _came_at: float = field(default=-math.inf, init=False)
    _looked_at: float = field(default=-math.inf, init=False)
    _recent: float = field(default=0.0, init=False)
    _task: "asyncio.Task[None] | None" = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self._last_share = self.rate * _FIRST_SHARE
        self.line.expected = self.rate  # until the store has told what others want
        self.line.arrived, self.line.is_open = self.arrived, self.is_open

    def is_open(self) -> bool:
        """Return whether the share may be used now."""
        now = asyncio.get_running_loop().time()
        return self._is_down or now < self._written_at + _LASTS

    def arrived(self) -> None:
        """Begin to keep the share up, since there is a request."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._keep())

    def stop(self) -> "asyncio.Task[None] | None":
        """End to keep the share up. The next request begins anew, and is not ended by this.

        Returns:
            What kept it up, and is about to end.
        """
        keeper, self._task = self._task, None
        if keeper is not None:
            keeper.cancel()
        return keeper

    async def leave(self, keeper: "asyncio.Task[None] | None") -> None:
        """Return the share, unless it has been needed again since it was kept up.

        Args:
            keeper: What `stop` has given.
        """
        if keeper is not None:
            await asyncio.wait([keeper])
        if self._task is None:
            await self._give_back()

    async def _keep(self) -> None:
        me = asyncio.current_task()
        if not self._is_down:
            self._lost_to, self._lost_since = (None, 0), math.inf
        try:
            while self._task is me:
                await self._look()
                self.line.serve()
                now = asyncio.get_running_loop().time()
                if not self.line and now - self._came_at >= _IDLE:
                    came = self.line.came
                    await self._give_back()
                    if self.line.came == came:
                        return
                    continue
                await asyncio.sleep(self._interval * random.uniform(0.9, 1.1))  # noqa: S311  # spreads the processes, hides nothing
        finally:
            if self._task is me:
                self._task = None

    async def _look(self) -> None:
        """Look at the shares, and change this process's as need be."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            has_agreed = await self._agree(self._wanted(began))
        except Exception as error:  # noqa: BLE001  # stores are others' code, and may raise anything
            if not self.is_open():  # else the share is good still, and there is another look
                self._is_down = True
                self.line.expected = None
                self._use(self._last_share)
                self.line.refuse_late()
            if self._is_down:
                self._interval = _RETRY
                self.outage.began(self.key, error)
        else:
            self._is_down = False
            self.outage.ended(self.key)
            self._lost = 0 if has_agreed else self._lost + 1
            if self._lost:
                most = (loop.time() - began) * 2 ** min(self._lost, _FEW)
                self._interval = random.uniform(0, min(most, _SLOWEST_BEAT))  # noqa: S311  # spreads the processes, hides nothing

    async def _agree(self, wanted: float) -> bool:
        """Take the fair share, as far as it is free.

        Returns:
            Whether that was done; else another process wrote in between.
        """
        loop = asyncio.get_running_loop()
        began = loop.time()
        stored = await self._read()
        kept = Shares.from_json(None if stored is None else stored.value)
        others, mine = self._living(kept), kept.of.get(self._me)
        beat = max(self._beat, 0 if mine is None else mine.beat) + 1
        share = Share(beat=beat, granted=0.0, wanted=wanted, budget=self.rate)
        shares = Shares({**others, self._me: share})
        fair = shares.fair(self._me)
        granted = max(0.0, min(fair, shares.budget - shares.granted_beside(self._me)))
        had = self._granted if began < self._written_at + _LASTS else None
        if had is not None and (mine is None or mine.beat != self._beat):
            granted = min(granted, had)  # the store forgot: wait until others have told again
        granted = math.floor(granted * _DIGITS) / _DIGITS
        is_hungry = granted < fair * (1 - _CHANGED)
        is_all = granted < wanted and not is_hungry  # it has its part, and wants more
        storm = evolve(share, wanted=self.rate)  # as it is if many more come
        expected = Shares({**others, self._me: storm}).fair(self._me)
        is_new = had is None or began - self._joined_at < _NEW
        self._pace(len(shares.of), hungry=is_new or is_hungry)
        if (
            mine is not None
            and mine.beat == self._beat
            and len(shares.of) == len(kept.of)
            and began - self._written_at < _REWRITE
            and _is_near(granted, mine.granted)
            and _is_near(wanted, mine.wanted)
        ):
            self._settle(mine.granted, None if is_all else expected)
            return True
        if granted < self._granted:
            self._use(granted)
        writing = loop.time()
        shares = Shares({**others, self._me: evolve(share, granted=granted)})
        self._is_kept = True
        if not await self._replace(shares, stored):
            self.line.expected = expected
            return False
        if had is None:
            self._joined_at = began
        self._beat, self._written_at = beat, writing
        self._settle(granted, None if is_all else expected)
        return True

    def _settle(self, granted: float, expected: float | None) -> None:
        """Use what was granted, and judge those who wait by it if it will not be more."""
        self._use(granted)
        self.line.expected = expected
        if expected is None:
            self.line.refuse_late()

    async def _read(self) -> Stored | None:
        with anyio.fail_after(_STORE_TIMEOUT), stray_cancel_fails():
            return await self.store.read(self.key)

    async def _replace(self, shares: Shares, stored: Stored | None) -> bool:
        """Write the shares, unless another process has written since they were read.

        Raises:
            _NeverWrittenError: The store refuses it, and there is no other process.
        """
        expected = None if stored is None else stored.version
        with anyio.fail_after(_STORE_TIMEOUT), stray_cancel_fails():
            done: object = await self.store.replace(
                self.key, shares.to_json(), expected=expected, seconds=_KEPT_SECONDS
            )
        if not isinstance(done, int):  # None, above all: a method that forgot to return
            raise _NeverWrittenError
        now = asyncio.get_running_loop().time()
        if done:
            self._lost_to, self._lost_since = (None, 0), math.inf
            return True
        to, times = self._lost_to
        self._lost_to = (expected, times + 1 if to == expected else 1)
        self._lost_since = min(now, self._lost_since)
        if self._lost_to[1] >= _IN_VAIN or now - self._lost_since >= _LONGEST_LOSS:
            raise _NeverWrittenError
        return False

    def _use(self, granted: float) -> None:
        """Set the line's bucket to what this process was granted."""
        self._granted = granted
        if granted > 0:
            self._last_share = granted
        burst = max(1.0, self.burst * granted / self.rate)
        self.line.bucket.change(asyncio.get_running_loop().time(), granted, burst)

    def _pace(self, processes: int, *, hungry: bool) -> None:
        """Decide when to look again."""
        self._interval = min(_SLOWEST_BEAT, _BEAT * max(1.0, processes / _FEW))
        if hungry:
            self._interval /= _HUNGRY

    def _living(self, shares: Shares) -> dict[str, Share]:
        """Return the shares of other processes, apart from those whose beat stands still."""
        now = asyncio.get_running_loop().time()
        seen = {
            name: (share.beat, now)
            if (before := self._seen.get(name)) is None or before[0] != share.beat
            else before
            for name, share in shares.of.items()
            if name != self._me
        }
        self._seen = seen
        return {name: shares.of[name] for name, (_, at) in seen.items() if now - at < _DROPPED}

    def _wanted(self, now: float) -> float:
        """Return the requests a second that this process would send: all that wait, and more."""
        came, self._came = self.line.came - self._came, self.line.came
        seconds, self._looked_at = now - self._looked_at, now
        if came:
            self._came_at = now
        if math.isfinite(seconds) and seconds > 0:
            self._recent += (came / seconds - self._recent) * min(1.0, seconds)
        return len(self.line) / _SOON + max(_SPARE * self._recent, _LEAST_WANTED * self.rate)

    async def _give_back(self) -> None:
        """Return the share. If the store cannot be asked, others drop it by themselves."""
        if self._is_down or not self._is_kept:
            return
        keeper = self._task
        self._use(0.0)
        self._written_at = -math.inf
        self.line.expected = self.rate
        try:
            with anyio.fail_after(_STORE_TIMEOUT):
                for _ in range(_TRIES):
                    stored = await self._read()
                    if self._task is not keeper:
                        return  # it is needed again, and written anew
                    others = {} if stored is None else dict(Shares.from_json(stored.value).of)
                    others.pop(self._me, None)
                    if stored is None or await self._replace(Shares(others), stored):
                        self._is_kept = self._task is not keeper
                        return
        except Exception as error:  # noqa: BLE001  # stores are others' code, and may raise anything
            _log.debug("a share of a budget was not given back: %s", type(error).__name__)


def _is_near(one: float, other: float) -> bool:
    return abs(one - other) <= _CHANGED * max(one, other) + 1e-3
