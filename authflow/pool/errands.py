"""Errands: work for a request that is done after its reply is sent.

How long it takes would tell the client something, such as that a message was sent to somebody.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

Errand = Callable[[], None]
"""A function that does the work; it raises nothing and is quick, as it stops the server."""

_OF_THE_REQUEST: Final = ContextVar[list[Errand] | None]("errands of the request", default=None)


@contextmanager
def errands() -> Iterator[list[Errand]]:
    """Collect the errands of the request served inside; the caller runs them later."""
    collected: list[Errand] = []
    token = _OF_THE_REQUEST.set(collected)
    try:
        yield collected
    finally:
        _OF_THE_REQUEST.reset(token)


def leave(errand: Errand) -> None:
    """Leave an errand until after the reply; outside of a request it runs at once."""
    collected = _OF_THE_REQUEST.get()
    if collected is None:
        errand()
    else:
        collected.append(errand)
