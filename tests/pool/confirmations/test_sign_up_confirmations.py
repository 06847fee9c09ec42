"""ConfirmSignUp, ResendConfirmationCode and AdminConfirmSignUp."""

import pytest

EMAIL = {"Destination": "a***@e***", "DeliveryMedium": "EMAIL", "AttributeName": "email"}
PHONE = "+12065550123"
MISMATCH = ("CodeMismatchException", "Invalid verification code provided, please try again.")
EXPIRED = ("ExpiredCodeException", "Invalid code provided, please request a code again.")
LIMIT = ("LimitExceededException", "Attempt limit exceeded, please try after some time.")
UNKNOWN = ("UserNotFoundException", "Username/client id combination not found.")
DISABLED = ("NotAuthorizedException", "User is disabled.")
IS_CONFIRMED = (
    "NotAuthorizedException",
    "User cannot be confirmed. Current status is CONFIRMED",
)
ALIASES = {"AliasAttributes": ["email", "phone_number"]}
HIDING = {"PreventUserExistenceErrors": "ENABLED"}


def wrong(code):
    return f"{(int(code) + 1) % 10**6:06}"


async def confirm(stage, house, code, username="ann", **more):
    request = stage.named(house, username, ConfirmationCode=code, **more)
    return await house.api("ConfirmSignUp", **request)


async def not_confirmed(stage, house, code, username="ann", **more):
    request = stage.named(house, username, ConfirmationCode=code, **more)
    refusal = await house.api.refused("ConfirmSignUp", **request)
    return refusal.code, refusal.message


async def resend(stage, house, username="ann", **more):
    request = stage.named(house, username, **more)
    return (await house.api("ResendConfirmationCode", **request))["CodeDeliveryDetails"]


async def not_resent(stage, house, username="ann"):
    refusal = await house.api.refused("ResendConfirmationCode", **stage.named(house, username))
    return refusal.code, refusal.message


async def signed_up(stage, pool=None, *, triggered=False, **client):
    house = await stage.open(pool, triggered=triggered, **client)
    await house.api("SignUp", **stage.application(house))
    return house


async def administer(house, operation, name="ann", **more):
    return await house.api(operation, UserPoolId=house.pool_id, Username=name, **more)


@pytest.mark.parametrize("client", [{}, HIDING, {"GenerateSecret": True}], ids=str)
async def test_a_code_confirms_the_user_and_verifies_the_address(stage, client):
    house = await signed_up(stage, **client)
    assert await confirm(stage, house, stage.postman.code) == {}
    status, attributes = await stage.described(house)
    assert (status, attributes["email_verified"]) == ("CONFIRMED", "true")
    assert (await house.tokens())["AccessToken"]


async def test_the_address_that_had_no_code_is_not_verified(stage):
    house = await stage.open({"AutoVerifiedAttributes": ["email", "phone_number"]})
    await house.api("SignUp", **stage.application(house, phone_number=PHONE))
    await confirm(stage, house, stage.postman.code)
    _, attributes = await stage.described(house)
    assert (attributes["phone_number_verified"], attributes["email_verified"]) == ("true", "false")


async def test_a_code_confirms_once(stage):
    house = await signed_up(stage)
    await confirm(stage, house, stage.postman.code)
    assert await not_confirmed(stage, house, stage.postman.code) == IS_CONFIRMED


async def test_of_a_hundred_that_enter_the_code_at_once_one_confirms(stage):
    house = await signed_up(stage, triggered=True)
    # Ten attempts are counted, whatever comes of them; the others hear of the limit.
    request = stage.named(house, ConfirmationCode=stage.postman.code)
    replies = await house.api.at_once(*[("ConfirmSignUp", request)] * 100)
    assert replies.count({}) == 1
    assert {each.get("__type") for each in replies} <= {
        None,
        "NotAuthorizedException",
        "LimitExceededException",
    }
    assert stage.triggers.seen.count("PostConfirmation_ConfirmSignUp") == 1


@pytest.mark.parametrize("client", [{}, HIDING], ids=str)
async def test_wrong_codes_are_refused_ten_times_and_then_the_right_one_too(stage, clock, client):
    house = await signed_up(stage, **client)
    code = stage.postman.code
    for _ in range(10):
        assert await not_confirmed(stage, house, wrong(code)) == MISMATCH
    assert await not_confirmed(stage, house, code) == LIMIT
    assert await not_resent(stage, house) == LIMIT
    clock.now += 3600
    assert await confirm(stage, house, code) == {}


