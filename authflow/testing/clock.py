"""A clock that stands still until it is moved."""

import threading
from datetime import UTC, datetime
from typing import Final

from attrs import define, field

from authflow.errors import ConfigError, MisuseError
from authflow.given_numbers import is_number

START: Final = 1_800_000_000.0
"""The start of every clock: 2027-01-15 08:00 UTC. With a fixed time, failures are repeatable."""

_END: Final = 253_402_300_800.0
"""The end of the year 9999, after which Python has no dates."""

_MOVING: Final = threading.Lock()
"""Held while a clock is moved: a test and its pool may be on two threads."""


def is_a_time(value: object) -> bool:
    """Return whether a value is seconds since the epoch, of which Python can make a date.

    Args:
        value: Anything.
    """
    return is_number(value) and 0 <= value < _END


def _check_time(_clock: object, _now: object, now: object) -> None:
    if not is_a_time(now):
        msg = f"a clock's time is a number of seconds since the epoch, from 0 to {_END:.0f}"
        raise ConfigError(msg)


@define
class MovableClock:
    """A clock for any parameter `clock=`, which stands still until it is moved.

    Args:
        now: Seconds since the epoch.

    Raises:
        ConfigError: It is no such number.
    """

    now: float = field(default=START, validator=_check_time)

    def __call__(self) -> float:
        """Return the time, in seconds since the epoch."""
        return self.now

    def utc(self) -> datetime:
        """Return the time as `AuthClient(clock=...)` takes it."""
        return datetime.fromtimestamp(self.now, UTC)

    def advance(self, seconds: float) -> None:
        """Move the clock on.

        Args:
            seconds: By how much. Time does not go back.

        Raises:
            MisuseError: It would go back, or beyond the year 9999, or that is no number.
        """
        if not is_number(seconds) or not 0 <= seconds < _END:
            msg = "time does not go back: advance a clock by zero seconds or more"
            raise MisuseError(msg)
        with _MOVING:
            self.now += seconds
