import asyncio
import json

import pytest
from attrs import define, field

PASSWORD = "old"  # far too weak for the pool's policy, which does not apply to it


@define
class OldDirectory:
    sources = frozenset({"UserMigration"})
    response: dict = field(factory=lambda: {"userAttributes": {"email": "old@example.org"}})
    events: list = field(factory=list)
    forgiving: bool = False

    async def handle(self, event):
        self.events.append(event)
        if not self.forgiving and event["request"]["password"] != PASSWORD:
            raise ValueError("Bad username or password")
        return {**event, "response": {**event["response"], **self.response}}


@pytest.fixture
def directory():
    return OldDirectory()


@pytest.fixture
async def house(start, settle, directory):
    return await settle(await start(triggers=directory))


async def test_an_unknown_user_is_brought_in_with_the_password_that_was_typed(house, directory):
    request = {**house.by_password("old", PASSWORD), "ClientMetadata": {"from": "app"}}
    assert "AuthenticationResult" in await house.api("InitiateAuth", **request)
    assert "AuthenticationResult" in await house.api(
        "RespondToAuthChallenge", **await house.by_srp("old", PASSWORD)
    )
    user = await house.api("AdminGetUser", UserPoolId=house.pool_id, Username="old")
    assert user["UserStatus"] == "CONFIRMED"
    assert {"Name": "email", "Value": "old@example.org"} in user["UserAttributes"]
    (event,) = directory.events
    assert event["triggerSource"] == "UserMigration_Authentication"
    assert event["userName"] == "old"
    assert event["request"] == {"password": PASSWORD, "validationData": {"from": "app"}}
    assert set(event["response"].values()) == {None}


async def test_a_known_user_is_never_looked_for_elsewhere(house, directory):
    await house.add_user("ann")
    refusal = await house.api.refused("InitiateAuth", **house.by_password("ann", PASSWORD))
    assert refusal.message == "Incorrect username or password."
    assert directory.events == []


async def test_srp_brings_nobody_in(house, directory):
    refusal = await house.api.refused(
        "InitiateAuth", **house.begin("USER_SRP_AUTH", "old", SRP_A="2")
    )
    assert refusal.code == "UserNotFoundException"
    assert directory.events == []


async def test_a_refusal_does_not_tell_the_directorys_words(house):
    refusal = await house.api.refused("InitiateAuth", **house.by_password("old", "wrong"))
    assert (refusal.code, refusal.message) == (
        "UserNotFoundException",
        f"Exception migrating user in app client {house.client_id}",
    )


async def test_where_the_client_hides_users_a_refusal_looks_like_a_wrong_password(
    start, settle, directory
):
    server = await start(triggers=directory)
    house = await settle(server, PreventUserExistenceErrors="ENABLED")
    refusal = await server.refused("InitiateAuth", **house.by_password("old", "wrong"))
    assert refusal.message == "Incorrect username or password."
    directory.response = {}
    refusal = await server.refused("InitiateAuth", **house.by_password("old", PASSWORD))
    assert refusal.message == "Incorrect username or password."
    assert (await server("DescribeUserPool", UserPoolId=house.pool_id))["UserPool"][
        "EstimatedNumberOfUsers"
    ] == 0


async def test_guesses_at_the_directory_are_locked_out_too(house, directory):
    for _ in range(5):
        await house.api.refused("InitiateAuth", **house.by_password("old", "wrong"))
    refusal = await house.api.refused("InitiateAuth", **house.by_password("old", PASSWORD))
    assert refusal.message == "Password attempts exceeded"
    assert len(directory.events) == 5


async def test_a_user_may_have_to_reset_the_password(house, directory):
    directory.response["finalUserStatus"] = "RESET_REQUIRED"
    for _ in range(2):
        refusal = await house.api.refused("InitiateAuth", **house.by_password("old", PASSWORD))
        assert refusal.code == "PasswordResetRequiredException"
    assert len(directory.events) == 1


SMS = {"SnsCallerArn": "arn:aws:iam::000000000000:role/sms", "ExternalId": "any"}
PHONE = {"phone_number": "+12065550123"}