@pytest.mark.parametrize("client", [{}, HIDING], ids=str)
async def test_a_code_is_good_for_a_day(stage, clock, client):
    house = await signed_up(stage, **client)
    code = stage.postman.code
    clock.now += 86400
    assert await not_confirmed(stage, house, code) == EXPIRED
    clock.now -= 1
    assert await confirm(stage, house, code) == {}


async def test_a_code_that_is_sent_again_replaces_the_first(stage):
    house = await signed_up(stage)
    first = stage.postman.code
    assert await resend(stage, house) == EMAIL
    second = stage.postman.code
    assert len(stage.postman.messages) == 2
    if first != second:
        assert await not_confirmed(stage, house, first) == MISMATCH
    assert await confirm(stage, house, second) == {}


async def test_a_code_for_one_user_confirms_no_other(stage):
    house = await signed_up(stage)
    anns = stage.postman.code
    await house.api("SignUp", **stage.application(house, "bob", email="bob@example.org"))
    if anns != stage.postman.code:
        assert await not_confirmed(stage, house, anns, "bob") == MISMATCH
    assert await confirm(stage, house, anns) == {}


async def test_a_code_of_a_sign_up_sets_no_password(stage):
    house = await signed_up(stage)
    code = stage.postman.code
    await administer(house, "AdminConfirmSignUp")
    request = stage.named(house, ConfirmationCode=code, Password="An0ther-Horse")
    refusal = await house.api.refused("ConfirmForgotPassword", **request)
    assert refusal.code == "ExpiredCodeException"


async def test_a_wrong_secret_hash_is_refused_and_costs_no_attempt(stage):
    house = await signed_up(stage, GenerateSecret=True)
    for operation in ("ConfirmSignUp", "ResendConfirmationCode"):
        entered = {"ConfirmationCode": "0"} if operation == "ConfirmSignUp" else {}
        for _ in range(11):
            refusal = await house.api.refused(
                operation, ClientId=house.client_id, Username="ann", **entered
            )
            assert refusal.code == "NotAuthorizedException"
    assert await confirm(stage, house, stage.postman.code) == {}


async def test_whoever_cannot_be_confirmed_hears_why_where_nobody_hides_it(stage):
    house = await signed_up(stage)
    code = stage.postman.code
    assert await not_confirmed(stage, house, code, "nobody") == UNKNOWN
    assert await not_resent(stage, house, "nobody") == UNKNOWN
    await administer(house, "AdminDisableUser")
    assert await not_confirmed(stage, house, code) == DISABLED
    assert await not_resent(stage, house) == DISABLED
    await administer(house, "AdminEnableUser")
    await confirm(stage, house, code)
    assert await not_resent(stage, house) == (
        "InvalidParameterException",
        "User is already confirmed.",
    )
    await administer(house, "AdminCreateUser", "bob")
    assert (await not_resent(stage, house, "bob"))[1] == "User is already confirmed."
    assert (await not_confirmed(stage, house, code, "bob"))[1] == (
        "User cannot be confirmed. Current status is FORCE_CHANGE_PASSWORD"
    )


async def hidden_kinds(stage, pool=None):
    """Return a house with a name of every kind of user that cannot be confirmed."""
    house = await stage.open(pool, **HIDING)
    for name in ("confirmed", "disabled", "unreachable"):
        address = "" if name == "unreachable" else f"a-{name}@example.org"
        await house.api("SignUp", **stage.application(house, name, email=address, name="Ann"))
    await administer(house, "AdminConfirmSignUp", "confirmed")
    await administer(house, "AdminDisableUser", "disabled")
    await house.add_user("made", email="a-made@example.org", email_verified="true")
    return house


KINDS = ("nobody", "confirmed", "disabled", "unreachable", "made")


async def test_whoever_cannot_be_confirmed_is_answered_as_by_a_wrong_code_where_users_are_hidden(
    stage,
):
    house = await hidden_kinds(stage)
    await house.api("SignUp", **stage.application(house))
    heard = {
        name: [await not_confirmed(stage, house, "000000", name) for _ in range(11)]
        for name in (*KINDS, "ann")
    }
    assert set(map(tuple, heard.values())) == {(*[MISMATCH] * 10, LIMIT)}


async def test_whoever_cannot_be_sent_a_code_is_answered_as_if_one_was_where_users_are_hidden(
    stage,
):
    house = await hidden_kinds(stage)
    sent = len(stage.postman.messages)
    for name in KINDS:
        told = [await resend(stage, house, name) for _ in range(10)]
        assert told == [told[0]] * 10
        assert (told[0]["DeliveryMedium"], told[0]["AttributeName"]) == ("EMAIL", "email")
        assert await not_resent(stage, house, name) == LIMIT
    assert len(stage.postman.messages) == sent
    house.clock.now += 3600
    # The same as ForgotPassword tells.
    for name in KINDS:
        reply = await house.api("ForgotPassword", **stage.named(house, name))
        assert reply["CodeDeliveryDetails"] == await resend(stage, house, name)


