"""A key of KMS, against moto's real KMS API and the AWS Encryption SDK itself."""

import asyncio
import base64
from typing import Any

import boto3
import pytest
from aws_encryption_sdk import CommitmentPolicy, EncryptionSDKClient
from aws_encryption_sdk.key_providers.kms import KMSMasterKey

from authflow.aws import KmsKey
from authflow.errors import ConfigError, KeysUnavailableError, SealError
from authflow.secret import Secret
from authflow.triggers import CustomEmailSenderEvent, CustomSMSSenderEvent

ID = "eu-west-1_abcdefghi"
POOL = {"userpool-id": ID}
CODE = Secret("493021")


@pytest.fixture(scope="module")
def kms(aws_url: str) -> Any:
    return boto3.client(
        "kms",
        endpoint_url=aws_url,
        region_name="eu-west-1",
        aws_access_key_id="any",
        aws_secret_access_key="any",
    )


@pytest.fixture(scope="module")
def arns(kms: Any) -> tuple[str, str]:
    """Two keys."""
    return tuple(kms.create_key()["KeyMetadata"]["Arn"] for _ in range(2))  # type: ignore[return-value]


@pytest.fixture(autouse=True)
def credentials(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "any")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "any")
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)


@pytest.fixture
async def key(arns, aws_url):
    async with KmsKey(arn=arns[0], endpoint=aws_url) as key:
        yield key


async def test_the_sdk_reads_what_the_key_has_encrypted(key, kms):
    message = await key.encrypt(CODE, POOL)
    client = EncryptionSDKClient(commitment_policy=CommitmentPolicy.REQUIRE_ENCRYPT_ALLOW_DECRYPT)
    read = await asyncio.to_thread(
        client.decrypt, source=message, key_provider=KMSMasterKey(key_id=key.arn, client=kms)
    )
    assert read[0] == CODE.reveal().encode()


@pytest.mark.parametrize("commitment", [*CommitmentPolicy])
async def test_the_key_reads_what_the_sdk_has_encrypted(key, kms, commitment):
    client = EncryptionSDKClient(commitment_policy=commitment)
    message, _ = await asyncio.to_thread(
        client.encrypt,
        source=b"p\xc3\xa4ss",
        key_provider=KMSMasterKey(key_id=key.arn, client=kms),
        encryption_context=POOL,
    )
    assert (await key.decrypt(message, POOL)).reveal() == "päss"


