"""Both halves over HTTP: a real pool, our client, and the SDK where ours would be too polite."""

import asyncio
from contextlib import nullcontext
from typing import Any

import pytest
from authflow_question.answers import AnswersUnavailableError, MemoryAnswerStore
from authflow_question.client import QuestionPrompter
from authflow_question.enrolment import Enrolment
from authflow_question.questions import DEFAULT_QUESTIONS
from authflow_question.trigger import Question

from authflow import AuthClient, AuthFlow, SignedIn
from authflow.client import ScriptedPrompt
from authflow.errors import BadCredentialsError, ConfigError
from authflow.triggers import (
    KeyRing,
    Limits,
    MemoryStore,
    Triggers,
    challenge,
    password,
    sequence,
)

PASSWORD = "Correct-horse-1"
ADA = {"first-film": "Metropolis", "first-dish": "Omelette", "childhood-job": "Astronaut"}
BY_TEXT = {DEFAULT_QUESTIONS[question]: answer for question, answer in ADA.items()}


class Knowing(ScriptedPrompt):
    """Knows ada's answers, and gives wrong ones first if it is told to."""

    def __init__(self, *, wrong: int = 0) -> None:
        super().__init__([])
        self.wrong = wrong
        self.asked: list[str] = []

    async def ask(self, question: str, *, hidden: bool = False) -> str:
        self.asked.append(question)
        return "no idea" if len(self.asked) <= self.wrong else BY_TEXT[question]


@pytest.fixture
def answers() -> MemoryAnswerStore:
    return MemoryAnswerStore()


@pytest.fixture
def triggers(word: type, answers: MemoryAnswerStore, keys: KeyRing) -> Any:
    """Ask for a question, after the password or before another challenge."""

    def triggers(*, after_password: bool) -> Triggers:
        question = challenge("question", attempts=3, answers=answers)
        return Triggers(
            policy=(
                sequence(password(), question)
                if after_password
                else sequence(question, challenge("word"))
            ),
            challenges=[Question, word],
            limits=Limits(store=MemoryStore(), keys=keys),
        )

    return triggers


@pytest.fixture
def enrol(answers: MemoryAnswerStore, keys: KeyRing) -> Any:
    async def enrol(pool: Any) -> None:
        pool_id = pool.config.user_pool_id
        await answers.put(pool_id, "ada", await Enrolment(keys=keys).enrol(pool_id, "ada", ADA))

    return enrol


@pytest.mark.parametrize("wrong", [0, 1, 2])
async def test_a_user_signs_in_and_is_asked_the_same_again_after_a_wrong_answer(
    live_pool: Any, triggers: Any, enrol: Any, wrong: int
) -> None:
    async with live_pool(triggers(after_password=True)) as pool:
        await enrol(pool)
        prompt = Knowing(wrong=wrong)
        async with AuthClient(pool.config, challenges=[QuestionPrompter], discover=False) as auth:
            result = await auth.sign_in("ada", PASSWORD, flow=AuthFlow.CUSTOM_AUTH, prompt=prompt)
    assert isinstance(result, SignedIn)
    assert len(prompt.asked) == wrong + 1
    assert len(set(prompt.asked)) == 1


async def test_three_wrong_answers_end_the_sign_in(
    live_pool: Any, triggers: Any, enrol: Any
) -> None:
    async with live_pool(triggers(after_password=True)) as pool:
        await enrol(pool)
        async with AuthClient(pool.config, challenges=[QuestionPrompter], discover=False) as auth:
            with pytest.raises(BadCredentialsError):
                await auth.sign_in(
                    "ada", PASSWORD, flow=AuthFlow.CUSTOM_AUTH, prompt=Knowing(wrong=3)
                )


async def test_a_user_who_has_not_enrolled_cannot_answer(live_pool: Any, triggers: Any) -> None:
    async with live_pool(triggers(after_password=True)) as pool:
        prompt = ScriptedPrompt(["Metropolis", "Omelette", "Astronaut"])
        async with AuthClient(pool.config, challenges=[QuestionPrompter], discover=False) as auth:
            with pytest.raises(BadCredentialsError):
                await auth.sign_in("ada", PASSWORD, flow=AuthFlow.CUSTOM_AUTH, prompt=prompt)


@pytest.mark.parametrize(
    "failure",
    [
        *(AnswersUnavailableError("question: table 7 cannot be asked"), OSError("table 7")),
        *(KeyError(), asyncio.CancelledError("table 7")),
    ],
)
async def test_while_the_answers_cannot_be_read_nobody_signs_in(
    live_pool: Any, triggers: Any, enrol: Any, monkeypatch: Any, failure: Exception
) -> None:
    async def fails(_store: MemoryAnswerStore, _pool_id: str, _username: str) -> Any:
        raise failure

    async with live_pool(triggers(after_password=False)) as pool:
        await enrol(pool)
        asked = await pool.begin("ada")
        monkeypatch.setattr(MemoryAnswerStore, "get", fails)
        for asking in (
            pool.answer("ada", asked, BY_TEXT[asked["ChallengeParameters"]["question"]]),
            pool.begin("ada"),
        ):
            with pytest.raises(ConfigError, match="the challenge 'question' failed") as refused:
                await asking
            assert "table 7" not in str(refused.value)


async def test_who_exists_cannot_be_told_from_what_is_asked_and_answered(
    live_pool: Any, triggers: Any, enrol: Any
) -> None:
    shapes = []
    async with live_pool(triggers(after_password=False), users=("ada", "grace")) as pool:
        await enrol(pool)
        for username in ("ada", "grace", "nobody"):
            asked = await pool.begin(username)
            questions, shape = set(), []
            for _ in range(2):
                told = asked["ChallengeParameters"]
                questions.add(told["question"])
                shape.append((asked["ChallengeName"], told.keys(), told["attempt"]))
                asked = await pool.answer(username, asked, "no idea")
            with pytest.raises(ConfigError) as refused:
                await pool.answer(username, asked, "no idea")
            assert len(questions) == 1
            assert questions <= set(DEFAULT_QUESTIONS.values())
            shapes.append((shape, str(refused.value)))
    assert shapes[0] == shapes[1] == shapes[2]


async def test_guesses_are_counted_over_sign_ins(live_pool: Any, triggers: Any, enrol: Any) -> None:
    async with live_pool(triggers(after_password=False)) as pool:
        await enrol(pool)
        for wrong in (3, 2):
            asked = await pool.begin("ada")
            for _ in range(wrong - 1):
                asked = await pool.answer("ada", asked, "no idea")
            with pytest.raises(ConfigError) if wrong == 3 else nullcontext():
                asked = await pool.answer("ada", asked, "no idea")
        right = BY_TEXT[asked["ChallengeParameters"]["question"]]
        with pytest.raises(ConfigError, match="Incorrect username or password"):
            await pool.answer("ada", asked, right)
