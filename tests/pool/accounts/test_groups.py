import json

import pytest
from attrs import define, field
from joserfc import jws

ROLE = "arn:aws:iam::000000000000:role/{}"


def claims(token):
    return json.loads(jws.extract_compact(token.encode()).payload)


@define
class TokenTrigger:
    sources = frozenset({"PreTokenGeneration"})
    details: dict = field(factory=dict)
    seen: list = field(factory=list)

    async def handle(self, event):
        self.seen.append(event["request"]["groupConfiguration"])
        return {**event, "response": {"claimsOverrideDetails": self.details}}


@pytest.fixture
async def house(house):
    await house.add_user()
    return house


async def make(house, name, **more):
    made = await house.api("CreateGroup", UserPoolId=house.pool_id, GroupName=name, **more)
    return made["Group"]


async def change(house, operation, group, username="ann"):
    request = {"UserPoolId": house.pool_id, "Username": username, "GroupName": group}
    return await house.api(operation, **request)


async def names(house, operation="ListGroups", **more):
    listed = await house.api(operation, UserPoolId=house.pool_id, **more)
    return [group["GroupName"] for group in listed["Groups"]]


async def test_a_group_is_made_read_listed_and_deleted(house, clock):
    made = await make(house, "editors", Description="They edit", Precedence=3)
    assert made == {
        "GroupName": "editors",
        "UserPoolId": house.pool_id,
        "Description": "They edit",
        "Precedence": 3,
        "CreationDate": clock.now,
        "LastModifiedDate": clock.now,
    }
    one = {"UserPoolId": house.pool_id, "GroupName": "editors"}
    assert (await house.api("GetGroup", **one))["Group"] == made
    again = await house.api.refused("CreateGroup", **one)
    assert again.code == "GroupExistsException"
    assert await names(house) == ["editors"]
    assert await house.api("DeleteGroup", **one) == {}
    for operation in ("GetGroup", "DeleteGroup"):
        assert (await house.api.refused(operation, **one)).code == "ResourceNotFoundException"
    assert await names(house) == []


async def test_lists_are_paged(house):
    for number in range(5):
        await make(house, f"group-{number}")
        if number != 2:
            await change(house, "AdminAddUserToGroup", f"group-{number}")
    for operation, more, count in (
        ("ListGroups", {}, 5),
        ("AdminListGroupsForUser", {"Username": "ann"}, 4),
    ):
        found, token = [], {}
        while True:
            page = await house.api(operation, UserPoolId=house.pool_id, Limit=2, **more, **token)
            assert len(page["Groups"]) <= 2
            found += [group["GroupName"] for group in page["Groups"]]
            if "NextToken" not in page:
                break
            token = {"NextToken": page["NextToken"]}
        assert len(found) == len(set(found)) == count
    for token in ("x", "_w==", "****", "*", "====", "Zw", "Zx==", "Z*w=="):
        request = {"UserPoolId": house.pool_id, "NextToken": token}
        for operation, more in (
            ("ListGroups", {}),
            ("AdminListGroupsForUser", {"Username": "ann"}),
        ):
            refusal = await house.api.refused(operation, **request, **more)
            assert refusal.message == "Invalid NextToken."


async def test_members_come_and_go(house):
    await make(house, "editors")
    for _ in range(2):
        assert await change(house, "AdminAddUserToGroup", "editors") == {}
    assert await names(house, "AdminListGroupsForUser", Username="ann") == ["editors"]
    for _ in range(2):
        assert await change(house, "AdminRemoveUserFromGroup", "editors") == {}
    assert await names(house, "AdminListGroupsForUser", Username="ann") == []


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"Username": "nobody"}, "UserNotFoundException"),
        ({"GroupName": "none"}, "ResourceNotFoundException"),
        ({"UserPoolId": "us-east-1_none"}, "ResourceNotFoundException"),
    ],
)
@pytest.mark.parametrize("operation", ["AdminAddUserToGroup", "AdminRemoveUserFromGroup"])
async def test_users_and_groups_must_be_there(house, operation, more, code):
    await make(house, "editors")
    request = {"UserPoolId": house.pool_id, "Username": "ann", "GroupName": "editors", **more}
    assert (await house.api.refused(operation, **request)).code == code


