"""The operations on the second factors of user pools: which there are, and who needs one."""

import json
from collections.abc import Mapping
from typing import Any

from attrs import define

from authflow.pool.accounts.user_pool import find_pool
from authflow.pool.ground import Ground
from authflow.pool.settings.mfa_settings import configured, described
from authflow.pool.settings.notices import Notices
from authflow.pool.store.sqlite_connection import Connection


def _set(connection: Connection, request: Mapping[str, Any], now: float) -> dict[str, Any]:
    pool = find_pool(connection, request["UserPoolId"])
    settings = configured(pool.settings, request)
    connection.execute(
        "UPDATE user_pools SET settings = ?, modified_at = ? WHERE id = ?",
        (json.dumps(settings), now, pool.id),
    )
    return settings


@define(kw_only=True)
class PoolFactors:
    """The operations on the second factors of user pools.

    Args:
        ground: The parts that all services share.
        notices: Tells of settings that have no effect.
    """

    ground: Ground
    notices: Notices

    async def set(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """SetUserPoolMfaConfig."""
        settings = await self.ground.database.write(_set, request, self.ground.clock())
        self.notices.tell_pool(request["UserPoolId"], settings)
        return described(settings)

    async def get(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """GetUserPoolMfaConfig."""
        pool = await self.ground.database.read(find_pool, request["UserPoolId"])
        return described(pool.settings)
