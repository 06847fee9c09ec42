"""The table of devices by itself; what clients see of it is in test_device_service."""

import pytest
from attrs import evolve

from authflow.pool.accounts.passwords import StoredPassword
from authflow.pool.accounts.user_pool import UserPool
from authflow.pool.accounts.user_pools import _insert as insert_pool
from authflow.pool.accounts.users import CONFIRMED, User, insert_user
from authflow.pool.cognito_errors import CognitoError
from authflow.pool.devices.device_secrets import DeviceSecret
from authflow.pool.devices.known_devices import (
    NOT_REMEMBERED,
    REMEMBERED,
    Confirmation,
    add_device,
    confirm_device,
    devices_after,
    existing_device,
    find_device,
    forget_device,
    note_sign_in,
    set_remembered,
)
from authflow.pool.store.database import Database

NOW = 1_800_000_000.0
DAY = 86_400
MADE = {"created_at": NOW, "modified_at": NOW}
POOL = UserPool(
    id="eu-central-1_x", settings={}, key_id="key", signing_key="{}", mask_key=b"k" * 32, **MADE
)
OTHER = evolve(POOL, id="eu-central-1_y", key_id="other", mask_key=b"m" * 32)
ADA = User(
    sub="3f1c",
    pool_id=POOL.id,
    username="ada",
    status=CONFIRMED,
    attributes={},
    password=StoredPassword(salt=b"1" * 16, verifier=b"2" * 384),
    **MADE,
)
BOB = evolve(ADA, sub="77aa", username="bob")
SECRET = DeviceSecret(salt=5, v=7)


@pytest.fixture
async def database():
    def settle(connection):
        for pool in (POOL, OTHER):
            insert_pool(connection, pool)
        for user in (ADA, BOB):
            insert_user(connection, POOL, user)

    async with Database(path=":memory:") as database:
        await database.write(settle)
        yield database


def known(connection, user=ADA, now=NOW, status=REMEMBERED):
    new = add_device(connection, POOL, user, now)
    given = Confirmation(key=new.key, name="p", secret=SECRET, address="::1", family_key=new.key)
    confirm_device(connection, user, given, status, now + 1)
    return find_device(connection, user.sub, new.key)


def gone(function, *args):
    with pytest.raises(CognitoError) as refusal:
        function(*args)
    assert refusal.value.code == "ResourceNotFoundException"
    assert refusal.value.message == "Device does not exist."


async def test_a_device_is_there_once_it_is_confirmed_as_it_was_given(database):
    def job(connection):
        new = add_device(connection, POOL, ADA, NOW)
        assert find_device(connection, ADA.sub, new.key) is None
        device = known(connection)
        assert (device.sub, device.name, device.address) == (ADA.sub, "p", "::1")
        assert (device.status, device.secret) == (REMEMBERED, SECRET)
        assert (device.created_at, device.modified_at) == (NOW, NOW + 1)
        assert device.authenticated_at == NOW
        assert existing_device(connection, ADA.sub, device.key) == device
        assert "7" not in repr(device.secret)

    await database.write(job)


async def test_a_device_is_its_users_alone(database):
    def job(connection):
        device = known(connection)
        for sub in (BOB.sub, "", None):
            assert find_device(connection, sub, device.key) is None
        for sub, key in ((BOB.sub, device.key), (ADA.sub, "other"), (ADA.sub, "")):
            gone(existing_device, connection, sub, key)
            gone(set_remembered, connection, sub, key, NOT_REMEMBERED, NOW)
            gone(forget_device, connection, sub, key)
            gone(note_sign_in, connection, evolve(device, sub=sub, key=key), None, NOW)
        assert existing_device(connection, ADA.sub, device.key) == device

    await database.write(job)


async def test_a_device_that_waits_to_be_confirmed_is_there_for_nothing_else(database):
    def job(connection):
        key = add_device(connection, POOL, ADA, NOW).key
        gone(existing_device, connection, ADA.sub, key)
        gone(set_remembered, connection, ADA.sub, key, REMEMBERED, NOW)
        gone(forget_device, connection, ADA.sub, key)
        assert devices_after(connection, ADA.sub, (0.0, ""), 60) == []
        device = known(connection)
        gone(note_sign_in, connection, evolve(device, key=key), None, NOW)

    await database.write(job)


