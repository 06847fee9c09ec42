"""Custom senders get every code, encrypted by a real KMS API, and nobody waits for them."""

import asyncio
import base64
import logging
import sys
from collections.abc import Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import boto3
import pytest
from aiohttp import web
from attrs import define, field
from aws_encryption_sdk import Algorithm, CommitmentPolicy, EncryptionSDKClient
from aws_encryption_sdk.key_providers.kms import KMSMasterKey

from authflow.aws import KmsKey
from authflow.errors import ConfigError, KeysUnavailableError
from authflow.pool import PoolServer
from authflow.pool.errands import errands
from authflow.pool.triggers import custom_senders, runner
from authflow.pool.triggers.custom_senders import CustomSenders
from authflow.pool.triggers.runner import TriggerRunner
from authflow.secret import Secret
from authflow.testing import CognitoCalls
from authflow.triggers import (
    CustomEmailSenderEvent,
    Triggers,
)

ARN = "arn:aws:lambda:us-east-1:000000000000:function:{}"
NEW = "N3w-password"
NUMBER = "+491700000000"
REACHED = {"email": "ann@example.com", "email_verified": "true"}
BY_SMS = {"phone_number": NUMBER, "phone_number_verified": "true"}


@pytest.fixture(scope="module")
def kms(aws_url: str) -> Any:
    """KMS, as any function of AWS's calls it."""
    return boto3.client(
        "kms",
        endpoint_url=aws_url,
        region_name="eu-central-1",
        aws_access_key_id="any",
        aws_secret_access_key="any",
    )


@pytest.fixture(scope="module")
def key_arn(kms: Any) -> str:
    return kms.create_key()["KeyMetadata"]["Arn"]


@pytest.fixture
def kms_here(aws_url: str, key_arn: str) -> tuple[str, str]:
    """The address of KMS, and a key there."""
    return aws_url, key_arn


@pytest.fixture(autouse=True)
def credentials(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "any")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "any")


@define
class Sender:
    """A function that decrypts with the SDK itself, and nothing of ours."""

    kms: Any
    key_arn: str
    events: list[dict[str, Any]] = field(factory=list)
    codes: list[str] = field(factory=list)
    headers: list[Any] = field(factory=list)
    got: asyncio.Event = field(factory=asyncio.Event)
    loop: Any = field(factory=asyncio.get_running_loop)

    def __call__(self, event: dict[str, Any], _context: Any) -> Any:
        client = EncryptionSDKClient(
            commitment_policy=CommitmentPolicy.REQUIRE_ENCRYPT_ALLOW_DECRYPT
        )
        message = base64.b64decode(event["request"]["code"], validate=True)
        key = KMSMasterKey(key_id=self.key_arn, client=self.kms)
        text, header = client.decrypt(source=message, key_provider=key)
        self.codes.append(text.decode())
        self.headers.append(header)
        self.events.append(event)
        self.loop.call_soon_threadsafe(self.got.set)
        return event

    async def wait(self) -> dict[str, Any]:
        with anyio.fail_after(20):
            await self.got.wait()
        self.got.clear()
        return self.events[-1]


@pytest.fixture
async def sender(kms: Any, key_arn: str) -> Sender:
    return Sender(kms, key_arn)


def config(key_arn: str | None, *mediums: str, name: str = "one") -> dict[str, Any]:
    named: dict[str, Any] = {} if key_arn is None else {"KMSKeyID": key_arn}
    for medium in mediums:
        given = {"LambdaArn": ARN.format(name), "LambdaVersion": "V1_0"}
        named[f"Custom{medium}Sender"] = given
    return {"LambdaConfig": named}


@pytest.fixture
def served(start, settle, kms_here) -> Callable[..., Any]:
    """Make a pool at a server with a KMS endpoint, and with these triggers in process."""
    url, key_arn = kms_here

    async def made(triggers: Any, *mediums: str, arn: str | None = key_arn, **server: Any) -> Any:
        api = await start(**{"kms_endpoint": url, "triggers": triggers, **server})
        house = await settle(api, config(arn, *mediums))
        await house.add_user(**REACHED)
        return house

    return made


