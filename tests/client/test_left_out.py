"""Pictures and sounds that tickets leave out, and what a form says in their place."""

import base64
import itertools
from typing import Any

import pytest
from authflow_captcha.client import CaptchaPrompter

from authflow import Challenge, Declined, Filled
from authflow.client.answerer import Answerer
from authflow.client.challenge_parameters import read_challenge
from authflow.client.left_out import files_in, told, with_beginnings
from authflow.errors import PluginFailedError
from authflow.forms.fields import TextField
from authflow.forms.form import Form
from authflow.forms.shown import ShownImage, ShownText
from authflow.plugins import CLIENT_CHALLENGES, PluginRegistry

PNG = "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(900)).decode()
WAV = "data:audio/wav;base64," + base64.b64encode(b"RIFF1234WAVE" + bytes(900)).decode()
FILES = {"captchaUrl": PNG, "audioUrl": WAV}


def asked(kind: str = "captcha", **parameters: str) -> Challenge:
    return Challenge(name="CUSTOM_CHALLENGE", kind=kind, parameters=parameters, attempt=2)


def sealed(challenge: Challenge) -> Challenge:
    """What comes back of a challenge whose ticket was sealed without files."""
    left_out = files_in(challenge.parameters)
    kept = {name: challenge.parameters[name] for name in challenge.parameters.keys() - left_out}
    return Challenge(
        name=challenge.name,
        kind=challenge.kind,
        parameters=kept,
        attempt=challenge.attempt,
        left_out=left_out,
    )


def answerer(*challenges: Any) -> Answerer:
    return Answerer(PluginRegistry(CLIENT_CHALLENGES, challenges, discover=False))


@pytest.mark.parametrize(
    "value",
    [
        *(PNG, WAV, PNG.upper(), PNG.replace("data:", "DATA:"), PNG.replace("image", "Image")),
        PNG.replace("png", "svg+xml"),
        PNG.replace("png", "vnd.microsoft.icon"),
        WAV.replace("wav", "ogg;codecs=opus"),
        WAV.replace(";base64", ";charset=x;name=y;Base64"),
    ],
)
def test_a_long_data_url_of_a_picture_or_a_sound_is_a_file_and_little_of_it_stays(value: str):
    (beginning,) = files_in({"a": value}).values()
    assert value.startswith(beginning)
    assert ";base64," in beginning.lower()
    assert len(beginning) < 180


@pytest.mark.parametrize("count", [1, 2, 4, 5, 15, 40])
def test_of_many_files_little_stays_together_and_of_each_what_it_is(count: int):
    files = files_in({f"file{n}": (PNG, WAV)[n % 2] for n in range(count)})
    kept = [beginning.partition(",")[2] for beginning in files.values()]
    assert sum(map(len, kept)) <= max(256, 16 * count)
    assert all(len(text) % 4 == 0 for text in kept)  # whole bytes
    for text, whole in zip(kept, itertools.cycle((PNG, WAV))):
        assert whole.partition(",")[2].startswith(text)
        assert len(base64.b64decode(text)) >= len(b"RIFF1234WAVE")


@pytest.mark.parametrize(
    "value",
    [
        *("", "data:", "x" * 5000, "https://example.com/" + "data:" * 300, PNG[:256]),
        *("xdata:" + PNG, " " + PNG, "data:" + "x" * 300, "data:text/plain," + "é" * 300),
        "Data: in quale giorno hai aperto il tuo primo conto presso la nostra banca? " * 9,
        "data:image/png: " + "what does it show? " * 30,
        "data:image/png," + "%89PNG" * 90,  # which is no base64, and rare
        "data:text/html;base64," + "QUJD" * 90,
        "data:application/pdf;base64," + "QUJD" * 90,
        "data:image/;base64," + "QUJD" * 90,
        "data:;base64," + "QUJD" * 90,
    ],
)
def test_everything_else_stays(value: str):
    assert files_in({"a": value}) == {}


