import itertools
import json
import logging
import re
import socket
import sqlite3
from contextlib import closing
from functools import partial

import anyio
import pytest
from attrs import define, field

NEW = "An0ther-Horse"
UNREACHABLE = (
    "Cannot reset password for the user as there is no registered/verified email or phone_number"
)
EMAIL = {"email": "ann@example.org", "email_verified": "true"}
PHONE = {"phone_number": "+12065550123", "phone_number_verified": "true"}
LIMIT = "Attempt limit exceeded, please try after some time."


@define
class Triggers:
    """Triggers that write down what they get; what they answer can be set for each."""

    sources: frozenset = frozenset({"CustomMessage", "PostConfirmation"})
    events: list = field(factory=list)
    answers: dict = field(factory=dict)

    async def handle(self, event):
        self.events.append(event)
        answer = self.answers.get(event["triggerSource"].partition("_")[0])
        if isinstance(answer, Exception):
            raise answer
        return {**event, "response": answer or event["response"]}


@define
class Postman:
    """What a developer sees of a pool's messages."""

    messages: list = field(factory=list)

    def __call__(self, message):
        self.messages.append(message)

    @property
    def code(self):
        return self.messages[-1].code.reveal()


@pytest.fixture
def postman():
    return Postman()


@pytest.fixture
def server(start, postman):
    async def started(**settings):
        return await start(on_message=postman, **settings)

    return started


@pytest.fixture
async def house(server, settle):
    house = await settle(await server())
    await house.add_user(**EMAIL)
    return house


@pytest.fixture
async def hiding(server, settle):
    house = await settle(await server(), PreventUserExistenceErrors="ENABLED")
    await house.add_user(**EMAIL)
    return house


def asking(house, username="ann", **more):
    hashed = house.named(username).get("SECRET_HASH")
    secret = {} if hashed is None else {"SecretHash": hashed}
    return {"ClientId": house.client_id, "Username": username, **secret, **more}


async def forgot(house, username="ann", **more):
    reply = await house.api("ForgotPassword", **asking(house, username, **more))
    return reply["CodeDeliveryDetails"]


def entering(house, code, username="ann", password=NEW, **more):
    return asking(house, username, ConfirmationCode=code, Password=password, **more)


async def not_forgot(house, username="ann", **more):
    refusal = await house.api.refused("ForgotPassword", **asking(house, username, **more))
    return refusal.code, refusal.message


async def not_confirmed(house, code, username="ann", **more):
    request = entering(house, code, username, **more)
    refusal = await house.api.refused("ConfirmForgotPassword", **request)
    return refusal.code, refusal.message


def wrong(code):
    return f"{(int(code) + 1) % 10**6:06}"


MISMATCH = ("CodeMismatchException", "Invalid verification code provided, please try again.")
EXPIRED = ("ExpiredCodeException", "Invalid code provided, please request a code again.")


async def test_a_code_sets_a_new_password(house, postman):
    details = await forgot(house)
    assert details == {
        "Destination": "a***@e***",
        "DeliveryMedium": "EMAIL",
        "AttributeName": "email",
    }
    (message,) = postman.messages
    assert (message.destination, message.medium) == ("ann@example.org", "EMAIL")
    assert re.fullmatch("[0-9]{6}", postman.code)
    assert postman.code in message.text.reveal()
    assert await house.api("ConfirmForgotPassword", **entering(house, postman.code)) == {}
    assert "AuthenticationResult" in await house.api(
        "InitiateAuth", **house.by_password("ann", NEW)
    )
    assert "AuthenticationResult" in await house.api(
        "RespondToAuthChallenge", **await house.by_srp("ann", NEW)
    )
    refusal = await house.api.refused("InitiateAuth", **house.by_password())
    assert refusal.message == "Incorrect username or password."


async def test_until_the_code_is_entered_the_old_password_is_good(house, postman):
    await forgot(house)
    assert "AuthenticationResult" in await house.api("InitiateAuth", **house.by_password())


async def test_a_code_is_for_one_use(house, postman):
    await forgot(house)
    await house.api("ConfirmForgotPassword", **entering(house, postman.code))
    assert await not_confirmed(house, postman.code) == EXPIRED


async def test_of_ten_that_enter_one_code_side_by_side_one_gets_in(house, postman):
    await forgot(house)
    request = entering(house, postman.code)
    replies = await house.api.at_once(*[("ConfirmForgotPassword", request)] * 9)
    assert sum("__type" not in reply for reply in replies) == 1


async def test_a_wrong_code_is_refused_and_the_right_one_stays_good(house, postman):
    await forgot(house)
    assert await not_confirmed(house, wrong(postman.code)) == MISMATCH
    assert await not_confirmed(house, "x" * 2048) == MISMATCH
    await house.api("ConfirmForgotPassword", **entering(house, postman.code))


