"""The operations by which administrators create, read, change and delete users."""

from collections.abc import Mapping
from typing import Any

from attrs import define, frozen

from authflow.pool.accounts.attribute_values import check_flags, read_attributes
from authflow.pool.accounts.masking import second_name
from authflow.pool.accounts.passwords import StoredPassword, random_password
from authflow.pool.accounts.user_pool import UserPool, find_pool
from authflow.pool.accounts.users import (
    CONFIRMED,
    FORCE_CHANGE_PASSWORD,
    User,
    attribute_list,
    delete_user,
    find_named,
    find_user_by_sub,
    insert_user,
    new_sub,
    new_username,
    set_enabled,
)
from authflow.pool.cognito_errors import CognitoError, user_not_found
from authflow.pool.ground import Ground
from authflow.pool.store.sqlite_connection import Connection
from authflow.pool.tokens.families import change_password, end_families
from authflow.secret import Secret


def _delete(connection: Connection, pool_id: str, name: str) -> None:
    _, user = find_named(connection, pool_id, name)
    delete_user(connection, user)


def _enable(connection: Connection, pool_id: str, name: str, now: float, *, enabled: bool) -> None:
    """Permit or forbid a user's sign-in. To forbid ends the tokens; to permit restores none."""
    _, user = find_named(connection, pool_id, name)
    if user.enabled is not enabled:
        set_enabled(connection, user, now, enabled=enabled)
    if not enabled:
        end_families(connection, user.sub)


@frozen(kw_only=True)
class _PasswordChange:
    """A password that an administrator sets."""

    user: User
    """The user as stored before the arithmetic."""
    stored: StoredPassword
    permanent: bool
    tokens_survive: bool
    temporary_only: bool = False
    """Whether only a temporary password may be replaced."""


def _change(connection: Connection, change: _PasswordChange, now: float) -> User:
    """Set a password, for the user as stored now.

    Raises:
        CognitoError: The user is gone, or has chosen a password where only a temporary one may be
            replaced.
    """
    pool = find_pool(connection, change.user.pool_id)
    user = find_user_by_sub(connection, pool.id, change.user.sub)
    if user is None:
        raise user_not_found()
    if change.temporary_only:
        _check_temporary(user)
    lasts = pool.password_policy.temporary_seconds
    return change_password(
        connection,
        user,
        change.stored,
        now,
        status=CONFIRMED if change.permanent else FORCE_CHANGE_PASSWORD,
        expires_at=None if change.permanent else now + lasts,
        tokens_survive=change.tokens_survive,
    )


def _check_temporary(user: User) -> None:
    if user.status != FORCE_CHANGE_PASSWORD:
        raise CognitoError(
            "UnsupportedUserStateException",
            f"Resend not possible. {user.status} is not a state that has a temporary password.",
        )


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
        ground: The parts that all services share.
        tokens_survive: Whether tokens stay good when the password changes.
    """

    ground: Ground
    tokens_survive: bool

    async def create(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """AdminCreateUser.

        The pool sends no invitations: without TemporaryPassword the user gets a password that
        nobody knows, until AdminSetUserPassword sets another one.
        """
        now = self.ground.clock()
        pool = await self.ground.database.read(find_pool, request["UserPoolId"])
        if request.get("MessageAction") == "RESEND":
            return await self._reset(pool, request, now)
        given = (
            (each["Name"], each.get("Value", "")) for each in request.get("UserAttributes", ())
        )
        sub = new_sub()
        username, attributes = new_username(
            pool, request["Username"], sub, read_attributes(pool, given)
        )
        check_flags(attributes)
        user = User(
            sub=sub,
            pool_id=pool.id,
            username=username,
            status=FORCE_CHANGE_PASSWORD,
            attributes=attributes,
            password=await self._temporary(pool, username, sub, request),
            password_expires_at=now + pool.password_policy.temporary_seconds,
            created_at=now,
            modified_at=now,
        )
        move = request.get("ForceAliasCreation", False)
        await self.ground.database.write(insert_user, pool, user, move_aliases=move)
        return {"User": _described(user, "Attributes")}

    async def _reset(
        self, pool: UserPool, request: Mapping[str, Any], now: float
    ) -> dict[str, Any]:
        """Set a new temporary password for a user who has never signed in."""
        pool, user = await self.ground.database.read(find_named, pool.id, request["Username"])
        _check_temporary(user)
        change = _PasswordChange(
            user=user,
            stored=await self._temporary(pool, user.username, user.sub, request),
            permanent=False,
            tokens_survive=self.tokens_survive,
            temporary_only=True,
        )
        changed = await self.ground.database.write(_change, change, now)
        return {"User": _described(changed, "Attributes")}

    async def _temporary(
        self, pool: UserPool, username: str, sub: str, request: Mapping[str, Any]
    ) -> StoredPassword:
        if "TemporaryPassword" in request:
            password = Secret(request["TemporaryPassword"])
            pool.password_policy.check(password)
        else:
            password = random_password()
        second = second_name(pool, username, sub)
        return await self.ground.workers.run(
            StoredPassword.make, pool.id, username, password, second
        )

    async def set_password(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """AdminSetUserPassword."""
        now = self.ground.clock()
        pool, user = await self.ground.database.read(
            find_named, request["UserPoolId"], request["Username"]
        )
        password = Secret(request["Password"])
        pool.password_policy.check(password)
        second = second_name(pool, user.username, user.sub)
        change = _PasswordChange(
            user=user,
            stored=await self.ground.workers.run(
                StoredPassword.make, pool.id, user.username, password, second
            ),
            permanent=request.get("Permanent", False),
            tokens_survive=self.tokens_survive,
        )
        await self.ground.database.write(_change, change, now)
        return {}

    async def get(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """AdminGetUser."""
        _, user = await self.ground.database.read(
            find_named, request["UserPoolId"], request["Username"]
        )
        return {**_described(user, "UserAttributes"), **user.factors.described()}

    async def delete(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """AdminDeleteUser."""
        await self.ground.database.write(_delete, request["UserPoolId"], request["Username"])
        return {}

    async def disable(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """AdminDisableUser. It ends the user's tokens, and the sign-ins that have begun."""
        return await self._enable(request, enabled=False)

    async def enable(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """AdminEnableUser."""
        return await self._enable(request, enabled=True)

    async def _enable(self, request: Mapping[str, Any], *, enabled: bool) -> dict[str, Any]:
        pool_id, name, now = request["UserPoolId"], request["Username"], self.ground.clock()
        await self.ground.database.write(_enable, pool_id, name, now, enabled=enabled)
        return {}
