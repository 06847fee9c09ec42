"""Mappings of strings to strings: the only form in which Cognito and its triggers pass values.

A parameter or attribute of any other type makes Cognito refuse the trigger's whole result, with an
error that does not name it. So it is caught where the value is made.

Source: the response parameters in "Create Auth challenge Lambda trigger" and "Migrate user Lambda
trigger" of the Amazon Cognito developer guide.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from authflow.errors import MisuseError
from authflow.printable import printable


def read_only(values: Mapping[str, str] | Iterable[tuple[str, str]]) -> Mapping[str, str]:
    """Copy a mapping that authflow itself has read; the copy is read-only.

    Args:
        values: The names and their values.
    """
    return MappingProxyType(dict(values))


def names_only(values: Mapping[str, Any]) -> str:
    """Return what a mapping is in a repr: its names, escaped, as the values may be personal.

    Args:
        values: The names and their values.
    """
    return f"<{', '.join(map(printable, values))}>"


def string_map(values: Mapping[str, str]) -> Mapping[str, str]:
    """Copy a mapping of strings to strings; the copy is read-only.

    Args:
        values: The names and their values.

    Raises:
        MisuseError: It is no mapping, or a name or a value is not a string. The error tells the
            name and never the value.
    """
    if not isinstance(values, Mapping):
        msg = f"expected a mapping of strings to strings, not {type(values).__name__}"
        raise MisuseError(msg)
    for name, value in values.items():
        if not isinstance(name, str):
            msg = f"expected a mapping of strings to strings, and a name is {type(name).__name__}"
            raise MisuseError(msg)
        if not isinstance(value, str):
            msg = (
                "expected a mapping of strings to strings, and the value of"
                f" {name!r:.80} is {type(value).__name__}"
            )
            raise MisuseError(msg)
    return MappingProxyType(dict(values))
