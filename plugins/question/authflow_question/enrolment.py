"""Enrolment of a signed-in user's answers, without those that anybody would try."""

from collections.abc import Iterable, Mapping
from typing import Final

from attrs import field, frozen

from authflow.errors import MisuseError
from authflow.keys import KeyProvider
from authflow.plugins import ConfigError, NextStep, Secret
from authflow_question.answers import EnrolledAnswer
from authflow_question.hashes import MEMORIES_KIB, PASSES, AnswerHashes, HashBinding
from authflow_question.normalisation import LONGEST_TYPED, normalised
from authflow_question.questions import DEFAULT_QUESTIONS, check_enrolled, checked_questions

SHORTEST: Final = 3
"""The fewest bytes of UTF-8: three Latin letters, or one character of a large script."""
LONGEST: Final = 100
"""The most characters of an answer."""


class EnrolmentRefusedError(MisuseError):
    """Answers that may not be enrolled; the text says why, without them, and is for the user.

    Args:
        message: What to do.
        question: The id of the question whose answer is refused; None if it is not a single one.
    """

    code = "enrolment_refused"
    next_step = NextStep.GIVE_UP

    def __init__(self, message: str, *, question: str | None = None) -> None:
        super().__init__(message)
        self.question = question


@frozen(kw_only=True)
class Enrolment:
    """Checks and hashes a user's answers. Its settings must be those of the policy's challenge.

    Let only users enrol who have signed in a moment ago, with all that the policy asks for: who
    enrols for another can sign in as that user more easily.

    Args:
        keys: The key ring.
        questions: The catalogue: the text of each question by its id.
        enrolled: How many questions a user answers.
        memory_kib: argon2's memory, in KiB.
        passes: argon2's passes over it.
        at_once: How many hashes are computed at the same time.

    Raises:
        ConfigError: A setting is out of its range.
    """

    keys: KeyProvider = field(repr=False)
    questions: Mapping[str, str] = field(
        default=DEFAULT_QUESTIONS, converter=checked_questions, hash=False
    )
    enrolled: int = 3
    memory_kib: int = MEMORIES_KIB[0]
    passes: int = PASSES[0]
    at_once: int = 4
    _hashes: AnswerHashes = field(init=False, repr=False, eq=False)

    @_hashes.default
    def _made(self) -> AnswerHashes:
        if not callable(getattr(self.keys, "key_ring", None)):
            msg = "question: keys is a KeyRing, or another provider of one"
            raise ConfigError(msg)
        check_enrolled(self.enrolled, self.questions)
        return AnswerHashes(memory_kib=self.memory_kib, passes=self.passes, at_once=self.at_once)

    async def enrol(
        self,
        user_pool_id: str,
        username: str,
        answers: Mapping[str, Secret[str] | str],
        *,
        known: Iterable[str] = (),
    ) -> tuple[EnrolledAnswer, ...]:
        """Check a user's answers and hash them. The caller stores them.

        Args:
            user_pool_id: The user pool.
            username: The user's canonical name, as triggers get it.
            answers: For each question's id, the answer.
            known: What else others know of the user, such as the values of the user's attributes:
                no answer may be one of these.

        Returns:
            The answers as they are kept, in the order in which they came.

        Raises:
            EnrolmentRefusedError: An answer may not be enrolled, or there are not enough.
            MisuseError: The answers are no map of texts.
            KeysUnavailableError: The keys cannot be read now.
        """
        typed = _texts(answers)
        accepted = self._accepted(typed, {normalised(text) for text in (username, *known)})
        return tuple(
            [
                await self._hashes.make(
                    HashBinding(user_pool_id=user_pool_id, username=username, question=question),
                    answer,
                    keys=self.keys,
                )
                for question, answer in accepted.items()
            ]
        )

    def _accepted(self, typed: Mapping[str, str], known: set[str]) -> dict[str, str]:
        """Return the answers in the form in which they are compared.

        Raises:
            EnrolmentRefusedError: One of them may not be enrolled, or there are not enough.
        """
        if len(typed) != self.enrolled:
            msg = f"answer {self.enrolled} questions, not {len(typed)}"
            raise EnrolmentRefusedError(msg)
        accepted: dict[str, str] = {}
        for question, text in typed.items():
            if question not in self.questions:
                msg = f"there is no question {question!r:.40} in the catalogue"
                raise EnrolmentRefusedError(msg)
            answer = normalised(text)
            flaw = self._flaw(question, text, answer, known)
            if answer in accepted.values():
                flaw = "give each question an answer of its own"
            if flaw is not None:
                raise EnrolmentRefusedError(flaw, question=question)
            accepted[question] = answer
        return accepted

    def _flaw(self, question: str, text: str, answer: str, known: set[str]) -> str | None:
        """Return what is wrong with an answer; None if nothing is."""
        if len(text) > LONGEST_TYPED or len(answer) > LONGEST:
            return f"the answer is too long: take at most {LONGEST} characters"
        if len(answer.encode("utf-8", "surrogatepass")) < SHORTEST:
            return f"the answer is too short: take at least {SHORTEST} letters or digits"
        if set(answer.split()) <= set(normalised(self.questions[question]).split()):
            return "the answer is a part of the question"
        if answer in known:
            return "the answer is something that others know of you, such as your name"
        return None


def _texts(answers: object) -> dict[str, str]:
    """Return the answers as texts.

    Raises:
        MisuseError: They are no map of texts.
    """
    typed: dict[str, str] = {}
    fit = isinstance(answers, Mapping)
    for question, answer in answers.items() if isinstance(answers, Mapping) else ():
        text = answer.reveal() if isinstance(answer, Secret) else answer
        fit = fit and isinstance(question, str) and isinstance(text, str)
        typed[question] = text
    if fit:
        return typed
    typed.clear()
    msg = "answers are a map: for the id of each question a text, or a Secret of one"
    raise MisuseError(msg)
