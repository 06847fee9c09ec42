"""A form that is asked by a prompt: in its order, until it is filled in."""

import io
import traceback
from typing import Any

import anyio
import pytest
from attrs import define, field

from authflow.errors import AskAgainError, PluginFailedError, PromptEndedError, PromptError
from authflow.forms.fields import Field
from authflow.plugins import (
    ChoiceField,
    Declined,
    Form,
    Option,
    SecretField,
    ShownAudio,
    ShownIf,
    ShownImage,
    ShownLink,
    ShownQrCode,
    ShownText,
    TextField,
    WaitField,
    WidgetField,
)
from authflow.plugins.form_challenge import answer_by_form
from authflow.prompts import ScriptedPrompt, TerminalPrompt, WebPrompt
from authflow.prompts.asking import MOST_ASKED, ask
from authflow.results import Challenge, Suspended


def content(filled):
    return {name: filled[name] for name in filled}


@define
class Diary(ScriptedPrompt):
    """Keeps what happened in its order."""

    seen: list[Any] = field(factory=list, init=False)

    async def tell(self, text):
        self.seen.append(text)

    async def show_image(self, image, media_type, description):
        self.seen.append((image, media_type, description))

    async def play_audio(self, audio, media_type, description):
        self.seen.append((audio, media_type, description))

    async def show_link(self, url, description, *, qr=False):
        self.seen.append((url, description, qr))

    async def wait_for(self, description, confirmation):
        self.seen.append(description)
        return await confirmation

    async def ask(self, question, *, hidden=False):
        self.seen.append((question, hidden))
        return await super().ask(question)

    async def choose(self, question, options):
        self.seen.append(options)
        return await super().choose(question, options)


PICTURE, SOUND = (ShownIf(choice="form", option=option) for option in ("picture", "sound"))
CHOICE = ChoiceField(name="form", label="Which?", options=("picture", "sound"))
BOTH = Form(
    parts=(
        CHOICE,
        ShownImage(content=b"p", media_type="image/png", description="It", shown_if=PICTURE),
        TextField(name="characters", label="Seen?", shown_if=PICTURE),
        ShownAudio(content=b"s", media_type="audio/wav", description="It", shown_if=SOUND),
        TextField(name="digits", label="Heard?", shown_if=SOUND),
    )
)


async def test_all_parts_are_shown_and_asked_in_their_order():
    form = Form(
        parts=(
            ShownText(text="one"),
            ShownLink(url="https://a.example", description="two"),
            TextField(name="three", label="three?"),
            ShownQrCode(url="otpauth://totp/x", description="four"),
            SecretField(name="five", label="five?"),
        )
    )
    prompt = Diary(["3", "5"])
    assert await ask(form, prompt) == form.fill({"three": "3", "five": "5"})
    assert prompt.seen == [
        "one",
        ("https://a.example", "two", False),
        ("three?", False),
        ("otpauth://totp/x", "four", True),
        ("five?", True),
    ]


@pytest.mark.parametrize(
    ("typed", "seen", "name"),
    [
        (["picture", "AB"], [(b"p", "image/png", "It"), ("Seen?", False)], "characters"),
        (["sound", "12"], [(b"s", "audio/wav", "It"), ("Heard?", False)], "digits"),
    ],
)
async def test_what_is_chosen_says_what_is_shown_and_asked_next(typed, seen, name):
    prompt = Diary(typed)
    filled = await ask(BOTH, prompt)
    assert content(filled) == {"form": typed[0], name: typed[1]}
    assert prompt.seen[1:] == [("Which?", False), *seen] or prompt.seen[1:] == seen


async def test_a_person_reads_labels_and_the_form_gets_values():
    options = (Option(value="SMS_MFA", label="a text"), Option(value="EMAIL_OTP", label="a letter"))
    prompt = Diary(["a letter"])
    choice = ChoiceField(name="by", label="", options=options)
    assert content(await ask(Form(parts=(choice,)), prompt)) == {"by": "EMAIL_OTP"}
    assert prompt.seen[0] == ("a text", "a letter")


