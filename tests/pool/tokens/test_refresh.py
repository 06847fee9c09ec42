from functools import partial

import pytest
from attrs import evolve

from tests.pool.conftest import Phone

REUSED = "RefreshTokenReuseException"
PASSWORD, NEW = "Corr3ct-Horse", "An0ther-Horse"


async def renew(house, token, **more):
    return await house.api(
        "GetTokensFromRefreshToken", RefreshToken=token, ClientId=house.client_id, **more
    )


async def renewal_refused(house, token, **more):
    return await house.api.refused(
        "GetTokensFromRefreshToken", RefreshToken=token, ClientId=house.client_id, **more
    )


def by_flow(house, token, flow="REFRESH_TOKEN_AUTH", **more):
    return {
        "AuthFlow": flow,
        "ClientId": house.client_id,
        "AuthParameters": {"REFRESH_TOKEN": token, **more},
    }


async def test_a_refresh_token_gives_new_tokens_and_stays(house):
    await house.add_user()
    tokens = await house.tokens()
    house.clock.now += 60
    for _ in range(2):
        result = (await renew(house, tokens["RefreshToken"]))["AuthenticationResult"]
        assert "RefreshToken" not in result
        assert result["AccessToken"] != tokens["AccessToken"]
        assert await house.api("GetUser", AccessToken=result["AccessToken"])
    for flow in ("REFRESH_TOKEN_AUTH", "REFRESH_TOKEN"):
        reply = await house.api("InitiateAuth", **by_flow(house, tokens["RefreshToken"], flow))
        assert "RefreshToken" not in reply["AuthenticationResult"]
        request = by_flow(house, tokens["RefreshToken"], flow)
        assert await house.api("AdminInitiateAuth", UserPoolId=house.pool_id, **request)


