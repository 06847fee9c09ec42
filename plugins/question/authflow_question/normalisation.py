"""What counts as the same answer: people do not remember how they typed one a year ago."""

import unicodedata
from typing import Final

LONGEST_TYPED: Final = 1000
"""In characters, before anything is done to an answer. No right answer is longer."""

_SPACES: Final = frozenset({"Pd", "Pc"})
"""Dashes and underscores: "Jean-Luc" and "Jean Luc" are one name."""
_INVISIBLE: Final = "Cf"
"""Soft hyphens, and joiners that some keyboards put in."""


def normalised(answer: str) -> str:
    """Write an answer as it is compared.

    Case, width and form of letters do not matter (NFKC of Unicode's annex 15, and case folding).
    Dashes, underscores and slashes are spaces; other punctuation marks are ignored, and so are
    format characters, which nobody sees. Spaces between words are one, those around are none.
    Accents and symbols such as + stay.

    Args:
        answer: What somebody typed.

    Returns:
        The words with one space between them; empty for what is too long.
    """
    if len(answer) > LONGEST_TYPED:
        return ""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", answer).casefold())
    words = "".join(map(_kept, folded)).split()
    return unicodedata.normalize("NFC", " ".join(words))


def _kept(character: str) -> str:
    """Give what stays of a character."""
    category = unicodedata.category(character)
    if character.isspace() or category in _SPACES or character in "/\\":
        return " "
    return "" if category == _INVISIBLE or category.startswith("P") else character
