"""A connection that speaks HTTP/1.1, within limits.

Uvicorn's own protocol does the work; what is added here is what keeps a client from taking more
than its share, and from being answered by anything but JSON:

- A head (request line and headers) has 64 KiB, 100 headers and 10 s. The time of a body is the
  application's to watch, what surrounds it (chunks' extensions, trailers) is bounded here.
- Requests that come before the last one is answered wait unread, but for a few: uvicorn alone
  would read on whenever it gives a reply.
- A client that does not read its replies is let go after 10 s.
- What is no HTTP is answered by an error of Cognito's shape, after all that was asked before it.
- A connection that ends on an error ends politely: it is read from until the client has seen the
  error, since a close with bytes unread resets it, and the error is lost (RFC 9112 §9.6).

The parts of uvicorn that this rests on are the same from 0.30 on.
"""

import asyncio
import re
from typing import Any, ClassVar, Final, NoReturn, cast

import anyio
import httptools
import uvicorn
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from authflow.pool.cognito_errors import CognitoError, too_many_requests
from authflow.pool.http.connections import Connections
from authflow.pool.http.door import ARRIVAL, Arrival
from authflow.pool.http.http_replies import last_words
from authflow.pool.http.line import Line
from authflow.pool.http.request_body import MOST_BYTES, malformed
from authflow.pool.imports.uploads import MOST_FILE_BYTES
from authflow.pool.log_limit import limited_logger

_LOG: Final = limited_logger("authflow.pool")
_SLICE: Final = 1024
"""Bytes that are parsed at once: so few that they hold few requests, of 18 bytes at least."""
_NOTHING: Final = memoryview(b"")
_BUSY: Final = CognitoError("TooManyRequestsException", "Too many requests.", 503)
_VERSIONS: Final = frozenset({"1.0", "1.1"})
_ABSOLUTE: Final = re.compile(rb"https?://(?P<authority>[^/?#]*)(?P<rest>.*)", re.IGNORECASE)


