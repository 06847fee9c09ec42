"""Downloads of small public documents, over the same network as the calls of AWS's services.

The proxies, certificates and time-outs are those that a client of AWS gets, as botocore reads them
from the environment. botocore itself is not loaded: it takes more time and memory than all that a
service needs which only verifies tokens.

Source: `get_environ_proxies` of `botocore.utils`, and `ProxyConfiguration` of
`botocore.httpsession`.
"""

import asyncio
import ssl
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from types import SimpleNamespace
from typing import Any, Final
from urllib.request import getproxies, proxy_bypass

import aiohttp
import anyio.to_thread
from attrs import define, field, frozen

from authflow.aws.certificates import trusted_certificates

_ZLIB_OR_GZIP: Final = zlib.MAX_WBITS | 32
"""zlib recognises both formats by their first bytes."""
_RAW: Final = -zlib.MAX_WBITS
"""The "deflate" of some servers, without the header that RFC 9110 §8.4.1.2 requires."""
_MEMBERS: Final = 100
"""The most members of a gzip file that are read."""
_COMPRESSED: Final = frozenset({"gzip", "x-gzip", "deflate"})


class DownloadError(Exception):
    """The document cannot be had in whole. The text says why."""


class TooLargeError(DownloadError):
    """The document is larger than it may be."""

    def __init__(self, *, most: int) -> None:
        super().__init__(f"the document is larger than {most} bytes")


class UntrustedError(DownloadError):
    """The server's certificate is not trusted, or the file of trusted ones cannot be read."""


class FailedError(DownloadError):
    """The network, or the server, failed."""


class BrokenError(DownloadError):
    """The document ended too early, or cannot be unpacked."""

    def __init__(self, *, why: str) -> None:
        super().__init__(f"the document is not whole: {why}")


@frozen(kw_only=True)
class Document:
    """A downloaded document.

    Args:
        status: HTTP's status.
        body: The document, unpacked; empty if the status is not 200.
    """

    status: int
    body: bytes = field(repr=False)


@define(eq=False)
class Download:
    """A document that can be downloaded. Make it with `open_download`."""

    url: str
    proxy: str | None = field(repr=False)
    _http: aiohttp.ClientSession = field(repr=False)
    _read_timeout: float

    async def get(self, *, most: int) -> Document:
        """Download the document to its end.

        Args:
            most: How many bytes it may have, packed or unpacked.

        Raises:
            DownloadError: There is no whole document of that size.
        """
        try:
            async with asyncio.timeout(None) as limit:
                reply = await self._http.get(
                    self.url,
                    proxy=self.proxy,
                    allow_redirects=False,
                    trace_request_ctx=partial(_limited, limit, self._read_timeout),
                )
                try:
                    if reply.status != 200:  # HTTP's OK
                        return Document(status=reply.status, body=b"")
                    body = await _read(reply, most)
                finally:
                    reply.close()
        # aiohttp's errors may show the proxy, and its password.
        except aiohttp.ClientConnectorCertificateError as error:
            raise UntrustedError(_told(error)) from None
        except aiohttp.ClientError as error:
            raise FailedError(_told(error)) from None
        except TimeoutError:
            raise BrokenError(why="it came too slowly") from None
        except OSError as error:
            raise FailedError(_told(error)) from None
        return Document(
            status=reply.status,
            body=_unpacked(body, reply.headers.get("Content-Encoding", ""), most),
        )


def _told(error: Exception) -> str:
    return f"{type(error).__name__}; check the network and the address"


async def _read(reply: aiohttp.ClientResponse, most: int) -> bytes:
    """Read a reply to its end, in however many pieces it comes."""
    body = bytearray()
    try:
        async for piece in reply.content.iter_any():
            body += piece
            if len(body) > most:
                raise TooLargeError(most=most)
    except aiohttp.ClientError as error:
        raise BrokenError(why=type(error).__name__) from None
    return bytes(body)


def _unpacked(body: bytes, encoding: str, most: int) -> bytes:
    """Unpack a body that the server packed without being asked, up to the length limit."""
    encoding = encoding.strip().lower()
    if encoding in {"", "identity"}:
        return body
    if encoding not in _COMPRESSED:
        raise BrokenError(why="it is packed in an unknown way")
    for window in (_ZLIB_OR_GZIP, _RAW) if encoding == "deflate" else (_ZLIB_OR_GZIP,):
        try:
            return _whole(body, window, most)
        except zlib.error:
            continue
    raise BrokenError(why="it cannot be unpacked")


def _whole(packed: bytes, window: int, most: int) -> bytes:
    """Unpack all members, of which a gzip file may have several (RFC 1952 §2.2)."""
    whole = b""
    for _ in range(_MEMBERS):
        unpacking = zlib.decompressobj(window)
        whole += unpacking.decompress(packed, most + 1 - len(whole))
        if len(whole) > most:
            raise TooLargeError(most=most)
        if not unpacking.eof:
            raise BrokenError(why="it ends too early")
        packed = unpacking.unused_data
        if not packed:
            return whole
    raise TooLargeError(most=most)


def _limited(limit: asyncio.Timeout, seconds: float) -> None:
    limit.reschedule(asyncio.get_running_loop().time() + seconds)


async def _tell_when_sent(_: aiohttp.ClientSession, trace: SimpleNamespace, *__: Any) -> None:
    trace.trace_request_ctx()


def _proxy(url: str) -> str | None:
    """Return the proxy that the environment names for an encrypted address, as botocore does."""
    scheme, _, rest = url.partition("://")
    try:
        if proxy_bypass(rest.partition("/")[0]):
            return None
    except (TypeError, OSError):  # botocore asks as well in spite of these
        pass
    proxy = getproxies().get(scheme.lower())
    if proxy and "://" not in proxy:
        proxy = f"http://{proxy.removeprefix('//')}"
    return proxy or None


@asynccontextmanager
async def open_download(
    url: str, *, connect_timeout: float, read_timeout: float
) -> AsyncIterator[Download]:
    """Open the HTTP session for a document, and close it at the end.

    Args:
        url: Where the document is. What is not encrypted goes by no proxy.
        connect_timeout: Seconds for a connection to be made.
        read_timeout: Seconds for a whole reply, from when the request is sent.

    Raises:
        ConfigError: The environment names certificates by an empty text.
        UntrustedError: The certificates cannot be read.
    """
    encrypted = url.lower().startswith("https:")
    context = None
    if encrypted:
        # Reading the certificates takes 50 ms.
        read = partial(ssl.create_default_context, cafile=trusted_certificates())
        try:
            context = await anyio.to_thread.run_sync(read)
        except OSError as error:  # which ssl.SSLError is, too
            msg = f"the file of trusted certificates cannot be read: {type(error).__name__}"
            raise UntrustedError(msg) from None
    trace = aiohttp.TraceConfig()
    trace.on_request_headers_sent.append(_tell_when_sent)
    http = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=1, ssl=True if context is None else context),
        timeout=aiohttp.ClientTimeout(
            total=None, connect=connect_timeout, sock_connect=connect_timeout
        ),
        headers={
            "User-Agent": "authflow",
            "Accept": "application/json",
            "Accept-Encoding": "identity",
        },
        auto_decompress=False,  # otherwise aiohttp would unpack it without a limit
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        trace_configs=[trace],
    )
    async with http:
        yield Download(url, _proxy(url) if encrypted else None, http, read_timeout)
