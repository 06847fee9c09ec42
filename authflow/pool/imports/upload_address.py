"""The address to which the CSV file of an import job is sent, and the right to do so in it.

As with a pre-signed URL of Amazon S3, whoever has the address may send one kind of thing to one
place for a quarter of an hour, and needs nothing else. It is signed with a key of the pool's.
Source: "Creating and running the Amazon Cognito user pool import job" in the developer guide.
"""

import hmac
import re
from collections.abc import Mapping
from typing import Final

from authflow.pool.accounts.user_pool import UserPool
from authflow.pool.cognito_errors import CognitoError
from authflow.pool.imports.import_jobs import ImportJob
from authflow.secret import Secret

_LASTS: Final = 900
_EXPIRES: Final = "X-Amz-Expires-At"
_SIGNATURE: Final = "X-Amz-Signature"
_TIME: Final = re.compile(r"[0-9]{1,12}", re.ASCII)


def upload_address(pool: UserPool, job: ImportJob, server: str) -> str:
    """Return the address for a job's file.

    Args:
        pool: The user pool.
        job: The job.
        server: The address of the server.
    """
    expires = int(job.created_at) + _LASTS
    signature = _sign(pool, job, expires).reveal()
    path = f"{pool.id}/imports/{job.id}"
    return f"{server}/{path}?{_EXPIRES}={expires}&{_SIGNATURE}={signature}"


def check_address(
    pool: UserPool, job: ImportJob, parameters: Mapping[str, str], now: float
) -> None:
    """Refuse whoever has not been given the address.

    Args:
        pool: The user pool.
        job: The job.
        parameters: Those in the address.
        now: Seconds since the epoch.

    Raises:
        CognitoError: The signature is missing, is of something else, or has expired.
    """
    expires = parameters.get(_EXPIRES, "")
    signature = Secret(parameters.get(_SIGNATURE, ""))
    if not _TIME.fullmatch(expires) or _sign(pool, job, int(expires)) != signature:
        message = "The signature in the address is not the one that was given."
        raise CognitoError("AccessDenied", message, 403)
    if now >= int(expires):
        message = "The address has expired. Create another import job."
        raise CognitoError("AccessDenied", message, 403)


def _sign(pool: UserPool, job: ImportJob, expires: int) -> Secret[str]:
    text = f"authflow import\0{job.id}\0{expires}".encode()
    return Secret(hmac.digest(pool.mask_key, text, "sha256").hex())
