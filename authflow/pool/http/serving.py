"""Runs uvicorn inside the caller's program, on connections that the pool accepts itself."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

import anyio
import uvicorn

from authflow.pool.http.app import PoolApp
from authflow.pool.http.connections import Acceptor, Connections
from authflow.pool.http.protocol import PoolProtocol

_KEEP_ALIVE: Final = 65
"""Seconds; longer than clients keep idle connections, so that none is closed under a request."""
_SHUTDOWN_TIMEOUT: Final = 20
"""Seconds for requests in flight when the server ends: for three tries of a trigger, and more."""
_TICK: Final = 0.1
_TICKS: Final = 864000
"""Ticks of a day, as in uvicorn itself, which renews the Date header every tenth tick."""


class _Uvicorn(uvicorn.Server):
    """Uvicorn inside the caller's program: it handles no signals, and tells when it listens."""

    def __init__(
        self, config: uvicorn.Config, listener: socket.socket, connections: Connections
    ) -> None:
        super().__init__(config)
        self.listening = anyio.Event()
        self.ending = anyio.Event()
        self._listener = listener
        self._connections = connections
        self._accepting: asyncio.Task[None] | None = None

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def main_loop(self) -> None:
        """Tick as uvicorn does, but stop at once when `end` is called."""
        ticks = 0
        while not await self.on_tick(ticks):
            ticks = (ticks + 1) % _TICKS
            with anyio.move_on_after(_TICK):
                await self.ending.wait()

    def end(self) -> None:
        """Ask the server to end: no new connections, and requests in flight are finished."""
        self.should_exit = True
        self.ending.set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to accept connections, which uvicorn itself does not do here."""
        await super().startup(sockets)
        acceptor = Acceptor(
            listener=self._listener, connections=self._connections, make=self._protocol
        )
        self._accepting = asyncio.create_task(acceptor.run(), name="authflow-pool-connections")
        self.listening.set()

    def _protocol(self) -> PoolProtocol:
        state: dict[str, Any] = self.lifespan.state
        return PoolProtocol(self.config, self.server_state, state, self._connections)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept no more connections, and end once every request is answered."""
        if self._accepting is not None:
            self._accepting.cancel()
            await asyncio.wait([self._accepting])
        self._listener.close()
        await super().shutdown(sockets)


@contextlib.asynccontextmanager
async def serving(
    app: PoolApp, listener: socket.socket, connections: Connections
) -> AsyncIterator[None]:
    """Run uvicorn beside the caller; at the end, finish the requests in flight first."""
    server = _Uvicorn(
        uvicorn.Config(
            app.asgi(),
            http="httptools",
            ws="none",
            lifespan="off",
            loop="none",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=_KEEP_ALIVE,
            timeout_graceful_shutdown=_SHUTDOWN_TIMEOUT,
        ),
        listener,
        connections,
    )
    # A plain task, since a task group would wrap the caller's own exceptions.
    task = asyncio.create_task(server.serve([]), name="authflow-pool")
    try:
        await server.listening.wait()
        yield
    finally:
        server.end()
        # A second cancellation by asyncio goes through, and ends the requests in flight as well.
        with anyio.CancelScope(shield=True):
            await task
