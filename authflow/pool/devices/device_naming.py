"""The device that the client of a sign-in names, by DEVICE_KEY in any of its requests.

A key that is none of the user's is told in an answer's refusal, and then the answer counts for
nothing: clients forget the device and send the same answer without it (amplify-js, amplify-android
and amazon-cognito-identity-js do). Who has proved nothing yet hears of it only if an unknown user
would hear the same. InitiateAuth's key is no answer: what follows it says whether it is known.
"""

import re
from typing import Final

from attrs import evolve

from authflow.pool.accounts.user_pool import UserPool
from authflow.pool.accounts.users import User
from authflow.pool.cognito_errors import not_authorized
from authflow.pool.devices.device_config import DeviceConfig, skips_second_factor
from authflow.pool.devices.device_state import DeviceState
from authflow.pool.devices.known_devices import REMEMBERED, find_device, no_such_device
from authflow.pool.store.sqlite_connection import Connection

_KEY_FORM: Final = re.compile(r"(?=.{1,55}\Z)[\w-]+_[0-9a-f-]+", re.ASCII)
"""The form of device keys, which is DeviceKeyType in Cognito's service model."""


def possible_key(key: str | None) -> str | None:
    """Return the key that a sign-in begins with, if it can be a device's.

    It is kept until something is proved. Anybody may send it, and as much as a request holds: what
    is of no device's form is kept as little as it would count.

    Args:
        key: The DEVICE_KEY of the beginning; None if it has none.
    """
    return key if key is not None and _KEY_FORM.fullmatch(key) else None


def named_device(
    connection: Connection,
    pool: UserPool,
    user: User | None,
    before: DeviceState | None,
    key: str | None,
    *,
    asked: bool = False,
) -> DeviceState | None:
    """Return the device of a sign-in after an answer, which may name one.

    Args:
        connection: The database.
        pool: The user pool.
        user: The user; None for one who does not exist, who has no devices.
        before: The device so far; None if the client named none.
        key: The answer's DEVICE_KEY; None if it has none.
        asked: Whether the answer is a proof of the device so far.

    Raises:
        CognitoError: ResourceNotFoundException; the user has no such device, or the sign-in rests
            on another one.
    """
    fixed = before is not None and (asked or before.is_rested_on)
    if key is None or not (fixed or DeviceConfig.of(pool).remembers):
        return before
    same = before is not None and before.key == key
    if fixed and not same:
        raise no_such_device()
    if find_device(connection, None if user is None else user.sub, key) is None:
        raise no_such_device()
    return before if same else DeviceState(key=key)


def standing_device(
    connection: Connection, pool: UserPool, user: User | None, before: DeviceState | None
) -> DeviceState | None:
    """Return the device of a sign-in as it stands now, for the decision about what is owed.

    Args:
        connection: The database.
        pool: The user pool.
        user: The user; None for one who does not exist.
        before: The device so far; None if the client named none.

    Returns:
        None also for a key that means nothing, and on which nothing rests.

    Raises:
        CognitoError: The sign-in rests on a device that was forgotten meanwhile, or that no longer
            stands in for the second factor that was not asked for.
    """
    if before is None or not (before.is_rested_on or DeviceConfig.of(pool).remembers):
        return None
    device = find_device(connection, None if user is None else user.sub, before.key)
    if device is None:
        if before.is_rested_on:
            raise not_authorized(reason="the device was forgotten meanwhile")
        return None
    now = evolve(before, remembered=device.status == REMEMBERED)
    if before.spared and not skips_second_factor(pool, now):
        raise not_authorized(reason="the device is no longer remembered")
    return now
