"""What is given as a map of texts to texts: wrapped unseen, and told by its member's name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authflow.errors import MisuseError
from authflow.given_maps import GivenMap, checked_map, wrapped_map
from authflow.secret import Secret

TEXTS = st.dictionaries(st.text(), st.text())


@given(TEXTS)
def test_a_map_of_texts_comes_out_as_it_was_given_and_shows_nothing(texts):
    wrapped = checked_map("it", wrapped_map(texts))
    assert wrapped.reveal() == texts
    assert wrapped.is_empty == (not texts)
    assert repr(wrapped) == repr(GivenMap(Secret("")))


def test_no_map_is_an_empty_one():
    assert wrapped_map(None).reveal() == {}
    assert wrapped_map(None).is_empty


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (
            {"captcha": Secret("t")},
            "the value of 'captcha' is a Secret: pass its text, by reveal()",
        ),
        (["x"], "not list"),
        ("x", "not str"),
        (5, "not int"),
        ({"n": object()}, "the value of 'n' is object"),
        ({"a": b"x"}, "the value of 'a' is bytes"),
        ({"ok": "x", "b": None}, "the value of 'b' is NoneType"),
        ({1: "x"}, "one of its names is int"),
        ({None: "x"}, "one of its names is NoneType"),
        ({"a": "\ud800"}, "the value of 'a' is none that UTF-8 can carry"),
        ({"a\ud800": "x"}, "its name 'a\\ud800' is none that UTF-8 can carry"),
        ({"\x1b[2J" + "n" * 200: 5}, "the value of '\\x1b[2Jnnn"),
    ],
)
def test_what_is_wrong_is_told_by_the_members_name(value, why):
    with pytest.raises(MisuseError) as refused:
        checked_map("client_metadata", wrapped_map(value))
    assert str(refused.value).startswith("client_metadata must be a map of texts to texts, ")
    assert why in str(refused.value)
    assert len(str(refused.value)) < 250
