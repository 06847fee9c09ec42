import base64

import pytest

from authflow import srp
from authflow.pool.workers import Workers

WRONG = "Incorrect username or password."


async def test_the_right_password_signs_in_and_a_wrong_one_does_not(house):
    await house.add_user()
    assert "AuthenticationResult" in await house.api("InitiateAuth", **house.by_password())
    refusal = await house.api.refused("InitiateAuth", **house.by_password("ann", "wrong-Horse1"))
    assert (refusal.code, refusal.message) == ("NotAuthorizedException", WRONG)


async def test_administrators_sign_users_in(house):
    await house.add_user()
    for flow in ("ADMIN_USER_PASSWORD_AUTH", "ADMIN_NO_SRP_AUTH"):
        request = house.begin(flow, PASSWORD="Corr3ct-Horse")
        reply = await house.api("AdminInitiateAuth", UserPoolId=house.pool_id, **request)
        assert "AuthenticationResult" in reply
        refusal = await house.api.refused("InitiateAuth", **request)
        assert refusal.message == "Initiate Auth method not supported."


async def test_an_administrator_uses_every_flow_but_the_one_of_users_that_sends_the_password(house):
    await house.add_user()
    named = {"UserPoolId": house.pool_id}
    _, refusal = [
        await house.api.refused("AdminInitiateAuth", **named, **house.by_password("ann", password))
        for password in ("wrong-Horse1", "Corr3ct-Horse")
    ]
    assert (refusal.code, refusal.message) == (
        "InvalidParameterException",
        "Initiate Auth method not supported.",
    )
    prover = srp.Prover.start(b"\x07" * 32)
    request = house.begin("USER_SRP_AUTH", SRP_A=prover.srp_a)
    asked = await house.api("AdminInitiateAuth", **named, **request)
    proof = house.proof(prover, asked)
    done = await house.api("AdminRespondToAuthChallenge", **named, **proof)
    for flow in ("REFRESH_TOKEN_AUTH", "REFRESH_TOKEN"):
        parameters = {"REFRESH_TOKEN": done["AuthenticationResult"]["RefreshToken"]}
        request = {"AuthFlow": flow, "ClientId": house.client_id, "AuthParameters": parameters}
        renewed = await house.api("AdminInitiateAuth", **named, **request)
        assert "AuthenticationResult" in renewed
    refusal = await house.api.refused("AdminInitiateAuth", **named, **house.begin("CUSTOM_AUTH"))
    assert refusal.code == "InvalidUserPoolConfigurationException"  # it has no triggers


async def test_a_temporary_password_must_be_replaced(house):
    made = await house.api(
        "AdminCreateUser",
        UserPoolId=house.pool_id,
        Username="bob",
        TemporaryPassword="Temp0rary!",
    )
    assert made["User"]["UserStatus"] == "FORCE_CHANGE_PASSWORD"
    asked = await house.api("InitiateAuth", **house.by_password("bob", "Temp0rary!"))
    assert asked["ChallengeName"] == "NEW_PASSWORD_REQUIRED"
    assert asked["ChallengeParameters"]["requiredAttributes"] == "[]"
    weak = house.answer("NEW_PASSWORD_REQUIRED", "bob", asked["Session"], NEW_PASSWORD="weak")
    refusal = await house.api.refused("RespondToAuthChallenge", **weak)
    assert refusal.code == "InvalidPasswordException"
    # A password that is only too weak does not cost the session.
    good = house.answer(
        "NEW_PASSWORD_REQUIRED", "bob", asked["Session"], NEW_PASSWORD="Str0ng-Horse"
    )
    assert "AuthenticationResult" in await house.api("RespondToAuthChallenge", **good)
    again = await house.api.refused("RespondToAuthChallenge", **good)
    assert again.message.startswith("Invalid session for the user")
    proof = await house.by_srp("bob", "Str0ng-Horse")
    assert "AuthenticationResult" in await house.api("RespondToAuthChallenge", **proof)
    old = await house.api.refused("InitiateAuth", **house.by_password("bob", "Temp0rary!"))
    assert old.message == WRONG


async def test_a_temporary_password_by_srp_must_be_replaced_too(house):
    await house.add_user()
    await house.api(
        "AdminSetUserPassword", UserPoolId=house.pool_id, Username="ann", Password="Temp0rary!"
    )
    proof = await house.by_srp("ann", "Temp0rary!")
    asked = await house.api("RespondToAuthChallenge", **proof)
    assert asked["ChallengeName"] == "NEW_PASSWORD_REQUIRED"


