"""Finds calls that make a thread wait, made where the event loop waits with it.

Python announces such calls to audit hooks. A hook cannot be taken away again, so there is one, and
it looks away unless a step of a plugin is under observation.
"""

import contextlib
import socket
import sys
import threading
from collections.abc import Iterator
from typing import Any, Final

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
    }
)

_here: Final = threading.local()
"""Where this thread writes; not a context variable, for a worker thread inherits these."""


class BlockingCalls:
    """The audit hook of this process."""

    _installed = False

    @classmethod
    @contextlib.contextmanager
    def recorded(cls, into: list[str]) -> Iterator[None]:
        """Write down blocking calls of what runs inside, in this thread and without an await.

        Args:
            into: Where to write their names.
        """
        if not cls._installed:
            sys.addaudithook(_on_event)
            cls._installed = True
        before = getattr(_here, "into", None)
        _here.into = into
        try:
            yield
        finally:
            _here.into = before


def _on_event(event: str, arguments: tuple[Any, ...]) -> None:
    if event not in _CALLS and event != "socket.connect":
        return
    into = getattr(_here, "into", None)
    if into is None:
        return
    if event == "socket.connect":
        opened = arguments[0]
        # asyncio's own sockets do not block.
        if not isinstance(opened, socket.socket) or opened.gettimeout() == 0:
            return
    into.append(event)
