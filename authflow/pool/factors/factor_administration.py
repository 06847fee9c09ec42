"""The operations by which administrators read and change the second factors of users."""

from collections.abc import Mapping
from typing import Any

from attrs import define

from authflow.machine import State
from authflow.pool.accounts.users import find_named
from authflow.pool.factors.auth_factors import auth_factors
from authflow.pool.factors.authenticators import remove_authenticator
from authflow.pool.factors.preferences import chosen_factors, set_factors, settings_as_wishes
from authflow.pool.ground import Ground
from authflow.pool.store.sqlite_connection import Connection


def _prefer(connection: Connection, request: Mapping[str, Any], now: float) -> None:
    pool, user = find_named(connection, request["UserPoolId"], request["Username"])
    set_factors(connection, user, chosen_factors(pool, user, request), now)


def _delete(connection: Connection, pool_id: str, name: str, now: float) -> None:
    """Delete a user's authenticator, also as a factor that is on."""
    _, user = find_named(connection, pool_id, name)
    user = remove_authenticator(connection, user, now)
    set_factors(connection, user, user.factors.without(State.SOFTWARE_TOKEN_MFA), now)


@define(kw_only=True)
class FactorAdministration:
    """The operations of administrators on users' second factors.

    Args:
        ground: The parts that all services share.
    """

    ground: Ground

    async def prefer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """AdminSetUserMFAPreference."""
        await self.ground.database.write(_prefer, request, self.ground.clock())
        return {}

    async def set_up(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """AdminSetUserSettings."""
        named = {name: request[name] for name in ("UserPoolId", "Username")}
        return await self.prefer({**named, **settings_as_wishes(request)})

    async def delete_authenticator(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """AdminDeleteSoftwareToken."""
        pool_id, name = request["UserPoolId"], request["Username"]
        await self.ground.database.write(_delete, pool_id, name, self.ground.clock())
        return {}

    async def list(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """AdminGetUserAuthFactors."""
        pool, user = await self.ground.database.read(
            find_named, request["UserPoolId"], request["Username"]
        )
        return auth_factors(pool, user)
