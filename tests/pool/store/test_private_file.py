"""A database that holds secrets is nobody else's to read, whatever it was before."""

import itertools
import logging
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from authflow.errors import ConfigError
from authflow.pool.store.database import Database
from authflow.pool.store.private_file import PrivateFile

pytestmark = pytest.mark.skipif(os.name != "posix", reason="files have no modes here")

WIDE = [0o644, 0o640, 0o604, 0o660, 0o666, 0o777, 0o601, 0o620]
BESIDE = ["-wal", "-shm", "-journal"]
AS_ANOTHER_USER = """
import asyncio, os, sys
from authflow.errors import ConfigError
from authflow.pool.store.database import Database

async def main():
    async with Database(path=sys.argv[1]):
        print("served")

os.setgid(65534)
os.setuid(65534)
try:
    asyncio.run(main())
except ConfigError as error:
    print(error)
"""


def count(connection):
    connection.execute("INSERT INTO password_failures VALUES ('p', 'ann', 1, 0)")


async def made(path):
    async with Database(path=str(path)) as database:
        await database.write(count)


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
async def path(tmp_path):
    path = tmp_path / "pool.db"
    await made(path)
    return path


@pytest.fixture
def told(caplog):
    caplog.set_level(logging.INFO)
    return lambda: [record.getMessage() for record in caplog.records]


async def test_a_new_file_is_private_and_so_is_what_sqlite_puts_beside_it(tmp_path, told):
    path = tmp_path / "pool.db"
    before = os.umask(0)
    try:
        async with Database(path=str(path)) as database:
            await database.write(count)
            there = list(tmp_path.iterdir())
            assert {each.name for each in there} == {"pool.db", "pool.db-wal", "pool.db-shm"}
            assert {mode(each) for each in there} == {0o600}
    finally:
        os.umask(before)
    assert told() == []


@pytest.mark.parametrize(
    "name",
    [
        *("file:pool.db", "file:pool.db?mode=rwc", "file:pool.db?mode=memory", "file::memory:"),
        *("FILE:pool.db", "file:pool.db?vfs=none", "file:pool.db#part", "file:%70ool.db"),
        *("file:///{}/pool.db", "file://localhost{}/pool.db?mode=rwc", "file:{}/pool.db?nolock=1"),
        *("file:?", ":memory:?", "./:memory:", "pool.db?mode=ro"),
    ],
)
async def test_a_name_that_looks_like_a_uri_is_the_name_of_one_private_file(
    tmp_path, monkeypatch, told, name
):
    """Where SQLite reads URIs unasked, as some systems' does, it would open another file."""
    monkeypatch.chdir(tmp_path)
    name = name.format(tmp_path)
    path = Path(os.path.realpath(name))
    path.parent.mkdir(parents=True, exist_ok=True)
    before = os.umask(0)
    try:
        async with Database(path=name) as database:
            await database.write(count)
    finally:
        os.umask(before)
    assert [each for each in tmp_path.rglob("*") if each.is_file()] == [path]
    assert path.read_bytes().startswith(b"SQLite format 3")
    assert mode(path) == 0o600
    await made_again(name)
    assert told() == []


async def test_sqlite_is_given_the_whole_path(tmp_path, monkeypatch):
    """Which begins with no "file:", so it is no URI whatever SQLite was built with."""
    given, connect = [], sqlite3.connect
    monkeypatch.setattr(
        sqlite3, "connect", lambda path, **how: given.append(path) or connect(path, **how)
    )
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link.db").symlink_to("file:pool.db")
    for name in ("file:pool.db", "link.db", "./file:pool.db", str(tmp_path / "file:pool.db")):
        await made_again(name) if given else await made(name)
    assert set(given) == {str(tmp_path.resolve() / "file:pool.db")}


@pytest.mark.parametrize("wide", WIDE, ids=oct)
async def test_a_file_that_others_can_read_is_closed_off_and_one_line_says_so(path, told, wide):
    path.chmod(wide)
    async with Database(path=str(path)) as database:
        assert mode(path) == 0o600
        await database.write(count_again)
        assert {mode(each) for each in path.parent.iterdir()} == {0o600}
    (line,) = told()
    assert line.startswith("other users could read pool.db")
    assert line.endswith("the mode is 0600 now")


def count_again(connection):
    connection.execute("UPDATE password_failures SET failures = failures + 1")


@pytest.mark.parametrize("narrow", [0o600, 0o700])
async def test_a_file_that_is_private_is_left_as_it_is(path, told, narrow):
    path.chmod(narrow)
    await made_again(path)
    assert mode(path) == narrow
    assert told() == []


async def made_again(path):
    async with Database(path=str(path)) as database:
        await database.write(count_again)


