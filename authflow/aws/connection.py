"""A connection to one of AWS's services, for what triggers and plugins store and send there."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from types import MappingProxyType, TracebackType
from typing import Any, ClassVar, Final, Self

import anyio
from aiobotocore.session import get_session
from attrs import define, field
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    HTTPClientError,
    ReadTimeoutError,
)

from authflow.aws.client_session import MOST_BYTES, client_config, tell_when_sent, unlogged
from authflow.errors import ConfigError
from authflow.event_loop import HomeLoop, keep_for_ever
from authflow.safe_url import SafeUrl, safe_url
from authflow.seclusion import secluded
from authflow.unframed import bare, whole

CONNECT_TIMEOUT: Final = 1.0
READ_TIMEOUT: Final = 2.0
CALL_TIMEOUT: Final = 4.5
"""In seconds: for a connection, a whole reply, and a call with all its attempts. Cognito gives a
trigger 5 in all, and then tries again."""


def _endpoint(endpoint: str | None) -> SafeUrl | None:
    return None if endpoint is None else safe_url(endpoint, "endpoint")


@whole
@define(kw_only=True, eq=False)
class AwsConnection:
    """A client of one of AWS's services, made at its first use with AWS's usual credentials.

    Derive from it, and call the service by `call`. It belongs to the event loop that first uses it,
    until it is closed there, and says so on another. In a process made by `fork` it has connections
    of its own, unless the client is the caller's.
    As an async context manager it closes its connections at the end, unless the client is the
    caller's.

    Args:
        client: A client of aiobotocore's for the service; by default one is made.
        region: The service's region, where the environment does not say it.
        endpoint: Another address than AWS's: https, or on this machine.

    Raises:
        ConfigError: The endpoint is malformed or not safe, or the client comes with a region or an
            endpoint.
    """

    service: ClassVar[str]
    """The service's name in the AWS SDK."""
    attempts: ClassVar[int] = 2
    """The most attempts of a request; 1 if a second one could do harm."""
    options: ClassVar[Mapping[str, Any]] = MappingProxyType({})
    """More of botocore's settings, such as `signature_version`."""
    most_bytes: ClassVar[int] = MOST_BYTES
    """The greatest length of a reply: a longer one is an error, and is not read to its end."""

    client: Any = field(default=None, repr=False)
    region: str | None = None
    endpoint: SafeUrl | None = field(default=None, converter=_endpoint)
    _client: Any = field(default=None, init=False, repr=False)
    _resources: AsyncExitStack = field(factory=AsyncExitStack, init=False, repr=False)
    _opening: anyio.Lock = field(factory=anyio.Lock, init=False, repr=False)
    _loop: HomeLoop = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        if self.client is not None and (self.region, self.endpoint) != (None, None):
            msg = f"{type(self).__name__}: a client has its region and endpoint already"
            raise ConfigError(msg)
        self._client = self.client
        self._loop = HomeLoop(
            f"this {type(self).__name__}",
            "close it where it was used, by aclose(), or make one for each event loop",
            renew=self.begin_anew if self.client is None else None,
        )

    def begin_anew(self) -> None:
        """Leave the connections to the parent process, in one that `fork` has made."""
        keep_for_ever((self._client, self._resources))
        self._client, self._resources, self._opening = None, AsyncExitStack(), anyio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections, unless the client is the caller's; the next use opens new ones.

        Raises:
            MisuseError: It belongs to another event loop.
        """
        self._loop.leave()
        await self._resources.aclose()
        self._client = self.client

    async def connected(self) -> Any:
        """Return the client; make it at the first use.

        Raises:
            MisuseError: It belongs to another event loop.
        """
        self._loop.claim()
        async with self._opening:
            if self._client is None:
                opened = get_session().create_client(
                    self.service,
                    region_name=self.region,
                    endpoint_url=self.endpoint,
                    config=client_config(
                        attempts=self.attempts,
                        connect_timeout=CONNECT_TIMEOUT,
                        read_timeout=READ_TIMEOUT,
                        endpoint=self.endpoint,
                        most_bytes=self.most_bytes,
                        # The owner's environment may set AWS's address, as with any AWS SDK.
                        ignore_configured_endpoint_urls=False,
                        **self.options,
                    ),
                )
                self._client = await self._resources.enter_async_context(opened)
        return self._client

    async def call(self, operation: str, /, **parameters: Any) -> Any:
        """Make a request. Nothing of it is logged or kept by an error, as it may hold secrets.

        Args:
            operation: The operation, such as "get_item".
            **parameters: What the operation takes.

        Raises:
            MisuseError: This is another event loop than the one that it belongs to.
            botocore.exceptions.ClientError: The service refuses.
            botocore.exceptions.BotoCoreError: The service cannot be reached, does not answer in
                time, or gives what cannot be read, or more than `most_bytes`.
        """
        sent: list[bool] = []
        made = self._make(operation, parameters, sent)
        del parameters
        try:
            return await secluded(made)
        except HTTPClientError as error:
            error.request = None  # otherwise the error keeps the request with its body
            error.kwargs.pop("request", None)
            if isinstance(cause := error.kwargs.get("error"), BaseException):
                bare(cause)
            raise
        except TimeoutError:
            pass
        late = ReadTimeoutError if sent else ConnectTimeoutError
        raise late(endpoint_url=self.service, error=f"no answer within {CALL_TIMEOUT:g} s")

    async def _make(self, operation: str, parameters: dict[str, Any], sent: list[bool]) -> Any:
        with unlogged(), tell_when_sent(lambda: sent.append(True)):
            client = await self.connected()
            method = getattr(client, operation)
            with anyio.fail_after(CALL_TIMEOUT):
                try:
                    return await method(**parameters)
                except (BotoCoreError, ClientError, OSError):
                    raise
                except Exception as error:  # noqa: BLE001
                    # botocore's parsers trust the server, and fail in many ways on other replies.
                    what = f"the reply cannot be read: {type(error).__name__}"
                    raise HTTPClientError(error=what) from None