async def test_a_group_of_another_pool_is_another_group(api, house, settle):
    await make(house, "editors")
    other = await settle(api)
    assert await names(other) == []
    await make(other, "editors")
    await change(house, "AdminAddUserToGroup", "editors")
    await other.api("DeleteGroup", UserPoolId=other.pool_id, GroupName="editors")
    assert await names(house, "AdminListGroupsForUser", Username="ann") == ["editors"]


async def test_tokens_tell_groups_by_precedence_and_roles(house):
    await make(house, "readers")
    await make(house, "editors", Precedence=2, RoleArn=ROLE.format("edit"))
    await make(house, "admins", Precedence=1, RoleArn=ROLE.format("admin"))
    for group in ("readers", "editors", "admins"):
        await change(house, "AdminAddUserToGroup", group)
    tokens = await house.tokens()
    identity, access = claims(tokens["IdToken"]), claims(tokens["AccessToken"])
    assert identity["cognito:groups"] == access["cognito:groups"]
    assert identity["cognito:groups"] == ["admins", "editors", "readers"]
    assert identity["cognito:roles"] == [ROLE.format("admin"), ROLE.format("edit")]
    assert identity["cognito:preferred_role"] == ROLE.format("admin")
    assert "cognito:roles" not in access


@pytest.mark.parametrize(
    ("other", "preferred"), [("first", ROLE.format("first")), ("second", None)]
)
async def test_of_two_roles_of_one_precedence_none_is_preferred(house, other, preferred):
    await make(house, "a", Precedence=1, RoleArn=ROLE.format("first"))
    await make(house, "b", Precedence=1, RoleArn=ROLE.format(other))
    for group in "ab":
        await change(house, "AdminAddUserToGroup", group)
    identity = claims((await house.tokens())["IdToken"])
    assert identity.get("cognito:preferred_role") == preferred


async def test_without_groups_tokens_say_nothing_of_them(house):
    await make(house, "editors")
    await change(house, "AdminAddUserToGroup", "editors")
    await house.api("DeleteGroup", UserPoolId=house.pool_id, GroupName="editors")
    tokens = await house.tokens()
    for token in ("IdToken", "AccessToken"):
        assert not [name for name in claims(tokens[token]) if name.startswith("cognito:gr")]


async def test_a_refreshed_token_tells_the_groups_of_today(house):
    tokens = await house.tokens()
    await make(house, "editors")
    await change(house, "AdminAddUserToGroup", "editors")
    request = {"RefreshToken": tokens["RefreshToken"], "ClientId": house.client_id}
    renewed = (await house.api("GetTokensFromRefreshToken", **request))["AuthenticationResult"]
    assert claims(renewed["AccessToken"])["cognito:groups"] == ["editors"]


async def test_a_user_who_gets_a_name_later_does_not_get_the_groups(house):
    await make(house, "editors")
    await change(house, "AdminAddUserToGroup", "editors")
    await house.api("AdminDeleteUser", UserPoolId=house.pool_id, Username="ann")
    await house.add_user()
    assert await names(house, "AdminListGroupsForUser", Username="ann") == []


@pytest.mark.parametrize(
    ("details", "told"),
    [
        ({}, ["editors"]),
        ({"claimsToAddOrOverride": {"tier": "gold"}}, ["editors"]),
        ({"groupOverrideDetails": {"groupsToOverride": ["others"]}}, ["others"]),
        ({"groupOverrideDetails": {}}, None),
        ({"groupOverrideDetails": None}, None),
    ],
)
async def test_a_trigger_sees_groups_and_may_replace_them(start, settle, details, told):
    trigger = TokenTrigger(details=details)
    house = await settle(await start(triggers=trigger))
    await house.add_user()
    await make(house, "editors", RoleArn=ROLE.format("edit"))
    await change(house, "AdminAddUserToGroup", "editors")
    tokens = await house.tokens()
    assert trigger.seen == [
        {
            "groupsToOverride": ["editors"],
            "iamRolesToOverride": [ROLE.format("edit")],
            "preferredRole": ROLE.format("edit"),
        }
    ]
    identity, access = claims(tokens["IdToken"]), claims(tokens["AccessToken"])
    assert identity.get("cognito:groups") == access.get("cognito:groups") == told
    assert ("cognito:roles" in identity) is (told == ["editors"])
