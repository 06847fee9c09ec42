"""User attributes as arrays of names and values, and the operations on a user's own.

Source: AttributeType, GetUser, UpdateUserAttributes, DeleteUserAttributes,
GetUserAttributeVerificationCode and VerifyUserAttribute in the API reference.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from authflow.account import UserProfile
from authflow.errors import MalformedReplyError
from authflow.given_maps import GivenMap
from authflow.secret import Secret
from authflow.wire.mfa_preference import read_preference
from authflow.wire.requests import Metadata, Request, metadata_members, spelt


def written(member: str, attributes: GivenMap) -> dict[str, Any]:
    """Return a member that is an array of names and values; nothing if there are none.

    Args:
        member: The member.
        attributes: The values by their names.
    """
    if attributes.is_empty:
        return {}
    return {member: [{"Name": name, "Value": value} for name, value in attributes.reveal().items()]}


def read_profile(reply: Mapping[str, Any]) -> UserProfile:
    """Read a reply to GetUser.

    Raises:
        MalformedReplyError: A member is missing or not of its form.
    """
    username = reply.get("Username")
    if not isinstance(username, str) or not username:
        raise _malformed()
    return UserProfile(
        username=username,
        attributes=read_attributes(reply.get("UserAttributes")),
        mfa=read_preference(reply),
    )


def read_attributes(given: object) -> dict[str, str]:
    """Read an array of names and values.

    Raises:
        MalformedReplyError: It is none.
    """
    if not isinstance(given, list):
        raise _malformed()
    attributes: dict[str, str] = {}
    for each in given:
        name, value = (
            (each.get("Name"), each.get("Value", "")) if isinstance(each, Mapping) else (None, None)
        )
        if not isinstance(name, str) or not isinstance(value, str):
            raise _malformed()
        attributes[name] = value
    return attributes


def update(
    access_token: Secret[str], attributes: GivenMap, *, client_metadata: Metadata
) -> Request:
    """Return an UpdateUserAttributes request."""
    return spelt(
        "UpdateUserAttributes",
        lambda: {
            **written("UserAttributes", attributes),
            **metadata_members(client_metadata),
            "AccessToken": access_token.reveal(),
        },
    )


def delete(access_token: Secret[str], names: Sequence[str]) -> Request:
    """Return a DeleteUserAttributes request."""
    return spelt(
        "DeleteUserAttributes",
        lambda: {"UserAttributeNames": list(names), "AccessToken": access_token.reveal()},
    )


def send_code(access_token: Secret[str], name: str, *, client_metadata: Metadata) -> Request:
    """Return a GetUserAttributeVerificationCode request."""
    return spelt(
        "GetUserAttributeVerificationCode",
        lambda: {
            "AttributeName": name,
            **metadata_members(client_metadata),
            "AccessToken": access_token.reveal(),
        },
    )


def verify(access_token: Secret[str], name: str, code: Secret[str]) -> Request:
    """Return a VerifyUserAttribute request."""
    return spelt(
        "VerifyUserAttribute",
        lambda: {
            "AttributeName": name,
            "Code": code.reveal(),
            "AccessToken": access_token.reveal(),
        },
    )


def delete_user(access_token: Secret[str]) -> Request:
    """Return a DeleteUser request."""
    return spelt("DeleteUser", lambda: {"AccessToken": access_token.reveal()})


def _malformed() -> MalformedReplyError:
    return MalformedReplyError("the reply lacks the user's name or attributes")
