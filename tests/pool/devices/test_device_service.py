"""The operations on devices, by their users and by administrators."""

import asyncio
import json
import re

import pytest

from tests.pool.conftest import Phone

ALWAYS = {"DeviceConfiguration": {"ChallengeRequiredOnNewDevice": False}}
OPT_IN = {"DeviceConfiguration": {"DeviceOnlyRememberedOnUserPrompt": True}}
GONE = ("ResourceNotFoundException", "Device does not exist.")
INVALID_KEY = ("InvalidParameterException", "Invalid device key given.")


@pytest.fixture
async def house(api, settle):
    house = await settle(api, ALWAYS)
    for name in ("ann", "bob"):
        await house.add_user(name)
    return house


def attributes(device):
    return {each["Name"]: each["Value"] for each in device["DeviceAttributes"]}


async def told(house, operation, /, **request):
    refusal = await house.api.refused(operation, **request)
    return refusal.code, refusal.message


async def test_a_sign_in_from_an_unknown_device_brings_keys_for_one(house):
    first, second = [(await house.tokens())["NewDeviceMetadata"] for _ in range(2)]
    for new in (first, second):
        assert re.fullmatch(
            r"us-east-1_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", new["DeviceKey"]
        )
        assert re.fullmatch(r"-[A-Za-z0-9]{8}", new["DeviceGroupKey"])
    assert first["DeviceKey"] != second["DeviceKey"]
    assert first["DeviceGroupKey"] != second["DeviceGroupKey"]


async def test_a_long_region_leaves_room_in_a_device_key(start, settle, register):
    region = "a-region-with-a-very-long-name-1"
    house = await settle(await start(region=region), ALWAYS)
    await house.add_user()
    phone, _ = await register(house)
    assert len(phone.key) == 55
    assert region.startswith(phone.key.partition("_")[0])


@pytest.mark.parametrize("configuration", [{}, {"DeviceConfiguration": {}}])
async def test_a_pool_that_remembers_no_devices_gives_no_keys(api, settle, configuration):
    house = await settle(api, configuration)
    await house.add_user()
    result = await house.tokens()
    assert "NewDeviceMetadata" not in result
    assert (await api("ListDevices", AccessToken=result["AccessToken"]))["Devices"] == []
    phone = Phone(house, "us-east-1_0", "-AAAAAAAA")
    confirmation = phone.confirmation(result["AccessToken"])
    code, _ = await told(house, "ConfirmDevice", **confirmation)
    assert code == "InvalidUserPoolConfigurationException"


@pytest.mark.parametrize(("pool", "asks"), [(ALWAYS, False), (OPT_IN, True)])
async def test_a_confirmed_device_is_remembered_unless_its_user_is_to_be_asked(
    api, settle, register, pool, asks
):
    house = await settle(api, pool)
    await house.add_user()
    result = await house.tokens()
    phone = Phone.of(house, result)
    reply = await phone.confirm(result["AccessToken"])
    assert reply == {"UserConfirmationNecessary": asks}
    device = (await api("AdminGetDevice", **phone.named))["Device"]
    wanted = "not_remembered" if asks else "remembered"
    assert attributes(device)["dev:device_remembered_status"] == wanted
    described = (await api("DescribeUserPool", UserPoolId=house.pool_id))["UserPool"]
    assert described["DeviceConfiguration"] == pool["DeviceConfiguration"]


async def test_a_device_is_described_by_what_is_known_of_it(house):
    result = await house.tokens()
    phone, made = Phone.of(house, result), house.clock.now
    house.clock.now += 60
    await phone.confirm(result["AccessToken"], DeviceName="Ann's Büro")
    request = {"AccessToken": result["AccessToken"], "DeviceKey": phone.key}
    device = (await house.api("GetDevice", **request))["Device"]
    owner = f"ann.{house.pool_id}"
    assert attributes(device) == {
        "device_status": "valid",
        "device_name": "Ann's Büro",
        "dev:device_arn": (
            f"arn:aws:cognito-idp:us-east-1:000000000000:owner/{owner}/device/{phone.key}"
        ),
        "dev:device_owner": owner,
        "last_ip_used": "127.0.0.1",
        "dev:device_remembered_status": "remembered",
    }
    assert device["DeviceKey"] == phone.key
    assert device["DeviceCreateDate"] == device["DeviceLastAuthenticatedDate"] == made
    assert device["DeviceLastModifiedDate"] == made + 60
    house.clock.now += 60
    await phone.tokens()
    device = (await house.api("AdminGetDevice", **phone.named))["Device"]
    assert device["DeviceLastAuthenticatedDate"] == made + 120
    assert device["DeviceLastModifiedDate"] == made + 60


async def test_a_device_takes_a_password_once(house, register):
    phone, result = await register(house)
    refusal = await told(house, "ConfirmDevice", **phone.confirmation(result["AccessToken"]))
    assert refusal == ("DeviceKeyExistsException", "Device already exists.")
    assert await phone.tokens()


