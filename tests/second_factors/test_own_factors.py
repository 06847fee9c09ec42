"""Users who are signed in set factors up and choose some; a lost authenticator is replaced."""

import pytest

from authflow import AuthFlow, ChallengeRequired, MfaPreference, NextStep, SecondFactor, SignedIn
from authflow.answers import Choice
from authflow.errors import CodeMismatchError, MfaNotSetUpError, TokenRevokedError

PASSWORD = "Correct-horse-1"
SMS, TOTP, EMAIL = "SMS_MFA", "SOFTWARE_TOKEN_MFA", "EMAIL_OTP"
ADMINISTRATORS = {
    SMS: "SMSMfaSettings",
    TOTP: "SoftwareTokenMfaSettings",
    EMAIL: "EmailMfaSettings",
}


async def token_of(bank, name: str):
    signed_in = await bank.auth.sign_in(name, PASSWORD, flow=AuthFlow.USER_PASSWORD_AUTH)
    assert isinstance(signed_in, SignedIn)
    return signed_in.tokens.access_token


async def test_an_authenticator_is_set_up_and_turned_on_outside_of_a_sign_in(bank, wrong_code):
    await bank.turn("OPTIONAL", TOTP)
    name = await bank.add_user()
    token = await token_of(bank, name)
    new = await bank.auth.enrol_totp(token)
    assert f"otpauth://totp/Bank:{name}?" in new.uri.reveal()
    code = bank.app_code(new.key.reveal())
    with pytest.raises(CodeMismatchError):
        await bank.auth.verify_totp(token, wrong_code(code))
    await bank.auth.verify_totp(token, f" {code[:3]} {code[3:]}\n", device_name="ann's phone")
    assert await bank.auth.mfa_preference(token) == MfaPreference()
    await token_of(bank, name)  # set up, but not on: nothing is asked
    await bank.auth.set_mfa_preference(token, preferred=TOTP)
    assert await bank.auth.mfa_preference(token) == MfaPreference(
        on=frozenset({SecondFactor.SOFTWARE_TOKEN_MFA}), preferred=SecondFactor.SOFTWARE_TOKEN_MFA
    )
    pending = await bank.sign_in(name)
    assert pending.challenge.name == TOTP
    with pytest.raises(CodeMismatchError, match="used before"):
        await bank.auth.answer(pending, code)
    bank.wait_for_the_next_code()
    assert isinstance(await bank.auth.answer(pending, bank.app_code(new.key.reveal())), SignedIn)


async def test_a_second_authenticator_replaces_the_first_once_it_is_verified(bank):
    await bank.turn("OPTIONAL", TOTP)
    name = await bank.add_user()
    token = (await bank.enrol(name)).tokens.access_token
    new = await bank.auth.enrol_totp(token)
    pending = await bank.sign_in(name)
    assert isinstance(await bank.auth.answer(pending, await bank.code(TOTP, name)), SignedIn)
    bank.wait_for_the_next_code()
    await bank.auth.verify_totp(token, bank.app_code(new.key.reveal()))
    bank.wait_for_the_next_code()
    pending = await bank.sign_in(name)
    with pytest.raises(CodeMismatchError):
        await bank.auth.answer(pending, await bank.code(TOTP, name))
    assert isinstance(await bank.auth.answer(pending, bank.app_code(new.key.reveal())), SignedIn)


async def test_factors_are_turned_on_and_off_one_by_one(bank):
    await bank.turn("OPTIONAL", SMS, TOTP, EMAIL)
    name = await bank.add_user("phone_number", "email")
    token = (await bank.enrol(name, preferred=False)).tokens.access_token
    steps = [
        ({"on": [SMS]}, {SMS}, None),
        ({"on": [EMAIL], "preferred": TOTP}, {SMS, TOTP, EMAIL}, TOTP),
        ({"preferred": EMAIL}, {SMS, TOTP, EMAIL}, EMAIL),
        ({"on": [EMAIL]}, {SMS, TOTP, EMAIL}, EMAIL),
        ({"on": [SMS, EMAIL], "off": [TOTP]}, {SMS, EMAIL}, EMAIL),
        ({"on": [SMS, TOTP]}, {SMS, TOTP, EMAIL}, EMAIL),
        ({"off": [EMAIL]}, {SMS, TOTP}, None),
        ({"off": [SMS, TOTP]}, set(), None),
    ]
    for given, on, preferred in steps:
        await bank.auth.set_mfa_preference(token, **given)
        preference = await bank.auth.mfa_preference(token)
        assert (set(preference.on), preference.preferred) == (on, preferred)
    await token_of(bank, name)


