"""The catalogue of questions that users choose from, so that a question does not identify a user.

If users wrote their own questions, the sight of one would say that its user exists.

Source: "Choosing and Using Security Questions Cheat Sheet" of OWASP, for what makes one tolerable:
answers that are memorable, stay the same, fit anybody, and can neither be looked up nor guessed.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from authflow.plugins import ConfigError

DEFAULT_QUESTIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "first-film": "Which film did you see first in a cinema?",
        "first-concert": "Whom did you hear at your first concert?",
        "first-dish": "Which dish did you learn to cook first?",
        "first-journey": "Where did you fly to on your first flight?",
        "childhood-book": "Which book did you like best as a child?",
        "childhood-toy": "What did you call the soft toy that you liked best?",
        "childhood-job": "What did you want to become when you were ten?",
        "unloved-teacher": "What was the surname of the teacher whom you feared most?",
        "first-boss": "What was the surname of your first boss?",
        "lost-thing": "Which lost thing do you still miss?",
    }
)

LONGEST_QUESTION: Final = 200
MOST_QUESTIONS: Final = 100
ENROLLED: Final = range(1, 11)
"""The numbers of questions that a user may have to answer at enrolment."""

_ID: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")


def checked_questions(questions: object) -> Mapping[str, str]:
    """Check a catalogue and make it immutable.

    Args:
        questions: The text of each question by its id.

    Raises:
        ConfigError: It is none, or a question's id or text cannot be used.
    """
    if not isinstance(questions, Mapping) or not 1 <= len(questions) <= MOST_QUESTIONS:
        msg = (
            f"question: questions is a mapping of ids to texts, with 1 to {MOST_QUESTIONS} of them"
        )
        raise ConfigError(msg)
    for question_id, text in questions.items():
        if not isinstance(question_id, str) or not _ID.fullmatch(question_id):
            msg = "question: a question's id is 1 to 32 of a-z, 0-9 and -"
            raise ConfigError(msg)
        if (
            not isinstance(text, str)
            or not text.strip()
            or len(text) > LONGEST_QUESTION
            or not text.isprintable()
        ):
            msg = (
                f"question: the text of {question_id!r} is one printable line of 1 to"
                f" {LONGEST_QUESTION} characters"
            )
            raise ConfigError(msg)
    if len(set(questions.values())) < len(questions):
        msg = "question: two ids have the same text; users could not tell them apart"
        raise ConfigError(msg)
    return MappingProxyType(dict(questions))


def check_enrolled(enrolled: object, questions: Mapping[str, str]) -> None:
    """Check the number of questions that a user has to answer at enrolment.

    Raises:
        ConfigError: It is no number of `ENROLLED`, or there are not so many questions.
    """
    if type(enrolled) is not int or enrolled not in ENROLLED or enrolled > len(questions):
        most = min(ENROLLED[-1], len(questions))
        msg = (
            f"question: enrolled must be a whole number of {ENROLLED[0]} to {most}, for there are"
            f" {len(questions)} questions"
        )
        raise ConfigError(msg)
