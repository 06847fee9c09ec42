"""What client challenges answer, and what becomes of it when they do not."""

import io
import traceback
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import anyio
import pytest

from authflow import (
    AuthClient,
    AuthFlow,
    Challenge,
    ChallengeRequired,
    Declined,
    OtherFactor,
    Secret,
    SignedIn,
    Suspended,
)
from authflow.client import ScriptedPrompt, TerminalPrompt, WebPrompt
from authflow.client.answerer import Answerer
from authflow.errors import (
    PluginError,
    PluginFailedError,
    PromptEndedError,
    PromptError,
    SessionExpiredError,
)
from authflow.plugins import CLIENT_CHALLENGES, PluginRegistry
from authflow.triggers import Triggers, challenge, sequence


@pytest.mark.parametrize("why", [Declined("no screen"), Suspended("by post"), OtherFactor()])
async def test_a_client_challenge_may_give_no_answer_and_say_why(live_pool, word, why):
    class Shy:
        name = "word"

        async def answer(self, challenge: Any, prompt: Any) -> Any:
            return why

    triggers = Triggers(policy=sequence(challenge("word")), challenges=[word])
    async with live_pool(triggers=triggers) as pool:
        await pool.add_user()
        config = await pool.app_client(flow=AuthFlow.CUSTOM_AUTH)
        async with AuthClient(config, challenges=[Shy]) as auth:
            pending = await auth.sign_in("ada", prompt=ScriptedPrompt([]))
            assert isinstance(pending, ChallengeRequired)
            assert pending.because == why
            assert isinstance(await auth.answer(pending, "open sesame"), SignedIn)


async def test_a_person_who_never_answers_is_not_waited_for_beyond_the_session(live_pool, word):
    class Asleep:
        name = "word"

        async def answer(self, challenge: Any, prompt: Any) -> str:
            await anyio.sleep_forever()
            return ""

    triggers = Triggers(policy=sequence(challenge("word")), challenges=[word])
    async with live_pool(triggers=triggers) as pool:
        await pool.add_user()
        config = await pool.app_client(flow=AuthFlow.CUSTOM_AUTH)
        hours = count(step=179.8)  # each look at the clock finds it nearly three minutes on

        def clock() -> datetime:
            return datetime.now(UTC) + timedelta(seconds=next(hours))

        async with AuthClient(config, challenges=[Asleep], clock=clock) as auth:
            with pytest.raises(SessionExpiredError, match="in time"):
                await auth.sign_in("ada", prompt=ScriptedPrompt([]))


@pytest.mark.parametrize("junk", [None, 7, b"bytes"])
async def test_an_answer_that_is_no_text_is_the_plugins_failure_and_names_it(live_pool, word, junk):
    class Junk:
        name = "word"

        async def answer(self, challenge: Any, prompt: Any) -> Any:
            return junk

    triggers = Triggers(policy=sequence(challenge("word")), challenges=[word])
    async with live_pool(triggers=triggers) as pool:
        await pool.add_user()
        config = await pool.app_client(flow=AuthFlow.CUSTOM_AUTH)
        async with AuthClient(config, challenges=[Junk]) as auth:
            with pytest.raises(PluginFailedError, match=f"of {__name__} gave"):
                await auth.sign_in("ada", prompt=ScriptedPrompt([]))


def closed() -> WebPrompt:
    prompt = WebPrompt()
    prompt.close()
    return prompt


def at_the_end(folder: Path) -> TerminalPrompt:
    return TerminalPrompt(image_folder=folder, output=io.StringIO(), input=io.StringIO())


async def test_where_nobody_is_there_to_answer_the_sign_in_ends_and_no_plugin_is_blamed(
    live_pool, word, tmp_path
):
    class Asks:
        name = "word"

        async def answer(self, challenge: Any, prompt: Any) -> str:
            return await prompt.ask("your word", hidden=True)

    triggers = Triggers(policy=sequence(challenge("word")), challenges=[word])
    async with live_pool(triggers=triggers) as pool:
        await pool.add_user()
        config = await pool.app_client(flow=AuthFlow.CUSTOM_AUTH)
        async with AuthClient(config, challenges=[Asks]) as auth:
            for prompt in (ScriptedPrompt([]), at_the_end(tmp_path), closed()):
                with pytest.raises(PromptEndedError, match="your word") as ended:
                    await auth.sign_in("ada", prompt=prompt)
                assert not isinstance(ended.value, PluginError)


class Gone(ScriptedPrompt):
    """Loses its connection."""

    async def ask(self, question: str, *, hidden: bool = False) -> str:
        msg = "typed-canary"
        raise ConnectionResetError(msg)


class Asks:
    """Asks its prompt once, in interface 1."""

    name = "word"

    async def answer(self, challenge: Any, prompt: Any) -> str:
        return await prompt.ask("?")


class AsksInAGroup(Asks):
    async def answer(self, challenge: Any, prompt: Any) -> str:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(prompt.ask, "?")
            tasks.start_soon(anyio.sleep_forever)
        return ""


class AsksWrongly(Asks):
    async def answer(self, challenge: Any, prompt: Any) -> str:
        return await prompt.ask(None)


class FailsAfterwards(Asks):
    async def answer(self, challenge: Any, prompt: Any) -> str:
        try:
            return await prompt.ask("?")
        except ConnectionResetError as error:
            raise LookupError from error


class Forgives(Asks):
    async def answer(self, challenge: Any, prompt: Any) -> str:
        try:
            return await prompt.ask("?")
        except ConnectionResetError:
            return "without"


async def answered(half: type[Any], prompt: Any) -> Any:
    answerer = Answerer(PluginRegistry(CLIENT_CHALLENGES, explicit=(half,), discover=False))
    asked = Challenge(name="CUSTOM_CHALLENGE", kind="word")
    return await answerer.answer(asked, prompt, chosen=None, timeout=5)


