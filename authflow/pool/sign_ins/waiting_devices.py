"""The sign-ins that wait for a device, by the device and the app client.

Some clients answer DEVICE_SRP_AUTH without the Session that it was asked with, as AWS's own example
does. So the handle of each stands beside its session, sealed, and goes with it. Without a Session
nothing says that whoever answers has begun the sign-in, and has proved the password: it is found
only from the address that it was begun from.
"""

import hmac
import os
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from authflow.pool.accounts.callers import Caller
from authflow.pool.accounts.user_pool import UserPool
from authflow.pool.cognito_errors import CognitoError, invalid_session
from authflow.pool.sign_ins.sessions import LateAnswerError, Unnamed, meant_by, session_id_of
from authflow.pool.store.sqlite_connection import Connection

_NONCE_BYTES: Final = 12


def _sealer(pool: UserPool) -> AESGCM:
    return AESGCM(hmac.digest(pool.mask_key, b"authflow devices", "sha256"))


def keep_waiting(
    connection: Connection, pool: UserPool, client_id: str, key: str, handle: str
) -> None:
    """Store the handle of a sign-in that waits for a device, whose session is stored already.

    Args:
        connection: The database.
        pool: The user pool.
        client_id: The app client.
        key: The device's key.
        handle: The session's.
    """
    nonce = os.urandom(_NONCE_BYTES)
    sealed = nonce + _sealer(pool).encrypt(nonce, handle.encode(), key.encode())
    connection.execute(
        "INSERT INTO waiting_devices (session, key, client_id, sealed) VALUES (?, ?, ?, ?)",
        (session_id_of(handle), key, client_id, sealed),
    )


def find_waiting(
    connection: Connection, caller: Caller, key: str, unnamed: Unnamed, now: float
) -> str:
    """Return the handle of the newest sign-in that waits for a device and is meant by an answer.

    Sign-ins that began under the answer's very name come first: another answer may have another.

    Args:
        connection: The database.
        caller: Who answers.
        key: What may be a device's key.
        unnamed: The answer.
        now: Seconds since the epoch.

    Raises:
        CognitoError: There is none, or it has expired.
    """
    sealer, refusal = _sealer(caller.pool), invalid_session()
    found: str | None = None
    rows = connection.execute(
        "SELECT sealed FROM waiting_devices WHERE key = ? AND client_id = ? ORDER BY place DESC",
        (key, caller.client.id),
    )
    for (sealed,) in rows:
        nonce, rest = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        handle = sealer.decrypt(nonce, rest, key.encode()).decode()
        try:
            progress = meant_by(connection, handle, unnamed, now)
        except CognitoError as error:
            # It has expired, and hides no older one that waits. One of which that was not known
            # yet is told first: then it is.
            if not isinstance(refusal, LateAnswerError):
                refusal = error
            continue
        if progress is not None and progress.typed == unnamed.username:
            return handle
        if progress is not None and found is None:
            found = handle
    if found is None:
        raise refusal
    return found
