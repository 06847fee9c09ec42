"""Whatever is sent as a token is read, or refused by a type, and never half believed."""

import base64
import hmac
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc.jwk import RSAKey

from authflow.errors import JwksUnreachableError, TokenError, TokenMalformedError
from authflow.tokens import TokenVerifier, TrustedPool

POOL = "eu-central-1_Abc123def"
ISSUER = f"https://cognito-idp.eu-central-1.amazonaws.com/{POOL}"
KEY = RSAKey.generate_key(2048, {"kid": "k1", "alg": "RS256", "use": "sig"})
JWKS = {"keys": [KEY.as_dict(private=False)]}
NOW = 1_800_000_000
ONE = TokenVerifier(
    pools=[TrustedPool(user_pool_id=POOL, client_ids=["1"], jwks=JWKS)], clock=lambda: NOW
)
SEVERAL = TokenVerifier(
    pools=[
        *ONE.pools,
        TrustedPool(user_pool_id="eu-central-1_Other", client_ids=["1"], jwks=JWKS),
    ],
    clock=lambda: NOW,
)
BOTH = pytest.mark.parametrize("verifier", [ONE, SEVERAL], ids=["one pool", "several"])
HEADER = {"alg": "RS256", "kid": "k1"}
CLAIMS = {
    "iss": ISSUER,
    "sub": "3c9d",
    "token_use": "access",
    "client_id": "1",
    "iat": NOW,
    "exp": NOW + 3600,
}


