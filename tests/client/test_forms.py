"""What `AuthClient.form` gives, and what becomes of it when it is filled in."""

import json
import re
import traceback
from collections.abc import Mapping
from typing import Any, ClassVar

import anyio
import pytest
from attrs import evolve
from hypothesis import example, given
from hypothesis import strategies as st

from authflow import (
    AskAgainError,
    AuthClient,
    AuthConfig,
    AuthFlow,
    Challenge,
    ChallengeRequired,
    Choice,
    Code,
    Declined,
    NewPassword,
    Secret,
    SignedIn,
    Tokens,
)
from authflow.client import ScriptedPrompt
from authflow.client.answerer import Answerer
from authflow.client.challenges import FORMS, mfa_setup, respond
from authflow.errors import (
    AnswerNotSupportedError,
    AuthFlowError,
    MalformedReplyError,
    MisuseError,
    PluginFailedError,
    PluginNotFoundError,
    SignInOverError,
)
from authflow.forms.form import Form
from authflow.given_secrets import is_text
from authflow.machine import State
from authflow.plugins import CLIENT_CHALLENGES, ChoiceField, Filled, PluginRegistry, TextField
from authflow.sign_in import SignIn
from authflow.triggers import Triggers, any_of, challenge, sequence


class WordForm:
    """The client half of the challenge "word", in interface 2."""

    name, interface = "word", 2

    def form(self, challenge: Challenge) -> Any:
        return Form(parts=(TextField(name="word", label=challenge.parameters["hint"]),))

    def read(self, challenge: Challenge, filled: Filled) -> Any:
        if " " not in filled["word"]:
            msg = "Two words, please."
            raise AskAgainError(msg, field="word")
        return filled["word"]


class OtherForm(WordForm):
    name = "other"


def triggers(word: Any) -> Triggers:
    class Other(word):
        name, metadata = "other", "OTHER"

    policy = sequence(any_of(challenge("other"), challenge("word")))
    return Triggers(policy=policy, challenges=[word, Other])


async def test_a_page_goes_through_a_choice_and_a_challenge_by_forms_alone(live_pool, word):
    filled = [{"option": "word"}, {"word": "wrong word"}, {"word": "open sesame"}]
    async with live_pool(triggers=triggers(word)) as pool:
        await pool.add_user()
        config = await pool.app_client(flow=AuthFlow.CUSTOM_AUTH)
        async with AuthClient(config, challenges=[WordForm, OtherForm], discover=False) as auth:
            result = await auth.sign_in("ada")
            for values in filled:
                form = auth.form(result)
                assert form == auth.form(result)
                result = await auth.answer(result, form.fill(values))
    assert isinstance(result, SignedIn)


async def test_where_one_option_can_be_answered_nothing_is_asked(live_pool, word):
    async with live_pool(triggers=triggers(word)) as pool:
        await pool.add_user()
        config = await pool.app_client(flow=AuthFlow.CUSTOM_AUTH)
        async with AuthClient(config, challenges=[WordForm], discover=False) as auth:
            pending = await auth.sign_in("ada")
            form = auth.form(pending)
            assert form == Form(parts=())
            pending = await auth.answer(pending, form.fill({}))
            assert pending.challenge.kind == "word"
        async with AuthClient(config, discover=False) as auth:
            assert auth.form(await auth.sign_in("ada")) is None


async def test_what_cannot_be_read_is_told_and_the_same_challenge_can_be_answered_again(
    live_pool, word
):
    policy = Triggers(policy=sequence(challenge("word", attempts=1)), challenges=[word])
    async with live_pool(triggers=policy) as pool:
        await pool.add_user()
        config = await pool.app_client(flow=AuthFlow.CUSTOM_AUTH)
        async with AuthClient(config, challenges=[WordForm], discover=False) as auth:
            pending = await auth.sign_in("ada")
            form = auth.form(pending)
            for _ in range(5):
                with pytest.raises(AskAgainError, match="Two words") as told:
                    await auth.answer(pending, form.fill({"word": "canary"}))
                assert told.value.field == "word"
            result = await auth.answer(pending, form.fill({"word": "open sesame"}))
    assert isinstance(result, SignedIn)


