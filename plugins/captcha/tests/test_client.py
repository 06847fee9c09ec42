"""The client half: what it shows, what it asks, and what it refuses to show."""

import base64
import io
import subprocess
import sys
from collections.abc import Callable

import pytest
from authflow_captcha import picture, speech
from authflow_captcha.client import LARGEST_FILE, LONGEST_LINK, CaptchaPrompter
from authflow_captcha.trigger import Captcha
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from authflow.errors import PluginFailedError
from authflow.plugins import (
    CLIENT_CHALLENGES,
    Challenge,
    CreateContext,
    PluginRegistry,
    answer_by_form,
)
from authflow.prompts import ScriptedPrompt

Challenged = Callable[..., Challenge]
AsUrl = Callable[..., str]

PNG = picture.draw("KXEA7F", width=220, height=80)
WAV = speech.speak("1234")


async def answer(challenge: Challenge, prompt: ScriptedPrompt) -> object:
    return await answer_by_form(CaptchaPrompter(), challenge, prompt)


def jpeg() -> bytes:
    file = io.BytesIO()
    with Image.open(io.BytesIO(PNG)) as opened:
        opened.convert("L").save(file, "JPEG")
    return file.getvalue()


async def test_it_shows_what_the_trigger_half_made_and_gives_back_what_was_typed(
    challenged: Challenged, asked: CreateContext
) -> None:
    issued = await Captcha().create(asked)
    prompt = ScriptedPrompt([issued.private["answer"]])
    given = await answer(challenged(issued.public["captchaUrl"]), prompt)
    assert given == issued.private["answer"]
    file = base64.b64decode(issued.public["captchaUrl"].partition(",")[2])
    assert prompt.images == [file]
    assert prompt.told == []


async def test_a_jpeg_is_shown_too(challenged: Challenged, as_url: AsUrl) -> None:
    prompt = ScriptedPrompt(["x"])
    await answer(challenged(as_url(jpeg(), "image/jpeg")), prompt)
    assert prompt.images == [jpeg()]


@pytest.mark.parametrize(
    ("attempt", "attempts", "words"),
    [
        (2, 3, "That was not right, try again (attempt 2 of 3)."),
        (2, None, "That was not right, try again (attempt 2)."),
    ],
)
async def test_a_retry_says_so_and_which_attempt_it_is(
    challenged: Challenged, as_url: AsUrl, attempt: int, attempts: int | None, words: str
) -> None:
    prompt = ScriptedPrompt(["x"])
    challenge = challenged(as_url(PNG), attempt=attempt, attempts=attempts)
    await answer(challenge, prompt)
    assert prompt.told[0] == words


async def test_a_first_attempt_says_nothing_about_a_retry(
    challenged: Challenged, as_url: AsUrl
) -> None:
    prompt = ScriptedPrompt(["x"])
    await answer(challenged(as_url(PNG)), prompt)
    assert not any("try again" in text for text in prompt.told)


@pytest.mark.parametrize(
    "link", ["https://example.com/c/1.png?x=1", "HTTP://[::1]:8080/c", "http://localhost"]
)
async def test_a_link_is_shown_and_not_fetched(challenged: Challenged, link: str) -> None:
    prompt = ScriptedPrompt(["x", "y"])
    assert await answer(challenged(link), prompt) == "x"
    assert await answer(challenged(audio=link), prompt) == "y"
    assert prompt.links == [link, link]
    assert (prompt.told, prompt.images, prompt.audio) == ([], [], [])


async def test_a_sound_is_played_and_asked_for(challenged: Challenged, as_url: AsUrl) -> None:
    prompt = ScriptedPrompt(["1234"])
    challenge = challenged(audio=as_url(WAV, "audio/wav"))
    assert await answer(challenge, prompt) == "1234"
    assert (prompt.audio, prompt.images, prompt.told) == ([WAV], [], [])


@pytest.mark.parametrize(
    ("form", "images", "audio"), [("picture", [PNG], []), ("sound", [], [WAV])]
)
async def test_of_two_forms_the_person_chooses_one(
    challenged: Challenged, as_url: AsUrl, form: str, images: list[bytes], audio: list[bytes]
) -> None:
    prompt = ScriptedPrompt([form, "given"])
    challenge = challenged(as_url(PNG), audio=as_url(WAV, "audio/wav"))
    assert await answer(challenge, prompt) == "given"
    assert (prompt.images, prompt.audio) == (images, audio)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "audioUrl is neither"),
        ("data:audio/wav;base64,AAAA", "something else than audio/wav"),
        ("data:audio/wav;base64,A", "not valid base64"),
        ("data:audio/mpeg;base64,SUQz", "audioUrl is neither"),
        ("data:image/png;base64,iVBORw0KGgo=", "audioUrl is neither"),
        ("https://", "audioUrl is a malformed link"),
    ],
)
async def test_a_sound_that_cannot_be_played_is_refused_even_beside_a_good_picture(
    challenged: Challenged, as_url: AsUrl, url: str, says: str
) -> None:
    prompt = ScriptedPrompt(["picture", "x"])
    with pytest.raises(PluginFailedError, match=says):
        await answer(challenged(as_url(PNG), audio=url), prompt)
    assert (prompt.told, prompt.images, prompt.audio) == ([], [], [])


