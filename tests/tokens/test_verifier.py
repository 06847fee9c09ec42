"""Tokens are believed only if everything about them is right."""

import base64
import hmac
import json
import time
from math import inf, nan
from pathlib import Path
from typing import Any

import anyio
import pytest
from aiohttp import web
from attrs import evolve
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc import jws, jwt
from joserfc.jwk import ECKey

from authflow import AuthConfig, NextStep, Secret, Tokens, errors
from authflow.client import TokenVerifier
from authflow.errors import JwksUnreachableError, MisuseError, TokenError

POOL = "eu-central-1_Abc123def"
CLIENT = "1example23456789"
WYCHEPROOF = Path(__file__).parents[3] / "shared" / "vectors" / "wycheproof"


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


@pytest.mark.parametrize("use", ["access", "id"])
async def test_a_good_token_gives_its_claims(verifier, key, use):
    assert (await verifier.claims(sign(key, claims(verifier, use)), use)).sub == "3c9d"


async def test_the_pair_of_a_sign_in_is_verified_together(verifier, key):
    tokens = Tokens(
        access_token=sign(key, claims(verifier)), id_token=sign(key, claims(verifier, "id"))
    )
    await verifier.verify(tokens)


async def test_a_new_key_is_fetched_at_once_for_tokens_just_issued_and_for_no_others(
    verifier, keys, key, other_key
):
    now = [1000.0]
    still = evolve(verifier, ticks=lambda: now[0])
    await still.fetch_keys()
    keys.document = {"keys": [{**other_key.as_dict(private=False), "kid": "k2"}]}
    now[0] += 30
    access, identity = (sign(other_key, claims(still, use), kid="k2") for use in ("access", "id"))
    with pytest.raises(TokenError, match="key that is not the user pool's"):
        await still.claims(access, "access")
    assert keys.fetches == 1
    await still.verify(Tokens(access_token=access, id_token=identity))
    assert keys.fetches == 2


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
        ({"exp": 2**53}, "expired"),  # what JSON's numbers cannot tell from the next one
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
    await verifier.claims(sign(key, claims(verifier, exp=253_402_300_799)), "access")


@pytest.mark.parametrize(
    ("times", "reason"),
    [
        ({"exp": -60}, None),
        ({"exp": -61}, "expired"),
        ({"nbf": 60}, None),
        ({"nbf": 61}, "not valid yet"),
    ],
)
async def test_clocks_may_differ_by_no_more_than_a_minute(verifier, key, times, reason):
    now = 1_800_000_000
    still = evolve(verifier, clock=lambda: now)
    given = {"exp": now + 1, **{name: now + seconds for name, seconds in times.items()}}
    token = sign(key, claims(still, **given))
    if reason is None:
        assert (await still.claims(token, "access")).sub == "3c9d"
    else:
        with pytest.raises(TokenError, match=reason):
            await still.claims(token, "access")


async def test_a_token_is_read_up_to_16_kib(verifier, key):
    long = 16 * 1024
    room = (long - len(sign(key, claims(verifier, more="")).reveal())) * 3 // 4  # by base64
    tokens = [sign(key, claims(verifier, more="x" * (room + more))) for more in range(-4, 5)]
    fits = max(
        (each for each in tokens if len(each.reveal()) <= long), key=lambda each: len(each.reveal())
    )
    too_long = min(
        (each for each in tokens if len(each.reveal()) > long), key=lambda each: len(each.reveal())
    )
    assert long - 2 < len(fits.reveal()) <= long < len(too_long.reveal()) < long + 3
    await verifier.claims(fits, "access")
    with pytest.raises(TokenError, match="too long"):
        await verifier.claims(too_long, "access")


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
async def test_no_algorithm_but_rs256_is_considered(verifier, keys, raw, algorithm):
    with pytest.raises(TokenError, match="RS256"):
        await verifier.claims(raw({"alg": algorithm, "kid": "k1"}, claims(verifier)), "access")
    assert keys.fetches == 0


