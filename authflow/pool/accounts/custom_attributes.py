"""AddCustomAttributes: further attributes of a pool that has users already."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from attrs import define

from authflow.pool.accounts.attribute_schema import CUSTOM, DEVELOPER, read_schema
from authflow.pool.accounts.user_pool import find_pool
from authflow.pool.cognito_errors import invalid_parameter
from authflow.pool.ground import Ground
from authflow.pool.imports.import_jobs import check_no_import
from authflow.pool.store.sqlite_connection import Connection

_MOST: Final = 50
"""The custom attributes that a pool can have ("Quotas in Amazon Cognito")."""


def _add(
    connection: Connection, pool_id: str, given: Sequence[Mapping[str, Any]], now: float
) -> None:
    """Add attributes to the schema of a pool, as it is stored now.

    Raises:
        CognitoError: There is no such pool, or one of them cannot be added.
    """
    pool = find_pool(connection, pool_id)
    check_no_import(connection, pool_id)
    read_schema((), given)  # so that what is told of them counts from the first
    added = (*pool.custom_attributes, *given)
    schema = read_schema(pool.settings.get("Schema", ()), added)
    if sum(name.startswith((CUSTOM, DEVELOPER)) for name in schema) > _MOST:
        message = f"A user pool can have {_MOST} custom attributes at most."
        raise invalid_parameter(message, reason=message)
    connection.execute(
        "UPDATE user_pools SET custom_attributes = ?, modified_at = ? WHERE id = ?",
        (json.dumps(added), now, pool.id),
    )


@define(kw_only=True)
class CustomAttributes:
    """The operation that adds attributes to a user pool.

    Args:
        ground: The parts that all services share.
    """

    ground: Ground

    async def add(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """AddCustomAttributes. All are added, or none."""
        await self.ground.database.write(
            _add, request["UserPoolId"], request["CustomAttributes"], self.ground.clock()
        )
        return {}
