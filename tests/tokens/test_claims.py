"""Claims have their types, or the token is refused."""

import copy
import pickle
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from attrs import exceptions
from hypothesis import given
from hypothesis import strategies as st

from authflow.errors import TokenMalformedError
from authflow.tokens.claims import AccessClaims, IdClaims, typed, unchanging

NOW = 1_800_000_000
ACCESS = {
    "sub": "3c9d",
    "device_key": "eu-central-1_0a1b",
    "cognito:groups": ["staff", "admins"],
    "iss": "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_A",
    "version": 2,
    "client_id": "1example",
    "origin_jti": "origin",
    "event_id": "event",
    "token_use": "access",
    "scope": "openid orders/read",
    "auth_time": NOW - 60,
    "exp": NOW + 3600,
    "iat": NOW,
    "jti": "own",
    "username": "ada",
}
IDENTITY = {
    "sub": "3c9d",
    "aud": "1example",
    "iss": ACCESS["iss"],
    "cognito:username": "ada",
    "cognito:groups": ["staff"],
    "token_use": "id",
    "auth_time": NOW,
    "exp": NOW + 3600,
    "iat": NOW,
    "email": "ada@example.com",
    "email_verified": True,
    "custom:tenant": "acme",
    "custom:limits": {"a": [1, {"b": 2}]},
}


def read(said: dict[str, Any]) -> Any:
    return typed(unchanging(said))


def test_an_access_tokens_claims_have_their_types():
    claims = read(ACCESS)
    assert isinstance(claims, AccessClaims)
    assert (claims.sub, claims.username, claims.client_id) == ("3c9d", "ada", "1example")
    assert claims.groups == {"staff", "admins"}
    assert claims.scopes == {"openid", "orders/read"}
    assert claims.issued_at == datetime.fromtimestamp(NOW, UTC)
    assert (claims.expires_at - claims.issued_at).total_seconds() == 3600
    assert (claims.issued_at - claims.auth_time).total_seconds() == 60
    assert (claims.jti, claims.origin_jti, claims.event_id) == ("own", "origin", "event")
    assert claims.device_key == "eu-central-1_0a1b"
    assert claims.token_use == "access"
    assert claims.raw["version"] == 2


def test_an_id_tokens_claims_have_their_types_and_show_nothing_of_the_person():
    claims = read(IDENTITY)
    assert isinstance(claims, IdClaims)
    assert (claims.client_id, claims.username, claims.token_use) == ("1example", "ada", "id")
    assert (claims.email, claims.email_verified) == ("ada@example.com", True)
    assert claims.custom["tenant"] == "acme"
    assert claims.custom["limits"]["a"][1]["b"] == 2
    assert not {"ada@example.com", "acme"} & set(repr(claims).replace("'", " ").split())
    assert "ada@example.com" not in repr(claims)
    assert "acme" not in repr(claims)


@pytest.mark.parametrize(("said", "verified"), [("true", True), ("false", False), (None, False)])
def test_an_address_is_verified_only_where_the_token_says_so(said, verified):
    given = {name: value for name, value in IDENTITY.items() if name != "email_verified"}
    claims = read(given if said is None else {**given, "email_verified": said})
    assert claims.email_verified is verified


def test_a_token_of_an_app_clients_own_names_no_user():
    kept = ("sub", "iss", "client_id", "token_use", "scope", "exp", "iat", "jti")
    claims = read({name: ACCESS[name] for name in kept})
    assert claims.username is claims.origin_jti is claims.device_key is claims.auth_time is None
    assert claims.groups == frozenset()


@pytest.mark.parametrize(("made", "use"), [(ACCESS, "access"), (IDENTITY, "id")])
@pytest.mark.parametrize("name", ["sub", "iat", "exp", "iss"])
def test_what_every_token_has_must_be_there(made, use, name):
    refused = read({each: value for each, value in made.items() if each != name})
    assert isinstance(refused, TokenMalformedError)
    assert f"no {name} claim" in str(refused)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)
