"""amazon-cognito-identity-js answers a policy: password, CAPTCHA, then a code or a question."""

import base64
from typing import Any

import pytest
from attrs import define
from authflow_captcha.trigger import Captcha
from authflow_otp.destinations import Medium
from authflow_otp.messages import CodeMessage
from authflow_otp.trigger import Otp
from authflow_question.answers import MemoryAnswerStore
from authflow_question.enrolment import Enrolment
from authflow_question.questions import DEFAULT_QUESTIONS
from authflow_question.trigger import Question

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

pytestmark = pytest.mark.system("node", "npm")

PASSWORD = "Correct-horse-1"
ADA = {"first-film": "Metropolis", "first-dish": "Omelette", "childhood-job": "Astronaut"}
BY_TEXT = {DEFAULT_QUESTIONS[question]: answer for question, answer in ADA.items()}


@define
class House:
    """A pool whose policy is the password, then a CAPTCHA, then a code or a question."""

    triggers: Triggers
    enrolment: Enrolment
    answers: MemoryAnswerStore
    drawn: list[str]
    sent: list[str]

    async def settle(self, pool: Any) -> None:
        """Make ada, with an address for codes and answers to questions."""
        await pool.add_user(attributes={"email": "ada@example.com", "email_verified": "true"})
        enrolled = await self.enrolment.enrol(pool.user_pool_id, "ada", ADA)
        await self.answers.put(pool.user_pool_id, "ada", enrolled)


@pytest.fixture
def house() -> House:
    keys, answers = KeyRing.generate(), MemoryAnswerStore()
    drawn: list[str] = []
    sent: list[str] = []

    class ReadCaptcha(Captcha):
        """What a person reads off the picture, since a test cannot."""

        async def create(self, context: CreateContext) -> Issued:
            issued = await super().create(context)
            drawn.append(issued.private["answer"])
            return issued

    class Outbox:
        """Takes the place of a mail server; plugins/otp tests real ones."""

        medium = Medium.EMAIL

        async def send(self, message: CodeMessage) -> None:
            sent.append(message.code.reveal())

    limits = Limits(store=MemoryStore(), keys=keys)
    otp = challenge("otp", sender=Outbox(), purpose="Shop")
    question = challenge("question", attempts=3, answers=answers)
    policy = sequence(password(), challenge("captcha", attempts=2), any_of(otp, question))
    return House(
        triggers=Triggers(
            policy=policy,
            challenges=[ReadCaptcha, Otp, Question],
            limits=limits,
        ),
        enrolment=Enrolment(keys=keys),
        answers=answers,
        drawn=drawn,
        sent=sent,
    )


async def shown_a_captcha(client: Any) -> dict[str, Any]:
    """Pass the password and give the CAPTCHA's public parameters."""
    sign_in = {"flow": "CUSTOM_AUTH", "username": "ada", "password": PASSWORD}
    asked = await client("authenticateUser", **sign_in)
    assert asked["event"] == "customChallenge", asked
    parameters: dict[str, Any] = asked["parameters"]
    return parameters


async def shown_a_choice(client: Any, house: House) -> None:
    """Pass the password and the CAPTCHA, and be asked how to go on."""
    await shown_a_captcha(client)
    asked = await client.answer(house.drawn[-1].lower())
    assert asked["parameters"] == {
        "challenge": "choice",
        "options": "otp question",
        "attempt": "1",
        "attempts": "1",
        "USERNAME": "ada",
    }


async def test_password_captcha_and_a_code_sign_in_step_by_step(
    live_pool, identity_js, house, signed_in
):
    async with live_pool(triggers=house.triggers) as pool:
        await house.settle(pool)
        async with identity_js(pool) as client:
            captcha = await shown_a_captcha(client)
            assert captcha["challenge"] == "captcha"
            head, _, picture = captcha["captchaUrl"].partition(",")
            assert head == "data:image/png;base64"
            assert base64.b64decode(picture).startswith(b"\x89PNG")
            again = await client.answer("wrong")
            assert again["parameters"]["attempt"] == "2"
            assert again["parameters"]["captchaUrl"] != captcha["captchaUrl"]
            assert (await client.answer(house.drawn[-1]))["parameters"]["challenge"] == "choice"
            asked = await client.answer("otp")
            assert asked["parameters"]["destination"] == "a***@e***"
            assert len(house.sent) == 1
            assert signed_in(await client.answer(house.sent[0]))


async def test_password_captcha_and_a_question_sign_in_step_by_step(
    live_pool, identity_js, house, signed_in
):
    async with live_pool(triggers=house.triggers) as pool:
        await house.settle(pool)
        async with identity_js(pool) as client:
            await shown_a_choice(client, house)
            asked = (await client.answer("question"))["parameters"]
            again = (await client.answer("no idea"))["parameters"]
            assert again["question"] == asked["question"]
            assert (asked["attempt"], again["attempt"]) == ("1", "2")
            assert signed_in(await client.answer(f" {BY_TEXT[asked['question']].upper()}. "))
            assert house.sent == []


@pytest.mark.parametrize(("asked", "attempts"), [("captcha", 2), ("otp", 3), ("question", 3)])
async def test_an_answer_that_is_wrong_too_often_gives_no_tokens(
    live_pool, identity_js, house, asked, attempts
):
    async with live_pool(triggers=house.triggers) as pool:
        await house.settle(pool)
        async with identity_js(pool) as client:
            if asked == "captcha":
                await shown_a_captcha(client)
            else:
                await shown_a_choice(client, house)
                assert (await client.answer(asked))["parameters"]["challenge"] == asked
            for _ in range(attempts - 1):
                assert (await client.answer("wrong"))["parameters"]["challenge"] == asked
            assert await client.answer("wrong") == {
                "event": "onFailure",
                "code": "NotAuthorizedException",
                "message": "Incorrect username or password.",
            }


async def test_a_wrong_password_is_shown_no_captcha(live_pool, identity_js, house):
    async with live_pool(triggers=house.triggers) as pool:
        await house.settle(pool)
        async with identity_js(pool) as client:
            sign_in = {"flow": "CUSTOM_AUTH", "username": "ada", "password": "Wrong-horse-1"}
            refused = await client("authenticateUser", **sign_in)
            assert refused["code"] == "NotAuthorizedException"
            assert house.drawn == []


async def test_what_is_no_option_gives_no_tokens(live_pool, identity_js, house):
    async with live_pool(triggers=house.triggers) as pool:
        await house.settle(pool)
        async with identity_js(pool) as client:
            await shown_a_choice(client, house)
            refused = await client.answer("neither")
            assert refused["event"] == "onFailure"
            assert house.sent == []
