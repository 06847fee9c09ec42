"""A request as the ground sees it: what ASGI's servers pass on, in one spelling."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from ipaddress import ip_address
from typing import Any, Final

from attrs import field, frozen

from authflow.integrations.web.request_errors import MalformedRequestError
from authflow.secret import Secret

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
"""The methods that change nothing (RFC 9110 §9.2.1)."""

Chunks = Callable[[], AsyncIterator[bytes]]
"""A source of the body, in pieces as they come."""


async def no_chunks() -> AsyncIterator[bytes]:
    """Yield an empty body."""
    yield b""


def _wrapped(
    given: Iterable[tuple[str, str | Secret[str]]],
) -> tuple[tuple[str, Secret[str]], ...]:
    return tuple((name, Secret.of(value)) for name, value in given)


def _address(given: object) -> str | None:
    try:
        return str(ip_address(str(given).partition("%")[0]))
    except ValueError:
        return None


@frozen(kw_only=True, eq=False)
class WebRequest:
    """A request of a browser or a program. Nothing of it that may be secret stands in its repr.

    Args:
        method: The method, in capitals; "WEBSOCKET" for one that opens a WebSocket.
        path: The path, percent-decoded.
        headers: Names in lower case and values, in their order, repeated ones too. Tokens and
            cookies are among them, so the values are kept as secrets: `value` gives one.
        peer: The IP address of whoever has opened the connection, or of whoever it speaks for where
            the server was told which proxies to trust; None if the server does not tell, or tells
            something else (a socket's path, a test client's name, what a proxy has passed on).
        chunks: Gives the body in pieces.
    """

    method: str
    path: str = field(repr=False)
    headers: tuple[tuple[str, Secret[str]], ...] = field(default=(), converter=_wrapped, repr=False)
    peer: str | None = field(default=None, repr=False)
    chunks: Chunks = field(default=no_chunks, repr=False)

    @classmethod
    def of_scope(cls, scope: Mapping[str, Any], chunks: Chunks = no_chunks) -> "WebRequest":
        """Read ASGI's scope of a request or a WebSocket.

        Source: "HTTP & WebSocket ASGI Message Format": names and values are bytes, the names in
        lower case by most servers.

        Args:
            scope: The scope.
            chunks: Gives the body.
        """
        peer = scope.get("client")
        return cls(
            method="WEBSOCKET" if scope["type"] == "websocket" else str(scope["method"]).upper(),
            path=str(scope["path"]),
            headers=tuple(
                (name.decode("latin-1").lower(), value.decode("latin-1"))
                for name, value in scope["headers"]
            ),
            peer=_address(peer[0]) if peer else None,
            chunks=chunks,
        )

    @property
    def changes(self) -> bool:
        """Whether the method may change something."""
        return self.method not in SAFE_METHODS

    def values(self, name: str) -> list[str]:
        """Return all values of a header.

        Args:
            name: Its name, in lower case.
        """
        return [value.reveal() for each, value in self.headers if each == name]

    def value(self, name: str) -> str | None:
        """Return the value of a header; None if it is not there.

        Args:
            name: Its name, in lower case.

        Raises:
            MalformedRequestError: It is there twice, and programs on the way may have read either.
        """
        values = self.values(name)
        if len(values) > 1:
            msg = f"the header {name} stands twice in the request: send it once"
            raise MalformedRequestError(msg)
        return values[0] if values else None
