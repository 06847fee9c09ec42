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


async def test_an_invitation_tells_the_name_and_the_temporary_password(stage):
    house = await stage.open()
    for name, given in (("bob", {}), ("eve", {"TemporaryPassword": "Temp0rary!"})):
        made = await house.api("AdminCreateUser", **invite(house, name, **given))
        assert made["User"]["UserStatus"] == "FORCE_CHANGE_PASSWORD"
        message = stage.postman.messages[-1]
        assert (message.username, message.medium, message.destination, message.subject) == (
            *(name, "EMAIL", "bob@example.org"),
            "Your temporary password",
        )
        password = given.get("TemporaryPassword", stage.postman.code)
        assert DEFAULT.fullmatch(message.text.reveal()).groups() == (name, password)
        assert stage.postman.code == password
        reply = await sign_in(house, name, password)
        assert reply["ChallengeName"] == "NEW_PASSWORD_REQUIRED"
    assert len(stage.postman.messages) == 2


BOTH = ("email", "phone_number")
MEDIUMS = (
    (("email",), None, ["EMAIL"]),
    (("phone_number",), None, ["SMS"]),
    (BOTH, None, ["SMS"]),
    ((), None, []),
    (BOTH, [], ["SMS"]),
    (BOTH, ["EMAIL"], ["EMAIL"]),
    (BOTH, ["SMS"], ["SMS"]),
    (BOTH, ["SMS", "EMAIL"], ["SMS", "EMAIL"]),
    (BOTH, ["EMAIL", "SMS", "EMAIL"], ["EMAIL", "SMS"]),
)


async def test_an_invitation_goes_where_the_request_says_or_else_to_the_phone_first(stage):
    house = await stage.open()
    for number, (addresses, mediums, sent) in enumerate(MEDIUMS):
        stage.postman.messages.clear()
        named = {} if mediums is None else {"DesiredDeliveryMediums": mediums}
        request = invite(house, f"bob-{number}", addresses, **named)
        await house.api("AdminCreateUser", **request)
        assert [each.medium for each in stage.postman.messages] == sent
        assert len({each.code.reveal() for each in stage.postman.messages}) == bool(sent)


async def test_a_medium_without_its_address_is_refused(stage):
    house = await stage.open()
    for medium, has, told in (
        ("EMAIL", "phone_number", "No email provided but desired delivery medium was Email"),
        ("SMS", "email", "No phone number provided but desired delivery medium was SMS"),
    ):
        for action in ({}, {"MessageAction": "SUPPRESS"}):
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


async def test_a_name_or_a_password_is_no_part_of_the_message(stage):
    house = await stage.open({"AdminCreateUserConfig": {"InviteMessageTemplate": TEMPLATE}})
    for name, password in (
        ("<b>&", "Aa1<>&\"'"),
        ("{####}", "Aa1{username}"),
        ("b{##", "Aa1{####}"),
    ):
        stage.postman.messages.clear()
        mediums = {"DesiredDeliveryMediums": ["EMAIL", "SMS"], "TemporaryPassword": password}
        await house.api("AdminCreateUser", **invite(house, name, BOTH, **mediums))
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


async def test_a_user_whom_a_trigger_refuses_is_not_made(stage):
    house = await stage.open(triggered=True)
    for source in ("PreSignUp_AdminCreateUser", "CustomMessage_AdminCreateUser"):
        stage.triggers.answers = {source: ValueError("not bob")}
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


async def test_a_trigger_words_an_invitation_with_both_its_parts(stage):
    house = await stage.open(triggered=True)
    for words in ("{username}", "{####}", "{username} {##Come in##}"):
        stage.triggers.answers["CustomMessage_AdminCreateUser"] = {"emailMessage": words}
        code, _ = await refusal_of(house, invite(house))
        assert code == "InvalidLambdaResponseException"
    for name, words in (
        ("bob", {"emailMessage": "{username}: {####}", "emailSubject": "Hi"}),
        ("eve", {"smsMessage": "{username}"}),  # no text message is sent
    ):
        stage.triggers.answers["CustomMessage_AdminCreateUser"] = words
        await house.api("AdminCreateUser", **invite(house, name))
    told, plain = stage.postman.messages
    assert (told.subject, told.text.reveal()) == ("Hi", f"bob: {told.code.reveal()}")
    assert plain.subject == "Your temporary password"


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
