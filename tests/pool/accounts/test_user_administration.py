"""AdminCreateUser: its invitations, and what PreSignUp and CustomMessage have to say."""

import html
import json
import re
import sqlite3
from contextlib import closing

import pytest

PHONE = "+12065550123"
ADDRESSES = {"email": "bob@example.org", "phone_number": PHONE}
DEFAULT = re.compile(r"Your username is (\S+) and your temporary password is (\S+)")


def invite(house, name="bob", addresses=("email",), **more):
    attributes = {each: ADDRESSES[each] for each in addresses}
    return {
        "UserPoolId": house.pool_id,
        "Username": name,
        "UserAttributes": [{"Name": k, "Value": v} for k, v in attributes.items()],
        **more,
    }


async def sign_in(house, name, password):
    return await house.api("InitiateAuth", **house.by_password(name, password))


async def refusal_of(house, request):
    refusal = await house.api.refused("AdminCreateUser", **request)
    return refusal.code, refusal.message


@pytest.mark.parametrize("given", [{}, {"TemporaryPassword": "Temp0rary!"}], ids=str)
async def test_an_invitation_tells_the_name_and_the_temporary_password(stage, given):
    house = await stage.open()
    made = await house.api("AdminCreateUser", **invite(house, **given))
    assert made["User"]["UserStatus"] == "FORCE_CHANGE_PASSWORD"
    (message,) = stage.postman.messages
    assert (message.username, message.medium, message.destination, message.subject) == (
        *("bob", "EMAIL", "bob@example.org"),
        "Your temporary password",
    )
    password = given.get("TemporaryPassword", stage.postman.code)
    assert DEFAULT.fullmatch(message.text.reveal()).groups() == ("bob", password)
    assert stage.postman.code == password
    reply = await sign_in(house, "bob", password)
    assert reply["ChallengeName"] == "NEW_PASSWORD_REQUIRED"


@pytest.mark.parametrize(
    ("addresses", "mediums", "sent"),
    [
        (("email",), None, ["EMAIL"]),
        (("phone_number",), None, ["SMS"]),
        (("email", "phone_number"), None, ["SMS"]),
        ((), None, []),
        (("email", "phone_number"), [], ["SMS"]),
        (("email", "phone_number"), ["EMAIL"], ["EMAIL"]),
        (("email", "phone_number"), ["SMS"], ["SMS"]),
        (("email", "phone_number"), ["SMS", "EMAIL"], ["SMS", "EMAIL"]),
        (("email", "phone_number"), ["EMAIL", "SMS", "EMAIL"], ["EMAIL", "SMS"]),
    ],
    ids=str,
)
async def test_an_invitation_goes_where_the_request_says_or_else_to_the_phone_first(
    stage, addresses, mediums, sent
):
    house = await stage.open()
    named = {} if mediums is None else {"DesiredDeliveryMediums": mediums}
    await house.api("AdminCreateUser", **invite(house, addresses=addresses, **named))
    assert [each.medium for each in stage.postman.messages] == sent
    assert {each.code.reveal() for each in stage.postman.messages} <= {
        each.code.reveal() for each in stage.postman.messages[:1]
    }


@pytest.mark.parametrize("action", [{}, {"MessageAction": "SUPPRESS"}], ids=str)
@pytest.mark.parametrize(
    ("medium", "has", "told"),
    [
        ("EMAIL", "phone_number", "No email provided but desired delivery medium was Email"),
        ("SMS", "email", "No phone number provided but desired delivery medium was SMS"),
    ],
)
async def test_a_medium_without_its_address_is_refused(stage, medium, has, told, action):
    house = await stage.open()
    request = invite(house, addresses=(has,), DesiredDeliveryMediums=[medium], **action)
    assert await refusal_of(house, request) == ("InvalidParameterException", told)
    named = {"UserPoolId": house.pool_id, "Username": "bob"}
    assert (await house.api.refused("AdminGetUser", **named)).code == "UserNotFoundException"


async def test_a_message_that_is_suppressed_is_not_sent(stage):
    house = await stage.open(triggered=True)
    await house.api("AdminCreateUser", **invite(house, MessageAction="SUPPRESS"))
    assert stage.postman.messages == []
    assert stage.triggers.seen == ["PreSignUp_AdminCreateUser"]


