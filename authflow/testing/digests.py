"""The hashes of an answer that whoever sees one can find it by."""

import functools
import hashlib
import hmac
import itertools
import zlib
from collections.abc import Callable, Collection, Iterator
from typing import Any, Final

_HASHES: Final = (
    *("md5", "sha1", "sha224", "sha256", "sha384", "sha512", "blake2b", "blake2s"),
    *("sha3_256", "sha3_512"),
)
_SEPARATORS: Final = (b"", b":", b"-", b".", b"|", b"$")


def digests(
    answer: str, salts: Collection[bytes], forms: Collection[str] | None
) -> Iterator[tuple[str, bytes]]:
    """Give the hashes of an answer, with the names of their forms.

    Args:
        answer: The answer.
        salts: What may have served as a salt or a key.
        forms: Only these forms; all if it is None.
    """
    plain = {text.encode("utf-8", "surrogatepass") for text in _variants(answer)}
    for name in _HASHES:
        function = functools.partial(getattr(hashlib, name), usedforsecurity=False)
        for form, hashed in (
            (name, _hashed),
            (f"{name} of {name}", _hashed_twice),
            (f"salted {name}", _salted),
            (f"HMAC-{name} under a public key", functools.partial(_keyed, name)),
        ):
            if forms is None or form in forms:
                for digest in hashed(function, plain, salts):
                    yield form, digest
    for text in plain:
        yield "CRC-32", zlib.crc32(text).to_bytes(4, "big")
        yield "Adler-32", zlib.adler32(text).to_bytes(4, "big")


def _hashed(
    function: Callable[[bytes], Any], plain: Collection[bytes], _salts: Collection[bytes]
) -> Iterator[bytes]:
    for text in plain:
        yield function(text).digest()


def _hashed_twice(
    function: Callable[[bytes], Any], plain: Collection[bytes], _salts: Collection[bytes]
) -> Iterator[bytes]:
    for text in plain:
        digest = function(text).digest()
        yield function(digest).digest()
        yield function(digest.hex().encode()).digest()


def _salted(
    function: Callable[[bytes], Any], plain: Collection[bytes], salts: Collection[bytes]
) -> Iterator[bytes]:
    for text, salt, between in itertools.product(plain, salts, _SEPARATORS):
        yield function(salt + between + text).digest()
        yield function(text + between + salt).digest()


def _keyed(
    name: str,
    _function: Callable[[bytes], Any],
    plain: Collection[bytes],
    salts: Collection[bytes],
) -> Iterator[bytes]:
    for text, salt in itertools.product(plain, salts):
        yield hmac.digest(salt, text, name)


def _variants(answer: str) -> list[str]:
    return [*dict.fromkeys([answer, answer.lower(), answer.upper(), answer.casefold()])]
