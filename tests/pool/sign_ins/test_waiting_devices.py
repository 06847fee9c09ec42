"""The sign-ins that wait for a device: one that is named by nothing else is found by it."""

import sqlite3
from contextlib import closing

import aiohttp
import pytest
from attrs import evolve

from authflow import srp

DEVICES = {"DeviceConfiguration": {"ChallengeRequiredOnNewDevice": True}}
RESPOND = "RespondToAuthChallenge"
INVALID = "Invalid session for the user."
LOCKED = "Password attempts exceeded"
EXPIRED = "Invalid session for the user, session is expired."
PROVER = srp.Prover.start(b"\x09" * 32)


@pytest.fixture
async def house(api, settle):
    house = await settle(api, DEVICES)
    await house.add_user()
    return house


async def at_another_client(phone):
    """Return the same device where its user signs in to another app client."""
    house = phone.house
    made = await house.api(
        "CreateUserPoolClient",
        UserPoolId=house.pool_id,
        ClientName="second",
        ExplicitAuthFlows=["ALLOW_USER_SRP_AUTH"],
    )
    return evolve(phone, house=evolve(house, client_id=made["UserPoolClient"]["ClientId"]))


async def goes_on(phone):
    """Answer for the device without a Session, and prove it."""
    asked = await phone.house.api(RESPOND, **phone.first(PROVER, None))
    proof = phone.proof(PROVER, asked)
    return "AuthenticationResult" in await phone.house.api(RESPOND, **proof)


async def told(phone):
    return (await phone.house.api.refused(RESPOND, **phone.first(PROVER, None))).message


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
async def test_a_device_waits_at_each_app_client_by_itself(house, register, order):
    one, _ = await register(house)
    phones = one, await at_another_client(one)
    for phone in phones:
        await phone.begin()
    for each in order:
        assert await goes_on(phones[each])
        assert await told(phones[each]) == INVALID


async def test_of_the_sign_ins_that_still_wait_the_newest_is_answered(house, register):
    phone, _ = await register(house)
    other, _ = await register(house)
    begun = [await phone.begin() for _ in range(4)]
    await other.begin()
    await phone.asked(begun[2])
    for used in (3, 1, 0):
        await house.api(RESPOND, **phone.first(PROVER, None))
        refused = phone.first(PROVER, begun[used]["Session"])
        assert (await house.api.refused(RESPOND, **refused)).message == INVALID
    assert await told(phone) == INVALID
    assert await goes_on(other)


async def test_one_that_has_expired_hides_none_that_waits(house, register):
    phone, _ = await register(house)
    longer = {"UserPoolId": house.pool_id, "ClientId": house.client_id}
    flows = {"ExplicitAuthFlows": ["ALLOW_USER_SRP_AUTH"]}
    await house.api("UpdateUserPoolClient", **longer, **flows, AuthSessionValidity=15)
    await phone.begin()
    await house.api("UpdateUserPoolClient", **longer, **flows, AuthSessionValidity=3)
    for _ in range(2):
        await phone.begin()
    house.clock.now += 200
    assert await goes_on(phone)
    assert [await told(phone) for _ in range(2)] == [EXPIRED, EXPIRED]
    # Once it was told, it is so for good.
    house.clock.now -= 200
    assert await told(phone) == EXPIRED


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
async def test_of_sign_ins_under_two_names_each_is_found_by_its_own(api, settle, register, order):
    house = await settle(api, {**DEVICES, "AliasAttributes": ["email"]})
    await house.add_user(email="ann@example.org", email_verified="true")
    phone, _ = await register(house)
    phones = phone, evolve(phone, username="ann@example.org")
    for each in phones:
        prover, asked = await house.ask(each.username)
        proof = house.proof(prover, asked)
        proof["ChallengeResponses"] |= {"DEVICE_KEY": phone.key, **house.named(each.username)}
        assert (await house.api(RESPOND, **proof))["ChallengeName"] == "DEVICE_SRP_AUTH"
    assert await told(evolve(phone, username="nobody")) == INVALID
    for each in order:
        assert await goes_on(phones[each])
    assert await told(phones[1]) == INVALID


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
async def test_the_session_before_finds_its_own_sign_in(house, register, order):
    phone, _ = await register(house)
    before = []
    for _ in order:
        prover, asked = await house.ask()
        proof = house.proof(prover, asked)
        proof["ChallengeResponses"] |= {"DEVICE_KEY": phone.key}
        assert (await house.api(RESPOND, **proof))["ChallengeName"] == "DEVICE_SRP_AUTH"
        # A password is proved by the handle in its block.
        before.append(asked["ChallengeParameters"]["SECRET_BLOCK"])
    for each in order:
        asked = await house.api(RESPOND, **phone.first(PROVER, before[each]))
        proof = phone.proof(PROVER, asked)
        assert "AuthenticationResult" in await house.api(RESPOND, **proof)


