"""Maps of texts to texts that a caller gives, wrapped before anything can fail.

It may have a token among its values, such as a solved CAPTCHA's, and stand beside a password. So it
is wrapped and checked as secrets are (`given_secrets`): first thing, and whatever is wrong with it
is told by the member's name, never with its value.

    given = wrapped_map(client_metadata)
    del client_metadata
    metadata = checked_map("client_metadata", given)
"""

import json
from collections.abc import Mapping

from attrs import frozen

from authflow.errors import MisuseError
from authflow.given_secrets import is_text
from authflow.printable import one_line
from authflow.secret import Secret

_NAME_CHARS = 80


@frozen
class GivenMap:
    """A map of texts to texts, as one secret text; or what is wrong with the value given.

    Args:
        text: The map, in JSON.
        wrong: What is wrong, without any value of it.
    """

    text: Secret[str]
    wrong: str | None = None

    @property
    def is_empty(self) -> bool:
        """Whether the map has no members."""
        return self.text.reveal() == "{}"

    def reveal(self) -> dict[str, str]:
        """Return the map itself. Call it where the map is used, and keep no copy."""
        members: dict[str, str] = json.loads(self.text.reveal())
        return members


_NONE = GivenMap(Secret("{}"))


def wrapped_map(value: object) -> GivenMap:
    """Wrap the value that a caller gave; None is an empty map. This raises nothing."""
    if value is None:
        return _NONE
    if not isinstance(value, Mapping):
        return GivenMap(Secret("{}"), f"not {type(value).__name__}")
    try:
        members = dict(value.items())
        wrong = next(filter(None, (_wrong(*member) for member in members.items())), None)
        return GivenMap(Secret("{}" if wrong else json.dumps(members)), wrong)
    except Exception as error:  # noqa: BLE001  # others' mappings may raise anything
        return GivenMap(Secret("{}"), f"and reading it raises {type(error).__name__}")


def checked_map(what: str, given: GivenMap) -> GivenMap:
    """Check a wrapped map and return it.

    Args:
        what: What it is, for the error.
        given: What `wrapped_map` gave.

    Raises:
        MisuseError: It is no map of texts to texts that UTF-8 can carry; the text names the member.
    """
    if given.wrong is not None:
        msg = f"{what} must be a map of texts to texts, {given.wrong}"
        raise MisuseError(msg)
    return given


def _wrong(name: object, value: object) -> str | None:
    if not isinstance(name, str):
        return f"and one of its names is {type(name).__name__}"
    shown = f"'{one_line(name, _NAME_CHARS)}'"
    if not is_text(name):
        return f"and its name {shown} is none that UTF-8 can carry"
    if isinstance(value, Secret):
        return f"and the value of {shown} is a Secret: pass its text, by reveal()"
    if not isinstance(value, str):
        return f"and the value of {shown} is {type(value).__name__}"
    return None if is_text(value) else f"and the value of {shown} is none that UTF-8 can carry"
