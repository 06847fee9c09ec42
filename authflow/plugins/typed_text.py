"""Texts that people type and paste, brought to one form in which they can be compared.

Mail programs group the digits of a code, and put marks around them that nobody sees. A keyboard
decides in which script a digit is typed, and a Turkish one has an I that no other has. People do
not remember how they wrote an answer a year ago. So an answer is written anew before it is
compared, by `typed_code` if a program drew it and by `typed_words` if a person chose it.

Neither is for passwords or usernames: those are what was typed, sign for sign.

Both are idempotent, both give nothing for what is too long, and neither raises anything for
whatever text it is given.

Sources: Unicode's annexes 15 (NFKC) and 31 (default-ignorable code points), its SpecialCasing and
CaseFolding files on the Turkish I, and §3.13 of its standard, which folds case of what was
decomposed; xterm's "Bracketed Paste Mode".
"""

import re
import unicodedata
from typing import Final

from authflow.secret import Secret

MOST_TYPED: Final = 1000
"""The most characters of a text as it was typed. No code and no answer is longer."""

_UNSEEN: Final = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff\ufffc]"
)
"""Default_Ignorable_Code_Point: zero-width spaces and joiners, direction and byte order marks,
soft hyphens, variation selectors, fillers; and what stands for a picture that was pasted along."""
_NEVER_SEEN: Final = frozenset({"Cc", "Cf", "Cs"})
"""Control and format characters, and halves of surrogate pairs."""
_PASTE_MARKS: Final = ("\x1b[200~", "\x1b[201~", "\x9b200~", "\x9b201~")
"""The marks that a terminal puts around pasted text, for programs that ask for them."""
_KEYCAP: Final = "\u20e3"
"""The mark that draws a key around a digit: Unicode's picture of the key 1 is still a 1."""
_BLANK: Final = "\u2800"
"""The Braille pattern without dots: not a space to Unicode, but nobody can see it."""
_DASH: Final = "Pd"
_TIE: Final = "Pc"
_MINUS: Final = "\u2212"
_WIDE: Final = range(0xFF01, 0xFF5F)
"""The full-width forms of ASCII; each has the same distance from its ASCII character."""
_WIDER: Final = 0xFEE0
_DOT: Final = "\u0307"
"""The combining dot that Unicode leaves in the small form of the dotted Turkish I."""
_DOTTED, _DOTLESS = "\u0130", "\u0131"
_ASCII_I: Final = {_DOTTED: "I", _DOTLESS: "i", _DOT: ""}
_PASSES: Final = 4
"""The most passes until a text no longer changes; nearly all texts need only one."""


def typed_code(typed: str | Secret[str]) -> str:
    """Return a code of letters and digits in the form in which codes are compared.

    White space, dashes, a terminal's marks of a paste and whatever nobody sees fall away, wherever
    they stand. A digit of any script, with or without a key drawn around it, is its value, a
    full-width letter the ASCII one, and a Turkish I the ASCII one of its case. Case stays, and so
    does every other sign: what was no code does not become one.

    Args:
        typed: What somebody typed, or a `Secret` of it.

    Returns:
        The code, never longer than what was typed; empty for more than `MOST_TYPED` characters.
    """
    text = Secret.of(typed).reveal()
    return _unmarked(text).translate(_CODE_SIGNS) if len(text) <= MOST_TYPED else ""


def typed_words(typed: str | Secret[str]) -> str:
    """Return words in the form in which they are compared.

    Case, width and form of letters do not matter (NFKC, and case folding), nor the dot of an I.
    Dashes, underscores and slashes are spaces; other punctuation marks fall away, and so do a
    terminal's marks of a paste and whatever nobody sees. Spaces between words are one, those around
    are none. Accents and symbols such as + stay.

    Args:
        typed: What somebody typed, or a `Secret` of it.

    Returns:
        The words with one space between them; empty for more than `MOST_TYPED` characters, be it
        before or after.
    """
    text = Secret.of(typed).reveal()
    if len(text) > MOST_TYPED:
        return ""
    words = _words(_unmarked(text))
    for _ in range(_PASSES - 1):
        before, words = words, _words(words)
        if words == before:
            break
    # The whole text is replaced, so that a test's string that notes comparisons still notes them.
    return text.replace(text, words) if len(words) <= MOST_TYPED else ""


def is_unseen(sign: str) -> bool:
    """Return whether a character is invisible and is not white space.

    Args:
        sign: One character.
    """
    if unicodedata.category(sign) in _NEVER_SEEN:
        return not sign.isspace()
    return _UNSEEN.match(sign) is not None


def shows_nothing(text: str) -> bool:
    """Return whether nothing of a text can be seen: white space, marks of a paste, and the unseen.

    Args:
        text: What somebody typed.
    """
    return all(
        sign.isspace() or sign in {_BLANK, _KEYCAP} or is_unseen(sign) for sign in _unmarked(text)
    )


def _unmarked(text: str) -> str:
    """Remove a terminal's marks of a paste, which are visible once control characters are gone."""
    for mark in _PASTE_MARKS:
        text = text.replace(mark, "")
    return text


class _CodeSigns:
    """A table for `str.translate`: the replacement of each character in a code.

    A string that notes how it is compared, such as `authflow.testing` gives to a plugin, still does
    after that.
    """

    def __getitem__(self, point: int) -> str:
        sign = chr(point)
        if sign.isascii() and sign.isalnum():
            return sign
        if sign.isspace() or sign in {_MINUS, _BLANK, _KEYCAP} or is_unseen(sign):
            return ""
        if unicodedata.category(sign) == _DASH:
            return ""
        digit = unicodedata.decimal(sign, None)
        if digit is not None:
            return str(digit)
        return chr(point - _WIDER) if point in _WIDE else _ASCII_I.get(sign, sign)


_CODE_SIGNS: Final = _CodeSigns()


def _words(text: str) -> str:
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKD", text).casefold())
    words = unicodedata.normalize("NFC", " ".join("".join(map(_word_sign, folded)).split()))
    plain = re.sub(f"i{_DOT}+", "i", words.replace(_DOTLESS, "i"))
    return unicodedata.normalize("NFC", plain)


def _word_sign(sign: str) -> str:
    """Return the replacement of a character in an answer of words."""
    category = unicodedata.category(sign)
    if sign.isspace() or category in {_DASH, _TIE} or sign in "/\\" or sign == _BLANK:
        return " "
    return "" if category.startswith("P") or sign == _KEYCAP or is_unseen(sign) else sign