async def test_a_device_is_confirmed_by_the_tokens_that_it_came_with_alone(house, settle):
    result, other = await house.tokens(), await house.tokens()
    theirs = await house.tokens("bob")
    elsewhere = await settle(house.api, ALWAYS)
    await elsewhere.add_user()
    far = await elsewhere.tokens()
    phone = Phone.of(house, result)
    for token in (other, theirs, far):
        confirmation = phone.confirmation(token["AccessToken"])
        assert await told(house, "ConfirmDevice", **confirmation) == INVALID_KEY
    for key in ("us-east-1_0", Phone.of(house, other).key, Phone.of(house, far).key):
        confirmation = {**phone.confirmation(result["AccessToken"]), "DeviceKey": key}
        assert await told(house, "ConfirmDevice", **confirmation) == INVALID_KEY
    assert await phone.confirm(result["AccessToken"])


async def test_an_unusable_verifier_leaves_the_device_to_be_confirmed(house):
    result = await house.tokens()
    phone = Phone.of(house, result)
    confirmation = phone.confirmation(result["AccessToken"])
    for config in (None, {}, {"Salt": "AA==", "PasswordVerifier": "AQ=="}, {"Salt": "%"}):
        code, _ = await told(
            house, "ConfirmDevice", **{**confirmation, "DeviceSecretVerifierConfig": config}
        )
        assert code == "InvalidParameterException"
    await house.api("ConfirmDevice", **confirmation)


async def test_of_a_hundred_confirmations_at_once_one_counts(house):
    result = await house.tokens()
    phones = [Phone.of(house, result, password=f"password {number}") for number in range(100)]
    calls = [("ConfirmDevice", each.confirmation(result["AccessToken"])) for each in phones]
    replies = await house.api.at_once(*calls)
    (winner,) = [place for place, reply in enumerate(replies) if "__type" not in reply]
    losers = {reply["__type"] for place, reply in enumerate(replies) if place != winner}
    assert losers == {"DeviceKeyExistsException"}
    assert await phones[winner].tokens()
    begun = await phones[winner - 1].begin()
    refused = await house.api.refused(
        "RespondToAuthChallenge", **await phones[winner - 1].asked(begun)
    )
    assert refused.message == "Incorrect username or password."


OPERATIONS = {
    "GetDevice": {},
    "UpdateDeviceStatus": {"DeviceRememberedStatus": "not_remembered"},
    "ForgetDevice": {},
}


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_a_device_exists_for_its_user_alone_and_once_it_is_confirmed(
    house, settle, register, operation
):
    phone, result = await register(house)
    elsewhere = await settle(house.api, ALWAYS)
    await elsewhere.add_user()
    unconfirmed = await house.tokens()
    own = {"AccessToken": result["AccessToken"], **OPERATIONS[operation]}
    strangers = [
        {**own, "AccessToken": (await house.tokens("bob"))["AccessToken"], "DeviceKey": phone.key},
        {**own, "AccessToken": (await elsewhere.tokens())["AccessToken"], "DeviceKey": phone.key},
        {**own, "DeviceKey": Phone.of(house, unconfirmed).key},
        {**own, "DeviceKey": "us-east-1_0"},
    ]
    for stranger in strangers:
        assert await told(house, operation, **stranger) == GONE
    named = {**phone.named, **OPERATIONS[operation]}
    for change in (
        {"Username": "bob"},
        {"UserPoolId": elsewhere.pool_id},
        {"DeviceKey": Phone.of(house, unconfirmed).key},
    ):
        assert await told(house, f"Admin{operation}", **{**named, **change}) == GONE
    device = (await house.api("AdminGetDevice", **phone.named))["Device"]
    assert attributes(device)["dev:device_remembered_status"] == "remembered"
    await house.api(operation, **own, DeviceKey=phone.key)


@pytest.mark.parametrize("operation", [*OPERATIONS, "ListDevices", "ConfirmDevice"])
async def test_who_has_no_good_access_token_does_nothing_to_devices(house, register, operation):
    phone, result = await register(house)
    await house.api("GlobalSignOut", AccessToken=result["AccessToken"])
    request = {} if operation == "ListDevices" else {"DeviceKey": phone.key}
    request |= {} if operation != "ConfirmDevice" else phone.confirmation("x")
    for token in (result["AccessToken"], "invented", result["IdToken"]):
        code, _ = await told(house, operation, **{**request, "AccessToken": token})
        assert code == "NotAuthorizedException"
    request.pop("AccessToken", None)
    code, _ = await told(house, operation, **request)
    assert code == "InvalidParameterException"


@pytest.mark.parametrize("operation", ["AdminGetDevice", "AdminForgetDevice", "AdminListDevices"])
async def test_administrators_hear_which_users_and_pools_there_are_not(house, operation):
    named = {"UserPoolId": house.pool_id, "Username": "nobody", "DeviceKey": "us-east-1_0"}
    assert (await told(house, operation, **named))[0] == "UserNotFoundException"
    named |= {"UserPoolId": "us-east-1_none"}
    assert (await told(house, operation, **named))[0] == "ResourceNotFoundException"


