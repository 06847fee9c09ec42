"""MFA_SETUP, step by step: what is sent with which session, and what the person is asked."""

import asyncio
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from authflow import AuthClient, AuthFlow, ChallengeRequired, SignedIn
from authflow.answers import Choice, Code, EmailAddress, NewPassword
from authflow.client import ScriptedPrompt, WebMessage, WebPrompt
from authflow.errors import (
    AnswerNotSupportedError,
    AskAgainError,
    AuthFlowError,
    CodeMismatchError,
    MalformedReplyError,
    MisuseError,
    NextStep,
    OutcomeUnknownError,
    SessionExpiredError,
    UnexpectedReplyError,
)
from authflow.keys import KeyRing
from authflow.stores import MemoryStore

KEY = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
BY_PASSWORD = AuthFlow.USER_PASSWORD_AUTH
TOKENS = {"AccessToken": "a", "IdToken": "i", "RefreshToken": "r", "ExpiresIn": 300}
SIGNED_IN = {"AuthenticationResult": TOKENS}


def session(number: int) -> str:
    return f"session-{number}-{'s' * 20}"


def asked(name: str, number: int, **parameters: str) -> dict[str, Any]:
    return {"ChallengeName": name, "Session": session(number), "ChallengeParameters": parameters}


def set_up(number: int = 1, options: str = '["SOFTWARE_TOKEN_MFA","EMAIL_OTP"]') -> dict[str, Any]:
    return asked("MFA_SETUP", number, MFAS_CAN_SETUP=options, USERNAME="ada-1")


def associated(number: int) -> dict[str, Any]:
    return {"SecretCode": KEY, "Session": session(number)}


def verified(number: int) -> dict[str, Any]:
    return {"Status": "SUCCESS", "Session": session(number)}


async def begin(auth: AuthClient, **given: Any) -> ChallengeRequired:
    pending = await auth.sign_in("ada", "hunter2!", flow=BY_PASSWORD, **given)
    assert isinstance(pending, ChallengeRequired)
    assert pending.challenge.name == "MFA_SETUP"
    return pending


async def test_an_authenticator_is_set_up_in_three_steps_each_with_the_newest_session(scripted):
    script = [set_up(1), associated(2), verified(3), SIGNED_IN]
    async with (
        scripted.serve(*script) as server,
        AuthClient(server.config(app_name="Ann's Shop")) as auth,
    ):
        pending = await begin(auth)
        assert pending.challenge.new_authenticator is None
        waiting = await auth.answer(pending, Choice("SOFTWARE_TOKEN_MFA"))
        assert isinstance(waiting, ChallengeRequired)
        new = waiting.challenge.new_authenticator
        assert new is not None
        assert new.key.reveal() == KEY
        signed_in = await auth.answer(waiting, Code(" 123 456", device_name="ann's phone"))
    assert isinstance(signed_in, SignedIn)
    sent = [body for _, body in server.requests]
    assert server.operations == [
        *("InitiateAuth", "AssociateSoftwareToken"),
        *("VerifySoftwareToken", "RespondToAuthChallenge"),
    ]
    assert sent[1] == {"Session": session(1)}
    assert sent[2] == {
        "Session": session(2),
        "UserCode": "123456",
        "FriendlyDeviceName": "ann's phone",
    }
    assert (sent[3]["ChallengeName"], sent[3]["Session"]) == ("MFA_SETUP", session(3))
    assert sent[3]["ChallengeResponses"] == {"USERNAME": "ada-1"}


