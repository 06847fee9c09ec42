"""A step of an import job: some rows of its file, in one transaction.

What a step has done and how far it has come are stored together: a job that is gone on with after a
crash deals with every row once.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

from attrs import frozen

from authflow.pool.accounts.user_pool import UserPool, find_pool
from authflow.pool.accounts.users import User, insert_user
from authflow.pool.cognito_errors import CognitoError
from authflow.pool.imports.csv_file import CsvLines, read_lines
from authflow.pool.imports.csv_rows import CsvColumns
from authflow.pool.imports.import_jobs import (
    FAILED,
    IN_PROGRESS,
    PENDING,
    SUCCEEDED,
    ImportJob,
    advance_job,
    end_job,
    find_job,
)
from authflow.pool.imports.imported_users import imported_user
from authflow.pool.store.sqlite_connection import Connection

ROWS_AT_ONCE: Final = 25
_MOST_ROWS: Final = 500_000
_TOO_MANY_FAILED: Final = "Too many users have failed or been skipped during the import."
_TOO_MANY_ROWS: Final = f"The CSV file has more than {_MOST_ROWS} rows."


class RowFate(NamedTuple):
    """The fate of a row: SUCCEEDED, SKIPPED or FAILED, at which line, and why."""

    fate: str
    line: int
    why: str


@frozen(kw_only=True)
class Row:
    """A row that has been read: its user, or why there is none."""

    line: int
    user: User | None = None
    why: str = ""


@frozen(kw_only=True)
class Batch:
    """Some rows of a job's file, and where the next ones begin."""

    rows: Sequence[Row]
    end_bytes: int
    end_lines: int


def find_columns(connection: Connection, job: ImportJob) -> tuple[CsvColumns, CsvLines]:
    """Read the header of a job's file, and where it ends.

    Raises:
        CognitoError: The pool is gone, or the header is not the pool's.
    """
    header = read_lines(connection, job, 0, 1)
    columns = CsvColumns.read(find_pool(connection, job.pool_id), (*header.lines, b"")[0])
    return columns, header


def find_batch(
    connection: Connection, job: ImportJob, start: int
) -> tuple[UserPool, ImportJob, CsvLines] | None:
    """Read the next lines of a job, and the job and its pool as they are now.

    Args:
        connection: The database.
        job: The job.
        start: Where the rows begin, for a job that has none yet.

    Returns:
        None if the job is not to go on.

    Raises:
        CognitoError: The job or its pool is gone, or a line is too long.
    """
    stored = find_job(connection, job.pool_id, job.id)
    if stored.status not in {PENDING, IN_PROGRESS}:
        return None
    pool = find_pool(connection, job.pool_id)
    return pool, stored, read_lines(connection, stored, stored.read_bytes or start, ROWS_AT_ONCE)


def make_batch(
    pool: UserPool, job: ImportJob, columns: CsvColumns, found: CsvLines, now: float
) -> Batch:
    """Make users of lines. Empty lines are none."""
    first = (job.read_lines or 1) + 1
    rows = [
        _row(pool, columns, line, number, now)
        for number, line in enumerate(found.lines, start=first)
        if line.strip()
    ]
    return Batch(rows=rows, end_bytes=found.end, end_lines=first + len(found.lines) - 1)


def _row(pool: UserPool, columns: CsvColumns, line: bytes, number: int, now: float) -> Row:
    try:
        return Row(line=number, user=imported_user(pool, columns.record(line), now))
    except CognitoError as error:
        return Row(line=number, why=error.message)


def store_batch(
    connection: Connection, pool: UserPool, job: ImportJob, batch: Batch, now: float
) -> tuple[ImportJob, list[RowFate]]:
    """Store the users of a batch, and how far the job has come; after the last one its end.

    Args:
        connection: The database.
        pool: The user pool.
        job: The job as it was when the batch was read.
        batch: The batch.
        now: Seconds since the epoch.

    Returns:
        The job as it is now, and what became of the rows; of none if the job did not go on, or has
        gone on elsewhere.

    Raises:
        CognitoError: The job or its pool is gone.
    """
    stored = find_job(connection, job.pool_id, job.id)
    if (stored.status, stored.read_bytes) != (job.status, job.read_bytes):
        return stored, []
    fates = [_settle(connection, pool, row) for row in batch.rows]
    counts = Counter(each.fate for each in fates)
    advance_job(connection, stored, batch.end_bytes, batch.end_lines, counts)
    stored = find_job(connection, job.pool_id, job.id)
    if stored.imported + stored.skipped + stored.failed > _MOST_ROWS:
        end_job(connection, stored, FAILED, _TOO_MANY_ROWS, now)
    elif batch.end_bytes >= stored.size:
        if stored.imported >= stored.skipped + stored.failed:
            end_job(connection, stored, SUCCEEDED, "The import succeeded.", now)
        else:
            end_job(connection, stored, FAILED, _TOO_MANY_FAILED, now)
    return find_job(connection, job.pool_id, job.id), fates


def _settle(connection: Connection, pool: UserPool, row: Row) -> RowFate:
    """Store the user of a row; a refusal takes nothing of the other rows with it."""
    if row.user is None:
        return RowFate("FAILED", row.line, row.why)
    connection.execute("SAVEPOINT row_of_file")
    try:
        insert_user(connection, pool, row.user)
    except CognitoError as error:
        connection.execute("ROLLBACK TO SAVEPOINT row_of_file")
        fate = RowFate("FAILED", row.line, error.message)
        if error.code == "UsernameExistsException":
            fate = RowFate("SKIPPED", row.line, "The user already exists.")
    else:
        fate = RowFate("SUCCEEDED", row.line, "The import succeeded.")
    connection.execute("RELEASE SAVEPOINT row_of_file")
    return fate
