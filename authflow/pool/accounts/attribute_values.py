"""Rules for the values of attributes, wherever they come from.

Administrators, users and triggers give attributes; all of them are checked here. Sources: "Working
with user attributes" in the developer guide; AttributeType and UsernameType in the API reference.
What Cognito publishes no form of has the usual one: RFC 3339 for a DateTime, a whole number for a
Number.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from typing import Final

from authflow.pool.accounts.attribute_schema import (
    BOOLEAN,
    DATE_TIME,
    MOST_CHARS,
    NUMBER,
    STRING,
    SUB,
    VERIFIED,
    Attribute,
)
from authflow.pool.accounts.user_pool import UserPool
from authflow.pool.cognito_errors import CognitoError, invalid_parameter

_NAME_CHARS: Final = 128
_NAME_PATTERN: Final = r"[\p{L}\p{M}\p{S}\p{N}\p{P}]+"
_NAME_CATEGORIES: Final = frozenset("LMSNP")
_ECHOED_CHARS: Final = 32
_FORMS: Final = {
    # RFC 3696 §3, without addresses in quotes: no address contains a separator of addresses.
    "email": re.compile(r'[^@\s\x00-\x1f\x7f<>()\[\],;:\\"]+@[^@\s\x00-\x1f\x7f<>(),;\\"]+'),
    "phone_number": re.compile(r"\+[1-9][0-9]{1,14}", re.ASCII),
}
ADDRESSES: Final = tuple(_FORMS)
_SPOKEN: Final = {"email": "email address", "phone_number": "phone number"}
_MISSING: Final = {"email": ("Email", "an"), "phone_number": ("Phone Number", "a")}
_NUMBER: Final = re.compile(r"-?[0-9]+", re.ASCII)
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_DATE_TIME: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.[0-9]{1,9})?"
    r"(Z|[+-][0-9]{2}:[0-9]{2})?",
    re.ASCII,
)


def is_address(attribute: str, text: str) -> bool:
    """Return whether a text has the form of an address.

    Args:
        attribute: email or phone_number.
        text: The text.
    """
    return _FORMS[attribute].fullmatch(text) is not None


def check_username(name: str) -> None:
    """Refuse a text that cannot be a username (UsernameType in the API reference).

    Raises:
        CognitoError: It is empty, longer than 128 characters, or has white space, control
            characters or half of a surrogate pair.
    """
    if not 1 <= len(name) <= _NAME_CHARS:
        rule = f"have length from 1 to {_NAME_CHARS}"
    elif any(unicodedata.category(char)[0] not in _NAME_CATEGORIES for char in name):
        rule = f"satisfy regular expression pattern: {_NAME_PATTERN}"
    else:
        return
    raise invalid_parameter(
        "1 validation error detected: Value at 'username' failed to satisfy constraint: Member must"
        f" {rule}"
    )


def read_attributes(pool: UserPool, given: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Check attributes from any source, and return them as they are stored.

    Args:
        pool: The user pool.
        given: Names and values.

    Raises:
        CognitoError: The pool has no such attribute, or a value is not of its type, length, range
            or form.
    """
    schema, attributes = pool.schema, dict[str, str]()
    for name, value in given:
        attributes[name] = _read(attribute_of(schema, name), value)
        if name == "preferred_username":
            _check_preferred_username(pool, value)
    return attributes


def read_filled(pool: UserPool, given: Mapping[str, str]) -> dict[str, str]:
    """Check attributes as `read_attributes` does, and leave out those without a value.

    A blank value deletes what a user has (UpdateUserAttributes in the API reference), and so it is
    nothing that a user is made with.

    Raises:
        CognitoError: As there; an attribute that the pool lacks is refused without a value, too.
    """
    schema = pool.schema
    for name in given:
        attribute_of(schema, name)
    return read_attributes(pool, ((name, value) for name, value in given.items() if value))


def attribute_of(schema: Mapping[str, Attribute], name: str) -> Attribute:
    """Return the definition of an attribute that somebody names to change it.

    Args:
        schema: The pool's attributes, by their names.
        name: The name.

    Raises:
        CognitoError: The pool has no such attribute, or none may set it.
    """
    if name == SUB:
        raise not_mutable(name)
    attribute = schema.get(name)
    if attribute is None:
        raise _nonconforming(_shown(name), "Attribute does not exist in the schema.")
    return attribute


def check_is_mutable(attribute: Attribute) -> None:
    """Refuse to change an attribute that is set for ever.

    Raises:
        CognitoError: It is not mutable.
    """
    if not attribute.mutable:
        raise invalid_parameter(
            f"user.{attribute.name}: Attribute cannot be updated. (changing an immutable attribute)"
        )


