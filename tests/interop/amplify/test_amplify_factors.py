"""Amplify sets second factors up at our pool, prefers them, and answers each of them."""

import time
from pathlib import Path

import pytest

from testbed.authenticator import code_at, other_than
from testbed.node_packages import lock_file_faults

pytestmark = pytest.mark.system("node", "npm")

BOTH = {"email": "ada@example.com", "phone_number": "+15555550123"}
SMS = {"SnsCallerArn": "arn:aws:iam::000000000000:role/any-sms", "ExternalId": "any"}
BY_SMS = {"SmsMfaConfiguration": {"SmsConfiguration": SMS}}
BY_APP = {"SoftwareTokenMfaConfiguration": {"Enabled": True}}
BY_EMAIL = {"EmailMfaConfiguration": {"Message": "Code {####}", "Subject": "Code"}}


def test_the_lock_file_has_a_hash_for_everything_and_the_address_of_no_registry():
    assert lock_file_faults(Path(__file__).parent) == []


def test_a_sign_in_that_must_have_a_factor_sets_an_authenticator_up(served, amplify, refused):
    pool_id = served.pool("ON", **BY_APP)
    served.add_user(pool_id)
    client = amplify(pool_id)
    asked = client.sign_in()
    assert asked["signInStep"] == "CONTINUE_SIGN_IN_WITH_TOTP_SETUP"
    secret, now = asked["totpSetupDetails"]["sharedSecret"], time.time()
    with refused("EnableSoftwareTokenMFAException"):
        client.answer(other_than(code_at(secret, now)))
    assert client.answer(code_at(secret, now))["signInStep"] == "DONE"
    assert client("fetchAuthSession", forceRefresh=True)["accessToken"]["username"] == "ada"
    assert client("fetchMFAPreference")["enabled"] == ["TOTP"]

    assert client.sign_in() == {"signInStep": "CONFIRM_SIGN_IN_WITH_TOTP_CODE"}
    with refused("ExpiredCodeException"):
        client.answer(code_at(secret, now))
    assert client.answer(code_at(secret, now + 30))["signInStep"] == "DONE"


def test_a_sign_in_that_must_have_a_factor_sets_an_address_up(served, amplify, refused):
    """Where there is a choice, the user makes it first."""
    pool_id = served.pool("ON", **BY_APP, **BY_EMAIL)
    served.add_user(pool_id)
    client = amplify(pool_id)
    assert client.sign_in("USER_PASSWORD_AUTH") == {
        "signInStep": "CONTINUE_SIGN_IN_WITH_MFA_SETUP_SELECTION",
        "allowedMFATypes": ["TOTP", "EMAIL"],
    }
    assert client.answer("EMAIL")["signInStep"] == "CONTINUE_SIGN_IN_WITH_EMAIL_SETUP"
    asked = client.answer(BOTH["email"])
    assert asked["signInStep"] == "CONFIRM_SIGN_IN_WITH_EMAIL_CODE"
    code = served.code("EMAIL")
    with refused("CodeMismatchException"):
        client.answer(other_than(code))
    assert client.answer(code)["signInStep"] == "DONE"
    assert client("fetchUserAttributes")["email_verified"] == "true"

    asked = client.sign_in("USER_PASSWORD_AUTH")
    assert asked["signInStep"] == "CONFIRM_SIGN_IN_WITH_EMAIL_CODE"
    assert client.answer(served.code("EMAIL"))["signInStep"] == "DONE"


def test_factors_are_set_up_preferred_chosen_and_answered(served, amplify, refused):
    pool_id = served.pool("OPTIONAL", **BY_APP, **BY_SMS, **BY_EMAIL)
    served.add_user(pool_id, **BOTH)
    client = amplify(pool_id)
    assert client.sign_in()["signInStep"] == "DONE"
    secret, now = client("setUpTOTP")["sharedSecret"], time.time()
    with refused("EnableSoftwareTokenMFAException"):
        client("verifyTOTPSetup", code=other_than(code_at(secret, now)))
    client("verifyTOTPSetup", code=code_at(secret, now), options={"friendlyDeviceName": "phone"})

    def sent_code_is_answered(asked, medium):
        assert asked["signInStep"] == f"CONFIRM_SIGN_IN_WITH_{medium}_CODE"
        told = {"SMS": "+*******0123", "EMAIL": "a***@e***"}
        assert asked["codeDeliveryDetails"] == {
            "deliveryMedium": medium,
            "destination": told[medium],
        }
        code = served.code(medium)
        with refused("CodeMismatchException"):
            client.answer(other_than(code))
        assert client.answer(code)["signInStep"] == "DONE"

    for preferred, others in (("sms", {}), ("email", {"sms": "ENABLED"})):
        client("updateMFAPreference", **{preferred: "PREFERRED"}, **others)
        told = client("fetchMFAPreference")
        assert told["preferred"] == preferred.upper()
        assert sorted(told["enabled"]) == sorted({preferred.upper(), "SMS"})
        sent_code_is_answered(client.sign_in("USER_PASSWORD_AUTH"), preferred.upper())

    client("updateMFAPreference", email="NOT_PREFERRED", totp="ENABLED")
    for medium in ("SMS", "EMAIL"):
        asked = client.sign_in("USER_PASSWORD_AUTH")
        assert asked["signInStep"] == "CONTINUE_SIGN_IN_WITH_MFA_SELECTION"
        assert sorted(asked["allowedMFATypes"]) == ["EMAIL", "SMS", "TOTP"]
        sent_code_is_answered(client.answer(medium), medium)
    client.sign_in("USER_PASSWORD_AUTH")
    assert client.answer("TOTP")["signInStep"] == "CONFIRM_SIGN_IN_WITH_TOTP_CODE"
    code = code_at(secret, now + 30)
    with refused("CodeMismatchException"):
        client.answer(other_than(code))
    assert client.answer(code)["signInStep"] == "DONE"

    client("updateMFAPreference", sms="DISABLED", email="DISABLED", totp="DISABLED")
    assert client("fetchMFAPreference") == {}
    assert client.sign_in("USER_PASSWORD_AUTH")["signInStep"] == "DONE"


def test_a_temporary_password_is_changed_before_the_factor(served, amplify, refused):
    """The session that a new password ends is not the one that the code belongs to."""
    pool_id = served.pool("ON", **BY_SMS, **BY_APP)
    served.add_user(pool_id, temporary=True, phone_number=BOTH["phone_number"])
    client = amplify(pool_id)
    asked = client.sign_in("USER_PASSWORD_AUTH")
    assert asked["signInStep"] == "CONFIRM_SIGN_IN_WITH_NEW_PASSWORD_REQUIRED"
    assert client.answer("Another-horse-1")["signInStep"] == "CONFIRM_SIGN_IN_WITH_SMS_CODE"
    code = served.code("SMS")
    with refused("CodeMismatchException"):
        client.answer(other_than(code))
    assert client.answer(code)["signInStep"] == "DONE"
