import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from authflow.printable import MOST_CHARS, one_line, printable

_ANY = st.text(st.characters())  # surrogates and control characters among them


@given(_ANY)
def test_nothing_that_steers_a_terminal_comes_through(text: str) -> None:
    assert printable(text).isprintable()
    assert not any(unicodedata.category(char) in {"Cc", "Cf", "Cs"} for char in printable(text))


@given(st.text(st.characters(exclude_categories=["C", "Z"])))
def test_a_text_that_can_be_read_stays_as_it_is(text: str) -> None:
    assert printable(text) == text


def test_an_escaped_text_still_says_what_was_written() -> None:
    assert printable("Café\x1b[2J\u202eexe") == "Café\\x1b[2J\\u202eexe"


@given(_ANY)
def test_a_line_is_one_line_of_bounded_length(text: str) -> None:
    longest_escape = len("\\U0010ffff")
    assert one_line(text).isprintable()
    assert len(one_line(text)) <= MOST_CHARS * longest_escape


def test_a_line_keeps_its_words_apart() -> None:
    assert one_line("no such\r\n\ttable\x00") == "no such table\\x00"
    assert one_line("a" * 1000, most=3) == "aaa"
