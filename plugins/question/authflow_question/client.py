"""The client half: asks the question, and hides what is typed."""

from typing import ClassVar, Final

from authflow.plugins import Challenge, PluginFailedError, Prompt

LONGEST_QUESTION: Final = 1000
"""In characters. What a user pool sends is not trusted, and longer is no question."""

_QUESTION: Final = "question"


class QuestionPrompter:
    """Answers a question by asking a person."""

    name: ClassVar[str] = "question"
    interface: ClassVar[int] = 1
    conformance: ClassVar[str] = "authflow_question.conformance:QuestionClientSuite"

    async def answer(self, challenge: Challenge, prompt: Prompt) -> str:
        """Ask the question; the answer is not seen while it is typed.

        Raises:
            PluginFailedError: The challenge holds no question that can be shown.
        """
        question = challenge.parameters.get(_QUESTION)
        if not question:
            msg = f"question: the challenge lacks the parameter {_QUESTION!r}"
            raise PluginFailedError(msg)
        # Other characters could steer a terminal, or turn the direction of its text.
        if len(question) > LONGEST_QUESTION or not question.isprintable():
            msg = f"question: the parameter {_QUESTION!r} is no line of text that can be shown"
            raise PluginFailedError(msg)
        if challenge.is_retry:
            await prompt.tell(_retry(challenge))
        return await prompt.ask(question, hidden=True)


def _retry(challenge: Challenge) -> str:
    of = "" if challenge.attempts is None else f" of {challenge.attempts}"
    return f"That was not right, try again (attempt {challenge.attempt}{of})."
