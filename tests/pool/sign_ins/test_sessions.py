import json
import sqlite3
from contextlib import closing

import pytest
from attrs import evolve
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from authflow.errors import ConfigError
from authflow.machine import AuthFlow, Challenged, Ending, State
from authflow.pool import PoolServer
from authflow.pool.cognito_errors import CognitoError
from authflow.pool.devices.device_state import DeviceState
from authflow.pool.sign_ins.factor_state import FactorState
from authflow.pool.sign_ins.sessions import (
    Handshake,
    Progress,
    _has_companion,
    _id_and_key,
    _look,
    _names,
    companion_of,
    end_session,
    entry,
    put_session,
)
from authflow.pool.store.database import Database
from authflow.secret import Secret

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
    other = await api("InitiateAuth", **house.by_password("bob", TEMPORARY))
    house.clock.now += seconds
    # It has expired for good: a clock that is set back makes it no better.
    for back in (0, 1, 60, 86_400):
        house.clock.now -= back
        refusal = await api.refused("RespondToAuthChallenge", **answer(house, asked["Session"]))
        assert refusal.message == "Invalid session for the user, session is expired."
        house.clock.now += back
    house.clock.now -= 1
    reply = await api("RespondToAuthChallenge", **answer(house, other["Session"]))
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


NOW = 1_800_000_000.0
WHOLE = Progress(
    pool_id="eu-central-1_x",
    client_id="client",
    flow=AuthFlow.CUSTOM_AUTH,
    state=State.CUSTOM_CHALLENGE,
    sub="3f1c",
    username="ada",
    typed="Ada",
    auth_time=int(NOW),
    history=(entry("SRP_A", passed=True), entry("CUSTOM_CHALLENGE", passed=False, metadata="M")),
    private={"answer": "x"},
    metadata="CAPTCHA",
    handshake=Handshake(public_a=2**3000 + 1, b=Secret(255), public_b=3),
    companion="c0",
    credentials="5",
    device=DeviceState(key="us-east-1_d", remembered=True, spared=True),
    told_as="ada@example.org",
    named="keyed",
)


@pytest.fixture
async def database():
    async with Database(path=":memory:") as database:
        yield database


@pytest.mark.parametrize(
    "sign_in",
    [
        WHOLE,
        evolve(WHOLE, handshake=None, metadata=None, history=(), private={}),
        evolve(WHOLE, sub=None, credentials=None, companion=None, told_as=None, device=None),
        evolve(WHOLE, room=5),
    ],
)
async def test_a_sign_in_is_kept_as_it_was_but_for_what_is_not_kept(database, sign_in):
    def job(connection):
        kept = evolve(sign_in, decided=True, former="a0")
        put_session(connection, "handle", kept, NOW, NOW + 1)
        assert _look(connection, "handle", NOW) == sign_in
        assert _look(connection, "another", NOW) is None
        end_session(connection, "handle")
        assert _look(connection, "handle", NOW) is None

    await database.write(job)


def test_the_private_half_of_a_handshake_is_not_shown():
    assert "255" not in repr(WHOLE.handshake)
    assert "answer" not in repr(WHOLE)


def test_a_sign_in_is_told_of_by_the_username_unless_by_another_name():
    assert WHOLE.shown == "ada@example.org"
    assert evolve(WHOLE, told_as=None).shown == "ada"
    assert _names(WHOLE, hidden=True) == {"Ada", "ada@example.org"}
    assert _names(WHOLE, hidden=False) == {"Ada", "ada@example.org", "ada"}


def test_what_was_passed_is_the_last_of_the_history():
    after = WHOLE.passed("PASSWORD_VERIFIER", metadata="P")
    assert after.history == (*WHOLE.history, entry("PASSWORD_VERIFIER", passed=True, metadata="P"))
    assert after.history[-1].challenge_result is True
    assert WHOLE.after(entry("A", passed=False)).history[-1].challenge_result is False
    assert evolve(after, history=WHOLE.history) == WHOLE


