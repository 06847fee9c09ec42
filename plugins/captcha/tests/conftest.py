"""What the tests of the CAPTCHA share."""

import base64
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from aiobotocore.session import get_session
from aiohttp import web
from aiohttp.test_utils import TestServer
from anyio.from_thread import start_blocking_portal
from attrs import define, field, frozen
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server

from authflow import AuthConfig
from authflow.plugins import Challenge, CreateContext, Secret, VerifyContext
from authflow.pool import PoolServer
from authflow.triggers import CreateEvent, SessionEntry, Triggers, VerifyEvent

SESSION = get_session()
"""One for all tests: each reads the service's model anew."""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def asked() -> CreateContext:
    return CreateContext(
        username="ada",
        user_attributes={},
        user_not_found=False,
        attempt=1,
        attempts=3,
        now=1_799_999_999.0,
    )


@pytest.fixture(scope="session")
def answered() -> Callable[..., VerifyContext]:
    """Build what Verify is told."""

    def answered(
        answer: str,
        private: Mapping[str, str],
        *,
        user_not_found: bool = False,
        now: float = 1_800_000_000.0,
    ) -> VerifyContext:
        return VerifyContext(
            username="ada",
            user_attributes={},
            user_not_found=user_not_found,
            private={"expires": "1800000001", **private},
            answer=Secret(answer),
            now=now,
        )

    return answered


@pytest.fixture(scope="session")
def challenged() -> Callable[..., Challenge]:
    """Build the challenge as a client gets it."""

    def challenged(
        url: str | None = None,
        *,
        audio: str | None = None,
        attempt: int = 1,
        attempts: int | None = 3,
    ) -> Challenge:
        parameters = {"captchaUrl": url, "audioUrl": audio}
        return Challenge(
            name="CUSTOM_CHALLENGE",
            kind="captcha",
            parameters={name: value for name, value in parameters.items() if value is not None},
            attempt=attempt,
            attempts=attempts,
        )

    return challenged


@pytest.fixture(scope="session")
def as_url() -> Callable[..., str]:
    """Put a file into a data: URL."""

    def as_url(file: bytes, media_type: str = "image/png") -> str:
        return f"data:{media_type};base64,{base64.b64encode(file).decode()}"

    return as_url


@define(kw_only=True, eq=False)
class SiteVerify:
    """A service that verifies tokens, at a local address, by the interface that the real ones have.

    Args:
        secret: What it knows us by.
        tokens: The tokens that are good, each with what the service knows of it.
        fault: What it does instead of verifying.
    """

    secret: str = "canary-secret-0x4AAAAAAA"
    tokens: dict[str, dict[str, Any]] = field(factory=dict)
    fault: Callable[[web.Request], Awaitable[web.StreamResponse]] | None = None
    forms: list[dict[str, str]] = field(factory=list, init=False)
    url: str = field(default="", init=False)
    _used: dict[str, str | None] = field(factory=dict, init=False)

    async def verify(self, request: web.Request) -> web.StreamResponse:
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.forms.append(form)
        if self.fault is not None:
            return await self.fault(request)
        if form.get("secret") != self.secret:
            return self._no("invalid-input-secret")
        token, key = form.get("response", ""), form.get("idempotency_key")
        if token not in self.tokens:
            return self._no("invalid-input-response")
        if token in self._used and (key is None or self._used[token] != key):
            return self._no("timeout-or-duplicate")
        self._used[token] = key
        stamp = {"challenge_ts": "2026-11-23T04:00:00Z", "error-codes": []}
        return web.json_response({"success": True, **stamp, **self.tokens[token]})

    def _no(self, code: str) -> web.Response:
        return web.json_response({"success": False, "error-codes": [code]})


@pytest.fixture
async def siteverify() -> AsyncIterator[SiteVerify]:
    service = SiteVerify()
    app = web.Application()
    app.router.add_post("/siteverify", service.verify)
    async with TestServer(app) as server:
        service.url = str(server.make_url("/siteverify"))
        yield service


@pytest.fixture(scope="session")
def siteverify_in_a_thread() -> Iterator[SiteVerify]:
    """The same service on an event loop of its own, for tests that run their own."""
    service = SiteVerify()
    app = web.Application()
    app.router.add_post("/siteverify", service.verify)
    with start_blocking_portal() as portal:
        server = TestServer(app)
        portal.call(server.start_server)
        service.url = str(server.make_url("/siteverify"))
        yield service
        portal.call(server.close)


