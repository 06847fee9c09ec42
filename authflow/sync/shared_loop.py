"""The shared loop: the one event loop of a process, on which all its synchronous calls run.

It is begun by the first call, and ends with the interpreter: by then its clients are closed. In a
child process that `fork` has made there is none, and the first call there begins another.

FORKING. A thread may fork while the loop is in the middle of something, and the child would find
locks closed by a thread that it does not have, those of modules that are being imported among them.
So the fork waits until the loop has begun, and stands still between two steps; not for ever, since
the loop may need what the forking thread holds. Servers that are written in C, as uWSGI is, fork
and call none of Python's hooks: their children are told by the number of the process.

Sources: `os.register_at_fork` and `threading` in the Python reference; the pattern is that of
`fork`'s hooks in `logging`.
"""

import asyncio
import atexit
import logging
import os
import sys
import threading
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, Final

import anyio
from attrs import define, field

from authflow.errors import MisuseError
from authflow.event_loop import keep_for_ever
from authflow.own_task import own_task
from authflow.sync.call import Call
from authflow.sync.inherited_sockets import OwnLoop

_log: Final = logging.getLogger(__name__)

_LOOK_TIMEOUT: Final = 1.0
"""Seconds after which a thread that hands something over looks whether the loop is still there."""
_FORK_TIMEOUT: Final = 10.0
"""Seconds for which a fork waits for the loop, and the loop for a fork."""
_END_TIMEOUT: Final = 10.0
"""Seconds for which the end of the program waits for the loop."""
_CALLS_TIMEOUT: Final = 2.0
"""Seconds in which calls that are broken off have to end."""
_ENDED: Final = "the loop has ended"


