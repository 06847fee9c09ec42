"""The taking in of CSV files that are sent to the addresses of import jobs."""

import uuid
from collections.abc import AsyncIterator, Mapping
from typing import ClassVar, Final

import anyio
from attrs import define

from authflow.pool.accounts.user_pool import UserPool, find_pool
from authflow.pool.cognito_errors import CognitoError
from authflow.pool.ground import Ground
from authflow.pool.imports.csv_file import (
    PART_BYTES,
    discard_upload,
    finish_upload,
    store_part,
)
from authflow.pool.imports.import_jobs import ImportJob, find_job
from authflow.pool.imports.upload_address import check_address
from authflow.pool.store.sqlite_connection import Connection

MOST_FILE_BYTES: Final = 100_000_000
"""The greatest length of a file ("Formatting the CSV file" in the developer guide)."""


def _find(connection: Connection, pool_id: str, job_id: str) -> tuple[UserPool, ImportJob]:
    """Read a job and its pool.

    Raises:
        CognitoError: There is no such job, which is told as a wrong signature is.
    """
    try:
        return find_pool(connection, pool_id), find_job(connection, pool_id, job_id)
    except CognitoError:
        message = "The signature in the address is not the one that was given."
        raise CognitoError("AccessDenied", message, 403) from None


@define(kw_only=True)
class Uploads:
    """Takes files of import jobs.

    Args:
        ground: The parts that all services share.
    """

    ground: Ground
    silence_timeout: ClassVar[float] = 10.0
    """Seconds in which something more of a file must come."""
    whole_timeout: ClassVar[float] = 900.0
    """Seconds for a whole file: as long as its address is good."""

    async def take(
        self,
        pool_id: str,
        job_id: str,
        parameters: Mapping[str, str],
        length: str | None,
        stream: AsyncIterator[bytes],
    ) -> None:
        """Take a file. When this returns it is stored, and is the one that counts.

        Args:
            pool_id: The user pool in the address.
            job_id: The job in the address.
            parameters: The parameters of the address.
            length: The Content-Length, if there is one.
            stream: The file, piece by piece.

        Raises:
            CognitoError: The address is not good, or the file is too long or too slow.
        """
        pool, job = await self.ground.database.read(_find, pool_id, job_id)
        check_address(pool, job, parameters, self.ground.clock())
        if length is not None and length.isdecimal() and int(length) > MOST_FILE_BYTES:
            raise _too_long()
        upload = uuid.uuid4().hex
        try:
            size = await self._store(job, upload, stream)
            await self.ground.database.write(finish_upload, job, upload, size)
        except BaseException:
            with anyio.CancelScope(shield=True):
                await self.ground.database.write(discard_upload, job, upload)
            raise

    async def _store(self, job: ImportJob, upload: str, stream: AsyncIterator[bytes]) -> int:
        """Store a file in parts, and return its length.

        Raises:
            CognitoError: It is too long or too slow, or the job takes no file any more.
        """
        try:
            with anyio.fail_after(self.whole_timeout):
                return await self._store_pieces(job, upload, stream)
        except TimeoutError:
            message = "The file came too slowly."
            raise CognitoError("RequestTimeoutException", message, 408) from None

    async def _store_pieces(self, job: ImportJob, upload: str, stream: AsyncIterator[bytes]) -> int:
        held, size, part = bytearray(), 0, 0
        while (piece := await self._next(stream)) is not None:
            held += piece
            size += len(piece)
            if size > MOST_FILE_BYTES:
                raise _too_long()
            while len(held) >= PART_BYTES:
                await self._store_part(job, upload, part, bytes(held[:PART_BYTES]))
                del held[:PART_BYTES]
                part += 1
        if held:
            await self._store_part(job, upload, part, bytes(held))
        return size

    async def _next(self, stream: AsyncIterator[bytes]) -> bytes | None:
        with anyio.fail_after(self.silence_timeout):
            return await anext(stream, None)

    async def _store_part(self, job: ImportJob, upload: str, part: int, content: bytes) -> None:
        await self.ground.database.write(store_part, job, upload, part, content)


def _too_long() -> CognitoError:
    message = f"The file has more than {MOST_FILE_BYTES} bytes."
    return CognitoError("EntityTooLarge", message, 413)
