"""The settings of second factors: what each operation may set, over all combinations."""

from itertools import chain, combinations, product

import pytest

from authflow.pool.accounts.user_pool import FACTOR_SETTINGS
from authflow.pool.cognito_errors import CognitoError
from authflow.pool.settings.mfa_settings import check_new, configured, described, updated

SMS = {"SnsCallerArn": "arn:aws:iam::000000000000:role/sms", "ExternalId": "any"}
MODES = ("OFF", "OPTIONAL", "ON")
FACTORS = {
    "SmsMfaConfiguration": {"SmsAuthenticationMessage": "Code {####}", "SmsConfiguration": SMS},
    "SoftwareTokenMfaConfiguration": {"Enabled": True},
    "EmailMfaConfiguration": {"Message": "Code {####}", "Subject": "Code"},
}
PASSKEYS = {"WebAuthnConfiguration": {"RelyingPartyId": "example.org"}}
SUBSETS = list(chain.from_iterable(combinations(FACTORS, size) for size in range(4)))
NO_FACTOR = (
    "SMS configuration and Auto verification for phone_number are required when MFA is "
    "required/optional"
)


def message_of(job, *given):
    with pytest.raises(CognitoError) as refusal:
        job(*given)
    assert refusal.value.code == "InvalidParameterException"
    return refusal.value.message


def chosen(*names):
    return {name: FACTORS[name] for name in names}


@pytest.mark.parametrize("mode", [None, *MODES])
@pytest.mark.parametrize("texts", [True, False])
def test_a_new_pool_has_mfa_by_text_message_or_none(mode, texts):
    settings = {"MfaConfiguration": mode} if mode else {}
    settings |= {"SmsConfiguration": SMS} if texts else {}
    if texts or mode in {None, "OFF"}:
        check_new(settings)
    else:
        assert message_of(check_new, settings) == NO_FACTOR


@pytest.mark.parametrize("mode", [None, *MODES])
@pytest.mark.parametrize("factors", SUBSETS, ids=lambda names: "+".join(names) or "none")
@pytest.mark.parametrize("passkeys", [{}, PASSKEYS], ids=["", "passkeys"])
def test_factors_go_with_mfa_and_mfa_with_factors(mode, factors, passkeys):
    given = {"UserPoolId": "x", **chosen(*factors), **passkeys}
    given |= {"MfaConfiguration": mode} if mode else {}
    off = mode in {None, "OFF"}
    if off and factors:
        told = message_of(configured, {}, given)
        assert told == (
            "Invalid MFA configuration given, can't turn off MFA and configure an MFA together."
        )
    elif not off and not factors:
        told = message_of(configured, {}, given)
        assert told == (
            "Invalid MFA Configuration given. SMS MFA, Email MFA, or Software Token MFA must be "
            "enabled."
        )
    else:
        set_ = configured({"PoolName": "one", "UserPoolTags": {}}, given)
        wanted = {"MfaConfiguration": mode or "OFF", **chosen(*factors), **passkeys}
        assert described(set_) == wanted
        assert (set_["PoolName"], set_["UserPoolTags"]) == ("one", {})
        assert "UserPoolId" not in set_


@pytest.mark.parametrize(("before", "after"), list(product(SUBSETS, repeat=2)))
def test_what_is_left_out_is_gone(before, after):
    old = configured({}, {"MfaConfiguration": "ON", **chosen(*before)}) if before else {}
    mode = "OPTIONAL" if after else "OFF"
    given = {"MfaConfiguration": mode, **chosen(*after)}
    sms = "SmsMfaConfiguration"
    if after and sms in before and sms not in after:
        assert message_of(configured, old, given) == (
            "Can't turn off SMS_MFA when SMS configuration is set for the user pool"
        )
        return
    told = described(configured(old, given))
    # What sends text messages is the pool's own; it stays, and so it is told. Their text goes.
    kept = {} if sms not in before else {sms: {"SmsConfiguration": SMS}}
    assert told == {**kept, **given}


@pytest.mark.parametrize("old", ["SetUserPoolMfaConfig", "CreateUserPool"])
@pytest.mark.parametrize("mode", MODES)
def test_a_text_that_is_left_out_is_gone(mode, old):
    before = {"SmsConfiguration": SMS, "SmsAuthenticationMessage": "Old {####}"}
    if old == "SetUserPoolMfaConfig":
        before = configured({}, {"MfaConfiguration": "ON", "SmsMfaConfiguration": before})
    given = {} if mode == "OFF" else {"SmsMfaConfiguration": {"SmsConfiguration": SMS}}
    after = configured(before, {"MfaConfiguration": mode, **given})
    assert "Old" not in str(after)
    assert after["SmsConfiguration"] == SMS


DISABLED = ({"Enabled": False}, {})


