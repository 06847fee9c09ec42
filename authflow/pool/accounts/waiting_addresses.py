"""New addresses that wait: they are the users' once a code from there has come back.

Source: UserAttributeUpdateSettingsType in the API reference. How long Cognito lets one wait is not
documented: here it waits until it is verified, replaced or given up.
"""

from collections.abc import Mapping

from authflow.pool.accounts.user_pool import UserPool
from authflow.pool.accounts.users import User, alias_exists, find_user
from authflow.pool.store.sqlite_connection import Connection


def waiting_address(connection: Connection, user: User, attribute: str) -> str | None:
    """Return the address that waits to be a user's; None if none does.

    Args:
        connection: The database.
        user: The user.
        attribute: email or phone_number.
    """
    row = connection.execute(
        "SELECT address FROM waiting_addresses WHERE sub = ? AND attribute = ?",
        (user.sub, attribute),
    ).first()
    return None if row is None else str(row[0])


def put_waiting_addresses(
    connection: Connection, pool: UserPool, user: User, waiting: Mapping[str, str | None]
) -> None:
    """Store the addresses that wait, each in place of the one before.

    Args:
        connection: The database.
        pool: The user's pool.
        user: The user.
        waiting: The addresses by attribute; None for an attribute for which none waits any more.

    Raises:
        CognitoError: AliasExistsException; where addresses stand for usernames, one of them is
            another user's. As an alias it may be claimed until it is verified.
    """
    for attribute, address in waiting.items():
        connection.execute(
            "DELETE FROM waiting_addresses WHERE sub = ? AND attribute = ?", (user.sub, attribute)
        )
        if address is None:
            continue
        holder = find_user(connection, pool, address)
        if attribute in pool.username_attributes and holder is not None and holder.sub != user.sub:
            raise alias_exists(attribute)
        connection.execute(
            "INSERT INTO waiting_addresses (sub, attribute, address) VALUES (?, ?, ?)",
            (user.sub, attribute, address),
        )
