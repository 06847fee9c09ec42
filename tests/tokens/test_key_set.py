"""A JWKS: of what is published, unusable keys are left out; what the owner gives has none."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from joserfc.jwk import ECKey, RSAKey

from authflow import AuthConfig
from authflow.errors import ConfigError
from authflow.tokens.key_set import BrokenJwksError, read_published


def number(value: int) -> str:
    data = value.to_bytes((value.bit_length() + 7) // 8 or 1, "big")
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def config(jwks: Any) -> AuthConfig:
    return AuthConfig(user_pool_id="eu-central-1_A", client_id="1", jwks=jwks)


MODULUS = (1 << 2047) | 12345

UNUSABLE = {
    "no kid": {"kid": None},
    "an empty kid": {"kid": ""},
    "a kid that is no text": {"kid": ["k1"]},
    "another kty": {"kty": "EC"},
    "a kty that is no text": {"kty": ["RSA"]},
    "an alg of encryption": {"alg": "RSA-OAEP"},
    "another alg": {"alg": "RS384"},
    "an alg of secrets": {"alg": "HS256"},
    "an alg that is no text": {"alg": ["RS256"]},
    "for encryption": {"use": "enc"},
    "a use that is no text": {"use": ["sig"]},
    "only for signing": {"key_ops": ["sign"]},
    "operations that are none": {"key_ops": "verify"},
    **{f"private by {name}": {name: "AQAB"} for name in ("d", "p", "q", "dp", "dq", "qi", "oth")},
    "private by its primes": {"p": "AQAB", "q": "AQAB"},
    "a secret": {"k": "AQAB"},
    "1024 bits": {"n": number((1 << 1023) | 1)},
    "2047 bits": {"n": number((1 << 2046) | 1)},
    "17000 bits": {"n": number((1 << 16_999) | 1)},
    "no modulus": {"n": None},
    "a modulus that is no text": {"n": 5},
    "a modulus that is no base64": {"n": "AQAB!" * 100},
    "an even exponent": {"e": number(65536)},
    "an exponent of 1, which anybody's signature fits": {"e": "AQ"},
    "no exponent": {"e": None},
    "an exponent that is no base64": {"e": "é"},
}
unusable = pytest.mark.parametrize("changes", UNUSABLE.values(), ids=UNUSABLE)


def entry(key: RSAKey, changes: dict[str, Any]) -> dict[str, Any]:
    changed = {**key.as_dict(private=False), **changes}
    return {name: value for name, value in changed.items() if value is not None}


@unusable
def test_a_key_that_is_not_for_tokens_is_left_out_of_what_a_pool_publishes(key, other_key, changes):
    good = {**other_key.as_dict(private=False), "kid": "k2"}
    document = json.dumps({"keys": [entry(key, changes), good]}).encode()
    assert [*read_published(document)] == ["k2"]


@unusable
def test_a_jwks_without_one_key_for_tokens_is_no_jwks_of_a_pool(key, changes):
    with pytest.raises(BrokenJwksError, match="none of its keys"):
        read_published(json.dumps({"keys": [entry(key, changes)] * 2}).encode())


@unusable
def test_a_key_that_is_not_for_tokens_is_refused_where_the_owner_gives_it(key, other_key, changes):
    good = {**other_key.as_dict(private=False), "kid": "k2"}
    with pytest.raises(ConfigError, match=r"^jwks: key 2 cannot be") as refused:
        config({"keys": [good, entry(key, changes)]})
    assert "AQAB" not in str(refused.value)


@pytest.mark.parametrize("members", [{}, {"alg": None}, {"use": None}, {"key_ops": ["verify"]}])
def test_a_key_need_not_say_what_it_is_for(key, members):
    assert [*config({"keys": [entry(key, members)]}).jwks.keys] == ["k1"]


NO_JWKS: list[Any] = [
    *(b"", b"<html>", b"[]", b"{}", b'{"keys": []}', b'{"keys": 5}', b'{"keys": {}}', b"\xff"),
    *(b'{"keys": [null]}', b'{"keys": ["k"]}', b"[" * 100_000, b'{"keys": [{}, 1]}', b"null"),
    b"1" * 5000,
]


@pytest.mark.parametrize("document", NO_JWKS, ids=lambda data: repr(data[:16]))
def test_what_is_no_jwks_is_broken_where_it_is_published(document):
    with pytest.raises(BrokenJwksError):
        read_published(document)


@pytest.mark.parametrize("document", NO_JWKS, ids=lambda data: repr(data[:16]))
def test_what_is_no_jwks_is_refused_where_the_owner_gives_a_file(tmp_path, document):
    (tmp_path / "jwks.json").write_bytes(document)
    for path in (tmp_path / "jwks.json", str(tmp_path / "jwks.json")):
        with pytest.raises(ConfigError, match=r"^jwks"):
            config(path)


@pytest.mark.parametrize("given", [5, b"{}", [], {}, {"keys": None}, True, {"keys": [5]}])
def test_what_is_no_jwks_is_refused_where_the_owner_gives_it_by_hand(given):
    with pytest.raises(ConfigError, match=r"^jwks"):
        config(given)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path):
    (tmp_path / "large.json").write_bytes(b" " * 300_000)
    for path in (tmp_path, tmp_path / "missing.json", tmp_path / "large.json", "a\0b"):
        with pytest.raises(ConfigError, match=r"^jwks") as refused:
            config(path)
        assert ascii(str(path))[1:-1] in str(refused.value)


def test_two_keys_of_one_name_are_refused(key, other_key):
    keys = [each.as_dict(private=False) for each in (key, other_key)]
    with pytest.raises(ConfigError, match="kid of another"):
        config({"keys": keys})


def test_keys_that_are_given_survive_a_change_of_settings_and_are_compared_by_what_they_are(
    key, other_key, tmp_path
):
    document = {"keys": [key.as_dict(private=False)]}
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps(document))
    by_hand, by_path = config(document), config(path)
    assert by_hand == by_path == evolve(by_hand, max_concurrency=100)
    assert by_hand != config({"keys": [other_key.as_dict(private=False)]})
    assert key.as_dict(private=False)["n"] not in repr(by_hand)
    environ = {"A_USER_POOL_ID": "eu-central-1_A", "A_CLIENT_ID": "1", "A_JWKS": str(path)}
    assert AuthConfig.from_env("A_", environ) == by_hand


def test_keys_are_the_same_in_any_order_of_theirs_and_of_their_members(key, other_key):
    entries = [{**key.as_dict(private=False), "kid": kid} for kid in ("k1", "k2")]
    turned = [dict(reversed(each.items())) for each in reversed(entries)]
    assert config({"keys": entries}) == config({"keys": turned})
    others = [entries[0], {**other_key.as_dict(private=False), "kid": "k2"}]
    assert config({"keys": entries}) != config({"keys": others})


def test_what_is_given_can_be_changed_afterwards_without_effect(key):
    document = {"keys": [key.as_dict(private=False)]}
    made = config(document)
    document["keys"][0]["n"] = "AQAB"
    document["keys"].clear()
    assert [*made.jwks.keys] == ["k1"]


def test_another_kind_of_key_stands_beside_them(key):
    elliptic = ECKey.generate_key("P-256", {"kid": "e1"}).as_dict(private=False)
    document = json.dumps({"keys": [elliptic, key.as_dict(private=False)]}).encode()
    assert [*read_published(document)] == ["k1"]