@pytest.fixture(scope="session")
def aws_url() -> Iterator[str]:
    """Run moto's server, which stands in for AWS."""
    app = DomainDispatcherApplication(create_backend_app)
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=MotoRequestHandler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def aws_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")


@frozen(kw_only=True)
class SignInPlace:
    """A running user pool with the user ada in it.

    Args:
        config: How a client gets there.
        owner: The pool's owner's client.
    """

    config: AuthConfig
    owner: Any


PASSWORD = "Correct-horse-1"


@pytest.fixture
def run_pool() -> Callable[..., AbstractAsyncContextManager[SignInPlace]]:
    """Run the embedded user pool with triggers."""

    @asynccontextmanager
    async def run_pool(triggers: Any) -> AsyncIterator[SignInPlace]:
        async with (
            PoolServer(triggers=triggers) as running,
            SESSION.create_client(
                "cognito-idp",
                region_name="us-east-1",
                endpoint_url=running.endpoint,
                aws_access_key_id="any",
                aws_secret_access_key="any",
            ) as owner,
        ):
            made = await owner.create_user_pool(PoolName="test")
            pool = {"UserPoolId": made["UserPool"]["Id"]}
            client = await owner.create_user_pool_client(
                **pool, ClientName="test", ExplicitAuthFlows=["ALLOW_CUSTOM_AUTH"]
            )
            await owner.admin_create_user(**pool, Username="ada", MessageAction="SUPPRESS")
            await owner.admin_set_user_password(
                **pool, Username="ada", Password=PASSWORD, Permanent=True
            )
            yield SignInPlace(
                config=AuthConfig(
                    user_pool_id=pool["UserPoolId"],
                    client_id=client["UserPoolClient"]["ClientId"],
                    endpoint=running.endpoint,
                ),
                owner=owner,
            )

    return run_pool


class DocumentedSample:
    """Create and Verify as the Amazon Cognito developer guide documents them, in Python.

    Define asks for a CAPTCHA after the password, until it is right.
    """

    sources = frozenset(
        {"DefineAuthChallenge", "CreateAuthChallenge", "VerifyAuthChallengeResponse"}
    )

    async def handle(self, event: Any) -> Any:
        session, response = event["request"].get("session") or [], event["response"]
        last = session[-1] if session else {"challengeName": None, "challengeResult": False}
        match event["triggerSource"]:
            case "DefineAuthChallenge_Authentication":
                done = last["challengeName"] == "CUSTOM_CHALLENGE" and last["challengeResult"]
                begun = last["challengeName"] == "SRP_A"
                response["challengeName"] = (
                    None if done else "PASSWORD_VERIFIER" if begun else "CUSTOM_CHALLENGE"
                )
                response["issueTokens"] = done
                response["failAuthentication"] = False
            case "CreateAuthChallenge_Authentication":
                response["publicChallengeParameters"] = {"captchaUrl": "url/123.jpg"}
                response["privateChallengeParameters"] = {"answer": "5"}
                response["challengeMetadata"] = "CAPTCHA_CHALLENGE"
            case _:
                response["answerCorrect"] = event["request"]["challengeAnswer"] == "5"
        return event


@pytest.fixture
def documented_sample() -> DocumentedSample:
    return DocumentedSample()


BY_SRP = tuple(
    SessionEntry(challenge_name=name, challenge_result=True)
    for name in ("SRP_A", "PASSWORD_VERIFIER")
)
ADA = {
    "user_pool_id": "eu-central-1_Abc123def",
    "client_id": "6hr1dqf1exampleclientid123",
    "username": "ada",
    "user_attributes": {"sub": "1"},
}


@pytest.fixture(scope="session")
def created() -> Callable[[Triggers], Awaitable[Any]]:
    """Have triggers make a challenge, after the password was proved."""

    async def created(triggers: Triggers) -> Any:
        event = CreateEvent(**ADA, session=BY_SRP)
        return event.read_reply(await triggers.handle(event.to_json()))

    return created


@pytest.fixture(scope="session")
def passes() -> Callable[[Triggers, Any, str], Awaitable[bool]]:
    """Have triggers verify an answer, and say whether it is right."""

    async def passes(triggers: Triggers, private: Any, answer: str) -> bool:
        event = VerifyEvent(**ADA, private=private, answer=Secret(answer))
        return event.read_reply(await triggers.handle(event.to_json()))

    return passes
