"""What people type and paste, written in one way."""

import unicodedata
from functools import cache
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from authflow.plugins import MOST_TYPED, Secret, typed_code, typed_words
from authflow.plugins.typed_text import is_unseen


@cache
def invisible() -> list[str]:
    """Return all of Unicode's control and format characters, halves of pairs, what is ignorable."""
    return [
        chr(point)
        for point in range(0x110000)
        if (unicodedata.category(chr(point)) in {"Cc", "Cf", "Cs"} and not chr(point).isspace())
        or point in {0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFFA0, 0xFFFC}
        or 0x180B <= point <= 0x180F
        or 0x2060 <= point <= 0x206F
        or 0xFE00 <= point <= 0xFE0F
        or 0xFFF0 <= point <= 0xFFF8
        or 0xE0000 <= point <= 0xE0FFF  # tags, and the other variation selectors
    ]


UNSEEN = [
    *"\0\x07\x08\x0e\x1b\x7f\x80\x9f\ud800\udfff\ufffc",
    *"\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200c\u200d\u200e\u200f\u202a\u202c\u202e",
    *"\u2060\u2061\u2064\u2066\u2069\u206f\u3164\ufe00\ufe0e\ufe0f\ufeff\uffa0\ufff9\U000e0001",
    *"\U000e0061\U000e0100\U0001d173",
]
SPACES = [
    *" \t\n\r\x0b\x0c\x85\u00a0\u1680\u2000\u2003\u2007\u2009\u2028\u2029\u202f\u205f\u3000\u2800"
]
DASHES = [*"-\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d"]
ZEROS = [
    chr(point) for point in range(0x80, 0x110000) if unicodedata.decimal(chr(point), None) == 0
]
CODES = st.text(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=40
)


@st.composite
def pasted(draw: st.DrawFn, code: str) -> str:
    """Give a code as mail programs, keyboards and people write it."""
    between = st.lists(st.sampled_from([*UNSEEN, *SPACES, *DASHES]), max_size=3).map("".join)
    signs = [draw(between)]
    for sign in code:
        ways = [sign]
        if sign.isdigit():
            ways += [chr(ord(draw(st.sampled_from(ZEROS))) + int(sign))]
        ways += [chr(ord(sign) + 0xFEE0)]
        ways += {"I": ["\u0130", "I\u0307"], "i": ["\u0131", "i\u0307"]}.get(sign, [])
        signs += [draw(st.sampled_from(ways)), draw(between)]
    return "".join(signs)


@given(st.data())
def test_a_code_is_itself_however_it_is_pasted(data: st.DataObject):
    code = data.draw(CODES)
    assert typed_code(data.draw(pasted(code))) == code
    assert typed_code(Secret(code)) == code


@given(CODES, CODES)
def test_no_two_codes_become_one(one: str, other: str):
    assume(one != other)
    assert typed_code(one) != typed_code(other)


@given(st.text(), st.text(max_size=20))
def test_both_are_idempotent_and_neither_grows_without_bound(text: str, more: str):
    for write in (typed_code, typed_words):
        written = write(text + more)
        assert write(written) == written
        assert len(written) <= MOST_TYPED
    assert len(typed_code(text)) <= len(text)


STRANGE = st.sampled_from(
    "iI\u0130\u0131\u0307\u0323\u0301jJ\u200b\ufe0f-_ /.\ufdfa\u1e9e\ufb03\u0345\u03b1\ud800\0"
)


@given(st.text(STRANGE, max_size=30))
def test_strange_signs_side_by_side_are_written_once_and_for_all(text: str):
    for write in (typed_code, typed_words):
        assert write(write(text)) == write(text)


@pytest.mark.parametrize("sign", UNSEEN, ids=ascii)
def test_nobody_is_refused_for_what_nobody_sees(sign: str):
    assert is_unseen(sign)
    for text in (f"{sign}12{sign}34{sign}", f"1{sign * 9}234"):
        assert typed_code(text) == "1234"
    assert typed_words(f"{sign}The{sign} Thi{sign}rd Man{sign}") == "the third man"


def test_none_of_unicodes_invisible_characters_is_seen_anywhere():
    assert len(invisible()) > 6000
    for sign in invisible():
        assert is_unseen(sign), ascii(sign)
        assert typed_code(f"{sign}12{sign}34{sign}") == "1234", ascii(sign)
        assert typed_words(f"{sign}Thi{sign}rd Man{sign}") == "third man", ascii(sign)


@given(st.data(), st.deferred(lambda: st.text(st.sampled_from(invisible()), max_size=9)))
def test_invisible_characters_side_by_side_change_nothing(data: st.DataObject, unseen: str):
    code = data.draw(CODES)
    at = data.draw(st.integers(0, len(code)))
    assert typed_code(code[:at] + unseen + code[at:]) == code
    assert typed_words(f"The {unseen}third{unseen} Man") == "the third man"