async def test_refreshing_by_flow_must_be_allowed_and_needs_a_token(api, settle):
    house = await settle(api, ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"])
    await house.add_user()
    token = (await house.tokens())["RefreshToken"]
    refusal = await api.refused("InitiateAuth", **by_flow(house, token))
    assert refusal.message == "REFRESH_TOKEN_AUTH flow not enabled for this client"


async def test_refreshing_by_flow_needs_a_token(house):
    refusal = await house.api.refused("InitiateAuth", **by_flow(house, ""))
    assert refusal.message == "Missing required parameter REFRESH_TOKEN"


async def test_a_refresh_token_expires(api, settle):
    house = await settle(api, RefreshTokenValidity=2, TokenValidityUnits={"RefreshToken": "hours"})
    await house.add_user()
    token = (await house.tokens())["RefreshToken"]
    house.clock.now += 7199
    await renew(house, token)
    house.clock.now += 1
    assert (await renewal_refused(house, token)).message == "Refresh Token has expired"


async def test_a_sign_in_that_is_over_is_forgotten_at_the_next_one_and_no_sooner(api, settle):
    house = await settle(api, RefreshTokenValidity=1, TokenValidityUnits={"RefreshToken": "hours"})
    await house.add_user()
    token = (await house.tokens())["RefreshToken"]
    house.clock.now += 3600
    await house.tokens()
    assert (await renewal_refused(house, token)).message == "Refresh Token has expired"
    house.clock.now += 1
    await house.tokens()
    assert (await renewal_refused(house, token)).message == "Invalid Refresh Token"


async def test_tokens_of_others_and_inventions_are_refused(house, settle):
    await house.add_user()
    other = await settle(house.api)
    await other.add_user()
    theirs = (await other.tokens())["RefreshToken"]
    for token in (theirs, "invented", (await house.tokens())["AccessToken"]):
        assert (await renewal_refused(house, token)).message == "Invalid Refresh Token"
        refusal = await house.api.refused("InitiateAuth", **by_flow(house, token))
        assert refusal.message == "Invalid Refresh Token"


ROTATION = {"RefreshTokenRotation": {"Feature": "ENABLED", "RetryGracePeriodSeconds": 0}}


@pytest.mark.parametrize("settings", [{}, ROTATION], ids=["kept", "rotated"])
@pytest.mark.parametrize("of_theirs", [{}, ROTATION], ids=["to keep", "to rotate"])
async def test_a_refresh_token_is_of_no_use_to_another_app_client_of_the_pool(
    api, settle, settings, of_theirs
):
    house = await settle(api, **settings)
    await house.add_user()
    token = (await house.tokens())["RefreshToken"]
    second = await api(
        "CreateUserPoolClient",
        UserPoolId=house.pool_id,
        ClientName="second",
        ExplicitAuthFlows=["ALLOW_REFRESH_TOKEN_AUTH"],
        **of_theirs,
    )
    other = {"ClientId": second["UserPoolClient"]["ClientId"]}
    attempts = [("GetTokensFromRefreshToken", {"RefreshToken": token, **other})]
    if not of_theirs:
        for flow in ("REFRESH_TOKEN_AUTH", "REFRESH_TOKEN"):
            request = {**by_flow(house, token, flow), **other}
            attempts += [("InitiateAuth", request)]
            attempts += [("AdminInitiateAuth", {**request, "UserPoolId": house.pool_id})]
    for operation, request in attempts:
        refusal = await api.refused(operation, **request)
        assert (refusal.code, refusal.message) == (
            "NotAuthorizedException",
            "Invalid Refresh Token",
        )
    refusal = await api.refused("RevokeToken", Token=token, **other)
    assert refusal.code == "UnauthorizedException"
    assert "AuthenticationResult" in await renew(house, token)


async def test_a_client_with_a_secret_must_show_it(api, settle):
    from authflow import wire

    house = await settle(api, GenerateSecret=True)
    made = await house.add_user()
    token = (await house.tokens())["RefreshToken"]
    assert await renew(house, token, ClientSecret=house.secret.reveal())
    for wrong in ({}, {"ClientSecret": "x" * 51}):
        assert (await renewal_refused(house, token, **wrong)).code == "NotAuthorizedException"
        refusal = await api.refused("RevokeToken", Token=token, ClientId=house.client_id, **wrong)
        assert refusal.code == "UnauthorizedException"
    sub = made["Attributes"][0]["Value"]
    for name in ("ann", sub):
        right = wire.secret_hash(name, house.client_id, house.secret)
        assert await api("InitiateAuth", **by_flow(house, token, SECRET_HASH=right))
    wrong = wire.secret_hash("bob", house.client_id, house.secret)
    for given in ({}, {"SECRET_HASH": wrong}):
        refusal = await api.refused("InitiateAuth", **by_flow(house, token, **given))
        assert refusal.code == "NotAuthorizedException"


async def test_a_client_that_shows_its_secret_revokes(api, settle):
    house = await settle(api, GenerateSecret=True)
    await house.add_user()
    token = (await house.tokens())["RefreshToken"]
    shown = {"ClientId": house.client_id, "ClientSecret": house.secret.reveal()}
    assert await api("RevokeToken", Token=token, **shown) == {}
    refusal = await renewal_refused(house, token, ClientSecret=house.secret.reveal())
    assert refusal.message == "Refresh Token has been revoked"


async def test_signing_out_tells_of_an_access_token_what_every_operation_tells(house):
    await house.add_user()
    tokens = await house.tokens()

    async def told(token):
        one, two = [
            await house.api.refused(operation, AccessToken=token)
            for operation in ("GlobalSignOut", "GetUser")
        ]
        assert (one.code, one.message) == (two.code, two.message)
        return one.message

    assert await told("invented") != "Access Token has been revoked"
    assert await told(tokens["IdToken"]) != "Access Token has been revoked"
    house.clock.now += 3600
    assert await told(tokens["AccessToken"]) == "Access Token has expired"
    whose = {"UserPoolId": house.pool_id, "Username": "ann"}
    await house.api("AdminDeleteUser", **whose)
    house.clock.now -= 3600
    refusal = await house.api.refused("GlobalSignOut", AccessToken=tokens["AccessToken"])
    assert (refusal.code, refusal.message) == (
        "NotAuthorizedException",
        "Access Token has been revoked",
    )


async def rotating(api, settle, grace):
    rotation = {"Feature": "ENABLED", "RetryGracePeriodSeconds": grace}
    house = await settle(api, RefreshTokenRotation=rotation)
    await house.add_user()
    return house, (await house.tokens())["RefreshToken"]


async def test_rotation_replaces_the_token_and_refuses_the_old_one(api, settle):
    house, first = await rotating(api, settle, 0)
    second = (await renew(house, first))["AuthenticationResult"]["RefreshToken"]
    assert second != first
    third = (await renew(house, second))["AuthenticationResult"]["RefreshToken"]
    assert third not in {first, second}
    assert (await renewal_refused(house, first)).code == REUSED
    refusal = await api.refused("InitiateAuth", **by_flow(house, third))
    assert "GetTokensFromRefreshToken" in refusal.message


async def test_within_the_grace_period_the_old_token_works_again(api, settle):
    house, first = await rotating(api, settle, 30)
    await renew(house, first)
    house.clock.now += 29
    lost = (await renew(house, first))["AuthenticationResult"]["RefreshToken"]
    house.clock.now += 1
    assert await renew(house, lost)
    assert (await renewal_refused(house, first)).code == REUSED


@pytest.mark.parametrize("used_again", [0, 1], ids=["the last one", "one of before"])
async def test_a_token_that_was_replaced_ends_its_family_when_it_comes_back(
    api, settle, used_again
):
    house, first = await rotating(api, settle, 0)
    other = (await house.tokens())["RefreshToken"]
    second = (await renew(house, first))["AuthenticationResult"]
    third = (await renew(house, second["RefreshToken"]))["AuthenticationResult"]
    replaced = [second["RefreshToken"], first][used_again]
    assert (await renewal_refused(house, replaced)).code == REUSED
    for token in (third["RefreshToken"], replaced):
        assert (await renewal_refused(house, token)).message == "Refresh Token has been revoked"
    for tokens in (second, third):
        refusal = await house.api.refused("GetUser", AccessToken=tokens["AccessToken"])
        assert refusal.message == "Access Token has been revoked"
    assert await renew(house, other)


async def test_a_token_that_was_replaced_ends_its_family_by_either_operation(api, settle):
    house, first = await rotating(api, settle, 0)
    second = (await renew(house, first))["AuthenticationResult"]["RefreshToken"]
    client = {"UserPoolId": house.pool_id, "ClientId": house.client_id}
    await api(
        "UpdateUserPoolClient", **client, ExplicitAuthFlows=["ALLOW_REFRESH_TOKEN_AUTH"]
    )  # rotates no more
    assert (await api.refused("InitiateAuth", **by_flow(house, first))).code == REUSED
    assert (await renewal_refused(house, second)).message == "Refresh Token has been revoked"


@pytest.mark.parametrize("operation", ["InitiateAuth", "AdminInitiateAuth"])
@pytest.mark.parametrize("flow", ["REFRESH_TOKEN_AUTH", "REFRESH_TOKEN"])
@pytest.mark.parametrize("flows", [[], ["ALLOW_REFRESH_TOKEN_AUTH"]], ids=["forbidden", "allowed"])
async def test_a_replaced_token_ends_its_family_by_a_flow_that_gives_a_rotating_client_nothing(
    api, settle, operation, flow, flows
):
    settings = {"ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH", *flows], **ROTATION}
    house = await settle(api, **settings)
    await house.add_user()
    first, other = [(await house.tokens())["RefreshToken"] for _ in range(2)]
    second = (await renew(house, first))["AuthenticationResult"]
    where = {"UserPoolId": house.pool_id} if operation.startswith("Admin") else {}
    for harmless in (second["RefreshToken"], "invented", second["AccessToken"], ""):
        refusal = await api.refused(operation, **by_flow(house, harmless, flow), **where)
        assert refusal.code == "InvalidParameterException"
    assert (await api.refused(operation, **by_flow(house, first, flow), **where)).code == REUSED
    for revoked in (first, second["RefreshToken"]):
        refusal = await api.refused(operation, **by_flow(house, revoked, flow), **where)
        assert refusal.code == "InvalidParameterException"
        refusal = await renewal_refused(house, revoked)
        assert refusal.message == "Refresh Token has been revoked"
    refusal = await api.refused("GetUser", AccessToken=second["AccessToken"])
    assert refusal.message == "Access Token has been revoked"
    assert await renew(house, other)