@pytest.mark.parametrize("disabled", DISABLED)
@pytest.mark.parametrize("mode", MODES)
def test_a_factor_that_is_named_counts_though_it_is_disabled_but_is_not_enough(mode, disabled):
    off = {"SoftwareTokenMfaConfiguration": disabled}
    given = {"MfaConfiguration": mode, **off}
    told = message_of(configured, {}, given)
    if mode == "OFF":
        assert "can't turn off MFA" in told
        return
    assert told == (
        "Invalid MFA configuration given, can't disable all MFAs with a required or optional "
        "configuration."
    )
    for other in ("SmsMfaConfiguration", "EmailMfaConfiguration"):
        both = {**given, **chosen(other)}
        assert described(configured({}, both)) == both


def test_passkeys_stay_until_others_are_set():
    old = configured({}, PASSKEYS)
    later = configured(old, {"MfaConfiguration": "ON", **chosen("EmailMfaConfiguration")})
    assert described(later)["WebAuthnConfiguration"] == PASSKEYS["WebAuthnConfiguration"]
    other = {"WebAuthnConfiguration": {"UserVerification": "required"}}
    assert described(configured(later, other)) == {"MfaConfiguration": "OFF", **other}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "sms",
    [
        {},
        {"SmsAuthenticationMessage": "Code {####}"},
        *({"SmsConfiguration": {name: SMS[name]}} for name in SMS),
        {"SmsConfiguration": {"SnsRegion": "us-east-1"}},
        {"SmsConfiguration": {}},
    ],
)
def test_text_messages_need_somebody_who_sends_them(mode, sms):
    given = {"MfaConfiguration": mode, "SmsMfaConfiguration": sms}
    assert message_of(configured, {}, given) == (
        "Invalid SMS MFA configuration given, external id and a valid caller arn are required"
    )


def test_text_messages_are_sent_as_the_pool_says_already():
    old = {"SmsConfiguration": SMS, "SmsAuthenticationMessage": "Old {####}"}
    new = {"SmsAuthenticationMessage": "New {####}"}
    for sms, text in (({}, {}), (new, new)):
        given = {"MfaConfiguration": "ON", "SmsMfaConfiguration": sms}
        told = described(configured(old, given))
        wanted = {**text, "SmsConfiguration": SMS}
        assert told == {"MfaConfiguration": "ON", "SmsMfaConfiguration": wanted}
    eums = {"SmsConfiguration": {"EumsSms": {"CallerArn": SMS["SnsCallerArn"]}}}
    assert configured({}, {"MfaConfiguration": "ON", "SmsMfaConfiguration": eums})


@pytest.mark.parametrize("before", MODES)
@pytest.mark.parametrize("factors", SUBSETS[1:], ids="+".join)
def test_an_update_that_does_not_speak_of_mfa_changes_nothing_of_it(before, factors):
    first = {"MfaConfiguration": "ON", **chosen(*factors), **PASSKEYS}
    old = configured({"UserPoolTags": {"team": "red"}}, first)
    old |= {"MfaConfiguration": before}
    if before != "OFF":
        assert described({**updated(old, {}), **PASSKEYS}) == described(old)
        assert described(updated(old, {"MfaConfiguration": before})) == described(old)
    assert "UserPoolTags" not in updated(old, {})
    other = {"SmsAuthenticationMessage": "Other {####}"}
    assert updated(old, other)["SmsAuthenticationMessage"] == "Other {####}"


@pytest.mark.parametrize("factors", SUBSETS[1:], ids="+".join)
def test_an_update_that_turns_mfa_off_leaves_passkeys_alone(factors):
    old = configured({}, {"MfaConfiguration": "ON", **chosen(*factors), **PASSKEYS})
    new = updated(old, {"MfaConfiguration": "OFF"})
    assert new == {"MfaConfiguration": "OFF", **PASSKEYS}


@pytest.mark.parametrize(("before", "after"), list(product(MODES, repeat=2)))
@pytest.mark.parametrize("factors", SUBSETS, ids=lambda names: "+".join(names) or "none")
@pytest.mark.parametrize("texts", [True, False])
def test_an_update_makes_mfa_optional_where_there_is_a_factor_and_never_turns_it_on(
    before, after, factors, texts
):
    old = configured({}, {"MfaConfiguration": "ON", **chosen(*factors)}) if factors else {}
    old |= {"MfaConfiguration": before}
    given = {"MfaConfiguration": after, **({"SmsConfiguration": SMS} if texts else {})}
    if after == "ON" != before:
        assert message_of(updated, old, given) == (
            "Cannot turn MFA functionality ON, once the user pool has been created."
        )
    elif after == "OPTIONAL" != before and not texts and not factors:
        assert message_of(updated, old, given) == NO_FACTOR
    else:
        assert updated(old, given)["MfaConfiguration"] == after


def test_all_of_it_is_told_and_nothing_else():
    assert described({"PoolName": "one"}) == {"MfaConfiguration": "OFF"}
    whole = configured({}, {"MfaConfiguration": "ON", **FACTORS, **PASSKEYS})
    assert described(whole).keys() == {"MfaConfiguration", *FACTOR_SETTINGS}
