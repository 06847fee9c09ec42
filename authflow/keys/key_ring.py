"""Key rings: they seal state and tickets, hide names in stores and make codes repeatable.

A ring holds several keys, so that a new one can come while what the old ones made is still in use.
No key is used as it is: each purpose has a subkey of its own, by HKDF-SHA256 (RFC 5869).
"""

import base64
import binascii
import hmac
import json
import logging
import os
import re
import secrets
import time
from collections.abc import Callable, Mapping
from json.encoder import encode_basestring_ascii as _quoted
from types import MappingProxyType
from typing import Any, Final, Protocol, Self

import anyio
from attrs import Factory, define, evolve, field, frozen

from authflow.errors import ConfigError, KeysUnavailableError
from authflow.given_numbers import check_seconds
from authflow.given_services import can, kind_of, stray_cancel_fails
from authflow.secret import Secret
from authflow.unframed import whole

KEY_BYTES: Final = 32
"""The least size of a key, and the size of a subkey: the strength of HMAC-SHA256 and AES-256."""

RING_TIMEOUT: Final = 3.0
"""Seconds that a provider of keys may take: Cognito waits 5 for a whole trigger."""

_MARGIN: Final = 0.5
"""Seconds by which `CachedKeys` may exceed `RING_TIMEOUT`, to hand over the ring that it keeps."""

ENVIRONMENT_VARIABLE: Final = "AUTHFLOW_KEYS"

_log = logging.getLogger(__name__)

_KEY_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,32}")
_LEAST_DISTINCT: Final = 8  # only one in 10^45 random keys has fewer distinct bytes
_FORM: Final = (
    "`authflow keys new` prints one, of the form"
    ' {"current": "id", "keys": {"id": "base64 of at least 32 random bytes"}}'
)
_NEW_KEY: Final = "take one that `authflow keys new` prints, or os.urandom(32)"


def _shown(name: object) -> str:
    """Return a name for an error, unless it may be a key in a name's place: keys are longer."""
    if isinstance(name, str) and len(name) <= 33:  # one above the longest id
        return repr(name)
    return "a text as long as a key" if isinstance(name, str) else type(name).__name__


def _check_key_id(key_id: object) -> None:
    if not isinstance(key_id, str) or not _KEY_ID.fullmatch(key_id):
        msg = f"{_shown(key_id)} is no key id: take 1 to 32 letters, digits, '-' and '_'"
        raise ConfigError(msg)


def _keys(keys: Mapping[str, Secret[bytes]]) -> Mapping[str, Secret[bytes]]:
    if not isinstance(keys, Mapping) or not keys:
        msg = "a key ring is a mapping of key ids to keys, with at least one key"
        raise ConfigError(msg)
    for key_id, key in keys.items():
        _check_key_id(key_id)
        if not isinstance(key, Secret) or not isinstance(key.reveal(), bytes):
            msg = f"the key {key_id!r} must be bytes in a Secret"
            raise ConfigError(msg)
        if len(key.reveal()) < KEY_BYTES:
            msg = f"the key {key_id!r} has fewer than {KEY_BYTES} bytes: {_NEW_KEY}"
            raise ConfigError(msg)
        if len(set(key.reveal())) < _LEAST_DISTINCT:
            msg = f"the key {key_id!r} is not random: {_NEW_KEY}"
            raise ConfigError(msg)
    if len({key.reveal() for key in keys.values()}) < len(keys):
        msg = "two key ids have the same key: a new id needs a new key"
        raise ConfigError(msg)
    return MappingProxyType(dict(keys))


def _the_only_key(ring: "KeyRing") -> str:
    if len(ring.keys) > 1:
        msg = (
            "a ring of several keys must say in `lookup` under which of them counts are found:"
            " the id that was `current` before there were two; another one forgets all counts"
        )
        raise ConfigError(msg)
    return ring.current


def _expanding(ring: "KeyRing") -> Mapping[str, hmac.HMAC]:
    # HKDF by hand, since to import a library for it would take too long for a cold start on Lambda.
    return MappingProxyType(
        {
            key_id: hmac.new(
                hmac.digest(b"authflow.keys.1", key.reveal(), "sha256"), None, "sha256"
            )
            for key_id, key in ring.keys.items()
        }
    )


