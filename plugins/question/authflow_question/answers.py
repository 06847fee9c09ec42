"""Stores of users' answers, as hashes: the protocol, and a store in memory.

The store for production is in `authflow_question.dynamodb_answers`.
"""

from collections.abc import Iterable
from typing import Any, Protocol

from attrs import define, field, frozen

from authflow.errors import StateError
from authflow.plugins import NextStep


class AnswersUnavailableError(StateError):
    """The store of answers cannot be reached now, so no answer counts as right."""

    code = "answers_unavailable"
    next_step = NextStep.WAIT


class AnswersDamagedError(StateError):
    """Stored answers that were not made by `Enrolment`: the user must enrol again."""

    code = "answers_damaged"
    next_step = NextStep.GIVE_UP


@frozen(kw_only=True)
class EnrolledAnswer:
    """A user's answer to one question, as it is stored. `Enrolment` makes it.

    Args:
        question: The question's id in the catalogue.
        key_id: The key of the key ring that went into the hash.
        hash: The argon2id hash, in its own notation.
    """

    question: str
    key_id: str
    hash: str = field(repr=False)


class AnswerStore(Protocol):
    """A store of users' answers.

    A store that cannot be asked raises: any exception is taken for "nobody knows", and no answer
    is right then.
    """

    async def get(self, user_pool_id: str, username: str) -> tuple[EnrolledAnswer, ...]:
        """Return a user's answers; none for a user who has not enrolled, or does not exist.

        Args:
            user_pool_id: The user pool.
            username: The user's canonical name, as triggers get it.
        """


@define(kw_only=True, eq=False)
class MemoryAnswerStore:
    """Stores answers in this process, until it ends: for development and tests."""

    _answers: dict[tuple[str, str], tuple[EnrolledAnswer, ...]] = field(
        factory=dict, init=False, repr=False
    )

    async def get(self, user_pool_id: str, username: str) -> tuple[EnrolledAnswer, ...]:
        """Return a user's answers."""
        return self._answers.get((user_pool_id, username), ())

    async def put(
        self, user_pool_id: str, username: str, answers: Iterable[EnrolledAnswer]
    ) -> None:
        """Store a user's answers in place of the old ones."""
        self._answers[user_pool_id, username] = tuple(answers)

    async def delete(self, user_pool_id: str, username: str) -> None:
        """Delete a user's answers, if there are any."""
        self._answers.pop((user_pool_id, username), None)


def enrolled_answer(question: Any, key_id: Any, text: Any) -> EnrolledAnswer:
    """Make an answer from a store's values.

    Raises:
        AnswersDamagedError: A part of it is missing, or is no text.
    """
    if not all(isinstance(part, str) and part for part in (question, key_id, text)):
        msg = "question: the store holds what no enrolment made; have the user enrol anew"
        raise AnswersDamagedError(msg)
    return EnrolledAnswer(question=question, key_id=key_id, hash=text)
