"""The source of the codes and choices that challenge plugins draw.

Cognito may call Create up to three times for one challenge, and every call must give the same code.
So a code is not drawn at random in each call, but from a stream that the key ring, a random nonce
and the context decide: HMAC-SHA256 in counter mode over a seed that HKDF derives. Without the key
the nonce tells nothing, so it may stand in a store.

Source: "Important considerations" of Lambda triggers in the Amazon Cognito developer guide.
"""

import hmac
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, NoReturn, Self, TypeVar

from authflow.errors import MisuseError

if TYPE_CHECKING:
    from authflow.keys.key_ring import KeyProvider

T = TypeVar("T")

_NONCE_BYTES: Final = 32

_PURPOSE: Final = "randomness"
_DIGITS: Final = "0123456789"
_MOST: Final = 4096
"""The most characters or bytes in one draw; no challenge needs more."""


class Randomness:
    """A stream of random values. The same draws in the same order give the same values.

    Make one by `derived`, `seeded` or `system`. It shows nothing of itself, nor can it be pickled.

    Args:
        read: Gives as many bytes as it is asked for.
    """

    __slots__ = ("__read",)

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self.__read = read

    @classmethod
    def system(cls) -> Self:
        """Return a stream from the operating system: never the same values twice."""
        return cls(os.urandom)

    @classmethod
    def seeded(cls, seed: bytes) -> Self:
        """Return a stream from a seed, for tests. Whoever knows the seed knows every value.

        Args:
            seed: Any bytes.
        """
        return cls(_stream(hmac.digest(b"authflow.randomness.seeded", seed, "sha256")))

    @classmethod
    async def new_nonce(cls, keys: "KeyProvider") -> str:
        """Draw a nonce for `derived`. The nonce records which key is the current one.

        Args:
            keys: The keys.
        """
        from authflow.keys.key_ring import ring_of  # noqa: PLC0415  # not for slim starts

        ring = await ring_of(keys)
        return f"{ring.current}.{os.urandom(_NONCE_BYTES).hex()}"

    @classmethod
    async def derived(cls, keys: "KeyProvider", nonce: str, *context: str) -> Self:
        """Return the stream that the keys, a nonce and a context determine.

        Args:
            keys: The keys.
            nonce: From `new_nonce`.
            *context: What the values are for, such as the pool, the user and the challenge.

        Raises:
            MisuseError: The nonce is not from `new_nonce`, or its key is not in the ring any more.
        """
        from authflow.keys.key_ring import ring_of  # noqa: PLC0415  # not for slim starts

        key_id, _, drawn = nonce.partition(".")
        ring = await ring_of(keys, having=key_id)
        if key_id not in ring.keys or len(drawn) < _NONCE_BYTES:
            msg = "the nonce was not made by new_nonce, or its key was taken out of the key ring"
            raise MisuseError(msg)
        return cls(_stream(ring.subkey(_PURPOSE, drawn, *context, key_id=key_id)))

    def octets(self, count: int) -> bytes:
        """Draw bytes.

        Args:
            count: How many, from 1 to 4096.

        Raises:
            MisuseError: The count is not in that range.
        """
        return self.__read(_checked(count))

    def digits(self, count: int) -> str:
        """Draw decimal digits, each as likely as every other.

        Args:
            count: How many, from 1 to 4096.

        Raises:
            MisuseError: The count is not in that range.
        """
        return self.text(_DIGITS, count)

    def text(self, alphabet: str, count: int) -> str:
        """Draw characters of an alphabet, each as likely as every other.

        Args:
            alphabet: At least two characters, each of them once.
            count: How many to draw, from 1 to 4096.

        Raises:
            MisuseError: The alphabet has too few characters or one twice, or the count is not in
                that range.
        """
        if not isinstance(alphabet, str) or len(alphabet) < 2 or len(set(alphabet)) < len(alphabet):
            msg = "an alphabet is a string of at least two characters, each of them once"
            raise MisuseError(msg)
        return "".join(alphabet[self._below(len(alphabet))] for _ in range(_checked(count)))

    def choice(self, options: Sequence[T]) -> T:
        """Draw one of several options, each as likely as every other.

        Args:
            options: At least one.

        Raises:
            MisuseError: There is none.
        """
        if not options:
            msg = "there is nothing to choose from"
            raise MisuseError(msg)
        return options[self._below(len(options))]

    def _below(self, bound: int) -> int:
        """Draw a number from 0 to bound - 1. Numbers that would favour some values are skipped."""
        bits = (bound - 1).bit_length()
        if not bits:
            return 0
        size = (bits + 7) // 8
        while True:
            drawn = int.from_bytes(self.__read(size), "big") >> (8 * size - bits)
            if drawn < bound:
                return drawn

    def __repr__(self) -> str:
        return "Randomness(***)"

    def __reduce_ex__(self, _protocol: Any) -> NoReturn:
        msg = "a Randomness cannot be copied or pickled: two copies would give the same values"
        raise TypeError(msg)


def _stream(seed: bytes) -> Callable[[int], bytes]:
    """Expand a seed: block i is HMAC-SHA256(seed, i)."""
    left, block = b"", 0

    def read(count: int) -> bytes:
        nonlocal left, block
        while len(left) < count:
            left += hmac.digest(seed, block.to_bytes(8, "big"), "sha256")
            block += 1
        taken, left = left[:count], left[count:]
        return taken

    return read


def _checked(count: int) -> int:
    if type(count) is not int or not 1 <= count <= _MOST:
        msg = f"draw from 1 to {_MOST} at a time"
        raise MisuseError(msg)
    return count
