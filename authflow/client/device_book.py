"""The devices that a client has for its users, kept sealed in a store.

    dv1.<key id>.<base64url>        sealed as `authflow.keys.sealed_text` says

A device is kept under its user's `sub`, which never changes and nobody else ever has. Under each
name that the user went by stands the `sub` that it leads to: an alias and the username lead to one
device. Both are found by an HMAC of what they belong to, so whoever reads the store learns neither
a name nor a password, and what he copies to another place does not open there.

What cannot be opened is none: the pool asks for a second factor then, and nothing is lost. But if
nobody knows what is there, since the store or the keys cannot be asked, the sign-in fails before
anything is sent. Without the device it would register another one, and without end.

An entry is changed for the user alone whose it is, by the `sub` that tokens tell or by the name
that a proof was asked under: what the pool says of a device to one user says nothing of the same
device to another one.
"""

import json
import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import anyio
from attrs import define, evolve, field, frozen

from authflow.device import Device
from authflow.errors import AuthFlowError, StoreEntryError, StoreUnavailableError
from authflow.given_services import stray_cancel_fails
from authflow.keys.key_ring import KeyProvider, ring_of
from authflow.keys.sealed_text import RefusedTextError, SealedText
from authflow.secret import Secret
from authflow.stores.store import Store, Stored

STORE_TIMEOUT: Final = 3.0
"""Seconds that a store may take for one call."""
KEPT_SECONDS: Final = 400 * 86_400.0
"""Seconds for which a device is kept after its last sign-in: as long as a browser keeps a cookie
(RFC 6265bis §5.5)."""
_RENEWED_SECONDS: Final = 30 * 86_400.0
"""A device that was used is kept anew once this much of that has passed."""
_GONE_SECONDS: Final = 1.0
_MOST_CHARS: Final = 8192
_DEVICE: Final = SealedText(version="dv1", purpose="device", most_chars=_MOST_CHARS)
_NAME: Final = SealedText(version="dv1", purpose="device.name", most_chars=_MOST_CHARS)
_TRIES: Final = 5

_log = logging.getLogger(__name__)


@frozen(kw_only=True)
class _Found:
    """An entry as it was found.

    Args:
        content: What it holds; None if there is none, or it cannot be opened.
        until: When it expires, in seconds since the epoch.
        version: The store's name for this state of it.
    """

    content: Secret[bytes] | None = None
    until: float = 0.0
    version: str | None = None