@pytest.fixture
def opened(request, start, settle, local_lambda, kms_here) -> Callable[..., Any]:
    """Make a pool whose custom senders are one function: in process, unless a test asks."""

    async def made(function: Any, mediums=("Email", "SMS"), server=None, **client: Any) -> Any:
        if getattr(request, "param", "in process") == "in process":
            settings = {"triggers": {"one": function}}
        else:
            local_lambda.functions["one"] = function
            settings = {"lambda_endpoint": local_lambda.url}
        url, arn = kms_here
        api = await start(kms_endpoint=url, **settings, **(server or {}))
        return await settle(api, config(arn, *mediums), **client)

    return made


@pytest.fixture
def server_with(clock, http, settle, kms_here) -> Callable[..., Any]:
    """Run a server of one's own, with a pool whose e-mails a function sends."""
    url, key_arn = kms_here

    @asynccontextmanager
    async def running(function: Any, **more: Any) -> Any:
        async with PoolServer(
            clock=clock, kms_endpoint=url, triggers={"one": function}, **more
        ) as server:
            house = await settle(CognitoCalls(server.endpoint, http), config(key_arn, "Email"))
            await house.add_user(**REACHED)
            yield server, house

    return running


async def forget(house: Any, username: str = "ann", **more: Any) -> Any:
    return await house.api("ForgotPassword", ClientId=house.client_id, Username=username, **more)


@pytest.mark.parametrize(
    ("medium", "address", "escaped"),
    [("Email", REACHED["email"], "Aa1-xy&lt;&amp;&gt;"), ("SMS", "+12065550123", "Aa1-xy<&>")],
)
async def test_senders_get_temporary_passwords_as_cognito_writes_them(
    opened, sender, medium, address, escaped
):
    house = await opened(sender)
    attribute = {"Email": "email", "SMS": "phone_number"}[medium]
    await house.api(
        "AdminCreateUser",
        UserPoolId=house.pool_id,
        Username="bob",
        UserAttributes=[{"Name": attribute, "Value": address}],
        TemporaryPassword="Aa1-xy<&>",
        ClientMetadata={"by": "me"},
    )
    event = await sender.wait()
    assert event["triggerSource"] == f"Custom{medium}Sender_AdminCreateUser"
    assert sender.codes == [escaped]
    assert not event["request"]["clientMetadata"]
    assert event["callerContext"]["clientId"] == "CLIENT_ID_NOT_APPLICABLE"


async def test_senders_get_the_codes_of_sign_ups_and_of_changed_addresses(opened, sender):
    house = await opened(sender, server={"on_message": pytest.fail})
    pool = {"UserPoolId": house.pool_id, "AutoVerifiedAttributes": ["email"]}
    config = (await house.api("DescribeUserPool", UserPoolId=house.pool_id))["UserPool"]
    await house.api("UpdateUserPool", **pool, LambdaConfig=config["LambdaConfig"])
    client = {"ClientId": house.client_id, "Username": "eve"}
    address = [{"Name": "email", "Value": "eve@example.org"}]
    await house.api("SignUp", **client, Password="Corr3ct-Horse", UserAttributes=address)
    assert (await sender.wait())["triggerSource"] == "CustomEmailSender_SignUp"
    await house.api("ResendConfirmationCode", **client)
    assert (await sender.wait())["triggerSource"] == "CustomEmailSender_ResendCode"
    await house.api("ConfirmSignUp", **client, ConfirmationCode=sender.codes[-1])
    reply = await house.api("InitiateAuth", **house.by_password("eve"))
    own = {"AccessToken": reply["AuthenticationResult"]["AccessToken"]}
    changed = [{"Name": "email", "Value": "eve@elsewhere.example"}]
    await house.api("UpdateUserAttributes", **own, UserAttributes=changed)
    assert (await sender.wait())["triggerSource"] == "CustomEmailSender_UpdateUserAttribute"
    own |= {"AttributeName": "email"}
    await house.api("GetUserAttributeVerificationCode", **own)
    assert (await sender.wait())["triggerSource"] == "CustomEmailSender_VerifyUserAttribute"
    await house.api("VerifyUserAttribute", **own, Code=sender.codes[-1])


