"""What the tests of the CAPTCHA share."""

import base64
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from anyio.from_thread import start_blocking_portal
from attrs import define, field

from authflow import testing
from authflow.plugins import Challenge, CreateContext, Secret, VerifyContext
from authflow.testing import RunningPool
from authflow.triggers import CreateEvent, SessionEntry, Triggers, VerifyEvent


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


@pytest.fixture
def run_pool() -> Callable[[Any], AbstractAsyncContextManager[RunningPool]]:
    """Run a user pool with triggers, and with ada in it."""
    return lambda triggers: testing.run_pool(triggers=triggers, users={"ada": testing.PASSWORD})


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
