"""Codes that reset a password: six digits, for one hour and for one use.

Cognito allows 5 to 20 attempts an hour to ask for a code or to enter one ("Forgot password
behavior" in the developer guide). Here they are ten, counted before anything is compared; a new
code replaces the old one and gives no new attempts. A name that nobody has gets a code, too, which
matches nothing, so that it is not told from a name that somebody has.
"""

import hmac
import secrets
from typing import Final

from authflow.pool.accounts.user_pools import UserPool
from authflow.pool.accounts.users import User
from authflow.pool.cognito_errors import CognitoError
from authflow.pool.store.connection import Connection
from authflow.secret import Secret

_SECONDS: Final = 3600.0
_WINDOW: Final = 3600.0
_MOST_ATTEMPTS: Final = 10
_DIGITS: Final = 6


def owner_of(pool: UserPool, user: User | None, typed: str) -> str:
    """Give what codes and attempts are kept under: the user, or the name that nobody has."""
    return f"name:{pool.fold(typed)}" if user is None else f"user:{user.sub}"


def count_reset_attempt(connection: Connection, pool_id: str, owner: str, now: float) -> None:
    """Count an attempt to ask for a code or to enter one.

    Raises:
        CognitoError: There were too many in this hour.
    """
    connection.execute("DELETE FROM reset_attempts WHERE began_at <= ?", (now - _WINDOW,))
    attempts: int
    ((attempts,),) = connection.execute(
        "INSERT INTO reset_attempts (pool_id, owner, attempts, began_at) VALUES (?, ?, 1, ?)"
        " ON CONFLICT (pool_id, owner) DO UPDATE SET attempts = reset_attempts.attempts + 1"
        " RETURNING attempts",
        (pool_id, owner, now),
    )
    if attempts > _MOST_ATTEMPTS:
        raise CognitoError(
            "LimitExceededException", "Attempt limit exceeded, please try after some time."
        )


def new_code() -> Secret[str]:
    """Draw a code."""
    return Secret(f"{secrets.randbelow(10**_DIGITS):0{_DIGITS}}")


def _mac(pool: UserPool, owner: str, code: Secret[str]) -> bytes:
    # A bare hash of six digits is searched in a second; this one needs the pool's key.
    told = f"authflow reset code\0{owner}\0{code.reveal()}"
    return hmac.digest(pool.mask_key, told.encode(), "sha256")


def put_code(
    connection: Connection, pool: UserPool, owner: str, code: Secret[str] | None, now: float
) -> None:
    """Keep a code instead of the one before.

    Args:
        connection: The database.
        pool: The user pool.
        owner: From `owner_of`.
        code: The code; None for one that matches nothing.
        now: Seconds since the epoch.
    """
    mac = secrets.token_bytes(32) if code is None else _mac(pool, owner, code)
    connection.execute("DELETE FROM reset_codes WHERE expires_at <= ?", (now,))
    connection.execute(
        "INSERT INTO reset_codes (pool_id, owner, mac, expires_at) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (pool_id, owner)"
        " DO UPDATE SET mac = excluded.mac, expires_at = excluded.expires_at",
        (pool.id, owner, mac, now + _SECONDS),
    )


def code_mismatch() -> CognitoError:
    """Refuse a wrong code."""
    return CognitoError(
        "CodeMismatchException", "Invalid verification code provided, please try again."
    )


def use_up_code(
    connection: Connection, pool: UserPool, owner: str, code: Secret[str], now: float
) -> None:
    """Compare a code, and delete it if it is right, with the attempts that it took.

    Raises:
        CognitoError: It is wrong, or there is none (any more).
    """
    row = connection.execute(
        "SELECT mac FROM reset_codes WHERE pool_id = ? AND owner = ? AND expires_at > ?",
        (pool.id, owner, now),
    ).first()
    if row is None:
        raise CognitoError(
            "ExpiredCodeException", "Invalid code provided, please request a code again."
        )
    if not hmac.compare_digest(row[0], _mac(pool, owner, code)):
        raise code_mismatch()
    whose = (pool.id, owner)
    connection.execute("DELETE FROM reset_codes WHERE pool_id = ? AND owner = ?", whose)
    connection.execute("DELETE FROM reset_attempts WHERE pool_id = ? AND owner = ?", whose)
