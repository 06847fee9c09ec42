"""Files in parts: whatever is stored is read line by line, with every line once."""

import random
from itertools import product

import pytest

from authflow.pool.cognito_errors import CognitoError
from authflow.pool.imports import csv_file
from authflow.pool.imports.csv_file import (
    discard_upload,
    finish_upload,
    read_lines,
    store_part,
)
from authflow.pool.imports.import_jobs import ImportJob, begin_job, end_job, find_job, insert_job
from authflow.pool.store.database import Database

SMALL = 16


def make(connection):
    connection.execute(
        "INSERT INTO user_pools (id, settings, key_id, signing_key, mask_key, created_at,"
        " modified_at) VALUES ('p', '{}', 'k', '{}', ?, 0, 0)",
        (b"x",),
    )
    job = ImportJob(id="import-1", pool_id="p", name="j", role_arn="r", created_at=0)
    insert_job(connection, job, 0)
    return job


def put(connection, job, upload, content):
    size = csv_file.PART_BYTES
    for part in range(-(-len(content) // size)):
        store_part(connection, job, upload, part, content[part * size : (part + 1) * size])
    finish_upload(connection, job, upload, len(content))
    return find_job(connection, "p", job.id)


def parts(connection):
    return connection.execute("SELECT upload, part FROM import_parts ORDER BY upload, part")


def read_all(connection, job, most):
    start, found = 0, []
    while start < job.size:
        read = read_lines(connection, job, start, most)
        assert len(read.lines) <= most
        assert read.end > start
        found, start = [*found, *read.lines], read.end
    return found


@pytest.fixture
async def job_and_database(monkeypatch):
    monkeypatch.setattr(csv_file, "PART_BYTES", SMALL)
    async with Database() as database:
        yield await database.write(make), database


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
async def test_every_line_is_read_once(job_and_database, end):
    job, database = job_and_database
    for seed in range(60):
        drawn = random.Random(seed)
        lines = [
            bytes(drawn.choices(b"ab,\xff", k=drawn.choice((0, 0, 1, 5, SMALL - 2))))
            for _ in range(drawn.randrange(30))
        ]
        ends = drawn.random() < 0.5
        content = end.join(lines) + (end if ends and lines else b"")
        stored = await database.write(put, job, str(seed), content)
        found = await database.read(read_all, stored, drawn.randint(1, 9))
        assert found == (lines if ends or not lines or lines[-1] else lines[:-1]), seed


async def test_a_line_longer_than_a_part_is_refused(job_and_database):
    job, database = job_and_database
    job = await database.write(put, job, "u", b"short\n" + b"x" * 3 * SMALL + b"\nafter")
    first = await database.read(read_lines, job, 0, 1)
    assert first.lines == [b"short"]
    with pytest.raises(CognitoError, match="has more than"):
        await database.read(read_lines, job, first.end, 5)


@pytest.mark.parametrize(
    ("end", "after"), [(b"\n", []), (b"\r\n", []), (b"", []), (b"\n", [b"x"]), (b"\r\n", [b"x"])]
)
async def test_the_longest_row_is_as_long_wherever_in_a_part_it_begins(
    job_and_database, end, after
):
    job, database = job_and_database
    sizes = (SMALL - 1, SMALL, SMALL + 1, SMALL + 2, 2 * SMALL - 1)
    for begins, size in product(range(1, SMALL + 2), sizes):
        row = b"x" * (size - len(end))
        content = b"\n" * begins + row + end + b"\n".join(after)
        stored = await database.write(put, job, f"{begins} {size}", content)
        if size <= SMALL:
            assert await database.read(read_all, stored, 5) == [b""] * begins + [row, *after]
            continue
        with pytest.raises(CognitoError, match="has more than"):
            await database.read(read_lines, stored, begins, 5)
        # Nor is it read with the one before it, which is.
        assert (await database.read(read_lines, stored, begins - 1, 5)).end == begins


async def test_the_last_file_counts_and_the_one_before_is_deleted(job_and_database):
    job, database = job_and_database
    await database.write(put, job, "a", b"first\n" * 9)
    job = await database.write(put, job, "b", b"second\n" * 4)
    assert await database.read(read_all, job, 100) == [b"second"] * 4
    assert {upload for upload, _ in await database.read(parts)} == {"b"}
    await database.write(put, job, "c", b"")
    assert await database.read(parts) == ()


async def test_an_upload_beside_it_is_left_alone(job_and_database):
    job, database = job_and_database
    await database.write(store_part, job, "slow", 0, b"x" * SMALL)
    await database.write(put, job, "fast", b"y")
    assert await database.read(parts) == (("fast", 0), ("slow", 0))
    await database.write(discard_upload, job, "slow")
    assert await database.read(parts) == (("fast", 0),)


@pytest.mark.parametrize("change", ["begun", "ended"])
async def test_a_job_that_is_started_takes_no_file(job_and_database, change):
    job, database = job_and_database
    if change == "begun":
        await database.write(begin_job, job, 1)
    else:
        await database.write(end_job, job, "Stopped", "", 1)
    for call, args in ((store_part, ("u", 0, b"x")), (finish_upload, ("u", 0))):
        with pytest.raises(CognitoError) as refusal:
            await database.write(call, job, *args)
        assert (refusal.value.code, refusal.value.status) == ("AccessDenied", 403)


async def test_the_end_of_a_job_deletes_its_file(job_and_database):
    job, database = job_and_database
    job = await database.write(put, job, "u", b"x" * 40)
    await database.write(end_job, job, "Failed", "because", 5)
    assert await database.read(parts) == ()
    ended = await database.read(find_job, "p", job.id)
    assert (ended.status, ended.message, ended.completed_at) == ("Failed", "because", 5)
