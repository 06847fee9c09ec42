"""The door in front of the pool's paths: every request passes it."""

from typing import Final

from attrs import define, frozen
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from authflow.pool.admission.gate import KeepBack
from authflow.pool.cognito_errors import CognitoError
from authflow.pool.http.confirmation_page import is_link
from authflow.pool.http.http_replies import refusal
from authflow.pool.http.origins import Origins
from authflow.pool.log_limit import limited_logger

_LOG: Final = limited_logger("authflow.pool")
ARRIVAL: Final = "authflow.arrival"
"""The key of the request's `Arrival` in a scope."""


@define
class Arrival:
    """The part of a request that has come so far.

    Args:
        is_whole: Whether its end has come.
        keep_back: Lets its refusal wait for so many seconds, or less if the connection is to go.
    """

    is_whole: bool = False
    keep_back: KeepBack | None = None


def internal_error() -> CognitoError:
    """Return the error that says that the pool failed, without the cause."""
    return CognitoError("InternalErrorException", "The pool failed.", 500)


@frozen(kw_only=True)
class Door:
    """An ASGI application in front of another one.

    Requests that were sent to another server, or by another's page, do not come through. Whatever
    fails is answered in JSON. A reply to a request that has not come to its end, such as a body
    that was refused, closes the connection: else a client could send that body for ever.

    Args:
        app: What is behind the door.
        origins: Who may ask.
    """

    app: ASGIApp
    origins: Origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        begun = False

        async def tell(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                if not scope[ARRIVAL].is_whole:
                    message["headers"] = [*message["headers"], (b"connection", b"close")]
            await send(message)

        try:
            self.origins.check(Headers(scope=scope), _local(scope), linked=is_link(scope))
        except CognitoError as error:
            await refusal(error)(scope, receive, tell)
            return
        try:
            await self.app(scope, receive, tell)
        except Exception:  # noqa: BLE001  # the application may have answered already
            _LOG.exception("a request failed")
            if not begun:
                await refusal(internal_error())(scope, receive, tell)


def _local(scope: Scope) -> str:
    server = scope.get("server")
    return str(server[0]) if server else ""