async def test_a_new_code_replaces_the_old_one(house, postman):
    await forgot(house)
    old = postman.code
    await forgot(house)
    while postman.code == old:  # once in a million
        await forgot(house)
    assert await not_confirmed(house, old) == MISMATCH
    await house.api("ConfirmForgotPassword", **entering(house, postman.code))


async def test_a_code_is_good_for_an_hour(house, postman, clock):
    await forgot(house)
    clock.now += 3600
    assert await not_confirmed(house, postman.code) == EXPIRED
    await forgot(house)
    clock.now += 3599
    await house.api("ConfirmForgotPassword", **entering(house, postman.code))


async def test_without_a_code_asked_for_none_is_right(house):
    assert await not_confirmed(house, "000000") == EXPIRED


async def test_a_code_is_the_users_own(house, postman):
    await house.add_user("bob", email="bob@example.org", email_verified="true")
    await forgot(house, "bob")
    of_bob = postman.code
    await forgot(house)
    while postman.code == of_bob:  # once in a million
        await forgot(house)
    assert await not_confirmed(house, of_bob) == MISMATCH


async def test_a_code_is_not_for_somebody_who_gets_the_name_later(house, postman):
    await forgot(house)
    await house.api("AdminDeleteUser", UserPoolId=house.pool_id, Username="ann")
    await house.add_user(**EMAIL)
    assert await not_confirmed(house, postman.code) == EXPIRED


async def test_a_password_that_does_not_conform_costs_neither_the_code_nor_an_attempt(
    house, postman
):
    await forgot(house)
    for _ in range(20):
        code, text = await not_confirmed(house, postman.code, password="weak")
        assert code == "InvalidPasswordException"
    assert text == "Password did not conform with policy: Password not long enough"
    await house.api("ConfirmForgotPassword", **entering(house, postman.code))


async def test_guesses_are_limited_and_a_new_code_gives_no_more(house, postman, clock):
    await forgot(house)
    for _ in range(4):
        assert await not_confirmed(house, wrong(postman.code)) == MISMATCH
    await forgot(house)
    for _ in range(4):
        assert await not_confirmed(house, wrong(postman.code)) == MISMATCH
    assert await not_confirmed(house, postman.code) == ("LimitExceededException", LIMIT)
    assert await not_forgot(house) == ("LimitExceededException", LIMIT)
    clock.now += 3600
    await forgot(house)
    await house.api("ConfirmForgotPassword", **entering(house, postman.code))


async def test_of_fifty_guesses_side_by_side_nine_are_compared(house, postman):
    await forgot(house)
    guess = entering(house, wrong(postman.code))
    replies = await house.api.at_once(*[("ConfirmForgotPassword", guess)] * 50)
    kinds = [reply["__type"] for reply in replies]
    assert kinds.count("CodeMismatchException") == 9
    assert kinds.count("LimitExceededException") == 41


async def test_messages_are_limited(house, postman):
    for _ in range(10):
        await forgot(house)
    assert await not_forgot(house) == ("LimitExceededException", LIMIT)
    assert len(postman.messages) == 10


async def test_success_gives_the_attempts_back(house, postman):
    for _ in range(4):
        for _ in range(3):
            await forgot(house)
        await house.api("ConfirmForgotPassword", **entering(house, postman.code))


@pytest.fixture
def reached(server, settle, postman):
    """Make a pool with a user of some attributes, and give the messages, too."""

    async def made(pool, attributes):
        house = await settle(await server(), pool)
        await house.add_user(**attributes)
        return house, postman.messages

    return made


@pytest.mark.parametrize(
    ("mechanisms", "attributes", "medium"),
    [
        ([], {**EMAIL, **PHONE}, "SMS"),
        ([], EMAIL, "EMAIL"),
        (["verified_email", "verified_phone_number"], {**EMAIL, **PHONE}, "EMAIL"),
        (["verified_email", "verified_phone_number"], PHONE, "SMS"),
        (["verified_phone_number", "verified_email"], {**EMAIL, **PHONE}, "SMS"),
        (["verified_email"], PHONE, None),
        (["verified_email"], {"email": "ann@example.org"}, None),
        (["verified_email"], {**EMAIL, "email_verified": "false"}, None),
        ([], {}, None),
    ],
)
async def test_the_setting_says_where_the_code_goes(reached, mechanisms, attributes, medium):
    options = [{"Name": name, "Priority": n} for n, name in enumerate(mechanisms, start=1)]
    pool = {"AccountRecoverySetting": {"RecoveryMechanisms": options[::-1]}} if options else {}
    house, messages = await reached(pool, attributes)
    if medium is None:
        assert await not_forgot(house) == ("InvalidParameterException", UNREACHABLE)
        assert messages == []
        return
    details = await forgot(house)
    assert details["DeliveryMedium"] == medium
    assert details["Destination"] == ("a***@e***" if medium == "EMAIL" else "+*******0123")
    assert (messages[0].subject is None) is (medium == "SMS")


