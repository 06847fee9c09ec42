import json
import sqlite3
from contextlib import closing

import pytest

PASSWORD = "Corr3ct-Horse"
EMAIL = {"Destination": "a***@e***", "DeliveryMedium": "EMAIL", "AttributeName": "email"}
PHONE = "+12065550123"
SMS = {
    "Destination": "+*******0123",
    "DeliveryMedium": "SMS",
    "AttributeName": "phone_number",
}
BY_EMAIL = {"UsernameAttributes": ["email"]}
LIKE_AN_ADDRESS = (
    "Username cannot be of email format, since user pool is configured for email alias."
)
PREFERRED = (
    "Preferred username cannot be provided for unconfirmed account, since user pool is configured"
    " for preferred username alias."
)
REQUIRED = "Attributes did not conform to the schema: given_name: The attribute is required"
TOO_SHORT = "Password did not conform with policy: Password not long enough"
ALIASES = {"AliasAttributes": ["email", "phone_number", "preferred_username"]}


async def refusal_of(house, request):
    refusal = await house.api.refused("SignUp", **request)
    return refusal.code, refusal.message


async def test_a_user_who_signs_up_is_sent_a_code_and_waits_for_it(stage):
    house = await stage.open()
    reply = await house.api("SignUp", **stage.application(house, name="Ann"))
    sub = reply["UserSub"]
    assert reply == {"UserConfirmed": False, "UserSub": sub, "CodeDeliveryDetails": EMAIL}
    assert await stage.described(house) == (
        "UNCONFIRMED",
        {"sub": sub, "email": "ann@example.org", "email_verified": "false", "name": "Ann"},
    )
    (message,) = stage.postman.messages
    assert (message.username, message.medium, message.destination) == (
        *("ann", "EMAIL"),
        "ann@example.org",
    )
    assert message.text.reveal() == f"Your verification code is {stage.postman.code}."
    refusal = await house.api.refused("InitiateAuth", **house.by_password())
    assert refusal.code == "UserNotConfirmedException"


async def test_the_password_is_the_one_that_was_chosen(stage):
    house = await stage.open(GenerateSecret=True)
    await house.api("SignUp", **stage.application(house))
    named = {"UserPoolId": house.pool_id, "Username": "ann"}
    assert await house.api("AdminConfirmSignUp", **named) == {}
    assert (await house.tokens())["AccessToken"]
    refusal = await house.api.refused("InitiateAuth", **house.by_password(password="wrong-Horse1"))
    assert refusal.code == "NotAuthorizedException"


DESTINATIONS = (
    (["email"], {"phone_number": PHONE}, EMAIL),
    (["phone_number"], {"phone_number": PHONE}, SMS),
    (["email", "phone_number"], {"phone_number": PHONE}, SMS),
    (["phone_number", "email"], {"phone_number": PHONE}, SMS),
    (["email", "phone_number"], {}, EMAIL),
    (["email", "phone_number"], {"email": "", "phone_number": PHONE}, SMS),
    (["phone_number"], {}, None),
    (["email"], {"email": "", "phone_number": PHONE}, None),
    ([], {"phone_number": PHONE}, None),
)


async def test_the_code_goes_to_the_phone_before_the_mailbox_and_to_what_the_pool_verifies(stage):
    house = await stage.open()
    for number, (verified, given, details) in enumerate(DESTINATIONS):
        pool = {"UserPoolId": house.pool_id, "AutoVerifiedAttributes": verified}
        await house.api("UpdateUserPool", **pool)
        stage.postman.messages.clear()
        reply = await house.api("SignUp", **stage.application(house, f"ann-{number}", **given))
        assert reply.get("CodeDeliveryDetails") == details
        assert [each.medium for each in stage.postman.messages] == [
            *([] if details is None else [details["DeliveryMedium"]])
        ]
        assert (await stage.described(house, f"ann-{number}"))[0] == "UNCONFIRMED"


