"""Where codes go, and what is shown of it."""

import os
import re

import pytest
from authflow_otp.destinations import Medium, blank, destination, masked, stand_in
from hypothesis import given
from hypothesis import strategies as st

from authflow.plugins import Randomness

NOTHING = Randomness.seeded(b"")
"""What nothing is drawn from: where the name is an address, it decides alone."""
FORMS = {Medium.EMAIL: r"[a-z]\*{3}@[a-z]\*{3}", Medium.SMS: r"\+\*{7}[0-9]{4}"}


@pytest.mark.parametrize(
    ("medium", "attributes", "to"),
    [
        (Medium.EMAIL, {"email": "ada@example.com", "email_verified": "true"}, "ada@example.com"),
        (Medium.EMAIL, {"email": "ada@example.com", "email_verified": "True"}, "ada@example.com"),
        (Medium.SMS, {"phone_number": "+15550123", "phone_number_verified": "true"}, "+15550123"),
        (Medium.EMAIL, {"email": "ada@example.com", "email_verified": "false"}, None),
        (Medium.EMAIL, {"email": "ada@example.com"}, None),
        (Medium.EMAIL, {"email_verified": "true"}, None),
        (Medium.SMS, {"email": "ada@example.com", "email_verified": "true"}, None),
        (Medium.EMAIL, {"email": "a@b\r\nBcc: c@d", "email_verified": "true"}, None),
        (Medium.EMAIL, {"email": "a@b,c@d", "email_verified": "true"}, None),
        (Medium.EMAIL, {"email": "a,c@d", "email_verified": "true"}, None),
        (Medium.EMAIL, {"email": "a b@c", "email_verified": "true"}, None),
        (Medium.SMS, {"phone_number": "0555", "phone_number_verified": "true"}, None),
        (Medium.SMS, {"phone_number": "+1" * 12, "phone_number_verified": "true"}, None),
    ],
)
def test_only_what_cognito_has_verified_is_a_destination(
    medium: Medium, attributes: dict[str, str], to: str | None
) -> None:
    assert destination(medium, attributes) == to


def test_a_mask_shows_two_letters_or_four_digits_and_no_length() -> None:
    assert masked(Medium.EMAIL, "ada@example.com") == "a***@e***"
    assert masked(Medium.EMAIL, "augusta.ada@engine.example") == "a***@e***"
    assert masked(Medium.SMS, "+4915550001234") == "+*******1234"
    assert masked(Medium.SMS, "+15551234") == "+*******1234"


@given(
    mailbox=st.text(st.characters(categories=["L"]), min_size=1, max_size=9),
    domain=st.text(st.characters(categories=["L"]), min_size=1, max_size=9),
)
def test_no_letter_case_shows_in_a_mask_nor_in_a_stand_in(mailbox: str, domain: str) -> None:
    address = f"{mailbox}@{domain}.example"
    shown = masked(Medium.EMAIL, address)
    assert shown == shown.casefold()
    assert len(shown) == len("a***@e***")
    assert shown == masked(Medium.EMAIL, address.casefold())
    assert stand_in(Medium.EMAIL, address, NOTHING) == shown


def test_capitals_of_an_address_are_shown_small() -> None:
    assert masked(Medium.EMAIL, "Quinn@Zeta.com") == "q***@z***"
    assert stand_in(Medium.EMAIL, "Quinn@Zeta.com", NOTHING) == "q***@z***"


@given(username=st.text(), seed=st.binary())
def test_a_stand_in_looks_like_a_mask(username: str, seed: bytes) -> None:
    for medium, form in FORMS.items():
        shown = stand_in(medium, username, Randomness.seeded(seed))
        assert re.fullmatch(form, shown) or shown == masked(medium, username)


def test_a_blank_shows_neither_letter_nor_digit() -> None:
    for medium in Medium:
        assert set(blank(medium)) <= set("+@*")


def test_a_stand_in_is_decided_by_what_it_is_drawn_from_and_differs_with_it() -> None:
    seeds = [os.urandom(32) for _ in range(200)]
    for medium in Medium:
        shown, again = (
            [stand_in(medium, "bob", Randomness.seeded(seed)) for seed in seeds] for _ in range(2)
        )
        assert shown == again
        assert len(set(shown)) > 20


def test_where_the_username_is_an_address_the_stand_in_is_its_mask() -> None:
    assert stand_in(Medium.EMAIL, "bob@example.org", NOTHING) == "b***@e***"
    assert stand_in(Medium.SMS, "+15550009876", NOTHING) == "+*******9876"