@whole
@frozen(kw_only=True)
class KeyRing:
    """A key ring: the keys, and the purpose of each.

    To rotate: `rotated()` makes a ring with a new key. Give it to all processes with `current`
    still at the old id, then set `current` to the new one; take the old key away once nothing that
    it sealed is in use, unless it is `lookup`.

    Args:
        keys: For each key's id, the key: at least 32 random bytes.
        current: The id of the key that seals, and makes new codes.
        lookup: The id of the key under which entries of stores are found again. Another key here
            forgets all counts and lock-outs, so it stays when `current` moves on. Only a ring of
            one key need not name it.

    Raises:
        ConfigError: A key is too short or not random, or an id is not in the ring.
    """

    keys: Mapping[str, Secret[bytes]] = field(converter=_keys, hash=False)
    current: str
    lookup: str = field(default=Factory(_the_only_key, takes_self=True))
    _expanding: Mapping[str, hmac.HMAC] = field(
        default=Factory(_expanding, takes_self=True), init=False, repr=False, eq=False
    )
    """For each key's id, HKDF's second step as far as it is the same for all subkeys."""

    def __attrs_post_init__(self) -> None:
        for role in ("current", "lookup"):
            key_id = getattr(self, role)
            if not isinstance(key_id, str) or key_id not in self.keys:
                msg = f"the ring has no key of the id that is named as `{role}`"
                raise ConfigError(msg)

    @classmethod
    def generate(cls, key_id: str = "1") -> Self:
        """Make a ring with one new key.

        Args:
            key_id: The key's id.

        Raises:
            ConfigError: It is no id.
        """
        _check_key_id(key_id)
        return cls(keys={key_id: Secret(secrets.token_bytes(KEY_BYTES))}, current=key_id)

    @classmethod
    def parse(cls, text: Secret[str] | str) -> Self:
        """Read a ring that is written as JSON: `current`, `lookup` if it differs, and `keys`.

        Args:
            text: The JSON; the keys in it are base64, of either alphabet.

        Raises:
            ConfigError: It is not of this form, or a key cannot be used.
        """
        try:
            ring = json.loads(Secret.of(text).reveal())
        except (TypeError, ValueError, RecursionError):  # the error's text may show a part of a key
            ring = None
        if not isinstance(ring, dict) or not isinstance(ring.get("keys"), dict):
            msg = f"the key ring cannot be read: {_FORM}"
            raise ConfigError(msg)
        if unknown := ring.keys() - {"keys", "current", "lookup"}:
            member = _shown(min(unknown))
            msg = f"the key ring has a member {member}, which means nothing: {_FORM}"
            raise ConfigError(msg)
        named = {role: ring[role] for role in ("current", "lookup") if role in ring}
        if "current" not in named or not all(isinstance(name, str) for name in named.values()):
            msg = f"the key ring must name its current key: {_FORM}"
            raise ConfigError(msg)
        keys = {key_id: _decoded(key_id, key) for key_id, key in ring["keys"].items()}
        return cls(keys=keys, **named)

    @classmethod
    def from_environment(cls, variable: str = ENVIRONMENT_VARIABLE) -> Self:
        """Read a ring from an environment variable, written as `parse` says.

        Args:
            variable: The variable's name.

        Raises:
            ConfigError: There is no such variable, or no ring in it.
        """
        text = os.environ.get(variable) if isinstance(variable, str) else None
        if not text:
            msg = f"the environment variable {variable} holds no key ring: {_FORM}"
            raise ConfigError(msg)
        return cls.parse(text)

    def to_json(self) -> Secret[str]:
        """Write the ring as `parse` reads it, for a store of secrets."""
        keys = {
            key_id: base64.b64encode(key.reveal()).decode() for key_id, key in self.keys.items()
        }
        return Secret(json.dumps({"current": self.current, "lookup": self.lookup, "keys": keys}))

    def rotated(self, key_id: str) -> Self:
        """Return a ring with a new key as the current one. The limits' counts stay valid.

        Args:
            key_id: The new key's id.

        Raises:
            ConfigError: The id is taken, or none.
        """
        _check_key_id(key_id)
        if key_id in self.keys:
            msg = f"the ring has a key {key_id!r} already: a new key needs a new id"
            raise ConfigError(msg)
        new = Secret(secrets.token_bytes(KEY_BYTES))
        return evolve(self, keys={**self.keys, key_id: new}, current=key_id)

    def subkey(self, purpose: str, *context: str, key_id: str | None = None) -> bytes:
        """Derive the key of one purpose, in one context.

        Args:
            purpose: What it is for; no two uses share one.
            *context: What else it is bound to.
            key_id: The key to derive it from; the current one, if it is not named.

        Raises:
            KeyError: The ring has no such key.
        """
        expanding = self._expanding[self.current if key_id is None else key_id].copy()
        expanding.update(encoded(purpose, *context) + b"\x01")  # one block of output
        return expanding.digest()

    def entry_name(self, purpose: str, *parts: str) -> str:
        """Return the name of an entry in a store; it reveals nothing without the key.

        The key is that of `lookup`, so the entry is found again after a rotation.

        Args:
            purpose: What such entries are for; no two uses share one.
            *parts: What the entry belongs to. No two lists of parts have one name.

        Returns:
            43 ASCII letters, digits, `-` and `_`, as a `Store` wants its keys: base64url of
            HMAC-SHA256.
        """
        key = self.subkey(purpose, key_id=self.lookup)
        digest = hmac.digest(key, encoded(*parts), "sha256")
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

    async def key_ring(self, *, having: str | None = None) -> Self:  # noqa: ARG002  # part of `KeyProvider`
        """Return this ring: it is a `KeyProvider` whose keys do not change.

        Args:
            having: Not used.
        """
        return self


