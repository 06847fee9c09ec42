"""The readings of a public value: as text, unpacked, and by its pieces."""

import base64
import binascii
import html
import itertools
import re
import unicodedata
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Final
from urllib.parse import unquote_plus

from attrs import frozen

CERTAIN: Final = 6
"""The length of a text, in characters, that occurs nowhere by chance."""
CERTAIN_BYTES: Final = 6
"""The number of bytes of a hash that are proof by themselves."""
BETWEEN: Final = re.compile(r"[\W_]+")
"""The separators between the characters or the parts of a text."""

_LEAST_BYTES: Final = 3
"""The fewest bytes of a hash that are looked for: fewer reveal less than a guess."""
_MOST_DATA: Final = 4096
"""The most bytes in which a bare hash is looked for. Larger data are pictures or sounds."""
_BASE64: Final = re.compile(rb"[A-Za-z0-9+/_-]{8,}={0,2}")
_HEX_DATA: Final = re.compile(rb"(?:[0-9a-fA-F]{2}){6,}")
_HEX_TEXT: Final = re.compile(r"[0-9a-f]{6,}")
_BASE64_TEXT: Final = re.compile(r"[A-Za-z0-9+/]{4,}")
_PASSWORD_HASH: Final = re.compile(
    r"\$(?:1|2[abxy]?|3|5|6|7|8|9|y|gy|md5|sha1|apr1|argon2(?:id|i|d)?|scrypt|bcrypt(?:-sha256)?"
    r"|pbkdf2(?:-sha\d+)?|s2|p5k2)\$[\w./+=,$-]{12,}"
    r"|\bpbkdf2[_:/-]?sha\d+[:$]\d+[:$]\S{12,}"
    r"|\bscrypt:\d+:\d+:\d+\$\S{12,}"
    r"|\b(?:bcrypt|argon2|scrypt|md5|sha1|bcrypt_sha256)\$\S{12,}"
    r"|\{(?:s?sha\d*|s?md5|crypt|pbkdf2(?:-sha\d+)?|argon2)\}\S{12,}"
)
"""Modular crypt format (`crypt(5)`, passlib and the PHC string format), Django's and Werkzeug's
encoded passwords, and RFC 2307's schemes; in lower case."""
_TAGS: Final = re.compile(r"<[^<>]*>")


@frozen(kw_only=True)
class Reading:
    """All readings of public values. Make it with `of`.

    Args:
        texts: Readings of it, in lower case.
        own: Those of them that are not unpacked, in lower case.
        cased: Readings of it as they are, in base64's usual alphabet.
        data: What is packed into it.
        pieces: All pieces of what is written in it in hex and in base64, and of data, as long as
            the least part of a hash that convicts.
    """

    texts: tuple[str, ...]
    own: tuple[str, ...]
    cased: tuple[str, ...]
    data: tuple[bytes, ...]
    pieces: frozenset[bytes]

    @classmethod
    def of(cls, *values: str) -> "Reading":
        """Read values.

        Args:
            *values: The values.
        """
        readings: dict[str, None] = {}
        data: list[bytes] = []
        own = dict.fromkeys(reading for value in values for reading in _readings(value))
        readings |= own
        for value in values:
            for packed in _unpacked(value.encode("utf-8", "surrogatepass")):
                data.append(packed)
                readings |= dict.fromkeys(_readings(_as_text(packed)))
        lower = dict.fromkeys(text.lower() for text in readings)
        cased = [text.replace("-", "+").replace("_", "/") for text in readings]
        return cls(
            texts=_without_signs_between(text.lower() for text in readings),
            own=_without_signs_between(text.lower() for text in own),
            cased=tuple(cased),
            data=tuple(data),
            pieces=frozenset(
                itertools.chain(
                    _octets(_written(_HEX_TEXT, lower, 2, bytes.fromhex)),
                    # Whoever writes a hash begins at its first byte, so at one of four signs.
                    _octets(_written(_BASE64_TEXT, cased, 4, base64.b64decode), step=_LEAST_BYTES),
                    _octets(one for one in data if len(one) <= _MOST_DATA),
                )
            ),
        )

    def holds(self, sign: str) -> bool:
        """Return whether a text occurs in the readings.

        Args:
            sign: The text.
        """
        lower = sign.lower()
        if any(lower in text for text in self.texts):
            return True
        plain, wide = (sign.encode(code, "surrogatepass") for code in ("utf-8", "utf-16-le"))
        return len(sign) >= CERTAIN and any(plain in one or wide in one for one in self.data)

    def is_packed(self, sign: str) -> bool:
        """Return whether a text that occurs in the readings does so only in unpacked ones.

        Args:
            sign: The text.
        """
        return not any(sign.lower() in text for text in self.own)

    def tells_a_password_hash(self) -> bool:
        """Return whether a password hash of a common format occurs in the readings."""
        return any(_PASSWORD_HASH.search(text) for text in self.texts)

    def bytes_of(self, digest: bytes) -> int:
        """Return how many of a hash's first bytes occur in the readings: none, a few, or enough.

        Args:
            digest: The hash.
        """
        certain = digest[:CERTAIN_BYTES]
        in_text = any(certain.hex() in text for text in self.texts)
        in_base64 = any(_base64_of(certain) in text for text in self.cased)
        if in_text or in_base64 or any(certain in one for one in self.data):
            return CERTAIN_BYTES
        return _LEAST_BYTES if start(digest) in self.pieces else 0


