"""A Define trigger as it is written for Lambda in Python, asked in this process.

A handler that is no coroutine function gets a thread of its own, where it may run an event loop. A
thread cannot be ended: one whose handler does not return is left behind, and does not keep the
process from ending.
"""

import asyncio
import inspect
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import Any

import anyio
from attrs import define, field

from authflow.triggers.check.define_paths import (
    TIMEOUT,
    Define,
    DefineFailedError,
    check_timeout,
)

Handler = Callable[[dict[str, Any], Any], Any]

_Told = asyncio.Future[Any]


def in_process(handler: Handler, *, timeout: float = TIMEOUT) -> Define:
    """Make a Define trigger of a handler.

    Args:
        handler: Called with the event and a context, which is None. It may be a coroutine function.
        timeout: How many seconds one answer may take.

    Raises:
        ConfigError: The time is not positive.
    """
    check_timeout(timeout)
    is_async = inspect.iscoroutinefunction(handler)
    thread = _HandlerThread(handler=handler)

    async def define(event: dict[str, Any]) -> Any:
        try:
            with anyio.fail_after(timeout) as scope:
                given = handler(event, None) if is_async else await thread.ask(event)
                return await given if inspect.isawaitable(given) else given
        except TimeoutError:
            if not scope.cancelled_caught:
                raise
            msg = f"does not answer within {timeout:g} seconds; --timeout gives it more"
            raise DefineFailedError(msg) from None
        except SystemExit:
            # It would end the check, and the check's exit code would be the handler's.
            msg = "ends the process (SystemExit) instead of answering"
            raise DefineFailedError(msg) from None

    return define


@define(kw_only=True, eq=False)
class _HandlerThread:
    """Runs a handler in one thread, event after event.

    Args:
        handler: The handler.
    """

    handler: Handler
    _events: SimpleQueue[tuple[dict[str, Any], _Told]] | None = field(default=None, init=False)

    async def ask(self, event: dict[str, Any]) -> Any:
        """Give an event to the handler.

        Args:
            event: The event.

        Returns:
            What the handler gave.
        """
        if self._events is None:
            self._events = SimpleQueue()
            Thread(target=self._serve, args=(self._events,), daemon=True).start()
        told: _Told = asyncio.get_running_loop().create_future()
        self._events.put((event, told))
        try:
            return await told
        except asyncio.CancelledError:
            self._events = None  # its thread is lost: the next event gets a new one
            raise

    def _serve(self, events: SimpleQueue[tuple[dict[str, Any], _Told]]) -> None:
        while True:
            event, told = events.get()
            given, error = None, None
            try:
                given = self.handler(event, None)
            except BaseException as raised:  # noqa: BLE001  # all of it is for who asked
                error = raised
            loop = told.get_loop()
            if loop.is_closed():
                return
            loop.call_soon_threadsafe(_tell, told, given, error)


def _tell(told: _Told, given: Any, error: BaseException | None) -> None:
    if told.done():
        return
    if error is None:
        told.set_result(given)
    elif isinstance(error, Exception) and not isinstance(error, StopIteration):
        told.set_exception(error)
    elif isinstance(error, SystemExit):
        told.set_exception(DefineFailedError("ends the process (SystemExit) instead of answering"))
    else:
        told.set_exception(DefineFailedError(f"raises {type(error).__name__}"))