async def test_the_public_key_is_no_hmac_secret(verifier, key, raw):
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
async def test_a_key_that_the_token_brings_along_is_not_used(verifier, raw, header):
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
async def test_an_odd_key_id_is_refused(verifier, raw, kid):
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


def good(other_key):
    """Return a key that is used: a set without one is none."""
    return {**other_key.as_dict(private=False), "kid": "k2"}


async def test_keys_for_other_uses_are_not_used(verifier, keys, raw, other_key):
    elliptic = ECKey.generate_key("P-256", {"kid": "k1"})
    keys.document = {"keys": [elliptic.as_dict(private=False), good(other_key)]}
    token = raw({"alg": "RS256", "kid": "k1"}, claims(verifier))
    with pytest.raises(TokenError, match="not the user pool's"):
        await verifier.claims(token, "access")


@pytest.mark.parametrize(
    "algorithm", ["PS256", "RS384", "RS512", "RSA-OAEP", "HS256", "none", "rs256", ""]
)
async def test_a_key_that_names_another_algorithm_is_not_used(
    verifier, keys, key, other_key, algorithm
):
    keys.document["keys"][0]["alg"] = algorithm
    keys.document["keys"].append(good(other_key))
    with pytest.raises(TokenError, match=r"not the user pool's|cannot be read"):
        await verifier.claims(sign(key, claims(verifier)), "access")


async def test_a_key_that_names_no_algorithm_is_used(verifier, keys, key):
    del keys.document["keys"][0]["alg"]
    assert await verifier.claims(sign(key, claims(verifier)), "access")


async def test_a_key_that_is_for_encryption_is_not_used(verifier, keys, key, other_key):
    keys.document["keys"][0]["use"] = "enc"
    keys.document["keys"].append(good(other_key))
    with pytest.raises(TokenError):
        await verifier.claims(sign(key, claims(verifier)), "access")


async def test_a_private_key_that_is_published_is_not_used(verifier, keys, key, other_key):
    """Everybody can sign with it."""
    keys.document = {"keys": [key.as_dict(private=True), good(other_key)]}
    assert "d" in keys.document["keys"][0]
    with pytest.raises(TokenError, match="not the user pool's"):
        await verifier.claims(sign(key, claims(verifier)), "access")


async def test_a_secret_that_is_published_is_not_used(verifier, keys, key, other_key):
    secret = base64.urlsafe_b64encode(key.as_der(private=False)).rstrip(b"=").decode()
    keys.document = {"keys": [{"kty": "oct", "kid": "k1", "k": secret}, good(other_key)]}
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


DEEP = b"[" * 5000 + b"]" * 5000
ODD_HEADERS: list[Any] = [
    *(b"", b"null", b"[]", b"5", b'"RS256"', b"\xff\xfe", b"{", b"NaN", DEEP),
    *(
        {"alg": "RS256", "kid": kid}
        for kid in (None, 5, ["k1"], {"k1": 1}, True, 1e999, "", "k1\0")
    ),
    *({"alg": alg, "kid": "k1"} for alg in (["RS256"], {"RS256": 1}, 5, None, True, "rs256")),
    *({"alg": "RS256", "kid": "k1", "crit": crit} for crit in (["b64"], ["x"], [], "x", None, 5)),
    *({"alg": "RS256", "kid": "k1", "b64": b64} for b64 in (False, True, "false", None)),
    {"alg": "RS256", "kid": "k1", "b64": False, "crit": ["b64"]},
    *({"alg": "RS256", "kid": "k1", "typ": typ} for typ in (5, ["JWT"], {})),
    *({"alg": "RS256", "kid": "k1", "zip": zip_} for zip_ in ("DEF", 5)),
    b'{"alg": "RS256", "kid": "k1", "x": ' + DEEP + b"}",
    b'{"alg": "RS256", "kid": "k1", "x": ' + b"9" * 5000 + b"}",
    b'{"alg": "RS256", "kid": "k\xff1"}',
    b'{"alg": "none", "alg": "RS256", "kid": "k1"}',
]