def _without_signs_between(texts: Iterable[str]) -> tuple[str, ...]:
    """Return texts as they are, and each without its separators."""
    every = dict.fromkeys(texts)
    return tuple({**every, **{BETWEEN.sub("", text): None for text in every}})


def start(digest: bytes) -> bytes:
    """Return the shortest part of a hash that is proof.

    Args:
        digest: The hash.
    """
    return digest[:_LEAST_BYTES]


def _base64_of(data: bytes) -> str:
    """Return base64 of data, without the end, which depends on the bytes that follow."""
    return base64.b64encode(data).decode().rstrip("=")[: len(data) * 8 // 6]


def _written(
    runs: re.Pattern[str], texts: Iterable[str], signs: int, read: Callable[[str], bytes]
) -> Iterator[bytes]:
    """Yield the bytes that the texts mean which an expression finds, wherever they begin.

    Args:
        runs: The expression.
        texts: Where it finds them.
        signs: How many signs stand for a whole number of bytes.
        read: What reads so many signs, or a multiple.
    """
    for text in texts:
        for run in runs.findall(text):
            for first in range(signs):
                yield read(run[first : first + (len(run) - first) // signs * signs])


def _readings(text: str) -> Iterator[str]:
    """Return a text as it is, and without percent signs, entities, tags and accents."""
    yield text
    unwrapped = _TAGS.sub("", html.unescape(unquote_plus(text)))
    yield unwrapped
    yield unicodedata.normalize("NFKC", unwrapped)


def _as_text(data: bytes) -> str:
    """Return data as text, if they are text."""
    if b"\0" in data:
        return ""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return ""


def _octets(data: Iterable[bytes], step: int = 1) -> Iterator[bytes]:
    """Return pieces of data, each so many bytes on, as long as the shortest part that is proof."""
    for one in data:
        for first in range(0, len(one) - _LEAST_BYTES + 1, step):
            yield one[first : first + _LEAST_BYTES]


def _unpacked(text: bytes) -> Iterator[bytes]:
    """Return the data in a text: from base64 and hex, and unpacked from zlib and PNG."""
    for packed in _HEX_DATA.findall(text):
        yield bytes.fromhex(packed[: len(packed) // 2 * 2].decode())
    for packed in _BASE64.findall(text):
        padded = packed.rstrip(b"=").replace(b"-", b"+").replace(b"_", b"/")
        try:
            data = base64.b64decode(padded + b"=" * (-len(padded) % 4))
        except binascii.Error:
            continue
        yield data
        for start in re.finditer(rb"\x78[\x01\x5e\x9c\xda]", data):
            stream = zlib.decompressobj()
            try:
                yield stream.decompress(data[start.start() :], 1 << 22)
            except zlib.error:
                continue