async def test_each_step_has_the_whole_time_of_its_own_session(scripted):
    now = 1_800_000_000.0
    script = [set_up(1), associated(2), {"Status": "ERROR"}, verified(3), SIGNED_IN]
    async with (
        scripted.serve(*script) as server,
        AuthClient(server.config(), clock=lambda: datetime.fromtimestamp(now, UTC)) as auth,
    ):
        seconds = auth.config.session_validity.total_seconds()
        pending = await begin(auth)
        now += seconds - 1
        waiting = await auth.answer(pending, "SOFTWARE_TOKEN_MFA")
        assert waiting.sign_in.expires_at == now + seconds
        now += seconds - 1
        with pytest.raises(CodeMismatchError):
            await auth.answer(waiting, "000000")
        assert isinstance(await auth.answer(waiting, "123456"), SignedIn)
        now += 1
        with pytest.raises(SessionExpiredError):
            await auth.answer(waiting, "123456")


@pytest.mark.parametrize("name", ["Shop", "Ann's Shop & Söhne: 100 %/?#"])
async def test_the_link_of_a_key_says_whose_it_is_and_what_for(scripted, name):
    async with (
        scripted.serve(set_up(1), associated(2)) as server,
        AuthClient(server.config(app_name=name)) as auth,
    ):
        waiting = await auth.answer(await begin(auth), "SOFTWARE_TOKEN_MFA")
    link = urlsplit(waiting.challenge.new_authenticator.uri.reveal())
    assert (link.scheme, link.netloc) == ("otpauth", "totp")
    assert unquote(link.path) == f"/{name}:ada"
    assert parse_qs(link.query) == {"secret": [KEY], "issuer": [name]}


async def test_without_a_name_the_apps_list_the_user_pool(scripted):
    async with (
        scripted.serve(set_up(1), associated(2)) as server,
        AuthClient(server.config()) as auth,
    ):
        waiting = await auth.answer(await begin(auth), "SOFTWARE_TOKEN_MFA")
        assert auth.config.user_pool_id in waiting.challenge.new_authenticator.uri.reveal()


async def test_a_wrong_first_code_leaves_the_challenge_to_be_answered_again(scripted):
    wrong = scripted.error("EnableSoftwareTokenMFAException", "Code mismatch")
    script = [set_up(1), associated(2), wrong, {"Status": "ERROR"}, verified(3), SIGNED_IN]
    async with scripted.serve(*script) as server, AuthClient(server.config()) as auth:
        waiting = await auth.answer(await begin(auth), "SOFTWARE_TOKEN_MFA")
        for _ in range(2):
            with pytest.raises(CodeMismatchError):
                await auth.answer(waiting, "000000")
        assert isinstance(await auth.answer(waiting, "123456"), SignedIn)
    assert [body["Session"] for _, body in server.requests[2:5]] == [session(2)] * 3


async def test_an_address_for_codes_by_e_mail_is_asked_for_and_sent(scripted):
    code = asked("EMAIL_OTP", 2, CODE_DELIVERY_DESTINATION="a***@e***")
    async with (
        scripted.serve(set_up(1), code, SIGNED_IN) as server,
        AuthClient(server.config()) as auth,
    ):
        waiting = await auth.answer(await begin(auth), Choice("EMAIL_OTP"))
        assert server.operations == ["InitiateAuth"]  # nothing was sent for it
        assert waiting.challenge.kind == "EMAIL_OTP"
        waiting = await auth.answer(waiting, "ada@example.org")
        assert waiting.challenge.name == "EMAIL_OTP"
        assert isinstance(await auth.answer(waiting, "123456"), SignedIn)
    assert server.requests[1][1]["ChallengeResponses"] == {
        "USERNAME": "ada-1",
        "EMAIL": "ada@example.org",
    }


@pytest.mark.parametrize("chosen_before", [False, True])
async def test_an_e_mail_address_is_an_answer_at_once_too(scripted, chosen_before):
    async with (
        scripted.serve(set_up(1), asked("EMAIL_OTP", 2)) as server,
        AuthClient(server.config()) as auth,
    ):
        waiting = await begin(auth)
        if chosen_before:
            waiting = await auth.answer(waiting, "EMAIL_OTP")
        waiting = await auth.answer(waiting, EmailAddress("ada@example.org"))
    assert waiting.challenge.name == "EMAIL_OTP"
    assert server.requests[1][1]["ChallengeResponses"]["EMAIL"] == "ada@example.org"
    assert "example" not in repr(EmailAddress("ada@example.org"))


