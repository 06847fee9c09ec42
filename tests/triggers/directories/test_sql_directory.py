"""The SQL directory on a real SQLite file and on a real PostgreSQL server."""

import asyncio
import logging
import socket
import sqlite3
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import argon2
import asyncpg
import bcrypt
import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from authflow.errors import (
    BadCredentialsError,
    ConfigError,
    DirectoryRecordError,
    DirectoryUnavailableError,
    MisuseError,
)
from authflow.secret import Secret
from authflow.triggers import (
    FinalStatus,
    Found,
    MigratedUser,
    Triggers,
    UnknownUser,
    WrongPassword,
    migrating,
)
from authflow.triggers.directories import sql_directory as module
from authflow.triggers.directories.password_hashes import Argon2Hash, BcryptHash
from authflow.triggers.directories.sql_directory import SqlDirectory

LoadEvent = Callable[..., dict[str, Any]]

# The least cost that the libraries allow: the tests are about right and wrong, not about strength.
ARGON2 = argon2.PasswordHasher.from_parameters(argon2.profiles.CHEAPEST)
ATTRIBUTES = {"email": "mail", "email_verified": "mail_checked", "name": "full_name"}


def by_bcrypt(password: bytes) -> str:
    return bcrypt.hashpw(password, bcrypt.gensalt(4)).decode()


USERS = [
    ("ada", ARGON2.hash("correct horse"), "ada@example.com", "1", "Ada"),
    ("bob", by_bcrypt(b"battery staple"), "bob@example.com", "0", None),
    ("bo", by_bcrypt(b"old prefix").replace("$2b$", "$2a$"), "bo@example.com", None, "Bo"),
    ("php", by_bcrypt(b"of php").replace("$2b$", "$2y$"), "php@example.com", "true", "P"),
    ("long", by_bcrypt(b"x" * 72), "long@example.com", "1", "L"),
    ("umlaut", ARGON2.hash("pässwörd"), "u@example.com", "FALSE", "Ü"),
    ("none", None, "none@example.com", "1", "N"),
    ("unusable", "!no password", "none@example.com", "1", "N"),
    ("md5", "5f4dcc3b5aa765d61d8327deb882cf99", "md5@example.com", "1", "M"),
    ("plain", "secret", "plain@example.com", "1", "P"),
    ("cut", ARGON2.hash("cut")[:-20], "cut@example.com", "1", "C"),
    ("short", "$2b$04$tooshort", "short@example.com", "1", "S"),
    ("odd", ARGON2.hash("odd"), "odd@example.com", "maybe", "O"),
    ("long mail", ARGON2.hash("long"), "x" * 2049, "1", "L"),
    ("twin", ARGON2.hash("first"), "1@example.com", "1", "T"),
    ("twin", ARGON2.hash("second"), "2@example.com", "1", "T"),
]
TABLE = "CREATE TABLE users (login TEXT, hash TEXT, mail TEXT, mail_checked TEXT, full_name TEXT)"


def make_sqlite(path: Path, rows: list[Any], table: str = TABLE) -> str:
    """Make a real SQLite file with a table of users. Gives its URL."""
    with sqlite3.connect(path) as connection:
        connection.execute(table)
        places = ", ".join("?" * table.count(",")) + ", ?"
        connection.executemany(f"INSERT INTO users VALUES ({places})", rows)
    connection.close()
    return f"sqlite+aiosqlite:///{path}"


# As long as the server lives: a run that shares its tests out may come back to this module.
@pytest.fixture(scope="session")
def postgres(postgres_url: str) -> str:
    """A real PostgreSQL server with the users in it. Gives its URL."""
    anyio.run(fill, postgres_url)
    return postgres_url.replace("postgresql:", "postgresql+asyncpg:")


