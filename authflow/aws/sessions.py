"""How authflow opens clients of AWS: no redirects, no configuration files, no bodies in logs.

Both faces that call out use it: the client for a user pool, the pool for a Lambda endpoint. What
they send holds passwords, codes and tokens, so only their own settings decide who gets it.
"""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

import aiohttp
from aiobotocore.config import AioConfig
from aiobotocore.httpsession import AIOHTTPSession
from aiobotocore.session import AioSession

from authflow.errors import ConfigError
from authflow.safe_url import SafeUrl


class RedirectedError(aiohttp.ClientError):
    """The server wants the request sent elsewhere."""


async def _refuse_redirect(*_: object) -> None:
    raise RedirectedError


class _NoRedirects(AIOHTTPSession):  # type: ignore[misc]  # aiobotocore has no types
    """aiobotocore's HTTP session follows redirects, and sends the body along. This one stops.

    A redirect could lead out of TLS, or to another host.
    """

    async def _get_session(self, proxy_url: str | None) -> aiohttp.ClientSession:
        session: aiohttp.ClientSession = await super()._get_session(proxy_url)
        if not session.trace_configs:
            refusal = aiohttp.TraceConfig()
            refusal.on_request_redirect.append(_refuse_redirect)
            refusal.freeze()
            session.trace_configs.append(refusal)
        return session


def open_session() -> AioSession:
    """Open a session in which AWS's configuration files and profiles play no part.

    Raises:
        ConfigError: The installed aiobotocore cannot be kept from following redirects.
    """
    if "_get_session" not in vars(AIOHTTPSession):
        msg = "this aiobotocore is too new for authflow to keep it from following redirects"
        raise ConfigError(msg)
    return AioSession(
        session_vars={
            "profile": (None, None, None, None),
            "config_file": (None, None, os.devnull, None),
            "credentials_file": (None, None, os.devnull, None),
        }
    )


def client_config(
    *, attempts: int = 1, endpoint: SafeUrl | None = None, **options: Any
) -> AioConfig:
    """Give the settings that all clients share: no redirects, and one attempt a call.

    Args:
        attempts: How often a request may be made, if once more does no harm.
        endpoint: Where requests go, unless that is AWS.
        **options: More of botocore's settings, such as time-outs; they win.
    """
    shared = {
        "retries": {"total_max_attempts": attempts, "mode": "standard"},
        # botocore builds its own anew for every call, a quarter of its cost.
        "user_agent": "authflow",
        "parameter_validation": False,  # the callers spell nothing that AWS does not know
        "disable_request_compression": True,
        "ignore_configured_endpoint_urls": True,
        "http_session_cls": _NoRedirects,
        # What is not encrypted takes no way round by a proxy that the environment names.
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
