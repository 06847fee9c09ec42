"""Sign-ins with second factors, from data: played back to back without a network, and for real."""

import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pyotp
import pytest
from attrs import define, evolve

from authflow import AuthClient, ChallengeRequired, SignedIn, SignInResult, errors
from authflow.answers import Choice, Code, EmailAddress, NewPassword, TypedAnswer
from authflow.client.conversation import Conversations
from authflow.given_maps import checked_map, wrapped_map
from authflow.machine import AuthFlow
from authflow.secret import Secret
from authflow.testing import MovableClock
from authflow.triggers import Triggers, challenge, password, sequence
from testbed.pool_half import PoolHalf, pool_half
from testbed.word import Word

FILE = Path(__file__).parents[1] / "scenarios" / "second_factors.json"
SCENARIOS = json.loads(FILE.read_text())["scenarios"]
PASSWORD, TEMPORARY = "Correct-horse-1", "Temporary-1"
SMS, TOTP, EMAIL = "SMS_MFA", "SOFTWARE_TOKEN_MFA", "EMAIL_OTP"
PREFERENCES = {SMS: "SMSMfaSettings", TOTP: "SoftwareTokenMfaSettings", EMAIL: "EmailMfaSettings"}
MAY_CARRY_METADATA = {"InitiateAuth", "RespondToAuthChallenge"}


@define
class BackToBack:
    """The client's conversations and the pool's operations, with nothing between them."""

    half: PoolHalf
    metadata: Any = None

    @property
    def _conversations(self) -> Conversations:
        return evolve(self.half.conversations, client_metadata=self.metadata)

    async def sign_in(self, flow: AuthFlow, name: str, word: str) -> SignInResult:
        begun = self._conversations.sign_in(flow, name, Secret(word), now=self.half.clock())
        return await self.half.talk(begun)

    async def answer(
        self, pending: ChallengeRequired, answer: TypedAnswer, *, elsewhere: bool
    ) -> SignInResult:
        del elsewhere  # a conversation is a value: it goes on from what it ended with
        answered = self._conversations.answer(pending, answer, now=self.half.clock())
        return await self.half.talk(answered)

    def carry(self, metadata: dict[str, str] | None) -> None:
        self.metadata = checked_map("client_metadata", wrapped_map(metadata))

    def sent(self) -> list[tuple[str, dict[str, Any]]]:
        told = [(each.operation, dict(each.body)) for each in self.half.sent]
        self.half.sent.clear()
        return told


@define
class ForReal:
    """A client and a pool, over real HTTP."""

    bank: Any
    metadata: dict[str, str] | None = None

    async def sign_in(self, flow: AuthFlow, name: str, word: str) -> SignInResult:
        auth: AuthClient = self.bank.auth
        return await auth.sign_in(name, word, flow=flow, client_metadata=self.metadata)

    async def answer(
        self, pending: ChallengeRequired, answer: TypedAnswer, *, elsewhere: bool
    ) -> SignInResult:
        auth: AuthClient = self.bank.auth
        if elsewhere:
            ticket = await auth.seal(pending)
            auth = self.bank.other
            pending = await auth.resume(ticket)
        return await auth.answer(pending, answer, client_metadata=self.metadata)

    def carry(self, metadata: dict[str, str] | None) -> None:
        self.metadata = metadata
        self.sent()

    def sent(self) -> list[tuple[str, dict[str, Any]]]:
        told = [(each.operation, dict(each.sent)) for each in self.bank.told]
        self.bank.told.clear()
        return told