async def test_only_a_whole_message_of_this_key_and_pool_is_read(key, arns, aws_url):
    message = await key.encrypt(CODE, POOL)
    async with KmsKey(arn=arns[1], endpoint=aws_url) as other:
        of_another_key = await other.encrypt(CODE, POOL)
    at = [0, 1, 3, 20, message.index(b"aws-kms"), len(message) - 120]
    altered = [message[:i] + bytes([message[i] ^ 1]) + message[i + 1 :] for i in at]
    cut = [message[:i] for i in (0, 1, 50, len(message) // 2, len(message) - 1)]
    for bad in (
        of_another_key,
        *altered,
        *cut,
        b"493021",
        message.replace(b"_abcdefghi", b"_abcdefghj"),
    ):
        with pytest.raises(SealError, match="not encrypted for this user pool"):
            await key.decrypt(bad, POOL)
    for context in ({"userpool-id": "eu-west-1_other"}, POOL | {"more": "x"}):
        with pytest.raises(SealError):
            await key.decrypt(message, context)


async def test_what_goes_wrong_at_kms_is_told_by_its_code_alone(key, kms, arns, aws_url):
    message = await key.encrypt(CODE, POOL)
    async with KmsKey(arn=f"{arns[0][:-1]}z", endpoint=aws_url) as gone:
        with pytest.raises(KeysUnavailableError, match=r"generate_data_key: NotFoundException$"):
            await gone.encrypt(CODE, POOL)
    async with KmsKey(arn=arns[0], endpoint="http://127.0.0.1:9") as nowhere:
        for work in (nowhere.encrypt(CODE, POOL), nowhere.decrypt(message, POOL)):
            with pytest.raises(KeysUnavailableError, match="could not be asked") as caught:
                await work
            assert caught.value.__cause__ is caught.value.__context__ is None


@pytest.mark.parametrize(
    "reply",
    [
        {},
        {"Plaintext": b"short", "CiphertextBlob": b"x", "KeyId": "arn:aws:kms:x:1:key/x"},
        {"Plaintext": b"x" * 32, "KeyId": "arn:aws:kms:x:1:key/x"},
        {"Plaintext": b"x" * 32, "CiphertextBlob": b"x", "KeyId": "x"},
        {"Plaintext": "x" * 32, "CiphertextBlob": b"x", "KeyId": "arn:aws:kms:x:1:key/x"},
    ],
)
async def test_a_reply_that_is_not_kms_is_no_code(arns, reply):
    class Odd:  # a server that answers so cannot run here
        async def generate_data_key(self, **_: Any) -> Any:
            return reply

        async def decrypt(self, **_: Any) -> Any:
            return reply

    key = KmsKey(arn=arns[0], client=Odd())
    with pytest.raises(KeysUnavailableError, match="not KMS's"):
        await key.encrypt(CODE, POOL)


@pytest.mark.parametrize(
    "arn",
    [
        *("", "x", "alias/codes", "1234abcd-12ab", None),
        b"arn:aws:kms:eu-west-1:123456789012:key/x",
        *("arn:aws:lambda:eu-west-1:123456789012:function:x", "arn:aws:kms:eu-west-1:1:key/x"),
        *("arn:aws:kms::123456789012:key/x", "arn:aws:kms:eu-west-1:123456789012:key/x\n"),
    ],
)
def test_what_is_no_keys_arn_is_refused_at_once(arn):
    with pytest.raises(ConfigError, match="arn must be a KMS key's"):
        KmsKey(arn=arn)


def sender_event(kind: Any, source: str, code: bytes | None, pool: str = ID) -> Any:
    return kind(
        source=source,
        user_pool_id=pool,
        client_id="any",
        username="ann",
        user_attributes={},
        code=None if code is None else Secret(base64.b64encode(code).decode()),
    )


@pytest.mark.parametrize(
    ("kind", "source", "sent", "got"),
    [
        (CustomEmailSenderEvent, "CustomEmailSender_Authentication", "493021", "493021"),
        (CustomEmailSenderEvent, "CustomEmailSender_AdminCreateUser", "a&lt;b&gt;&amp;", "a<b>&"),
        (CustomSMSSenderEvent, "CustomSMSSender_AdminCreateUser", "a&lt;b", "a&lt;b"),
    ],
)
async def test_an_event_gives_the_code_as_the_user_is_to_have_it(key, kind, source, sent, got):
    event = sender_event(kind, source, await key.encrypt(Secret(sent), POOL))
    code = await event.decrypted_code(key)
    assert code.reveal() == got


async def test_an_event_gives_no_code_that_is_not_its_own(key):
    message, source = await key.encrypt(CODE, POOL), "CustomEmailSender_SignUp"
    assert await sender_event(CustomEmailSenderEvent, source, None).decrypted_code(key) is None
    foreign = sender_event(CustomEmailSenderEvent, source, message, "eu-west-1_other")
    with pytest.raises(SealError):
        await foreign.decrypted_code(key)
    for text in ("", "***", "é", "AYAD"):
        event = sender_event(CustomEmailSenderEvent, source, b"")
        object.__setattr__(event, "code", Secret(text))
        with pytest.raises(SealError):
            await event.decrypted_code(key)


async def test_a_cancelled_caller_stops_waiting_for_kms(arns):
    began = asyncio.Event()

    class Slow:  # as above
        async def generate_data_key(self, **_: Any) -> Any:
            began.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(KmsKey(arn=arns[0], client=Slow()).encrypt(CODE, POOL))
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 10)
