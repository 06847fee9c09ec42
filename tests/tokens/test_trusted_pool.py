"""Several pools are trusted side by side, and none of them vouches for another."""

import json
import time
from typing import Any

import pytest
from aiohttp import web
from attrs import define, evolve, field
from joserfc import jwt
from joserfc.jwk import RSAKey

from authflow import AuthConfig, Secret, SignedIn, Tokens
from authflow.errors import (
    ConfigError,
    JwksUnreachableError,
    MisuseError,
    TokenClientError,
    TokenError,
    TokenPoolError,
    TokenSignatureError,
    TokenUseError,
)
from authflow.testing import PASSWORD
from authflow.tokens import AccessClaims, IdClaims, TokenVerifier, TrustedPool

ONE, TWO = "eu-central-1_One", "eu-central-1_Two"
CLIENTS = {ONE: "clientofone", TWO: "clientoftwo"}


@define
class Publisher:
    """Publishes the keys of pools, each at an address of its own."""

    keys: dict[str, dict[str, Any]]
    down: set[str] = field(factory=set)
    fetched: list[str] = field(factory=list)
    endpoint: str = ""

    async def serve(self, request: web.Request) -> web.Response:
        pool = request.match_info["pool"]
        self.fetched.append(pool)
        if pool in self.down or pool not in self.keys:
            return web.Response(status=404)
        return web.json_response(self.keys[pool])

    def pool(self, pool: str, **settings: Any) -> TrustedPool:
        given = {"client_ids": [CLIENTS[pool]], "endpoint": self.endpoint, **settings}
        return TrustedPool(user_pool_id=pool, **given)

    def claims(self, pool: str, use: str = "access", **changes: Any) -> dict[str, Any]:
        now = int(time.time())
        made = {
            "iss": f"{self.endpoint}/{pool}",
            "sub": "3c9d",
            "token_use": use,
            "client_id" if use == "access" else "aud": CLIENTS[pool],
            "iat": now,
            "exp": now + 3600,
            **changes,
        }
        return {name: value for name, value in made.items() if value is not None}


def jwks(*keys: RSAKey) -> dict[str, Any]:
    return {"keys": [key.as_dict(private=False) for key in keys]}


def sign(key: RSAKey, claims: dict[str, Any], kid: str | None = None) -> str:
    return jwt.encode({"alg": "RS256", "kid": kid or key.kid}, claims, key)


@pytest.fixture(scope="module")
def keys() -> dict[str, RSAKey]:
    return {
        pool: RSAKey.generate_key(2048, {"kid": f"k{pool[-3:]}", "alg": "RS256", "use": "sig"})
        for pool in (ONE, TWO)
    }


@pytest.fixture
async def publisher(keys):
    made = Publisher({pool: jwks(key) for pool, key in keys.items()})
    app = web.Application()
    app.router.add_get("/{pool}/.well-known/jwks.json", made.serve)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.endpoint = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()


@pytest.fixture
def verifier(publisher):
    return TokenVerifier(pools=[publisher.pool(ONE), publisher.pool(TWO)])


@pytest.mark.parametrize("use", ["access", "id"])
async def test_a_tokens_issuer_chooses_the_pool_and_each_pool_is_asked_once(
    verifier, publisher, keys, use
):
    for _ in range(3):
        for pool in (ONE, TWO):
            claims = await verifier.claims(sign(keys[pool], publisher.claims(pool, use)), use)
            assert claims.issuer.endswith(pool)
            assert claims.client_id == CLIENTS[pool]
    assert sorted(publisher.fetched) == [ONE, TWO]


@pytest.mark.parametrize("signer", [ONE, TWO])
@pytest.mark.parametrize("kid", ["its own", "the other's"])
async def test_no_pools_key_signs_for_another_under_whatever_name(
    verifier, publisher, keys, signer, kid
):
    named = TWO if signer == ONE else ONE
    token = sign(
        keys[signer],
        publisher.claims(named),
        keys[signer].kid if kid == "its own" else keys[named].kid,
    )
    with pytest.raises(TokenSignatureError):
        await verifier.claims(token, "access")


async def test_pools_may_name_their_keys_alike(publisher, keys):
    publisher.keys = {
        pool: {"keys": [{**key.as_dict(private=False), "kid": "k"}]} for pool, key in keys.items()
    }
    both = TokenVerifier(pools=[publisher.pool(ONE), publisher.pool(TWO)])
    for pool in (ONE, TWO):
        assert await both.claims(sign(keys[pool], publisher.claims(pool), "k"), "access")
    for pool, other in ((ONE, TWO), (TWO, ONE)):
        with pytest.raises(TokenSignatureError):
            await both.claims(sign(keys[pool], publisher.claims(other), "k"), "access")


