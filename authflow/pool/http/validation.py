"""Validation of requests against the service model of Cognito that botocore carries.

One place gives every operation its required members, types, lengths, patterns and enumerations, and
it follows AWS when botocore is updated. Texts are those of AWS. Members that the model does not
know are ignored, as AWS ignores them.
"""

import re
import sys
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final

from attrs import frozen
from botocore.loaders import Loader
from botocore.model import ServiceModel, Shape

from authflow.pool.cognito_errors import CognitoError, invalid_parameter
from authflow.pool.http.request_body import malformed


@frozen
class Fault:
    """A broken constraint.

    Args:
        path: Where, in names of the model.
        text: What AWS says of it; it may echo the value.
    """

    path: str
    text: str


Faults = list[Fault]
Check = Callable[[Any, str, Faults], None]
"""Checks one value at a path: wrong types raise, broken constraints are collected."""

_ECHOED_CHARS: Final = 128
_MOST_PATHS: Final = 10
_INTEGER_BITS: Final = {"integer": 32, "long": 64}
_PROPERTY: Final = re.compile(r"\\p\{([CLMNPSZ])\}")
_ASCII: Final = (range(0x80),)
# Beyond the third plane only the variation selectors (M) of plane 14 are assigned.
_ASSIGNED: Final = (range(0x40000), range(0xE0000, 0xE0200))
_NO_CHARACTER: Final = "\U0010ffff"
"""Stands for a category of which there are no characters. This one is none, and never will be."""


@cache
def _characters(planes: tuple[range, ...]) -> Mapping[str, str]:
    """Return, for each general category (L, M, N, ...), its ranges for `re`'s character classes."""
    ranges: dict[str, list[list[int]]] = defaultdict(list)
    for plane in planes:
        for code in plane:
            found = ranges[unicodedata.category(chr(code))[0]]
            if found and found[-1][1] == code - 1:
                found[-1][1] = code
            else:
                found.append([code, code])
    return {
        major: "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in found)
        for major, found in ranges.items()
    }


@cache
def compile_pattern(pattern: str, *, only_ascii: bool = False) -> re.Pattern[str]:
    r"""Compile a pattern of the service model.

    They are Java's: \w and \s mean ASCII, and \p{L} names a general category, which Python's `re`
    does not know.

    Args:
        pattern: As the model has it.
        only_ascii: Only texts of ASCII will be matched. Then it is compiled in no time; of all of
            Unicode a category has hundreds of ranges, and most pools never see such a text.
    """
    characters = _characters(_ASCII if only_ascii else _ASSIGNED)
    known = _PROPERTY.sub(lambda found: characters.get(found[1], _NO_CHARACTER), pattern)
    return re.compile(known, re.ASCII)


def _kind(value: Any) -> str:
    """Return the name of a JSON value's type as AWS's texts write it."""
    match value:
        case bool():
            return f"{str(value).upper()}_VALUE"
        case int() | float():
            return "NUMBER_VALUE"
        case str():
            return "STRING_VALUE"
        case list():
            return "Start of list"
        case _:
            return "Start of structure or map"


def _wrong_type(value: Any, wanted: str) -> CognitoError:
    if isinstance(value, list | dict):
        return malformed(f"{_kind(value)} found where not expected.")
    return malformed(f"{_kind(value)} can not be converted to {wanted}")


def _shown(value: Any, *, secret: bool) -> str:
    """Return the part of AWS's text that repeats a value, if the value may be repeated."""
    if secret:
        return "Value"
    return f"Value '{str(value)[:_ECHOED_CHARS]}'"


def _fault(shown: str, path: str, rule: str) -> Fault:
    text = f"{shown} at '{path}' failed to satisfy constraint: Member must {rule}"
    return Fault(path, text)


def _bounds(shape: Shape) -> tuple[float, float]:
    return shape.metadata.get("min", 0), shape.metadata.get("max", sys.maxsize)


def _string(shape: Shape, *, secret: bool) -> Check:
    shortest, longest = _bounds(shape)
    # AWS leaves empty passwords to the operation: the model has no minimum length for them.
    text = shape.metadata.get("pattern")
    enum = shape.metadata.get("enum")
    ascii_pattern = compile_pattern(text, only_ascii=True) if text else None

    def matches(value: str) -> bool:
        if ascii_pattern is None:
            return True
        pattern = ascii_pattern if value.isascii() else compile_pattern(text)
        return pattern.fullmatch(value) is not None

    def check(value: Any, path: str, faults: Faults) -> None:
        if not isinstance(value, str):
            raise _wrong_type(value, "a String")
        if not value.isascii() and any("\ud800" <= c <= "\udfff" for c in value):
            raise malformed("a string holds half of a surrogate pair")
        shown = _shown(value, secret=secret)
        if len(value) < shortest:
            rule = f"have length greater than or equal to {shortest}"
            faults.append(_fault(shown, path, rule))
        elif len(value) > longest:
            faults.append(_fault(shown, path, f"have length less than or equal to {longest}"))
        elif not matches(value):
            rule = f"satisfy regular expression pattern: {text}"
            faults.append(_fault(shown, path, rule))
        elif enum and value not in enum:
            faults.append(_fault(shown, path, f"satisfy enum value set: [{', '.join(enum)}]"))

    return check


