"""The catalogue of questions."""

from typing import Any

import pytest
from authflow_question.questions import (
    DEFAULT_QUESTIONS,
    LONGEST_QUESTION,
    MOST_QUESTIONS,
    check_enrolled,
    checked_questions,
)

from authflow.errors import ConfigError


def test_the_default_catalogue_can_be_used_and_not_be_changed() -> None:
    assert checked_questions(DEFAULT_QUESTIONS) == DEFAULT_QUESTIONS
    with pytest.raises(TypeError):
        DEFAULT_QUESTIONS["new"] = "?"  # type: ignore[index]


def test_a_catalogue_does_not_follow_what_it_was_made_of() -> None:
    given = {"a": "Which?"}
    kept = checked_questions(given)
    given["b"] = "What?"
    assert dict(kept) == {"a": "Which?"}


@pytest.mark.parametrize(
    ("questions", "says"),
    [
        ({}, "mapping of ids to texts"),
        ([("a", "Which?")], "mapping of ids to texts"),
        (None, "mapping of ids to texts"),
        ({str(n): str(n) for n in range(MOST_QUESTIONS + 1)}, "1 to 100"),
        ({"A": "Which?"}, "a question's id is"),
        ({"": "Which?"}, "a question's id is"),
        ({"a" * 33: "Which?"}, "a question's id is"),
        ({1: "Which?"}, "a question's id is"),
        ({"a": ""}, "printable line"),
        ({"a": " "}, "printable line"),
        ({"a": "Which\none?"}, "printable line"),
        ({"a": "\x1b[2JWhich?"}, "printable line"),
        ({"a": "x" * (LONGEST_QUESTION + 1)}, "printable line"),
        ({"a": None}, "printable line"),
        ({"a": "Which?", "b": "Which?"}, "same text"),
    ],
)
def test_a_catalogue_that_cannot_be_used_is_refused(questions: Any, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        checked_questions(questions)


@pytest.mark.parametrize("enrolled", [0, -1, 3, 11, True, 1.0, "1", None])
def test_a_number_of_questions_that_cannot_be_asked_is_refused(enrolled: Any) -> None:
    with pytest.raises(ConfigError, match="whole number of 1 to 2"):
        check_enrolled(enrolled, {"a": "Which?", "b": "What?"})