async def test_an_invitation_that_is_sent_again_has_a_new_password_and_a_new_time(stage, clock):
    house = await stage.open()
    await house.api("AdminCreateUser", **invite(house))
    first = stage.postman.code
    clock.now += 6 * 86400
    again = {"UserPoolId": house.pool_id, "Username": "bob", "MessageAction": "RESEND"}
    await house.api("AdminCreateUser", **again)
    second = stage.postman.code
    assert (len(stage.postman.messages), first == second) == (2, False)
    refusal = await house.api.refused("InitiateAuth", **house.by_password("bob", first))
    assert refusal.code == "NotAuthorizedException"
    clock.now += 6 * 86400
    assert (await sign_in(house, "bob", second))["ChallengeName"] == "NEW_PASSWORD_REQUIRED"
    told = "No phone number provided but desired delivery medium was SMS"
    refused = await refusal_of(house, {**again, "DesiredDeliveryMediums": ["SMS"]})
    assert refused == ("InvalidParameterException", told)
    assert (await sign_in(house, "bob", second))["ChallengeName"] == "NEW_PASSWORD_REQUIRED"


async def test_an_invitation_is_not_sent_again_to_whoever_has_a_password(stage):
    house = await stage.open()
    await house.add_user("bob", email="bob@example.org")
    again = {"UserPoolId": house.pool_id, "Username": "bob", "MessageAction": "RESEND"}
    assert (await refusal_of(house, again))[0] == "UnsupportedUserStateException"
    assert (await refusal_of(house, {**again, "Username": "nobody"}))[0] == "UserNotFoundException"
    assert stage.postman.messages == []


@pytest.mark.parametrize(
    "policy",
    [
        {"MinimumLength": 6},
        {"MinimumLength": 99, "RequireSymbols": True, "RequireNumbers": True},
        {"MinimumLength": 13, "RequireUppercase": True, "RequireLowercase": True},
    ],
    ids=str,
)
async def test_a_password_that_is_drawn_conforms_to_the_policy(stage, policy):
    house = await stage.open({"Policies": {"PasswordPolicy": policy}})
    drawn = set()
    for number in range(5):
        await house.api("AdminCreateUser", **invite(house, f"bob-{number}"))
        drawn.add(stage.postman.code)
        # The pool itself says so.
        given = {"TemporaryPassword": stage.postman.code, "MessageAction": "SUPPRESS"}
        await house.api("AdminCreateUser", **invite(house, f"ann-{number}", **given))
    assert len(drawn) == 5


TEMPLATE = {
    "SMSMessage": "Text: {username} {####}",
    "EmailMessage": "<b>{username}</b> {####} {####}",
    "EmailSubject": "Come in",
}


async def test_the_pools_own_words_are_used(stage):
    house = await stage.open({"AdminCreateUserConfig": {"InviteMessageTemplate": TEMPLATE}})
    mediums = {"DesiredDeliveryMediums": ["EMAIL", "SMS"], "TemporaryPassword": "Temp0rary!"}
    await house.api(
        "AdminCreateUser", **invite(house, addresses=("email", "phone_number"), **mediums)
    )
    told = [(each.subject, each.text.reveal()) for each in stage.postman.messages]
    assert told == [
        ("Come in", "<b>bob</b> Temp0rary! Temp0rary!"),
        (None, "Text: bob Temp0rary!"),
    ]


async def test_an_invitation_whose_words_leave_the_password_out_is_not_delivered(stage):
    template = {"EmailMessage": "Welcome, {username}"}
    house = await stage.open({"AdminCreateUserConfig": {"InviteMessageTemplate": template}})
    assert await house.api("AdminCreateUser", **invite(house))
    assert stage.postman.messages == []


@pytest.mark.parametrize(
    ("name", "password"),
    [("<b>&", "Aa1<>&\"'"), ("{####}", "Aa1{username}"), ("b{##", "Aa1{####}")],
)
async def test_a_name_or_a_password_is_no_part_of_the_message(stage, name, password):
    house = await stage.open({"AdminCreateUserConfig": {"InviteMessageTemplate": TEMPLATE}})
    mediums = {"DesiredDeliveryMediums": ["EMAIL", "SMS"], "TemporaryPassword": password}
    await house.api("AdminCreateUser", **invite(house, name, ("email", "phone_number"), **mediums))
    email, sms = (each.text.reveal() for each in stage.postman.messages)
    assert sms == f"Text: {name} {password}"
    assert email == f"<b>{html.escape(name)}</b> " + " ".join([html.escape(password)] * 2)
    assert stage.postman.code == password


@pytest.mark.parametrize(
    ("pool", "name", "address"),
    [
        ({"UsernameAttributes": ["email"]}, "bob@example.org", "bob@example.org"),
        ({"UsernameAttributes": ["phone_number", "email"]}, PHONE, PHONE),
    ],
    ids=str,
)
async def test_whoever_signs_in_by_an_address_is_told_the_address(stage, pool, name, address):
    house = await stage.open(pool)
    request = invite(house, name, ()) | {"TemporaryPassword": "Temp0rary!"}
    await house.api("AdminCreateUser", **request)
    (message,) = stage.postman.messages
    assert DEFAULT.fullmatch(message.text.reveal()).groups() == (address, "Temp0rary!")


