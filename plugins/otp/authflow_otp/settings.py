"""Validators of settings."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from authflow.plugins import ConfigError
from authflow_otp.destinations import Medium
from authflow_otp.messages import LONGEST_PURPOSE, is_language

if TYPE_CHECKING:
    from attrs import Attribute

    from authflow.triggers import Limits

REMEMBERED: Final = 1200.0
"""Seconds for which the use of what was sent is stored: longer than its life and the cool-down
together, which are ten minutes at most, and than Cognito's longest session."""
_TEN_MINUTES: Final = 600
_TIME_TO_READ: Final = 30


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


def is_purpose(challenge: Any, _setting: "Attribute[str]", purpose: str) -> None:
    """Accept what a message is for: a line of printable characters.

    Raises:
        ConfigError: It is something else.
    """
    if (
        not isinstance(purpose, str)
        or not 1 <= len(purpose) <= LONGEST_PURPOSE
        or not purpose.isprintable()
    ):
        msg = (
            f"{challenge.name}: purpose is a line of 1 to {LONGEST_PURPOSE} characters, such as the"
            " service's name"
        )
        raise ConfigError(msg)


def is_pace(challenge: Any, _setting: "Attribute[float]", pace: Any) -> None:
    """Accept the seconds that it takes at least where a message is due.

    Raises:
        ConfigError: They are not 0 to 3.
    """
    if type(pace) not in {int, float} or not 0 <= pace <= 3:
        msg = f"{challenge.name}: pace is a number of seconds from 0 to 3"
        raise ConfigError(msg)


def is_yes_or_no(challenge: Any, setting: "Attribute[bool]", value: Any) -> None:
    """Accept True and False, and nothing that is like them.

    Raises:
        ConfigError: It is neither.
    """
    if type(value) is not bool:
        msg = f"{challenge.name}: {setting.name} is True or False"
        raise ConfigError(msg)


def check_life(challenge: Any, limits: "Limits", *, renewed: bool) -> None:
    """Check that what was sent is good while sign-ins share it, and for ten minutes at most.

    Sign-ins that begin within a cool-down of the limits share what the first of them sent.

    Args:
        challenge: It has a `life`.
        limits: Those of the triggers.
        renewed: Whether each sign-in may use it for its whole life, as a code; if not, they all
            have the end of the first one, as those of a link.

    Raises:
        ConfigError: With their cool-down it is too long or too short.
    """
    cool_down, name = limits.sends.cool_down, challenge.name
    if renewed and challenge.life + cool_down > _TEN_MINUTES:
        msg = (
            f"{name}: life and the cool-down of the limits are ten minutes at most together, for"
            " sign-ins that begin within a cool-down share a code: shorten one of them"
        )
        raise ConfigError(msg)
    if not renewed and challenge.life < cool_down + _TIME_TO_READ:
        msg = (
            f"{name}: life is at least {_TIME_TO_READ} seconds more than the cool-down of the"
            " limits, for sign-ins that begin within a cool-down share what was sent, and the last"
            " of them must find it good: shorten the cool-down"
        )
        raise ConfigError(msg)


def check_sending(challenge: Any) -> None:
    """Check the settings of a challenge that sends, as far as one depends on another.

    Args:
        challenge: It has a `sender`, `templates` and a `language`.

    Raises:
        ConfigError: The sender has no medium, or the language no template.
    """
    if not isinstance(getattr(challenge.sender, "medium", None), Medium):
        msg = f"{challenge.name}: the sender must have a medium, Medium.EMAIL or Medium.SMS"
        raise ConfigError(msg)
    if challenge.language not in challenge.templates.by_language:
        shown = f" {challenge.language!r}" if is_language(challenge.language) else ""
        msg = f"{challenge.name}: there is no template for the language{shown}; give one"
        raise ConfigError(msg)
