"""Tokens are found in whatever people paste, and nowhere else."""

import base64
from urllib.parse import quote

import pytest
from authflow_otp.link_tokens import SignInLink, new_link_id
from authflow_otp.pasted_links import token_of
from hypothesis import given
from hypothesis import strategies as st

from authflow.keys import KeyRing
from authflow.plugins import Randomness, Secret

# Always the same, so that every process names the tests alike.
KEY = Secret(bytes(range(32)))


def a_token(seed: bytes, key_id: str) -> str:
    link = SignInLink(
        link_id=new_link_id(Randomness.seeded(seed)), until=1_800_000_000, owner="ab" * 16
    )
    ring = KeyRing(keys={key_id: KEY}, current=key_id)
    return link.signed(ring, key_id).reveal()


KEY_IDS = st.text(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_", min_size=1, max_size=32
)
TOKENS = st.builds(a_token, st.binary(min_size=1), KEY_IDS)
TOKEN = a_token(b"1", "1")
LINK = f"https://shop.example.com/link#{TOKEN}"
QUOTED = quote(LINK, safe="")
UNSEEN = st.sampled_from(["", " ", "\n", "\t", "\u200b", "\u2060", "\u00ad", "\ufeff", "\r\n"])
BEFORE = (
    "",
    "#",
    "https://shop.example.com/link#",
    "http://localhost:8000/a-b/?lang=de&x=1#",
    "HTTPS://SHOP.EXAMPLE.COM#",
    "https://eur01.safelinks.example.com/?url=https%3A%2F%2Fshop.example.com%2Flink%23",
    "<https://shop.example.com/link#",
    "(https://shop.example.com/link#",
    "<URL:https://shop.example.com/link#",
    "Open this link: https://shop.example.com/link#",
    "https://urldefense.proofpoint.com/v2/url?u=https-3A__shop.example.com_link-23",
    "https://urldefense.com/v3/__https://shop.example.com/link*",
    "https://b.example.com/?u=https%3A%2F%2Fa.example.com%2F%3Fu%3Dhttps%253A%252F%252Fx%252Flink%2523",
)
AFTER = (
    "",
    "&utm_source=mail",
    "&data=05%7C02%7Cada%40example.com&reserved=0",
    ">",
    ".",
    ")",
    "?fbclid=1",
    "&d=DwMFaQ&c=abc&r=xyz",
    "__;Iw!!ABC!def$",
    "%26reserved",
    "\n\nSent from my telephone",
    " https://shop.example.com/",
)


@given(
    token=TOKENS,
    around=st.tuples(st.sampled_from(BEFORE), st.sampled_from(AFTER)),
    unseen=UNSEEN,
    at=st.integers(0, 110),
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
        TOKEN[:60],
        "code" + TOKEN[4:],
        "x" + TOKEN,
        TOKEN * 20,
        "https://" + "a" * 100_000 + f"#{TOKEN}",
        "\ud800",
        "9" * 1_000_000,
    ],
)
def test_what_is_no_link_has_no_token(pasted: str):
    assert token_of(pasted) == ""


@pytest.mark.parametrize(
    "pasted",
    [
        f"{LINK} {LINK}",
        f"[{LINK}]({LINK})",
        f"{LINK[:70]}=\n{LINK[70:]}",
        f"{LINK[:-3]}=\r\n{LINK[-3:]}\r\nBest wishes",
        f"https://eur01.safelinks.example.com/?url={QUOTED}&data={'a' * 600}",
        f"https://a.example/?u={quote('https://b.example/?u=' + QUOTED, safe='')}",
        f"https://secure.example.com/1abc/{QUOTED}",
        f"the link:\n{TOKEN}\nof the shop",
        "".join(f"%{ord(each):02x}" for each in LINK),
    ],
)
def test_scanners_and_words_around_a_token_do_not_matter(pasted: str):
    assert token_of(pasted) == TOKEN


def in_base64(text: str, *, url: bool, padded: bool) -> str:
    encoded = (base64.urlsafe_b64encode if url else base64.b64encode)(text.encode()).decode()
    return encoded if padded else encoded.rstrip("=")


@given(
    token=TOKENS,
    made=st.tuples(st.text("abcdefghijk", max_size=4), st.booleans(), st.booleans()),
    quoted=st.integers(0, 2),
    where=st.sampled_from(["?d=x&u={}&p=m&i=a", "/x/{}/abc", "?u={}"]),
    line=st.sampled_from([10_000, 76, 60]),
)
def test_a_link_that_a_scanner_wrote_in_base64_is_found(
    token: str, made: tuple[str, bool, bool], quoted: int, where: str, line: int
):
    path, url, padded = made
    text = in_base64(f"https://shop.example.com/{path}#{token}", url=url, padded=padded)
    for _ in range(quoted):
        text = quote(text, safe="")
    pasted = "https://eu-west-1.protection.example.com" + where.format(text)
    assert token_of("\n".join(pasted[i : i + line] for i in range(0, len(pasted), line))) == token


@given(token=TOKENS, times=st.integers(1, 4))
def test_a_link_that_several_scanners_have_wrapped_is_found(token: str, times: int):
    pasted = f"https://shop.example.com/link#{token}"
    for _ in range(times):
        pasted = quote(pasted, safe="")
    assert token_of(pasted) == token


@given(
    token=TOKENS,
    at=st.integers(1, 140),
    mark=st.sampled_from(["> ", ">", ">> ", "> > ", " > ", "&gt; "]),
    end=st.sampled_from(["\n", "\r\n", "=\n"]),
)
def test_a_link_in_a_mail_that_was_answered_is_found(token: str, at: int, mark: str, end: str):
    link = f"https://shop.example.com/link#{token}"
    lines = ["Open this link:", "", link[:at] + end + mark + link[at:], "", "It is good for 5 min"]
    assert token_of(f"\n{mark}".join(["", *lines])) == token


@pytest.mark.parametrize(
    "more", ["a", "0", "9", "abc234", TOKEN], ids=["a", "0", "9", "six signs", "a token"]
)
def test_what_stands_directly_behind_a_token_makes_it_another_one(more: str):
    assert token_of(TOKEN + more) != TOKEN


@given(st.text())
def test_whatever_is_pasted_has_a_token_or_none(pasted: str):
    assert token_of(pasted) == ""