@pytest.mark.parametrize("header", ODD_HEADERS, ids=lambda header: repr(header)[:40])
async def test_an_odd_header_is_refused(verifier, raw, header):
    with pytest.raises(TokenError):
        await verifier.claims(raw(header, claims(verifier)), "access")


@pytest.mark.parametrize(
    "more",
    [
        {"crit": ["b64"], "b64": False},
        {"crit": ["b64"], "b64": True},
        {"crit": ["exp"], "exp": 9},
        {"crit": []},
        {"crit": "b64"},
        {"b64": False},
        {"zip": "DEF"},
        {"typ": 5},
    ],
    ids=str,
)
async def test_what_a_header_asks_for_beyond_rs256_is_refused_though_the_pool_signed_it(
    verifier, key, raw, more
):
    header = {"alg": "RS256", "kid": "k1", **more}
    message = raw(header, claims(verifier)).reveal().rpartition(".")[0]
    signature = key.private_key.sign(message.encode(), PKCS1v15(), SHA256())
    token = base64.urlsafe_b64encode(signature).rstrip(b"=").decode()
    with pytest.raises(TokenError):
        await verifier.claims(f"{message}.{token}", "access")


def signed(key: Any, payload: bytes) -> Secret[str]:
    """A token that is really signed by the pool's key, whatever is in it."""
    return Secret(jws.serialize_compact({"alg": "RS256", "kid": "k1"}, payload, key))


@pytest.mark.parametrize(
    "payload",
    [b"", b"null", b"[]", b"5", b"\xff", b"{", b"NaN", DEEP, b'{"x": ' + DEEP + b"}", b"9" * 5000],
    ids=lambda payload: repr(payload)[:40],
)
async def test_signed_claims_that_are_no_object_are_refused(verifier, key, payload):
    with pytest.raises(TokenError):
        await verifier.claims(signed(key, payload), "access")


ODD_NUMBERS = ["Infinity", "-Infinity", "NaN", "true", "false", "null", "[]", "{}", '"9999999999"',
               "9" * 300, "9" * 5000, "1e999", "9" * 4000]  # fmt: skip


@pytest.mark.parametrize("name", ["exp", "nbf"])
@pytest.mark.parametrize("number", ODD_NUMBERS, ids=lambda number: number[:12])
async def test_a_time_that_is_no_number_of_seconds_is_refused(verifier, key, name, number):
    whole = {**claims(verifier), name: "@"}
    payload = json.dumps(whole).replace('"@"', number).encode()
    with pytest.raises(TokenError):
        await verifier.claims(signed(key, payload), "access")


@pytest.mark.parametrize("name", ["iss", "token_use", "client_id", "exp"])
@pytest.mark.parametrize("value", [None, True, 0, 1.5, [], ["access"], {}, {"a": 1}], ids=str)
async def test_a_claim_of_another_type_is_refused(verifier, key, name, value):
    payload = json.dumps({**claims(verifier), name: value}).encode()
    with pytest.raises(TokenError):
        await verifier.claims(signed(key, payload), "access")


@pytest.mark.parametrize(
    "text",
    ["x" * 1024 * 1024, "a." * 512 * 1024, "é" * 100, "\ud800.a.b", "a.b.c\0", " a.b.c", "a.b.c\n"],
    ids=lambda text: repr(text)[:12],
)
async def test_a_text_that_is_no_token_at_all_is_refused_and_fetches_nothing(verifier, keys, text):
    with pytest.raises(TokenError):
        await verifier.claims(text, "access")
    assert keys.fetches == 0


async def test_a_token_is_a_text_or_a_secret(verifier, key):
    token = sign(key, claims(verifier))
    given = await verifier.claims(token.reveal(), "access")
    assert given == await verifier.claims(token, "access")


