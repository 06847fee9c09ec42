"""The hashes of an answer from which it can be found by trying all answers."""

import functools
import hashlib
import hmac
import itertools
import zlib
from collections.abc import Callable, Collection, Iterator
from typing import Any, Final

from attrs import field, frozen

_HASHES: Final = (
    *("md5", "sha1", "sha224", "sha256", "sha384", "sha512", "blake2b", "blake2s"),
    *("sha3_256", "sha3_512"),
)
_COMMON: Final = ("md5", "sha1", "sha256", "sha512")
"""The hashes that are also looked for with salts of two parts, of which there are many."""
_BETWEEN_PARTS: Final = (b"", b":")
_STRETCHED: Final = {"sha1": (1, 10, 100), "sha256": (1, 10, 100, 1000), "sha512": (1, 10, 100)}
"""The most rounds of PBKDF2 that a test can try. Hashes of more rounds are found by what changes
with the code."""
_SEPARATORS: Final = (b"", b":", b"-", b".", b"|", b"$")


@frozen(kw_only=True)
class Salts:
    """The values that may have served as salts or keys.

    Args:
        single: Single ones.
        paired: Two parts, in the order in which they may have been used.
    """

    single: Collection[bytes] = field(repr=False)
    paired: Collection[tuple[bytes, bytes]] = field(repr=False, default=())


def digests(
    answer: str, salts: Salts, forms: Collection[str] | None
) -> Iterator[tuple[str, bytes]]:
    """Yield the hashes of an answer, with the names of their forms.

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
                for digest in hashed(function, plain, salts.single):
                    yield form, digest
    for name in _COMMON:
        form = f"{name} with a salt of two parts"
        if forms is None or form in forms:
            for digest in _salted_twice(name, plain, salts.paired):
                yield form, digest
    for name, rounds in _STRETCHED.items():
        form = f"PBKDF2 by {name}"
        if forms is None or form in forms:
            for text, salt, number in itertools.product(plain, salts.single, rounds):
                yield form, hashlib.pbkdf2_hmac(name, text, salt, number)
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


def _salted_twice(
    name: str, plain: Collection[bytes], pairs: Collection[tuple[bytes, bytes]]
) -> Iterator[bytes]:
    function = functools.partial(getattr(hashlib, name), usedforsecurity=False)
    for text, (one, two), between in itertools.product(plain, pairs, _BETWEEN_PARTS):
        for parts in ((one, two, text), (one, text, two), (text, one, two)):
            yield function(between.join(parts)).digest()
        for keyed in ((two, text), (text, two)):
            yield hmac.digest(one, between.join(keyed), name)


def _variants(answer: str) -> list[str]:
    return [*dict.fromkeys([answer, answer.lower(), answer.upper(), answer.casefold()])]
