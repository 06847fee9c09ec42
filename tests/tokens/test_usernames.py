"""What a user is called, as tokens tell it that nobody has verified."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authflow.results import Tokens
from authflow.secret import Secret
from authflow.tokens.usernames import unverified_username, username_in


def token(payload: bytes, header: bytes = b'{"alg":"RS256","kid":"k"}') -> str:
    parts = (header, payload, b"signature")
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def tokens(identity: str, access: str) -> Tokens:
    return Tokens(id_token=Secret(identity), access_token=Secret(access))


def claims(**members: Any) -> str:
    return token(json.dumps(members).encode())


def test_the_id_token_tells_the_name_and_else_the_access_token():
    access = claims(username="ada")
    assert unverified_username(tokens(claims(**{"cognito:username": "eve"}), access)) == "eve"
    assert unverified_username(tokens(claims(sub="1"), access)) == "ada"
    assert unverified_username(tokens("none", access)) == "ada"
    assert unverified_username(tokens(claims(), claims())) is None


def test_a_token_that_is_longer_than_any_of_cognitos_is_not_read():
    for size, told in ((12_000, "ada"), (20_000, None)):
        long = claims(username="ada", more="x" * (size * 3 // 4))
        assert unverified_username(tokens(long, long)) == told


@pytest.mark.parametrize(("size", "told"), [(16_384, "ada"), (16_386, None)])
def test_a_token_of_16_kibibytes_is_the_longest_that_is_read(size: int, told: str | None):
    head, body, signature = token(b'{"username":"ada"}').split(".")  # a body without padding
    for more in ("", "AA", "AAA"):  # no part is one character longer than a multiple of four
        rest = size - len(f"{head}.{body}.{signature}{more}")
        if rest % 4 == 0:
            break
    text = f"{head}.{body}{'ICAg' * (rest // 4)}.{signature}{more}"  # base64 of three blanks
    assert len(text) == size
    assert unverified_username(tokens(text, text)) == told


@pytest.mark.parametrize("name", ["", None, 1, True, ["ada"], {"a": "b"}, "\ud800"])
def test_what_is_no_name_is_none(name: Any):
    assert username_in({"cognito:username": name}, {"username": name}) is None
    assert username_in({"cognito:username": name}, {"username": "ada"}) == "ada"


UNREADABLE = [
    *("", "a", "a.b.c", "....", "é.é.é", "\ud800", token(b"[]"), token(b"1"), token(b"\xff")),
    *(token(b"[" * 12_000), token(b"{}", b"[]"), token(b'{"username":'), token(b"x" * 20_000)),
]


@pytest.mark.parametrize("text", UNREADABLE, ids=lambda text: ascii(text)[:20])
def test_tokens_that_cannot_be_read_tell_none(text: str):
    assert unverified_username(tokens(text, text)) is None


@settings(max_examples=40)
@given(st.text() | st.binary().map(token))
def test_no_token_breaks_it(text: str):
    assert unverified_username(tokens(text, text)) is None
