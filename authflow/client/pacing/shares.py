"""The shares of a budget that several processes have, as they are kept in a store.

Each process has an entry: what it was granted, what it wants, and a beat that it counts up as long
as it lives. What is granted never adds up to more than the budget, for whoever takes more takes
what is free, by compare and set. No times are kept, since the clocks of machines differ.
"""

import json
from collections.abc import Mapping
from math import isfinite
from typing import Any, Final, Self

from attrs import field, frozen

from authflow.errors import StoreEntryError

_MOST_CHARS: Final = 200_000
_FORM: Final = 1
"""The form of what is kept."""


@frozen(kw_only=True)
class Share:
    """One process's share of a budget.

    Args:
        beat: How often it has told that it lives.
        granted: Requests a second that it may send.
        wanted: Requests a second that it would send.
        budget: Requests a second that all may send together, as far as it knows.
    """

    beat: int
    granted: float
    wanted: float
    budget: float


@frozen
class Shares:
    """The shares of all processes that use a budget.

    Args:
        of: Each process's, by its name.
    """

    of: Mapping[str, Share] = field(factory=dict)

    @classmethod
    def from_json(cls, text: bytes | None) -> Self:
        """Read what is kept.

        Args:
            text: From the store; None if nothing is kept.

        Raises:
            StoreEntryError: Something else wrote it.
        """
        if text is None:
            return cls()
        try:
            read = json.loads(text) if len(text) <= _MOST_CHARS else None
            if not isinstance(read, dict) or read["form"] != _FORM:
                raise _foreign()
            return cls({name: _share(*entry) for name, entry in read["shares"].items()})
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise _foreign() from None

    def to_json(self) -> bytes:
        """Return what is kept."""
        shares = {
            name: [
                share.beat,
                *(round(each, 4) for each in (share.granted, share.wanted, share.budget)),
            ]
            for name, share in self.of.items()
        }
        return json.dumps({"form": _FORM, "shares": shares}, separators=(",", ":")).encode()

    def granted_beside(self, name: str) -> float:
        """Return what all processes but one were granted, in requests a second."""
        return sum(share.granted for each, share in self.of.items() if each != name)

    @property
    def budget(self) -> float:
        """The least budget that one of the processes knows, in requests a second."""
        return min(share.budget for share in self.of.values())

    def fair(self, name: str) -> float:
        """Return a process's fair share: nobody has more while somebody wants it who has less.

        What nobody wants is split evenly, with a part for a process that may come.

        Args:
            name: The process, one of those that have a share.
        """
        left = self.budget
        wanting = sorted((share.wanted, each) for each, share in self.of.items())
        fair = 0.0
        for at, (wanted, each) in enumerate(wanting):
            given = min(wanted, left / (len(wanting) - at))
            left -= given
            if each == name:
                fair = given
        return fair + left / (len(wanting) + 1)


def _share(beat: Any, *rates: Any) -> Share:
    if type(beat) is not int or not all(map(_is_rate, rates)):
        raise _foreign()
    granted, wanted, budget = map(float, rates)
    return Share(beat=beat, granted=granted, wanted=wanted, budget=budget)


def _is_rate(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and 0 <= value <= 1e12 and isfinite(value)


def _foreign() -> StoreEntryError:
    return StoreEntryError("the shares of a budget in the store were not written by authflow")
