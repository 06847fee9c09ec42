"""The client half: what it asks, and what it refuses to show."""

from typing import Any

import pytest
from authflow_question.client import LONGEST_QUESTION, QuestionPrompter
from authflow_question.questions import DEFAULT_QUESTIONS

from authflow.client import ScriptedPrompt
from authflow.errors import PluginFailedError
from authflow.plugins import CLIENT_CHALLENGES, Challenge, PluginRegistry, answer_by_form


class Watched(ScriptedPrompt):
    """Keeps what was asked, and whether the answer was hidden."""

    def __init__(self, *answers: str) -> None:
        super().__init__(answers)
        self.asked: list[tuple[str, bool]] = []

    async def ask(self, question: str, *, hidden: bool = False) -> str:
        self.asked.append((question, hidden))
        return await super().ask(question, hidden=hidden)


def challenged(question: str | None, **more: Any) -> Challenge:
    return Challenge(
        name="CUSTOM_CHALLENGE",
        kind="question",
        parameters={} if question is None else {"question": question},
        **{"attempt": 1, "attempts": 3, **more},
    )


async def test_it_asks_the_question_and_hides_what_is_typed() -> None:
    prompt = Watched(" O'Neill ")
    assert await answer_by_form(QuestionPrompter(), challenged("Who?"), prompt) == " O'Neill "
    assert prompt.asked == [("Who?", True)]
    assert prompt.told == []


@pytest.mark.parametrize(
    ("attempts", "says"),
    [(3, "That was not right, try again (attempt 2 of 3)."), (None, "try again (attempt 2).")],
)
async def test_a_retry_says_so_and_which_attempt_it_is(attempts: int | None, says: str) -> None:
    prompt = Watched("x")
    await answer_by_form(
        QuestionPrompter(), challenged("Who?", attempt=2, attempts=attempts), prompt
    )
    assert prompt.told[0].endswith(says)


@pytest.mark.parametrize(
    "question",
    [None, "", "x" * (LONGEST_QUESTION + 1), "Who?\n", "\x1b[2JWho?", "\u202e?ohW", "Who\0"],
)
async def test_what_is_no_question_is_refused(question: str | None) -> None:
    prompt = Watched("x")
    with pytest.raises(PluginFailedError, match="question: the"):
        await answer_by_form(QuestionPrompter(), challenged(question), prompt)
    assert prompt.asked == []


@pytest.mark.parametrize("question", DEFAULT_QUESTIONS.values())
async def test_every_question_of_the_catalogue_can_be_shown(question: str) -> None:
    assert await answer_by_form(QuestionPrompter(), challenged(question), Watched("x")) == "x"


def test_it_is_found_by_its_entry_point() -> None:
    assert PluginRegistry(CLIENT_CHALLENGES).find("question") is QuestionPrompter