def check_flags(attributes: Mapping[str, str]) -> None:
    """Refuse a flag that says "verified" without an address (AdminCreateUser in the API reference).

    Raises:
        CognitoError: A flag is "true", and its address is missing.
    """
    for flag, address in VERIFIED.items():
        if attributes.get(flag) == "true" and not attributes.get(address):
            noun, article = _MISSING[address]
            raise invalid_parameter(
                f"{noun} is required to verify/un-verify {article} {noun.lower()}"
            )


def not_mutable(name: str) -> CognitoError:
    """Return the refusal of an attribute that only Cognito may set."""
    return invalid_parameter(f"Cannot modify the non-mutable attribute {name}")


def required_is_missing(name: str) -> CognitoError:
    """Return the refusal of a user without a required attribute."""
    return _nonconforming(name, "The attribute is required")


def _nonconforming(name: str, reason: str) -> CognitoError:
    return invalid_parameter(f"Attributes did not conform to the schema: {name}: {reason}")


def _shown(name: str) -> str:
    """Return the start of a name for a message, since the name may be anything."""
    return name[:_ECHOED_CHARS].encode("utf-8", "replace").decode()


def _read(attribute: Attribute, value: str) -> str:
    """Return a value as it is stored.

    Raises:
        CognitoError: The attribute cannot have this value.
    """
    name = attribute.name
    if any("\ud800" <= char <= "\udfff" for char in value):
        raise _nonconforming(name, "String must not hold half of a surrogate pair")
    if len(value) > MOST_CHARS:
        raise _nonconforming(name, f"String must be no longer than {MOST_CHARS} characters")
    if name in _FORMS and not is_address(name, value):
        raise invalid_parameter(f"Invalid {_SPOKEN[name]} format.")
    return _READERS[attribute.data_type](attribute, value)


def _read_text(attribute: Attribute, value: str) -> str:
    name, least, most = attribute.name, attribute.least, attribute.most
    if least is not None and len(value) < least:
        raise _nonconforming(name, f"String must be no shorter than {least} characters")
    if most is not None and len(value) > most:
        raise _nonconforming(name, f"String must be no longer than {most} characters")
    if name == "birthdate" and not _is_date(value):
        raise _nonconforming(name, "String must be a date of the form YYYY-MM-DD")
    return value


def _read_number(attribute: Attribute, value: str) -> str:
    name, least, most = attribute.name, attribute.least, attribute.most
    if not _NUMBER.fullmatch(value):
        raise _nonconforming(name, "Number must be whole, in decimal digits")
    number = int(value)
    if least is not None and number < least:
        raise _nonconforming(name, f"Number must be no less than {least}")
    if most is not None and number > most:
        raise _nonconforming(name, f"Number must be no greater than {most}")
    return value


def _read_boolean(attribute: Attribute, value: str) -> str:
    """Read a flag in any letter case, as Cognito does."""
    flag = value.lower()
    if flag not in {"true", "false"}:
        raise _nonconforming(attribute.name, "Boolean must be true or false")
    return flag


def _read_date_time(attribute: Attribute, value: str) -> str:
    if not _is_date_time(value):
        raise _nonconforming(
            attribute.name, "DateTime must be of the form YYYY-MM-DDThh:mm:ssZ (RFC 3339)"
        )
    return value


_READERS: Final[Mapping[str, Callable[[Attribute, str], str]]] = {
    STRING: _read_text,
    NUMBER: _read_number,
    BOOLEAN: _read_boolean,
    DATE_TIME: _read_date_time,
}


def _is_date(text: str) -> bool:
    if not _DATE.fullmatch(text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _is_date_time(text: str) -> bool:
    found = _DATE_TIME.fullmatch(text)
    if found is None:
        return False
    try:
        datetime.fromisoformat(found[1] + (found[2] or ""))
    except ValueError:
        return False
    return True


def _check_preferred_username(pool: UserPool, value: str) -> None:
    """Refuse a preferred username by which users cannot sign in, or that is an address.

    Raises:
        CognitoError: It is an alias here, and no username could be like that.
    """
    if value and "preferred_username" in pool.alias_attributes:
        check_username(value)
        check_is_no_address(pool, value)


def check_is_no_address(pool: UserPool, name: str) -> None:
    """Refuse a name of the form of an alias: it is not proved that the address is the user's.

    Raises:
        CognitoError: It is an address, and users of the pool sign in by addresses of this form.
    """
    for alias in ADDRESSES:
        if alias in pool.alias_attributes and is_address(alias, name):
            raise invalid_parameter(
                f"Username cannot be of {alias} format, since user pool is configured for {alias}"
                " alias."
            )