@pytest.mark.parametrize("opened", ["in process", "at an endpoint"], indirect=True)
@pytest.mark.parametrize(("medium", "attributes"), [("Email", REACHED), ("SMS", BY_SMS)])
async def test_a_function_decrypts_the_code_and_it_resets_the_password(
    opened, sender, medium, attributes
):
    told: list[Any] = []
    house = await opened(sender, server={"on_message": told.append})
    await house.add_user(**attributes)
    reply = await forget(house, ClientMetadata={"page": "shop"})
    assert reply["CodeDeliveryDetails"]["DeliveryMedium"] == medium.upper()
    event = await sender.wait()
    assert event["triggerSource"] == f"Custom{medium}Sender_ForgotPassword"
    assert event["version"] == "1"
    assert event["region"] == "us-east-1"
    assert event["userPoolId"] == house.pool_id
    assert event["userName"] == "ann"
    assert event["callerContext"]["clientId"] == house.client_id
    asked = dict(event["request"])
    assert asked.pop("code")
    user = asked.pop("userAttributes")
    assert asked == {
        "type": f"custom{medium}SenderRequestV1",
        "clientMetadata": {"page": "shop"},
    }
    assert user.pop("sub")
    assert user == {**attributes, "cognito:user_status": "CONFIRMED"}
    (code,) = sender.codes
    await house.api(
        "ConfirmForgotPassword",
        ClientId=house.client_id,
        Username="ann",
        Password=NEW,
        ConfirmationCode=code,
    )
    assert told == []  # the sender is the only way
    assert len(sender.events) == 1


async def test_a_code_is_encrypted_as_cognito_encrypts_it(opened, sender, key_arn):
    house = await opened(sender)
    await house.add_user(**REACHED)
    await forget(house)
    event = await sender.wait()
    (header,) = sender.headers
    # As the message has it that begins AYADe: version 1, type 128, suite 0x0378.
    assert event["request"]["code"].startswith("AYADe")
    assert event["request"]["clientMetadata"] is None
    assert header.algorithm is Algorithm.AES_256_GCM_IV12_TAG16_HKDF_SHA384_ECDSA_P384
    context = dict(header.encryption_context)
    assert context.pop("aws-crypto-public-key")
    assert context == {"userpool-id": house.pool_id}
    (wrapped,) = header.encrypted_data_keys
    assert wrapped.key_provider.key_info == key_arn.encode()
    assert sender.codes[0] not in str(event)


async def test_an_administrators_reset_goes_to_the_sender_too(opened, sender):
    house = await opened(sender)
    await house.add_user(**REACHED)
    await house.api("AdminResetUserPassword", UserPoolId=house.pool_id, Username="ann")
    event = await sender.wait()
    assert event["triggerSource"] == "CustomEmailSender_ForgotPassword"
    assert event["callerContext"]["clientId"] == "CLIENT_ID_NOT_APPLICABLE"


async def test_the_mailbox_has_what_the_sender_delivered(server_with, sender):
    async with server_with(sender) as (server, house):
        await forget(house)
        await sender.wait()
        (message,) = await server.mailbox.messages(house.pool_id)
    assert message.code.reveal() == sender.codes[0]
    assert message.destination == REACHED["email"]


async def test_a_medium_without_a_sender_of_its_own_is_delivered_by_the_pool(opened, sender):
    told: list[Any] = []
    house = await opened(sender, mediums=("SMS",), server={"on_message": told.append})
    await house.add_user(**REACHED)
    await forget(house)
    assert [message.medium for message in told] == ["EMAIL"]
    assert sender.events == []


async def test_triggers_in_process_serve_the_pools_that_name_a_key(
    served, settle, aws_url, key_arn
):
    got: asyncio.Queue[Any] = asyncio.Queue()
    told: list[Any] = []
    async with KmsKey(arn=key_arn, endpoint=aws_url) as key:

        async def send(event: CustomEmailSenderEvent) -> None:
            await got.put((event, await event.decrypted_code(key)))

        triggers = Triggers(on={CustomEmailSenderEvent: send})
        house = await served(triggers, on_message=told.append)
        await forget(house)
        with anyio.fail_after(20):
            event, code = await got.get()
        assert event.user_attributes["email"] == REACHED["email"]
        assert isinstance(code, Secret)
        assert len(code.reveal()) == 6
        assert told == []
        without = await settle(house.api)
        await without.add_user(**REACHED)
        await forget(without)
        assert [message.pool_id for message in told] == [without.pool_id]
        assert got.empty()