BY_EMAIL = {"EmailMfaConfiguration": {}, "MfaConfiguration": "OPTIONAL"}
BOTH_WAYS = [
    {"Priority": 1, "Name": "verified_email"},
    {"Priority": 2, "Name": "verified_phone_number"},
]


@pytest.mark.parametrize("hidden", ["ENABLED", "LEGACY"])
async def test_what_is_a_second_factor_recovers_no_password(server, settle, postman, hidden):
    setting = {"AccountRecoverySetting": {"RecoveryMechanisms": BOTH_WAYS}}
    house = await settle(await server(), setting, PreventUserExistenceErrors=hidden)
    await house.api("SetUserPoolMfaConfig", UserPoolId=house.pool_id, **BY_EMAIL)
    await house.add_user("ann", **EMAIL, **PHONE)
    await house.add_user("bob", **EMAIL)
    for name in ("ann", "bob"):
        about = {"UserPoolId": house.pool_id, "Username": name}
        chosen = {"EmailMfaSettings": {"Enabled": True}}
        await house.api("AdminSetUserMFAPreference", **about, **chosen)
    sent = await house.api("ForgotPassword", **asking(house, "ann"))
    assert sent["CodeDeliveryDetails"]["DeliveryMedium"] == "SMS"
    assert [message.medium for message in postman.messages] == ["SMS"]
    if hidden == "LEGACY":
        refusal = await house.api.refused("ForgotPassword", **asking(house, "bob"))
        assert (refusal.code, refusal.message) == ("InvalidParameterException", UNREACHABLE)
    else:
        pretended = await house.api("ForgotPassword", **asking(house, "bob"))
        assert "CodeDeliveryDetails" in pretended
    assert len(postman.messages) == 1
    # Nor does an administrator send a code there.
    about = {"UserPoolId": house.pool_id, "Username": "bob"}
    refusal = await house.api.refused("AdminResetUserPassword", **about)
    assert (refusal.code, refusal.message) == ("InvalidParameterException", UNREACHABLE)
    assert (await house.api("AdminGetUser", **about))["UserStatus"] == "CONFIRMED"
    assert len(postman.messages) == 1


MEANWHILE = {
    "required": {"MfaConfiguration": "ON"},
    "turned on": {"MfaConfiguration": "OPTIONAL"},
}


@pytest.mark.parametrize("meanwhile", MEANWHILE)
@pytest.mark.parametrize("who", [*itertools.product(["user", "admin"], ["ENABLED", "LEGACY"])])
async def test_a_code_ends_when_its_address_becomes_a_second_factor(
    server, settle, postman, meanwhile, who
):
    asker, hidden = who
    order = [{**each, "Priority": 3 - each["Priority"]} for each in BOTH_WAYS]
    setting = {"AccountRecoverySetting": {"RecoveryMechanisms": order}}
    house = await settle(await server(), setting, PreventUserExistenceErrors=hidden)
    about = {"UserPoolId": house.pool_id, "Username": "ann"}
    await house.add_user("ann", **EMAIL)
    if asker == "user":
        await forgot(house)
    else:
        await house.api("AdminResetUserPassword", **about)
    code = postman.code
    config = {**BY_EMAIL, **MEANWHILE[meanwhile]}
    await house.api("SetUserPoolMfaConfig", UserPoolId=house.pool_id, **config)
    if meanwhile == "turned on":
        chosen = {"EmailMfaSettings": {"Enabled": True}}
        await house.api("AdminSetUserMFAPreference", **about, **chosen)
    strange = hidden == "ENABLED" and asker == "admin"  # nobody asked by this name
    wrong_one = "ExpiredCodeException" if strange else "CodeMismatchException"
    assert (await not_confirmed(house, code))[0] == wrong_one
    # It is no factor any more.
    await house.api("SetUserPoolMfaConfig", UserPoolId=house.pool_id, MfaConfiguration="OFF")
    if meanwhile == "turned on":
        chosen = {"EmailMfaSettings": {"Enabled": False}}
        await house.api("AdminSetUserMFAPreference", **about, **chosen)
    await house.api("ConfirmForgotPassword", **entering(house, code))


