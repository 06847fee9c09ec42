"""Messages of the AWS Encryption SDK whose data keys are wrapped by a key of AWS KMS.

A message is made as Cognito makes those of its custom senders: of format version 1, by the suite
0x0378, which has no key commitment. A reader that insists on commitment is refused there, so it is
refused here, too.

Needs the extra `custom-senders`: `pip install 'cognito-authflow[custom-senders]'`. Everything here
blocks, and so belongs into a thread.

Sources: "AWS Encryption SDK message format reference" and "AWS Encryption SDK algorithms
reference" in its developer guide; a code that Cognito sent, printed in the README of
Yorlin2S/CustomEmailSenderWithLambdaTrigger.
"""

from collections.abc import Mapping
from typing import Any, Final, Protocol

import attrs
from aws_encryption_sdk import Algorithm, CommitmentPolicy, EncryptionSDKClient
from aws_encryption_sdk.exceptions import AWSEncryptionSDKClientError
from aws_encryption_sdk.key_providers.base import MasterKeyConfig
from aws_encryption_sdk.key_providers.kms import KMSMasterKey

from authflow.errors import AuthFlowError, KeysUnavailableError, SealError
from authflow.secret import Secret

_SUITE: Final = Algorithm.AES_256_GCM_IV12_TAG16_HKDF_SHA384_ECDSA_P384
NOT_OURS: Final = "the code was not encrypted for this user pool by this KMS key, or was altered"
"""The text for a message that cannot be opened."""


class KmsCalls(Protocol):
    """The two operations of KMS that messages need, as botocore's client has them."""

    def generate_data_key(self, **parameters: Any) -> dict[str, Any]:
        """Make a data key."""

    def decrypt(self, **parameters: Any) -> dict[str, Any]:
        """Unwrap a data key."""


@attrs.define(hash=True, kw_only=True)
class _KeyConfig(MasterKeyConfig):  # type: ignore[misc]  # the SDK has no types
    """The SDK's own configuration, without its check that the client is botocore's."""

    provider_id = "aws-kms"

    key_id: str
    client: KmsCalls
    grant_tokens: tuple[str, ...] = ()


class _Key(KMSMasterKey):  # type: ignore[misc]  # as above
    """A key of KMS, asked through any client."""

    _config_class = _KeyConfig


def encrypt_message(
    kms: KmsCalls, arn: str, text: Secret[str], context: Mapping[str, str]
) -> bytes:
    """Encrypt a text.

    Args:
        kms: Asks KMS; what it raises passes through.
        arn: The key's ARN.
        text: The text.
        context: The encryption context: it is in clear, and bound to the message.

    Raises:
        KeysUnavailableError: What KMS gave is no data key.
    """
    client = EncryptionSDKClient(commitment_policy=CommitmentPolicy.FORBID_ENCRYPT_ALLOW_DECRYPT)
    try:
        message, _ = client.encrypt(
            source=text.reveal().encode(),
            key_provider=_Key(key_id=arn, client=kms),
            algorithm=_SUITE,
            encryption_context=dict(context),
        )
    except AWSEncryptionSDKClientError:
        pass
    else:
        return bytes(message)
    msg = "the reply to generate_data_key is not KMS's"
    raise KeysUnavailableError(msg)


def decrypt_message(
    kms: KmsCalls, arn: str, message: bytes, context: Mapping[str, str]
) -> Secret[str]:
    """Decrypt a message.

    Args:
        kms: Asks KMS; what it raises passes through.
        arn: The key's ARN; a message under another key is refused.
        message: The message.
        context: What its encryption context must hold, at least.

    Raises:
        SealError: It is no message, is altered, or of another key or context.
    """
    client = EncryptionSDKClient(commitment_policy=CommitmentPolicy.REQUIRE_ENCRYPT_ALLOW_DECRYPT)
    try:
        text, header = client.decrypt(source=message, key_provider=_Key(key_id=arn, client=kms))
        told = header.encryption_context
        if all(told.get(name) == value for name, value in context.items()):
            return Secret(text.decode())
    except AuthFlowError:
        raise
    except Exception:  # noqa: BLE001, S110
        pass  # the SDK's parsers trust the message, and fail in many ways on what is none
    raise SealError(NOT_OURS)
