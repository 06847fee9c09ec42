"""Loads the object that a command names as `package.module:attribute`, or says why it cannot."""

import importlib
import os
import sys
import sysconfig
import traceback
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, Final

from authflow.errors import ConfigError
from authflow.printable import one_line

_LOADERS: Final = (__file__, os.path.dirname(importlib.__file__) + os.sep, "<frozen ")  # noqa: PTH120  # text
"""Prefixes of the files that are in every traceback."""
_OTHERS: Final = tuple(
    {sysconfig.get_path(each) + os.sep for each in ("stdlib", "platstdlib", "purelib", "platlib")}
    | {str(Path(__file__).parents[1]) + os.sep}
)
"""Prefixes of the files of Python, of installed packages and of authflow."""


def load_object(spec: str) -> Any:
    """Import the object that `package.module:attribute` names; the current folder counts too.

    What the module prints goes to standard error: a command's output is its own.

    Raises:
        ConfigError: There is no such object, or the module fails, ends the process or raises
            whatever it likes. The text is one line, with the place in the user's own file.
    """
    module_name, _, attribute = spec.partition(":")
    if not module_name or not attribute:
        msg = f"{one_line(spec)!r} must be of the form package.module:attribute"
        raise ConfigError(msg)
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        with redirect_stdout(sys.stderr):
            found: Any = importlib.import_module(module_name)
            for name in attribute.split("."):
                found = getattr(found, name)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        # A module can raise anything at its import: the error is one line, and nothing starts.
        msg = f"cannot load {one_line(spec)}: {error_text(error)}"
        raise ConfigError(msg) from error
    return found


def error_text(error: BaseException) -> str:
    """Return a description of an error in others' code, in one line.

    Args:
        error: What was raised.

    Returns:
        The file and the line in it where the user's own code was last, if it was there at all; the
        error's class, unless it says by itself what is missing; and its text.
    """
    try:
        text = one_line(error.msg if isinstance(error, SyntaxError) else str(error))
    except BaseException:  # noqa: BLE001  # its `__str__` may raise anything
        text = ""
    place = _place(error)
    # No place means that no code of the user ran: there is no such module or attribute.
    if place is None and text and isinstance(error, ImportError | AttributeError):
        return text
    named = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return f"it raised {named}" if place is None else f"{one_line(place)}: {named}"


def _place(error: BaseException) -> str | None:
    if isinstance(error, SyntaxError) and isinstance(error.filename, str):
        return f"{_near(error.filename)}, line {error.lineno}"
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith(_LOADERS)
    ]
    own = [frame for frame in frames if not frame.filename.startswith(_OTHERS)]
    if not frames:
        return None
    last = (own or frames)[-1]
    return f"{_near(last.filename)}, line {last.lineno}"


def _near(file: str) -> str:
    """Return a file's name relative to the current folder."""
    try:
        here = Path.cwd()
    except OSError:  # the folder was deleted
        return file
    return file.removeprefix(str(here) + os.sep)
