"""The operations on import jobs."""

import math
from collections.abc import Mapping
from typing import Any, Final

from attrs import define, field

from authflow.pool.accounts.user_pool import UserPool, find_pool
from authflow.pool.asked_authority import asked_address
from authflow.pool.cognito_errors import CognitoError, invalid_parameter
from authflow.pool.ground import Ground
from authflow.pool.imports.csv_rows import csv_header
from authflow.pool.imports.import_jobs import (
    CREATED,
    IN_PROGRESS,
    PENDING,
    STOPPED,
    ImportJob,
    begin_job,
    end_job,
    find_active_job,
    find_job,
    insert_job,
    list_jobs,
    new_job_id,
)
from authflow.pool.imports.import_runner import ImportRunner
from authflow.pool.imports.imported_users import auto_verified
from authflow.pool.imports.upload_address import upload_address
from authflow.pool.page_tokens import (
    PAGINATION_TOKEN_REFUSAL,
    read_timed_page_token,
    timed_page_token,
)
from authflow.pool.store.sqlite_connection import Connection
from authflow.pool.tokens.issuer import TokenIssuer

_AFTER_ALL: Final = (math.inf, "")
_STOPPED: Final = "The Import Job was stopped by the developer."


def _unmet(message: str) -> CognitoError:
    return CognitoError("PreconditionNotMetException", message, reason=message)


def _find(connection: Connection, pool_id: str, job_id: str) -> tuple[UserPool, ImportJob]:
    return find_pool(connection, pool_id), find_job(connection, pool_id, job_id)


def _list(
    connection: Connection, pool_id: str, most: int, before: tuple[float, str]
) -> tuple[UserPool, list[ImportJob]]:
    return find_pool(connection, pool_id), list_jobs(connection, pool_id, most, before)


def _insert(connection: Connection, job: ImportJob, now: float) -> tuple[UserPool, ImportJob]:
    insert_job(connection, job, now)
    return _find(connection, job.pool_id, job.id)


def _start(
    connection: Connection, pool_id: str, job_id: str, now: float
) -> tuple[UserPool, ImportJob]:
    """Start a job.

    Raises:
        CognitoError: There is no such job, or it or its pool is not ready for it.
    """
    pool, job = _find(connection, pool_id, job_id)
    if job.status_at(now) != CREATED:
        raise _unmet(f"The import job {job.id} cannot be started: it is {job.status_at(now)}.")
    if job.upload is None:
        raise _unmet(f"No csv file was uploaded for {job.id}")
    if not auto_verified(pool):
        raise _unmet("The user pool has no auto-verified attributes.")
    if find_active_job(connection) is not None:
        raise _unmet("Only one import job can be active at a time.")
    begin_job(connection, job, now)
    return _find(connection, pool_id, job_id)


def _stop(
    connection: Connection, pool_id: str, job_id: str, now: float
) -> tuple[UserPool, ImportJob]:
    """Stop a job, for ever. What it has imported stays.

    Raises:
        CognitoError: There is no such job, or it does not run.
    """
    _, job = _find(connection, pool_id, job_id)
    if job.status not in {PENDING, IN_PROGRESS}:
        raise _unmet(f"The import job {job.id} cannot be stopped: it is {job.status_at(now)}.")
    end_job(connection, job, STOPPED, _STOPPED, now)
    return _find(connection, pool_id, job_id)


@define(kw_only=True)
class UserImports:
    """The operations on import jobs.

    Args:
        ground: The parts that all services share.
        runner: Runs the jobs.
        tokens: Knows the public address of the server.
    """

    ground: Ground
    runner: ImportRunner
    tokens: TokenIssuer = field(repr=False)

    async def header(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """GetCSVHeader."""
        pool = await self.ground.database.read(find_pool, request["UserPoolId"])
        return {"UserPoolId": pool.id, "CSVHeader": list(csv_header(pool))}

    async def create(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """CreateUserImportJob."""
        if "PasswordHashingAlgorithm" in request:
            message = "This pool imports no password hashes: leave PasswordHashingAlgorithm out."
            raise invalid_parameter(message, reason=message)
        now = self.ground.clock()
        job = ImportJob(
            id=new_job_id(),
            pool_id=request["UserPoolId"],
            name=request["JobName"],
            role_arn=request["CloudWatchLogsRoleArn"],
            created_at=now,
        )
        return self._told(*await self.ground.database.write(_insert, job, now))

    async def describe(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """DescribeUserImportJob."""
        pool_id, job_id = request["UserPoolId"], request["JobId"]
        return self._told(*await self.ground.database.read(_find, pool_id, job_id))

    async def list(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """ListUserImportJobs."""
        before = _AFTER_ALL
        if "PaginationToken" in request:
            before = read_timed_page_token(request["PaginationToken"], PAGINATION_TOKEN_REFUSAL)
        most = request["MaxResults"]
        pool, jobs = await self.ground.database.read(_list, request["UserPoolId"], most + 1, before)
        listed: dict[str, Any] = {
            "UserImportJobs": [self._told(pool, job)["UserImportJob"] for job in jobs[:most]]
        }
        if len(jobs) > most:
            last = jobs[most - 1]
            listed["PaginationToken"] = timed_page_token(last.created_at, last.id)
        return listed

    async def start(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """StartUserImportJob."""
        pool_id, job_id, now = request["UserPoolId"], request["JobId"], self.ground.clock()
        started = await self.ground.database.write(_start, pool_id, job_id, now)
        self.runner.wake()
        return self._told(*started)

    async def stop(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """StopUserImportJob."""
        pool_id, job_id, now = request["UserPoolId"], request["JobId"], self.ground.clock()
        return self._told(*await self.ground.database.write(_stop, pool_id, job_id, now))

    def _told(self, pool: UserPool, job: ImportJob) -> dict[str, Any]:
        address = upload_address(pool, job, asked_address(self.tokens.issuer_base))
        return {"UserImportJob": job.described(address, self.ground.clock())}