async def fill(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await make_tables(connection)
    finally:
        await connection.close()


async def make_tables(connection: Any) -> None:
    await connection.execute(TABLE)
    await connection.executemany("INSERT INTO users VALUES ($1, $2, $3, $4, $5)", USERS)
    await connection.execute(
        "CREATE SCHEMA old; CREATE TABLE old.people (id int, login varchar(20), hash varchar(200),"
        " mail text, is_active boolean, must_reset boolean, checked boolean);"
        " CREATE VIEW slow AS SELECT login, hash, pg_sleep(20)::text AS mail FROM users"
    )
    right = ARGON2.hash("right")
    people = [
        (1, "on", right, "on@example.com", True, False, True),
        (2, "off", right, "off@example.com", False, False, True),
        (3, "reset", right, "reset@example.com", True, True, False),
        (4, "unset", right, "unset@example.com", None, False, False),
        (5, "unsure", right, "unsure@example.com", True, None, False),
    ]
    await connection.executemany("INSERT INTO old.people VALUES ($1,$2,$3,$4,$5,$6,$7)", people)


@pytest.fixture(
    params=["sqlite", pytest.param("postgres", marks=pytest.mark.system("initdb", "postgres"))]
)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a real database with users in it."""
    if request.param == "postgres":
        return str(request.getfixturevalue("postgres"))
    return make_sqlite(tmp_path / "users.db", USERS)


def directory_at(engine: Any, **settings: Any):
    return SqlDirectory(
        **{
            "engine": engine,
            "username_column": "login",
            "hash_column": "hash",
            "attributes": ATTRIBUTES,
            **settings,
        }
    )


@pytest.fixture
async def directory(url: str):
    async with directory_at(url) as directory:
        yield directory


@pytest.mark.parametrize(
    ("username", "password", "attributes"),
    [
        (
            "ada",
            "correct horse",
            {"email": "ada@example.com", "email_verified": "true", "name": "Ada"},
        ),
        ("bob", "battery staple", {"email": "bob@example.com", "email_verified": "false"}),
        ("bo", "old prefix", {"email": "bo@example.com", "name": "Bo"}),
        (
            "php",
            "of php",
            {"email": "php@example.com", "email_verified": "true", "name": "P"},
        ),
        (
            "umlaut",
            "pässwörd",
            {"email": "u@example.com", "email_verified": "false", "name": "Ü"},
        ),
    ],
)
async def test_the_right_password_finds_the_user(
    directory: SqlDirectory, username: str, password: Any, attributes: Any
):
    found = await directory.authenticate(username, Secret(password))
    assert isinstance(found, Found)
    assert found.user.attributes == attributes


@pytest.mark.parametrize("username", ["ada", "bob", "none", "unusable"])
@pytest.mark.parametrize("password", ["", "wrong", "correct horse ", "\ud800", "a\0b", "x" * 10000])
async def test_a_wrong_password_is_wrong(directory: SqlDirectory, username: str, password: Any):
    assert await directory.authenticate(username, Secret(password)) == WrongPassword()


@pytest.mark.parametrize("username", ["", "' OR 1=1 --", "%", "\0", "\ud800", "a" * 5000])
async def test_an_unknown_user_is_unknown(directory: SqlDirectory, username: str):
    assert await directory.authenticate(username, Secret("correct horse")) == UnknownUser()
    assert await directory.look_up(username) == UnknownUser()


async def test_a_user_without_a_password_has_no_password_that_is_right(directory: SqlDirectory):
    await directory.authenticate("ada", Secret("correct horse"))
    assert await directory.authenticate("none", Secret("")) == WrongPassword()
    assert isinstance(await directory.look_up("none"), Found)


async def test_even_the_decoys_own_password_lets_nobody_in(directory: SqlDirectory):
    directory._decoy = Argon2Hash(ARGON2.hash("of the decoy"))
    assert await directory.authenticate("none", Secret("of the decoy")) == WrongPassword()
    assert await directory.authenticate("eve", Secret("of the decoy")) == UnknownUser()


async def test_bcrypt_takes_in_72_bytes_and_no_fewer(directory: SqlDirectory):
    assert isinstance(await directory.authenticate("long", Secret("x" * 72)), Found)
    assert await directory.authenticate("long", Secret("x" * 71)) == WrongPassword()


async def test_what_bcrypt_does_not_read_never_becomes_the_pools_password(
    directory: SqlDirectory, caplog: pytest.LogCaptureFixture
):
    for more in ("canary", "x", "\0", "\0" + "x" * 72):
        assert await directory.authenticate("long", Secret("x" * 72 + more)) == WrongPassword()
    assert caplog.text.count("bcrypt reads 72 bytes") == 4
    assert "canary" not in caplog.text
    assert isinstance(await directory.look_up("long"), Found), "a forgotten password brings in"


@pytest.mark.parametrize(
    "name",
    [
        *("sub", "Sub", "SUB", "identities", "Identities"),
        "cognito:user_status",
        "Cognito:X",
        "cognito:",
    ],
)
def test_an_attribute_that_cognito_writes_itself_cannot_be_brought(name: str):
    settings: dict[str, Any] = {
        "engine": "sqlite+aiosqlite://",
        "username_column": "login",
        "hash_column": "hash",
    }
    with pytest.raises(ConfigError, match=f"attribute '{name}' itself"):
        SqlDirectory(attributes={"email": "mail", name: "id"}, **settings)
    with pytest.raises(ConfigError, match=f"attribute '{name}' itself"):
        SqlDirectory(
            attributes={"email": "mail"}, defaults=MigratedUser(attributes={name: "x"}), **settings
        )


@pytest.mark.parametrize("name", ["", "x" * 33, "e-mail", "\uff45mail", "custom:", "email\u200b"])
def test_an_attribute_that_no_user_can_have_cannot_be_brought(name: str):
    with pytest.raises(ConfigError, match="no user can have the attribute") as caught:
        SqlDirectory(
            engine="sqlite+aiosqlite://",
            username_column="login",
            hash_column="hash",
            attributes={"email": "mail", name: "id"},
        )
    assert str(caught.value).isascii()


@pytest.mark.parametrize("username", ["md5", "plain", "cut", "short"])
async def test_a_hash_that_cannot_be_checked_fails_closed(directory: SqlDirectory, username: str):
    for password in ("secret", "password", "cut"):
        with pytest.raises(DirectoryRecordError, match="cannot be checked"):
            await directory.authenticate(username, Secret(password))


async def test_a_name_of_several_users_fails_closed(directory: SqlDirectory):
    with pytest.raises(DirectoryRecordError, match="several users"):
        await directory.authenticate("twin", Secret("first"))
    with pytest.raises(DirectoryRecordError, match="several users"):
        await directory.look_up("twin")


async def test_whether_an_address_is_verified_is_not_guessed(directory: SqlDirectory):
    with pytest.raises(DirectoryRecordError, match="email_verified"):
        await directory.look_up("odd")


async def test_a_user_is_looked_up_without_a_password(directory: SqlDirectory):
    found = await directory.look_up("ada")
    assert isinstance(found, Found)
    assert found.user.attributes["email"] == "ada@example.com"


async def test_defaults_are_given_to_everybody_and_columns_win(url: str):
    defaults = MigratedUser(
        attributes={"email_verified": "true", "locale": "en"},
        send_welcome=True,
        delivery_mediums=["EMAIL"],
        force_alias_creation=True,
        status="RESET_REQUIRED",
    )
    async with directory_at(url, defaults=defaults) as directory:
        bo, bob = await directory.look_up("bo"), await directory.look_up("bob")
    assert (bo.user.attributes["email_verified"], bo.user.attributes["locale"]) == ("true", "en")
    assert bob.user.attributes["email_verified"] == "false"
    assert (bob.user.send_welcome, bob.user.delivery_mediums) == (True, ("EMAIL",))
    assert (bob.user.force_alias_creation, bob.user.status) == (True, FinalStatus.RESET_REQUIRED)


async def test_one_column_may_hold_several_attributes_and_the_username(url: str):
    async with directory_at(
        url, username_column="mail", attributes={"email": "mail", "nickname": "mail"}
    ) as directory:
        found = await directory.authenticate("ada@example.com", Secret("correct horse"))
    assert found.user.attributes == {"email": "ada@example.com", "nickname": "ada@example.com"}


SMALL = "CREATE TABLE users (login TEXT, hash TEXT, mail TEXT)"


@pytest.mark.parametrize("kind", [ARGON2.hash("x"), by_bcrypt(b"x")], ids=["argon2", "bcrypt"])
@pytest.mark.parametrize("before", [None, "!unusable", "damaged"])
async def test_an_unknown_user_costs_a_hash_of_the_tables_own_kind_and_cost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, before: Any
):
    rows = [("root", before, "r@example.com"), ("ada", kind, "a@example.com")]
    checked = []
    check = module.check_password
    monkeypatch.setattr(
        module,
        "check_password",
        lambda stored, given: checked.append(stored) or check(stored, given),
    )
    url = make_sqlite(tmp_path / "one.db", rows, SMALL)
    async with directory_at(url, attributes={"email": "mail"}) as directory:
        assert await directory.authenticate("eve", Secret("x")) == UnknownUser()
        assert await directory.authenticate("ada", Secret("y")) == WrongPassword()
    decoy, real = checked
    assert real.text == kind
    assert decoy.text != kind
    assert decoy.text[:7] == kind[:7]
    if kind.startswith("$argon2"):
        assert argon2.extract_parameters(decoy.text) == argon2.extract_parameters(kind)


async def test_a_record_of_no_use_costs_a_hash_before_it_is_told(
    directory: SqlDirectory, monkeypatch: pytest.MonkeyPatch
):
    checked = []
    check = module.check_password
    monkeypatch.setattr(
        module,
        "check_password",
        lambda stored, given: checked.append(stored) or check(stored, given),
    )
    for username in ("md5", "twin", "odd"):
        with pytest.raises(DirectoryRecordError):
            await directory.authenticate(username, Secret("odd"))
    assert len(checked) == 3


async def test_an_empty_table_knows_nobody_and_learns_its_kind_later(tmp_path: Path):
    url = make_sqlite(tmp_path / "empty.db", [], SMALL)
    async with directory_at(url, attributes={"email": "mail"}) as directory:
        assert await directory.authenticate("ada", Secret("x")) == UnknownUser()
        with sqlite3.connect(tmp_path / "empty.db") as connection:
            row = ("ada", by_bcrypt(b"x"), "a@example.com")
            connection.execute("INSERT INTO users VALUES (?, ?, ?)", row)
        connection.close()
        assert isinstance(await directory.authenticate("ada", Secret("x")), Found)
        assert isinstance(directory._decoy, BcryptHash)


async def test_hashes_that_are_kept_as_bytes_are_read(tmp_path: Path):
    rows = [("ada", ARGON2.hash("as bytes").encode(), "ada@example.com")]
    url = make_sqlite(tmp_path / "bytes.db", rows, SMALL)
    async with directory_at(url, attributes={"email": "mail"}) as directory:
        assert isinstance(await directory.authenticate("ada", Secret("as bytes")), Found)


async def test_a_name_that_only_the_database_takes_for_another_is_unknown(tmp_path: Path):
    table = "CREATE TABLE users (login TEXT COLLATE RTRIM, hash TEXT, mail TEXT)"
    url = make_sqlite(tmp_path / "rtrim.db", [("ada", ARGON2.hash("x"), "ada@example.com")], table)
    async with directory_at(url, attributes={"email": "mail"}) as directory:
        assert await directory.authenticate("ada ", Secret("x")) == UnknownUser()
        assert await directory.look_up("ada ") == UnknownUser()
        assert isinstance(await directory.authenticate("ada", Secret("x")), Found)


def people(url: str, **settings: Any):
    return directory_at(
        url,
        schema="old",
        table="people",
        attributes={"email": "mail", "email_verified": "checked"},
        **settings,
    )


@pytest.mark.system("initdb", "postgres")
async def test_only_users_who_are_enabled_are_found(postgres: str):
    async with people(postgres, enabled_column="is_active") as directory:
        assert isinstance(await directory.authenticate("on", Secret("right")), Found)
        assert await directory.authenticate("off", Secret("right")) == UnknownUser()
        assert await directory.look_up("off") == UnknownUser()
        with pytest.raises(DirectoryRecordError, match="enabled_column"):
            await directory.authenticate("unset", Secret("right"))


@pytest.mark.system("initdb", "postgres")
async def test_a_column_says_who_must_set_another_password(postgres: str):
    async with people(postgres, reset_column="must_reset") as directory:
        kept, reset = await directory.look_up("on"), await directory.look_up("reset")
        assert kept.user.status is FinalStatus.CONFIRMED
        assert reset.user.status is FinalStatus.RESET_REQUIRED
        assert reset.user.attributes["email_verified"] == "false"
        with pytest.raises(DirectoryRecordError, match="reset_column"):
            await directory.look_up("unsure")


@pytest.mark.system("initdb", "postgres")
async def test_a_database_that_takes_too_long_is_unavailable(
    postgres: str, load_event: LoadEvent, caplog: pytest.LogCaptureFixture
):
    async with directory_at(postgres, table="slow", attributes={"email": "mail"}) as directory:
        triggers = Triggers(directory=migrating(directory, timeout=0.3))
        with pytest.raises(DirectoryUnavailableError):
            await triggers.handle(load_event("migration_forgot_password"))
    assert "within 0.3 seconds" in caplog.text


async def test_a_database_that_never_answers_is_unavailable(load_event: LoadEvent):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql+asyncpg://ada@127.0.0.1:{silent.getsockname()[1]}/users"
        async with directory_at(url) as directory:
            triggers = Triggers(directory=migrating(directory, timeout=0.2))
            with pytest.raises(DirectoryUnavailableError):
                await triggers.handle(load_event("migration_authentication"))


async def test_a_stray_cancellation_of_the_databases_is_unavailable(monkeypatch):
    class Ends:
        async def __aenter__(self):
            raise asyncio.CancelledError

        async def __aexit__(self, *_: object):
            raise AssertionError

    monkeypatch.setattr("sqlalchemy.ext.asyncio.AsyncEngine.connect", lambda _engine: Ends())
    async with directory_at("sqlite+aiosqlite://") as directory:
        with pytest.raises(DirectoryUnavailableError):
            await directory.authenticate("ada", Secret("x"))


async def test_a_database_that_is_not_there_is_unavailable():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        url = f"postgresql+asyncpg://ada@127.0.0.1:{taken.getsockname()[1]}/users"
        async with directory_at(url) as directory:
            with pytest.raises(DirectoryUnavailableError):
                await directory.authenticate("ada", Secret("x"))


async def test_an_engine_of_the_owners_own_is_taken(tmp_path: Path):
    url = make_sqlite(tmp_path / "own.db", USERS)
    async with directory_at(create_async_engine(url, hide_parameters=True)) as directory:
        assert isinstance(await directory.look_up("ada"), Found)


@pytest.mark.both_loops
async def test_many_ask_at_a_time(url: str):
    outcomes = []
    async with directory_at(url, at_once=2) as directory:

        async def ask(password: str) -> None:
            outcomes.append((password, await directory.authenticate("ada", Secret(password))))

        async with anyio.create_task_group() as tasks:
            for password in ("correct horse", "wrong") * 10:
                tasks.start_soon(ask, password)
    assert len(outcomes) == 20
    assert all(isinstance(got, Found) == (asked != "wrong") for asked, got in outcomes)


async def test_no_output_shows_what_was_typed_or_stored(
    url: str, load_event: LoadEvent, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    hashed = USERS[0][1]
    shown = []
    for settings in ({}, {"table": "nothing"}, {"username_column": "mail_checked"}):
        engine = create_async_engine(url, hide_parameters=True, echo=True)
        async with directory_at(engine, **settings) as directory:
            for username in ("canary-user", "ada"):
                event = load_event("migration_authentication", password="canary-password")
                event["userName"] = username
                with pytest.raises((BadCredentialsError, DirectoryUnavailableError)) as caught:
                    await Triggers(directory=directory).handle(event)
                shown += traceback.format_exception(caught.value)
                shown.append(str(caught.getrepr(style="value")))
            shown.append(repr(directory))
    everything = "".join([*shown, caplog.text])
    assert "SELECT" in everything
    assert "canary" not in everything
    assert hashed not in everything


@pytest.mark.parametrize("settings", [{"table": "nothing"}, {"hash_column": "nothing"}])
async def test_a_database_that_cannot_be_asked_is_unavailable(
    url: str, settings: dict[str, Any], caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    username, password = "canary-user", Secret("canary-9")
    async with directory_at(url, **settings) as directory:
        with pytest.raises(DirectoryUnavailableError) as caught:
            await directory.authenticate(username, password)
        with pytest.raises(DirectoryUnavailableError) as missed:
            await directory.look_up(username)
    shown = [caught.getrepr(style="value"), missed.getrepr(style="value"), caplog.text]
    causes = [repr(caught.value.__cause__), str(caught.value.__cause__), missed.value.__cause__]
    assert "canary" not in " ".join(map(str, [*shown, *causes]))


def test_the_directory_is_not_shown_with_its_url_or_engine():
    directory = directory_at("sqlite+aiosqlite:///canary-path.db")
    assert "canary-path" not in repr(directory)


@pytest.mark.parametrize(
    ("engine", "match"),
    [
        ("", "URL"),
        ("canary-10", "URL"),
        ("nosuchdb://user:canary-10@host/db", "URL"),
        ("postgresql://user:canary-10@host:port/db", "URL"),
        ("oracle+oracledb_async://user:canary-10@host/db", "driver"),
        ("sqlite:///canary-10.db", "synchronous"),
        ("mssql+aioodbc://user:canary-10@host/db", "driver"),
        (None, "Engine"),
        (create_async_engine("sqlite+aiosqlite://"), "hide_parameters"),
    ],
)
def test_an_engine_that_cannot_be_used_is_refused_at_once(engine: Any, match: str):
    with pytest.raises(ConfigError, match=match) as caught:
        directory_at(engine)
    assert "canary-10" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    "settings",
    [
        {"attributes": {}},
        {"attributes": {"email": 1}},
        {"at_once": 0},
        {"at_once": True},
    ],
)
def test_settings_that_make_no_sense_are_refused_at_once(settings: dict[str, Any]):
    with pytest.raises(MisuseError):
        directory_at("sqlite+aiosqlite://", **settings)


def test_defaults_are_a_user():
    with pytest.raises(TypeError, match="defaults"):
        directory_at("sqlite+aiosqlite://", defaults={"email_verified": "true"})


def test_a_missing_extra_says_what_to_install():
    program = (
        "import sys; sys.modules['bcrypt'] = None\n"
        "try: import authflow.triggers.directories.sql_directory\n"
        "except Exception as error: print(type(error).__name__, error)\n"
    )
    printed = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    ).stdout
    assert printed.startswith("UnavailableImportError")
    assert "pip install 'cognito-authflow[sql]'" in printed


def test_users_migrate_through_the_lambda_handler_call_after_call(url: str, load_event: LoadEvent):
    directory = directory_at(url)
    handler = Triggers(directory=directory).lambda_handler
    for _ in range(2):  # a warm Lambda: the same directory
        filled = handler(load_event("migration_authentication"), None)
        assert filled["response"]["userAttributes"]["email"] == "ada@example.com"
        with pytest.raises(BadCredentialsError, match=r"^Bad username or password$"):
            handler(load_event("migration_authentication", password="wrong"), None)
    found = handler(load_event("migration_forgot_password"), None)
    assert found["response"]["userAttributes"]["email_verified"] == "true"


def test_one_directory_is_asked_from_one_event_loop_after_another(url: str):
    directory = directory_at(url)
    for _ in range(3):
        found = anyio.run(directory.authenticate, "ada", Secret("correct horse"))
        assert isinstance(found, Found)
