"""The storage of the second factors that users have turned on."""

from authflow.pool.accounts.second_factors import UserFactors
from authflow.pool.accounts.users import User, find_user_by_sub
from authflow.pool.cognito_errors import user_not_found
from authflow.pool.store.sqlite_connection import Connection


def set_factors(connection: Connection, user: User, factors: UserFactors, now: float) -> User:
    """Store which second factors a user has turned on, and which is preferred.

    Args:
        connection: The database.
        user: The user.
        factors: The factors.
        now: Seconds since the epoch.

    Returns:
        The user as he is now.

    Raises:
        CognitoError: The user is gone.
    """
    connection.execute(
        "UPDATE users SET factors = ?, modified_at = ? WHERE sub = ?",
        (factors.to_json(), now, user.sub),
    )
    stored = find_user_by_sub(connection, user.pool_id, user.sub)
    if stored is None:
        raise user_not_found()
    return stored
