"""What the tests of synchronous code share: a real pool beside them, and real programs."""

import signal
from collections.abc import Iterator

import pytest

from testbed.pool_beside import *  # noqa: F403  # fixtures


@pytest.fixture(autouse=True)
def _ctrl_c() -> Iterator[None]:
    """Let SIGINT raise KeyboardInterrupt, whatever the process that runs the tests makes of it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