async def test_the_place_that_cognitos_sample_gives_is_shown_as_it_is(
    challenged: Challenged,
) -> None:
    prompt = ScriptedPrompt(["5"])
    assert await answer(challenged("url/123.jpg"), prompt) == "5"
    assert prompt.links == ["url/123.jpg"]


@pytest.mark.parametrize(
    ("url", "says"),
    [
        (None, "lacks the parameter captchaUrl or audioUrl"),
        ("", "neither"),
        ("url/123.jpg?x", "neither"),
        ("x" * (LONGEST_LINK + 1), "neither"),
        ("file:///etc/passwd", "neither"),
        ("javascript:alert(1)", "neither"),
        ("ftp://example.com/1.png", "neither"),
        ("data:image/svg+xml;base64,PHN2Zy8+", "neither"),
        ("data:text/html;base64,PGI+", "neither"),
        ("data:image/png,abc", "neither"),
        ("data:image/png;base64,", "neither"),
        ("data:image/png;charset=x;base64,AAAA", "neither"),
        ("data:image/png;base64,AA AA", "neither"),
        ("data:image/png;base64,AAAA\n", "neither"),
        ("data:image/png;base64,AA=A", "neither"),
        ("data:image/png;base64,-_-_", "neither"),
        (" data:image/png;base64,AAAA", "neither"),
        ("data:image/png;base64,A", "not valid base64"),
        ("data:image/png;base64,AAAAA", "not valid base64"),
        ("data:image/png;base64,AAAA", "something else than image/png"),
        ("data:image/jpeg;base64,AAAA", "something else than image/jpeg"),
        ("http:", "malformed link"),
        ("https://", "malformed link"),
        ("https:///path", "malformed link"),
        ("https://exa mple.com", "malformed link"),
        ("https://example.com/\x1b[2J", "malformed link"),
        ("https://example.com/\u202egnp.1", "malformed link"),
        ("https://[::1", "malformed link"),
        ("https://example.com@evil.example/1.png", "malformed link"),
        ("https://user:canary@example.com", "malformed link"),
        ("https://example.com\\@evil.example", "malformed link"),
        ("https://example.com:port", "malformed link"),
        ("https://2130706433", "malformed link"),
        ("https://example.com/" + "x" * LONGEST_LINK, "malformed link"),
    ],
)
async def test_what_cannot_be_shown_is_refused_before_anybody_is_asked(
    challenged: Challenged, url: str | None, says: str
) -> None:
    prompt = ScriptedPrompt(["never given"])
    with pytest.raises(PluginFailedError, match=says) as caught:
        await answer(challenged(url), prompt)
    assert caught.value.message.startswith("captcha: ")
    assert (prompt.told, prompt.images, prompt.links) == ([], [], [])
    assert await prompt.ask("") == "never given"


async def test_a_png_that_is_declared_a_jpeg_is_refused(
    challenged: Challenged, as_url: AsUrl
) -> None:
    with pytest.raises(PluginFailedError, match="something else than image/jpeg"):
        await answer(challenged(as_url(PNG, "image/jpeg")), ScriptedPrompt(["x"]))


async def test_the_largest_file_is_shown_and_one_byte_more_is_not(
    challenged: Challenged, as_url: AsUrl
) -> None:
    # What follows the end of a PNG belongs to no picture, and is a simple way to make one longer.
    largest = PNG + b"\0" * (LARGEST_FILE - len(PNG))
    prompt = ScriptedPrompt(["x"])
    await answer(challenged(as_url(largest)), prompt)
    assert prompt.images == [largest]
    with pytest.raises(PluginFailedError, match="larger than 262,144 bytes"):
        await answer(challenged(as_url(largest + b"\0")), ScriptedPrompt(["x"]))


@given(url=st.one_of(st.text().map(" ".__add__), st.text().map("data:image/png;base64,".__add__)))
async def test_no_parameter_makes_it_fail_otherwise(challenged: Challenged, url: str) -> None:
    with pytest.raises(PluginFailedError):
        await answer(challenged(url), ScriptedPrompt(["x"]))


async def test_who_types_nothing_gets_another_one(challenged: Challenged, as_url: AsUrl) -> None:
    assert await answer(challenged(as_url(PNG)), ScriptedPrompt([""])) == ""


def test_a_page_gets_both_forms_and_may_show_one_at_a_time(
    challenged: Challenged, as_url: AsUrl
) -> None:
    challenge = challenged(as_url(PNG), audio=as_url(WAV, "audio/wav"))
    form = CaptchaPrompter().form(challenge)
    parts = form.to_json()["parts"]
    assert [part["kind"] for part in parts] == [
        *("choice", "image", "question", "audio", "question")
    ]
    assert [part["shown_if"] and part["shown_if"]["option"] for part in parts] == [
        *(None, "picture", "picture", "sound", "sound")
    ]
    filled = form.fill({"form": "sound", "picture": "", "sound": "12 34"})
    assert CaptchaPrompter().read(challenge, filled) == "12 34"


def test_it_is_found_by_its_entry_point() -> None:
    assert PluginRegistry(CLIENT_CHALLENGES).find("captcha") is CaptchaPrompter


def test_importing_the_client_half_loads_no_pictures_and_no_triggers() -> None:
    code = (
        "import sys, authflow_captcha.client; "
        "print([m for m in sys.modules if m.split('.')[0] in ('PIL', 'captcha')"
        " or m.startswith(('authflow.triggers', 'authflow_captcha.trigger', 'authflow.pool'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
