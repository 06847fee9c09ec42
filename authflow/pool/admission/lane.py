"""Places for requests that compute, and the line of those that wait for a place.

A request holds a place until its first arithmetic is done. While its triggers run it has none, and
comes back to those that go on: a slow trigger keeps no processor idle.
"""

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator, Callable, Iterator
from contextvars import ContextVar
from typing import Final

from attrs import define, field

from authflow.pool.admission.fair_line import FairLine, Waiting
from authflow.pool.admission.outside_waits import OutsideWaits
from authflow.pool.cognito_errors import CognitoError, too_many_requests

_LEAST_SECONDS: Final = 0.001
"""The least time that a request is assumed to take, even in a line that has been idle."""
_ALWAYS: Final = 100
"""The number that may always wait: even a slow machine refuses no small number of requests."""
_WEIGHT: Final = 1 / 16
"""The weight of the newest request in the mean time for which a place is held."""
_SHARE: Final = 4
"""One of so many free places goes to a sign-in that begins, if further steps wait as well."""


@define(kw_only=True)
class Lane:
    """Places for requests that compute, and a line of those that wait for a place.

    Args:
        places: How many work at a time.
        max_wait: How many seconds a beginning may have to wait; what goes on, twice as long.
        clock: Gives seconds that never go back.
        held: How many seconds a place is held, as long as nothing was measured.
        most: How many beginnings may wait whatever it takes, and how many that go on: each has a
            connection, of which there are so many only.
    """

    places: int
    max_wait: float
    clock: Callable[[], float]
    held: float = 0.0
    most: float = math.inf
    _taken: int = field(default=0, init=False)
    _beginning: FairLine = field(factory=FairLine, init=False)
    _going_on: FairLine = field(factory=FairLine, init=False)
    _given: int = field(default=0, init=False)

    async def enter(
        self, address: str, name: bytes, *, going_on: bool = False, stays: bool = False
    ) -> bool:
        """Wait for a place.

        Args:
            address: Where the request came from.
            name: Whom it is about.
            going_on: Whether it is a further step of something that has begun.
            stays: Whether it may not be refused: something was done for it already.

        Returns:
            Whether it had to wait.

        Raises:
            CognitoError: It would have to wait too long.
        """
        if self._taken < self.places and not self._beginning and not self._going_on:
            self._taken += 1
            return False
        line = self._going_on if going_on else self._beginning
        if not stays and len(line) >= self._room(going_on=going_on):
            displaced = line.displaced_by(address, name)
            if displaced is None:
                raise too_many_requests()
            if not displaced.turn.done():
                displaced.turn.set_result(False)
        turn: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        waiting = Waiting(address=address, name=name, turn=turn, stays=stays)
        line.add(waiting)
        try:
            placed = await turn
        except asyncio.CancelledError:
            if not line.remove(waiting) and turn.done() and not turn.cancelled() and turn.result():
                self._leave()
            raise
        if not placed:
            raise too_many_requests()
        return True

    def leave(self, since: float) -> None:
        """Return a place to the lane.

        Args:
            since: When it was taken.
        """
        self.held += _WEIGHT * (self.clock() - since - self.held)
        self._leave()

    def _leave(self) -> None:
        self._taken -= 1
        while self._taken < self.places:
            waiting = self._next()
            if waiting is None:
                return
            if not waiting.turn.done():
                self._taken += 1
                waiting.turn.set_result(True)

    def _next(self) -> Waiting | None:
        self._given = (self._given + 1) % _SHARE
        lines = (self._going_on, self._beginning)
        first, second = lines if self._given else reversed(lines)
        return first.next() or second.next()

    def _room(self, *, going_on: bool) -> float:
        """Return how many may wait: as many as are served in the longest permitted wait."""
        seconds = max(_LEAST_SECONDS, self.held / self.places)
        return min(self.most, max(_ALWAYS, self.max_wait * (2 if going_on else 1) / seconds))


@define(kw_only=True)
class Ticket:
    """A request in progress: it has a place until its first computation is done.

    What it does later was paid for, and waits for nothing but a thread.
    """

    lane: Lane
    address: str
    name: bytes
    outside_waits: OutsideWaits = field(factory=lambda: OutsideWaits(room=math.inf))
    waited: bool = False
    _since: float | None = field(default=None, init=False)
    _worked: bool = field(default=False, init=False)

    async def enter(self, *, going_on: bool, stays: bool = False) -> None:
        """Wait for a place; see `Lane.enter`."""
        self.waited = await self.lane.enter(self.address, self.name, going_on=going_on, stays=stays)
        self._since = self.lane.clock()

    def leave(self) -> None:
        """Return the place to the lane, if the ticket has one."""
        if self._since is not None:
            since, self._since = self._since, None
            self.lane.leave(since)

    @contextlib.asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Hold a place during the first computation."""
        if self._since is None and not self._worked:
            await self.enter(going_on=True, stays=True)
        try:
            yield
        finally:
            self._worked = True
            self.leave()


_TICKET: ContextVar[Ticket | None] = ContextVar("ticket", default=None)


@contextlib.contextmanager
def at_work(ticket: Ticket) -> Iterator[None]:
    """Set the ticket for the work inside; at the end its place is free again."""
    token = _TICKET.set(ticket)
    try:
        yield
    finally:
        _TICKET.reset(token)
        ticket.leave()


@contextlib.asynccontextmanager
async def working() -> AsyncIterator[None]:
    """Hold a place for the current request during a computation."""
    ticket = _TICKET.get()
    if ticket is None:
        yield
    else:
        async with ticket.working():
            yield


@contextlib.contextmanager
def waiting_outside(pool_id: str, otherwise: CognitoError) -> Iterator[None]:
    """Release the place while waiting for something outside, such as a trigger.

    Args:
        pool_id: The user pool whose trigger it is.
        otherwise: What the client hears if too many wait already.

    Raises:
        CognitoError: `otherwise`.
    """
    ticket = _TICKET.get()
    if ticket is None:
        yield
        return
    with ticket.outside_waits.waiting(pool_id, otherwise):
        ticket.leave()
        yield