STAGES = {
    "choice": (None, [], [Code("1"), NewPassword("x")]),
    "code": ("SOFTWARE_TOKEN_MFA", [associated(2)], [Choice("x"), EmailAddress("a@b")]),
    "address": ("EMAIL_OTP", [], [Code("1"), Choice("x"), NewPassword("x")]),
}


@pytest.mark.parametrize("stage", STAGES)
async def test_each_step_takes_its_own_kind_of_answer(scripted, stage):
    choice, script, wrong = STAGES[stage]
    async with (
        scripted.serve(set_up(1), *script) as server,
        AuthClient(server.config()) as auth,
    ):
        pending = await begin(auth)
        if choice is not None:
            pending = await auth.answer(pending, choice)
        sent = len(server.requests)
        for answer in wrong:
            with pytest.raises(AnswerNotSupportedError, match="MFA_SETUP is answered by a text"):
                await auth.answer(pending, answer)
        assert len(server.requests) == sent


async def test_what_cannot_be_set_up_here_is_said(scripted):
    async with (
        scripted.serve(set_up(1, '["SMS_MFA"]'), set_up(1, '["EMAIL_OTP"]')) as server,
        AuthClient(server.config()) as auth,
    ):
        pending = await begin(auth)
        assert auth.form(pending) is None
        with pytest.raises(AnswerNotSupportedError, match="an administrator sets a phone number"):
            await auth.answer(pending, "SMS_MFA")
        with pytest.raises(MisuseError, match=r"answer one of EMAIL_OTP$"):
            await auth.answer(await begin(auth), "SOFTWARE_TOKEN_MFA")
    assert server.operations == ["InitiateAuth"] * 2


@pytest.mark.parametrize(
    "reply",
    [
        {},
        {"SecretCode": KEY},
        {"SecretCode": KEY, "Session": "short"},
        {"SecretCode": "short", "Session": session(2)},
        {"SecretCode": KEY.lower(), "Session": session(2)},
        {"SecretCode": KEY + "\u202e", "Session": session(2)},
        {"SecretCode": 7, "Session": session(2)},
    ],
    ids=str,
)
async def test_a_reply_without_a_key_or_a_session_is_malformed(scripted, reply):
    async with (
        scripted.serve(set_up(1), reply) as server,
        AuthClient(server.config()) as auth,
    ):
        with pytest.raises(MalformedReplyError):
            await auth.answer(await begin(auth), "SOFTWARE_TOKEN_MFA")


async def test_nothing_is_set_up_without_a_session(scripted):
    without = {"ChallengeName": "MFA_SETUP", "ChallengeParameters": {}}
    async with scripted.serve(without) as server, AuthClient(server.config()) as auth:
        with pytest.raises(MalformedReplyError, match="without a session"):
            await auth.answer(await begin(auth), "SOFTWARE_TOKEN_MFA")
    assert server.operations == ["InitiateAuth"]


async def test_a_server_cannot_put_a_key_of_its_own_choice_before_cognitos(scripted):
    reply = set_up(1)
    reply["ChallengeParameters"] |= {
        "new_authenticator": "A" * 32,
        "challenge": "SOFTWARE_TOKEN_MFA",  # so our own triggers name a kind
    }
    async with scripted.serve(reply) as server, AuthClient(server.config()) as auth:
        pending = await begin(auth)
    assert pending.challenge.new_authenticator is None
    assert pending.challenge.kind is None


async def test_tokens_are_not_taken_before_the_code_was_verified(scripted):
    async with (
        scripted.serve(set_up(1), associated(2), SIGNED_IN) as server,
        AuthClient(server.config()) as auth,
    ):
        waiting = await auth.answer(await begin(auth), "SOFTWARE_TOKEN_MFA")
        with pytest.raises(CodeMismatchError):  # it says of no code that it was right
            await auth.answer(waiting, "123456")