async def test_a_replaced_token_ends_no_family_by_flow_within_its_grace_or_at_another_client(
    api, settle
):
    house, first = await rotating(api, settle, 30)
    second = (await renew(house, first))["AuthenticationResult"]["RefreshToken"]
    refusal = await api.refused("InitiateAuth", **by_flow(house, first))
    assert refusal.code == "InvalidParameterException"
    house.clock.now += 30
    made = await api(
        "CreateUserPoolClient", UserPoolId=house.pool_id, ClientName="other", **ROTATION
    )
    other = evolve(house, client_id=made["UserPoolClient"]["ClientId"])
    refusal = await api.refused("InitiateAuth", **by_flow(other, first))
    assert refusal.code == "InvalidParameterException"
    third = (await renew(house, second))["AuthenticationResult"]["RefreshToken"]
    assert (await api.refused("InitiateAuth", **by_flow(house, first))).code == REUSED
    assert (await renewal_refused(house, third)).message == "Refresh Token has been revoked"


async def test_another_clients_token_ends_no_family(api, settle):
    house, first = await rotating(api, settle, 0)
    second = (await renew(house, first))["AuthenticationResult"]["RefreshToken"]
    made = await api("CreateUserPoolClient", UserPoolId=house.pool_id, ClientName="other")
    other = evolve(house, client_id=made["UserPoolClient"]["ClientId"])
    assert (await renewal_refused(other, first)).message == "Invalid Refresh Token"
    assert await renew(house, second)


