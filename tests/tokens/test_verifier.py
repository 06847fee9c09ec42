"""Tokens are believed only if everything about them is right."""

import base64
import hmac
import json
import time
from pathlib import Path
from typing import Any

import anyio
import pytest
from aiohttp import web
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from authflow import AuthConfig, Secret, Tokens
from authflow.client import TokenVerifier
from authflow.errors import TokenError

POOL = "eu-central-1_Abc123def"
CLIENT = "1example23456789"
WYCHEPROOF = Path(__file__).parents[3] / "shared" / "vectors" / "wycheproof"


@pytest.fixture(scope="module")
def key() -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": "k1", "alg": "RS256", "use": "sig"})


@pytest.fixture(scope="module")
def other_key() -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": "k1", "alg": "RS256", "use": "sig"})


class Keys:
    """A pool's published keys, served over HTTP, and how often they were asked for."""

    def __init__(self, *keys: Any) -> None:
        self.document: Any = {"keys": [key.as_dict(private=False) for key in keys]}
        self.fetches = 0
        self.status = 200
        self.headers: dict[str, str] = {}

    async def serve(self, _request: web.Request) -> web.Response:
        self.fetches += 1
        body = (
            self.document
            if isinstance(self.document, bytes)
            else json.dumps(self.document).encode()
        )
        return web.Response(
            body=body, status=self.status, headers=self.headers, content_type="application/json"
        )


@pytest.fixture
async def keys(key):
    published = Keys(key)
    app = web.Application()
    app.router.add_get("/{pool}/.well-known/jwks.json", published.serve)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    published.endpoint = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield published
    await runner.cleanup()


@pytest.fixture
def verifier(keys):
    config = AuthConfig(user_pool_id=POOL, client_id=CLIENT, endpoint=keys.endpoint)
    return TokenVerifier(config=config)


def claims(verifier: TokenVerifier, use: str = "access", **changes: Any) -> dict[str, Any]:
    now = int(time.time())
    member = {"client_id": CLIENT} if use == "access" else {"aud": CLIENT}
    made = {
        "iss": verifier.config.issuer,
        "sub": "3c9d",
        "token_use": use,
        "iat": now,
        "exp": now + 3600,
        **member,
        **changes,
    }
    return {name: value for name, value in made.items() if value is not None}


def sign(key: Any, payload: dict[str, Any], **header: Any) -> Secret[str]:
    full = {"alg": "RS256", "kid": "k1", **header}
    return Secret(jwt.encode(full, payload, key, algorithms=[full["alg"]]))


def raw(header: Any, payload: Any, signature: bytes = b"x" * 256) -> Secret[str]:
    def part(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    encoded = (json.dumps(each).encode() for each in (header, payload))
    return Secret(".".join([*map(part, encoded), part(signature)]))


@pytest.mark.parametrize("use", ["access", "id"])
async def test_a_good_token_gives_its_claims(verifier, key, use):
    assert (await verifier.claims(sign(key, claims(verifier, use)), use))["sub"] == "3c9d"


async def test_the_pair_of_a_sign_in_is_verified_together(verifier, key):
    tokens = Tokens(
        access_token=sign(key, claims(verifier)), id_token=sign(key, claims(verifier, "id"))
    )
    await verifier.verify(tokens)


async def test_tokens_of_two_users_are_not_a_pair(verifier, key):
    tokens = Tokens(
        access_token=sign(key, claims(verifier)),
        id_token=sign(key, claims(verifier, "id", sub="another")),
    )
    with pytest.raises(TokenError, match="different users"):
        await verifier.verify(tokens)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"iss": "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Other"}, "issued by"),
        ({"iss": None}, "issued by"),
        ({"token_use": "id"}, "not an access token"),
        ({"token_use": None}, "not an access token"),
        ({"client_id": "another"}, "another app client"),
        ({"client_id": None, "aud": CLIENT}, "another app client"),
        ({"exp": 1}, "expired"),
        ({"exp": None}, "expired"),
        ({"exp": "never"}, "expired"),
        ({"exp": True}, "expired"),
        ({"nbf": 10**12}, "not valid yet"),
        ({"nbf": "soon"}, "not valid yet"),
    ],
    ids=str,
)
async def test_a_wrong_claim_is_refused_and_named(verifier, key, changes, reason):
    with pytest.raises(TokenError, match=reason):
        await verifier.claims(sign(key, claims(verifier, **changes)), "access")


async def test_clocks_may_differ_by_a_minute(verifier, key):
    now = int(time.time())
    await verifier.claims(sign(key, claims(verifier, exp=now - 30, nbf=now + 30)), "access")


async def test_an_id_token_is_no_access_token_and_the_other_way_round(verifier, key):
    for made, asked in (("access", "id"), ("id", "access")):
        with pytest.raises(TokenError):
            await verifier.claims(sign(key, claims(verifier, made)), asked)


async def test_another_key_under_the_same_name_is_refused(verifier, other_key):
    with pytest.raises(TokenError, match="signature"):
        await verifier.claims(sign(other_key, claims(verifier)), "access")


