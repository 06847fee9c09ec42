import json
import sqlite3
from contextlib import closing

import pytest

from authflow.errors import ConfigError
from authflow.pool import PoolServer

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


def rows(path, where="1"):
    with closing(sqlite3.connect(path)) as file:
        return file.execute(f"SELECT count(*) FROM sessions WHERE {where}").fetchone()[0]


@pytest.mark.parametrize("name", ["ann", "bob"])
async def test_of_the_sign_ins_under_one_name_the_oldest_goes(start, settle, tmp_path, name):
    path = tmp_path / "pool.db"
    server = await start(db=str(path), most_sessions=3)
    house = await settle(server, PreventUserExistenceErrors="ENABLED")
    await house.add_user("ann")
    begun = [await house.ask(name) for _ in range(5)]
    await house.ask("another")
    assert rows(path) == 4
    told = []
    for prover, asked in begun:
        _, reply, _ = await server.post(
            "RespondToAuthChallenge", json.dumps(house.proof(prover, asked))
        )
        told.append(reply.get("message"))
    wrong = "Incorrect username or password."
    assert told == [wrong] * 2 + [None if name == "ann" else wrong] * 3
    assert name.encode() not in b"".join(
        row[0].encode() for row in sqlite3.connect(path).execute("SELECT name FROM sessions")
    )


async def test_a_sign_in_of_many_steps_is_one(start, settle):
    house = await settle(await start(most_sessions=1))
    await house.add_user("ann")
    temporary = {"UserPoolId": house.pool_id, "Username": "ann", "Password": "Temp0rary!"}
    await house.api("AdminSetUserPassword", **temporary)
    for _ in range(2):
        proof = await house.by_srp("ann", "Temp0rary!")
        asked = await house.api("RespondToAuthChallenge", **proof)
        assert asked["ChallengeName"] == "NEW_PASSWORD_REQUIRED"
    answer = house.answer("NEW_PASSWORD_REQUIRED", "ann", asked["Session"], NEW_PASSWORD="N3w-Pass")
    assert "AuthenticationResult" in await house.api("RespondToAuthChallenge", **answer)


async def test_strangers_take_the_place_of_strangers_alone(start, settle, tmp_path, monkeypatch):
    monkeypatch.setattr("authflow.pool.sign_ins.sessions.MOST_OF_STRANGERS", 10)
    path = tmp_path / "pool.db"
    house = await settle(await start(db=str(path)), PreventUserExistenceErrors="ENABLED")
    await house.add_user("ann")
    prover, asked = await house.ask("ann")
    for number in range(30):
        await house.ask(f"stranger {number}")
    assert (rows(path), rows(path, "stranger IS NOT NULL")) == (11, 10)
    proof = house.proof(prover, asked)
    assert "AuthenticationResult" in await house.api("RespondToAuthChallenge", **proof)


@pytest.mark.parametrize("most", [0, -1, 1.5, True, "50"])
def test_a_server_that_keeps_no_sign_in_is_refused(most):
    with pytest.raises(ConfigError, match="most_sessions"):
        PoolServer(most_sessions=most)
