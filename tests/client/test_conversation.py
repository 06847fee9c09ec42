"""A sign-in's conversation, driven by hand: no network, no thread, no clock, no event loop.

The last tests put it back to back with the pool's half: the requests of the one are the input of
the other, and the pool's operations are called as functions.
"""

import itertools
import json
import socket
from typing import Any

import pytest
from attrs import evolve

from authflow import srp
from authflow.answers import Choice, Code, NewPassword
from authflow.client.challenges import respond
from authflow.client.conversation import MOST_ROUNDS, Conversations
from authflow.client.conversation_steps import (
    Ask,
    Came,
    Conversation,
    DrawProver,
    Prove,
    Send,
    Step,
    Verify,
)
from authflow.errors import (
    MisuseError,
    PasswordRequiredError,
    SessionExpiredError,
    UnexpectedReplyError,
)
from authflow.machine import AuthFlow, State
from authflow.results import ChallengeRequired, Declined, SignedIn
from authflow.secret import Secret
from authflow.sign_in import SignIn
from authflow.triggers import Triggers, challenge, password, sequence
from authflow.wire import ClientIdentity, password_verifier, read_reply
from testbed.pool_half import pool_half

NOW = 1_800_000_000.0
SESSION = "s" * 20
TOKENS = {"AccessToken": "a", "IdToken": "i", "RefreshToken": "r", "ExpiresIn": 300}
SIGNED_IN = {"AuthenticationResult": TOKENS}
CONVERSATIONS = Conversations(
    app_client=ClientIdentity(client_id="client"), session_validity=180, app_name="Shop"
)
PROVER = srp.Prover.start(bytes(range(1, 33)))
PASSWORD = "Corr3ct-Horse"


def asked(name: str, **parameters: str) -> dict[str, Any]:
    return {"ChallengeName": name, "Session": SESSION, "ChallengeParameters": parameters}


class Driver:
    """Drives a conversation: what comes of each step is told in advance."""

    def __init__(self, conversation: Conversation) -> None:
        self.conversation = conversation
        self.step: Step | None = next(conversation)
        self.result: Any = None

    def tell(self, value: Any, at: float = NOW) -> "Driver":
        value = read_reply(value) if isinstance(self.step, Send) else value
        try:
            self.step = self.conversation.send(Came(value, at))
        except StopIteration as over:
            self.step, self.result = None, over.value
        return self

    @property
    def body(self) -> dict[str, Any]:
        assert isinstance(self.step, Send)
        return dict(self.step.request.body)


def begin(flow: AuthFlow, word: str | None = "hunter2!") -> Driver:
    given = None if word is None else Secret(word)
    return Driver(CONVERSATIONS.sign_in(flow, "ada", given, now=NOW))


def pending(name: str, **parameters: str) -> ChallengeRequired:
    waiting = begin(AuthFlow.USER_PASSWORD_AUTH).tell(asked(name, **parameters)).tell(None).result
    assert isinstance(waiting, ChallengeRequired)
    return waiting


def answer(waiting: ChallengeRequired, given: Any, now: float = NOW) -> Driver:
    return Driver(CONVERSATIONS.answer(waiting, given, now=now))


def test_srp_draws_sends_proves_sends_and_verifies():
    driver = begin(AuthFlow.USER_SRP_AUTH)
    assert driver.step == DrawProver()
    driver.tell(PROVER)
    assert driver.body["AuthParameters"] == {"USERNAME": "ada", "SRP_A": PROVER.srp_a}
    told = {"SALT": "1f", "SRP_B": "2", "SECRET_BLOCK": "AAAA", "USER_ID_FOR_SRP": "3f1c"}
    driver.tell(asked("PASSWORD_VERIFIER", **told))
    assert isinstance(driver.step, Prove)
    assert driver.step.asked == password_verifier.Asked.read(told)
    assert driver.step.password == Secret("hunter2!")
    proof = password_verifier.Answer(secret_block="AAAA", signature=b"s", stamp="now")
    driver.tell(proof)
    assert driver.body["ChallengeResponses"] == {"USERNAME": "3f1c", **proof.write()}
    assert "hunter2!" not in json.dumps(driver.body)
    driver.tell(SIGNED_IN)
    assert isinstance(driver.step, Verify)
    driver.tell(driver.step.signed_in)
    assert driver.result == SignedIn(
        tokens=driver.result.tokens, username="3f1c", flow=AuthFlow.USER_SRP_AUTH
    )


