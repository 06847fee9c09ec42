"""One table of policies and second factors, run by `authflow check` and by the pool: they agree."""

import json
from collections.abc import AsyncIterator, Callable
from itertools import count
from pathlib import Path
from typing import Any

import pyotp
import pytest
from attrs import define, field

from authflow import ChallengeRequired, SignedIn
from authflow.answers import Choice, Code, EmailAddress, NewPassword
from authflow.errors import BadCredentialsError
from authflow.machine import AuthFlow, State
from authflow.secret import Secret
from authflow.testing import MovableClock
from authflow.triggers import Triggers, any_of, challenge, password, sequence
from authflow.triggers.check.define_paths import DefineDecision, ask, define_event
from authflow.triggers.check.define_probe import probe
from authflow.triggers.check.factor_sessions import (
    FACTOR_ENTRIES,
    NO_CHALLENGES_PLACE,
    REFUSED_AFTER_FACTOR,
)
from authflow.triggers.events.challenge_events import SessionEntry
from testbed.pool_half import PoolHalf, pool_half
from testbed.word import Word

TABLE = json.loads(
    (Path(__file__).parents[1] / "scenarios" / "policies_and_factors.json").read_text()
)
SMS, TOTP, EMAIL = "SMS_MFA", "SOFTWARE_TOKEN_MFA", "EMAIL_OTP"
PREFERENCES = {SMS: "SMSMfaSettings", TOTP: "SoftwareTokenMfaSettings", EMAIL: "EmailMfaSettings"}
NUMBERS = count(1)


def the_last_entry_decides(names: list[str]) -> str:
    """Take whatever was passed last for what it asked last."""
    if names == ["SRP_A"]:
        return "PASSWORD_VERIFIER"
    return "CUSTOM_CHALLENGE" if names[-1] == "PASSWORD_VERIFIER" else "tokens"


def the_name_of_the_last_entry_decides(names: list[str]) -> str:
    """Refuse what was not expected."""
    following = {
        "SRP_A": "PASSWORD_VERIFIER",
        "PASSWORD_VERIFIER": "CUSTOM_CHALLENGE",
        "CUSTOM_CHALLENGE": "tokens",
    }
    return following.get(names[-1], "fail")


@define
class ByHand:
    """Triggers as somebody writes them by hand: Define decides by the names of what was passed."""

    decide: Callable[[list[str]], str]

    async def handle(self, event: dict[str, Any]) -> dict[str, Any]:
        match event["triggerSource"].partition("_")[0]:
            case "DefineAuthChallenge":
                session = event["request"]["session"]
                wrong = not all(entry["challengeResult"] for entry in session)
                decision = self.decide([entry["challengeName"] for entry in session])
                response: dict[str, Any] = {
                    "challengeName": decision if decision.isupper() else None,
                    "issueTokens": decision == "tokens" and not wrong,
                    "failAuthentication": decision == "fail" or wrong,
                }
            case "CreateAuthChallenge":
                response = {"publicChallengeParameters": {}, "privateChallengeParameters": {}}
            case _:
                answer = event["request"]["challengeAnswer"]
                response = {"answerCorrect": answer == "open sesame"}
        return {**event, "response": {**event["response"], **response}}


def declared(step: Any) -> Triggers:
    return Triggers(policy=step, challenges=[Word])


WORD = challenge("word")
POLICIES: dict[str, Any] = {
    "password": declared(password()),
    "password, word": declared(sequence(password(), WORD)),
    "password, word, word": declared(sequence(password(), WORD, WORD)),
    "word": declared(sequence(WORD)),
    "password or word": declared(any_of(password(), WORD)),
    "by hand: the last entry decides": ByHand(the_last_entry_decides),
    "by hand: the name of the last entry decides": ByHand(the_name_of_the_last_entry_decides),
}


@define
class Switch:
    """The pool's triggers: those of the policy that is tried. It stores what Define was asked."""

    sources: frozenset[str] = frozenset(
        {"DefineAuthChallenge", "CreateAuthChallenge", "VerifyAuthChallengeResponse"}
    )
    triggers: Any = None
    defined: list[list[str]] = field(factory=list)

    async def handle(self, event: dict[str, Any], *_: Any) -> Any:
        if event["triggerSource"].startswith("Define"):
            session = event["request"]["session"]
            self.defined.append([entry["challengeName"] for entry in session])
        return await self.triggers.handle(event)


