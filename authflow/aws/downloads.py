"""Downloads of small public documents, over the same network as the calls of AWS's services.

The HTTP session is the one that a client of AWS gets: the same class, and the same proxies,
certificates and time-outs, as botocore reads them from the environment.
"""

import asyncio
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import aiohttp
from attrs import define, field, frozen
from botocore.awsrequest import AWSRequest
from botocore.exceptions import HTTPClientError
from botocore.utils import get_environ_proxies

from authflow.aws.client_session import certificates, client_config, tell_when_sent

_ZLIB_OR_GZIP: Final = zlib.MAX_WBITS | 32
"""zlib recognises both formats by their first bytes."""
_RAW: Final = -zlib.MAX_WBITS
"""The "deflate" of some servers, without the header that RFC 9110 §8.4.1.2 requires."""
_MEMBERS: Final = 100
"""The most members of a gzip file that are read."""
_COMPRESSED: Final = frozenset({"gzip", "x-gzip", "deflate"})


class TooLargeError(HTTPClientError):  # type: ignore[misc]  # botocore has no types
    """The document is larger than it may be."""

    fmt = "the document is larger than {most} bytes"


class BrokenError(HTTPClientError):  # type: ignore[misc]
    """The document ended too early, or cannot be unpacked."""

    fmt = "the document is not whole: {why}"


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
    _http: Any = field(repr=False)
    _read_timeout: float

    async def get(self, *, most: int) -> Document:
        """Download the document to its end.

        Args:
            most: How many bytes it may have, packed or unpacked.

        Raises:
            botocore.exceptions.BotoCoreError: There is no whole document of that size.
        """
        request = AWSRequest(
            method="GET",
            url=self.url,
            headers={"User-Agent": "authflow", "Accept": "application/json"},
            stream_output=True,  # otherwise aiohttp would unpack it without a limit
        )
        time = asyncio.get_running_loop().time
        until = time() + self._read_timeout

        def sent() -> None:
            nonlocal until
            until = time() + self._read_timeout

        with tell_when_sent(sent):
            reply = (await self._http.send(request.prepare())).raw
        try:
            if reply.status != 200:  # HTTP's OK
                return Document(status=reply.status, body=b"")
            async with asyncio.timeout_at(until):  # the session's ends with the head
                body = await _read(reply, most)
        except TimeoutError:
            raise BrokenError(why="it came too slowly") from None
        finally:
            reply.close()
        return Document(
            status=reply.status,
            body=_unpacked(body, reply.headers.get("Content-Encoding", ""), most),
        )


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
        ConfigError: The installed aiobotocore cannot be kept from following redirects, or the
            environment names certificates by an empty text.
    """
    encrypted = url.lower().startswith("https:")
    config = client_config(connect_timeout=connect_timeout, read_timeout=read_timeout)
    http = config.http_session_cls(
        timeout=(config.connect_timeout, config.read_timeout),
        proxies=get_environ_proxies(url) if encrypted else {},
        verify=certificates() if encrypted else False,  # reading the certificates takes 50 ms
        max_pool_connections=1,
    )
    async with http:
        yield Download(url, http, read_timeout)