async def test_a_prompt_is_asked_the_form_and_told_what_cannot_be_read(live_pool, word):
    policy = Triggers(policy=sequence(challenge("word", attempts=1)), challenges=[word])
    prompt = ScriptedPrompt(["sesame", "", "open sesame"])
    async with live_pool(triggers=policy) as pool:
        await pool.add_user()
        config = await pool.app_client(flow=AuthFlow.CUSTOM_AUTH)
        async with AuthClient(config, challenges=[WordForm], discover=False) as auth:
            assert isinstance(await auth.sign_in("ada", prompt=prompt), SignedIn)
    assert prompt.told == ["Two words, please.", "Nothing was typed; try again."]


async def test_an_answer_of_its_own_goes_first_where_there_is_a_prompt(live_pool, word):
    class Both(WordForm):
        async def answer(self, challenge: Any, prompt: Any) -> str:
            return await prompt.choose("Which?", ["no", "open sesame"])

        def read(self, challenge: Challenge, filled: Filled) -> Any:
            return "what a page sends"

    policy = Triggers(policy=sequence(challenge("word")), challenges=[word])
    async with live_pool(triggers=policy) as pool:
        await pool.add_user()
        config = await pool.app_client(flow=AuthFlow.CUSTOM_AUTH)
        async with AuthClient(config, challenges=[Both], discover=False) as auth:
            prompt = ScriptedPrompt(["open sesame"])
            assert isinstance(await auth.sign_in("ada", prompt=prompt), SignedIn)
            assert isinstance(auth.form(await auth.sign_in("ada")), Form)


def asked(name: str, kind: str | None = None, **parameters: str) -> Challenge:
    return Challenge(name=name, kind=kind, parameters=parameters)


def pending(asked_for: Challenge) -> ChallengeRequired:
    state = State(asked_for.name) if asked_for.name in list(State) else State.CUSTOM_CHALLENGE
    sign_in = SignIn(
        flow=AuthFlow.CUSTOM_AUTH,
        state=state,
        username="ada",
        canonical_username="ada",
        session=Secret("session"),
        expires_at=4e9,
    )
    return ChallengeRequired(challenge=asked_for, sign_in=sign_in)


def client(*halves: Any) -> AuthClient:
    config = AuthConfig(user_pool_id="eu-central-1_Abc123def", client_id="1example23456789")
    return AuthClient(config, challenges=halves, discover=False)


MFA = json.dumps(["SMS_MFA", "SOFTWARE_TOKEN_MFA", "EMAIL_MFA"])
PASSWORD = {"requiredAttributes": json.dumps(["userAttributes.given_name", "userAttributes.größe"])}


@pytest.mark.parametrize(
    ("challenge", "kinds", "values", "answer"),
    [
        (asked("SOFTWARE_TOKEN_MFA"), ["question"], {"code": "123 456"}, Code("123456")),
        (
            asked(
                "SMS_MFA",
                CODE_DELIVERY_DELIVERY_MEDIUM="SMS",
                CODE_DELIVERY_DESTINATION="+*******1234",
            ),
            ["text", "question"],
            {"code": "123456"},
            Code("123456"),
        ),
        (asked("EMAIL_OTP"), ["question"], {"code": "123456"}, Code("123456")),
        (
            asked("SELECT_MFA_TYPE", MFAS_CAN_CHOOSE=MFA),
            ["choice"],
            {"factor": "EMAIL_MFA"},
            Choice("EMAIL_MFA"),
        ),
        (asked("SELECT_MFA_TYPE", MFAS_CAN_CHOOSE='["SMS_MFA"]'), [], {}, Choice("SMS_MFA")),
        (
            asked("NEW_PASSWORD_REQUIRED"),
            ["secret"],
            {"new_password": "Better-1"},
            NewPassword("Better-1"),
        ),
        (
            asked("NEW_PASSWORD_REQUIRED", **PASSWORD),
            ["secret", "question", "question"],
            {
                "new_password": "Better-1",
                "userAttributes.given_name": "Ada",
                "attribute-2": "160",
            },
            NewPassword("Better-1", attributes={"given_name": "Ada", "größe": "160"}),
        ),
    ],
    ids=lambda each: getattr(each, "name", ""),
)
def test_cognitos_own_challenges_have_forms_and_what_is_filled_in_is_their_answer(
    challenge, kinds, values, answer
):
    form = client().form(pending(challenge))
    assert [part["kind"] for part in form.to_json()["parts"]] == kinds
    answerer = Answerer(PluginRegistry(CLIENT_CHALLENGES, discover=False))
    read = answerer.read(challenge, form.fill(values))
    assert read == answer
    assert respond(challenge, read).members == respond(challenge, answer).members


