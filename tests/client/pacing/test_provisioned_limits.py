"""Quotas, read from Cognito by a signed request: against a server of ours that speaks it.

Neither moto nor our pool knows the operation.
"""

import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from attrs import define, field
from botocore.session import get_session

from authflow.client import ProvisionedLimits, QuotaCategory, RequestBudgets
from authflow.errors import (
    ConfigError,
    MalformedReplyError,
    RequestBlockedError,
    UnreachableError,
)

KNOWN = "GetProvisionedLimit" in get_session().get_service_model("cognito-idp").operation_names
pytestmark = [
    pytest.mark.skipif(not KNOWN, reason="this botocore does not know GetProvisionedLimit"),
    pytest.mark.usefixtures("aws_credentials"),
]


class Once(ProvisionedLimits):
    attempts = 1


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    monkeypatch.setattr("authflow.client.pacing.provisioned_limits._APART", 0.0)


@define
class Limits:
    """Tells quotas as Cognito does."""

    values: dict[str, Any] = field(factory=dict)
    reply: web.Response | None = None
    asked: list[dict[str, Any]] = field(factory=list)
    heads: list[dict[str, str]] = field(factory=list)
    url: str = ""

    async def serve(self, request: web.Request) -> web.Response:
        self.heads.append({name.lower(): value for name, value in request.headers.items()})
        body = json.loads(await request.read())
        self.asked.append(body)
        if self.reply is not None:
            return self.reply
        definition = body["LimitDefinition"]
        value = self.values.get(definition["Attributes"]["Category"], 120)
        limit = {
            "LimitDefinition": definition,
            "ProvisionedLimitValue": value,
            "FreeLimitValue": 120,
        }
        return web.json_response({"Limit": limit}, content_type="application/x-amz-json-1.1")


@asynccontextmanager
async def serving(**options: Any) -> AsyncIterator[Limits]:
    limits = Limits(**options)
    app = web.Application()
    app.router.add_post("/", limits.serve)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    limits.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield limits
    finally:
        await runner.cleanup()


async def test_what_can_be_raised_is_read_and_the_rest_are_the_defaults():
    async with (
        serving(values={"UserAuthentication": 360, "UserToken": 240}) as server,
        ProvisionedLimits(endpoint=server.url) as limits,
    ):
        budgets = await limits.read()
    assert budgets == RequestBudgets({"UserAuthentication": 360, "UserToken": 240})
    assert budgets.of("RespondToAuthChallenge") == 1080
    assert budgets.of("GlobalSignOut") == 25
    assert [body["LimitDefinition"] for body in server.asked] == [
        {"LimitClass": "API_CATEGORY", "Attributes": {"Category": category}}
        for category in ("UserAuthentication", "UserToken")
    ]


async def test_requests_are_signed():
    async with serving() as server, ProvisionedLimits(endpoint=server.url) as limits:
        await limits.read(["UserAuthentication"])
    (head,) = server.heads
    assert head["x-amz-target"] == "AWSCognitoIdentityProviderService.GetProvisionedLimit"
    assert head["authorization"].startswith("AWS4-HMAC-SHA256 Credential=test/")
    assert "/eu-central-1/cognito-idp/aws4_request" in head["authorization"]


async def test_other_categories_are_read_by_name_each_once():
    async with (
        serving(values={"UserUpdate": 50}) as server,
        ProvisionedLimits(endpoint=server.url) as limits,
    ):
        budgets = await limits.read([QuotaCategory.USER_UPDATE, "UserUpdate"])
    assert budgets.of("GlobalSignOut") == 50
    assert len(server.asked) == 1


@pytest.mark.parametrize("category", ["UserFederation", "", "x", 1, None])
async def test_an_unknown_category_is_not_asked_for(category):
    async with serving() as server, ProvisionedLimits(endpoint=server.url) as limits:
        with pytest.raises(ConfigError, match="category"):
            await limits.read([category])
        assert server.asked == []


@pytest.mark.parametrize("categories", [None, 5, [["UserToken"]], [{}], "UserToken", b"x"])
async def test_categories_are_names(categories):
    async with serving() as server, ProvisionedLimits(endpoint=server.url) as limits:
        with pytest.raises(ConfigError, match="categor"):
            await limits.read(categories)
        assert server.asked == []


@pytest.mark.parametrize("value", [0, -1, None, "120", 1.5, True, 1_000_001, 10**30])
async def test_what_is_no_quota_is_refused(value):
    async with (
        serving(values={"UserAuthentication": value}) as server,
        ProvisionedLimits(endpoint=server.url) as limits,
    ):
        with pytest.raises(MalformedReplyError):
            await limits.read()


@pytest.mark.parametrize("body", ["{}", "[]", "null", '{"Limit": 1}', "<html>", ""])
async def test_a_reply_that_is_none_of_cognitos_is_refused(body):
    reply = web.Response(text=body, content_type="application/x-amz-json-1.1")
    async with (
        serving(reply=reply) as server,
        ProvisionedLimits(endpoint=server.url) as limits,
    ):
        with pytest.raises((MalformedReplyError, UnreachableError)):
            await limits.read(["UserToken"])


@pytest.mark.parametrize("code", ["AccessDeniedException", "NotAuthorizedException"])
async def test_credentials_that_may_not_are_told_apart_from_a_password(code):
    refusal = web.json_response(
        {"__type": code, "message": "User: arn:x is not authorized"}, status=400
    )
    async with (
        serving(reply=refusal) as server,
        ProvisionedLimits(endpoint=server.url) as limits,
    ):
        with pytest.raises(RequestBlockedError, match="cognito-idp:GetProvisionedLimit") as refused:
            await limits.read(["UserToken"])
    assert refused.value.aws_code == code


async def test_nobody_there_is_unreachable():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with Once(endpoint=url) as limits:
            with pytest.raises(UnreachableError):
                await limits.read(["UserToken"])


async def test_missing_credentials_are_told(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    async with serving() as server, ProvisionedLimits(endpoint=server.url) as limits:
        with pytest.raises(ConfigError, match="no AWS credentials"):
            await limits.read()


async def test_an_sdk_that_is_older_than_the_operation_is_told_what_to_do():
    class Older:
        """A client of an SDK from before there was GetProvisionedLimit."""

    with pytest.raises(ConfigError, match="newer aiobotocore"):
        await ProvisionedLimits(client=Older()).read()
