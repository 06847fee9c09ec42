"""The normal form of an answer: people do not remember how they typed one a year ago.

The rules are authflow's own (`typed_words`). Here is what is left of older ones: an answer that was
enrolled by them must still fit.
"""

import unicodedata
from typing import Final

from authflow.plugins import MOST_TYPED, typed_words

LONGEST_TYPED: Final = MOST_TYPED
"""The most characters of an answer as it was typed. No right answer is longer."""

_SPACES: Final = frozenset({"Pd", "Pc"})
_INVISIBLE: Final = "Cf"


def normalised(answer: str) -> str:
    """Return an answer in the form in which it is enrolled and compared.

    Args:
        answer: What somebody typed.

    Returns:
        The words with one space between them; empty for what is too long.
    """
    return typed_words(answer)


def spellings(answer: str) -> tuple[str, ...]:
    """Return all forms in which an answer may have been enrolled.

    Args:
        answer: What somebody typed.

    Returns:
        As `normalised` does it, and as it was done before the Turkish I counted as an I, if that
        is another text.
    """
    return tuple(dict.fromkeys((normalised(answer), _as_before(answer))))


def _as_before(answer: str) -> str:
    """Return an answer's form by the first rules, with which older answers were hashed."""
    if len(answer) > LONGEST_TYPED:
        return ""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", answer).casefold())
    words = "".join(map(_kept_before, folded)).split()
    return unicodedata.normalize("NFC", " ".join(words))


def _kept_before(character: str) -> str:
    category = unicodedata.category(character)
    if character.isspace() or category in _SPACES or character in "/\\":
        return " "
    return "" if category == _INVISIBLE or category.startswith("P") else character
