"""Which second factor is asked for: every pool, every user, and what AWS documents for them."""

import itertools
import json
from functools import cache
from typing import Any

import pytest
from attrs import evolve, frozen

from authflow.machine import State
from authflow.pool.accounts.passwords import StoredPassword
from authflow.pool.accounts.second_factors import FACTORS, Authenticator, UserFactors
from authflow.pool.accounts.user_pool import UserPool
from authflow.pool.accounts.users import CONFIRMED, User
from authflow.pool.cognito_errors import CognitoError
from authflow.pool.sign_ins.second_factor import (
    FactorOwed,
    addresses_of_factors,
    factor_after_password,
    factors_to_set_up,
)

NOW = 1_800_000_000.0
SMS, TOTP, EMAIL = FACTORS
SETTING = {
    SMS: {"SmsMfaConfiguration": {"SmsConfiguration": {"SnsCallerArn": "arn"}}},
    TOTP: {"SoftwareTokenMfaConfiguration": {"Enabled": True}},
    EMAIL: {"EmailMfaConfiguration": {}},
}
HAS: dict[State, dict[str, Any]] = {
    SMS: {"attributes": {"phone_number": "+15551234567"}},
    TOTP: {"authenticator": Authenticator(sealed=b"sealed", name="Ada's phone")},
    EMAIL: {"attributes": {"email": "ada@example.org", "email_verified": "false"}},
}
RECOVERY = {
    "unsaid": None,
    "e-mail alone": ["verified_email"],
    "e-mail first": ["verified_email", "verified_phone_number"],
    "phone first": ["verified_phone_number", "verified_email"],
    "phone alone": ["verified_phone_number"],
    "administrators": ["admin_only"],
}
ANYTHING: dict[str, Any] = {}
"""The settings of an app client by which users write their addresses."""
EITHER = ("unsaid", "e-mail first")
SETS = [
    frozenset(each)
    for size in range(len(FACTORS) + 1)
    for each in itertools.combinations(FACTORS, size)
]
SOME = SETS[1:]


def pool(mode: str, allowed: frozenset[State] = frozenset(), recovery: str = "unsaid") -> UserPool:
    settings: dict[str, Any] = {"MfaConfiguration": mode}
    for factor in allowed:
        settings |= SETTING[factor]
    names = RECOVERY[recovery]
    if names is not None:
        mechanisms = [
            {"Name": name, "Priority": place} for place, name in enumerate(names, start=1)
        ]
        settings["AccountRecoverySetting"] = {"RecoveryMechanisms": mechanisms[::-1]}
    return UserPool(
        id="eu-central-1_x",
        settings=settings,
        key_id="key",
        signing_key="{}",
        mask_key=b"k" * 32,
        created_at=NOW,
        modified_at=NOW,
    )


NOBODY = User(
    sub="3f1c",
    pool_id="eu-central-1_x",
    username="ada",
    status=CONFIRMED,
    attributes={},
    password=StoredPassword(salt=b"1" * 16, verifier=b"2" * 384),
    created_at=NOW,
    modified_at=NOW,
)


def user(has: frozenset[State], enabled: frozenset[State] = frozenset(), preferred: Any = None):
    made = evolve(NOBODY, factors=UserFactors(enabled=enabled, preferred=preferred))
    for factor in has:
        more = dict(HAS[factor])
        if "attributes" in more:
            more["attributes"] = {**made.attributes, **more["attributes"]}
        made = evolve(made, **more)
    return made


@frozen
class Case:
    """One pool and one user, and what is asked then; a refusal is its code."""

    mode: str
    allowed: frozenset[State]
    recovery: str
    has: frozenset[State]
    enabled: frozenset[State]
    preferred: State | None
    owed: FactorOwed | str | None
    possible: frozenset[State]
    """The factors that may be set up."""

    @property
    def options(self) -> set[State]:
        """The factors that the client is asked for or may choose."""
        owed = self.owed
        if not isinstance(owed, FactorOwed) or owed.state is State.MFA_SETUP:
            return set()
        if owed.state is not State.SELECT_MFA_TYPE:
            return {owed.state}
        return set(map(State, json.loads(owed.parameters["MFAS_CAN_CHOOSE"])))


@cache
def every() -> tuple[Case, ...]:
    users = [
        (has, enabled, preferred, user(has, enabled, preferred))
        for has, enabled in itertools.product(SETS, SETS)
        for preferred in (None, *enabled)
    ]
    cases = []
    for mode, allowed, recovery in itertools.product(("ON", "OPTIONAL"), SOME, EITHER):
        made = pool(mode, allowed, recovery)
        for has, enabled, preferred, someone in users:
            owed: FactorOwed | str | None
            try:
                owed = factor_after_password(made, someone, ANYTHING)
            except CognitoError as error:
                owed = error.code
            possible = frozenset(factors_to_set_up(made, someone, ANYTHING))
            cases.append(Case(mode, allowed, recovery, has, enabled, preferred, owed, possible))
    return tuple(cases)


