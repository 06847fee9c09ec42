"""The client halves: what they tell, what they ask, and what they refuse to show."""

import subprocess
import sys
from typing import Any

import pytest
from authflow_otp.client import HotpPrompter, LinkPrompter, OtpPrompter, TotpPrompter
from authflow_otp.destinations import Medium, blank
from hypothesis import given
from hypothesis import strategies as st

from authflow.errors import AskAgainError, PluginFailedError
from authflow.plugins import (
    CLIENT_CHALLENGES,
    MOST_TYPED,
    Challenge,
    PluginRegistry,
    answer_by_form,
)
from authflow.prompts import ScriptedPrompt

SENT = {
    "destination": "a***@e***",
    "medium": "EMAIL",
    "digits": "6",
    "expiresIn": "300",
    "sent": "true",
    "resend": "resend",
}


class Asked(ScriptedPrompt):
    """Keeps the questions among what was told."""

    async def ask(self, question: str, *, hidden: bool = False) -> str:
        assert not hidden
        self.told.append(question)
        return await super().ask(question)


def made(attempt: int = 1, attempts: int | None = 3, kind: str = "otp", **parameters: str):
    return Challenge(
        name="CUSTOM_CHALLENGE",
        kind=kind,
        parameters=parameters,
        attempt=attempt,
        attempts=attempts,
    )


@pytest.mark.parametrize(
    ("challenge", "told"),
    [
        (
            made(**SENT),
            [
                "A code of 6 digits was sent by e-mail to a***@e***. It is good for 5 min.",
                "The code, or nothing to have it sent again:",
            ],
        ),
        (
            made(2, **{**SENT, "medium": "SMS", "destination": "+*******1234", "expiresIn": "90"}),
            [
                "This is attempt 2 of 3.",
                (
                    "A code of 6 digits was sent again by text message to +*******1234."
                    " It is good for 1 min."
                ),
                "The code, or nothing to have it sent again:",
            ],
        ),
        *(
            (
                made(**{**SENT, "medium": medium.value, "destination": blank(medium)}),
                [
                    f"A code of 6 digits was sent {by} to {blank(medium)}. It is good for 5 min.",
                    "The code, or nothing to have it sent again:",
                ],
            )
            for medium, by in ((Medium.EMAIL, "by e-mail"), (Medium.SMS, "by text message"))
        ),
        (
            made(2, **{**SENT, "sent": "false"}),
            ["This is attempt 2 of 3.", "The code, or nothing to have it sent again:"],
        ),
        (
            made(3, **{**SENT, "sent": "false", "retryAfter": "20"}),
            [
                "This is attempt 3 of 3.",
                "No message can be sent by e-mail for the next 20 seconds.",
                "The code:",
            ],
        ),
        (
            made(3, **{**SENT, "sent": "false", "retryAfter": "3155760000"}),
            [
                "This is attempt 3 of 3.",
                "No message can be sent by e-mail for the next 3155760000 seconds.",
                "The code:",
            ],
        ),
        (
            made(7, None, **{**SENT, "sent": "false"}),
            ["This is attempt 7.", "The code, or nothing to have it sent again:"],
        ),
        (
            made(**{**SENT, "sent": "false", "resend": "\x1b[2J"}),
            ["The code:"],
        ),
    ],
)
async def test_a_person_is_told_where_the_code_is(challenge: Challenge, told: list[str]) -> None:
    prompt = Asked(["471108"])
    assert await answer_by_form(OtpPrompter(), challenge, prompt) == "471108"
    assert prompt.told == told


async def test_nothing_asks_for_the_message_again_unless_it_is_the_last_attempt() -> None:
    assert await answer_by_form(OtpPrompter(), made(**SENT), Asked([" "])) == "resend"
    last = Asked(["", "471108"])
    assert await answer_by_form(OtpPrompter(), made(3, **SENT), last) == "471108"
    assert "Nothing was typed; try again." in last.told


PASTED = [
    "123 456",
    "\u200b123456\ufeff",
    "123\u2013456",
    "\uff11\uff12\uff13456",
    "\u0661\u0662\u0663456",
]


