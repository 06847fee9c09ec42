"""A user sets an authenticator up and chooses factors, by an access token."""

import asyncio
import logging

import pytest

from authflow.pool.accounts.users import delete_user, set_enabled
from authflow.pool.tokens.families import end_families
from authflow.pool.tokens.issuer import TokenIssuer

ON_AND_FIRST = {"Enabled": True, "PreferredMfa": True}
WRONG = ("EnableSoftwareTokenMFAException", "Code mismatch and fail enable Software Token MFA")
LOCKED = ("NotAuthorizedException", "Password attempts exceeded")
NONE = ("SoftwareTokenMFANotFoundException", "Software Token MFA does not exist for the user.")
NOT_OFFERED = (
    "SoftwareTokenMFANotFoundException",
    "Software Token MFA has not been enabled by the userPool",
)
SESSION = "x" * 20


def of(refusal):
    return refusal.code, refusal.message


async def test_an_authenticator_is_set_up_and_then_turned_on(owner):
    begun = await owner.own("AssociateSoftwareToken")
    assert begun.keys() == {"SecretCode"}
    done = await owner.own("VerifySoftwareToken", UserCode=owner.code(begun["SecretCode"]))
    assert done == {"Status": "SUCCESS"}
    # As with Cognito the set-up alone turns nothing on.
    for told in (await owner.own("GetUser"), await owner.by_admin("AdminGetUser")):
        assert not {"UserMFASettingList", "PreferredMfaSetting", "MFAOptions"} & told.keys()
    await owner.own("SetUserMFAPreference", SoftwareTokenMfaSettings=ON_AND_FIRST)
    for told in (await owner.own("GetUser"), await owner.by_admin("AdminGetUser")):
        assert told["UserMFASettingList"] == ["SOFTWARE_TOKEN_MFA"]
        assert told["PreferredMfaSetting"] == "SOFTWARE_TOKEN_MFA"
        assert "MFAOptions" not in told
    await owner.own("SetUserMFAPreference", SMSMfaSettings={"Enabled": True})
    for told in (await owner.own("GetUser"), await owner.by_admin("AdminGetUser")):
        assert told["UserMFASettingList"] == ["SMS_MFA", "SOFTWARE_TOKEN_MFA"]
        assert told["MFAOptions"] == [
            {"DeliveryMedium": "SMS", "AttributeName": "phone_number"},
        ]


BY_TEXT = {"DeliveryMedium": "SMS", "AttributeName": "phone_number"}


@pytest.mark.parametrize("by", ["SetUserSettings", "AdminSetUserSettings"])
async def test_the_older_settings_turn_text_messages_on_and_off_and_nothing_else(owner, by):
    call = owner.by_admin if by.startswith("Admin") else owner.own
    await owner.set_authenticator_up()
    await owner.own("SetUserMFAPreference", SoftwareTokenMfaSettings=ON_AND_FIRST)
    for options in ([BY_TEXT], [BY_TEXT, BY_TEXT]):
        assert await call(by, MFAOptions=options) == {}
        told = await owner.own("GetUser")
        assert told["UserMFASettingList"] == ["SMS_MFA", "SOFTWARE_TOKEN_MFA"]
        assert told["PreferredMfaSetting"] == "SOFTWARE_TOKEN_MFA"
        assert told["MFAOptions"] == [BY_TEXT]
    about = {"UserPoolId": owner.house.pool_id, "Username": owner.name}
    for wrong in (
        {**BY_TEXT, "DeliveryMedium": "EMAIL"},
        {**BY_TEXT, "AttributeName": "email"},
        {},
    ):
        given = {"MFAOptions": [BY_TEXT, wrong]}
        if by.startswith("Admin"):
            refusal = await owner.house.api.refused(by, **about, **given)
        else:
            refusal = await owner.refused(by, **given)
        assert refusal.code == "InvalidParameterException"
        assert refusal.message.startswith("MFAOptions can only be")
    assert await call(by, MFAOptions=[]) == {}
    told = await owner.own("GetUser")
    assert told["UserMFASettingList"] == ["SOFTWARE_TOKEN_MFA"]
    assert "MFAOptions" not in told


async def test_the_code_that_set_an_authenticator_up_sets_nothing_else_up(owner):
    secret = await owner.set_authenticator_up(FriendlyDeviceName="phone")
    again = {"UserCode": owner.code(secret)}
    assert of(await owner.refused("VerifySoftwareToken", **again)) == NONE
    await owner.own("AssociateSoftwareToken")
    assert of(await owner.refused("VerifySoftwareToken", **again)) == WRONG


async def test_the_newest_secret_counts(owner):
    first = (await owner.own("AssociateSoftwareToken"))["SecretCode"]
    second = (await owner.own("AssociateSoftwareToken"))["SecretCode"]
    assert first != second
    refusal = await owner.refused("VerifySoftwareToken", UserCode=owner.code(first))
    assert of(refusal) == WRONG
    await owner.own("VerifySoftwareToken", UserCode=owner.code(second))


