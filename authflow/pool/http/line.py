"""A connection's transport that lets clients read their last answer, within a time limit."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

_MOST_IN_VAIN: Final = 1024 * 1024
"""The most bytes that are read from a client after its last answer."""


class Line(asyncio.Transport):
    """Stands before asyncio's own transport.

    Args:
        transport: That one.
        is_read: Says whether all that the client sent so far has been read.
        unread_timeout: How many seconds a client may let pass without reading what was written.
        end_timeout: How many seconds a client may take to see its last answer and to close.
    """

    def __init__(
        self,
        transport: asyncio.Transport,
        is_read: Callable[[], bool],
        *,
        unread_timeout: float,
        end_timeout: float,
    ) -> None:
        super().__init__()
        self._transport = transport
        self._is_read = is_read
        self._unread_timeout = unread_timeout
        self._end_timeout = end_timeout
        self._ending = False
        self._in_vain = 0
        self._timer: asyncio.TimerHandle | None = None

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return a fact about the connection."""
        return self._transport.get_extra_info(name, default)

    def is_closing(self) -> bool:
        """Return whether writing has ended."""
        return self._ending or self._transport.is_closing()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Write, unless the connection is closed."""
        if not self.is_closing():
            self._transport.write(data)

    def pause_reading(self) -> None:
        """Stop reading for now."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Read again."""
        if not self._transport.is_closing():
            self._transport.resume_reading()

    def close(self) -> None:
        """Close after all is written; if the client may still be sending, once the client closes.

        A close with bytes unread resets the connection, and then the client may lose the answer
        that it has not read yet (RFC 9112 §9.6).
        """
        if self.is_closing():
            return
        if self._is_read():
            self.drop()
            return
        self._ending = True
        try:
            self._transport.write_eof()
        except OSError:  # the client has gone
            self.abort()
            return
        self._transport.resume_reading()
        self._abort_later()

    def drop(self) -> None:
        """Close after all is written."""
        self._ending = True
        self._abort_later()  # otherwise a client that reads nothing would keep it open for ever
        self._transport.close()

    def abort(self) -> None:
        """Close at once; unsent data is lost."""
        self._ending = True
        self.lost()
        self._transport.abort()

    def lost(self) -> None:
        """Stop the timer, since the connection is closed."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def read_in_vain(self, size: int) -> None:
        """Note that a client goes on sending after its last answer."""
        self._in_vain += size
        if self._in_vain > _MOST_IN_VAIN:
            self.abort()

    def writing_paused(self) -> None:
        """Note that the client must read before more can be written."""
        if self._timer is None:
            self._abort_after(self._unread_timeout)

    def writing_resumed(self) -> None:
        """Note that the client has read."""
        if not self._ending:
            self.lost()

    def _abort_later(self) -> None:
        self.lost()
        unread = self._transport.get_write_buffer_size()
        self._abort_after(self._unread_timeout if unread else self._end_timeout)

    def _abort_after(self, timeout: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(timeout, self.abort)
