"""What is kept for a time is deleted after it: names that nobody has are counted, too.

And what a file of an older version holds means the same as before.
"""

import json
import sqlite3
from contextlib import closing

import pytest

from authflow.pool.accounts.user_pool import find_pool
from authflow.pool.store.database import _APPLICATION_ID, Database
from authflow.pool.store.schema import SCHEMA

EMAIL = {"email": "ann@example.org", "email_verified": "true"}
MONTH = 31 * 86400
AGEING = {
    *("sessions", "password_failures", "token_families"),
    *("confirmation_codes", "code_attempts", "messages"),
}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "pool.db"


@pytest.fixture
async def house(start, settle, path):
    house = await settle(await start(db=str(path)), PreventUserExistenceErrors="ENABLED")
    for name in ("ann", "bob"):
        await house.add_user(name, **EMAIL)
    return house


def rows(path):
    """Count the rows of every table whose rows have an age."""
    with closing(sqlite3.connect(path)) as file:
        found = file.execute(
            "SELECT tbl_name FROM sqlite_schema WHERE name LIKE '%\\_by_age' ESCAPE '\\'"
        )
        tables = {name for (name,) in found} | {"refresh_tokens"}
        return {name: file.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in tables}


async def leave_traces(house, name, stranger):
    """Leave something in every table: as a user, and under a name that nobody has."""
    for each in (name, stranger):
        await house.api.refused("InitiateAuth", **house.by_password(each, "wrong-Horse1"))
        await house.ask(each)
        await house.api("ForgotPassword", ClientId=house.client_id, Username=each)
    await house.api("InitiateAuth", **house.by_password(name))
    await house.api.refused("InitiateAuth", **house.by_password(name, "wrong-Horse1"))


async def test_rows_that_have_an_age_are_deleted_when_it_is_over(house, path):
    await leave_traces(house, "ann", "nobody")
    first = rows(path)
    assert first.keys() == AGEING | {"refresh_tokens"}
    assert all(first.values())
    house.clock.now += 1
    await leave_traces(house, "bob", "noone")
    assert rows(path) == {name: 2 * number for name, number in first.items()}
    house.clock.now += MONTH
    await leave_traces(house, "bob", "somebody")
    assert rows(path) == first


@pytest.mark.parametrize(
    ("settings", "folds"),
    [
        ({"PoolName": "one"}, True),
        ({"PoolName": "UsernameConfiguration"}, True),
        ({"PoolName": '"UsernameConfiguration": {'}, True),
        ({"UserPoolTags": {"UsernameConfiguration": "{"}, "PoolName": "one"}, True),
        ({"UsernameConfiguration": {"CaseSensitive": False}, "PoolName": "one"}, True),
        ({"PoolName": "one", "UsernameConfiguration": {"CaseSensitive": True}}, False),
    ],
    ids=str,
)
async def test_pools_that_folded_names_go_on_doing_it_in_a_newer_version(path, settings, folds):
    with closing(sqlite3.connect(path)) as old:
        old.executescript("".join(SCHEMA[:2]))
        old.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        old.execute("PRAGMA user_version = 2")
        old.execute(
            "INSERT INTO user_pools VALUES ('x', ?, '{}', 'key', x'00', 0, 0)",
            (json.dumps(settings),),
        )
        old.commit()
    for _ in range(2):
        async with Database(path=str(path)) as database:
            (text,) = await database.read(lambda c: c.execute("SELECT settings FROM user_pools")[0])
            assert text.count('"UsernameConfiguration": {"CaseSensitive": ') == 1
            pool = await database.read(find_pool, "x")
        assert pool.fold("Ann") == ("ann" if folds else "Ann")
        assert pool.settings == {
            **settings,
            "UsernameConfiguration": {"CaseSensitive": not folds},
        }
