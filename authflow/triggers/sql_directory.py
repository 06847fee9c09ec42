"""A user directory in an SQL table, with passwords hashed by argon2 or bcrypt.

Any database that SQLAlchemy has a synchronous driver for will do. Queries and hashing run in worker
threads. An unknown user, or one without a password, costs the verification of a hash as well, made
once with the parameters of a hash of the table: the time tells nobody who has an account.

Needs the extra `sql`: `pip install cognito-authflow[sql]`.

Sources: RFC 9106 (argon2); "bcrypt" of the Python Cryptographic Authority, on its 72 bytes.
"""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Final, Self

import anyio
import anyio.to_thread
from attrs import define, field

from authflow.errors import ConfigError, DirectoryError, DirectoryUnavailableError
from authflow.secret import Secret
from authflow.triggers.migration import (
    Found,
    MigratedUser,
    UnknownUser,
    WrongPassword,
)
from authflow.triggers.string_map import string_map

try:
    import argon2
    import bcrypt
    from sqlalchemy import (
        Engine,
        Select,
        TableClause,
        column,
        create_engine,
        select,
        table,
    )
    from sqlalchemy.exc import ArgumentError, SQLAlchemyError
except ModuleNotFoundError as error:
    msg = f"{error.name} is missing: run `pip install cognito-authflow[sql]`"
    raise ConfigError(msg) from error

BCRYPT_BYTES: Final = 72
"""How much of a password bcrypt takes in."""

_BCRYPT: Final = ("$2a$", "$2b$", "$2y$")
_ARGON2: Final = ("$argon2id$", "$argon2i$", "$argon2d$")
_Row = Sequence[Any]
"""A hash, and the attributes in their order."""
_VERIFIED: Final = frozenset({"email_verified", "phone_number_verified"})
_BOOLEANS: Final = {"true": "true", "false": "false", "1": "true", "0": "false"}
"""Booleans as databases give them, SQLite and MySQL as numbers; Cognito wants these two words."""


def _engine(engine: Engine | str) -> Engine:
    """Make the engine of a URL, or check one that the caller made."""
    if isinstance(engine, str):
        try:
            engine = create_engine(engine, hide_parameters=True, pool_pre_ping=True)
        except (ArgumentError, ValueError):  # its text may hold the URL, and the URL a password
            msg = "the directory's database URL cannot be read: write dialect+driver://..."
            raise ConfigError(msg) from None
        except ModuleNotFoundError as error:
            msg = f"the directory's database driver is not installed: {error.name}"
            raise ConfigError(msg) from error
    if not isinstance(engine, Engine):
        msg = f"the directory needs a database URL or an Engine, not {type(engine).__name__}"
        raise ConfigError(msg)
    if engine.dialect.is_async:
        msg = f"{engine.dialect.driver} is an asynchronous driver: name a synchronous one"
        raise ConfigError(msg)
    if not engine.hide_parameters:
        msg = "make the directory's Engine with hide_parameters=True: errors would show usernames"
        raise ConfigError(msg)
    return engine


def _columns(columns: Mapping[str, str]) -> Mapping[str, str]:
    if not columns:
        msg = "name a column for at least one attribute, such as {'email': 'email'}"
        raise ConfigError(msg)
    return string_map(columns)


