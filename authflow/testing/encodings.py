"""The reversible ways to write an answer: whoever sees the result can read the answer.

Each way is a row of a table: a name, and what it makes of an answer. Tests go through the table.
"""

import base64
import string
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

_WORDS: Final = (
    *("zero", "one", "two", "three", "four"),
    *("five", "six", "seven", "eight", "nine"),
)
_LETTERS: Final = (string.ascii_lowercase, string.ascii_uppercase)
_LONGEST_HALVED: Final = 16
"""The most characters of a code whose halves are looked for; half of a sentence is no leak."""


def _moved(answer: str, by: int) -> str:
    """Shift each digit and letter in its row, from the end round to the beginning."""
    rows = (string.digits, *_LETTERS)
    moves = {sign: row[(row.index(sign) + by) % len(row)] for row in rows for sign in row}
    return "".join(moves.get(sign, sign) for sign in answer)


def _moved_digits(answer: str, by: int) -> str:
    """Shift each digit, from 9 round to 0, and leave the letters."""
    return "".join(str((int(one) + by) % 10) if one in string.digits else one for one in answer)


def _added(answer: str, by: int) -> str:
    """Add a number to each digit, where 9 and 1 are 10."""
    return "".join(str(int(sign) + by) if sign in string.digits else sign for sign in answer)


def _rot13(answer: str) -> str:
    turned = str.maketrans(
        "".join(_LETTERS), "".join(letters[13:] + letters[:13] for letters in _LETTERS)
    )
    return answer.translate(turned)


def _complement(answer: str) -> str:
    """Subtract each digit from nine, and count each letter from the end of the alphabet."""
    rows = (string.digits, *_LETTERS)
    turned = {sign: row[-1 - row.index(sign)] for row in rows for sign in row}
    return "".join(turned.get(sign, sign) for sign in answer)


def _spelled(answer: str) -> str:
    return "".join(_WORDS[int(sign)] if sign in string.digits else sign for sign in answer)


def _lettered(answer: str, first: str) -> str:
    start = ord(first)
    return "".join(chr(start + int(one)) if one in string.digits else one for one in answer)


def _each(form: str) -> Callable[[str], str]:
    """Write the number of each character."""
    return lambda answer: "".join(format(ord(sign), form) for sign in answer)


def _whole(form: str) -> Callable[[str], str]:
    """Write an answer of digits as a number of another base."""

    def written(answer: str) -> str:
        return format(int(answer), form) if answer.isascii() and answer.isdigit() else ""

    return written


def _counted(answer: str, by: int) -> str:
    """Add a number to an answer of digits, read as one number."""
    if not (answer.isascii() and answer.isdigit()):
        return ""
    return str(max(0, int(answer) + by)).zfill(len(answer))


ENCODINGS: Final[dict[str, Callable[[str], str]]] = {
    "plain": lambda answer: answer,
    "reversed": lambda answer: answer[::-1],
    **{f"each digit and letter moved by {by}": partial(_moved, by=by) for by in range(1, 10)},
    **{f"each digit moved by {by}": partial(_moved_digits, by=by) for by in range(1, 10)},
    **{f"each digit and {by}": partial(_added, by=by) for by in range(1, 10)},
    "rot13": _rot13,
    "each sign from the end of its row": _complement,
    "the next number": lambda answer: _counted(answer, 1),
    "the number before": lambda answer: _counted(answer, -1),
    "spelled in words": _spelled,
    "letters for digits": lambda answer: _lettered(answer, "a"),
    "letters for digits from 1": lambda answer: _lettered(answer, "`"),
    "the numbers of its signs": _each("d"),
    "the numbers of its signs in octal": _each("o"),
    "the numbers of its signs in binary": _each("08b"),
    "hex": lambda answer: answer.encode("utf-8", "surrogatepass").hex(),
    "a number in hex": _whole("x"),
    "a number in octal": _whole("o"),
    "a number in binary": _whole("b"),
    "base32": lambda answer: _based(base64.b32encode, answer),
    "base85": lambda answer: _based(base64.b85encode, answer),
    "Ascii85": lambda answer: _based(base64.a85encode, answer),
}
"""The encodings that a reader can undo. `leaks` itself undoes compressions and wrappers such as
base64 and percent signs."""


def _based(encode: Callable[[bytes], bytes], answer: str) -> str:
    """Encode, without the end, which depends on the bytes that follow."""
    data = answer.encode("utf-8", "surrogatepass")
    return encode(data).decode().rstrip("=")[: len(data)]


def parts(answer: str) -> Iterator[tuple[str, str]]:
    """Yield the halves of a code, with their names.

    Args:
        answer: The answer; of a sentence nothing is given.
    """
    if not answer.isalnum() or len(answer) > _LONGEST_HALVED:
        return
    middle = len(answer) // 2
    yield "its first half", answer[:middle]
    yield "its second half", answer[middle:]
    yield "every second sign of it", answer[::2]
    yield "every second sign of it", answer[1::2]
    yield "its signs in order", "".join(sorted(answer))
    yield "all but its last sign", answer[:-1]
    yield "all but its first sign", answer[1:]