async def test_words_of_a_custom_message_are_in_the_mailbox_where_a_sender_delivers(
    server_with, sender
):
    async def worded(event: Any, _context: Any) -> Any:
        text = {"emailMessage": "worded {####}", "emailSubject": None, "smsMessage": None}
        return {**event, "response": text}

    async with server_with(sender) as (server, house):
        server.triggers["two"] = worded
        given = config(sender.key_arn, "Email")["LambdaConfig"] | {
            "CustomMessage": ARN.format("two")
        }
        await house.api("UpdateUserPool", UserPoolId=house.pool_id, LambdaConfig=given)
        await forget(house)
        await sender.wait()
        (message,) = await server.mailbox.messages(house.pool_id)
    assert message.text.reveal() == f"worded {sender.codes[0]}"


async def test_no_reply_waits_for_a_sender_and_the_end_of_a_server_does(server_with, sender):
    release = asyncio.Event()

    async def slow(event: Any, context: Any) -> Any:
        await release.wait()
        return await asyncio.to_thread(sender, event, context)

    async with server_with(slow) as (_, house):
        with anyio.fail_after(20):
            await forget(house)
        assert sender.events == []
        release.set()
    assert len(sender.events) == 1


async def logged(caplog: Any, what: str) -> list[str]:
    """Wait for a line in the log, and give all lines that say so."""
    with anyio.fail_after(20):
        while what not in caplog.text:
            await anyio.sleep(0.01)
    return [each.getMessage() for each in caplog.records if what in each.getMessage()]


@pytest.mark.parametrize(
    ("opened", "failure"),
    [
        ("in process", "raises"),
        ("at an endpoint", "raises"),
        ("at an endpoint", "is not there"),
        ("in process", "has a key that is gone"),
    ],
    indirect=["opened"],
)
async def test_a_sender_that_fails_fails_nothing_and_is_in_the_log(opened, sender, caplog, failure):
    async def broken(event: Any, _context: Any) -> Any:
        raise RuntimeError("canary")

    house = await opened(broken if failure == "raises" else sender)
    changed = {
        "is not there": config(sender.key_arn, "Email", name="other"),
        "has a key that is gone": config(f"{sender.key_arn[:-1]}z", "Email"),
    }.get(failure)
    if changed is not None:
        await house.api("UpdateUserPool", UserPoolId=house.pool_id, **changed)
    await house.add_user(**REACHED)
    reply = await forget(house)
    assert reply["CodeDeliveryDetails"]["DeliveryMedium"] == "EMAIL"
    lines = await logged(caplog, "was not delivered")
    assert len(lines) == 1
    assert "CustomEmailSender" in lines[0]
    assert "canary" not in lines[0]
    assert sender.events == []


@pytest.mark.parametrize("kms_key", [ARN.format("one"), "arn:aws:kms:eu-central-1:1:key/x"])
async def test_a_key_that_is_none_of_kms_is_in_the_log(served, sender, caplog, kms_key):
    house = await served({"one": sender}, "Email", arn=kms_key)
    await forget(house)
    (line,) = await logged(caplog, "was not delivered")
    assert "arn must be a KMS key's" in line


async def test_what_a_sender_gives_back_is_not_looked_at(opened, sender, caplog):
    async def odd(event: Any, context: Any) -> Any:
        await asyncio.to_thread(sender, event, context)
        return float("nan")

    house = await opened(odd)
    await house.add_user(**REACHED)
    await forget(house)
    await sender.wait()
    await forget(house)  # after which the first one has been dealt with
    await sender.wait()
    assert "was not delivered" not in caplog.text
    assert len(sender.events) == 2


