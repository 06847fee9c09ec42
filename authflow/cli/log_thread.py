"""A log that is written by a thread of its own, so that nobody waits for whoever reads it."""

import contextlib
import logging
import os
import queue
import threading
from typing import Final, TextIO

_MOST_LINES: Final = 10_000
_END_SECONDS: Final = 2.0
"""So long the end waits for what is not written yet."""


class LogThread(logging.Handler):
    """Writes records to a stream; those beyond a bound are counted, and the number is written.

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
        """Take a record, if there is room."""
        try:
            text = self.format(record)
        except Exception:  # noqa: BLE001  # as every handler: a log harms nobody
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
        """Write the rest, as far as somebody reads it."""
        with contextlib.suppress(queue.Full):
            self._lines.put(None, timeout=self._end_timeout)
            self._thread.join(self._end_timeout)
        super().close()

    def _run(self) -> None:
        while (text := self._lines.get()) is not None:
            with contextlib.suppress(OSError, ValueError):  # who read it has gone
                self._write(f"{text}\n")

    def _write(self, text: str) -> None:
        """Write past the stream's own buffer, whose lock would be held at the process's end."""
        try:
            number = self._stream.fileno()
        except (OSError, AttributeError):
            self._stream.write(text)
            self._stream.flush()
            return
        rest = text.encode(getattr(self._stream, "encoding", None) or "utf-8", "backslashreplace")
        while rest:
            rest = rest[os.write(number, rest) :]
