"""What two requests tell of one name, where the app client hides users."""

from itertools import product

import pytest
from attrs import evolve

from authflow.machine import State
from authflow.pool.accounts.masking import stand_in
from authflow.pool.accounts.passwords import StoredPassword
from authflow.pool.accounts.second_factors import UserFactors
from authflow.pool.accounts.user_pool import UserPool
from authflow.pool.accounts.users import (
    CONFIRMED,
    FORCE_CHANGE_PASSWORD,
    RESET_REQUIRED,
    UNCONFIRMED,
    User,
)
from authflow.pool.confirmations.told_destinations import pretended_destination, told_destination
from testbed.address_owners import listed

MADE = {"created_at": 0.0, "modified_at": 0.0}
BOTH = ["email", "phone_number"]
BY_EMAIL = {"RecoveryMechanisms": [{"Priority": 1, "Name": "verified_email"}]}
ADMIN_ONLY = {"RecoveryMechanisms": [{"Priority": 1, "Name": "admin_only"}]}
POOLS = {
    "aliases": {"AutoVerifiedAttributes": ["email"], "AliasAttributes": ["email"]},
    "recovered by e-mail": {
        "AutoVerifiedAttributes": BOTH,
        "AccountRecoverySetting": BY_EMAIL,
    },
    "by address": {"AutoVerifiedAttributes": BOTH, "UsernameAttributes": ["email"]},
}


def pool_of(**settings):
    return UserPool(id="p", settings=settings, key_id="", signing_key="", mask_key=b"k", **MADE)


@pytest.mark.parametrize(
    ("settings", "attribute"),
    [
        *product(
            (
                {"AutoVerifiedAttributes": ["email"]},
                {"AutoVerifiedAttributes": ["email"], "AccountRecoverySetting": ADMIN_ONLY},
                {"AutoVerifiedAttributes": BOTH, "AccountRecoverySetting": BY_EMAIL},
                {"AutoVerifiedAttributes": BOTH},
                {},
            ),
            BOTH,
        ),
        ({"AutoVerifiedAttributes": ["email"], "AccountRecoverySetting": BY_EMAIL}, "email"),
    ],
    ids=str,
)
def test_the_state_of_a_user_with_one_address_changes_nothing_that_is_told(settings, attribute):
    pool = pool_of(**settings)
    address = {"email": "victim@somewhere.org", "phone_number": "+12065550123"}[attribute]
    user = User(
        sub="3f1c",
        pool_id="p",
        username="ann",
        status=CONFIRMED,
        attributes={attribute: address},
        password=StoredPassword(salt=b"1" * 16, verifier=b"2" * 384),
        **MADE,
    )
    told = {
        told_destination(
            pool,
            evolve(
                user,
                status=status,
                enabled=enabled,
                attributes={attribute: address, f"{attribute}_verified": verified},
                factors=UserFactors(enabled=frozenset(factors)),
            ),
            stand_in(pool, "ann"),
        )
        for status, enabled, verified, factors in product(
            (UNCONFIRMED, CONFIRMED, FORCE_CHANGE_PASSWORD, RESET_REQUIRED),
            (True, False),
            ("true", "false"),
            ((), (State.EMAIL_OTP,), (State.SMS_MFA,)),
        )
    }
    assert {(each.attribute, each.address) for each in told} == {(attribute, address)}


@pytest.mark.parametrize(
    ("settings", "changed", "told"),
    [
        ({"AutoVerifiedAttributes": ["email"]}, {"status": UNCONFIRMED}, "email"),
        ({"AutoVerifiedAttributes": ["email"]}, {}, "email"),
        ({"AutoVerifiedAttributes": BOTH}, {}, "email"),
        ({"AutoVerifiedAttributes": BOTH}, {"status": UNCONFIRMED}, "phone_number"),
        (
            {"AutoVerifiedAttributes": BOTH, "AccountRecoverySetting": BY_EMAIL},
            {"factors": UserFactors(enabled=frozenset({State.EMAIL_OTP}))},
            "email",
        ),
    ],
    ids=str,
)
def test_of_two_addresses_that_is_told_which_a_code_goes_to_or_went_to(settings, changed, told):
    user = User(
        sub="3f1c",
        pool_id="p",
        username="ann",
        status=CONFIRMED,
        attributes={
            "email": "ann@example.org",
            "email_verified": "true",
            "phone_number": "+12065550123",
            "phone_number_verified": "false",
        },
        password=StoredPassword(salt=b"1" * 16, verifier=b"2" * 384),
        **MADE,
    )
    found = told_destination(
        pool_of(**settings), evolve(user, **changed), stand_in(pool_of(), "ann")
    )
    assert found.attribute == told


@pytest.mark.parametrize("name", ["nobody", "nobody@example.org", "+12065550123"])
def test_a_user_without_an_address_is_told_what_a_name_that_nobody_has_is(name):
    pool = pool_of(AutoVerifiedAttributes=["email"])
    made = stand_in(pool, name)
    alone = made.as_user("email", 0.0)
    for status in (UNCONFIRMED, CONFIRMED):
        told = told_destination(pool, evolve(alone, status=status, attributes={}), made)
        assert told == told_destination(pool, None, made) == pretended_destination(made)


@pytest.mark.parametrize("settings", POOLS.values(), ids=POOLS)
async def test_both_requests_tell_one_destination_for_a_name_in_whatever_state(
    api, settle, settings
):
    house = await settle(api, settings, PreventUserExistenceErrors="ENABLED")

    async def told(name):
        """Return what each of the requests tells."""
        about = {"ClientId": house.client_id, "Username": name}
        replies = [
            await house.api(each, **about) for each in ("ResendConfirmationCode", "ForgotPassword")
        ]
        return [each["CodeDeliveryDetails"] for each in replies]

    async def administer(operation, name, **more):
        await house.api(operation, UserPoolId=house.pool_id, Username=name, **more)

    async def sign_up(name, **attributes):
        about = {"ClientId": house.client_id, "Username": name, "Password": "Corr3ct-Horse"}
        await house.api("SignUp", **about, UserAttributes=listed(attributes))

    at = "@example.org" if "UsernameAttributes" in settings else ""
    address = {} if at else {"email": "victim@somewhere.org"}
    waits, has_both, nowhere = (f"{each}{at}" for each in ("waits", "both", "nowhere"))
    await sign_up(waits, **address)
    await sign_up(has_both, **address, phone_number="+12065550123")
    if not at:
        await sign_up(nowhere)
    before = await told(waits)
    for name in (waits, has_both, nowhere, f"nobody{at}", "nobody"):
        one, other = await told(name)
        assert one == other
    for operation in ("AdminConfirmSignUp", "AdminDisableUser"):
        await administer(operation, waits)
        assert await told(waits) == before
    await administer("AdminEnableUser", waits)
    verified = {"UserAttributes": listed({"email_verified": "true"})}
    await administer("AdminUpdateUserAttributes", waits, **verified)
    temporary = {"Password": "An0ther-Horse", "Permanent": False}
    assert await told(waits) == before
    await administer("AdminSetUserPassword", waits, **temporary)
    assert await told(waits) == before
