"""The groups of a pool and who is in them, as its administrators see to them."""

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, TypeVar

from authflow.administration import PoolUser, UserGroup
from authflow.client.arguments import checked_username
from authflow.client.user_calls import MOST_IN_A_PAGE, AdministratorsCalls
from authflow.errors import MisuseError
from authflow.given_secrets import is_text
from authflow.wire import admin_operations, read_done

T = TypeVar("T")


class GroupCalls(AdministratorsCalls):
    """The calls about groups and memberships."""

    __slots__ = ()

    async def create_group(
        self,
        name: str,
        *,
        description: str | None = None,
        precedence: int | None = None,
        role_arn: str | None = None,
    ) -> UserGroup:
        """Make a group.

        Args:
            name: Its name.
            description: What it is for.
            precedence: Its rank: of a user's groups the one with the lowest number goes first.
            role_arn: The IAM role of its members.

        Raises:
            RequestRejectedError: There is such a group already.
            MisuseError: An argument is not what it should be; nothing was sent.
            AuthFlowError: As `user`.
        """
        members = _described(description, precedence, role_arn)
        return await self._of_group("CreateGroup", name, admin_operations.read_group, members)

    async def update_group(
        self,
        name: str,
        *,
        description: str | None = None,
        precedence: int | None = None,
        role_arn: str | None = None,
    ) -> UserGroup:
        """Change a group. What is not given stays as it is.

        Args:
            name: Its name.
            description: What it is for.
            precedence: Its rank.
            role_arn: The IAM role of its members.

        Raises:
            RequestRejectedError: There is no such group.
            MisuseError: An argument is not what it should be; nothing was sent.
            AuthFlowError: As `user`.
        """
        members = _described(description, precedence, role_arn)
        return await self._of_group("UpdateGroup", name, admin_operations.read_group, members)

    async def delete_group(self, name: str) -> None:
        """Delete a group. Its members stay users.

        Args:
            name: Its name.

        Raises:
            RequestRejectedError: There is no such group.
            AuthFlowError: As `user`.
        """
        await self._of_group("DeleteGroup", name, read_done)

    async def group(self, name: str) -> UserGroup:
        """Return a group.

        Args:
            name: Its name.

        Raises:
            RequestRejectedError: There is no such group.
            AuthFlowError: As `user`.
        """
        return await self._of_group("GetGroup", name, admin_operations.read_group)

    async def groups(self) -> AsyncIterator[UserGroup]:
        """Yield the groups of the pool, page by page.

        Raises:
            AuthFlowError: As `user`.
        """
        members = {"Limit": MOST_IN_A_PAGE}
        async for each in self._pages("ListGroups", members, admin_operations.read_groups):
            yield each

    async def groups_of(self, username: str) -> AsyncIterator[UserGroup]:
        """Yield the groups that a user is in.

        Args:
            username: The user's name.

        Raises:
            UserNotFoundError: There is no such user.
            AuthFlowError: As `user`.
        """
        members = {"Username": checked_username(username), "Limit": MOST_IN_A_PAGE}
        listed = self._pages("AdminListGroupsForUser", members, admin_operations.read_groups)
        async for each in listed:
            yield each

    async def members_of(self, name: str) -> AsyncIterator[PoolUser]:
        """Yield the users who are in a group, page by page.

        Args:
            name: The group's name.

        Raises:
            RequestRejectedError: There is no such group.
            AuthFlowError: As `user`.
        """
        members = {"GroupName": _group_name(name), "Limit": MOST_IN_A_PAGE}
        async for each in self._pages("ListUsersInGroup", members, admin_operations.read_users):
            yield each

    async def add_to_group(self, username: str, name: str) -> None:
        """Make a user a member of a group.

        Args:
            username: The user's name.
            name: The group's name.

        Raises:
            UserNotFoundError: There is no such user.
            RequestRejectedError: There is no such group.
            AuthFlowError: As `user`.
        """
        user = {"Username": checked_username(username)}
        await self._of_group("AdminAddUserToGroup", name, read_done, user)

    async def remove_from_group(self, username: str, name: str) -> None:
        """Take a user out of a group.

        Args:
            username: The user's name.
            name: The group's name.

        Raises:
            UserNotFoundError: There is no such user.
            RequestRejectedError: There is no such group.
            AuthFlowError: As `user`.
        """
        user = {"Username": checked_username(username)}
        await self._of_group("AdminRemoveUserFromGroup", name, read_done, user)

    async def _of_group(
        self,
        operation: str,
        name: str,
        read: Callable[[Mapping[str, Any]], T],
        members: Mapping[str, Any] | None = None,
    ) -> T:
        named = {"GroupName": _group_name(name), **(members or {})}
        return await self._administer(operation, lambda: named, read)


def _group_name(name: object) -> str:
    """Return a group's name, checked.

    Raises:
        MisuseError: It is no text, or an empty one.
    """
    if isinstance(name, str) and is_text(name) and name:
        return name
    del name
    msg = "a group's name must be a text that is not empty"
    raise MisuseError(msg)


def _described(description: object, precedence: object, role_arn: object) -> Mapping[str, Any]:
    """Return what describes a group, checked.

    Raises:
        MisuseError: Something is not what it should be.
    """
    for what, text in (("description", description), ("role_arn", role_arn)):
        if text is not None and not (isinstance(text, str) and is_text(text)):
            kind = type(text).__name__
            del text, description, role_arn
            msg = f"{what} must be a text, not {kind}"
            raise MisuseError(msg)
    if precedence is not None and (type(precedence) is not int or precedence < 0):
        msg = "precedence must be a whole number, 0 or more"
        raise MisuseError(msg)
    return {"Description": description, "Precedence": precedence, "RoleArn": role_arn}
