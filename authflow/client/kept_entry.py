"""The entry of a kept user in a store: what it holds, and how it is sealed.

    ku1.<key id>.<base64url>        sealed as `authflow.keys.sealed_text` says

An entry opens with the keys alone, and only as what it is: of this user pool, this app client and
this handle. Its name in the store is an HMAC. So whoever reads the store learns neither a token nor
a handle, and what he copies to another place does not open there. Whoever writes to it can destroy
entries, and put an older one back: its refresh token is refused then where they are rotated.
"""

import hashlib
import json
import logging
import re
from collections.abc import Mapping
from math import inf
from typing import Any, Final

import anyio
from attrs import define, evolve, field, frozen

from authflow.device import Device, UnconfirmedDevice
from authflow.errors import (
    MisuseError,
    SealError,
    SignedOutError,
    StateError,
    StoreUnavailableError,
)
from authflow.given_services import stray_cancel_fails
from authflow.keys.key_ring import KeyProvider, ring_of
from authflow.keys.sealed_text import RefusedTextError, SealedText
from authflow.machine import AuthFlow
from authflow.results import Tokens
from authflow.secret import Secret
from authflow.stores.store import Store
from authflow.tokens.token_life import TokenLife, life_of

STORE_TIMEOUT: Final = 5.0
"""Seconds that a store may take for one call."""
MOST_VALUE: Final = 256 * 1024
"""The largest value that a store takes, in bytes."""
MOST_OWED: Final = 64
"""The number of refresh tokens that an entry owes: more would outgrow what a store takes."""
_PURPOSE: Final = "kept users"
_TEXT: Final = SealedText(version="ku1", purpose=_PURPOSE, most_chars=MOST_VALUE)
_VERSION: Final = re.compile(rb"ku([0-9]{1,4})\.")
_OURS: Final = 1

_log = logging.getLogger(__name__)


@frozen(kw_only=True)
class Lease:
    """The right to refresh, which one caller of all processes has at a time.

    Args:
        holder: Whose it is: a random name.
        times: How often it was prolonged. So whoever watches it sees that its holder is alive; no
            time of day is in it, as the clocks of two machines differ.
    """

    holder: str
    times: int = 0


BoundDevice = Device | UnconfirmedDevice | None
"""The device that a refresh token was given to."""


@frozen(kw_only=True)
class KeptEntry:
    """A kept user.

    Args:
        username: The user's canonical name.
        sub: The user's `sub`, if the tokens tell it.
        flow: The auth flow that the user signed in by.
        until: When the entry expires, in seconds since the epoch; a refresh does not move it.
        seconds: For how long a store keeps it from each time that it is written. A process whose
            clock is ahead would shorten the time that is left, and for all processes.
        turn: How many refreshes there were.
        tokens: The tokens, which were verified; None once they are forgotten.
        access: The life of the access token.
        identity: The life of the id token.
        unproved: Tokens of a refresh that could not be verified yet: nobody is given them, and only
            their refresh token is used.
        lease: Who is refreshing.
        retry_at: Not before that is refreshed ahead of time, after a failure.
        over: Why the user is signed out; None while signed in.
        owed: The refresh tokens that are to be revoked yet once the user is signed out, and that no
            refresh uses. To revoke one before might end the others of the sign-in.
    """

    username: str
    sub: str | None
    flow: AuthFlow
    until: float
    seconds: float
    turn: int = 0
    tokens: Tokens | None
    access: TokenLife
    identity: TokenLife
    unproved: Tokens | None = None
    lease: Lease | None = None
    retry_at: float = 0.0
    over: str | None = None
    owed: tuple[Secret[str], ...] = ()

    @property
    def device(self) -> BoundDevice:
        """The device that the refresh tokens were given to."""
        kept = (self.tokens, self.unproved)
        return next((each.device for each in kept if each is not None and each.device), None)

    def own_tokens(self) -> tuple[Secret[str], ...]:
        """Return the refresh tokens that a refresh may use, the best one first."""
        kept = (self.unproved, self.tokens)
        return once(*(each.refresh_token for each in kept if each and each.refresh_token))

    def refresh_tokens(self) -> tuple[Secret[str], ...]:
        """Return all refresh tokens that may be good, the best one first."""
        return once(*self.own_tokens(), *self.owed)

    def owing(self, *tokens: Secret[str]) -> "KeptEntry":
        """Return the entry with more tokens that the user's sign-out has to revoke.

        Args:
            tokens: The tokens. Those that are the entry's own are revoked then anyway.
        """
        own = self.own_tokens()
        owed = once(*self.owed, *(each for each in tokens if each not in own))[-MOST_OWED:]
        return self if owed == self.owed else evolve(self, owed=owed)

    def renewed(self, tokens: Tokens, *, now: float) -> "KeptEntry":
        """Return the entry with the verified tokens of a refresh.

        Args:
            tokens: The tokens.
            now: When they were received, in seconds since the epoch.
        """
        return evolve(
            self,
            turn=self.turn + 1,
            tokens=tokens,
            access=life_of(tokens.access_token, expires_in=tokens.expires_in, now=now),
            identity=life_of(tokens.id_token, expires_in=tokens.expires_in, now=now),
            unproved=None,
            lease=None,
            retry_at=0.0,
        )


