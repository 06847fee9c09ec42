"""Detection of calls that block the event loop, with the place of each in the source.

Python announces such calls to audit hooks. A hook cannot be taken away again, so there is one, and
it looks away unless a step of a plugin is under observation. What computes for long makes no such
call: another thread looks where it is.
"""

import contextlib
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, ClassVar, Final

from attrs import define

_CALLS: Final = frozenset(
    {
        "time.sleep",
        "socket.getaddrinfo",
        "socket.gethostbyname",
        "socket.gethostbyaddr",
        "socket.getnameinfo",
        "urllib.Request",
        "smtplib.connect",
        "http.client.connect",
        "sqlite3.connect",
        "os.system",
        "builtins.input",
    }
)

_SOME_CALLS: Final = frozenset({"socket.connect", "open"})
"""Calls that block only with some arguments: a blocking socket, the terminal."""

Look = Callable[[FrameType | None], None]
"""A function that gets the frame that is running."""

_LOOK_AFTER: Final = 0.03
"""Seconds after which a step of a plugin that has not ended is looked at."""

_IDLE: Final = 1.0
"""Seconds without a step after which the looking thread ends."""

_here: Final = threading.local()
"""This thread's record; not a context variable, since worker threads inherit those."""


class BlockingCalls:
    """The audit hook of this process."""

    _installed = False

    @classmethod
    @contextlib.contextmanager
    def recorded(cls, into: list[str], look: Look | None = None) -> Iterator[None]:
        """Record the blocking calls made inside, in this thread and without an await.

        Args:
            into: Where to write their names.
            look: Is shown the frame of each.
        """
        if not cls._installed:
            sys.addaudithook(_on_event)
            cls._installed = True
        before = getattr(_here, "into", None), getattr(_here, "look", None)
        _here.into, _here.look = into, look
        try:
            yield
        finally:
            _here.into, _here.look = before


def _on_event(event: str, arguments: tuple[Any, ...]) -> None:
    if event not in _CALLS and event not in _SOME_CALLS:
        return
    into = getattr(_here, "into", None)
    if into is None:
        return
    if event == "open" and arguments[0] != "/dev/tty":
        return
    if event == "socket.connect":
        opened = arguments[0]
        # asyncio's own sockets do not block.
        if not isinstance(opened, socket.socket) or opened.gettimeout() == 0:
            return
    into.append(event)
    if _here.look is not None:
        _here.look(sys._getframe(1))  # noqa: SLF001  # documented; inspect reads source files, too


@define(eq=False)
class _Step:
    """A step of a plugin that has not ended."""

    thread: int
    look: Look
    began: float
    looked: bool = False


class Stacks:
    """The thread that looks where a step blocks the event loop."""

    _steps: ClassVar[list[_Step]] = []
    _thread: ClassVar[threading.Thread | None] = None
    _starting: ClassVar[threading.Lock] = threading.Lock()

    @classmethod
    @contextlib.contextmanager
    def watched(cls, look: Look) -> Iterator[None]:
        """Record the stack of the code inside, if it takes long.

        Args:
            look: Is shown the frame, once, in another thread.
        """
        step = _Step(threading.get_ident(), look, time.monotonic())
        with cls._starting:
            cls._steps.append(step)
            if cls._thread is None:
                cls._thread = threading.Thread(
                    target=cls._watch, name="authflow-stacks", daemon=True
                )
                cls._thread.start()
        try:
            yield
        finally:
            cls._steps.remove(step)

    @classmethod
    def _watch(cls) -> None:
        busy = time.monotonic()
        while True:
            time.sleep(_LOOK_AFTER / 2)
            now = time.monotonic()
            with cls._starting:
                busy = now if cls._steps else busy
                if now - busy > _IDLE:
                    cls._thread = None
                    return
            for step in tuple(cls._steps):
                if not step.looked and now - step.began >= _LOOK_AFTER:
                    step.looked = True
                    step.look(sys._current_frames().get(step.thread))  # noqa: SLF001  # documented
