"""Wrong answers that a careless plugin would accept.

Some are nobody's; some are what people try first; some are made of the right answer.
"""

import random
import string
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from authflow.testing.made import Made

FOREIGN_ANSWERS: Final = (
    "",
    " ",
    "\0",
    "0",
    "null",
    "true",
    "../../etc/passwd",
    "' OR 1=1 --",
    "{}",
    "-1",
    "1e9",
    "nan",
    "\N{LATIN SMALL LETTER LONG S}" * 6,
    "\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}" * 3,
    "\N{ARABIC-INDIC DIGIT FOUR}" * 6,
    "\N{SUPERSCRIPT TWO}" * 6,
    "\N{RIGHT-TO-LEFT OVERRIDE}answer",
    "\N{COMBINING ACUTE ACCENT}" * 40,
    "\N{PILE OF POO}" * 20,
    "\ud800",
    "9" * 100_000,
    "\N{ARABIC LIGATURE SALLALLAHOU ALAYHE WASALLAM}" * 5_000,
)
"""Nobody's answers: empty, long, or of characters that some functions refuse or confuse."""

_DEFAULTS: Final = (
    *("password", "secret", "admin", "test", "yes", "ok", "None", "undefined", "True", "[]"),
    *("*", "%", "1234", "123456", "qwerty"),
)
"""The first guesses of people, and the words that programs write for nothing."""


_OF_THE_POOL: Final = frozenset({"cognito:user_status", "email_verified", "phone_number_verified"})
"""Attributes with the values "CONFIRMED" and "true", which are tried anyway."""
_AMONG: Final = 20
"""The number of neighbours on each side of the right answer in a list."""
_SEPARATORS: Final = {
    ",": "with commas",
    " ": "with blanks",
    ", ": "with commas and blanks",
    ";": "with semicolons",
    "|": "with bars",
    "\n": "in lines",
    "": "without anything between them",
}
_MOST_PLACES: Final = 16
"""The most characters of an answer that are changed, one at a time."""
_LONGEST: Final = 1000
"""The most characters of a tried answer. A picture is not an answer."""


def near_misses(right: str) -> Iterator[tuple[str, str]]:
    """Return wrong answers made from the right one, with words for them.

    Args:
        right: The right answer.
    """
    middle = len(right) // 2
    yield "the right one without its end", right[:-1]
    yield "the right one without its beginning", right[1:]
    yield "the first half of the right one", right[:middle]
    yield "the second half of the right one", right[middle:]
    yield "the first sign of the right one", right[:1]
    yield "the right one twice", right + right
    yield "the right one and another digit", f"{right}0"
    yield "the right one and a letter", f"{right}x"
    yield "another digit and the right one", f"0{right}"
    yield "a letter and the right one", f"x{right}"
    yield "the right one and a line of something else", f"{right}\nx"
    # A plugin may ignore a NUL, which is invisible, but not the characters after it.
    yield "the right one, a NUL and a letter", f"{right}\0x"
    yield "the right one among others", f"000000,{right},999999"
    yield "the right one, backwards", right[::-1]
    yield "the signs of the right one in order", "".join(sorted(right))
    yield "the signs of the right one in reverse order", "".join(sorted(right, reverse=True))
    yield "the right one, turned by one sign", right[1:] + right[:1]
    yield "the right one, two neighbours exchanged", _exchanged(right)
    yield "the first sign of the right one all along", right[:1] * len(right)
    for place in range(min(len(right), _MOST_PLACES)):
        yield f"another sign at place {place + 1} of the right one", _other_at(right, place)
    others = [guess for guess in guesses(right, seed="among", count=2 * _AMONG) if guess != right]
    among = [*others[:_AMONG], right, *others[_AMONG:]]
    for separator, words in _SEPARATORS.items():
        yield f"the right one among {len(others)} others, {words}", separator.join(among)


def first_tries(right: str, made: Made) -> Iterator[tuple[str, str]]:
    """Return the first answers of somebody who knows nothing, with words for them.

    Args:
        right: The right answer, for its length.
        made: The challenge.
    """
    for answer in _DEFAULTS:
        yield f"{answer!r}, which is tried first", answer
    for sign in ("0", "1", "9", ".", "*"):
        yield f"{sign!r} as often as the right one has signs", sign * len(right)
    yield "a row of digits as long as the right one", (string.digits[1:] * len(right))[: len(right)]
    yield "the username", made.username
    for name, value in made.user_attributes.items():
        if name not in _OF_THE_POOL:
            yield f"the user's attribute {name!r}", value
    for name, value in made.public.items():
        if len(value) <= _LONGEST:
            yield f"the public parameter {name!r}", value


def guesses(right: str, seed: str, count: int) -> Iterator[str]:
    """Return answers that look like the right one: as long, each character of the same kind.

    Args:
        right: The right answer; it may be among them.
        seed: What decides them.
        count: How many.
    """
    drawn = random.Random(seed)  # noqa: S311  # nothing secret: the same ones in every run
    kinds = [_kind(sign) for sign in right]
    for _ in range(count):
        yield "".join(drawn.choice(kind) for kind in kinds)


def wrong(candidates: Mapping[str, str], right: str, same: Callable[[str], str]) -> dict[str, str]:
    """Return those of some answers that are certainly wrong, each once.

    Args:
        candidates: Answers, by words for them.
        right: The right answer.
        same: Spells an answer as all that are the same are spelled.
    """
    known = {right}
    kept: dict[str, str] = {}
    for words, answer in candidates.items():
        if answer not in known and same(answer) != same(right):
            known.add(answer)
            kept[words] = answer
    return kept


def another_sign(sign: str) -> str:
    """Return another character of the same kind.

    Args:
        sign: A character, or nothing.
    """
    kind = _kind(sign)
    return kind[(kind.index(sign) + 1) % len(kind)] if sign in kind and len(kind) > 1 else "x"


def _kind(sign: str) -> str:
    """Return all characters of the same kind; without letter or digit, the character alone."""
    for kind in (string.digits, string.ascii_uppercase, string.ascii_lowercase):
        if sign and sign in kind:
            return kind
    return sign


def bare(answer: str) -> str:
    """Return an answer without all that a tolerant plugin may ignore: case, white space, dashes.

    Args:
        answer: An answer.
    """
    if len(answer) > _LONGEST:
        return answer
    kept = (sign for sign in answer.casefold() if sign.isalnum() or not sign.isprintable())
    return "".join(sign for sign in kept if not sign.isspace()) or answer


def _exchanged(right: str) -> str:
    for place in range(len(right) - 1):
        if right[place] != right[place + 1]:
            return right[:place] + right[place + 1] + right[place] + right[place + 2 :]
    return right


def _other_at(right: str, place: int) -> str:
    return right[:place] + another_sign(right[place : place + 1]) + right[place + 1 :]
