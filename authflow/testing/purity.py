"""Detection of side effects in a function that should be pure: files, sockets, processes, threads.

Python announces such calls to audit hooks; see `blocking` for why there is one, which looks away.
What reads the environment is noticed by its class. What an import does, and what shows an error's
source lines, is no effect of the function: it comes once, and changes no result.

Source: "Audit events table" of the Python library reference.
"""

import contextlib
import linecache
import os
import sys
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from types import FrameType

_EVENTS: Final = (*("open", "os.", "socket.", "subprocess.", "shutil.", "sqlite3.", "urllib."),)
_IMPORTS: Final = ("<frozen importlib", "<frozen zipimport")
_here: Final = threading.local()


class Effects:
    """The audit hook of this process."""

    _installed = False

    @classmethod
    @contextlib.contextmanager
    def recorded(cls, into: list[str]) -> Iterator[None]:
        """Record what the code inside reads, writes and starts, in this thread.

        Args:
            into: Where to write the names of the calls.
        """
        if not cls._installed:
            sys.addaudithook(_on_event)
            cls._installed = True
        before = getattr(_here, "into", None)
        _here.into = into
        try:
            with _watched_environment():
                yield
        finally:
            _here.into = before


@contextlib.contextmanager
def _watched_environment() -> Iterator[None]:
    """Record what reads `os.environ`, by whatever name it is known, and what starts threads."""
    kind: Any = type(os.environ)
    before = {name: vars(kind)[name] for name in ("__getitem__", "__iter__")}
    start: Any = threading.Thread.start
    for name, real in before.items():
        setattr(kind, name, _noted(real, "os.environ"))
    setattr(threading.Thread, "start", _noted(start, "threading.Thread.start"))  # noqa: B010
    try:
        yield
    finally:
        setattr(threading.Thread, "start", start)  # noqa: B010
        for name, real in before.items():
            setattr(kind, name, real)


def _noted(real: Callable[..., Any], call: str) -> Callable[..., Any]:
    def read(*arguments: Any) -> Any:
        _note(call)
        return real(*arguments)

    return read


def _on_event(event: str, _arguments: tuple[Any, ...]) -> None:
    if event.startswith(_EVENTS):
        _note(event)


def _note(event: str) -> None:
    into = getattr(_here, "into", None)
    if into is None or event in into:
        return
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001  # documented; inspect reads files
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith(_IMPORTS) or name == linecache.__file__:
            return
        frame = frame.f_back
    into.append(event)
