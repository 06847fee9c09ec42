"""The users of a user pool or of a group, page by page.

A search looks at a window of users at a time, and lets others run in between: however many users
there are, it keeps no more than a window, and stops nobody for longer. Nothing of a password is
read.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, Self

import anyio.lowlevel
from attrs import define, field, frozen

from authflow.pool.accounts.attribute_schema import SUB
from authflow.pool.accounts.groups import find_group
from authflow.pool.accounts.user_filter import SEARCHABLE, Searched, UserFilter
from authflow.pool.accounts.user_pool import find_pool
from authflow.pool.accounts.users import attribute_list
from authflow.pool.cognito_errors import CognitoError, invalid_parameter
from authflow.pool.ground import Ground
from authflow.pool.page_tokens import page_token, read_page_token
from authflow.pool.store.sqlite_connection import Connection, Rows

_MOST_ROWS: Final = 60
_WINDOW: Final = 1000
"""The users that are looked at between two chances for others."""
_COLUMNS: Final = "sub, username, status, enabled, attributes, created_at, modified_at"
_TEXT: Final = (
    """lower('{"sub": "' || sub || '", "username": "' || username ||"""
    """ '", "cognito:user_status": "' || status || '", ' || attributes)"""
)
"""The text that `UserFilter.needle` is a part of."""


@frozen(kw_only=True)
class ListedUser:
    """A user as lists show one.

    Args:
        sub: The user's id.
        searched: What filters look at.
        created_at: Seconds since the epoch.
        modified_at: Seconds since the epoch.
    """

    sub: str
    searched: Searched = field(repr=False)
    created_at: float
    modified_at: float

    @classmethod
    def from_row(cls, row: tuple[Any, ...]) -> Self:
        """Return the user of a row of `_COLUMNS`."""
        sub, username, status, enabled, attributes, created_at, modified_at = row
        searched = Searched(
            username=username,
            status=status,
            enabled=bool(enabled),
            attributes={SUB: sub, **json.loads(attributes)},
        )
        return cls(sub=sub, searched=searched, created_at=created_at, modified_at=modified_at)

    def described(self, names: Collection[str] = ()) -> dict[str, Any]:
        """Return the user as ListUsers tells one.

        Args:
            names: The attributes to tell; all, if there are none.

        Raises:
            CognitoError: The user has no value of one.
        """
        shown = self.searched.attributes
        if names:
            if not shown.keys() >= {*names}:
                raise _no_such_attribute()
            shown = {name: value for name, value in shown.items() if name in names}
        return {
            "Username": self.searched.username,
            "Attributes": attribute_list(shown),
            "UserCreateDate": self.created_at,
            "UserLastModifiedDate": self.modified_at,
            "Enabled": self.searched.enabled,
            "UserStatus": self.searched.status,
        }


@frozen(kw_only=True)
class _Window:
    """Some users in the order of their ids, and where the next ones begin."""

    users: Sequence[ListedUser]
    end: str | None
    """The id of the last one that was looked at; None if nobody comes after it."""


def _look(connection: Connection, pool_id: str, after: str, needle: str, most: int) -> _Window:
    """Return the users of a window that may be meant.

    Args:
        connection: The database.
        pool_id: The user pool.
        after: The id after which the window begins.
        needle: The filter's.
        most: How many users may be returned; the window ends with the last one then.

    Raises:
        CognitoError: The pool is gone.
    """
    find_pool(connection, pool_id)
    ((end, size),) = connection.execute(
        "SELECT max(sub), count(*) FROM (SELECT sub FROM users WHERE pool_id = ? AND sub > ?"
        " ORDER BY sub LIMIT ?) AS looked_at",
        (pool_id, after, _WINDOW),
    )
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM users WHERE pool_id = ? AND sub > ? AND sub <= ?"  # noqa: S608  # our own names
        f" AND replace({_TEXT}, ?, '') <> {_TEXT} ORDER BY sub"
        " LIMIT ?",
        (pool_id, after, end or "", needle, most),
    )
    users = tuple(ListedUser.from_row(row) for row in rows)
    if len(users) == most:
        return _Window(users=users, end=users[-1].sub)
    return _Window(users=users, end=end if size == _WINDOW else None)


def _check_attributes(connection: Connection, pool_id: str, names: Collection[str]) -> None:
    """Refuse attributes that cannot be asked for.

    What filters cannot search by must have a value in every user's profile (AttributesToGet of
    ListUsers in the API reference).

    Raises:
        CognitoError: The pool has no such attribute, or some user has none.
    """
    schema = find_pool(connection, pool_id).schema
    for name in names:
        if name not in schema:
            raise _no_such_attribute()
        if name not in SEARCHABLE and _is_missing_somewhere(connection, pool_id, name):
            raise _no_such_attribute()


def _is_missing_somewhere(connection: Connection, pool_id: str, name: str) -> bool:
    return bool(
        connection.execute(
            "SELECT 1 FROM users WHERE pool_id = ? AND replace(attributes, ?, '') = attributes"
            " LIMIT 1",
            (pool_id, f'{json.dumps(name)}: "'),
        )
    )


def _members(connection: Connection, request: Mapping[str, Any]) -> dict[str, Any]:
    """Return a page of a group's members.

    Raises:
        CognitoError: There is no such pool or group, or the page was not named by us.
    """
    group = find_group(connection, request["UserPoolId"], request["GroupName"])
    most = request.get("Limit") or _MOST_ROWS
    after = read_page_token(request.get("NextToken"))
    rows: Rows = connection.execute(
        f"SELECT {_COLUMNS} FROM memberships JOIN users USING (sub, pool_id)"  # noqa: S608  # the same
        " WHERE pool_id = ? AND name = ? AND sub > ? ORDER BY sub LIMIT ?",
        (group["UserPoolId"], group["GroupName"], after, most + 1),
    )
    return _page([ListedUser.from_row(row) for row in rows], most, "NextToken")


def _page(
    found: Sequence[ListedUser], most: int, member: str, names: Collection[str] = ()
) -> dict[str, Any]:
    """Return a reply with the first of the users, and the way on if there are more."""
    page: dict[str, Any] = {"Users": [user.described(names) for user in found[:most]]}
    if len(found) > most:
        page[member] = page_token(found[most - 1].sub)
    return page


def _no_such_attribute() -> CognitoError:
    message = "One or more requested attributes do not exist."
    return invalid_parameter(message, reason=message)


@define(kw_only=True)
class UserLists:
    """The operations that list users.

    Args:
        ground: The parts that all services share.
    """

    ground: Ground

    async def of_pool(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """ListUsers."""
        pool_id, names = request["UserPoolId"], request.get("AttributesToGet", ())
        wanted = UserFilter.parse(request.get("Filter", ""))
        after: str | None = read_page_token(
            request.get("PaginationToken"), "Invalid pagination token given."
        )
        most = request.get("Limit") or _MOST_ROWS
        found: list[ListedUser] = []
        await self.ground.database.read(_check_attributes, pool_id, names)
        while after is not None and len(found) <= most:
            window = await self.ground.database.read(_look, pool_id, after, wanted.needle, most + 1)
            found += [user for user in window.users if wanted.matches(user.searched)]
            after = window.end
            await anyio.lowlevel.checkpoint()
        return _page(found, most, "PaginationToken", names)

    async def of_group(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """ListUsersInGroup."""
        return await self.ground.database.read(_members, request)
