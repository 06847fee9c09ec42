import re

import pytest

ARN = "arn:aws:lambda:us-east-1:000000000000:function:define"
SMS = {"SnsCallerArn": "arn:aws:iam::000000000000:role/sms", "ExternalId": "any"}


async def test_ids_have_cognitos_form(start):
    api = await start(region="eu-central-1")
    pool = (await api("CreateUserPool", PoolName="one"))["UserPool"]
    assert re.fullmatch(r"eu-central-1_[0-9a-zA-Z]{9}", pool["Id"])
    client = (
        await api(
            "CreateUserPoolClient", UserPoolId=pool["Id"], ClientName="app", GenerateSecret=True
        )
    )["UserPoolClient"]
    assert re.fullmatch(r"[0-9a-z]{26}", client["ClientId"])
    assert re.fullmatch(r"[0-9a-z]{51}", client["ClientSecret"])


async def test_what_a_pool_is_given_is_given_back(api):
    given = {
        "MfaConfiguration": "OPTIONAL",
        "SmsConfiguration": SMS,
        "EmailVerificationSubject": "Hello",
        "LambdaConfig": {"DefineAuthChallenge": ARN},
        "UserPoolTags": {"team": "red"},
        "AliasAttributes": ["email"],
        "Schema": [{"Name": "team", "AttributeDataType": "String"}],
        "Policies": {"PasswordPolicy": {"MinimumLength": 10}},
    }
    made = (await api("CreateUserPool", PoolName="one", **given))["UserPool"]
    described = (await api("DescribeUserPool", UserPoolId=made["Id"]))["UserPool"]
    assert described == made
    assert described["Name"] == "one"
    assert described["SchemaAttributes"][-1]["Name"] == "custom:team"
    policy = described["Policies"]["PasswordPolicy"]
    assert (policy["MinimumLength"], policy["RequireSymbols"]) == (10, False)
    for name in ("MfaConfiguration", "EmailVerificationSubject", "LambdaConfig", "UserPoolTags"):
        assert described[name] == given[name]
    assert described["EstimatedNumberOfUsers"] == 0


async def test_an_update_replaces_what_can_be_replaced(house):
    await house.add_user()
    house.clock.now += 10
    await house.api("UpdateUserPool", UserPoolId=house.pool_id, PoolName="two", UserPoolTier="LITE")
    await house.api("UpdateUserPool", UserPoolId=house.pool_id, EmailVerificationSubject="Hi")
    pool = (await house.api("DescribeUserPool", UserPoolId=house.pool_id))["UserPool"]
    assert (pool["Name"], pool.get("UserPoolTier")) == ("two", None)
    assert pool["EmailVerificationSubject"] == "Hi"
    assert pool["EstimatedNumberOfUsers"] == 1
    assert pool["LastModifiedDate"] == pool["CreationDate"] + 10


async def test_what_makes_users_what_they_are_survives_an_update(api, settle):
    house = await settle(api, {"UsernameAttributes": ["email"]})
    await api("UpdateUserPool", UserPoolId=house.pool_id)
    pool = (await api("DescribeUserPool", UserPoolId=house.pool_id))["UserPool"]
    assert pool["UsernameAttributes"] == ["email"]


async def test_pools_are_listed_page_by_page_the_oldest_first(start, clock):
    api = await start()
    made = []
    for n in range(7):
        clock.now += 0.1 * (n % 3)  # some are made in the same moment
        pool = (await api("CreateUserPool", PoolName=f"p{n}"))["UserPool"]
        made.append((pool["CreationDate"], pool["Id"]))
    listed, token = [], {}
    while True:
        page = await api("ListUserPools", MaxResults=2, **token)
        assert len(page["UserPools"]) <= 2
        listed += [pool["Id"] for pool in page["UserPools"]]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert listed == [pool_id for _, pool_id in sorted(made)]


@pytest.mark.parametrize(
    "token", ["x", "\u00e9", "bmFuIHg=", "LWluZiB4", "IHg=", "MS4wIAA=", "w6k="]
)
async def test_an_invented_page_token_is_refused(api, token):
    refusal = await api.refused("ListUserPools", MaxResults=1, NextToken=token)
    assert refusal.code == "InvalidParameterException"