async def test_another_challenge_than_the_table_allows_is_refused_afterwards(scripted):
    script = [set_up(1), associated(2), verified(3), asked("SMS_MFA", 4)]
    async with scripted.serve(*script) as server, AuthClient(server.config()) as auth:
        waiting = await auth.answer(await begin(auth), "SOFTWARE_TOKEN_MFA")
        with pytest.raises(UnexpectedReplyError):
            await auth.answer(waiting, "123456")


async def test_a_prompt_leads_through_all_of_it_and_asks_again_after_a_wrong_code(scripted):
    wrong = scripted.error("EnableSoftwareTokenMFAException", "Code mismatch")
    script = [set_up(1), associated(2), wrong, verified(3), SIGNED_IN]
    prompt = ScriptedPrompt(["an authenticator app", "---", "000000", "123456"])
    async with scripted.serve(*script) as server, AuthClient(server.config()) as auth:
        result = await auth.sign_in("ada", "hunter2!", flow=BY_PASSWORD, prompt=prompt)
    assert isinstance(result, SignedIn)
    assert len(prompt.links) == 2  # shown anew with the second question
    assert all(KEY in link for link in prompt.links)
    assert any("JBSW Y3DP" in text for text in prompt.told)
    assert [body.get("UserCode") for _, body in server.requests[2:4]] == ["000000", "123456"]


async def test_a_prompt_is_not_asked_for_a_factor_where_there_is_one_alone(scripted):
    script = [set_up(1, '["SOFTWARE_TOKEN_MFA"]'), associated(2), verified(3), SIGNED_IN]
    async with scripted.serve(*script) as server, AuthClient(server.config()) as auth:
        prompt = ScriptedPrompt(["123456"])
        result = await auth.sign_in("ada", "hunter2!", flow=BY_PASSWORD, prompt=prompt)
    assert isinstance(result, SignedIn)


CODES = ["SMS_MFA", "SOFTWARE_TOKEN_MFA", "EMAIL_OTP"]


@pytest.mark.parametrize("name", CODES)
async def test_a_prompt_answers_a_second_factor_and_is_told_of_a_wrong_code(scripted, name):
    wrong = scripted.error("CodeMismatchException", "Invalid code")
    prompt = ScriptedPrompt(["000000", "123456"])
    async with (
        scripted.serve(asked(name, 1), wrong, SIGNED_IN) as server,
        AuthClient(server.config()) as auth,
    ):
        result = await auth.sign_in("ada", "hunter2!", flow=BY_PASSWORD, prompt=prompt)
    assert isinstance(result, SignedIn)
    assert [body["Session"] for _, body in server.requests[1:]] == [session(1)] * 2
    assert prompt.told[-1] == "the code is wrong; try again"


async def test_a_server_that_calls_every_code_wrong_is_not_asked_for_ever(scripted):
    wrong = scripted.error("CodeMismatchException", "Invalid code")
    async with (
        scripted.serve(asked("SMS_MFA", 1), *[wrong] * 99) as server,
        AuthClient(server.config()) as auth,
    ):
        prompt = ScriptedPrompt(["000000"] * 99)
        with pytest.raises(CodeMismatchError):
            await auth.sign_in("ada", "hunter2!", flow=BY_PASSWORD, prompt=prompt)
    assert len(server.requests) == 41


async def test_a_choice_of_factors_is_asked_by_a_prompt(scripted):
    choice = asked("SELECT_MFA_TYPE", 1, MFAS_CAN_CHOOSE='["SMS_MFA","SOFTWARE_TOKEN_MFA"]')
    script = [choice, asked("SOFTWARE_TOKEN_MFA", 2), SIGNED_IN]
    async with scripted.serve(*script) as server, AuthClient(server.config()) as auth:
        prompt = ScriptedPrompt(["a code of your authenticator app", "123456"])
        result = await auth.sign_in("ada", "hunter2!", flow=BY_PASSWORD, prompt=prompt)
    assert isinstance(result, SignedIn)