def test_what_the_table_does_not_allow_is_the_triggers_fault():
    assert WHOLE.follow(Ending.AUTHENTICATED).state is State.SIGNED_IN
    with pytest.raises(CognitoError) as refusal:
        WHOLE.follow(Challenged(State.NEW_PASSWORD_REQUIRED))
    assert refusal.value.code == "InvalidLambdaResponseException"
    # What only a server may do, the pool may.
    begun = evolve(WHOLE, state=State.SRP_A)
    assert begun.follow(Challenged(State.CUSTOM_CHALLENGE)).state is State.CUSTOM_CHALLENGE


PROOF, ROUND = State.PASSWORD_VERIFIER, State.CUSTOM_CHALLENGE
FIRST, LAST = State.DEVICE_SRP_AUTH, State.DEVICE_PASSWORD_VERIFIER


@pytest.mark.parametrize(
    ("session", "companion", "state", "goes"),
    [
        ("s", companion_of("s"), PROOF, True),
        ("s", companion_of("t"), PROOF, False),
        ("s", None, PROOF, False),
        (None, companion_of("s"), PROOF, False),
        (None, None, PROOF, True),
        ("handle", None, ROUND, True),
        ("handle", companion_of("handle"), ROUND, False),
        # Of a device's two answers each may come without; but another one is wrong.
        (None, companion_of("before"), FIRST, True),
        ("handle", companion_of("before"), FIRST, True),
        ("before", companion_of("before"), FIRST, True),
        ("s", companion_of("before"), FIRST, False),
        (None, None, FIRST, True),
        ("s", None, FIRST, False),
        (None, companion_of("s"), LAST, True),
        ("s", companion_of("s"), LAST, True),
        ("handle", companion_of("s"), LAST, False),
        ("t", companion_of("s"), LAST, False),
    ],
)
def test_a_secret_block_goes_with_the_session_that_was_given_with_it(
    session, companion, state, goes
):
    stands = evolve(WHOLE, state=state, companion=companion)
    assert _has_companion(stands, session, "handle") is goes


async def test_a_session_is_over_when_its_time_is_and_forgotten_a_quarter_of_an_hour_later(
    database,
):
    def expired(connection, now):
        with pytest.raises(CognitoError, match="session is expired"):
            _look(connection, "handle", now)

    def job(connection):
        put_session(connection, "handle", WHOLE, NOW, NOW + 60)
        assert _look(connection, "handle", NOW + 59.9) == WHOLE
        expired(connection, NOW + 60)
        put_session(connection, "second", WHOLE, NOW + 960, NOW + 2000)
        expired(connection, NOW + 960)
        put_session(connection, "third", WHOLE, NOW + 960.1, NOW + 2000)
        assert _look(connection, "handle", NOW + 960.1) is None
        assert _look(connection, "second", NOW + 960.1) == WHOLE

    await database.write(job)


@pytest.mark.parametrize("room", [1, 2, 3])
async def test_only_a_sign_in_that_begins_takes_the_place_of_an_older_one_of_its_name(
    database, room
):
    def job(connection):
        put_session(connection, "other", evolve(WHOLE, named="other", room=room), NOW, NOW + 1)
        for number in range(4):
            put_session(connection, f"h{number}", evolve(WHOLE, room=room), NOW, NOW + 1)
        left = [n for n in range(4) if _look(connection, f"h{n}", NOW)]
        assert left == list(range(4 - room, 4))
        step = evolve(WHOLE, room=room, former="a0")
        put_session(connection, "step", step, NOW, NOW + 1)
        assert [n for n in range(4) if _look(connection, f"h{n}", NOW)] == left
        assert _look(connection, "step", NOW)
        assert _look(connection, "other", NOW)

    await database.write(job)


