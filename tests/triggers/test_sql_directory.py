import logging
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import argon2
import bcrypt
import pytest
import sqlalchemy

from authflow.errors import (
    BadCredentialsError,
    ConfigError,
    DirectoryError,
    DirectoryUnavailableError,
    MisuseError,
)
from authflow.secret import Secret
from authflow.triggers import (
    Found,
    Triggers,
    UnknownUser,
    WrongPassword,
)
from authflow.triggers import sql_directory as module
from authflow.triggers.sql_directory import SqlDirectory

LoadEvent = Callable[..., dict[str, Any]]

# The least cost that the libraries allow: the tests are about right and wrong, not about strength.
ARGON2 = argon2.PasswordHasher.from_parameters(argon2.profiles.CHEAPEST)
ATTRIBUTES = {"email": "mail", "email_verified": "mail_checked", "name": "full_name"}


def by_bcrypt(password: bytes) -> str:
    return bcrypt.hashpw(password, bcrypt.gensalt(4)).decode()


USERS = [
    ("ada", ARGON2.hash("correct horse"), "ada@example.com", 1, "Ada"),
    ("bob", by_bcrypt(b"battery staple"), "bob@example.com", 0, None),
    ("bo", by_bcrypt(b"old prefix").replace("$2b$", "$2a$"), "bo@example.com", None, "Bo"),
    ("php", by_bcrypt(b"of php").replace("$2b$", "$2y$"), "php@example.com", "true", "P"),
    ("long", by_bcrypt(b"x" * 72), "long@example.com", 1, "L"),
    ("umlaut", ARGON2.hash("pässwörd"), "u@example.com", "FALSE", "Ü"),
    ("bytes", ARGON2.hash("as bytes").encode(), "bytes@example.com", 1, "B"),
    ("none", None, "none@example.com", 1, "N"),
    ("md5", "5f4dcc3b5aa765d61d8327deb882cf99", "md5@example.com", 1, "M"),
    ("plain", "secret", "plain@example.com", 1, "P"),
    ("cut", ARGON2.hash("cut")[:-20], "cut@example.com", 1, "C"),
    ("short", "$2b$04$tooshort", "short@example.com", 1, "S"),
    ("odd", ARGON2.hash("odd"), "odd@example.com", "maybe", "O"),
    ("twin", ARGON2.hash("first"), "1@example.com", 1, "T"),
    ("twin", ARGON2.hash("second"), "2@example.com", 1, "T"),
]


@pytest.fixture
def url(tmp_path: Path):
    """The URL of a real SQLite file with users in it."""
    url = f"sqlite:///{tmp_path / 'users.db'}"
    engine = sqlalchemy.create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TABLE users (login TEXT, hash TEXT, mail TEXT, mail_checked, full_name TEXT)"
        )
        connection.exec_driver_sql("INSERT INTO users VALUES (?, ?, ?, ?, ?)", USERS)
    engine.dispose()
    return url


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
        (
            "bytes",
            "as bytes",
            {"email": "bytes@example.com", "email_verified": "true", "name": "B"},
        ),
    ],
)
async def test_the_right_password_finds_the_user(
    directory: SqlDirectory, username: str, password: Any, attributes: Any
):
    found = await directory.authenticate(username, Secret(password))
    assert isinstance(found, Found)
    assert found.user.attributes == attributes


@pytest.mark.parametrize("username", ["ada", "bob", "none"])
@pytest.mark.parametrize("password", ["", "wrong", "correct horse ", "\ud800", "a\0b", "x" * 10000])
async def test_a_wrong_password_is_wrong(directory: SqlDirectory, username: str, password: Any):
    assert await directory.authenticate(username, Secret(password)) == WrongPassword()


@pytest.mark.parametrize("username", ["", "ADA", "' OR 1=1 --", "%", "\0", "\ud800", "a" * 5000])
async def test_an_unknown_user_is_unknown(directory: SqlDirectory, username: str):
    assert await directory.authenticate(username, Secret("correct horse")) == UnknownUser()
    assert await directory.look_up(username) == UnknownUser()


async def test_a_user_without_a_password_has_no_password_that_is_right(directory: SqlDirectory):
    await directory.authenticate("ada", Secret("correct horse"))
    assert await directory.authenticate("none", Secret("")) == WrongPassword()
    assert isinstance(await directory.look_up("none"), Found)


async def test_even_the_decoys_own_password_lets_nobody_in(directory: SqlDirectory):
    directory._decoy = ARGON2.hash("of the decoy")
    assert await directory.authenticate("none", Secret("of the decoy")) == WrongPassword()
    assert await directory.authenticate("eve", Secret("of the decoy")) == UnknownUser()


async def test_bcrypt_takes_in_72_bytes_and_no_fewer(directory: SqlDirectory):
    for right in ("x" * 72, "x" * 72 + "beyond what bcrypt hashes"):
        assert isinstance(await directory.authenticate("long", Secret(right)), Found)
    assert await directory.authenticate("long", Secret("x" * 71)) == WrongPassword()


@pytest.mark.parametrize("username", ["md5", "plain", "cut", "short"])
async def test_a_hash_that_cannot_be_checked_fails_closed(directory: SqlDirectory, username: str):
    for password in ("secret", "password", "cut"):
        with pytest.raises(DirectoryError, match="neither argon2 nor bcrypt"):
            await directory.authenticate(username, Secret(password))


