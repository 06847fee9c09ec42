"""Authentication for `httpx` by a signed-in user whose token is kept fresh.

    async with httpx.AsyncClient(auth=CognitoAuth(user)) as client:
        await client.get("https://api.example.com/orders")

and for synchronous code, by a user of `authflow.sync`:

    with httpx.Client(auth=CognitoAuth(user)) as client:
        client.get("https://api.example.com/orders")

What httpx and httpx-auth do on other clients' behalf, and what is decided here:

1. A token is asked for before each request, and the user's own keeper refreshes it ahead of time,
   as pycognito's `RequestsSrpAuth` checks it before each.
2. A 401 is answered once, and only if there is another token by then: the first one had expired on
   its way, or was replaced. The same token would be refused again, so nothing is refreshed by
   force: an API that refuses everybody would make every caller of it refresh.
3. The token follows no redirect to another origin: httpx drops the header there, and the answer
   that came from there is no reason to send anything again. From http://host to https://host it
   carries the header on, and nobody is asked: so at http's own port a host is refused unless both
   are named as origins.
4. In clear it goes to this machine alone, and not through a proxy: where the environment names one
   for http, an address of this machine is refused unless the environment excepts it. httpx does not
   tell what a client is told by `proxy=` or `mounts=`: name no proxy for http there.

Needs the extra `httpx`: `pip install 'cognito-authflow[httpx]'`.
"""

from collections.abc import AsyncGenerator, Generator, Iterable
from typing import Final
from urllib.request import getproxies

from authflow.errors import MisuseError
from authflow.extras import UnavailableImportError, advice
from authflow.integrations.bearer import UNAUTHORIZED, Bearer, Origin
from authflow.secret import Secret
from authflow.tokens.token_source import PlainTokenSource, TokenKind, TokenSource
from authflow.unframed import whole

try:
    import httpx
except ImportError as error:
    raise UnavailableImportError(advice(error, extra="httpx")) from error

__all__ = ["CognitoAuth"]

_AUTHORIZATION: Final = "Authorization"
_HTTP_PORT: Final = 80


@whole
class CognitoAuth(httpx.Auth):
    """Sends a user's token as `Authorization: Bearer …`, for either client of httpx.

    Args:
        user: Whose token: an object with `async def access_token()` and `async def id_token()` for
            `httpx.AsyncClient`, and with `def access_token()` and `def id_token()`, as
            `authflow.sync.SignedInUser` has them, for `httpx.Client` and httpx's functions.
        token: Which token: "access" for an API of yours, "id" where the API wants to know who.
        origins: Who may see it, such as ``https://api.example.com``. If none is named, every https
            address that the client is told to ask, and this machine. A request to another address
            is refused before anything is sent; give it `auth=None` if it needs no token. A request
            to this machine by http is refused as well while the environment names a proxy for it
            (`HTTP_PROXY`, `ALL_PROXY`): set `NO_PROXY=localhost,127.0.0.1,::1`; and one to port 80
            unless both ``http://localhost`` and ``https://localhost`` are named, since a redirect
            to the latter takes the token along. Give the client no proxy for http by hand
            (`proxy=`, `mounts=`): nobody can see it from here.

    Raises:
        MisuseError: The user gives no tokens, or there is no such kind of token.
        ConfigError: An origin is malformed, has a path, or is reached in clear.
    """

    def __init__(
        self,
        user: TokenSource | PlainTokenSource,
        *,
        token: TokenKind = "access",
        origins: Iterable[str] | str = (),
    ) -> None:
        self._bearer = Bearer(user=user, token=token, origins=origins)

    def sync_auth_flow(
        self, request: httpx.Request
    ) -> Generator[httpx.Request, httpx.Response, None]:
        """Do for `httpx.Client` what `async_auth_flow` does for `httpx.AsyncClient`.

        Raises:
            MisuseError: The token must not go to this address, or the user is asynchronous; nothing
                was sent.
            AuthFlowError: There is no token that is good. Nothing was sent, unless the first token
                was answered by a 401 and no other is to be had.
        """
        self._check(request.url)
        header = self._bearer.header_here()
        request.headers[_AUTHORIZATION] = header.reveal()
        response = yield request
        if _may_have_expired(response) and _renewed(request, header, self._bearer.header_here()):
            yield request

    async def async_auth_flow(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Send a request with the token, and once more if there is a newer one after a 401.

        Raises:
            MisuseError: The token must not go to this address, or the user is synchronous; nothing
                was sent.
            AuthFlowError: There is no token that is good. Nothing was sent, unless the first token
                was answered by a 401 and no other is to be had.
        """
        self._check(request.url)
        header = await self._bearer.header()
        request.headers[_AUTHORIZATION] = header.reveal()
        response = yield request
        if _may_have_expired(response) and _renewed(request, header, await self._bearer.header()):
            yield request

    def _check(self, url: httpx.URL) -> None:
        """Refuse an address that must not see the token."""
        origin = Origin.of(url.scheme, url.raw_host.decode("ascii"), url.port)
        if origin in self._bearer.origins or (not self._bearer.origins and origin.is_private):
            if origin.scheme == "http" and _goes_by_proxy(origin):
                msg = (
                    f"the token must not go to http://{origin.host}, since the environment names a "
                    "proxy for it, which would see it in clear: except this machine by NO_PROXY"
                )
                raise MisuseError(msg)
            self._check_upgrade(origin)
            return
        why = (
            "is none of the origins that CognitoAuth was given"
            if self._bearer.origins
            else "is reached in clear"
        )
        msg = f"the token must not go to {origin.scheme}://{origin.host}, which {why}"
        raise MisuseError(msg)

    def _check_upgrade(self, origin: Origin) -> None:
        """Refuse an address from which httpx would take the token to another origin.

        It keeps the header at a redirect from http to https, of one host and each scheme's port.
        """
        if origin != Origin.of("http", origin.host, None):
            return
        if Origin.of("https", origin.host, None) not in self._bearer.origins:
            msg = (
                f"the token must not go to http://{origin.host}, since httpx takes it along at a"
                f" redirect to https://{origin.host}: name both as origins, or ask another port"
            )
            raise MisuseError(msg)


def _may_have_expired(response: httpx.Response) -> bool:
    """Return whether the origin that was asked refused the token itself."""
    return response.status_code == UNAUTHORIZED and not response.history


def _renewed(request: httpx.Request, sent: Secret[str], newer: Secret[str]) -> bool:
    """Put a newer token into a request, and return whether it is to be sent again."""
    if newer == sent or not isinstance(request.stream, httpx.ByteStream):
        return False  # a body that was read once cannot be sent again
    request.headers[_AUTHORIZATION] = newer.reveal()
    return True


def _goes_by_proxy(origin: Origin) -> bool:
    """Return whether the environment sends requests to an origin through a proxy, as httpx has it.

    Where it is not clear that the origin is excepted, it is not.
    """
    proxies = getproxies()
    if not (proxies.get("http") or proxies.get("all")):
        return False
    names = {"*", origin.host}
    if ":" not in origin.host:
        names.add(f"http://{origin.host}")
        if origin.port != _HTTP_PORT:  # of http's own port httpx takes no notice
            names.add(f"{origin.host}:{origin.port}")
    return names.isdisjoint(each.strip().lower() for each in proxies.get("no", "").split(","))