@pytest.mark.parametrize("flow", [AuthFlow.USER_PASSWORD_AUTH, AuthFlow.CUSTOM_AUTH])
def test_a_user_is_called_by_the_best_name_known_until_the_tokens_tell(flow: AuthFlow):
    word = None if flow is AuthFlow.CUSTOM_AUTH else "hunter2!"
    named = asked("NEW_PASSWORD_REQUIRED" if word else "CUSTOM_CHALLENGE", USERNAME="u-1")
    challenged = begin(flow, word).tell(named).tell(Secret("New-password-1"))
    for driver, username in ((begin(flow, word), "ada"), (challenged, "u-1")):
        driver.tell(SIGNED_IN)
        assert isinstance(driver.step, Verify)
        assert driver.step.signed_in.username == username
        told = evolve(driver.step.signed_in, username="3f1c")
        assert driver.tell(told).result is told


def test_a_plain_password_is_sent_at_once():
    driver = begin(AuthFlow.USER_PASSWORD_AUTH)
    assert driver.body["AuthParameters"] == {"USERNAME": "ada", "PASSWORD": "hunter2!"}
    assert isinstance(driver.tell(SIGNED_IN).step, Verify)


def test_without_a_password_custom_auth_begins_with_the_name_alone():
    driver = begin(AuthFlow.CUSTOM_AUTH, None)
    assert driver.body["AuthParameters"] == {"USERNAME": "ada"}


def test_the_person_is_asked_within_the_time_that_is_left():
    driver = begin(AuthFlow.CUSTOM_AUTH, None).tell(asked("CUSTOM_CHALLENGE"), NOW + 7)
    assert isinstance(driver.step, Ask)
    assert driver.step.until == NOW + 7 + 180
    driver.tell(Secret("yes"), NOW + 186)
    assert driver.body["ChallengeResponses"] == {"USERNAME": "ada", "ANSWER": "yes"}
    assert driver.body["Session"] == SESSION


@pytest.mark.parametrize("late", [180, 181, 1e9])
def test_an_answer_that_comes_too_late_is_not_sent(late: float):
    driver = begin(AuthFlow.CUSTOM_AUTH, None).tell(asked("CUSTOM_CHALLENGE"))
    with pytest.raises(SessionExpiredError):
        driver.tell(Secret("yes"), NOW + late)
    waiting = pending("SMS_MFA")
    with pytest.raises(SessionExpiredError):
        answer(waiting, Secret("123456"), NOW + late)


@pytest.mark.parametrize("turn", [None, Declined("no screen")])
def test_who_is_not_answered_gets_the_challenge(turn: Any):
    driver = begin(AuthFlow.CUSTOM_AUTH, None).tell(asked("CUSTOM_CHALLENGE", hint="x")).tell(turn)
    result = driver.result
    assert isinstance(result, ChallengeRequired)
    assert result.because == turn
    assert result.challenge.parameters == {"hint": "x"}
    assert result.sign_in.expires_at == NOW + 180


def test_a_conversation_goes_on_from_the_value_that_it_ended_with():
    waiting = pending("NEW_PASSWORD_REQUIRED")
    driver = answer(waiting, NewPassword("Str0ng-Horse", attributes={"name": "Ada"}))
    assert driver.body["ChallengeResponses"] == {
        "USERNAME": "ada",
        "NEW_PASSWORD": "Str0ng-Horse",
        "userAttributes.name": "Ada",
    }
    assert isinstance(driver.tell(SIGNED_IN).step, Verify)


FACTORS = ["SMS_MFA", "SOFTWARE_TOKEN_MFA", "EMAIL_OTP"]


@pytest.mark.parametrize(("chosen", "follows"), list(itertools.product(FACTORS, FACTORS)))
@pytest.mark.parametrize("make", [Secret, Choice])
def test_after_a_choice_only_what_was_chosen_is_answered(make: Any, chosen: str, follows: str):
    driver = answer(pending("SELECT_MFA_TYPE"), make(chosen))
    assert driver.body["ChallengeName"] == "SELECT_MFA_TYPE"
    assert driver.body["Session"] == SESSION
    if chosen != follows:
        with pytest.raises(UnexpectedReplyError):
            driver.tell(asked(follows))
        return
    driver.tell(asked(follows))
    assert isinstance(driver.step, Ask)
    waiting = driver.tell(None).result
    assert waiting.sign_in.state is State(follows)
    assert answer(waiting, Code("123456")).body["ChallengeName"] == follows


@pytest.mark.parametrize("reply", [SIGNED_IN, asked("SELECT_MFA_TYPE"), asked("MFA_SETUP")])
def test_a_choice_cannot_be_answered_by_tokens_or_by_another_question(reply: dict[str, Any]):
    driver = answer(pending("SELECT_MFA_TYPE"), Choice("SMS_MFA"))
    with pytest.raises(UnexpectedReplyError):
        driver.tell(reply)


