"""Key rings, the state that they seal, and the random values drawn from them."""

from typing import TYPE_CHECKING

from authflow.lazy_names import lazy_names as _lazy_names

if TYPE_CHECKING:
    from authflow.keys.key_ring import CachedKeys, KeyProvider, KeyRing, ring_of, ring_with
    from authflow.keys.randomness import Randomness
    from authflow.keys.sealing import Binding, Sealer
else:
    __getattr__, __dir__ = _lazy_names(
        __name__,
        {
            "authflow.keys.key_ring": "CachedKeys KeyProvider KeyRing ring_of ring_with",
            "authflow.keys.randomness": "Randomness",
            "authflow.keys.sealing": "Binding Sealer",
        },
    )

__all__ = [
    "Binding",
    "CachedKeys",
    "KeyProvider",
    "KeyRing",
    "Randomness",
    "Sealer",
    "ring_of",
    "ring_with",
]
