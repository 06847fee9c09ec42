"""The signals that end a server that runs as a process."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final

import anyio

_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def asked_to_end() -> Iterator[anyio.Event]:
    """Yield an event that SIGTERM or SIGINT sets; afterwards both signals act as before.

    Where an event loop takes no signals, as on Windows, the process's own handlers tell it.
    """
    ending, loop = anyio.Event(), asyncio.get_running_loop()

    def tell(*_: Any) -> None:
        loop.call_soon_threadsafe(ending.set)

    with ExitStack() as stack:
        for number in _SIGNALS:
            before = signal.getsignal(number)
            if before is not None:  # Python cannot restore a handler that it did not set
                stack.callback(signal.signal, number, before)
            try:
                loop.add_signal_handler(number, ending.set)
            except NotImplementedError:
                signal.signal(number, tell)
            else:
                stack.callback(loop.remove_signal_handler, number)
        yield ending
