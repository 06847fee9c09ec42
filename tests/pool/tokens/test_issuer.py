import base64
import json

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, OctKey, RSAKey

from authflow.pool.accounts.signing_keys import new_signing_key


def payload(token):
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


async def get(house, path):
    async with house.api.http.get(f"{house.api.endpoint}/{path}") as reply:
        return reply.status, await reply.json(content_type=None), reply.headers["content-type"]


async def test_tokens_verify_with_the_published_keys(house):
    await house.add_user(email="ann@example.org", email_verified="true", name="Ann")
    tokens = await house.tokens()
    status, configuration, kind = await get(
        house, f"{house.pool_id}/.well-known/openid-configuration"
    )
    assert (status, kind) == (200, "application/json")
    assert configuration["jwks_uri"] == f"{configuration['issuer']}/.well-known/jwks.json"
    _, published, _ = await get(house, f"{house.pool_id}/.well-known/jwks.json")
    assert all(key.keys() == {"kty", "alg", "use", "kid", "n", "e"} for key in published["keys"])
    keys = KeySet.import_key_set(published)
    identity = jwt.decode(tokens["IdToken"], keys, algorithms=["RS256"]).claims
    access = jwt.decode(tokens["AccessToken"], keys, algorithms=["RS256"]).claims
    now = int(house.clock.now)
    issuer = f"{house.api.endpoint}/{house.pool_id}"
    assert configuration["issuer"] == issuer
    both = {"iss": issuer, "iat": now, "auth_time": now, "exp": now + 3600}
    assert identity == {
        **both,
        "aud": house.client_id,
        "token_use": "id",
        "cognito:username": "ann",
        "email": "ann@example.org",
        "email_verified": True,
        "name": "Ann",
        **{name: identity[name] for name in ("sub", "jti", "origin_jti", "event_id")},
    }
    assert access == {
        **both,
        "client_id": house.client_id,
        "token_use": "access",
        "scope": "aws.cognito.signin.user.admin",
        "username": "ann",
        **{name: access[name] for name in ("sub", "jti", "origin_jti", "event_id")},
    }
    assert access["sub"] == identity["sub"]
    assert access["origin_jti"] == identity["origin_jti"]
    assert access["jti"] != identity["jti"]


async def test_no_pool_no_keys(house):
    for document in ("jwks.json", "openid-configuration"):
        status, error, _ = await get(house, f"us-east-1_nobody/.well-known/{document}")
        assert (status, error["__type"]) == (404, "ResourceNotFoundException")


async def test_lifetimes_and_readable_attributes_are_the_clients(api, settle):
    house = await settle(
        api,
        AccessTokenValidity=10,
        IdTokenValidity=2,
        TokenValidityUnits={"AccessToken": "minutes"},
        ReadAttributes=["name"],
    )
    await house.add_user(email="ann@example.org", name="Ann")
    tokens = await house.tokens()
    assert tokens["ExpiresIn"] == 600
    identity = payload(tokens["IdToken"])
    assert identity["exp"] - identity["iat"] == 7200
    assert identity["name"] == "Ann"
    assert "email" not in identity


async def test_the_issuer_can_be_named(start, settle):
    house = await settle(await start(issuer="https://login.example.org/"))
    await house.add_user()
    issuer = payload((await house.tokens())["AccessToken"])["iss"]
    assert issuer == f"https://login.example.org/{house.pool_id}"


async def test_get_user_takes_an_access_token(house):
    made = await house.add_user(email="ann@example.org")
    tokens = await house.tokens()
    user = await house.api("GetUser", AccessToken=tokens["AccessToken"])
    assert user["Username"] == "ann"
    assert {one["Name"] for one in user["UserAttributes"]} == {"sub", "email"}
    assert made["Attributes"][0] in user["UserAttributes"]


def forged(token, **header):
    """Sign the same claims with a key of somebody else's."""
    claims = payload(token)
    _, jwk = new_signing_key()
    kid = json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))["kid"]
    return jwt.encode(
        {"alg": "RS256", "kid": kid, **header}, claims, RSAKey.import_key(json.loads(jwk))
    )


def unsigned(token):
    header = base64.urlsafe_b64encode(
        json.dumps({"alg": "none", "kid": kid_of(token)}).encode()
    ).rstrip(b"=")
    return f"{header.decode()}.{token.split('.')[1]}."


def kid_of(token):
    return json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))["kid"]


def with_public_key_as_secret(token):
    key = OctKey.import_key("x" * 64)
    return jwt.encode({"alg": "HS256", "kid": kid_of(token)}, payload(token), key)


def encoded(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


DEEP = base64.urlsafe_b64encode(b"[" * 20000).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "spoil",
    [
        forged,
        unsigned,
        with_public_key_as_secret,
        lambda token: token[:-4] + "AAAA",
        lambda token: "a.b.c",
        lambda token: "abc",
        lambda token: f"{encoded([])}.{encoded([])}.AAAA",
        lambda token: f"{encoded({'alg': 'RS256', 'kid': 1})}.{encoded({'sub': []})}.AAAA",
        lambda token: f"{encoded({'alg': 'RS256'})}.{encoded({'sub': 1, 'origin_jti': 2})}.AAAA",
        lambda token: f"{encoded({'alg': 'RS256', 'kid': 'x'})}.{DEEP}.AAAA",
        lambda token: f"{DEEP}.{encoded({})}.AAAA",
    ],
)
async def test_what_is_no_token_of_ours_is_refused(house, spoil):
    await house.add_user()
    token = (await house.tokens())["AccessToken"]
    for operation in ("GetUser", "GlobalSignOut"):
        refusal = await house.api.refused(operation, AccessToken=spoil(token))
        assert refusal.code == "NotAuthorizedException"
        assert refusal.message == "Could not verify signature for Access Token"
    assert await house.api("GetUser", AccessToken=token)


async def test_an_id_token_or_an_old_access_token_is_refused(house):
    await house.add_user()
    tokens = await house.tokens()
    refusal = await house.api.refused("GetUser", AccessToken=tokens["IdToken"])
    assert refusal.message == "Invalid Access Token"
    house.clock.now += 3600
    refusal = await house.api.refused("GetUser", AccessToken=tokens["AccessToken"])
    assert refusal.message == "Access Token has expired"


async def test_every_pool_has_its_own_key(api, settle, monkeypatch):
    monkeypatch.setattr("authflow.pool.accounts.user_pools.new_signing_key", new_signing_key)
    published = []
    for _ in range(2):
        house = await settle(api)
        _, keys, _ = await get(house, f"{house.pool_id}/.well-known/jwks.json")
        published += keys["keys"]
    assert len({key["n"] for key in published}) == 2
    for key in published:
        assert RSAKey.import_key(key).thumbprint() == key["kid"]


async def test_users_and_tokens_outlive_the_server(start, settle, tmp_path):
    path = str(tmp_path / "pool.db")
    house = await settle(await start(db=path))
    await house.add_user()
    tokens = await house.tokens()
    proof = await house.by_srp()
    again = await start(db=path)
    user = await again("GetUser", AccessToken=tokens["AccessToken"])
    assert user["Username"] == "ann"
    renewed = await again(
        "GetTokensFromRefreshToken", RefreshToken=tokens["RefreshToken"], ClientId=house.client_id
    )
    assert "AuthenticationResult" in renewed
    assert "AuthenticationResult" in await again("RespondToAuthChallenge", **proof)
