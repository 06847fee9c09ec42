"""Import jobs, and how they are stored.

A job is Created, and Pending once it is started; the runner has it InProgress until it is
Succeeded, Failed or Stopped. One that nobody starts within a day is Expired. Source: "Status values
for a user import job" in the developer guide.
"""

import secrets
import string
from collections.abc import Mapping
from typing import Any, Final

from attrs import field, frozen

from authflow.pool.accounts.user_pool import find_pool
from authflow.pool.cognito_errors import CognitoError
from authflow.pool.store.sqlite_connection import Connection

CREATED: Final = "Created"
PENDING: Final = "Pending"
IN_PROGRESS: Final = "InProgress"
STOPPED: Final = "Stopped"
FAILED: Final = "Failed"
SUCCEEDED: Final = "Succeeded"
EXPIRED: Final = "Expired"
_LASTS: Final = 86400.0
_ID_CHARS: Final = string.ascii_letters + string.digits
_ID_LENGTH: Final = 10
_COLUMNS: Final = (
    "id, pool_id, name, role_arn, status, message, imported, skipped, failed, upload, size,"
    " read_bytes, read_lines, created_at, started_at, completed_at"
)


@frozen(kw_only=True)
class ImportJob:
    """An import job.

    Args:
        id: Its id.
        pool_id: The user pool.
        name: What its owner calls it.
        role_arn: The role that would write its log at AWS.
        status: Its status, as it is stored.
        message: Why it ended; None while it has not.
        imported: How many users came in.
        skipped: How many were there already.
        failed: How many could not be brought in.
        upload: The upload whose file counts; None before there is one.
        size: The bytes of that file.
        read_bytes: How many of them have been dealt with.
        read_lines: How many lines that were.
        created_at: Seconds since the epoch.
        started_at: Seconds since the epoch; None before.
        completed_at: Seconds since the epoch; None before.
    """

    id: str
    pool_id: str
    name: str
    role_arn: str
    status: str = CREATED
    message: str | None = None
    imported: int = 0
    skipped: int = 0
    failed: int = 0
    upload: str | None = field(default=None, repr=False)
    size: int = 0
    read_bytes: int = 0
    read_lines: int = 0
    created_at: float
    started_at: float | None = None
    completed_at: float | None = None

    def status_at(self, now: float) -> str:
        """Return the status that the job has at a time."""
        late = self.status == CREATED and now >= self.created_at + _LASTS
        return EXPIRED if late else self.status

    def described(self, address: str, now: float) -> dict[str, Any]:
        """Return the job as DescribeUserImportJob tells it.

        Args:
            address: Where its file is uploaded to.
            now: Seconds since the epoch.
        """
        told = {
            "JobName": self.name,
            "JobId": self.id,
            "UserPoolId": self.pool_id,
            "PreSignedUrl": address,
            "CreationDate": self.created_at,
            "StartDate": self.started_at,
            "CompletionDate": self.completed_at,
            "Status": self.status_at(now),
            "CloudWatchLogsRoleArn": self.role_arn,
            "ImportedUsers": self.imported,
            "SkippedUsers": self.skipped,
            "FailedUsers": self.failed,
            "CompletionMessage": self.message,
        }
        return {name: value for name, value in told.items() if value is not None}


def new_job_id() -> str:
    """Draw the id of an import job."""
    return f"import-{''.join(secrets.choice(_ID_CHARS) for _ in range(_ID_LENGTH))}"


def _from_row(row: tuple[Any, ...]) -> ImportJob:
    names = _COLUMNS.split(", ")
    return ImportJob(**dict(zip((name.strip() for name in names), row, strict=True)))


