"""Tokens of sign-in links, as they are found in what people paste.

A person copies the link from a mail, where a scanner may have wrapped it into one of its own, and
the page behind the link hands over its token alone. Both mean the same.
"""

import re
from typing import Final

from authflow.plugins import Secret, typed_code

PREFIX: Final = "link"
"""The beginning of every token."""

ELSEWHERE: Final = "elsewhere"
"""The answer that says: the link was confirmed in another browser."""
_TOKEN: Final = rf"{PREFIX}[a-z2-7]{{80,160}}"
_PASTED: Final = re.compile(rf"<?(?:https?://.*?(?:#|%23)|#?)({_TOKEN})(?:&.*)?>?")
"""A token, alone or behind the `#` of a link. A link in a link has `%23` in its place."""


def token_of(answer: str | Secret[str]) -> str:
    """Return the token of a link, or an empty text if there is none.

    White space and what nobody sees fall away, and case does not matter: a token has small letters
    and digits alone, so that no mail program breaks it.

    Args:
        answer: A token, or a link that holds one, as people type and paste it.
    """
    found = _PASTED.fullmatch(typed_code(answer).lower())
    return "" if found is None else found[1]