@pytest.mark.parametrize("back", [0.5, 60, 86400])
@pytest.mark.parametrize("grace", [0, 30])
async def test_a_clock_set_back_gives_no_replaced_token_new_life(api, settle, grace, back):
    house, first = await rotating(api, settle, grace)
    second = (await renew(house, first))["AuthenticationResult"]["RefreshToken"]
    house.clock.now -= back
    if grace:  # a reply may still have been lost
        assert await renew(house, first)
    assert await renew(house, second)
    assert (await renewal_refused(house, first)).code == REUSED


async def test_a_clock_set_back_brings_no_revoked_sign_in_back(house):
    await house.add_user()
    given = await house.tokens()
    await house.api("GlobalSignOut", AccessToken=given["AccessToken"])
    house.clock.now -= 86400
    refusal = await renewal_refused(house, given["RefreshToken"])
    assert refusal.message == "Refresh Token has been revoked"


async def set_password(house, sent, permanent):
    whose = {"UserPoolId": house.pool_id, "Username": "ann"}
    await house.api("AdminSetUserPassword", **whose, Password=NEW, Permanent=permanent)


async def confirm(house, sent):
    client = {"ClientId": house.client_id, "Username": "ann"}
    await house.api("ForgotPassword", **client)
    code = {"ConfirmationCode": sent[-1].code.reveal(), "Password": NEW}
    await house.api("ConfirmForgotPassword", **client, **code)


async def reset_by_administrator(house, sent):
    whose = {"UserPoolId": house.pool_id, "Username": "ann"}
    await house.api("AdminResetUserPassword", **whose)
    code = {"ConfirmationCode": sent[-1].code.reveal(), "Password": NEW}
    client = {"ClientId": house.client_id, "Username": "ann"}
    await house.api("ConfirmForgotPassword", **client, **code)