NOT_ALLOWED = {
    "only administrators": (
        {"AdminCreateUserConfig": {"AllowAdminCreateUserOnly": True}},
        [({}, ("NotAuthorizedException", "SignUp is not permitted for this user pool"))],
    ),
    "by address": (BY_EMAIL, [({}, ("InvalidParameterException", "Username should be an email."))]),
    "aliases": (
        ALIASES,
        [
            ({"Username": "ann@example.org"}, ("InvalidParameterException", LIKE_AN_ADDRESS)),
            (
                {"UserAttributes": [{"Name": "preferred_username", "Value": "annie"}]},
                ("InvalidParameterException", PREFERRED),
            ),
        ],
    ),
    "required": (
        {"Schema": [{"Name": "given_name", "Required": True}]},
        [({}, ("InvalidParameterException", REQUIRED))],
    ),
    "plain": (
        {},
        [
            ({"Password": "short"}, ("InvalidPasswordException", TOO_SHORT)),
            *(
                (
                    {"UserAttributes": [{"Name": flag, "Value": value}]},
                    (
                        "NotAuthorizedException",
                        "A client attempted to write unauthorized attribute",
                    ),
                )
                for flag in ("email_verified", "phone_number_verified")
                for value in ("true", "false")
            ),
            (
                {"UserAttributes": [{"Name": "sub", "Value": "me"}]},
                ("InvalidParameterException", "Cannot modify the non-mutable attribute sub"),
            ),
            (
                {"UserAttributes": [{"Name": "email", "Value": "no address"}]},
                ("InvalidParameterException", "Invalid email address format."),
            ),
        ],
    ),
}


@pytest.mark.parametrize(("pool", "refusals"), NOT_ALLOWED.values(), ids=NOT_ALLOWED)
async def test_a_sign_up_that_is_not_allowed_is_refused_and_leaves_nothing(stage, pool, refusals):
    house = await stage.open(pool, triggered=True)
    for change, refusal in refusals * 2:
        assert await refusal_of(house, {**stage.application(house), **change}) == refusal
    assert (stage.postman.messages, stage.triggers.events) == ([], [])
    named = {"UserPoolId": house.pool_id, "Username": "ann"}
    assert (await house.api.refused("AdminGetUser", **named)).code == "UserNotFoundException"


async def test_a_sign_up_without_a_password_is_refused(stage):
    house = await stage.open()
    request = stage.application(house)
    del request["Password"]
    told = ("InvalidParameterException", "Missing required parameter Password")
    assert await refusal_of(house, request) == told


async def test_an_attribute_that_the_app_client_may_not_write_is_refused(stage):
    house = await stage.open(WriteAttributes=["email"])
    told = ("NotAuthorizedException", "A client attempted to write unauthorized attribute")
    assert await refusal_of(house, stage.application(house, name="Ann")) == told
    assert await house.api("SignUp", **stage.application(house))


async def test_an_attribute_that_never_changes_may_be_given_at_a_sign_up(stage):
    entry = {"Name": "badge", "AttributeDataType": "String", "Mutable": False}
    house = await stage.open({"Schema": [entry]}, WriteAttributes=["email", "custom:badge"])
    await house.api("SignUp", **stage.application(house, **{"custom:badge": "7"}))
    assert (await stage.described(house))[1]["custom:badge"] == "7"


async def test_a_wrong_secret_hash_is_refused(stage):
    house = await stage.open(GenerateSecret=True)
    request = stage.application(house)
    for given in ({}, {"SecretHash": stage.application(house, "bob")["SecretHash"]}):
        refusal = await house.api.refused(
            "SignUp", **{k: v for k, v in request.items() if k != "SecretHash"}, **given
        )
        assert refusal.code == "NotAuthorizedException"
    assert await house.api("SignUp", **request)


@pytest.mark.parametrize(
    ("pool", "names", "told"),
    [
        ({}, ("ann", "ann"), "User already exists"),
        (
            {"UsernameConfiguration": {"CaseSensitive": False}},
            ("ann", "ANN"),
            "User already exists",
        ),
        (
            BY_EMAIL,
            ("ann@example.org", "ann@example.org"),
            "An account with the given email already exists.",
        ),
        (
            {"UsernameAttributes": ["phone_number"]},
            (PHONE, PHONE),
            "An account with the given phone_number already exists.",
        ),
    ],
    ids=str,
)
async def test_a_name_that_is_taken_is_refused_and_no_trigger_hears_of_it(stage, pool, names, told):
    house = await stage.open(pool, triggered=True)
    await house.api("SignUp", **stage.application(house, names[0]))
    heard, sent = len(stage.triggers.events), len(stage.postman.messages)
    hiding = {"ClientName": "hiding", "PreventUserExistenceErrors": "ENABLED"}
    made = await house.api("CreateUserPoolClient", UserPoolId=house.pool_id, **hiding)
    for client_id in (house.client_id, made["UserPoolClient"]["ClientId"]):
        request = stage.application(house, names[1]) | {"Password": "An0ther-Horse"}
        refused = await refusal_of(house, request | {"ClientId": client_id})
        assert refused == ("UsernameExistsException", told)
    assert (len(stage.triggers.events), len(stage.postman.messages)) == (heard, sent)


