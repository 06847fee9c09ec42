"""A verifier can be made to require more, and never less."""

import time
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import RSAKey

from authflow import Secret, Tokens
from authflow.errors import (
    MisuseError,
    NextStep,
    TokenClientError,
    TokenMalformedError,
    TokenPermissionError,
    TokenUseError,
)
from authflow.tokens import AllOf, AnyOf, TokenVerifier, TrustedPool

POOL = "eu-central-1_Abc123def"
KEY = RSAKey.generate_key(2048, {"kid": "k1", "alg": "RS256", "use": "sig"})
VERIFIER = TokenVerifier(
    pools=TrustedPool(
        user_pool_id=POOL,
        client_ids=["one", "two"],
        jwks={"keys": [KEY.as_dict(private=False)]},
    )
)


def token(use: str = "access", **changes: Any) -> str:
    now = int(time.time())
    made = {
        "iss": f"https://cognito-idp.eu-central-1.amazonaws.com/{POOL}",
        "sub": "3c9d",
        "token_use": use,
        "client_id" if use == "access" else "aud": "one",
        "iat": now,
        "exp": now + 3600,
        **changes,
    }
    return jwt.encode({"alg": "RS256", "kid": "k1"}, made, KEY)


@pytest.mark.parametrize(
    ("groups", "held", "enough"),
    [
        ("a", ["a"], True),
        ("a", ["b", "a"], True),
        ("a", ["A"], False),
        ("a", ["ab"], False),
        ("a", [], False),
        ("a", None, False),
        (AnyOf("a", "b"), ["b"], True),
        (AnyOf("a", "b"), ["c", "b"], True),
        (AnyOf("a", "b"), ["c"], False),
        (AllOf("a", "b"), ["b"], False),
        (AllOf("a", "b"), ["c", "b", "a"], True),
        ("two words", ["two words"], True),
    ],
)
@pytest.mark.parametrize("use", ["access", "id"])
async def test_a_group_is_held_or_the_answer_is_403(groups, held, enough, use):
    narrowed = VERIFIER.require(groups=groups)
    made = token(use, **({} if held is None else {"cognito:groups": held}))
    if enough:
        assert (await narrowed.claims(made, use)).groups == frozenset(held)
        return
    with pytest.raises(TokenPermissionError, match="must be in the group") as refused:
        await narrowed.claims(made, use)
    assert refused.value.http_status == 403
    assert refused.value.next_step is NextStep.GIVE_UP


@pytest.mark.parametrize(
    ("scopes", "held", "enough"),
    [
        ("orders/read", "orders/read", True),
        ("orders/read", "openid  orders/read", True),
        ("orders/read", "orders/reads", False),
        ("orders/read", "", False),
        ("orders/read", None, False),
        (AnyOf("r", "w"), "w x", True),
        (AnyOf("r", "w"), "x", False),
        (AllOf("r", "w"), "w x r", True),
        (AllOf("r", "w"), "w x", False),
    ],
)
async def test_a_scope_is_held_or_the_answer_is_403(scopes, held, enough):
    narrowed = VERIFIER.require(scopes=scopes, token_use="access")
    made = token(**({} if held is None else {"scope": held}))
    if enough:
        assert await narrowed.claims(made)
        return
    with pytest.raises(TokenPermissionError, match="must have the scope"):
        await narrowed.claims(made)


async def test_an_id_token_never_has_a_scope_whatever_it_says():
    narrowed = VERIFIER.require(scopes="r", token_use=AnyOf("access", "id"))
    with pytest.raises(TokenPermissionError):
        await narrowed.claims(token("id", scope="r"))
    assert await narrowed.claims(token(scope="r"))


NAMES = st.sets(st.sampled_from("abcde"), min_size=1)


@given(NAMES, st.sets(st.sampled_from("abcdef")))
def test_any_of_and_all_of_are_what_they_are_called(names, held):
    assert AnyOf(*names).met_by(frozenset(held)) is any(each in held for each in names)
    assert AllOf(*names).met_by(frozenset(held)) is all(each in held for each in names)


@settings(max_examples=20)
@given(st.lists(NAMES, max_size=4), st.sets(st.sampled_from("abcde")))
async def test_each_requirement_is_added_to_those_before(required, held):
    narrowed = VERIFIER.require(token_use="access")
    for names in required:
        narrowed = narrowed.require(groups=AnyOf(*names))
    made = token(**{"cognito:groups": sorted(held)})
    if all(names & held for names in required):
        assert await narrowed.claims(made)
    else:
        with pytest.raises(TokenPermissionError):
            await narrowed.claims(made)
    assert await VERIFIER.claims(made, "access"), "the verifier itself requires no more"


