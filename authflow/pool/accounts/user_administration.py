"""The operations by which an administrator makes, reads, changes and deletes users."""

from collections.abc import Callable, Mapping
from typing import Any

from attrs import define

from authflow.pool.accounts.passwords import StoredPassword, random_password
from authflow.pool.accounts.user_pools import UserPool, find_pool
from authflow.pool.accounts.users import (
    CONFIRMED,
    FORCE_CHANGE_PASSWORD,
    User,
    attribute_list,
    delete_user,
    find_named,
    insert_user,
    new_sub,
    new_username,
    read_attributes,
    update_user,
)
from authflow.pool.cognito_errors import CognitoError
from authflow.pool.store.connection import Connection
from authflow.pool.store.database import Database
from authflow.pool.workers import Workers
from authflow.secret import Secret


def _delete(connection: Connection, pool_id: str, name: str) -> None:
    _, user = find_named(connection, pool_id, name)
    delete_user(connection, user)


def _described(user: User, attributes: str) -> dict[str, Any]:
    return {
        "Username": user.username,
        attributes: attribute_list(user.all_attributes),
        "UserCreateDate": user.created_at,
        "UserLastModifiedDate": user.modified_at,
        "Enabled": user.enabled,
        "UserStatus": user.status,
    }


@define(kw_only=True)
class UserAdministration:
    """The operations on users.

    Args:
        database: Where users are kept.
        workers: Threads for verifiers.
        clock: Gives the time, in seconds since the epoch.
    """

    database: Database
    workers: Workers
    clock: Callable[[], float]

    async def create(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """AdminCreateUser.

        The pool sends no invitations: without TemporaryPassword the user gets a password that
        nobody knows, until AdminSetUserPassword sets another one.
        """
        now = self.clock()
        pool = await self.database.read(find_pool, request["UserPoolId"])
        if request.get("MessageAction") == "RESEND":
            return await self._reset(pool, request, now)
        given = (
            (each["Name"], each.get("Value", "")) for each in request.get("UserAttributes", ())
        )
        sub = new_sub()
        username, attributes = new_username(
            pool, request["Username"], sub, read_attributes(pool, given)
        )
        user = User(
            sub=sub,
            pool_id=pool.id,
            username=username,
            status=FORCE_CHANGE_PASSWORD,
            attributes=attributes,
            password=await self._temporary(pool, username, request),
            password_expires_at=now + pool.password_policy.temporary_seconds,
            created_at=now,
            modified_at=now,
        )
        move = request.get("ForceAliasCreation", False)
        await self.database.write(insert_user, pool, user, move_aliases=move)
        return {"User": _described(user, "Attributes")}

    async def _reset(
        self, pool: UserPool, request: Mapping[str, Any], now: float
    ) -> dict[str, Any]:
        """Give a user who never signed in a new temporary password."""
        pool, user = await self.database.read(find_named, pool.id, request["Username"])
        if user.status != FORCE_CHANGE_PASSWORD:
            raise CognitoError(
                "UnsupportedUserStateException",
                f"Resend not possible. {user.status} is not a state that has a temporary password.",
            )
        changed = user.with_password(
            await self._temporary(pool, user.username, request),
            now,
            status=FORCE_CHANGE_PASSWORD,
            expires_at=now + pool.password_policy.temporary_seconds,
        )
        await self.database.write(update_user, pool, changed)
        return {"User": _described(changed, "Attributes")}

    async def _temporary(
        self, pool: UserPool, username: str, request: Mapping[str, Any]
    ) -> StoredPassword:
        if "TemporaryPassword" in request:
            password = Secret(request["TemporaryPassword"])
            pool.password_policy.check(password)
        else:
            password = random_password()
        return await self.workers.run(StoredPassword.make, pool.id, username, password)

    async def set_password(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """AdminSetUserPassword."""
        now = self.clock()
        pool, user = await self.database.read(
            find_named, request["UserPoolId"], request["Username"]
        )
        password = Secret(request["Password"])
        pool.password_policy.check(password)
        permanent = request.get("Permanent", False)
        stored = await self.workers.run(StoredPassword.make, pool.id, user.username, password)
        changed = user.with_password(
            stored,
            now,
            status=CONFIRMED if permanent else FORCE_CHANGE_PASSWORD,
            expires_at=None if permanent else now + pool.password_policy.temporary_seconds,
        )
        await self.database.write(update_user, pool, changed)
        return {}

    async def get(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """AdminGetUser."""
        _, user = await self.database.read(find_named, request["UserPoolId"], request["Username"])
        return _described(user, "UserAttributes")

    async def delete(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """AdminDeleteUser."""
        await self.database.write(_delete, request["UserPoolId"], request["Username"])
        return {}