RESULTS = {
    "srp": (entry("SRP_A", passed=True),),
    "wrong": (entry("CUSTOM_CHALLENGE", passed=False),),
    "round": (entry("CUSTOM_CHALLENGE", passed=True, metadata="M"),),
    "proof": (entry("PASSWORD_VERIFIER", passed=True),),
    "code": (entry("SMS_MFA", passed=True),),
}
UNPROVED = [(), ("srp",), ("wrong",), ("srp", "wrong", "wrong")]
PROVED = [
    *[("round",), ("srp", "proof"), ("round", "wrong", "round")],
    *[("srp", "proof", "round"), ("srp", "proof", "code"), ("srp", "round", "proof", "code")],
]


def after(*results, **more):
    """Return a sign-in with these results behind it."""
    history = [each for name in results for each in RESULTS[name]]
    return evolve(WHOLE, history=tuple(history), room=2, **more)


async def test_a_sign_in_takes_the_place_of_those_alone_that_have_passed_the_same(database):
    def job(connection):
        stored = {}
        for former in (None, "a0"):  # those that begin, and those that have come further
            for results in PROVED:
                for number in range(3):
                    handle = f"{former} {results} {number}"
                    put_session(connection, handle, after(*results, former=former), NOW, NOW + 1)
                    stored[handle] = number > 0 and former is not None
            for results in UNPROVED:
                for number in range(9):
                    put_session(connection, f"{results} {number}", after(*results), NOW, NOW + 1)
        assert {each: bool(_look(connection, each, NOW)) for each in stored} == stored
        left = [n for n in range(9) if _look(connection, f"{UNPROVED[-1]} {n}", NOW)]
        assert left == [7, 8]

    await database.write(job)


def test_what_a_password_flow_stores_has_the_password_behind_it():
    assert evolve(after(), flow=AuthFlow.USER_PASSWORD_AUTH).passed_challenges == ("PASSWORD",)
    assert {after(*results).passed_challenges for results in UNPROVED} == {()}


@pytest.mark.parametrize("flow", ["USER_PASSWORD_AUTH", "USER_SRP_AUTH"])
async def test_who_knows_only_a_name_ends_no_sign_in_behind_the_password(start, settle, flow):
    house = await settle(await start(most_sessions=3))
    await house.add_user("ann")
    temporary = {"UserPoolId": house.pool_id, "Username": "ann", "Password": TEMPORARY}
    await house.api("AdminSetUserPassword", **temporary)
    if flow == "USER_SRP_AUTH":
        proof = await house.by_srp("ann", TEMPORARY)
        asked = [await house.api("RespondToAuthChallenge", **proof)]
    else:
        asked = [await house.api("InitiateAuth", **house.by_password("ann", TEMPORARY))]
    for _ in range(5):
        await house.ask("ann")
    for _ in range(2):
        asked.append(await house.api("InitiateAuth", **house.by_password("ann", TEMPORARY)))
    new = {"NEW_PASSWORD": "N3w-Pass"}
    answer = house.answer("NEW_PASSWORD_REQUIRED", "ann", asked[0]["Session"], **new)
    assert "AuthenticationResult" in await house.api("RespondToAuthChallenge", **answer)


async def test_of_the_sign_ins_behind_the_password_the_oldest_goes_too(start, settle):
    house = await settle(await start(most_sessions=3))
    await house.add_user("ann")
    temporary = {"UserPoolId": house.pool_id, "Username": "ann", "Password": TEMPORARY}
    await house.api("AdminSetUserPassword", **temporary)
    asked = []
    for _ in range(4):
        proof = await house.by_srp("ann", TEMPORARY)
        asked.append(await house.api("RespondToAuthChallenge", **proof))
    new = {"NEW_PASSWORD": "N3w-Pass"}
    first, second = (
        house.answer("NEW_PASSWORD_REQUIRED", "ann", each["Session"], **new) for each in asked[:2]
    )
    assert (await house.api.refused("RespondToAuthChallenge", **first)).message == INVALID
    assert "AuthenticationResult" in await house.api("RespondToAuthChallenge", **second)


FULL = evolve(
    WHOLE,
    factor=FactorState(code=Secret("123456"), address="a@example.org", authenticator=b"sealed"),
)
MEMBERS = json.loads(FULL.to_json())
PARTS = ["device", "factor"]


