"""A directory's record of a user, read in Cognito's terms."""

from collections.abc import Mapping
from typing import Final

from attrs import evolve

from authflow.errors import DirectoryRecordError, MisuseError
from authflow.triggers.directories.migration import Found
from authflow.triggers.events.migrated_user import MigratedUser

_VERIFIED: Final = frozenset({"email_verified", "phone_number_verified"})
_FLAGS: Final = {"true": True, "false": False, "1": True, "0": False}
"""The booleans of directories; SQLite and MySQL have numbers."""


def found(defaults: MigratedUser, record: Mapping[str, object]) -> Found:
    """Make a user from a record.

    Args:
        defaults: What all users have; the record wins.
        record: Cognito's attributes as the directory holds them. None leaves one out.

    Raises:
        DirectoryRecordError: Cognito would not take an attribute.
    """
    told = {
        name: str(read_flag(name, value)).lower() if name in _VERIFIED else _text(value)
        for name, value in record.items()
        if value is not None
    }
    try:
        return Found(evolve(defaults, attributes={**defaults.attributes, **told}))
    except MisuseError as error:
        raise DirectoryRecordError(str(error)) from error


def read_flag(name: str, value: object) -> bool:
    """Read a boolean. Whether an address is verified, or a user enabled, is never guessed.

    Args:
        name: What the boolean says.
        value: What the directory holds.

    Raises:
        DirectoryRecordError: It is neither true nor false.
    """
    text = str(value).lower()
    if text not in _FLAGS:
        msg = f"what the directory holds for {name} must be true or false"
        raise DirectoryRecordError(msg)
    return _FLAGS[text]


def same_name(typed: str, stored: object) -> bool:
    """Return whether a record has the name that was typed, in whatever case.

    Databases and LDAP servers also ignore accents or spaces, and Cognito does not: one user could
    be brought in many times, under names that only look alike.

    Args:
        typed: What the user typed.
        stored: The name in the record.
    """
    return typed.casefold() == str(stored).casefold()


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
