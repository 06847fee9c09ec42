"""A token bucket: how many requests may leave now, and how long until the next one may.

Two bounds hold, whatever happens to the rate:

1. In any time t it gives at most `rate` * t + `burst` tokens: so requests leave evenly, and one
   that comes after a time of silence need not wait. After a stall of the process the burst makes up
   for what was missed.
2. In any `window` seconds at most as many leave as tokens have come in these seconds (a fraction of
   one counts as one): so a burst is followed by a rest, and no second has more than a second's
   tokens. What was taken leaves when that is said, which may be later, as for want of a connection.

It reads no clock and waits for nothing: whoever uses it says what time it is, in seconds of a
monotonic clock. A clock that went back begins anew from there.
"""

from collections import deque
from math import sqrt
from typing import Final

from attrs import define, field

_SLOWER: Final = 0.9
"""The factor by which a throttled request lowers the pace."""
_FASTER: Final = 0.1
"""The part of the whole pace that comes back each second."""
_SLOWEST: Final = 0.25
"""The part of the pace that is left at least."""
_ONE_CUT: Final = 0.1
"""Seconds within which several throttled requests lower the pace once."""
_ROUNDING: Final = 1e-6
_GRAINS: Final = 1000
"""The most stretches of time that are told apart within a window."""
_LOOK_AGAIN: Final = 0.01
"""The longest time, in seconds, before it is worth to ask again where the window is full."""
_AFTER_SILENCE: Final = 0.2
"""The part of the burst that is left when nobody waited: it is for what a stall missed. Where many
wait, a burst comes again whenever it leaves the window, so one that is not needed is kept small."""


@define
class _Stretch:
    """A stretch of time, with what happened in it.

    Args:
        begin: When it began.
        end: When it ended.
        came: The tokens that came.
        left: The requests that left, all of them at its end.
    """

    begin: float
    end: float
    came: float
    left: int = 0


@define(kw_only=True)
class TokenBucket:
    """Tokens that come at a steady rate, of which some are kept.

    Args:
        rate: Tokens a second.
        burst: The most tokens that are kept.
        window: Seconds in which no more requests leave than tokens come.
        now: The time at the beginning, in seconds of a monotonic clock.
        left: The tokens that there are at the beginning; if there are any, the rate is taken to
            have been the same before.
    """

    rate: float
    burst: float
    window: float
    _now: float
    _left: float
    _pace: float = field(default=1.0, init=False)
    """The part of the rate that is in force: below 1 for a while after throttled requests."""
    _cut_at: float | None = field(default=None, init=False)
    _past: "deque[_Stretch]" = field(factory=deque, init=False)
    _came: float = field(default=0.0, init=False)
    """The tokens that came in the stretches of the past."""
    _gone: int = field(default=0, init=False)
    """The requests that left in the stretches of the past."""
    _leaving: int = field(default=0, init=False)
    """The tokens that were taken for requests that have not left yet."""

    def __attrs_post_init__(self) -> None:
        if self._left:
            self._come(self._now - self.window, self._now, self.rate * self.window)

    def take(self, now: float) -> bool:
        """Take one token, if there is one.

        Args:
            now: The time.

        Returns:
            Whether there was one.
        """
        self._pass(now)
        if self._left < 1 - _ROUNDING or self._is_full(now):
            return False
        self._left -= 1
        self._leaving += 1
        return True

    def rest(self, now: float) -> None:
        """Keep few tokens, since nobody has waited for them.

        Args:
            now: The time.
        """
        self._pass(now)
        self._left = min(self._left, max(1.0, self.burst * _AFTER_SILENCE))

    def leave(self, now: float) -> None:
        """Note that a request leaves, for which a token was taken.

        Args:
            now: The time.
        """
        self._pass(now)
        self._leaving -= 1
        self._gone += 1
        self._past[-1].left += 1

    def give_back(self) -> None:
        """Put a token back that was taken for nothing."""
        self._leaving -= 1
        self._left = min(self.burst, self._left + 1)

    def wait(self, now: float, tokens: int = 1, rate: float | None = None) -> float:
        """Return the seconds until so many tokens can have been taken, or until it asks again.

        Args:
            now: The time.
            tokens: How many.
            rate: The tokens a second that are expected, where the rate is about to change.
        """
        self._pass(now)
        rate = self.rate if rate is None else rate
        missing = tokens - self._left
        if missing > _ROUNDING:
            return self._seconds(missing / rate) if rate > 0 else float("inf")
        if not self._is_full(now):
            return 0.0
        opens = next((each.end for each in self._past if each.left), now) + self.window - now
        return min(max(opens, 0.0), _LOOK_AGAIN) or _LOOK_AGAIN

    def _seconds(self, whole: float) -> float:
        """Return how long something takes that takes so many seconds at the whole pace."""
        slow = (1 - self._pace) / _FASTER
        done = slow * (1 + self._pace) / 2  # of it, until the pace is whole again
        if whole >= done:
            return slow + whole - done
        return (sqrt(self._pace**2 + 2 * _FASTER * whole) - self._pace) / _FASTER

    def change(self, now: float, rate: float, burst: float) -> None:
        """Change the rate from now on; tokens beyond the new burst are lost.

        Args:
            now: The time.
            rate: Tokens a second.
            burst: The most tokens that are kept.
        """
        self._pass(now)
        self.rate, self.burst = rate, burst
        self._left = min(self._left, burst)

    def slow_down(self, now: float) -> None:
        """Lower the pace for a while, since a request was throttled all the same.

        Args:
            now: The time.
        """
        self._pass(now)
        if self._cut_at is None or not 0 <= now - self._cut_at < _ONE_CUT:
            self._cut_at = now
            self._pace = max(_SLOWEST, self._pace * _SLOWER)

    def _pass(self, now: float) -> None:
        """Move on to a time, and add the tokens that are due by then."""
        begin, self._now = self._now, now
        if now < begin:  # what has left counts as if it had left now, and nothing came since
            self._past.clear()
            self._came = 0.0
            self._past.append(_Stretch(now, now, 0.0, self._gone))
            return
        seconds = now - begin
        slow = min(seconds, (1 - self._pace) / _FASTER)  # until the pace is whole again
        pace = self._pace + slow * _FASTER
        came = (slow * (self._pace + pace) / 2 + (seconds - slow)) * self.rate
        self._pace = min(1.0, pace)
        self._left = min(self.burst, self._left + came)
        self._come(begin, now, came)

    def _come(self, begin: float, end: float, came: float) -> None:
        """Keep what came, and drop what is older than the window."""
        self._came += came
        last = self._past[-1] if self._past else None
        if last is not None and end - last.begin < self.window / _GRAINS:
            last.end, last.came = end, last.came + came
        else:
            self._past.append(_Stretch(begin, end, came))
        while self._past[0].end <= end - self.window:
            old = self._past.popleft()
            self._came -= old.came
            self._gone -= old.left

    def _is_full(self, now: float) -> bool:
        """Return whether as many left in the window, or are about to, as tokens came in it."""
        oldest = self._past[0]
        before = now - self.window - oldest.begin
        old = oldest.came * before / (oldest.end - oldest.begin) if before > 0 else 0.0
        return self._gone + self._leaving > self._came - old - _ROUNDING
