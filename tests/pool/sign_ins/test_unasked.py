"""A sign-in that Cognito would have challenged gives no tokens here, and says which setting it is.

It says so only where Cognito would ask: whoever has no right password hears what he always hears.
"""

import sqlite3
from contextlib import closing

import pytest
from attrs import define, field

ON = {"MfaConfiguration": "ON"}
WRONG = ("NotAuthorizedException", "Incorrect username or password.")
NEW = "Str0ng-Horse"


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


async def by_password(house, name, password):
    return "InitiateAuth", house.by_password(name, password)


async def by_srp(house, name, password):
    return "RespondToAuthChallenge", await house.by_srp(name, password)


async def by_custom_auth_with_srp(house, name, password):
    prover, asked = await house.ask(name, "CUSTOM_AUTH", CHALLENGE_NAME="SRP_A")
    return "RespondToAuthChallenge", house.proof(prover, asked, password)


def by_administrator(flow):
    async def by_administrator(house, name, password):
        request = house.begin(flow, name, PASSWORD=password)
        return "AdminInitiateAuth", {"UserPoolId": house.pool_id, **request}

    return by_administrator


PASSWORDS = {
    "USER_PASSWORD_AUTH": by_password,
    "USER_SRP_AUTH": by_srp,
    "CUSTOM_AUTH": by_custom_auth_with_srp,
    "ADMIN_USER_PASSWORD_AUTH": by_administrator("ADMIN_USER_PASSWORD_AUTH"),
    "ADMIN_NO_SRP_AUTH": by_administrator("ADMIN_NO_SRP_AUTH"),
}


def named(refusal, setting):
    assert (refusal.status, refusal.code) == (400, "InvalidUserPoolConfigurationException")
    assert refusal.message.startswith(f"{setting}: Cognito would ask for ")


@pytest.mark.parametrize("flow", PASSWORDS)
async def test_where_mfa_is_on_no_password_gives_tokens(server, settle, handlers, path, flow):
    house = await settle(server, ON, PreventUserExistenceErrors="ENABLED")
    await house.add_user()
    operation, request = await PASSWORDS[flow](house, "ann", "wrong-Horse1")
    refusal = await house.api.refused(operation, **request)
    assert (refusal.code, refusal.message) == WRONG
    operation, request = await PASSWORDS[flow](house, "ann", "Corr3ct-Horse")
    handlers.seen.clear()
    named(await house.api.refused(operation, **request), "MfaConfiguration=ON")
    # Nothing that comes after the second factor has begun, nor can the answer be given again.
    assert set(handlers.seen) <= {"PreAuthentication"}
    assert families(path) == 0
    if operation == "RespondToAuthChallenge":
        again = await house.api.refused(operation, **request)
        assert (again.code, again.message) == WRONG
    operation, request = await PASSWORDS[flow](house, "nobody", "Corr3ct-Horse")
    refusal = await house.api.refused(operation, **request)
    assert (refusal.code, refusal.message) == WRONG


async def test_a_right_password_is_counted_as_one_though_it_gives_no_tokens(server, settle):
    house = await settle(server, ON)
    await house.add_user()
    for _ in range(3):
        for _ in range(4):
            await house.api.refused("InitiateAuth", **house.by_password("ann", "wrong-Horse1"))
        refusal = await house.api.refused("InitiateAuth", **house.by_password())
        named(refusal, "MfaConfiguration=ON")


@pytest.mark.parametrize("flow", ["USER_PASSWORD_AUTH", "USER_SRP_AUTH", "CUSTOM_AUTH"])
async def test_a_temporary_password_is_replaced_before_a_second_factor_is_asked(
    server, settle, path, flow
):
    house = await settle(server, ON)
    named_ = {"UserPoolId": house.pool_id, "Username": "ann"}
    await house.api("AdminCreateUser", **named_, TemporaryPassword="Temp0rary!")
    operation, request = await PASSWORDS[flow](house, "ann", "Temp0rary!")
    asked = await house.api(operation, **request)
    assert asked["ChallengeName"] == "NEW_PASSWORD_REQUIRED"
    answer = house.answer("NEW_PASSWORD_REQUIRED", "ann", asked["Session"], NEW_PASSWORD=NEW)
    named(await house.api.refused("RespondToAuthChallenge", **answer), "MfaConfiguration=ON")
    # As with Cognito the password is set by now.
    assert (await house.api("AdminGetUser", **named_))["UserStatus"] == "CONFIRMED"
    named(
        await house.api.refused("InitiateAuth", **house.by_password("ann", NEW)),
        "MfaConfiguration=ON",
    )
    assert families(path) == 0


async def challenged(house, **parameters):
    asked = await house.api("InitiateAuth", **house.begin("CUSTOM_AUTH", **parameters))
    assert asked["ChallengeName"] == "CUSTOM_CHALLENGE"
    return asked["Session"]


async def test_custom_challenges_alone_have_no_second_factor_with_cognito_either(server, settle):
    house = await settle(server, ON)
    await house.add_user()
    answer = house.answer("CUSTOM_CHALLENGE", session=await challenged(house), ANSWER="x")
    assert "AuthenticationResult" in await house.api("RespondToAuthChallenge", **answer)


async def test_mfa_holds_from_the_moment_that_it_is_on_and_refresh_tokens_stay_good(server, settle):
    house = await settle(server)
    await house.add_user()
    refresh = (await house.tokens())["RefreshToken"]
    proof = await house.by_srp()
    await house.api("UpdateUserPool", UserPoolId=house.pool_id, **ON)
    named(await house.api.refused("RespondToAuthChallenge", **proof), "MfaConfiguration=ON")
    request = {
        "AuthFlow": "REFRESH_TOKEN_AUTH",
        "ClientId": house.client_id,
        "AuthParameters": {"REFRESH_TOKEN": refresh},
    }
    assert "AuthenticationResult" in await house.api("InitiateAuth", **request)
    await house.api("UpdateUserPool", UserPoolId=house.pool_id)
    assert await house.tokens()


async def test_where_the_password_is_no_first_factor_it_gives_no_tokens(server, settle):
    factors = {"AllowedFirstAuthFactors": ["EMAIL_OTP"]}
    house = await settle(server, {"Policies": {"SignInPolicy": factors}})
    await house.add_user()
    refusal = await house.api.refused("InitiateAuth", **house.by_password())
    assert refusal.code == "InvalidUserPoolConfigurationException"
    assert refusal.message.startswith(
        'Policies.SignInPolicy.AllowedFirstAuthFactors=["EMAIL_OTP"]: the password is not among '
    )