async def test_a_new_password_that_is_rejected_is_asked_for_again(scripted):
    rejected = scripted.error("InvalidPasswordException", "Password not long enough")
    script = [asked("NEW_PASSWORD_REQUIRED", 1), rejected, SIGNED_IN]
    async with scripted.serve(*script) as server, AuthClient(server.config()) as auth:
        prompt = ScriptedPrompt(["short", "Long-enough-1"])
        result = await auth.sign_in("ada", "hunter2!", flow=BY_PASSWORD, prompt=prompt)
    assert isinstance(result, SignedIn)
    assert "it is not long enough" in prompt.told[0]


@pytest.mark.parametrize("typed", ["12345", "1234567", "hello", "12345O", "---", ""])
async def test_what_cannot_be_an_authenticators_code_is_not_sent(scripted, typed):
    script = [set_up(1), associated(2), verified(3), SIGNED_IN]
    async with scripted.serve(*script) as server, AuthClient(server.config()) as auth:
        waiting = await auth.answer(await begin(auth), "SOFTWARE_TOKEN_MFA")
        for answer in (typed, Code(typed)):
            with pytest.raises(CodeMismatchError, match="6 digits"):
                await auth.answer(waiting, answer)
        with pytest.raises((CodeMismatchError, MisuseError), match=r"6 digits|not be empty"):
            await auth.verify_totp("token", typed)
        assert len(server.requests) == 2
        assert isinstance(await auth.answer(waiting, "123456"), SignedIn)


@pytest.mark.parametrize("typed", ["12345", "1234567", "hello", "12345O", "---"])
async def test_a_prompt_asks_again_for_what_cannot_be_an_authenticators_code(scripted, typed):
    script = [set_up(1, '["SOFTWARE_TOKEN_MFA"]'), associated(2), verified(3), SIGNED_IN]
    async with scripted.serve(*script) as server, AuthClient(server.config()) as auth:
        prompt = ScriptedPrompt([typed, "123456"])
        result = await auth.sign_in("ada", "hunter2!", flow=BY_PASSWORD, prompt=prompt)
    assert isinstance(result, SignedIn)


CONDITION = {"challenge": "condition", "wanted": "device"}


@pytest.mark.parametrize("store", [None, MemoryStore()], ids=["no store", "a store"])
@pytest.mark.parametrize("kind", ["a set-up", "a condition"])
async def test_what_fails_after_an_answer_has_counted_says_to_begin_anew(
    scripted, monkeypatch, kind, store
):
    monkeypatch.setattr("authflow.client.transport._PAUSES", ())
    throttled = scripted.error("TooManyRequestsException", "Slow down")
    script = [set_up(1), associated(2), verified(3), throttled]
    if kind == "a condition":
        asked_first = asked("CUSTOM_CHALLENGE", 1, challenge="word")
        script = [asked_first, asked("CUSTOM_CHALLENGE", 2, **CONDITION), throttled]
    keys = {} if store is None else {"keys": KeyRing.generate(), "store": store}
    async with scripted.serve(*script) as server, AuthClient(server.config(), **keys) as auth:
        if kind == "a condition":
            pending = await auth.sign_in("ada", flow=AuthFlow.CUSTOM_AUTH)
        else:
            pending = await auth.answer(await begin(auth), "SOFTWARE_TOKEN_MFA")
        with pytest.raises(OutcomeUnknownError, match="the answer counted") as failed:
            await auth.answer(pending, "123456")
    assert failed.value.next_step is NextStep.RESTART
    assert failed.value.aws_code == "TooManyRequestsException"


# The key is a secret


def shows_the_key(told: str) -> bool:
    return any(each in told for each in (KEY, "JBSW Y3DP", "JBSWY3DP"))


