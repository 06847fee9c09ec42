"""The sign-ins that wait for a device, by the device and the app client.

Some clients answer DEVICE_SRP_AUTH without the Session that it was asked with, as AWS's own example
does. So the handle of each stands beside its session, sealed, and goes with it.
"""

import hmac
import os
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from authflow.pool.accounts.user_pool import UserPool
from authflow.pool.sign_ins.sessions import session_id_of
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


def find_waiting(connection: Connection, pool: UserPool, client_id: str, key: str) -> str | None:
    """Return the handle of the newest sign-in that waits for a device at an app client, if any.

    One that has expired comes after all that have not.

    Args:
        connection: The database.
        pool: The user pool.
        client_id: The app client, of this user pool.
        key: What may be a device's key.
    """
    row = connection.execute(
        "SELECT waiting_devices.sealed FROM waiting_devices JOIN sessions"
        " ON sessions.id = waiting_devices.session WHERE key = ? AND client_id = ?"
        " ORDER BY sessions.sealed <> ? DESC, waiting_devices.place DESC LIMIT 1",
        (key, client_id, b""),
    ).first()
    if row is None:
        return None
    (sealed,) = row
    opened = _sealer(pool).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], key.encode())
    return opened.decode()
