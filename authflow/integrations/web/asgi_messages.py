"""ASGI's messages: a body as it comes, a reply as it goes, and the refusal of a WebSocket.

Source: "HTTP & WebSocket ASGI Message Format", and its extension "WebSocket Denial Response".
"""

from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any, Final

from authflow.integrations.web.request_errors import MalformedRequestError
from authflow.integrations.web.web_reply import WebReply
from authflow.integrations.web.web_request import WebRequest

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]

POLICY_VIOLATION: Final = 1008
"""The code of a WebSocket that is refused, or whose user may not go on (RFC 6455 §7.4.1)."""


def request_of(scope: Scope, receive: Receive | None = None) -> WebRequest:
    """Return the request of a scope.

    Args:
        scope: ASGI's scope of a request or a WebSocket.
        receive: Gives the body; None where nobody is to read it.
    """
    if receive is None:
        return WebRequest.of_scope(scope)
    return WebRequest.of_scope(scope, lambda: _chunks(receive))


async def _chunks(receive: Receive) -> AsyncIterator[bytes]:
    is_more = True
    while is_more:
        message = await receive()
        if message["type"] != "http.request":
            msg = "the connection was closed before the body had come"
            raise MalformedRequestError(msg)
        is_more = message.get("more_body", False)
        yield message.get("body", b"")


async def send_reply(reply: WebReply, scope: Scope, send: Send) -> None:
    """Send a reply; a WebSocket that is not open yet is refused by it.

    Args:
        reply: The reply.
        scope: The scope that it is for.
        send: Sends a message.
    """
    prefix = ""
    if scope["type"] == "websocket":
        if "websocket.http.response" not in scope.get("extensions", {}):
            await send({"type": "websocket.close", "code": POLICY_VIOLATION})
            return
        prefix = "websocket."
    body = reply.body()
    lines = [*reply.header_lines(), ("content-length", str(len(body)))]
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in lines]
    await send({"type": f"{prefix}http.response.start", "status": reply.status, "headers": headers})
    is_head = scope.get("method") == "HEAD"
    await send({"type": f"{prefix}http.response.body", "body": b"" if is_head else body})
