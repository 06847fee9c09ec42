"""Sign-ins by CAPTCHA, over Cognito's protocol against the embedded user pool."""

import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, ClassVar

import pytest
from aiohttp import web
from attrs import define, field
from authflow_captcha.trigger import Captcha

from authflow import AuthClient, AuthFlow, ChallengeRequired, SignedIn
from authflow.errors import BadCredentialsError, TriggerFailedError
from authflow.plugins import Declined, Secret, WidgetField
from authflow.prompts import ScriptedPrompt
from authflow.triggers import (
    CreateContext,
    Issued,
    KeyRing,
    Limits,
    MemoryStore,
    Triggers,
    challenge,
    password,
    sequence,
)

PASSWORD = "Correct-horse-1"

RunPool = Callable[[Any], AbstractAsyncContextManager[Any]]


class Reader(ScriptedPrompt):
    """A person who can read and hear what the pool made: the last code that was drawn."""

    codes: ClassVar[list[dict[str, str]]] = []

    async def ask(self, question: str, *, hidden: bool = False) -> str:
        answer = await super().ask(question, hidden=hidden)
        return self.codes[-1].get(answer, answer)


class Known(Captcha):
    """The CAPTCHA, with a copy of its codes for the reader."""

    async def create(self, context: CreateContext) -> Issued:
        issued = await super().create(context)
        Reader.codes.append(dict(issued.private))
        return issued


def triggers(name: str = "captcha", *classes: type, **settings: Any) -> Triggers:
    return Triggers(
        policy=sequence(password(), challenge(name, **settings)),
        challenges=classes or (Known,),
        limits=Limits(store=MemoryStore(), keys=KeyRing.generate()),
    )


async def test_a_person_who_reads_the_picture_is_signed_in(run_pool: RunPool) -> None:
    prompt = Reader(["answer"])
    async with run_pool(triggers()) as place, AuthClient(place.config) as auth:
        result = await auth.sign_in("ada", PASSWORD, flow=AuthFlow.CUSTOM_AUTH, prompt=prompt)
    assert isinstance(result, SignedIn)
    assert [picture[:4] for picture in prompt.images] == [b"\x89PNG"]


async def test_a_person_who_hears_the_sound_is_signed_in(run_pool: RunPool) -> None:
    prompt = Reader(["sound", "spoken"])
    async with run_pool(triggers(form="both", digits=8)) as place, AuthClient(place.config) as auth:
        result = await auth.sign_in("ada", PASSWORD, flow=AuthFlow.CUSTOM_AUTH, prompt=prompt)
    assert isinstance(result, SignedIn)
    assert [sound[:4] for sound in prompt.audio] == [b"RIFF"]
    assert prompt.images == []


async def test_after_a_wrong_answer_there_is_another_picture_of_another_code(
    run_pool: RunPool,
) -> None:
    prompt = Reader(["wrong", "answer"])
    async with run_pool(triggers()) as place, AuthClient(place.config) as auth:
        result = await auth.sign_in("ada", PASSWORD, flow=AuthFlow.CUSTOM_AUTH, prompt=prompt)
    assert isinstance(result, SignedIn)
    assert len(set(prompt.images)) == 2
    assert Reader.codes[-1]["answer"] != Reader.codes[-2]["answer"]
    assert any("attempt 2 of 3" in text for text in prompt.told)


async def test_a_right_answer_that_comes_too_late_is_asked_for_again(run_pool: RunPool) -> None:
    late = triggers(lifetime=30)

    class Slow(Reader):
        async def ask(self, question: str, *, hidden: bool = False) -> str:
            answer = await super().ask(question, hidden=hidden)
            late._flow.clock = lambda: time.time() + 31 * (len(self.images) == 1)
            return answer

    prompt = Slow(["answer", "answer"])
    async with run_pool(late) as place, AuthClient(place.config) as auth:
        result = await auth.sign_in("ada", PASSWORD, flow=AuthFlow.CUSTOM_AUTH, prompt=prompt)
    assert isinstance(result, SignedIn)
    assert len(prompt.images) == 2


async def test_wrong_answers_end_the_sign_in(run_pool: RunPool) -> None:
    async with run_pool(triggers()) as place, AuthClient(place.config) as auth:
        with pytest.raises(BadCredentialsError):
            await auth.sign_in(
                "ada", PASSWORD, flow=AuthFlow.CUSTOM_AUTH, prompt=Reader(["x", "y", "z"])
            )


async def test_the_client_half_answers_challenges_of_cognitos_documented_sample(
    run_pool: RunPool, documented_sample: Any
) -> None:
    prompt = ScriptedPrompt(["6", "5"])
    async with (
        run_pool(documented_sample) as place,
        AuthClient(place.config, assume="captcha") as auth,
    ):
        result = await auth.sign_in("ada", PASSWORD, flow=AuthFlow.CUSTOM_AUTH, prompt=prompt)
    assert isinstance(result, SignedIn)
    assert prompt.links == ["url/123.jpg"] * 2


SERVICE = {"site_key": "0x4AAAAAAADnPIDROrmt1Wwj", "hostnames": ["example.com"]}


def turnstile(siteverify: Any) -> Triggers:
    siteverify.tokens["token"] = {"hostname": "example.com", "action": "sign-in"}
    return Triggers(
        policy=sequence(
            password(),
            challenge(
                "turnstile",
                secret=Secret(siteverify.secret),
                url=siteverify.url,
                action="sign-in",
                **SERVICE,
            ),
        )
    )


async def test_a_terminal_gets_the_site_key_and_may_answer_with_a_token_later(
    run_pool: RunPool, siteverify: Any
) -> None:
    async with run_pool(turnstile(siteverify)) as place, AuthClient(place.config) as auth:
        pending = await auth.sign_in(
            "ada", PASSWORD, flow=AuthFlow.CUSTOM_AUTH, prompt=ScriptedPrompt([])
        )
        assert isinstance(pending, ChallengeRequired)
        assert isinstance(pending.because, Declined)
        assert pending.challenge.kind == "turnstile"
        assert pending.challenge.parameters["siteKey"] == SERVICE["site_key"]
        assert isinstance(await auth.answer(pending, "token"), SignedIn)


async def test_a_prompt_that_shows_widgets_signs_in_at_once(
    run_pool: RunPool, siteverify: Any
) -> None:
    @define
    class Page(ScriptedPrompt):
        widgets: list[WidgetField] = field(factory=list, init=False)

        async def solve_widget(self, widget: WidgetField) -> str:
            self.widgets.append(widget)
            return await self.ask("")

    page = Page(["forged", "token"])
    async with run_pool(turnstile(siteverify)) as place, AuthClient(place.config) as auth:
        result = await auth.sign_in("ada", PASSWORD, flow=AuthFlow.CUSTOM_AUTH, prompt=page)
    assert isinstance(result, SignedIn)
    assert [widget.action for widget in page.widgets] == ["sign-in", "sign-in"]


async def test_nobody_is_signed_in_while_the_service_is_down(
    run_pool: RunPool, siteverify: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async def down(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=503)

    siteverify.fault = down
    async with run_pool(turnstile(siteverify)) as place, AuthClient(place.config) as auth:
        pending = await auth.sign_in("ada", PASSWORD, flow=AuthFlow.CUSTOM_AUTH)
        assert isinstance(pending, ChallengeRequired)
        with pytest.raises(TriggerFailedError):
            await auth.answer(pending, "token")
    assert "ServiceUnavailableError" in caplog.text
    assert siteverify.secret not in caplog.text