@pytest.mark.parametrize("typed", PASTED, ids=ascii)
@pytest.mark.parametrize("prompter", [OtpPrompter(), TotpPrompter(), HotpPrompter()])
@pytest.mark.parametrize("attempt", [1, 2, 3])
async def test_a_code_is_sent_as_it_was_meant(prompter: Any, typed: str, attempt: int) -> None:
    challenge = made(attempt, kind=prompter.name, **SENT)
    assert await answer_by_form(prompter, challenge, Asked([typed])) == "123456"


@pytest.mark.parametrize("typed", ["\u200b", "\ufeff \u00a0", "\u2060\u00ad", " - "], ids=ascii)
async def test_what_nobody_sees_asks_for_the_message_again_as_nothing_does(typed: str) -> None:
    assert await answer_by_form(OtpPrompter(), made(**SENT), Asked([typed])) == "resend"


async def test_a_text_that_is_too_long_is_no_request_for_another_message() -> None:
    prompt = Asked(["1" * (MOST_TYPED + 1), "471108"])
    assert await answer_by_form(OtpPrompter(), made(**SENT), prompt) == "471108"
    assert "That is too long; type 1,000 characters at most." in prompt.told


@pytest.mark.parametrize("prompter", [OtpPrompter(), TotpPrompter(), HotpPrompter()])
def test_a_page_may_have_the_code_filled_in_by_the_telephone(prompter: Any) -> None:
    (*_, code) = prompter.form(made(kind=prompter.name, **SENT)).to_json()["parts"]
    assert (code["autocomplete"], code["input_mode"]) == ("one-time-code", "numeric")


@pytest.mark.parametrize(
    "change",
    [
        {"destination": "your bank"},
        {"destination": "\x1b[2J***@e***"},
        {"destination": "a***@e*** Call 555 now"},
        {"destination": "ada@example.com"},
        {"destination": "\u202ea***@e***"},
        {"destination": ""},
        {"medium": "PIGEON"},
        {"medium": ""},
        {"digits": "many"},
        {"digits": ""},
        {"expiresIn": "-1"},
        {"expiresIn": "9" * 20},
        {"retryAfter": "\u0661"},
        {"retryAfter": "soon"},
    ],
)
async def test_what_is_not_this_challenge_is_refused_before_anybody_is_asked(
    change: dict[str, str],
) -> None:
    prompt = Asked(["never given"])
    with pytest.raises(PluginFailedError, match="otp: "):
        await answer_by_form(OtpPrompter(), made(**{**SENT, **change}), prompt)
    assert prompt.told == []


@given(parameters=st.dictionaries(st.sampled_from([*SENT, "retryAfter"]), st.text()))
async def test_no_parameter_makes_it_fail_otherwise(parameters: dict[str, str]) -> None:
    prompt = Asked(["x"])
    try:
        assert await answer_by_form(OtpPrompter(), made(**parameters), prompt) == "x"
    except PluginFailedError:
        assert prompt.told == []
    assert all(text.isprintable() for text in prompt.told)


@pytest.mark.parametrize("prompter", [TotpPrompter(), HotpPrompter()])
async def test_an_app_or_a_token_is_asked_for_and_a_retry_says_how_to_go_on(prompter: Any) -> None:
    first, later = Asked(["123456"]), Asked(["654321"])
    assert await answer_by_form(prompter, made(kind=prompter.name), first) == "123456"
    assert len(first.told) == 1
    assert await answer_by_form(prompter, made(2, kind=prompter.name), later) == "654321"
    assert later.told[0].startswith("This is attempt 2 of 3. ")


@pytest.mark.parametrize("made_by", [OtpPrompter, TotpPrompter, HotpPrompter])
def test_each_is_found_by_its_entry_point(made_by: Any) -> None:
    assert PluginRegistry(CLIENT_CHALLENGES).find(made_by.name) is made_by


