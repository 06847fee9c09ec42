"""Authentication for aiohttp's client by a signed-in user whose token is kept fresh.

    auth = CognitoMiddleware(user, origins=["https://api.example.com"])
    async with aiohttp.ClientSession(middlewares=[auth]) as session:
        async with session.get("https://api.example.com/orders") as reply:
            orders = await reply.json()

aiohttp runs a middleware for every hop of a redirect, and nothing tells a hop from a request of the
caller's own. So the origins must be named, and whatever goes elsewhere goes without the token. What
else is decided is said in `authflow.integrations.httpx`.

Source: "Client Middleware" in aiohttp's documentation; they came with version 3.12.
"""

from collections.abc import Iterable
from typing import Final

from aiohttp import ClientHandlerType, ClientRequest, ClientResponse
from aiohttp.hdrs import AUTHORIZATION
from aiohttp.payload import BytesPayload

from authflow.errors import MisuseError
from authflow.integrations.bearer import UNAUTHORIZED, Bearer, Origin
from authflow.tokens.token_source import TokenKind, TokenSource
from authflow.unframed import whole

__all__ = ["CognitoMiddleware"]

_SENT_AGAIN: Final = (bytes, BytesPayload)
"""Bodies that are whole in memory, and can be sent a second time."""


@whole
class CognitoMiddleware:
    """Sends a user's token as `Authorization: Bearer …`: a middleware of `aiohttp.ClientSession`.

    Args:
        user: Whose token: an object with `async def access_token()` and `async def id_token()`.
        origins: Who may see it, such as ``https://api.example.com``. Requests to others go
            without.
        token: Which token: "access" for an API of yours, "id" where the API wants to know who.

    Raises:
        MisuseError: The user gives no tokens, or there is no such kind of token.
        ConfigError: An origin is malformed, has a path, or is reached in clear; or there is none.
    """

    def __init__(
        self, user: TokenSource, *, origins: Iterable[str] | str, token: TokenKind = "access"
    ) -> None:
        self._bearer = Bearer(user=user, token=token, origins=origins)
        self._bearer.require_origins()

    async def __call__(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        """Send a request with the token, and once more if there is a newer one after a 401.

        Raises:
            MisuseError: A proxy would see it in clear; nothing was sent.
            AuthFlowError: There is no token that is good. Nothing was sent, unless the first token
                was answered by a 401 and no other is to be had.
        """
        url = request.url
        origin = Origin.of(url.scheme, url.raw_host or "", url.port)
        if origin not in self._bearer.origins:
            return await handler(request)
        if origin.scheme == "http" and request.proxy is not None:
            msg = (
                f"the token must not go to http://{origin.host} by a proxy, which sees it in clear"
            )
            raise MisuseError(msg)
        header = await self._bearer.header()
        request.headers[AUTHORIZATION] = header.reveal()
        response = await handler(request)
        if response.status != UNAUTHORIZED or not isinstance(request.body, _SENT_AGAIN):
            return response
        try:
            newer = await self._bearer.header()
        except BaseException:
            response.close()  # nobody has it, and so nobody else frees its connection
            raise
        if newer == header:
            return response
        response.release()
        request.headers[AUTHORIZATION] = newer.reveal()
        return await handler(request)