@pytest.mark.parametrize("steps", [-1, 1])
async def test_a_clock_may_be_a_step_off(owner, steps):
    secret = (await owner.own("AssociateSoftwareToken"))["SecretCode"]
    far = {"UserCode": owner.code(secret, 3 * steps)}
    assert of(await owner.refused("VerifySoftwareToken", **far)) == WRONG
    await owner.own("VerifySoftwareToken", UserCode=owner.code(secret, steps))


async def test_five_wrong_codes_lock_even_the_right_one_out(owner):
    secret = (await owner.own("AssociateSoftwareToken"))["SecretCode"]
    wrong = {"UserCode": owner.code(secret, 5)}
    for _ in range(5):
        assert of(await owner.refused("VerifySoftwareToken", **wrong)) == WRONG
    right = {"UserCode": owner.code(secret)}
    assert of(await owner.refused("VerifySoftwareToken", **right)) == LOCKED
    # Another secret is no way around it.
    other = (await owner.own("AssociateSoftwareToken"))["SecretCode"]
    refusal = await owner.refused("VerifySoftwareToken", UserCode=owner.code(other))
    assert of(refusal) == LOCKED
    owner.house.clock.now += 1
    await owner.own("VerifySoftwareToken", UserCode=owner.code(other))


async def test_of_many_wrong_codes_at_once_five_are_judged(owner):
    secret = (await owner.own("AssociateSoftwareToken"))["SecretCode"]
    wrong = {"AccessToken": owner.token, "UserCode": owner.code(secret, 5)}
    replies = await owner.house.api.at_once(*[("VerifySoftwareToken", wrong)] * 40)
    found = [(reply["__type"], reply["message"]) for reply in replies]
    assert {each: found.count(each) for each in {*found}} == {WRONG: 5, LOCKED: 35}


async def test_of_many_right_codes_at_once_one_wins(owner):
    secret = (await owner.own("AssociateSoftwareToken"))["SecretCode"]
    right = {"AccessToken": owner.token, "UserCode": owner.code(secret)}
    replies = await owner.house.api.at_once(*[("VerifySoftwareToken", right)] * 40)
    won = [reply for reply in replies if "Status" in reply]
    lost = [(reply["__type"], reply["message"]) for reply in replies if "Status" not in reply]
    assert (won, lost) == ([{"Status": "SUCCESS"}], [NONE] * 39)


async def test_a_pool_without_authenticators_sets_none_up(lone_owner):
    await lone_owner.own("AssociateSoftwareToken")
    for mode, factors in (
        ("OPTIONAL", {"EmailMfaConfiguration": {}}),
        ("ON", {"SoftwareTokenMfaConfiguration": {"Enabled": False}}),
    ):
        # The pool has a way to send text messages by now, so that factor has to stay.
        await lone_owner.set_pool(mode, SmsMfaConfiguration={}, **factors)
        assert of(await lone_owner.refused("AssociateSoftwareToken")) == NOT_OFFERED
        refusal = await lone_owner.refused("VerifySoftwareToken", UserCode="123456")
        assert of(refusal) == NOT_OFFERED
    await lone_owner.house.api("SetUserPoolMfaConfig", UserPoolId=lone_owner.house.pool_id)
    assert of(await lone_owner.refused("AssociateSoftwareToken")) == NOT_OFFERED


async def test_a_factor_that_the_user_cannot_have_is_not_turned_on(bare_owner):
    for member, factor in (
        ("SMSMfaSettings", "SMS_MFA"),
        ("SoftwareTokenMfaSettings", "SOFTWARE_TOKEN_MFA"),
        ("EmailMfaSettings", "EMAIL_OTP"),
    ):
        refusal = await bare_owner.refused("SetUserMFAPreference", **{member: ON_AND_FIRST})
        assert of(refusal) == (
            "InvalidParameterException",
            f"User does not have delivery config set to turn on {factor}",
        )
        assert await bare_owner.own("SetUserMFAPreference", **{member: {"Enabled": False}}) == {}
    assert "UserMFASettingList" not in await bare_owner.own("GetUser")


async def test_where_mfa_is_required_none_is_turned_off(lone_owner):
    both = {"SMSMfaSettings": {"Enabled": True}, "EmailMfaSettings": ON_AND_FIRST}
    await lone_owner.own("SetUserMFAPreference", **both)
    await lone_owner.set_pool("ON")
    off = {"SMSMfaSettings": {"Enabled": False}, "EmailMfaSettings": {"Enabled": False}}
    assert await lone_owner.own("SetUserMFAPreference", **off) == {}
    told = await lone_owner.own("GetUserAuthFactors")
    assert (told["UserMFASettingList"], told["PreferredMfaSetting"]) == (
        ["SMS_MFA", "EMAIL_OTP"],
        "EMAIL_OTP",
    )
    await lone_owner.set_pool("OPTIONAL")
    await lone_owner.own("SetUserMFAPreference", **off)
    assert "UserMFASettingList" not in await lone_owner.own("GetUser")


