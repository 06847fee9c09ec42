"""The second factors of a pool are set, told and kept; the rules are in test_mfa_settings."""

import logging

SMS = {"SnsCallerArn": "arn:aws:iam::000000000000:role/sms", "ExternalId": "any"}
EVERY = {
    "SmsMfaConfiguration": {"SmsAuthenticationMessage": "Code {####}", "SmsConfiguration": SMS},
    "SoftwareTokenMfaConfiguration": {"Enabled": True},
    "EmailMfaConfiguration": {"Message": "Code {####}", "Subject": "Code"},
}
PASSKEYS = {
    "RelyingPartyId": "example.org",
    "UserVerification": "required",
    "FactorConfiguration": "SINGLE_FACTOR",
}


async def test_the_factors_of_a_pool_are_told_as_they_were_set_and_outlive_an_update(house):
    named = {"UserPoolId": house.pool_id}
    assert await house.api("GetUserPoolMfaConfig", **named) == {"MfaConfiguration": "OFF"}
    house.clock.now += 10
    given = {"MfaConfiguration": "OPTIONAL", **EVERY}
    assert await house.api("SetUserPoolMfaConfig", **named, **given) == given
    pool = (await house.api("DescribeUserPool", **named))["UserPool"]
    assert pool["MfaConfiguration"] == "OPTIONAL"
    assert (pool["SmsConfiguration"], pool["SmsAuthenticationMessage"]) == (SMS, "Code {####}")
    # Cognito's UserPoolType has no such members.
    assert not EVERY.keys() & pool.keys()
    assert pool["LastModifiedDate"] == pool["CreationDate"] + 10
    await house.api("UpdateUserPool", **named, EmailVerificationSubject="Hi")
    assert await house.api("GetUserPoolMfaConfig", **named) == given
    await house.api("UpdateUserPool", **named, MfaConfiguration="OFF")
    assert await house.api("GetUserPoolMfaConfig", **named) == {"MfaConfiguration": "OFF"}


async def test_text_messages_are_a_factor_from_the_pools_creation(api):
    given = {"MfaConfiguration": "ON", "SmsConfiguration": SMS}
    made = (await api("CreateUserPool", PoolName="x", **given))["UserPool"]
    assert made["MfaConfiguration"] == "ON"
    assert await api("GetUserPoolMfaConfig", UserPoolId=made["Id"]) == {
        "MfaConfiguration": "ON",
        "SmsMfaConfiguration": {"SmsConfiguration": SMS},
    }


async def test_what_contradicts_itself_is_refused_and_changes_nothing(house):
    named = {"UserPoolId": house.pool_id}
    given = {"MfaConfiguration": "ON", **EVERY}
    await house.api("SetUserPoolMfaConfig", **named, **given)
    for operation, wrong in (
        ("SetUserPoolMfaConfig", {"MfaConfiguration": "OPTIONAL"}),
        ("SetUserPoolMfaConfig", EVERY),
        ("CreateUserPool", {"PoolName": "x", "MfaConfiguration": "ON"}),
    ):
        refusal = await house.api.refused(operation, **named, **wrong)
        assert refusal.code == "InvalidParameterException"
    assert await house.api("GetUserPoolMfaConfig", **named) == given
    off = {"MfaConfiguration": "OFF"}
    await house.api("SetUserPoolMfaConfig", **named)
    refusal = await house.api.refused("UpdateUserPool", **named, MfaConfiguration="ON")
    assert refusal.code == "InvalidParameterException"
    await house.api("UpdateUserPool", **named, **off)
    assert (await house.api("GetUserPoolMfaConfig", **named))["MfaConfiguration"] == "OFF"


async def test_a_pool_that_is_not_there_has_no_factors(api):
    for operation in ("SetUserPoolMfaConfig", "GetUserPoolMfaConfig"):
        refusal = await api.refused(operation, UserPoolId="us-east-1_nobody")
        assert refusal.code == "ResourceNotFoundException"


async def test_passkeys_are_kept_and_told_of_once(house, caplog):
    named = {"UserPoolId": house.pool_id}
    for _ in range(2):
        told = await house.api("SetUserPoolMfaConfig", **named, WebAuthnConfiguration=PASSKEYS)
        assert told["MfaConfiguration"] == "OFF"
    known = told["WebAuthnConfiguration"]  # an older service model lacks a member
    assert known.items() <= PASSKEYS.items()
    await house.api("UpdateUserPool", **named)
    told = await house.api("GetUserPoolMfaConfig", **named)
    assert told["WebAuthnConfiguration"] == known
    await house.api("SetUserPoolMfaConfig", **named, MfaConfiguration="ON", **EVERY)
    (line,) = [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]
    members = ", ".join(f"WebAuthnConfiguration.{name}" for name in known)
    assert line == (
        f"user pool {house.pool_id} has settings without effect here: {members} "
        "(nobody can register a passkey here, or sign in by one)"
    )
