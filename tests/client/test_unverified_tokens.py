"""Tokens that were issued outlive a failure to fetch the keys that verify them.

The server signs as the pool does, and fails to give its keys for as long as a test likes.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from attrs import define, evolve, field
from joserfc import jwt
from joserfc.jwk import RSAKey

from authflow import (
    AuthClient,
    AuthConfig,
    AuthFlow,
    Device,
    SignedIn,
    Tokens,
    UnconfirmedDevice,
)
from authflow.errors import JwksUnreachableError, MisuseError, TokenError, TransportError
from authflow.tokens import key_source

POOL = "eu-central-1_Abc123def"
CLIENT = "1example23456789"
CHALLENGE = {
    "ChallengeName": "CUSTOM_CHALLENGE",
    "ChallengeParameters": {"USERNAME": "3f1c"},
    "Session": "s" * 20,
}


@pytest.fixture(scope="module")
def key() -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": "k1", "alg": "RS256", "use": "sig"})


@pytest.fixture(autouse=True)
def _attempts_follow_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_source, "_PAUSES", (0, 0))
    monkeypatch.setattr(key_source, "REMEMBERED", 0.0)


@define
class Pool:
    key: RSAKey
    endpoint: str = ""
    keys_status: int = 503
    fetches: int = 0
    operations: list[str] = field(factory=list)
    refreshes: int = 0
    new_device: dict[str, str] | None = None
    bodies: list[dict[str, Any]] = field(factory=list)

    def config(self, **settings: Any) -> AuthConfig:
        given = {"user_pool_id": POOL, "client_id": CLIENT, "endpoint": self.endpoint}
        return AuthConfig(**{**given, **settings})

    def jwks(self) -> dict[str, Any]:
        return {"keys": [self.key.as_dict(private=False)]}

    def token(self, use: str) -> str:
        now = int(time.time())
        claims = {
            "iss": f"{self.endpoint}/{POOL}",
            "sub": "3f1c",
            "token_use": use,
            "exp": now + 3600,
            ("username" if use == "access" else "cognito:username"): "3f1c",
            ("client_id" if use == "access" else "aud"): CLIENT,
        }
        return jwt.encode({"alg": "RS256", "kid": "k1"}, claims, self.key)

    async def keys(self, _request: web.Request) -> web.Response:
        self.fetches += 1
        return web.json_response(self.jwks(), status=self.keys_status)

    async def operate(self, request: web.Request) -> web.Response:
        operation = request.headers["x-amz-target"].rpartition(".")[2]
        self.operations.append(operation)
        body = await request.json()
        self.bodies.append(body)
        if operation == "InitiateAuth" and body["AuthFlow"] == "CUSTOM_AUTH":
            reply: dict[str, Any] = CHALLENGE
        else:
            self.refreshes += 1
            tokens = {
                "AccessToken": self.token("access"),
                "IdToken": self.token("id"),
                "RefreshToken": f"r{self.refreshes}",
                "ExpiresIn": 3600,
            }
            if self.new_device is not None:
                tokens["NewDeviceMetadata"] = self.new_device
            reply = {"AuthenticationResult": tokens}
            if operation == "ConfirmDevice":
                reply = {"UserConfirmationNecessary": False}
        return web.json_response(reply, content_type="application/x-amz-json-1.1")


@pytest.fixture
async def pool(key: RSAKey) -> AsyncIterator[Pool]:
    made = Pool(key)
    app = web.Application()
    app.router.add_get("/{pool}/.well-known/jwks.json", made.keys)
    app.router.add_post("/", made.operate)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.endpoint = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()


async def signing_in(auth: AuthClient) -> Any:
    return await auth.sign_in("3f1c", "Correct-horse-1", flow=AuthFlow.USER_PASSWORD_AUTH)


async def answering(auth: AuthClient) -> Any:
    return await auth.answer(await auth.sign_in("ada", flow=AuthFlow.CUSTOM_AUTH), "x")


async def refreshing(auth: AuthClient) -> Any:
    return await auth.refresh("r0")


every_way = pytest.mark.parametrize("obtain", [signing_in, answering, refreshing])
Obtain = Callable[[AuthClient], Awaitable[Any]]


@every_way
async def test_the_error_carries_what_the_call_would_have_given_and_verifying_again_gives_it(
    pool: Pool, obtain: Obtain
):
    async with AuthClient(pool.config()) as auth:
        with pytest.raises(JwksUnreachableError, match="503") as lost:
            await obtain(auth)
        error, sent = lost.value, [*pool.operations]
        assert isinstance(error, TransportError)
        assert isinstance(error.tokens, Tokens)
        assert error.retry_after is not None
        issued = error.signed_in or error.tokens
        with pytest.raises(JwksUnreachableError) as again:
            await auth.verify(issued)
        assert (again.value.signed_in, again.value.tokens) == (error.signed_in, error.tokens)
        pool.keys_status = 200
        result = await auth.verify(issued)
        assert pool.operations == sent, "nothing is sent for it"
        wanted = await obtain(auth)
    assert type(result) is type(wanted)
    if isinstance(result, SignedIn):
        assert (result.username, result.flow) == (wanted.username, wanted.flow)
        assert error.signed_in == result
    assert (result.tokens if isinstance(result, SignedIn) else result) == error.tokens


async def test_a_rotated_refresh_token_is_not_lost(pool: Pool):
    async with AuthClient(pool.config()) as auth:
        with pytest.raises(JwksUnreachableError) as lost:
            await auth.refresh("r0")
        assert lost.value.signed_in is None
        assert lost.value.tokens.refresh_token.reveal() == "r1"


MINE = Device(key="k1", group_key="g", password="dev1ce", sub="3f1c")


@pytest.mark.parametrize(
    ("device", "named"),
    [(None, "new"), (MINE, "k1"), (evolve(MINE, sub="another"), None)],
    ids=["new", "known", "another's"],
)
async def test_tokens_that_are_verified_later_are_refreshed_from_their_device(
    pool: Pool, device: Device | None, named: str | None
):
    async with AuthClient(pool.config(flow=AuthFlow.USER_PASSWORD_AUTH)) as auth:
        if device is None:
            pool.new_device = {"DeviceKey": "new", "DeviceGroupKey": "g"}
        with pytest.raises(JwksUnreachableError) as lost:
            await auth.sign_in("3f1c", "Correct-horse-1", device=device)
        pool.keys_status, pool.new_device = 200, None
        result = await auth.verify(lost.value.signed_in)
        for _ in range(2):
            if isinstance(result.tokens.device, UnconfirmedDevice):
                result = await auth.remember_device(result)
            renewed = await auth.refresh(result.tokens.refresh_token)
            assert renewed.device == result.tokens.device
            assert pool.bodies[-1].get("DeviceKey") == named
        assert (None if renewed.device is None else renewed.device.key) == named


@every_way
async def test_the_error_shows_no_token(pool: Pool, obtain: Obtain):
    async with AuthClient(pool.config()) as auth:
        with pytest.raises(JwksUnreachableError) as lost:
            await obtain(auth)
    error, shown, trace = lost.value, "", lost.value.__traceback__
    while trace is not None:
        shown += "".join(map(repr, trace.tb_frame.f_locals.values()))
        trace = trace.tb_next
    shown += f"{error} {error!r} {error.args} {vars(error)}"
    tokens = error.tokens
    for token in (tokens.access_token, tokens.id_token):
        assert token.reveal().rpartition(".")[2] not in shown


async def test_forged_tokens_are_refused_when_they_are_verified_later(pool: Pool):
    async with AuthClient(pool.config()) as auth:
        pool.key = RSAKey.generate_key(2048, {"kid": "k1"})
        with pytest.raises(JwksUnreachableError) as lost:
            await signing_in(auth)
        pool.key = RSAKey.generate_key(2048, {"kid": "k1"})
        pool.keys_status = 200
        with pytest.raises(TokenError, match="signature"):
            await auth.verify(lost.value.signed_in)


async def test_sign_ins_side_by_side_share_one_failure_and_each_keeps_its_own_tokens(pool: Pool):
    pool.keys_status = 404
    async with AuthClient(pool.config()) as auth:
        errors: list[Any] = await asyncio.gather(
            *(refreshing(auth) for _ in range(10)), return_exceptions=True
        )
    assert {type(error) for error in errors} == {JwksUnreachableError}
    kept = {error.tokens.refresh_token.reveal() for error in errors}
    assert kept == {f"r{number}" for number in range(1, 11)}


@pytest.mark.parametrize(
    "given", [None, "canary", b"canary", 5, ["canary"], {"tokens": "canary"}], ids=str
)
async def test_what_is_neither_a_sign_in_nor_tokens_is_not_verified(pool: Pool, given: Any):
    async with AuthClient(pool.config(verify_tokens=False)) as auth:
        with pytest.raises(MisuseError, match="a SignedIn or Tokens, not") as refused:
            await auth.verify(given)
    assert "canary" not in str(refused.value)


async def test_keys_are_fetched_when_the_client_opens_if_that_is_asked_for(pool: Pool):
    with pytest.raises(JwksUnreachableError, match="503") as failed:
        async with AuthClient(pool.config(fetch_jwks_on_open=True)):
            pass
    assert failed.value.tokens is None
    assert (pool.fetches, pool.operations) == (3, [])
    pool.keys_status = 200
    async with AuthClient(pool.config(fetch_jwks_on_open=True)) as auth:
        assert pool.fetches == 4
        assert isinstance(await signing_in(auth), SignedIn)
    assert pool.fetches == 4


@pytest.mark.parametrize("settings", [{"verify_tokens": False}, {"jwks": True}])
async def test_keys_that_nobody_needs_are_not_fetched(
    pool: Pool, settings: dict[str, Any], tmp_path
):
    if "jwks" in settings:
        (tmp_path / "jwks.json").write_text(json.dumps(pool.jwks()))
        settings = {"jwks": tmp_path / "jwks.json"}
    async with AuthClient(pool.config(fetch_jwks_on_open=True, **settings)) as auth:
        assert isinstance(await signing_in(auth), SignedIn)
    assert pool.fetches == 0
