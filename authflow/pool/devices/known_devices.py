"""The table of devices: a device has one user, and means nothing for anybody else.

A device is made with the tokens of a sign-in from a device that the pool does not know. It exists
for no operation but ConfirmDevice until that has brought its verifier; one that is never confirmed
is forgotten after a day, when no access token is left that could confirm it.
"""

import secrets
import string
import uuid
from typing import Any, Final, Self

from attrs import field, frozen

from authflow.pool.accounts.user_pool import UserPool
from authflow.pool.accounts.users import User
from authflow.pool.cognito_errors import CognitoError
from authflow.pool.devices.device_secrets import DeviceSecret
from authflow.pool.store.sqlite_connection import Connection, Rows

REMEMBERED: Final = "remembered"
NOT_REMEMBERED: Final = "not_remembered"
_KEY_CHARS: Final = 55
"""The most characters of a device key, in Cognito's service model."""
_UUID_CHARS: Final = 36
_GROUP_CHARS: Final = 8
_UNCONFIRMED_SECONDS: Final = 86_400.0
"""The longest life of an access token."""
_COLUMNS: Final = (
    "key, sub, group_key, name, status, salt, verifier, address, created_at, modified_at,"
    " authenticated_at"
)


@frozen(kw_only=True)
class KnownDevice:
    """A device that was confirmed.

    Args:
        key: Its key, `<region>_<uuid>`.
        sub: Whose it is.
        group_key: Its group key, which stands for the pool's name in SRP.
        name: What its user, or the client, calls it.
        status: `REMEMBERED` or `NOT_REMEMBERED`.
        secret: The trace of its password.
        address: The address that it was used from last, if that is known.
        created_at: When its key was given, in seconds since the epoch.
        modified_at: Seconds since the epoch.
        authenticated_at: When a sign-in from it ended last, in seconds since the epoch.
    """

    key: str
    sub: str
    group_key: str
    name: str | None
    status: str
    secret: DeviceSecret
    address: str | None
    created_at: float
    modified_at: float
    authenticated_at: float

    @classmethod
    def from_row(cls, row: tuple[Any, ...]) -> Self:
        """Return the device of a row of the store."""
        key, sub, group_key, name, status, salt, verifier, address, *times = row
        created_at, modified_at, authenticated_at = times
        return cls(
            key=key,
            sub=sub,
            group_key=group_key,
            name=name,
            status=status,
            secret=DeviceSecret.from_columns(salt, verifier),
            address=address,
            created_at=created_at,
            modified_at=modified_at,
            authenticated_at=authenticated_at,
        )


@frozen(kw_only=True)
class NewDevice:
    """The keys of a device that the pool did not know.

    Args:
        key: Its key.
        group_key: Its group key.
    """

    key: str
    group_key: str


@frozen(kw_only=True)
class Confirmation:
    """The content of a ConfirmDevice request, and who sends it.

    Args:
        key: The device's key.
        name: What the device is called.
        secret: The trace of its password.
        address: The address of whoever asks.
        family_key: The key of the device that the access token was given to.
    """

    key: str
    name: str | None
    secret: DeviceSecret
    address: str | None
    family_key: str | None = field(default=None)


def no_such_device() -> CognitoError:
    """Return the refusal of a key that is none of the user's, in the words that clients know."""
    message = "Device does not exist."
    return CognitoError("ResourceNotFoundException", message, reason=message)


def find_device(connection: Connection, sub: str | None, key: str) -> KnownDevice | None:
    """Return a user's device that was confirmed; None if the key is none of his.

    Args:
        connection: The database.
        sub: The user's id; None for one who does not exist, and has no device.
        key: What may be a device's key.
    """
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM devices WHERE key = ? AND sub = ? AND verifier IS NOT NULL",  # noqa: S608  # our own column names
        (key, sub or ""),
    ).first()
    return None if row is None else KnownDevice.from_row(row)


def existing_device(connection: Connection, sub: str, key: str) -> KnownDevice:
    """Return a user's device that was confirmed.

    Raises:
        CognitoError: ResourceNotFoundException; the key is none of his.
    """
    return _existing(find_device(connection, sub, key))


def _existing(device: KnownDevice | None) -> KnownDevice:
    if device is None:
        raise no_such_device()
    return device