def _integer(shape: Shape, *, secret: bool) -> Check:
    least, most = _bounds(shape)
    if "min" not in shape.metadata:
        least = -sys.maxsize
    bits = _INTEGER_BITS[shape.type_name]

    def check(value: Any, path: str, faults: Faults) -> None:
        if not isinstance(value, int) or isinstance(value, bool) or value.bit_length() >= bits:
            raise _wrong_type(value, "an Integer")
        shown = _shown(value, secret=secret)
        if value < least:
            faults.append(_fault(shown, path, f"have value greater than or equal to {least}"))
        elif value > most:
            faults.append(_fault(shown, path, f"have value less than or equal to {most}"))

    return check


def _plain(kinds: type | tuple[type, ...], wanted: str) -> Check:
    def check(value: Any, _path: str, _faults: Faults) -> None:
        if not isinstance(value, kinds):
            raise _wrong_type(value, wanted)

    return check


def _sized(shape: Shape, shown: str, path: str, size: int, faults: Faults) -> None:
    fewest, most = _bounds(shape)
    if size < fewest:
        faults.append(_fault(shown, path, f"have length greater than or equal to {fewest}"))
    elif size > most:
        faults.append(_fault(shown, path, f"have length less than or equal to {most}"))


def _list(shape: Any, *, secret: bool) -> Check:
    item = _check(shape.member, secret=secret)

    def check(value: Any, path: str, faults: Faults) -> None:
        if not isinstance(value, list):
            raise malformed("Expected list or null")
        _sized(shape, "Value", path, len(value), faults)
        for place, each in enumerate(value, start=1):
            if each is None:
                raise malformed("null is not allowed in a list")
            item(each, f"{path}.{place}.member", faults)

    return check


def _map(shape: Any, *, secret: bool) -> Check:
    key, item = _check(shape.key, secret=secret), _check(shape.value, secret=secret)

    def check(value: Any, path: str, faults: Faults) -> None:
        if not isinstance(value, dict):
            raise _wrong_type(value, "a Map")
        _sized(shape, "Value", path, len(value), faults)
        for name, each in value.items():
            key(name, f"{path}.key", faults)
            if each is not None:
                item(each, f"{path}.value", faults)

    return check


def _structure(shape: Any, *, secret: bool) -> Check:
    required = tuple(shape.required_members)
    members = {
        name: (f"{name[0].lower()}{name[1:]}", _check(member, secret=secret))
        for name, member in shape.members.items()
    }

    def check(value: Any, path: str, faults: Faults) -> None:
        if not isinstance(value, dict):
            raise _wrong_type(value, "a Structure")
        prefix = f"{path}." if path else ""
        for name in required:
            if value.get(name) is None:
                faults.append(_fault("Value null", prefix + members[name][0], "not be null"))
        for name, given in value.items():
            if given is not None and name in members:
                label, member = members[name]
                member(given, prefix + label, faults)

    return check


def _check(shape: Shape, *, secret: bool = False) -> Check:
    """Compile a shape. Everything inside a sensitive shape is sensitive."""
    secret = secret or bool(shape.metadata.get("sensitive"))
    match shape.type_name:
        case "structure":
            return _structure(shape, secret=secret)
        case "list":
            return _list(shape, secret=secret)
        case "map":
            return _map(shape, secret=secret)
        case "string" | "blob":
            return _string(shape, secret=secret)
        case "integer" | "long":
            return _integer(shape, secret=secret)
        case "boolean":
            return _plain(bool, "a Boolean")
        case _:
            return _plain((int, float, str), "a Timestamp")


@frozen
class _Operation:
    """The service model's description of an operation's request."""

    check: Check
    members: frozenset[str]


@cache
def service_model() -> ServiceModel:
    """Return Cognito's service model."""
    return ServiceModel(Loader().load_service_model("cognito-idp", "service-2"))


@cache
def prepare(operation: str) -> _Operation:
    """Compile an operation's checks; called early, so that the first request need not wait."""
    shape = service_model().operation_model(operation).input_shape
    return _Operation(_check(shape), frozenset(shape.members))


def validate(operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """Check a request.

    Args:
        operation: The operation's name, one that Cognito has.
        request: What was sent.

    Returns:
        The request without the members that mean nothing: unknown ones, and those that are null,
        in its structures and maps, too.

    Raises:
        CognitoError: SerializationException for a wrong type, InvalidParameterException for
            everything else. Values of sensitive members are not shown.
    """
    model = prepare(operation)
    faults: Faults = []
    model.check(request, "", faults)
    if faults:
        noun = "error" if len(faults) == 1 else "errors"
        texts = "; ".join(fault.text for fault in faults)
        paths = ", ".join(list(dict.fromkeys(fault.path for fault in faults))[:_MOST_PATHS])
        raise invalid_parameter(
            f"{len(faults)} validation {noun} detected: {texts}", reason=f"not valid: {paths}"
        )
    return {
        name: _without_nulls(value)
        for name, value in request.items()
        if value is not None and name in model.members
    }


def _without_nulls(value: Any) -> Any:
    match value:
        case dict():
            return {name: _without_nulls(each) for name, each in value.items() if each is not None}
        case list():
            return [_without_nulls(each) for each in value]
        case _:
            return value
