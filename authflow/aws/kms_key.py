"""A key of AWS KMS under which short secrets travel, such as the codes of custom senders.

Needs the extra `custom-senders`: `pip install 'cognito-authflow[custom-senders]'`.
"""

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

import anyio
import anyio.from_thread
import anyio.to_thread
from attrs import define, field
from botocore.exceptions import BotoCoreError, ClientError

from authflow.aws.connection import AwsConnection
from authflow.errors import ConfigError, KeysUnavailableError, SealError
from authflow.extras import advice
from authflow.printable import one_line
from authflow.seclusion import secluded
from authflow.secret import Secret
from authflow.unframed import whole

P = ParamSpec("P")
T = TypeVar("T")

_ARN: Final = re.compile(
    r"arn:[a-z-]+:kms:([a-z0-9-]+):[0-9]{12}:(?:key|alias)/[\w/-]{1,256}", re.ASCII
)
_CODE_CHARS: Final = 80
_THREADS: Final = 8
"""The most messages that are worked on at a time, by one key."""


def key_arn(text: object) -> str:
    """Check a key's ARN, and return it.

    Raises:
        ConfigError: It is none.
    """
    if not isinstance(text, str) or not _ARN.fullmatch(text):
        msg = "arn must be a KMS key's, such as arn:aws:kms:eu-central-1:123456789012:key/1234abcd"
        raise ConfigError(msg)
    return text


def key_region(arn: str) -> str:
    """Return the region that a key's ARN names, once `key_arn` has checked it."""
    return arn.split(":")[3]


@whole
@define(kw_only=True, eq=False)
class KmsKey(AwsConnection):
    """A symmetric key of AWS KMS; it encrypts and decrypts messages of the AWS Encryption SDK.

    Args:
        arn: The key's ARN, which names its region, too.

    Raises:
        ConfigError: It is no ARN of a KMS key; or as `AwsConnection` does.
    """

    service = "kms"

    arn: str = field(converter=key_arn)
    _limiter: anyio.CapacityLimiter = field(
        factory=lambda: anyio.CapacityLimiter(_THREADS), init=False, repr=False
    )

    def __attrs_post_init__(self) -> None:
        AwsConnection.__attrs_post_init__(self)
        if self.client is None and self.region is None:
            self.region = key_region(self.arn)

    async def encrypt(self, text: Secret[str], context: Mapping[str, str]) -> bytes:
        """Encrypt a text, as Cognito encrypts a code for a custom sender.

        Args:
            text: The text.
            context: The encryption context: it is in clear, and bound to the message.

        Raises:
            ConfigError: The extra is not installed.
            KeysUnavailableError: KMS refuses, or cannot be asked.
            MisuseError: This is another event loop than the one that it belongs to.
        """
        return await self._work(load_messages().encrypt_message, self.arn, text, context)

    async def decrypt(self, message: bytes, context: Mapping[str, str]) -> Secret[str]:
        """Decrypt a message that was encrypted under this key.

        Args:
            message: The message.
            context: What its encryption context must hold, at least.

        Raises:
            ConfigError: The extra is not installed.
            KeysUnavailableError: KMS refuses, or cannot be asked.
            SealError: It is no message, is altered, or of another key or context.
            MisuseError: This is another event loop than the one that it belongs to.
        """
        return await self._work(load_messages().decrypt_message, self.arn, message, context)

    async def _work(
        self,
        function: Callable[Concatenate["_CallsFromThread", P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run a function in a thread; what it asks KMS goes through this connection."""
        calls = _CallsFromThread(ask=self._ask)
        work = partial(function, calls, *args, **kwargs)
        # The frames of the SDK hold texts and data keys: no error leads to them.
        return await secluded(anyio.to_thread.run_sync(work, limiter=self._limiter))

    async def _ask(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        try:
            reply: dict[str, Any] = await self.call(operation, **parameters)
        except ClientError as error:
            code = one_line(str(error.response.get("Error", {}).get("Code", "")), _CODE_CHARS)
            if operation == "decrypt" and code in _ALTERED:
                raise SealError(load_messages().NOT_OURS) from None
            what = f"KMS refuses {operation}: {code}"
        except (BotoCoreError, OSError) as error:
            what = f"KMS could not be asked to {operation}: {type(error).__name__}"
        else:
            if all(isinstance(reply.get(name), kind) for name, kind in _REPLY.items()):
                return reply
            what = f"the reply to {operation} is not KMS's"
        raise KeysUnavailableError(what)


_ALTERED: Final = frozenset({"InvalidCiphertextException", "IncorrectKeyException"})
"""The codes by which KMS refuses a data key that was wrapped by another key or for something else
("Decrypt" in its API reference)."""
_REPLY: Final[Mapping[str, type]] = {"Plaintext": bytes, "KeyId": str}
"""The members that the replies of both operations have."""


@define(kw_only=True)
class _CallsFromThread:
    """The operations of KMS, for code in a thread of the event loop's."""

    ask: Callable[[str, Mapping[str, Any]], Any]

    def generate_data_key(self, **parameters: Any) -> dict[str, Any]:
        """Make a data key."""
        return self._asked("generate_data_key", parameters)

    def decrypt(self, **parameters: Any) -> dict[str, Any]:
        """Unwrap a data key."""
        return self._asked("decrypt", parameters)

    def _asked(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        reply: dict[str, Any] = anyio.from_thread.run(self.ask, operation, parameters)
        return reply


def load_messages() -> Any:
    """Import and return what needs the extra, which is slow.

    Raises:
        ConfigError: The extra is not installed.
    """
    try:
        from authflow.aws import encrypted_messages  # noqa: PLC0415  # as the docstring says
    except ImportError as error:
        raise ConfigError(advice(error, extra="custom-senders")) from error
    return encrypted_messages