def insert_job(connection: Connection, job: ImportJob, now: float) -> None:
    """Store a new job, and clear away what those that expired have left.

    Raises:
        CognitoError: The user pool is gone.
    """
    find_pool(connection, job.pool_id)
    connection.execute(
        "UPDATE import_jobs SET status = ? WHERE status = ? AND created_at <= ?",
        (EXPIRED, CREATED, now - _LASTS),
    )
    connection.execute(
        "DELETE FROM import_parts WHERE job_id IN (SELECT id FROM import_jobs WHERE status = ?)",
        (EXPIRED,),
    )
    connection.execute(
        "INSERT INTO import_jobs (id, pool_id, name, role_arn, status, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (job.id, job.pool_id, job.name, job.role_arn, job.status, job.created_at),
    )


def find_job(connection: Connection, pool_id: str, job_id: str) -> ImportJob:
    """Read a job.

    Raises:
        CognitoError: There is no such user pool, or it has no such job.
    """
    find_pool(connection, pool_id)
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM import_jobs WHERE id = ? AND pool_id = ?",  # noqa: S608  # our own names
        (job_id, pool_id),
    ).first()
    if row is None:
        message = "The user import job does not exist."
        raise CognitoError("ResourceNotFoundException", message, reason=message)
    return _from_row(row)


def list_jobs(
    connection: Connection, pool_id: str, most: int, before: tuple[float, str]
) -> list[ImportJob]:
    """Return a pool's jobs, the newest first.

    Args:
        connection: The database.
        pool_id: The user pool.
        most: How many.
        before: The creation time and the id of the one after which the list goes on.

    Raises:
        CognitoError: There is no such user pool.
    """
    find_pool(connection, pool_id)
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM import_jobs WHERE pool_id = ? AND (created_at, id) < (?, ?)"  # noqa: S608  # the same
        " ORDER BY created_at DESC, id DESC LIMIT ?",
        (pool_id, *before, most),
    )
    return [_from_row(row) for row in rows]


def find_active_job(connection: Connection) -> ImportJob | None:
    """Read the job that is started and has not ended; there is one at most, in all pools."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM import_jobs WHERE status IN (?, ?) LIMIT 1",  # noqa: S608  # the same
        (PENDING, IN_PROGRESS),
    ).first()
    return None if row is None else _from_row(row)


def begin_job(connection: Connection, job: ImportJob, now: float) -> None:
    """Store that a job is started."""
    connection.execute(
        "UPDATE import_jobs SET status = ?, started_at = ? WHERE id = ?", (PENDING, now, job.id)
    )


def advance_job(
    connection: Connection,
    job: ImportJob,
    read_bytes: int,
    read_lines: int,
    told: Mapping[str, int],
) -> None:
    """Store how far a job has come.

    Args:
        connection: The database.
        job: The job.
        read_bytes: How much of its file has been dealt with.
        read_lines: How many lines that were.
        told: How many more users succeeded, were skipped and failed.
    """
    connection.execute(
        "UPDATE import_jobs SET status = ?, read_bytes = ?, read_lines = ?,"
        " imported = imported + ?, skipped = skipped + ?, failed = failed + ? WHERE id = ?",
        (
            *(IN_PROGRESS, read_bytes, read_lines),
            *(told.get("SUCCEEDED", 0), told.get("SKIPPED", 0), told.get("FAILED", 0), job.id),
        ),
    )


def end_job(connection: Connection, job: ImportJob, status: str, message: str, now: float) -> None:
    """Store a job's end, and delete its file."""
    connection.execute(
        "UPDATE import_jobs SET status = ?, message = ?, completed_at = ? WHERE id = ?",
        (status, message, now, job.id),
    )
    connection.execute("DELETE FROM import_parts WHERE job_id = ?", (job.id,))


def check_no_import(connection: Connection, pool_id: str) -> None:
    """Refuse to change a pool whose users are being imported.

    Raises:
        CognitoError: An import job of the pool is started and has not ended.
    """
    active = find_active_job(connection)
    if active is not None and active.pool_id == pool_id:
        message = "A user import job is in progress for the user pool."
        raise CognitoError("UserImportInProgressException", message, reason=message)
