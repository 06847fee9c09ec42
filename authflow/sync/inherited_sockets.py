"""The kind of event loop that the shared loop is: a child process gets no socket of it.

A child that is made by `fork` has a copy of everything, without the threads: connections of the
parent's, and the kernel's list of what is waited for, which both would change. To close a
connection there would write to it (TLS says good-bye) and take it off the parent's list. So in the
child each of them is replaced by a file that nobody reads, and the list by an empty one.
"""

import asyncio
import os
import selectors
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial
from typing import Any, TypeVar

import anyio.to_thread

T = TypeVar("T")


class OwnLoop(asyncio.SelectorEventLoop):
    """An event loop whose sockets can be taken away in a child process."""

    def __init__(self) -> None:
        self._waited_for = selectors.DefaultSelector()
        super().__init__(self._waited_for)

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
        opened = [key.fd for key in self._waited_for.get_map().values()]
        nothing = os.open(os.devnull, os.O_RDWR)
        try:
            for descriptor in opened:
                os.dup2(nothing, descriptor, inheritable=False)
        finally:
            os.close(nothing)
        self._waited_for.close()
        self._waited_for.__init__()  # type: ignore[misc]  # an empty one, for whoever still asks it
