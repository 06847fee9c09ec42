"""The Filter of ListUsers: one attribute, `=` or `^=`, and a value in quotation marks.

Sources: ListUsers in the API reference, "Searching for users using the ListUsers API" in the
developer guide. The reference says which attributes are searched, and that letter case matters in
`username` and `status`; the guide, that in the others it does not.
"""

import re
from collections.abc import Mapping
from typing import Final, Self

from attrs import field, frozen

from authflow.pool.accounts.attribute_schema import SUB
from authflow.pool.cognito_errors import CognitoError, invalid_parameter

_FORM: Final = re.compile(
    r'\s*(?P<attribute>[^\s=^"]+)\s*(?P<operator>\^?=)\s*"(?P<value>(?:[^"\\]|\\["\\])*)"\s*',
    re.DOTALL,
)
_ESCAPED: Final = re.compile(r'\\(["\\])')
_STATUS: Final = "cognito:user_status"
_ENABLED: Final = "status"
_USERNAME: Final = "username"
SEARCHABLE: Final = (
    *(_USERNAME, "email", "phone_number", "name", "given_name", "family_name"),
    *("preferred_username", _STATUS, _ENABLED, SUB),
)
"""The names that can be searched by."""
_EXACT_CASE: Final = frozenset({_USERNAME, _ENABLED})
_PLAIN: Final = re.compile(r"[ !#-\[\]-~]*")
"""Text that is stored as it is searched by, but for letter case: JSON escapes the rest."""


@frozen(kw_only=True)
class Searched:
    """The part of a user that can be searched.

    Args:
        username: The canonical name.
        status: Cognito's UserStatus.
        enabled: Whether the user may sign in.
        attributes: All attributes, with `sub`.
    """

    username: str
    status: str
    enabled: bool
    attributes: Mapping[str, str] = field(repr=False)

    def value(self, name: str) -> str | None:
        """Return the value under a name of `SEARCHABLE`; None if the user has none."""
        match name:
            case "username":
                return self.username
            case "cognito:user_status":
                return self.status
            case "status":
                return "Enabled" if self.enabled else "Disabled"
            case _:
                return self.attributes.get(name)


@frozen(kw_only=True)
class UserFilter:
    """A filter of users; without a name it lets everybody through.

    Args:
        name: A name of `SEARCHABLE`, or "" for no filter.
        value: What is searched for.
        prefix: Whether a value may go on after it.
    """

    name: str = ""
    value: str = field(default="", repr=False)
    prefix: bool = False

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a filter as ListUsers is given it.

        Raises:
            CognitoError: It is not of the form, or names what cannot be searched by.
        """
        if not text.strip():
            return cls()
        found = _FORM.fullmatch(text)
        if found is None:
            raise _unreadable()
        if found["attribute"] not in SEARCHABLE:
            message = f"Invalid search attribute: {found['attribute']}"
            raise invalid_parameter(message, reason="not an attribute that can be searched by")
        return cls(
            name=found["attribute"],
            value=_ESCAPED.sub(r"\1", found["value"]),
            prefix=found["operator"] == "^=",
        )

    def matches(self, user: Searched) -> bool:
        """Return whether the filter lets a user through."""
        if not self.name:
            return True
        value = user.value(self.name)
        if value is None:
            return False
        fold = str if self.name in _EXACT_CASE else _fold
        found, wanted = fold(value), fold(self.value)
        return found.startswith(wanted) if self.prefix else found == wanted

    @property
    def needle(self) -> str:
        """A part of the text of all users whom the filter lets through, and of few others.

        The text is an object in JSON, `{"sub": "…", …}` in lower case, without the flag. A database
        that looks for the part first spares reading everybody.
        """
        if not self.name or self.name == _ENABLED:
            return "{"
        plain = _PLAIN.match(self.value)
        begun = "" if plain is None else plain[0].lower()
        whole = len(begun) == len(self.value) and not self.prefix
        return f'"{self.name}": "{begun}' + '"' * whole


def _fold(text: str) -> str:
    """Return a text without letter case. What is not of ASCII stays so, as in the needle."""
    return text.lower() if text.isascii() else "".join(map(_fold_character, text))


def _fold_character(char: str) -> str:
    small = char.lower()
    return char if small[0].isascii() and not char.isascii() else small


def _unreadable() -> CognitoError:
    return invalid_parameter("Error while parsing filter.", reason="Error while parsing filter.")
