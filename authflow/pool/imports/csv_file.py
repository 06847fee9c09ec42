"""The uploaded file of an import job, kept in parts and read line by line.

However long the file is, two of its parts are in memory, and a transaction writes one.
"""

from collections.abc import Sequence
from itertools import takewhile
from typing import Final

from attrs import field, frozen

from authflow.pool.cognito_errors import CognitoError, invalid_parameter
from authflow.pool.imports.import_jobs import CREATED, ImportJob, find_job
from authflow.pool.store.sqlite_connection import Connection

PART_BYTES: Final = 64 * 1024
"""All parts but the last have this size, and a row no more, its line end included: two parts have
all of a row, wherever in the first one it begins."""


@frozen(kw_only=True)
class CsvLines:
    """Some lines of a file.

    Args:
        lines: The lines, without their ends.
        end: Where in the file the next one begins, in bytes.
    """

    lines: Sequence[bytes] = field(repr=False)
    end: int


def store_part(
    connection: Connection, job: ImportJob, upload: str, part: int, content: bytes
) -> None:
    """Store a part of a file that is being uploaded.

    Raises:
        CognitoError: The job is gone, or takes no file any more.
    """
    _check_open(connection, job)
    connection.execute(
        "INSERT INTO import_parts (job_id, upload, part, content) VALUES (?, ?, ?, ?)",
        (job.id, upload, part, content),
    )


def finish_upload(connection: Connection, job: ImportJob, upload: str, size: int) -> None:
    """Make an upload the one that counts. The file that counted before is deleted.

    Raises:
        CognitoError: The job is gone, or takes no file any more.
    """
    former = _check_open(connection, job).upload
    connection.execute(
        "UPDATE import_jobs SET upload = ?, size = ? WHERE id = ?", (upload, size, job.id)
    )
    if former is not None:
        discard_upload(connection, job, former)


def discard_upload(connection: Connection, job: ImportJob, upload: str) -> None:
    """Delete the parts of an upload."""
    connection.execute("DELETE FROM import_parts WHERE job_id = ? AND upload = ?", (job.id, upload))


def _check_open(connection: Connection, job: ImportJob) -> ImportJob:
    stored = find_job(connection, job.pool_id, job.id)
    if stored.status != CREATED:
        message = "The import job takes no file any more."
        raise CognitoError("AccessDenied", message, 403)
    return stored


def read_lines(connection: Connection, job: ImportJob, start: int, most: int) -> CsvLines:
    """Read lines of a job's file.

    Args:
        connection: The database.
        job: The job.
        start: Where the first line begins, in bytes.
        most: How many lines may be returned.

    Raises:
        CognitoError: The first line is longer than a part.
    """
    first = start // PART_BYTES
    rows = connection.execute(
        "SELECT content FROM import_parts WHERE job_id = ? AND upload = ? AND part BETWEEN ? AND ?"
        " ORDER BY part",
        (job.id, job.upload, first, first + 1),
    )
    window = b"".join(content for (content,) in rows)[start - first * PART_BYTES :]
    is_last = start + len(window) >= job.size
    *ended, rest = window.split(b"\n", most)
    lines = [line + b"\n" for line in ended]
    if is_last and rest and len(lines) < most:
        lines.append(rest)
    kept = list(takewhile(lambda line: len(line) <= PART_BYTES, lines))
    if not kept and (lines or not is_last):
        raise invalid_parameter(f"A row of the CSV file has more than {PART_BYTES} bytes.")
    return CsvLines(
        lines=[line.removesuffix(b"\n").removesuffix(b"\r") for line in kept],
        end=start + sum(map(len, kept)),
    )
