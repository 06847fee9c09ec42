"""Modular exponentiation, on which authflow spends most of its computing time.

Python's `pow` is neither constant-time nor kind to an event loop: it holds the GIL, for 17 ms at
SRP's sizes. pycryptodome's integers are as fast as GMP, made with side channels in mind, and
release the GIL, so that `modexp` runs in a thread while the loop goes on. To swap the engine,
change `modexp`; the tests hold every engine against `pow`.
"""

from functools import lru_cache

from Crypto.Math.Numbers import Integer


@lru_cache(maxsize=8)
def _modulus(value: int) -> Integer:
    """Return a modulus with the constants that the engine computes once for it (Montgomery)."""
    return Integer(value)


def modexp(base: int, exponent: int, modulus: int) -> int:
    """Compute `base ** exponent % modulus`.

    Args:
        base: Any integer, negative ones included.
        exponent: A non-negative integer; secret in most uses.
        modulus: An odd integer greater than 1.
    """
    return int(pow(Integer(base % modulus), exponent, _modulus(modulus)))
