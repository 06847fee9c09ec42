"""A prompt whose own errors are known, as a plugin of interface 1 is given it."""

import asyncio
import warnings
from typing import Any

import anyio
import pytest

from authflow.errors import PromptEndedError
from authflow.prompts import Prompt, ScriptedPrompt, WebPrompt, WidgetPrompt
from authflow.prompts.witnessed import PromptErrors, witnessed

CALLS: dict[str, tuple[Any, ...]] = {
    "tell": ("a text",),
    "show_image": (b"x", "image/png", "a picture"),
    "play_audio": (memoryview(b"x"), "audio/wav", "a sound"),
    "show_link": ("https://a.example", "a place"),
    "ask": ("?",),
    "choose": ("?", ["a", "b"]),
}
WRONG: dict[str, tuple[Any, ...]] = {
    "tell": (None,),
    "show_image": ("text", "image/png", "a picture"),
    "play_audio": (b"x", None, "a sound"),
    "show_link": (b"https://a.example", "a place"),
    "ask": (),
    "choose": ("?", ["a", 7]),
    "wait_for": ("tap", 5),
}


async def test_it_does_and_gives_what_the_other_one_does():
    script = ScriptedPrompt(["typed", "b"])
    prompt = witnessed(script, PromptErrors())
    await prompt.tell("hello")
    await prompt.show_link("https://a.example", "a place", qr=True)
    assert await prompt.ask("?", hidden=True) == "typed"
    assert await prompt.choose("?", ["a", "b"]) == "b"
    assert await prompt.wait_for("tap", asyncio.sleep(0, "tapped")) == "tapped"
    assert (script.told, script.links) == (["hello", "tap"], ["https://a.example"])


def test_a_plugin_finds_the_others_class_and_attributes():
    class Own(ScriptedPrompt):
        mood = "good"

    own = Own([])
    prompt: Any = witnessed(own, PromptErrors())
    assert isinstance(prompt, Own)
    assert not isinstance(prompt, WidgetPrompt)
    assert isinstance(witnessed(WebPrompt(), PromptErrors()), WidgetPrompt)
    assert prompt.mood == "good"
    prompt.mood = "better"
    assert own.mood == "better"
    with pytest.raises(AttributeError):
        _ = prompt.none


class Broken(ScriptedPrompt):
    """Raises the same error whatever it is asked, at once or when it is awaited."""

    error = ConnectionResetError("gone")

    async def tell(self, *given: Any, **named: Any) -> Any:
        raise self.error

    show_image = play_audio = show_link = ask = choose = wait_for = tell


class BrokenAtOnce(Broken):
    def tell(self, *given: Any, **named: Any) -> Any:
        raise self.error

    show_image = play_audio = show_link = ask = choose = wait_for = tell


@pytest.mark.parametrize("kind", [Broken, BrokenAtOnce])
@pytest.mark.parametrize("method", [*CALLS, "wait_for"])
async def test_what_a_method_raises_passes_and_is_known_as_the_prompts(kind, method):
    errors = PromptErrors()
    prompt = witnessed(kind([]), errors)
    given = CALLS[method] if method in CALLS else ("tap", anyio.sleep(1))
    with pytest.raises(ConnectionResetError) as raised:
        await getattr(prompt, method)(*given)
    assert raised.value is kind.error
    assert errors.behind(raised.value) is kind.error
    assert errors.behind(ConnectionResetError("gone")) is None


@pytest.mark.parametrize("method", WRONG)
async def test_what_is_raised_at_a_wrong_use_is_not_the_prompts(method):
    errors = PromptErrors()
    prompt = witnessed(Broken([]), errors)
    with pytest.raises(ConnectionResetError) as raised:
        await getattr(prompt, method)(*WRONG[method])
    assert errors.behind(raised.value) is None


async def test_a_prompt_that_lacks_an_argument_of_the_protocol_is_to_blame_itself():
    class Short(ScriptedPrompt):
        async def ask(self, question):  # type: ignore[override]
            return question

    errors = PromptErrors()
    with pytest.raises(TypeError) as raised:
        await witnessed(Short([]), errors).ask("?", hidden=True)
    assert errors.behind(raised.value) is raised.value


async def test_what_the_plugin_waits_for_is_its_own_to_blame():
    async def taps() -> None:
        await anyio.lowlevel.checkpoint()
        raise LookupError

    errors = PromptErrors()
    with pytest.raises(LookupError) as raised:
        await witnessed(ScriptedPrompt([]), errors).wait_for("tap", taps())
    assert errors.behind(raised.value) is None


@pytest.mark.parametrize("kind", [Broken, BrokenAtOnce])
async def test_what_a_broken_prompt_never_awaits_leaves_no_warning(kind):
    async def tapped() -> None: ...

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ConnectionResetError):
            await witnessed(kind([]), PromptErrors()).wait_for("tap", tapped())


async def test_a_group_is_the_prompts_if_all_in_it_are():
    errors = PromptErrors()
    prompt = witnessed(ScriptedPrompt([]), errors)
    with pytest.raises(PromptEndedError) as raised:
        await prompt.ask("?")
    ended, other = raised.value, ValueError()
    assert errors.behind(ExceptionGroup("", [ExceptionGroup("", [ended])])) is ended
    assert errors.behind(ExceptionGroup("", [ended, other])) is None
    assert errors.behind(other) is None


async def test_a_wait_for_seconds_is_still_seen_as_one():
    seen = []

    class Sees(ScriptedPrompt):
        async def wait_for(self, description: str, confirmation: Any) -> Any:
            seen.append(confirmation)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        await witnessed(Sees([]), PromptErrors()).wait_for("tap", anyio.sleep(30))
    assert seen[0].cr_code is anyio.sleep.__code__


def test_every_method_of_the_protocol_is_tried_here():
    methods = {name for name, value in vars(Prompt).items() if asyncio.iscoroutinefunction(value)}
    assert methods == {*CALLS, "wait_for"} == {*WRONG}
