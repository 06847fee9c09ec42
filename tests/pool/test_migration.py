import asyncio

import pytest
from attrs import define, field

PASSWORD = "old"  # far too weak for the pool's policy, which does not apply to it


@define
class OldDirectory:
    sources = frozenset({"UserMigration"})
    response: dict = field(factory=lambda: {"userAttributes": {"email": "old@example.org"}})
    events: list = field(factory=list)

    async def handle(self, event):
        self.events.append(event)
        if event["request"]["password"] != PASSWORD:
            raise ValueError("Bad username or password")
        return {**event, "response": {**event["response"], **self.response}}


@pytest.fixture
def directory():
    return OldDirectory()


@pytest.fixture
async def house(start, settle, directory):
    return await settle(await start(triggers=directory))


async def test_an_unknown_user_is_brought_in_with_the_password_that_was_typed(house, directory):
    request = {**house.by_password("old", PASSWORD), "ClientMetadata": {"from": "app"}}
    assert "AuthenticationResult" in await house.api("InitiateAuth", **request)
    assert "AuthenticationResult" in await house.api(
        "RespondToAuthChallenge", **await house.by_srp("old", PASSWORD)
    )
    user = await house.api("AdminGetUser", UserPoolId=house.pool_id, Username="old")
    assert user["UserStatus"] == "CONFIRMED"
    assert {"Name": "email", "Value": "old@example.org"} in user["UserAttributes"]
    (event,) = directory.events
    assert event["triggerSource"] == "UserMigration_Authentication"
    assert event["userName"] == "old"
    assert event["request"] == {"password": PASSWORD, "validationData": {"from": "app"}}
    assert set(event["response"].values()) == {None}


async def test_a_known_user_is_never_looked_for_elsewhere(house, directory):
    await house.add_user("ann")
    refusal = await house.api.refused("InitiateAuth", **house.by_password("ann", PASSWORD))
    assert refusal.message == "Incorrect username or password."
    assert directory.events == []


async def test_srp_brings_nobody_in(house, directory):
    refusal = await house.api.refused(
        "InitiateAuth", **house.begin("USER_SRP_AUTH", "old", SRP_A="2")
    )
    assert refusal.code == "UserNotFoundException"
    assert directory.events == []


async def test_a_refusal_does_not_tell_the_directorys_words(house):
    refusal = await house.api.refused("InitiateAuth", **house.by_password("old", "wrong"))
    assert (refusal.code, refusal.message) == (
        "UserNotFoundException",
        f"Exception migrating user in app client {house.client_id}",
    )


async def test_where_the_client_hides_users_a_refusal_looks_like_a_wrong_password(
    start, settle, directory
):
    server = await start(triggers=directory)
    house = await settle(server, PreventUserExistenceErrors="ENABLED")
    refusal = await server.refused("InitiateAuth", **house.by_password("old", "wrong"))
    assert refusal.message == "Incorrect username or password."
    directory.response = {}
    refusal = await server.refused("InitiateAuth", **house.by_password("old", PASSWORD))
    assert refusal.message == "Incorrect username or password."
    assert (await server("DescribeUserPool", UserPoolId=house.pool_id))["UserPool"][
        "EstimatedNumberOfUsers"
    ] == 0


async def test_guesses_at_the_directory_are_locked_out_too(house, directory):
    for _ in range(5):
        await house.api.refused("InitiateAuth", **house.by_password("old", "wrong"))
    refusal = await house.api.refused("InitiateAuth", **house.by_password("old", PASSWORD))
    assert refusal.message == "Password attempts exceeded"
    assert len(directory.events) == 5


async def test_a_user_may_have_to_reset_the_password(house, directory):
    directory.response["finalUserStatus"] = "RESET_REQUIRED"
    for _ in range(2):
        refusal = await house.api.refused("InitiateAuth", **house.by_password("old", PASSWORD))
        assert refusal.code == "PasswordResetRequiredException"
    assert len(directory.events) == 1


@pytest.mark.parametrize(
    "response",
    [
        {"userAttributes": None},
        {"userAttributes": {}},
        {"userAttributes": {"email": 1}},
        {"userAttributes": ["email"]},
        {"finalUserStatus": "UNKNOWN"},
        {"finalUserStatus": ["CONFIRMED"]},
        {"forceAliasCreation": "yes"},
        {"forceAliasCreation": []},
        {"enableSMSMFA": True},
    ],
)
async def test_unusable_results_bring_nobody_in(house, directory, response):
    directory.response = {**directory.response, **response}
    refusal = await house.api.refused("InitiateAuth", **house.by_password("old", PASSWORD))
    assert refusal.code == "InvalidLambdaResponseException"
    missing = await house.api.refused("AdminGetUser", UserPoolId=house.pool_id, Username="old")
    assert missing.code == "UserNotFoundException"


async def test_attributes_that_the_pool_lacks_bring_nobody_in(house, directory):
    directory.response = {"userAttributes": {"custom:shoe": "42"}}
    refusal = await house.api.refused("InitiateAuth", **house.by_password("old", PASSWORD))
    assert refusal.code == "UserNotFoundException"


async def test_side_by_side_one_user_is_brought_in_once_and_both_are_signed_in(house):
    replies = await asyncio.gather(
        *(house.api("InitiateAuth", **house.by_password("old", PASSWORD)) for _ in range(4))
    )
    assert all("AuthenticationResult" in reply for reply in replies)


async def test_an_alias_is_moved_only_if_the_trigger_says_so(start, settle, directory):
    attributes = {"email": "shared@example.org", "email_verified": "true"}
    directory.response = {"userAttributes": attributes}
    server = await start(triggers=directory)
    house = await settle(server, {"AliasAttributes": ["email"]})
    await house.add_user("ann", **attributes)
    refusal = await server.refused("InitiateAuth", **house.by_password("old", PASSWORD))
    assert refusal.code == "UserNotFoundException"
    directory.response["forceAliasCreation"] = True
    assert "AuthenticationResult" in await server(
        "InitiateAuth", **house.by_password("old", PASSWORD)
    )
    by_alias = house.by_password("shared@example.org", PASSWORD)
    assert "AuthenticationResult" in await server("InitiateAuth", **by_alias)


async def test_a_username_may_come_with_the_attributes(start, settle, directory):
    directory.response = {
        "userAttributes": {
            "username": "old",
            "email": "old@example.org",
            "email_verified": "true",
        }
    }
    house = await settle(await start(triggers=directory), {"AliasAttributes": ["email"]})
    request = house.by_password("old@example.org", PASSWORD)
    assert "AuthenticationResult" in await house.api("InitiateAuth", **request)
    assert await house.api("AdminGetUser", UserPoolId=house.pool_id, Username="old")
