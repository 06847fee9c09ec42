"""Pictures and sounds in S3: put there, fetched by the link, and by nothing else."""

import re
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import aiohttp
import pytest
from aiobotocore.session import get_session
from authflow_captcha.errors import PublishError
from authflow_captcha.s3_publisher import S3Publisher
from authflow_captcha.trigger import Captcha

from authflow.errors import ConfigError, TransportError
from authflow.plugins import CreateContext

FILE = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
async def bucket(aws_url: str, aws_credentials: None) -> AsyncIterator[Any]:
    """Make a bucket, and give its name and a client for it."""
    name = f"captchas-{uuid4()}"
    async with get_session().create_client("s3", endpoint_url=aws_url) as s3:
        await s3.create_bucket(
            Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
        )
        yield name, s3


async def test_a_file_is_fetched_by_its_link(aws_url: str, bucket: Any) -> None:
    async with S3Publisher(bucket=bucket[0], endpoint=aws_url, timeout=30) as publisher:
        url = await publisher.publish(FILE, "image/png", 60)
    async with aiohttp.ClientSession() as session, session.get(url) as reply:
        assert (reply.status, await reply.read()) == (200, FILE)
        assert reply.headers["Content-Type"] == "image/png"
        assert reply.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("region", ["eu-central-1", "us-east-1"])
async def test_a_link_is_signed_by_version_4_for_its_seconds_and_names_no_public_object(
    aws_url: str, bucket: Any, region: str
) -> None:
    async with S3Publisher(
        bucket=bucket[0], region=region, endpoint=aws_url, timeout=30
    ) as publisher:
        url = await publisher.publish(FILE, "image/png", 77)
    signed = parse_qs(urlsplit(url).query)
    assert signed["X-Amz-Expires"] == ["77"]
    assert signed["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert "X-Amz-Signature" in signed
    grants = await bucket[1].get_object_acl(
        Bucket=bucket[0], Key=urlsplit(url).path.partition(f"{bucket[0]}/")[2]
    )
    assert not any("URI" in grant["Grantee"] for grant in grants["Grants"])


async def test_names_are_long_random_and_under_the_prefix(aws_url: str, bucket: Any) -> None:
    async with S3Publisher(
        bucket=bucket[0], prefix="c/", endpoint=aws_url, timeout=30
    ) as publisher:
        for media_type in ("image/png", "audio/wav", "image/png"):
            await publisher.publish(FILE, media_type, 60)
    listed = await bucket[1].list_objects_v2(Bucket=bucket[0])
    names = sorted(entry["Key"] for entry in listed["Contents"])
    assert len(names) == 3
    assert all(re.fullmatch(r"c/[\w-]{43}\.(png|wav)", name, re.ASCII) for name in names)


async def test_the_challenge_has_links_to_what_was_made(
    aws_url: str, bucket: Any, asked: CreateContext
) -> None:
    async with (
        S3Publisher(bucket=bucket[0], endpoint=aws_url, timeout=30) as publisher,
        aiohttp.ClientSession() as session,
    ):
        issued = await Captcha(form="both", publisher=publisher).create(asked)
        for name, beginning in (("captchaUrl", b"\x89PNG"), ("audioUrl", b"RIFF")):
            async with session.get(issued.public[name]) as reply:
                assert (await reply.read()).startswith(beginning)
    public = " ".join(issued.public.values())
    assert issued.private["answer"] not in public
    assert issued.private["spoken"] not in public


async def test_without_its_bucket_it_fails_and_says_so(aws_url: str, aws_credentials: None) -> None:
    async with S3Publisher(bucket=f"none-{uuid4()}", endpoint=aws_url, timeout=30) as publisher:
        with pytest.raises(PublishError, match="cannot be put into the bucket") as caught:
            await publisher.publish(FILE, "image/png", 60)
    assert isinstance(caught.value, TransportError)


async def test_where_nobody_answers_it_gives_up_in_time(aws_credentials: None) -> None:
    publisher = S3Publisher(bucket="b", endpoint="http://127.0.0.1:9", timeout=1.0)
    async with publisher:
        with pytest.raises(PublishError):
            await publisher.publish(FILE, "image/png", 60)


async def test_it_can_be_used_again_after_it_was_closed(aws_url: str, bucket: Any) -> None:
    publisher = S3Publisher(bucket=bucket[0], endpoint=aws_url, timeout=30)
    for _ in range(2):
        async with publisher:
            assert await publisher.publish(FILE, "image/png", 60)


def test_an_endpoint_is_safe_or_on_this_machine() -> None:
    with pytest.raises(ConfigError, match="https"):
        S3Publisher(bucket="b", endpoint="http://example.com")


@pytest.mark.parametrize("name", ["", None, 7])
def test_a_bucket_has_a_name(name: Any) -> None:
    with pytest.raises(ConfigError, match="name the bucket"):
        S3Publisher(bucket=name)
