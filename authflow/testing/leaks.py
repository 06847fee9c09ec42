"""Looks for an answer in what everybody may see: plain, encoded, hashed, and hashed with salts.

Whoever sees a hash of a short code finds the code by trying all of them. The suite knows the code,
so it need not try: it looks for the hashes of this one.
"""

import base64
import binascii
import hashlib
import hmac
import itertools
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

_HASHES: Final = ("md5", "sha1", "sha224", "sha256", "sha384", "sha512", "blake2b", "blake2s")
_PREFIX: Final = 6
"""Bytes of a hash that convict: whoever shortens one below that still tells less than a guess."""
_BASE64: Final = re.compile(rb"[A-Za-z0-9+/_-]{8,}={0,2}")
_LEAST: Final = 3
"""An answer shorter than that stands in any text by chance."""


def leaks(answer: str, public: Mapping[str, str], context: Iterable[str]) -> frozenset[str]:
    """Say in which forms an answer can be found.

    Args:
        answer: The answer.
        public: What everybody may see, by its names.
        context: Further values that an attacker knows, and may have served as salts or keys.

    Returns:
        The forms, such as "sha256"; none if it was not found.
    """
    if len(answer) < _LEAST:
        return frozenset()
    texts = [text.encode("utf-8", "surrogatepass") for item in public.items() for text in item]
    seen = [*texts, *itertools.chain.from_iterable(map(_unpacked, texts))]
    salts = {
        salt.encode("utf-8", "surrogatepass")
        for salt in (*public, *public.values(), *context)
        if 0 < len(salt) <= 256 and salt != answer
    }
    found = {form for form, sign in _encodings(answer) if any(sign in text for text in seen)}
    haystack = b"\0".join(seen)
    lower = haystack.lower()
    for form, digest in _digests(answer, salts):
        start = digest[:_PREFIX]
        if (
            start in haystack
            or start.hex().encode() in lower
            or any(sign in haystack for sign in _base64_of(start))
        ):
            found.add(form)
    return frozenset(found)


def _variants(answer: str) -> set[str]:
    return {answer, answer.lower(), answer.upper(), answer.casefold(), answer.strip()}


def _encodings(answer: str) -> Iterator[tuple[str, bytes]]:
    for text in _variants(answer):
        plain = text.encode("utf-8", "surrogatepass")
        yield "plain", plain
        yield "reversed", plain[::-1]
        yield "hex", plain.hex().encode()
        yield "hex", plain.hex().upper().encode()
        if len(plain) >= _LEAST + 1:
            for sign in _base64_of(plain):
                yield "base64", sign


def _base64_of(data: bytes) -> set[bytes]:
    """Give both alphabets' base64 of data, without the end that depends on what follows."""
    whole = len(data) * 8 // 6
    return {
        encode(data).rstrip(b"=")[:whole] for encode in (base64.b64encode, base64.urlsafe_b64encode)
    }


def _digests(answer: str, salts: Iterable[bytes]) -> Iterator[tuple[str, bytes]]:
    plain = {text.encode("utf-8", "surrogatepass") for text in _variants(answer)}
    for name, text in itertools.product(_HASHES, plain):
        yield name, hashlib.new(name, text, usedforsecurity=False).digest()
        for salt in salts:
            for salted in (salt + text, text + salt, salt + b":" + text, text + b":" + salt):
                digest = hashlib.new(name, salted, usedforsecurity=False).digest()
                yield f"salted {name}", digest
            yield f"HMAC-{name} under a public key", hmac.digest(salt, text, name)


def _unpacked(text: bytes) -> Iterator[bytes]:
    """Give what is packed into a text: base64, and zlib's streams and a PNG's within that."""
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
