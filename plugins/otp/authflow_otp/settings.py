"""Validators of settings."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from authflow.plugins import ConfigError

if TYPE_CHECKING:
    from attrs import Attribute


def within(least: int, most: int) -> Callable[[Any, "Attribute[int]", int], None]:
    """Return the validator of a setting that is a whole number.

    Args:
        least: The least that is allowed.
        most: The most.
    """

    def check(challenge: Any, setting: "Attribute[int]", value: int) -> None:
        if type(value) is not int or not least <= value <= most:
            msg = f"{challenge.name}: {setting.name} is a whole number from {least} to {most}"
            raise ConfigError(msg)

    return check


def _kind(value: Any) -> str:
    """Return what a value is; itself it may be secret, such as a URL with a password."""
    return f"the class {value.__name__}" if isinstance(value, type) else type(value).__name__


def having(*methods: str) -> Callable[[Any, "Attribute[Any]", Any], None]:
    """Return the validator of a setting that is an object with certain methods.

    Args:
        *methods: What it must have.
    """

    def check(challenge: Any, setting: "Attribute[Any]", value: Any) -> None:
        missing = [method for method in methods if not callable(getattr(value, method, None))]
        if missing or isinstance(value, type):
            msg = (
                f"{challenge.name}: {setting.name} is an object with the methods"
                f" {' and '.join(methods)}, not {_kind(value)}"
            )
            raise ConfigError(msg)

    return check
