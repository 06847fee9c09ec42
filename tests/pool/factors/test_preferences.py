"""What a user may turn on, what cannot be turned off, and what stays when it is not named."""

from itertools import product

import pytest
from attrs import evolve

from authflow.machine import State
from authflow.pool.accounts.passwords import StoredPassword
from authflow.pool.accounts.second_factors import FACTORS, Authenticator, UserFactors
from authflow.pool.accounts.user_pools import UserPool
from authflow.pool.accounts.user_pools import _insert as insert_pool
from authflow.pool.accounts.users import CONFIRMED, User, insert_user
from authflow.pool.cognito_errors import CognitoError
from authflow.pool.factors.preferences import chosen_factors, may_have, set_factors
from authflow.pool.store.database import Database

NOW = 1_800_000_000.0
MADE = {"created_at": NOW, "modified_at": NOW}
SMS, TOTP, EMAIL = FACTORS
MEMBERS = {SMS: "SMSMfaSettings", TOTP: "SoftwareTokenMfaSettings", EMAIL: "EmailMfaSettings"}
OF_POOL = {
    SMS: {"SmsMfaConfiguration": {}},
    TOTP: {"SoftwareTokenMfaConfiguration": {"Enabled": True}},
    EMAIL: {"EmailMfaConfiguration": {}},
}
ABLE = {
    SMS: {"attributes": {"phone_number": "+12065550123"}},
    TOTP: {"authenticator": Authenticator(sealed=b"x")},
    EMAIL: {"attributes": {"email": "ada@example.org", "email_verified": "false"}},
}
ON_AND_FIRST = {"Enabled": True, "PreferredMfa": True}


def pool(mode="OPTIONAL", factors=FACTORS):
    named = {name: value for factor in factors for name, value in OF_POOL[factor].items()}
    return UserPool(
        id="eu-central-1_x",
        settings={"MfaConfiguration": mode, **named},
        key_id="key",
        signing_key="{}",
        mask_key=b"k" * 32,
        **MADE,
    )


def user(*able, enabled=(), preferred=None, **more):
    attributes = {k: v for factor in able for k, v in ABLE[factor].get("attributes", {}).items()}
    return User(
        sub="3f1c",
        pool_id="eu-central-1_x",
        username="ada",
        status=CONFIRMED,
        attributes=attributes,
        password=StoredPassword(salt=b"1" * 16, verifier=b"2" * 384),
        authenticator=ABLE[TOTP]["authenticator"] if TOTP in able else None,
        factors=UserFactors(enabled=frozenset(enabled), preferred=preferred),
        **(MADE | more),
    )


def wishes(**given):
    return {MEMBERS[State[name]]: wish for name, wish in given.items()}


def refused(pool, user, request):
    with pytest.raises(CognitoError) as refusal:
        chosen_factors(pool, user, request)
    assert refusal.value.code == "InvalidParameterException"
    assert refusal.value.reason == refusal.value.message
    return refusal.value.message


@pytest.mark.parametrize("mode", ["OPTIONAL", "ON"])
@pytest.mark.parametrize("factor", FACTORS)
def test_a_factor_is_turned_on_by_who_can_have_it_where_the_pool_allows_it(factor, mode):
    request = {MEMBERS[factor]: ON_AND_FIRST}
    for allowed, able in product((True, False), repeat=2):
        others = tuple(each for each in FACTORS if each is not factor)
        where = pool(mode, FACTORS if allowed else others)
        who = user(*(FACTORS if able else others))
        assert may_have(where, who, factor) is (allowed and able)
        if allowed and able:
            wanted = UserFactors(enabled=frozenset({factor}), preferred=factor)
            assert chosen_factors(where, who, request) == wanted
        else:
            told = f"User does not have delivery config set to turn on {factor}"
            assert refused(where, who, request) == told


@pytest.mark.parametrize("factor", FACTORS)
def test_where_there_is_no_mfa_nothing_is_turned_on(factor):
    assert not may_have(pool("OFF"), user(*FACTORS), factor)
    refused(pool("OFF"), user(*FACTORS), {MEMBERS[factor]: {"Enabled": True}})


def test_an_authenticator_that_is_being_set_up_is_none_yet():
    assert not may_have(pool(), user(new_authenticator=b"x"), TOTP)


def test_an_address_that_is_empty_is_none():
    assert not may_have(pool(), evolve(user(), attributes={"phone_number": ""}), SMS)