async def choose_another(house, sent):
    await set_password(house, sent, permanent=False)
    asked = await house.api("InitiateAuth", **house.by_password("ann", NEW))
    answer = {"NEW_PASSWORD": PASSWORD}
    request = house.answer("NEW_PASSWORD_REQUIRED", "ann", asked["Session"], **answer)
    await house.api("RespondToAuthChallenge", **request)


CHANGES = {
    "a permanent password": partial(set_password, permanent=True),
    "a forgotten password": confirm,
    "a reset by an administrator": reset_by_administrator,
    "a temporary password that was replaced": choose_another,
}


@pytest.mark.parametrize("survive", [False, True], ids=["by default", "where they survive"])
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
async def test_a_new_password_ends_older_tokens_unless_they_survive(start, settle, change, survive):
    sent = []
    house = await settle(await start(on_message=sent.append, tokens_survive=survive))
    await house.add_user("ann", email="ann@example.org", email_verified="true")
    await house.add_user("bob")
    old, foreign = await house.tokens(), await house.tokens("bob")
    await change(house, sent)
    if survive:
        assert await renew(house, old["RefreshToken"])
        assert await house.api("GetUser", AccessToken=old["AccessToken"])
    else:
        refusal = await renewal_refused(house, old["RefreshToken"])
        assert refusal.message == "Refresh Token has been revoked"
        refusal = await house.api.refused("GetUser", AccessToken=old["AccessToken"])
        assert refusal.message == "Access Token has been revoked"
    assert await renew(house, foreign["RefreshToken"])


async def test_the_tokens_of_the_sign_in_that_chose_the_password_are_good(house):
    whose = {"UserPoolId": house.pool_id, "Username": "ann"}
    await house.api("AdminCreateUser", **whose, TemporaryPassword="Temp0rary!")
    asked = await house.api("InitiateAuth", **house.by_password("ann", "Temp0rary!"))
    request = house.answer("NEW_PASSWORD_REQUIRED", "ann", asked["Session"], NEW_PASSWORD=NEW)
    given = (await house.api("RespondToAuthChallenge", **request))["AuthenticationResult"]
    assert await renew(house, given["RefreshToken"])


async def test_a_reset_by_an_administrator_ends_tokens_at_once(house):
    await house.add_user("ann", email="ann@example.org", email_verified="true")
    given = await house.tokens()
    await house.api("AdminResetUserPassword", UserPoolId=house.pool_id, Username="ann")
    refusal = await house.api.refused("GetUser", AccessToken=given["AccessToken"])
    assert refusal.message == "Access Token has been revoked"


@pytest.mark.parametrize("times", [1, 2])
async def test_a_user_who_is_disabled_loses_all_tokens_for_good(house, times):
    whose = {"UserPoolId": house.pool_id, "Username": "ann"}
    await house.add_user("ann")
    given = await house.tokens()
    for _ in range(times):
        await house.api("AdminDisableUser", **whose)
    assert (await house.api("AdminGetUser", **whose))["Enabled"] is False
    assert (await house.api.refused("InitiateAuth", **house.by_password())).message == (
        "User is disabled."
    )
    refusal = await renewal_refused(house, given["RefreshToken"])
    assert refusal.message == "Refresh Token has been revoked"
    await house.api("AdminEnableUser", **whose)
    refusal = await house.api.refused("GetUser", AccessToken=given["AccessToken"])
    assert refusal.message == "Access Token has been revoked"
    assert await house.tokens()


async def test_enabling_a_user_who_is_enabled_changes_nothing(house):
    await house.add_user("ann")
    given = await house.tokens()
    whose = {"UserPoolId": house.pool_id, "Username": "ann"}
    before = await house.api("AdminGetUser", **whose)
    house.clock.now += 5
    await house.api("AdminEnableUser", **whose)
    assert await house.api("AdminGetUser", **whose) == before
    assert await house.api("GetUser", AccessToken=given["AccessToken"])


async def test_rotation_does_not_lengthen_a_sign_in(api, settle):
    house, token = await rotating(api, settle, 0)
    house.clock.now += 29 * 86400
    token = (await renew(house, token))["AuthenticationResult"]["RefreshToken"]
    house.clock.now += 86400
    assert (await renewal_refused(house, token)).message == "Refresh Token has expired"


