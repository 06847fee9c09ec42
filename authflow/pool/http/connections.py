"""The connections of a server: their number, and which one is closed when a new one comes."""

import asyncio
import errno
import socket
from collections.abc import Callable
from typing import Final, Protocol

from attrs import define, field

from authflow.pool.log_limit import limited_logger

_LOG: Final = limited_logger("authflow.pool")
_AT_ONCE: Final = 8
"""The most connections that are accepted before the evicted ones are really closed."""
_EXHAUSTED: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_PAUSE: Final = 0.1
"""Seconds until the next try, when the system has no more files."""


class Evictable(Protocol):
    """A connection that can be closed from outside."""

    def evict(self) -> None:
        """Close the connection now."""


@define(kw_only=True)
class Connections:
    """All connections of a server.

    A connection either waits for its client (to ask, to send the rest, to read), or the pool works
    at a request of it, or the refusal of its request is kept back. When there are too many, the one
    goes that has waited longest: so idle connections cannot lock out whoever comes, and one that
    just came has time to ask. Those whose refusal is kept back go before others: they are no work,
    and a flood is to be refused at its own cost. Work is bounded such that there always is one that
    can go.

    Args:
        most: How many there may be; two at least.
    """

    most: int
    _waiting: dict[Evictable, None] = field(factory=dict, init=False)  # the oldest first
    _kept_back: dict[Evictable, None] = field(factory=dict, init=False)  # the oldest first
    _working: set[Evictable] = field(factory=set, init=False)

    def __len__(self) -> int:
        return len(self._waiting) + len(self._kept_back) + len(self._working)

    @property
    def room(self) -> int:
        """The greatest number of connections that the pool may work for at a time."""
        return self.most - max(1, self.most // 10)

    def add(self, connection: Evictable) -> None:
        """Add a new connection, which waits; if there are too many, another one is closed."""
        self._waiting[connection] = None
        if len(self) > self.most:
            self.make_room()

    def make_room(self) -> None:
        """Close the connection that waits, or whose refusal is delayed, for the longest time."""
        those = self._kept_back or self._waiting
        oldest = next(iter(those), None)
        if oldest is not None:
            del those[oldest]
            oldest.evict()

    def wait(self, connection: Evictable) -> None:
        """Note that a connection waits for its client; a wait that has begun goes on."""
        if connection in self._working or connection in self._kept_back:
            self.remove(connection)
            self._waiting[connection] = None

    def keep_back(self, connection: Evictable) -> None:
        """Note that a connection's request is refused, and that the refusal is delayed."""
        if connection in self._waiting or connection in self._working:
            self.remove(connection)
            self._kept_back[connection] = None

    def work(self, connection: Evictable) -> bool:
        """Note that the pool works at a connection's request.

        Returns:
            Whether it may: not if it works at so many that too few connections would wait.
        """
        if connection in self._waiting or connection in self._kept_back:
            if len(self._working) >= self.room:
                return False
            self.remove(connection)
            self._working.add(connection)
        return True

    def remove(self, connection: Evictable) -> None:
        """Remove a connection, which is closed."""
        self._waiting.pop(connection, None)
        self._kept_back.pop(connection, None)
        self._working.discard(connection)


@define(kw_only=True)
class Acceptor:
    """Accepts connections, even if few files are left.

    asyncio's own server, without files, writes one line with a traceback for each connection that
    could wait, each second.

    Args:
        listener: Where they come.
        connections: Those that there are.
        make: Makes the protocol of a new one.
    """

    listener: socket.socket
    connections: Connections
    make: Callable[[], asyncio.BaseProtocol]
    _opening: set[asyncio.Task[None]] = field(factory=set, init=False)

    async def run(self) -> None:
        """Accept connections until cancelled; then wait until all accepted ones have begun."""
        try:
            while True:
                await self._accept()
                if len(self._opening) >= _AT_ONCE:
                    await asyncio.wait(self._opening)
        finally:
            if self._opening:
                await asyncio.wait(self._opening)

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            accepted, _ = await loop.sock_accept(self.listener)
        except OSError as error:
            await self._endure(error)
            return
        task = loop.create_task(self._open(accepted))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    async def _open(self, accepted: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.connect_accepted_socket(self.make, accepted)
        except OSError:
            accepted.close()  # the client has gone already

    async def _endure(self, error: OSError) -> None:
        """Go on after an accept that failed: a client that has gone, or too few files."""
        if error.errno in _EXHAUSTED:
            _LOG.warning("cannot accept connections: %s; one that waits is closed for it", error)
            self.connections.make_room()
        await asyncio.sleep(_PAUSE if error.errno != errno.ECONNABORTED else 0)
