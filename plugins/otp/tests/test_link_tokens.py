"""Tokens of links say what was signed, and nothing that was altered is one."""

import base64
from typing import Any

import pytest
from attrs import evolve
from authflow_otp.link_tokens import SignInLink, new_link_id, owner_of
from hypothesis import given
from hypothesis import strategies as st

from authflow.errors import KeysUnavailableError
from authflow.keys import KeyRing
from authflow.plugins import Randomness

POOL = "eu-central-1_Abc123def"
RING = KeyRing.generate("key-id_2026")
LINK = SignInLink(
    link_id=new_link_id(Randomness.seeded(b"link")),
    until=1_800_000_000,
    owner=owner_of(RING, POOL, "ada"),
)
TOKEN = LINK.signed(RING, RING.current).reveal()
SIGNS = "abcdefghijklmnopqrstuvwxyz234567"


@given(
    until=st.integers(0, 2**40 - 1),
    username=st.text(st.characters(codec="utf-8"), min_size=1, max_size=128),
    key_id=st.text("abcXYZ019_-", min_size=1, max_size=32),
    seed=st.binary(),
)
async def test_what_was_signed_is_opened(until: int, username: str, key_id: str, seed: bytes):
    ring = KeyRing.generate(key_id)
    owner = owner_of(ring, POOL, username)
    drawn = new_link_id(Randomness.seeded(seed))
    link = SignInLink(link_id=drawn, until=until, owner=owner)
    token = link.signed(ring, ring.current).reveal()
    assert token.isascii()
    assert token.isalnum()
    assert token == token.lower()
    assert len(token) <= 160
    assert await SignInLink.opened(token, ring) == link
    assert await SignInLink.opened(f"https://shop.example.com/link#{token}", ring) == link


async def test_a_token_with_any_sign_changed_left_out_or_added_is_none():
    for place, sign in enumerate(TOKEN):
        for other in SIGNS:
            if other != sign:
                changed = TOKEN[:place] + other + TOKEN[place + 1 :]
                assert await SignInLink.opened(changed, RING) is None
        assert await SignInLink.opened(TOKEN[:place] + TOKEN[place + 1 :], RING) is None
        assert await SignInLink.opened(TOKEN[:place], RING) is None
        if place:  # before a token there may stand what will
            assert await SignInLink.opened(TOKEN[:place] + "a" + TOKEN[place:], RING) is None
    assert await SignInLink.opened(TOKEN + "a", RING) is None


@pytest.mark.parametrize("change", [{"until": 1_800_000_001}, {"owner": "00" * 16}])
async def test_a_tag_is_for_its_own_content_alone(change: dict[str, Any]):
    other = evolve(LINK, **change).signed(RING, RING.current).reveal()
    assert await SignInLink.opened(other, RING) == evolve(LINK, **change)
    mixed = [TOKEN[:place] + other[place:] for place in range(31, len(TOKEN))]
    opened = [
        await SignInLink.opened(token, RING) for token in mixed if token not in {TOKEN, other}
    ]
    assert opened
    assert not any(opened)


async def test_a_token_of_another_ring_is_none_and_one_of_an_earlier_key_is_good():
    assert await SignInLink.opened(TOKEN, KeyRing.generate("key-id_2026")) is None
    assert await SignInLink.opened(TOKEN, KeyRing.generate("another")) is None
    assert await SignInLink.opened(TOKEN, RING.rotated("next")) == LINK
    assert owner_of(RING.rotated("next"), POOL, "ada") == LINK.owner


@given(st.binary(max_size=100))
async def test_whatever_is_of_a_tokens_form_is_opened_without_an_error(data: bytes):
    text = base64.b32encode(data).decode().rstrip("=").lower()
    assert await SignInLink.opened("link" + LINK.link_id + text, RING) is None


def test_an_owner_tells_neither_pool_nor_name_and_is_another_for_others():
    owners = {
        owner_of(ring, pool, name)
        for ring in (RING, KeyRing.generate())
        for pool in (POOL, "eu-central-1_Other")
        for name in ("ada", "Ada", "grace")
    }
    assert len(owners) == 12
    assert all(len(owner) == 32 for owner in owners)


def test_a_link_is_not_shown():
    assert LINK.link_id not in repr(LINK)
    assert TOKEN not in repr(LINK.signed(RING, RING.current))


class Strict:
    """A provider that says by an error that it has no such key."""

    def __init__(self, *, current: bool) -> None:
        self.current = current

    async def key_ring(self, *, having: str | None = None) -> KeyRing:
        if not self.current or having not in {None, *RING.keys}:
            raise LookupError(having)
        return RING


async def test_a_made_up_key_is_no_failure_of_the_keys():
    made_up = LINK.signed(KeyRing.generate("made-up"), "made-up")
    assert await SignInLink.opened(made_up, Strict(current=True)) is None
    assert await SignInLink.opened(TOKEN, Strict(current=True)) == LINK
    with pytest.raises(KeysUnavailableError):
        await SignInLink.opened(TOKEN, Strict(current=False))
