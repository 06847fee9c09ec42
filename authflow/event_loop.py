"""The event loop that an object belongs to, if its connections live on that loop.

A connection, a lock and a task serve the loop on which they were made. On another one they fail
late and in many ways, or never answer; so whoever keeps one says at once that this is another loop.
"""

import asyncio

from attrs import define, field

from authflow.errors import MisuseError


@define(eq=False)
class HomeLoop:
    """A record of the event loop that an object belongs to.

    Args:
        owner: The object that belongs to the loop, such as "this client".
        advice: What to do on another loop.
    """

    owner: str
    advice: str
    _loop: asyncio.AbstractEventLoop | None = field(default=None, init=False, repr=False)

    def claim(self) -> None:
        """Make the running loop the home loop, unless there is one already.

        Raises:
            MisuseError: There is one, and it is not the running loop.
        """
        running = asyncio.get_running_loop()
        if self._loop is None:
            self._loop = running
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
