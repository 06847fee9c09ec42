"""User migration: where users come from that Cognito does not know yet.

Cognito asks when an unknown user signs in with USER_PASSWORD_AUTH or has forgotten the password,
never in USER_SRP_AUTH: only then does it have a password to ask about. A user that a directory
finds is created in the pool with the password just given, and later signs in by SRP.

Source: "Migrate user Lambda trigger" in the Amazon Cognito developer guide; the sizes are those of
AttributeNameType and AttributeValueType in the API's model.
"""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from enum import StrEnum
from math import inf
from typing import Any, Final, Protocol

import anyio
from attrs import field, frozen

from authflow.errors import ConfigError, DirectoryUnavailableError, MisuseError
from authflow.secret import Secret
from authflow.triggers.string_map import string_map

DIRECTORY_SECONDS: Final = 3.0
"""How long a directory may take by default: Cognito waits 5 s for the whole trigger."""

_NAME_CHARS: Final = 32
_VALUE_CHARS: Final = 2048


class FinalStatus(StrEnum):
    """What a migrated user is in the pool."""

    CONFIRMED = "CONFIRMED"
    """The user goes on signing in with the password just given."""
    RESET_REQUIRED = "RESET_REQUIRED"
    """The user must set another password first."""


class DeliveryMedium(StrEnum):
    """How the welcome message is sent."""

    SMS = "SMS"
    EMAIL = "EMAIL"


def _attributes(values: Mapping[str, str]) -> Mapping[str, str]:
    attributes = string_map(values)
    for name, value in attributes.items():
        if not 1 <= len(name) <= _NAME_CHARS:
            msg = f"an attribute's name has 1 to {_NAME_CHARS} characters, not {len(name)}"
            raise MisuseError(msg)
        if len(value) > _VALUE_CHARS:
            msg = (
                f"the attribute {name!r} has {len(value)} characters: Cognito takes {_VALUE_CHARS}"
            )
            raise MisuseError(msg)
    return attributes


def _status(value: str) -> FinalStatus:
    if value not in {str(status) for status in FinalStatus}:
        msg = f"a migrated user's status is {' or '.join(FinalStatus)}"
        raise MisuseError(msg)
    return FinalStatus(value)


def _mediums(values: Iterable[str]) -> tuple[DeliveryMedium, ...]:
    mediums = tuple(values)
    if not {*mediums} <= {str(medium) for medium in DeliveryMedium}:
        msg = f"delivery mediums are a collection of {' and '.join(DeliveryMedium)}"
        raise MisuseError(msg)
    return tuple(DeliveryMedium(medium) for medium in mediums)


def _boolean(_user: Any, flag: Any, value: object) -> None:
    if not isinstance(value, bool):
        msg = f"MigratedUser: {flag.name} is True or False"
        raise MisuseError(msg)


@frozen(kw_only=True)
class MigratedUser:
    """A user as the pool is to create it.

    Args:
        attributes: Cognito's attributes. For a forgotten password a verified email or phone
            number must be among them (`email_verified` is "true"), or no code can be sent.
        status: "CONFIRMED", or "RESET_REQUIRED".
        send_welcome: Whether Cognito sends its welcome message.
        delivery_mediums: How it sends it, "EMAIL" or "SMS" or both; Cognito takes SMS if not told.
        force_alias_creation: Take an email or phone number alias away from a user who has it.
        enable_sms_mfa: Ask the user for a code by SMS as well. The user must have a phone number.

    Raises:
        MisuseError: An attribute is not a string, or its name is longer than 32 or its value longer
            than 2,048 characters, or the status or a medium is none of Cognito's, or what is to be
            a boolean is none.
    """

    attributes: Mapping[str, str] = field(repr=False, hash=False, converter=_attributes)
    status: FinalStatus = field(default=FinalStatus.CONFIRMED, converter=_status)
    send_welcome: bool = field(default=False, validator=_boolean)
    delivery_mediums: tuple[DeliveryMedium, ...] = field(default=(), converter=_mediums)
    force_alias_creation: bool = field(default=False, validator=_boolean)
    enable_sms_mfa: bool = field(default=False, validator=_boolean)


NO_DEFAULTS: Final = MigratedUser(attributes={})
"""What all users of a directory have in common, where nothing is said."""


@frozen
class Found:
    """The directory knows the user, and the password is right where one was asked about."""

    user: MigratedUser


@frozen
class UnknownUser:
    """The directory does not know the user."""


@frozen
class WrongPassword:
    """The directory does not let the user in by this password: it is wrong, or has expired."""


class UserDirectory(Protocol):
    """A place that knows users and their passwords.

    Both methods raise `DirectoryUnavailableError` when the place cannot be asked, and
    `DirectoryRecordError` when it is one user's record that cannot be used. A user who is disabled
    there must not be found.
    """

    async def authenticate(
        self, username: str, password: Secret[str]
    ) -> Found | UnknownUser | WrongPassword:
        """Check a password. An unknown user takes as long as a wrong password."""

    async def look_up(self, username: str) -> Found | UnknownUser:
        """Find a user who has forgotten the password."""


@asynccontextmanager
async def answered_within(seconds: float) -> AsyncIterator[None]:
    """Give a directory some time to answer.

    Args:
        seconds: How long it may take.

    Raises:
        DirectoryUnavailableError: It took longer.
    """
    try:
        with anyio.fail_after(seconds):
            yield
    except TimeoutError as error:
        msg = f"the user directory did not answer within {seconds:g} seconds"
        raise DirectoryUnavailableError(msg) from error


def time_limit(seconds: float) -> float:
    """Check the setting that says how long a directory may take.

    Args:
        seconds: The setting.

    Raises:
        ConfigError: It is no positive number.
    """
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds < inf:
        msg = "a directory's timeout is a number of seconds above zero"
        raise ConfigError(msg)
    return float(seconds)
