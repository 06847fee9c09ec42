"""The KMS endpoint of a pool: it encrypts the codes that go to custom senders.

Needs the extra `custom-senders`: `pip install 'cognito-authflow[custom-senders]'`. It is AWS's
own, or moto's or LocalStack's on this machine. What comes back holds data keys in clear, which open
the codes: only this endpoint is asked, and nothing logs it.
"""

import base64
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Final, Self

import anyio
from attrs import define, field

from authflow.aws.client_session import client_config, open_session
from authflow.aws.connection import CONNECT_TIMEOUT, READ_TIMEOUT
from authflow.aws.kms_key import KmsKey, key_arn, key_region, load_messages
from authflow.pool.accounts.user_pool import UserPool
from authflow.pool.local_credentials import local_credentials
from authflow.safe_url import SafeUrl, safe_url
from authflow.secret import Secret
from authflow.triggers.events.message_events import POOL_IN_CONTEXT

_NAME: Final = "the KMS endpoint"
_IN_A_TEST: Final = (
    "allow_insecure_kms_endpoint (--allow-insecure-kms-endpoint) in a closed test network"
)
_ATTEMPTS: Final = 2
_AT_A_TIME: Final = 16
"""The most codes that are encrypted at a time."""


def _endpoint(url: str) -> SafeUrl:
    return safe_url(url, _NAME, insecure=True)


@define(kw_only=True)
class KmsEndpoint:
    """Encrypts codes under the keys that pools name; an async context manager.

    Args:
        url: Where it is. It must be https unless it is on this machine.
        insecure: Allow an http endpoint elsewhere. Data keys then cross the network in clear.

    Raises:
        ConfigError: The URL is not of its form or not safe, or half of the credentials is missing.
    """

    url: SafeUrl = field(converter=_endpoint)
    insecure: bool = False
    _clients: dict[str, Any] = field(factory=dict, init=False, repr=False)
    _credentials: dict[str, str | None] = field(init=False, repr=False)
    _turns: anyio.CapacityLimiter = field(
        factory=lambda: anyio.CapacityLimiter(_AT_A_TIME), init=False, repr=False
    )
    _opening: anyio.Lock = field(factory=anyio.Lock, init=False, repr=False)
    _stack: AsyncExitStack = field(factory=AsyncExitStack, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        if not self.insecure:
            self.url.refuse_insecure(_NAME, unless=_IN_A_TEST)
        self._credentials = local_credentials(_NAME)

    async def __aenter__(self) -> Self:
        load_messages()  # a message would come too late to say that the extra is missing
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._stack.__aexit__(exc_type, exc, traceback)

    async def encrypted(self, pool: UserPool, code: Secret[str]) -> Secret[str]:
        """Return a code as a custom sender gets it.

        Args:
            pool: The pool, which names a key.
            code: The code.

        Raises:
            ConfigError: What the pool names is no key of KMS.
            KeysUnavailableError: KMS refuses, or cannot be asked.
        """
        arn = key_arn(pool.kms_key)
        key = KmsKey(arn=arn, client=await self._client(key_region(arn)))
        async with self._turns:  # each takes a thread
            message = await key.encrypt(code, {POOL_IN_CONTEXT: pool.id})
        return Secret(base64.b64encode(message).decode())

    async def _client(self, region: str) -> Any:
        """Return the client that signs for the region of a key: another one does not find it."""
        async with self._opening:
            if region not in self._clients:
                made = open_session().create_client(
                    "kms",
                    region_name=region,
                    endpoint_url=self.url,
                    config=client_config(
                        attempts=_ATTEMPTS,
                        max_pool_connections=_AT_A_TIME,
                        connect_timeout=CONNECT_TIMEOUT,
                        read_timeout=READ_TIMEOUT,
                        endpoint=self.url,
                    ),
                    **self._credentials,
                )
                self._clients[region] = await self._stack.enter_async_context(made)
        return self._clients[region]