@define
class Told:
    """What somebody who answers everything right meets.

    Args:
        asked: The challenges, those in brackets that leave no entry before Define.
        defined: The sessions of which Define was asked.
        signed_in: Whether tokens came.
    """

    asked: list[str] = field(factory=list)
    defined: list[list[str]] = field(factory=list)
    signed_in: bool = False


async def told_by_the_check(triggers: Any, row: dict[str, Any], user: dict[str, Any]) -> Told:
    """Walk through the sign-in as `authflow check` does: no pool, Define alone."""
    told, names = Told(), ["SRP_A"] if row["by"] == "password" else []
    while True:
        told.defined.append(list(names))
        session = tuple(
            SessionEntry(
                challenge_name=name,
                challenge_result=True,
                challenge_metadata=Word.metadata if name == "CUSTOM_CHALLENGE" else None,
            )
            for name in names
        )
        event = define_event(
            session, user_not_found=False, user_pool_id="us-east-1_x", client_id="x"
        )
        reply = await ask(triggers.handle, event)
        if not reply.asks:
            told.signed_in = reply.decision is DefineDecision.TOKENS
            return told
        asked = [reply.decision.name]
        if reply.decision is DefineDecision.PASSWORD_VERIFIER:
            asked += user["asked"]
        told.asked += asked
        names += [name for name in asked if name.isupper() and name[0] != "("]


async def told_by_the_pool(
    half: PoolHalf, switch: Switch, clock: MovableClock, row: dict[str, Any], user: dict[str, Any]
) -> Told:
    """Sign a user in whose every answer is right."""
    owner = await Owner.make(half, clock, user)
    switch.defined.clear()
    told = Told()
    word = None if row["by"] == "name" else Secret(owner.password)
    conversation = half.conversations.sign_in(AuthFlow.CUSTOM_AUTH, owner.name, word, now=clock.now)
    if word is not None:
        told.asked.append("PASSWORD_VERIFIER")
    try:
        result = await half.talk(conversation)
        while isinstance(result, ChallengeRequired):
            name = result.challenge.name
            if name != "MFA_SETUP" or result.challenge.kind is None:
                leaves = f"({name})" not in user["asked"]
                told.asked.append(name if leaves else f"({name})")
            answer = await owner.answer(result)
            result = await half.talk(half.conversations.answer(result, answer, now=clock.now))
        told.signed_in = isinstance(result, SignedIn)
    except BadCredentialsError:
        told.signed_in = False
    told.defined = list(switch.defined)
    return told


