"""The pool with authflow's own trigger side, as `authflow serve --triggers` joins them."""

import pytest
from attrs import frozen

from authflow.secret import Secret
from authflow.triggers import (
    Found,
    Issued,
    MigratedUser,
    Triggers,
    UnknownUser,
    WrongPassword,
    challenge,
    password,
    sequence,
)


@frozen(kw_only=True)
class Riddle:
    name = "riddle"
    metadata = "RIDDLE"

    async def create(self, context):
        return Issued(public={"question": "2+2"}, private={"right": "4"})

    async def verify(self, context):
        return context.answer == Secret(context.private["right"])


class OldDirectory:
    async def authenticate(self, username, password):
        if username != "old":
            return UnknownUser()
        if password != Secret("old"):
            return WrongPassword()
        return Found(user=MigratedUser(attributes={"email": "old@example.org"}))

    async def look_up(self, username):
        return UnknownUser()


@pytest.fixture
async def house(start, settle):
    policy = sequence(password(), challenge("riddle", attempts=2))
    triggers = Triggers(policy=policy, challenges=[Riddle], directory=OldDirectory())
    return await settle(await start(triggers=triggers))


async def test_a_policy_is_carried_out_over_http(house):
    await house.add_user()
    for answers, end in ((["4"], None), (["5", "4"], None), (["5", "5"], "NotAuthorizedException")):
        prover, asked = await house.ask("ann", "CUSTOM_AUTH", CHALLENGE_NAME="SRP_A")
        asked = await house.api("RespondToAuthChallenge", **house.proof(prover, asked))
        for attempt, text in enumerate(answers, start=1):
            assert asked["ChallengeParameters"] == {
                "question": "2+2",
                "challenge": "riddle",
                "attempt": str(attempt),
                "attempts": "2",
                "USERNAME": "ann",
            }
            answer = house.answer("CUSTOM_CHALLENGE", "ann", asked["Session"], ANSWER=text)
            if end is not None and attempt == len(answers):
                assert (await house.api.refused("RespondToAuthChallenge", **answer)).code == end
                break
            asked = await house.api("RespondToAuthChallenge", **answer)
        else:
            assert "AuthenticationResult" in asked


async def test_a_policy_that_wants_the_password_refuses_a_sign_in_without_it(house):
    await house.add_user()
    refusal = await house.api.refused("InitiateAuth", **house.begin("CUSTOM_AUTH"))
    assert refusal.code == "NotAuthorizedException"


async def test_a_directory_is_migrated_from(house):
    assert "AuthenticationResult" in await house.api(
        "InitiateAuth", **house.by_password("old", "old")
    )
    for name, text in (("new", "old"), ("other", "x")):
        refusal = await house.api.refused("InitiateAuth", **house.by_password(name, text))
        assert refusal.message == f"Exception migrating user in app client {house.client_id}"
