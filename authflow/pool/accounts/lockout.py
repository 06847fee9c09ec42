"""The password lockout: after five failures each further one locks for longer.

Cognito locks for one second after the fifth failure and doubles that with each further one, up to
about 15 minutes; attempts while locked are refused and do not count; a success, or 15 minutes
without a failure, forgets them ("Authentication with Amazon Cognito user pools", lockout behaviour
for failed sign-in attempts). Custom challenges are not covered, as there.

These functions run inside the transaction that also compares the password, so that attempts made
side by side see one another.
"""

from typing import Final

from authflow.pool.cognito_errors import not_authorized
from authflow.pool.store.connection import Connection

_FREE_FAILURES: Final = 5
_LONGEST: Final = 900.0
"""Seconds: the longest lock, and the silence that forgets."""


def _locked_seconds(failures: int) -> float:
    if failures < _FREE_FAILURES:
        return 0.0
    return float(min(_LONGEST, 2.0 ** min(failures - _FREE_FAILURES, 10)))


def check_lock(connection: Connection, pool_id: str, name: str, now: float) -> int:
    """Refuse an attempt at a locked name.

    Args:
        connection: The database.
        pool_id: The user pool.
        name: The canonical name; for a user who does not exist, what was typed.
        now: Seconds since the epoch.

    Returns:
        How many failures count at the moment.

    Raises:
        CognitoError: The name is locked.
    """
    row = connection.execute(
        "SELECT failures, failed_at FROM password_failures WHERE pool_id = ? AND name = ?",
        (pool_id, name),
    ).first()
    if row is None:
        return 0
    failures: int
    failures, failed_at = row
    if now < failed_at + _locked_seconds(failures):
        raise not_authorized("Password attempts exceeded")
    return 0 if now >= failed_at + _LONGEST else failures


def count_attempt(
    connection: Connection, pool_id: str, name: str, now: float, *, passed: bool
) -> None:
    """Count an attempt that was not locked out.

    Raises:
        CognitoError: The name is locked: whether the password was right does not matter then.
    """
    failures = check_lock(connection, pool_id, name, now)
    if passed:
        if failures:
            connection.execute(
                "DELETE FROM password_failures WHERE pool_id = ? AND name = ?", (pool_id, name)
            )
        return
    connection.execute(
        "INSERT INTO password_failures (pool_id, name, failures, failed_at) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (pool_id, name)"
        " DO UPDATE SET failures = excluded.failures, failed_at = excluded.failed_at",
        (pool_id, name, failures + 1, now),
    )
    # Names that do not exist are counted too, so what is forgotten must go.
    connection.execute("DELETE FROM password_failures WHERE failed_at < ?", (now - _LONGEST,))
