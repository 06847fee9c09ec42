"""The event loop that an object belongs to, if its connections live on that loop.

A connection, a lock and a task serve the loop on which they were made. On another one they fail
late and in many ways, or never answer; so whoever keeps one says at once that this is another loop.

A child process that `fork` has made inherits all of it, without the thread that ran the loop. What
can make its connections anew does so there. It keeps the old ones and never ends them: they are the
parent's as well, and to close one of TLS would write to it.
"""

import asyncio
import os
import selectors
from collections.abc import Callable
from typing import Final

from attrs import define, field

from authflow.errors import MisuseError

_KEPT: Final[list[object]] = []


def keep_for_ever(thing: object) -> None:
    """Keep what a parent process has made, and shares its connections.

    Args:
        thing: What.
    """
    _KEPT.append(thing)


def leave_to_the_parent(waited_for: selectors.BaseSelector) -> None:
    """Take the sockets of an event loop away, in a child process that has inherited it.

    The child has a copy of everything, without the threads: connections of the parent's, ports that
    it listens at, and the kernel's list of what is waited for, which both would change. To close a
    connection there would write to it (TLS says good-bye) and take it off the parent's list; a port
    would stay open, at which nobody answers. So each of them is replaced by a file that nobody
    reads, and the list by an empty one.

    Args:
        waited_for: What the loop waits by.
    """
    waited = waited_for.get_map()
    if waited is None:  # its loop is closed, and all that it had
        return
    opened = [key.fd for key in waited.values()]
    nothing = os.open(os.devnull, os.O_RDWR)
    try:
        for descriptor in opened:
            os.dup2(nothing, descriptor, inheritable=False)
    finally:
        os.close(nothing)
    waited_for.close()
    waited_for.__init__()  # type: ignore[misc]  # an empty one, for whoever still asks it


@define(eq=False)
class HomeLoop:
    """A record of the event loop that an object belongs to.

    Args:
        owner: The object that belongs to the loop, such as "this client".
        advice: What to do on another loop.
        renew: Makes connections and locks of the object anew, in a child process that has inherited
            it; without that, it cannot be used there.
    """

    owner: str
    advice: str
    renew: Callable[[], None] | None = field(default=None, repr=False)
    _process: int = field(factory=os.getpid, init=False, repr=False)
    _loop: asyncio.AbstractEventLoop | None = field(default=None, init=False, repr=False)

    def claim(self) -> None:
        """Make the running loop the home loop, unless there is one already.

        Raises:
            MisuseError: There is one, and it is not the running loop.
        """
        running = asyncio.get_running_loop()
        if self._loop is not None and self.renew is not None and self._process != os.getpid():
            keep_for_ever(self._loop)
            self._loop = None
            self.renew()
        if self._loop is None:
            self._loop, self._process = running, os.getpid()
        elif self._loop is not running:
            gone = ", which is closed" if self._loop.is_closed() else ""
            msg = f"{self.owner} belongs to another event loop{gone}: {self.advice}"
            raise MisuseError(msg)

    def leave(self) -> None:
        """Forget the home loop, since nothing of the object is left on it.

        Raises:
            MisuseError: The running loop is not the home loop.
        """
        if self._loop is not None:
            self.claim()
        self._loop = None