async def test_of_ten_refreshes_side_by_side_one_rotates(api, settle):
    house, token = await rotating(api, settle, 0)
    request = {"RefreshToken": token, "ClientId": house.client_id}
    replies = await api.at_once(*[("GetTokensFromRefreshToken", request)] * 10)
    assert sum("AuthenticationResult" in reply for reply in replies) == 1


async def test_revoking_ends_the_whole_sign_in_and_no_other(house):
    await house.add_user()
    mine, other = await house.tokens(), await house.tokens()
    for _ in range(2):  # revoking twice is no error
        await house.api("RevokeToken", Token=mine["RefreshToken"], ClientId=house.client_id)
    refusal = await renewal_refused(house, mine["RefreshToken"])
    assert refusal.message == "Refresh Token has been revoked"
    refusal = await house.api.refused("GetUser", AccessToken=mine["AccessToken"])
    assert refusal.message == "Access Token has been revoked"
    assert await house.api("GetUser", AccessToken=other["AccessToken"])
    assert await renew(house, other["RefreshToken"])


async def test_revoking_what_cannot_be_revoked(house, settle):
    await house.add_user()
    tokens = await house.tokens()
    other = await settle(house.api, EnableTokenRevocation=False)
    for request, code in (
        ({"Token": tokens["AccessToken"], "ClientId": house.client_id}, "UnsupportedTokenType"),
        ({"Token": tokens["RefreshToken"], "ClientId": other.client_id}, "UnsupportedOperation"),
        ({"Token": tokens["RefreshToken"], "ClientId": "nobody"}, "ResourceNotFound"),
    ):
        refusal = await house.api.refused("RevokeToken", **request)
        assert refusal.code == f"{code}Exception"
    assert await house.api("RevokeToken", Token="invented", ClientId=house.client_id) == {}
    third = await settle(house.api)
    refusal = await house.api.refused(
        "RevokeToken", Token=tokens["RefreshToken"], ClientId=third.client_id
    )
    assert refusal.code == "UnauthorizedException"
    assert await house.api("GetUser", AccessToken=tokens["AccessToken"])


async def test_global_sign_out_ends_every_sign_in_of_the_user_only(house):
    await house.add_user("ann")
    await house.add_user("bob")
    first, second, bobs = [await house.tokens(name) for name in ("ann", "ann", "bob")]
    await house.api("GlobalSignOut", AccessToken=first["AccessToken"])
    for tokens in (first, second):
        refusal = await house.api.refused("GetUser", AccessToken=tokens["AccessToken"])
        assert refusal.message == "Access Token has been revoked"
        refusal = await renewal_refused(house, tokens["RefreshToken"])
        assert refusal.message == "Refresh Token has been revoked"
    assert await renew(house, bobs["RefreshToken"])
    assert await house.tokens("ann")


@pytest.mark.parametrize("operation", ["GetUser", "GetTokensFromRefreshToken"])
async def test_a_deleted_user_has_no_tokens(house, operation):
    await house.add_user()
    tokens = await house.tokens()
    await house.api("AdminDeleteUser", UserPoolId=house.pool_id, Username="ann")
    if operation == "GetUser":
        refusal = await house.api.refused("GetUser", AccessToken=tokens["AccessToken"])
        assert refusal.code == "UserNotFoundException"
    else:
        refusal = await renewal_refused(house, tokens["RefreshToken"])
        assert refusal.message == "Invalid Refresh Token"


# Devices.


ALWAYS = {"DeviceConfiguration": {"ChallengeRequiredOnNewDevice": False}}


@pytest.fixture
async def tracking(api, settle):
    house = await settle(api, ALWAYS)
    await house.add_user()
    return house


async def told(house, request, operation):
    refusal = await house.api.refused(operation, **request)
    return refusal.code, refusal.message


