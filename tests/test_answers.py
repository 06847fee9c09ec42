from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authflow.answers import Choice, Code, NewPassword, read_answer
from authflow.errors import AnswerNotSupportedError, MisuseError
from authflow.secret import Secret

SENDABLE = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=30)
NO_TEXTS = [None, 7, b"x", ["x"], {"x": "y"}, Secret(7), Secret(b"x"), "\ud800", Secret("a\udfff")]


@given(SENDABLE)
def test_a_text_is_an_answer_and_becomes_a_secret(text: str):
    assert read_answer(text) == read_answer(Secret(text)) == Secret(text)


@pytest.mark.parametrize("answer", [Code("1"), Choice("SMS_MFA"), NewPassword("x")])
def test_a_typed_answer_stays_what_it_is(answer: Any):
    assert read_answer(answer) is answer


@pytest.mark.parametrize("value", NO_TEXTS, ids=range(len(NO_TEXTS)))
@pytest.mark.parametrize("make", [Code, Choice, NewPassword])
def test_what_no_request_can_carry_is_misuse_where_it_is_made(make: Any, value: Any):
    with pytest.raises(MisuseError):
        make(value)


@pytest.mark.parametrize("value", NO_TEXTS, ids=range(len(NO_TEXTS)))
def test_what_is_no_answer_is_misuse(value: Any):
    with pytest.raises(MisuseError):
        read_answer(value)


@pytest.mark.parametrize("value", [None, 7, ["x"], {"x": "y"}])
def test_an_object_that_is_no_answer_is_told_what_answers_there_are(value: Any):
    with pytest.raises(AnswerNotSupportedError, match="Code, Choice, EmailAddress or NewPassword"):
        read_answer(value)


@pytest.mark.parametrize(
    "attributes", [None, 7, [("a", "b")], {"a": 1}, {1: "a"}, {"a": "\ud800"}, {"\ud800": "a"}]
)
def test_attributes_are_texts(attributes: Any):
    with pytest.raises(MisuseError):
        NewPassword("x", attributes=attributes)


def test_answers_do_not_show_what_is_secret():
    shown = repr([Code("123456"), NewPassword("hunter2!", attributes={"email": "a@example.org"})])
    assert not any(secret in shown for secret in ("123456", "hunter2!", "a@example.org"))


def test_attributes_cannot_be_changed_afterwards():
    given_ = {"given_name": "Ada"}
    answer = NewPassword("x", attributes=given_)
    given_["given_name"] = "Eve"
    assert answer.attributes == {"given_name": "Ada"}