def test_without_mfa_nobody_is_asked():
    for has, enabled in itertools.product(SETS, SETS):
        someone = user(has, enabled)
        assert factor_after_password(pool("OFF", frozenset(FACTORS)), someone, ANYTHING) is None
        assert factors_to_set_up(pool("OFF", frozenset(FACTORS)), someone, ANYTHING) == ()


def test_where_mfa_is_required_nobody_passes_and_where_it_is_optional_who_turned_nothing_on():
    for case in every():
        passes = case.mode == "OPTIONAL" and not case.has & case.enabled
        assert (case.owed is None) is passes, case


def test_nobody_is_asked_for_a_factor_that_he_lacks():
    for case in every():
        assert case.options <= case.has, case


def test_a_factor_that_was_turned_on_is_asked_or_offered_whatever_the_pool_says_by_now():
    for case in every():
        on = case.enabled & case.has
        if case.preferred in on:
            assert case.options == {case.preferred}, case
        else:
            assert on <= case.options, case


def test_where_mfa_is_optional_only_what_was_turned_on_is_asked():
    for case in every():
        if case.mode == "OPTIONAL":
            assert case.options <= case.enabled, case
            assert not case.possible


def test_where_mfa_is_required_all_count_that_the_pool_has_but_the_address_of_the_recovery():
    for case in every():
        counts = case.allowed - ({EMAIL} if case.recovery.startswith("e-mail") else set())
        if case.mode != "ON" or case.preferred in case.enabled & case.has:
            continue
        assert case.options == case.has & (case.enabled | counts), case
        if case.options:
            assert not case.possible
        else:
            # A phone number cannot be set up in a sign-in.
            possible = counts - {SMS}
            assert case.possible == possible
            owed = case.owed
            if not possible:
                assert owed == "InvalidUserPoolConfigurationException"
            else:
                assert isinstance(owed, FactorOwed)
                assert owed.state is State.MFA_SETUP
                assert set(json.loads(owed.parameters["MFAS_CAN_SETUP"])) == possible


@pytest.mark.parametrize(("factor", "name"), [(SMS, "phone_number"), (EMAIL, "email")])
def test_an_address_that_was_emptied_is_none(factor, name):
    on = UserFactors(enabled=frozenset({factor}), preferred=factor)
    someone = evolve(NOBODY, attributes={name: ""}, factors=on)
    assert factor_after_password(pool("OPTIONAL", frozenset({factor})), someone, ANYTHING) is None
    other = factor_after_password(pool("ON", frozenset({factor, TOTP})), someone, ANYTHING)
    assert other.state is State.MFA_SETUP


def test_a_choice_is_asked_for_only_where_there_is_one():
    for case in every():
        owed = case.owed
        if isinstance(owed, FactorOwed) and owed.state is State.SELECT_MFA_TYPE:
            assert len(case.options) > 1, case
            assert owed.destination is None


DOCUMENTED = [
    # "If neither email nor SMS MFA is available, prompt the user for TOTP MFA."
    ("ON", {TOTP}, "unsaid", {TOTP}, TOTP),
    # "… `SELECT_MFA_TYPE` … options that include TOTP and the available SMS or email MFA factors"
    ("ON", {SMS, TOTP}, "unsaid", {SMS, TOTP}, State.SELECT_MFA_TYPE),
    # "a non-recovery email address … and email MFA is enabled, prompt … `EMAIL_OTP`"
    ("ON", {EMAIL}, "phone first", {EMAIL}, EMAIL),
    ("ON", {SMS}, "e-mail alone", {SMS, EMAIL}, SMS),
    # "If TOTP MFA is enabled, present the user with a `MFA_SETUP` challenge"
    ("ON", {SMS, TOTP}, "e-mail first", {EMAIL}, State.MFA_SETUP),
    # "If both attributes are enabled as an MFA factor, prompt … `SELECT_MFA_TYPE`"
    ("ON", {SMS, EMAIL}, "administrators", {SMS, EMAIL}, State.SELECT_MFA_TYPE),
    # "… SMS and email MFA are enabled, and the primary account-recovery method is by email"
    ("ON", {SMS, EMAIL}, "e-mail first", {SMS, EMAIL}, SMS),
    # "neither an `email` nor `phone_number` attribute, prompt them with an `MFA_SETUP` challenge"
    ("ON", {SMS, TOTP, EMAIL}, "unsaid", set(), State.MFA_SETUP),
]


