"""The kind of event loop that the shared loop is: a child process gets no socket of it.

How they are taken away says `authflow.event_loop.leave_to_the_parent`.
"""

import asyncio
import selectors
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial
from typing import Any, TypeVar

import anyio.to_thread

from authflow.event_loop import leave_to_the_parent

T = TypeVar("T")


class OwnLoop(asyncio.SelectorEventLoop):
    """An event loop whose sockets can be taken away in a child process."""

    def __init__(self) -> None:
        self._waited_for = selectors.DefaultSelector()
        self.was_broken_off = False
        """Whether an error ended it, as SystemExit does wherever it is raised."""
        super().__init__(self._waited_for)

    def run_forever(self) -> None:
        """Run until it is stopped, or until an error ends it."""
        try:
            super().run_forever()
        except BaseException:
            self.was_broken_off = True  # known before its tasks end, whose waiters may call again
            raise

    def run_in_executor(  # type: ignore[override]  # it is awaited, and nothing else
        self, executor: Executor | None, function: Callable[..., T], *args: Any
    ) -> "asyncio.Future[T]":
        """Run a function in a thread, such as the one that looks addresses up.

        The threads of asyncio itself take no work once the main thread has ended, while others of
        the program may go on.
        """
        if executor is not None:
            return super().run_in_executor(executor, function, *args)
        return self.create_task(
            anyio.to_thread.run_sync(partial(function, *args), abandon_on_cancel=True)
        )

    def leave_to_the_parent(self) -> None:
        """Leave all sockets, in a child process that has inherited this loop."""
        self.set_exception_handler(lambda _loop, _context: None)
        leave_to_the_parent(self._waited_for)
