"""Confirmations: that a link was opened in another browser, and that the person wants to sign in.

A link alone says that its message was read, not that its reader is the one who waits: anybody can
begin a sign-in with a stranger's name, and hope that the stranger presses the button. So the page
behind the link asks for a number that only the waiting window shows (RFC 8628 has its user code for
that). Two of the number's six digits are check digits (ISO/IEC 7064, MOD 97-10): a mistyped number
is told as such at once, on the page.

| to keep them | entries |
|---|---|
| on Lambda | the store of the limits, or a `DynamoDbStore(table=...)` |
| for tests | `MemoryStore()` |
"""

import hmac
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import anyio
from attrs import define

from authflow.errors import StateError, StoreUnavailableError
from authflow.keys import KeyProvider, KeyRing
from authflow.plugins import Challenge
from authflow.stores import Store
from authflow_otp.link_tokens import SignInLink, owner_of

STORE_TIMEOUT: Final = 3.0
"""Seconds that the store may take: a hook has 4.5."""
_NUMBERS: Final = 10_000
_DIGITS: Final = 6
_TRIES: Final = 8
_PURPOSE: Final = "authflow-otp link confirmations"


def new_number() -> str:
    """Draw the number of one waiting window: four digits, and two check digits."""
    # Runs of Create may draw different ones, as sign-ins that share a link must.
    drawn = secrets.randbelow(_NUMBERS)
    return f"{drawn:04}{98 - drawn * 100 % 97:02}"


def is_number(text: str) -> bool:
    """Return whether a text is a number that some window may show.

    Args:
        text: What was typed, without spaces.
    """
    digits = text.isascii() and text.isdigit() and len(text) == _DIGITS
    return digits and int(text) % 97 == 1


@define(kw_only=True, eq=False)
class Confirmations:
    """Keeps which links were confirmed, for the triggers, the page and the waiting service.

    Args:
        entries: Where to keep them; the store of the limits will do.
        keys: The key ring of the triggers. It signs the links, and names the entries.
    """

    entries: Store
    keys: KeyProvider

    async def confirm(self, link: SignInLink, number: str, *, seconds: float) -> None:
        """Record that a link was confirmed for the window that shows a number.

        To do it again changes nothing: a link signs in once, however often it is confirmed.

        Args:
            link: The link.
            number: What was typed.
            seconds: For how long to keep it.

        Raises:
            StateError: It may not be recorded.
        """
        ring = await self.keys.key_ring()
        name, value = _name(ring, link.owner, number), _value(ring, link.link_id)
        with _in_time():
            for _ in range(_TRIES):
                stored = await self.entries.read(name)
                if stored is not None and hmac.compare_digest(stored.value, value):
                    return
                expected = None if stored is None else stored.version
                if await self.entries.replace(name, value, expected=expected, seconds=seconds):
                    return
            msg = "the confirmation changes too fast; try again later"
            raise StoreUnavailableError(msg)

    async def has(self, link: SignInLink, number: str) -> bool:
        """Return whether a link was confirmed for the window that shows a number.

        Args:
            link: The link.
            number: The window's number.

        Raises:
            StateError: Nobody knows.
        """
        ring = await self.keys.key_ring()
        kept = await self._read(_name(ring, link.owner, number))
        return hmac.compare_digest(kept, _value(ring, link.link_id))

    async def wait_is_over(self, challenge: Challenge, *, user_pool_id: str) -> bool:
        """Return whether a waiting window may go on. It costs no attempt, as an answer would.

        A service asks this for its waiting page, of a sign-in that it has begun itself. It proves
        nothing: that is for Verify.

        Args:
            challenge: The challenge that waits.
            user_pool_id: The user pool that asks it.

        Raises:
            StateError: Nobody knows.
        """
        number = challenge.parameters.get("number", "")
        ring = await self.keys.key_ring()
        owner = owner_of(ring, user_pool_id, challenge.parameters.get("USERNAME", ""))
        return bool(await self._read(_name(ring, owner, number)))

    async def _read(self, name: str) -> bytes:
        with _in_time():
            stored = await self.entries.read(name)
        return b"" if stored is None else stored.value


@contextmanager
def _in_time() -> Iterator[None]:
    """End what takes too long, and make one error of whatever a store raises."""
    try:
        with anyio.fail_after(STORE_TIMEOUT):
            yield
    except StateError:
        raise
    except Exception as error:
        msg = "the store of the confirmations cannot be asked now; try again later"
        raise StoreUnavailableError(msg) from error


def _name(ring: KeyRing, owner: str, number: str) -> str:
    return ring.entry_name(_PURPOSE, "of", owner, number)


def _value(ring: KeyRing, link_id: str) -> bytes:
    return ring.entry_name(_PURPOSE, "link", link_id).encode()
