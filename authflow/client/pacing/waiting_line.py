"""A waiting line: requests leave in the order in which they came, as fast as a budget allows."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from itertools import chain
from math import isfinite
from typing import Final

from attrs import define, field, frozen

from authflow.client.pacing.token_bucket import TokenBucket
from authflow.errors import ThrottledError

_FOR_WAITING: Final = 0.9
"""The part of a request's time that it may wait: the rest is for the request itself."""
_TICK: Final = 0.001
"""The shortest sleep before the next turn, in seconds."""
_LATER: Final = 0.01
"""Seconds by which `retry_after` is later than it must be, so that it is late enough."""
_TOGETHER: Final = 1.0
"""Seconds within which requests of several users are throttled if the quota is used up."""
_TOKENS: Final = 3
"""The tokens throttled together of which one at least is another user's, as far as we can tell."""
_LONGEST_WAIT: Final = 86_400.0
"""A day, which no `retry_after` exceeds."""


def _nothing() -> None:
    pass


def _always() -> bool:
    return True


@frozen(kw_only=True)
class _Waiter:
    """A request in the line, and the time that it may wait.

    Args:
        longest: In seconds.
        until: When it is over, on the event loop's clock.
    """

    longest: float
    until: float


@define(kw_only=True, eq=False)
class WaitingLine:
    """A line of requests that wait for their turns, on one event loop.

    Args:
        budget: The name of the budget, for errors.
        bucket: The turns that may be had. Its clock is the event loop's.
        arrived: Called when a request comes.
        is_open: Says whether turns may be given now.
    """

    budget: str
    bucket: TokenBucket
    arrived: Callable[[], None] = _nothing
    is_open: Callable[[], bool] = _always
    expected: float | None = field(default=None, init=False)
    """The turns a second that are about to be had, if the bucket's rate is not the one to go by."""
    came: int = field(default=0, init=False)
    """The number of requests that have come."""
    _waiting: "OrderedDict[asyncio.Future[ThrottledError | None], _Waiter]" = field(
        factory=OrderedDict, init=False
    )
    """The requests that wait, in order: told None, which is a turn, or why they have none."""
    _repeated: "OrderedDict[asyncio.Future[ThrottledError | None], _Waiter]" = field(
        factory=OrderedDict, init=False
    )
    """The requests that had a turn before, in order: they go before the others."""
    _judged: tuple[float, int] = field(default=(0.0, 0), init=False)
    """The rate, and the number that had come, when it was last seen who waits in vain."""
    _throttled: dict[int, float] = field(factory=dict, init=False)
    """The times at which requests were throttled, by the users' numbers."""
    _timer: asyncio.TimerHandle | None = field(default=None, init=False)

    def __len__(self) -> int:
        return len(self._repeated) + len(self._waiting)

    async def turn(self, *, timeout: float, again: bool = False) -> bool:  # noqa: ASYNC109
        """Wait for a turn. Whoever is cancelled leaves the line at once.

        Whoever has had a turn says what became of it, by `leave` or `give_back`.

        Args:
            timeout: The seconds that are left for the request. Nobody waits who would have less
                than a tenth of it left.
            again: Whether the request had a turn before, and was not processed: it goes before
                those that had none, and behind others of its kind.

        Returns:
            Whether it had to wait.

        Raises:
            ThrottledError: The turn would come too late; nothing was sent. `retry_after` says when
                there may be one in the same time.
        """
        loop = asyncio.get_running_loop()
        self.came += 1
        self.arrived()
        if not len(self):
            self.bucket.rest(loop.time())
            if self._take(loop.time()):
                return False
        ahead = len(self._repeated) if again else len(self)
        wait, longest = self.wait(ahead), timeout * _FOR_WAITING
        if wait > longest:
            raise self._too_long(wait, wait - longest)
        mine, those = loop.create_future(), self._repeated if again else self._waiting
        those[mine] = _Waiter(longest=longest, until=loop.time() + longest)
        self.serve()
        try:
            late = await mine
        except asyncio.CancelledError:
            those.pop(mine, None)
            if mine.cancelled():
                self.serve()
            elif mine.result() is None:
                self.give_back()  # it had its turn, and was cancelled before it knew
            raise
        if late is not None:
            raise late
        return True

    def wait(self, ahead: int) -> float:
        """Return the seconds until the turn of a request with so many others ahead of it."""
        now = asyncio.get_running_loop().time()
        return self.bucket.wait(now, ahead + 1, self.expected)

    def ran_out(self) -> ThrottledError:
        """Return the error for a request whose time was over before its turn came."""
        wait = self.wait(len(self))
        return self._too_long(wait, wait)

    def leave(self) -> None:
        """Note that a request leaves which has had its turn."""
        self.bucket.leave(asyncio.get_running_loop().time())

    def give_back(self) -> None:
        """Return a turn to the line, for the request did not leave."""
        self.bucket.give_back()
        self.serve()

    def slow_down(self, whose: int) -> None:
        """Lower the pace for a while, since Cognito throttled requests of several users.

        It throttles one user's by themselves, too, and that is no reason to slow others down. Of
        users who are known by tokens alone it takes three, since one may have two.

        Args:
            whose: The number of the user whose request was throttled now, as `Request.whose` has
                it: less than 0 if only a token tells.
        """
        now = asyncio.get_running_loop().time()
        self._throttled[whose] = now
        self._throttled = {each: at for each, at in self._throttled.items() if now - at < _TOGETHER}
        named = sum(each >= 0 for each in self._throttled)
        if named > 1 or len(self._throttled) >= _TOKENS:
            self.bucket.slow_down(now)

    def serve(self) -> None:
        """Serve those whose turn it is now, and come again for the next one."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        loop = asyncio.get_running_loop()
        now = loop.time()
        while those := self._repeated or self._waiting:
            first = next(iter(those))
            if not first.cancelled():
                waiter = those[first]
                if now > waiter.until:  # too little of its time is left for the request itself
                    wait = self.bucket.wait(now, len(self))
                    first.set_result(self._too_long(wait, wait - waiter.longest))
                elif self._take(now):
                    first.set_result(None)
                else:
                    break
            del those[first]
        if not len(self):
            return
        wait = self.bucket.wait(now)
        if isfinite(wait) and self.is_open():  # else whoever changes the rate comes back
            self._timer = loop.call_later(max(wait, _TICK), self.serve)

    def refuse_late(self) -> None:
        """Refuse those whose turn comes too late by the rate that the bucket has now."""
        rate, came = self._judged
        self._judged = self.bucket.rate, self.came
        if rate <= self.bucket.rate and came == self.came:
            return  # nobody is later than before
        now, ahead = asyncio.get_running_loop().time(), 0
        those = [*chain(self._repeated.items(), self._waiting.items())]
        for place, (each, waiter) in enumerate(those, start=1):
            wait = self.bucket.wait(now, ahead + 1)
            if each.cancelled() or now + wait <= waiter.until:
                ahead += 1
                continue
            again = self.bucket.wait(now, place)  # so that not all of them come back at once
            each.set_result(self._too_long(wait, again - waiter.longest))
            del (self._repeated if each in self._repeated else self._waiting)[each]

    def _take(self, now: float) -> bool:
        return self.is_open() and self.bucket.take(now)

    def _too_long(self, wait: float, retry_after: float) -> ThrottledError:
        told = f"in {wait:.1f} seconds" if isfinite(wait) else "nobody knows when"
        return ThrottledError(
            f"the budget of {self.budget} has the next turn {told}, too late for this request:"
            " nothing was sent",
            retry_after=min(max(retry_after, 0.0) + _LATER, _LONGEST_WAIT),
        )
