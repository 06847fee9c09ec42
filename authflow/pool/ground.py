"""The ground of a pool's services: its database, worker threads, triggers and clock."""

from collections.abc import Callable

from attrs import frozen

from authflow.pool.store.database import Database
from authflow.pool.triggers.runner import TriggerRunner
from authflow.pool.workers import Workers


@frozen(kw_only=True, eq=False)
class Ground:
    """The parts that all services of a pool share. The server makes it, once.

    Args:
        database: The pool's SQLite file.
        workers: Threads for arithmetic and signatures.
        triggers: Runs the pools' triggers.
        clock: Gives the time, in seconds since the epoch.
    """

    database: Database
    workers: Workers
    triggers: TriggerRunner
    clock: Callable[[], float]
