"""The factors that GetUserAuthFactors tells, for every policy and every kind of user."""

from itertools import product

import pytest

from authflow.machine import State
from authflow.pool.accounts.passwords import StoredPassword
from authflow.pool.accounts.second_factors import Authenticator, UserFactors
from authflow.pool.accounts.user_pool import UserPool
from authflow.pool.accounts.users import CONFIRMED, User
from authflow.pool.factors.auth_factors import auth_factors

MADE = {"created_at": 0.0, "modified_at": 0.0}
VERIFIED = {
    "email": "ada@example.org",
    "email_verified": "true",
    "phone_number": "+12065550123",
    "phone_number_verified": "true",
}


def configured(first=None, *, mode="OFF", attributes=VERIFIED, enabled=(), authenticator=False):
    policy = {} if first is None else {"SignInPolicy": {"AllowedFirstAuthFactors": list(first)}}
    settings = {"Policies": policy, "MfaConfiguration": mode}
    pool = UserPool(id="p", settings=settings, key_id="", signing_key="", mask_key=b"", **MADE)
    user = User(
        sub="3f1c",
        pool_id="p",
        username="ada",
        status=CONFIRMED,
        attributes=attributes,
        password=StoredPassword(salt=b"1" * 16, verifier=b"2" * 384),
        factors=UserFactors(enabled=frozenset(enabled)),
        authenticator=Authenticator(sealed=b"x") if authenticator else None,
        **MADE,
    )
    told = auth_factors(pool, user)
    assert told["Username"] == "ada"
    assert "MFAOptions" not in told
    return told["ConfiguredUserAuthFactors"]


def test_without_a_policy_the_password_is_the_only_first_factor():
    assert configured() == configured(()) == configured(["PASSWORD"]) == ["PASSWORD"]


def test_codes_are_first_factors_where_the_policy_and_a_verified_address_say_so():
    every = ["PASSWORD", "EMAIL_OTP", "SMS_OTP", "WEB_AUTHN"]
    assert configured(every) == every[:3]
    assert configured(["EMAIL_OTP"]) == ["EMAIL_OTP"]
    unverified = {name: value for name, value in VERIFIED.items() if value != "true"}
    assert configured(every, attributes=unverified) == ["PASSWORD"]
    assert configured(every, attributes={**VERIFIED, "email": ""}) == ["PASSWORD", "SMS_OTP"]
    flags = {name: value for name, value in VERIFIED.items() if value == "true"}
    assert configured(every, attributes=flags) == ["PASSWORD"]


@pytest.mark.parametrize(("mode", "authenticator"), list(product(["OPTIONAL", "ON"], [0, 1])))
def test_who_has_or_must_have_a_second_factor_begins_with_the_password(mode, authenticator):
    every, authenticator = ["PASSWORD", "EMAIL_OTP", "SMS_OTP"], bool(authenticator)
    app = ["SOFTWARE_TOKEN"] if authenticator else []
    none = configured(every, mode=mode, authenticator=authenticator)
    assert none == (every if mode == "OPTIONAL" else ["PASSWORD"]) + app
    for factor, name in ((State.SMS_MFA, "SMS_OTP"), (State.EMAIL_OTP, "EMAIL_OTP")):
        found = configured(every, mode=mode, enabled={factor}, authenticator=authenticator)
        assert found == ["PASSWORD", name, *app]
