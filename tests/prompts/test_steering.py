"""Nothing that a server or a plugin wrote steers a terminal or hides what a text says.

Every place where such a text comes out, with every kind of character that must not.
"""

import io
import json
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from rich.console import Console

from authflow import AuthFlow, errors
from authflow.cli.story import Story
from authflow.client import ScriptedPrompt, TerminalPrompt, WebMessage, WebPrompt
from authflow.client.challenges import respond
from authflow.client.choices import check_choice, choose
from authflow.client.exchange import Exchange
from authflow.errors import (
    AuthFlowError,
    DeniedError,
    MisuseError,
    PluginFailedError,
    PromptEndedError,
    PromptError,
)
from authflow.forms.fields import ChoiceField, Option
from authflow.machine import Challenged, State, advance
from authflow.plugins.registry import CLIENT_CHALLENGES, PluginRegistry
from authflow.results import Challenge
from authflow.secret import Secret
from authflow.wire import Members, Request

STEERING = [
    *map(chr, range(0x20)),
    *map(chr, range(0x7F, 0xA0)),
    *("\u00ad", "\u034f", "\u061c", "\u180e", "\u200b", "\u200e", "\u200f", "\u2028", "\u2029"),
    *map(chr, range(0x202A, 0x202F)),
    *map(chr, range(0x2060, 0x2070)),
    *("\ufeff", "\ufff9", "\ud800", "\udfff", "\U000e0001", "\U000e0041", "\ue000", "\uffff"),
]
NAMED = [character for character in STEERING if character != "\u034f"]  # it is a mark, and harmless
ALL = "".join(NAMED)
HOSTILE = f"go\x1b[2J\x1b]0;owned\x07{ALL}on"


def steers(text: str, *, but: str = "") -> str:
    """The characters of a text that must not be there."""
    return "".join(
        character
        for character in text
        if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
        and character not in but
    )


def terminal(folder: Path, typed: str = "", encoding: str = "utf-8") -> Any:
    raw = io.BytesIO()
    output = io.TextIOWrapper(raw, encoding=encoding, newline="")
    prompt = TerminalPrompt(image_folder=folder, output=output, input=io.StringIO(typed))

    def written() -> str:
        output.flush()
        return raw.getvalue().decode(encoding)

    return prompt, written


async def nothing() -> None:
    pass


SHOW: dict[str, Callable[[Any], Any]] = {
    "tell": lambda prompt: prompt.tell(HOSTILE),
    "ask": lambda prompt: prompt.ask(HOSTILE),
    "ask for a hidden one": lambda prompt: prompt.ask(HOSTILE, hidden=True),
    "choose": lambda prompt: prompt.choose(HOSTILE, [HOSTILE, f"{HOSTILE}2"]),
    "an image": lambda prompt: prompt.show_image(b"x", "image/png", HOSTILE),
    "an image's type": lambda prompt: prompt.show_image(b"x", f"image/{HOSTILE}", "it"),
    "a sound": lambda prompt: prompt.play_audio(b"x", "audio/wav", HOSTILE),
    "a sound's type": lambda prompt: prompt.play_audio(b"x", HOSTILE, "it"),
    "a link": lambda prompt: prompt.show_link("https://a.example", HOSTILE, qr=True),
    "waiting": lambda prompt: prompt.wait_for(HOSTILE, nothing()),
}
show = pytest.mark.parametrize("show", SHOW.values(), ids=SHOW)


@show
@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1", "cp1252"])
async def test_nothing_steers_the_terminal(tmp_path, show, encoding):
    prompt, written = terminal(tmp_path, "1\n", encoding)
    await show(prompt)
    assert steers(written(), but="\n") == ""
    assert written()


@pytest.mark.parametrize("character", NAMED, ids=lambda character: f"U+{ord(character):04X}")
async def test_each_character_is_shown_escaped_at_the_terminal(tmp_path, character):
    prompt, written = terminal(tmp_path, "x\n1\n")
    await prompt.tell(f"a{character}b")
    await prompt.ask(f"a{character}b")
    await prompt.choose("which?", [f"a{character}b", "other"])
    await prompt.wait_for(f"a{character}b", nothing())
    escaped = f"a{ascii(character)[1:-1]}b"
    assert written().count(escaped) == (2 if character == "\n" else 4)
    assert steers(written(), but="\n") == ""


async def test_an_option_cannot_pretend_to_be_another_line_of_the_list(tmp_path):
    prompt, written = terminal(tmp_path, "1\n")
    await prompt.choose("which?", ["otp\n2  captcha", "word"])
    assert written().splitlines()[:2] == ["1  otp\\n2  captcha", "2  word"]


@pytest.mark.parametrize("typed", ["1", "captcha#\\x1b[2J", "captcha#\x1b[2J"])
async def test_an_escaped_option_is_chosen_by_its_number_or_as_it_is_shown(tmp_path, typed):
    prompt, _ = terminal(tmp_path, f"{typed}\n")
    assert await prompt.choose("which?", ["captcha#\x1b[2J", "otp"]) == "captcha#\x1b[2J"


async def test_a_text_of_several_lines_is_told_in_several_lines(tmp_path):
    prompt, written = terminal(tmp_path)
    await prompt.tell("█▄\n██\nCafé")
    assert written() == "█▄\n██\nCafé\n"


