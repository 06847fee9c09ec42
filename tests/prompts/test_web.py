import gc
import json
import warnings

import anyio
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from authflow import AuthClient, AuthFlow, SignedIn
from authflow.client import WebPrompt
from authflow.errors import (
    ConfigError,
    MisuseError,
    NextStep,
    PluginFailedError,
    PromptEndedError,
)
from authflow.forms.fields import MOST_OPTIONS
from authflow.forms.shown import LARGEST_FILE, ShownText
from authflow.plugins import (
    ChoiceField,
    Form,
    Option,
    SecretField,
    ShownIf,
    TextField,
    WaitField,
    WidgetField,
)
from authflow.plugins.typed_text import shows_nothing
from authflow.prompts import PartKind, ScriptedPrompt, WebMessage
from authflow.prompts.asking import ask
from authflow.triggers import Triggers, any_of, challenge, sequence


@pytest.fixture
def prompt() -> WebPrompt:
    return WebPrompt()


async def test_a_sign_in_is_answered_by_messages(live_pool, word, prompt):
    class Other(word):
        name, metadata = "other", "OTHER"

    class Asks:
        name = "word"

        async def answer(self, challenge, prompt):
            await prompt.tell("hello")
            return await prompt.ask(challenge.parameters["hint"], hidden=True)

    class AsksToo(Asks):
        name = "other"

    triggers = Triggers(
        policy=sequence(any_of(challenge("other"), challenge("word"))), challenges=[word, Other]
    )
    results = []

    async def sign_in(auth: AuthClient) -> None:
        results.append(await auth.sign_in("ada", prompt=prompt))
        prompt.close()

    seen = []
    async with live_pool(triggers=triggers) as pool:
        await pool.add_user()
        config = await pool.app_client(flow=AuthFlow.CUSTOM_AUTH)
        async with (
            AuthClient(config, challenges=[Asks, AsksToo], discover=False) as auth,
            anyio.create_task_group() as tasks,
        ):
            tasks.start_soon(sign_in, auth)
            async for message in prompt:
                seen.append(json.loads(json.dumps(message.to_json())))
                if message.wants_answer:
                    chooses = message.kind is PartKind.CHOICE
                    prompt.answer(message.id, "word" if chooses else "open sesame")
    assert isinstance(results[0], SignedIn)
    assert [each["kind"] for each in seen] == ["choice", "text", "secret"]
    assert [option["value"] for option in seen[0]["options"]] == ["other", "word"]


async def test_what_is_shown_needs_no_answer_and_pictures_are_data_urls(prompt):
    await prompt.show_image(b"\x89PNG", "image/png", "a picture")
    await prompt.play_audio(b"RIFF", "audio/wav", "a sound")
    await prompt.show_link("https://example.com", "a place", qr=True)
    prompt.close()
    shown = [message async for message in prompt]
    assert [message.to_json()["url"] for message in shown] == [
        "data:image/png;base64,iVBORw==",
        "data:audio/wav;base64,UklGRg==",
        "https://example.com",
    ]
    assert not any(message.wants_answer for message in shown)
    assert shown[2].kind is PartKind.QR_CODE


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
async def test_all_that_plugins_of_interface_1_show_and_ask_is_a_message(prompt, kind):
    await prompt.show_image(kind(b"\x89PNG"), "image/png", "a picture")
    await prompt.play_audio(kind(b"RIFF"), "audio/wav", "a sound")
    await prompt.show_link("https://example.com/" + "x" * 100_000, "a place")
    await prompt.tell("\0" * 131_072)  # the longest challenge parameter, all of it escaped
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(prompt.choose, "which?", [f"option {number}" for number in range(500)])
        shown = [await anext(prompt) for _ in range(5)]
        prompt.answer(shown[-1].id, "option 499")
    assert [each.kind for each in shown] == ["image", "audio", "link", "text", "choice"]


async def test_a_plugin_of_interface_1_may_show_a_file_that_no_form_may_hold(prompt):
    await prompt.show_image(b"x" * (LARGEST_FILE + 1), "image/png", "a picture")
    await prompt.play_audio(b"x" * (LARGEST_FILE + 1), "audio/wav", "a sound")
    prompt.close()
    assert [len(each.part.content) async for each in prompt] == [LARGEST_FILE + 1] * 2


OPTIONS = st.text(st.sampled_from("a\\x1b\x1b1. \u2800\u200b\n"), max_size=5)