async def test_triggers_hear_of_a_user_whom_an_administrator_makes(stage):
    house = await stage.open(triggered=True)
    sent = {"ClientMetadata": {"by": "me"}, "ValidationData": [{"Name": "why", "Value": "hired"}]}
    made = await house.api("AdminCreateUser", **invite(house, **sent))
    before, worded = stage.triggers.events
    assert stage.triggers.seen == ["PreSignUp_AdminCreateUser", "CustomMessage_AdminCreateUser"]
    assert before["callerContext"]["clientId"] == "CLIENT_ID_NOT_APPLICABLE"
    assert before["userName"] == "bob"
    assert before["request"] == {
        "userAttributes": {"email": "bob@example.org"},
        "validationData": {"why": "hired"},
        "clientMetadata": {"by": "me"},
    }
    told = worded["request"]
    assert (told["codeParameter"], told["usernameParameter"]) == ("{####}", "{username}")
    assert told["linkParameter"] is None
    assert "clientMetadata" not in told  # as documented
    sub = next(each["Value"] for each in made["User"]["Attributes"] if each["Name"] == "sub")
    assert told["userAttributes"] == {
        "sub": sub,
        "email": "bob@example.org",
        "cognito:user_status": "FORCE_CHANGE_PASSWORD",
    }
    assert stage.postman.code not in json.dumps(stage.triggers.events)


async def test_what_a_trigger_decides_of_a_user_whom_an_administrator_makes_is_ignored(stage):
    stage.triggers.answers["PreSignUp_AdminCreateUser"] = {
        "autoConfirmUser": True,
        "autoVerifyEmail": True,
        "autoVerifyPhone": True,
    }
    house = await stage.open(triggered=True)
    await house.api("AdminCreateUser", **invite(house))
    status, attributes = await stage.described(house, "bob")
    assert (status, attributes.get("email_verified")) == ("FORCE_CHANGE_PASSWORD", None)


@pytest.mark.parametrize("source", ["PreSignUp_AdminCreateUser", "CustomMessage_AdminCreateUser"])
async def test_a_user_whom_a_trigger_refuses_is_not_made(stage, source):
    stage.triggers.answers[source] = ValueError("not bob")
    house = await stage.open(triggered=True)
    assert (await refusal_of(house, invite(house)))[0] == "UserLambdaValidationException"
    named = {"UserPoolId": house.pool_id, "Username": "bob"}
    assert (await house.api.refused("AdminGetUser", **named)).code == "UserNotFoundException"
    assert stage.postman.messages == []


async def test_no_trigger_hears_of_a_name_that_is_taken(stage):
    house = await stage.open(triggered=True)
    await house.api("AdminCreateUser", **invite(house))
    stage.triggers.events.clear()
    assert (await refusal_of(house, invite(house)))[0] == "UsernameExistsException"
    assert stage.triggers.events == []
    assert len(stage.postman.messages) == 1


@pytest.mark.parametrize(
    ("words", "refused"),
    [
        ({"emailMessage": "{username}: {####}", "emailSubject": "Hi"}, False),
        ({"emailMessage": "{username}"}, True),
        ({"emailMessage": "{####}"}, True),
        ({"emailMessage": "{username} {##Come in##}"}, True),
        ({"smsMessage": "{username}"}, False),  # no text message is sent
    ],
    ids=str,
)
async def test_a_trigger_words_an_invitation_with_both_its_parts(stage, words, refused):
    stage.triggers.answers["CustomMessage_AdminCreateUser"] = words
    house = await stage.open(triggered=True)
    if refused:
        code, _ = await refusal_of(house, invite(house))
        assert code == "InvalidLambdaResponseException"
        return
    await house.api("AdminCreateUser", **invite(house))
    (message,) = stage.postman.messages
    if "emailMessage" in words:
        assert (message.subject, message.text.reveal()) == ("Hi", f"bob: {stage.postman.code}")


async def test_of_a_hundred_who_make_one_user_one_wins_and_one_invitation_is_sent(stage):
    house = await stage.open()
    replies = await house.api.at_once(*[("AdminCreateUser", invite(house))] * 100)
    assert sum("User" in each for each in replies) == 1
    assert len(stage.postman.messages) == 1


async def test_a_temporary_password_is_not_in_the_file(stage, tmp_path):
    api = await stage.start(on_message=stage.postman, db=str(tmp_path / "pool.db"))
    house = await stage.settle(api)
    await house.api("AdminCreateUser", **invite(house))
    with closing(sqlite3.connect(tmp_path / "pool.db")) as file:
        assert file.execute("SELECT count(*) FROM messages").fetchone() == (1,)
    raw = b"".join(each.read_bytes() for each in tmp_path.iterdir())
    assert stage.postman.code.encode() not in raw
