"""The attributes that users of a pool can have: the standard ones, and the pool's own.

Every pool has the standard attributes (OpenID Connect Core §5.1, and `sub`). An entry of Schema
that names one changes it; any other makes a custom attribute, `custom:NAME`, or with
DeveloperOnlyAttribute one that no app client writes, `dev:custom:NAME`. Sources: "Working with
user attributes" in the developer guide, SchemaAttributeType in the API reference. Defaults and
texts are those of DescribeUserPool and of refusals that were published.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from attrs import evolve, field, frozen

from authflow.pool.cognito_errors import invalid_parameter

STRING: Final = "String"
NUMBER: Final = "Number"
BOOLEAN: Final = "Boolean"
DATE_TIME: Final = "DateTime"

CUSTOM: Final = "custom:"
DEVELOPER: Final = "dev:"
SUB: Final = "sub"
VERIFIED: Final[Mapping[str, str]] = {
    "email_verified": "email",
    "phone_number_verified": "phone_number",
}
"""The flags that say whether an address is the user's, with the attribute of the address."""

MOST_CHARS: Final = 2048
"""The greatest length of a value."""
_MOST_NUMBER: Final = 2**1023
"""The greatest absolute value of a number's bound (NumberAttributeConstraintsType)."""
_CONSTRAINTS: Final[Mapping[str, tuple[str, str, str]]] = {
    STRING: ("StringAttributeConstraints", "MinLength", "MaxLength"),
    NUMBER: ("NumberAttributeConstraints", "MinValue", "MaxValue"),
}
"""The members that contain an attribute's bounds, by its type."""
_BOUNDS: Final[Mapping[str, re.Pattern[str]]] = {
    STRING: re.compile(r"[0-9]{1,309}", re.ASCII),
    NUMBER: re.compile(r"-?[0-9]{1,309}", re.ASCII),
}


@frozen(kw_only=True)
class Attribute:
    """The definition of an attribute in a pool.

    Args:
        name: Its full name.
        data_type: String, Number, Boolean or DateTime.
        developer_only: Whether only administrators set it.
        mutable: Whether it can change once the user is made.
        required: Whether every user must have it.
        constraints: Its bounds, as Cognito spells them.
    """

    name: str
    data_type: str = STRING
    developer_only: bool = False
    mutable: bool = True
    required: bool = False
    constraints: Mapping[str, str] = field(factory=dict)

    @property
    def least(self) -> int | None:
        """The least number of characters, or the least number."""
        return self._bound(1)

    @property
    def most(self) -> int | None:
        """The greatest number of characters, or the greatest number."""
        return self._bound(2)

    def _bound(self, end: int) -> int | None:
        text = self.constraints.get(_CONSTRAINTS[self.data_type][end])
        return None if text is None else int(text)

    def described(self) -> dict[str, Any]:
        """Return the attribute as SchemaAttributes of DescribeUserPool does."""
        bounded = _CONSTRAINTS.get(self.data_type)
        return {
            "Name": self.name,
            "AttributeDataType": self.data_type,
            "DeveloperOnlyAttribute": self.developer_only,
            "Mutable": self.mutable,
            "Required": self.required,
            **({} if bounded is None else {bounded[0]: dict(self.constraints)}),
        }


def _text(name: str, least: int = 0, most: int = MOST_CHARS) -> Attribute:
    return Attribute(name=name, constraints={"MinLength": str(least), "MaxLength": str(most)})


STANDARD: Final[Mapping[str, Attribute]] = {
    each.name: each
    for each in (
        evolve(_text(SUB, least=1), mutable=False, required=True),
        *map(_text, ("name", "given_name", "family_name", "middle_name", "nickname")),
        *map(_text, ("preferred_username", "profile", "picture", "website", "email")),
        Attribute(name="email_verified", data_type=BOOLEAN),
        _text("gender"),
        _text("birthdate", least=10, most=10),
        *map(_text, ("zoneinfo", "locale", "phone_number")),
        Attribute(name="phone_number_verified", data_type=BOOLEAN),
        _text("address"),
        Attribute(name="updated_at", data_type=NUMBER, constraints={"MinValue": "0"}),
    )
}
"""The standard attributes by their names, in Cognito's order."""