def renewals(house, token, key):
    """Give both ways to refresh, from a device or from none."""
    named = {} if key is None else {"DEVICE_KEY": key}
    parameters = {"REFRESH_TOKEN": token, **named}
    client = {"ClientId": house.client_id}
    by_flow = {**client, "AuthFlow": "REFRESH_TOKEN_AUTH", "AuthParameters": parameters}
    device = {} if key is None else {"DeviceKey": key}
    yield "GetTokensFromRefreshToken", {**client, "RefreshToken": token, **device}
    yield "InitiateAuth", by_flow
    yield "AdminInitiateAuth", {**by_flow, "UserPoolId": house.pool_id}


INVALID_TOKEN = ("NotAuthorizedException", "Invalid Refresh Token")


async def test_tokens_are_refreshed_from_the_device_that_they_were_given_to_alone(
    tracking, register
):
    house = tracking
    await house.add_user("bob")
    (phone, result), (second, _) = await register(house), await register(house)
    theirs, _ = await register(house, "bob")
    proved = await phone.tokens()
    unconfirmed = Phone.of(house, await house.tokens())
    strangers = [None, "us-east-1_0", second.key, theirs.key, unconfirmed.key]
    for token in (result["RefreshToken"], proved["RefreshToken"]):
        for key in strangers:
            for operation, request in renewals(house, token, key):
                assert await told(house, request, operation) == INVALID_TOKEN
        for operation, request in renewals(house, token, phone.key):
            assert "AccessToken" in (await house.api(operation, **request))["AuthenticationResult"]


async def test_tokens_of_a_device_that_was_not_confirmed_are_not_refreshed(tracking):
    house = tracking
    result = await house.tokens()
    phone = Phone.of(house, result)
    for key in (None, phone.key):
        for operation, request in renewals(house, result["RefreshToken"], key):
            assert await told(house, request, operation) == INVALID_TOKEN
    await phone.confirm(result["AccessToken"])
    for operation, request in renewals(house, result["RefreshToken"], phone.key):
        assert await house.api(operation, **request)


async def test_tokens_from_before_devices_were_remembered_are_good_everywhere(api, settle):
    house = await settle(api)
    await house.add_user()
    token = (await house.tokens())["RefreshToken"]
    await api("UpdateUserPool", UserPoolId=house.pool_id, **ALWAYS)
    for key in (None, "us-east-1_0"):
        for operation, request in renewals(house, token, key):
            assert await api(operation, **request)


async def test_tokens_stay_their_devices_when_the_pool_remembers_no_more(tracking, register):
    house = tracking
    phone, result = await register(house)
    await house.api("UpdateUserPool", UserPoolId=house.pool_id)
    for operation, request in renewals(house, result["RefreshToken"], None):
        assert await told(house, request, operation) == INVALID_TOKEN
    for operation, request in renewals(house, result["RefreshToken"], phone.key):
        assert await house.api(operation, **request)


async def test_rotated_tokens_stay_their_devices_and_a_replaced_one_is_known_without_it(
    api, settle, register
):
    rotation = {"RefreshTokenRotation": {"Feature": "ENABLED", "RetryGracePeriodSeconds": 0}}
    house = await settle(api, ALWAYS, **rotation)
    await house.add_user()
    phone, result = await register(house)
    request = {"ClientId": house.client_id, "RefreshToken": result["RefreshToken"]}
    operation = "GetTokensFromRefreshToken"
    assert await told(house, request, operation) == INVALID_TOKEN  # and is not used up by it
    renewed = (await api(operation, **request, DeviceKey=phone.key))["AuthenticationResult"]
    newest = {**request, "RefreshToken": renewed["RefreshToken"]}
    assert await told(house, newest, operation) == INVALID_TOKEN
    # Whoever brings a replaced token has stolen it, from whatever device.
    code, _ = await told(house, request, operation)
    assert code == "RefreshTokenReuseException"
    code, message = await told(house, {**newest, "DeviceKey": phone.key}, operation)
    assert message == "Refresh Token has been revoked"