def test_every_challenge_that_the_client_answers_has_a_form():
    assert {*FORMS, "CUSTOM_CHALLENGE"} == {
        "MFA_SETUP",  # it is answered in several steps
        *(name for name in map(str, State) if _is_answered(asked(name))),
    }


def _is_answered(challenge: Challenge) -> bool:
    try:
        respond(challenge, Secret("x"))
    except AnswerNotSupportedError:
        return False
    return True


PARAMETERS = (
    *(
        "MFAS_CAN_CHOOSE",
        "MFAS_CAN_SETUP",
        "requiredAttributes",
        "userAttributes",
        "CODE_DELIVERY_DESTINATION",
    ),
    *("CODE_DELIVERY_DELIVERY_MEDIUM", "FRIENDLY_DEVICE_NAME", "options"),
)
SIGNS = st.text(
    st.sampled_from("ax.:#+ \0\x1b\n\u200b\u202e\ud800\u2800é\N{PILE OF POO}"), max_size=4
)
NAMES = st.one_of(
    SIGNS,
    st.sampled_from(["SMS_MFA", "EMAIL_OTP", "EMAIL_MFA", "SOFTWARE_TOKEN_MFA", "WEB"]),
    st.sampled_from(
        ["x" * 20_000, "userAttributes." + "x" * 65, "userAttributes.", "new_password"]
    ),
    SIGNS.map("userAttributes.{}".format),
)
OPTIONS = st.one_of(
    SIGNS, SIGNS.map("word#{}".format), st.sampled_from(["word", "other", "word+other", "skip"])
)
TOLD = st.one_of(
    SIGNS,
    st.sampled_from(["{}", "[7]", "null", "9" * 9999, "x" * 20_000, '["' + "x" * 99_999]),
    st.sampled_from(["[" * 99_999, "\x1b" * 131_072, "word " * 500, "a " * 65_536]),
    st.lists(NAMES, max_size=5).map(json.dumps),
    st.integers(45, 60).map(
        lambda count: json.dumps([f"userAttributes.a{each}" for each in range(count)])
    ),
    st.lists(OPTIONS, max_size=5).map(" ".join),
    st.integers(100, 1_100).map(lambda count: " ".join(f"word#{each}" for each in range(count))),
)
THEIRS = [asked(name) for name in FORMS] + [asked("CUSTOM_CHALLENGE", "choice")]


