"""The event loop that an object belongs to, where connections of it live on one.

A connection, a lock and a task serve the loop on which they were made. On another one they fail
late and in many ways, or never answer; so whoever keeps one says at once that this is another loop.
"""

import asyncio

from attrs import define, field

from authflow.errors import MisuseError


@define(eq=False)
class HomeLoop:
    """Remembers the loop.

    Args:
        what: Whose it is, such as "this client".
        advice: What to do on another loop.
    """

    what: str
    advice: str
    _loop: asyncio.AbstractEventLoop | None = field(default=None, init=False, repr=False)

    def claim(self) -> None:
        """Take the loop that runs here for the one, unless there is one already.

        Raises:
            MisuseError: There is, and this is another.
        """
        running = asyncio.get_running_loop()
        if self._loop is None:
            self._loop = running
        elif self._loop is not running:
            gone = ", which is closed" if self._loop.is_closed() else ""
            msg = f"{self.what} belongs to another event loop{gone}: {self.advice}"
            raise MisuseError(msg)

    def leave(self) -> None:
        """Belong to none again: nothing is kept on the loop any more.

        Raises:
            MisuseError: This is another loop.
        """
        if self._loop is not None:
            self.claim()
        self._loop = None
