"""A user in the form in which the UserMigration trigger returns one to Cognito.

Source: "Migrate user Lambda trigger" in the Amazon Cognito developer guide; the sizes are those of
AttributeNameType and AttributeValueType in the API's model.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, Final

from attrs import field, frozen

from authflow.errors import MisuseError
from authflow.string_map import string_map
from authflow.unframed import whole

_NAME_CHARS: Final = 32
_VALUE_CHARS: Final = 2048


class FinalStatus(StrEnum):
    """The status of a migrated user in the pool."""

    CONFIRMED = "CONFIRMED"
    """The user can sign in with the password that was just checked."""
    RESET_REQUIRED = "RESET_REQUIRED"
    """The user must set another password first."""


class DeliveryMedium(StrEnum):
    """The medium of the welcome message."""

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


@whole
@frozen(kw_only=True)
class MigratedUser:
    """A user for the pool to create.

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
