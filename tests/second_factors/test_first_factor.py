"""Who needs a second factor and has none sets one up as he signs in: client and pool together."""

import pytest

from authflow import AuthFlow, ChallengeRequired, Form, SignedIn
from authflow.answers import Choice, Code, EmailAddress
from authflow.errors import (
    CodeMismatchError,
    LockedOutError,
    PoolSetupError,
    SessionSpentError,
)

PASSWORD = "Correct-horse-1"
SMS, TOTP, EMAIL = "SMS_MFA", "SOFTWARE_TOKEN_MFA", "EMAIL_OTP"
CHEAP = AuthFlow.USER_PASSWORD_AUTH


async def set_up(bank, name: str, **given) -> ChallengeRequired:
    pending = await bank.sign_in(name, **given)
    assert pending.challenge.name == "MFA_SETUP"
    return pending


async def with_key(bank, pending: ChallengeRequired, name: str) -> ChallengeRequired:
    """Choose an authenticator, and put its key into the user's app."""
    waiting = await bank.auth.answer(pending, Choice(TOTP))
    assert isinstance(waiting, ChallengeRequired)
    new = waiting.challenge.new_authenticator
    assert new is not None
    bank.apps[name] = new.key.reveal()
    assert f"otpauth://totp/Bank:{name}?" in new.uri.reveal()
    return waiting


async def asked_next_time(bank, name: str, **given) -> ChallengeRequired:
    bank.wait_for_the_next_code()
    return await bank.sign_in(name, **given)


async def test_an_authenticator_is_set_up_by_typed_answers_and_asked_from_then_on(bank):
    await bank.turn("ON", TOTP)
    name = await bank.add_user()
    waiting = await with_key(bank, await set_up(bank, name), name)
    code = Code(await bank.code(TOTP, name), device_name="ann's phone")
    assert isinstance(await bank.auth.answer(waiting, code), SignedIn)
    pending = await asked_next_time(bank, name)
    assert pending.challenge.name == TOTP
    assert pending.challenge.parameters["FRIENDLY_DEVICE_NAME"] == "ann's phone"
    result = await bank.auth.answer(pending, await bank.code(TOTP, name))
    assert isinstance(result, SignedIn)
    preference = await bank.auth.mfa_preference(result.tokens.access_token)
    assert preference.on == {TOTP}


async def test_an_address_is_an_answer_at_once(bank):
    await bank.turn("ON", TOTP, EMAIL)
    name = await bank.add_user()
    pending = await set_up(bank, name)
    pending = await bank.auth.answer(pending, EmailAddress(f"{name}@example.org"))
    assert pending.challenge.name == EMAIL
    assert f"{name}@" not in str(pending.challenge.parameters)
    code = await bank.code(EMAIL, name)
    assert isinstance(await bank.auth.answer(pending, code), SignedIn)
    assert (await asked_next_time(bank, name)).challenge.name == EMAIL


@pytest.mark.parametrize(
    ("chosen", "answers"),
    [
        ((TOTP,), ["wrong", "right"]),
        ((TOTP, EMAIL), ["an authenticator app", "---", "wrong", "wrong", "right"]),
        ((EMAIL, TOTP), ["codes by e-mail", "ann@example.org", "wrong", "right"]),
        ((EMAIL,), ["ann@example.org", "right"]),
    ],
    ids=str,
)
async def test_a_prompt_leads_through_it_and_asks_again_for_a_wrong_code(bank, chosen, answers):
    await bank.turn("ON", *chosen)
    name = await bank.add_user()
    person = bank.person(name, *answers)
    result = await bank.auth.sign_in(name, PASSWORD, flow=CHEAP, prompt=person)
    assert isinstance(result, SignedIn)
    told = [text for text in person.told if text.startswith("the code is wrong")]
    assert len(told) == answers.count("wrong")
    factor = EMAIL if name not in bank.apps else TOTP
    assert (await asked_next_time(bank, name)).challenge.name == factor


@pytest.mark.parametrize("factor", [TOTP, EMAIL])
async def test_a_page_leads_through_it_by_forms_and_any_worker_by_its_ticket(bank, factor):
    await bank.turn("ON", TOTP, EMAIL)
    name = await bank.add_user()
    ticket = await bank.auth.seal(await set_up(bank, name))
    pages = [{"factor": factor}, *[{"email": f"{name}@example.org"}] * (factor == EMAIL), {}]
    for number, values in enumerate(pages):
        worker = (bank.other, bank.auth)[number % 2]
        pending = await worker.resume(ticket)
        form = worker.form(pending)
        assert isinstance(form, Form)
        new = pending.challenge.new_authenticator
        if new is not None:
            bank.apps[name] = new.key.reveal()
            assert new.key.reveal() not in ticket
            assert new.uri.reveal() in str(form.to_json())
        filled = form.fill(values or {"code": await bank.code(factor, name)})
        result = await worker.answer(pending, filled)
        if isinstance(result, ChallengeRequired):
            ticket = await worker.seal(result)
    assert isinstance(result, SignedIn)
    assert (await asked_next_time(bank, name)).challenge.name == factor


async def test_five_wrong_first_codes_lock_and_the_lock_passes(bank, wrong_code):
    await bank.turn("ON", TOTP)
    name = await bank.add_user()
    pending = await with_key(bank, await set_up(bank, name), name)
    code = await bank.code(TOTP, name)
    for _ in range(5):
        with pytest.raises(CodeMismatchError):
            await bank.auth.answer(pending, wrong_code(code))
    with pytest.raises(LockedOutError):
        await bank.auth.answer(pending, code)
    bank.clock.advance(2)
    code = await bank.code(TOTP, name)
    assert isinstance(await bank.auth.answer(pending, code), SignedIn)


async def test_a_newcomer_is_led_by_a_prompt_through_password_and_factor(bank):
    await bank.turn("ON", TOTP, EMAIL)
    name = await bank.add_newcomer()
    person = bank.person(name, "short", PASSWORD, "an authenticator app", "wrong", "right")
    result = await bank.auth.sign_in(name, "Temporary-1", flow=AuthFlow.CUSTOM_AUTH, prompt=person)
    assert isinstance(result, ChallengeRequired)
    assert result.challenge.name == "CUSTOM_CHALLENGE"
    assert isinstance(await bank.auth.answer(result, "open sesame"), SignedIn)


async def test_the_first_who_sets_a_factor_up_keeps_it(bank):
    await bank.turn("ON", TOTP)
    name = await bank.add_user()
    first, second = [await set_up(bank, name) for _ in range(2)]
    late = await with_key(bank, second, name)
    late_key = bank.apps[name]
    waiting = await with_key(bank, first, name)
    assert isinstance(await bank.auth.answer(waiting, await bank.code(TOTP, name)), SignedIn)
    with pytest.raises(SessionSpentError):
        await bank.auth.answer(late, bank.app_code(late_key))
    assert (await asked_next_time(bank, name)).challenge.name == TOTP


async def test_what_only_an_administrator_can_set_up_is_said(bank):
    await bank.turn("ON", SMS)
    name = await bank.add_user()
    with pytest.raises(PoolSetupError, match="a phone number never can"):
        await bank.sign_in(name)
    assert (await bank.sign_in(await bank.add_user("phone_number"))).challenge.name == SMS


async def test_an_address_that_is_none_is_told_and_the_step_goes_on(bank):
    await bank.turn("ON", EMAIL)
    name = await bank.add_user()
    person = bank.person(name, "nowhere", f"{name}@example.org", "right")
    result = await bank.auth.sign_in(name, PASSWORD, flow=CHEAP, prompt=person)
    assert isinstance(result, SignedIn)