async def test_of_a_hundred_sign_ups_with_one_name_one_wins_and_one_message_is_sent(stage):
    house = await stage.open()
    calls = [("SignUp", stage.application(house, nickname=f"no {n}")) for n in range(100)]
    replies = await house.api.at_once(*calls)
    (won,) = [each for each in replies if "UserSub" in each]
    lost = {each["__type"] for each in replies if each is not won}
    assert lost == {"UsernameExistsException"}
    assert (await stage.described(house))[1]["sub"] == won["UserSub"]
    assert len(stage.postman.messages) == 1


@pytest.mark.parametrize(
    ("name", "other"),
    [
        (PHONE, {"email": "victim@example.org"}),
        ("ann@example.org", {"phone_number": "+12065550199", "email": ""}),
    ],
    ids=str,
)
async def test_only_the_address_that_was_signed_up_with_is_a_name_before_it_is_verified(
    stage, name, other
):
    pool = {"UsernameAttributes": ["email", "phone_number"]}
    verified = {"AutoVerifiedAttributes": ["email", "phone_number"]}
    house = await stage.open(pool | (verified if name == PHONE else {}))
    (squatted,) = filter(None, other.values())
    reply = await house.api("SignUp", **stage.application(house, name, **other))
    code = {"ConfirmationCode": stage.postman.code}
    await house.api("ConfirmSignUp", **stage.named(house, name), **code)
    assert (await house.tokens(name))["AccessToken"]
    refusal = await house.api.refused("InitiateAuth", **house.by_password(squatted))
    assert refusal.code == "UserNotFoundException"
    own = await house.api("SignUp", **stage.application(house, squatted, email=""))
    assert own["UserSub"] != reply["UserSub"]
    # Nor does another sign-up take what is somebody's name.
    third = {"email": squatted} if name == PHONE else {"phone_number": squatted, "email": ""}
    taken = stage.application(house, "+12065550177" if name == PHONE else "c@example.org", **third)
    assert (await refusal_of(house, taken))[0] == "UsernameExistsException"


async def test_a_user_who_waits_is_confirmed_though_another_signs_up_with_his_second_address(stage):
    house = await stage.open({"UsernameAttributes": ["email", "phone_number"]})
    await house.api("SignUp", **stage.application(house, "ann@example.org", phone_number=PHONE))
    code = {"ConfirmationCode": stage.postman.code}
    await house.api("SignUp", **stage.application(house, PHONE, email=""))
    await house.api("ConfirmSignUp", **stage.named(house, "ann@example.org"), **code)
    assert (await stage.described(house, "ann@example.org"))[0] == "CONFIRMED"


EMPTY = ("name", "email", "birthdate", "updated_at", "custom:team", "custom:rank")


@pytest.mark.parametrize("value", [{"Value": ""}, {}], ids=str)
async def test_an_attribute_without_a_value_is_none_whoever_makes_the_user(stage, value):
    number = {"Name": "rank", "AttributeDataType": "Number"}
    schema = [{"Name": "team", "AttributeDataType": "String"}, number]
    writes = ["name", "email", "birthdate", "updated_at", "custom:team", "custom:rank"]
    house = await stage.open({"Schema": schema}, triggered=True, WriteAttributes=writes)
    given = {"UserAttributes": [{"Name": name, **value} for name in EMPTY]}
    await house.api("SignUp", **stage.application(house) | given)
    made = {"UserPoolId": house.pool_id, "Username": "bob"}
    await house.api("AdminCreateUser", **made, **given, MessageAction="SUPPRESS")
    for name in ("ann", "bob"):
        assert (await stage.described(house, name))[1].keys() == {"sub"}
    heard = [each["request"]["userAttributes"].keys() for each in stage.triggers.events]
    assert not any(names & set(EMPTY) for names in heard)
    # What nobody may write, nobody may give without a value.
    for name, code in (("nickname", "NotAuthorized"), ("custom:none", "InvalidParameter")):
        request = {"UserAttributes": [{"Name": name, **value}]}
        refusal = await house.api.refused("SignUp", **stage.application(house, "eve") | request)
        assert refusal.code == f"{code}Exception"
    refusal = await house.api.refused("AdminCreateUser", **made | {"Username": "eve"}, **request)
    assert refusal.code == "InvalidParameterException"


async def test_names_by_address_are_ids_and_the_address_is_an_attribute(stage):
    house = await stage.open(BY_EMAIL)
    reply = await house.api("SignUp", **stage.application(house, "ann@example.org", email=""))
    status, attributes = await stage.described(house, "ann@example.org")
    assert (status, attributes) == (
        "UNCONFIRMED",
        {"sub": reply["UserSub"], "email": "ann@example.org", "email_verified": "false"},
    )
    assert stage.postman.messages[0].username == reply["UserSub"]


