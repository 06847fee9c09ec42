"""A user directory in an SQL table, with passwords hashed by argon2, bcrypt, scrypt or Django.

Any database that SQLAlchemy has an asynchronous driver for will do. Hashing runs in worker threads.
An unknown user, or one without a password, costs the verification of a hash as well, at the cost of
a hash of the table: the time tells nobody who has an account.

The pool keeps the password that was typed, so the hash must have proved all of it. bcrypt reads 72
bytes: a user who types more is not let in, and comes in by a forgotten password instead.

Needs the extra `sql`, `pip install 'cognito-authflow[sql]'`, and the database's driver.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Self

import anyio
import anyio.to_thread
from attrs import define, evolve, field
from attrs.validators import instance_of

from authflow.errors import (
    ConfigError,
    DirectoryRecordError,
    DirectoryUnavailableError,
)
from authflow.event_loop import HomeLoop
from authflow.extras import UnavailableImportError, advice
from authflow.given_numbers import check_count
from authflow.given_services import stray_cancel_fails
from authflow.secret import Secret
from authflow.string_map import string_map
from authflow.triggers.directories.attribute_names import common_to_all, refuse_impossible
from authflow.triggers.directories.migration import (
    NO_DEFAULTS,
    Found,
    UnknownUser,
    WrongPassword,
)
from authflow.triggers.directories.password_hashes import (
    PasswordHash,
    check_password,
    default_decoy,
    parse_hash,
)
from authflow.triggers.directories.records import found, read_flag, same_name
from authflow.triggers.events.migrated_user import FinalStatus, MigratedUser
from authflow.unframed import whole

try:
    from sqlalchemy import NullPool, Select, TableClause, column, select, table
    from sqlalchemy.exc import ArgumentError, InvalidRequestError
    from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
except ImportError as error:
    raise UnavailableImportError(advice(error, extra="sql")) from error

_SAMPLE: Final = 20
"""The number of hashes that are read from the table to make a decoy like one of them."""


class _Name(str):
    """A username hidden from drivers, some of which log every statement with its parameters."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


def _engine(engine: AsyncEngine | str) -> AsyncEngine:
    """Make the engine for a URL, or check one that the caller made."""
    if isinstance(engine, str):
        try:
            # A connection belongs to the event loop that opened it, and a directory may be used
            # from one loop after another, so none is kept open.
            engine = create_async_engine(engine, hide_parameters=True, poolclass=NullPool)
        except InvalidRequestError:
            msg = (
                "the directory's database URL names a synchronous driver: name an asynchronous one,"
                " such as postgresql+asyncpg or sqlite+aiosqlite"
            )
            raise ConfigError(msg) from None
        except (ArgumentError, ValueError):  # the text may hold the URL with its password
            msg = "the directory's database URL cannot be read: write dialect+driver://..."
            raise ConfigError(msg) from None
        except ModuleNotFoundError as error:
            msg = f"the directory's database driver is not installed: {error.name}"
            raise ConfigError(msg) from error
    if not isinstance(engine, AsyncEngine):
        msg = f"the directory needs a database URL or an AsyncEngine, not {type(engine).__name__}"
        raise ConfigError(msg)
    if not engine.sync_engine.hide_parameters:
        msg = "make the directory's engine with hide_parameters=True: errors would show usernames"
        raise ConfigError(msg)
    return engine


def _columns(columns: Mapping[str, str]) -> Mapping[str, str]:
    if not columns:
        msg = "name a column for at least one attribute, such as {'email': 'email'}"
        raise ConfigError(msg)
    attributes = string_map(columns)
    refuse_impossible(attributes)
    return attributes


