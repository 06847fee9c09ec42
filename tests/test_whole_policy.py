"""Password, CAPTCHA, then a one-time code or a question: the challenges that ship, all together."""

import re
from typing import Any, ClassVar

import pytest
from attrs import define, field
from authflow_captcha.client import CaptchaPrompter
from authflow_captcha.trigger import Captcha
from authflow_otp.client import OtpPrompter
from authflow_otp.destinations import Medium
from authflow_otp.messages import CodeMessage
from authflow_otp.trigger import Otp
from authflow_question.answers import MemoryAnswerStore
from authflow_question.client import QuestionPrompter
from authflow_question.enrolment import Enrolment
from authflow_question.questions import DEFAULT_QUESTIONS
from authflow_question.trigger import Question

from authflow import AuthClient, AuthFlow, SignedIn
from authflow.client import ScriptedPrompt
from authflow.errors import BadCredentialsError
from authflow.triggers import (
    CreateContext,
    Issued,
    KeyRing,
    Limits,
    MemoryStore,
    Triggers,
    any_of,
    challenge,
    password,
    sequence,
)
from authflow.triggers.check.proof import prove

PASSWORD = "Correct-horse-1"
ANSWERS = {"first-film": "Metropolis", "first-dish": "Omelette", "childhood-job": "Astronaut"}
BY_TEXT = {DEFAULT_QUESTIONS[question]: answer for question, answer in ANSWERS.items()}


@define
class Outbox:
    """Takes the place of a mail server; plugins/otp tests real ones."""

    medium: ClassVar[Medium] = Medium.EMAIL
    sent: list[CodeMessage] = field(factory=list)

    async def send(self, message: CodeMessage) -> None:
        self.sent.append(message)


class Person(ScriptedPrompt):
    """Answers what is asked, as somebody who reads pictures and mail and remembers films."""

    def __init__(self, house: "House", factor: str) -> None:
        super().__init__([])
        self.house, self.factor = house, factor

    async def choose(self, question: str, options: Any) -> str:
        return self.factor

    async def ask(self, question: str, *, hidden: bool = False) -> str:
        if "picture" in question:
            return self.house.drawn[-1]
        if self.factor == "otp":
            return self.house.outbox.sent[-1].code.reveal()
        asked = " ".join([*self.told, question])
        return next(answer for text, answer in BY_TEXT.items() if text in asked)


@define
class House:
    """The owner's side."""

    drawn: list[str] = field(factory=list)
    outbox: Outbox = field(factory=Outbox)
    keys: KeyRing = field(factory=KeyRing.generate)
    answers: MemoryAnswerStore = field(factory=MemoryAnswerStore)

    def triggers(self) -> Triggers:
        drawn = self.drawn

        class Read(Captcha):
            """What a person reads off the picture."""

            async def create(self, context: CreateContext) -> Issued:
                issued = await super().create(context)
                drawn.append(issued.private["answer"])
                return issued

        limits = Limits(store=MemoryStore(), keys=self.keys)
        return Triggers(
            policy=sequence(
                password(),
                challenge("captcha", attempts=2),
                any_of(
                    challenge("otp", sender=self.outbox, purpose="Shop"),
                    challenge("question", answers=self.answers),
                ),
            ),
            challenges=[Read, Otp, Question],
            limits=limits,
        )

    async def settle(self, pool: Any) -> None:
        await pool.add_user(attributes={"email": "ada@example.com", "email_verified": "true"})
        enrolled = await Enrolment(keys=self.keys).enrol(pool.user_pool_id, "ada", ANSWERS)
        await self.answers.put(pool.user_pool_id, "ada", enrolled)


HALVES = [CaptchaPrompter, OtpPrompter, QuestionPrompter]


@pytest.mark.parametrize("factor", ["otp", "question"])
async def test_a_person_signs_in_by_password_captcha_and_the_factor_of_choice(live_pool, factor):
    house = House()
    async with live_pool(triggers=house.triggers()) as pool:
        await house.settle(pool)
        config = await pool.app_client(flow=AuthFlow.CUSTOM_AUTH)
        async with AuthClient(config, challenges=HALVES) as auth:
            signed_in = await auth.sign_in("ada", PASSWORD, prompt=Person(house, factor))
    assert isinstance(signed_in, SignedIn)
    assert len(house.outbox.sent) == (factor == "otp")
    assert len(house.drawn) == 1


async def test_a_client_that_knows_one_factor_is_not_asked_to_choose(live_pool):
    house = House()
    async with live_pool(triggers=house.triggers()) as pool:
        await house.settle(pool)
        config = await pool.app_client(flow=AuthFlow.CUSTOM_AUTH)
        halves = [CaptchaPrompter, QuestionPrompter]
        async with AuthClient(config, challenges=halves, discover=False) as auth:
            person = Person(house, "question")
            assert isinstance(await auth.sign_in("ada", PASSWORD, prompt=person), SignedIn)
    assert house.outbox.sent == []


async def test_a_wrong_password_is_asked_nothing_more(live_pool):
    house = House()
    async with live_pool(triggers=house.triggers()) as pool:
        await house.settle(pool)
        config = await pool.app_client(flow=AuthFlow.CUSTOM_AUTH)
        async with AuthClient(config, challenges=HALVES) as auth:
            with pytest.raises(BadCredentialsError):
                await auth.sign_in("ada", "wrong", prompt=Person(house, "otp"))
    assert (house.drawn, house.outbox.sent) == ([], [])


async def test_the_policy_is_proved_and_without_the_password_it_is_not():
    house = House()
    triggers = house.triggers()
    assert (await prove(triggers)).holds
    captcha, either = triggers.policy.step.steps[1:]
    weak = Triggers(
        policy=sequence(captcha, either), challenges=triggers.challenges, limits=triggers.limits
    )
    broken = [each for each in (await prove(weak)).findings if not each.holds]
    assert [each.name for each in broken] == ["extra challenges never suffice alone"]
    assert re.search("captcha.*question", broken[0].explanation)