# Whoever answers without a Session need not be who has proved the password.


@pytest.fixture
async def elsewhere():
    """Make calls that come from another address."""
    connector = aiohttp.TCPConnector(local_addr=("127.0.0.2", 0))
    async with aiohttp.ClientSession(connector=connector) as http:

        def moved(phone):
            house = phone.house
            return evolve(phone, house=evolve(house, api=evolve(house.api, http=http)))

        yield moved


async def test_without_a_session_nobody_answers_for_a_sign_in_from_another_address(
    house, register, elsewhere
):
    phone, _ = await register(house)
    begun = await phone.begin()
    thief = elsewhere(phone)
    for unnamed in (None, "unknown" * 5):
        request = phone.first(PROVER, unnamed)
        assert (await thief.house.api.refused(RESPOND, **request)).message == INVALID
    assert "AuthenticationResult" in await phone.prove(begun)
    # His own sign-in is found, and hides nobody's.
    ours = await phone.begin()
    await thief.begin()
    assert await goes_on(thief)
    assert await told(thief) == INVALID
    assert "AuthenticationResult" in await phone.prove(ours)
    # With the Session the address may be another one.
    assert "AuthenticationResult" in await thief.prove(await phone.begin())


async def test_wrong_proofs_of_answers_without_a_session_lock_those_alone(house, register):
    phone, _ = await register(house)
    liar = evolve(phone, password="a guess")

    async def lie(session=None):
        asked = await house.api(RESPOND, **liar.first(PROVER, session))
        proof = liar.proof(PROVER, asked, session=asked["Session"] if session else None)
        await house.api.refused(RESPOND, **proof)

    for _ in range(5):
        await phone.begin()
        await lie()
    begun = await phone.begin()
    assert await told(phone) == LOCKED
    assert "AuthenticationResult" in await phone.prove(begun)
    # A right proof with a Session is none without.
    await phone.begin()
    assert await told(phone) == LOCKED
    house.clock.now += 1
    assert await goes_on(phone)
    for _ in range(5):
        await lie((await phone.begin())["Session"])
    named = phone.first(PROVER, (await phone.begin())["Session"])
    assert (await house.api.refused(RESPOND, **named)).message == LOCKED
    assert await goes_on(phone)


async def test_the_file_tells_no_handle_and_keeps_none_that_is_over(
    start, settle, register, tmp_path
):
    path = tmp_path / "pool.db"
    house = await settle(await start(db=str(path)), DEVICES)
    await house.add_user()
    phone, _ = await register(house)
    begun = await phone.begin()

    def kept():
        with closing(sqlite3.connect(path)) as file:
            return file.execute("SELECT sealed FROM waiting_devices").fetchall()

    ((sealed,),) = kept()
    assert begun["Session"].encode() not in sealed
    assert "AuthenticationResult" in await phone.prove(begun)
    assert kept() == []
    await phone.begin()
    await house.api("AdminForgetDevice", **phone.named)
    assert kept() == []
    assert await told(phone) == INVALID