@whole
@define(kw_only=True, eq=False)
class SqlDirectory:
    """Users in an SQL table or view.

    Args:
        engine: A database URL with an asynchronous driver, or SQLAlchemy's AsyncEngine, made with
            `hide_parameters=True`. Of a URL, a connection is opened for each question.
        username_column: Where the name is that users sign in with.
        hash_column: Where the password's hash is.
        attributes: For each of Cognito's attributes, the column it is in. NULL leaves one out.
        defaults: What is the same for everybody, such as the attribute `email_verified` "true", the
            status, or that no welcome is sent.
        enabled_column: A boolean: only users with a true one are found. Everybody is, without it.
        reset_column: A boolean: users with a true one must set another password first.
        table: The table's or view's name.
        schema: Its schema, if that is not the connection's own.
        at_once: How many questions, and how many hashes, may run at a time. An argon2 hash takes
            its memory for as long as it runs, 64 MiB by common settings.

    Raises:
        ConfigError: The database URL or the engine cannot be used, or no attribute is named or one
            that Cognito writes itself (`sub`, `identities`, `cognito:...`) or that no user can
            have, or a number is not above zero.
        MisuseError: A column is not a string.
        TypeError: The defaults are no `MigratedUser`.
    """

    _engine: AsyncEngine = field(alias="engine", converter=_engine, repr=False)
    username_column: str
    hash_column: str
    attributes: Mapping[str, str] = field(converter=_columns)
    defaults: MigratedUser = field(
        default=NO_DEFAULTS, validator=[instance_of(MigratedUser), common_to_all]
    )
    enabled_column: str | None = None
    reset_column: str | None = None
    table: str = "users"
    schema: str | None = None
    at_once: int = 4
    _limiter: anyio.CapacityLimiter = field(init=False, repr=False)
    _loop: HomeLoop = field(init=False, repr=False)
    _decoy: PasswordHash | None = field(default=None, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        check_count("a directory's at_once", self.at_once)
        self._limiter = anyio.CapacityLimiter(self.at_once)
        self._loop = HomeLoop(
            "this SqlDirectory",
            "close it where it was used, by aclose(), or make one for each event loop",
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections to the database.

        Raises:
            MisuseError: They belong to another event loop.
        """
        self._loop.leave()
        await self._engine.dispose()

    async def authenticate(
        self, username: str, password: Secret[str]
    ) -> Found | UnknownUser | WrongPassword:
        """Check a password against the user's hash.

        Args:
            username: The name as the user typed it.
            password: The password.

        Raises:
            DirectoryUnavailableError: The database cannot be asked.
            DirectoryRecordError: The name is of several users, or the hash cannot be checked, or
                Cognito would not take an attribute.
        """
        decoy = await self._decoy_hash()
        rows = await self._rows(username)
        # A damaged record is reported after the same work, so that not even the time shows
        # that there is one.
        stored: PasswordHash | DirectoryRecordError | None = None
        try:
            stored = parse_hash(rows[0][self.hash_column]) if rows else None
        except DirectoryRecordError as error:
            stored = error
        checked = decoy if stored is None or isinstance(stored, Exception) else stored
        # A hash is never abandoned: it would still use memory, which no limit would count.
        right = await anyio.to_thread.run_sync(
            check_password, checked, password, limiter=self._limiter
        )
        if isinstance(stored, Exception):
            raise stored
        row = self._one(rows)
        if row is None:
            return UnknownUser()
        return self._user(row) if right and stored is not None else WrongPassword()

    async def look_up(self, username: str) -> Found | UnknownUser:
        """Find a user.

        Args:
            username: The name as the user typed it.

        Raises:
            DirectoryUnavailableError: The database cannot be asked.
            DirectoryRecordError: The name is of several users, or Cognito would not take an
                attribute.
        """
        row = self._one(await self._rows(username))
        return UnknownUser() if row is None else self._user(row)

    def _user(self, row: Mapping[str, Any]) -> Found:
        user = found(
            self.defaults, {name: row[held_in] for name, held_in in self.attributes.items()}
        )
        if self.reset_column is not None and read_flag("reset_column", row[self.reset_column]):
            return Found(evolve(user.user, status=FinalStatus.RESET_REQUIRED))
        return user

    @property
    def _table(self) -> TableClause:
        named = {self.username_column, self.hash_column, *self.attributes.values()}
        named |= {flag for flag in (self.enabled_column, self.reset_column) if flag is not None}
        return table(self.table, *map(column, sorted(named)), schema=self.schema)

    async def _rows(self, username: str) -> list[Mapping[str, Any]]:
        """Read the rows of a name, up to two: the second one is an error."""
        # Usernames in Cognito are printable, and drivers may do anything with NUL or half a
        # surrogate pair.
        if not username.isprintable():
            return []
        users = self._table
        named = users.c[self.username_column]
        rows = await self._read(select(users).where(named == _Name(username)).limit(2))
        return [row for row in rows if same_name(username, row[self.username_column])]

    def _one(self, rows: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
        """Return the row of a user who is enabled."""
        if len(rows) > 1:
            msg = "several users have one name: make the names in the directory unique"
            raise DirectoryRecordError(msg)
        if rows and self.enabled_column is not None:
            enabled = read_flag("enabled_column", rows[0][self.enabled_column])
            return rows[0] if enabled else None
        return rows[0] if rows else None

    async def _decoy_hash(self) -> PasswordHash:
        """Return the hash with which unknown users are checked; it is made at the first use."""
        if self._decoy is not None:
            return self._decoy
        stored = self._table.c[self.hash_column]
        for row in await self._read(select(stored).where(stored.is_not(None)).limit(_SAMPLE)):
            try:
                like = parse_hash(row[self.hash_column])
            except DirectoryRecordError:
                continue  # it is reported when its own user signs in
            if like is not None:
                self._decoy = like.decoy()
                return self._decoy
        return default_decoy()  # not stored, as the table may get hashes later

    async def _read(self, query: Select[Any]) -> Sequence[Mapping[str, Any]]:
        if not isinstance(self._engine.pool, NullPool):  # NullPool keeps no connection open
            self._loop.claim()
        try:
            with stray_cancel_fails():
                async with self._limiter, self._engine.connect() as connection:
                    return [dict(row) for row in (await connection.execute(query)).mappings()]
        except Exception as error:  # drivers can raise any exception while they connect
            msg = "the directory's database cannot be asked"
            raise DirectoryUnavailableError(msg) from error
