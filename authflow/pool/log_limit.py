"""Loggers with a limit, so that a flood of requests cannot write a flood of lines.

They write no exception's words either; see `authflow.pool.wordless_traces`.
"""

import logging
import time
from collections.abc import Callable
from threading import Lock
from typing import Final

from attrs import define, field

from authflow.pool.wordless_traces import WORDLESS

BURST: Final = 50
"""The most lines of one kind that are written at once."""
PAUSE: Final = 1.0
"""Seconds between the lines of one kind after that."""


@define
class _Kind:
    """The lines that one place in the code writes.

    Args:
        left: How many more may be written now.
        since: When that was true, on the monotonic clock.
        held: How many were not written since the last one that was.
    """

    left: float
    since: float
    held: int = 0


@define(eq=False)
class LogLimit(logging.Filter):
    """Passes a few lines of each kind, and logs how many others it dropped.

    Lines are of one kind if they come from the same place in the code: what stands in them may be
    chosen by whoever floods. Beyond a burst lines come without their tracebacks.

    Args:
        burst: So many lines of a kind are written at once.
        pause: Seconds between the lines of that kind afterwards.
        clock: Gives the time, in seconds.
    """

    burst: int = BURST
    pause: float = PAUSE
    clock: Callable[[], float] = time.monotonic
    _kinds: dict[tuple[str, int], _Kind] = field(factory=dict, init=False)
    _lock: Lock = field(factory=Lock, init=False)

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a line is written; see `logging.Filter`."""
        now = self.clock()
        with self._lock:
            place = (record.pathname, record.lineno)
            kind = self._kinds.setdefault(place, _Kind(self.burst, now))
            kind.left = min(self.burst, kind.left + (now - kind.since) / self.pause)
            kind.since = now
            if kind.left < 1:
                kind.held += 1
                return False
            kind.left -= 1
            held, kind.held = kind.held, 0
        if held:
            record.msg = f"{record.getMessage()} (and {held} more like it)"
            record.args = record.exc_info = record.exc_text = None
        return True

    def forget(self) -> None:
        """Reset the limit, for tests."""
        with self._lock:
            self._kinds.clear()


LIMIT: Final = LogLimit()
"""The limit that all loggers of the pool share."""


def limited_logger(name: str) -> logging.Logger:
    """Return a logger with a limit of lines, and without words in its tracebacks.

    Args:
        name: The logger's name. The limit is its own; loggers below it have none from here.
    """
    logger = logging.getLogger(name)
    logger.addFilter(LIMIT)
    logger.addFilter(WORDLESS)
    return logger