@pytest.mark.parametrize(
    ("user", "change", "code"),
    [
        (BOB, {}, "InvalidParameterException"),
        (ADA, {"family_key": None}, "InvalidParameterException"),
        (ADA, {"family_key": "eu-central-1_0"}, "InvalidParameterException"),
        (ADA, {"key": "eu-central-1_0"}, "InvalidParameterException"),
        (ADA, {"key": "e_0", "family_key": "e_0"}, "InvalidParameterException"),
    ],
)
async def test_a_device_is_confirmed_by_whom_its_key_was_given_to(database, user, change, code):
    def job(connection):
        new = add_device(connection, POOL, ADA, NOW)
        given = Confirmation(key=new.key, name=None, secret=SECRET, address=None)
        given = evolve(given, **{"family_key": new.key, **change})
        with pytest.raises(CognitoError) as refusal:
            confirm_device(connection, user, given, REMEMBERED, NOW)
        assert refusal.value.code == code
        assert find_device(connection, ADA.sub, new.key) is None

    await database.write(job)


async def test_a_device_keeps_the_first_password_that_it_was_given(database):
    def job(connection):
        device = known(connection)
        given = Confirmation(
            key=device.key,
            name="q",
            secret=DeviceSecret(salt=9, v=11),
            address=None,
            family_key=device.key,
        )
        with pytest.raises(CognitoError, match="DeviceKeyExistsException"):
            confirm_device(connection, ADA, given, NOT_REMEMBERED, NOW)
        assert existing_device(connection, ADA.sub, device.key) == device

    await database.write(job)


async def test_what_is_noted_of_a_device_changes_that_and_nothing_else(database):
    def job(connection):
        device = known(connection)
        found = set_remembered(connection, ADA.sub, device.key, NOT_REMEMBERED, NOW + 2)
        assert found == evolve(device, status=NOT_REMEMBERED, modified_at=NOW + 2)
        assert set_remembered(connection, ADA.sub, device.key, None, NOW + 2) == found
        for address, kept in ((None, "::1"), ("192.0.2.1", "192.0.2.1")):
            note_sign_in(connection, found, address, NOW + 3)
            now = existing_device(connection, ADA.sub, device.key)
            assert now == evolve(found, address=kept, authenticated_at=NOW + 3)
        forget_device(connection, ADA.sub, device.key)
        assert find_device(connection, ADA.sub, device.key) is None

    await database.write(job)


def count(connection):
    return connection.execute("SELECT count(*) FROM devices")[0][0]


async def test_of_the_devices_that_nobody_confirmed_a_users_old_ones_are_forgotten(database):
    def job(connection):
        kept = known(connection)
        theirs = add_device(connection, POOL, BOB, NOW)
        new = add_device(connection, POOL, ADA, NOW)
        add_device(connection, POOL, ADA, NOW + DAY)
        assert count(connection) == 4
        given = Confirmation(
            key=new.key, name=None, secret=SECRET, address=None, family_key=new.key
        )
        connection.execute("SAVEPOINT before")
        confirm_device(connection, ADA, given, REMEMBERED, NOW + DAY)
        connection.execute("ROLLBACK TO before")
        add_device(connection, POOL, ADA, NOW + DAY + 1)
        assert count(connection) == 4
        with pytest.raises(CognitoError, match="Invalid device key given"):
            confirm_device(connection, ADA, given, REMEMBERED, NOW + DAY + 1)
        assert find_device(connection, ADA.sub, kept.key) == kept
        confirm_device(
            connection,
            BOB,
            evolve(given, key=theirs.key, family_key=theirs.key),
            REMEMBERED,
            NOW + DAY + 1,
        )

    await database.write(job)


async def test_devices_come_by_their_age(database):
    def job(connection):
        made = [known(connection, now=NOW + each) for each in (3, 1, 2, 2)]
        known(connection, BOB)
        ordered = sorted(made, key=lambda each: (each.created_at, each.key))
        assert devices_after(connection, ADA.sub, (0.0, ""), 60) == ordered
        assert devices_after(connection, ADA.sub, (0.0, ""), 2) == ordered[:2]
        for place, each in enumerate(ordered):
            after = (each.created_at, each.key)
            assert devices_after(connection, ADA.sub, after, 60) == ordered[place + 1 :]

    await database.write(job)