@pytest.mark.parametrize("forgotten", [True, False])
@pytest.mark.parametrize("mode", ["OPTIONAL", "ON"])
async def test_a_user_is_brought_in_with_text_messages_as_second_factor(
    start, settle, directory, mode, forgotten
):
    by_text = {"MfaConfiguration": mode, "SmsConfiguration": SMS}
    house = await settle(await start(triggers=directory), by_text)
    directory.response = {
        "userAttributes": {**PHONE, "phone_number_verified": "true"},
        "enableSMSMFA": True,
    }
    directory.forgiving = forgotten
    if forgotten:
        request = {"ClientId": house.client_id, "Username": "old"}
        await house.api("ForgotPassword", **request)
    else:
        request = json.dumps(house.by_password("old", PASSWORD)).encode()
        _, reply, _ = await house.api.post("InitiateAuth", request)
        assert mode == "OPTIONAL" or "AuthenticationResult" not in reply
    user = await house.api("AdminGetUser", UserPoolId=house.pool_id, Username="old")
    assert user["UserMFASettingList"] == ["SMS_MFA"]


@pytest.mark.parametrize("texts", [True, False])
async def test_who_cannot_have_text_messages_as_second_factor_is_not_brought_in(
    house, directory, texts, caplog
):
    factors = {
        "SoftwareTokenMfaConfiguration": {"Enabled": True},
        **({"SmsMfaConfiguration": {"SmsConfiguration": SMS}} if texts else {}),
    }
    await house.api(
        "SetUserPoolMfaConfig", UserPoolId=house.pool_id, MfaConfiguration="OPTIONAL", **factors
    )
    given = {"email": "old@example.org"} if texts else PHONE
    directory.response = {"userAttributes": given, "enableSMSMFA": True}
    refusal = await house.api.refused("InitiateAuth", **house.by_password("old", PASSWORD))
    assert refusal.code == "InvalidLambdaResponseException"
    missing = await house.api.refused("AdminGetUser", UserPoolId=house.pool_id, Username="old")
    assert missing.code == "UserNotFoundException"
    assert "which the pool or the user cannot have" in caplog.text


@pytest.mark.parametrize(
    "response",
    [
        {"userAttributes": None},
        {"userAttributes": {}},
        {"userAttributes": {"email": 1}},
        {"userAttributes": ["email"]},
        {"finalUserStatus": "UNKNOWN"},
        {"finalUserStatus": ["CONFIRMED"]},
        {"forceAliasCreation": "yes"},
        {"forceAliasCreation": []},
        {"enableSMSMFA": True},
        # This pool has no MFA: who should be asked for a code would not be.
        {"enableSMSMFA": True, "userAttributes": {"phone_number": "+12065550123"}},
        {"messageAction": "RESEND"},
        {"messageAction": True},
        {"desiredDeliveryMediums": "EMAIL"},
        {"desiredDeliveryMediums": ["PIGEON"]},
        {"desiredDeliveryMediums": [["SMS"]]},
    ],
)
async def test_unusable_results_bring_nobody_in(house, directory, response):
    directory.response = {**directory.response, **response}
    refusal = await house.api.refused("InitiateAuth", **house.by_password("old", PASSWORD))
    assert refusal.code == "InvalidLambdaResponseException"
    missing = await house.api.refused("AdminGetUser", UserPoolId=house.pool_id, Username="old")
    assert missing.code == "UserNotFoundException"


async def test_attributes_that_the_pool_lacks_bring_nobody_in(house, directory):
    directory.response = {"userAttributes": {"custom:shoe": "42"}}
    refusal = await house.api.refused("InitiateAuth", **house.by_password("old", PASSWORD))
    assert refusal.code == "UserNotFoundException"


WRONG = [
    *({"username": name} for name in ("", " ", "a b", "a\x00", "x" * 129)),
    *({name: "x"} for name in ("\x00", "sub", "custom:n", "email")),
    *({"birthdate": "yesterday"}, {"updated_at": "now"}),
    *({"email_verified": "yes"}, {"phone_number": "12"}),
]


@pytest.mark.parametrize("setting", ["UsernameAttributes", "AliasAttributes", None])
async def test_values_that_cannot_be_bring_nobody_in(start, settle, directory, setting):
    pool = {} if setting is None else {setting: ["email"]}
    house = await settle(await start(triggers=directory), pool)
    told = f"Exception migrating user in app client {house.client_id}"
    by_address = setting == "UsernameAttributes"
    for number, attributes in enumerate(WRONG):
        if by_address and "username" in attributes:
            continue  # there a user has no name but the address
        directory.response = {"userAttributes": attributes}
        typed = f"old{number}@example.org" if by_address else f"old{number}"
        refusal = await house.api.refused("InitiateAuth", **house.by_password(typed, PASSWORD))
        assert (refusal.code, refusal.message) == ("UserNotFoundException", told)
    assert await users_of(house) == 0


VERIFIED = {"email": "old@example.org", "phone_number": "+12065550123"}


