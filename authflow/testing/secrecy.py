"""A record of everything that a plugin logs and prints."""

import contextlib
import io
import logging
from collections.abc import Iterator


@contextlib.contextmanager
def heard() -> Iterator[io.StringIO]:
    """Record everything that is logged, from DEBUG on, or printed.

    Yields:
        What was heard.
    """
    into = io.StringIO()
    handler = logging.StreamHandler(into)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        with contextlib.redirect_stdout(into), contextlib.redirect_stderr(into):
            yield into
    finally:
        root.setLevel(level)
        root.removeHandler(handler)
