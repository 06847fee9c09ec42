"""Codes, sessions and time steps are for one answer, also if a hundred come at the same time."""

import asyncio

import pytest

RACERS = 100
RESPOND = "RespondToAuthChallenge"
SMS, TOTP, EMAIL = FACTORS = ["SMS_MFA", "SOFTWARE_TOKEN_MFA", "EMAIL_OTP"]


@pytest.fixture
async def mfa(settle_mfa, tmp_path):
    """A pool with a user who has all factors."""
    mfa = await settle_mfa(db=str(tmp_path / "pool.db"))
    await mfa.turn("OPTIONAL", *FACTORS)
    await mfa.add_user("ann", *FACTORS)
    return mfa


async def race(mfa, *calls):
    """Send many requests at once; return the replies that are no refusals, and the refusals."""
    replies = await mfa.house.api.at_once(*calls)
    losers = [reply for reply in replies if "__type" in reply]
    return [reply for reply in replies if reply not in losers], losers


@pytest.mark.parametrize("factor", FACTORS)
async def test_of_a_hundred_right_codes_at_once_one_wins(mfa, factor):
    await mfa.prefer(factor, preferred=factor)
    session = await mfa.asked(factor)
    answer = mfa.answer(factor, session, await mfa.code(factor))
    (winner,), losers = await race(mfa, *[(RESPOND, answer)] * RACERS)
    assert "RefreshToken" in winner["AuthenticationResult"]
    assert {each["__type"] for each in losers} == {"NotAuthorizedException"}


async def test_a_time_step_is_accepted_in_one_of_many_sessions(mfa):
    await mfa.prefer(TOTP, preferred=TOTP)
    sessions = [await mfa.asked(TOTP) for _ in range(5)]
    answers = [(RESPOND, mfa.answer(TOTP, each, mfa.totp())) for each in sessions]
    (winner,), losers = await race(mfa, *answers)
    assert "RefreshToken" in winner["AuthenticationResult"]
    assert {each["__type"] for each in losers} == {"ExpiredCodeException"}


@pytest.mark.parametrize("factor", [SMS, TOTP])
async def test_of_a_hundred_wrong_codes_at_once_five_are_judged(mfa, factor):
    await mfa.prefer(factor, preferred=factor)
    sessions = [await mfa.asked(factor) for _ in range(4)]
    code = await mfa.code(factor)
    wrong = [f"{(int(code) + 10 + place) % 10**6:06}" for place in range(RACERS)]
    answers = [
        (RESPOND, mfa.answer(factor, sessions[place % len(sessions)], each))
        for place, each in enumerate(wrong)
    ]
    winners, losers = await race(mfa, *answers)
    assert not winners
    judged = [each for each in losers if each["__type"] == "CodeMismatchException"]
    locked = [each for each in losers if each["message"] == "Password attempts exceeded"]
    assert (len(judged), len(locked)) == (5, RACERS - 5)


async def test_of_a_hundred_choices_at_once_one_is_made(mfa):
    await mfa.turn("ON", *FACTORS)
    session = await mfa.asked("SELECT_MFA_TYPE")
    answers = [
        (RESPOND, mfa.house.answer("SELECT_MFA_TYPE", "ann", session, ANSWER=FACTORS[place % 3]))
        for place in range(RACERS)
    ]
    (winner,), losers = await race(mfa, *answers)
    assert winner["ChallengeName"] in FACTORS
    assert {each["__type"] for each in losers} == {"NotAuthorizedException"}


async def test_of_a_hundred_set_ups_at_once_one_is_gone_on_with_at_each_step(mfa):
    await mfa.turn("ON", *FACTORS)
    await mfa.house.add_user("bob")
    session = await mfa.asked("MFA_SETUP", "bob")
    calls = [("AssociateSoftwareToken", {"Session": session})] * RACERS
    (begun,), losers = await race(mfa, *calls)
    assert {each["__type"] for each in losers} == {"NotAuthorizedException"}
    request = {"Session": begun["Session"], "UserCode": mfa.code_of(begun["SecretCode"])}
    (done,), losers = await race(mfa, *[("VerifySoftwareToken", request)] * RACERS)
    assert {each["__type"] for each in losers} == {"NotAuthorizedException"}
    answer = mfa.house.answer("MFA_SETUP", "bob", done["Session"])
    (winner,), losers = await race(mfa, *[(RESPOND, answer)] * RACERS)
    assert "RefreshToken" in winner["AuthenticationResult"]
    assert {each["__type"] for each in losers} == {"NotAuthorizedException"}


async def test_of_many_authenticators_set_up_at_once_one_is_the_users(mfa):
    await mfa.turn("ON", *FACTORS)
    await mfa.house.add_user("bob")
    calls = []
    for _ in range(20):
        session = await mfa.asked("MFA_SETUP", "bob")
        begun = await mfa.house.api("AssociateSoftwareToken", Session=session)
        code = mfa.code_of(begun["SecretCode"])
        calls.append(("VerifySoftwareToken", {"Session": begun["Session"], "UserCode": code}))
    (winner,), losers = await race(mfa, *calls)
    assert winner["Status"] == "SUCCESS"
    assert {each["__type"] for each in losers} == {"NotAuthorizedException"}


async def test_a_code_at_two_servers_of_one_file_is_good_once(start, settle_mfa, tmp_path):
    file = {"db": str(tmp_path / "pool.db")}
    mfa = await settle_mfa(**file)
    other = await start(**file)
    await mfa.turn("OPTIONAL", TOTP)
    await mfa.add_user("ann", TOTP)
    await mfa.prefer(TOTP, preferred=TOTP)
    answers = [mfa.answer(TOTP, await mfa.asked(TOTP), mfa.totp()) for _ in range(20)]
    here, there = await asyncio.gather(
        mfa.house.api.at_once(*((RESPOND, each) for each in answers[::2])),
        other.at_once(*((RESPOND, each) for each in answers[1::2])),
    )
    assert sum("AuthenticationResult" in reply for reply in here + there) == 1