async def test_a_users_factors_are_told(owner):
    first = {"Username": owner.name, "ConfiguredUserAuthFactors": ["PASSWORD"]}
    assert await owner.own("GetUserAuthFactors") == first
    await owner.set_authenticator_up()
    await owner.own("SetUserMFAPreference", SoftwareTokenMfaSettings=ON_AND_FIRST)
    assert await owner.own("GetUserAuthFactors") == {
        "Username": owner.name,
        "UserMFASettingList": ["SOFTWARE_TOKEN_MFA"],
        "PreferredMfaSetting": "SOFTWARE_TOKEN_MFA",
        "ConfiguredUserAuthFactors": ["PASSWORD", "SOFTWARE_TOKEN"],
    }


REQUESTS = {
    "AssociateSoftwareToken": {},
    "VerifySoftwareToken": {"UserCode": "123456"},
    "SetUserMFAPreference": {"SMSMfaSettings": {"Enabled": True}},
    "GetUserAuthFactors": {},
}


@pytest.mark.parametrize("operation", REQUESTS)
async def test_an_access_token_is_needed_that_is_good(owner, operation):
    api, request = owner.house.api, REQUESTS[operation]
    other = await owner.house.tokens(owner.name)
    for token in ("x", other["IdToken"], owner.token[:-4] + "AAAA"):
        refusal = await api.refused(operation, AccessToken=token, **request)
        assert refusal.code == "NotAuthorizedException"
    await owner.own("GlobalSignOut")
    assert of(await owner.refused(operation, **request)) == (
        "NotAuthorizedException",
        "Access Token has been revoked",
    )


def sign_out(connection, user, _now):
    end_families(connection, user.sub)


def disable(connection, user, now):
    set_enabled(connection, user, now, enabled=False)


def delete(connection, user, _now):
    delete_user(connection, user)


@pytest.mark.parametrize(
    ("meanwhile", "message"),
    [
        (sign_out, "Access Token has been revoked"),
        (disable, "User is disabled."),
        (delete, "User does not exist."),
    ],
)
@pytest.mark.parametrize(
    "operation", ["AssociateSoftwareToken", "VerifySoftwareToken", "SetUserMFAPreference"]
)
async def test_a_token_that_ends_while_it_is_checked_changes_nothing(
    owner, monkeypatch, meanwhile, message, operation
):
    check = TokenIssuer.check_access_token

    async def slow(self, token):
        found = await check(self, token)
        await self.ground.database.write(meanwhile, found.user, 0.0)
        return found

    await owner.own("AssociateSoftwareToken")
    monkeypatch.setattr(TokenIssuer, "check_access_token", slow)
    refusal = await owner.refused(operation, **REQUESTS[operation])
    assert refusal.message == message


@pytest.mark.parametrize("operation", ["AssociateSoftwareToken", "VerifySoftwareToken"])
async def test_a_session_or_a_token_is_given_and_not_both(owner, operation):
    request = REQUESTS[operation]
    for more in ({}, {"AccessToken": owner.token, "Session": SESSION}):
        refusal = await owner.house.api.refused(operation, **request, **more)
        assert refusal.code == "InvalidParameterException"
    refusal = await owner.house.api.refused(operation, **request, Session=SESSION)
    assert refusal.code == "NotAuthorizedException"
    assert refusal.message.startswith("Invalid session for the user")


async def test_a_secret_is_neither_in_the_file_nor_in_the_log(
    start, settle_owner, tmp_path, caplog
):
    caplog.set_level(logging.DEBUG)
    path = tmp_path / "pool.db"
    owner = await settle_owner(await start(db=str(path)))
    with caplog.at_level(logging.INFO, logger="aiohttp"):
        used = await owner.set_authenticator_up(FriendlyDeviceName="phone")
        begun = (await owner.own("AssociateSoftwareToken"))["SecretCode"]
        wrong = owner.code(begun, 7)
        await owner.refused("VerifySoftwareToken", UserCode=wrong)
    kept = b"".join(each.read_bytes() for each in tmp_path.iterdir())
    assert b"phone" in kept
    logged = "\n".join(each.getMessage() for each in caplog.records)
    assert "VerifySoftwareToken refused: EnableSoftwareTokenMFAException" in logged
    for secret in (used, begun):
        assert secret.encode() not in kept
        assert secret not in logged
    assert wrong not in logged


async def test_others_wait_for_nobody_who_guesses(owner, bare_owner):
    """One user's lock is nobody else's."""
    secret = (await owner.own("AssociateSoftwareToken"))["SecretCode"]
    wrong = {"AccessToken": owner.token, "UserCode": owner.code(secret, 5)}
    await asyncio.gather(
        *(owner.house.api.refused("VerifySoftwareToken", **wrong) for _ in range(6))
    )
    assert await bare_owner.set_authenticator_up()