@pytest.mark.parametrize(
    ("request_", "enabled", "preferred"),
    [
        ({}, {SMS, TOTP}, TOTP),
        (wishes(SMS_MFA={}), {SMS, TOTP}, TOTP),
        (wishes(SMS_MFA={"Enabled": True}), {SMS, TOTP}, TOTP),
        (wishes(SMS_MFA={"Enabled": False}), {TOTP}, TOTP),
        (wishes(SMS_MFA={"PreferredMfa": False}), {SMS, TOTP}, TOTP),
        (wishes(SMS_MFA={"PreferredMfa": True}), {SMS, TOTP}, SMS),
        (wishes(SMS_MFA=ON_AND_FIRST), {SMS, TOTP}, SMS),
        (wishes(EMAIL_OTP=ON_AND_FIRST), {SMS, TOTP, EMAIL}, EMAIL),
        (wishes(EMAIL_OTP={"Enabled": True}), {SMS, TOTP, EMAIL}, TOTP),
        (wishes(EMAIL_OTP={"Enabled": False, "PreferredMfa": False}), {SMS, TOTP}, TOTP),
        (wishes(SOFTWARE_TOKEN_MFA={"Enabled": True}), {SMS, TOTP}, TOTP),
        (wishes(SOFTWARE_TOKEN_MFA={"PreferredMfa": False}), {SMS, TOTP}, None),
        (wishes(SOFTWARE_TOKEN_MFA={"Enabled": False}), {SMS}, None),
        (
            wishes(SOFTWARE_TOKEN_MFA={"Enabled": False}, SMS_MFA={"PreferredMfa": True}),
            {SMS},
            SMS,
        ),
        ({member: {"Enabled": False} for member in MEMBERS.values()}, set(), None),
        ({"WebAuthnMfaSettings": {"Enabled": False}}, {SMS, TOTP}, TOTP),
    ],
)
def test_what_is_not_named_stays_as_it_is(request_, enabled, preferred):
    ada = user(*FACTORS, enabled={SMS, TOTP}, preferred=TOTP)
    found = chosen_factors(pool(), ada, request_)
    assert (found.enabled, found.preferred) == (enabled, preferred)


def test_whoever_must_have_a_factor_turns_none_off():
    ada = user(*FACTORS, enabled={SMS, TOTP}, preferred=TOTP)
    off = {member: {"Enabled": False, "PreferredMfa": False} for member in MEMBERS.values()}
    found = chosen_factors(pool("ON"), ada, off)
    assert (found.enabled, found.preferred) == ({SMS, TOTP}, None)
    found = chosen_factors(pool("ON"), ada, wishes(SOFTWARE_TOKEN_MFA={"Enabled": False}))
    assert found == ada.factors
    # What was never on is not turned on by this.
    assert chosen_factors(pool("ON"), user(*FACTORS), off) == UserFactors()


@pytest.mark.parametrize("mode", ["OPTIONAL", "ON"])
@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("is_on", [True, False])
def test_a_factor_that_is_off_cannot_be_preferred(factor, mode, is_on):
    ada = user(*FACTORS, enabled={factor} if is_on else ())
    told = f"{factor} cannot be preferred unless it is enabled"
    contradiction = {MEMBERS[factor]: {"Enabled": False, "PreferredMfa": True}}
    assert refused(pool(mode), ada, contradiction) == told
    alone = {MEMBERS[factor]: {"PreferredMfa": True}}
    if is_on:
        assert chosen_factors(pool(mode), ada, alone).preferred is factor
    else:
        assert refused(pool(mode), ada, alone) == told


@pytest.mark.parametrize("one", FACTORS)
@pytest.mark.parametrize("other", FACTORS)
def test_two_factors_cannot_both_be_preferred(one, other):
    request = {MEMBERS[one]: ON_AND_FIRST, MEMBERS[other]: ON_AND_FIRST}
    if one is other:
        assert chosen_factors(pool(), user(*FACTORS), request).preferred is one
    else:
        told = refused(pool(), user(*FACTORS), request)
        assert told == "Only one MFA factor can be set as preferred"


def test_passkeys_are_no_factor_here():
    told = refused(pool(), user(*FACTORS), {"WebAuthnMfaSettings": {"Enabled": True}})
    assert told == "WebAuthn MFA has not been enabled for this user pool"


async def test_the_choice_is_stored_and_only_for_who_is_there():
    ada = user(*FACTORS)
    chosen = UserFactors(enabled=frozenset({SMS, EMAIL}), preferred=EMAIL)
    async with Database() as database:
        await database.write(insert_pool, pool())
        with pytest.raises(CognitoError, match="User does not exist"):
            await database.write(set_factors, ada, chosen, NOW)
        await database.write(insert_user, pool(), ada)
        stored = await database.write(set_factors, ada, chosen, NOW + 1)
        assert stored == evolve(ada, factors=chosen, modified_at=NOW + 1)