def encoded(*parts: str) -> bytes:
    """Write strings as bytes, so that no two lists of strings give the same bytes.

    They are what `json.dumps` writes, by the part of it that is needed, in a sixth of the time.
    """
    return f"[{', '.join(map(_quoted, parts))}]".encode()


def _decoded(key_id: str, key: Any) -> Secret[bytes]:
    try:
        text = key.rstrip("=").translate(str.maketrans("-_", "+/"))
        return Secret(base64.b64decode(text + "=" * (-len(text) % 4), validate=True))
    except (AttributeError, ValueError, binascii.Error):
        msg = f"the key {_shown(key_id)} is not base64: {_FORM}"
        raise ConfigError(msg) from None


class KeyProvider(Protocol):
    """A source of keys, such as a service that keeps secrets. Wrap it in `CachedKeys`."""

    async def key_ring(self, *, having: str | None = None) -> KeyRing:
        """Return the ring.

        Args:
            having: The id of a key that is needed. A provider that keeps a ring for a while should
                look for a newer one if this id is not in it.
        """


def check_provider(name: str, keys: object) -> None:
    """Check that something can give key rings. A key in its place is not shown.

    Args:
        name: What it is, for the error.
        keys: The provider.

    Raises:
        ConfigError: It gives none.
    """
    if can(keys, "key_ring"):
        return
    msg = f"{name} must be a KeyRing or another KeyProvider, not {kind_of(keys)}"
    del keys
    raise ConfigError(msg)


async def ring_of(keys: KeyProvider, *, having: str | None = None) -> KeyRing:
    """Ask a provider, and tell by one error that it fails, whatever it raises itself.

    The client reads the error's text, so it is never the provider's own.

    Args:
        keys: The provider.
        having: As for `KeyProvider.key_ring`.

    Raises:
        KeysUnavailableError: It raised, gave something else, or took too long.
        ConfigError: It raised this: it is not set up, and no waiting helps.
    """
    if type(keys) is KeyRing:
        return keys
    # A provider with a time limit of its own must reach that first, to know that it has failed.
    timeout = RING_TIMEOUT + (_MARGIN if isinstance(keys, CachedKeys) else 0.0)
    try:
        with anyio.fail_after(timeout), stray_cancel_fails():
            ring = await (keys.key_ring() if having is None else keys.key_ring(having=having))
    except ConfigError as error:
        _log.error("the provider of keys is not set up: %s", error.message)
        raise _not_set_up() from error
    except Exception as error:
        _log.error("the provider of keys failed: %s", type(error).__qualname__)
        raise _unavailable() from error
    if not isinstance(ring, KeyRing):
        _log.error("the provider of keys gave %s, and no KeyRing", type(ring).__qualname__)
        raise _unavailable() from TypeError(f"{type(ring).__name__} is no KeyRing")
    return ring


async def ring_with(keys: KeyProvider, key_id: str) -> KeyRing:
    """Ask a provider for the ring that has a key, which somebody has named who may be anybody.

    Only if the current ring lacks it, a newer one is asked for. A provider that has none may say so
    by an error: then the current ring is all there is.

    Args:
        keys: The provider.
        key_id: The key's id.

    Returns:
        A ring, with the key or without.

    Raises:
        KeysUnavailableError: The current ring cannot be had.
        ConfigError: Likewise, and no waiting helps.
    """
    ring = await ring_of(keys)
    if ring is keys or key_id in ring.keys:
        return ring
    newer: object = None
    try:
        with anyio.fail_after(RING_TIMEOUT), stray_cancel_fails():
            newer = await keys.key_ring(having=key_id)
    except Exception as error:  # noqa: BLE001  # whatever a provider raises
        _log.info("the provider of keys has no newer ring: %s", type(error).__qualname__)
    return newer if isinstance(newer, KeyRing) else ring