@pytest.mark.parametrize("turning_on", ["user", "pool"])
async def test_an_address_that_becomes_a_second_factor_is_told_of_as_before(
    server, settle, postman, turning_on
):
    first, second = (each["Name"] for each in BOTH_WAYS[:: 1 if turning_on == "user" else -1])
    ways = [{"Priority": 1, "Name": first}, {"Priority": 2, "Name": second}]
    setting = {"AccountRecoverySetting": {"RecoveryMechanisms": ways}}
    house = await settle(await server(), setting, PreventUserExistenceErrors="ENABLED")
    await house.api("SetUserPoolMfaConfig", UserPoolId=house.pool_id, **BY_EMAIL)
    await house.add_user("bob", **EMAIL)
    before = await house.api("ForgotPassword", **asking(house, "bob"))
    if turning_on == "user":
        about = {"UserPoolId": house.pool_id, "Username": "bob"}
        chosen = {"EmailMfaSettings": {"Enabled": True}}
        await house.api("AdminSetUserMFAPreference", **about, **chosen)
    else:
        needed = {**BY_EMAIL, "MfaConfiguration": "ON"}
        await house.api("SetUserPoolMfaConfig", UserPoolId=house.pool_id, **needed)
    after = await house.api("ForgotPassword", **asking(house, "bob"))
    assert before == after
    assert len(postman.messages) == 1
    stranger = await house.api("ForgotPassword", **asking(house, "eve"))
    assert {*stranger["CodeDeliveryDetails"]} == {*after["CodeDeliveryDetails"]}


@pytest.mark.parametrize("name", ["ann", "nobody"])
async def test_where_only_administrators_reset_passwords_nobody_else_does(
    server, settle, postman, name
):
    options = [{"Name": "admin_only", "Priority": 1}]
    pool = {"AccountRecoverySetting": {"RecoveryMechanisms": options}}
    house = await settle(await server(), pool, PreventUserExistenceErrors="ENABLED")
    await house.add_user(**EMAIL)
    assert (await not_forgot(house, name))[0] == "NotAuthorizedException"
    await house.api("AdminResetUserPassword", UserPoolId=house.pool_id, Username="ann")
    await house.api("ConfirmForgotPassword", **entering(house, postman.code))


async def test_an_administrator_takes_the_password_away(house, postman):
    await house.api("AdminResetUserPassword", UserPoolId=house.pool_id, Username="ann")
    refusal = await house.api.refused("InitiateAuth", **house.by_password())
    assert refusal.code == "PasswordResetRequiredException"
    await house.api("ConfirmForgotPassword", **entering(house, postman.code))
    assert "AuthenticationResult" in await house.api(
        "InitiateAuth", **house.by_password("ann", NEW)
    )
    user = await house.api("AdminGetUser", UserPoolId=house.pool_id, Username="ann")
    assert user["UserStatus"] == "CONFIRMED"


async def test_an_administrator_cannot_take_the_password_of_a_user_without_an_address(house):
    await house.add_user("bob")
    request = {"UserPoolId": house.pool_id, "Username": "bob"}
    refusal = await house.api.refused("AdminResetUserPassword", **request)
    assert (refusal.code, refusal.message) == ("InvalidParameterException", UNREACHABLE)
    assert "AuthenticationResult" in await house.api("InitiateAuth", **house.by_password("bob"))
    request["Username"] = "nobody"
    refusal = await house.api.refused("AdminResetUserPassword", **request)
    assert refusal.code == "UserNotFoundException"


async def test_a_user_with_a_temporary_password_has_none_to_forget(house):
    attributes = [{"Name": name, "Value": value} for name, value in EMAIL.items()]
    await house.api(
        "AdminCreateUser", UserPoolId=house.pool_id, Username="bob", UserAttributes=attributes
    )
    assert await not_forgot(house, "bob") == (
        "NotAuthorizedException",
        "User password cannot be reset in the current state.",
    )


@pytest.fixture
def with_users_changed(server, settle, tmp_path):
    """Give a pool whose file is changed behind its back, as no operation can yet."""
    path = tmp_path / "pool.db"

    async def made(**client):
        house = await settle(await server(db=str(path)), **client)
        await house.add_user(**EMAIL)

        def change(sql):
            with closing(sqlite3.connect(path)) as file:
                file.execute(sql)
                file.commit()

        return house, change

    return made


async def test_a_disabled_user_resets_nothing(with_users_changed, postman):
    house, change = await with_users_changed()
    await forgot(house)
    change("UPDATE users SET enabled = 0")
    disabled = ("NotAuthorizedException", "User is disabled.")
    assert await not_confirmed(house, postman.code) == disabled
    assert await not_forgot(house) == disabled


async def test_an_unconfirmed_user_resets_nothing(with_users_changed, postman):
    house, change = await with_users_changed()
    await forgot(house)
    change("UPDATE users SET status = 'UNCONFIRMED'")
    refused = await not_confirmed(house, postman.code)
    assert refused == ("UserNotConfirmedException", "User is not confirmed.")
    assert await not_forgot(house) == ("InvalidParameterException", UNREACHABLE)