def _changed(rows: Rows) -> KnownDevice:
    row = rows.first()
    return _existing(None if row is None else KnownDevice.from_row(row))


def add_device(connection: Connection, pool: UserPool, user: User, now: float) -> NewDevice:
    """Make a device that waits to be confirmed; the user's that waited too long are forgotten."""
    connection.execute(
        "DELETE FROM devices WHERE sub = ? AND created_at < ? AND verifier IS NULL",
        (user.sub, now - _UNCONFIRMED_SECONDS),
    )
    region = pool.region[: _KEY_CHARS - _UUID_CHARS - 1]
    chars = (secrets.choice(string.ascii_letters + string.digits) for _ in range(_GROUP_CHARS))
    made = NewDevice(key=f"{region}_{uuid.uuid4()}", group_key=f"-{''.join(chars)}")
    connection.execute(
        "INSERT INTO devices (key, sub, group_key, status, created_at, modified_at,"
        " authenticated_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (made.key, user.sub, made.group_key, NOT_REMEMBERED, now, now, now),
    )
    return made


def confirm_device(
    connection: Connection, user: User, given: Confirmation, status: str, now: float
) -> None:
    """Store the trace of a new device's password. It takes one, once.

    Args:
        connection: The database.
        user: Whose it is.
        given: What confirms it.
        status: Whether it is remembered from now on.
        now: Seconds since the epoch.

    Raises:
        CognitoError: It is confirmed already, or it is not the device that the access token was
            given to.
    """
    if given.key != given.family_key:
        raise _invalid_key()
    if find_device(connection, user.sub, given.key) is not None:
        message = "Device already exists."
        raise CognitoError("DeviceKeyExistsException", message, reason=message)
    confirmed = connection.execute(
        "UPDATE devices SET name = ?, status = ?, salt = ?, verifier = ?, address = ?,"
        " modified_at = ? WHERE key = ? AND sub = ? AND verifier IS NULL RETURNING 1",
        (
            *(given.name, status, *given.secret.columns, given.address, now),
            *(given.key, user.sub),
        ),
    )
    if not confirmed:
        raise _invalid_key()


def _invalid_key() -> CognitoError:
    message = "Invalid device key given."
    return CognitoError("InvalidParameterException", message, reason=message)


def set_remembered(
    connection: Connection, sub: str, key: str, status: str | None, now: float
) -> KnownDevice:
    """Store whether a device is remembered; None leaves it as it is.

    Raises:
        CognitoError: The user has no such device.
    """
    return _changed(
        connection.execute(
            "UPDATE devices SET status = coalesce(?, status), modified_at = ?"  # noqa: S608  # the same
            f" WHERE key = ? AND sub = ? AND verifier IS NOT NULL RETURNING {_COLUMNS}",
            (status, now, key, sub),
        )
    )


def note_sign_in(
    connection: Connection, device: KnownDevice, address: str | None, now: float
) -> None:
    """Store when, and from where, a device proved itself.

    Raises:
        CognitoError: The device is forgotten.
    """
    _changed(
        connection.execute(
            "UPDATE devices SET authenticated_at = ?, address = coalesce(?, address)"  # noqa: S608  # the same
            f" WHERE key = ? AND sub = ? AND verifier IS NOT NULL RETURNING {_COLUMNS}",
            (now, address, device.key, device.sub),
        )
    )


def forget_device(connection: Connection, sub: str, key: str) -> None:
    """Delete a device.

    Raises:
        CognitoError: The user has no such device.
    """
    _changed(
        connection.execute(
            "DELETE FROM devices WHERE key = ? AND sub = ? AND verifier IS NOT NULL"  # noqa: S608  # the same
            f" RETURNING {_COLUMNS}",
            (key, sub),
        )
    )


def devices_after(
    connection: Connection, sub: str, after: tuple[float, str], most: int
) -> list[KnownDevice]:
    """Return a user's devices by their age, beginning after a creation time and key."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM devices WHERE sub = ? AND (created_at, key) > (?, ?)"  # noqa: S608  # the same
        " AND verifier IS NOT NULL ORDER BY created_at, key LIMIT ?",
        (sub, *after, most),
    )
    return [KnownDevice.from_row(row) for row in rows]