@pytest.mark.parametrize(("mode", "allowed", "recovery", "has", "asked"), DOCUMENTED)
def test_what_is_asked_is_what_the_developer_guide_says(mode, allowed, recovery, has, asked):
    owed = factor_after_password(
        pool(mode, frozenset(allowed), recovery), user(frozenset(has)), ANYTHING
    )
    assert owed is not None
    assert owed.state is asked


@pytest.mark.parametrize("recovery", RECOVERY)
def test_only_what_recovers_passwords_first_is_no_factor_of_itself(recovery):
    by_email = pool("ON", frozenset({EMAIL, TOTP}), recovery)
    counts = not recovery.startswith("e-mail")
    asked = factor_after_password(by_email, user(frozenset({EMAIL})), ANYTHING)
    assert asked.state is (EMAIL if counts else State.MFA_SETUP)
    by_text = pool("ON", frozenset({SMS, TOTP}), recovery)
    assert factor_after_password(by_text, user(frozenset({SMS})), ANYTHING).state is SMS


def test_a_code_goes_to_the_address_and_only_its_outline_is_told():
    by_text = factor_after_password(pool("ON", frozenset({SMS})), user(frozenset({SMS})), ANYTHING)
    assert by_text.destination.address == "+15551234567"
    assert by_text.parameters == {
        "CODE_DELIVERY_DELIVERY_MEDIUM": "SMS",
        "CODE_DELIVERY_DESTINATION": "+*******4567",
    }
    by_email = factor_after_password(
        pool("ON", frozenset({EMAIL})), user(frozenset({EMAIL})), ANYTHING
    )
    assert by_email.destination.address == "ada@example.org"
    assert by_email.parameters == {
        "CODE_DELIVERY_DELIVERY_MEDIUM": "EMAIL",
        "CODE_DELIVERY_DESTINATION": "a***@e***",
    }
    assert "ada@example.org" not in repr(by_email)


def test_an_authenticator_is_asked_by_the_name_that_its_user_gave_it():
    everybody = pool("ON", frozenset({TOTP}))
    named = factor_after_password(everybody, user(frozenset({TOTP})), ANYTHING)
    assert named.parameters == {"FRIENDLY_DEVICE_NAME": "Ada's phone"}
    nameless = evolve(NOBODY, authenticator=Authenticator(sealed=b"sealed"))
    assert factor_after_password(everybody, nameless, ANYTHING).parameters == {}


@pytest.mark.parametrize("hidden", ["ENABLED", "LEGACY"])
async def test_a_password_is_not_recovered_where_a_factor_goes_that_nobody_turned_on(
    api, settle, mfa, hidden
):
    mechanisms = pool("ON", recovery="phone first").settings["AccountRecoverySetting"]
    mfa.house = await settle(
        api, {"AccountRecoverySetting": mechanisms}, PreventUserExistenceErrors=hidden
    )
    await mfa.add_user("ann", SMS, EMAIL, phone_number_verified="true", email_verified="true")
    await mfa.add_user("bob", SMS, phone_number_verified="true")
    request = {"ClientId": mfa.house.client_id}
    reply = await api("ForgotPassword", **request, Username="ann")
    assert reply["CodeDeliveryDetails"]["DeliveryMedium"] == "SMS"
    await mfa.turn("ON", SMS)
    reply = await api("ForgotPassword", **request, Username="ann")
    assert reply["CodeDeliveryDetails"]["DeliveryMedium"] == "EMAIL"
    sent = len(await mfa.messages())
    if hidden == "LEGACY":
        refusal = await api.refused("ForgotPassword", **request, Username="bob")
        assert refusal.code == "InvalidParameterException"
    else:
        assert await api("ForgotPassword", **request, Username="bob")
    assert len(await mfa.messages()) == sent


def test_the_addresses_of_a_user_are_those_that_a_sign_in_sends_codes_to():
    both = user(frozenset(FACTORS), frozenset({TOTP, SMS}), TOTP)
    assert addresses_of_factors(pool("ON", frozenset(FACTORS)), both) == frozenset()
    for preferred, addresses in ((SMS, {"phone_number"}), (None, {"phone_number", "email"})):
        someone = user(frozenset(FACTORS), frozenset({SMS}), preferred)
        assert addresses_of_factors(pool("ON", frozenset(FACTORS)), someone) == addresses
        assert addresses_of_factors(pool("OFF", frozenset(FACTORS)), someone) == frozenset()


@pytest.mark.parametrize("mode", ["ON", "OPTIONAL"])
def test_what_was_turned_on_is_asked_where_the_pool_offers_nothing_any_more(mode):
    for factor in FACTORS:
        someone = user(frozenset({factor}), frozenset({factor}))
        owed = factor_after_password(pool(mode), someone, ANYTHING)
        assert owed is not None
        assert owed.state is factor