@given(options=st.lists(OPTIONS, min_size=1, max_size=8), place=st.integers(0, 7))
@example(options=["a"], place=0)
@example(options=["", "b"], place=0)
@example(options=["a", "a", "b"], place=1)
@example(options=["a\x1b", "a\\x1b"], place=1)
@example(options=["1. a", "", "2. "], place=0)
@example(options=[str(number) for number in range(MOST_OPTIONS + 1)], place=7)
def test_whatever_a_plugin_of_interface_1_lets_choose_can_be_told_apart_and_chosen(options, place):
    place %= len(options)

    async def choose() -> str:
        prompt, chosen = WebPrompt(), []

        async def asking() -> None:
            chosen.append(await prompt.choose("which?", options))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(asking)
            message = await anext(prompt)
            shown = [option["value"] for option in message.to_json()["options"]]
            assert len(shown) == len({*options})
            assert not any(map(shows_nothing, shown))
            prompt.answer(message.id, shown[[*dict.fromkeys(options)].index(options[place])])
        return chosen[0]

    assert anyio.run(choose) == options[place]


FIELDS = {
    "typed": TextField(
        name="code",
        label="code?",
        required=False,
        longest=6,
        autocomplete="one-time-code",
        input_mode="numeric",
    ),
    "hidden": SecretField(name="pin", label="pin?", longest=4, autocomplete="current-password"),
    "two": ChoiceField(
        name="by",
        label="by?",
        options=(Option(value="sms", label="a text"), Option(value="email", label="a letter")),
    ),
    "token": WidgetField(name="token", label="", service="turnstile", site_key="k", action="in"),
    "": WaitField(name="tap", label="Tap it."),
    "opened": WaitField(name="link", label="Open it.", poll_after=30, longest=99),
}


@pytest.mark.parametrize(("answer", "part"), FIELDS.items(), ids=lambda each: type(each).__name__)
async def test_a_page_gets_the_fields_of_a_form_as_they_are_and_answers_their_values(
    prompt, answer, part
):
    filled, form = [], Form(parts=(part,))
    answer = "sms" if isinstance(part, ChoiceField) else answer[: getattr(part, "longest", 9)]

    async def run() -> None:
        filled.append(await ask(form, prompt))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run)
        message = await anext(prompt)
        prompt.answer(message.id, answer)
    written = message.to_json()
    assert written.pop("id") == message.id
    assert written.pop("wants_answer") is (getattr(part, "poll_after", None) is None)
    assert Form.from_json({"parts": [written]}) == form
    assert filled == [form.fill({part.name: answer})]


async def test_a_page_chooses_the_value_of_an_option(prompt):
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask, Form(parts=(FIELDS["two"],)), prompt)
        message = await anext(prompt)
        for foreign in ("a text", "", "fax"):
            with pytest.raises(MisuseError, match="options"):
                prompt.answer(message.id, foreign)
        prompt.answer(message.id, "email")


async def test_what_is_too_long_for_a_field_is_asked_for_again_on_a_page(prompt):
    form, filled = Form(parts=(FIELDS["typed"],)), []

    async def run() -> None:
        filled.append(await ask(form, prompt))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run)
        prompt.answer((await anext(prompt)).id, "1234567")
        assert (await anext(prompt)).part.text == "That is too long; type 6 characters at most."
        prompt.answer((await anext(prompt)).id, "123456")
    assert filled[0]["code"] == "123456"


async def test_no_answer_is_longer_than_cognito_takes(prompt):
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(prompt.ask, "code?")
        message = await anext(prompt)
        with pytest.raises(MisuseError, match="131,072 characters at most"):
            prompt.answer(message.id, "x" * 131_073)
        prompt.answer(message.id, "x" * 131_072)


async def test_a_wait_for_some_seconds_is_over_by_itself(prompt, monkeypatch):
    limits, move_on_after = [], anyio.move_on_after

    def at_once(seconds):
        limits.append(seconds)
        return move_on_after(0)

    monkeypatch.setattr(anyio, "move_on_after", at_once)
    form = Form(parts=(FIELDS["opened"],))
    assert await ask(form, prompt) == form.fill({"link": ""})
    assert limits == [30]
    with pytest.raises(MisuseError, match="no question 1 "):
        prompt.answer(1, "late")


async def test_what_a_plugin_of_interface_1_waits_for_is_not_the_pages_to_answer(prompt):
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(prompt.wait_for, "Tap it.", anyio.sleep_forever())
        message = await anext(prompt)
        assert (message.kind, message.wants_answer) == (PartKind.WAITING, False)
        assert message.to_json()["wants_answer"] is False
        with pytest.raises(MisuseError, match="no question"):
            prompt.answer(message.id, "")
        tasks.cancel_scope.cancel()


@pytest.mark.parametrize("answer", FIELDS)
async def test_a_form_ends_where_its_page_is_closed_and_counts_as_not_answered(prompt, answer):
    ended = []

    async def run() -> None:
        with pytest.raises(PromptEndedError, match="closed"):
            await ask(Form(parts=(FIELDS[answer],)), prompt)
        ended.append(answer)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run)
        await anext(prompt)
        prompt.close()
    assert ended == [answer]
    with pytest.raises(PromptEndedError, match="closed"):
        await ask(Form(parts=(FIELDS[answer],)), prompt)


async def test_waiting_gives_what_comes_of_it(prompt):
    async def tapped() -> str:
        return "yes"

    assert await prompt.wait_for("tap", tapped()) == "yes"


