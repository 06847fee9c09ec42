"""The gate of one-time codes: wrong ones lock a user out of codes, as wrong passwords do.

After five wrong codes each further one locks for longer ("Things to know about user pool MFA" in
the developer guide, which points to the lockout of passwords). The codes of a user count together:
those that were sent and those of an authenticator, in whatever sign-in or set-up. They have a count
of their own beside the passwords': a right password, which comes before every code, does not
forget it.

The function runs inside the transaction that also judges the code, so that codes entered side by
side see one another.
"""

from authflow.pool.accounts.lockout import attempts_exceeded, failures_of, put_failures
from authflow.pool.accounts.masking import keyed
from authflow.pool.accounts.user_pool import UserPool
from authflow.pool.store.sqlite_connection import Connection


def count_code(
    connection: Connection, pool: UserPool, sub: str, now: float, *, passed: bool
) -> bool:
    """Count a code that was entered. Whoever refuses a wrong one keeps the transaction.

    Args:
        connection: The database.
        pool: The user pool.
        sub: The user's id.
        now: Seconds since the epoch.
        passed: Whether the code was right.

    Returns:
        Whether the code counts as right.

    Raises:
        CognitoError: The user is locked: whether the code was right does not matter then.
    """
    account = keyed(pool, "wrong codes of", sub)
    failures, locked = failures_of(connection, pool.id, account, now)
    if locked:
        raise attempts_exceeded()
    if not passed:
        put_failures(connection, pool.id, account, failures + 1, now)
    elif failures:
        connection.execute(
            "DELETE FROM password_failures WHERE pool_id = ? AND name = ?", (pool.id, account)
        )
    return passed