def test_importing_the_client_half_loads_no_triggers_and_no_senders() -> None:
    code = (
        "import sys, authflow_otp.client; print([m for m in sys.modules if m.startswith(("
        "'aiosmtplib', 'pyotp', 'segno', 'authflow.triggers', 'authflow.pool',"
        " 'authflow_otp.trigger', 'authflow_otp.senders', 'authflow_otp.enrol'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


LINKED = {"destination": "a***@e***", "medium": "EMAIL", "expiresIn": "300", "sent": "true"}
TOKEN = "link" + "abcdefghijklmnopqrstuvwxyz234567" * 3


@pytest.mark.parametrize(
    ("challenge", "told"),
    [
        (
            made(kind="link", **LINKED),
            [
                "A link was sent by e-mail to a***@e***. It is good for 5 min.",
                "Open the link in this browser, or paste it here:",
            ],
        ),
        (
            made(2, kind="link", **{**LINKED, "expiresIn": "59", "number": "004271"}),
            [
                "This is attempt 2 of 3.",
                "A link was sent by e-mail to a***@e***. It is good for 1 min.",
                (
                    "You may open the link in another browser or on another device: there, type the"
                    " number 004 271. It is for this window alone."
                ),
                "The link, or nothing once you have typed the number there:",
            ],
        ),
        (
            made(3, kind="link", **{**LINKED, "expiresIn": "0"}),
            [
                "This is attempt 3 of 3.",
                "The link has expired. Begin to sign in again.",
                "Open the link in this browser, or paste it here:",
            ],
        ),
    ],
)
async def test_a_person_is_told_where_the_link_is(challenge: Challenge, told: list[str]) -> None:
    prompt = Asked([f"https://shop.example.com/link#{TOKEN}"])
    assert await answer_by_form(LinkPrompter(), challenge, prompt) == TOKEN
    assert prompt.told == told


@pytest.mark.parametrize(
    ("wait", "seconds"),
    [("0", 1), ("20", 20), ("999999", 300), ("2591969", 300), ("3155760000", 300)],
)
def test_when_no_link_could_be_sent_a_person_waits_for_it(wait: str, seconds: int) -> None:
    plugin = LinkPrompter()
    challenge = made(kind="link", **{**LINKED, "sent": "false", "retryAfter": wait})
    form = plugin.form(challenge)
    (waiting,) = form.fields
    assert waiting.poll_after == seconds  # type: ignore[union-attr]
    assert plugin.read(challenge, form.fill({})) == "waited"
    assert plugin.read(challenge, form.fill({"link": TOKEN})) == TOKEN


@pytest.mark.parametrize("typed", ["", " ", "\u2060", "\u200b\u3000", " - "])
def test_nothing_means_that_it_was_confirmed_where_there_is_a_number(typed: str) -> None:
    plugin, challenge = LinkPrompter(), made(kind="link", number="004271", **LINKED)
    assert plugin.read(challenge, plugin.form(challenge).fill({"link": typed})) == "elsewhere"
    alone = made(kind="link", **LINKED)
    with pytest.raises(AskAgainError) as again:
        plugin.read(alone, plugin.form(alone).fill({"link": typed}))
    assert again.value.field == "link"


@pytest.mark.parametrize("number", [{}, {"number": "004271"}])
@given(typed=st.text())
def test_what_is_no_link_is_asked_for_again_and_not_shown(
    number: dict[str, str], typed: str
) -> None:
    plugin, challenge = LinkPrompter(), made(kind="link", **number, **LINKED)
    with pytest.raises(AskAgainError) as again:
        plugin.read(challenge, plugin.form(challenge).fill({"link": f"canary {typed}"}))
    assert again.value.field == "link"
    assert "canary" not in again.value.message


@pytest.mark.parametrize(
    "change",
    [
        {"destination": "ada@example.com"},
        {"destination": "\x1b[2J"},
        {"medium": "PIGEON"},
        {"expiresIn": "-1"},
        {"expiresIn": ""},
        {"retryAfter": "soon"},
        {"number": ""},
        {"number": "4271"},
        {"number": "call +49"},
        {"number": "\u0664" * 6},
    ],
)
def test_what_link_does_not_make_is_refused(change: dict[str, str]) -> None:
    with pytest.raises(PluginFailedError, match="link: "):
        LinkPrompter().form(made(kind="link", **{**LINKED, **change}))