@pytest.mark.parametrize("use", ["refresh", "Access", "", None, 5])
async def test_a_use_that_is_none_is_misuse(verifier, key, use):
    with pytest.raises(MisuseError, match="access, id"):
        await verifier.claims(sign(key, claims(verifier)), use)


@pytest.mark.parametrize("given", [None, "canary", b"canary", Secret("canary"), 5, ["canary"]])
async def test_what_is_no_pair_of_tokens_is_misuse(verifier, given):
    with pytest.raises(MisuseError, match="verify takes Tokens") as refused:
        await verifier.verify(given)
    assert "canary" not in shown(refused.value)


def shown(error: BaseException) -> str:
    """All that a crash reporter can show of an error: the frames' locals, and what led to it."""
    text, waiting = "", [error]
    while waiting:
        one = waiting.pop()
        trace = one.__traceback__ if one is not error else (one.__traceback__ or Any).tb_next
        text += f"{one!r} {one.args} {vars(one)}"
        while trace is not None:
            text += "".join(map(repr, trace.tb_frame.f_locals.values()))
            trace = trace.tb_next
        waiting += [each for each in (one.__cause__, one.__context__) if each is not None]
    return text


@pytest.mark.parametrize(
    "spoil",
    [
        lambda key, _, good: sign(key, {**good, "exp": 1}),
        lambda key, _, good: sign(key, {**good, "iss": "https://other"}),
        lambda key, _, good: sign(key, good, kid="another"),
        lambda _, other, good: sign(other, good),
        lambda key, _, good: signed(key, b"null" + b" " * 40),
        lambda key, _, good: signed(key, DEEP),
        lambda key, _, good: Secret(sign(key, good).reveal()[:-9] + "AAAAAAAAA"),
        lambda key, _, good: Secret(sign(key, good).reveal() + "é"),
        lambda key, _, good: Secret(sign(key, good).reveal() * 20),
        lambda key, _, good: Secret(sign(key, good).reveal().replace(".", "-")),
    ],
    ids=["expired", "another pool", "unknown key", "forged", "no claims", "deep", "spoilt",
         "no ASCII", "long", "no JWT"],
)  # fmt: skip
@pytest.mark.parametrize("wrap", [Secret, str], ids=["secret", "text"])
async def test_no_frame_of_an_error_holds_the_token(verifier, key, other_key, spoil, wrap):
    token = spoil(key, other_key, claims(verifier))
    pieces = [piece for piece in token.reveal().split(".") if len(piece) > 20]
    given = [token if wrap is Secret else token.reveal()]
    with pytest.raises(TokenError) as refused:
        await verifier.claims(given.pop(), "access")
    everything = shown(refused.value)
    assert not [piece[:40] for piece in pieces if piece[:20] in everything]


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
    believed, forged = [], 0
    for public, case in cases:
        header = case["jws"].split(".")[0]
        try:
            fields = json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))
        except ValueError:
            fields = {}
        kid = fields.get("kid") if isinstance(fields, dict) else None
        untold = {name: value for name, value in public.items() if name != "alg"}
        # A key that names another algorithm is left out; one that names none is not.
        for published in (public, untold):
            keys.document = {"keys": [{**published, "kid": kid or "k1"}]}
            fresh = TokenVerifier(config=verifier.config)
            with pytest.raises((TokenError, JwksUnreachableError)) as refused:
                await fresh.claims(Secret(case["jws"]), "access")
            forged += "signature is not" in str(refused.value)
            if case["result"] == "invalid" and "issued by" in str(refused.value):
                believed.append((case["tcId"], case["comment"]))
    assert believed == []
    assert forged > 100


async def test_claims_that_are_not_believed_stand_in_no_frame(verifier, key, everything_told):
    token = sign(key, claims(verifier, exp=1, email="canary@example.com"))
    with pytest.raises(TokenError, match="expired") as refused:
        await verifier.claims(token, "access")
    assert "canary" not in everything_told(refused.value)