@define
class Play:
    """One scenario, played by one of the two."""

    scenario: dict[str, Any]
    player: Any
    owner: Any
    clock: MovableClock
    name: str
    key: str = ""
    last: str = ""

    async def call(self, operation: str, **members: Any) -> Any:
        return await self.owner.call(operation, UserPoolId=self.pool_id, **members)

    @property
    def pool_id(self) -> str:
        pool_id: str = getattr(self.owner, "user_pool_id", None) or self.owner.pool_id
        return pool_id

    async def prepare(self, settings: dict[str, Any]) -> None:
        """Make the user, who has what the scenario says; then say who needs a factor."""
        user, named = self.scenario["user"], {"Username": self.name}
        has = {*user.get("has", ()), *user.get("on", ())}
        addresses = {SMS: ("phone_number", "+15550100001"), EMAIL: ("email", "ann@example.org")}
        attributes = [
            {"Name": addresses[factor][0], "Value": addresses[factor][1]}
            for factor in sorted(has - {TOTP})
        ]
        await self.call("SetUserPoolMfaConfig", MfaConfiguration="OPTIONAL", **settings)
        await self.call(
            "AdminCreateUser",
            **named,
            UserAttributes=attributes,
            TemporaryPassword=TEMPORARY,
            MessageAction="SUPPRESS",
        )
        if not user.get("temporary"):
            await self.call("AdminSetUserPassword", **named, Password=PASSWORD, Permanent=True)
        if TOTP in has:
            await self._enrol()
        if user.get("on"):
            wishes = {
                PREFERENCES[each]: {"Enabled": True, "PreferredMfa": each == user.get("preferred")}
                for each in user["on"]
            }
            await self.call("AdminSetUserMFAPreference", **named, **wishes)
        if self.scenario["mfa"] != "OPTIONAL":
            mode = self.scenario["mfa"]
            await self.call("SetUserPoolMfaConfig", MfaConfiguration=mode, **settings)

    async def _enrol(self) -> None:
        signed_in = await self.player.sign_in(AuthFlow.USER_PASSWORD_AUTH, self.name, PASSWORD)
        token = signed_in.tokens.access_token.reveal()
        associated = await self.owner.call("AssociateSoftwareToken", AccessToken=token)
        self.key = associated["SecretCode"]
        await self.owner.call("VerifySoftwareToken", AccessToken=token, UserCode=self.app_code())
        self.clock.advance(60)
        self.player.sent()

    def app_code(self) -> str:
        return pyotp.HOTP(self.key).at(int(self.clock.now // 30))

    async def begin(self) -> SignInResult:
        word = TEMPORARY if self.scenario["user"].get("temporary") else PASSWORD
        result: SignInResult = await self.player.sign_in(
            AuthFlow(self.scenario["flow"]), self.name, word
        )
        return result

    async def answer(self, pending: ChallengeRequired, step: dict[str, Any]) -> SignInResult:
        given = await self._typed(pending, *next(iter(step["answer"].items())))
        elsewhere = step.get("elsewhere", False)
        result: SignInResult = await self.player.answer(pending, given, elsewhere=elsewhere)
        return result

    async def _typed(self, pending: ChallengeRequired, kind: str, value: str) -> TypedAnswer:
        match kind:
            case "code":
                return Code(await self._code(pending, value))
            case "choice":
                return Choice(value)
            case "email":
                return EmailAddress(value)
            case "password":
                return NewPassword(value)
        return Secret(value)

    async def _code(self, pending: ChallengeRequired, which: str) -> str:
        if which == "used":
            return self.last
        asked = pending.challenge
        if asked.new_authenticator is not None:
            self.key = asked.new_authenticator.key.reveal()
        if which == "next":
            self.clock.advance(60)
        if TOTP in (asked.name, asked.kind):
            code = self.app_code()
        else:
            code = (await self.owner.messages(self.name))[-1].code.reveal()
        if which == "wrong":
            return f"{(int(code) + 1) % 1_000_000:06}"
        self.last = code
        return code


def spelt(operation: str, body: dict[str, Any]) -> str:
    """What is compared of a request: the operation, and the flow or the challenge."""
    return " ".join([operation, *filter(None, [body.get("AuthFlow") or body.get("ChallengeName")])])


async def play(playing: Play) -> None:
    pending: Any = None
    metadata = playing.scenario.get("metadata")
    playing.player.carry(metadata)
    for step in playing.scenario["steps"]:
        playing.clock.advance(step.get("wait", 0))
        taking = playing.answer(pending, step) if "answer" in step else playing.begin()
        if "raises" in step:
            with pytest.raises(getattr(errors, step["raises"])):
                await taking
        else:
            result = await taking
            assert isinstance(result, SignedIn) is step.get("signed_in", False)
            if isinstance(result, ChallengeRequired):
                assert result.challenge.name == step["asked"]
                assert result.challenge.parameters.items() >= step.get("parameters", {}).items()
                assert "kind" not in step or result.challenge.kind == step["kind"]
                pending = result
        requests = playing.player.sent()
        assert [spelt(*each) for each in requests] == step["sent"]
        for operation, body in requests:
            carried = metadata is not None and operation in MAY_CARRY_METADATA
            assert ("ClientMetadata" in body) is carried


@pytest.fixture(scope="session")
async def shared_half() -> AsyncIterator[tuple[PoolHalf, MovableClock]]:
    clock = MovableClock()
    policy = sequence(password(), challenge("word", attempts=2))
    async with pool_half(Triggers(policy=policy, challenges=[Word]), clock) as half:
        yield half, clock


scenarios = pytest.mark.parametrize(
    "scenario", SCENARIOS, ids=[f"{each['row']}: {each['name']}" for each in SCENARIOS]
)


@scenarios
async def test_a_scenario_is_played_back_to_back_without_a_network(
    shared_half, scenario, mfa_settings, monkeypatch
):
    half, clock = shared_half

    def refused(*_: object) -> None:
        raise AssertionError("a connection")

    monkeypatch.setattr(socket.socket, "connect", refused)
    name = f"scenario-{SCENARIOS.index(scenario)}"
    playing = Play(scenario, BackToBack(half), half, clock, name)
    await playing.prepare(mfa_settings)
    await play(playing)


@scenarios
async def test_a_scenario_is_played_for_real(bank, scenario, mfa_settings):
    name = f"scenario-{SCENARIOS.index(scenario)}"
    playing = Play(scenario, ForReal(bank), bank.pool, bank.clock, name)
    await playing.prepare(mfa_settings)
    await play(playing)


def test_every_scenario_is_named_once_and_the_rows_about_second_factors_have_some():
    names = [each["name"] for each in SCENARIOS]
    assert len(names) == len(set(names)) > 35
    assert {each["row"] for each in SCENARIOS} >= {
        *("USER_SRP_AUTH", "USER_PASSWORD_AUTH", "CUSTOM_AUTH without / with SRP"),
        *("Custom loop, N rounds", "SMS_MFA, SOFTWARE_TOKEN_MFA", "SELECT_MFA_TYPE / MFA_SETUP"),
        *("NEW_PASSWORD_REQUIRED (+attributes)", "Resumable sign-in", "Error taxonomy"),
        "ClientMetadata on every step",
    }
