"""Printable forms of texts from others: they cannot control a terminal or hide anything.

A reply of Cognito's, a plugin's reason, a module's error or a distribution's metadata may hold
escape sequences, a bell, line breaks, or the marks that turn the direction of writing. Whatever
prints, logs or raises such a text passes it through here.
"""

from typing import Final

MOST_CHARS: Final = 300
"""The most characters of another's text that are shown on a line."""


def printable(text: str) -> str:
    """Escape every character that is not printable, as `ascii` does, and keep the others."""
    return text if text.isprintable() else "".join(map(_escaped, text))


def lines(text: str) -> str:
    """Escape as `printable` does, but keep line breaks, for a text of several lines."""
    return "\n".join(map(printable, text.split("\n")))


def one_line(text: str, most: int = MOST_CHARS) -> str:
    """Return a text as one printable line: each run of white space becomes one blank.

    Args:
        text: What anybody may have written.
        most: How many characters of it are kept.
    """
    return printable(" ".join(text[: most * 4].split())[:most])


def _escaped(character: str) -> str:
    return character if character.isprintable() else ascii(character)[1:-1]
