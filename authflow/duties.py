"""Duties: what has to be done although whoever began it is cancelled.

A shield of anyio's keeps anyio's own cancellation away and no other: that of asyncio itself, which
`asyncio.timeout`, `asyncio.wait_for`, a task group or a server that shuts down sends, goes through
it. So a duty is a task of its own. Who began it waits for it, but for a cancellation of asyncio;
then the duty goes on alone. It takes a limited time, and whoever owns it waits for it when it
closes. It fails in the log, for what the caller ended with is what counts.
"""

import asyncio
import logging
from collections.abc import Coroutine, Hashable
from typing import Any

import anyio
from attrs import define, field

_log = logging.getLogger(__name__)


@define(eq=False)
class Duties:
    """Carries out duties."""

    _running: "dict[asyncio.Task[None], Hashable]" = field(factory=dict, init=False, repr=False)

    async def run(
        self,
        duty: Coroutine[Any, Any, object],
        *,
        about: Hashable,
        failed: str,
        work_timeout: float,
    ) -> None:
        """Carry out a duty, and wait for it unless asyncio cancels the caller.

        Args:
            duty: What to do.
            about: What it concerns, for those who wait by `ended`.
            failed: What the log says if it fails; its text shows nothing of a secret.
            work_timeout: Seconds that it may take.
        """
        task = asyncio.get_running_loop().create_task(_carried_out(duty, failed, work_timeout))
        self._running[task] = about
        task.add_done_callback(self._running.pop)
        await _waited({task})

    async def ended(self, about: Hashable) -> None:
        """Wait for the duties that concern something.

        Args:
            about: What.
        """
        tasks = {task for task, concerned in self._running.items() if concerned == about}
        if tasks:
            await asyncio.wait(tasks)

    async def aclose(self) -> None:
        """Wait for all duties. Their own time-outs end those that would last for ever."""
        while tasks := set(self._running):
            await _waited(tasks)


async def _waited(tasks: "set[asyncio.Task[None]]") -> None:
    with anyio.CancelScope(shield=True):
        await asyncio.wait(tasks)


async def _carried_out(duty: Coroutine[Any, Any, object], failed: str, work_timeout: float) -> None:
    try:
        with anyio.move_on_after(work_timeout) as scope:
            await duty
        if not scope.cancelled_caught:
            return
        why = "it took too long"
    except asyncio.CancelledError:
        _log.warning("%s: all tasks of the event loop were cancelled", failed)
        raise
    except Exception as error:  # noqa: BLE001  # nobody waits for it who could do something
        why = type(error).__qualname__
    _log.warning("%s: %s", failed, why)