async def test_who_cancels_a_wait_is_not_told_that_the_page_was_closed(prompt):
    with anyio.move_on_after(0.01) as limit:
        await prompt.wait_for("tap", anyio.sleep_forever())
    assert limit.cancelled_caught
    prompt.close()
    assert [message.part.label async for message in prompt] == ["tap"]


@pytest.mark.parametrize("option", ["a", "b"])
async def test_no_message_names_a_choice_that_stands_in_another_one(prompt, option):
    chosen = ShownIf(choice="How", option=option)
    widget = {"service": "turnstile", "site_key": "key", "shown_if": chosen}
    form = Form(
        parts=(
            ChoiceField(name="How", label="How?", options=("a", "b")),
            WidgetField(name="token", label="Solve it", **widget),
        )
    )
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask, form, prompt)
        question = await anext(prompt)
        prompt.answer(question.id, option)
        message = await anext(prompt)
        assert message.part.shown_if is None
        assert "shown_if" in message.to_json()
        prompt.answer(message.id, "solved")


async def test_an_answer_to_nothing_a_second_one_and_a_foreign_option_are_refused(prompt):
    with pytest.raises(MisuseError, match="no question 1"):
        prompt.answer(1, "early")

    chosen = []

    async def choose() -> None:
        chosen.append(await prompt.choose("which?", ["a", "b"]))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(choose)
        message = await anext(prompt)
        with pytest.raises(MisuseError, match="options"):
            prompt.answer(message.id, "c")
        prompt.answer(message.id, "b")
        with pytest.raises(MisuseError, match="no question"):
            prompt.answer(message.id, "a")
    assert chosen == ["b"]


async def test_a_question_that_was_cancelled_takes_no_answer(prompt):
    with anyio.move_on_after(0.01):
        await prompt.ask("too late")
    message = await anext(prompt)
    with pytest.raises(MisuseError, match="no question"):
        prompt.answer(message.id, "late")


ASKING = [
    lambda prompt: prompt.ask("your code"),
    lambda prompt: prompt.ask("your code", hidden=True),
    lambda prompt: prompt.choose("your code", ["a", "b"]),
    lambda prompt: prompt.wait_for("your code", anyio.sleep_forever()),
]


@pytest.mark.parametrize("ask", ASKING)
async def test_who_waits_when_the_page_is_closed_is_told_that_nobody_answers(prompt, ask):
    ended = []

    async def asking():
        with pytest.raises(PromptEndedError, match="closed: your code") as told:
            await ask(prompt)
        ended.append(told.value)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(asking)
        await anyio.wait_all_tasks_blocked()
        prompt.close()
    assert (ended[0].code, ended[0].next_step) == ("prompt_ended", NextStep.GIVE_UP)
    with pytest.raises(MisuseError, match="no question"):
        prompt.answer(1, "late")


@pytest.mark.parametrize("ask", ASKING)
async def test_a_closed_page_is_asked_nothing(prompt, ask):
    prompt.close()
    with pytest.raises(PromptEndedError):
        await ask(prompt)
    assert [message async for message in prompt] == []


async def test_what_was_answered_before_the_page_was_closed_counts(prompt):
    given = []

    async def asking():
        given.append(await prompt.ask("your code"))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(asking)
        await anyio.wait_all_tasks_blocked()
        prompt.answer(1, "")
        prompt.close()
    assert given == [""]


@pytest.mark.parametrize(
    "number",
    [[], {}, set(), 10**5000, -1, 0, None, "1", True, 1.0],
    ids=lambda it: type(it).__name__,
)
async def test_what_is_no_number_of_a_question_is_refused(prompt, number):
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(prompt.ask, "?")
        message = await anext(prompt)
        assert message.id == 1
        with pytest.raises(MisuseError, match=r"no question .* is waiting"):
            prompt.answer(number, "x")
        prompt.answer(1, "x")


@pytest.mark.parametrize("number", [0, -1, True, 1.0, "1", None, float("nan"), [], 10**400])
def test_a_messages_number_is_a_whole_one(number):
    with pytest.raises(ConfigError, match="WebMessage: id"):
        WebMessage(id=number, part=ShownText(text="x"))


@pytest.mark.parametrize("options", ["ab", b"ab", None, 5, {"a", "b"}])
async def test_what_is_no_list_of_options_lets_nothing_choose(prompt, options):
    with pytest.raises(PluginFailedError, match="options to choose from"):
        await prompt.choose("?", options)


async def test_what_cannot_be_waited_for_is_not_left_unawaited(prompt):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(PluginFailedError):
            await prompt.wait_for(5, anyio.sleep(0))
        gc.collect()


@pytest.mark.parametrize("answers", ["canary", b"canary", 5, None])
def test_a_script_is_a_list_of_answers(answers):
    with pytest.raises(MisuseError, match="as a list of texts") as told:
        ScriptedPrompt(answers)
    assert "canary" not in str(told.value)