async def test_a_hidden_user_who_waits_is_sent_a_code_after_the_reply(stage):
    house = await signed_up(stage, **HIDING)
    assert await resend(stage, house) == EMAIL
    assert len(stage.postman.messages) == 2
    assert await confirm(stage, house, stage.postman.code) == {}


@pytest.mark.parametrize("client", [{}, HIDING], ids=str)
async def test_a_message_that_cannot_be_delivered_tells_of_nobody_who_is_hidden(stage, client):
    house = await signed_up(stage, **client)
    stage.postman.broken = True
    if client:
        assert await resend(stage, house) == EMAIL
    else:
        assert (await not_resent(stage, house))[0] == "CodeDeliveryFailureException"


@pytest.mark.parametrize("client", [{}, HIDING], ids=str)
async def test_a_pool_that_verifies_nothing_sends_nothing_again(stage, client):
    house = await signed_up(stage, {"AutoVerifiedAttributes": []}, **client)
    for name in ("ann", "nobody"):
        assert await not_resent(stage, house, name) == (
            "InvalidParameterException",
            "Cannot resend codes. Auto verification not turned on.",
        )


async def test_a_user_without_an_address_is_sent_nothing_again(stage):
    house = await stage.open()
    await house.api("SignUp", **stage.application(house, email="", name="Ann"))
    assert (await not_resent(stage, house))[0] == "InvalidParameterException"


async def test_an_account_has_ten_attempts_whatever_names_lead_to_it(stage):
    # The username of an address is an id, which leads to the account, too.
    house = await stage.open({"UsernameAttributes": ["email"]}, **HIDING)
    request = stage.application(house, "ann@example.org", email="")
    sub = (await house.api("SignUp", **request))["UserSub"]
    code = stage.postman.code
    for name in (sub, "ann@example.org"):
        for _ in range(5):
            assert await not_confirmed(stage, house, wrong(code), name) == MISMATCH
    assert await not_confirmed(stage, house, code, sub) == MISMATCH
    assert await not_confirmed(stage, house, code, "ann@example.org") == MISMATCH
    assert (await stage.described(house, sub))[0] == "UNCONFIRMED"


@pytest.mark.parametrize("client", [{}, HIDING], ids=str)
async def test_an_address_that_is_anothers_alias_stays_so_unless_it_is_forced(stage, client):
    house = await stage.open(ALIASES, **client)
    await house.add_user("old", email="ann@example.org", email_verified="true")
    await house.api("SignUp", **stage.application(house))
    code = stage.postman.code
    for more in ({}, {"ForceAliasCreation": False}):
        assert (await not_confirmed(stage, house, code, **more))[0] == "AliasExistsException"
    assert (await stage.described(house))[0] == "UNCONFIRMED"
    old = await stage.described(house, "ann@example.org")
    assert old[1]["email_verified"] == "true"
    assert await confirm(stage, house, code, ForceAliasCreation=True) == {}
    new = await stage.described(house, "ann@example.org")
    assert new == await stage.described(house)
    assert (new[0], new[1]["email_verified"]) == ("CONFIRMED", "true")
    assert (await stage.described(house, "old"))[1]["email_verified"] == "false"


async def test_of_two_who_sign_up_with_one_address_the_first_to_confirm_has_it(stage):
    house = await stage.open(ALIASES)
    codes = {}
    for name in ("ann", "bob"):
        await house.api("SignUp", **stage.application(house, name))
        codes[name] = stage.postman.code
    calls = [
        ("ConfirmSignUp", stage.named(house, name, ConfirmationCode=code))
        for name, code in codes.items()
    ]
    replies = await house.api.at_once(*calls)
    assert sorted(each.get("__type", "") for each in replies) == ["", "AliasExistsException"]


async def test_triggers_hear_of_the_confirmation_and_of_the_code_that_is_sent_again(stage):
    house = await signed_up(stage, triggered=True)
    stage.triggers.events.clear()
    await resend(stage, house, ClientMetadata={"from": "app"})
    await confirm(stage, house, stage.postman.code, ClientMetadata={"from": "web"})
    worded, after = stage.triggers.events
    assert stage.triggers.seen == ["CustomMessage_ResendCode", "PostConfirmation_ConfirmSignUp"]
    assert worded["request"]["clientMetadata"] == {"from": "app"}
    assert "userNotFound" not in worded["request"]
    assert after["request"]["clientMetadata"] == {"from": "web"}
    told = after["request"]["userAttributes"]
    assert (told["cognito:user_status"], told["email_verified"]) == ("CONFIRMED", "true")
    assert after["callerContext"]["clientId"] == house.client_id