@pytest.mark.parametrize("challenge", THEIRS, ids=lambda each: each.name)
@given(told=st.dictionaries(st.sampled_from(PARAMETERS), TOLD, min_size=1, max_size=3))
@example(told={"requiredAttributes": json.dumps([f"userAttributes.{n}" for n in range(60)])})
@example(told={"requiredAttributes": r'["userAttributes.\ud800"]'})
@example(told={"requiredAttributes": '["userAttributes."]'})
@example(told={"requiredAttributes": '["userAttributes.\u00e9", "userAttributes.\u00e9"]'})
@example(told={"options": "word word other"})
@example(told={"options": "word#\x1b other"})
@example(told={"options": "word#\ud800"})
@example(told={"options": " ".join(f"word#{n}" for n in range(1001))})
def test_whatever_a_server_tells_of_them_the_form_can_be_answered_or_the_reply_is_malformed(
    challenge, told
):
    auth = client(WordForm, OtherForm)
    challenge = evolve(challenge, parameters=told)
    try:
        form = auth.form(pending(challenge))
    except MalformedReplyError:
        return
    if form is None:
        return
    written = json.dumps(form.to_json(), ensure_ascii=False)
    assert {"\0", "\x1b", "\u200b", "\u202e", "\ud800"}.isdisjoint(written)
    values = {
        each.name: each.options[-1].value if isinstance(each, ChoiceField) else "123456"
        for each in form.fields
    }
    read = auth._answerer.read(challenge, form.fill(values))
    if challenge.name != "MFA_SETUP":
        assert all(map(is_text, respond(challenge, read).members.values()))
    elif challenge.kind is None:
        assert mfa_setup.chosen(challenge, read) in mfa_setup.possible(challenge)


@given(told=st.one_of(OPTIONS, TOLD))
@example(told="word word other")
@example(told="word#\x1b other")
@example(told="word#\ud800")
@example(told=" ".join(f"word#{n}" for n in range(1001)))
def test_whatever_a_choice_offers_a_prompt_chooses_one_or_the_reply_is_malformed(told):
    answerer = client(WordForm, OtherForm)._answerer
    challenge = asked("CUSTOM_CHALLENGE", "choice", options=told)
    if not told.split():
        return

    class Last(ScriptedPrompt):
        async def choose(self, question: str, options: Any) -> str:
            return options[-1]

    async def choose() -> Any:
        return await answerer.answer(challenge, Last([]), chosen=None, timeout=5)

    try:
        chosen = anyio.run(choose)
    except (MalformedReplyError, PluginNotFoundError):
        return
    assert chosen.reveal() in told.split()
    assert chosen.reveal().isprintable()


async def test_more_options_than_a_form_may_have_are_not_looked_for_one_by_one(monkeypatch):
    looked = []
    monkeypatch.setattr(PluginRegistry, "find", lambda _registry, name: looked.append(name))
    with pytest.raises(MalformedReplyError, match="more than 1,000 options"):
        client().form(pending(asked("CUSTOM_CHALLENGE", "choice", options="a " * 65_536)))
    assert looked == []


@pytest.mark.parametrize("attribute", ["", "userAttributes.", r"userAttributes.\ud800"])
def test_an_attribute_that_cannot_be_sent_is_asked_of_nobody(attribute):
    challenge = asked("NEW_PASSWORD_REQUIRED", requiredAttributes=f'["{attribute}"]')
    with pytest.raises(MalformedReplyError, match="a required attribute has no name, or one that"):
        client().form(pending(challenge))


def test_an_attribute_that_is_required_twice_is_asked_for_once():
    wanted = json.dumps(["userAttributes.größe", "userAttributes.name", "userAttributes.größe"])
    form = client().form(pending(asked("NEW_PASSWORD_REQUIRED", requiredAttributes=wanted)))
    assert [each.label for each in form.fields] == ["A new password:", "größe:", "name:"]


@pytest.mark.parametrize(
    "challenge",
    [
        asked("CUSTOM_CHALLENGE"),
        asked("CUSTOM_CHALLENGE", "unknown"),
        asked("CUSTOM_CHALLENGE", "old"),
        asked("CUSTOM_CHALLENGE", "choice", options="unknown other"),
        asked("CUSTOM_CHALLENGE", "condition", wanted="device"),
        asked("SELECT_MFA_TYPE", MFAS_CAN_CHOOSE='["TELEPATHY"]'),
        asked("MFA_SETUP", MFAS_CAN_SETUP='["SMS_MFA"]'),
        asked("DEVICE_SRP_AUTH"),
        asked("NO_SUCH_CHALLENGE"),
    ],
)
async def test_where_there_is_no_form_a_filled_one_is_no_answer(challenge):
    class Old:
        name = "old"

        async def answer(self, challenge: Any, prompt: Any) -> str:
            return ""

    auth = client(Old)
    assert auth.form(pending(challenge)) is None
    with pytest.raises(AnswerNotSupportedError, match="no form here"):
        await auth.answer(pending(challenge), Form(parts=()).fill({}))


