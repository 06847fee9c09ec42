"""What the tests of synchronous code share: a real pool beside them, and real programs."""

from testbed.pool_beside import *  # noqa: F403  # fixtures