async def test_a_hidden_user_who_is_disabled_looks_like_any_other(with_users_changed, postman):
    house, change = await with_users_changed(PreventUserExistenceErrors="ENABLED")
    await forgot(house)
    right = postman.code
    change("UPDATE users SET enabled = 0")
    assert await not_confirmed(house, right) == MISMATCH
    change("UPDATE users SET enabled = 1")
    change("UPDATE users SET status = 'FORCE_CHANGE_PASSWORD'")
    details = await forgot(house)
    assert details["DeliveryMedium"] in {"EMAIL", "SMS"}
    assert await not_confirmed(house, right) == MISMATCH
    assert len(postman.messages) == 1


async def test_an_unknown_user_is_said_to_be_unknown(house):
    unknown = ("UserNotFoundException", "Username/client id combination not found.")
    assert await not_forgot(house, "nobody") == unknown
    assert await not_confirmed(house, "000000", "nobody") == unknown


async def test_a_hidden_user_is_answered_as_a_known_one(hiding, postman, clock):
    known, unknown = await forgot(hiding), await forgot(hiding, "nobody")
    assert known.keys() == unknown.keys()
    assert unknown == await forgot(hiding, "nobody")
    assert unknown != await forgot(hiding, "nobody-else")
    assert len(postman.messages) == 1
    for name in ("ann", "nobody"):
        assert await not_confirmed(hiding, wrong(postman.code), name) == MISMATCH
        weak = await not_confirmed(hiding, "000000", name, password="weak")
        assert weak[0] == "InvalidPasswordException"
    clock.now += 3600
    for name in ("ann", "nobody"):
        assert await not_confirmed(hiding, postman.code, name) == EXPIRED


async def test_attempts_at_a_hidden_user_are_limited_like_anybody_elses(hiding):
    for name in ("ann", "nobody"):
        for _ in range(10):
            await forgot(hiding, name)
        assert await not_forgot(hiding, name) == ("LimitExceededException", LIMIT)


async def test_a_hidden_user_without_an_address_looks_like_one_with(hiding, postman):
    await hiding.add_user("bob")
    assert (await forgot(hiding, "bob")).keys() == (await forgot(hiding)).keys()
    assert await not_confirmed(hiding, wrong(postman.code), "bob") == MISMATCH
    assert len(postman.messages) == 1


@pytest.mark.parametrize(
    ("pool", "name", "destination"),
    [
        ({"UsernameAttributes": ["email"]}, "who@example.com", r"w\*\*\*@e\*\*\*"),
        ({"AliasAttributes": ["phone_number"]}, "+4915112345678", r"\+\*{7}5678"),
        ({"AutoVerifiedAttributes": ["email"]}, "who", r"[a-z]\*\*\*@[a-z]\*\*\*"),
        ({"AutoVerifiedAttributes": ["phone_number"]}, "who", r"\+\*{7}[0-9]{4}"),
    ],
)
async def test_what_is_pretended_follows_the_name_and_the_pool(
    server, settle, pool, name, destination
):
    house = await settle(await server(), pool, PreventUserExistenceErrors="ENABLED")
    details = await forgot(house, name)
    assert re.fullmatch(destination, details["Destination"])
    assert details["DeliveryMedium"] == ("EMAIL" if "@" in destination else "SMS")
    assert details["AttributeName"] == ("email" if "@" in destination else "phone_number")


async def test_an_alias_and_the_username_reach_the_same_user(server, settle, postman):
    house = await settle(await server(), {"AliasAttributes": ["email"]})
    await house.add_user(**EMAIL)
    await forgot(house, "ann@example.org")
    await house.api("ConfirmForgotPassword", **entering(house, postman.code, "ann"))


async def test_a_client_with_a_secret_must_know_it(server, settle, postman):
    house = await settle(await server(), GenerateSecret=True)
    await house.add_user(**EMAIL)
    for operation, request in (
        ("ForgotPassword", asking(house)),
        ("ConfirmForgotPassword", entering(house, "000000")),
    ):
        refusal = await house.api.refused(operation, **{**request, "SecretHash": "x"})
        assert refusal.message == f"Unable to verify secret hash for client {house.client_id}"
        del request["SecretHash"]
        refusal = await house.api.refused(operation, **request)
        assert refusal.code == "NotAuthorizedException"
    await forgot(house)
    await house.api("ConfirmForgotPassword", **entering(house, postman.code))


