"""Groups of users, and the claims about them in the members' tokens.

The groups' names are in both tokens, their roles in the ID token. The preferred role is that of the
group with the lowest precedence; where several share it and differ in their roles, none is
preferred ("Adding groups to a user pool" in the developer guide).
"""

from collections.abc import Mapping
from typing import Any, Final

from attrs import define, frozen

from authflow.pool.accounts.user_pool import find_pool
from authflow.pool.accounts.users import find_named
from authflow.pool.cognito_errors import CognitoError
from authflow.pool.ground import Ground
from authflow.pool.page_tokens import page_token, read_page_token
from authflow.pool.store.sqlite_connection import Connection

_MOST_ROWS: Final = 60
_COLUMNS: Final = "name, pool_id, description, role_arn, precedence, created_at, modified_at"
_LAST: Final = 2**63 - 1
"""The precedence of a group without one: after all others."""


@frozen(kw_only=True)
class Memberships:
    """The groups of one user.

    Args:
        groups: Their names, the highest precedence (the lowest number) first.
        roles: Their roles, each once, in the same order.
        preferred_role: The one that counts; None if there is none, or no single one.
    """

    groups: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    preferred_role: str | None = None

    @property
    def access_claims(self) -> dict[str, Any]:
        """Return the claims of an access token."""
        return {"cognito:groups": list(self.groups)} if self.groups else {}

    @property
    def identity_claims(self) -> dict[str, Any]:
        """Return the claims of an ID token."""
        claims = self.access_claims
        if self.roles:
            claims["cognito:roles"] = list(self.roles)
        if self.preferred_role is not None:
            claims["cognito:preferred_role"] = self.preferred_role
        return claims


def find_memberships(connection: Connection, sub: str) -> Memberships:
    """Read the groups of a user."""
    rows = connection.execute(
        "SELECT name, role_arn, coalesce(precedence, ?) FROM memberships"
        " JOIN groups USING (pool_id, name) WHERE sub = ? ORDER BY 3, 1",
        (_LAST, sub),
    )
    best = {role for _, role, precedence in rows if role and precedence == rows[0][2]}
    return Memberships(
        groups=tuple(name for name, _, _ in rows),
        roles=tuple(dict.fromkeys(role for _, role, _ in rows if role)),
        preferred_role=best.pop() if len(best) == 1 else None,
    )


def _described(row: tuple[Any, ...]) -> dict[str, Any]:
    names = ("GroupName", "UserPoolId", "Description", "RoleArn", "Precedence")
    told = dict(zip((*names, "CreationDate", "LastModifiedDate"), row, strict=True))
    return {name: value for name, value in told.items() if value is not None}


def find_group(connection: Connection, pool_id: str, name: str) -> dict[str, Any]:
    """Read a group, as GetGroup tells it.

    Raises:
        CognitoError: There is no such pool or group.
    """
    find_pool(connection, pool_id)
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM groups WHERE pool_id = ? AND name = ?",  # noqa: S608  # our own names
        (pool_id, name),
    ).first()
    if row is None:
        raise CognitoError("ResourceNotFoundException", "Group not found.")
    return _described(row)


def _create(connection: Connection, request: Mapping[str, Any], now: float) -> dict[str, Any]:
    find_pool(connection, request["UserPoolId"])
    made = connection.execute(
        f"INSERT INTO groups ({_COLUMNS})"  # noqa: S608  # the same
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (pool_id, name) DO NOTHING RETURNING 1",
        (
            *(request["GroupName"], request["UserPoolId"], request.get("Description")),
            *(request.get("RoleArn"), request.get("Precedence"), now, now),
        ),
    ).first()
    if made is None:
        raise CognitoError(
            "GroupExistsException", "A group with the name already exists for this user pool."
        )
    return find_group(connection, request["UserPoolId"], request["GroupName"])