@pytest.mark.parametrize("client", ["InitiateAuth", "AdminInitiateAuth"])
async def test_a_verified_address_that_is_not_there_brings_nobody_in(house, directory, client):
    where = {"UserPoolId": house.pool_id} if client.startswith("Admin") else {}
    flow = {"AuthFlow": "ADMIN_USER_PASSWORD_AUTH"} if where else {}
    for address, other in (VERIFIED, [*VERIFIED][::-1]):
        for flag in ("true", "True", "TRUE"):
            for more in ({}, {"nickname": "o"}, {other: VERIFIED[other]}):
                directory.response = {"userAttributes": {f"{address}_verified": flag, **more}}
                request = {**house.by_password("old", PASSWORD), **flow, **where}
                refusal = await house.api.refused(client, **request)
                assert refusal.code == "UserNotFoundException"
                assert await users_of(house) == 0
                house.clock.now += 3600  # it counts as a guess


async def test_a_flag_with_its_address_or_without_a_claim_brings_the_user_in(
    start, settle, directory
):
    house = await settle(await start(triggers=directory))
    for number, (address, value) in enumerate(VERIFIED.items()):
        for flag, more in (("true", {address: value}), ("false", {})):
            directory.response = {
                "userAttributes": {"nickname": "o", f"{address}_verified": flag, **more}
            }
            request = house.by_password(f"old{number}{flag}", PASSWORD)
            assert "AuthenticationResult" in await house.api("InitiateAuth", **request)
    house = await settle(house.api, {"UsernameAttributes": ["email"]})
    directory.response = {"userAttributes": {"email_verified": "true"}}
    request = house.by_password("old@example.org", PASSWORD)
    assert "AuthenticationResult" in await house.api("InitiateAuth", **request)


async def test_half_of_a_surrogate_pair_brings_nobody_in(house, directory):
    for name, text in (("username", "\ud800"), ("nickname", "ok\udfff"), ("\ud800", "x")):
        directory.response = {"userAttributes": {name: text}}
        refusal = await house.api.refused("InitiateAuth", **house.by_password("old", PASSWORD))
        assert refusal.code == "InvalidLambdaResponseException"
    assert await users_of(house) == 0


@pytest.mark.parametrize(
    ("setting", "names"),
    [
        ({}, ["a b", "a\tb", "a\x00", "\u2028"]),
        ({"UsernameAttributes": ["email"]}, ["a\u200b@x.org", "a\x00@x.org", "a@x y.org", "a"]),
    ],
)
async def test_nobody_is_brought_in_by_a_name_that_no_user_has(
    start, settle, directory, setting, names
):
    house = await settle(await start(triggers=directory), setting)
    for typed in names:
        refusal = await house.api.refused("InitiateAuth", **house.by_password(typed, PASSWORD))
        assert refusal.code == "UserNotFoundException"
    assert await users_of(house) == 0


async def test_flags_of_the_old_directory_are_taken_in_any_case(house, directory):
    directory.response = {"userAttributes": {**EMAIL, "email_verified": "True"}}
    assert "AuthenticationResult" in await house.api(
        "InitiateAuth", **house.by_password("old", PASSWORD)
    )
    user = await house.api("AdminGetUser", UserPoolId=house.pool_id, Username="old")
    assert {"Name": "email_verified", "Value": "true"} in user["UserAttributes"]


async def test_who_lacks_a_required_attribute_is_not_brought_in(start, settle, directory):
    schema = [{"Name": "nickname", "Required": True}]
    house = await settle(await start(triggers=directory), {"Schema": schema})
    for name, lacking in {"one": {}, "two": {"nickname": ""}}.items():
        directory.response = {"userAttributes": {**EMAIL, **lacking}}
        refusal = await house.api.refused("InitiateAuth", **house.by_password(name, PASSWORD))
        assert refusal.code == "UserNotFoundException"
    request = house.by_password("old", PASSWORD)
    directory.response = {"userAttributes": {"nickname": "O"}}
    assert "AuthenticationResult" in await house.api("InitiateAuth", **request)


async def test_side_by_side_one_user_is_brought_in_once_and_both_are_signed_in(house):
    replies = await asyncio.gather(
        *(house.api("InitiateAuth", **house.by_password("old", PASSWORD)) for _ in range(4))
    )
    assert all("AuthenticationResult" in reply for reply in replies)