@pytest.mark.parametrize("names", [["captchaUrl"], ["audioUrl"], ["captchaUrl", "audioUrl"]])
def test_a_form_has_the_same_fields_and_says_that_the_file_was_shown_before(names: list[str]):
    challenge = asked(**{name: FILES[name] for name in names})
    before = answerer(CaptchaPrompter).form(challenge)
    again = answerer(CaptchaPrompter).form(sealed(challenge))
    assert again.fields == before.fields
    assert len(again.parts) == len(before.parts)
    texts = [part for part in again.parts if isinstance(part, ShownText)]
    told_before = [part.text for part in texts if "before" in part.text]
    assert len(told_before) == len(names)
    assert ("picture was shown before" in "".join(told_before)) is ("captchaUrl" in names)
    assert ("sound was played before" in "".join(told_before)) is ("audioUrl" in names)
    conditions = [part.shown_if for part in before.parts]
    assert [part.shown_if for part in again.parts] == conditions


def test_what_is_filled_in_is_read_as_before():
    challenge = asked(captchaUrl=PNG)
    filled = answerer(CaptchaPrompter).form(challenge).fill({"picture": "k7x"})
    assert answerer(CaptchaPrompter).read(sealed(challenge), filled).reveal() == "k7x"


def test_a_picture_that_was_left_out_makes_no_other_attempt():
    """Where the triggers do not say which attempt it is, the parameters' names do."""
    challenge = read_challenge("CUSTOM_CHALLENGE", {"captchaUrl": PNG, "hint": "x"})
    asked_again = {"captchaUrl": WAV, "hint": "y"}
    for previous in (challenge, sealed(challenge)):
        assert read_challenge("CUSTOM_CHALLENGE", asked_again, previous).attempt == 2


class Whole:
    """Wants the whole file, in form and read."""

    name, interface = "whole", 2

    def form(self, challenge: Challenge) -> Form:
        content = base64.b64decode(challenge.parameters["captchaUrl"].partition(",")[2])
        if len(content) < 900:
            raise ValueError(challenge.parameters["captchaUrl"])
        own = ShownImage(content=b"logo", media_type="image/png", description="our logo")
        return Form(parts=(own, TextField(name="a", label="?")))

    def read(self, challenge: Challenge, filled: Filled) -> str:
        return filled["a"]


def test_a_plugin_that_cannot_do_without_declines_and_the_reason_says_what_to_do():
    assert isinstance(answerer(Whole).form(asked("whole", captchaUrl=PNG)), Form)
    declined = answerer(Whole).form(sealed(asked("whole", captchaUrl=PNG)))
    assert isinstance(declined, Declined)
    assert "pictures=True" in declined.reason
    assert "data:" not in declined.reason


@pytest.mark.parametrize("url", [PNG.replace("png", "gif"), PNG.replace("data:", "DATA:")])
def test_a_broken_challenge_is_told_after_a_ticket_as_before(url: str):
    told = []
    for challenge in (asked(captchaUrl=url), sealed(asked(captchaUrl=url))):
        with pytest.raises(PluginFailedError, match="neither a base64 data: URL") as failed:
            answerer(CaptchaPrompter).form(challenge)
        told.append(str(failed.value))
    assert told[0] == told[1]


def test_a_broken_plugin_is_told_as_ever_where_nothing_was_left_out():
    with pytest.raises(PluginFailedError):
        answerer(Whole).form(asked("whole", captchaUrl=PNG[:200]))


def test_pictures_of_the_plugins_own_are_shown():
    form = Form(parts=(ShownImage(content=b"logo", media_type="image/png", description="logo"),))
    assert told(form, {"a": PNG[:90]}) == form


def test_a_challenge_of_which_nothing_was_left_out_is_the_same():
    challenge = asked(captchaUrl=PNG)
    assert with_beginnings(challenge) is challenge