@define(kw_only=True, eq=False)
class SqlDirectory:
    """Users in an SQL table or view. To leave some out, such as disabled ones, make it a view.

    Args:
        engine: A database URL, or an SQLAlchemy Engine made with `hide_parameters=True`.
        username_column: Where the name is that users sign in with.
        hash_column: Where the password's hash is, as argon2 or bcrypt write it.
        attributes: For each of Cognito's attributes, the column it is in. NULL leaves one out.
        constants: Attributes that are the same for everybody, such as `email_verified` "true".
        table: The table's or view's name.
        schema: Its schema, if that is not the connection's own.
        threads: How many queries and hashes may run at a time. An argon2 hash takes its memory
            for as long as it runs, 64 MiB by common settings.

    Raises:
        ConfigError: The database URL or the engine cannot be used, or no attribute is named.
        MisuseError: A column or a constant is not a string.
    """

    _engine: Engine = field(alias="engine", converter=_engine, repr=False)
    username_column: str
    hash_column: str
    attributes: Mapping[str, str] = field(converter=_columns)
    constants: Mapping[str, str] = field(factory=dict, converter=string_map)
    table: str = "users"
    schema: str | None = None
    threads: int = 4
    _limiter: anyio.CapacityLimiter = field(init=False, repr=False)
    _decoy: str | None = field(default=None, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        if type(self.threads) is not int or self.threads < 1:
            msg = "a directory needs at least one thread"
            raise ConfigError(msg)
        self._limiter = anyio.CapacityLimiter(self.threads)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await anyio.to_thread.run_sync(self.close)

    def close(self) -> None:
        """Close the connections to the database."""
        self._engine.dispose()

    async def authenticate(
        self, username: str, password: Secret[str]
    ) -> Found | UnknownUser | WrongPassword:
        """Check a password against the user's hash.

        Args:
            username: The name as the user typed it.
            password: The password.

        Raises:
            DirectoryUnavailableError: The database cannot be asked.
            DirectoryError: The name is of several users, or the hash is of another kind.
        """
        return await anyio.to_thread.run_sync(
            self._authenticate, username, password, abandon_on_cancel=True, limiter=self._limiter
        )

    async def look_up(self, username: str) -> Found | UnknownUser:
        """Find a user.

        Args:
            username: The name as the user typed it.

        Raises:
            DirectoryUnavailableError: The database cannot be asked.
            DirectoryError: The name is of several users.
        """
        return await anyio.to_thread.run_sync(
            self._look_up, username, abandon_on_cancel=True, limiter=self._limiter
        )

    def _authenticate(
        self, username: str, password: Secret[str]
    ) -> Found | UnknownUser | WrongPassword:
        decoy = self._decoy_hash()
        row = self._row(username)
        stored = None if row is None else row[0]
        right = _matches(decoy if stored is None else _text(stored), password)
        if row is None:
            return UnknownUser()
        return self._found(row) if right and stored is not None else WrongPassword()

    def _look_up(self, username: str) -> Found | UnknownUser:
        row = self._row(username)
        return UnknownUser() if row is None else self._found(row)

    def _found(self, row: _Row) -> Found:
        values = zip(self.attributes, row[1:], strict=True)
        told = {name: _attribute(name, value) for name, value in values if value is not None}
        return Found(MigratedUser(attributes={**self.constants, **told}))

    @property
    def _table(self) -> TableClause:
        named = {self.username_column, self.hash_column, *self.attributes.values()}
        return table(self.table, *map(column, named), schema=self.schema)

    def _row(self, username: str) -> _Row | None:
        """Read a user's hash and attributes."""
        # No username of Cognito's holds a character that cannot be printed, and what a driver
        # makes of NUL or of half a surrogate pair is anybody's guess.
        if not username.isprintable():
            return None
        users = self._table
        rows = self._read(
            select(users.c[self.hash_column], *(users.c[name] for name in self.attributes.values()))
            .where(users.c[self.username_column] == username)
            .limit(2)
        )
        if len(rows) > 1:
            msg = "the user directory has several users of one name: make its names unique"
            raise DirectoryError(msg)
        return rows[0] if rows else None

    def _decoy_hash(self) -> str:
        """Give the hash that unknown users are checked against; it is made at the first use."""
        if self._decoy is not None:
            return self._decoy
        stored = self._table.c[self.hash_column]
        rows = self._read(select(stored).where(stored.is_not(None)).limit(1))
        if not rows:
            return _decoy_like("")  # and look again next time: the table may only be empty yet
        self._decoy = _decoy_like(_text(rows[0][0]))
        return self._decoy

    def _read(self, query: Select[*tuple[Any, ...]]) -> list[_Row]:
        try:
            with self._engine.connect() as connection:
                return list(connection.execute(query).all())
        except SQLAlchemyError as error:
            msg = "the user directory cannot be asked now; try again later"
            raise DirectoryUnavailableError(msg) from error


def _text(stored: object) -> str:
    """Read a hash, which some drivers give as bytes."""
    if isinstance(stored, bytes | bytearray | memoryview):
        stored = bytes(stored).decode("ascii", "replace")
    return stored if isinstance(stored, str) else ""


def _attribute(name: str, value: object) -> str:
    """Spell an attribute. What says whether an address is verified is read, never guessed at."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if name not in _VERIFIED:
        return text
    if text.lower() not in _BOOLEANS:
        msg = f"the directory's column for {name} must hold true or false"
        raise DirectoryError(msg)
    return _BOOLEANS[text.lower()]


def _decoy_like(stored: str) -> str:
    """Hash what nobody knows, at the cost of a hash that is stored."""
    nobody_knows = secrets.token_bytes(32)
    if stored.startswith(_BCRYPT):
        rounds = int(stored[4:6]) if stored[4:6].isdecimal() else 12
        return bcrypt.hashpw(nobody_knows, bcrypt.gensalt(min(max(rounds, 4), 31))).decode()
    try:
        hasher = argon2.PasswordHasher.from_parameters(argon2.extract_parameters(stored))
    except argon2.exceptions.InvalidHashError:
        hasher = argon2.PasswordHasher()
    return hasher.hash(nobody_knows)


def _matches(stored: str, password: Secret[str]) -> bool:
    """Check a password against a hash.

    Raises:
        DirectoryError: The hash is of another kind, or damaged.
    """
    # Half a surrogate pair comes through JSON and is in nobody's password: it must only not fail.
    given = password.reveal().encode("utf-8", "surrogatepass")
    try:
        if stored.startswith(_ARGON2):
            return argon2.PasswordHasher().verify(stored, given)
        if stored.startswith(_BCRYPT):
            # The hash was made from the first 72 bytes as well: that is what bcrypt hashes.
            return bcrypt.checkpw(given[:BCRYPT_BYTES], stored.encode())
    except argon2.exceptions.VerifyMismatchError:
        return False
    except (argon2.exceptions.Argon2Error, argon2.exceptions.InvalidHashError, ValueError):
        pass  # a damaged hash, as any other that cannot be checked
    msg = "a user's hash in the directory is neither argon2 nor bcrypt: nothing can be checked"
    raise DirectoryError(msg)