class Waiting(ScriptedPrompt):
    """A prompt at which a person reads on, as one of its parts is shown."""

    def __init__(self, at: str) -> None:
        super().__init__(["an authenticator app"])
        self.at, self.reached = at, asyncio.Event()

    async def _reach(self, part: str) -> None:
        if part == self.at:
            self.reached.set()
            await asyncio.Event().wait()

    async def tell(self, text: str) -> None:
        is_key = "type this key" in text
        await ScriptedPrompt.tell(self, text)
        del text
        await self._reach("the key" if is_key else "a text")

    async def show_link(self, url: str, description: str, *, qr: bool = False) -> None:
        await ScriptedPrompt.show_link(self, url, description, qr=qr)
        del url
        await self._reach("the QR code")

    async def ask(self, question: str, *, hidden: bool = False) -> str:
        if question.startswith("The code"):
            await self._reach("the question")
        return await ScriptedPrompt.ask(self, question, hidden=hidden)


async def test_a_key_is_in_no_repr_of_what_shows_it(scripted):
    script = [set_up(1), associated(2)]
    async with scripted.serve(*script) as server, AuthClient(server.config()) as auth:
        waiting = await auth.answer(await begin(auth), "SOFTWARE_TOKEN_MFA")
        form = auth.form(waiting)
        messages = [WebMessage(id=1, part=part) for part in form.parts]
        shown = [waiting, waiting.challenge, waiting.challenge.new_authenticator, form, *form.parts]
        for value in (*shown, *messages, *form.fields):
            assert not shows_the_key(f"{value!r} {value!s}")
        assert sum(shows_the_key(str(dict(each.to_json()))) for each in messages) == 2  # for a page


async def test_a_sign_in_that_is_cancelled_while_a_key_is_shown_leads_to_no_key(
    scripted, everything_told
):
    script = [set_up(1), associated(2)]
    async with scripted.serve() as server, AuthClient(server.config()) as auth:

        async def told(prompt: Any, reached: Callable[[], bool]) -> str:
            server.script[:] = script
            call = auth.sign_in("ada", "hunter2!", flow=BY_PASSWORD, prompt=prompt)
            task = asyncio.ensure_future(call)
            while not reached():
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError) as cancelled:
                await task
            told = everything_told(cancelled.value, attributes=False)
            assert "_show" in told or "_ask" in told  # it has the frames
            return str(told)

        for at in ("the key", "the QR code", "the question"):
            prompt = Waiting(at)
            assert not shows_the_key(await told(prompt, prompt.reached.is_set)), at
            assert not shows_the_key(repr(prompt))

        web = WebPrompt()

        def is_asked() -> bool:
            for each in web._asked.values():
                if each.options and not each.answered.is_set():
                    web.answer(max(web._asked), "SOFTWARE_TOKEN_MFA")
            return any(message.to_json().get("name") == "code" for message in web._messages)

        assert not shows_the_key(await told(web, is_asked))


async def test_an_answer_that_is_refused_beside_a_key_leads_to_no_key(scripted, everything_told):
    wrong = scripted.error("EnableSoftwareTokenMFAException", "Code mismatch")
    script = [set_up(1), associated(2), wrong]
    async with scripted.serve(*script) as server, AuthClient(server.config()) as auth:
        waiting = await auth.answer(await begin(auth), "SOFTWARE_TOKEN_MFA")
        form = auth.form(waiting)
        tries = [
            lambda: form.fill({}),
            lambda: form.fill({"code": "1", "x": "y"}),
            lambda: form.fill({"code": "1" * 9999}),
            lambda: auth.answer(waiting, form.fill({"code": "abc"})),
            lambda: auth.answer(waiting, form.fill({"code": "000000"})),
            lambda: auth.answer(waiting, Choice("x")),
        ]
        for each in tries:
            with pytest.raises((AskAgainError, AuthFlowError)) as raised:
                await each()
            assert not shows_the_key(everything_told(raised.value, attributes=False))
            lines = traceback.TracebackException.from_exception(raised.value, capture_locals=True)
            assert "JBSW Y3DP" not in "".join(lines.format())