async def test_an_alias_is_moved_only_if_the_trigger_says_so(start, settle, directory):
    attributes = {"email": "shared@example.org", "email_verified": "true"}
    directory.response = {"userAttributes": attributes}
    server = await start(triggers=directory)
    house = await settle(server, {"AliasAttributes": ["email"]})
    await house.add_user("ann", **attributes)
    refusal = await server.refused("InitiateAuth", **house.by_password("old", PASSWORD))
    assert refusal.code == "UserNotFoundException"
    directory.response["forceAliasCreation"] = True
    assert "AuthenticationResult" in await server(
        "InitiateAuth", **house.by_password("old", PASSWORD)
    )
    by_alias = house.by_password("shared@example.org", PASSWORD)
    assert "AuthenticationResult" in await server("InitiateAuth", **by_alias)


async def test_a_username_may_come_with_the_attributes(start, settle, directory):
    directory.response = {
        "userAttributes": {
            "username": "old",
            "email": "old@example.org",
            "email_verified": "true",
        }
    }
    house = await settle(await start(triggers=directory), {"AliasAttributes": ["email"]})
    request = house.by_password("old@example.org", PASSWORD)
    assert "AuthenticationResult" in await house.api("InitiateAuth", **request)
    assert await house.api("AdminGetUser", UserPoolId=house.pool_id, Username="old")


EMAIL = {"email": "old@example.org", "email_verified": "true"}
PHONE = {"phone_number": "+12065550123", "phone_number_verified": "true"}


@define
class Elsewhere:
    """A directory that is asked about forgotten passwords, too."""

    sources = frozenset({"UserMigration"})
    response: dict = field(factory=lambda: {"userAttributes": EMAIL, "messageAction": "SUPPRESS"})
    events: list = field(factory=list)

    async def handle(self, event):
        self.events.append(event)
        if isinstance(self.response, Exception):
            raise self.response
        return {**event, "response": {**event["response"], **self.response}}


@pytest.fixture
def elsewhere():
    return Elsewhere()


@pytest.fixture
def sent():
    return []


@pytest.fixture
def forgetful(start, settle, elsewhere, sent):
    """Make a pool that migrates from elsewhere, and keeps what it sends."""

    async def made(pool=None, **client):
        return await settle(await start(triggers=elsewhere, on_message=sent.append), pool, **client)

    return made


def forgetting(house, username="old", **more):
    return {"ClientId": house.client_id, "Username": username, **more}


def renewing(house, code, username="old"):
    return forgetting(house, username, ConfirmationCode=code.reveal(), Password="N3w-Password")


async def users_of(house):
    pool = await house.api("DescribeUserPool", UserPoolId=house.pool_id)
    return pool["UserPool"]["EstimatedNumberOfUsers"]


@pytest.mark.parametrize("status", [None, "CONFIRMED", "RESET_REQUIRED"])
async def test_who_forgot_the_password_is_brought_in_and_sets_one(
    forgetful, elsewhere, sent, status
):
    elsewhere.response["finalUserStatus"] = status
    house = await forgetful()
    metadata = {"ClientMetadata": {"page": "forgot"}}
    reply = await house.api("ForgotPassword", **forgetting(house), **metadata)
    assert reply["CodeDeliveryDetails"]["Destination"] == "o***@e***"
    (event,) = elsewhere.events
    assert event["triggerSource"] == "UserMigration_ForgotPassword"
    assert event["userName"] == "old"
    assert event["request"] == {
        "password": None,
        "validationData": None,
        "clientMetadata": {"page": "forgot"},
    }
    assert set(event["response"].values()) == {None}
    (message,) = sent
    assert await house.api("ConfirmForgotPassword", **renewing(house, message.code)) == {}
    user = await house.api("AdminGetUser", UserPoolId=house.pool_id, Username="old")
    assert user["UserStatus"] == "CONFIRMED"
    request = house.by_password("old", "N3w-Password")
    assert "AuthenticationResult" in await house.api("InitiateAuth", **request)
    assert len(elsewhere.events) == 1


async def test_who_must_reset_the_password_at_sign_in_does_so_by_a_code(forgetful, elsewhere, sent):
    elsewhere.response["finalUserStatus"] = "RESET_REQUIRED"
    house = await forgetful()
    refusal = await house.api.refused("InitiateAuth", **house.by_password("old", PASSWORD))
    assert refusal.code == "PasswordResetRequiredException"
    await house.api("ForgotPassword", **forgetting(house))
    await house.api("ConfirmForgotPassword", **renewing(house, sent[0].code))
    request = house.by_password("old", "N3w-Password")
    assert "AuthenticationResult" in await house.api("InitiateAuth", **request)
    assert len(elsewhere.events) == 1


