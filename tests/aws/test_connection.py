"""A connection to AWS's services, against moto's server."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from attrs import define
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    HTTPClientError,
    ReadTimeoutError,
)

from authflow.aws.connection import AwsConnection
from authflow.errors import ConfigError


@define(kw_only=True, eq=False)
class Secrets(AwsConnection):
    service = "sns"


@pytest.fixture(scope="module")
def endpoint(aws_url: str) -> str:
    return aws_url


@pytest.fixture(autouse=True)
def credentials(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "any")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "any")


async def test_a_client_is_made_at_the_first_use_and_again_after_it_was_closed(endpoint):
    async with Secrets(region="eu-central-1", endpoint=endpoint) as connection:
        first = await connection.connected()
        assert await connection.connected() is first
        assert (await connection.call("list_topics"))["Topics"] == []
        await connection.aclose()
        assert await connection.connected() is not first


async def test_nothing_that_is_sent_is_logged(endpoint, caplog):
    caplog.set_level(logging.DEBUG)
    async with Secrets(region="eu-central-1", endpoint=endpoint) as connection:
        await connection.call("publish", PhoneNumber="+491700000000", Message="canary-code")
    ours = [record for record in caplog.records if not record.name.startswith("werkzeug")]
    assert not [record.getMessage() for record in ours if "canary" in record.getMessage()]


async def test_what_goes_to_this_machine_goes_to_no_proxy(endpoint, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with Secrets(region="eu-central-1", endpoint=endpoint) as connection:
        assert "Topics" in await connection.call("list_topics")


@pytest.mark.parametrize("endpoint", ["http://10.0.0.7:8000", "ftp://127.0.0.1", "127.0.0.1:8000"])
def test_an_endpoint_that_leaves_this_machine_in_the_clear_is_refused(endpoint):
    with pytest.raises(ConfigError, match="https"):
        Secrets(endpoint=endpoint)


@pytest.fixture
def served(listening):
    """Gives an endpoint that takes each request whole, and then does as it is told."""

    @asynccontextmanager
    async def serving(reply: Callable[[Any], Awaitable[None]]) -> AsyncIterator[str]:
        async def serve(reader, writer):
            with suppress(asyncio.LimitOverrunError):  # it speaks TLS
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = int(head.partition(b"content-length: ")[2].split(b"\r\n")[0])
                await reader.readexactly(length)
                await reply(writer)

        async with listening(serve) as port:
            yield f"http://127.0.0.1:{port}"

    return serving


async def hang_up(_writer):
    """Say nothing."""


async def refuse(writer):
    body = b"<ErrorResponse><Error><Code>Odd</Code><Message>no</Message></Error></ErrorResponse>"
    writer.write(b"HTTP/1.1 400 X\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
    await writer.drain()


async def babble(writer):
    writer.write(b"HTTP/1.1 200 X\r\ncontent-length: 3\r\n\r\n<a>")
    await writer.drain()


async def go_on(writer):
    writer.write(b"HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n")
    for _ in range(16384):
        writer.write(b"10000\r\n" + b"x" * 65536 + b"\r\n")
        await writer.drain()


async def drip(writer):
    writer.write(b"HTTP/1.1 200 X\r\ncontent-length: 9999\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.02)


ENDS = {
    hang_up: HTTPClientError,
    refuse: ClientError,
    babble: HTTPClientError,
    go_on: HTTPClientError,
}


@pytest.mark.parametrize("reply", ENDS)
async def test_no_error_leads_to_what_was_sent(served, everything_told, reply):
    async with served(reply) as endpoint, Secrets(region="eu-west-1", endpoint=endpoint) as aws:
        with pytest.raises(ENDS[reply]) as failed:
            await aws.call("publish", PhoneNumber="+491700000000", Message="canary-code")
    assert "canary" not in everything_told(failed.value)


async def test_no_cancellation_leads_to_what_is_sent(served, everything_told):
    taken = asyncio.Event()

    async def wait(_writer):
        taken.set()
        await asyncio.sleep(0.2)

    async with served(wait) as endpoint, Secrets(region="eu-west-1", endpoint=endpoint) as aws:
        task = asyncio.ensure_future(
            aws.call("publish", PhoneNumber="+491700000000", Message="canary-code")
        )
        await taken.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as cancelled:
            await task
    assert "canary" not in everything_told(cancelled.value)


async def test_a_reply_has_a_length_that_a_service_can_set(endpoint):
    @define(kw_only=True, eq=False)
    class Short(Secrets):
        most_bytes = 100

    async with Short(region="eu-central-1", endpoint=endpoint) as connection:
        with pytest.raises(HTTPClientError):
            await connection.call("list_topics")
    async with Secrets(region="eu-central-1", endpoint=endpoint) as connection:
        await connection.call("list_topics")


async def test_a_reply_that_drips_ends_with_the_time_for_a_reply(served, monkeypatch):
    monkeypatch.setattr("authflow.aws.connection.READ_TIMEOUT", 0.1)
    async with served(drip) as endpoint, Secrets(region="eu-west-1", endpoint=endpoint) as aws:
        with pytest.raises(ReadTimeoutError):
            await aws.call("list_topics")


@pytest.mark.parametrize("sent", [True, False])
async def test_a_call_has_one_time_for_all_its_attempts(served, monkeypatch, sent):
    monkeypatch.setattr("authflow.aws.connection.CALL_TIMEOUT", 0.3)
    async with served(drip) as endpoint:
        # By https nobody answers the handshake.
        address = endpoint if sent else endpoint.replace("http:", "https:")
        async with Secrets(region="eu-west-1", endpoint=address) as aws:
            with pytest.raises(ReadTimeoutError if sent else ConnectTimeoutError) as late:
                await aws.call("list_topics")
    assert "0.3 s" in str(late.value) or "sns" in str(late.value)


def test_a_client_brings_its_own_region_and_endpoint():
    with pytest.raises(ConfigError, match="already"):
        Secrets(client=object(), region="eu-central-1")
