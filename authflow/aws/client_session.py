"""Sessions of AWS clients: no redirects, no configuration files, no bodies in logs.

Both faces that call out use it: the client for a user pool, the pool for a Lambda endpoint. What
they send holds passwords, codes and tokens, so only their own settings decide who gets it.
"""

import asyncio
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any, ClassVar, Final

import aiohttp
from aiobotocore.config import AioConfig
from aiobotocore.httpsession import AIOHTTPSession
from aiobotocore.session import AioSession
from botocore.exceptions import ReadTimeoutError

from authflow.aws.certificates import named_certificates
from authflow.errors import ConfigError
from authflow.safe_url import SafeUrl

MOST_BYTES: Final = 1024 * 1024
"""The greatest length of a reply. Those of a user pool are far shorter: their longest member, a
token, has a few kilobytes."""


class RedirectedError(aiohttp.ClientError):
    """The server redirects the request to another address."""


class TooLongError(aiohttp.ClientPayloadError):
    """The reply is longer than any expected one; the rest of it was not read."""


class CompressedError(aiohttp.ClientPayloadError):
    """The reply is compressed, which was not asked for, so its real length is unknown."""


async def _refuse_redirect(*_: object) -> None:
    raise RedirectedError


_limit: Final[ContextVar[asyncio.Timeout]] = ContextVar("authflow_limit")
_sent: Final[ContextVar[Callable[[], None] | None]] = ContextVar("authflow_sent", default=None)


@contextmanager
def tell_when_sent(tell: Callable[[], None]) -> Iterator[None]:
    """Call a function when a request begins to leave this machine.

    Args:
        tell: Called when the connection is made and the head of the request is being sent.
    """
    token = _sent.set(tell)
    try:
        yield
    finally:
        _sent.reset(token)


class _Reply(aiohttp.ClientResponse):
    """A reply that is read up to a length limit."""

    most_bytes: ClassVar[int]

    async def read(self) -> bytes:
        if self._body is None:
            try:
                self._body = await self._read_bounded()
            except BaseException:
                self.close()
                raise
        return await super().read()

    async def _read_bounded(self) -> bytes:
        if self.headers.get("Content-Encoding", "").strip().lower() not in {"", "identity"}:
            raise CompressedError
        if (self.content_length or 0) > self.most_bytes:
            raise TooLongError
        body = bytearray()
        async for piece in self.content.iter_any():
            body += piece
            if len(body) > self.most_bytes:
                raise TooLongError
        return bytes(body)


class _BoundedSession(AIOHTTPSession):  # type: ignore[misc]  # aiobotocore has no types
    """aiobotocore's HTTP session, with the limits that it lacks.

    It follows redirects, and sends the body along: to another host, or out of TLS. It reads replies
    of any length, and waits for the next piece of one as often as there is one. This one stops.
    """

    reply_class: ClassVar[type[_Reply]]

    async def send(self, request: Any) -> Any:
        """Send a request. The time limit for the whole reply begins when the request is sent."""
        try:
            async with asyncio.timeout(None) as limit:
                token = _limit.set(limit)
                try:
                    return await super().send(request)
                finally:
                    _limit.reset(token)
        except TimeoutError as error:
            raise ReadTimeoutError(endpoint_url=request.url, error=error) from None

    async def _get_session(self, proxy_url: str | None) -> aiohttp.ClientSession:
        session: aiohttp.ClientSession = await super()._get_session(proxy_url)
        if not session.trace_configs:
            if not hasattr(session, "_response_class"):
                msg = "this aiohttp is too new for authflow to bound the length of replies"
                raise ConfigError(msg)
            session._response_class = self.reply_class  # noqa: SLF001  # aiobotocore sets none
            trace = aiohttp.TraceConfig()
            trace.on_request_redirect.append(_refuse_redirect)
            trace.on_request_headers_sent.append(self._note_sent)
            trace.freeze()
            session.trace_configs.append(trace)
        return session

    async def _note_sent(self, *_: object) -> None:
        if (tell := _sent.get()) is not None:
            tell()
        seconds = self._timeout.sock_read
        if seconds is not None:
            _limit.get().reschedule(asyncio.get_running_loop().time() + seconds)


@cache
def _session_class(most_bytes: int) -> type[_BoundedSession]:
    """Return the class of sessions with a length limit for replies; aiobotocore creates them."""
    reply_class = type("_Reply", (_Reply,), {"most_bytes": most_bytes})
    return type("_BoundedSession", (_BoundedSession,), {"reply_class": reply_class})


def open_session() -> AioSession:
    """Open a session that uses none of AWS's configuration files and profiles.

    Raises:
        ConfigError: The installed aiobotocore cannot be kept from following redirects, or the
            environment names certificates by an empty text.
    """
    if "_get_session" not in vars(AIOHTTPSession):
        msg = "this aiobotocore is too new for authflow to keep it from following redirects"
        raise ConfigError(msg)
    session = AioSession(
        session_vars={
            "profile": (None, None, None, None),
            "config_file": (None, None, os.devnull, None),
            "credentials_file": (None, None, os.devnull, None),
        }
    )
    named_certificates()
    return session


def client_config(
    *,
    attempts: int = 1,
    endpoint: SafeUrl | None = None,
    most_bytes: int = MOST_BYTES,
    **options: Any,
) -> AioConfig:
    """Return the settings of all clients: no redirects, limited replies, one attempt a call.

    Args:
        attempts: How often a request may be made, if once more does no harm.
        endpoint: Where requests go, unless that is AWS.
        most_bytes: How long a reply may be. What an operation gives as a stream is its reader's.
        **options: More of botocore's settings, such as time-outs; they win.
    """
    shared = {
        "retries": {"total_max_attempts": attempts, "mode": "standard"},
        # botocore would build its own for every call, at a quarter of the call's cost.
        "user_agent": "authflow",
        "parameter_validation": False,  # the callers only send members that AWS knows
        "disable_request_compression": True,
        "ignore_configured_endpoint_urls": True,
        "http_session_cls": _session_class(most_bytes),
        # A request without encryption must not pass a proxy that the environment names.
        "proxies": None if endpoint is None or endpoint.is_encrypted else {},
    }
    return AioConfig(**{**shared, **options})


_quiet: Final[ContextVar[bool]] = ContextVar("authflow_quiet", default=False)


def _is_loggable(record: logging.LogRecord) -> bool:
    return not _quiet.get() or record.levelno >= logging.WARNING


@contextmanager
def unlogged() -> Iterator[None]:
    """Keep botocore from logging bodies, which hold passwords and tokens, at DEBUG."""
    token = _quiet.set(True)
    try:
        yield
    finally:
        _quiet.reset(token)


for _name in (
    *("botocore.auth", "botocore.client", "botocore.endpoint", "botocore.hooks"),
    *("botocore.httpsession", "botocore.parsers", "botocore.regions", "botocore.retryhandler"),
    *("aiobotocore.client", "aiobotocore.endpoint", "aiobotocore.hooks"),
    *("aiobotocore.httpsession", "aiobotocore.regions", "aiobotocore.retryhandler"),
):
    logging.getLogger(_name).addFilter(_is_loggable)