def _update(connection: Connection, request: Mapping[str, Any], now: float) -> dict[str, Any]:
    """Change a group; what the request leaves out stays as it is."""
    group = find_group(connection, request["UserPoolId"], request["GroupName"])
    changed = {**group, **request}
    connection.execute(
        "UPDATE groups SET description = ?, role_arn = ?, precedence = ?, modified_at = ?"
        " WHERE pool_id = ? AND name = ?",
        (
            *(changed.get("Description"), changed.get("RoleArn"), changed.get("Precedence"), now),
            *(group["UserPoolId"], group["GroupName"]),
        ),
    )
    return find_group(connection, group["UserPoolId"], group["GroupName"])


def _delete(connection: Connection, pool_id: str, name: str) -> None:
    find_group(connection, pool_id, name)
    connection.execute("DELETE FROM groups WHERE pool_id = ? AND name = ?", (pool_id, name))


def _member(connection: Connection, request: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return the key of a membership.

    Raises:
        CognitoError: There is no such pool, user or group.
    """
    pool, user = find_named(connection, request["UserPoolId"], request["Username"])
    group = find_group(connection, pool.id, request["GroupName"])
    return pool.id, group["GroupName"], user.sub


def _add(connection: Connection, request: Mapping[str, Any]) -> None:
    connection.execute(
        "INSERT INTO memberships (pool_id, name, sub) VALUES (?, ?, ?)"
        " ON CONFLICT (pool_id, name, sub) DO NOTHING",
        _member(connection, request),
    )


def _remove(connection: Connection, request: Mapping[str, Any]) -> None:
    connection.execute(
        "DELETE FROM memberships WHERE pool_id = ? AND name = ? AND sub = ?",
        _member(connection, request),
    )


def _list(connection: Connection, request: Mapping[str, Any]) -> dict[str, Any]:
    """Return the groups of a pool, or those of the user that the request names."""
    pool = find_pool(connection, request["UserPoolId"])
    after = read_page_token(request.get("NextToken"))
    most = request.get("Limit") or _MOST_ROWS
    if "Username" in request:
        _, user = find_named(connection, pool.id, request["Username"])
        rows = connection.execute(
            f"SELECT {_COLUMNS} FROM groups JOIN memberships USING (pool_id, name)"  # noqa: S608  # the same
            " WHERE sub = ? AND pool_id = ? AND name > ? ORDER BY name LIMIT ?",
            (user.sub, pool.id, after, most + 1),
        )
    else:
        rows = connection.execute(
            f"SELECT {_COLUMNS} FROM groups WHERE pool_id = ? AND name > ?"  # noqa: S608  # the same
            " ORDER BY name LIMIT ?",
            (pool.id, after, most + 1),
        )
    listed: dict[str, Any] = {"Groups": [_described(row) for row in rows[:most]]}
    if len(rows) > most:
        listed["NextToken"] = page_token(rows[most - 1][0])
    return listed


@define(kw_only=True)
class GroupAdministration:
    """The operations on groups.

    Args:
        ground: The parts that all services share.
    """

    ground: Ground

    async def create(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """CreateGroup."""
        return {"Group": await self.ground.database.write(_create, request, self.ground.clock())}

    async def get(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """GetGroup."""
        return {
            "Group": await self.ground.database.read(
                find_group, request["UserPoolId"], request["GroupName"]
            )
        }

    async def update(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """UpdateGroup."""
        return {"Group": await self.ground.database.write(_update, request, self.ground.clock())}

    async def delete(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """DeleteGroup."""
        await self.ground.database.write(_delete, request["UserPoolId"], request["GroupName"])
        return {}

    async def list(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """ListGroups and AdminListGroupsForUser."""
        return await self.ground.database.read(_list, request)

    async def add_user(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """AdminAddUserToGroup."""
        await self.ground.database.write(_add, request)
        return {}

    async def remove_user(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """AdminRemoveUserFromGroup."""
        await self.ground.database.write(_remove, request)
        return {}