@pytest.mark.parametrize(
    "attributes",
    [{"name": "Old"}, {"email": "old@example.org"}, {**EMAIL, "email_verified": "false"}],
)
async def test_who_cannot_be_sent_a_code_is_not_brought_in(forgetful, elsewhere, sent, attributes):
    elsewhere.response = {"userAttributes": attributes}
    house = await forgetful()
    refusal = await house.api.refused("ForgotPassword", **forgetting(house))
    assert refusal.code == "InvalidParameterException"
    assert "no registered/verified email or phone_number" in refusal.message
    assert await users_of(house) == 0
    assert sent == []


@pytest.mark.parametrize(
    ("response", "code"),
    [
        (ValueError("no such person"), "UserNotFoundException"),
        ({"userAttributes": None}, "InvalidLambdaResponseException"),
        ({"enableSMSMFA": True}, "InvalidLambdaResponseException"),
        ({"userAttributes": {**EMAIL, "custom:shoe": "42"}}, "UserNotFoundException"),
    ],
)
@pytest.mark.parametrize("hidden", ["ENABLED", "LEGACY"])
async def test_a_directory_that_fails_brings_nobody_in(
    forgetful, elsewhere, hidden, response, code
):
    if isinstance(response, dict):
        elsewhere.response |= response
    else:
        elsewhere.response = response
    house = await forgetful(PreventUserExistenceErrors=hidden)
    if hidden == "ENABLED":
        reply = await house.api("ForgotPassword", **forgetting(house))
        assert reply["CodeDeliveryDetails"].keys() == {
            *("AttributeName", "DeliveryMedium", "Destination"),
        }
    else:
        refusal = await house.api.refused("ForgotPassword", **forgetting(house))
        assert refusal.code == code
        if code == "UserNotFoundException":
            told = f"Exception migrating user in app client {house.client_id}"
            assert refusal.message == told
    assert await users_of(house) == 0


async def test_the_directory_is_not_asked_for_ever(forgetful, elsewhere):
    elsewhere.response = ValueError("no such person")
    house = await forgetful()
    for _ in range(10):
        await house.api.refused("ForgotPassword", **forgetting(house))
    refusal = await house.api.refused("ForgotPassword", **forgetting(house))
    assert refusal.code == "LimitExceededException"
    assert len(elsewhere.events) == 10


async def test_side_by_side_who_forgot_is_brought_in_once(forgetful, sent):
    house = await forgetful()
    request = forgetting(house)
    replies = await asyncio.gather(*(house.api("ForgotPassword", **request) for _ in range(4)))
    assert len({reply["CodeDeliveryDetails"]["Destination"] for reply in replies}) == 1
    assert await users_of(house) == 1
    await house.api("ConfirmForgotPassword", **renewing(house, sent[-1].code))


async def test_an_alias_of_somebody_else_is_taken_only_if_the_trigger_says_so(
    forgetful, elsewhere, sent
):
    house = await forgetful({"AliasAttributes": ["email"]})
    await house.add_user("ann", **EMAIL)
    refusal = await house.api.refused("ForgotPassword", **forgetting(house))
    assert refusal.code == "UserNotFoundException"
    assert await users_of(house) == 1
    elsewhere.response["forceAliasCreation"] = True
    await house.api("ForgotPassword", **forgetting(house))
    request = renewing(house, sent[0].code, "old@example.org")
    assert await house.api("ConfirmForgotPassword", **request) == {}


@pytest.fixture
def welcoming(forgetful, elsewhere, sent):
    """Make a pool whose directory answers as given, and give the messages, too."""

    async def made(response):
        elsewhere.response = response
        return await forgetful(), sent

    return made


@pytest.mark.parametrize(
    ("response", "attributes", "mediums"),
    [
        ({}, {**EMAIL, **PHONE}, ["SMS"]),
        ({}, EMAIL, []),
        ({"desiredDeliveryMediums": ["EMAIL"]}, {**EMAIL, **PHONE}, ["EMAIL"]),
        ({"desiredDeliveryMediums": ["EMAIL", "SMS"]}, {**EMAIL, **PHONE}, ["EMAIL", "SMS"]),
        ({"desiredDeliveryMediums": []}, PHONE, ["SMS"]),
        ({"messageAction": "SUPPRESS", "desiredDeliveryMediums": ["EMAIL"]}, EMAIL, []),
    ],
)
async def test_whoever_is_brought_in_is_welcomed_unless_told_otherwise(
    welcoming, response, attributes, mediums
):
    house, sent = await welcoming({"userAttributes": attributes, **response})
    await house.api("InitiateAuth", **house.by_password("old", PASSWORD))
    assert [message.medium for message in sent] == mediums
    for message in sent:
        assert message.code is None
        assert "old" in message.text.reveal()
