"""amazon-cognito-identity-js sets second factors up and answers them.

It knows authenticators and text messages; of codes by e-mail it knows nothing.
"""

import json
import time

import pytest

from authflow.testing import MovableClock
from testbed.authenticator import code_at, other_than

pytestmark = pytest.mark.system("node", "npm")

SIGN_IN = {"username": "ada", "password": "Correct-horse-1"}
BY_SRP = {"flow": "USER_SRP_AUTH", **SIGN_IN}
BY_PASSWORD = {"flow": "USER_PASSWORD_AUTH", **SIGN_IN}  # its SRP takes half a second
PHONE = {"phone_number": "+15555550123"}
SMS = {"SnsCallerArn": "arn:aws:iam::000000000000:role/any-sms", "ExternalId": "any"}
BOTH = {
    "SoftwareTokenMfaConfiguration": {"Enabled": True},
    "SmsMfaConfiguration": {"SmsConfiguration": SMS},
}
ON, PREFERRED = {"Enabled": True}, {"Enabled": True, "PreferredMfa": True}
OFF = {"Enabled": False}
TOTP = "SOFTWARE_TOKEN_MFA"


@pytest.fixture
def today() -> MovableClock:
    """The client signs the time of day; the clock is moved where a code would be its second."""
    return MovableClock(time.time())


async def demand(pool, mfa, **factors):
    named = {"UserPoolId": pool.user_pool_id, "MfaConfiguration": mfa}
    await pool.call("SetUserPoolMfaConfig", **named, **factors)


async def test_a_sign_in_that_must_have_a_factor_sets_an_authenticator_up(
    live_pool, identity_js, signed_in, today
):
    async with live_pool(clock=today) as pool:
        await pool.add_user()
        await demand(pool, "ON", SoftwareTokenMfaConfiguration={"Enabled": True})
        async with identity_js(pool) as client:
            asked = await client("authenticateUser", **BY_SRP)
            assert (asked["event"], asked["name"]) == ("mfaSetup", "MFA_SETUP")
            assert TOTP in json.loads(asked["parameters"]["MFAS_CAN_SETUP"])
            secret = (await client("associateSoftwareToken"))["secret"]
            code = code_at(secret, today.now)
            wrong = await client("verifySoftwareToken", code=other_than(code), name="phone")
            assert wrong["code"] == "EnableSoftwareTokenMFAException"
            assert signed_in(await client("verifySoftwareToken", code=code, name="phone"))
            assert signed_in(await client("refreshSession"))
            await client("signOut")
            asked = await client("authenticateUser", **BY_SRP)
            assert (asked["event"], asked["name"]) == ("totpRequired", TOTP)
            assert asked["parameters"]["FRIENDLY_DEVICE_NAME"] == "phone"
            again = await client("sendMFACode", code=code, type=TOTP)
            assert (again["event"], again["code"]) == ("onFailure", "ExpiredCodeException")
            today.advance(30)
            assert signed_in(
                await client("sendMFACode", code=code_at(secret, today.now), type=TOTP)
            )


async def test_factors_are_set_up_and_preferred_by_who_is_signed_in_and_then_asked(
    live_pool, identity_js, signed_in, today
):
    sent = []
    async with live_pool(clock=today, on_message=sent.append) as pool:
        await pool.add_user(attributes=PHONE)
        await demand(pool, "OPTIONAL", **BOTH)
        async with identity_js(pool) as client:

            async def asked_again():
                await client("signOut")
                return await client("authenticateUser", **BY_PASSWORD)

            async def text_message_is_answered():
                """The one whose code the client was told to wait for."""
                code = sent.pop().code.reveal()
                wrong = await client("sendMFACode", code=other_than(code))
                assert (wrong["event"], wrong["code"]) == ("onFailure", "CodeMismatchException")
                assert signed_in(await client("sendMFACode", code=code))

            async def authenticator_is_answered():
                today.advance(30)
                code = code_at(secret, today.now)
                wrong = await client("sendMFACode", code=other_than(code), type=TOTP)
                assert (wrong["event"], wrong["code"]) == ("onFailure", "CodeMismatchException")
                assert signed_in(await client("sendMFACode", code=code, type=TOTP))

            async def prefer(sms, totp):
                done = await client("setUserMfaPreference", sms=sms, totp=totp)
                assert done == {"event": "onSuccess", "value": "SUCCESS"}
                return (await client("getUserData"))["value"]

            assert signed_in(await client("authenticateUser", **BY_PASSWORD))
            secret = (await client("associateSoftwareToken"))["secret"]
            code = code_at(secret, today.now)
            wrong = await client("verifySoftwareToken", code=other_than(code), name="phone")
            assert wrong["code"] == "EnableSoftwareTokenMFAException"
            done = await client("verifySoftwareToken", code=code, name="phone")
            assert done["value"] == {"Status": "SUCCESS"}

            user = await prefer(None, PREFERRED)
            assert (user["PreferredMfaSetting"], user["UserMFASettingList"]) == (TOTP, [TOTP])
            assert (await asked_again())["event"] == "totpRequired"
            await authenticator_is_answered()

            user = await prefer(PREFERRED, {"Enabled": True, "PreferredMfa": False})
            assert user["PreferredMfaSetting"] == "SMS_MFA"
            assert sorted(user["UserMFASettingList"]) == ["SMS_MFA", TOTP]
            asked = await asked_again()
            assert asked["event"] == "mfaRequired"
            assert asked["parameters"]["CODE_DELIVERY_DELIVERY_MEDIUM"] == "SMS"
            assert asked["parameters"]["CODE_DELIVERY_DESTINATION"] == "+*******0123"
            await text_message_is_answered()

            await prefer({"Enabled": True, "PreferredMfa": False}, None)
            for chosen, event, answer in (
                (TOTP, "totpRequired", authenticator_is_answered),
                ("SMS_MFA", "mfaRequired", text_message_is_answered),
            ):
                asked = await asked_again()
                assert asked["event"] == "selectMFAType"
                choice = json.loads(asked["parameters"]["MFAS_CAN_CHOOSE"])
                assert sorted(choice) == ["SMS_MFA", TOTP]
                assert sent == []
                asked = await client("sendMFASelectionAnswer", type=chosen)
                assert (asked["event"], asked["name"]) == (event, chosen)
                await answer()

            await prefer(OFF, OFF)
            assert signed_in(await asked_again())
            await client("setUserMfaPreference", sms=None, totp={"Enabled": False})
            by_text = [{"DeliveryMedium": "SMS", "AttributeName": "phone_number"}]
            for turned, options in (("disableMFA", None), ("enableMFA", by_text)):
                assert (await client(turned))["event"] == "onSuccess"
                assert (await client("getMFAOptions")).get("value") == options
            asked = await asked_again()
            assert asked["event"] == "mfaRequired"
            await text_message_is_answered()
