"""A clock that stands still until it is moved."""

from datetime import UTC, datetime
from typing import Final

from attrs import define

from authflow.errors import MisuseError

START: Final = 1_800_000_000.0
"""The start of every clock: 2027-01-15 08:00 UTC. With a fixed time, failures are repeatable."""


@define
class MovableClock:
    """A clock for any parameter `clock=`, which stands still until it is moved.

    Args:
        now: Seconds since the epoch.
    """

    now: float = START

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
            MisuseError: It would go back.
        """
        if not seconds >= 0:
            msg = "time does not go back: advance a clock by zero seconds or more"
            raise MisuseError(msg)
        self.now += seconds
