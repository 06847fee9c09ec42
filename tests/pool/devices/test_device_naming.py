"""The device that an answer names: where it is told that there is none, and what rests on it."""

import itertools

import pytest
from attrs import evolve

from authflow.pool.accounts.passwords import StoredPassword
from authflow.pool.accounts.user_pool import UserPool
from authflow.pool.accounts.user_pools import _insert as insert_pool
from authflow.pool.accounts.users import CONFIRMED, User, insert_user
from authflow.pool.cognito_errors import CognitoError
from authflow.pool.devices.device_naming import named_device, possible_key, standing_device
from authflow.pool.devices.device_secrets import DeviceSecret
from authflow.pool.devices.device_state import DeviceState
from authflow.pool.devices.known_devices import (
    NOT_REMEMBERED,
    REMEMBERED,
    Confirmation,
    add_device,
    confirm_device,
    forget_device,
    set_remembered,
)
from authflow.pool.store.database import Database

NOW = 1_800_000_000.0
MADE = {"created_at": NOW, "modified_at": NOW}
OFF = UserPool(
    id="eu-central-1_x", settings={}, key_id="key", signing_key="{}", mask_key=b"k" * 32, **MADE
)
PLAIN = evolve(OFF, settings={"DeviceConfiguration": {"ChallengeRequiredOnNewDevice": False}})
SPARING = evolve(OFF, settings={"DeviceConfiguration": {"ChallengeRequiredOnNewDevice": True}})
ADA = User(
    sub="3f1c",
    pool_id=OFF.id,
    username="ada",
    status=CONFIRMED,
    attributes={},
    password=StoredPassword(salt=b"1" * 16, verifier=b"2" * 384),
    **MADE,
)
BOB = evolve(ADA, sub="77aa", username="bob")
RESTING = [
    {"spared": True, "remembered": True},
    {"proved": True},
    {"spared": True, "proved": True, "remembered": True},
]


def device(connection, user=ADA):
    new = add_device(connection, OFF, user, NOW)
    given = Confirmation(
        key=new.key,
        name=None,
        secret=DeviceSecret(salt=5, v=7),
        address=None,
        family_key=new.key,
    )
    confirm_device(connection, user, given, REMEMBERED, NOW)
    return new.key


@pytest.fixture
async def database():
    def settle(connection):
        insert_pool(connection, OFF)
        for user in (ADA, BOB):
            insert_user(connection, OFF, user)

    async with Database(path=":memory:") as database:
        await database.write(settle)
        yield database


def refusal(function, *args, **kwargs):
    with pytest.raises(CognitoError) as raised:
        function(*args, **kwargs)
    return raised.value.message


GONE = "Device does not exist."


async def test_an_answer_names_a_device_that_the_user_has_or_is_refused(database):
    def job(connection):
        mine, theirs = device(connection), device(connection, BOB)
        unconfirmed = add_device(connection, OFF, ADA, NOW).key
        for pool in (PLAIN, SPARING):
            assert named_device(connection, pool, ADA, None, mine) == DeviceState(key=mine)
            for key in (theirs, unconfirmed, "", "us-east-1_0"):
                assert refusal(named_device, connection, pool, ADA, None, key) == GONE
            # Who does not exist has no device, and hears the same.
            for key in (mine, theirs, ""):
                assert refusal(named_device, connection, pool, None, None, key) == GONE

    await database.write(job)


async def test_an_answer_that_names_none_leaves_the_device_that_it_is(database):
    def job(connection):
        for before in (None, *(DeviceState(key="any", **each) for each in RESTING)):
            assert named_device(connection, PLAIN, ADA, before, None) == before

    await database.write(job)


async def test_where_no_devices_are_remembered_a_key_means_nothing(database):
    def job(connection):
        mine = device(connection)
        for before, key in itertools.product((None, DeviceState(key="x")), (mine, "x", "")):
            assert named_device(connection, OFF, ADA, before, key) == before
            assert standing_device(connection, OFF, ADA, before) is None

    await database.write(job)


async def test_the_key_of_a_beginning_is_replaced_by_that_of_an_answer(database):
    def job(connection):
        mine, second = device(connection), device(connection)
        for key in ("us-east-1_0", second, mine):
            hint = DeviceState(key=key)
            assert named_device(connection, PLAIN, ADA, hint, mine) == DeviceState(key=mine)

    await database.write(job)


async def test_a_sign_in_begins_with_what_can_be_the_key_of_a_device(database):
    def job(connection):
        long = "a" * 18 + "_" + "0" * 36
        for key in (device(connection), "us-east-1_0", "_x_0-f", long):
            assert possible_key(key) == key
        wrong = ("", "_", "_0", "x", "us-east-1_", "us-east-1_0\n", "us east-1_0", "us-east-1_G")
        for key in (None, *wrong, "\u00e9_0", "us-east-1_\u0660", f"a{long}", "d" * 60_000):
            assert possible_key(key) is None

    await database.write(job)


@pytest.mark.parametrize("resting", RESTING)
async def test_what_rests_on_a_device_takes_no_other_in_its_place(database, resting):
    def job(connection):
        mine, second = device(connection), device(connection)
        before = DeviceState(key=mine, **resting)
        for pool in (SPARING, OFF):
            assert refusal(named_device, connection, pool, ADA, before, second) == GONE
            assert named_device(connection, pool, ADA, before, mine) == before
        forget_device(connection, ADA.sub, mine)
        assert refusal(named_device, connection, SPARING, ADA, before, mine) == GONE
        message = refusal(standing_device, connection, SPARING, ADA, before)
        assert message == "Incorrect username or password."

    await database.write(job)


async def test_a_proof_is_of_the_device_that_was_asked_for_it(database):
    def job(connection):
        mine, second = device(connection), device(connection)
        before = DeviceState(key=mine)
        assert named_device(connection, PLAIN, ADA, before, mine, asked=True) == before
        assert refusal(named_device, connection, PLAIN, ADA, before, second, asked=True) == GONE

    await database.write(job)


async def test_a_decision_sees_the_device_as_it_is_now(database):
    def job(connection):
        mine = device(connection)
        before = DeviceState(key=mine)
        for status in (NOT_REMEMBERED, REMEMBERED):
            set_remembered(connection, ADA.sub, mine, status, NOW)
            now = standing_device(connection, PLAIN, ADA, before)
            assert now == evolve(before, remembered=status == REMEMBERED)
        for user, key in ((BOB, mine), (None, mine), (ADA, "us-east-1_0")):
            assert standing_device(connection, PLAIN, user, DeviceState(key=key)) is None

    await database.write(job)


async def test_a_device_that_stands_in_for_a_factor_must_be_remembered_to_the_end(database):
    def job(connection):
        mine = device(connection)
        before = DeviceState(key=mine, remembered=True, spared=True)
        assert standing_device(connection, SPARING, ADA, before) == before
        for pool in (PLAIN, OFF):
            assert refusal(standing_device, connection, pool, ADA, before)
        set_remembered(connection, ADA.sub, mine, NOT_REMEMBERED, NOW)
        for state in (before, evolve(before, proved=True)):
            assert refusal(standing_device, connection, SPARING, ADA, state)
        # Of one that stands in for nothing, its proof is all that counts.
        proved = DeviceState(key=mine, proved=True)
        for pool in (PLAIN, SPARING, OFF):
            assert standing_device(connection, pool, ADA, proved) == proved

    await database.write(job)