async def test_triggers_word_the_message_and_hear_of_the_end(server, settle, postman):
    triggers = Triggers()
    triggers.answers["CustomMessage"] = {
        "smsMessage": None,
        "emailMessage": "<b>{####}</b>",
        "emailSubject": "Forgot?",
    }
    house = await settle(await server(triggers=triggers))
    await house.add_user(**EMAIL)
    await forgot(house, ClientMetadata={"from": "forgot"})
    (message,) = postman.messages
    assert message.text.reveal() == f"<b>{postman.code}</b>"
    assert message.subject == "Forgot?"
    code = postman.code
    await house.api(
        "ConfirmForgotPassword", **entering(house, code, ClientMetadata={"from": "confirm"})
    )
    worded, confirmed = triggers.events
    assert worded["triggerSource"] == "CustomMessage_ForgotPassword"
    assert worded["request"]["codeParameter"] == "{####}"
    assert worded["request"]["clientMetadata"] == {"from": "forgot"}
    assert worded["request"]["userAttributes"]["email"] == "ann@example.org"
    assert set(worded["response"].values()) == {None}
    assert code not in str(triggers.events)
    assert confirmed["triggerSource"] == "PostConfirmation_ConfirmForgotPassword"
    assert confirmed["request"]["clientMetadata"] == {"from": "confirm"}
    assert confirmed["response"] == {}


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (ValueError("not today"), "UserLambdaValidationException"),
        ({"emailMessage": "without the code"}, "InvalidLambdaResponseException"),
        ({"emailMessage": 7}, "InvalidLambdaResponseException"),
        ({"emailSubject": ["x"]}, "InvalidLambdaResponseException"),
    ],
)
async def test_a_message_that_cannot_be_worded_is_not_sent(server, settle, postman, answer, code):
    triggers = Triggers(answers={"CustomMessage": answer})
    house = await settle(await server(triggers=triggers))
    await house.add_user(**EMAIL)
    assert (await not_forgot(house))[0] == code
    assert postman.messages == []
    assert await not_confirmed(house, "000000") == EXPIRED


async def test_what_the_trigger_leaves_out_is_said_by_the_pool(server, settle, postman):
    pool = {"EmailVerificationMessage": "Code: {####}", "EmailVerificationSubject": "Hello"}
    house = await settle(await server(triggers=Triggers()), pool)
    await house.add_user(**EMAIL)
    await forgot(house)
    assert postman.messages[0].text.reveal() == f"Code: {postman.code}"
    assert postman.messages[0].subject == "Hello"


async def test_the_password_is_set_though_the_last_trigger_refuses(server, settle, postman):
    triggers = Triggers(answers={"PostConfirmation": ValueError("not today")})
    house = await settle(await server(triggers=triggers))
    await house.add_user(**EMAIL)
    await forgot(house)
    refusal = await not_confirmed(house, postman.code)
    assert refusal == (
        "UserLambdaValidationException",
        "PostConfirmation failed with error not today.",
    )
    assert "AuthenticationResult" in await house.api(
        "InitiateAuth", **house.by_password("ann", NEW)
    )


async def test_whoever_is_hidden_is_not_told_apart_by_a_trigger(server, settle):
    triggers = Triggers(answers={"CustomMessage": ValueError("not today")})
    house = await settle(await server(triggers=triggers), PreventUserExistenceErrors="ENABLED")
    await house.add_user(**EMAIL)
    assert (await forgot(house)).keys() == (await forgot(house, "nobody")).keys()
    for name in ("ann", "nobody"):
        assert await not_confirmed(house, "000000", name) == MISMATCH


async def test_a_user_who_is_deleted_while_the_message_is_worded_gets_no_code(server, settle):
    @define
    class Deleting(Triggers):
        house: object = None

        async def handle(self, event):
            await self.house.api("AdminDeleteUser", UserPoolId=self.house.pool_id, Username="ann")
            return event

    triggers = Deleting()
    triggers.house = house = await settle(await server(triggers=triggers))
    await house.add_user(**EMAIL)
    assert (await not_forgot(house))[0] == "UserNotFoundException"


async def test_a_developer_who_cannot_deliver_fails_the_request(start, settle):
    def failing(message):
        raise OSError(f"no route for {message.code.reveal()}")

    house = await settle(await start(on_message=failing))
    await house.add_user(**EMAIL)
    assert (await not_forgot(house))[0] == "CodeDeliveryFailureException"


async def test_neither_codes_nor_passwords_stand_in_the_file(with_users_changed, postman, tmp_path):
    house, _ = await with_users_changed()
    await forgot(house)
    first = postman.code
    await house.api("ConfirmForgotPassword", **entering(house, first))
    await forgot(house)
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    for secret in (postman.messages[0].text.reveal(), postman.messages[1].text.reveal(), NEW):
        assert secret.encode() not in stored
    with closing(sqlite3.connect(tmp_path / "pool.db")) as file:
        rows = str(file.execute("SELECT mac FROM confirmation_codes").fetchall())
        rows += str(file.execute("SELECT sealed FROM messages").fetchall())
    assert first not in rows
    assert postman.code not in rows


async def test_neither_codes_nor_passwords_are_logged(house, postman, caplog):
    caplog.set_level(logging.DEBUG)
    await forgot(house)
    code = postman.code
    await not_confirmed(house, wrong(code))
    await not_confirmed(house, code, password="canary-weak")
    await house.api("ConfirmForgotPassword", **entering(house, code))
    said = [record.getMessage() for record in caplog.records]
    assert not [line for line in said if code in line or NEW in line or "canary" in line]
    assert code not in repr(postman.messages)


