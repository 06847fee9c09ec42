"""The event loop of a process that gets one event after the other, like a Lambda function.

A plugin may keep what belongs to an event loop: an HTTP session, connections to a database. With a
loop for each event, the second event would find it closed. So the process keeps one loop. It stands
still between two events, as the whole process does on Lambda: what runs in the background goes on
with the next event.
"""

import asyncio
import atexit
import threading
from collections.abc import Coroutine
from contextvars import copy_context
from functools import cache
from typing import Any, Final, TypeVar

from authflow.errors import MisuseError

R = TypeVar("R")

_one_at_a_time: Final = threading.Lock()


def run(serving: Coroutine[Any, Any, R]) -> R:
    """Serve an event on the process's loop. Threads take turns, since a loop serves one at a time.

    Args:
        serving: What serves it.

    Raises:
        MisuseError: This thread runs an event loop already.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        pass
    else:
        serving.close()
        msg = "an event loop runs here already: `await triggers.handle(event)` instead"
        raise MisuseError(msg)
    with _one_at_a_time:
        # A fresh context, so that the next event does not see this one's context variables.
        return _runner().run(serving, context=copy_context())


@cache
def _runner() -> asyncio.Runner:
    # With the factory, it does not become the thread's current loop, which belongs to the caller.
    runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
    atexit.register(runner.close)
    return runner
