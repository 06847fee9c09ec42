"""Randomness whose draws can be repeated: all as before, except one that is drawn anew.

So one sign-in can be made again with another code and nothing else changed: what is public must
not change with it.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeVar

from attrs import field, frozen

from authflow.keys.randomness import Randomness

T = TypeVar("T")

_BITS_OF_AN_OCTET: Final = 8
_TURNS: Final = 16
"""The most tries to draw something else: of two options, one may come again."""


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

    def turn(self, seed: str, at_least: int = 1) -> int:
        """Return a turn in which something else is drawn, if there is anything else.

        Args:
            seed: What decides all draws.
            at_least: The first turn to try; another one gives something else again.
        """
        turns = range(at_least, at_least + _TURNS)
        return next((turn for turn in turns if not self.again(seed, turn)), at_least)

    def again(self, seed: str, turn: int) -> bool:
        """Return whether a turn draws the same.

        Args:
            seed: What decides all draws.
            turn: Which turn.
        """
        return self._draw(_stream(seed, self.place, turn)) == self.drawn


class Draws(Randomness):
    """The randomness of one attempt. Each draw has its own stream.

    Args:
        seed: What decides all draws.
        attempt: Which attempt it is for.
        anew: The places of the draws to take from elsewhere, and from where: each turn gives
            others; 0 gives what all others are given.
        into: Where to write the draws down.
    """

    __slots__ = ("_anew", "_attempt", "_into", "_number", "_seed")

    def __init__(
        self,
        *,
        seed: str,
        attempt: int,
        anew: Mapping[tuple[int, int], int],
        into: list[Draw],
    ) -> None:
        super().__init__(Randomness.seeded(seed.encode()).octets)
        self._seed, self._attempt, self._anew = seed, attempt, anew
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
        return self._draw(lambda stream: stream.choice(options), math.log2(_different(options)))

    def _draw(self, draw: Callable[[Randomness], T], bits: float) -> T:
        place = self._attempt, self._number
        self._number += 1
        drawn = draw(_stream(self._seed, place, self._anew.get(place, 0)))
        self._into.append(Draw(place=place, bits=bits, drawn=drawn, draw=draw))
        return drawn


def _different(options: Sequence[object]) -> int:
    """Return the number of different options, at least one."""
    try:
        return max(1, len(set(options)))
    except TypeError:  # the options cannot be hashed
        return max(1, len(options))


def _stream(seed: str, place: tuple[int, int], turn: int) -> Randomness:
    return Randomness.seeded(f"{seed} {place} {turn}".encode())
