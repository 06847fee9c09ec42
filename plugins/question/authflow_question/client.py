"""The client half: asks the question, and hides what is typed."""

from typing import ClassVar, Final

from authflow.plugins import (
    Challenge,
    Filled,
    Form,
    PluginFailedError,
    SecretField,
    ShownText,
    read_words,
)

LONGEST_QUESTION: Final = 1000
"""The most characters of a question, since a user pool's text is not trusted."""

_QUESTION: Final = "question"
_ANSWER: Final = "answer"


class QuestionPrompter:
    """Answers a question by asking a person."""

    name: ClassVar[str] = "question"
    interface: ClassVar[int] = 2
    conformance: ClassVar[str] = "authflow_question.conformance:QuestionClientSuite"

    def form(self, challenge: Challenge) -> Form:
        """Return the form with the question; the answer is hidden while it is typed.

        Raises:
            PluginFailedError: The challenge holds no question that can be shown.
        """
        question = challenge.parameters.get(_QUESTION)
        if not question:
            msg = f"question: the challenge lacks the parameter {_QUESTION!r}"
            raise PluginFailedError(msg)
        # Other characters could control a terminal, or turn the direction of its text.
        if len(question) > LONGEST_QUESTION or not question.isprintable():
            msg = f"question: the parameter {_QUESTION!r} is no line of text that can be shown"
            raise PluginFailedError(msg)
        told = (ShownText(text=_retry(challenge)),) if challenge.is_retry else ()
        answer = SecretField(name=_ANSWER, label=question, autocomplete="off")
        return Form(parts=(*told, answer))

    def read(self, _challenge: Challenge, filled: Filled) -> str:
        """Return the answer as it was typed: the trigger half normalises it.

        Raises:
            AskAgainError: There is no word in it.
        """
        read_words(filled, _ANSWER)
        return filled[_ANSWER]


def _retry(challenge: Challenge) -> str:
    of = "" if challenge.attempts is None else f" of {challenge.attempts}"
    return f"That was not right, try again (attempt {challenge.attempt}{of})."
