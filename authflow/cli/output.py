"""Standard output and error of the commands.

What a command found out is its exit code, and that is so whoever reads the rest: a reader who has
gone (`authflow plugins check pager | grep -q FAIL`) changes nothing, and is told nothing. Output
that gets lost otherwise, on a full disk or a closed stream, is told, and is no success.
"""

import errno
import io
import os
from typing import Any, TextIO


class Output:
    """A text stream that never raises; it remembers a failed write.

    Args:
        stream: Where the text goes; None where the process has no such stream.
        complaints: Where it is told that text was lost; nowhere, if not given.
    """

    def __init__(self, stream: TextIO | None, complaints: "Output | None" = None) -> None:
        self._stream = stream
        self._complaints = complaints
        self.lost: OSError | None = None
        """The error by which text was lost."""

    def write(self, text: str) -> int:
        """Write a text, unless a write has failed before."""
        if text and self.lost is None:
            try:
                self._write(text)
            except (OSError, ValueError) as error:
                self._lose(error)
        return len(text)

    def flush(self) -> None:
        """Flush what was written."""
        if self._stream is not None and self.lost is None:
            try:
                self._stream.flush()
            except (OSError, ValueError) as error:
                self._lose(error)

    def isatty(self) -> bool:
        """Return whether the stream is a terminal."""
        return self._stream is not None and self._stream.isatty()

    def fileno(self) -> int:
        """Return the stream's file descriptor.

        Raises:
            OSError: The stream has none.
        """
        if self._stream is None:
            raise io.UnsupportedOperation("fileno")
        return self._stream.fileno()

    @property
    def encoding(self) -> str:
        """The encoding by which text becomes bytes."""
        return getattr(self._stream, "encoding", None) or "utf-8"

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def code(self, code: int) -> int:
        """Flush the stream, and return the exit code of the command that wrote to it.

        Args:
            code: What the command gave.

        Returns:
            The same; 1 instead of 0 if text was lost that somebody would have read.
        """
        self.flush()
        if self.lost is None or isinstance(self.lost, BrokenPipeError):
            return code
        return code or 1

    def _write(self, text: str) -> None:
        if self._stream is None:
            raise OSError(errno.EBADF, "it is closed")
        try:
            self._stream.write(text)
        except UnicodeEncodeError:
            # Characters that this stream's encoding lacks are escaped, as on standard error.
            escaped = text.encode(self.encoding, "backslashreplace").decode(self.encoding)
            self._stream.write(escaped)

    def _lose(self, error: OSError | ValueError) -> None:
        self.lost = error if isinstance(error, OSError) else OSError(errno.EBADF, "it is closed")
        # Python would write its buffers once more at the process's end, and fail there.
        try:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)
        except (OSError, ValueError):
            pass  # the stream has no file descriptor
        if self._complaints is not None and not isinstance(self.lost, BrokenPipeError):
            told = f"authflow: standard output cannot be written: {self.lost.strerror}\n"
            self._complaints.write(told)