async def test_a_name_of_several_users_fails_closed(directory: SqlDirectory):
    with pytest.raises(DirectoryError, match="several users"):
        await directory.authenticate("twin", Secret("first"))
    with pytest.raises(DirectoryError, match="several users"):
        await directory.look_up("twin")


async def test_whether_an_address_is_verified_is_not_guessed(directory: SqlDirectory):
    with pytest.raises(DirectoryError, match="email_verified"):
        await directory.look_up("odd")


async def test_a_user_is_looked_up_without_a_password(directory: SqlDirectory):
    found = await directory.look_up("ada")
    assert isinstance(found, Found)
    assert found.user.attributes["email"] == "ada@example.com"


async def test_constants_are_given_to_everybody_and_columns_win(url: str):
    async with directory_at(url, constants={"email_verified": "true", "locale": "en"}) as directory:
        bo, bob = await directory.look_up("bo"), await directory.look_up("bob")
    assert (bo.user.attributes["email_verified"], bo.user.attributes["locale"]) == ("true", "en")
    assert bob.user.attributes["email_verified"] == "false"


async def test_one_column_may_hold_several_attributes_and_the_username(url: str):
    async with directory_at(
        url, username_column="mail", attributes={"email": "mail", "nickname": "mail"}
    ) as directory:
        found = await directory.authenticate("ada@example.com", Secret("correct horse"))
    assert found.user.attributes == {"email": "ada@example.com", "nickname": "ada@example.com"}


@pytest.mark.parametrize("kind", [ARGON2.hash("x"), by_bcrypt(b"x")])
async def test_an_unknown_user_costs_a_hash_of_the_tables_own_kind_and_cost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: Any
):
    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'one.db'}", hide_parameters=True)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE users (login TEXT, hash TEXT, mail TEXT)")
        connection.exec_driver_sql("INSERT INTO users VALUES ('ada', ?, 'a@example.com')", (kind,))
    checked = []
    matches = module._matches
    monkeypatch.setattr(
        module, "_matches", lambda stored, given: checked.append(stored) or matches(stored, given)
    )
    async with directory_at(engine, attributes={"email": "mail"}) as directory:
        assert await directory.authenticate("eve", Secret("x")) == UnknownUser()
        assert await directory.authenticate("ada", Secret("y")) == WrongPassword()
    decoy, real = checked
    assert real == kind
    assert decoy != kind
    assert decoy[:7] == kind[:7]
    if kind.startswith("$argon2"):
        assert argon2.extract_parameters(decoy) == argon2.extract_parameters(kind)


async def test_an_empty_table_knows_nobody_and_learns_its_kind_later(tmp_path: Path):
    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'empty.db'}", hide_parameters=True)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE users (login TEXT, hash TEXT, mail TEXT)")
    async with directory_at(engine, attributes={"email": "mail"}) as directory:
        assert await directory.authenticate("ada", Secret("x")) == UnknownUser()
        with engine.begin() as connection:
            row = (by_bcrypt(b"x"),)
            connection.exec_driver_sql("INSERT INTO users VALUES ('ada', ?, 'a@example.com')", row)
        assert isinstance(await directory.authenticate("ada", Secret("x")), Found)
        assert directory._decoy.startswith("$2b$04$")


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


def test_the_directory_is_not_shown_with_its_url_or_engine(url: str):
    directory = directory_at("sqlite:///canary-path.db")
    assert "canary-path" not in repr(directory)


@pytest.mark.parametrize(
    ("engine", "match"),
    [
        ("", "URL"),
        ("canary-10", "URL"),
        ("nosuchdb://user:canary-10@host/db", "URL"),
        ("postgresql://user:canary-10@host:port/db", "URL"),
        ("oracle://user:canary-10@host/db", "driver"),
        ("mssql+aioodbc://user:canary-10@host/db", "driver"),
        (None, "Engine"),
        (sqlalchemy.create_engine("sqlite://"), "hide_parameters"),
    ],
)
def test_an_engine_that_cannot_be_used_is_refused_at_once(engine: Any, match: str):
    with pytest.raises(ConfigError, match=match) as caught:
        directory_at(engine)
    assert "canary-10" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    "settings",
    [{"attributes": {}}, {"attributes": {"email": 1}}, {"constants": {"a": True}}, {"threads": 0}],
)
def test_settings_that_make_no_sense_are_refused_at_once(settings: dict[str, Any]):
    with pytest.raises(MisuseError):
        directory_at("sqlite://", **settings)


def test_a_missing_extra_says_what_to_install():
    program = (
        "import sys; sys.modules['bcrypt'] = None\n"
        "try: import authflow.triggers.sql_directory\n"
        "except Exception as error: print(type(error).__name__, error)\n"
    )
    printed = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    ).stdout
    assert printed.startswith("ConfigError")
    assert "pip install cognito-authflow[sql]" in printed


def test_users_migrate_through_the_lambda_handler_call_after_call(url: str, load_event: LoadEvent):
    directory = directory_at(url)
    handler = Triggers(directory=directory).lambda_handler
    for _ in range(2):  # a warm Lambda: another event loop, the same directory
        filled = handler(load_event("migration_authentication"), None)
        assert filled["response"]["userAttributes"]["email"] == "ada@example.com"
        with pytest.raises(BadCredentialsError, match=r"^Bad username or password$"):
            handler(load_event("migration_authentication", password="wrong"), None)
    found = handler(load_event("migration_forgot_password"), None)
    assert found["response"]["userAttributes"]["email_verified"] == "true"
    directory.close()