@define(kw_only=True, eq=False)
class DeviceBook:
    """The devices of the users of one app client.

    Args:
        place: The user pool and the app client.
        keys: Seal the entries and name them.
        store: Where they are.
        clock: Gives seconds since the epoch.
    """

    place: tuple[str, str]
    keys: KeyProvider = field(repr=False)
    store: Store
    clock: Callable[[], float] = field(repr=False)

    async def find(self, name: str) -> Device | None:
        """Return the device of whoever has a name; None if there is none.

        Args:
            name: The name as it was typed, or as the pool tells it.

        Raises:
            StateError: The store or the keys cannot be asked.
        """
        sub = _text((await self._read(_NAME, name)).content)
        return None if sub is None else await self.of(sub)

    async def of(self, sub: str) -> Device | None:
        """Return a user's device; None if there is none.

        Args:
            sub: Whose.

        Raises:
            StateError: The store or the keys cannot be asked.
        """
        return _device((await self._read(_DEVICE, sub)).content, sub)

    async def keep(self, device: Device, names: Iterable[str], *, word_owed: bool = False) -> None:
        """Keep a device, in place of one that its user had before.

        Args:
            device: The device. Its `sub` says whose it is.
            names: The names that its user goes by.
            word_owed: Whether the pool is to be told yet that the person wants it remembered.

        Raises:
            StateError: The store or the keys cannot be asked.
        """
        if device.sub is None:
            return
        written = _written(device, word_owed=word_owed)
        await self._write(_DEVICE, device.sub, written, lambda _: True)
        await self._lead(device.sub, names)

    async def note_use(self, device: Device, names: Iterable[str]) -> bool:
        """Note that a device was used: from now on these names lead to it, too.

        Args:
            device: The device. One that is not kept here stays so.
            names: The names that its user went by.

        Returns:
            Whether the pool is to be told yet that the person wants it remembered.

        Raises:
            StateError: The store or the keys cannot be asked.
        """
        if device.sub is None:
            return False
        found = await self._read(_DEVICE, device.sub)
        if not _is(found, device):
            return False
        is_owed = _owes_word(found.content)
        if self._is_old(found):
            written = _written(device, word_owed=is_owed)
            await self._write(_DEVICE, device.sub, written, _same_as(device))
        await self._lead(device.sub, names)
        return is_owed

    async def note_word(self, device: Device) -> None:
        """Note that the pool was told that the person wants a device remembered.

        Args:
            device: The device. One that is not kept here stays so.

        Raises:
            StateError: The store or the keys cannot be asked.
        """
        if device.sub is not None:
            await self._write(_DEVICE, device.sub, _written(device), _same_as(device))

    async def forget(self, device: Device, sub: str) -> None:
        """Forget a user's device, unless that user has another one by now.

        Args:
            device: The device. One with another password is another one.
            sub: Whose it is, whatever the device says.

        Raises:
            StateError: The store or the keys cannot be asked.
        """
        await self._write(_DEVICE, sub, None, _same_as(evolve(device, sub=sub)))

    async def forget_of(self, device: Device, name: str) -> None:
        """Forget a device as that of whoever has a name, and as nobody else's.

        Args:
            device: As of `forget`.
            name: The name.

        Raises:
            StateError: The store or the keys cannot be asked.
        """
        sub = _text((await self._read(_NAME, name)).content)
        if sub is not None:
            await self.forget(device, sub)

    async def _lead(self, sub: str, names: Iterable[str]) -> None:
        """Write down that names lead to a user."""
        for name in dict.fromkeys((*names, sub)):
            found = await self._read(_NAME, name)
            if _text(found.content) != sub or self._is_old(found):
                await self._write(_NAME, name, Secret(sub.encode()), lambda _: True)

    def _is_old(self, found: _Found) -> bool:
        return found.until - self.clock() < KEPT_SECONDS - _RENEWED_SECONDS

    async def _read(self, form: SealedText, of: str) -> _Found:
        name = (await ring_of(self.keys)).entry_name(form.purpose, *self.place, of)
        with _asking():
            stored: object = await self.store.read(name)
        if stored is None:
            return _Found()
        if not isinstance(stored, Stored) or type(stored.value) is not bytes:
            del stored
            msg = f"{type(self.store).__name__} is no Store: `read` gives None or a Stored of bytes"
            raise StoreEntryError(msg)
        found = _Found(version=stored.version)
        text = Secret(stored.value.decode("ascii", "replace"))
        try:
            opened = await form.open(self.keys, text, (*self.place, of), now=self.clock())
        except RefusedTextError as refused:
            _log.info("a kept device was refused: %s", refused)
            return found
        return evolve(found, content=opened.content or None, until=opened.expires_at)

    async def _write(
        self,
        form: SealedText,
        of: str,
        content: Secret[bytes] | None,
        is_due: Callable[[_Found], bool],
    ) -> None:
        """Write an entry, if it is as it should be; None: forget it.

        Of two that are written at once both are good, and the last one stays.
        """
        name = (await ring_of(self.keys)).entry_name(form.purpose, *self.place, of)
        seconds = _GONE_SECONDS if content is None else KEPT_SECONDS
        until = self.clock() + seconds
        sealed = await form.seal(
            self.keys, Secret(b"") if content is None else content, (*self.place, of), until=until
        )
        for _ in range(_TRIES):
            found = await self._read(form, of)
            if not is_due(found):
                return
            with _asking():
                written = await self.store.replace(
                    name, sealed.encode(), expected=found.version, seconds=seconds
                )
            if written:
                return
        msg = "the store of devices is written by too many at once; try later"
        raise StoreUnavailableError(msg)


@contextmanager
def _asking() -> Iterator[None]:
    try:
        with anyio.fail_after(STORE_TIMEOUT), stray_cancel_fails():
            yield
    except AuthFlowError:
        raise
    except Exception as error:
        _log.error("the store of devices failed: %s", type(error).__qualname__)
        msg = "the store of remembered devices cannot be asked now; try later"
        raise StoreUnavailableError(msg) from error


def _same_as(device: Device) -> Callable[[_Found], bool]:
    return lambda found: _is(found, device)


def _is(found: _Found, device: Device) -> bool:
    kept = _device(found.content, device.sub)
    if kept is None or kept.key != device.key:
        return False
    return device.password is None or device.password == kept.password


def _text(content: Secret[bytes] | None) -> str | None:
    return None if content is None else content.reveal().decode(errors="replace") or None


def _written(device: Device, *, word_owed: bool = False) -> Secret[bytes]:
    password = None if device.password is None else device.password.reveal()
    members = (device.key, device.group_key, password, word_owed)
    return Secret(json.dumps(members).encode())


def _owes_word(content: Secret[bytes] | None) -> bool:
    members = [] if content is None else json.loads(content.reveal())
    return members[3:4] == [True]


def _device(content: Secret[bytes] | None, sub: str | None) -> Device | None:
    """Read a device; None if there is none, or it is of another form."""
    if content is None:
        return None
    try:
        members: Any = json.loads(content.reveal())
        key, group_key, password = members[:3]
        return Device(key=key, group_key=group_key, password=Secret(password), sub=sub)
    except (ValueError, TypeError, AuthFlowError):
        return None