@show
async def test_nothing_steers_a_web_page(show):
    prompt = WebPrompt()
    shown: list[WebMessage] = []

    async def answer() -> None:
        async for message in prompt:
            shown.append(message)
            if message.wants_answer:
                is_choice = isinstance(message.part, ChoiceField)
                prompt.answer(message.id, message.part.options[-1].value if is_choice else "x")

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(answer)
        chosen = await show(prompt)
        prompt.close()
    assert shown
    texts = [str(each) for message in shown for each in message.to_json().values()]
    assert steers("".join(texts), but="\n") == ""
    assert steers(json.dumps([message.to_json() for message in shown], ensure_ascii=False)) == ""
    if isinstance(shown[0].part, ChoiceField):
        assert chosen == f"{HOSTILE}2", "the answer is the option as it came"


@pytest.mark.parametrize("character", NAMED, ids=lambda character: f"U+{ord(character):04X}")
async def test_a_link_with_such_a_character_is_shown_nowhere(tmp_path, character):
    prompt, written = terminal(tmp_path)
    for each in (prompt, WebPrompt()):
        with pytest.raises(PluginFailedError, match="cannot be printed") as refused:
            await each.show_link(f"https://a.example/{character}", HOSTILE)
        assert steers(str(refused.value)) == ""
    assert written() == ""


KINDS = [
    value
    for value in vars(errors).values()
    if isinstance(value, type) and issubclass(value, AuthFlowError) and value is not DeniedError
]


@pytest.mark.parametrize("kind", KINDS)
def test_no_error_shows_such_a_character(kind: type[AuthFlowError]):
    error = kind(HOSTILE, aws_code=HOSTILE)
    texts = f"{error}{error!r}{error.message}{error.args}{error.aws_code}"
    assert steers(texts) == ""


def test_the_owners_own_words_reach_the_client_as_they_are_written():
    assert str(DeniedError("Refusé\u202f!\nDemain.")) == "Refusé\u202f!\nDemain."


def hostile_challenge(kind: str, **parameters: str) -> Challenge:
    return Challenge(name="CUSTOM_CHALLENGE", kind=kind, parameters=parameters)


async def hostile_choice() -> None:
    registry = PluginRegistry(CLIENT_CHALLENGES, (), discover=False)
    option = HOSTILE.replace(" ", "")
    await choose(hostile_challenge("choice", options=option), registry, ScriptedPrompt([]))


RAISED: dict[str, Callable[[], Any]] = {
    "a choice": lambda: check_choice(
        hostile_challenge("choice", options=f"captcha#{HOSTILE}"), Secret("x")
    ),
    "second factors": lambda: respond(
        Challenge(
            name="SELECT_MFA_TYPE", parameters={"MFAS_CAN_CHOOSE": json.dumps([HOSTILE, "SMS_MFA"])}
        ),
        Secret("x"),
    ),
    "a challenge's name": lambda: respond(Challenge(name=HOSTILE), Secret("x")),
    "an illegal challenge": lambda: advance(
        AuthFlow.USER_SRP_AUTH, State.PASSWORD_VERIFIER, Challenged(HOSTILE)
    ),
}


@pytest.mark.parametrize("act", RAISED.values(), ids=RAISED)
def test_what_a_server_calls_things_steers_nothing_in_an_errors_text(act):
    with pytest.raises(AuthFlowError) as raised:
        act()
    assert steers(f"{raised.value}{raised.value!r}") == ""


async def test_what_cannot_be_answered_is_named_harmlessly():
    with pytest.raises(AuthFlowError) as raised:
        await hostile_choice()
    assert steers(str(raised.value)) == ""


@pytest.mark.parametrize("ask", [lambda p: p.ask(HOSTILE), lambda p: p.choose(HOSTILE, [HOSTILE])])
async def test_a_scripts_errors_steer_nothing(ask):
    with pytest.raises(PromptEndedError) as raised:
        await ask(ScriptedPrompt([]))
    assert steers(str(raised.value)) == ""


async def test_a_scripts_wrong_choice_steers_nothing():
    with pytest.raises(PromptError) as raised:
        await ScriptedPrompt(["x"]).choose(HOSTILE, [HOSTILE])
    assert steers(str(raised.value)) == ""


def test_reprs_steer_nothing():
    names = {HOSTILE: HOSTILE}
    challenge = Challenge(name=HOSTILE, kind=HOSTILE, parameters=names)
    assert steers(f"{challenge!r}{Members(names)!r}") == ""


GROUPS = ("AuthParameters", "ChallengeParameters", "AuthenticationResult")


def test_an_observer_and_the_demos_story_see_nothing_that_steers():
    reply = {
        HOSTILE: HOSTILE,
        "ChallengeName": HOSTILE,
        **{
            group: {HOSTILE: HOSTILE, "USERNAME": HOSTILE, "challenge": HOSTILE} for group in GROUPS
        },
    }
    exchange = Exchange.of(Request(operation="InitiateAuth", body=reply), reply)
    assert steers(f"{exchange!r}{[exchange.received]}") == ""
    assert steers("".join([*exchange.received, *map(str, exchange.received.values())])) == ""
    told = io.StringIO()
    story = Story(Console(file=told, force_terminal=False, width=4000))
    story.exchange(exchange)
    story.exchange(
        Exchange.of(
            Request(operation="InitiateAuth", body=reply),
            errors.RequestRejectedError(HOSTILE, aws_code=HOSTILE),
        )
    )
    assert steers(told.getvalue(), but="\n") == ""


def test_a_message_escapes_by_itself():
    escaped = Option(value="x", label=HOSTILE)
    part = ChoiceField(name="x", label=HOSTILE, options=(escaped, "y"))
    message = WebMessage(id=1, part=part)
    assert steers(message.part.label + message.part.options[0].label, but="\n") == ""
    with pytest.raises(MisuseError, match="no question"):
        WebPrompt().answer(1, HOSTILE)
