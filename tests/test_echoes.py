"""What counts as an echo of a secret: whole, cut, in other letters, quoted and escaped."""

import html
import json
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from authflow.echoes import echoes

SECRETS = [
    *("hunter2", "123456", "Correct-horse-1", "påsswörd", 'it\'s "so"', "50% off & <more>"),
    *("ß-Straße", "ﬁne ligature", "パスワード", "a b c d e", "eyJraWQiOiJ" * 20, "ünïcödé" * 9),
]
SHORT = ["a", "É", "7", "x1", "yes", "%", "é!"]


def unicode_escaped(text: str) -> str:
    return "".join(f"\\u{ord(c):04x}" if ord(c) < 0x10000 else c for c in text)


ESCAPES: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "upper case": str.upper,
    "lower case": str.lower,
    "capitals changed": str.swapcase,
    "percent": lambda text: quote(text, safe=""),
    "every byte percent": lambda text: "".join(f"%{byte:02x}" for byte in text.encode()),
    "plus for blanks": quote_plus,
    "percent twice": lambda text: quote(quote(text, safe=""), safe=""),
    "HTML": html.escape,
    "HTML, every character": lambda text: "".join(f"&#{ord(c)};" for c in text),
    "HTML, hexadecimal": lambda text: "".join(f"&#x{ord(c):X};" for c in text),
    "JSON": lambda text: json.dumps(text)[1:-1],
    "JSON in JSON": lambda text: json.dumps(json.dumps(text)),
    "unicode": unicode_escaped,
    "unicode in capitals": lambda text: unicode_escaped(text).replace("\\u", "\\U0000"),
    "repr": repr,
    "ascii": ascii,
    "no white space": lambda text: "".join(text.split()),
    "blanks between": " ".join,
    "nothing to be seen between": "\u200b".join,
    "dashes between": "-".join,
}


@pytest.mark.parametrize("escape", ESCAPES)
def test_a_secret_is_found_however_it_is_written(escape: str):
    for secret in SECRETS:
        for around in ("{}", "Value '{}' at 'x'", "well,{}!", "of{}it"):
            assert echoes(around.replace("{}", ESCAPES[escape](secret)), [secret]), secret


@pytest.mark.parametrize(
    ("secret", "shown"),
    [
        ("p%41ss-w%6Frd", "pAss-word"),
        ("p&#97;ss&amp;word", "Pass&Word"),
        (r"p\u0061ssword", "'password'"),
        ("ﬁne ﬂoor", "FINE FLOOR"),
        ("pa\N{COMBINING DIAERESIS}sswort", "P\N{LATIN CAPITAL LETTER A WITH DIAERESIS}SSWORT"),
        ("\uff30\uff21\uff33\uff33\uff11", "pass1"),
    ],
)
def test_a_secret_is_found_by_what_it_says(secret: str, shown: str):
    """A server may have opened the escapes that the secret itself has, or spelt it anew."""
    assert echoes(f"not {shown} again", [secret])


def test_an_escape_of_no_character_is_none():
    assert not echoes(r"\UFFFFFFFF \u{110000} \999", ["hunter2"])


@pytest.mark.parametrize("secret", SHORT)
def test_a_short_secret_is_found_as_a_whole(secret: str):
    for escape in ("as it is", "upper case", "percent", "HTML, every character", "unicode"):
        assert echoes(f"Say {ESCAPES[escape](secret)}.", ["of no matter", secret]), escape
    assert not echoes("Bud, go on.", [secret])


@pytest.mark.parametrize("cut", ["{}...", "{}…", "'{}'", "{}***", '"{}…"', "password={}", "({})"])
def test_the_beginning_of_a_secret_is_found_where_it_is_cut(cut: str):
    for secret in ("hunter2", "123456", "Correct-horse-1"):
        for kept in range(1, len(secret)):
            assert echoes(f"bad: {cut.replace('{}', secret[:kept])} said", [secret]), kept


def test_half_of_a_secret_is_found_anywhere_and_eight_characters_of_any():
    for secret in ("hunter2!", "Correct-horse-1", "eyJraWQiOiJ-xyz" * 30):
        size = min(8, len(secret) // 2)
        for start in range(len(secret) - size):
            assert echoes(f"no{secret[start : start + size]}on", [secret])


TEXTS = [
    "PreAuthentication failed with error Come back at nine.",
    "Missing required parameter USERNAME",
    "VerifyAuthChallengeResponse failed with error You tried too often; wait for 5 minutes.",
]


@pytest.mark.parametrize("text", TEXTS)
def test_what_has_nothing_to_do_with_a_secret_is_no_echo(text: str):
    assert not echoes(text, [])
    assert not echoes(text, ["hunter2", "482910", "blue42", "Zz9-Zz9", "k7Q" * 500, "ÿ", "§"])


def test_words_that_a_long_secret_shares_with_a_text_by_chance_are_no_echo():
    assert not echoes("Come back at nine.", ["x" * 40 + "back" + "y" * 40])
    assert not echoes("Incorrect, sorry.", ["Correct-horse-battery"])
    assert not echoes("Come back at nine.", ["!!a!!-!!", "***b***", "?:n"])


@given(st.text(min_size=1), st.text(), st.text())
def test_a_secret_in_a_text_is_always_found(secret: str, before: str, after: str):
    assert echoes(before + secret + after, [secret])


@given(st.text(alphabet="abcdef", min_size=1), st.text(alphabet="uvwxyz .'"))
def test_a_text_without_a_letter_of_the_secret_is_never_an_echo(secret: str, text: str):
    assume(text.strip())
    assert not echoes(text, [secret])
