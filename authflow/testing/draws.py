"""Randomness whose draws can be repeated one by one: all as before, and one of them anew.

So one sign-in can be made again with another code and nothing else changed: what is public must
not change with it.
"""

import math
from collections.abc import Callable, Collection, Sequence
from typing import Final, TypeVar

from attrs import field, frozen

from authflow.keys.randomness import Randomness

T = TypeVar("T")

_BITS_OF_AN_OCTET: Final = 8


@frozen(kw_only=True)
class Draw:
    """One draw.

    Args:
        place: At which attempt it was drawn, and which of that attempt's draws it was, from 0.
        bits: How much there was to draw from, as a binary logarithm.
        drawn: What was drawn.
    """

    place: tuple[int, int]
    bits: float
    drawn: object = field(repr=False)
    _draw: Callable[[Randomness], object] = field(repr=False, eq=False)

    def again(self, seed: str, turn: int) -> bool:
        """Say whether a turn gives the same.

        Args:
            seed: What decides all draws.
            turn: Which turn.
        """
        return self._draw(_stream(seed, self.place, turn)) == self.drawn


class Draws(Randomness):
    """The randomness of one attempt. Each draw has a stream of its own.

    Args:
        seed: What decides all draws.
        attempt: Which attempt it is for.
        anew: The places of the draws to take from elsewhere.
        turn: From where: each turn gives others; 0 gives what all others are given.
        into: Where to write the draws down.
    """

    __slots__ = ("_anew", "_attempt", "_into", "_number", "_seed", "_turn")

    def __init__(
        self,
        *,
        seed: str,
        attempt: int,
        anew: Collection[tuple[int, int]],
        turn: int,
        into: list[Draw],
    ) -> None:
        super().__init__(Randomness.seeded(seed.encode()).octets)
        self._seed, self._attempt, self._anew, self._turn = seed, attempt, anew, turn
        self._into, self._number = into, 0

    def octets(self, count: int) -> bytes:
        """Draw bytes."""
        return self._draw(lambda stream: stream.octets(count), _BITS_OF_AN_OCTET * count)

    def text(self, alphabet: str, count: int) -> str:
        """Draw characters of an alphabet; `digits` draws by it, too."""
        return self._draw(
            lambda stream: stream.text(alphabet, count), math.log2(max(1, len(alphabet))) * count
        )

    def choice(self, options: Sequence[T]) -> T:
        """Draw one of several options."""
        return self._draw(lambda stream: stream.choice(options), math.log2(max(1, len(options))))

    def _draw(self, draw: Callable[[Randomness], T], bits: float) -> T:
        place = self._attempt, self._number
        self._number += 1
        turn = self._turn if place in self._anew else 0
        drawn = draw(_stream(self._seed, place, turn))
        self._into.append(Draw(place=place, bits=bits, drawn=drawn, draw=draw))
        return drawn


def _stream(seed: str, place: tuple[int, int], turn: int) -> Randomness:
    return Randomness.seeded(f"{seed} {place} {turn}".encode())