NOW = 1_800_000_000


@pytest.mark.parametrize(
    ("spoil", "error", "step"),
    [
        ({"exp": NOW - 61}, errors.TokenExpiredError, NextStep.REFRESH),
        ({"nbf": NOW + 70}, errors.TokenNotYetValidError, NextStep.WAIT),
        ({"exp": "soon"}, errors.TokenMalformedError, NextStep.RESTART),
        ({"nbf": None, "exp": None}, errors.TokenMalformedError, NextStep.RESTART),
        ({"iss": "https://other"}, errors.TokenPoolError, NextStep.RESTART),
        ({"client_id": "other"}, errors.TokenClientError, NextStep.RESTART),
        ({"token_use": "id", "aud": CLIENT}, errors.TokenUseError, NextStep.RESTART),
        ({"sub": None}, errors.TokenMalformedError, NextStep.RESTART),
        ({"auth_time": "today"}, errors.TokenMalformedError, NextStep.RESTART),
    ],
    ids=str,
)
async def test_each_reason_has_a_class_that_says_what_to_do(verifier, key, spoil, error, step):
    still = evolve(verifier, clock=lambda: NOW)
    good = {"exp": NOW + 1, "iat": NOW}
    with pytest.raises(TokenError) as refused:
        await still.claims(sign(key, claims(still, **{**good, **spoil})), "access")
    assert type(refused.value) is error
    assert (refused.value.next_step, refused.value.http_status) == (step, 401)
    assert refused.value.retry_after == (10 if error is errors.TokenNotYetValidError else None)


async def test_a_signature_that_is_not_the_pools_has_a_class_of_its_own(verifier, key, other_key):
    for token in (sign(other_key, claims(verifier)), sign(key, claims(verifier), kid="k9")):
        with pytest.raises(errors.TokenSignatureError):
            await verifier.claims(token, "access")


@pytest.mark.parametrize("leeway", [0, 0.5, 60, 300])
@pytest.mark.parametrize("name", ["exp", "nbf"])
async def test_the_leeway_is_what_was_set(verifier, key, leeway, name):
    now = [float(NOW)]
    still = evolve(verifier, leeway=leeway, clock=lambda: now[0])
    token = sign(key, claims(still, **{"exp": NOW + 9999, name: NOW}))
    late = 1 if name == "exp" else -1
    now[0] = NOW + late * leeway
    assert await still.claims(token, "access")
    now[0] += late * 0.1
    with pytest.raises(TokenError) as refused:
        await still.claims(token, "access")
    assert type(refused.value) in {errors.TokenExpiredError, errors.TokenNotYetValidError}


@pytest.mark.parametrize(
    "leeway", [-1, -0.1, 300.1, 2**60, float("inf"), float("nan"), None, True, "60"]
)
async def test_a_leeway_that_is_none_or_too_great_is_refused(verifier, leeway):
    with pytest.raises(errors.ConfigError, match="leeway"):
        evolve(verifier, leeway=leeway)


async def test_a_clock_that_jumps_is_followed_both_ways(verifier, key):
    now = [float(NOW)]
    still = evolve(verifier, clock=lambda: now[0])
    token = sign(key, claims(still, exp=NOW + 10))
    assert await still.claims(token, "access")
    now[0] += 10**6
    with pytest.raises(errors.TokenExpiredError):
        await still.claims(token, "access")
    now[0] = NOW - 10**6
    assert await still.claims(token, "access")


@pytest.mark.parametrize(
    "told", [nan, inf, -inf, None, "1", True, 1 << 2000], ids=lambda time: f"{time!r}"[:9]
)
async def test_a_clock_that_gives_no_time_lets_no_token_pass(verifier, key, told):
    odd = evolve(verifier, clock=lambda: told)
    for expires in (NOW - 10**6, NOW + 10**6):
        with pytest.raises(errors.TokenError, match="clock"):
            await odd.claims(sign(key, claims(odd, exp=expires)), "access")
