"""The runner of import jobs: one at a time, step by step, beside what the server serves.

A job that was under way when its server ended is gone on with when one starts on its file.
"""

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from types import TracebackType
from typing import Final, Self

import anyio
import anyio.lowlevel
from attrs import define, field

from authflow.pool.cognito_errors import CognitoError
from authflow.pool.ground import Ground
from authflow.pool.imports.import_batches import (
    RowFate,
    find_batch,
    find_columns,
    make_batch,
    store_batch,
)
from authflow.pool.imports.import_jobs import (
    FAILED,
    IN_PROGRESS,
    PENDING,
    ImportJob,
    end_job,
    find_active_job,
    find_job,
)
from authflow.pool.log_limit import limited_logger
from authflow.pool.store.sqlite_connection import Connection

_LOG: Final = limited_logger("authflow.pool")
_ROWS: Final = logging.getLogger("authflow.pool.imports")
_LEVELS: Final = {"SUCCEEDED": logging.DEBUG}
_INTERNAL: Final = "The import job failed due to an internal error."


def _fail(connection: Connection, job: ImportJob, message: str, now: float) -> None:
    """Store that a job cannot go on, unless it has ended."""
    with contextlib.suppress(CognitoError):  # it may have gone with its pool
        if find_job(connection, job.pool_id, job.id).status in {PENDING, IN_PROGRESS}:
            end_job(connection, job, FAILED, message, now)


@define(kw_only=True)
class ImportRunner:
    """Runs import jobs; an async context manager.

    Args:
        ground: The parts that all services share.
    """

    ground: Ground
    _woken: asyncio.Event = field(factory=asyncio.Event, init=False)
    _task: asyncio.Task[None] | None = field(default=None, init=False)

    async def __aenter__(self) -> Self:
        self._woken.set()
        # A plain task, since a task group would wrap the caller's own exceptions.
        self._task = asyncio.create_task(self._work(), name="authflow-pool-imports")
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            with anyio.CancelScope(shield=True):
                await asyncio.wait([self._task])

    def wake(self) -> None:
        """Look for a job that was started."""
        self._woken.set()

    async def _work(self) -> None:
        while True:
            await self._woken.wait()
            self._woken.clear()
            try:
                while (job := await self.ground.database.read(find_active_job)) is not None:
                    await self._run(job)
            except Exception:  # noqa: BLE001  # such as a disk that is full
                _LOG.exception("import jobs wait until another one is started")

    async def _run(self, job: ImportJob) -> None:
        """Run a job to its end."""
        message = _INTERNAL
        try:
            await self._go_on(job)
        except CognitoError as error:
            message = error.message
        except Exception:  # noqa: BLE001  # the job's owner is told that it failed
            _LOG.exception("import job %s failed", job.id)
        await self.ground.database.write(_fail, job, message, self.ground.clock())

    async def _go_on(self, job: ImportJob) -> None:
        """Deal with the rows that are left.

        Raises:
            CognitoError: The file is unreadable, or the job or its pool is gone.
        """
        columns, header = await self.ground.database.read(find_columns, job)
        while (found := await self.ground.database.read(find_batch, job, header.end)) is not None:
            pool, job, lines = found
            now = self.ground.clock()
            batch = make_batch(pool, job, columns, lines, now)
            job, fates = await self.ground.database.write(store_batch, pool, job, batch, now)
            _tell(job, fates)
            await _pause()


async def _pause() -> None:
    """Wait until others have run, between two batches."""
    await anyio.lowlevel.checkpoint()


def _tell(job: ImportJob, fates: Sequence[RowFate]) -> None:
    """Log what became of rows, by their numbers: no user data is written to the log."""
    for fate, line, why in fates:
        level = _LEVELS.get(fate, logging.INFO)
        _ROWS.log(level, "%s: [%s] Line Number %d - %s", job.id, fate, line, why)
    if job.completed_at is not None:
        counts = (job.imported, job.skipped, job.failed)
        _ROWS.info(
            "%s: %s, with %d users imported, %d skipped, %d failed", job.id, job.status, *counts
        )
