"""Rights to read and to write users' attributes.

An administrator may do both, and so may a trigger, which is the owner's code. A user reads and
writes through an app client: what its ReadAttributes and WriteAttributes name, and never what says
of the user what only others can know. Sources: "Attribute permissions and scopes" in the developer
guide, CreateUserPoolClient in the API reference.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from authflow.pool.accounts.attribute_schema import DEVELOPER, STANDARD, SUB, VERIFIED, Attribute
from authflow.pool.accounts.attribute_values import (
    attribute_of,
    check_is_mutable,
    not_mutable,
    read_filled,
)
from authflow.pool.accounts.user_pool import UserPool
from authflow.pool.cognito_errors import invalid_parameter, not_authorized

_SCOPES: Final[Mapping[str, frozenset[str]]] = {
    "oidc:profile": frozenset(STANDARD)
    - {SUB, "address", "email", "phone_number", "updated_at", *VERIFIED}
}
"""Names in ReadAttributes and WriteAttributes that stand for several attributes."""


def _named(permissions: Iterable[str]) -> frozenset[str]:
    return frozenset().union(*(_SCOPES.get(name, {name}) for name in permissions))


def may_read(settings: Mapping[str, Any], name: str) -> bool:
    """Return whether an app client may read an attribute.

    Args:
        settings: The app client's. Without ReadAttributes it sees all but developers' attributes.
        name: The attribute.
    """
    permissions = settings.get("ReadAttributes")
    if name == SUB:
        return True
    return name in _named(permissions) if permissions else not name.startswith(DEVELOPER)


def _may_write(settings: Mapping[str, Any], attribute: Attribute) -> bool:
    """Return whether users may write an attribute by an app client: always, if it is required."""
    permissions = settings.get("WriteAttributes")
    allowed = _named(permissions) if permissions else STANDARD.keys()
    return not attribute.developer_only and (attribute.required or attribute.name in allowed)


def may_set(pool: UserPool, settings: Mapping[str, Any], name: str) -> bool:
    """Return whether users may set an attribute by an app client, whatever it was before.

    Args:
        pool: The user pool.
        settings: The app client's.
        name: The attribute, one of the pool's.
    """
    attribute = pool.schema[name]
    return attribute.mutable and _may_write(settings, attribute)


def written_by_user(
    pool: UserPool,
    settings: Mapping[str, Any],
    given: Mapping[str, str],
    *,
    creating: Iterable[str] = (),
) -> dict[str, str]:
    """Check the attributes that a user writes, and return all that change by it.

    A new address is nobody's until it is verified: its flag becomes "false".

    Args:
        pool: The user pool.
        settings: Those of the app client by which the user writes.
        given: What the user gave.
        creating: The attributes that are still owed since the user was made. They may be set even
            if they are not mutable.

    Raises:
        CognitoError: The user may not set one, or a value is not what it must be.
    """
    for name in given:
        _check_is_no_flag(name)
    written = read_filled(pool, given)
    check_may_write(pool, settings, given, creating=creating)
    unverified = {flag: "false" for flag, address in VERIFIED.items() if address in written}
    return {**written, **unverified}


def check_may_write(
    pool: UserPool,
    settings: Mapping[str, Any],
    names: Iterable[str],
    *,
    creating: Iterable[str] = (),
) -> None:
    """Refuse attributes that a user may not write by an app client, nor delete.

    Args:
        pool: The user pool.
        settings: Those of the app client.
        names: The attributes.
        creating: As in `written_by_user`.

    Raises:
        CognitoError: One is not of the pool, only others may say it of the user, or the app client
            or the attribute forbids it.
    """
    schema, owed = pool.schema, frozenset(creating)
    for name in names:
        _check_is_no_flag(name)
        attribute = attribute_of(schema, name)
        if not _may_write(settings, attribute):
            raise not_authorized("A client attempted to write unauthorized attribute")
        if name not in owed:
            check_is_mutable(attribute)


def _check_is_no_flag(name: str) -> None:
    if name in VERIFIED:
        raise not_mutable(name)


def check_permissions(pool: UserPool, settings: Mapping[str, Any], doing: str) -> None:
    """Refuse ReadAttributes and WriteAttributes that the pool cannot grant.

    Args:
        pool: The user pool.
        settings: The app client's.
        doing: "creating" or "updating", for the message.

    Raises:
        CognitoError: One is not of the pool, none may write it, or what every user must have is
            not among those that are written.
    """
    schema = pool.schema
    for kind in ("Read", "Write"):
        named = _named(settings.get(f"{kind}Attributes") or ())
        bad = named - schema.keys()
        if kind == "Write" and named:
            bad |= {name for name in named & schema.keys() if not _grantable(schema[name])}
            bad |= {*pool.required_attributes} - named
        if bad:
            raise invalid_parameter(
                f"Invalid {kind.lower()} attributes specified while {doing} a client"
            )


def _grantable(attribute: Attribute) -> bool:
    return not attribute.developer_only and attribute.name not in {SUB, *VERIFIED}
