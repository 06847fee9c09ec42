"""Confirmations: that a link was opened in another browser, and that the person wants to sign in.

A link alone says that its message was read, not that its reader is the one who waits: anybody can
begin a sign-in with a stranger's name, and hope that the stranger presses the button. So the page
behind the link asks for a number that only the waiting window shows (RFC 8628 has its user code for
that). No two windows that wait for one link have the same one. Two of the number's six digits are
check digits (ISO/IEC 7064, MOD 97-10): a mistyped number is told as such at once, on the page.

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

from authflow.errors import MisuseError, StateError, StoreUnavailableError
from authflow.keys import KeyProvider, KeyRing, ring_of
from authflow.plugins import Challenge, stray_cancel_fails
from authflow.stores import Store
from authflow_otp.link_tokens import SignInLink

STORE_TIMEOUT: Final = 3.0
"""Seconds that the store may take: a hook has 4.5."""
_NUMBERS: Final = 10_000
_DIGITS: Final = 6
_TRIES: Final = 8
_KEPT: Final = b"kept"
_PURPOSE: Final = "authflow-otp link confirmations"


def new_number() -> str:
    """Draw the number of one waiting window: four digits, and two check digits."""
    # Runs of Create may draw different ones, as sign-ins that share a link must.
    return _checked(secrets.randbelow(_NUMBERS))


def is_number(text: str) -> bool:
    """Return whether a text is a number that some window may show.

    Args:
        text: What was typed, without spaces.
    """
    digits = text.isascii() and text.isdigit() and len(text) == _DIGITS
    return digits and text == _checked(int(text[:-2]))


def _checked(drawn: int) -> str:
    return f"{drawn:04}{98 - drawn * 100 % 97:02}"


@define(kw_only=True, eq=False)
class Confirmations:
    """Keeps which links were confirmed, for the triggers, the page and the waiting service.

    Args:
        entries: Where to keep them; the store of the limits will do.
        keys: The key ring of the triggers. It signs the links, and names the entries.
    """

    entries: Store
    keys: KeyProvider

    async def confirm(self, link: SignInLink, number: str, *, seconds: float) -> bool:
        """Record that a link was confirmed for the window that shows a number.

        To do it again changes nothing: a link signs in once, however often it is confirmed.

        Args:
            link: The link.
            number: What was typed.
            seconds: For how long the link is still good.

        Returns:
            Whether it was recorded; not if the link was used.

        Raises:
            MisuseError: That is no link, or no number.
            StateError: It may not be recorded.
        """
        _check(link, number)
        ring = await ring_of(self.keys)
        name = _link_name(ring, link)
        if await self._is_kept(_used(ring, name)):
            return False
        await self._keep(_window(ring, name, number), seconds)
        return True

    async def has(self, link: SignInLink, number: str) -> bool:
        """Return whether a link was confirmed for the window that shows a number.

        Args:
            link: The link.
            number: The window's number.

        Raises:
            MisuseError: That is no link, or no number.
            StateError: Nobody knows.
        """
        _check(link, number)
        ring = await ring_of(self.keys)
        return await self._is_kept(_window(ring, _link_name(ring, link), number))

    async def use_up(self, link: SignInLink, *, seconds: float) -> None:
        """Record that a link has signed somebody in: no other window need wait for it.

        Args:
            link: The link.
            seconds: For how long to keep it.

        Raises:
            MisuseError: That is no link.
            StateError: It may not be recorded.
        """
        _check(link)
        ring = await ring_of(self.keys)
        await self._keep(_used(ring, _link_name(ring, link)), seconds)

    async def name_of_wait(self, link: SignInLink, number: str, *, user_pool_id: str) -> str:
        """Return what a challenge tells its waiting window, for `wait_is_over`; nothing by itself.

        Args:
            link: The link for which it waits.
            number: The window's number.
            user_pool_id: The user pool.

        Raises:
            StateError: The keys cannot be read now.
        """
        ring = await ring_of(self.keys)
        name = _link_name(ring, link)
        return f"{name}.{_proof(ring, user_pool_id, name, number)}"

    async def wait_is_over(self, challenge: Challenge, *, user_pool_id: str) -> bool:
        """Return whether a waiting window may go on. It costs no attempt, as an answer would.

        It is so once this very link was confirmed for this window, and for as long as the link is
        good and unused. A service asks this for its waiting page, of a sign-in that it has begun
        itself. It proves nothing: that is for Verify.

        Args:
            challenge: The challenge that waits.
            user_pool_id: The user pool that asks it.

        Raises:
            MisuseError: That is no challenge.
            StateError: Nobody knows.
        """
        if not isinstance(challenge, Challenge):
            msg = f"what waits is the Challenge of a sign-in, not {type(challenge).__name__}"
            raise MisuseError(msg)
        number = challenge.parameters.get("number", "")
        name, _, proof = challenge.parameters.get("waitsFor", "").partition(".")
        ring = await ring_of(self.keys)
        right = _proof(ring, user_pool_id, name, number).encode()
        if not hmac.compare_digest(proof.encode("utf-8", "replace"), right):
            return False
        if not await self._is_kept(_window(ring, name, number)):
            return False
        return not await self._is_kept(_used(ring, name))

    async def _is_kept(self, name: str) -> bool:
        with _in_time():
            return await self.entries.read(name) is not None

    async def _keep(self, name: str, seconds: float) -> None:
        with _in_time():
            for _ in range(_TRIES):
                if await self.entries.read(name) is not None:
                    return
                if await self.entries.replace(name, _KEPT, expected=None, seconds=seconds):
                    return
            msg = "the confirmation changes too fast; try again later"
            raise StoreUnavailableError(msg)


@contextmanager
def _in_time() -> Iterator[None]:
    """End what takes too long, and make one error of whatever a store raises."""
    try:
        with anyio.fail_after(STORE_TIMEOUT), stray_cancel_fails():
            yield
    except StateError:
        raise
    except Exception as error:
        msg = "the store of the confirmations cannot be asked now; try again later"
        raise StoreUnavailableError(msg) from error


def _check(link: object, number: object = "") -> None:
    if not isinstance(link, SignInLink) or not isinstance(number, str):
        msg = (
            "a confirmation is for a SignInLink, which SignInLink.opened() gives, and for a number"
            f" as text, not for {type(link).__name__} and {type(number).__name__}"
        )
        raise MisuseError(msg)


def _link_name(ring: KeyRing, link: SignInLink) -> str:
    return ring.entry_name(_PURPOSE, "link", link.owner, link.link_id)


def _window(ring: KeyRing, link_name: str, number: str) -> str:
    return ring.entry_name(_PURPOSE, "window", link_name, number)


def _used(ring: KeyRing, link_name: str) -> str:
    return ring.entry_name(_PURPOSE, "used", link_name)


def _proof(ring: KeyRing, user_pool_id: str, link_name: str, number: str) -> str:
    """Return what only the triggers of a pool can have written behind a link's name."""
    return ring.entry_name(_PURPOSE, "wait", user_pool_id, link_name, number)