async def test_what_a_killed_server_left_beside_it_is_closed_off_too(path, told):
    async with Database(path=str(path)) as database:
        await database.write(count_again)
        copy = path.with_name("copy.db")
        for each in ("", "-wal", "-shm"):
            target = copy.with_name(copy.name + each)
            shutil.copyfile(path.with_name(path.name + each), target)
            target.chmod(0o664)
    async with Database(path=str(copy)) as database:
        await database.write(count_again)
        assert {mode(copy.with_name(copy.name + each)) for each in ("", "-wal", "-shm")} == {0o600}
        counted = await database.read(lambda c: c.execute("SELECT failures FROM password_failures"))
    assert counted.first() == (3,)
    (line,) = told()
    assert all(f"copy.db{each}" in line for each in ("", "-wal", "-shm"))


@pytest.mark.parametrize(("end", "wide"), list(itertools.product(BESIDE, [0o644, 0o660])))
def test_each_of_them_is_closed_off_where_only_it_is_open(tmp_path, told, end, wide):
    file = PrivateFile(str(tmp_path / "pool.db"))
    file.make()
    beside = tmp_path / f"pool.db{end}"
    beside.touch()
    beside.chmod(wide)
    file.close_off()
    assert mode(beside) == 0o600
    assert len(told()) == 1
    file.close_off()
    assert len(told()) == 1


async def test_what_a_link_leads_to_is_made_and_closed_off(tmp_path, told):
    (tmp_path / "elsewhere").mkdir()
    target, link = tmp_path / "elsewhere" / "pool.db", tmp_path / "link.db"
    link.symlink_to(target)
    before = os.umask(0)
    try:
        await made(link)
    finally:
        os.umask(before)
    assert mode(target) == 0o600
    assert told() == []
    target.chmod(0o644)
    await made_again(link)
    assert mode(target) == 0o600
    assert link.is_symlink()
    assert len(told()) == 1


async def test_a_folder_that_others_write_to_is_told_of_when_the_file_was_open_to_them(path, told):
    path.chmod(0o644)
    path.parent.chmod(0o777)
    await made_again(path)
    (line,) = told()
    assert line.endswith("they can still put other files there, so close the folder off")


async def test_a_folder_such_as_tmp_is_all_right(path, told):
    path.chmod(0o644)
    path.parent.chmod(0o1777)
    await made_again(path)
    (line,) = told()
    assert line.endswith("now")


@pytest.mark.parametrize("content", [b"", b"a secret of another kind" * 100, "sqlite"], ids=len)
async def test_a_file_of_another_kind_keeps_its_mode(tmp_path, content):
    path = tmp_path / "other"
    if content == "sqlite":
        with sqlite3.connect(path) as other:
            other.execute("CREATE TABLE theirs (x)")
        other.close()
    else:
        path.write_bytes(content)
    path.chmod(0o644)
    if content == b"":  # nothing is in it, so it becomes ours
        await made(path)
        assert mode(path) == 0o600
        return
    with pytest.raises(ConfigError):
        await made(path)
    assert mode(path) == 0o644


@pytest.mark.parametrize("end", ["", *BESIDE])
@pytest.mark.parametrize("kind", ["folder", "link", "pipe"])
async def test_what_is_no_file_is_refused(tmp_path, end, kind):
    path = tmp_path / "pool.db"
    odd = tmp_path / f"pool.db{end}"
    if kind == "folder":
        odd.mkdir()
    elif kind == "pipe":
        os.mkfifo(odd)
    elif end:
        (tmp_path / "theirs").touch()
        odd.symlink_to(tmp_path / "theirs")
    else:
        odd.symlink_to(tmp_path)
    with pytest.raises(ConfigError, match="it is no file"):
        await made(path)


async def test_a_file_system_without_modes_is_refused(path, monkeypatch):
    """Such as a memory stick's; none can be mounted here without being root."""
    path.chmod(0o644)
    monkeypatch.setattr("pathlib.Path.chmod", lambda *_: None)
    with pytest.raises(ConfigError, match="its file system keeps no modes"):
        await made_again(path)


async def test_a_mode_that_cannot_be_changed_is_refused_and_nothing_is_served(path, monkeypatch):
    path.chmod(0o644)

    def denied(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("pathlib.Path.chmod", denied)
    with pytest.raises(ConfigError, match=r"cannot be changed .*not permitted.* 0600"):
        await made_again(path)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs a second user")
async def test_another_users_file_is_refused():
    # Not in pytest's folder, through which no other user may come.
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pool.db"
        await made(path)
        path.chmod(0o666)
        path.parent.chmod(0o777)
        done = subprocess.run(
            [sys.executable, "-c", AS_ANOTHER_USER, str(path)],
            check=True,
            capture_output=True,
            text=True,
        )
        assert "cannot be changed" in done.stdout
        assert "served" not in done.stdout
        assert mode(path) == 0o666


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs a second user")
@pytest.mark.parametrize("end", BESIDE)
async def test_what_another_user_put_beside_it_is_refused(path, end):
    beside = path.with_name(path.name + end)
    beside.touch()
    os.chown(beside, 65534, 65534)
    with pytest.raises(ConfigError, match="belongs to another user"):
        await made_again(path)
