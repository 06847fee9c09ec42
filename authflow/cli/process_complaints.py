"""The standard error of a handler's process: shown as it comes, and its end is kept.

A process that dies says there why. It is passed on line by line, and no line of it can steer a
terminal or hide anything. What several processes say one like the other is shown once: lines are
held back for as long as they may be what an earlier process said.
"""

import os
import re
import sys
from collections import deque
from contextlib import suppress
from threading import Thread
from typing import IO, Final

from attrs import define, field

from authflow.printable import one_line, printable

_LINE_BYTES: Final = 8192
"""A longer line is shown in pieces."""
_KEPT_LINES: Final = 30
_COMPARED_LINES: Final = 100
"""The most lines that are compared; a longer text is always shown."""
_COMPARED_PROCESSES: Final = 16
"""The most processes whose texts are kept for comparison."""
_TELLING: Final = re.compile(r"\b(?:\w*(?:Error|Exception)|error|panic|fatal)\b.*:", re.IGNORECASE)
_WAIT: Final = 0.5
"""Seconds in which the last lines of an ended process must arrive."""


@define(kw_only=True, eq=False)
class Complaints:
    """Reads the standard error of one process in a thread, until all who hold it have ended.

    Args:
        heard: What each process before wrote; what this one wrote is added at its end.
    """

    heard: set[tuple[str, ...]] = field(factory=set)
    _lines: deque[str] = field(factory=lambda: deque(maxlen=_KEPT_LINES), init=False)
    _thread: Thread | None = field(default=None, init=False)

    def open(self) -> IO[bytes]:
        """Return a file to be the process's standard error; close it once the process runs."""
        reading, writing = os.pipe()
        self._thread = Thread(target=self._read, args=(reading,), daemon=True)
        self._thread.start()
        return os.fdopen(writing, "wb")

    def finish(self) -> None:
        """Wait until all output of the process is shown; not for long, as others may hold it."""
        if self._thread is not None:
            self._thread.join(_WAIT)

    def last(self) -> str:
        """Return the line that best says why the process ended; "" if it said nothing."""
        self.finish()
        lines = list(self._lines)
        telling = [line for line in lines if _TELLING.search(line)]
        # A Python traceback ends with its error; Node.js prints the error in the middle.
        return one_line((telling or lines or [""])[-1])

    def _read(self, reading: int) -> None:
        said: list[str] = []
        shown = 0
        with os.fdopen(reading, "rb") as stream:
            while raw := stream.readline(_LINE_BYTES):
                line = raw.decode(errors="replace").rstrip("\r\n").expandtabs()
                if line.strip():
                    self._lines.append(line)
                if len(said) > _COMPARED_LINES:
                    _show(line)
                    continue
                said.append(line)
                if shown or not self._may_be_heard(said):
                    for each in said[shown:]:
                        _show(each)
                    shown = len(said)
        whole = tuple(said)
        if not shown and whole not in self.heard:
            for each in said:
                _show(each)
        if len(said) <= _COMPARED_LINES and len(self.heard) < _COMPARED_PROCESSES:
            self.heard.add(whole)

    def _may_be_heard(self, said: list[str]) -> bool:
        return any(each[: len(said)] == tuple(said) for each in self.heard)


def _show(line: str) -> None:
    with suppress(OSError, ValueError):  # the reader has gone
        print(printable(line), file=sys.stderr, flush=True)
