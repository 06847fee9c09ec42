"""What the services of a pool stand on: where all is kept, who computes, who is asked, the time."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from attrs import frozen

from authflow.pool.store.database import Database
from authflow.pool.workers import Workers

if TYPE_CHECKING:  # it knows user pools, and these stand on this ground
    from authflow.pool.triggers.runner import TriggerRunner


@frozen(kw_only=True, eq=False)
class Ground:
    """What every service of a pool is given, beside what is its own. The server makes it, once.

    Args:
        database: Where everything is kept.
        workers: Threads for arithmetic and signatures.
        triggers: Runs the pools' triggers.
        clock: Gives the time, in seconds since the epoch.
    """

    database: Database
    workers: Workers
    triggers: "TriggerRunner"
    clock: Callable[[], float]