@define
class Owner:
    """A user, and what the user has in the pocket."""

    half: PoolHalf
    clock: MovableClock
    user: dict[str, Any]
    name: str
    password: str
    key: str = ""

    @classmethod
    async def make(cls, half: PoolHalf, clock: MovableClock, user: dict[str, Any]) -> "Owner":
        settings = {
            "SoftwareTokenMfaConfiguration": {"Enabled": True},
            "EmailMfaConfiguration": {},
            "SmsMfaConfiguration": {
                "SmsConfiguration": {
                    "SnsCallerArn": "arn:aws:iam::000000000000:role/sms",
                    "ExternalId": "x",
                }
            },
        }
        named = {"UserPoolId": half.pool_id, "Username": f"user-{next(NUMBERS)}"}
        on, word = user.get("on", []), "Correct-horse-1"
        has = {*on, *user.get("has", [])}
        attributes = {
            **({"phone_number": "+15550100001"} if SMS in has else {}),
            **({"email": "ann@example.org"} if EMAIL in has else {}),
        }
        made = cls(half, clock, user, named["Username"], word)
        await half.call(
            "SetUserPoolMfaConfig", UserPoolId=half.pool_id, MfaConfiguration="OPTIONAL", **settings
        )
        await half.call(
            "AdminCreateUser",
            **named,
            TemporaryPassword=word,
            UserAttributes=[{"Name": k, "Value": v} for k, v in attributes.items()],
        )
        if not user.get("temporary"):
            await half.call("AdminSetUserPassword", **named, Password=word, Permanent=True)
        if TOTP in on:
            await made._enrol()
        wishes = {PREFERENCES[each]: {"Enabled": True} for each in on}
        await half.call("AdminSetUserMFAPreference", **named, **wishes)
        if user["mfa"] != "OPTIONAL":
            mode = user["mfa"]
            await half.call(
                "SetUserPoolMfaConfig", UserPoolId=half.pool_id, MfaConfiguration=mode, **settings
            )
        return made

    async def _enrol(self) -> None:
        begun = self.half.conversations.sign_in(
            AuthFlow.USER_PASSWORD_AUTH, self.name, Secret(self.password), now=self.clock.now
        )
        signed_in = await self.half.talk(begun)
        assert isinstance(signed_in, SignedIn)
        token = signed_in.tokens.access_token.reveal()
        self.key = (await self.half.call("AssociateSoftwareToken", AccessToken=token))["SecretCode"]
        await self.half.call("VerifySoftwareToken", AccessToken=token, UserCode=self._code())
        self.clock.advance(60)

    def _code(self) -> str:
        return pyotp.HOTP(self.key).at(int(self.clock.now // 30))

    async def answer(self, pending: ChallengeRequired) -> Any:
        asked = pending.challenge
        if asked.new_authenticator is not None:
            self.key = asked.new_authenticator.key.reveal()
            return Code(self._code())
        match asked.name:
            case State.MFA_SETUP if asked.kind is None:
                return Choice(self.user["sets_up"])
            case State.MFA_SETUP:
                return EmailAddress("new@example.org")
            case State.SELECT_MFA_TYPE:
                return Choice(next(each for each in self.user["asked"] if each[0] != "("))
            case State.NEW_PASSWORD_REQUIRED:
                return NewPassword("Another-horse-1")
            case State.SOFTWARE_TOKEN_MFA:
                return Code(self._code())
            case State.SMS_MFA | State.EMAIL_OTP:
                code = (await self.half.messages(self.name))[-1].code
                assert code is not None
                return Code(code)
        return Secret("open sesame")


@pytest.fixture(scope="module")
async def shared_pool() -> AsyncIterator[tuple[PoolHalf, Switch, MovableClock]]:
    switch, clock = Switch(), MovableClock()
    async with pool_half(switch, clock) as half:
        yield half, switch, clock


def expected(row: dict[str, Any], user: dict[str, Any]) -> list[str]:
    shape = row.get("with_factor", row["asked"]) if user["asked"] else row["asked"]
    return [each for name in shape for each in (user["asked"] if name == "*" else [name])]


@pytest.mark.parametrize("who", TABLE["users"])
@pytest.mark.parametrize(
    "row",
    TABLE["policies"],
    ids=[f"{each['policy']} by {each['by']}" for each in TABLE["policies"]],
)
async def test_the_check_and_the_pool_agree_on_a_policy_and_a_second_factor(shared_pool, row, who):
    half, switch, clock = shared_pool
    switch.triggers, user = POLICIES[row["policy"]], TABLE["users"][who]
    foretold = await told_by_the_check(switch.triggers, row, user)
    told = await told_by_the_pool(half, switch, clock, row, user)
    refused = row.get("refused", False) or (
        row.get("refused_with_factor", False) and bool(user["asked"])
    )
    assert told == Told(expected(row, user), foretold.defined, not refused)
    assert foretold == told


@pytest.mark.parametrize("row", TABLE["policies"], ids=lambda row: row["policy"])
async def test_the_check_convicts_whoever_takes_a_factor_for_a_challenge(row):
    verdict = await probe(POLICIES[row["policy"]].handle, depth=3, metadata=Word.metadata)
    broken = {each.name: each.path for each in verdict.findings if not each.holds}
    assert (NO_CHALLENGES_PLACE in broken) is row["skips"]
    if row["skips"]:
        path = broken[NO_CHALLENGES_PLACE]
        names = [entry.challenge_name for entry in path.session]
        assert names == ["SRP_A", "PASSWORD_VERIFIER", "SMS_MFA"]
    assert (REFUSED_AFTER_FACTOR in verdict.notes) is row.get("refused_with_factor", False)


def test_the_table_has_every_entry_that_a_factor_leaves():
    left = {name for user in TABLE["users"].values() for name in user["asked"] if name[0] != "("}
    assert left == {*FACTOR_ENTRIES, "NEW_PASSWORD_REQUIRED"}