async def test_where_users_are_hidden_a_sender_runs_for_those_who_are_there(opened, sender):
    house = await opened(sender, PreventUserExistenceErrors="ENABLED")
    await house.add_user(**REACHED)
    await house.add_user("bob")  # who cannot be reached
    await house.add_user("cat", email="cat@example.com", email_verified="true")
    await house.api("AdminDisableUser", UserPoolId=house.pool_id, Username="cat")
    await forget(house, "bob")
    await forget(house, "cat")
    await forget(house, "nobody@example.com")
    await forget(house, "+4917000000")
    await forget(house)
    await sender.wait()
    assert [event["userName"] for event in sender.events] == ["ann"]


async def test_what_is_late_is_invoked_once(served, monkeypatch, caplog):
    monkeypatch.setattr(runner, "INFORMING_TIMEOUT", 0.05)
    runs: list[Any] = []

    async def hangs(event: Any, _context: Any) -> None:
        runs.append(event)
        await anyio.sleep_forever()

    await forget(await served({"one": hangs}, "Email"))
    await logged(caplog, "was not delivered")
    assert len(runs) == 1


async def test_what_cannot_be_invoked_is_tried_again(served, local_lambda, sender, monkeypatch):
    monkeypatch.setattr(runner, "_PAUSE", 0.0)
    local_lambda.functions["one"] = sender
    local_lambda.next = [web.json_response({}, status=503), web.json_response({}, status=429)]
    house = await served(None, "Email", lambda_endpoint=local_lambda.url)
    await forget(house)
    await sender.wait()
    assert len(local_lambda.requests) == 3


async def test_a_server_ends_although_a_sender_hangs(server_with, caplog):
    began = asyncio.Event()

    async def hangs(event: Any, _context: Any) -> None:
        began.set()
        await anyio.sleep_forever()

    with anyio.fail_after(30):
        async with server_with(hangs, trigger_timeout=0.1) as (_, house):
            await forget(house)
            await began.wait()
    assert "the server ends while 1 custom senders run" in caplog.text


async def test_no_more_than_a_bound_wait_for_their_senders(served, sender, monkeypatch, caplog):
    monkeypatch.setattr(custom_senders, "MOST", 0)
    house = await served({"one": sender}, "Email")
    await forget(house)
    await logged(caplog, "too many messages wait")
    assert sender.events == []


async def test_without_a_kms_endpoint_the_pool_delivers_as_ever(served, sender):
    told: list[Any] = []
    house = await served({"one": sender}, "Email", kms_endpoint=None, on_message=told.append)
    await forget(house)
    assert len(told) == 1
    assert sender.events == []


async def test_half_of_the_credentials_is_refused_at_the_start(aws_url, monkeypatch):
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(ConfigError, match="for the KMS endpoint"):
        async with PoolServer(kms_endpoint=aws_url):
            pass


async def test_no_code_and_no_data_key_is_logged(opened, sender, caplog):
    caplog.set_level(logging.DEBUG)
    house = await opened(sender)
    await house.add_user(**REACHED)
    await forget(house)
    await sender.wait()
    ours = "\n".join(
        each.getMessage()
        for each in caplog.records
        if each.name.startswith(("authflow", "aiobotocore", "aws_encryption_sdk"))
    )
    assert sender.codes[0] not in ours
    assert "Plaintext" not in ours


async def test_a_sender_begins_once_the_reply_is_sent():
    class NoKms:  # it is reached too late to matter
        async def encrypted(self, *_: Any) -> Any:
            raise KeysUnavailableError("none")

    async with CustomSenders(triggers=TriggerRunner(), kms=NoKms()) as senders:
        with errands() as left:
            senders.send(None, "EMAIL", Secret("493021"), "ForgotPassword")
        assert not senders._running
        for errand in left:
            errand()
        assert len(senders._running) == 1


async def test_a_missing_extra_is_told_when_the_server_starts(aws_url, monkeypatch):
    monkeypatch.setitem(sys.modules, "aws_encryption_sdk", None)
    monkeypatch.delitem(sys.modules, "authflow.aws.encrypted_messages")
    monkeypatch.delattr("authflow.aws.encrypted_messages")
    with pytest.raises(ConfigError, match=r"cognito-authflow\[custom-senders\]"):
        async with PoolServer(kms_endpoint=aws_url):
            pass


