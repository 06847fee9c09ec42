"""The address that a request came from, for what is kept of it with a device."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

_OF_THE_REQUEST: Final = ContextVar[str | None]("address of the request", default=None)


@contextmanager
def asked_from(address: str) -> Iterator[None]:
    """Serve a request inside.

    Args:
        address: The address of whoever opened the connection; "" if it has none.
    """
    token = _OF_THE_REQUEST.set(address or None)
    try:
        yield
    finally:
        _OF_THE_REQUEST.reset(token)


def peer_address() -> str | None:
    """Return the address of the request that is served; None outside of one, or if it has none."""
    return _OF_THE_REQUEST.get()
