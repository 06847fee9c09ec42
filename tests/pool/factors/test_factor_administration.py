"""Administrators choose factors for users, and delete an authenticator that was lost."""

import pytest

ON_AND_FIRST = {"Enabled": True, "PreferredMfa": True}


async def test_an_administrator_chooses_for_the_user(owner):
    chosen = {"SMSMfaSettings": {"Enabled": True}, "EmailMfaSettings": ON_AND_FIRST}
    assert await owner.by_admin("AdminSetUserMFAPreference", **chosen) == {}
    factors = {"UserMFASettingList": ["SMS_MFA", "EMAIL_OTP"], "PreferredMfaSetting": "EMAIL_OTP"}
    assert factors.items() <= (await owner.own("GetUser")).items()
    off = {"EmailMfaSettings": {"Enabled": False}}
    await owner.by_admin("AdminSetUserMFAPreference", **off)
    told = await owner.own("GetUser")
    assert told["UserMFASettingList"] == ["SMS_MFA"]
    assert "PreferredMfaSetting" not in told


async def test_what_a_user_may_not_have_no_administrator_turns_on(owner):
    about = {"UserPoolId": owner.house.pool_id, "Username": owner.name}
    refusal = await owner.house.api.refused(
        "AdminSetUserMFAPreference", **about, SoftwareTokenMfaSettings=ON_AND_FIRST
    )
    assert (refusal.code, refusal.message) == (
        "InvalidParameterException",
        "User does not have delivery config set to turn on SOFTWARE_TOKEN_MFA",
    )


async def test_users_factors_are_told_to_administrators_as_to_the_user(owner, available):
    available("AdminGetUserAuthFactors")
    await owner.set_authenticator_up()
    await owner.own("SetUserMFAPreference", SoftwareTokenMfaSettings=ON_AND_FIRST)
    told = await owner.by_admin("AdminGetUserAuthFactors")
    assert told == await owner.own("GetUserAuthFactors")
    assert told["PreferredMfaSetting"] == "SOFTWARE_TOKEN_MFA"


async def test_a_lost_authenticator_is_deleted_and_another_one_set_up(owner, available):
    available("AdminDeleteSoftwareToken")
    lost = await owner.set_authenticator_up()
    await owner.own(
        "SetUserMFAPreference",
        SoftwareTokenMfaSettings=ON_AND_FIRST,
        EmailMfaSettings={"Enabled": True},
    )
    begun = (await owner.own("AssociateSoftwareToken"))["SecretCode"]
    assert await owner.by_admin("AdminDeleteSoftwareToken") == {}
    told = await owner.own("GetUserAuthFactors")
    assert told["UserMFASettingList"] == ["EMAIL_OTP"]
    assert "PreferredMfaSetting" not in told
    assert told["ConfiguredUserAuthFactors"] == ["PASSWORD", "EMAIL_OTP"]
    # Neither the old one nor what was begun is left.
    owner.house.clock.now += 60
    for secret in (lost, begun):
        refusal = await owner.refused("VerifySoftwareToken", UserCode=owner.code(secret))
        assert refusal.code == "SoftwareTokenMFANotFoundException"
    refusal = await owner.refused("SetUserMFAPreference", SoftwareTokenMfaSettings=ON_AND_FIRST)
    assert refusal.code == "InvalidParameterException"
    assert await owner.set_authenticator_up() not in {lost, begun}
    # Whoever has none can be told to have none.
    await owner.by_admin("AdminDeleteSoftwareToken")
    assert await owner.by_admin("AdminDeleteSoftwareToken") == {}


@pytest.mark.parametrize(
    "operation",
    ["AdminSetUserMFAPreference", "AdminDeleteSoftwareToken", "AdminGetUserAuthFactors"],
)
async def test_nobody_has_no_factors(shared_house, available, operation):
    available(operation)
    for pool, name, code in (
        (shared_house.pool_id, "nobody", "UserNotFoundException"),
        ("us-east-1_nobody", "ann", "ResourceNotFoundException"),
    ):
        refusal = await shared_house.api.refused(operation, UserPoolId=pool, Username=name)
        assert refusal.code == code
