"""A public value in all ways in which it can be read: as text, unpacked, and by its pieces."""

import base64
import binascii
import html
import re
import unicodedata
import zlib
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import unquote_plus

from attrs import frozen

CERTAIN: Final = 6
"""Characters that stand nowhere by chance."""
CERTAIN_BYTES: Final = 6
"""Bytes of a hash that convict by themselves."""
BETWEEN: Final = re.compile(r"[\W_]+")
"""What stands between the signs of a text, or its parts."""

_LEAST_BYTES: Final = 3
"""Bytes of a hash that are looked for: whoever shortens one below that tells less than a guess."""
_MOST_DATA: Final = 4096
"""Bytes in which a hash is looked for as it is. What is larger is a picture or a sound."""
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
    """Public values in all ways in which they can be read. Make it by `of`.

    Args:
        texts: Readings of it, in lower case.
        own: Those of them that are not unpacked, in lower case.
        cased: Readings of it as they are, in base64's usual alphabet.
        data: What is packed into it.
        pieces: All pieces of hex in it, of base64 and of data, as long as the least part of a hash
            that convicts.
    """

    texts: tuple[str, ...]
    own: tuple[str, ...]
    cased: tuple[str, ...]
    data: tuple[bytes, ...]
    pieces: frozenset[str | bytes]

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
                {
                    *_windows(_HEX_TEXT, lower, 2 * _LEAST_BYTES),
                    *_windows(_BASE64_TEXT, cased, 4 * _LEAST_BYTES // 3),
                    *_octets(data),
                }
            ),
        )

    def holds(self, sign: str) -> bool:
        """Say whether a text stands in it.

        Args:
            sign: The text.
        """
        lower = sign.lower()
        if any(lower in text for text in self.texts):
            return True
        plain, wide = (sign.encode(code, "surrogatepass") for code in ("utf-8", "utf-16-le"))
        return len(sign) >= CERTAIN and any(plain in one or wide in one for one in self.data)

    def is_packed(self, sign: str) -> bool:
        """Say whether a text that stands in it does so only within what is packed.

        Args:
            sign: The text.
        """
        return not any(sign.lower() in text for text in self.own)

    def tells_a_password_hash(self) -> bool:
        """Say whether a hash of the kinds that passwords are stored in stands in it."""
        return any(_PASSWORD_HASH.search(text) for text in self.texts)

    def bytes_of(self, digest: bytes) -> int:
        """Say how many of a hash's first bytes stand in it: none, a few, or enough.

        Args:
            digest: The hash.
        """
        certain = digest[:CERTAIN_BYTES]
        in_text = any(certain.hex() in text for text in self.texts)
        in_base64 = any(_base64_of(certain) in text for text in self.cased)
        if in_text or in_base64 or any(certain in one for one in self.data):
            return CERTAIN_BYTES
        return _LEAST_BYTES if any(piece in self.pieces for piece in starts(digest)) else 0


def _without_signs_between(texts: Iterable[str]) -> tuple[str, ...]:
    """Give texts as they are, and each without what stands between its signs."""
    every = dict.fromkeys(texts)
    return tuple({**every, **{BETWEEN.sub("", text): None for text in every}})


def starts(digest: bytes) -> tuple[str | bytes, ...]:
    """Give the least part of a hash that convicts, in each way in which it can stand in a text.

    Args:
        digest: The hash.
    """
    start = digest[:_LEAST_BYTES]
    return start, start.hex(), _base64_of(start)


def _base64_of(data: bytes) -> str:
    """Give base64 of data, without the end that depends on what follows."""
    return base64.b64encode(data).decode().rstrip("=")[: len(data) * 8 // 6]


def _windows(runs: re.Pattern[str], texts: Iterable[str], size: int) -> frozenset[str]:
    """Give all pieces of a size of what an expression finds."""
    return frozenset(
        run[start : start + size]
        for text in texts
        for run in runs.findall(text)
        for start in range(len(run) - size + 1)
    )


def _readings(text: str) -> Iterator[str]:
    """Read a text as it is, and without what wraps it: percent signs, entities, tags, accents."""
    yield text
    unwrapped = _TAGS.sub("", html.unescape(unquote_plus(text)))
    yield unwrapped
    yield unicodedata.normalize("NFKC", unwrapped)


def _as_text(data: bytes) -> str:
    """Read data as text, if it is."""
    if b"\0" in data:
        return ""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return ""


def _octets(data: Iterable[bytes]) -> Iterator[bytes]:
    """Give all pieces of data as long as the least part of a hash that convicts."""
    for one in data:
        if len(one) <= _MOST_DATA:
            for start in range(len(one) - _LEAST_BYTES + 1):
                yield one[start : start + _LEAST_BYTES]


def _unpacked(text: bytes) -> Iterator[bytes]:
    """Give what is packed into a text: base64, hex, and zlib's streams and a PNG's within that."""
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
