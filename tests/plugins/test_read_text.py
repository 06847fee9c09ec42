"""What nobody can see, and what is no code and no word, is asked for again and costs no attempt."""

import sys
import unicodedata
from functools import cache
from typing import Any

import pytest
from authflow_otp.client import HotpPrompter, OtpPrompter, TotpPrompter
from authflow_question.client import QuestionPrompter
from hypothesis import given, settings
from hypothesis import strategies as st

from authflow import AskAgainError, Challenge
from authflow.client.challenges import FORMS
from authflow.client.challenges.codes import form as code_form
from authflow.plugins import Form, SecretField, TextField, read_code, read_words
from authflow.plugins.form_challenge import answer_by_form
from authflow.prompts import ScriptedPrompt


@cache
def unseen() -> list[str]:
    """Return what nobody can see. Who only collects the tests need not look for it."""
    return [
        sign
        for sign in map(chr, range(sys.maxunicode + 1))
        if unicodedata.category(sign) in {"Zs", "Zl", "Zp", "Cf", "Cc"}
    ] + ["\u2800", "\u3164", "\u115f", "\ufe0f", "\u034f", "\x1b[200~", "\x1b[201~"]


BLANKS = st.deferred(lambda: st.lists(st.sampled_from(unseen()), max_size=6).map("".join))
DASHES = st.lists(st.sampled_from([*"-\u2010\u2013\u2014\u2212 ", "\u2060"]), max_size=6).map(
    "".join
)
MARKS = st.lists(st.sampled_from([*".,;:!?-_/ ", "\u200b", "\u2026"]), max_size=6).map("".join)


def asked(kind: str, **parameters: str) -> Challenge:
    return Challenge(
        name="CUSTOM_CHALLENGE", kind=kind, parameters=parameters, attempts=3, attempt=3
    )


SENT = {"destination": "a***@e***", "medium": "EMAIL", "digits": "6", "expiresIn": "300"}
PLUGINS: list[tuple[Any, Challenge]] = [
    (TotpPrompter, asked("totp")),
    (HotpPrompter, asked("hotp")),
    (OtpPrompter, asked("otp", resend="resend", **SENT)),
    (QuestionPrompter, asked("question", question="Which street?")),
]


@settings(max_examples=30)
@given(typed=BLANKS)
def test_what_nobody_can_see_does_not_fill_in_a_required_field(typed: str):
    for kind in (TextField, SecretField):
        for autocomplete in (None, "one-time-code", "off"):
            form = Form(parts=(kind(name="x", label="", autocomplete=autocomplete),))
            with pytest.raises(AskAgainError, match="Nothing was typed") as told:
                form.fill({"x": typed})
            assert told.value.field == "x"
            seen = typed + "7"
            assert form.fill({"x": seen})["x"] == seen
        form = Form(parts=(kind(name="x", label="", required=False),))
        assert form.fill({"x": typed})["x"] == typed


@given(typed=BLANKS)
def test_a_password_is_taken_sign_for_sign_and_only_nothing_is_none(typed: str):
    for autocomplete in ("current-password", "new-password"):
        form = Form(parts=(SecretField(name="x", label="", autocomplete=autocomplete),))
        if typed:
            assert form.fill({"x": typed})["x"] == typed
        else:
            with pytest.raises(AskAgainError):
                form.fill({"x": typed})


@pytest.mark.parametrize(("plugin", "challenge"), PLUGINS)
async def test_our_plugins_ask_again_until_there_is_something_to_answer(plugin, challenge):
    typed = ["", "  ", "\u2060", "\u200b", "\u3000\u2800", " - ", "\u2014", "482913"]
    prompt = ScriptedPrompt(typed)
    assert await answer_by_form(plugin(), challenge, prompt) == "482913"
    told = [each for each in prompt.told if "Nothing was typed" in each]
    assert len(told) == len(typed) - 1


@settings(max_examples=30)
@given(data=st.data())
def test_what_has_no_part_of_an_answer_is_never_one(data: Any):
    for plugin, challenge in PLUGINS:
        empty = data.draw(MARKS if plugin is QuestionPrompter else DASHES)
        form = plugin().form(challenge)
        name = form.fields[0].name
        with pytest.raises(AskAgainError, match="Nothing was typed") as told:
            plugin().read(challenge, form.fill({name: empty}))
        assert told.value.field == name


@pytest.mark.parametrize("name", ["SMS_MFA", "SOFTWARE_TOKEN_MFA", "EMAIL_OTP"])
@given(typed=DASHES)
def test_cognitos_own_codes_are_asked_for_again(name: str, typed: str):
    challenge = Challenge(name=name)
    with pytest.raises(AskAgainError, match="Nothing was typed"):
        FORMS[name].read(challenge, code_form(challenge).fill({"code": typed}))


def test_codes_and_words_are_read_as_they_are_compared():
    form = Form(parts=(TextField(name="x", label=""),))
    assert read_code(form.fill({"x": " 482-913 "}), "x") == "482913"
    assert read_words(form.fill({"x": " The  Straße. "}), "x") == "the strasse"