async def test_triggers_are_told_of_a_sign_up_in_order(stage):
    house = await stage.open(triggered=True)
    request = stage.application(house, name="Ann") | {
        "ClientMetadata": {"from": "web"},
        "ValidationData": [{"Name": "invited", "Value": "yes"}, {"Name": "empty"}],
    }
    reply = await house.api("SignUp", **request)
    assert stage.triggers.seen == ["PreSignUp_SignUp", "CustomMessage_SignUp"]
    before, worded = stage.triggers.events
    assert before["userName"] == "ann"
    assert before["callerContext"]["clientId"] == house.client_id
    assert before["request"] == {
        "userAttributes": {"email": "ann@example.org", "name": "Ann"},
        "validationData": {"invited": "yes", "empty": ""},
        "clientMetadata": {"from": "web"},
    }
    assert worded["request"]["userAttributes"] == {
        "sub": reply["UserSub"],
        "email": "ann@example.org",
        "name": "Ann",
        "email_verified": "false",
        "cognito:user_status": "UNCONFIRMED",
    }
    assert worded["request"]["clientMetadata"] == {"from": "web"}
    assert stage.postman.code not in json.dumps(stage.triggers.events)


async def test_what_a_client_did_not_send_its_triggers_do_not_get(stage):
    house = await stage.open(triggered=True)
    await house.api("SignUp", **stage.application(house))
    before, worded = stage.triggers.events
    assert before["request"] == {
        "userAttributes": {"email": "ann@example.org"},
        "validationData": None,
    }
    assert "clientMetadata" not in worded["request"]


async def test_a_trigger_confirms_and_verifies_a_user_who_then_is_sent_nothing(stage):
    stage.triggers.answers["PreSignUp_SignUp"] = {"autoConfirmUser": True, "autoVerifyEmail": True}
    house = await stage.open(triggered=True)
    request = stage.application(house, phone_number=PHONE) | {"ClientMetadata": {"from": "web"}}
    reply = await house.api("SignUp", **request)
    assert reply == {"UserConfirmed": True, "UserSub": reply["UserSub"]}
    status, attributes = await stage.described(house)
    assert (status, attributes["email_verified"], attributes["phone_number_verified"]) == (
        *("CONFIRMED", "true"),
        "false",
    )
    assert stage.triggers.seen == ["PreSignUp_SignUp", "PostConfirmation_ConfirmSignUp"]
    told = stage.triggers.events[1]["request"]
    assert told["userAttributes"]["cognito:user_status"] == "CONFIRMED"
    assert told["clientMetadata"] == {"from": "web"}
    assert stage.postman.messages == []
    assert (await house.tokens())["AccessToken"]


async def test_a_trigger_may_verify_an_address_and_leave_the_user_to_confirm(stage):
    house = await stage.open(triggered=True)
    for flag, flagged in (("autoVerifyEmail", "email"), ("autoVerifyPhone", "phone_number")):
        stage.triggers.answers["PreSignUp_SignUp"] = {flag: True}
        reply = await house.api("SignUp", **stage.application(house, flag, phone_number=PHONE))
        assert reply["UserConfirmed"] is False
        status, attributes = await stage.described(house, flag)
        assert status == "UNCONFIRMED"
        flags = {name: attributes[f"{name}_verified"] for name in ("email", "phone_number")}
        assert [name for name, value in flags.items() if value == "true"] == [flagged]
    assert len(stage.postman.messages) == 2


async def test_a_trigger_cannot_verify_an_address_that_the_user_lacks(stage):
    house = await stage.open(triggered=True)
    for flag in ("autoVerifyEmail", "autoVerifyPhone"):
        stage.triggers.answers["PreSignUp_SignUp"] = {"autoConfirmUser": True, flag: True}
        code, _ = await refusal_of(house, stage.application(house, email="", name="Ann"))
        assert code == "InvalidLambdaResponseException"
        named = {"UserPoolId": house.pool_id, "Username": "ann"}
        assert (await house.api.refused("AdminGetUser", **named)).code == "UserNotFoundException"


async def test_a_pool_that_closes_while_a_trigger_runs_takes_nobody_in(stage):
    house = await stage.open(triggered=True)

    async def close():
        only = {"AdminCreateUserConfig": {"AllowAdminCreateUserOnly": True}}
        await house.api("UpdateUserPool", UserPoolId=house.pool_id, **only)

    stage.triggers.answers["PreSignUp_SignUp"] = close
    code, _ = await refusal_of(house, stage.application(house))
    assert (code, stage.postman.messages) == ("NotAuthorizedException", [])