async def test_a_value_that_does_not_fit_is_asked_for_again_and_the_person_told_why():
    form = Form(parts=(ShownText(text="shown"), TextField(name="x", label="x?", longest=3)))
    prompt = Diary(["", "1234", "\ud800", "123"])
    assert content(await ask(form, prompt)) == {"x": "123"}
    told = [each for each in prompt.seen if isinstance(each, str)]
    assert told[:3] == [
        "shown",
        "Nothing was typed; try again.",
        "That is too long; type 3 characters at most.",
    ]
    assert len(told) == 4


async def test_a_prompt_that_never_gives_what_fits_is_not_asked_for_ever():
    prompt = Diary(["" for _ in range(1000)])
    with pytest.raises(PromptError, match="too often"):
        await ask(Form(parts=(TextField(name="x", label="x?"),)), prompt)
    assert prompt.seen.count(("x?", False)) == MOST_ASKED


METHODS = {
    "tell": ShownText(text="typed-canary"),
    "show_image": ShownImage(content=b"x", media_type="image/png", description="picture"),
    "play_audio": ShownAudio(content=b"x", media_type="audio/wav", description="sound"),
    "show_link": ShownLink(url="https://example.com/", description="link"),
    "ask": SecretField(name="x", label="x?"),
    "choose": ChoiceField(name="x", label="x?", options=("a", "b")),
    "wait_for": WaitField(name="x", label="tap", poll_after=1),
}


@pytest.mark.parametrize("error", [ConnectionResetError, EOFError, TimeoutError, ValueError])
@pytest.mark.parametrize("method", METHODS)
async def test_whatever_a_prompt_raises_is_its_own_failure_and_not_shown(method, error):
    async def fails(*_given, **_named):
        msg = "typed-canary"
        raise error(msg)

    prompt = type("Broken", (ScriptedPrompt,), {method: fails})([])
    with pytest.raises(
        PromptError, match=rf"^the prompt failed: {error.__name__} at .*test_asking\.py:\d+$"
    ) as failed:
        await ask(Form(parts=(METHODS[method],)), prompt)
    assert failed.value.__cause__ is None
    assert failed.value.__suppress_context__


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("method", METHODS)
async def test_a_prompt_that_ends_in_a_group_of_its_own_has_ended(method, deep):
    async def ends(*_given, **_named):
        ended = PromptEndedError("the page was closed")
        ended.__cause__ = ValueError("typed-canary")
        inner = [ended, ExceptionGroup("", [ended])][deep]
        raise ExceptionGroup("", [ConnectionResetError("typed-canary"), inner])

    prompt = type("Broken", (ScriptedPrompt,), {method: ends})([])
    with pytest.raises(PromptEndedError, match="page was closed") as ended:
        await ask(Form(parts=(METHODS[method],)), prompt)
    assert "canary" not in "".join(traceback.format_exception(ended.value))


async def test_a_prompt_that_checks_a_field_itself_asks_again():
    class Checks(ScriptedPrompt):
        async def ask_field(self, part):
            value = await self.ask(part.label)
            part.checked(value)
            return value

    prompt = Checks(["", "1234", "123"])
    form = Form(parts=(TextField(name="x", label="x?", longest=3),))
    assert content(await ask(form, prompt)) == {"x": "123"}
    assert [told[:14] for told in prompt.told] == ["Nothing was ty", "That is too lo"]
    with pytest.raises(PromptError, match="too often"):
        await ask(form, Checks([""] * 1000))


@pytest.mark.parametrize("given", [None, 7, b"x"])
async def test_a_prompt_that_gives_no_text_fails(given):
    class Odd(ScriptedPrompt):
        async def ask(self, question, *, hidden=False):
            return given

    with pytest.raises(PromptError, match="the prompt gave no text"):
        await ask(Form(parts=(TextField(name="x", label="x?", required=False),)), Odd([]))


WIDGET = WidgetField(name="token", label="", service="turnstile", site_key="k")


async def test_what_only_a_page_can_show_is_declined_elsewhere():
    form = Form(parts=(WIDGET, TextField(name="x", label="x?")))
    prompt = Diary(["never given"])
    declined = await ask(form, prompt)
    assert declined == Declined("turnstile needs a browser: show its widget, and answer its token")
    assert prompt.seen == []


async def test_a_page_is_asked_for_the_token_of_a_widget():
    prompt, filled = WebPrompt(), []

    async def run() -> None:
        filled.append(await ask(Form(parts=(WIDGET,)), prompt))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run)
        message = await anext(prompt)
        part = Form(parts=(WIDGET,)).to_json()["parts"][0]
        assert message.to_json() == {"id": 1, "wants_answer": True, **part}
        prompt.answer(message.id, "a token")
    assert content(filled[0]) == {"token": "a token"}


