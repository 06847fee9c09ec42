"""Writes that others came before: how often one is tried again, and how soon.

A store refuses a write whose version is not the one that is there. Then somebody else has written
in between, and whoever loses reads again and tries anew. That ends soon, unless the store refuses
what nobody has written before, and then it would never end: so each of these loops has one bound,
and pauses, in which other tasks have their turn and a deadline can end it.
"""

import random
from typing import Final

import anyio
from attrs import define, field

from authflow.errors import StoreUnavailableError

MOST_LOST: Final = 20
"""The most writes in vain of one task. Each that is lost means that another one has got through."""
_FIRST_PAUSE: Final = 0.001
_LONGEST_PAUSE: Final = 0.1


@define
class LostWrites:
    """Counts the writes of a task that others came before.

    Args:
        most: How many there may be.
    """

    most: int = MOST_LOST
    _pauses: list[float] = field(factory=lambda: [_FIRST_PAUSE], init=False, repr=False)

    async def note(self) -> None:
        """Note that a write was in vain, and pause before the next one, at most 0.1 seconds.

        Raises:
            StoreUnavailableError: There were too many.
        """
        if len(self._pauses) >= self.most:
            msg = "the store of signed-in users takes no write: it says each time that another came"
            raise StoreUnavailableError(f"{msg} first; try later")
        pause = self._pauses[-1]
        self._pauses.append(min(pause * 2, _LONGEST_PAUSE))
        await anyio.sleep(random.uniform(pause / 2, pause))  # noqa: S311  # spreads load
