"""The pool's SQLite file: one thread writes, and commits in groups.

Jobs are plain functions of a connection. All writes that wait when the thread comes round share one
COMMIT, each in a savepoint of its own, so that a failing one takes nothing with it; a job's result
is handed over only after the COMMIT. So what was acknowledged is on disk (`synchronous=FULL`), and
a hundred sign-ins side by side pay for a few flushes, not for a hundred.

Reads run where they are asked for, on a connection of their own: in WAL mode they never wait for
the writer, and the few rows of a sign-in take 10 µs, where going to a thread and back takes 200. A
database in memory has nothing to flush, so there its writes run in place, too.
"""

import asyncio
import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any, Concatenate, Final, ParamSpec, Self, TypeVar

import anyio
import anyio.to_thread
from attrs import define, field, frozen

from authflow.errors import ConfigError
from authflow.pool.store.private_file import PrivateFile
from authflow.pool.store.schema import SCHEMA
from authflow.pool.store.sqlite_connection import Connection, Rows, Value

P = ParamSpec("P")
T = TypeVar("T")

MEMORY: Final = ":memory:"
_APPLICATION_ID: Final = 0x61757466  # "autf": it distinguishes our files from other SQLite files
_MOST_IN_GROUP: Final = 256
_TIMEOUT: Final = 5.0
"""Seconds to wait for another process that writes."""
_PAUSE: Final = 0.01


@frozen
class _Sqlite:
    """A `Connection` to SQLite, whose placeholder is `?` already."""

    raw: sqlite3.Connection

    def execute(self, sql: str, parameters: Sequence[Value] = (), /) -> Rows:
        """Run one statement; see `Connection`."""
        return Rows(self.raw.execute(sql, parameters))


@frozen
class _Job:
    """A function to run, and the future for its result."""

    run: Callable[[Connection], Any]
    waiting: asyncio.Future[Any]

    def settle(self, result: Any, error: BaseException | None) -> None:
        """Set the result on the event loop, unless the caller has gone."""
        if self.waiting.done():
            return
        if error is None:
            self.waiting.set_result(result)
        else:
            self.waiting.set_exception(error)