@define(eq=False, repr=False)
class SharedLoop:
    """An event loop in a thread of its own. There is one in a process: see `current`."""

    loop: OwnLoop = field(factory=OwnLoop, init=False)
    pid: int = field(factory=os.getpid, init=False)
    """The process that it runs in."""
    _takes_calls: bool = field(default=False, init=False)
    _over: asyncio.Event = field(factory=asyncio.Event, init=False)
    _tasks: "set[asyncio.Task[None]]" = field(factory=set, init=False)
    _ready: threading.Event = field(factory=threading.Event, init=False)
    _thread: threading.Thread = field(init=False)
    _calls: "set[Call[Any]]" = field(factory=set, init=False)
    # What has an entry lives as long: else its number would be another's, which is never closed.
    _owned: dict[int, tuple[object, Callable[[], Awaitable[None]]]] = field(
        factory=dict, init=False
    )
    _users: dict[int, set[object]] = field(factory=dict, init=False)
    _sharing: asyncio.Lock = field(factory=asyncio.Lock, init=False)

    def __attrs_post_init__(self) -> None:
        # A daemon: the interpreter's end would wait for any other, which nobody has told to end.
        self._thread = threading.Thread(target=self._live, name="authflow-shared-loop", daemon=True)

    def start(self) -> None:
        """Begin the thread, and wait until its loop runs."""
        self._thread.start()
        self._ready.wait()

    @property
    def is_alive(self) -> bool:
        """Whether calls can run on it."""
        return (
            self._takes_calls
            and not self.loop.was_broken_off
            and self._thread.is_alive()
            and self.pid == os.getpid()  # without hooks, the thread seems to live on in a child
        )

    def begin(self, call: Call[Any]) -> None:
        """Run a call on the loop, in the context of the calling thread.

        Args:
            call: Which one.

        Raises:
            RuntimeError: The loop has ended.
        """

        def cancel() -> None:
            with suppress(RuntimeError):  # the loop has ended, and the call with it
                self.loop.call_soon_threadsafe(call.break_off)

        call.begin(cancel, lambda: self.is_alive)
        try:
            self._start_task(self._carry, call)
        except RuntimeError:
            self._takes_calls = False  # it is ending, and soon says so itself
            raise

    def _start_task(
        self, function: Callable[..., Coroutine[Any, Any, None]], *args: object
    ) -> None:
        """Begin a task on the loop, and wait until it has begun.

        anyio's portal does it, too, and waits for ever if the loop ends before it comes to it.

        Raises:
            RuntimeError: The loop has ended, and never comes to it.
        """
        begun: Future[None] = Future()

        def start() -> None:
            if not self._takes_calls or self.loop.was_broken_off:
                begun.set_exception(RuntimeError(_ENDED))
                return
            task = own_task(function(*args))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            begun.set_result(None)

        self.loop.call_soon_threadsafe(start)
        while True:
            is_there = self._thread.is_alive() and self.pid == os.getpid()
            try:
                begun.result(_LOOK_TIMEOUT if is_there else 0)
            except TimeoutError:
                if not is_there:
                    raise RuntimeError(_ENDED) from None
            else:
                return

    def own(self, resource: object, close: Callable[[], Awaitable[None]]) -> None:
        """Close something when the loop ends. It is asked on the loop.

        Args:
            resource: What.
            close: Closes it.
        """
        self._owned.setdefault(id(resource), (resource, close))

    def disown(self, resource: object) -> None:
        """Leave something that was closed."""
        self._owned.pop(id(resource), None)

    async def share(
        self, resource: object, close: Callable[[], Awaitable[None]], user: object
    ) -> None:
        """Close something when its last user has left it. It is asked on the loop.

        Args:
            resource: What.
            close: Closes it.
            user: Who uses it.
        """
        async with self._sharing:
            self.own(resource, close)
            self._users.setdefault(id(resource), set()).add(user)

    async def leave(self, resource: object, user: object) -> None:
        """Close what was shared, if this was its last user. It may be shared again.

        Args:
            resource: What.
            user: Who uses it no more.
        """
        async with self._sharing:  # who begins to use it meanwhile finds it closed
            users = self._users.get(id(resource), set())
            users.discard(user)
            owned = None if users else self._owned.pop(id(resource), None)
            if owned is not None:
                self._users.pop(id(resource), None)
                await self._closed(owned[1])

    @staticmethod
    async def _closed(close: Callable[[], Awaitable[None]]) -> None:
        with suppress(Exception), anyio.move_on_after(_CALLS_TIMEOUT):
            await close()

    def end(self) -> None:
        """End calls and loop, and wait for that: at the end of the program."""
        if not self._takes_calls or not self._thread.is_alive():
            return
        with suppress(RuntimeError):
            self._start_task(self._close)
        self._thread.join(_END_TIMEOUT)

    async def _carry(self, call: Call[Any]) -> None:
        self._calls.add(call)
        try:
            await call.run(self)
        finally:
            self._calls.discard(call)

    @staticmethod
    async def break_off(calls: "set[Call[Any]]") -> None:
        """End some calls, and wait for that, on the loop.

        Args:
            calls: Which ones.
        """
        tasks = {each for call in calls if (each := call.task) is not None}
        for call in calls:
            call.break_off()
        if tasks:
            await asyncio.wait(tasks, timeout=_CALLS_TIMEOUT)

    async def _close(self) -> None:
        self._takes_calls = False  # from here on no call begins
        await self.break_off(set(self._calls))
        while self._owned:
            _, (_, close) = self._owned.popitem()
            await self._closed(close)
        self._over.set()

    def _live(self) -> None:
        """Live as long as the loop runs: the whole life of the thread."""
        try:
            anyio.run(self._serve, backend_options={"loop_factory": lambda: self.loop})
        except BaseException as error:  # noqa: BLE001  # as SystemExit does, wherever it is raised
            # Its text and traceback are left out: whoever raised it may have put anything there.
            _log.error("the loop of the synchronous calls was ended by %s", type(error).__name__)
        finally:
            self._takes_calls = False
            self._ready.set()

    async def _serve(self) -> None:
        self._takes_calls = True
        self._ready.set()
        await self._over.wait()

    def stand_still(self, until: threading.Event) -> None:
        """Stop the loop between two steps, for a thread that forks.

        Args:
            until: When the fork is over.
        """
        if not self.is_alive or threading.get_ident() == self._thread.ident:
            return
        stands = threading.Event()

        def stand() -> None:
            stands.set()
            until.wait(_FORK_TIMEOUT)

        with suppress(RuntimeError):
            self.loop.call_soon_threadsafe(stand)
            stands.wait(_FORK_TIMEOUT)


