"""What counts as the same answer."""

import unicodedata

import pytest
from authflow_question.normalisation import LONGEST_TYPED, normalised, spellings
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Metropolis", "metropolis"),
        ("  The   Third\tMan\n", "the third man"),
        ("\uff2d\uff45\uff54\uff52\uff4f", "metro"),  # full-width letters
        ("\ufb01lm", "film"),  # a ligature
        ("Stra\u00dfe", "strasse"),
        ("\u212bngstr\u00f6m", "\u00e5ngstr\u00f6m"),  # the sign of the unit
        ("Zoe\u0308", "zo\u00eb"),  # a letter and its accent apart
        ("O'Neill", "oneill"),
        ("o\u2019neill", "oneill"),
        ("St. Mary's, Oxford!", "st marys oxford"),
        ("Jean-Luc", "jean luc"),
        ("Jean\u2013Luc", "jean luc"),
        ("jean_luc", "jean luc"),
        ("AC/DC", "ac dc"),
        ("R2\u00adD2", "r2d2"),  # a soft hyphen
        ("\u200bRex\u200d", "rex"),  # nobody sees these
        ("C++", "c++"),
        ("C#", "c"),
        ("7 \u20ac", "7 \u20ac"),
        ("\u0130stanbul", "istanbul"),
        ("Diyarbak\u0131r", "diyarbakir"),
        ("...", ""),
        ("", ""),
        (" \u00a0\u2003", ""),
        ("a\0\ud800", "a"),  # nor these
        ("\x1b[200~Rex\x1b[201~", "rex"),
    ],
)
def test_an_answer_is_written_in_one_way(typed: str, kept: str) -> None:
    assert normalised(typed) == kept


@pytest.mark.parametrize(("one", "other"), [("zoe", "zo\u00eb"), ("rex", "rexx"), ("ab", "a b")])
def test_other_words_stay_other_words(one: str, other: str) -> None:
    assert normalised(one) != normalised(other)


def test_what_is_too_long_is_nothing() -> None:
    assert normalised("a" * LONGEST_TYPED) == "a" * LONGEST_TYPED
    assert normalised("a" * (LONGEST_TYPED + 1)) == ""


# What stood here before `typed_words` was: answers that are enrolled were hashed in this form.
ENROLLED_BEFORE = {
    "\u0130stanbul": "i\u0307stanbul",
    "Diyarbak\u0131r": "diyarbak\u0131r",
    "\u2764\ufe0f you": "\u2764\ufe0f you",
    "a\u2800b": "a\u2800b",
    "a\0b": "a\0b",
    "1\ufe0f\u20e3": "1\ufe0f\u20e3",
    "\u1fbc\u0342": "\u03b1\u1fd6",
}


@pytest.mark.parametrize("typed", ENROLLED_BEFORE, ids=ascii)
def test_an_answer_that_was_enrolled_by_the_first_rules_still_fits(typed: str) -> None:
    kept = ENROLLED_BEFORE[typed]
    assert spellings(typed) == (normalised(typed), kept)
    assert normalised(typed) != kept


PLAIN = st.characters(
    max_codepoint=0x24F, exclude_categories=["Cc"], exclude_characters="\u0130\u0131"
)


@given(st.text(PLAIN))
def test_plain_text_has_one_spelling_the_one_that_it_always_had(typed: str) -> None:
    assert len(spellings(typed)) == 1


@given(st.text())
def test_no_text_has_more_than_two_spellings(typed: str) -> None:
    assert 1 <= len(spellings(typed)) <= 2
    assert spellings(typed)[0] == normalised(typed)


@given(st.text())
def test_the_form_in_which_it_was_typed_does_not_matter(text: str) -> None:
    for form in ("NFC", "NFD"):
        assert normalised(unicodedata.normalize(form, text)) == normalised(text)


@given(st.text(alphabet=st.one_of(st.characters(), st.characters(categories=["Cs", "Cf", "Zs"]))))
def test_whatever_was_typed_becomes_words_with_one_space_between_them(text: str) -> None:
    kept = normalised(text)
    assert kept == " ".join(kept.split())