async def test_a_temporary_password_expires(house):
    await house.api(
        "AdminCreateUser",
        UserPoolId=house.pool_id,
        Username="bob",
        TemporaryPassword="Temp0rary!",
    )
    house.clock.now += 7 * 86400
    refusal = await house.api.refused("InitiateAuth", **house.by_password("bob", "Temp0rary!"))
    assert refusal.message == (
        "Temporary password has expired and must be reset by an administrator."
    )


async def test_required_attributes_come_with_the_new_password(start, settle):
    schema = [{"Name": "email", "Required": True}, {"Name": "team", "AttributeDataType": "String"}]
    writable = {"WriteAttributes": ["email", "custom:team"]}
    house = await settle(await start(), {"Schema": schema}, **writable)
    await house.api(
        "AdminCreateUser",
        UserPoolId=house.pool_id,
        Username="bob",
        TemporaryPassword="Temp0rary!",
        UserAttributes=[{"Name": "custom:team", "Value": "red"}],
    )
    asked = await house.api("InitiateAuth", **house.by_password("bob", "Temp0rary!"))
    assert asked["ChallengeParameters"]["requiredAttributes"] == '["userAttributes.email"]'

    def answer(**attributes):
        return house.answer(
            "NEW_PASSWORD_REQUIRED",
            "bob",
            asked["Session"],
            NEW_PASSWORD="Str0ng-Horse",
            **{f"userAttributes.{name}": value for name, value in attributes.items()},
        )

    wrong = "InvalidParameterException"
    for attributes, code, message in (
        ({}, wrong, "Invalid attributes given, email is missing"),
        ({"email": "nonsense"}, wrong, "Invalid email address format."),
        (
            {"email": "b@x.org", "custom:team": "blue"},
            "NotAuthorizedException",
            "Cannot modify an already provided custom:team",
        ),
        ({"email": "b@x.org", "sub": "me"}, wrong, "Cannot modify the non-mutable attribute sub"),
    ):
        refusal = await house.api.refused("RespondToAuthChallenge", **answer(**attributes))
        assert (refusal.code, refusal.message) == (code, message)
    await house.api("RespondToAuthChallenge", **answer(email="b@x.org"))
    user = await house.api("AdminGetUser", UserPoolId=house.pool_id, Username="bob")
    assert {"Name": "email", "Value": "b@x.org"} in user["UserAttributes"]
    assert user["UserStatus"] == "CONFIRMED"


@pytest.mark.parametrize(
    ("allowed", "flow", "message"),
    [
        (None, "USER_PASSWORD_AUTH", "USER_PASSWORD_AUTH flow not enabled for this client"),
        (["ALLOW_CUSTOM_AUTH"], "USER_SRP_AUTH", "USER_SRP_AUTH flow not enabled for this client"),
        (["CUSTOM_AUTH_FLOW_ONLY"], "USER_SRP_AUTH", "USER_SRP_AUTH flow not enabled"),
        (["ALLOW_USER_SRP_AUTH"], "CUSTOM_AUTH", "CUSTOM_AUTH flow not enabled for this client"),
        (["ALLOW_USER_SRP_AUTH"], "USER_AUTH", "USER_AUTH flow not enabled for this client"),
    ],
)
async def test_flows_that_the_client_does_not_allow_are_refused(
    api, settle, allowed, flow, message
):
    house = await settle(api, ExplicitAuthFlows=allowed)
    await house.add_user()
    refusal = await api.refused(
        "InitiateAuth", **house.begin(flow, PASSWORD="Corr3ct-Horse", SRP_A="2")
    )
    assert refusal.code == "InvalidParameterException"
    assert refusal.message.startswith(message)


async def test_admin_flow_not_allowed_has_its_own_text(api, settle):
    house = await settle(api, ExplicitAuthFlows=["ALLOW_USER_SRP_AUTH"])
    request = house.begin("ADMIN_USER_PASSWORD_AUTH", PASSWORD="x")
    refusal = await api.refused("AdminInitiateAuth", UserPoolId=house.pool_id, **request)
    assert refusal.message == "Auth flow not enabled for this client"


async def test_user_auth_is_said_to_be_missing(api, settle):
    house = await settle(api, ExplicitAuthFlows=["ALLOW_USER_AUTH"])
    await house.add_user()
    refusal = await api.refused("InitiateAuth", **house.begin("USER_AUTH"))
    assert refusal.code == "UnsupportedOperationException"


