"""The sign-ins that wait for a device: one that is named by nothing else is found by it."""

import sqlite3
from contextlib import closing

import pytest
from attrs import evolve

from authflow import srp

DEVICES = {"DeviceConfiguration": {"ChallengeRequiredOnNewDevice": True}}
RESPOND = "RespondToAuthChallenge"
INVALID = "Invalid session for the user."
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
    await phone.begin()
    house.clock.now += 200
    assert await told(phone) == EXPIRED
    assert await goes_on(phone)
    assert await told(phone) == EXPIRED


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
