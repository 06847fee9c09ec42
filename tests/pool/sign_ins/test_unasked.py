"""A sign-in that Cognito would have challenged gives no tokens here, and says which setting it is.

It says so only where Cognito would ask: whoever has no right password hears what he always hears.
"""

import sqlite3
from contextlib import closing

import pytest
from attrs import define, field

DEVICES = {"DeviceConfiguration": {"ChallengeRequiredOnNewDevice": False}}
WRONG = ("NotAuthorizedException", "Incorrect username or password.")


@define
class Handlers:
    """A custom flow: the password if SRP begins it, then one round, answered by "x"."""

    sources = frozenset(
        {
            *("DefineAuthChallenge", "CreateAuthChallenge", "VerifyAuthChallengeResponse"),
            *("PreAuthentication", "PostAuthentication", "PreTokenGeneration"),
        }
    )
    seen: list = field(factory=list)

    async def handle(self, event):
        name, response = event["triggerSource"].partition("_")[0], dict(event["response"])
        self.seen.append(name)
        match name:
            case "DefineAuthChallenge":
                done = [
                    (each["challengeName"], each["challengeResult"])
                    for each in event["request"]["session"]
                ]
                first = "PASSWORD_VERIFIER" if done == [("SRP_A", True)] else "CUSTOM_CHALLENGE"
                response = {
                    "challengeName": first,
                    "issueTokens": ("CUSTOM_CHALLENGE", True) in done,
                    "failAuthentication": ("CUSTOM_CHALLENGE", False) in done,
                }
            case "CreateAuthChallenge":
                response = {"publicChallengeParameters": {}, "privateChallengeParameters": {}}
            case "VerifyAuthChallengeResponse":
                response = {"answerCorrect": event["request"]["challengeAnswer"] == "x"}
        return {**event, "response": response}


@pytest.fixture
def handlers():
    return Handlers()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "pool.db"


@pytest.fixture
async def server(start, handlers, request):
    """A server in memory, or with a file for who looks into it."""
    file = {"db": str(request.getfixturevalue("path"))} if "path" in request.fixturenames else {}
    return await start(triggers=handlers, **file)


def families(path):
    with closing(sqlite3.connect(path)) as file:
        return file.execute("SELECT count(*) FROM token_families").fetchone()[0]


def named(refusal, setting):
    assert (refusal.status, refusal.code) == (400, "InvalidUserPoolConfigurationException")
    assert refusal.message.startswith(f"{setting}: Cognito would ask for ")


async def challenged(house, **parameters):
    asked = await house.api("InitiateAuth", **house.begin("CUSTOM_AUTH", **parameters))
    assert asked["ChallengeName"] == "CUSTOM_CHALLENGE"
    return asked["Session"]


@pytest.mark.parametrize("sent", ["at first", "with the proof"])
@pytest.mark.parametrize("flow", ["USER_SRP_AUTH", "CUSTOM_AUTH"])
async def test_a_device_that_is_named_would_be_asked_for_its_proof(server, settle, flow, sent):
    house = await settle(server, DEVICES)
    await house.add_user()
    parameters = {"CHALLENGE_NAME": "SRP_A"} if flow == "CUSTOM_AUTH" else {}
    at_first = {"DEVICE_KEY": "us-east-1_any"} if sent == "at first" else {}
    prover, asked = await house.ask("ann", flow, **parameters, **at_first)
    proof = house.proof(prover, asked)
    if sent == "with the proof":
        proof["ChallengeResponses"]["DEVICE_KEY"] = "us-east-1_any"
    setting = "DeviceConfiguration.ChallengeRequiredOnNewDevice"
    if flow == "CUSTOM_AUTH":
        # The device comes last, once Define wants tokens.
        asked = await house.api("RespondToAuthChallenge", **proof)
        proof = house.answer("CUSTOM_CHALLENGE", "ann", asked["Session"], ANSWER="x")
    named(await house.api.refused("RespondToAuthChallenge", **proof), setting)


async def test_a_device_that_is_named_with_a_password_or_a_custom_answer_is_no_other(
    server, settle, path
):
    house = await settle(server, DEVICES)
    await house.add_user()
    setting, device = "DeviceConfiguration.ChallengeRequiredOnNewDevice", {"DEVICE_KEY": "any"}
    request = house.begin("USER_PASSWORD_AUTH", PASSWORD="Corr3ct-Horse", **device)
    named(await house.api.refused("InitiateAuth", **request), setting)
    session = await challenged(house)
    wrong = house.answer("CUSTOM_CHALLENGE", session=session, ANSWER="y", **device)
    refusal = await house.api.refused("RespondToAuthChallenge", **wrong)
    assert (refusal.code, refusal.message) == WRONG
    session = await challenged(house)
    right = house.answer("CUSTOM_CHALLENGE", session=session, ANSWER="x", **device)
    named(await house.api.refused("RespondToAuthChallenge", **right), setting)
    assert families(path) == 0
    assert await house.tokens()


async def test_a_device_means_nothing_where_none_is_remembered(server, settle):
    house = await settle(server, {"DeviceConfiguration": {}})
    await house.add_user()
    request = house.begin("USER_PASSWORD_AUTH", PASSWORD="Corr3ct-Horse", DEVICE_KEY="any")
    assert "AuthenticationResult" in await house.api("InitiateAuth", **request)


async def test_where_the_password_is_no_first_factor_it_gives_no_tokens(server, settle):
    factors = {"AllowedFirstAuthFactors": ["EMAIL_OTP"]}
    house = await settle(server, {"Policies": {"SignInPolicy": factors}})
    await house.add_user()
    refusal = await house.api.refused("InitiateAuth", **house.by_password())
    assert refusal.code == "InvalidUserPoolConfigurationException"
    assert refusal.message.startswith(
        'Policies.SignInPolicy.AllowedFirstAuthFactors=["EMAIL_OTP"]: the password is not among '
    )
