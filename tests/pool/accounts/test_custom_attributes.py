"""AddCustomAttributes over HTTP."""

import json

import pytest

TEXT = {"Name": "team", "AttributeDataType": "String"}


async def add(house, *attributes):
    named = {"UserPoolId": house.pool_id}
    return await house.api("AddCustomAttributes", **named, CustomAttributes=[*attributes])


async def refused(house, *attributes):
    named = {"UserPoolId": house.pool_id}
    return await house.api.refused("AddCustomAttributes", **named, CustomAttributes=[*attributes])


async def schema(house):
    pool = await house.api("DescribeUserPool", UserPoolId=house.pool_id)
    return {each["Name"]: each for each in pool["UserPool"]["SchemaAttributes"]}


async def create(house, username, **attributes):
    request = {
        "UserPoolId": house.pool_id,
        "Username": username,
        "UserAttributes": [{"Name": k, "Value": v} for k, v in attributes.items()],
    }
    return await house.api.post("AdminCreateUser", json.dumps(request))


async def test_attributes_are_added_to_a_pool_with_users(house, clock):
    await house.add_user("ann")
    standard = await schema(house)
    assert (await create(house, "bob", **{"custom:team": "red"}))[0] == 400
    clock.now += 60
    age = {
        "Name": "age",
        "AttributeDataType": "Number",
        "Mutable": False,
        "NumberAttributeConstraints": {"MinValue": "1", "MaxValue": "9"},
    }
    secret = {"Name": "x", "AttributeDataType": "Boolean", "DeveloperOnlyAttribute": True}
    assert await add(house, TEXT, age, secret) == {}
    after = await schema(house)
    assert after.keys() - standard.keys() == {"custom:team", "custom:age", "dev:custom:x"}
    assert after["custom:age"]["NumberAttributeConstraints"] == {"MinValue": "1", "MaxValue": "9"}
    assert after["custom:age"]["Mutable"] is False
    for value, status in (("red", 200), ("x" * 2049, 400)):
        assert (await create(house, f"u{status}", **{"custom:team": value}))[0] == status
    assert (await create(house, "old", **{"custom:age": "10"}))[0] == 400
    pool = await house.api("DescribeUserPool", UserPoolId=house.pool_id)
    assert pool["UserPool"]["LastModifiedDate"] == clock.now


async def test_added_attributes_stay_when_the_pool_changes(house):
    await add(house, TEXT)
    await house.api("UpdateUserPool", UserPoolId=house.pool_id, UserPoolTags={"a": "b"})
    await add(house, {**TEXT, "Name": "town"})
    assert {"custom:team", "custom:town"} < (await schema(house)).keys()


@pytest.mark.parametrize("name", ["email", "sub", "email_verified", "name", "custom:x", "\u00e9"])
async def test_whatever_the_name_is_the_attribute_is_custom(house, name):
    before = await schema(house)
    await add(house, {**TEXT, "Name": name})
    after = await schema(house)
    assert after.keys() - before.keys() == {f"custom:{name}"}
    assert {key: after[key] for key in before} == before


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({}, "custom:team: Existing attribute already has name custom:team."),
        ({"Name": "made", "Required": True}, "Required custom attributes are not supported"),
        ({"Name": "made", "AttributeDataType": None}, "Invalid AttributeDataType input"),
        ({"Name": None}, "Value null at 'customAttributes.2.member.name'"),
        ({"Name": "fresh"}, "custom:fresh: Existing attribute already has name custom:fresh."),
        (
            {"Name": "long", "StringAttributeConstraints": {"MaxLength": "2049"}},
            "String attributes cannot have a length of more than 2048",
        ),
    ],
)
async def test_of_attributes_that_cannot_be_none_is_added(house, wrong, text):
    await add(house, TEXT)
    refusal = await refused(house, {**TEXT, "Name": "fresh"}, {**TEXT, **wrong})
    assert refusal.code == "InvalidParameterException"
    assert text in refusal.message
    assert "custom:fresh" not in await schema(house)


async def test_an_attribute_that_the_pool_was_made_with_is_not_added_again(api, settle):
    house = await settle(api, {"Schema": [TEXT]})
    assert "already has name custom:team" in (await refused(house, TEXT)).message
    await add(house, {**TEXT, "DeveloperOnlyAttribute": True})
    assert {"custom:team", "dev:custom:team"} < (await schema(house)).keys()


async def test_a_pool_has_50_custom_attributes_at_most(api, settle):
    house = await settle(api, {"Schema": [{**TEXT, "Name": f"s{n}"} for n in range(24)]})
    await add(house, *({**TEXT, "Name": f"a{n}"} for n in range(25)))
    pair = [{**TEXT, "Name": name} for name in ("last", "beyond")]
    assert (await refused(house, *pair)).code == "InvalidParameterException"
    await add(house, pair[0])
    assert (await refused(house, pair[1])).code == "InvalidParameterException"


async def test_there_is_no_attribute_for_no_pool(api):
    request = {"UserPoolId": "us-east-1_none", "CustomAttributes": [TEXT]}
    refusal = await api.refused("AddCustomAttributes", **request)
    assert refusal.code == "ResourceNotFoundException"


async def test_an_app_client_is_given_a_right_to_an_added_attribute(house):
    client = {"UserPoolId": house.pool_id, "ClientName": "b", "WriteAttributes": ["custom:team"]}
    assert (await house.api.refused("CreateUserPoolClient", **client)).message.startswith("Invalid")
    await add(house, TEXT)
    await house.api("CreateUserPoolClient", **client)


async def test_of_100_who_add_one_attribute_at_once_one_does(house):
    request = {"UserPoolId": house.pool_id, "CustomAttributes": [TEXT]}
    replies = await house.api.at_once(*[("AddCustomAttributes", request)] * 100)
    assert sum(reply == {} for reply in replies) == 1