def part(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed(header: Any = HEADER, payload: Any = CLAIMS) -> str:
    """A token that the pool's key really signed, whatever is in it."""
    message = f"{part(header)}.{part(payload)}"
    return f"{message}.{part(KEY.private_key.sign(message.encode(), PKCS1v15(), SHA256()))}"


GOOD = signed()


async def refusal(verifier: TokenVerifier, token: Any) -> TokenError | None:
    try:
        await verifier.claims(token, "access")
    except TokenError as error:
        return error
    return None


@BOTH
async def test_what_is_right_is_read(verifier):
    assert (await verifier.claims(GOOD, "access")).sub == "3c9d"


@BOTH
@given(st.integers(0, len(GOOD) - 1), st.integers(0, 7))
async def test_no_token_with_a_flipped_bit_is_believed(verifier, place, bit):
    spoilt = GOOD[:place] + chr(ord(GOOD[place]) ^ (1 << bit)) + GOOD[place + 1 :]
    assert await refusal(verifier, spoilt) is not None


@BOTH
@given(st.integers(0, len(GOOD) - 1))
async def test_no_part_of_a_token_is_believed(verifier, length):
    assert await refusal(verifier, GOOD[:length]) is not None


@BOTH
@given(st.text() | st.text("ab._-=").map(lambda text: f"{text}.{text}.{text}"))
async def test_any_text_is_refused_by_a_typed_error(verifier, text):
    assert await refusal(verifier, text) is not None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


@BOTH
@settings(max_examples=20)
@given(st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit", "b64", "jku", "x"]), JSON))
async def test_any_header_but_the_right_one_is_refused_though_it_is_signed(verifier, header):
    assert await refusal(verifier, signed(header)) is not None


@BOTH
@settings(max_examples=30)
@given(st.sampled_from(sorted(CLAIMS)), JSON)
async def test_any_claim_but_the_right_one_is_refused_though_it_is_signed(verifier, name, value):
    error = await refusal(verifier, signed(payload={**CLAIMS, name: value}))
    if error is None:
        assert (name == "sub" and isinstance(value, str)) or name in {"iat", "exp"}


@BOTH
@pytest.mark.parametrize("algorithm", ["none", "None", "HS256", "RS256", "PS256", "ES256"])
async def test_nothing_is_signed_by_what_is_published(verifier, algorithm):
    message = f"{part({**HEADER, 'alg': algorithm})}.{part(CLAIMS)}"
    der, pem = KEY.as_der(private=False), KEY.as_pem(private=False)
    for secret in (b"", der, pem, pem.strip(), json.dumps(JWKS).encode(), b"k1"):
        mac = part(hmac.digest(secret, message.encode(), "sha256"))
        assert await refusal(verifier, f"{message}.{mac}") is not None
    for signature in ("", part(b"\0"), part(b"\0" * 256), part(b"\xff" * 256), "A" * 400):
        assert await refusal(verifier, f"{message}.{signature}") is not None


TWICE = [
    ("iss", '"https://evil.example"', json.dumps(ISSUER)),
    ("client_id", '"2"', '"1"'),
    ("token_use", '"id"', '"access"'),
    ("exp", "1", str(CLAIMS["exp"])),
    ("sub", '"root"', '"3c9d"'),
]


@BOTH
@pytest.mark.parametrize(("name", "first", "last"), TWICE, ids=lambda each: each[:10])
async def test_a_claim_that_is_there_twice_is_refused_whichever_would_count(
    verifier, name, first, last
):
    rest = json.dumps({each: value for each, value in CLAIMS.items() if each != name})[1:]
    for one, two in ((first, last), (last, first), (last, last)):
        payload = f'{{"{name}": {one}, "{name}": {two}, {rest}'.encode()
        assert isinstance(await refusal(verifier, signed(payload=payload)), TokenError)
    inner = json.dumps(CLAIMS)[:-1].encode() + b', "deep": {"a": [{"b": 1, "b": 1}]}}'
    assert isinstance(await refusal(verifier, signed(payload=inner)), TokenError)


@BOTH
@pytest.mark.parametrize(
    "header",
    [
        b'{"alg": "none", "alg": "RS256", "kid": "k1"}',
        b'{"alg": "RS256", "alg": "RS256", "kid": "k1"}',
        b'{"alg": "RS256", "kid": "k2", "kid": "k1"}',
        b'{"alg": "RS256", "kid": "k1", "\\u006bid": "k1"}',
        b'\xef\xbb\xbf{"alg": "RS256", "kid": "k1"}',
        '{"alg": "RS256", "kid": "k1"}'.encode("utf-16"),
        b'{"alg": "RS256", "kid": "k1", "x": NaN}',
        b'{"alg": "RS256", "kid": "k1", "typ": "\\ud800"}',
        b'{"alg": "RS256", "kid": "k1"} {}',
        b'["alg", "RS256"]',
    ],
    ids=repr,
)
async def test_a_header_that_two_readers_could_read_in_two_ways_is_refused(verifier, header):
    assert isinstance(await refusal(verifier, signed(header)), TokenMalformedError)


WHOLE = json.dumps(CLAIMS)


@BOTH
@pytest.mark.parametrize(
    "payload",
    [
        b"\xef\xbb\xbf" + WHOLE.encode(),
        WHOLE.encode("utf-16"),
        WHOLE.encode("utf-32"),
        WHOLE[:-1].encode() + b', "name": "\xff"}',
        WHOLE[:-1].encode() + b', "name": "\\ud800"}',
        WHOLE[:-1].encode() + b', "\\udfff": 1}',
        WHOLE[:-1].encode() + b', "x": ["\\uD83d"]}',
        WHOLE[:-1].encode() + b', "x": NaN}',
        WHOLE[:-1].encode() + b', "x": -Infinity}',
        WHOLE[:-1].encode() + b', "x": ' + b"9" * 5000 + b"}",
        WHOLE[:-1].encode() + b', "x": ' + b"[" * 40 + b"]" * 40 + b"}",
        WHOLE[:-1].encode() + b', "x": ' + b"[" * 4000 + b"]" * 4000 + b"}",
        WHOLE[:-1].encode() + b', "x": ' + b'{"a":' * 1500 + b"1" + b"}" * 1500 + b"}",
        WHOLE.encode() + b"{}",
        WHOLE.encode() + b"\0",
    ],
    ids=lambda payload: repr(payload[-20:]),
)
async def test_claims_that_are_no_plain_json_are_refused_though_they_are_signed(verifier, payload):
    assert isinstance(await refusal(verifier, signed(payload=payload)), TokenError)


@BOTH
async def test_letters_of_every_kind_are_read(verifier):
    name = "Zoë 🙂 \u0000 Ångström"
    for payload in (
        json.dumps({**CLAIMS, "name": name}),
        json.dumps({**CLAIMS, "name": name}, ensure_ascii=False),
    ):
        claims = await verifier.claims(signed(payload=payload.encode()), "access")
        assert claims.raw["name"] == name


@settings(max_examples=20)
@given(st.binary(max_size=40), st.binary(max_size=60))
async def test_any_bytes_in_the_parts_are_refused_though_they_are_signed(header, payload):
    for verifier in (ONE, SEVERAL):
        assert await refusal(verifier, signed(header, CLAIMS)) is not None
        assert await refusal(verifier, signed(HEADER, payload)) is not None


@pytest.mark.parametrize("several", [False, True], ids=["one pool", "several"])
async def test_no_error_shows_the_token_that_waited_for_keys(everything_told, several):
    pools = [
        TrustedPool(user_pool_id=POOL, client_ids=["1"], endpoint="http://127.0.0.1:1"),
        *(SEVERAL.pools[1:] if several else ()),
    ]
    verifier = TokenVerifier(pools=pools)
    token = signed(payload={**CLAIMS, "iss": pools[0].issuer})
    with pytest.raises(JwksUnreachableError) as failed:
        await verifier.claims(token, "access")
    told = everything_told(failed.value)
    assert "ReceivedToken(key_id='k1')" in told
    for piece in (*token.split("."), "3c9d"):
        assert piece not in told