def test_no_white_space_is_taken_for_unseen():
    spaces = [chr(point) for point in range(0x110000) if chr(point).isspace()]
    assert not any(map(is_unseen, spaces))
    for space in spaces:
        assert typed_words(f"third{space}man") == "third man"
        assert typed_code(f"12{space}34") == "1234"


@pytest.mark.parametrize("intro", ["\x1b[", "\x9b"], ids=ascii)
def test_a_terminals_marks_of_a_paste_are_no_part_of_it(intro: str):
    start, end = f"{intro}200~", f"{intro}201~"
    for text in (f"{start}123 456{end}", f"{start}123456", f"123456{end}", f"123{start}{end}456"):
        assert typed_code(text) == "123456"
    assert typed_words(f"{start}The Third Man{end}") == "the third man"


@pytest.mark.parametrize("zero", ["0", "\u0660", "\uff10"])
def test_a_key_drawn_around_a_digit_leaves_the_digit(zero: str):
    for value in range(10):
        digit = chr(ord(zero) + value)
        for text in (f"{digit}\ufe0f\u20e3", f"{digit}\u20e3"):
            assert typed_code(text) == str(value)
            assert typed_words(text) == typed_words(digit)


def test_every_letter_is_one_in_whatever_case():
    for sign in map(chr, range(0x110000)):
        if sign.lower() == sign.upper() == sign.title():
            continue
        written = typed_words(sign)
        for other in (sign.lower(), sign.upper(), sign.title(), unicodedata.normalize("NFD", sign)):
            assert typed_words(other) == written, (ascii(sign), ascii(other))


@pytest.mark.parametrize("space", SPACES, ids=ascii)
def test_every_space_parts_words_and_no_code(space: str):
    assert typed_code(f"{space}123{space}456{space}") == "123456"
    assert typed_words(f"{space}Third{space}{space}Man{space}") == "third man"


@pytest.mark.parametrize("dash", DASHES, ids=ascii)
def test_every_dash_groups_a_code(dash: str):
    assert typed_code(f"123{dash}456") == "123456"


@pytest.mark.parametrize("zero", ZEROS, ids=ascii)
def test_a_digit_of_every_script_is_its_value(zero: str):
    assert typed_code("".join(chr(ord(zero) + value) for value in range(10))) == "0123456789"


@pytest.mark.parametrize(
    "wrong",
    [
        *(
            "12345x6",
            "1.5",
            "+123456",
            "12,34",
            "\u00b2",
            "\u2460",
            "\x1b[D1",
            "\u217b12",
            "200~1",
            "1\u20dd",
        ),
        *("\u017f", "\u212a", "\u0430\u0441\u0435", "\U0001d400", "\ud800", "12_34", "12/34"),
    ],
    ids=ascii,
)
def test_what_is_no_code_does_not_become_one(wrong: str):
    code = typed_code(wrong)
    assert not (code.isascii() and code.isalnum()) or code == wrong


@pytest.mark.parametrize("write", [typed_code, typed_words])
def test_what_is_too_long_is_nothing(write: Any):
    assert write("1" * MOST_TYPED) == "1" * MOST_TYPED
    assert write("1" * (MOST_TYPED + 1)) == ""
    assert write("\u200b" * (MOST_TYPED + 1)) == ""
    assert typed_words("\ufdfa" * MOST_TYPED) == ""  # each is eighteen letters long


@pytest.mark.parametrize(
    "place",
    ["\u0130stanbul", "istanbul", "ISTANBUL", "\u0131stanbul", "i\u0307stanbul", "I\u0307STANBUL"],
    ids=ascii,
)
def test_an_i_is_an_i_on_every_keyboard(place: str):
    assert typed_words(place) == "istanbul"


@pytest.mark.parametrize("word", ["Diyarbak\u0131r", "DIYARBAKIR", "D\u0130YARBAKIR", "diyarbakir"])
def test_a_word_of_both_is_should_be_one_word(word: str):
    assert typed_words(word) == "diyarbakir"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("zoe", "zo\u00eb"),
        ("rex", "rexx"),
        ("ab", "a b"),
        ("c", "c+"),
        ("7", "7\u20ac"),
        ("i", "\u00ed"),
    ],
)
def test_other_words_stay_other_words(one: str, other: str):
    assert typed_words(one) != typed_words(other)


def test_what_notes_its_comparisons_goes_on_to_note_them():
    from authflow.testing.comparisons import Comparisons

    seen = Comparisons(secret="123456")
    assert typed_code(seen.probe("123 456")) == "123456"
    assert seen.plain == 1