async def test_a_trigger_that_fails_after_the_confirmation_leaves_it(stage):
    stage.triggers.answers["PostConfirmation_ConfirmSignUp"] = ValueError("down")
    house = await signed_up(stage, triggered=True)
    code, _ = await not_confirmed(stage, house, stage.postman.code)
    assert code == "UserLambdaValidationException"
    assert (await stage.described(house))[0] == "CONFIRMED"


async def test_a_trigger_that_refuses_the_words_keeps_the_former_code(stage):
    house = await signed_up(stage, triggered=True)
    stage.triggers.answers["CustomMessage_ResendCode"] = ValueError("no")
    assert (await not_resent(stage, house))[0] == "UserLambdaValidationException"
    assert await confirm(stage, house, stage.postman.code) == {}


@pytest.mark.parametrize("client", [{}, HIDING], ids=str)
async def test_whoever_is_confirmed_while_a_code_is_worded_is_not_sent_it(stage, client):
    house = await signed_up(stage, triggered=True, **client)

    async def confirmed():
        await administer(house, "AdminConfirmSignUp")

    stage.triggers.answers["CustomMessage_ResendCode"] = confirmed
    if client:
        assert await resend(stage, house) == EMAIL
    else:
        assert (await not_resent(stage, house))[1] == "User is already confirmed."
    assert len(stage.postman.messages) == 1


async def test_a_trigger_is_asked_for_strangers_too_where_users_are_hidden(stage):
    house = await stage.open(triggered=True, **HIDING)
    stage.triggers.answers["CustomMessage_ResendCode"] = ValueError("no")
    assert await resend(stage, house, "nobody")
    (event,) = stage.triggers.events
    assert event["request"]["userNotFound"] is True
    told = event["request"]["userAttributes"]
    assert (told["cognito:user_status"], told["email_verified"]) == ("UNCONFIRMED", "false")
    assert stage.postman.messages == []


@pytest.mark.parametrize("client", [{}, HIDING], ids=str)
async def test_an_administrator_confirms_a_user_without_an_address(stage, client):
    house = await signed_up(stage, triggered=True, **client)
    stage.triggers.events.clear()
    assert await administer(house, "AdminConfirmSignUp", ClientMetadata={"by": "me"}) == {}
    status, attributes = await stage.described(house)
    assert (status, attributes["email_verified"]) == ("CONFIRMED", "false")
    (event,) = stage.triggers.events
    assert event["triggerSource"] == "PostConfirmation_ConfirmSignUp"
    assert event["callerContext"]["clientId"] == "CLIENT_ID_NOT_APPLICABLE"
    assert event["request"]["clientMetadata"] == {"by": "me"}
    named = {"UserPoolId": house.pool_id, "Username": "ann"}
    refusal = await house.api.refused("AdminConfirmSignUp", **named)
    assert (refusal.code, refusal.message) == IS_CONFIRMED
    refusal = await house.api.refused("AdminConfirmSignUp", **{**named, "Username": "nobody"})
    assert (refusal.code, refusal.message) == ("UserNotFoundException", "User does not exist.")


async def test_of_a_hundred_administrators_one_confirms(stage):
    house = await signed_up(stage, triggered=True)
    named = {"UserPoolId": house.pool_id, "Username": "ann"}
    replies = await house.api.at_once(*[("AdminConfirmSignUp", named)] * 100)
    assert replies.count({}) == 1
    assert stage.triggers.seen.count("PostConfirmation_ConfirmSignUp") == 1


async def test_users_whom_administrators_made_are_not_confirmed_so(stage):
    house = await stage.open()
    await administer(house, "AdminCreateUser", "bob")
    refusal = await house.api.refused(
        "AdminConfirmSignUp", UserPoolId=house.pool_id, Username="bob"
    )
    assert refusal.message == "User cannot be confirmed. Current status is FORCE_CHANGE_PASSWORD"


async def test_no_session_is_given_for_a_flow_that_is_not_served(stage):
    house = await stage.open()
    reply = await house.api("SignUp", **stage.application(house))
    assert "Session" not in reply
    session = "s" * 20
    assert await confirm(stage, house, stage.postman.code, Session=session) == {}


async def test_a_name_that_nobody_has_and_nobody_hides_is_unknown_however_often(stage):
    house = await stage.open()
    for _ in range(11):  # one more than the attempts of an hour
        assert await not_confirmed(stage, house, "123456", "ghost") == UNKNOWN
        assert await not_resent(stage, house, "ghost") == UNKNOWN