async def test_codes_are_encrypted_a_few_at_a_time(served, sender, monkeypatch):
    at_once = [0, 0]

    async def slow(self: Any, *_: Any) -> bytes:
        at_once[0] += 1
        at_once[1] = max(at_once)
        await anyio.sleep(0.01)
        at_once[0] -= 1
        return b"x"

    monkeypatch.setattr(KmsKey, "encrypt", slow)
    got: list[Any] = []

    async def gets(event: Any, _context: Any) -> None:
        got.append(event)

    house = await served({"one": gets}, "Email")
    names = [f"u{number}" for number in range(40)]
    for name in names:
        await house.add_user(name, **REACHED | {"email": f"{name}@example.com"})
    await asyncio.gather(*(forget(house, name) for name in names))
    with anyio.fail_after(20):
        while len(got) < len(names):
            await anyio.sleep(0.01)
    assert at_once[1] <= 16


async def test_the_welcome_of_a_migrated_user_goes_to_no_sender(served, sender):
    told: list[Any] = []

    async def migrates(event: Any, _context: Any) -> Any:
        attributes = {**REACHED, "username": "dan"}
        user = {"userAttributes": attributes, "finalUserStatus": "CONFIRMED"}
        return {**event, "response": user | {"desiredDeliveryMediums": ["EMAIL"]}}

    house = await served({"one": sender, "two": migrates}, "Email", on_message=told.append)
    given = config(sender.key_arn, "Email")["LambdaConfig"] | {"UserMigration": ARN.format("two")}
    await house.api("UpdateUserPool", UserPoolId=house.pool_id, LambdaConfig=given)
    await house.api(
        "InitiateAuth",
        ClientId=house.client_id,
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": "dan", "PASSWORD": NEW},
    )
    assert [message.code for message in told] == [None]
    assert sender.events == []


async def test_the_code_that_sets_an_address_up_goes_to_the_sender_with_the_address(opened, sender):
    house = await opened(sender)
    await house.add_user()
    await house.api(
        "SetUserPoolMfaConfig",
        UserPoolId=house.pool_id,
        MfaConfiguration="ON",
        EmailMfaConfiguration={},
    )
    asked = await house.api("InitiateAuth", **house.by_password())
    answer = house.answer("MFA_SETUP", "ann", asked["Session"], EMAIL="ann@example.org")
    asked = await house.api("RespondToAuthChallenge", **answer)
    event = await sender.wait()
    assert event["triggerSource"] == "CustomEmailSender_Authentication"
    assert event["request"]["userAttributes"]["email"] == "ann@example.org"
    code = {"EMAIL_OTP_CODE": sender.codes[0]}
    answer = house.answer("EMAIL_OTP", "ann", asked["Session"], **code)
    assert "AuthenticationResult" in await house.api("RespondToAuthChallenge", **answer)


async def test_the_code_of_a_second_factor_goes_to_the_sender_and_signs_in(opened, sender):
    house = await opened(sender)
    await house.add_user(**BY_SMS)
    arn = "arn:aws:iam::000000000000:role/any"
    await house.api(
        "SetUserPoolMfaConfig",
        UserPoolId=house.pool_id,
        MfaConfiguration="OPTIONAL",
        SmsMfaConfiguration={"SmsConfiguration": {"SnsCallerArn": arn, "ExternalId": "x"}},
    )
    await house.api(
        "AdminSetUserMFAPreference",
        UserPoolId=house.pool_id,
        Username="ann",
        SMSMfaSettings={"Enabled": True, "PreferredMfa": True},
    )
    asked = await house.api("InitiateAuth", **house.by_password())
    assert asked["ChallengeName"] == "SMS_MFA"
    event = await sender.wait()
    assert event["triggerSource"] == "CustomSMSSender_Authentication"
    assert event["request"]["userAttributes"]["phone_number"] == NUMBER
    reply = await house.api(
        "RespondToAuthChallenge",
        ClientId=house.client_id,
        ChallengeName="SMS_MFA",
        Session=asked["Session"],
        ChallengeResponses={"USERNAME": "ann", "SMS_MFA_CODE": sender.codes[0]},
    )
    assert reply["AuthenticationResult"]["AccessToken"]
