"""Members of AuthParameters, ChallengeParameters and ChallengeResponses: maps of strings.

What all challenges share is spelt here, and how a member is read that must be there. A challenge's
own members are spelt in the challenge's file.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Final

from authflow.printable import printable

USERNAME: Final = "USERNAME"
SECRET_HASH: Final = "SECRET_HASH"
DEVICE_KEY: Final = "DEVICE_KEY"
"""A remembered device, which any request of its user may name."""
USER_ID_FOR_SRP: Final = "USER_ID_FOR_SRP"
"""The user's canonical name, where a challenge goes with SRP or a new password."""


class Members(dict[str, str]):
    """Members under Cognito's names: a dict that does not print its values."""

    def __repr__(self) -> str:
        return f"Members(<{', '.join(map(printable, self))}>)"


class MemberError(Exception):
    """A member is missing or malformed. Each side turns this into an error of its own.

    Args:
        name: The member.
        form: The form that it should have; None if it is missing.
    """

    def __init__(self, name: str, form: str | None = None) -> None:
        super().__init__(f"{name} is missing" if form is None else f"{name} is not {form}")
        self.name = name
        self.form = form


BASE64: Final = "base64"
STRINGS: Final = "a JSON array of strings"
STRING_MAP: Final = "a JSON object of strings"


def required(members: Mapping[str, str], name: str) -> str:
    """Return a member that must be present and must not be empty.

    Raises:
        MemberError: It is missing or empty.
    """
    value = members.get(name)
    if not value:
        raise MemberError(name)
    return value


def read_base64(members: Mapping[str, str], name: str) -> bytes:
    """Return the bytes of a member in base64.

    Raises:
        MemberError: It is missing, or no base64.
    """
    try:
        return base64.b64decode(required(members, name), validate=True)
    except (binascii.Error, ValueError):
        raise MemberError(name, BASE64) from None


def read_strings(members: Mapping[str, str], name: str) -> tuple[str, ...]:
    """Return a member that is a JSON array of strings; an empty tuple if it is missing.

    Raises:
        MemberError: It is something else.
    """
    strings = _json(members, name, "[]", STRINGS)
    if not isinstance(strings, list) or not all(isinstance(each, str) for each in strings):
        raise MemberError(name, STRINGS)
    return tuple(strings)


def read_string_map(members: Mapping[str, str], name: str) -> dict[str, str]:
    """Return a member that is a JSON object of strings; an empty one if it is missing.

    Raises:
        MemberError: It is something else.
    """
    strings = _json(members, name, "{}", STRING_MAP)
    if not isinstance(strings, dict) or not all(isinstance(v, str) for v in strings.values()):
        raise MemberError(name, STRING_MAP)
    return strings


def _json(members: Mapping[str, str], name: str, default: str, form: str) -> object:
    try:
        value: object = json.loads(members.get(name, default))
    except (ValueError, RecursionError):
        raise MemberError(name, form) from None
    return value