class PoolProtocol(HttpToolsProtocol):
    """Serves one connection.

    Args:
        config: Uvicorn's settings.
        server_state: What its connections share.
        app_state: What its requests share.
        connections: All connections of the server.
    """

    head_timeout: ClassVar[float] = 10.0
    """Seconds for a head to arrive, from the connection's start or from the head's first byte."""
    unread_timeout: ClassVar[float] = 10.0
    """Seconds in which a client must read what was written to it."""
    end_timeout: ClassVar[float] = 2.0
    """Seconds in which a client must read its last answer and close."""
    most_head_bytes: ClassVar[int] = 64 * 1024
    most_headers: ClassVar[int] = 100
    most_raw_bytes: ClassVar[int] = 8 * MOST_BYTES
    """The most bytes of a body with its framing, also if it comes in very small chunks."""
    most_upload_bytes: ClassVar[int] = 2 * MOST_FILE_BYTES
    """The same for a file that is put: what puts none is refused before its body is read."""
    most_pipelined: ClassVar[int] = 4
    """The most requests that are read ahead of the one being answered, apart from one slice."""

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        connections: Connections,
    ) -> None:
        super().__init__(config, server_state, app_state, asyncio.get_running_loop())
        self._all = connections
        self._line: Line
        self._held = _NOTHING  # bytes that are received and not parsed yet
        self._since = 0  # bytes parsed since a head began or ended, or a request ended
        self._marked = False  # whether a head or a request began or ended just now
        self._in_head = False
        self._arrival = Arrival(is_whole=True)  # the arrival of the newest request
        self._owed = 0  # requests whose head has come and that are not answered
        self._kept_back: asyncio.Event | None = None  # set when a delayed refusal may be sent
        self._is_to_end = False
        self._fault: CognitoError | None = None  # the error that a callback of the parser raised
        self._last: CognitoError | None = None  # the last answer, after all others
        self._head_timer: asyncio.TimerHandle | None = None

    # The transport's callbacks

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin the connection; if there are too many, another one is closed."""
        super().connection_made(transport)
        self._line = Line(
            transport,
            self._is_read,
            unread_timeout=self.unread_timeout,
            end_timeout=self.end_timeout,
        )
        self.transport = self._line
        self.flow = _Flow(self._line, self)
        self._all.add(self)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """End the connection."""
        self._all.remove(self)
        self._line.lost()
        self._forget_head()
        self._unset_keepalive_if_required()
        self._held = _NOTHING
        if self._kept_back is not None:
            self._kept_back.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read the received bytes, as far as they may be read now."""
        if self.transport.is_closing() or self._last is not None:
            self._line.read_in_vain(len(data))
            return
        self._unset_keepalive_if_required()
        if not self._owed and self._head_timer is None:
            self._expect_head()
        self._held = memoryview(bytes(self._held) + data)
        self.read_on()

    def pause_writing(self) -> None:
        """Stop writing until the client has read."""
        super().pause_writing()
        self._line.writing_paused()
        self._note_state()

    def resume_writing(self) -> None:
        """Write again."""
        super().resume_writing()
        self._line.writing_resumed()
        self._note_state()

    def evict(self) -> None:
        """Close the connection now, to make room for another; send a delayed refusal first."""
        if self._kept_back is not None and not self._kept_back.is_set():
            self._kept_back.set()
            self._line.write(last_words(too_many_requests()))
        self._line.abort()

    def shutdown(self) -> None:
        """Close the connection as soon as every request is answered."""
        self._is_to_end = True
        if self._kept_back is not None:
            self._kept_back.set()
        if self._owed:
            super().shutdown()
        else:
            self._line.drop()

    # Reading

    def read_on(self) -> None:
        """Parse the bytes received, until a request or a body must wait."""
        while self._held and not self._must_wait():
            part, self._held = self._held[:_SLICE], self._held[_SLICE:]
            self._marked = False
            try:
                self.parser.feed_data(part)
            except httptools.HttpParserUpgrade as upgrade:
                # The pool changes to no other protocol (RFC 9110 §7.8): this is still HTTP/1.1.
                self._held = memoryview(bytes(part[upgrade.args[0] :]) + bytes(self._held))
            except httptools.HttpParserError:
                self._refuse(self._fault or malformed("the request is not HTTP/1.1"))
                return
            self._since = 0 if self._marked else self._since + len(part)
            if self._since > self._most_bytes():
                self._refuse(self._too_long())
                return
        if self._held:
            self.flow.pause_reading()

    def _must_wait(self) -> bool:
        return (
            self.flow.read_paused
            or len(self.pipeline) >= self.most_pipelined
            or self.transport.is_closing()
        )

    def _most_bytes(self) -> int:
        if not self._in_body():
            return self.most_head_bytes
        is_file = self.scope["method"] == "PUT"
        return self.most_upload_bytes if is_file else self.most_raw_bytes

    def _in_body(self) -> bool:
        return not (self._in_head or self._arrival.is_whole)

    def _is_read(self) -> bool:
        return self._arrival.is_whole and not self._in_head and not self._held

    def _too_long(self) -> CognitoError:
        if self._in_body():
            message = "the body, with what surrounds it, is too long"
            return CognitoError("SerializationException", message, 413)
        return _head_refused(f"the headers have more than {self.most_head_bytes} bytes")

    # The parser's callbacks

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self._arrival = Arrival(keep_back=self._keep_back)
        cast("dict[str, Any]", self.scope)[ARRIVAL] = self._arrival
        self._in_head = self._marked = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """Add a header. Trailers, which come after a body, are ignored."""
        if not self._in_head:
            return
        if len(self.headers) >= self.most_headers:
            self._object_to(_head_refused(f"there are more than {self.most_headers} headers"))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Begin to serve the request, or queue it behind others."""
        if self.parser.get_http_version() not in _VERSIONS:
            self._object_to(malformed("the pool speaks HTTP/1.1"))
        if self.parser.should_upgrade() and self._has_body():
            # The parser would treat the body as data of the other protocol.
            self._object_to(malformed("the pool speaks HTTP/1.1 only: send no Upgrade header"))
        self._read_target()
        super().on_headers_complete()
        self._in_head, self._marked = False, True
        self._owed += 1
        self._forget_head()

    def on_message_complete(self) -> None:
        """Note that the request has come to its end."""
        super().on_message_complete()
        self._arrival.is_whole = self._marked = True
        if not self._note_state():
            self._refuse(_BUSY)

    def _object_to(self, fault: CognitoError) -> NoReturn:
        """Stop the parser with an error; the parser's caller finds the error in `_fault`."""
        self._fault = fault
        raise fault

    def _has_body(self) -> bool:
        return any(
            name == b"transfer-encoding" or (name == b"content-length" and value.strip(b"0 "))
            for name, value in self.headers
        )

    def _read_target(self) -> None:
        """Split a target that names the host: this host counts, and not that of the header.

        Anything but a path and an http URL is refused: whatever else names a host or a scheme is
        meant for a proxy or for another protocol, and nobody would judge the host in it.

        Source: RFC 9112 §3.2.
        """
        if self.url.startswith(b"/"):
            return
        target = _ABSOLUTE.fullmatch(self.url)
        if target is None:
            self._object_to(malformed("the target is neither a path nor an http URL"))
        rest = target["rest"].partition(b"#")[0]
        self.url = rest if rest.startswith(b"/") else b"/" + rest
        if sum(name == b"host" for name, _ in self.headers) <= 1:  # two are refused anyway
            self.headers[:] = [header for header in self.headers if header[0] != b"host"]
            self.headers.append((b"host", target["authority"]))

    # Answers, and the end

    def on_response_complete(self) -> None:
        """Go on to the next request, or wait for it."""
        self._owed -= 1
        self._kept_back = None
        if not self._note_state():
            # Requests came behind one whose refusal was delayed, and now there is no room.
            self.pipeline.clear()
            self._owed, self._held = 0, _NOTHING
            self._end(_BUSY)
            return
        super().on_response_complete()
        if self._last is not None and not self._owed:
            self._end(self._last)
        elif not self._owed and self._in_head and not self.transport.is_closing():
            self._unset_keepalive_if_required()
            self._expect_head()
        self._note_state()

    async def _keep_back(self, pause_timeout: float) -> None:
        """Delay the refusal of the current request; meanwhile the connection is no work."""
        if self._is_to_end or self.transport.is_closing():
            return
        self._kept_back = asyncio.Event()
        self._note_state()
        with anyio.move_on_after(pause_timeout):
            await self._kept_back.wait()
        self._kept_back.set()

    def _note_state(self) -> bool:
        """Note in `Connections` whether the pool works for this connection, or waits for its peer.

        Returns:
            Whether the pool may work for it, if it is to.
        """
        whole = self._owed > 1 or (self._owed == 1 and not self._in_body())
        if self.transport.is_closing() or self.flow.write_paused:
            self._all.wait(self)
        elif self._kept_back is not None:
            self._all.keep_back(self)
        elif whole:
            return self._all.work(self)
        else:
            self._all.wait(self)
        return True

    def _refuse(self, error: CognitoError) -> None:
        """Stop reading, answer the requests before, and then end with an error."""
        self._held = _NOTHING
        _LOG.info("refused what %s sent: %s", self.client, error.message)
        if self._owed and (self._in_body() or error is _BUSY):
            # For the application the client has gone, so it does nothing of what was refused.
            self._owed -= 1
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            if self.pipeline and self.pipeline[0][0] is self.cycle:
                self.pipeline.popleft()
            elif self.cycle.response_started:
                self._line.close()
                return
        if self._owed:
            self._last = error
            self.flow.pause_reading()
        else:
            self._end(error)

    def _end(self, error: CognitoError) -> None:
        self._arrival.is_whole = False  # more bytes may come, and are not read
        self._line.write(last_words(error))
        self._line.close()

    # The time limit of a head

    def _expect_head(self) -> None:
        self._head_timer = self.loop.call_later(self.head_timeout, self._head_timed_out)

    def _forget_head(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _head_timed_out(self) -> None:
        self._head_timer = None
        if self.transport.is_closing():
            return
        if self._in_head:
            message = f"the headers took longer than {self.head_timeout:g} s"
            self._refuse(CognitoError("RequestTimeoutException", message, 408))
        else:
            self._line.drop()


def _head_refused(message: str) -> CognitoError:
    return CognitoError("SerializationException", message, 431)


class _Flow(FlowControl):
    """Pauses a connection's reading; bytes already received are parsed before more is read.

    Args:
        line: The connection's transport.
        protocol: What holds.
    """

    def __init__(self, line: Line, protocol: PoolProtocol) -> None:
        super().__init__(line)
        self._line = line
        self._protocol = protocol
        self._stopped = False

    def pause_reading(self) -> None:
        """Stop reading for now."""
        self.read_paused = True
        if not self._stopped:
            self._stopped = True
            self._line.pause_reading()

    def resume_reading(self) -> None:
        """Read again, unless bytes already received must wait."""
        if not self.read_paused:
            return
        self.read_paused = False
        self._protocol.read_on()
        if not self.read_paused and self._stopped:
            self._stopped = False
            self._line.resume_reading()