async def test_each_pool_has_app_clients_of_its_own(verifier, publisher, keys):
    for pool, other in ((ONE, TWO), (TWO, ONE)):
        token = sign(keys[pool], publisher.claims(pool, client_id=CLIENTS[other]))
        with pytest.raises(TokenClientError):
            await verifier.claims(token, "access")


@pytest.mark.parametrize(
    "issuer",
    [
        "{endpoint}/eu-central-1_Three",
        "{endpoint}/eu-central-1_One/",
        "{endpoint}/eu-central-1_one",
        "{endpoint}//eu-central-1_One",
        "{endpoint}/eu-central-1_Three/../eu-central-1_One",
        "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_One",
        *("", None, 5, True, ["{endpoint}/eu-central-1_One"], {"a": "b"}),
    ],
    ids=str,
)
async def test_a_pool_that_is_not_trusted_is_refused_and_its_address_is_never_asked(
    verifier, publisher, keys, issuer
):
    publisher.keys["eu-central-1_Three"] = publisher.keys[ONE]
    if isinstance(issuer, str):
        issuer = issuer.format(endpoint=publisher.endpoint)
    elif isinstance(issuer, list):
        issuer = [issuer[0].format(endpoint=publisher.endpoint)]
    token = sign(keys[ONE], publisher.claims(ONE, iss=issuer))
    with pytest.raises(TokenPoolError, match="not trusted"):
        await verifier.claims(token, "access")
    assert publisher.fetched == []


async def test_a_pool_that_is_down_keeps_nobody_from_the_others(verifier, publisher, keys):
    publisher.down = {ONE}
    one, two = (sign(keys[pool], publisher.claims(pool)) for pool in (ONE, TWO))
    with pytest.raises(JwksUnreachableError, match=ONE):
        await verifier.fetch_keys()
    assert sorted(publisher.fetched) == [ONE, TWO]
    for _ in range(3):
        with pytest.raises(JwksUnreachableError, match=ONE):
            await verifier.claims(one, "access")
        assert await verifier.claims(two, "access")
    assert sorted(publisher.fetched) == [ONE, TWO]
    publisher.down = {ONE, TWO}
    assert await verifier.claims(two, "access"), "keys that are here stay good"


async def test_an_environment_that_trusts_everybody_fetches_no_keys(monkeypatch):
    monkeypatch.setenv("AWS_CA_BUNDLE", "")
    pools = [TrustedPool(user_pool_id=each, client_ids=None) for each in (ONE, TWO)]
    with pytest.raises(ConfigError, match="AWS_CA_BUNDLE"):
        await TokenVerifier(pools=pools).fetch_keys()


async def test_keys_are_fetched_ahead_for_all_pools_but_those_that_are_given(publisher, keys):
    given = publisher.pool(ONE, jwks=jwks(keys[ONE]))
    verifier = TokenVerifier(pools=[given, publisher.pool(TWO)])
    await verifier.fetch_keys()
    await verifier.fetch_keys()
    assert publisher.fetched == [TWO]
    for pool in (ONE, TWO):
        assert await verifier.claims(sign(keys[pool], publisher.claims(pool)), "access")


async def test_any_app_client_is_trusted_only_where_that_was_said(publisher, keys):
    verifier = TokenVerifier(pools=[publisher.pool(ONE, client_ids=None), publisher.pool(TWO)])
    assert await verifier.claims(sign(keys[ONE], publisher.claims(ONE, client_id="any")), "access")
    with pytest.raises(TokenClientError):
        await verifier.claims(sign(keys[TWO], publisher.claims(TWO, client_id="any")), "access")
    for client in (None, "", 5, ["any"], {}):
        token = sign(keys[ONE], publisher.claims(ONE) | {"client_id": client})
        with pytest.raises(TokenClientError):
            await verifier.claims(token, "access")
    token = sign(keys[ONE], publisher.claims(ONE, "id", aud=None, client_id="any"))
    with pytest.raises(TokenClientError):
        await verifier.claims(token, "id")


async def test_a_pair_of_two_pools_is_no_pair_though_its_users_have_one_id(
    verifier, publisher, keys
):
    def pair(access: str, identity: str) -> Tokens:
        return Tokens(
            access_token=Secret(sign(keys[access], publisher.claims(access))),
            id_token=Secret(sign(keys[identity], publisher.claims(identity, "id"))),
        )

    await verifier.verify(pair(TWO, TWO))
    with pytest.raises(TokenError, match="different users"):
        await verifier.verify(pair(ONE, TWO))


async def test_a_pool_that_changes_its_name_is_trusted_under_both(publisher, keys):
    new = "https://issuer.cognito-idp.eu-central-1.amazonaws.com/eu-central-1_One"
    verifier = TokenVerifier(pools=[publisher.pool(ONE), publisher.pool(ONE, issuer=new)])
    for issuer in (f"{publisher.endpoint}/{ONE}", new):
        token = sign(keys[ONE], publisher.claims(ONE, iss=issuer))
        assert (await verifier.claims(token, "access")).issuer == issuer