TYPES = {
    "sub": str,
    "username": str,
    "client_id": str,
    "iss": str,
    "jti": str,
    "origin_jti": str,
    "event_id": str,
    "device_key": str,
    "scope": str,
    "cognito:groups": list,
    "iat": int | float,
    "exp": int | float,
    "auth_time": int | float,
}


@given(st.sampled_from(sorted(TYPES)), JSON)
def test_a_claim_of_any_other_form_is_refused_by_its_name_and_not_shown(name, value):
    claims = read({**ACCESS, name: value})
    if isinstance(claims, TokenMalformedError):
        assert str(claims) == f"the token's {name} claim does not have its documented form"
        return
    assert isinstance(value, TYPES[name])
    assert not isinstance(value, bool)
    for each in (claims.sub, claims.client_id, claims.issuer, *claims.groups, *claims.scopes):
        assert isinstance(each, str)
    for moment in (claims.issued_at, claims.expires_at, claims.auth_time):
        assert isinstance(moment, datetime)
        assert moment.tzinfo is UTC


@given(st.sampled_from(["aud", "cognito:username", "email", "email_verified"]), JSON)
def test_so_is_one_of_an_id_token(name, value):
    claims = read({**IDENTITY, name: value})
    if not isinstance(claims, TokenMalformedError):
        expected = bool | str if name == "email_verified" else str
        assert isinstance(value, expected)


@pytest.mark.parametrize("value", [253_402_300_800, -62_135_596_801, 1e300, float("inf"), 2**70])
def test_a_time_that_no_calendar_has_is_refused(value):
    assert isinstance(read({**ACCESS, "auth_time": value}), TokenMalformedError)


def test_claims_cannot_be_changed_at_any_depth():
    claims = read(IDENTITY)
    with pytest.raises(exceptions.FrozenInstanceError):
        claims.sub = "another"
    for mapping in (
        claims.raw,
        claims.custom,
        claims.custom["limits"],
        claims.raw["custom:limits"],
    ):
        assert isinstance(mapping, Mapping)
        with pytest.raises(TypeError):
            mapping["sub"] = "another"
    assert isinstance(claims.raw["cognito:groups"], tuple)


def test_claims_are_values():
    assert read(ACCESS) == read(copy.deepcopy(ACCESS))
    assert {read(ACCESS), read(ACCESS)} == {read(ACCESS)}
    assert read(ACCESS) != read({**ACCESS, "version": 3})


@pytest.mark.parametrize("claims", [ACCESS, IDENTITY], ids=["access", "id"])
@pytest.mark.parametrize(
    "copied",
    [
        copy.copy,
        copy.deepcopy,
        *(
            lambda value, at=at: pickle.loads(pickle.dumps(value, at))  # noqa: S301
            for at in range(2, 6)
        ),
    ],
)
def test_claims_can_be_copied_and_pickled(claims, copied):
    made = read(claims)
    again = copied(made)
    assert again == made
    assert type(again) is type(made)
    assert hash(again) == hash(made)
    with pytest.raises(TypeError):
        again.raw["sub"] = "another"
    assert isinstance(again.raw.get("cognito:groups", ()), tuple)


@pytest.mark.parametrize("end", [*"\t\n\r\x0b\x0c\x1c\x85\xa0\u2028\u3000"])
def test_scopes_are_split_at_blanks_alone(end):
    assert read({**ACCESS, "scope": f"  a{end}b  c "}).scopes == {f"a{end}b", "c"}
    assert read({**ACCESS, "scope": " "}).scopes == set()


@given(JSON)
def test_what_cannot_be_changed_says_the_same(value):
    def thawed(each: Any) -> Any:
        if isinstance(each, Mapping):
            return {name: thawed(inner) for name, inner in each.items()}
        return [*map(thawed, each)] if isinstance(each, tuple) else each

    assert repr(thawed(unchanging(value))) == repr(value)


@pytest.mark.parametrize("wrap", [lambda each: [each], lambda each: {"a": each}])
def test_a_nest_deeper_than_32_is_refused(wrap):
    nest: Any = 1
    for _ in range(32):
        nest = wrap(nest)
    unchanging(nest)
    with pytest.raises(ValueError, match="deep"):
        unchanging(wrap(nest))
