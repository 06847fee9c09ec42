"""The store of tickets, asked in one way: whatever goes wrong, nothing is sent."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import anyio
from attrs import field, frozen

from authflow.errors import AuthFlowError, StoreEntryError, StoreUnavailableError
from authflow.given_services import stray_cancel_fails
from authflow.stores.store import Store, Stored

STORE_TIMEOUT: Final = 3.0
"""Seconds that a store may take for one question."""

LONGEST: Final = 3600.0
"""The longest time that an entry is kept, in seconds. Cognito keeps a session for 15 minutes at the
most, so only a clock that jumps would ask for more."""

SLACK: Final = 300.0
"""Seconds that an entry is kept beyond the ticket's end: clocks of machines may differ so much."""

_log = logging.getLogger(__name__)


@frozen(kw_only=True)
class TicketStore:
    """A store whose entries are kept for as long as a ticket lives.

    Args:
        store: The store.
        clock: Gives seconds since the epoch.
    """

    store: Store
    clock: Callable[[], float] = field(repr=False)

    async def read(self, name: str) -> Stored | None:
        """Return an entry.

        Args:
            name: Its name.

        Raises:
            StoreUnavailableError: The store cannot be asked.
            StoreEntryError: It gave something else than an entry.
        """
        with _asking():
            stored: object = await self.store.read(name)
        if stored is None:
            return None
        if isinstance(stored, Stored):
            if type(stored.value) is bytes and isinstance(stored.version, str):
                return stored
            what = f"a value of {type(stored.value).__name__}"
        else:
            what = type(stored).__name__
        del stored
        msg = (
            f"{type(self.store).__name__} is no Store: `read` gives None or a Stored of bytes and"
            f" a version that is a text, not {what}; nothing was sent"
        )
        raise StoreEntryError(msg)

    async def replace(self, name: str, value: bytes, *, expected: str | None, until: float) -> bool:
        """Write an entry, unless another process has changed it in between.

        Args:
            name: Its name.
            value: What to keep.
            expected: The version that was read; None if there was no entry.
            until: When the ticket ends, in seconds since the epoch.

        Raises:
            StoreUnavailableError: The store cannot be asked.
        """
        seconds = SLACK + min(max(until - self.clock(), 0.0), LONGEST)
        with _asking():
            return await self.store.replace(name, value, expected=expected, seconds=seconds)


@contextmanager
def _asking() -> Iterator[None]:
    try:
        with anyio.fail_after(STORE_TIMEOUT), stray_cancel_fails():
            yield
    except AuthFlowError:
        raise
    except Exception as error:
        _log.error("the store of tickets failed: %s", type(error).__qualname__)
        msg = "the store of tickets cannot be asked now, so nothing was sent; try later"
        raise StoreUnavailableError(msg) from error
