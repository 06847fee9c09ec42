"""Who has a second factor is asked for it: client and pool together, every factor in every way."""

import pytest
from attrs import evolve

from authflow import AuthFlow, ChallengeRequired, Form, NextStep, SignedIn
from authflow.answers import Code, EmailAddress
from authflow.errors import (
    AnswerNotSupportedError,
    CodeMismatchError,
    LockedOutError,
    MisuseError,
    SessionExpiredError,
    SessionSpentError,
)

PASSWORD = "Correct-horse-1"
SMS, TOTP, EMAIL = "SMS_MFA", "SOFTWARE_TOKEN_MFA", "EMAIL_OTP"
FACTORS = [SMS, TOTP, EMAIL]
CHEAP = AuthFlow.USER_PASSWORD_AUTH
NAMED = {
    SMS: "a code by text message",
    TOTP: "a code of your authenticator app",
    EMAIL: "a code by e-mail",
}


async def with_factors(bank, *factors: str, preferred: str | None = None) -> str:
    """Make a user who has turned factors on."""
    await bank.turn("OPTIONAL", *FACTORS)
    name = await bank.add_user("phone_number", "email")
    if TOTP in factors:
        signed_in = await bank.enrol(name, preferred=False)
    else:
        signed_in = await bank.auth.sign_in(name, PASSWORD, flow=CHEAP)
    await bank.auth.set_mfa_preference(
        signed_in.tokens.access_token, on=factors, preferred=preferred
    )
    return name


async def test_a_wrong_code_is_told_without_the_right_one_which_is_taken_as_it_is_pasted(
    bank, wrong_code
):
    name = await with_factors(bank, SMS)
    pending = await bank.sign_in(name)
    code = await bank.code(SMS, name)
    with pytest.raises(CodeMismatchError) as refused:
        await bank.auth.answer(pending, wrong_code(code))
    assert refused.value.next_step is NextStep.RETRY_SAME_CHALLENGE
    assert code not in str(refused.value)
    assert isinstance(await bank.auth.answer(pending, Code(f" {code[:3]} {code[3:]}")), SignedIn)


@pytest.mark.parametrize("factor", FACTORS)
async def test_a_prompt_is_told_of_a_wrong_code_and_asked_again(bank, factor):
    name = await with_factors(bank, factor)
    person = bank.person(name, "wrong", "---", "right")
    result = await bank.auth.sign_in(name, PASSWORD, flow=CHEAP, prompt=person)
    assert isinstance(result, SignedIn)
    assert "the code is wrong; try again" in person.told


@pytest.mark.parametrize("factor", FACTORS)
async def test_a_page_asks_by_a_form_and_another_worker_answers_by_the_ticket(bank, factor):
    name = await with_factors(bank, factor)
    ticket = await bank.auth.seal(await bank.sign_in(name))
    pending = await bank.other.resume(ticket)
    form = bank.other.form(pending)
    assert isinstance(form, Form)
    filled = form.fill({"code": await bank.code(factor, name)})
    assert isinstance(await bank.other.answer(pending, filled), SignedIn)
    with pytest.raises(SessionSpentError):
        await bank.other.answer(await bank.other.resume(ticket), filled)


async def test_a_choice_takes_nothing_but_an_option(bank):
    pending = await bank.sign_in(await with_factors(bank, SMS, EMAIL))
    assert pending.challenge.name == "SELECT_MFA_TYPE"
    for wrong in (TOTP, "TELEPATHY", "1"):
        with pytest.raises(MisuseError):
            await bank.auth.answer(pending, wrong)
    for wrong in (Code("123456"), EmailAddress("a@b")):
        with pytest.raises(AnswerNotSupportedError):
            await bank.auth.answer(pending, wrong)
    assert (await bank.auth.answer(pending, SMS)).challenge.name == SMS