@whole
@define(kw_only=True, eq=False)
class CachedKeys:
    """Keeps the ring of a slow provider, and asks for a newer one when it is due.

    A provider that fails is not asked again before `pause` is over. Meanwhile the last ring
    serves, for as long as `stale` says. A caller that is cancelled while it waits is no failure
    of the provider's: the next one asks.

    Args:
        provider: Where the ring comes from.
        seconds: How long a ring serves before the provider is asked again.
        pause: The least time between two questions, so that made-up key ids cannot flood it.
        stale: How long a ring serves while the provider fails, from when it was read.
        timeout: How many seconds the provider may take, which keeps everybody waiting; at most 3,
            since Cognito waits 5 for a whole trigger.
        clock: Gives seconds that never go back.

    Raises:
        ConfigError: The provider is none, a time is no number of seconds above zero or is too
            long, or `stale` is shorter than `seconds`.
    """

    provider: KeyProvider
    seconds: float = 300.0
    pause: float = 10.0
    stale: float = 3600.0
    timeout: float = 2.0
    clock: Callable[[], float] = field(default=time.monotonic, repr=False)
    _ring: KeyRing | None = field(default=None, init=False, repr=False)
    _read_at: float = field(default=float("-inf"), init=False, repr=False)
    _asked_at: float = field(default=float("-inf"), init=False, repr=False)
    _is_set_up: bool = field(default=True, init=False, repr=False)
    _asking: anyio.Lock = field(factory=anyio.Lock, init=False, repr=False)
    _process: int = field(factory=os.getpid, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        check_provider("CachedKeys: provider", self.provider)
        for name in ("seconds", "pause"):
            check_seconds(f"CachedKeys: {name}", getattr(self, name))
        check_seconds("CachedKeys: timeout", self.timeout, most=RING_TIMEOUT)
        check_seconds("CachedKeys: stale", self.stale, least=self.seconds)

    async def key_ring(self, *, having: str | None = None) -> KeyRing:
        """Return the ring.

        Args:
            having: The id of a key that is needed: if it is missing, the provider is asked early.

        Raises:
            KeysUnavailableError: The provider fails, and there is no ring that may still serve.
            ConfigError: So it is, and the provider has raised a ConfigError.
        """
        if self._serves(having):
            return self._kept()
        if self._process != os.getpid():  # whoever has the lock may be in the parent process
            self._process, self._asking = os.getpid(), anyio.Lock()
        async with self._asking:  # of all that wait here, only the first asks
            if not self._serves(having):
                await self._ask()
            return self._kept()

    def _serves(self, having: str | None) -> bool:
        """Return whether the ring is fresh, or the provider must not be asked again yet."""
        fresh = self._ring is not None and self.clock() - self._read_at < self.seconds
        missing = having is not None and (self._ring is None or having not in self._ring.keys)
        return (fresh and not missing) or self.clock() - self._asked_at < self.pause

    async def _ask(self) -> None:
        try:
            with anyio.fail_after(self.timeout), stray_cancel_fails():
                ring = await self.provider.key_ring()
            if not isinstance(ring, KeyRing):
                raise TypeError(f"{type(ring).__name__} is no KeyRing")  # noqa: TRY301
        except Exception as error:
            _log.warning("the provider of keys failed: %s", type(error).__qualname__)
            # From now on, so that those who waited for this question do not ask it again.
            self._asked_at = self.clock()
            self._is_set_up = not isinstance(error, ConfigError)
            if self.clock() - self._read_at >= self.stale:
                raise self._missing() from error
            return
        self._ring, self._is_set_up = ring, True
        self._asked_at = self._read_at = self.clock()

    def _kept(self) -> KeyRing:
        if self._ring is None or self.clock() - self._read_at >= self.stale:
            raise self._missing()
        return self._ring

    def _missing(self) -> KeysUnavailableError | ConfigError:
        return _unavailable() if self._is_set_up else _not_set_up()


def _not_set_up() -> ConfigError:
    return ConfigError("the keys cannot be read: their provider is not set up")


def _unavailable() -> KeysUnavailableError:
    return KeysUnavailableError("the keys cannot be read now; try again later")
