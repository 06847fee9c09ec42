"""The secrets that users share with their authenticator apps, and the stores of these secrets.

What an app shares with a user pool is worth as much as a password, and it cannot be hashed. So it
does not stand in a user attribute, which app clients may read. `SealedSecretStore` keeps it in any
store that the limits may be in, by DynamoDB for one: sealed by AES-256-GCM under a key of the key
ring, bound to its owner, under a name that tells nothing.

It stands under the user's name, and belongs to one account: an account that is made anew under an
old name has another `sub`, and inherits no authenticator. Whoever enrols tells the `sub`. What was
enrolled without it belongs to the first account that signs in by it.

| to keep it | entries |
|---|---|
| on Lambda | `DynamoDbStore(table=...)` with a table of its own, which has backups |
| for tests | `MemoryStore()` |
"""

import base64
import json
import logging
import os
from collections.abc import Awaitable
from enum import StrEnum
from typing import Any, Final, Protocol, TypeVar

from attrs import define, field, frozen
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from authflow.errors import SealError, StateError
from authflow.keys import KeyProvider, KeyRing, ring_of, ring_with
from authflow.plugins import ConfigError, Secret, stray_cancel_fails
from authflow.stores import Store

LEAST_SECRET: Final = 16
"""The fewest bytes of a secret: RFC 4226, section 4, R6."""
DIGITS: Final = range(6, 9)
ALGORITHMS: Final = ("SHA1", "SHA256", "SHA512")
"""The hashes of RFC 6238, section 1.2. Many apps support only the first."""

_FOREVER: Final = 100 * 365 * 86400.0
_NONCE_BYTES: Final = 12
_VERSION: Final = b"1"

T = TypeVar("T")

_log: Final = logging.getLogger(__name__)


class Kind(StrEnum):
    """The source of an app's next code: the time, or a counter."""

    TOTP = "totp"
    HOTP = "hotp"


def _is_name(_owner: object, attribute: Any, value: Any) -> None:
    if not isinstance(value, str) or not value:
        msg = f"Owner: {attribute.name} is a text that is not empty"
        raise ConfigError(msg)


def _is_sub(_owner: object, _attribute: object, value: Any) -> None:
    if not isinstance(value, str):
        msg = "Owner: sub is the user's attribute of that name, a text"
        raise ConfigError(msg)


def _kind(value: object) -> Kind:
    for kind in Kind:
        if value == kind:
            return kind
    msg = "Owner: kind is Kind.TOTP or Kind.HOTP"
    raise ConfigError(msg)


@frozen(kw_only=True)
class Owner:
    """The owner of a secret.

    Args:
        user_pool_id: The user pool.
        username: The user's canonical name: `event.userName`, which for many pools is no address.
        kind: What for.
        sub: The user's attribute `sub`, which stands in every token: which account of that name it
            is. Without it an enrolment is for whoever has the name.

    Raises:
        ConfigError: One of them is something else.
    """

    user_pool_id: str = field(validator=_is_name)
    username: str = field(validator=_is_name)
    kind: Kind = field(converter=_kind)
    sub: str = field(default="", validator=_is_sub)

    def parts(self) -> tuple[str, str, str]:
        """Return the parts of the owner's name."""
        return self.user_pool_id, self.username, self.kind.value


@frozen(kw_only=True)
class AuthenticatorEnrolment:
    """A secret that a user shares with an app, and the first code that can still be right.

    Args:
        secret: The secret, at least 16 bytes.
        algorithm: The hash: SHA1, SHA256 or SHA512.
        digits: How many digits a code has, 6 to 8.
        next_place: The first place whose code can be right: a counter, or a time step. It only
            grows, so no code is right twice.
        used_by: Which challenge the last code was right for: its answer may be judged three times.
        confirmed: The user has shown a first code. Before that no code is right.
        sub: The account that it belongs to; empty if none was told, and none has used it.

    Raises:
        ConfigError: Something is out of its bounds.
    """

    secret: Secret[bytes] = field(hash=False)
    algorithm: str = "SHA1"
    digits: int = 6
    next_place: int = 0
    used_by: str = ""
    confirmed: bool = False
    sub: str = ""

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.secret, Secret) or not isinstance(self.secret.reveal(), bytes):
            msg = "an enrolment's secret is bytes in a Secret"
            raise ConfigError(msg)
        if len(self.secret.reveal()) < LEAST_SECRET:
            msg = f"an enrolment's secret has at least {LEAST_SECRET} bytes (RFC 4226, R6)"
            raise ConfigError(msg)
        if self.algorithm not in ALGORITHMS:
            msg = f"an enrolment's algorithm is one of {', '.join(ALGORITHMS)}"
            raise ConfigError(msg)
        if type(self.digits) is not int or self.digits not in DIGITS:
            msg = f"an enrolment has codes of {DIGITS[0]} to {DIGITS[-1]} digits"
            raise ConfigError(msg)
        if type(self.next_place) is not int or not 0 <= self.next_place < 2**63:
            msg = "an enrolment's next place is a whole number, not below 0"
            raise ConfigError(msg)

    def belongs_to(self, sub: str) -> bool:
        """Return whether it is an account's, or nobody's so far.

        Args:
            sub: The account's `sub`; empty where the pool tells none.
        """
        return not self.sub or self.sub == sub

    def to_json(self) -> bytes:
        """Return the enrolment as JSON, which must be sealed, as it contains the secret."""
        return json.dumps(
            {
                "secret": base64.b64encode(self.secret.reveal()).decode(),
                "algorithm": self.algorithm,
                "digits": self.digits,
                "next_place": self.next_place,
                "used_by": self.used_by,
                "confirmed": self.confirmed,
                "sub": self.sub,
            }
        ).encode()

    @classmethod
    def from_json(cls, text: bytes) -> "AuthenticatorEnrolment":
        """Read the result of `to_json`."""
        kept = json.loads(text)
        return cls(**{**kept, "secret": Secret(base64.b64decode(kept["secret"]))})


