"""Settings of challenges: their checks and their documentation."""

from collections.abc import Mapping
from typing import Any

from attrs import Attribute, field

from authflow.plugins import ConfigError


def documented(doc: str, **bounds: float) -> Mapping[str, Any]:
    """Return the metadata of a setting: its text for the schema and for the README's table.

    Args:
        doc: What the setting means.
        **bounds: `minimum` and `maximum`, of a number.
    """
    return {"doc": doc, **bounds}


def whole(default: int, allowed: range, challenge: str, doc: str) -> Any:
    """Make a setting that is a whole number.

    Args:
        default: Its default.
        allowed: What it may be.
        challenge: The challenge's name, for the error.
        doc: What the setting means.
    """

    def check(_settings: object, setting: "Attribute[int]", value: int) -> None:
        if type(value) is not int or value not in allowed:
            msg = (
                f"{challenge}: {setting.name} must be a whole number of {allowed[0]} to"
                f" {allowed[-1]}"
            )
            raise ConfigError(msg)

    metadata = documented(doc, minimum=allowed[0], maximum=allowed[-1])
    return field(default=default, validator=check, metadata=metadata)
