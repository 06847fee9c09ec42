"""Carries requests to Cognito, by one aiobotocore client, and tells what became of them.

botocore's own retries are off: by default it sends one challenge answer up to five times, and a
session is for one use, so a lost reply would become a refusal and a code's tries would be used up.
Here a request is sent again only when it surely was not processed: no connection was made, or
Cognito said that it asks to slow down.
"""

import logging
import os
import random
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

import aiohttp
import anyio
from aiobotocore.config import AioConfig
from aiobotocore.httpsession import AIOHTTPSession
from aiobotocore.session import AioSession
from attrs import define, field
from botocore import UNSIGNED
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ProxyConnectionError,
    ReadTimeoutError,
    SSLError,
)

from authflow.client.config import AuthConfig
from authflow.client.exchange import Exchange
from authflow.errors import (
    AuthFlowError,
    ConfigError,
    MalformedReplyError,
    OutcomeUnknownError,
    ServerFaultError,
    ThrottledError,
    TimedOutError,
    UnreachableError,
)
from authflow.refusals import read_error
from authflow.wire import Request

if TYPE_CHECKING:
    from collections.abc import Iterator

    from types_aiobotocore_cognito_idp import CognitoIdentityProviderClient

_PAUSES: Final = (0.2, 0.8)
"""The longest pauses before a request is sent again, in seconds; drawn in full (full jitter)."""
_METHODS: Final[Mapping[str, str]] = {
    "InitiateAuth": "initiate_auth",
    "RespondToAuthChallenge": "respond_to_auth_challenge",
    "GetTokensFromRefreshToken": "get_tokens_from_refresh_token",
    "RevokeToken": "revoke_token",
    "GlobalSignOut": "global_sign_out",
}
_ONCE: Final = frozenset({"RespondToAuthChallenge", "GetTokensFromRefreshToken"})
"""What they carry is spent by being received: sessions, and refresh tokens with rotation on."""


class _NotSentError(UnreachableError):
    """Nothing of the request left this machine."""


@define
class Transport:
    """Sends requests over one client. Make it with `open_transport`."""

    _client: "CognitoIdentityProviderClient" = field(repr=False)
    _in_flight: anyio.Semaphore = field(repr=False)
    _observer: Callable[[Exchange], None] | None = field(default=None, repr=False)

    async def send(self, request: Request) -> Mapping[str, Any]:
        """Send a request and give the reply's members.

        Raises:
            RefusedError: Cognito said no; the class says why.
            TransportError: There is no reply that can be relied on.
            MalformedReplyError: The reply is not Cognito's JSON.
        """
        pauses = iter(_PAUSES)
        while isinstance(outcome := await self._once(request), _NotSentError | ThrottledError):
            pause = next(pauses, None)
            if pause is None:
                break
            await anyio.sleep(random.uniform(0, pause))  # noqa: S311  # spreads load, hides nothing
        if isinstance(outcome, AuthFlowError):
            raise outcome
        return outcome

    async def _once(self, request: Request) -> Mapping[str, Any] | AuthFlowError:
        """Send once, and tell the observer."""
        async with self._in_flight:
            outcome = await self._try(request)
        if self._observer is not None:
            self._observer(Exchange.of(request, outcome))
        return outcome

    async def _try(self, request: Request) -> Mapping[str, Any] | AuthFlowError:
        """Send once. Errors are given back, so that no traceback reaches frames with secrets."""
        method = getattr(self._client, _METHODS[request.operation])
        try:
            with _unlogged():
                reply: Mapping[str, Any] = await method(**request.body)
        except ClientError as error:
            return _refusal(request, error)
        except BotoCoreError as error:
            return _lost(request, error)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            # botocore's parser trusts the server: JSON of another shape breaks it in many ways.
            return MalformedReplyError(_NO_POOL)
        return reply if _is_cognitos(reply) else MalformedReplyError(_NO_POOL)


_NO_POOL: Final = "the reply is not Cognito's JSON: the server is no user pool"


def _is_cognitos(reply: Mapping[str, Any]) -> bool:
    """Tell Cognito's replies from redirects and web pages, which botocore takes for empty ones."""
    metadata = reply.get("ResponseMetadata", {})
    media_type = metadata.get("HTTPHeaders", {}).get("content-type", "")
    return metadata.get("HTTPStatusCode") == 200 and "json" in media_type  # HTTP's OK


