"""Tags of user pools over HTTP."""

import pytest


@pytest.fixture
async def pool(api):
    made = await api("CreateUserPool", PoolName="tagged", UserPoolTags={"team": "red"})
    return made["UserPool"]


async def tags(api, pool):
    listed = await api("ListTagsForResource", ResourceArn=pool["Arn"])
    described = await api("DescribeUserPool", UserPoolId=pool["Id"])
    assert described["UserPool"].get("UserPoolTags", {}) == listed["Tags"]
    return listed["Tags"]


async def test_tags_come_change_and_go(api, pool):
    own = {"ResourceArn": pool["Arn"]}
    assert await tags(api, pool) == {"team": "red"}
    assert await api("TagResource", **own, Tags={"team": "blue", "\u00e9tage": ""}) == {}
    assert await tags(api, pool) == {"team": "blue", "\u00e9tage": ""}
    assert await api("UntagResource", **own, TagKeys=["team", "never", "team"]) == {}
    assert await tags(api, pool) == {"\u00e9tage": ""}
    await api("UntagResource", **own, TagKeys=["\u00e9tage"])
    assert await tags(api, pool) == {}


async def test_a_pool_without_tags_has_none(api, house):
    described = await api("DescribeUserPool", UserPoolId=house.pool_id)
    assert await tags(api, described["UserPool"]) == {}


async def test_the_rest_of_the_pool_stays_as_it_is(api, pool):
    before = (await api("DescribeUserPool", UserPoolId=pool["Id"]))["UserPool"]
    await api("TagResource", ResourceArn=pool["Arn"], Tags={"a": "b"})
    after = (await api("DescribeUserPool", UserPoolId=pool["Id"]))["UserPool"]
    assert after == {**before, "UserPoolTags": {"team": "red", "a": "b"}}


async def test_a_pool_has_50_tags_at_most(api, pool):
    own = {"ResourceArn": pool["Arn"]}
    await api("TagResource", **own, Tags={str(number): "" for number in range(49)})
    refusal = await api.refused("TagResource", **own, Tags={"one more": ""})
    assert refusal.code == "InvalidParameterException"
    await api("TagResource", **own, Tags={"team": "one that is there"})
    assert len(await tags(api, pool)) == 50
    too_many = {str(number): "" for number in range(51)}
    made = await api.refused("CreateUserPool", PoolName="x", UserPoolTags=too_many)
    assert made.code == "InvalidParameterException"


@pytest.mark.parametrize("key", ["aws:a", "AWS:a", "Aws:"])
async def test_keys_of_aws_are_refused(api, pool, key):
    for operation, request in (
        ("TagResource", {"ResourceArn": pool["Arn"], "Tags": {key: "x"}}),
        ("CreateUserPool", {"PoolName": "x", "UserPoolTags": {key: "x"}}),
        ("UpdateUserPool", {"UserPoolId": pool["Id"], "UserPoolTags": {key: "x"}}),
    ):
        assert (await api.refused(operation, **request)).code == "InvalidParameterException"
    assert await tags(api, pool) == {"team": "red"}


@pytest.mark.parametrize("operation", ["TagResource", "UntagResource", "ListTagsForResource"])
async def test_what_is_no_user_pool_of_this_server_has_no_tags(api, pool, operation):
    more = {"TagResource": {"Tags": {"a": "b"}}, "UntagResource": {"TagKeys": ["team"]}}
    region, _, name = pool["Id"].partition("_")
    for arn, code in (
        (f"arn:aws:cognito-idp:{region}:000000000000:userpool/{region}_none", "ResourceNotFound"),
        (pool["Arn"].replace(region + ":", "eu-west-9:"), "ResourceNotFound"),
        (pool["Arn"].replace("000000000000", "000000000001"), "ResourceNotFound"),
        (pool["Arn"].replace("arn:aws:", "arn:aws-cn:"), "ResourceNotFound"),
        (f"arn:aws:cognito-idp:{region}:000000000000:identitypool/{name}", "InvalidParameter"),
        (f"arn:aws:lambda:{region}:000000000000:function:{name}", "InvalidParameter"),
    ):
        refusal = await api.refused(operation, ResourceArn=arn, **more.get(operation, {}))
        assert refusal.code == f"{code}Exception", arn
    assert await tags(api, pool) == {"team": "red"}


async def test_of_100_tags_at_once_none_is_lost(api, house):
    described = await api("DescribeUserPool", UserPoolId=house.pool_id)
    arn = described["UserPool"]["Arn"]
    calls = [("TagResource", {"ResourceArn": arn, "Tags": {f"k{n % 50}": "x"}}) for n in range(100)]
    assert await api.at_once(*calls) == [{}] * 100
    assert len(await tags(api, described["UserPool"])) == 50