async def test_a_name_that_is_taken_while_a_trigger_runs_is_refused(stage):
    house = await stage.open(triggered=True)

    async def take():
        stage.triggers.answers.clear()
        await house.api("SignUp", **stage.application(house, nickname="first"))

    stage.triggers.answers["PreSignUp_SignUp"] = take
    refused = await refusal_of(house, stage.application(house))
    assert refused == ("UsernameExistsException", "User already exists")
    assert (await stage.described(house))[1]["nickname"] == "first"
    assert len(stage.postman.messages) == 1


async def test_an_address_that_a_trigger_verifies_leaves_who_had_it_as_an_alias(stage):
    house = await stage.open(ALIASES, triggered=True)
    await house.add_user("old", email="ann@example.org", email_verified="true")
    stage.triggers.answers["PreSignUp_SignUp"] = {"autoConfirmUser": True, "autoVerifyEmail": True}
    reply = await house.api("SignUp", **stage.application(house))
    assert (await stage.described(house, "ann@example.org"))[1]["sub"] == reply["UserSub"]
    assert (await stage.described(house, "old"))[1]["email_verified"] == "false"


async def test_a_sign_up_that_a_trigger_refuses_leaves_no_user(stage):
    house = await stage.open(triggered=True)
    for source in ("PreSignUp_SignUp", "CustomMessage_SignUp"):
        stage.triggers.answers[source] = ValueError("not you")
        trigger = source.partition("_")[0]
        assert await refusal_of(house, stage.application(house)) == (
            "UserLambdaValidationException",
            f"{trigger} failed with error not you.",
        )
        assert stage.postman.messages == []
        del stage.triggers.answers[source]
    assert await house.api("SignUp", **stage.application(house))


async def test_a_user_whom_a_trigger_refuses_after_the_confirmation_is_confirmed(stage):
    stage.triggers.answers["PreSignUp_SignUp"] = {"autoConfirmUser": True}
    stage.triggers.answers["PostConfirmation_ConfirmSignUp"] = ValueError("no mailing list")
    house = await stage.open(triggered=True)
    code, _ = await refusal_of(house, stage.application(house))
    assert code == "UserLambdaValidationException"
    assert (await stage.described(house))[0] == "CONFIRMED"


async def test_a_trigger_words_the_message(stage):
    stage.triggers.answers["CustomMessage_SignUp"] = {
        "emailSubject": "Welcome",
        "emailMessage": "Come in by {####}",
    }
    house = await stage.open(triggered=True)
    await house.api("SignUp", **stage.application(house))
    (message,) = stage.postman.messages
    assert (message.subject, message.text.reveal()) == (
        "Welcome",
        f"Come in by {stage.postman.code}",
    )


@pytest.mark.parametrize(
    "settings",
    [
        {
            "EmailVerificationMessage": "Hi {####}",
            "EmailVerificationSubject": "Hi",
            "SmsVerificationMessage": "Text {####}",
        },
        {
            "VerificationMessageTemplate": {
                "EmailMessage": "Hi {####}",
                "EmailSubject": "Hi",
                "SmsMessage": "Text {####}",
                "DefaultEmailOption": "CONFIRM_WITH_CODE",
            }
        },
    ],
    ids=["older", "newer"],
)
async def test_the_pools_own_words_are_used(stage, settings):
    house = await stage.open({"AutoVerifiedAttributes": ["email", "phone_number"], **settings})
    await house.api("SignUp", **stage.application(house))
    await house.api("SignUp", **stage.application(house, "bob", phone_number=PHONE))
    email, sms = stage.postman.messages
    assert (email.subject, email.text.reveal()) == ("Hi", f"Hi {email.code.reveal()}")
    assert (sms.subject, sms.text.reveal()) == (None, f"Text {sms.code.reveal()}")


async def test_neither_password_nor_code_is_in_the_file(stage, tmp_path):
    api = await stage.start(on_message=stage.postman, db=str(tmp_path / "pool.db"))
    house = await stage.settle(api, {"AutoVerifiedAttributes": ["email"]})
    await house.api("SignUp", **stage.application(house))
    with closing(sqlite3.connect(tmp_path / "pool.db")) as file:
        (kept,) = file.execute("SELECT mac FROM confirmation_codes").fetchall()
        assert len(kept[0]) == 32
    raw = b"".join(each.read_bytes() for each in tmp_path.iterdir())
    assert PASSWORD.encode() not in raw
    assert f"code is {stage.postman.code}".encode() not in raw
