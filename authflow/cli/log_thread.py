"""A log that a thread of its own writes, so that a slow reader stops nothing else."""

import contextlib
import logging
import os
import queue
import threading
from typing import Final, TextIO

_MOST_LINES: Final = 10_000
_END_SECONDS: Final = 2.0
"""Seconds for which the end waits for unwritten lines."""


class LogThread(logging.Handler):
    """Writes records to a stream; records beyond a limit are dropped and their number is written.

    A pipe that nobody reads is full after 64 KiB, and then a write to it waits for ever.

    Args:
        stream: Where the lines go.
        most: How many lines may wait.
        end_timeout: How many seconds the end waits for the rest to be written.
    """

    def __init__(
        self, stream: TextIO, *, most: int = _MOST_LINES, end_timeout: float = _END_SECONDS
    ) -> None:
        super().__init__()
        self._stream = stream
        self._lines: queue.Queue[str | None] = queue.Queue(most)
        self._end_timeout = end_timeout
        self._dropped = 0
        self._thread = threading.Thread(target=self._run, name="authflow-log", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Queue a record, if there is room."""
        try:
            text = self.format(record)
        except Exception:  # noqa: BLE001  # as in every handler: a log stops no program
            self.handleError(record)
            return
        if self._dropped:
            text = f"(here {self._dropped} lines are missing)\n{text}"
        try:
            self._lines.put_nowait(text)
        except queue.Full:
            self._dropped += 1
        else:
            self._dropped = 0

    def close(self) -> None:
        """Write the rest, as long as the stream is read."""
        with contextlib.suppress(queue.Full):
            self._lines.put(None, timeout=self._end_timeout)
            self._thread.join(self._end_timeout)
        super().close()

    def _run(self) -> None:
        while (text := self._lines.get()) is not None:
            with contextlib.suppress(OSError, ValueError):  # the reader has gone
                self._write(f"{text}\n")

    def _write(self, text: str) -> None:
        """Write past the stream's own buffer, whose lock could block the end of the process."""
        try:
            number = self._stream.fileno()
        except (OSError, AttributeError):
            self._stream.write(text)
            self._stream.flush()
            return
        rest = text.encode(getattr(self._stream, "encoding", None) or "utf-8", "backslashreplace")
        while rest:
            rest = rest[os.write(number, rest) :]
