"""Triggers behind a Lambda endpoint: the functions that a pool's LambdaConfig names by ARN.

They are invoked over Lambda's REST API, so that handlers in any language run unchanged on whatever
serves it on this machine. One client keeps its connections open. Its events hold passwords and
answers: they go to this endpoint and nowhere else, and nothing logs them.

Source: "Invoke" in the Lambda API reference, and "Lambda function errors" in its developer guide.
"""

import json
import os
import re
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Final, Self

import aiohttp
from attrs import define, field
from botocore.exceptions import BotoCoreError, ClientError

from authflow.aws.client_session import RedirectedError, client_config, open_session, unlogged
from authflow.pool.accounts.user_pool import UserPool
from authflow.pool.local_credentials import local_credentials
from authflow.pool.log_limit import limited_logger
from authflow.pool.triggers.invokers import (
    Event,
    HandlerRaisedError,
    NotInvokedError,
    NotJsonError,
    place_in,
    read_json,
    throttled,
)
from authflow.safe_url import SafeUrl, safe_url
from authflow.triggers.places import Places

_LOG: Final = limited_logger("authflow.pool.triggers")
_MOST_BYTES: Final = 6 * 1024 * 1024
"""The most bytes that a function may return, as on Lambda."""
_CHUNK: Final = 65536
_PLACES: Final = 100
"""The most invocations of one pool's trigger at a time."""
_CONNECTIONS: Final = 400
"""More connections than one trigger can use, so that a slow trigger leaves some for others."""
_TIMEOUT: Final = 900.0
"""In seconds: the longest run of a function. The runner of the triggers stops much earlier."""
_NAME: Final = "the Lambda endpoint"
_IN_A_TEST: Final = (
    "allow_insecure_lambda_endpoint (--allow-insecure-lambda-endpoint) in a closed test network"
)
_ERROR_NAME: Final = re.compile(r"([A-Za-z_][\w.]{0,60})?(Error|Exception|Timedout)", re.ASCII)
_TOO_MANY_REQUESTS: Final = 429
_SERVER_ERRORS: Final = range(500, 600)


def _endpoint(url: str) -> SafeUrl:
    return safe_url(url, _NAME, insecure=True)


@define(kw_only=True)
class LambdaEndpoint:
    """Invokes functions at a Lambda endpoint; an async context manager.

    Args:
        url: Where it is. It must be https unless it is on this machine.
        region: What requests are signed for, unless AWS_REGION or AWS_DEFAULT_REGION says so.
        insecure: Allow an http endpoint elsewhere. Passwords then cross the network in clear.
        places: How many invocations of one pool's trigger there are at a time.

    Raises:
        ConfigError: The URL is not of its form or not safe, or half of the credentials is missing.
    """

    url: SafeUrl = field(converter=_endpoint)
    region: str
    insecure: bool = False
    places: Places = field(factory=lambda: Places(_PLACES))
    _client: Any = field(default=None, init=False, repr=False)
    _stack: AsyncExitStack = field(factory=AsyncExitStack, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        if not self.insecure:
            self.url.refuse_insecure(_NAME, unless=_IN_A_TEST)

    async def __aenter__(self) -> Self:
        region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
        made = open_session().create_client(
            "lambda",
            region_name=region or self.region,
            endpoint_url=self.url,
            config=client_config(
                max_pool_connections=_CONNECTIONS,
                connect_timeout=_TIMEOUT,
                read_timeout=_TIMEOUT,
                endpoint=self.url,
            ),
            **local_credentials(_NAME),
        )
        self._client = await self._stack.enter_async_context(made)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._stack.__aexit__(exc_type, exc, traceback)

    def has(self, pool: UserPool, source: str) -> bool:
        """Return whether the pool names a function; only the endpoint knows whether it exists."""
        return pool.trigger_arn(source) is not None

    async def invoke(self, pool: UserPool, source: str, event: Event) -> Any:
        """Invoke the function once; see `Invoker`."""
        arn = pool.trigger_arn(source)
        payload = json.dumps(event).encode()
        place = await place_in(self.places, pool, source)
        try:
            with unlogged():
                reply = await self._client.invoke(
                    FunctionName=arn, InvocationType="RequestResponse", Payload=payload
                )
                given = await _read(reply["Payload"])
        except ClientError as error:
            raise _refused(source, error) from None
        except (BotoCoreError, aiohttp.ClientError, OSError) as error:
            raise _lost(source, error) from None
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            # botocore's parser trusts the server, and fails in many ways on other replies.
            raise NotInvokedError("the endpoint is not Lambda", again=False) from None
        finally:
            place.leave()
        if "FunctionError" in reply:
            raise _raised(source, given)
        return read_json(given)


async def _read(body: Any) -> bytes:
    """Read the result of a function.

    Raises:
        NotJsonError: It is longer than a function may answer.
    """
    given = bytearray()
    async with body:
        async for chunk in body.iter_chunks(_CHUNK):
            given += chunk
            if len(given) > _MOST_BYTES:
                raise NotJsonError
    return bytes(given)


def _raised(source: str, given: bytes) -> HandlerRaisedError:
    """Return the error of a handler that raised; a runtime that crashed may send no text."""
    try:
        told = read_json(given)
    except NotJsonError:
        told = None
    details = told if isinstance(told, dict) else {}
    _LOG.warning("%s raised %s", source, _name(details.get("errorType")))
    message = details.get("errorMessage")
    return HandlerRaisedError(message if isinstance(message, str) else "")


def _name(told: object) -> str:
    """Return an error's name for the log, if it is a plain name: its author has seen the event."""
    return told if isinstance(told, str) and _ERROR_NAME.fullmatch(told) else "an error"


def _refused(source: str, error: ClientError) -> NotInvokedError:
    """Return the error for a refusal by the endpoint itself: the function was not run."""
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    code = _name(error.response.get("Error", {}).get("Code"))
    _LOG.warning("%s: the Lambda endpoint answered %s (HTTP status %s)", source, code, status)
    if status == _TOO_MANY_REQUESTS:
        return throttled(again=True)
    return NotInvokedError("the function cannot be invoked", again=status in _SERVER_ERRORS)


def _lost(source: str, error: Exception) -> NotInvokedError:
    """Return the error for an exchange that failed."""
    _LOG.warning("%s: no answer from the Lambda endpoint (%s)", source, type(error).__name__)
    if isinstance(getattr(error, "kwargs", {}).get("error"), RedirectedError):
        return NotInvokedError("the endpoint sends requests elsewhere", again=False)
    return NotInvokedError("the endpoint cannot be reached", again=True)