def once(*tokens: Secret[str]) -> tuple[Secret[str], ...]:
    """Return each token once; a Secret has no hash, and so no set takes it."""
    return tuple(each for i, each in enumerate(tokens) if each not in tokens[:i])


@frozen(kw_only=True)
class FoundEntry:
    """An entry as it was found.

    Args:
        entry: The entry.
        version: The store's name for this state of it.
    """

    entry: KeptEntry
    version: str


def entry_id(handle: Secret[str]) -> str:
    """Return what stands for a handle wherever the handle itself need not be known: its hash."""
    return hashlib.sha256(handle.reveal().encode()).hexdigest()


@define(kw_only=True, eq=False)
class KeptEntries:
    """The entries of one user pool and app client in a store.

    Args:
        place: The user pool and the app client.
        keys: What seals them.
        store: Where they are.
    """

    place: tuple[str, str]
    keys: KeyProvider = field(repr=False)
    store: Store

    async def read(self, of: str) -> FoundEntry:
        """Return an entry, also one that has expired: the clock that says so may be wrong.

        Args:
            of: The handle's `entry_id`.

        Raises:
            SignedOutError: There is none.
            SealError: It was altered, belongs elsewhere, its key is gone, or a newer version of
                authflow wrote it.
            StateError: The store or the keys cannot be asked.
        """
        name = await self._name(of)
        try:
            with anyio.fail_after(STORE_TIMEOUT), stray_cancel_fails():
                stored = await self.store.read(name)
        except Exception as error:
            raise _failed(error) from error
        if stored is None:
            msg = "nobody is signed in under this handle: sign in again"
            raise SignedOutError(msg)
        _check_version(stored.value)
        try:
            text = stored.value.decode("ascii", "replace")
            opened = await _TEXT.open(self.keys, text, (*self.place, of), now=-inf)
        except RefusedTextError as refused:
            _log.warning("the entry of a kept user was refused: %s", refused)
            raise _broken() from refused
        entry = _read(opened.content)
        if entry is None:
            _log.warning("the entry of a kept user was refused: it is sealed, and of another form")
            raise _broken()
        return FoundEntry(entry=entry, version=stored.version)

    async def write(self, of: str, entry: KeptEntry, *, expected: str | None) -> bool:
        """Write an entry, unless another process has changed it in between.

        Args:
            of: The handle's `entry_id`.
            entry: The entry.
            expected: The version that was read; None if there was none.

        Returns:
            Whether it was written.

        Raises:
            StateError: The store or the keys cannot be asked, or nobody knows whether it was
                written.
        """
        name = await self._name(of)
        sealed = await _TEXT.seal(self.keys, _written(entry), (*self.place, of), until=entry.until)
        try:
            with anyio.fail_after(STORE_TIMEOUT), stray_cancel_fails():
                return await self.store.replace(
                    name, sealed.encode(), expected=expected, seconds=entry.seconds
                )
        except Exception as error:
            raise _failed(error) from error

    async def _name(self, of: str) -> str:
        return (await ring_of(self.keys)).entry_name(_PURPOSE, *self.place, of)


