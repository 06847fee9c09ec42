"""ListUserPoolClients: the app clients of a user pool, page by page."""

import json
from collections.abc import Mapping
from typing import Any, Final

from authflow.pool.accounts.user_pool import find_pool
from authflow.pool.page_tokens import page_token, read_page_token
from authflow.pool.store.sqlite_connection import Connection

_MOST_ROWS: Final = 60


def list_clients(connection: Connection, request: Mapping[str, Any]) -> dict[str, Any]:
    """List the app clients of a pool by their ids.

    Args:
        connection: The database.
        request: UserPoolId; MaxResults and NextToken, if they are given.

    Raises:
        CognitoError: There is no such pool, or the page was not named by us.
    """
    pool = find_pool(connection, request["UserPoolId"])
    most = request.get("MaxResults", _MOST_ROWS)
    rows = connection.execute(
        "SELECT id, settings FROM app_clients WHERE pool_id = ? AND id > ? ORDER BY id LIMIT ?",
        (pool.id, read_page_token(request.get("NextToken")), most + 1),
    )
    listed: dict[str, Any] = {
        "UserPoolClients": [
            {
                "ClientId": found,
                "UserPoolId": pool.id,
                "ClientName": json.loads(settings)["ClientName"],
            }
            for found, settings in rows[:most]
        ]
    }
    if len(rows) > most:
        listed["NextToken"] = page_token(rows[most - 1][0])
    return listed