ALIASED = {"AliasAttributes": ["email", "phone_number"]}
NAMES = {
    "known": {"u": "ann", "e": "ann@example.org", "p": "+12065550123"},
    "unknown": {"u": "bob", "e": "bob@example.org", "p": "+12065550199"},
}


@pytest.fixture
async def aliased(server, settle):
    house = await settle(await server(), ALIASED, PreventUserExistenceErrors="ENABLED")
    await house.add_user(**EMAIL, **PHONE)
    return house


@pytest.mark.parametrize(
    "steps",
    [
        "fu cu cu ce",  # asked for by one name, and entered by another
        "fe cu ce cp",
        "cu fe fe cu ce",
        " ".join(["fu"] * 12 + ["fe"] * 3),
        " ".join(["fu"] * 6 + ["fe"] * 12 + ["cp"] + ["fu"] * 5 + ["ce", "cu"]),
        " ".join(["fu"] + ["cu"] * 11 + ["ce"] * 11 + ["cp"]),
    ],
)
async def test_by_username_and_by_alias_codes_tell_nothing(aliased, steps):
    told = {}
    for who, names in NAMES.items():
        told[who] = []
        for step in steps.split():
            name = names[step[1]]
            request = asking(aliased, name) if step[0] == "f" else entering(aliased, "none", name)
            operation = "ForgotPassword" if step[0] == "f" else "ConfirmForgotPassword"
            _, reply, _ = await aliased.api.post(operation, json.dumps(request))
            told[who].append((reply.get("__type"), reply.get("message")))
    assert told["known"] == told["unknown"]


async def test_a_hidden_users_code_is_good_by_every_name(aliased, postman):
    for asked, entered in (("ann", "ann@example.org"), ("+12065550123", "ann")):
        await forgot(aliased, asked)
        request = entering(aliased, postman.code, entered)
        assert await aliased.api("ConfirmForgotPassword", **request) == {}
        assert await not_confirmed(aliased, postman.code, entered) == EXPIRED


async def test_an_account_has_ten_attempts_whatever_names_lead_to_it(aliased, postman):
    for name in ("ann", "ann@example.org"):
        for _ in range(5):
            details = await forgot(aliased, name)
    assert len(postman.messages) == 10
    # One more is answered as ever, and sends nothing; and the right code comes too late.
    assert await forgot(aliased) == details
    assert len(postman.messages) == 10
    assert await not_confirmed(aliased, postman.code) == MISMATCH


async def test_strangers_names_make_room_and_accounts_keep_their_count(
    server, settle, postman, tmp_path, monkeypatch
):
    monkeypatch.setattr("authflow.pool.confirmations.confirmation_codes.MOST_NAMES", 10)
    path = tmp_path / "pool.db"
    house = await settle(await server(db=str(path)), PreventUserExistenceErrors="ENABLED")
    await house.add_user(**EMAIL)
    for _ in range(10):
        await forgot(house)
    for number in range(30):
        await forgot(house, f"canary-{number}")
    with closing(sqlite3.connect(path)) as file:
        assert file.execute("SELECT count(*) FROM typed_codes").fetchone() == (10,)
        assert file.execute("SELECT count(*) FROM messages WHERE id > 0").fetchone() == (10,)
        assert b"canary-" not in b"".join(each.read_bytes() for each in tmp_path.iterdir())
    await forgot(house)
    assert len(postman.messages) == 10
    assert await not_confirmed(house, postman.code) == MISMATCH


async def test_a_name_that_was_asked_for_is_remembered_for_an_hour(hiding, clock):
    await not_confirmed(hiding, "none", "nobody")
    clock.now += 3500
    await forgot(hiding, "nobody")
    clock.now += 3599
    assert await not_confirmed(hiding, "none", "nobody") == MISMATCH
    clock.now += 1
    assert await not_confirmed(hiding, "none", "nobody") == EXPIRED


STATES = {
    "disabled": "UPDATE users SET enabled = 0",
    "unconfirmed": "UPDATE users SET status = 'UNCONFIRMED'",
    "temporary": "UPDATE users SET status = 'FORCE_CHANGE_PASSWORD'",
    "unverified": "UPDATE users SET attributes = '{}'",
}


@pytest.mark.parametrize("state", STATES)
async def test_a_hidden_user_who_cannot_reset_is_answered_as_one_who_does_not_exist(
    with_users_changed, postman, state
):
    house, change = await with_users_changed(PreventUserExistenceErrors="ENABLED")
    await forgot(house)
    right = postman.code
    change(STATES[state])
    details = [await forgot(house, name) for name in ("ann", "bob")]
    assert details[0].keys() == details[1].keys()
    assert len(postman.messages) == 1
    for name in ("ann", "bob"):
        assert await not_confirmed(house, right, name) == MISMATCH