@pytest.mark.parametrize("factor", FACTORS)
async def test_a_choice_is_made_at_a_prompt_and_on_a_page(bank, factor):
    name = await with_factors(bank, *FACTORS)
    pending = await bank.sign_in(name)
    form = bank.auth.form(pending)
    assert isinstance(form, Form)
    waiting = await bank.auth.answer(pending, form.fill({"factor": factor}))
    assert waiting.challenge.name == factor
    if factor != TOTP:
        del bank.apps[name]
    person = bank.person(name, NAMED[factor], "right")
    bank.wait_for_the_next_code()
    assert isinstance(await bank.auth.sign_in(name, PASSWORD, flow=CHEAP, prompt=person), SignedIn)


@pytest.mark.parametrize("factor", [TOTP, EMAIL])
async def test_five_wrong_codes_lock_in_all_sign_ins_together(bank, factor, wrong_code):
    name = await with_factors(bank, factor)
    sign_ins = [await bank.sign_in(name) for _ in range(2)]
    code = await bank.code(factor, name)
    for number in range(5):
        with pytest.raises(CodeMismatchError):
            await bank.auth.answer(sign_ins[number % 2], wrong_code(code))
    with pytest.raises(LockedOutError) as refused:
        await bank.auth.answer(sign_ins[1], code)
    assert refused.value.next_step is NextStep.WAIT
    bank.clock.advance(2)
    right = await bank.code(factor, name)
    assert isinstance(await bank.auth.answer(sign_ins[1], right), SignedIn)


async def test_a_prompt_ends_where_the_lock_begins(bank):
    name = await with_factors(bank, TOTP)
    person = bank.person(name, *["wrong"] * 5, "right")
    with pytest.raises(LockedOutError):
        await bank.auth.sign_in(name, PASSWORD, flow=CHEAP, prompt=person)


async def test_an_authenticators_code_is_good_once_in_all_sign_ins(bank):
    name = await with_factors(bank, TOTP)
    first, second = [await bank.sign_in(name) for _ in range(2)]
    code = await bank.code(TOTP, name)
    assert isinstance(await bank.auth.answer(first, code), SignedIn)
    with pytest.raises(CodeMismatchError) as refused:
        await bank.auth.answer(second, code)
    assert refused.value.message == "the code was used before: wait for the next one, and try again"
    bank.wait_for_the_next_code()
    assert isinstance(await bank.auth.answer(second, await bank.code(TOTP, name)), SignedIn)


@pytest.mark.parametrize("factor", [SMS, EMAIL])
async def test_a_code_belongs_to_its_sign_in(bank, factor):
    name = await with_factors(bank, factor)
    first = await bank.sign_in(name)
    code = await bank.code(factor, name)
    second = await bank.sign_in(name)
    with pytest.raises(CodeMismatchError):
        await bank.auth.answer(second, code)
    assert isinstance(await bank.auth.answer(first, code), SignedIn)


@pytest.mark.parametrize("factor", [TOTP, EMAIL])
async def test_a_code_that_comes_too_late_begins_the_sign_in_anew(bank, factor):
    name = await with_factors(bank, factor)
    pending = await bank.sign_in(name)
    code = await bank.code(factor, name)
    bank.clock.advance(bank.pool.config.session_validity.total_seconds() + 1)
    patient = evolve(pending, sign_in=evolve(pending.sign_in, expires_at=bank.clock.now + 60))
    for late in (pending, patient):  # the client knows by itself, and else by the pool
        with pytest.raises(SessionExpiredError) as refused:
            await bank.auth.answer(late, code)
        assert refused.value.next_step is NextStep.RESTART
    assert isinstance(await bank.sign_in(name), ChallengeRequired)


async def test_a_wrong_password_asks_for_nothing_and_sends_no_code(bank):
    name = await with_factors(bank, SMS)
    before = len(await bank.pool.messages(name))
    with pytest.raises(Exception, match="wrong username, password or answer"):
        await bank.auth.sign_in(name, "Wrong-horse-1")
    assert len(await bank.pool.messages(name)) == before
