"""Devices of a user, as a pool that remembers devices knows them.

A device is a name that the pool gives with a sign-in's tokens (`UnconfirmedDevice`). Once it is
confirmed (`Device`), the refresh token of that sign-in is good from it alone, and a later sign-in
may prove it; where the pool says so, that spares a second factor.

Source: "Working with user devices in your user pool" in the developer guide.
"""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final

from attrs import field, frozen

from authflow.errors import MisuseError
from authflow.given_secrets import checked, is_text, wrapped, wraps_secrets
from authflow.printable import printable
from authflow.secret import Secret
from authflow.unframed import whole

_LONGEST_TEXT: Final = 1024
"""The most characters of a key, and of what a user calls a device (Cognito's service model)."""


def _key(value: str) -> str:
    return _short_text("a device's key", value)


def _group_key(value: str) -> str:
    return _short_text("a device's group key", value)


def _short_text(what: str, value: str) -> str:
    if is_text(value) and 0 < len(value) <= _LONGEST_TEXT:
        return value
    del value  # it may be the password, in the wrong place
    msg = f"{what} must be a text of 1 to {_LONGEST_TEXT} characters"
    raise MisuseError(msg)


def _password(value: Secret[str] | str | None) -> Secret[str] | None:
    return None if value is None else checked("a device's password", wrapped(value))


@frozen(kw_only=True)
class UnconfirmedDevice:
    """A device that came with tokens, and is not confirmed yet: `AuthClient.remember_device`.

    Until it is, Cognito refuses to refresh these tokens.

    Args:
        key: Its key.
        group_key: The key of its group.
    """

    key: str
    group_key: str


@wraps_secrets("password")
@frozen(kw_only=True)
class Device:
    """A confirmed device, with what it proves itself by.

    Args:
        key: Its key.
        group_key: The key of its group.
        password: Its password: whoever has it and the user's signs in as from this device. None if
            it was thrown away; then the device serves to refresh tokens, and for nothing else.
        sub: The `sub` of its user. If it is given, the device stands in the result of that user's
            sign-ins alone.

    Raises:
        MisuseError: Something is no text, or too long a one.
    """

    key: str = field(converter=_key)
    group_key: str = field(converter=_group_key)
    password: Secret[str] | None = field(default=None, converter=_password, hash=False)
    sub: str | None = None


def _read_only(values: Mapping[str, str]) -> Mapping[str, str]:
    return MappingProxyType(dict(values))


@whole
@frozen(kw_only=True)
class ListedDevice:
    """A device as the pool lists it for its user.

    Args:
        key: Its key.
        name: What it is called, if it was given a name.
        remembered: Whether the pool remembers it; None if the pool does not tell.
        last_ip: The address that it was used from last, if the pool tells.
        created_at: When it was confirmed.
        modified_at: When it was changed last.
        authenticated_at: When a sign-in from it ended last.
        attributes: All that the pool tells of it, under the pool's names.
    """

    key: str
    name: str | None = field(default=None, repr=False)
    remembered: bool | None = None
    last_ip: str | None = field(default=None, repr=False)
    created_at: datetime | None = None
    modified_at: datetime | None = None
    authenticated_at: datetime | None = None
    attributes: Mapping[str, str] = field(
        factory=dict,
        converter=_read_only,
        repr=lambda values: f"<{', '.join(map(printable, values))}>",
        hash=False,
    )


def checked_name(name: object) -> str | None:
    """Return what a user calls a device, checked.

    Raises:
        MisuseError: It is no text, or none that can be sent.
    """
    if name is None or (is_text(name) and 0 < len(str(name)) <= _LONGEST_TEXT):
        return None if name is None else str(name)
    del name
    msg = f"a device's name must be a text of 1 to {_LONGEST_TEXT} characters"
    raise MisuseError(msg)
