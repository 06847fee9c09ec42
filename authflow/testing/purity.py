"""Detection of side effects in a function that should be pure: files, sockets, processes.

Python announces such calls to audit hooks; see `blocking` for why there is one, which looks away.
What a function computes from a clock or from randomness is found by calling it twice.

Source: "Audit events table" of the Python library reference.
"""

import contextlib
import sys
import threading
from collections.abc import Iterator
from typing import Any, Final

_EVENTS: Final = ("open", "os.", "socket.", "subprocess.", "shutil.", "sqlite3.", "urllib.")
_here: Final = threading.local()


class Effects:
    """The audit hook of this process."""

    _installed = False

    @classmethod
    @contextlib.contextmanager
    def recorded(cls, into: list[str]) -> Iterator[None]:
        """Record what the code inside reads and writes, in this thread.

        Args:
            into: Where to write the names of the calls.
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


def _on_event(event: str, _arguments: tuple[Any, ...]) -> None:
    into = getattr(_here, "into", None)
    if into is not None and event.startswith(_EVENTS) and event not in into:
        into.append(event)
