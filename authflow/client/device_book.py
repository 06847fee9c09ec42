"""The devices that a client has for its users, kept sealed in a store.

    dv1.<key id>.<base64url>        sealed as `authflow.keys.sealed_text` says

A device is kept under its user's `sub`, which never changes and nobody else ever has. Under each
name that the user went by stands the `sub` that it leads to: an alias and the username lead to one
device. Both are found by an HMAC of what they belong to, so whoever reads the store learns neither
a name nor a password, and what he copies to another place does not open there.

What cannot be opened is none: the pool asks for a second factor then, and nothing is lost. But if
nobody knows what is there, since the store or the keys cannot be asked, the sign-in fails before
anything is sent. Without the device it would register another one, and without end.
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

    async def keep(self, device: Device, names: Iterable[str]) -> None:
        """Keep a device, in place of one that its user had before.

        Args:
            device: The device. Its `sub` says whose it is.
            names: The names that its user goes by.

        Raises:
            StateError: The store or the keys cannot be asked.
        """
        if device.sub is None:
            return
        await self._write(_DEVICE, device.sub, _written(device), lambda _: True)
        await self._lead(device.sub, names)

    async def note_use(self, device: Device, names: Iterable[str]) -> None:
        """Note that a device was used: from now on these names lead to it, too.

        Args:
            device: The device. One that is not kept here stays so.
            names: The names that its user went by.

        Raises:
            StateError: The store or the keys cannot be asked.
        """
        if device.sub is None:
            return
        found = await self._read(_DEVICE, device.sub)
        if not _is(found, device):
            return
        if self._is_old(found):
            same = _same_as(device)
            await self._write(_DEVICE, device.sub, _written(device), same)
        await self._lead(device.sub, names)

    async def forget(self, key: str, sub: str) -> None:
        """Forget a device, unless its user has another one by now.

        Args:
            key: The device's key.
            sub: Whose it is.

        Raises:
            StateError: The store or the keys cannot be asked.
        """
        await self._write(_DEVICE, sub, None, _same_as(Device(key=key, group_key="-", sub=sub)))

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
        with anyio.fail_after(STORE_TIMEOUT):
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
    return kept is not None and kept.key == device.key


def _text(content: Secret[bytes] | None) -> str | None:
    return None if content is None else content.reveal().decode(errors="replace") or None


def _written(device: Device) -> Secret[bytes]:
    password = device.password
    members = (device.key, device.group_key, None if password is None else password.reveal())
    return Secret(json.dumps(members).encode())


def _device(content: Secret[bytes] | None, sub: str | None) -> Device | None:
    """Read a device; None if there is none, or it is of another form."""
    if content is None:
        return None
    try:
        members: Any = json.loads(content.reveal())
        key, group_key, password = members
        return Device(key=key, group_key=group_key, password=Secret(password), sub=sub)
    except (ValueError, TypeError, AuthFlowError):
        return None