async def test_a_changed_claim_breaks_the_signature(verifier, key):
    header, _, signature = sign(key, claims(verifier)).reveal().split(".")
    _, payload, _ = sign(key, claims(verifier, sub="admin")).reveal().split(".")
    with pytest.raises(TokenError, match="signature"):
        await verifier.claims(Secret(f"{header}.{payload}.{signature}"), "access")


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "", "HS256", "RS384", "ES256", None])
async def test_no_algorithm_but_rs256_is_considered(verifier, keys, algorithm):
    with pytest.raises(TokenError, match="RS256"):
        await verifier.claims(raw({"alg": algorithm, "kid": "k1"}, claims(verifier)), "access")
    assert keys.fetches == 0


async def test_the_public_key_is_no_hmac_secret(verifier, key):
    for algorithm in ("HS256", "RS256"):
        unsigned = raw({"alg": algorithm, "kid": "k1"}, claims(verifier)).reveal()
        message = unsigned.rpartition(".")[0]
        for secret in (key.as_pem(private=False), key.as_der(private=False)):
            forged = hmac.digest(secret, message.encode(), "sha256")
            signature = base64.urlsafe_b64encode(forged).rstrip(b"=").decode()
            with pytest.raises(TokenError):
                await verifier.claims(Secret(f"{message}.{signature}"), "access")


@pytest.mark.parametrize(
    "header",
    [
        {"jwk": {"kty": "oct", "k": "AAAA"}},
        {"jku": "http://127.0.0.1:1/keys"},
        {"x5u": "http://127.0.0.1:1/cert"},
    ],
    ids=str,
)
async def test_a_key_that_the_token_brings_along_is_not_used(verifier, other_key, header):
    token = raw({"alg": "RS256", "kid": "k1", **header}, claims(verifier))
    with pytest.raises(TokenError):
        await verifier.claims(token, "access")


@pytest.mark.parametrize(
    "text",
    ["", "a", "a.b", "a.b.c", "a.b.c.d", "..", "é.é.é", "x" * 20_000, "e30.e30.e30", "bnVsbA.e30."],
)
async def test_what_is_no_jwt_is_refused(verifier, text):
    with pytest.raises(TokenError):
        await verifier.claims(Secret(text), "access")


@pytest.mark.parametrize("kid", [None, 5, ["k1"], "../k1", "http://elsewhere"])
async def test_an_odd_key_id_is_refused(verifier, kid):
    with pytest.raises(TokenError):
        await verifier.claims(raw({"alg": "RS256", "kid": kid}, claims(verifier)), "access")


async def test_no_error_shows_the_token(verifier, other_key):
    token = sign(other_key, claims(verifier))
    with pytest.raises(TokenError) as refused:
        await verifier.claims(token, "access")
    assert token.reveal().split(".")[2] not in str(refused.value)


async def test_the_keys_are_fetched_once_by_many_at_a_time(verifier, keys, key):
    token = sign(key, claims(verifier))
    async with anyio.create_task_group() as tasks:
        for _ in range(50):
            tasks.start_soon(verifier.claims, token, "access")
    assert keys.fetches == 1


async def test_an_unknown_key_id_fetches_again_but_not_at_every_token(keys, key):
    now = time.time()
    config = AuthConfig(user_pool_id=POOL, client_id=CLIENT, endpoint=keys.endpoint)
    verifier = TokenVerifier(config=config, clock=lambda: now)
    await verifier.claims(sign(key, claims(verifier)), "access")
    fresh = RSAKey.generate_key(2048, {"kid": "k2", "alg": "RS256"})
    keys.document["keys"].append(fresh.as_dict(private=False))
    rotated = sign(fresh, claims(verifier), kid="k2")
    for _ in range(5):
        with pytest.raises(TokenError, match="not the user pool's"):
            await verifier.claims(rotated, "access")
    assert keys.fetches == 1
    now += 61
    await verifier.claims(rotated, "access")
    assert keys.fetches == 2


@pytest.mark.parametrize(
    "document",
    [b"", b"<html>", b"[]", b"{}", b'{"keys": []}', b'{"keys": 5}', b'{"keys": [null]}', b"\xff",
     b'{"keys": [{"kty": "RSA"}]}', b'{"keys": "' + b"x" * 300_000 + b'"}'],
    ids=lambda data: repr(data[:24]),
)  # fmt: skip
async def test_a_key_document_that_is_none_is_refused(verifier, keys, key, document):
    token = sign(key, claims(verifier))
    keys.document = document
    with pytest.raises(TokenError):
        await verifier.claims(token, "access")


async def test_an_error_status_is_refused(verifier, keys, key):
    keys.status = 500
    with pytest.raises(TokenError, match=r"jwks\.json"):
        await verifier.claims(sign(key, claims(verifier)), "access")


async def test_an_unreachable_pool_is_a_token_error(key):
    config = AuthConfig(user_pool_id=POOL, client_id=CLIENT, endpoint="http://127.0.0.1:1")
    verifier = TokenVerifier(config=config)
    with pytest.raises(TokenError, match="cannot be read"):
        await verifier.claims(sign(key, claims(verifier)), "access")


