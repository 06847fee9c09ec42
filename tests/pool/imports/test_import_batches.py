"""A step of a job counts once, whoever else goes on with the job, and not at all once it ended."""

import json

import pytest

from authflow.pool.accounts.user_pool import find_pool
from authflow.pool.imports.csv_file import CsvLines, finish_upload, store_part
from authflow.pool.imports.csv_rows import CsvColumns, csv_header
from authflow.pool.imports.import_batches import find_batch, make_batch, store_batch
from authflow.pool.imports.import_jobs import begin_job, end_job, find_active_job, find_job
from authflow.pool.store.database import Database
from tests.pool.imports.test_csv_file import make

VERIFIED = {"cognito:mfa_enabled": "false", "email": "a@example.org", "email_verified": "true"}


def settle(connection):
    """Make a job that is started, and its first batch; there is more of its file."""
    job = make(connection)
    settings = json.dumps({"AutoVerifiedAttributes": ["email"]})
    connection.execute("UPDATE user_pools SET settings = ?", (settings,))
    pool = find_pool(connection, "p")
    store_part(connection, job, "u", 0, b"x" * 100)
    finish_upload(connection, job, "u", 100)
    begin_job(connection, job, 1)
    names = csv_header(pool)
    lines = [
        ",".join({**VERIFIED, "cognito:username": name}.get(each, "") for each in names).encode()
        for name in ("ann", "bob", "ann", "b b")
    ]
    lines.insert(1, b"  ")
    found = CsvLines(lines=lines, end=60)
    job = find_job(connection, "p", job.id)
    return pool, job, make_batch(pool, job, CsvColumns(names=names), found, 2)


def users(connection):
    return [name for (name,) in connection.execute("SELECT username FROM users ORDER BY username")]


@pytest.fixture
async def step():
    async with Database() as database:
        yield database, await database.write(settle)


async def test_a_step_stores_users_and_how_far_it_has_come(step):
    database, (pool, job, batch) = step
    after, fates = await database.write(store_batch, pool, job, batch, 3)
    assert [(each.fate, each.line) for each in fates] == [
        ("SUCCEEDED", 2),
        ("SUCCEEDED", 4),
        ("SKIPPED", 5),
        ("FAILED", 6),
    ]
    assert (after.status, after.read_bytes, after.read_lines) == ("InProgress", 60, 6)
    assert (after.imported, after.skipped, after.failed) == (2, 1, 1)
    assert await database.read(users) == ["ann", "bob"]


async def test_a_step_that_another_server_has_done_is_not_done_again(step):
    database, (pool, job, batch) = step
    once, _ = await database.write(store_batch, pool, job, batch, 3)
    again, fates = await database.write(store_batch, pool, job, batch, 4)
    assert fates == []
    assert again == once


@pytest.mark.parametrize("status", ["Stopped", "Failed", "Succeeded"])
async def test_a_job_that_ended_meanwhile_takes_no_step(step, status):
    database, (pool, job, batch) = step
    await database.write(end_job, job, status, "because", 3)
    after, fates = await database.write(store_batch, pool, job, batch, 4)
    assert fates == []
    assert (after.status, after.completed_at, after.imported) == (status, 3, 0)
    assert await database.read(users) == []
    assert await database.read(find_batch, job, 0) is None
    assert await database.read(find_active_job) is None
