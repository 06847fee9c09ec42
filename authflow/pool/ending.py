"""The signals that end a server that runs as a process."""

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final

import anyio

_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def asked_to_end() -> Iterator[anyio.Event]:
    """Yield an event that SIGTERM or SIGINT sets; afterwards both signals act as before."""
    ending = anyio.Event()
    with _signals_to(lambda _number: ending.set()):
        yield ending


@contextmanager
def cancelled_by_signals() -> Iterator[None]:
    """Cancel what runs inside on SIGTERM or SIGINT; when it has ended, the signal acts as before.

    By itself a signal raises wherever it finds the process: in the midst of a request, for one,
    whose server would then write a traceback. A second signal ends the process at once.
    """
    came: list[int] = []
    with anyio.CancelScope() as scope:

        def cancel(number: int) -> None:
            if came:
                signal.signal(number, signal.SIG_DFL)
                signal.raise_signal(number)
            came.append(number)
            scope.cancel()

        with _signals_to(cancel):
            yield
    if came:
        signal.raise_signal(came[0])


@contextmanager
def _signals_to(act: Callable[[int], object]) -> Iterator[None]:
    """Call a function on the event loop with the number of each signal.

    Where an event loop takes no signals, as on Windows, the process's own handlers tell it.
    """
    loop = asyncio.get_running_loop()

    def tell(number: int, _frame: Any) -> None:
        loop.call_soon_threadsafe(act, number)

    with ExitStack() as stack:
        for number in _SIGNALS:
            before = signal.getsignal(number)
            if before is not None:  # Python cannot restore a handler that it did not set
                stack.callback(signal.signal, number, before)
            try:
                loop.add_signal_handler(number, act, number)
            except NotImplementedError:
                signal.signal(number, tell)
            else:
                stack.callback(loop.remove_signal_handler, number)
        yield
