import json
from base64 import urlsafe_b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authflow import Secret
from authflow.tokens.token_life import LONGEST_LIFE, TokenLife, life_of

NOW = 1_800_000_000.0


def token(**claims: Any) -> Secret[str]:
    parts = ({"alg": "RS256"}, claims)
    written = [urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts]
    return Secret(".".join([*written, "c2ln"]))


def test_a_token_tells_its_own_life():
    life = life_of(token(iat=NOW, exp=NOW + 300), expires_in=3600, now=NOW + 2)
    assert life == TokenLife(seconds=300, until=NOW + 300)


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"exp": None},
        {"exp": "1800000300"},
        {"exp": True},
        {"exp": -1},
        {"exp": 2**53},
        {"exp": float("nan")},
        {"exp": float("inf")},
        {"exp": [NOW]},
    ],
    ids=str,
)
def test_a_token_without_a_usable_end_lives_as_the_reply_says(claims: dict[str, Any]):
    life = life_of(token(iat=NOW, **claims), expires_in=3600, now=NOW)
    assert life == TokenLife(seconds=3600, until=NOW + 3600)


@pytest.mark.parametrize("text", ["", "opaque", "a.b.c", "x" * 20_000, "e30.W10.c2ln"])
def test_a_text_that_is_no_token_lives_as_the_reply_says(text: str):
    assert life_of(Secret(text), expires_in=60, now=NOW) == TokenLife(seconds=60, until=NOW + 60)


@pytest.mark.parametrize("issued", [None, "x", NOW + 301, True, float("nan")], ids=str)
def test_a_token_without_a_usable_beginning_lives_as_long_as_the_reply_says(issued: Any):
    life = life_of(token(iat=issued, exp=NOW + 300), expires_in=240, now=NOW)
    assert life == TokenLife(seconds=240, until=NOW + 300)


def test_no_token_lives_longer_than_cognito_lets_it():
    life = life_of(token(iat=NOW, exp=NOW + 10**9), expires_in=10**8, now=NOW)
    assert life.seconds == LONGEST_LIFE
    assert life.left(now=NOW, age=0) == LONGEST_LIFE
    assert life_of(Secret("x"), expires_in=10**8, now=NOW).seconds == LONGEST_LIFE


@given(
    now=st.floats(-1e9, 1e10),
    age=st.floats(0, 1e6),
    life=st.floats(1, 86400),
    end=st.floats(0, 1e10),
)
def test_what_is_left_is_never_more_than_either_clock_allows(
    now: float, age: float, life: float, end: float
):
    left = TokenLife(seconds=life, until=end).left(now=now, age=age)
    assert left <= end - now
    assert left <= life - age
    assert left in (end - now, life - age)