@frozen(kw_only=True)
class Kept:
    """An enrolment as a store has it.

    Args:
        enrolment: The enrolment.
        version: The store's name for this very state of it.
    """

    enrolment: AuthenticatorEnrolment
    version: str


_STAND_IN: Final = AuthenticatorEnrolment(secret=Secret(bytes(20)), sub="-" * 36)


async def from_store(kind: Kind, asked: Awaitable[T]) -> T:
    """Wait for a store of enrolments; all its failures become one error.

    Args:
        kind: What for.
        asked: What it was asked.

    Raises:
        StateError: It failed.
    """
    try:
        with stray_cancel_fails():
            return await asked
    except StateError:
        raise
    except Exception as error:
        msg = f"{kind}: the store of the enrolments failed: {type(error).__name__}"
        raise StateError(msg) from error


class SecretStore(Protocol):
    """Stores enrolments. Whenever it raises, no code counts as right."""

    async def get(self, owner: Owner) -> Kept | None:
        """Return a user's enrolment, never an outdated one; None if there is none."""

    async def replace(
        self, owner: Owner, enrolment: AuthenticatorEnrolment, *, expected: str | None
    ) -> bool:
        """Write an enrolment, unless somebody else was faster.

        Args:
            owner: Whose it is.
            enrolment: The enrolment.
            expected: The version that `get` gave; None if there was none.

        Returns:
            Whether it was written.
        """


@define(kw_only=True, eq=False)
class SealedSecretStore:
    """Stores enrolments sealed, in a store of the same kind as for limits.

    Keep every key in the ring under which something was sealed: `reseal` seals it under the current
    one, and so does every right answer.

    Args:
        entries: Where to keep them. Give them a table of their own: a count that is lost is
            forgiven, and a secret that is lost shuts its user out.
        keys: The key ring.
    """

    entries: Store
    keys: KeyProvider

    async def get(self, owner: Owner) -> Kept | None:
        """Return a user's enrolment; None if there is none.

        Args:
            owner: Whose.

        Raises:
            SealError: It cannot be opened: altered, another user's, or its key is gone.
            StateError: The store or the keys cannot be asked now.
        """
        ring = await ring_of(self.keys)
        stored = await from_store(owner.kind, self.entries.read(_name(ring, owner)))
        # For users without one it takes as long.
        value = _sealed(ring, owner, _STAND_IN)
        enrolment = await self._open(value if stored is None else stored.value, owner)
        if stored is None:
            return None
        return Kept(enrolment=enrolment, version=stored.version)

    async def replace(
        self, owner: Owner, enrolment: AuthenticatorEnrolment, *, expected: str | None
    ) -> bool:
        """Write an enrolment, unless somebody else was faster.

        Args:
            owner: Whose it is.
            enrolment: The enrolment.
            expected: The version that `get` gave; None if there was none.

        Raises:
            StateError: The store or the keys cannot be asked now.
        """
        ring = await ring_of(self.keys)
        value = _sealed(ring, owner, enrolment)
        return await from_store(
            owner.kind,
            self.entries.replace(_name(ring, owner), value, expected=expected, seconds=_FOREVER),
        )

    async def reseal(self, owner: Owner) -> bool:
        """Seal a user's enrolment under the current key, after the ring was rotated.

        Args:
            owner: Whose.

        Returns:
            Whether it was done: not if there is none, or it was changed at the same time.

        Raises:
            StateError: As for `get`.
        """
        kept = await self.get(owner)
        return kept is not None and await self.replace(owner, kept.enrolment, expected=kept.version)

    async def _open(self, value: bytes, owner: Owner) -> AuthenticatorEnrolment:
        version, _, rest = value.partition(b".")
        key, _, body = rest.partition(b".")
        key_id = key.decode("ascii", "replace")
        ring = await ring_with(self.keys, key_id)
        if version == _VERSION and key_id in ring.keys and len(body) > _NONCE_BYTES:
            head = value[: len(value) - len(body)]
            nonce, sealed = body[:_NONCE_BYTES], body[_NONCE_BYTES:]
            try:
                opened = _cipher(ring, owner, key_id).decrypt(nonce, sealed, head)
                return AuthenticatorEnrolment.from_json(opened)
            except InvalidTag:
                pass
        _log.error("a user's enrolment was altered or moved, or its key %.32r is gone", key_id)
        msg = "the user's authenticator cannot be checked: its entry cannot be opened"
        raise SealError(msg)


def _name(ring: KeyRing, owner: Owner) -> str:
    """Return the name of an owner's entry."""
    return ring.entry_name("authflow-otp names", "enrolment", *owner.parts())


def _sealed(ring: KeyRing, owner: Owner, enrolment: AuthenticatorEnrolment) -> bytes:
    nonce, head = os.urandom(_NONCE_BYTES), _VERSION + b"." + ring.current.encode() + b"."
    cipher = _cipher(ring, owner, ring.current)
    return head + nonce + cipher.encrypt(nonce, enrolment.to_json(), head)


def _cipher(ring: KeyRing, owner: Owner, key_id: str) -> AESGCM:
    """Make the cipher of one owner, which cannot open what is sealed for another."""
    return AESGCM(ring.subkey("authflow-otp enrolments", *owner.parts(), key_id=key_id))