def changed(change, part=None):
    """Return a sign-in as another version may have written it."""
    members = json.loads(FULL.to_json())
    change(members if part is None else members[part])
    return json.dumps(members, separators=(",", ":")).encode()


def without(name):
    return lambda members: members.pop(name)


def with_other(name, value):
    return lambda members: members.update({name: value})


SHAPES = {
    **{name: changed(without(name)) for name in MEMBERS if name not in {"handshake", *PARTS}},
    **{
        f"{part} without {name}": changed(without(name), part)
        for part in PARTS
        for name in MEMBERS[part]
    },
    **{
        f"{part} with more": changed(with_other("with_device", value), part)
        for part in (None, *PARTS)
        for value in (False,)
    },
    **{
        f"{name} is {value}": changed(with_other(name, value))
        for name in ("flow", "state", "history", "handshake", "factor", "device")
        for value in ("other", 5, [1], {"a": 1})
    },
    "a round with more": changed(lambda members: members["history"][0].update(more=1)),
    "a round with less": changed(lambda members: members["history"][0].pop("challengeResult")),
    "no object": b"[]",
    "no JSON": b"\x80\x04",
}


@pytest.mark.parametrize("shape", SHAPES)
def test_what_another_version_has_stored_is_no_session_here(shape):
    with pytest.raises(CognitoError) as refusal:
        Progress.from_json(SHAPES[shape])
    assert (refusal.value.code, refusal.value.message) == ("NotAuthorizedException", INVALID)
    assert refusal.value.reason == "another version of authflow has stored it"
    assert Progress.from_json(FULL.to_json()) == FULL


async def test_a_sign_in_that_an_older_version_began_is_refused_and_the_next_is_good(
    start, settle, tmp_path
):
    path = tmp_path / "pool.db"
    house = await settle(await start(db=str(path)))
    await house.add_user("ann")
    temporary = {"UserPoolId": house.pool_id, "Username": "ann", "Password": TEMPORARY}
    await house.api("AdminSetUserPassword", **temporary)
    asked = await house.api("InitiateAuth", **house.by_password("ann", TEMPORARY))
    session_id, key = _id_and_key(asked["Session"])
    with closing(sqlite3.connect(path)) as file, file:
        (sealed,) = file.execute("SELECT sealed FROM sessions").fetchone()
        members = json.loads(AESGCM(key).decrypt(sealed[:12], sealed[12:], session_id))
        text = json.dumps(members | {"with_device": None}).encode()
        older = sealed[:12] + AESGCM(key).encrypt(sealed[:12], text, session_id)
        file.execute("UPDATE sessions SET sealed = ?", (older,))
    new = {"NEW_PASSWORD": "N3w-Pass"}
    late = house.answer("NEW_PASSWORD_REQUIRED", "ann", asked["Session"], **new)
    refusal = await house.api.refused("RespondToAuthChallenge", **late)
    assert (refusal.code, refusal.message) == ("NotAuthorizedException", INVALID)
    asked = await house.api("InitiateAuth", **house.by_password("ann", TEMPORARY))
    good = house.answer("NEW_PASSWORD_REQUIRED", "ann", asked["Session"], **new)
    assert "AuthenticationResult" in await house.api("RespondToAuthChallenge", **good)


async def test_of_strangers_the_newest_are_kept(database, monkeypatch):
    monkeypatch.setattr("authflow.pool.sign_ins.sessions.MOST_OF_STRANGERS", 3)

    def job(connection):
        put_session(connection, "user", evolve(WHOLE, room=1), NOW, NOW + 1)
        for number in range(5):
            stranger = evolve(WHOLE, sub=None, named=str(number), room=1)
            put_session(connection, f"h{number}", stranger, NOW, NOW + 1)
        assert [n for n in range(5) if _look(connection, f"h{n}", NOW)] == [2, 3, 4]
        assert _look(connection, "user", NOW)

    await database.write(job)
