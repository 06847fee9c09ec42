"""Tokens are found in whatever people paste, and nowhere else."""

import pytest
from authflow_otp.pasted_links import token_of
from hypothesis import given
from hypothesis import strategies as st

from authflow.plugins import Secret

TOKENS = st.text("abcdefghijklmnopqrstuvwxyz234567", min_size=80, max_size=160).map("link{}".format)
TOKEN = "link" + "abcdefgh234567xyz" * 6
UNSEEN = st.sampled_from(["", " ", "\n", "\t", "\u200b", "\u2060", "\u00ad", "\ufeff", "\r\n"])
BEFORE = (
    "",
    "#",
    "https://shop.example.com/link#",
    "http://localhost:8000/a-b/?lang=de&x=1#",
    "HTTPS://SHOP.EXAMPLE.COM#",
    "https://eur01.safelinks.example.com/?url=https%3A%2F%2Fshop.example.com%2Flink%23",
    "<https://shop.example.com/link#",
)
AFTER = ("", "&utm_source=mail", "&data=05%7C02%7Cada%40example.com&reserved=0", ">")


@given(
    token=TOKENS,
    around=st.tuples(st.sampled_from(BEFORE), st.sampled_from(AFTER)),
    unseen=UNSEEN,
    at=st.integers(0, 60),
    capital=st.booleans(),
)
def test_a_token_is_found_wherever_it_was_copied_from(
    token: str, around: tuple[str, str], unseen: str, at: int, capital: bool
):
    before, after = around
    broken = token[:at] + unseen + token[at:]
    pasted = f"{unseen}{before}{broken.upper() if capital else broken}{after}{unseen}"
    assert token_of(pasted) == token
    assert token_of(Secret(pasted)) == token


@pytest.mark.parametrize(
    "pasted",
    [
        "",
        "link",
        "x" + TOKEN,
        TOKEN + "0",
        TOKEN + "\0x0",
        TOKEN[:60],
        "code" + TOKEN[4:],
        f"{TOKEN},{TOKEN}",
        f"000000,{TOKEN},999999",
        f"javascript:{TOKEN}",
        f"ftp://shop.example.com#{TOKEN}",
        f"https://shop.example.com/{TOKEN}",
        f"https://shop.example.com/?{TOKEN}",
        TOKEN * 20,
        "https://" + "a" * 100_000 + f"#{TOKEN}",
        "\ud800",
        "9" * 1_000_000,
    ],
)
def test_what_is_no_link_has_no_token(pasted: str):
    assert token_of(pasted) == ""


@given(st.text())
def test_whatever_is_pasted_has_a_token_or_none(pasted: str):
    assert token_of(pasted) == ""