async def test_keys_for_other_uses_are_not_used(verifier, keys):
    elliptic = ECKey.generate_key("P-256", {"kid": "k1"})
    keys.document = {"keys": [elliptic.as_dict(private=False)]}
    token = raw({"alg": "RS256", "kid": "k1"}, claims(verifier))
    with pytest.raises(TokenError, match="not the user pool's"):
        await verifier.claims(token, "access")


@pytest.mark.parametrize(
    "algorithm", ["PS256", "RS384", "RS512", "RSA-OAEP", "HS256", "none", "rs256", ""]
)
async def test_a_key_that_names_another_algorithm_is_not_used(verifier, keys, key, algorithm):
    keys.document["keys"][0]["alg"] = algorithm
    with pytest.raises(TokenError, match=r"not the user pool's|cannot be read"):
        await verifier.claims(sign(key, claims(verifier)), "access")


async def test_a_key_that_names_no_algorithm_is_used(verifier, keys, key):
    del keys.document["keys"][0]["alg"]
    assert await verifier.claims(sign(key, claims(verifier)), "access")


async def test_a_key_that_is_for_encryption_is_not_used(verifier, keys, key):
    keys.document["keys"][0]["use"] = "enc"
    with pytest.raises(TokenError):
        await verifier.claims(sign(key, claims(verifier)), "access")


async def test_a_private_key_that_is_published_is_not_used(verifier, keys, key):
    """Everybody can sign with it."""
    keys.document = {"keys": [key.as_dict(private=True)]}
    assert "d" in keys.document["keys"][0]
    with pytest.raises(TokenError, match="not the user pool's"):
        await verifier.claims(sign(key, claims(verifier)), "access")


async def test_a_secret_that_is_published_is_not_used(verifier, keys, key):
    secret = base64.urlsafe_b64encode(key.as_der(private=False)).rstrip(b"=").decode()
    keys.document = {"keys": [{"kty": "oct", "kid": "k1", "k": secret}]}
    with pytest.raises(TokenError, match=r"not the user pool's|cannot be read"):
        await verifier.claims(sign(key, claims(verifier)), "access")


async def test_keys_that_are_not_used_do_not_keep_others_from_it(verifier, keys, key, other_key):
    public = key.as_dict(private=False)
    others = [
        {**other_key.as_dict(private=True), "kid": "private"},
        {**other_key.as_dict(private=False), "kid": "padded", "alg": "PS256"},
        {name: value for name, value in other_key.as_dict(private=False).items() if name != "kid"},
        {**ECKey.generate_key("P-256").as_dict(private=False), "kid": "elliptic"},
    ]
    keys.document = {"keys": [*others, public]}
    assert await verifier.claims(sign(key, claims(verifier)), "access")
    for kid in ("private", "padded", "elliptic"):
        with pytest.raises(TokenError, match="not the user pool's"):
            await verifier.claims(sign(other_key, claims(verifier), kid=kid), "access")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_keys_are_not_fetched_from_where_the_pool_redirects(verifier, keys, key, status):
    """A redirect could lead out of TLS, or to another host's keys."""
    asked = []

    async def elsewhere(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.json_response({"keys": [key.as_dict(private=False)]})

    app = web.Application()
    app.router.add_get("/keys", elsewhere)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    keys.status = status
    keys.headers = {"Location": f"http://127.0.0.1:{runner.addresses[0][1]}/keys"}
    with pytest.raises(TokenError, match="cannot be read"):
        await verifier.claims(sign(key, claims(verifier)), "access")
    await runner.cleanup()
    assert (keys.fetches, asked) == (1, [])


def jws_cases() -> list[Any]:
    path = WYCHEPROOF / "json_web_signature_test.json"
    if not path.exists():
        return []
    cases = []
    for group in json.loads(path.read_text())["testGroups"]:
        public = group.get("public")
        if not public or public.get("kty") != "RSA":
            continue
        cases += [(public, test) for test in group["tests"] if isinstance(test["jws"], str)]
    return cases


@pytest.mark.skipif(
    not WYCHEPROOF.exists(), reason="Project Wycheproof's vectors are not beside this checkout"
)
async def test_no_invalid_signature_of_project_wycheproof_is_believed(verifier, keys):
    """None of their payloads has our claims, so the proof is which check refuses: an invalid
    signature must not get as far as the claims."""
    cases = jws_cases()
    assert len(cases) > 10
    believed = []
    for public, case in cases:
        header = case["jws"].split(".")[0]
        try:
            fields = json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))
        except ValueError:
            fields = {}
        kid = fields.get("kid") if isinstance(fields, dict) else None
        keys.document = {"keys": [{**public, "kid": kid or "k1"}]}
        fresh = TokenVerifier(config=verifier.config)
        with pytest.raises(TokenError) as refused:
            await fresh.claims(Secret(case["jws"]), "access")
        if case["result"] == "invalid" and "issued by" in str(refused.value):
            believed.append((case["tcId"], case["comment"]))
    assert believed == []