async def test_the_use_is_required_with_the_verifier_or_the_call():
    access, identity = token(), token("id")
    for narrowed in (
        VERIFIER.require(token_use="access"),
        VERIFIER.require(token_use=AllOf("access")),
    ):
        assert await narrowed.claims(access)
        with pytest.raises(TokenUseError) as refused:
            await narrowed.claims(identity)
        assert refused.value.http_status == 401
        with pytest.raises(MisuseError):
            await narrowed.claims(identity, "id")
    either = VERIFIER.require(token_use=AnyOf("access", "id"))
    for made, use in ((access, "access"), (identity, "id")):
        assert (await either.claims(made)).token_use == use
        assert (await either.claims(made, use)).token_use == use
    with pytest.raises(TokenUseError):
        await either.claims(token("refresh"))
    with pytest.raises(MisuseError, match="say which"):
        await VERIFIER.claims(access)
    with pytest.raises(MisuseError, match="say which"):
        await VERIFIER.require(groups="a").claims(access)


async def test_app_clients_are_narrowed_to_some_of_those_that_are_trusted():
    narrowed = VERIFIER.require(client_ids="two")
    assert await narrowed.claims(token(client_id="two"), "access")
    for use, name in (("access", "client_id"), ("id", "aud")):
        with pytest.raises(TokenClientError):
            await narrowed.claims(token(use, **{name: "one"}), use)
    with pytest.raises(MisuseError, match="no pool that is trusted"):
        VERIFIER.require(client_ids=["two", "three"])
    with pytest.raises(MisuseError, match="none of their tokens"):
        narrowed.require(client_ids="one")
    anyone = TokenVerifier(pools=[TrustedPool(user_pool_id=POOL, client_ids=None)])
    assert anyone.require(client_ids="three")


async def test_what_is_required_stays_required_in_a_copy():
    narrowed = VERIFIER.require(token_use="access", groups="a")
    with pytest.raises(TokenPermissionError):
        await evolve(narrowed, leeway=0).claims(token())


async def test_a_pair_that_was_just_issued_is_not_for_a_verifier_that_requires_more():
    pair = Tokens(access_token=Secret(token()), id_token=Secret(token("id")))
    assert await VERIFIER.verify(pair) is None
    with pytest.raises(MisuseError, match="claims"):
        await VERIFIER.require(groups="a").verify(pair)


async def test_a_bad_token_is_no_missing_permission():
    narrowed = VERIFIER.require(token_use="access", groups="a", scopes="r")
    for changes, error in (
        ({"client_id": "three"}, TokenClientError),
        ({"cognito:groups": "a"}, TokenMalformedError),
        ({"cognito:groups": ["a", 5]}, TokenMalformedError),
        ({"scope": ["r"]}, TokenMalformedError),
    ):
        with pytest.raises(error):
            await narrowed.claims(token(**changes))


@pytest.mark.parametrize(
    "required",
    [
        {"groups": ["a", "b"]},
        {"groups": {"a"}},
        {"groups": ""},
        {"groups": 5},
        {"groups": True},
        {"scopes": ("r",)},
        {"scopes": "r w"},
        {"scopes": AnyOf("r w")},
        *(
            {"scopes": AnyOf("r", each)}
            for each in ("r ", " r", "r\tw", "r\n", "r\u3000w", "r\x00")
        ),
        *({"scopes": each} for each in ('"r"', "r\\w", "rä", "r\x7f")),
        {"scopes": "r", "token_use": "id"},
        {"token_use": "refresh"},
        {"token_use": "Access"},
        {"token_use": ["access"]},
        {"token_use": AllOf("access", "id")},
        {"token_use": AnyOf("access", "refresh")},
        {"client_ids": []},
        {"client_ids": [""]},
        {"client_ids": [5]},
        {"client_ids": 5},
        {"client_ids": ""},
    ],
)
def test_a_requirement_that_is_malformed_or_that_no_token_meets_is_misuse(required):
    with pytest.raises(MisuseError):
        VERIFIER.require(**required)


@pytest.mark.parametrize("kind", [AnyOf, AllOf])
@pytest.mark.parametrize(
    "names", [(), ("",), (" ",), (5,), (None,), ("a", b"b"), (["a"],)], ids=str
)
def test_names_are_texts_and_one_at_least(kind, names):
    with pytest.raises(MisuseError, match=kind.__name__):
        kind(*names)


def test_uses_that_exclude_each_other_are_misuse():
    with pytest.raises(MisuseError, match="token_use"):
        VERIFIER.require(token_use="access").require(token_use="id")


@pytest.mark.parametrize("scopes", ["r", AnyOf("r", "w"), AllOf("r", "w")])
@pytest.mark.parametrize("use", ["id", AnyOf("id")])
def test_scopes_of_an_id_token_are_misuse_in_whatever_order_they_are_required(scopes, use):
    with pytest.raises(MisuseError, match="scopes"):
        VERIFIER.require(token_use=use).require(scopes=scopes)
    with pytest.raises(MisuseError, match="scopes"):
        VERIFIER.require(scopes=scopes).require(token_use=use)
    both = AnyOf("access", "id")
    assert VERIFIER.require(token_use=both).require(scopes=scopes).require(token_use="access")
