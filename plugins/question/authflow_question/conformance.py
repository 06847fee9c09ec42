"""The conformance suites, run by `authflow plugins check question` and by the tests.

They need the extra `pool` of cognito-authflow. The halves name their suites as text, so that
neither imports this module.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from attrs import define, field

from authflow.keys import KeyRing
from authflow.testing import ClientChallengeSuite, Made, TriggerChallengeSuite
from authflow_question.answers import EnrolledAnswer
from authflow_question.client import QuestionPrompter
from authflow_question.enrolment import Enrolment
from authflow_question.trigger import Question

_ASKED: Final = ("first-film", "first-dish", "childhood-job")
_ENROLLED: Final = frozenset({"ada", "grace"})
"""The users of the suites."""


def _answer_of(username: str, question: str) -> str:
    return f"{username} loves {question}"


@define(eq=False, kw_only=True)
class _EnrolledAnswers:
    """A store in which the users are enrolled, in whatever pool the suite makes."""

    keys: KeyRing
    _kept: dict[tuple[str, str], tuple[EnrolledAnswer, ...]] = field(factory=dict, init=False)

    async def get(self, user_pool_id: str, username: str) -> tuple[EnrolledAnswer, ...]:
        if username not in _ENROLLED:
            return ()
        place = user_pool_id, username
        if place not in self._kept:
            answers = {question: _answer_of(username, question) for question in _ASKED}
            self._kept[place] = await Enrolment(keys=self.keys).enrol(*place, answers)
        return self._kept[place]


_SETTLED: Final = _EnrolledAnswers(keys=TriggerChallengeSuite.keys)
"""One store for all cases, since enrolment takes long."""


class QuestionSuite(TriggerChallengeSuite):
    """The trigger half."""

    challenge: ClassVar[type[Any]] = Question
    single_use: ClassVar[bool] = False
    costly: ClassVar[bool] = True
    compared_elsewhere: ClassVar[str | None] = "argon2, which compares in constant time"

    def make_settings(self) -> Mapping[str, Any]:
        """Return settings with a store in which the users are enrolled."""
        return {"answers": _SETTLED}

    def right_answer(self, made: Made) -> str:
        """Return the answer to the question that was asked."""
        return _answer_of(made.username, made.public["questionId"])


class QuestionClientSuite(ClientChallengeSuite):
    """The client half."""

    challenge: ClassVar[type[Any]] = QuestionPrompter
    trigger = QuestionSuite
