import pytest

TEMPORARY = "Temp0rary!"
INVALID = "Invalid session for the user."


@pytest.fixture
async def asked(house):
    await house.api(
        "AdminCreateUser",
        UserPoolId=house.pool_id,
        Username="bob",
        TemporaryPassword=TEMPORARY,
    )
    return await house.api("InitiateAuth", **house.by_password("bob", TEMPORARY))


def answer(house, session, username="bob", name="NEW_PASSWORD_REQUIRED"):
    answers = {"NEW_PASSWORD": "Str0ng-Horse", "ANSWER": "x", "SMS_MFA_CODE": "123456"}
    return house.answer(name, username, session, **answers)


async def test_a_session_has_256_bits_or_more_and_differs_every_time(house, asked):
    other = await house.api("InitiateAuth", **house.by_password("bob", TEMPORARY))
    assert len(asked["Session"]) >= 256 / 6
    assert asked["Session"] != other["Session"]


async def test_a_missing_session_is_named(house, asked):
    refusal = await house.api.refused("RespondToAuthChallenge", **answer(house, None))
    assert refusal.message == "Missing required parameter Session"


@pytest.mark.parametrize("change", [str.swapcase, lambda s: "A" * 64, lambda s: s[:-1] + "\u00e9"])
async def test_an_invented_session_is_refused(house, asked, change):
    request = answer(house, change(asked["Session"]))
    refusal = await house.api.refused("RespondToAuthChallenge", **request)
    assert (refusal.code, refusal.message) == ("NotAuthorizedException", INVALID)


async def test_a_session_of_another_user_client_or_step_is_refused_and_stays_good(
    house, asked, settle
):
    await house.add_user("ann")
    session = asked["Session"]
    second = await house.api("CreateUserPoolClient", UserPoolId=house.pool_id, ClientName="second")
    for wrong in (
        answer(house, session, "ann"),
        {**answer(house, session), "ClientId": second["UserPoolClient"]["ClientId"]},
        answer(house, session, name="CUSTOM_CHALLENGE"),
        answer(house, session, name="SMS_MFA"),
        answer(await settle(house.api), session),
    ):
        refusal = await house.api.refused("RespondToAuthChallenge", **wrong)
        assert (refusal.code, refusal.message) == ("NotAuthorizedException", INVALID)
    reply = await house.api("RespondToAuthChallenge", **answer(house, session))
    assert "AuthenticationResult" in reply


async def test_a_secret_block_is_no_session(house):
    await house.add_user("ann")
    _, asked = await house.ask("ann")
    block = asked["ChallengeParameters"]["SECRET_BLOCK"]
    for name in ("NEW_PASSWORD_REQUIRED", "CUSTOM_CHALLENGE"):
        refusal = await house.api.refused(
            "RespondToAuthChallenge", **answer(house, block, "ann", name)
        )
        assert refusal.message == INVALID


@pytest.mark.parametrize(("minutes", "seconds"), [(None, 180), (3, 180), (15, 900)])
async def test_a_session_expires_when_the_client_says(api, settle, minutes, seconds):
    validity = {} if minutes is None else {"AuthSessionValidity": minutes}
    house = await settle(api, **validity)
    await api(
        "AdminCreateUser", UserPoolId=house.pool_id, Username="bob", TemporaryPassword=TEMPORARY
    )
    asked = await api("InitiateAuth", **house.by_password("bob", TEMPORARY))
    house.clock.now += seconds
    refusal = await api.refused("RespondToAuthChallenge", **answer(house, asked["Session"]))
    assert refusal.message == "Invalid session for the user, session is expired."
    house.clock.now -= 1
    reply = await api("RespondToAuthChallenge", **answer(house, asked["Session"]))
    assert "AuthenticationResult" in reply


async def test_who_comes_late_hears_that_the_session_has_expired_whatever_others_did(house, asked):
    house.clock.now += 180 + 890
    await house.api("InitiateAuth", **house.by_password("bob", TEMPORARY))
    refusal = await house.api.refused("RespondToAuthChallenge", **answer(house, asked["Session"]))
    assert refusal.message == "Invalid session for the user, session is expired."


async def test_administrators_answer_with_the_same_session(house, asked):
    request = {**answer(house, asked["Session"]), "UserPoolId": house.pool_id}
    assert "AuthenticationResult" in await house.api("AdminRespondToAuthChallenge", **request)


async def test_a_user_who_is_deleted_meanwhile_cannot_answer(house, asked):
    await house.api("AdminDeleteUser", UserPoolId=house.pool_id, Username="bob")
    refusal = await house.api.refused("RespondToAuthChallenge", **answer(house, asked["Session"]))
    assert refusal.message == "Incorrect username or password."