def _refusal(request: Request, error: ClientError) -> AuthFlowError:
    """Read Cognito's error."""
    response = error.response
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    details = response.get("Error", {})
    code, text = str(details.get("Code", "")), request.scrub(str(details.get("Message", "")))
    if status >= 500 or not code:  # HTTP's server errors
        return _uncertain(request, ServerFaultError, f"the server failed with HTTP status {status}")
    return read_error(code, text)


def _lost(request: Request, error: BotoCoreError) -> AuthFlowError:
    """Tell what a failed exchange means for the request."""
    if isinstance(error, EndpointConnectionError):
        # aiobotocore uses one class for a connection that was never made and for one that broke.
        cause = error.kwargs.get("error")
        never_made = isinstance(cause, aiohttp.ClientConnectorError)
    else:
        never_made = isinstance(error, ConnectTimeoutError | ProxyConnectionError | SSLError)
    if never_made:
        return _NotSentError("Cognito cannot be reached: check the network and the endpoint")
    if isinstance(error.kwargs.get("error"), _RedirectedError):
        return MalformedReplyError("the server sends requests elsewhere; check the endpoint")
    if isinstance(error, ReadTimeoutError):
        return _uncertain(request, TimedOutError, "Cognito did not answer in time")
    return _uncertain(request, UnreachableError, "the connection broke before the reply was whole")


def _uncertain(request: Request, kind: type[AuthFlowError], what: str) -> AuthFlowError:
    if request.operation in _ONCE:
        return OutcomeUnknownError(f"{what}; it may or may not have counted: start again")
    return kind(what)


class _RedirectedError(aiohttp.ClientError):
    """The server wants the request sent elsewhere."""


async def _refuse_redirect(*_: object) -> None:
    raise _RedirectedError


class _NoRedirects(AIOHTTPSession):  # type: ignore[misc]  # aiobotocore has no types
    """aiobotocore's HTTP session follows redirects, and sends the password along. This one stops.

    Only `config` decides who is asked: a redirect could lead out of TLS, or to another host.
    """

    async def _get_session(self, proxy_url: str | None) -> aiohttp.ClientSession:
        session: aiohttp.ClientSession = await super()._get_session(proxy_url)
        if not session.trace_configs:
            refusal = aiohttp.TraceConfig()
            refusal.on_request_redirect.append(_refuse_redirect)
            refusal.freeze()
            session.trace_configs.append(refusal)
        return session


_quiet: ContextVar[bool] = ContextVar("authflow_quiet", default=False)


def _is_loggable(record: logging.LogRecord) -> bool:
    return not _quiet.get() or record.levelno >= logging.WARNING


@contextmanager
def _unlogged() -> "Iterator[None]":
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


@asynccontextmanager
async def open_transport(
    config: AuthConfig, observer: Callable[[Exchange], None] | None = None
) -> AsyncIterator[Transport]:
    """Open the one client that a process needs for a user pool, and close it at the end.

    The AWS configuration files and profile of the environment play no part: the requests are
    unsigned, and only `config` decides where they go.

    Args:
        config: Where to send, and the limits.
        observer: Told of every exchange, with the secrets taken out.

    Raises:
        ConfigError: The installed aiobotocore cannot be kept from following redirects.
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
    options = AioConfig(
        signature_version=UNSIGNED,
        retries={"total_max_attempts": 1, "mode": "standard"},
        user_agent="authflow",  # botocore builds its own anew for every call, a quarter of its cost
        parameter_validation=False,  # wire.py spells nothing else
        disable_request_compression=True,
        ignore_configured_endpoint_urls=True,
        http_session_cls=_NoRedirects,
        max_pool_connections=config.max_concurrency,
        connect_timeout=config.connect_timeout,
        read_timeout=config.read_timeout,
    )
    async with session.create_client(
        "cognito-idp", region_name=config.region, endpoint_url=config.endpoint, config=options
    ) as client:
        in_flight = anyio.Semaphore(config.max_concurrency, fast_acquire=True)
        yield Transport(client, in_flight, observer)
