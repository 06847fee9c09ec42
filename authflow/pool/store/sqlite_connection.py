"""A job's connection to the database: it runs SQL that every engine of the store understands.

Jobs are plain functions of a `Connection`, so that the same ones run on SQLite and, once many
machines share a pool, on PostgreSQL. They keep to four rules, and each has a test:

- SQL is a text that is known before the program runs: values go into `parameters` only.
- Outside the schema it is what PostgreSQL speaks, too: `ON CONFLICT (…) DO …` for `INSERT OR …`,
  `coalesce` for `ifnull`, a column for `rowid`, 0 and 1 for truths.
- A job may be run again, when its transaction lost against another one: it changes nothing but the
  database. What it draws at random is new in each run, and only the last run's result is given.
- A job that raises leaves no trace. What must stay of a refusal, such as a count, is returned.
"""

from collections.abc import Sequence
from typing import Any, Protocol

Value = str | bytes | int | float | None
"""A parameter's value. Not a bool: PostgreSQL rejects it for the schema's integers."""

Row = tuple[Any, ...]
"""The columns of a row, each a `Value`."""


class Rows(tuple[Row, ...]):
    """The rows that a statement returned, complete; empty if it returns no rows.

    Whether a statement found what it changes is told by `RETURNING`, and not by a count beside it.
    """

    __slots__ = ()

    def first(self) -> Row | None:
        """Return the first row, if there is one."""
        return self[0] if self else None


class Connection(Protocol):
    """A connection inside a transaction, which the job's runner begins and ends."""

    def execute(self, sql: str, parameters: Sequence[Value] = (), /) -> Rows:
        """Run one statement.

        Args:
            sql: The statement, with a `?` for each value. An engine whose driver marks places in
                another way, as PostgreSQL's `$1`, translates them: so no other `?` may be in it.
            parameters: The values, in their order.

        Raises:
            Exception: The engine's own error. No job catches it: it ends the job's transaction.
        """
        ...