@pytest.mark.parametrize("half", [Asks, AsksInAGroup])
async def test_what_a_prompt_raises_in_an_answer_is_the_prompts_failure_and_not_shown(half):
    says = r"^the prompt failed: ConnectionResetError at .*test_answerer\.py:\d+$"
    with pytest.raises(PromptError, match=says) as failed:
        await answered(half, Gone([]))
    assert "canary" not in "".join(traceback.format_exception(failed.value))


@pytest.mark.parametrize("half", [AsksWrongly, FailsAfterwards])
async def test_what_a_plugin_makes_of_it_is_the_plugins_failure(half):
    with pytest.raises(PluginFailedError, match=r"'word' of .* failed: "):
        await answered(half, Gone([]))


async def test_a_plugin_may_look_out_for_what_a_prompt_raises():
    assert await answered(Forgives, Gone([])) == Secret("without")


async def test_a_prompt_that_ends_in_a_group_of_tasks_ends_the_sign_in():
    with pytest.raises(PromptEndedError, match="no answer left"):
        await answered(AsksInAGroup, ScriptedPrompt([]))


class InAGroup(ScriptedPrompt):
    """Asks in a group of tasks of its own, one of which fails."""

    def __init__(self, *errors: Exception) -> None:
        super().__init__([])
        self.errors = errors

    async def ask(self, question: str, *, hidden: bool = False) -> str:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self.fail)
        return ""

    async def fail(self) -> None:
        raise ExceptionGroup("typed-canary", self.errors)


@pytest.mark.parametrize("half", [Asks, AsksInAGroup])
async def test_a_prompt_that_fails_in_a_group_of_its_own_is_to_blame(half):
    gone, ended = ConnectionResetError("typed-canary"), PromptEndedError("the page was closed")
    with pytest.raises(PromptError, match=r"^the prompt failed: Connection") as failed:
        await answered(half, InAGroup(gone))
    assert "canary" not in "".join(traceback.format_exception(failed.value))
    for errors in ([ended], [gone, ended], [ended, gone]):
        with pytest.raises(PromptEndedError, match="page was closed") as failed:
            await answered(half, InAGroup(*errors))
        assert "canary" not in "".join(traceback.format_exception(failed.value))


class WaitsForItself(Asks):
    async def answer(self, challenge: Any, prompt: Any) -> str:
        async def confirmed() -> str:
            raise LookupError

        return await prompt.wait_for("tap", confirmed())


async def test_what_a_plugin_waits_for_is_its_own_even_in_the_prompts_group():
    class Waits(ScriptedPrompt):
        async def wait_for(self, description: str, confirmation: Any) -> Any:
            async with anyio.create_task_group() as tasks:

                async def wait() -> None:
                    await confirmation

                tasks.start_soon(wait)

    with pytest.raises(PluginFailedError, match="failed: "):
        await answered(WaitsForItself, Waits([]))


@pytest.mark.parametrize(
    "given", [None, 5, b"typed-canary", ["typed-canary"], "typed-canary\ud800"]
)
@pytest.mark.parametrize("method", ["ask", "choose"])
async def test_a_prompt_that_gives_a_plugin_no_text_is_to_blame(method, given):
    async def gives(*_given: Any, **_named: Any) -> Any:
        return given

    class Uses(Asks):
        async def answer(self, challenge: Any, prompt: Any) -> str:
            typed = await (prompt.ask("?") if method == "ask" else prompt.choose("?", ["a", "b"]))
            return typed.strip()

    prompt = type("Odd", (ScriptedPrompt,), {method: gives})([])
    with pytest.raises(PromptError, match=r"^the prompt gave no text, ") as failed:
        await answered(Uses, prompt)
    assert "canary" not in "".join(traceback.format_exception(failed.value))


class Untold:
    """Makes a challenge as Cognito's documented sample does: nothing says what it is."""

    sources = frozenset(
        {"DefineAuthChallenge", "CreateAuthChallenge", "VerifyAuthChallengeResponse"}
    )

    async def handle(self, event: Any) -> Any:
        request, response = event["request"], {}
        match event["triggerSource"].partition("_")[0]:
            case "DefineAuthChallenge":
                passed = [each["challengeResult"] for each in request["session"]]
                response = {
                    "issueTokens": passed == [True],
                    "failAuthentication": False,
                    "challengeName": None if passed == [True] else "CUSTOM_CHALLENGE",
                }
            case "CreateAuthChallenge":
                response = {
                    "publicChallengeParameters": {"captchaUrl": "url/123.jpg"},
                    "privateChallengeParameters": {"answer": "5"},
                    "challengeMetadata": "CAPTCHA_CHALLENGE",
                }
            case _:
                response = {"answerCorrect": request["challengeAnswer"] == "5"}
        return {**event, "response": response}


async def test_a_challenge_that_does_not_say_what_it_is_can_be_assumed_to_be_something(live_pool):
    class Picture:
        name = "captcha"

        async def answer(self, challenge: Any, prompt: Any) -> str:
            await prompt.tell(challenge.parameters["captchaUrl"])
            return "5"

    async with live_pool(triggers=Untold()) as pool:
        await pool.add_user()
        config = await pool.app_client(flow=AuthFlow.CUSTOM_AUTH)
        prompt = ScriptedPrompt([])
        async with AuthClient(config, challenges=[Picture], assume="captcha") as auth:
            assert isinstance(await auth.sign_in("ada", prompt=prompt), SignedIn)
        assert prompt.told == ["url/123.jpg"]
        async with AuthClient(config, challenges=[Picture]) as auth:
            assert isinstance(await auth.sign_in("ada", prompt=prompt), ChallengeRequired)
