"""A fair line: addresses and names take turns, however many requests each of them has in it.

Addresses take turns, and so do the names that one address asks for. So who floods waits behind his
own requests, and whoever else comes is next but a few.
"""

from collections import OrderedDict, deque
from typing import TYPE_CHECKING

from attrs import define, field, frozen

if TYPE_CHECKING:
    from asyncio import Future


@frozen(eq=False)
class Waiting:
    """A waiting request.

    Args:
        address: Where it came from.
        name: Whom it is about.
        turn: Becomes True when it is its turn, False if it has to go.
        stays: Whether it may not be sent away: something was done for it already.
    """

    address: str
    name: bytes
    turn: "Future[bool]"
    stays: bool = False


_Names = OrderedDict[bytes, deque[Waiting]]


@define
class FairLine:
    """The waiting requests, kept in order for each flow, which is an address and a name."""

    _addresses: OrderedDict[str, _Names] = field(factory=OrderedDict, init=False)
    _counts: dict[str, int] = field(factory=dict, init=False)
    _length: int = field(default=0, init=False)

    def __len__(self) -> int:
        return self._length

    def add(self, waiting: Waiting) -> None:
        """Add a request to the line."""
        names = self._addresses.setdefault(waiting.address, OrderedDict())
        names.setdefault(waiting.name, deque()).append(waiting)
        self._counts[waiting.address] = self._counts.get(waiting.address, 0) + 1
        self._length += 1

    def remove(self, waiting: Waiting) -> bool:
        """Remove a request from the line, and return whether it was there."""
        names = self._addresses.get(waiting.address, OrderedDict())
        flow = names.get(waiting.name, deque())
        if waiting not in flow:
            return False
        flow.remove(waiting)
        if not flow:
            del names[waiting.name]
        if not names:
            del self._addresses[waiting.address]
        self._counts[waiting.address] -= 1
        if not self._counts[waiting.address]:
            del self._counts[waiting.address]
        self._length -= 1
        return True

    def next(self) -> Waiting | None:
        """Remove and return the request whose turn it is; None if none waits."""
        if not self._length:
            return None
        address, names = next(iter(self._addresses.items()))
        name, flow = next(iter(names.items()))
        waiting = flow[0]
        self.remove(waiting)
        if name in names:
            names.move_to_end(name)
        if address in self._addresses:
            self._addresses.move_to_end(address)
        return waiting

    def displaced_by(self, address: str, name: bytes) -> Waiting | None:
        """Remove and return the request that must make room for a new one.

        It is the newest request of whoever has the most in line, if that is more than the newcomer
        would have: among addresses first, then among the names that the newcomer's own asks for.

        Args:
            address: The newcomer's.
            name: Whom it is about.

        Returns:
            None if it is the newcomer who has to go.
        """
        heaviest = max(self._counts, key=self._counts.__getitem__, default=address)
        if self._counts.get(heaviest, 0) <= self._counts.get(address, 0) + 1:
            heaviest = address
        names: _Names = self._addresses.get(heaviest, OrderedDict())
        fullest = max(names, key=lambda each: len(names[each]), default=name)
        flow = names.get(fullest, ())
        if heaviest == address and len(flow) <= len(names.get(name, ())) + 1:
            return None
        found = next((each for each in reversed(flow) if not each.stays), None)
        if found is not None:
            self.remove(found)
        return found