@pytest.mark.parametrize(
    "client_ids", [(), [], "", [""], ["a b"], [5], 5, b"client", {"": 1}, ["ok", None]], ids=str
)
def test_malformed_app_clients_are_refused(client_ids):
    with pytest.raises(ConfigError, match="client"):
        TrustedPool(user_pool_id=ONE, client_ids=client_ids)


def test_one_id_is_one_app_client():
    assert TrustedPool(user_pool_id=ONE, client_ids="abc").client_ids == {"abc"}


def test_who_may_be_any_app_client_must_say_so():
    with pytest.raises(TypeError, match="client_ids"):
        TrustedPool(user_pool_id=ONE)


@pytest.mark.parametrize(
    "settings",
    [
        {"user_pool_id": "nowhere"},
        {"endpoint": "http://pool.example"},
        {"issuer": "http://pool.example"},
        {"region": "Nowhere!"},
        {"connect_timeout": 0},
        {"read_timeout": -1},
        {"jwks": {"keys": []}},
        {"allow_insecure_endpoint": "yes"},
    ],
    ids=str,
)
def test_a_trusted_pool_is_checked_as_a_clients_settings_are(settings):
    for made in (
        lambda given: TrustedPool(client_ids=["1"], **given),
        lambda given: AuthConfig(client_id="1", **given),
    ):
        with pytest.raises(ConfigError):
            made({"user_pool_id": ONE, **settings})


def test_a_trusted_pool_is_made_of_a_clients_settings():
    config = AuthConfig(
        user_pool_id=ONE, client_id="1", endpoint="https://pool.example", read_timeout=3
    )
    pool = TrustedPool.of(config)
    assert (pool.jwks_url, pool.issuer) == (config.jwks_url, config.issuer)
    assert (pool.client_ids, pool.read_timeout) == ({"1"}, 3)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"pools": []},
        {"pools": None},
        {"pools": "eu-central-1_One"},
        {"pools": [AuthConfig(user_pool_id=ONE, client_id="1")]},
        {"pools": {"user_pool_id": ONE}},
        {"pools": [TrustedPool(user_pool_id=ONE, client_ids=None)] * 2},
        {
            "pools": [TrustedPool(user_pool_id=ONE, client_ids=None)],
            "config": AuthConfig(user_pool_id=ONE, client_id="1"),
        },
        {"config": TrustedPool(user_pool_id=ONE, client_ids=None)},
    ],
    ids=" ".join,
)
def test_what_a_verifier_trusts_is_said_once_and_well(given):
    with pytest.raises(ConfigError):
        TokenVerifier(**given)


async def test_services_verify_what_two_real_pools_issued(live_pool):
    async with live_pool() as first, live_pool() as second:
        pools = [
            TrustedPool(
                user_pool_id=each.user_pool_id,
                client_ids=[each.client_id],
                endpoint=each.endpoint,
            )
            for each in (first, second)
        ]
        verifier = TokenVerifier(pools=pools)
        signed = verifier.require(token_use="access", scopes="aws.cognito.signin.user.admin")
        for each in (first, second):
            user = await each.add_user(attributes={"email": "ada@example.com"})
            async with each.client() as auth:
                result = await auth.sign_in("ada", PASSWORD)
            assert isinstance(result, SignedIn)
            access = await signed.claims(result.tokens.access_token.reveal())
            identity = await verifier.claims(result.tokens.id_token, "id")
            assert isinstance(access, AccessClaims)
            assert isinstance(identity, IdClaims)
            assert access.username == identity.username == "ada"
            known = {each["Name"]: each["Value"] for each in user["Attributes"]}
            assert access.sub == identity.sub == known["sub"]
            assert access.origin_jti == identity.origin_jti is not None
            assert identity.email == "ada@example.com"
            assert access.issuer == f"{each.endpoint}/{each.user_pool_id}"
            with pytest.raises(TokenUseError):
                await signed.claims(result.tokens.id_token)
            alone = evolve(verifier, pools=[pools[0 if each is second else 1]])
            with pytest.raises((TokenPoolError, TokenSignatureError)):
                await alone.claims(result.tokens.access_token, "access")
            assert await verifier.verify(result.tokens) == "ada"
            with pytest.raises(MisuseError, match="claims"):
                await signed.verify(result.tokens)


def test_the_published_document_is_what_may_be_given_too(keys, tmp_path):
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps(jwks(keys[ONE])))
    by_path = TrustedPool(user_pool_id=ONE, client_ids=None, jwks=path)
    assert by_path == TrustedPool(user_pool_id=ONE, client_ids=None, jwks=jwks(keys[ONE]))
