"""Carries requests to Cognito, by one aiobotocore client, and tells what became of them.

botocore's own retries are off: by default it sends one challenge answer up to five times, and a
session is for one use, so a lost reply would become a refusal and a code's tries would be used up.
Here a request is sent again only when it surely was not processed: no connection was made, or
Cognito said that it asks to slow down.
"""

import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import aiohttp
import anyio
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

from authflow.aws.sessions import RedirectedError, client_config, open_session, unlogged
from authflow.client.observation import Observation
from authflow.config import AuthConfig
from authflow.errors import (
    AuthFlowError,
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
    _observer: Observation | None = field(default=None, repr=False)

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
            self._observer(request, outcome)
        return outcome

    async def _try(self, request: Request) -> Mapping[str, Any] | AuthFlowError:
        """Send once. Errors are given back, so that no traceback reaches frames with secrets."""
        method = getattr(self._client, _METHODS[request.operation])
        try:
            with unlogged():
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
    if isinstance(error.kwargs.get("error"), RedirectedError):
        return MalformedReplyError("the server sends requests elsewhere; check the endpoint")
    if isinstance(error, ReadTimeoutError):
        return _uncertain(request, TimedOutError, "Cognito did not answer in time")
    return _uncertain(request, UnreachableError, "the connection broke before the reply was whole")


def _uncertain(request: Request, kind: type[AuthFlowError], what: str) -> AuthFlowError:
    if request.operation in _ONCE:
        return OutcomeUnknownError(f"{what}; it may or may not have counted: start again")
    return kind(what)


@asynccontextmanager
async def open_transport(
    config: AuthConfig, observer: Observation | None = None
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
    session = open_session()
    options = client_config(
        signature_version=UNSIGNED,
        max_pool_connections=config.max_concurrency,
        connect_timeout=config.connect_timeout,
        read_timeout=config.read_timeout,
        endpoint=config.endpoint,
    )
    async with session.create_client(
        "cognito-idp", region_name=config.region, endpoint_url=config.endpoint, config=options
    ) as client:
        in_flight = anyio.Semaphore(config.max_concurrency, fast_acquire=True)
        yield Transport(client, in_flight, observer)