def _failed(error: Exception) -> StateError | MisuseError:
    """Return the error for a store that failed, whatever it raised itself."""
    if isinstance(error, StateError | MisuseError):
        return error
    _log.error("the store of kept users failed: %s", type(error).__qualname__)
    return StoreUnavailableError("the store of signed-in users cannot be asked now; try later")


def _broken() -> SealError:
    return SealError("the entry of this signed-in user cannot be opened: sign in again")


def _check_version(value: bytes) -> None:
    """Refuse an entry that a newer version of authflow wrote.

    Raises:
        SealError: One did.
    """
    version = _VERSION.match(value)
    if version is not None and int(version[1]) > _OURS:
        msg = "a newer version of authflow wrote the entry of this user: update this process"
        raise SealError(msg)


def _tokens_json(tokens: Tokens | None) -> dict[str, Any] | None:
    if tokens is None:
        return None
    refresh = tokens.refresh_token
    return {
        "access": tokens.access_token.reveal(),
        "id": tokens.id_token.reveal(),
        "refresh": None if refresh is None else refresh.reveal(),
        "expires_in": tokens.expires_in,
        "type": tokens.token_type,
        "device": _device_json(tokens.device),
    }


def _device_json(device: BoundDevice) -> list[str | None] | None:
    if device is None:
        return None
    if isinstance(device, UnconfirmedDevice):
        return [device.key, device.group_key]
    password = None if device.password is None else device.password.reveal()
    return [device.key, device.group_key, password, device.sub]


def _read_device(data: Any) -> BoundDevice:
    if data is None:
        return None
    key, group_key, *confirmed = data
    if not confirmed:
        return UnconfirmedDevice(key=key, group_key=group_key)
    password, sub = confirmed
    return Device(key=key, group_key=group_key, password=password, sub=sub)


def _written(entry: KeptEntry) -> Secret[bytes]:
    lease = entry.lease
    return Secret(
        json.dumps(
            {
                "username": entry.username,
                "sub": entry.sub,
                "flow": entry.flow,
                "until": entry.until,
                "seconds": entry.seconds,
                "turn": entry.turn,
                "tokens": _tokens_json(entry.tokens),
                "access": [entry.access.seconds, entry.access.until],
                "identity": [entry.identity.seconds, entry.identity.until],
                "unproved": _tokens_json(entry.unproved),
                "lease": None if lease is None else [lease.holder, lease.times],
                "retry_at": entry.retry_at,
                "over": entry.over,
                "owed": [token.reveal() for token in entry.owed],
            }
        ).encode()
    )


def _read(content: Secret[bytes]) -> KeptEntry | None:
    """Read an entry; None if it is of another form."""
    try:
        data: Mapping[str, Any] = json.loads(content.reveal())
        lease = data["lease"]
        return KeptEntry(
            username=data["username"],
            sub=data["sub"],
            flow=AuthFlow(data["flow"]),
            until=data["until"],
            seconds=data["seconds"],
            turn=data["turn"],
            tokens=_read_tokens(data["tokens"]),
            access=TokenLife(seconds=data["access"][0], until=data["access"][1]),
            identity=TokenLife(seconds=data["identity"][0], until=data["identity"][1]),
            unproved=_read_tokens(data["unproved"]),
            lease=None if lease is None else Lease(holder=lease[0], times=lease[1]),
            retry_at=data["retry_at"],
            over=data["over"],
            owed=tuple(Secret(token) for token in data["owed"]),
        )
    except (ValueError, TypeError, KeyError, IndexError, MisuseError):
        return None


def _read_tokens(data: Mapping[str, Any] | None) -> Tokens | None:
    if data is None:
        return None
    return Tokens(
        access_token=Secret(data["access"]),
        id_token=Secret(data["id"]),
        refresh_token=None if data["refresh"] is None else Secret(data["refresh"]),
        expires_in=data["expires_in"],
        token_type=data["type"],
        device=_read_device(data.get("device")),  # an older version writes none
    )
