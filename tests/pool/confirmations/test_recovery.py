"""Which address recovers a password, over all settings, addresses and second factors."""

from itertools import chain, combinations

import pytest

from authflow.machine import State
from authflow.pool.accounts.passwords import StoredPassword
from authflow.pool.accounts.second_factors import FACTORS, UserFactors
from authflow.pool.accounts.user_pool import UserPool
from authflow.pool.accounts.users import CONFIRMED, User
from authflow.pool.cognito_errors import CognitoError
from authflow.pool.confirmations.recovery import reach_to_recover, recovery_attributes

MADE = {"created_at": 0.0, "modified_at": 0.0}
MECHANISMS = {"email": "verified_email", "phone_number": "verified_phone_number"}
ADDRESSES = {"email": "ada@example.org", "phone_number": "+12065550123"}
TAKES = {"email": State.EMAIL_OTP, "phone_number": State.SMS_MFA}
SUBSETS = list(chain.from_iterable(combinations(FACTORS, size) for size in range(4)))


@pytest.mark.parametrize("order", [(), ("email",), ("phone_number",), ("email", "phone_number")])
@pytest.mark.parametrize("has", [(), ("email",), ("phone_number",), ("email", "phone_number")])
@pytest.mark.parametrize("enabled", SUBSETS, ids=lambda names: "+".join(names) or "none")
def test_an_address_of_a_second_factor_recovers_no_password(order, has, enabled):
    mechanisms = [
        {"Priority": number, "Name": MECHANISMS[name]} for number, name in enumerate(order, 1)
    ]
    setting = {"AccountRecoverySetting": {"RecoveryMechanisms": mechanisms}} if order else {}
    pool = UserPool(id="p", settings=setting, key_id="", signing_key="", mask_key=b"", **MADE)
    attributes = {name: ADDRESSES[name] for name in has}
    user = User(
        sub="3f1c",
        pool_id="p",
        username="ada",
        status=CONFIRMED,
        attributes={**attributes, **{f"{name}_verified": "true" for name in has}},
        password=StoredPassword(salt=b"1" * 16, verifier=b"2" * 384),
        factors=UserFactors(enabled=frozenset(enabled)),
        **MADE,
    )
    free = [
        name
        for name in order or ("phone_number", "email")
        # Without the setting a phone number does both.
        if name in has and (TAKES[name] not in enabled or (not order and name == "phone_number"))
    ]
    if free:
        found = reach_to_recover(pool, user, recovery_attributes(pool))
        assert found.attribute == free[0]
    else:
        with pytest.raises(CognitoError, match="no registered/verified"):
            reach_to_recover(pool, user, recovery_attributes(pool))