def read_schema(
    entries: Iterable[Mapping[str, Any]], added: Iterable[Mapping[str, Any]] = ()
) -> Mapping[str, Attribute]:
    """Return all attributes of a pool by their full names.

    Args:
        entries: What CreateUserPool was given as Schema.
        added: What AddCustomAttributes was given as CustomAttributes. All of them are custom, also
            under the names of standard ones.

    Raises:
        CognitoError: A definition cannot be: it has no name or no type, its bounds are none, a
            custom attribute is required, a standard one would be another, or a name stands twice.
    """
    schema = dict(STANDARD)
    by_given_name: dict[str, Attribute] = {}
    for place, given in enumerate(entries, start=1):
        entry = _named(given, f"schema.{place}")
        name = entry["Name"]
        standard = STANDARD.get(name)
        attribute = _custom(entry) if standard is None else _changed(standard, entry)
        if name in by_given_name:
            taken = by_given_name[name].name
            raise invalid_parameter(
                f"{attribute.name}: Existing attribute already has name {taken}."
            )
        by_given_name[name] = schema[attribute.name] = attribute
    for place, given in enumerate(added, start=1):
        attribute = _custom(_named(given, f"customAttributes.{place}"))
        if attribute.name in schema:
            raise invalid_parameter(
                f"{attribute.name}: Existing attribute already has name {attribute.name}."
            )
        schema[attribute.name] = attribute
    return schema


def _named(given: Mapping[str, Any], path: str) -> dict[str, Any]:
    """Return a definition without what is null.

    Raises:
        CognitoError: It has no name.
    """
    entry = {name: value for name, value in given.items() if value is not None}
    if "Name" not in entry:
        raise invalid_parameter(
            f"1 validation error detected: Value null at '{path}.member.name' failed to satisfy"
            " constraint: Member must not be null"
        )
    return entry


def _custom(entry: Mapping[str, Any]) -> Attribute:
    """Make an attribute that the pool itself defines."""
    if "AttributeDataType" not in entry:
        raise invalid_parameter(
            "Invalid AttributeDataType input, consider using the provided AttributeDataType enum."
        )
    if entry.get("Required", False):
        raise invalid_parameter("Required custom attributes are not supported currently.")
    developer_only = entry.get("DeveloperOnlyAttribute", False)
    attribute = Attribute(
        name=f"{DEVELOPER if developer_only else ''}{CUSTOM}{entry['Name']}",
        data_type=entry["AttributeDataType"],
        developer_only=developer_only,
        mutable=entry.get("Mutable", True),
    )
    return _bounded(attribute, entry)


def _changed(standard: Attribute, entry: Mapping[str, Any]) -> Attribute:
    """Change a standard attribute; what the entry leaves out stays as it is."""
    name = standard.name
    other_type = entry.get("AttributeDataType", standard.data_type) != standard.data_type
    if other_type or entry.get("DeveloperOnlyAttribute", False):
        raise invalid_parameter(
            "You can not change AttributeDataType or set developerOnlyAttribute for standard schema"
            f" attribute {name}"
        )
    changed = evolve(
        standard,
        mutable=entry.get("Mutable", standard.mutable),
        required=entry.get("Required", standard.required),
    )
    if name == SUB and (changed.mutable or not changed.required):
        raise invalid_parameter("The attribute sub is required and not mutable in every pool.")
    if name in VERIFIED and changed.required:
        # No user could ever supply such an attribute.
        raise invalid_parameter(f"The attribute {name} cannot be required.")
    return _bounded(changed, entry)


def _bounded(attribute: Attribute, entry: Mapping[str, Any]) -> Attribute:
    """Set the bounds for an attribute's type; bounds for other types are ignored.

    Raises:
        CognitoError: They are no numbers, out of range, or the wrong way round.
    """
    names = _CONSTRAINTS.get(attribute.data_type)
    if names is None or names[0] not in entry:
        return attribute
    member, low, high = names
    given = {end: entry[member][end] for end in (low, high) if entry[member].get(end) is not None}
    form = _BOUNDS[attribute.data_type]
    if not all(form.fullmatch(bound) for bound in given.values()):
        raise invalid_parameter(f"Invalid {member} for schema attribute {attribute.name}")
    bounded = evolve(attribute, constraints=given)
    least, most = bounded.least, bounded.most
    bounds = [bound for bound in (least, most) if bound is not None]
    if attribute.data_type == STRING and any(bound > MOST_CHARS for bound in bounds):
        raise invalid_parameter(
            f"user.{attribute.name}: String attributes cannot have a length of more than"
            f" {MOST_CHARS}"
        )
    if any(abs(bound) > _MOST_NUMBER for bound in bounds):
        raise invalid_parameter(f"Invalid {member} for schema attribute {attribute.name}")
    if least is not None and most is not None and least > most:
        what = "length" if attribute.data_type == STRING else "value"
        raise invalid_parameter(
            f"user.{attribute.name}: Max {what} cannot be less than min {what}."
        )
    return bounded
