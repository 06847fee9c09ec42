import asyncio
import os
import sqlite3
import stat
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

from authflow.errors import ConfigError
from authflow.pool.store.database import _APPLICATION_ID, Database, _switch_to_wal
from authflow.pool.store.schema import SCHEMA

STARTS = """
import asyncio, multiprocessing, sys
from authflow.pool.store.database import Database

def put(connection, name):
    connection.execute("INSERT INTO password_failures VALUES ('p', ?, 1, 0)", (name,))

async def start(path, name):
    async with Database(path=path) as database:
        await database.write(put, name)

def process(name):
    for n in range(20):
        together.wait(50)
        asyncio.run(start(f"{sys.argv[1]}/{n}.db", name))

forking = multiprocessing.get_context("fork")
together = forking.Barrier(4)
processes = [forking.Process(target=process, args=(name,)) for name in "abcd"]
for each in processes:
    each.start()
for each in processes:
    each.join()
sys.exit(any(each.exitcode for each in processes))
"""
READS = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("SELECT * FROM users").fetchall()
connection.close()
"""


def count(connection, name, n=1):
    connection.execute("INSERT INTO password_failures VALUES ('p', ?, ?, 0)", (name, n))
    return n


def names(connection):
    return {row[0] for row in connection.execute("SELECT name FROM password_failures")}


@pytest.fixture(params=["file", "memory"])
async def database(request, tmp_path):
    path = ":memory:" if request.param == "memory" else str(tmp_path / "pool.db")
    async with Database(path=path) as database:
        yield database


async def test_what_is_written_is_read(database):
    assert await database.write(count, "ann", n=3) == 3
    assert await database.read(names) == {"ann"}


async def test_a_job_that_raises_leaves_no_trace_and_takes_nothing_with_it(database):
    def failing(connection):
        count(connection, "bob")
        raise KeyError("bob")

    results = await asyncio.gather(
        *(database.write(count, f"u{n}") for n in range(5)),
        database.write(failing),
        *(database.write(count, f"v{n}") for n in range(5)),
        return_exceptions=True,
    )
    assert [type(one) for one in results].count(KeyError) == 1
    assert await database.read(names) == {f"{kind}{n}" for kind in "uv" for n in range(5)}


async def test_what_is_acknowledged_is_on_disk(tmp_path):
    path = tmp_path / "pool.db"
    async with Database(path=str(path)) as database:
        await database.write(count, "ann")
        # Another program sees it, so it was committed.
        other = sqlite3.connect(path)
        assert names(other) == {"ann"}
        assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        other.close()
        assert await database.write(
            lambda connection: connection.execute("PRAGMA synchronous").first()
        ) == (2,)


def commits(path):
    """Count the transactions in the write-ahead log: the frames that end one name a size."""
    log = path.with_name(f"{path.name}-wal").read_bytes()
    page, salts = int.from_bytes(log[8:12], "big"), log[16:24]
    frames = (log[at : at + 24] for at in range(32, len(log), 24 + page))
    # Frames of the log before this one have other salts.
    return sum(frame[4:8] != bytes(4) and frame[8:16] == salts for frame in frames)


@pytest.mark.parametrize(
    ("jobs", "groups"), [(1, 1), (2, 1), (40, 1), (256, 1), (257, 2), (600, 3)]
)
async def test_jobs_that_wait_share_a_commit(tmp_path, jobs, groups):
    path = tmp_path / "pool.db"
    async with Database(path=str(path)) as database:
        began, go_on = threading.Event(), threading.Event()

        def slow(_connection):
            began.set()
            assert go_on.wait(10)

        await database.write(count, "first")
        before = commits(path)
        first = asyncio.create_task(database.write(slow))
        await asyncio.to_thread(began.wait, 10)
        waiting = [asyncio.create_task(database.write(count, f"u{n}")) for n in range(jobs)]
        await asyncio.sleep(0)
        go_on.set()
        await asyncio.gather(first, *waiting)
        assert commits(path) - before == groups


async def test_jobs_that_share_a_commit_see_one_another_and_nobody_else_sees_them(tmp_path):
    async with Database(path=str(tmp_path / "pool.db")) as database:
        began, go_on = threading.Event(), threading.Event()
        other = sqlite3.connect(tmp_path / "pool.db", check_same_thread=False)

        def slow(connection):
            began.set()
            assert go_on.wait(10)
            count(connection, "slow")

        def last(connection):
            return names(connection), names(other)

        first = asyncio.create_task(database.write(slow))
        await asyncio.to_thread(began.wait, 10)
        waiting = [asyncio.create_task(database.write(count, f"u{n}")) for n in range(20)]
        seen = asyncio.create_task(database.write(last))
        await asyncio.sleep(0)
        go_on.set()
        await asyncio.gather(first, *waiting)
        assert await seen == ({"slow"} | {f"u{n}" for n in range(20)}, {"slow"})
        assert names(other) == {"slow"} | {f"u{n}" for n in range(20)}
        other.close()


async def test_a_caller_that_is_cancelled_leaves_at_once_and_the_database_goes_on(tmp_path):
    async with Database(path=str(tmp_path / "pool.db")) as database:
        go_on = threading.Event()
        slow = asyncio.create_task(database.write(lambda _: go_on.wait(10)))
        behind = asyncio.create_task(database.write(count, "behind"))
        await asyncio.sleep(0.01)
        for task in (slow, behind):
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        go_on.set()
        await database.write(count, "next")
        # Who left before the job began did not want it any more.
        assert await database.read(names) == {"next"}


async def test_the_end_waits_for_what_was_asked_before(tmp_path):
    path = str(tmp_path / "pool.db")
    async with Database(path=path) as database:
        tasks = [asyncio.create_task(database.write(count, f"u{n}")) for n in range(50)]
        await asyncio.sleep(0)
    await asyncio.gather(*tasks)
    async with Database(path=path) as again:
        assert len(await again.read(names)) == 50


async def test_a_closed_database_says_so(tmp_path):
    database = Database(path=str(tmp_path / "pool.db"))
    with pytest.raises(RuntimeError, match="not open"):
        await database.read(names)
    async with database:
        pass
    with pytest.raises(RuntimeError, match="not open"):
        await database.write(count, "ann")


async def test_nobody_else_may_read_the_files(tmp_path):
    path = tmp_path / "pool.db"
    mask = os.umask(0)
    try:
        async with Database(path=str(path)) as database:
            await database.write(count, "ann")
            modes = {stat.S_IMODE(each.stat().st_mode) for each in tmp_path.iterdir()}
    finally:
        os.umask(mask)
    assert modes == {0o600}


async def test_files_that_are_not_ours_are_refused_and_left_alone(tmp_path):
    text = tmp_path / "notes.txt"
    text.write_text("not a database, but quite long enough to be taken for one " * 20)
    foreign = sqlite3.connect(tmp_path / "foreign.db")
    foreign.execute("CREATE TABLE theirs (x)")
    foreign.close()
    async with Database(path=str(tmp_path / "newer.db")):
        pass
    newer = sqlite3.connect(tmp_path / "newer.db")
    newer.execute("PRAGMA user_version = 99")
    newer.close()
    for path, words in (
        (text, "not a usable SQLite database"),
        (tmp_path / "foreign.db", "not a user pool's"),
        (tmp_path / "newer.db", "newer authflow"),
        (tmp_path, "cannot open"),
        (tmp_path / "no" / "folder.db", "cannot open"),
        ("\0", "cannot open"),
    ):
        before = path.read_bytes() if path != "\0" and path.is_file() else None
        with pytest.raises(ConfigError, match=words):
            async with Database(path=str(path)):
                pass
        if before is not None:
            assert path.read_bytes() == before


async def test_a_disk_that_is_full_fails_the_jobs_and_nothing_else(tmp_path):
    async with Database(path=str(tmp_path / "pool.db")) as database:
        pages = await database.write(lambda c: c.execute("PRAGMA page_count").first()[0])
        await database.write(lambda c: c.execute(f"PRAGMA max_page_count = {pages}"))
        with pytest.raises(sqlite3.OperationalError, match="full"):
            await database.write(count, "x" * 100_000)
        assert await database.read(names) == set()
        await database.write(lambda c: c.execute("PRAGMA max_page_count = 100000"))
        await database.write(count, "ann")
        assert await database.read(names) == {"ann"}


async def test_a_file_of_the_first_version_is_brought_up_to_date(tmp_path):
    path = tmp_path / "pool.db"
    old = sqlite3.connect(path)
    old.executescript(SCHEMA[0])
    old.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
    old.execute("PRAGMA user_version = 1")
    count(old, "ann")
    old.commit()
    old.close()
    for _ in range(2):
        async with Database(path=str(path)) as database:
            assert await database.read(names) == {"ann"}
            tables = await database.read(
                lambda connection: connection.execute("SELECT name FROM sqlite_schema")
            )
            assert ("messages",) in tables
            version = await database.read(lambda c: c.execute("PRAGMA user_version").first())
            assert version == (len(SCHEMA),)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="its processes are forked, to start at once")
async def test_processes_that_start_on_one_new_file_all_come_up(tmp_path):
    subprocess.run([sys.executable, "-c", STARTS, tmp_path], check=True)
    for n in range(20):
        async with Database(path=f"{tmp_path}/{n}.db") as database:
            assert await database.read(names) == set("abcd")


async def test_another_process_that_comes_and_goes_leaves_the_log_where_it_is(tmp_path):
    path = tmp_path / "pool.db"
    async with Database(path=str(path)) as database:
        await database.write(count, "ann")
    async with Database(path=str(path)) as database:
        subprocess.run([sys.executable, "-c", READS, path], check=True)
        # Had it found itself alone, it would have put the log away, and what is written next.
        assert Path(f"{path}-wal").exists()
        await database.write(count, "bob")
    async with Database(path=str(path)) as database:
        assert await database.read(names) == {"ann", "bob"}


def test_the_switch_to_wal_waits_for_another_process_that_writes(tmp_path):
    path = tmp_path / "pool.db"
    with (
        closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other,
        closing(sqlite3.connect(path)) as ours,
    ):
        other.execute("BEGIN IMMEDIATE")
        releasing = threading.Timer(0.2, other.execute, ["ROLLBACK"])
        releasing.start()
        _switch_to_wal(ours)
        releasing.join()
        assert ours.execute("PRAGMA journal_mode").fetchone() == ("wal",)


async def test_a_new_version_comes_whole_or_not_at_all(tmp_path, monkeypatch):
    path = str(tmp_path / "pool.db")
    broken = (*SCHEMA, "CREATE TABLE better (x TEXT) STRICT; CREATE TABLE users (x TEXT) STRICT;")
    async with Database(path=path) as database:
        await database.write(count, "ann")
    with monkeypatch.context() as patched:
        patched.setattr("authflow.pool.store.database.SCHEMA", broken)
        with pytest.raises(ConfigError, match="users already exists"):
            async with Database(path=path):
                pass
    async with Database(path=path) as database:
        assert await database.read(names) == {"ann"}
        assert ("better",) not in await database.read(
            lambda connection: connection.execute("SELECT name FROM sqlite_schema")
        )