async def test_legacy_names_of_flows_work(api, settle):
    house = await settle(api, ExplicitAuthFlows=["USER_PASSWORD_AUTH"])
    await house.add_user()
    assert "AuthenticationResult" in await api("InitiateAuth", **house.by_password())
    assert "AuthenticationResult" in await api("RespondToAuthChallenge", **await house.by_srp())


async def test_the_secret_hash_is_checked(api, settle):
    house = await settle(api, GenerateSecret=True)
    await house.add_user()
    assert "AuthenticationResult" in await api("InitiateAuth", **house.by_password())
    assert "AuthenticationResult" in await api("RespondToAuthChallenge", **await house.by_srp())
    wrong_key = base64.b64encode(b"\0" * 32).decode()
    for given, message in (
        (
            None,
            f"Client {house.client_id} is configured with secret but SECRET_HASH was not received",
        ),
        (wrong_key, f"Unable to verify secret hash for client {house.client_id}"),
        ("\u00e9", f"Unable to verify secret hash for client {house.client_id}"),
    ):
        request = house.by_password()
        request["AuthParameters"].pop("SECRET_HASH")
        if given is not None:
            request["AuthParameters"]["SECRET_HASH"] = given
        refusal = await api.refused("InitiateAuth", **request)
        assert (refusal.code, refusal.message) == ("NotAuthorizedException", message)
    proof = await house.by_srp()
    proof["ChallengeResponses"].pop("SECRET_HASH")
    assert (await api.refused("RespondToAuthChallenge", **proof)).code == "NotAuthorizedException"


async def test_a_secret_hash_for_a_client_without_secret_is_refused(house):
    await house.add_user()
    request = house.begin("USER_PASSWORD_AUTH", PASSWORD="Corr3ct-Horse", SECRET_HASH="x")
    refusal = await house.api.refused("InitiateAuth", **request)
    assert refusal.code == "InvalidParameterException"
    assert "SECRET_HASH" in refusal.message


@pytest.mark.parametrize(
    ("parameters", "missing"),
    [
        ({}, "USERNAME"),
        ({"USERNAME": ""}, "USERNAME"),
        ({"USERNAME": "ann"}, "PASSWORD"),
        ({"USERNAME": "ann", "PASSWORD": ""}, "PASSWORD"),
    ],
)
async def test_missing_parameters_are_named(house, parameters, missing):
    refusal = await house.api.refused(
        "InitiateAuth",
        AuthFlow="USER_PASSWORD_AUTH",
        ClientId=house.client_id,
        AuthParameters=parameters,
    )
    assert refusal.message == f"Missing required parameter {missing}"


async def test_clients_of_other_pools_and_unknown_ones_are_refused(house, settle):
    other = await settle(house.api)
    await house.add_user()
    refusal = await house.api.refused(
        "AdminInitiateAuth", UserPoolId=other.pool_id, **house.by_password()
    )
    assert refusal.code == "ResourceNotFoundException"
    unknown = {**house.by_password(), "ClientId": "nobody"}
    refusal = await house.api.refused("InitiateAuth", **unknown)
    assert refusal.message == "User pool client nobody does not exist."


@pytest.fixture
def overtaken(house, monkeypatch):
    """Have password changes overtake each comparison, as long as there are any."""
    run, changes = Workers.run, []

    async def running(workers, function, *args, **more):
        done = await run(workers, function, *args, **more)
        if function.__name__ == "recomputed" and changes:
            one = {"UserPoolId": house.pool_id, "Username": "ann", "Permanent": True}
            await house.api("AdminSetUserPassword", **one, Password=changes.pop(0))
        return done

    monkeypatch.setattr(Workers, "run", running)
    return changes


async def test_a_password_that_a_change_overtakes_is_compared_with_the_new_one(house, overtaken):
    await house.add_user()
    overtaken[:] = ["N3w-password", "N3wer-password"]
    request = house.by_password("ann", "N3wer-password")
    assert "AuthenticationResult" in await house.api("InitiateAuth", **request)
    overtaken[:] = ["Corr3ct-Horse"]
    assert (await house.api.refused("InitiateAuth", **request)).message == WRONG


async def test_a_comparison_that_changes_overtake_counts_for_nothing(house, overtaken):
    await house.add_user()
    for _ in range(7):
        overtaken[:] = ["N3w-password", "N3wer-password", "Corr3ct-Horse"]
        refusal = await house.api.refused("InitiateAuth", **house.by_password())
        assert refusal.code == "TooManyRequestsException"
        assert overtaken == []
    assert "AuthenticationResult" in await house.api("InitiateAuth", **house.by_password())
