"""What the pool brings before Define is what `authflow check` explores, and the other way round."""

import runpy
from collections.abc import Callable
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field

from authflow.errors import ConfigError
from authflow.triggers.check.define_probe import probe
from authflow.triggers.check.factor_sessions import FACTOR_ENTRIES
from authflow.triggers.check.python_handler import in_process

PASSWORD, NEW_PASSWORD = "Corr3ct-Horse", "An0ther-Horse"
POPULAR = Path(__file__).parents[2] / "triggers" / "handlers" / "popular" / "define.py"
DEFINE = runpy.run_path(str(POPULAR))
ANSWERS = 2
"""How many custom challenges are answered on each way through a sign-in."""

Asked = tuple[bool, tuple[tuple[str, bool], ...]]
"""Whether the user is unknown, and the rounds so far."""

Told = tuple[Asked, str | None, frozenset[str]]
"""What is asked, the user's status, and the names of the user's attributes."""

ATTRIBUTES = {
    "name": "Ada Lovelace",
    "email": "ada@example.com",
    "email_verified": "true",
    "phone_number": "+15550100001",
    "phone_number_verified": "true",
}


def asks_for_all(event, _context):
    """Go on for as long as anything can be asked for, by each beginning."""
    names = [entry["challengeName"] for entry in event["request"]["session"]]
    wanted = "PASSWORD_VERIFIER" if names == ["SRP_A"] else "CUSTOM_CHALLENGE"
    event["response"]["challengeName"] = wanted
    return event


def asks_for_no_password(event, _context):
    event["response"]["challengeName"] = "CUSTOM_CHALLENGE"
    return event


def asked(event: dict[str, Any]) -> Asked:
    request = event["request"]
    rounds = [(entry["challengeName"], entry["challengeResult"]) for entry in request["session"]]
    return request["userNotFound"], tuple(rounds)


def told(event: dict[str, Any]) -> Told:
    user = event["request"]["userAttributes"]
    return asked(event), user.get("cognito:user_status"), frozenset(user)


@define
class Watched:
    """Triggers that keep what Define is asked; to Verify an answer is right if it says so."""

    sources = frozenset(
        {"DefineAuthChallenge", "CreateAuthChallenge", "VerifyAuthChallengeResponse"}
    )
    decide: Callable[[dict[str, Any], Any], dict[str, Any]]
    asked: set[Asked] = field(factory=set)
    told: set[Told] = field(factory=set)

    async def handle(self, event):
        match event["triggerSource"].partition("_")[0]:
            case "DefineAuthChallenge":
                self.asked.add(asked(event))
                self.told.add(told(event))
                return self.decide(event, None)
            case "CreateAuthChallenge":
                event["response"]["publicChallengeParameters"] = {}
            case _:
                right = event["request"]["challengeAnswer"] == "right"
                event["response"]["answerCorrect"] = right
        return event


@define
class Client:
    """Goes every way through a sign-in that a client can."""

    house: Any
    made: int = 0

    async def go_every_way(self) -> None:
        for who in ("known", "unknown", "new", "barred"):
            for begins_with_srp in (False, True):
                ways: list[list[bool]] = [[]]
                while ways:
                    way = ways.pop()
                    username = await self.user(who)
                    taken = await self.go(username, way, begins_with_srp=begins_with_srp)
                    # Whatever was chosen beyond the way was right: the wrong one is another way.
                    ways += [[*taken[:at], False] for at in range(len(way), len(taken))]

    async def user(self, who: str) -> str:
        """Make a user if it takes one: whoever chose a password once does not do it again."""
        if who in {"known", "unknown"}:
            return who
        self.made += 1
        name = f"{who}{self.made}"
        pool = {"UserPoolId": self.house.pool_id, "Username": name}
        attributes = [{"Name": name, "Value": value} for name, value in ATTRIBUTES.items()]
        await self.house.api(
            "AdminCreateUser", **pool, TemporaryPassword=PASSWORD, UserAttributes=attributes
        )
        if who == "barred":
            await self.house.api("AdminDisableUser", **pool)
        return name

    async def go(self, username: str, way: list[bool], *, begins_with_srp: bool) -> list[bool]:
        """Sign in, answering rightly or not as the way says, and rightly beyond it."""
        house, answers, taken = self.house, 0, []
        choices = chain(way, repeat(True))
        try:
            if begins_with_srp:
                prover, reply = await house.ask(username, "CUSTOM_AUTH", CHALLENGE_NAME="SRP_A")
            else:
                reply = await house.api("InitiateAuth", **house.begin("CUSTOM_AUTH", username))
            while (name := reply.get("ChallengeName")) and answers < ANSWERS:
                if name == "NEW_PASSWORD_REQUIRED":
                    given = {"NEW_PASSWORD": NEW_PASSWORD}
                    answer = house.answer(name, username, reply["Session"], **given)
                else:
                    right = next(choices)
                    taken.append(right)
                if name == "PASSWORD_VERIFIER":
                    answer = house.proof(prover, reply, PASSWORD if right else "Wr0ng-Horse")
                if name == "CUSTOM_CHALLENGE":
                    answers += 1
                    typed = "right" if right else "wrong"
                    answer = house.answer(name, username, reply["Session"], ANSWER=typed)
                reply = await house.api("RespondToAuthChallenge", **answer)
        except ConfigError as refused:
            assert "NotAuthorized" in str(refused)  # noqa: PT017  # any other one is a fault
        return taken


@pytest.mark.parametrize(
    "decide",
    [
        asks_for_all,
        asks_for_no_password,
        DEFINE["password_or_passkey"],
    ],
)
async def test_check_explores_what_the_pool_brings_before_define(start, settle, clock, decide):
    explored, brought = set(), set()

    def recorded(event, context):
        # Sessions with a second factor: tests/second_factors/test_policies_and_factors.py.
        if not {name for name, _ in asked(event)[1]} & set(FACTOR_ENTRIES):
            explored.add(asked(event))
            brought.add(told(event))
        return decide(event, context)

    await probe(in_process(recorded), depth=ANSWERS)
    watched = Watched(decide)
    house = await settle(await start(triggers=watched), PreventUserExistenceErrors="ENABLED")
    await house.add_user("known", **ATTRIBUTES)
    await Client(house).go_every_way()
    assert watched.asked == explored
    # The pool brings more: it begins with users, too, whose password is still a temporary one.
    assert brought <= watched.told