class Odd(WordForm):
    """Gives and raises what a test says."""

    gives: Any = None
    reads: Any = "x"

    def form(self, challenge: Challenge) -> Any:
        if isinstance(self.gives, Exception):
            raise self.gives
        return self.gives

    def read(self, challenge: Challenge, filled: Filled) -> Any:
        if isinstance(self.reads, Exception):
            raise self.reads
        return self.reads


WORD = asked("CUSTOM_CHALLENGE", "word", hint="canary-hint")


@pytest.mark.parametrize("gives", [None, 7, "form", {}, KeyError("canary"), ValueError("canary")])
def test_what_is_no_form_is_the_plugins_failure_and_names_it(gives):
    auth = client(type("Half", (Odd,), {"gives": gives}))
    with pytest.raises(PluginFailedError, match="client challenge 'word'") as failed:
        auth.form(pending(WORD))
    assert "canary" not in str(failed.value)


@pytest.mark.parametrize("reads", [None, 7, b"x", Secret(7), "\ud800", KeyError("canary")])
async def test_what_is_read_and_is_no_text_is_the_plugins_failure(reads):
    form = Form(parts=())
    auth = client(type("Half", (Odd,), {"gives": form, "reads": reads}))
    with pytest.raises(PluginFailedError, match="client challenge 'word'") as failed:
        await auth.answer(pending(WORD), form.fill({}))
    assert "canary" not in str(failed.value)


class Quotes(WordForm):
    """Fails with what was typed in the text of its error."""

    def read(self, challenge: Challenge, filled: Filled) -> Any:
        return str(int(filled["word"]))


class QuotesToo(WordForm):
    def read(self, challenge: Challenge, filled: Filled) -> Any:
        try:
            return {}[filled["word"]]
        except KeyError as error:
            msg = "Not that one."
            raise AskAgainError(msg) from error


class QuotesAtOnce(Quotes):
    async def answer(self, challenge: Any, prompt: Any) -> str:
        return str(int(await prompt.ask("?")))


@pytest.mark.parametrize("half", [Quotes, QuotesToo, QuotesAtOnce])
async def test_no_error_of_a_plugin_prints_what_was_typed(half):
    auth, asked_for = client(half), pending(WORD)
    typed = "canary-sesame"  # a printed traceback quotes the lines of this test
    filled, prompt = auth.form(asked_for).fill({"word": typed}), ScriptedPrompt([typed])
    with pytest.raises(AuthFlowError) as failed:
        await auth.answer(asked_for, filled)
    answerer = Answerer(PluginRegistry(CLIENT_CHALLENGES, explicit=(half,), discover=False))
    printed = "".join(traceback.format_exception(failed.value))
    if half is QuotesAtOnce:
        with pytest.raises(PluginFailedError, match=r"ValueError at .*:\d+$") as failed:
            await answerer.answer(WORD, prompt, chosen=None, timeout=5)
        printed = "".join(traceback.format_exception(failed.value))
    if half is QuotesToo:
        assert re.search(r"because of KeyError at .*test_forms\.py:\d+$", printed.strip())
    if half is Quotes:
        assert re.search(r"ValueError at .*test_forms\.py:\d+$", str(failed.value))
    assert "canary" not in printed


class Formless(WordForm):
    def form(self, challenge: Challenge) -> Any:
        return {}[challenge.name]


async def test_the_cause_stays_of_what_a_plugin_raises_before_anything_is_typed():
    answerer = Answerer(PluginRegistry(CLIENT_CHALLENGES, explicit=(Formless,), discover=False))
    with pytest.raises(PluginFailedError) as asked:
        await answerer.answer(WORD, ScriptedPrompt(["x"]), chosen=None, timeout=5)
    with pytest.raises(PluginFailedError) as shown:
        client(Formless).form(pending(WORD))
    assert {type(failed.value.__cause__) for failed in (asked, shown)} == {KeyError}


