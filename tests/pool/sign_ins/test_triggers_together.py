"""The pool with authflow's own trigger side, as `authflow serve --triggers` joins them."""

import json

import pytest
from attrs import frozen
from joserfc import jws

from authflow.errors import DeniedError
from authflow.secret import Secret
from authflow.triggers import (
    AccessTokenChanges,
    ClaimChanges,
    Found,
    Groups,
    Issued,
    MigratedUser,
    PostAuthenticationEvent,
    PreAuthenticationEvent,
    PreTokenGenerationEvent,
    TokenChanges,
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
        if username != "old":
            return UnknownUser()
        attributes = {"email": "old@example.org", "email_verified": "true"}
        return Found(user=MigratedUser(attributes=attributes))


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


async def test_a_directory_is_asked_about_a_forgotten_password(house):
    request = {"ClientId": house.client_id, "Username": "old"}
    reply = await house.api("ForgotPassword", **request)
    assert reply["CodeDeliveryDetails"]["Destination"] == "o***@e***"
    refusal = await house.api.refused("ForgotPassword", **{**request, "Username": "new"})
    assert refusal.message == f"Exception migrating user in app client {house.client_id}"


@pytest.fixture
def owners():
    """What the owner of a pool writes, as functions of typed events."""

    def check_country(event):
        if event.validation_data.get("country") == "XX":
            raise DeniedError("not from your country")

    async def check_device(event):
        if event.client_metadata.get("device") == "stolen":
            raise RuntimeError("the stolen devices are in table 7")

    def add_claims(event):
        access = AccessTokenChanges(claims={"tenant": "t1"}, add_scopes=["orders/read"])
        return TokenChanges(
            id_token=ClaimChanges(claims={"tier": "gold"}, suppress=["email"]),
            access_token=None if event.version == 1 else access,
            groups=Groups(names=["editors"]),
        )

    return Triggers(
        on={
            PreAuthenticationEvent: check_country,
            PostAuthenticationEvent: check_device,
            PreTokenGenerationEvent: add_claims,
        }
    )


async def test_functions_of_typed_events_are_run_around_a_sign_in(start, settle, owners):
    house = await settle(await start(triggers=owners))
    await house.add_user(email="ann@example.org")
    claims = jws.extract_compact((await house.tokens())["IdToken"].encode()).payload
    identity = json.loads(claims)
    assert identity["tier"] == "gold"
    assert identity["cognito:groups"] == ["editors"]
    assert "email" not in identity
    request = {**house.by_password(), "ClientMetadata": {"country": "XX"}}
    refusal = await house.api.refused("InitiateAuth", **request)
    assert refusal.message == "PreAuthentication failed with error not from your country."
    proof = {**await house.by_srp(), "ClientMetadata": {"device": "stolen"}}
    refusal = await house.api.refused("RespondToAuthChallenge", **proof)
    assert refusal.code == "UserLambdaValidationException"
    assert "table" not in refusal.message


async def test_registered_by_name_they_change_access_tokens(start, settle, owners):
    arn = "arn:aws:lambda:us-east-1:000000000000:function:owners"
    config = {"PreTokenGenerationConfig": {"LambdaVersion": "V2_0", "LambdaArn": arn}}
    house = await settle(await start(triggers={"owners": owners}), {"LambdaConfig": config})
    await house.add_user()
    token = (await house.tokens())["AccessToken"]
    access = json.loads(jws.extract_compact(token.encode()).payload)
    assert access["tenant"] == "t1"
    assert access["scope"] == "aws.cognito.signin.user.admin orders/read"
