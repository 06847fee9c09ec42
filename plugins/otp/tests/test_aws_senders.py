"""E-mail by SES and text messages by SNS, to moto's server."""

import logging
import socket
import traceback
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiobotocore.session import get_session
from authflow_otp.aws_senders import SesSender, SnsSender
from authflow_otp.messages import CodeMessage, Templates
from moto.core import DEFAULT_ACCOUNT_ID
from moto.sesv2.models import sesv2_backends
from moto.sns.models import sns_backends

from authflow.errors import (
    CodeDeliveryError,
    ConfigError,
    OutcomeUnknownError,
    TransportError,
    UnreachableError,
)
from authflow.plugins import Secret

REGION = "eu-central-1"
FROM = "Example Shop <no-reply@example.com>"


def message(to: str) -> CodeMessage:
    return Templates().written(
        destination=to, code=Secret("471108"), language="en", minutes=5, purpose="Example Shop"
    )


async def test_ses_sends_mail(aws: str) -> None:
    async with get_session().create_client("sesv2", endpoint_url=aws) as owner:
        await owner.create_email_identity(EmailIdentity="no-reply@example.com")
    async with SesSender(from_address=FROM, endpoint=aws) as sender:
        await sender.send(message("ada@example.com"))
    mail = sesv2_backends[DEFAULT_ACCOUNT_ID][REGION].core_backend.sent_messages[-1]
    assert mail.destinations["ToAddresses"] == ["ada@example.com"]
    assert mail.source == FROM
    assert mail.subject == "Your code for Example Shop"
    assert "471108 is your code for Example Shop" in mail.body


async def test_sns_sends_a_text_message(aws: str) -> None:
    async with SnsSender(sender_id="EXAMPLE", endpoint=aws) as sender:
        await sender.send(message("+15550001234"))
    sent = sns_backends[DEFAULT_ACCOUNT_ID][REGION].sms_messages.values()
    to, text = list(sent)[-1][:2]
    assert to == "+15550001234"
    assert "471108 is your code for Example Shop" in text


async def test_a_refusal_of_ses_names_its_code_and_not_the_address(aws: str) -> None:
    async with SesSender(from_address="stranger@example.net", endpoint=aws) as sender:
        with pytest.raises(CodeDeliveryError, match="SESV2 refuses the message: ") as caught:
            await sender.send(message("ada@example.com"))
    assert "ada" not in caught.value.message


async def test_a_refusal_of_sns_names_its_code_and_not_the_number(aws: str) -> None:
    async with SnsSender(endpoint=aws) as sender:
        with pytest.raises(CodeDeliveryError, match="SNS refuses the message: Invalid") as caught:
            await sender.send(message("+1555x"))
    assert "1555" not in caught.value.message


async def test_no_connection_means_not_sent(aws: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{taken.getsockname()[1]}"
        async with SnsSender(endpoint=endpoint) as sender:
            with pytest.raises(UnreachableError, match="SNS cannot be reached"):
                await sender.send(message("+15550001234"))


async def test_a_connection_that_is_cut_is_an_unknown_outcome(aws: str, listening: Any) -> None:
    async def cut(reader: Any, _writer: Any) -> None:
        await reader.readuntil(b"\r\n\r\n")

    async with listening(cut) as port, SnsSender(endpoint=f"http://127.0.0.1:{port}") as sender:
        with pytest.raises(OutcomeUnknownError, match="may have been sent"):
            await sender.send(message("+15550001234"))


Reply = Callable[[Any], Awaitable[None]]


def ended_by(reply: Reply) -> Callable[[Any, Any], Awaitable[None]]:
    """What takes a request whole, and then does as `reply` says."""

    async def serve(reader: Any, writer: Any) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        await reader.readexactly(length)
        await reply(writer)

    return serve


async def hang_up(_writer: Any) -> None:
    """Say nothing."""


async def refuse(writer: Any) -> None:
    body = b"<ErrorResponse><Error><Code>Odd</Code><Message>no</Message></Error></ErrorResponse>"
    writer.write(b"HTTP/1.1 400 X\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
    await writer.drain()


async def babble(writer: Any) -> None:
    writer.write(b"HTTP/1.1 400 X\r\ncontent-length: 3\r\n\r\n<a>")
    await writer.drain()


async def go_on(writer: Any) -> None:
    writer.write(b"HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n")
    for _ in range(4096):
        writer.write(b"10000\r\n" + b"x" * 65536 + b"\r\n")
        await writer.drain()


@pytest.mark.parametrize("reply", [hang_up, refuse, babble, go_on])
@pytest.mark.parametrize("medium", ["e-mail", "text message"])
async def test_no_error_of_a_sender_leads_to_the_message(
    aws: str, listening: Any, reply: Reply, medium: str
) -> None:
    async with listening(ended_by(reply)) as port:
        endpoint = f"http://127.0.0.1:{port}"
        made = (
            SnsSender(endpoint=endpoint)
            if medium == "text message"
            else SesSender(from_address=FROM, endpoint=endpoint)
        )
        async with made as sender:
            with pytest.raises((CodeDeliveryError, TransportError)) as failed:
                await sender.send(message("+15550001234"))
    told = traceback.TracebackException.from_exception(failed.value, capture_locals=True)
    assert "471108" not in "".join(told.format())


async def test_without_credentials_nothing_is_sent(
    aws: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    async with SnsSender(endpoint=aws) as sender:
        with pytest.raises(TransportError, match="SNS cannot be asked: NoCredentialsError"):
            await sender.send(message("+15550001234"))


async def test_a_sender_that_was_closed_opens_new_connections(aws: str) -> None:
    sender = SnsSender(endpoint=aws)
    for _ in range(2):
        await sender.send(message("+15550001234"))
        await sender.aclose()


async def test_nothing_of_a_message_is_logged_at_debug(
    aws: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with SnsSender(endpoint=aws) as sender:
        await sender.send(message("+15550001234"))
    ours = [r.getMessage() for r in caplog.records if "botocore" in r.name or "aiohttp" in r.name]
    assert not any("471108" in text or "15550001234" in text for text in ours)


@pytest.mark.parametrize(
    ("made_by", "settings", "says"),
    [
        (SesSender, {"from_address": "nobody"}, "from_address"),
        (SesSender, {"from_address": FROM, "endpoint": "http://example.com"}, "https"),
        (SnsSender, {"endpoint": "ftp://127.0.0.1"}, "https"),
        (SnsSender, {"sender_id": "much too long a name"}, "sender_id"),
        (SnsSender, {"sender_id": "123"}, "sender_id"),
        (SnsSender, {"origination_number": "call me"}, "origination_number"),
    ],
)
def test_unsafe_and_malformed_settings_are_refused(
    made_by: Callable[..., Any], settings: dict[str, Any], says: str
) -> None:
    with pytest.raises(ConfigError, match=says):
        made_by(**settings)