async def test_a_pool_signs_in_by_attributes_or_by_aliases_not_both(api):
    refusal = await api.refused(
        "CreateUserPool", PoolName="x", AliasAttributes=["email"], UsernameAttributes=["email"]
    )
    assert refusal.code == "InvalidParameterException"


async def test_what_is_not_there_is_not_found(house, settle):
    other = await settle(house.api)
    for operation, request in (
        ("DescribeUserPool", {"UserPoolId": "us-east-1_nobody"}),
        ("UpdateUserPool", {"UserPoolId": "us-east-1_nobody"}),
        ("CreateUserPoolClient", {"UserPoolId": "us-east-1_nobody", "ClientName": "x"}),
        ("DescribeUserPoolClient", {"UserPoolId": house.pool_id, "ClientId": "nobody"}),
        ("DescribeUserPoolClient", {"UserPoolId": house.pool_id, "ClientId": other.client_id}),
        ("UpdateUserPoolClient", {"UserPoolId": house.pool_id, "ClientId": other.client_id}),
        ("AdminCreateUser", {"UserPoolId": "us-east-1_nobody", "Username": "ann"}),
    ):
        refusal = await house.api.refused(operation, **request)
        assert refusal.code == "ResourceNotFoundException", operation


async def test_an_app_client_is_described_and_updated(api, settle):
    house = await settle(api, GenerateSecret=True, CallbackURLs=["https://a.example"])
    named = {"UserPoolId": house.pool_id, "ClientId": house.client_id}
    before = (await api("DescribeUserPoolClient", **named))["UserPoolClient"]
    assert before["ClientSecret"] == house.secret.reveal()
    assert before["CallbackURLs"] == ["https://a.example"]
    updated = (await api("UpdateUserPoolClient", **named, AuthSessionValidity=5))["UserPoolClient"]
    assert updated == (await api("DescribeUserPoolClient", **named))["UserPoolClient"]
    assert (updated["ClientName"], updated["AuthSessionValidity"]) == ("app", 5)
    assert updated["ClientSecret"] == house.secret.reveal()
    assert "CallbackURLs" not in updated


async def test_a_client_may_bring_its_secret(api, settle):
    house = await settle(api, ClientSecret="x" * 24)
    assert house.secret.reveal() == "x" * 24


@pytest.mark.parametrize(
    "settings",
    [
        {"ExplicitAuthFlows": ["ALLOW_USER_SRP_AUTH", "USER_PASSWORD_AUTH"]},
        {"AccessTokenValidity": 4, "TokenValidityUnits": {"AccessToken": "minutes"}},
        {"AccessTokenValidity": 25},
        {"IdTokenValidity": 2, "TokenValidityUnits": {"IdToken": "days"}},
        {"RefreshTokenValidity": 59, "TokenValidityUnits": {"RefreshToken": "minutes"}},
        {"RefreshTokenValidity": 3651},
    ],
)
async def test_settings_that_cannot_be_are_refused(house, settings):
    named = {"UserPoolId": house.pool_id}
    for operation, more in (
        ("CreateUserPoolClient", {"ClientName": "x"}),
        ("UpdateUserPoolClient", {"ClientId": house.client_id}),
    ):
        refusal = await house.api.refused(operation, **named, **more, **settings)
        assert refusal.code == "InvalidParameterException"


NOT_VERIFIED = (
    "All attributes in AttributesRequireVerificationBeforeUpdate must exist in "
    "AutoVerifiedAttributes"
)


@pytest.mark.parametrize("verified", [[], ["email"], ["phone_number"], ["email", "phone_number"]])
@pytest.mark.parametrize("waiting", [[], ["email"], ["phone_number", "email"]])
async def test_an_address_waits_only_where_the_pool_verifies_it(
    api, shared_house, verified, waiting
):
    settings = {
        "AutoVerifiedAttributes": verified,
        "UserAttributeUpdateSettings": {"AttributesRequireVerificationBeforeUpdate": waiting},
    }
    calls = [("UpdateUserPool", {"UserPoolId": shared_house.pool_id, **settings})]
    if {*waiting} <= {*verified}:
        for operation, request in calls:
            await api(operation, **request)
        return
    for operation, request in [*calls, ("CreateUserPool", {"PoolName": "other", **settings})]:
        refusal = await api.refused(operation, **request)
        assert refusal.code == "InvalidParameterException"
        assert refusal.message == NOT_VERIFIED