@pytest.mark.parametrize("make", [Secret, Choice])
@pytest.mark.parametrize("text", ["CUSTOM_CHALLENGE", "sms_mfa", "", "canary-1234"])
def test_what_is_no_factor_cannot_be_chosen_and_is_not_shown(make: Any, text: str):
    with pytest.raises(MisuseError, match="what can: EMAIL_OTP, SMS_MFA, SOFTWARE_TOKEN") as misuse:
        answer(pending("SELECT_MFA_TYPE"), make(text))
    assert "canary" not in str(misuse.value)


@pytest.mark.parametrize("late", [180, 1e9])
def test_a_proof_that_took_too_long_is_not_sent(late: float):
    driver = begin(AuthFlow.USER_SRP_AUTH).tell(PROVER)
    told = {"SALT": "1f", "SRP_B": "2", "SECRET_BLOCK": "AAAA", "USER_ID_FOR_SRP": "3f1c"}
    driver.tell(asked("PASSWORD_VERIFIER", **told))
    proof = password_verifier.Answer(secret_block="AAAA", signature=b"s", stamp="now")
    with pytest.raises(SessionExpiredError):
        driver.tell(proof, NOW + late)


def test_what_a_conversation_passes_on_shows_nothing_secret():
    driver = begin(AuthFlow.USER_PASSWORD_AUTH)
    shown = repr([driver.step, Came(SIGNED_IN, NOW), Came(Secret("canary"), NOW)])
    shown += repr(respond(pending("SELECT_MFA_TYPE").challenge, Choice("canary")))
    assert "canary" not in shown
    assert "hunter2!" not in shown
    assert "AccessToken" not in shown


def test_the_password_is_proved_only_in_the_conversation_that_began_with_it():
    waiting = ChallengeRequired(
        challenge=pending("SMS_MFA").challenge,
        sign_in=SignIn.begin(AuthFlow.CUSTOM_AUTH, "ada", srp=True, expires_at=NOW + 180),
    )
    driver = answer(waiting, Secret("123456"))
    with pytest.raises(PasswordRequiredError):
        driver.tell(asked("PASSWORD_VERIFIER", SALT="1"))


def test_a_server_that_never_ends_is_left():
    driver = begin(AuthFlow.CUSTOM_AUTH, None)
    for _ in range(MOST_ROUNDS - 1):
        driver.tell(asked("CUSTOM_CHALLENGE")).tell(Secret("again"))
    with pytest.raises(UnexpectedReplyError, match="without an end"):
        driver.tell(asked("CUSTOM_CHALLENGE"))


def test_two_answers_to_one_value_are_two_conversations():
    waiting = pending("SMS_MFA")
    first, second = answer(waiting, Code("1")), answer(waiting, Code("2"))
    assert first.body["Session"] == second.body["Session"] == SESSION
    assert first.body != second.body


# Back to back with the pool's half.


class Riddle:
    """Asks for a word."""

    name = "riddle"
    metadata = "RIDDLE"

    async def create(self, context: Any) -> Any:
        from authflow.plugins import Issued

        return Issued(public={"hint": "a door"}, private={"word": "sesame"})

    async def verify(self, context: Any) -> bool:
        return bool(context.answer.reveal() == context.private["word"])


def riddles() -> Triggers:
    policy = sequence(password(), challenge("riddle", attempts=2))
    return Triggers(policy=policy, challenges=[Riddle])


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise AssertionError("a connection")

    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.setattr(socket.socket, "bind", refused)


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("flow", [AuthFlow.USER_SRP_AUTH, AuthFlow.CUSTOM_AUTH])
async def test_both_halves_sign_a_user_in_without_a_network(flow: AuthFlow):
    async with pool_half(riddles(), lambda: NOW) as half:
        named = {"UserPoolId": half.pool_id, "Username": "ada"}
        await half.call("AdminCreateUser", **named)
        await half.call("AdminSetUserPassword", **named, Password=PASSWORD, Permanent=True)
        begun = half.conversations.sign_in(flow, "ada", Secret(PASSWORD), now=NOW)
        result = await half.talk(begun, [Secret("wrong"), Secret("sesame")])
    assert isinstance(result, SignedIn)
    assert (result.username, result.flow) == ("ada", flow)


@pytest.mark.usefixtures("no_network")
async def test_both_halves_change_a_temporary_password_without_a_network():
    async with pool_half(riddles(), lambda: NOW) as half:
        named = {"UserPoolId": half.pool_id, "Username": "ada"}
        await half.call("AdminCreateUser", **named, TemporaryPassword=PASSWORD)
        begun = half.conversations.sign_in(AuthFlow.USER_SRP_AUTH, "ada", Secret(PASSWORD), now=NOW)
        waiting = await half.talk(begun)
        assert isinstance(waiting, ChallengeRequired)
        assert waiting.challenge.name == "NEW_PASSWORD_REQUIRED"
        answered = half.conversations.answer(waiting, NewPassword("Str0ng-Horse"), now=NOW)
        assert isinstance(await half.talk(answered), SignedIn)
