"""Who has several second factors and prefers none chooses one, and is asked for that one."""

import json

import pytest

RESPOND = "RespondToAuthChallenge"
SMS, TOTP, EMAIL = FACTORS = ["SMS_MFA", "SOFTWARE_TOKEN_MFA", "EMAIL_OTP"]


@pytest.fixture
async def choosing(mfa):
    await mfa.turn("OPTIONAL", *FACTORS)
    await mfa.add_user("ann", *FACTORS)
    await mfa.turn("ON", *FACTORS)
    return mfa


def chosen(mfa, session, option):
    return mfa.house.answer("SELECT_MFA_TYPE", "ann", session, ANSWER=option)


async def test_each_factor_can_be_chosen_and_then_no_other_is_asked(choosing):
    reply = await choosing.house.api("InitiateAuth", **choosing.house.by_password())
    assert reply["ChallengeName"] == "SELECT_MFA_TYPE"
    assert json.loads(reply["ChallengeParameters"]["MFAS_CAN_CHOOSE"]) == FACTORS
    for option, factor in ((SMS, SMS), (TOTP, TOTP), (EMAIL, EMAIL), ("EMAIL_MFA", EMAIL)):
        session = await choosing.asked("SELECT_MFA_TYPE")
        sent = len(await choosing.messages())
        reply = await choosing.house.api(RESPOND, **chosen(choosing, session, option))
        assert reply["ChallengeName"] == factor
        assert len(await choosing.messages()) - sent == (factor != TOTP)
        # The choice was made: its session is over, and a code of another kind is none.
        again = await choosing.house.api.refused(RESPOND, **chosen(choosing, session, option))
        assert again.message == "Invalid session for the user."
        for other in FACTORS:
            if other != factor:
                answer = choosing.answer(other, reply["Session"], choosing.totp())
                refusal = await choosing.house.api.refused(RESPOND, **answer)
                assert refusal.message == "Invalid session for the user."
        answer = choosing.answer(factor, reply["Session"], await choosing.code(factor))
        assert "AuthenticationResult" in await choosing.house.api(RESPOND, **answer)
        choosing.house.clock.now += 60


@pytest.mark.parametrize("option", ["WEB_AUTHN", "sms_mfa", "SELECT_MFA_TYPE", "MFA_SETUP", "x"])
async def test_what_is_no_factor_of_the_user_cannot_be_chosen_and_a_better_choice_can(
    choosing, option
):
    session = await choosing.asked("SELECT_MFA_TYPE")
    refusal = await choosing.house.api.refused(RESPOND, **chosen(choosing, session, option))
    assert refusal.code == "InvalidParameterException"
    assert option not in refusal.message
    reply = await choosing.house.api(RESPOND, **chosen(choosing, session, TOTP))
    assert reply["ChallengeName"] == TOTP


async def test_nothing_chosen_is_told(choosing):
    session = await choosing.asked("SELECT_MFA_TYPE")
    answer = choosing.house.answer("SELECT_MFA_TYPE", "ann", session)
    refusal = await choosing.house.api.refused(RESPOND, **answer)
    assert refusal.message == "Missing required parameter ANSWER"


async def test_a_factor_that_is_gone_by_now_cannot_be_chosen(choosing):
    session = await choosing.asked("SELECT_MFA_TYPE")
    await choosing.house.api("AdminDeleteSoftwareToken", **choosing.named())
    refusal = await choosing.house.api.refused(RESPOND, **chosen(choosing, session, TOTP))
    assert refusal.code == "InvalidParameterException"
    reply = await choosing.house.api(RESPOND, **chosen(choosing, session, SMS))
    assert reply["ChallengeName"] == SMS


async def test_who_prefers_a_factor_is_not_asked_to_choose(choosing):
    for factor in FACTORS:
        await choosing.prefer(*FACTORS, preferred=factor)
        await choosing.asked(factor)
