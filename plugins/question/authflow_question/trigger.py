"""The trigger half: asks one of the questions that the user answered at enrolment.

A user who does not exist, and one who has not enrolled, is asked as well, out of as many questions
of the catalogue as users enrol. Which ones these are depends on the name and a key, so that they
are the same in every sign-in; and an answer takes as long and is never right.
"""

import hmac
from collections.abc import Mapping
from typing import ClassVar, Final

from attrs import field, frozen

from authflow.errors import StateError
from authflow.plugins import (
    ConfigError,
    CreateContext,
    Issued,
    PluginFailedError,
    Secret,
    VerifyContext,
    checked_settings,
    stray_cancel_fails,
)
from authflow_question.answers import AnswerStore, AnswersUnavailableError, EnrolledAnswer
from authflow_question.hashes import AT_ONCE, MEMORIES_KIB, PASSES, AnswerHashes, HashBinding
from authflow_question.normalisation import spellings
from authflow_question.questions import (
    DEFAULT_QUESTIONS,
    ENROLLED,
    check_enrolled,
    checked_questions,
)

_QUESTION: Final = "question"
_QUESTION_ID: Final = "questionId"


@checked_settings
@frozen(kw_only=True)
class Question:
    """A question that the user answered at enrolment.

    Others can know, look up or guess such an answer. It is an extra step, and never all that a
    sign-in asks for: `suffices` is False, and `authflow check` refuses a policy that rests on it.

    Args:
        answers: Where the answers are.
        questions: The catalogue: the text of each question by its id.
        enrolled: How many questions a user answers at enrolment.
        memory_kib: argon2's memory for new hashes, in KiB.
        passes: argon2's passes over it.
        at_once: How many hashes are computed at the same time; the others wait.

    Raises:
        ConfigError: A setting is missing or out of its range.
    """

    name: ClassVar[str] = "question"
    metadata: ClassVar[str] = "QUESTION_CHALLENGE"
    interface: ClassVar[int] = 2
    needs: ClassVar[tuple[str, ...]] = ("limits", "keys")
    sends_to: ClassVar[tuple[str, ...]] = ()
    suffices: ClassVar[bool] = False
    conformance: ClassVar[str] = "authflow_question.conformance:QuestionSuite"

    answers: AnswerStore = field(
        repr=False, metadata={"doc": "where the answers are: an `AnswerStore`"}
    )
    questions: Mapping[str, str] = field(
        default=DEFAULT_QUESTIONS,
        converter=checked_questions,
        hash=False,
        metadata={"doc": "the catalogue: the text of each question by its id"},
    )
    enrolled: int = field(
        default=3,
        metadata={
            "doc": "how many questions a user answers at enrolment",
            "minimum": ENROLLED[0],
            "maximum": ENROLLED[-1],
        },
    )
    memory_kib: int = field(
        default=MEMORIES_KIB[0],
        metadata={
            "doc": "argon2's memory for new hashes, in KiB",
            "minimum": MEMORIES_KIB[0],
            "maximum": MEMORIES_KIB[-1],
        },
    )
    passes: int = field(
        default=PASSES[0],
        metadata={
            "doc": "argon2's passes over that memory",
            "minimum": PASSES[0],
            "maximum": PASSES[-1],
        },
    )
    at_once: int = field(
        default=4,
        metadata={
            "doc": "how many hashes are computed at the same time; the others wait",
            "minimum": AT_ONCE[0],
            "maximum": AT_ONCE[-1],
        },
    )
    _hashes: AnswerHashes = field(init=False, repr=False, eq=False)

    @_hashes.default
    def _made(self) -> AnswerHashes:
        if not callable(getattr(self.answers, "get", None)) or isinstance(self.answers, Mapping):
            msg = "question: answers is an AnswerStore, such as DynamoDbAnswerStore(table=...)"
            raise ConfigError(msg)
        check_enrolled(self.enrolled, self.questions)
        return AnswerHashes(memory_kib=self.memory_kib, passes=self.passes, at_once=self.at_once)

    async def create(self, context: CreateContext) -> Issued:
        """Ask one of the user's questions; after a wrong answer, the same one again."""
        asked = "" if context.state is None else context.state.reveal().decode()
        if asked not in self.questions:
            asked = context.randomness.choice(await self._askable(context))
        return Issued(
            public={_QUESTION: self.questions[asked], _QUESTION_ID: asked},
            private={_QUESTION_ID: asked},
            state=Secret(asked.encode()),
        )

    async def verify(self, context: VerifyContext) -> bool:
        """Compare the answer with the enrolled one.

        Raises:
            PluginFailedError: The private parameters are not those of this plugin.
            StateError: The answers or the keys cannot be read now.
        """
        asked = context.private.get(_QUESTION_ID)
        if asked is None:
            msg = f"question: the private challenge parameters lack {_QUESTION_ID!r}"
            raise PluginFailedError(msg)
        kept = await self._kept(context)
        found = next((answer for answer in kept if answer.question == asked), None)
        place = HashBinding(
            user_pool_id=context.user_pool_id, username=context.username, question=asked
        )
        # The store may still hold the answers of a user who was deleted.
        enrolled = None if context.user_not_found else found
        right = False
        for spelled in spellings(context.answer.reveal()):  # always all, for an equal time
            right |= await self._hashes.fits(enrolled, place, spelled, keys=context)
        return right

    async def _kept(self, context: CreateContext | VerifyContext) -> tuple[EnrolledAnswer, ...]:
        """Ask the store for a user's answers.

        Raises:
            AnswersUnavailableError: It raised.
        """
        try:
            with stray_cancel_fails():
                return await self.answers.get(context.user_pool_id, context.username)
        except StateError:
            raise
        except Exception as error:
            msg = f"question: the store of answers failed: {type(error).__name__}"
            raise AnswersUnavailableError(msg) from error

    async def _askable(self, context: CreateContext) -> list[str]:
        """Return the ids of the questions that a user may be asked, or of decoys."""
        decoys = await self._decoys(context)
        kept = await self._kept(context)
        own = sorted({answer.question for answer in kept} & self.questions.keys())
        return decoys if context.user_not_found or not own else own

    async def _decoys(self, context: CreateContext) -> list[str]:
        """Choose as many questions as users enrol, for a name: the same ones every time."""
        # The order is each question's own, so that decoys stay the same as the catalogue grows.
        key = (await context.stand_in("question")).octets(32)
        return sorted(self.questions, key=lambda text: hmac.digest(key, text.encode(), "sha256"))[
            : self.enrolled
        ]