REASONS = {
    "UPDATE users SET enabled = 0": "NotAuthorizedException",
    "UPDATE users SET status = 'UNCONFIRMED'": "UserNotConfirmedException",
    "UPDATE users SET status = 'RESET_REQUIRED'": "PasswordResetRequiredException",
}


@pytest.mark.parametrize("change_to", REASONS)
@pytest.mark.parametrize("hidden", ["ENABLED", "LEGACY"])
async def test_why_a_user_may_not_sign_in_is_told_where_nobody_is_hidden_or_behind_the_password(
    with_users_changed, hidden, change_to
):
    house, change = await with_users_changed(PreventUserExistenceErrors=hidden)
    change(change_to)
    wrong_one = await house.api.refused("InitiateAuth", **house.by_password("ann", "wrong-Horse1"))
    right_one = await house.api.refused("InitiateAuth", **house.by_password())
    assert right_one.code == REASONS[change_to]
    assert right_one.message != "Incorrect username or password."
    if hidden == "LEGACY":
        assert wrong_one == right_one
        begun = house.begin("USER_SRP_AUTH", SRP_A="2f")
        assert await house.api.refused("InitiateAuth", **begun) == right_one
        return
    assert wrong_one.message == "Incorrect username or password."
    for password, told in (("wrong-Horse1", wrong_one), ("Corr3ct-Horse", right_one)):
        proof = await house.by_srp("ann", password)
        assert await house.api.refused("RespondToAuthChallenge", **proof) == told
        again = await house.api.refused("RespondToAuthChallenge", **proof)
        assert again == wrong_one  # it was for one use


async def test_the_reply_is_sent_before_anybody_hears_of_the_message(start, settle):
    """The client finds its reply already there when the developer hears of the message."""
    lines, found = [], []

    def failing(message):
        found.append((message.username, lines[-1].recv(1 << 16)))  # or it would block
        raise OSError("it is lost")

    house = await settle(await start(on_message=failing), PreventUserExistenceErrors="ENABLED")
    await house.add_user(**EMAIL)
    await house.add_user("bob", **EMAIL)
    address = house.api.endpoint.removeprefix("http://").split(":")
    for name in ("ann", "nobody", "bob"):
        body = json.dumps(asking(house, name)).encode()
        head = (
            "POST / HTTP/1.1\r\nHost: localhost\r\n"
            "X-Amz-Target: AWSCognitoIdentityProviderService.ForgotPassword\r\n"
            f"Content-Type: application/x-amz-json-1.1\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        with socket.create_connection(address) as line:
            line.setblocking(False)
            lines.append(line)
            line.sendall(head.encode() + body)
            if name == "nobody":
                await house.api("DescribeUserPool", UserPoolId=house.pool_id)
                continue
            with anyio.fail_after(10):
                while not found or found[-1][0] != name:
                    await anyio.sleep(0.001)
    assert [name for name, _ in found] == ["ann", "bob"]
    for _, reply in found:
        assert reply.startswith(b"HTTP/1.1 200")
        assert b"CodeDeliveryDetails" in reply


async def set_by_an_administrator(house, permanent):
    whose = {"UserPoolId": house.pool_id, "Username": "ann"}
    await house.api("AdminSetUserPassword", **whose, Password="Th1rd-Horse", Permanent=permanent)


async def disabled_and_enabled(house):
    for operation in ("AdminDisableUser", "AdminEnableUser"):
        await house.api(operation, UserPoolId=house.pool_id, Username="ann")


@pytest.mark.parametrize("hidden", ["LEGACY", "ENABLED"])
@pytest.mark.parametrize(
    "change",
    [partial(set_by_an_administrator, permanent=True), disabled_and_enabled],
    ids=["another password", "a ban that was lifted"],
)
async def test_a_code_ends_with_the_credentials_that_it_was_to_replace(
    server, settle, postman, change, hidden
):
    house = await settle(await server(), PreventUserExistenceErrors=hidden)
    await house.add_user("ann", **EMAIL)
    client = {"ClientId": house.client_id, "Username": "ann"}
    await house.api("ForgotPassword", **client)
    old = postman.code
    await change(house)
    entered = {**client, "Password": NEW}
    refusal = await house.api.refused("ConfirmForgotPassword", **entered, ConfirmationCode=old)
    assert refusal.code == "CodeMismatchException"
    await house.api("ForgotPassword", **client)
    await house.api("ConfirmForgotPassword", **entered, ConfirmationCode=postman.code)
    assert "AuthenticationResult" in await house.api(
        "InitiateAuth", **house.by_password("ann", NEW)
    )