class Page(ScriptedPrompt):
    """Is given fields whole, and can show a widget by no other method."""

    async def ask_field(self, part):
        self.told.append(part.name)
        return await super().ask("")

    async def ask(self, question, *, hidden=False):
        raise AssertionError

    choose = wait_for = ask


ASKED_FOR = [WIDGET, *(part for part in METHODS.values() if isinstance(part, Field))]


@pytest.mark.parametrize("part", ASKED_FOR, ids=lambda part: type(part).__name__)
async def test_a_prompt_that_takes_fields_is_asked_every_field_whole(part):
    form, prompt = Form(parts=(part,)), Page(["a"])
    assert await ask(form, prompt) == form.fill({part.name: "a"})
    assert prompt.told == [part.name]


async def test_waiting_types_nothing(monkeypatch):
    slept = []

    async def sleep(seconds):
        slept.append(seconds)

    monkeypatch.setattr(anyio, "sleep", sleep)
    form = Form(
        parts=(
            WaitField(name="tap", label="Tap your telephone.", poll_after=5),
            WaitField(name="link", label="Open the link."),
        )
    )
    prompt = Diary(["what was typed does not matter"])
    assert content(await ask(form, prompt)) == {"tap": "", "link": ""}
    assert slept == [5]
    assert prompt.seen == [
        "Tap your telephone.",
        ("Open the link. Press Enter when it is done.", False),
    ]


async def test_at_a_terminal_a_form_is_a_conversation(tmp_path):
    output = io.StringIO()
    typed = io.StringIO("7\n1\n\nAB\n")
    prompt = TerminalPrompt(image_folder=tmp_path, output=output, input=typed)
    assert content(await ask(BOTH, prompt)) == {"form": "picture", "characters": "AB"}
    assert output.getvalue() == (
        "1  picture\n2  sound\nWhich? Type a number from 1 to 2.\nWhich? "
        f"It: {tmp_path}/1.png\nSeen? Nothing was typed; try again.\nSeen? "
    )


class Strict:
    """Wants three letters, and says about which field it complains."""

    name, interface = "strict", 2
    about: str | None = "digits"
    what: Any = BOTH

    def form(self, challenge):
        return self.what

    def read(self, challenge, filled):
        answer = filled.get("digits", "") + filled.get("characters", "")
        if len(answer) != 3:
            msg = "Three of them, please."
            raise AskAgainError(msg, field=self.about)
        return answer


ASKED = Challenge(name="CUSTOM_CHALLENGE", kind="strict")


async def test_what_the_plugin_cannot_read_is_asked_for_again_from_that_field_on():
    prompt = Diary(["sound", "12", "123"])
    assert await answer_by_form(Strict(), ASKED, prompt) == "123"
    assert prompt.seen[-3:] == [("Heard?", False), "Three of them, please.", ("Heard?", False)]
    assert sum(each == (b"s", "audio/wav", "It") for each in prompt.seen) == 1


@pytest.mark.parametrize("about", [None, "form", "nothing of it", "characters"])
async def test_else_it_is_asked_for_again_from_the_first_field_on(about):
    plugin = Strict()
    plugin.about = about
    prompt = Diary(["sound", "12", "picture", "ABC"])
    assert await answer_by_form(plugin, ASKED, prompt) == "ABC"


async def test_a_plugin_that_is_never_content_is_not_asked_for_ever():
    prompt = Diary(["sound", *(["12"] * 1000)])
    with pytest.raises(PromptError, match="the same form was asked too often"):
        await answer_by_form(Strict(), ASKED, prompt)


async def test_a_plugin_may_give_no_form_and_say_why():
    plugin = Strict()
    plugin.what = Suspended("by post")
    assert await answer_by_form(plugin, ASKED, Diary([])) == Suspended("by post")


@pytest.mark.parametrize("given", [None, "text", {"parts": []}])
async def test_what_is_no_form_is_the_plugins_failure(given):
    plugin = Strict()
    plugin.what = given
    with pytest.raises(PluginFailedError, match="'strict': `form` gives a Form"):
        await answer_by_form(plugin, ASKED, Diary([]))
