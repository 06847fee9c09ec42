"""The operations of a pool's administrators: on users, on groups, and sign-ins for others.

Source: the operations of these names in the API reference.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from attrs import evolve, frozen

from authflow.administration import PoolUser, UserGroup
from authflow.errors import MalformedReplyError
from authflow.machine import AuthFlow
from authflow.wire.mfa_preference import read_preference
from authflow.wire.requests import Request, spelt
from authflow.wire.user_attributes import read_attributes

ADMINISTRATORS: Final[Mapping[str, str]] = {
    "InitiateAuth": "AdminInitiateAuth",
    "RespondToAuthChallenge": "AdminRespondToAuthChallenge",
}
"""The operations by which an administrator signs somebody else in."""
_FLOWS: Final[Mapping[str, str]] = {
    flow: f"ADMIN_{flow}" for flow in (AuthFlow.USER_PASSWORD_AUTH,)
}


@frozen(kw_only=True)
class AdminForm:
    """The form of a request as an administrator of a user pool sends it.

    Args:
        user_pool_id: The user pool's id.
    """

    user_pool_id: str

    def of(self, request: Request) -> Request:
        """Return a request as it is sent: one of a sign-in is another operation's.

        Args:
            request: A client's, or an administrator's.
        """
        operation = request.operation
        if operation not in ADMINISTRATORS:
            return request
        made = spelt(ADMINISTRATORS[operation], lambda: self._members(request.body))
        return evolve(made, before=request.before)

    def _members(self, body: dict[str, Any]) -> dict[str, Any]:
        flow = body.get("AuthFlow")
        named = {} if flow is None else {"AuthFlow": _FLOWS.get(flow, flow)}
        return {**body, **named, "UserPoolId": self.user_pool_id}


def administrators(
    operation: str, user_pool_id: str, members: Callable[[], Mapping[str, Any]]
) -> Request:
    """Return a request on a user pool.

    Args:
        operation: Cognito's operation, such as "AdminGetUser".
        user_pool_id: The user pool's id.
        members: Gives its other members, in clear; those that are None are left out.
    """
    return spelt(
        operation,
        lambda: {
            "UserPoolId": user_pool_id,
            **{name: value for name, value in members().items() if value is not None},
        },
    )


def read_created(reply: Mapping[str, Any]) -> PoolUser:
    """Read the user in a reply to AdminCreateUser.

    Raises:
        MalformedReplyError: A member is missing or not of its form.
    """
    return _user(reply.get("User"), "Attributes")


def read_user(reply: Mapping[str, Any]) -> PoolUser:
    """Read a reply to AdminGetUser.

    Raises:
        MalformedReplyError: A member is missing or not of its form.
    """
    return _user(reply, "UserAttributes")


def read_users(reply: Mapping[str, Any]) -> tuple[tuple[PoolUser, ...], str | None]:
    """Read a page of users, and the token of the next one.

    Raises:
        MalformedReplyError: A member is missing or not of its form.
    """
    users = tuple(_user(each, "Attributes") for each in _list(reply, "Users"))
    return users, _next(reply)


def read_group(reply: Mapping[str, Any]) -> UserGroup:
    """Read the group in a reply.

    Raises:
        MalformedReplyError: A member is missing or not of its form.
    """
    return _group(reply.get("Group"))


def read_groups(reply: Mapping[str, Any]) -> tuple[tuple[UserGroup, ...], str | None]:
    """Read a page of groups, and the token of the next one.

    Raises:
        MalformedReplyError: A member is missing or not of its form.
    """
    return tuple(map(_group, _list(reply, "Groups"))), _next(reply)


def _user(told: object, attributes: str) -> PoolUser:
    if not isinstance(told, Mapping):
        raise _malformed()
    username, status, enabled = (told.get(name) for name in ("Username", "UserStatus", "Enabled"))
    if not (isinstance(username, str) and username and isinstance(status, str)) or not isinstance(
        enabled, bool
    ):
        raise _malformed()
    return PoolUser(
        username=username,
        status=status,
        enabled=enabled,
        attributes=read_attributes(told.get(attributes) or []),
        created=_time(told, "UserCreateDate"),
        modified=_time(told, "UserLastModifiedDate"),
        mfa=read_preference(told),
    )


def _group(told: object) -> UserGroup:
    if not isinstance(told, Mapping):
        raise _malformed()
    name, precedence = told.get("GroupName"), told.get("Precedence")
    description, role = told.get("Description"), told.get("RoleArn")
    if (
        not (isinstance(name, str) and name)
        or not (precedence is None or type(precedence) is int)
        or not all(each is None or isinstance(each, str) for each in (description, role))
    ):
        raise _malformed()
    return UserGroup(
        name=name,
        description=description,
        precedence=precedence,
        role_arn=role,
        created=_time(told, "CreationDate"),
        modified=_time(told, "LastModifiedDate"),
    )


def _list(reply: Mapping[str, Any], member: str) -> list[Any]:
    told = reply.get(member)
    if not isinstance(told, list):
        raise _malformed()
    return told


def _next(reply: Mapping[str, Any]) -> str | None:
    token = reply.get("PaginationToken") or reply.get("NextToken")
    if token is not None and not isinstance(token, str):
        raise _malformed()
    return token


def _time(told: Mapping[str, Any], member: str) -> datetime | None:
    value = told.get(member)
    return value if isinstance(value, datetime) else None


def _malformed() -> MalformedReplyError:
    return MalformedReplyError("the reply is not of the form that Cognito documents")
