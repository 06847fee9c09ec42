"""Changes of a user's attributes: what they are afterwards, and which addresses wait for a code.

A new address is nobody's until a code from there comes back. With
AttributesRequireVerificationBeforeUpdate it waits, and the user keeps the old one; without it the
user has it at once, and it is not verified. A code is sent to it if it waits, or if the pool
verifies such addresses (AutoVerifiedAttributes). An administrator who says in the same request
that it is verified has neither. To give the value that a user has changes nothing, and sends
nothing (amazon-cognito-identity-js#350). Sources: UpdateUserAttributes, AdminUpdateUserAttributes
and UserAttributeUpdateSettingsType in the API reference; "Verifying updates to email addresses and
phone numbers" in the developer guide.

All of it is computed of the user as stored now, in the transaction that stores it.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, Self

from attrs import field, frozen

from authflow.pool.accounts.attribute_access import check_may_write
from authflow.pool.accounts.attribute_schema import VERIFIED, Attribute
from authflow.pool.accounts.attribute_values import (
    ADDRESSES,
    attribute_of,
    check_flags,
    check_is_mutable,
    read_attributes,
    required_is_missing,
)
from authflow.pool.accounts.user_pool import UserPool
from authflow.pool.accounts.users import User

_FLAGS: Final[Mapping[str, str]] = {address: flag for flag, address in VERIFIED.items()}
"""The flags of addresses, by the attributes of the addresses."""


@frozen(kw_only=True)
class AttributeChange:
    """A change of a user's attributes.

    Args:
        attributes: All attributes afterwards, but `sub`.
        waiting: The addresses that are the user's once they are verified, by attribute; None for
            an attribute for which none waits any more. Others stay as they are.
        sent: The addresses to which codes go, by attribute.
    """

    attributes: Mapping[str, str] = field(repr=False)
    waiting: Mapping[str, str | None] = field(factory=dict, repr=False)
    sent: Mapping[str, str] = field(factory=dict, repr=False)

    @classmethod
    def by_user(
        cls, pool: UserPool, settings: Mapping[str, Any], user: User, given: Mapping[str, str]
    ) -> Self:
        """Return the change that a user makes.

        Args:
            pool: The user pool.
            settings: Those of the app client by which the user writes.
            user: The user.
            given: Names and values; an empty value deletes the attribute.

        Raises:
            CognitoError: The user may not write one of them, or a value is not what it must be.
        """
        read = read_attributes(pool, _filled(given).items())
        check_may_write(pool, settings, given)
        return cls._of(pool, user, read, _emptied(given))

    @classmethod
    def by_administrator(cls, pool: UserPool, user: User, given: Mapping[str, str]) -> Self:
        """Return the change that an administrator makes; see `by_user`.

        Raises:
            CognitoError: One of them cannot change, a value is not what it must be, or an address
                that is said to be verified is missing.
        """
        read = read_attributes(pool, _filled(given).items())
        schema = pool.schema
        for name in given:
            check_is_mutable(attribute_of(schema, name))
        change = cls._of(pool, user, read, _emptied(given))
        # Only what is said now: a user may have come in with a flag and no address.
        said = {*read, *ADDRESSES}
        check_flags({name: value for name, value in change.attributes.items() if name in said})
        return change

    @classmethod
    def _of(
        cls, pool: UserPool, user: User, read: Mapping[str, str], emptied: Iterable[str]
    ) -> Self:
        attributes = {**user.attributes, **read}
        waiting, sent = dict[str, str | None](), dict[str, str]()
        settings = pool.settings.get("UserAttributeUpdateSettings") or {}
        first = settings.get("AttributesRequireVerificationBeforeUpdate") or ()
        verified = pool.settings.get("AutoVerifiedAttributes") or ()
        schema = pool.schema
        for name in emptied:
            _check_is_not_required(attribute_of(schema, name))
            attributes.pop(name, None)
            if name in _FLAGS:
                attributes.pop(_FLAGS[name], None)
                waiting[name] = None
        for name in ADDRESSES:
            if name not in read:
                continue
            waiting[name], flag = None, _FLAGS[name]
            if read[name] == user.attributes.get(name) or read.get(flag) == "true":
                continue
            if name in first:
                waiting[name] = sent[name] = read[name]
                for kept in (name, flag):
                    _restore(attributes, user, kept)
                continue
            attributes[flag] = "false"
            if name in verified:
                sent[name] = read[name]
        by_attributes = pool.username_attributes
        if by_attributes and not any(attributes.get(each) for each in by_attributes):
            raise required_is_missing(by_attributes[0])
        return cls(attributes=attributes, waiting=waiting, sent=sent)


def _filled(given: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in given.items() if value}


def _emptied(given: Mapping[str, str]) -> list[str]:
    return [name for name, value in given.items() if not value]


def _restore(attributes: dict[str, str], user: User, name: str) -> None:
    """Set an attribute to the value that the user has, or to none."""
    attributes.pop(name, None)
    if name in user.attributes:
        attributes[name] = user.attributes[name]


def _check_is_not_required(attribute: Attribute) -> None:
    """Refuse to delete what every user must have.

    Raises:
        CognitoError: The pool requires the attribute.
    """
    if attribute.required:
        raise required_is_missing(attribute.name)
