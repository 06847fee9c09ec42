"""Places for calls of handlers: a limited number for each trigger of each user pool.

A slow trigger makes nobody wait but those who wait for it, as functions on Lambda scale each by
itself. A handler that is no coroutine function may block, so it gets a thread; where nobody waits
for it any more it keeps its place until it ends: what hangs cannot fill the machine with threads.
"""

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable, Hashable
from typing import Any, Final, TypeVar

import anyio
import anyio.to_thread
from attrs import define, field, frozen

T = TypeVar("T")

MOST: Final = 256
"""The most threads of one trigger of one user pool; a waiting thread costs some 50 KiB."""


class NoThreadError(Exception):
    """The operating system has no thread left: the handler was not called."""


@define
class _Room:
    """The places of one trigger."""

    taken: int = 0
    waiting: deque["asyncio.Future[None]"] = field(factory=deque)


@frozen(eq=False)
class Place:
    """A place for one call. Its holder calls at once, or leaves.

    Args:
        leave: Give it back.
    """

    leave: Callable[[], None]

    async def in_thread(self, function: Callable[..., T], *args: Any) -> T:
        """Call a function in a thread, and leave the place when it ends.

        Whoever is cancelled goes at once, and the thread goes on.

        Args:
            function: The function.
            *args: What it is called with.

        Raises:
            NoThreadError: There is no thread for it.
            RuntimeError: It tried to end the process.
        """
        loop, claim = asyncio.get_running_loop(), threading.Lock()

        def work() -> T | None:
            # The call may be cancelled before it begins: only one of the two can happen.
            if not claim.acquire(blocking=False):
                return None
            try:
                return function(*args)
            except Exception:
                raise
            except BaseException as error:
                # On Lambda this ends the function's process; here it would end the whole program.
                raise RuntimeError(f"the handler raised {type(error).__name__}") from error
            finally:
                with contextlib.suppress(RuntimeError):  # the loop is closed, so nobody waits
                    loop.call_soon_threadsafe(self.leave)

        try:
            # The places are the limit, not the limiter that all other threads share.
            given: Any = await anyio.to_thread.run_sync(
                work, abandon_on_cancel=True, limiter=anyio.CapacityLimiter(1)
            )
        except BaseException as error:
            if claim.acquire(blocking=False):
                self.leave()
                if isinstance(error, RuntimeError):
                    raise NoThreadError from error
            raise
        return given  # type: ignore[no-any-return]  # None only where nobody waits


@define
class Places:
    """The places of all triggers.

    Args:
        most: How many one trigger has.
    """

    most: int = MOST
    _rooms: dict[Hashable, _Room] = field(factory=dict, init=False, repr=False)

    async def place(self, trigger: Hashable) -> Place:
        """Wait for a place, in the order of arrival.

        Args:
            trigger: What has places of its own, such as a pool's id and a trigger's name.
        """
        loop = asyncio.get_running_loop()
        whose = (loop, trigger)
        room = self._rooms.setdefault(whose, _Room())

        def leave() -> None:
            while room.waiting:
                heir = room.waiting.popleft()
                if not heir.done():
                    heir.set_result(None)
                    return
            room.taken -= 1
            if not room.taken:
                del self._rooms[whose]

        if room.taken < self.most:
            room.taken += 1
            return Place(leave)
        turn = loop.create_future()
        room.waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                leave()  # the place came at the moment of the cancellation
            raise
        return Place(leave)
