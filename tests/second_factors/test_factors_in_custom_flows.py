"""Password by SRP, a second factor, then a custom challenge: nothing of it is skipped."""

import pytest

from authflow import AuthFlow, ChallengeRequired, SignedIn
from authflow.answers import Choice
from authflow.errors import BadCredentialsError, CodeMismatchError

PASSWORD = "Correct-horse-1"
SMS, TOTP, EMAIL = "SMS_MFA", "SOFTWARE_TOKEN_MFA", "EMAIL_OTP"
CUSTOM = AuthFlow.CUSTOM_AUTH
WORD = "open sesame"


async def with_factor(bank, factor: str) -> str:
    await bank.turn("OPTIONAL", SMS, TOTP, EMAIL)
    name = await bank.add_user("phone_number", "email")
    if factor == TOTP:
        await bank.enrol(name)
    else:
        signed_in = await bank.auth.sign_in(name, PASSWORD)
        await bank.auth.set_mfa_preference(signed_in.tokens.access_token, preferred=factor)
    return name


@pytest.mark.parametrize("factor", [SMS, TOTP, EMAIL])
async def test_password_factor_and_word_are_asked_in_this_order(bank, factor, wrong_code):
    name = await with_factor(bank, factor)
    for word in ("open barley", WORD):
        pending = await bank.sign_in(name, flow=CUSTOM)
        assert pending.challenge.name == factor
        code = await bank.code(factor, name)
        with pytest.raises(CodeMismatchError):
            await bank.auth.answer(pending, wrong_code(code))
        pending = await bank.auth.answer(pending, code)
        assert isinstance(pending, ChallengeRequired)
        assert pending.challenge.name == "CUSTOM_CHALLENGE"
        assert pending.challenge.kind == "word"
        if word == WORD:
            assert isinstance(await bank.auth.answer(pending, word), SignedIn)
        else:
            pending = await bank.auth.answer(pending, word)
            assert isinstance(pending, ChallengeRequired)
            with pytest.raises(BadCredentialsError):
                await bank.auth.answer(pending, word)
        bank.wait_for_the_next_code()


@pytest.mark.parametrize("factor", [TOTP, EMAIL])
async def test_a_factor_is_set_up_before_the_word_is_asked_for(bank, factor):
    await bank.turn("ON", TOTP, EMAIL)
    name = await bank.add_user()
    pending = await bank.sign_in(name, flow=CUSTOM)
    assert pending.challenge.name == "MFA_SETUP"
    pending = await bank.auth.answer(pending, Choice(factor))
    if factor == TOTP:
        bank.apps[name] = pending.challenge.new_authenticator.key.reveal()
    else:
        pending = await bank.auth.answer(pending, f"{name}@example.org")
    pending = await bank.auth.answer(pending, await bank.code(factor, name))
    assert pending.challenge.name == "CUSTOM_CHALLENGE"
    assert isinstance(await bank.auth.answer(pending, WORD), SignedIn)


async def test_a_newcomer_goes_through_all_of_it(bank):
    await bank.turn("ON", TOTP)
    name = await bank.add_newcomer()
    person = bank.person(name, PASSWORD, "right")
    pending = await bank.auth.sign_in(name, "Temporary-1", flow=CUSTOM, prompt=person)
    assert isinstance(pending, ChallengeRequired)
    assert pending.challenge.name == "CUSTOM_CHALLENGE"
    assert isinstance(await bank.auth.answer(pending, WORD), SignedIn)
