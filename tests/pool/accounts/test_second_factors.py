"""Second factors are read as they were stored, and a pool's settings say which there are."""

from itertools import chain, combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authflow.machine import State
from authflow.pool.accounts.second_factors import FACTORS, Authenticator, MfaConfig, UserFactors
from authflow.pool.accounts.user_pool import UserPool


@given(
    st.builds(
        UserFactors,
        enabled=st.frozensets(st.sampled_from(FACTORS)),
        preferred=st.none() | st.sampled_from(FACTORS),
    )
)
def test_factors_are_read_as_they_were_stored(factors: UserFactors):
    assert UserFactors.from_json(factors.to_json()) == factors


@pytest.mark.parametrize("preferred", [None, *FACTORS])
def test_factors_are_told_with_the_preferred_one_and_text_messages_in_the_older_member_too(
    preferred,
):
    for size in range(4):
        for enabled in combinations(FACTORS, size):
            if preferred is not None and preferred not in enabled:
                continue
            told = UserFactors(enabled=frozenset(enabled), preferred=preferred).described()
            assert told.get("UserMFASettingList", []) == list(map(str, enabled))
            assert told.get("PreferredMfaSetting") == (preferred and str(preferred))
            assert ("MFAOptions" in told) is (State.SMS_MFA in enabled)
            assert all(told.values())
    assert UserFactors(enabled=frozenset(FACTORS)).described()["MFAOptions"] == [
        {"DeliveryMedium": "SMS", "AttributeName": "phone_number"}
    ]


@pytest.mark.parametrize("preferred", [None, *FACTORS])
@pytest.mark.parametrize("factor", FACTORS)
def test_without_a_factor_it_is_not_preferred_either(factor, preferred):
    factors = UserFactors(enabled=frozenset(FACTORS), preferred=preferred)
    rest = factors.without(factor)
    assert rest.enabled == frozenset(FACTORS) - {factor}
    assert rest.preferred is (None if preferred is factor else preferred)
    assert rest.without(factor) == rest


def test_a_user_of_an_older_file_has_no_factors():
    assert UserFactors.from_json("{}") == UserFactors()


@given(
    st.none()
    | st.builds(Authenticator, sealed=st.binary(), name=st.none() | st.text(), step=st.integers())
)
def test_an_authenticator_is_read_as_it_was_stored(authenticator: Authenticator | None):
    assert Authenticator.from_columns(*Authenticator.columns(authenticator)) == authenticator


SETTINGS = {
    State.SMS_MFA: {"SmsMfaConfiguration": {"SmsConfiguration": {"SnsCallerArn": "arn"}}},
    State.SOFTWARE_TOKEN_MFA: {"SoftwareTokenMfaConfiguration": {"Enabled": True}},
    State.EMAIL_OTP: {"EmailMfaConfiguration": {}},
}
SUBSETS = list(chain.from_iterable(combinations(FACTORS, size) for size in range(4)))


def config(**settings):
    return MfaConfig.of(
        UserPool(
            id="us-east-1_Example12",
            settings=settings,
            key_id="",
            signing_key="",
            mask_key=b"",
            created_at=0,
            modified_at=0,
        )
    )


@pytest.mark.parametrize("wanted", ["OPTIONAL", "ON"])
@pytest.mark.parametrize("factors", SUBSETS, ids=lambda factors: "+".join(factors) or "none")
def test_a_pool_allows_the_factors_that_are_set(factors, wanted):
    given = {name: value for factor in factors for name, value in SETTINGS[factor].items()}
    found = config(MfaConfiguration=wanted, **given)
    assert found.allowed == frozenset(factors)
    assert (found.on, found.required) == (True, wanted == "ON")
    off = MfaConfig(on=False, required=False, allowed=frozenset())
    assert config(**given) == config(MfaConfiguration="OFF", **given) == off


def test_an_authenticator_that_is_turned_off_is_not_allowed():
    found = config(MfaConfiguration="ON", SoftwareTokenMfaConfiguration={"Enabled": False})
    assert found == MfaConfig(on=True, required=True, allowed=frozenset())


@pytest.mark.parametrize("wanted", ["OPTIONAL", "ON"])
def test_a_pool_that_was_made_with_mfa_sends_text_messages_if_it_can(wanted):
    sms = {"SmsConfiguration": {"SnsCallerArn": "arn"}}
    assert config(MfaConfiguration=wanted, **sms).allowed == {State.SMS_MFA}
    assert config(MfaConfiguration=wanted, **sms, EmailMfaConfiguration={}).allowed == {
        State.EMAIL_OTP
    }