@pytest.mark.parametrize("by", ["user", "administrator"])
async def test_a_device_is_remembered_or_not_as_it_was_said_last(house, register, by):
    phone, result = await register(house)

    async def set_status(**status):
        if by == "administrator":
            return await house.api("AdminUpdateDeviceStatus", **phone.named, **status)
        own = {"AccessToken": result["AccessToken"], "DeviceKey": phone.key}
        return await house.api("UpdateDeviceStatus", **own, **status)

    for wanted in ("not_remembered", "remembered", "not_remembered"):
        assert await set_status(DeviceRememberedStatus=wanted) == {}
        assert await set_status() == {}  # changes nothing
        device = (await house.api("AdminGetDevice", **phone.named))["Device"]
        assert attributes(device)["dev:device_remembered_status"] == wanted


@pytest.mark.parametrize("by", ["user", "administrator"])
async def test_a_forgotten_device_loses_its_tokens_and_no_other_does(house, register, by):
    (phone, result), (other, others) = await register(house), await register(house)
    again = await phone.tokens()
    if by == "administrator":
        await house.api("AdminForgetDevice", **phone.named)
    else:
        # Of his devices a user forgets any, from any.
        own = {"AccessToken": others["AccessToken"], "DeviceKey": phone.key}
        assert await house.api("ForgetDevice", **own) == {}
        assert await told(house, "ForgetDevice", **own) == GONE
    for tokens in (result, again):
        refresh = {"ClientId": house.client_id, "RefreshToken": tokens["RefreshToken"]}
        for device in ({}, {"DeviceKey": phone.key}):
            code, _ = await told(house, "GetTokensFromRefreshToken", **refresh, **device)
            assert code == "NotAuthorizedException"
        code, _ = await told(house, "GetUser", AccessToken=tokens["AccessToken"])
        assert code == "NotAuthorizedException"
    assert await told(house, "AdminGetDevice", **phone.named) == GONE
    assert await house.api("GetUser", AccessToken=others["AccessToken"])
    refresh = {"ClientId": house.client_id, "RefreshToken": others["RefreshToken"]}
    assert await house.api("GetTokensFromRefreshToken", **refresh, DeviceKey=other.key)


async def test_devices_are_listed_page_by_page_each_once(house, register):
    phones = []
    for _ in range(5):
        phone, result = await register(house)
        phones.append(phone)
        house.clock.now += len(phones) % 2  # some are of one age
    await house.tokens()  # a device that is not confirmed is on no list
    await register(house, "bob")
    own = {"AccessToken": result["AccessToken"]}
    named = {"UserPoolId": house.pool_id, "Username": "ann"}
    whole = (await house.api("ListDevices", **own))["Devices"]
    assert {each["DeviceKey"] for each in whole} == {each.key for each in phones}
    ages = [each["DeviceCreateDate"] for each in whole]
    assert ages == sorted(ages)
    assert (await house.api("AdminListDevices", **named))["Devices"] == whole
    assert (await house.api("ListDevices", **own, Limit=0))["Devices"] == whole
    for operation, who in (("ListDevices", own), ("AdminListDevices", named)):
        for limit in (1, 2, 3, 5, 60):
            found, page = [], {}
            while True:
                reply = await house.api(operation, **who, Limit=limit, **page)
                assert 0 < len(reply["Devices"]) <= limit
                found += reply["Devices"]
                if "PaginationToken" not in reply:
                    break
                page = {"PaginationToken": reply["PaginationToken"]}
            assert found == whole


@pytest.mark.parametrize(
    "token", ["x", "%%%%", "bmFuIHg=", "aW5mIHg=", "é", "MS4wCg", "MS4wIAA=", "MS4wIGEKYg=="]
)
async def test_an_invented_page_is_refused(house, token):
    named = {"UserPoolId": house.pool_id, "Username": "ann", "PaginationToken": token}
    refusal = await told(house, "AdminListDevices", **named)
    assert refusal == ("InvalidParameterException", "Invalid pagination token.")


async def test_devices_go_with_their_user_and_their_pool(house, register):
    phone, _ = await register(house)
    await house.api("AdminDeleteUser", UserPoolId=house.pool_id, Username="ann")
    await house.add_user()
    assert await told(house, "AdminGetDevice", **phone.named) == GONE
    await register(house)
    await house.api("DeleteUserPool", UserPoolId=house.pool_id)


async def test_forgetting_and_confirming_at_once_leave_all_or_nothing(house):
    for _ in range(3):
        result = await house.tokens()
        phone = Phone.of(house, result)
        forget = ("AdminForgetDevice", phone.named)
        confirm = ("ConfirmDevice", phone.confirmation(result["AccessToken"]))
        await asyncio.gather(house.api.at_once(*[confirm] * 5, *[forget] * 5))
        refresh = {"ClientId": house.client_id, "RefreshToken": result["RefreshToken"]}
        status, _, _ = await house.api.post("AdminGetDevice", json.dumps(phone.named))
        if status == 200:
            assert await house.api("GetTokensFromRefreshToken", **refresh, DeviceKey=phone.key)
        else:
            request = {**refresh, "DeviceKey": phone.key}
            await house.api.refused("GetTokensFromRefreshToken", **request)