class Counting(WordForm):
    made: ClassVar[list[int]] = []

    def form(self, challenge: Challenge) -> Any:
        self.made.append(challenge.attempt)
        return super().form(challenge)


async def test_a_form_is_made_once_for_a_prompt():
    answerer = Answerer(PluginRegistry(CLIENT_CHALLENGES, explicit=(Counting,), discover=False))
    assert await answerer.answer(WORD, ScriptedPrompt(["open sesame"]), chosen=None, timeout=5)
    assert len(Counting.made) == 1


class Unmade(WordForm):
    def __init__(self) -> None:
        msg = "no settings"
        raise ValueError(msg)


class Endless(WordForm):
    def read(self, challenge: Challenge, filled: Filled) -> Any:
        return self.read(challenge, filled)


async def test_a_plugin_that_cannot_be_made_or_never_ends_fails_and_is_named():
    with pytest.raises(PluginFailedError, match=r"'word' of .* failed: ValueError"):
        client(Unmade).form(pending(WORD))
    auth = client(Endless)
    filled = auth.form(pending(WORD)).fill({"word": "x"})
    with pytest.raises(PluginFailedError, match=r"'word' of .* failed: RecursionError"):
        await auth.answer(pending(WORD), filled)


def test_a_plugin_may_say_why_it_has_no_form():
    auth = client(type("Half", (Odd,), {"gives": Declined("not here")}))
    assert auth.form(pending(WORD)) == Declined("not here")


async def test_what_was_filled_into_another_form_is_checked_again():
    auth = client(WordForm)
    other = Form(parts=(TextField(name="canary", label=""),)).fill({"canary": "open sesame"})
    with pytest.raises(AskAgainError, match="the form has these: word"):
        await auth.answer(pending(WORD), other)
    longer = Form(parts=(TextField(name="word", label="", longest=9999),))
    with pytest.raises(AskAgainError, match="too long"):
        await auth.answer(pending(WORD), longer.fill({"word": "x " * 999}))


async def test_attributes_do_not_go_with_a_filled_form():
    asked_for = pending(asked("NEW_PASSWORD_REQUIRED"))
    filled = client().form(asked_for).fill({"new_password": "Better-1"})
    with pytest.raises(AnswerNotSupportedError, match="attributes go with the text"):
        await client().answer(asked_for, filled, attributes={"given_name": "Ada"})


def test_only_a_pending_challenge_has_a_form():
    tokens = Tokens(access_token=Secret("a"), id_token=Secret("b"))
    with pytest.raises(SignInOverError):
        client().form(SignedIn(tokens=tokens, username="ada", flow=AuthFlow.CUSTOM_AUTH))
    for wrong in (None, "canary-answer", WORD):
        with pytest.raises(MisuseError) as refused:
            client().form(wrong)
        assert "canary" not in str(refused.value)


def written_out(value: Any) -> str:
    """What a crash reporter shows of a local variable: it goes into whatever has members."""
    if isinstance(value, Mapping):
        return "".join(f"{name!r}{written_out(each)}" for name, each in value.items())
    if isinstance(value, list | tuple | set | frozenset):
        return "".join(map(written_out, value))
    return repr(value)


@pytest.mark.parametrize("word", ["canary-sesame", "canary-" + "x" * 2000])
async def test_no_error_leads_to_what_was_filled_in(word):
    auth, asked_for = client(WordForm), pending(WORD)
    form = auth.form(asked_for)
    values = {"word": word}
    try:
        filled = form.fill(values)
        await auth.answer(asked_for, filled)
    except AuthFlowError as error:
        refused = error
    trace = refused.__traceback__
    while trace is not None:
        if trace.tb_frame.f_globals["__name__"].startswith("authflow."):
            held = "".join(map(written_out, trace.tb_frame.f_locals.values()))
            assert "canary" not in held.replace("canary-hint", "")
        trace = trace.tb_next