@define(kw_only=True)
class Database:
    """A pool's database; an async context manager.

    Args:
        path: The file, made with mode 0600 if it is not there, and brought to it if it is;
            ":memory:" for none.
    """

    path: str = MEMORY
    _jobs: "SimpleQueue[_Job | None]" = field(factory=SimpleQueue, init=False)
    _thread: threading.Thread | None = field(default=None, init=False)
    _reader: _Sqlite | None = field(default=None, init=False)

    async def __aenter__(self) -> Self:
        self._reader = _open(self.path)
        if self.path != MEMORY:
            loop = asyncio.get_running_loop()
            self._thread = threading.Thread(
                target=self._work,
                args=(_open(self.path), loop),
                name="authflow-database",
                daemon=True,
            )
            self._thread.start()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        reader, self._reader = self._reader, None
        try:
            if self._thread is not None:
                self._jobs.put(None)
                # The jobs before the None are still carried out, even if cancelled, so that the
                # file is closed in a complete state: by the thread, also if nobody waits for it.
                with anyio.CancelScope(shield=True):
                    await anyio.to_thread.run_sync(self._thread.join)
        finally:
            if reader is not None:
                reader.raw.close()

    async def read(
        self,
        job: Callable[Concatenate[Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run a job that changes nothing.

        SQLite answers here and now: nothing else runs meanwhile. An engine that asks a server
        would let others run, so no caller may count on that.
        """
        return job(self._opened(), *args, **kwargs)

    async def write(
        self,
        job: Callable[Concatenate[Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run a job in a transaction; when this returns, the changes are on disk.

        The rules of jobs are those of `Connection`. A job that raises leaves no trace. A caller
        that is cancelled while the job runs does not undo it.
        """
        connection = self._opened()
        waiting: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        pending = _Job(lambda connection: job(connection, *args, **kwargs), waiting)
        if self._thread is None:
            _settle(_carry_out(connection, [pending]))
        else:
            self._jobs.put(pending)
        return await waiting

    def _opened(self) -> _Sqlite:
        if self._reader is None:
            msg = "the database is not open; use it inside 'async with'"
            raise RuntimeError(msg)
        return self._reader

    def _work(self, connection: _Sqlite, loop: asyncio.AbstractEventLoop) -> None:
        """Write jobs until the None comes. This runs in the thread that owns the connection."""
        with contextlib.closing(connection.raw):
            over = False
            while not over:
                group, over = self._next_group()
                if group:
                    loop.call_soon_threadsafe(_settle, _carry_out(connection, group))

    def _next_group(self) -> tuple[list[_Job], bool]:
        """Wait for a job, and return it with those behind it, and whether they are the last."""
        group: list[_Job] = []
        job = self._jobs.get()
        while job is not None:
            group.append(job)
            if len(group) == _MOST_IN_GROUP:
                return group, False
            try:
                job = self._jobs.get_nowait()
            except Empty:
                return group, False
        return group, True


Settled = list[tuple[_Job, Any, BaseException | None]]


def _settle(settled: Settled) -> None:
    for job, result, error in settled:
        job.settle(result, error)


def _carry_out(connection: _Sqlite, group: list[_Job]) -> Settled:
    """Run a group of jobs in one transaction."""
    try:
        # IMMEDIATE takes the write lock at once: to take it later could fail.
        connection.execute("BEGIN IMMEDIATE")
        settled = [_run(connection, job) for job in group if not job.waiting.cancelled()]
        connection.execute("COMMIT")
    except Exception as error:  # noqa: BLE001  # all jobs that wait get the error
        if connection.raw.in_transaction:
            connection.execute("ROLLBACK")
        return [(job, None, error) for job in group]
    return settled


def _run(connection: _Sqlite, job: _Job) -> tuple[_Job, Any, BaseException | None]:
    connection.execute("SAVEPOINT job")
    try:
        result = job.run(connection)
    except Exception as error:
        if not connection.raw.in_transaction:
            # SQLite has rolled the whole transaction back, as it does when the disk is full.
            raise
        connection.execute("ROLLBACK TO job")
        connection.execute("RELEASE job")
        return job, None, error
    connection.execute("RELEASE job")
    return job, result, None


def _open(path: str) -> _Sqlite:
    """Open a database and bring its tables up to date.

    Raises:
        ConfigError: The file cannot be opened, is not a pool's database of this version, or is open
            to other users and cannot be closed off.
    """
    file, opened = None, path
    try:
        if path != MEMORY:
            file = PrivateFile(path)
            file.make()
            # In full: a name such as "file:pool.db?mode=rwc" may be a URI to SQLite, which then
            # opens another file than the one that was made and checked (its option USE_URI).
            opened = str(file.path)
        # Made here, and then used by one thread only: the writer's connection by its thread.
        connection = sqlite3.connect(opened, isolation_level=None, check_same_thread=False)
    except (OSError, ValueError, sqlite3.Error) as error:
        msg = f"cannot open the database {path!r}: {error}"
        raise ConfigError(msg) from error
    try:
        _set_up(connection, path)
        if file is not None:
            file.close_off()
    except (OSError, sqlite3.Error) as error:
        connection.close()
        msg = f"{path!r} is not a usable SQLite database: {error}"
        raise ConfigError(msg) from error
    except ConfigError:
        connection.close()
        raise
    return _Sqlite(connection)


def _set_up(connection: sqlite3.Connection, path: str) -> None:
    """Bring the tables up to date, even if other processes do the same at this moment.

    Raises:
        ConfigError: The file is not a pool's database of this version; it is left as it was.
    """
    connection.execute(f"PRAGMA busy_timeout = {_TIMEOUT * 1000:.0f}")
    # A second process reads the version after the first one has written it.
    connection.execute("BEGIN IMMEDIATE")
    try:
        _update_schema(connection, path)
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
    _switch_to_wal(connection)
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")


def _update_schema(connection: sqlite3.Connection, path: str) -> None:
    """Apply the schema versions that a file lacks, inside a transaction.

    Raises:
        ConfigError: The file is somebody else's, or of a newer authflow.
    """
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    application: int = connection.execute("PRAGMA application_id").fetchone()[0]
    tables: int = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    if tables and application != _APPLICATION_ID:
        msg = f"{path!r} is an SQLite database, but not a user pool's; name another file"
        raise ConfigError(msg)
    if version > len(SCHEMA):
        msg = f"{path!r} was made by a newer authflow (version {version}); update authflow"
        raise ConfigError(msg)
    if version == len(SCHEMA):
        return
    # Statement by statement, because executescript would commit first.
    for statement in "".join(SCHEMA[version:]).split(";"):
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {len(SCHEMA)}")


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """Switch to WAL mode, so that readers do not wait for the writer.

    Where another process holds the write lock, SQLite gives up at once and asks busy_timeout
    nothing, since two that waited for each other would wait for ever. So whoever fails lets go and
    tries again ("sqlite3_busy_handler" in SQLite's C interface).

    Raises:
        sqlite3.OperationalError: The file stayed locked, or is not writable.
    """
    until = time.monotonic() + _TIMEOUT
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() >= until:
                raise
            time.sleep(_PAUSE)
        else:
            return