LACKING = {
    SMS: "no phone number or e-mail address for this second factor: set it first",
    TOTP: "no authenticator app yet: set one up by enrol_totp and verify_totp",
    EMAIL: "no phone number or e-mail address for this second factor: set it first",
}


@pytest.mark.parametrize("factor", [SMS, TOTP, EMAIL])
async def test_a_factor_that_the_user_lacks_cannot_be_turned_on_and_the_error_says_so(bank, factor):
    await bank.turn("OPTIONAL", SMS, TOTP, EMAIL)
    name = await bank.add_user()
    token = await token_of(bank, name)
    with pytest.raises(MfaNotSetUpError) as refused:
        await bank.auth.set_mfa_preference(token, on=[factor])
    assert refused.value.next_step is NextStep.GIVE_UP
    assert refused.value.message == f"the user has {LACKING[factor]}"


@pytest.mark.parametrize("factor", [SMS, TOTP, EMAIL])
async def test_a_factor_that_the_pool_lacks_cannot_be_turned_on(bank, factor):
    name = await bank.add_user("phone_number", "email")
    token = await token_of(bank, name)
    with pytest.raises(MfaNotSetUpError):
        await bank.auth.set_mfa_preference(token, on=[factor])
    if factor == TOTP:
        with pytest.raises(MfaNotSetUpError, match="its owner turns it on"):
            await bank.auth.enrol_totp(token)


async def test_nothing_is_verified_that_was_not_begun(bank):
    await bank.turn("OPTIONAL", TOTP)
    token = await token_of(bank, await bank.add_user())
    with pytest.raises(MfaNotSetUpError, match="set one up by enrol_totp"):
        await bank.auth.verify_totp(token, "123456")


async def test_a_token_that_was_signed_out_enrols_nobody(bank):
    await bank.turn("OPTIONAL", TOTP)
    token = await token_of(bank, await bank.add_user())
    await bank.auth.sign_out(token)
    for call in (
        bank.auth.enrol_totp(token),
        bank.auth.verify_totp(token, "123456"),
        bank.auth.set_mfa_preference(token, on=[TOTP]),
        bank.auth.mfa_preference(token),
    ):
        with pytest.raises(TokenRevokedError):
            await call


@pytest.mark.parametrize("by", ["AdminDeleteSoftwareToken", "AdminSetUserMFAPreference"])
async def test_who_has_lost_an_authenticator_sets_a_new_one_up_after_an_administrators_reset(
    bank, by
):
    await bank.turn("OPTIONAL", TOTP)
    name = await bank.add_user()
    await bank.enrol(name)
    lost = bank.apps[name]
    await bank.turn("ON", TOTP)
    waiting_before = await bank.sign_in(name)
    assert waiting_before.challenge.name == TOTP
    if by == "AdminDeleteSoftwareToken":
        await bank.owner(by, name)
    else:
        off = {"Enabled": False, "PreferredMfa": False}
        await bank.owner(by, name, **{ADMINISTRATORS[TOTP]: off})
        # Where MFA is required, what is turned off is asked all the same: only deleting it helps.
        assert (await bank.sign_in(name)).challenge.name == TOTP
        await bank.owner("AdminDeleteSoftwareToken", name)
    with pytest.raises(CodeMismatchError):  # the finder's app opens nothing any more
        await bank.auth.answer(waiting_before, bank.app_code(lost))
    pending = await bank.sign_in(name)
    assert pending.challenge.name == "MFA_SETUP"
    waiting = await bank.auth.answer(pending, Choice(TOTP))
    assert isinstance(waiting, ChallengeRequired)
    bank.apps[name] = waiting.challenge.new_authenticator.key.reveal()
    assert isinstance(await bank.auth.answer(waiting, await bank.code(TOTP, name)), SignedIn)
    bank.wait_for_the_next_code()
    pending = await bank.sign_in(name)
    assert isinstance(await bank.auth.answer(pending, await bank.code(TOTP, name)), SignedIn)


async def test_where_mfa_is_optional_a_reset_lets_in_by_the_password_alone(bank):
    await bank.turn("OPTIONAL", TOTP)
    name = await bank.add_user()
    await bank.enrol(name)
    await bank.owner("AdminDeleteSoftwareToken", name)
    await token_of(bank, name)


async def test_an_administrator_prefers_another_factor_for_a_user(bank):
    await bank.turn("OPTIONAL", TOTP, EMAIL)
    name = await bank.add_user("email")
    await bank.enrol(name)
    preferred = {"Enabled": True, "PreferredMfa": True}
    await bank.owner("AdminSetUserMFAPreference", name, EmailMfaSettings=preferred)
    assert (await bank.sign_in(name)).challenge.name == EMAIL
