"""An app client's second secret: it comes, both are good, and the first one goes."""

import json

import pytest

from authflow import wire
from authflow.secret import Secret

OWN = "own+secret_" + "x" * 20


@pytest.fixture
async def house(api, settle):
    house = await settle(api, GenerateSecret=True)
    await house.add_user()
    return house


def named(house, **more):
    return {"UserPoolId": house.pool_id, "ClientId": house.client_id, **more}


async def ids(house):
    listed = await house.api("ListUserPoolClientSecrets", **named(house))
    assert listed.keys() == {"ClientSecrets"}
    for each in listed["ClientSecrets"]:
        assert each.keys() == {"ClientSecretId", "ClientSecretCreateDate"}
    return [each["ClientSecretId"] for each in listed["ClientSecrets"]]


async def is_good(house, secret):
    """Whether a secret signs in, and renews and revokes the tokens of that sign-in."""
    request = house.by_password()
    members = request["AuthParameters"]
    members["SECRET_HASH"] = wire.secret_hash("ann", house.client_id, Secret(secret))
    _, reply, _ = await house.api.post("InitiateAuth", json.dumps(request))
    if "__type" in reply:
        assert reply["__type"] == "NotAuthorizedException"
        assert "Unable to verify secret hash" in reply["message"]
        return False
    token = reply["AuthenticationResult"]["RefreshToken"]
    client = {"ClientId": house.client_id, "ClientSecret": secret}
    await house.api("GetTokensFromRefreshToken", **client, RefreshToken=token)
    await house.api("RevokeToken", **client, Token=token)
    return True


async def test_a_secret_is_replaced_without_an_outage(house):
    first = house.secret.reveal()
    (old,) = await ids(house)
    assert old == f"{house.client_id}--{round(house.clock.now * 1000)}"
    house.clock.now += 3600
    made = await house.api("AddUserPoolClientSecret", **named(house))
    told = made["ClientSecretDescriptor"]
    second = told["ClientSecretValue"]
    assert told["ClientSecretCreateDate"] == house.clock.now
    assert told["ClientSecretId"] == f"{house.client_id}--{round(house.clock.now * 1000)}"
    assert await ids(house) == [old, told["ClientSecretId"]]
    assert [await is_good(house, each) for each in (first, second, OWN)] == [True, True, False]
    described = await house.api("DescribeUserPoolClient", **named(house))
    assert described["UserPoolClient"]["ClientSecret"] == second
    assert await house.api("DeleteUserPoolClientSecret", **named(house, ClientSecretId=old)) == {}
    assert await ids(house) == [told["ClientSecretId"]]
    assert [await is_good(house, each) for each in (first, second)] == [False, True]


async def test_the_newer_secret_can_go_as_well(house):
    (old,) = await ids(house)
    made = await house.api("AddUserPoolClientSecret", **named(house, ClientSecret=OWN))
    assert "ClientSecretValue" not in made["ClientSecretDescriptor"]
    assert await is_good(house, OWN)
    new = made["ClientSecretDescriptor"]["ClientSecretId"]
    await house.api("DeleteUserPoolClientSecret", **named(house, ClientSecretId=new))
    assert await ids(house) == [old]
    assert [await is_good(house, each) for each in (OWN, house.secret.reveal())] == [False, True]


async def test_a_client_keeps_both_secrets_when_its_settings_change(house):
    await house.api("AddUserPoolClientSecret", **named(house, ClientSecret=OWN))
    flows = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
    await house.api("UpdateUserPoolClient", **named(house, ExplicitAuthFlows=flows))
    assert [await is_good(house, each) for each in (OWN, house.secret.reveal())] == [True, True]


async def test_the_last_secret_a_third_one_and_an_unknown_one_are_refused(house):
    (only,) = await ids(house)
    refused = house.api.refused
    last = await refused("DeleteUserPoolClientSecret", **named(house, ClientSecretId=only))
    assert last.code == "InvalidParameterException"
    assert last.message == "You cannot delete the last remaining secret for an app client."
    unknown = await refused("DeleteUserPoolClientSecret", **named(house, ClientSecretId="x"))
    assert unknown.code == "ResourceNotFoundException"
    same = named(house, ClientSecret=house.secret.reveal())
    again = await refused("AddUserPoolClientSecret", **same)
    assert again.code == "InvalidParameterException"
    await house.api("AddUserPoolClientSecret", **named(house))
    third = await refused("AddUserPoolClientSecret", **named(house))
    assert third.code == "LimitExceededException"


async def test_secrets_of_one_moment_or_of_a_clock_that_was_set_back_have_ids_of_their_own(house):
    for back in (0, 0.0001, 3600):
        house.clock.now -= back
        await house.api("AddUserPoolClientSecret", **named(house))
        old, new = await ids(house)
        assert old != new
        await house.api("DeleteUserPoolClientSecret", **named(house, ClientSecretId=old))
        assert await ids(house) == [new]


@pytest.mark.parametrize("token", ["x", "****", "Zw=="])
async def test_no_page_follows_the_secrets_of_a_client(house, token):
    refusal = await house.api.refused("ListUserPoolClientSecrets", **named(house, NextToken=token))
    assert (refusal.code, refusal.message) == ("InvalidParameterException", "Invalid NextToken.")


async def test_a_public_client_gets_no_secret(api, settle):
    house = await settle(api)
    assert await ids(house) == []
    refusal = await api.refused("AddUserPoolClientSecret", **named(house))
    assert refusal.code == "InvalidParameterException"
    removal = await api.refused("DeleteUserPoolClientSecret", **named(house, ClientSecretId="x"))
    assert removal.code == "ResourceNotFoundException"


async def test_secrets_of_another_pools_client_are_nobodys(house, settle):
    other = await settle(house.api)
    mixed = {"UserPoolId": other.pool_id, "ClientId": house.client_id}
    for operation, more in (
        ("AddUserPoolClientSecret", {}),
        ("ListUserPoolClientSecrets", {}),
        ("DeleteUserPoolClientSecret", {"ClientSecretId": "x"}),
    ):
        refusal = await house.api.refused(operation, **mixed, **more)
        assert refusal.code == "ResourceNotFoundException"


async def test_of_100_who_add_a_secret_at_once_one_does(house):
    replies = await house.api.at_once(*[("AddUserPoolClientSecret", named(house))] * 100)
    codes = [reply.get("__type") for reply in replies]
    assert sorted(map(str, codes)) == ["LimitExceededException"] * 99 + ["None"]
    assert len(await ids(house)) == 2


async def test_of_100_who_delete_one_of_two_secrets_each_one_stays(house):
    await house.api("AddUserPoolClientSecret", **named(house))
    both = await ids(house)
    calls = [
        ("DeleteUserPoolClientSecret", named(house, ClientSecretId=both[number % 2]))
        for number in range(100)
    ]
    replies = await house.api.at_once(*calls)
    assert sum("__type" not in reply for reply in replies) == 1
    assert len(await ids(house)) == 1
