"""The numbers that callers hand over, seconds and counts, checked where they are given.

Unchecked, a text raises a TypeError wherever it is first compared, True counts as one second, a
whole number may be greater than any float, and with NaN no comparison holds.
"""

from typing import Any, Final, TypeGuard

from authflow.errors import ConfigError

LONGEST: Final = 10 * 365 * 86400.0
"""The most seconds that anything may take or be kept: ten years."""

MOST: Final = 1_000_000_000
"""The greatest count."""


def is_number(value: object) -> TypeGuard[float]:
    """Return whether a value is a whole number or a float; True and False are none.

    Args:
        value: Anything.
    """
    return type(value) in {int, float}


def check_seconds(name: str, value: object, *, least: float = 0.0, most: float = LONGEST) -> None:
    """Check a number of seconds.

    Args:
        name: What it is, for the error.
        value: The number.
        least: The least seconds. If that is zero, the number must be above it.
        most: The most seconds.

    Raises:
        ConfigError: It is no number, or not within these bounds.
    """
    if is_number(value) and value > 0 and least <= value <= most:
        return
    bound = f"at least {least:g}" if least else "above zero"
    msg = f"{name} is a number of seconds, {bound} and at most {most:.10g}"
    raise ConfigError(msg)


def check_count(name: str, value: object, *, least: int = 1, most: int = MOST) -> None:
    """Check a whole number.

    Args:
        name: What it is, for the error.
        value: The number.
        least: The least that it may be.
        most: The most.

    Raises:
        ConfigError: It is no whole number, or not within these bounds.
    """
    if type(value) is int and least <= value <= most:
        return
    msg = f"{name} is a whole number from {least} to {most}"
    raise ConfigError(msg)


def positive_seconds(_instance: object, attribute: Any, value: object) -> None:
    """Check an attribute of an attrs class as a number of seconds above zero.

    Args:
        attribute: The attribute, whose name the error has.
        value: The number.

    Raises:
        ConfigError: It is none.
    """
    check_seconds(attribute.name, value)
