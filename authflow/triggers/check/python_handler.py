"""A Define trigger written in Python for Lambda, called in this process.

A handler gets a thread of its own, where it may run an event loop; one that is a coroutine function
is run by a loop that the thread keeps. All that is the handler's runs there: what it returns is
written as JSON, and what it raises is put into words. A thread cannot be ended: one whose handler
does not return is left behind, and does not keep the process from ending.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from queue import SimpleQueue
from threading import Thread
from typing import Any, Final

import anyio
from attrs import define, field

from authflow.triggers.check.define_paths import (
    TIMEOUT,
    Define,
    DefineFailedError,
    as_json,
    check_timeout,
    raised,
)
from authflow.triggers.lambda_context import LambdaContext

Handler = Callable[[dict[str, Any], Any], Any]

_FUNCTION: Final = "define-auth-challenge"

_Told = asyncio.Future[Any]


def in_process(handler: Handler, *, timeout: float = TIMEOUT) -> Define:
    """Make a Define trigger from a handler.

    Args:
        handler: Called with the event and a context like Lambda's. It may be a coroutine function.
        timeout: How many seconds one answer may take.

    Raises:
        ConfigError: The time is not positive.
    """
    check_timeout(timeout)
    thread = _HandlerThread(handler=handler, timeout=timeout)

    async def define(event: dict[str, Any]) -> Any:
        try:
            with anyio.fail_after(timeout):
                return await thread.ask(event)
        except TimeoutError:
            msg = f"does not answer within {timeout:g} seconds; --timeout gives it more"
            raise DefineFailedError(msg) from None

    return define


@define(kw_only=True, eq=False)
class _HandlerThread:
    """Runs a handler in one thread, event after event.

    Args:
        handler: The handler.
        timeout: How many seconds it is told that it has for an event.
    """

    handler: Handler
    timeout: float
    _events: SimpleQueue[tuple[dict[str, Any], _Told]] | None = field(default=None, init=False)

    async def ask(self, event: dict[str, Any]) -> Any:
        """Pass an event to the handler.

        Args:
            event: The event.

        Returns:
            What the handler gave, as JSON says it.

        Raises:
            DefineFailedError: It raised, or gave what JSON cannot say.
        """
        if self._events is None:
            self._events = SimpleQueue()
            Thread(target=self._serve, args=(self._events,), daemon=True).start()
        told: _Told = asyncio.get_running_loop().create_future()
        self._events.put((event, told))
        try:
            return await told
        except asyncio.CancelledError:
            self._events = None  # its thread may never end: the next event gets a new one
            raise

    def _serve(self, events: SimpleQueue[tuple[dict[str, Any], _Told]]) -> None:
        runner = asyncio.Runner()  # creates its loop at the first use
        while True:
            event, told = events.get()
            given, failure = None, ""
            try:
                context = LambdaContext.of(_FUNCTION, seconds=self.timeout)
                given = self.handler(event, context)
                if inspect.isawaitable(given):
                    given = runner.run(_awaited(given))
                given = as_json(given)
            except DefineFailedError as error:
                failure = str(error)
            except SystemExit:
                failure = "ends the process (SystemExit) instead of answering"
            except BaseException as error:  # noqa: BLE001  # all of it is for who asked
                failure = raised(error)
            loop = told.get_loop()
            if loop.is_closed():
                runner.close()
                return
            loop.call_soon_threadsafe(_tell, told, given, failure)


async def _awaited(given: Awaitable[Any]) -> Any:
    return await given


def _tell(told: _Told, given: Any, failure: str) -> None:
    if told.done():
        return
    if failure:
        told.set_exception(DefineFailedError(failure))
    else:
        told.set_result(given)
