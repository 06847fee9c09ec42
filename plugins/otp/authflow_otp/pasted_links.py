"""Tokens of sign-in links, as they are found in what people paste.

A person copies the link from a mail, with words around it, and scanners wrap it into links of their
own, each in its own way. So nothing is asked of what stands around a token: it has a form of its
own, 130 bits that nobody guesses, and is compared as a whole.
"""

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote

from authflow.plugins import MOST_TYPED, Secret, typed_code

PREFIX: Final = "link"
"""The beginning of every token."""
ID_SIGNS: Final = 26
"""Letters and digits of a link's id, which follow."""
OWN_BYTES: Final = 38
"""Bytes after that which every token has, beside the id of its key: see `link_tokens`."""

ELSEWHERE: Final = "elsewhere"
"""The answer that says: the link was confirmed in another browser."""

_TOKEN: Final = rf"{PREFIX}[a-z2-7]{{80,160}}"
_BEGUN: Final = re.compile(rf"(?<![a-z0-9])(?=({_TOKEN}))")
_FORM: Final = re.compile(rf"(?<![a-z0-9])({_TOKEN})(?![a-z0-9])")
_SOFT_BREAK: Final = re.compile(r"=[ \t]*\r?\n")
"""A line end of quoted-printable (RFC 2045, section 6.7), which is none of the text."""
_QUOTED: Final = re.compile(r"^[ \t]*(?:(?:>|&gt;)[ \t]?)+", re.MULTILINE)
"""The mark before each line of a mail that is answered (RFC 3676, section 4.5)."""
_BASE64: Final = re.compile(r"aHR0c[A-Za-z0-9+/_-]{100,}")
"""A link within a link, from its "http" on, as Sophos writes it."""
_MOST_WRAPPERS: Final = 4
"""Scanners that wrap each other's links: each quotes the link once more."""
_KEY_ID: Final = re.compile(rb"[A-Za-z0-9_-]{1,32}")
_FIRST_BYTES: Final = 35
"""The length of the key's id, and the longest id; two more make it whole groups of base32."""


def token_of(answer: str | Secret[str]) -> str:
    """Return the token of a link, or an empty text if there is none.

    White space and what nobody sees fall away, and case does not matter: a token has small letters
    and digits alone, so that no mail program breaks it.

    Args:
        answer: A token, or a text that holds one, as people type and paste it. Of several, the
            first is taken.
    """
    text = Secret.of(answer).reveal()
    if len(text) > MOST_TYPED:
        return ""
    broken = len(text.split()) > 1
    readings = _readings(_SOFT_BREAK.sub("", _QUOTED.sub("", text)))
    # Where a line was broken, the token goes on in the next one; elsewhere other words do.
    texts = [each.lower() for each in (*readings, *map(typed_code, readings))]
    for each in texts:
        for token in _whole(each, broken=broken):
            return token
    for each in texts:
        if found := _FORM.search(each):
            return found[1]
    return ""


def _readings(text: str) -> list[str]:
    """Return a text as it is, and as what the links in it may be wrapped around."""
    found = [text]
    for _ in range(_MOST_WRAPPERS):
        plain = _unwrapped(found[-1])
        if plain == found[-1]:
            break
        found.append(plain)
    for plain in tuple(found):
        for each in _BASE64.findall("".join(plain.split())):
            inner = _from_base64(each)
            found += [inner, _unwrapped(inner)]
    return found


def _unwrapped(text: str) -> str:
    return unquote(text.replace("-23", "#"))  # so Proofpoint writes what is %23


def _from_base64(text: str) -> str:
    """Decode either base64 (RFC 4648, sections 4 and 5), without the signs of a last part byte."""
    whole = text[: len(text) - (len(text) % 4 == 1)] + "=" * (-len(text) % 4)
    return base64.b64decode(whole, altchars=b"-_" if set("-_") & set(text) else None).decode(
        "ascii", "replace"
    )


def _whole(text: str, *, broken: bool) -> Iterator[str]:
    """Find tokens that are as long as they say themselves.

    Where there was white space, what follows directly may be the next word.
    """
    for found in _BEGUN.finditer(text):
        body = found[1][len(PREFIX) + ID_SIGNS :]
        begin = body[: _FIRST_BYTES * 8 // 5].upper()
        try:
            data = base64.b32decode(begin)
        except binascii.Error:
            continue
        size = data[0]
        signs = -(-(OWN_BYTES + size) * 8 // 5)
        behind = text[found.start() + len(PREFIX) + ID_SIGNS + signs :][:1]
        if signs > len(body) or (behind.isalnum() and not broken):
            continue
        if _KEY_ID.fullmatch(data[1 : 1 + size]):
            yield found[1][: len(PREFIX) + ID_SIGNS + signs]