class _Process:
    """The state of this process."""

    locks: dict[int, threading.RLock] = {}  # noqa: RUF012  # see `lock`
    shared: SharedLoop | None = None
    forking: threading.local = threading.local()
    is_ending = False

    @classmethod
    def lock(cls) -> "threading.RLock":
        """Return the lock of this process: in a child that of its parent may be held for ever.

        It lets a thread in that has it: a signal's handler may call while the loop begins.
        """
        return cls.locks.setdefault(os.getpid(), threading.RLock())


def current() -> SharedLoop:
    """Return the process's shared loop; begin it if there is none.

    Raises:
        MisuseError: The interpreter is ending.
    """
    shared = _Process.shared
    if shared is not None and shared.is_alive:
        return shared
    with _Process.lock():
        _leave_the_parents()
        shared = _Process.shared
        if shared is None or not shared.is_alive:
            if _Process.is_ending:
                raise MisuseError(_ENDING)
            if shared is not None:
                keep_for_ever(shared)
            begun = SharedLoop()
            try:
                begun.start()
            except RuntimeError:  # Python's own: no thread begins once the interpreter ends
                raise MisuseError(_ENDING) from None
            others = _Process.shared
            if others is not None and others is not shared:  # a signal's handler called meanwhile
                begun.end()
                return others
            shared = _Process.shared = begun
        return shared


_ENDING: Final = "the program is ending, and no call begins any more"


def is_here() -> bool:
    """Return whether this is the shared loop's thread: to wait there would be for ever."""
    shared = _Process.shared
    return shared is not None and shared._thread.ident == threading.get_ident()  # noqa: SLF001


def wrong_thread() -> MisuseError | None:
    """Return the error for a call from a thread that runs an event loop; None if it does not.

    A notebook's cells run on such a thread, one after the other, and what is blocked meanwhile is
    the notebook alone: there calls are allowed, as are those of any other library that blocks.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return None
    if is_here():
        return MisuseError(
            "a synchronous call was made on authflow's own loop, by an observer, a clock or a"
            " prompt, and would wait for itself: make it in a thread of its own"
        )
    if _is_notebook():
        return None
    return MisuseError(
        "this thread runs an event loop, which a synchronous call would block: use the asynchronous"
        " client (from authflow import AuthClient), or call in a thread, as asyncio.to_thread does"
    )


def _is_notebook() -> bool:
    """Return whether a kernel of Jupyter runs the program, by what IPython says."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return getattr(shell, "kernel", None) is not None


def _before_fork() -> None:
    over = _Process.forking.over = threading.Event()
    _Process.forking.locked = _Process.lock().acquire(timeout=_FORK_TIMEOUT)
    if _Process.shared is not None:
        _Process.shared.stand_still(over)


def _after_fork_here() -> None:
    _Process.forking.over.set()
    if _Process.forking.locked:
        _Process.lock().release()


def _after_fork_in_child() -> None:
    _Process.locks = {}
    _leave_the_parents()


def _leave_the_parents() -> None:
    """Leave the loop of a parent process, if it is one's."""
    shared = _Process.shared
    if shared is not None and shared.pid != os.getpid():
        _Process.shared = None
        keep_for_ever(shared)
        shared.loop.leave_to_the_parent()


def _end() -> None:
    with _Process.lock():
        _Process.is_ending = True
        shared = _Process.shared
    if shared is not None:
        shared.end()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork_here,
        after_in_child=_after_fork_in_child,
    )
atexit.register(_end)
