"""Tokens from a server that cannot sign as the user pool does: none of them is handed out.

The server has the pool's published keys, as everybody has, and gives tokens of its own making to
every request that ends in tokens.
"""

import base64
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiohttp import web
from attrs import define, field
from joserfc import jwt
from joserfc.jwk import RSAKey

from authflow import AuthClient, AuthConfig, AuthFlow, Secret
from authflow.errors import TokenError

POOL = "eu-central-1_Abc123def"
CLIENT = "1example23456789"
HEADER = {"alg": "RS256", "kid": "k1"}
PUBLIC = {"kid": "k1", "alg": "RS256", "use": "sig"}
CHALLENGE = {
    "ChallengeName": "CUSTOM_CHALLENGE",
    "ChallengeParameters": {"USERNAME": "ada"},
    "Session": "s" * 20,
}


@pytest.fixture(scope="module")
def key() -> RSAKey:
    return RSAKey.generate_key(2048, PUBLIC)


@pytest.fixture(scope="module")
def thief() -> RSAKey:
    return RSAKey.generate_key(2048, PUBLIC)


@define
class Impostor:
    """A server that publishes the pool's keys and answers with tokens that the test makes."""

    key: RSAKey
    endpoint: str = field(init=False)
    tokens: dict[str, str] = field(factory=dict, init=False)

    def config(self) -> AuthConfig:
        return AuthConfig(user_pool_id=POOL, client_id=CLIENT, endpoint=self.endpoint)

    def claims(self, use: str, **changes: Any) -> dict[str, Any]:
        now = int(time.time())
        made = {
            "iss": f"{self.endpoint}/{POOL}",
            "sub": "3c9d",
            "token_use": use,
            "iat": now,
            "exp": now + 3600,
            **({"client_id": CLIENT} if use == "access" else {"aud": CLIENT}),
            **changes,
        }
        return {name: value for name, value in made.items() if value is not None}

    def give(self, access: str, identity: str) -> None:
        self.tokens = {"AccessToken": access, "IdToken": identity, "RefreshToken": "r"}

    async def keys(self, _request: web.Request) -> web.Response:
        return web.json_response({"keys": [self.key.as_dict(private=False)]})

    async def operate(self, request: web.Request) -> web.Response:
        operation = request.headers["x-amz-target"].rpartition(".")[2]
        body = await request.json()
        custom = operation == "InitiateAuth" and body["AuthFlow"] == "CUSTOM_AUTH"
        result = {"AuthenticationResult": {**self.tokens, "ExpiresIn": 3600}}
        return web.json_response(
            CHALLENGE if custom else result, content_type="application/x-amz-json-1.1"
        )


@pytest.fixture
async def impostor(key: RSAKey) -> AsyncIterator[Impostor]:
    made = Impostor(key)
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
    return (await auth.sign_in("ada", "Correct-horse-1", flow=AuthFlow.USER_PASSWORD_AUTH)).tokens


async def answering(auth: AuthClient) -> Any:
    return (await auth.answer(await auth.sign_in("ada", flow=AuthFlow.CUSTOM_AUTH), "x")).tokens


async def refreshing(auth: AuthClient) -> Any:
    return await auth.refresh(Secret("r"))


every_way = pytest.mark.parametrize("obtain", [signing_in, answering, refreshing])


def unsigned(claims: dict[str, Any]) -> str:
    parts = (json.dumps(each).encode() for each in ({**HEADER, "alg": "none"}, claims))
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts) + "."


@every_way
async def test_tokens_that_the_pool_signed_are_handed_out(
    impostor: Impostor, key: RSAKey, obtain: Callable[..., Any]
) -> None:
    given = [jwt.encode(HEADER, impostor.claims(use), key) for use in ("access", "id")]
    impostor.give(*given)
    async with AuthClient(impostor.config()) as auth:
        tokens = await obtain(auth)
    assert [tokens.access_token.reveal(), tokens.id_token.reveal()] == given


@every_way
@pytest.mark.parametrize("spoilt", ["access", "id"])
@pytest.mark.parametrize(
    "forge",
    [
        lambda claims, _, thief: jwt.encode(HEADER, claims, thief),
        lambda claims, *_: unsigned(claims),
        lambda claims, key, _: jwt.encode(HEADER, claims, key)[:-8] + "AAAAAAAA",
        lambda claims, key, _: jwt.encode(HEADER, {**claims, "iss": "https://other"}, key),
        lambda claims, key, _: jwt.encode(
            HEADER, {**claims, "aud": "other", "client_id": "other"}, key
        ),
        lambda claims, key, _: jwt.encode(HEADER, {**claims, "exp": 1}, key),
        lambda claims, key, _: jwt.encode(HEADER, {**claims, "sub": "another"}, key),
        lambda claims, key, _: jwt.encode(HEADER, {**claims, "token_use": "refresh"}, key),
        lambda *_: "no token",
    ],
    ids=[
        *("another key", "no signature", "a broken signature", "another pool", "another client"),
        *("expired", "another user", "another use", "junk"),
    ],
)
async def test_a_forged_token_is_not_handed_out(
    impostor: Impostor,
    thief: RSAKey,
    obtain: Callable[..., Any],
    spoilt: str,
    forge: Callable[..., str],
) -> None:
    key = impostor.key
    made = {use: jwt.encode(HEADER, impostor.claims(use), key) for use in ("access", "id")}
    made[spoilt] = forge(impostor.claims(spoilt), key, thief)
    impostor.give(made["access"], made["id"])
    async with AuthClient(impostor.config()) as auth:
        with pytest.raises(TokenError):
            await obtain(auth)
