"""The values of attributes and of client metadata, which Cognito writes as strings.

It sends nothing else. Events that people write by hand do, and so do the samples of AWS Lambda
Powertools and of other emulators: `"email_verified": true`, `"custom:level": 7`. They are read as
Cognito would have spelled them, so that a policy's condition on "true" or "7" holds for both.

| JSON | is read as |
|---|---|
| a string | itself |
| true, false | "true", "false" |
| a whole number | its decimal digits: 7 and 7.0 are "7" |
| another number | its shortest decimal, without an exponent: "1.5" |
| null | nothing: the user does not have the attribute |

A number is an int, a float, or a Decimal where JSON was read with `parse_float=Decimal`.
Everything else, an array or an object, is not guessed at.

Source: AttributeType in the API reference, whose Value is a string whatever the attribute's type.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

MOST_DIGITS: Final = 2048
"""The most digits of a number: AttributeValueType in the API's model."""
_TOO_LARGE: Final = 10**MOST_DIGITS


class UnspelledError(ValueError):
    """A value that Cognito does not have, with the attribute's name.

    Args:
        name: The attribute; None if the name itself is no string.
    """

    def __init__(self, name: str | None) -> None:
        super().__init__(name)
        self.name = name


def spelled(values: Mapping[Any, object]) -> dict[str, str]:
    """Return the values of attributes as Cognito writes them.

    Args:
        values: The attributes, as JSON.

    Raises:
        UnspelledError: A name is no string, or a value is none of the above.
    """
    attributes: dict[str, str] = {}
    for name, value in values.items():
        if not isinstance(name, str):
            raise UnspelledError(None)
        if value is None:
            continue
        text = _text(value)
        if text is None:
            raise UnspelledError(name)
        attributes[name] = text
    return attributes


def _text(value: object) -> str | None:
    """Return the string of a value; None if Cognito does not have such values."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int() if abs(value) < _TOO_LARGE:
            return str(value)
        case float() if value.is_integer():  # false for infinity and NaN
            return str(int(value))
        case float():
            return _decimal(Decimal(repr(value)))
        case Decimal():
            return _decimal(value)
    return None


def _decimal(value: Decimal) -> str | None:
    """Return the digits of a decimal number; None if it has none, or too many."""
    if not value:
        return "0"
    exponent = value.as_tuple().exponent  # a letter for infinity and NaN
    if not isinstance(exponent, int) or max(value.adjusted(), -exponent) >= MOST_DIGITS:
        return None
    digits = format(value, "f")
    shortest = digits.rstrip("0").removesuffix(".") if "." in digits else digits
    return shortest if len(shortest) <= MOST_DIGITS else None
