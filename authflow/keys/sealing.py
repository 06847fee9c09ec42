"""Sealed state, which travels in Cognito's challengeMetadata.

The metadata is all that a later Define or Create learns of an earlier challenge, and others may
read it: it is logged with events, and other triggers see it. What is sealed is hidden, bound to its
place in one sign-in, and expires.

    af1.<key id>.<base64url of nonce, ciphertext and tag>

AES-256-GCM (NIST SP 800-38D), which the processors of Lambda have instructions for. Its nonces are
random and must not repeat under one key, which is safe for 2^32 texts. The key is derived for one
user, challenge and round, so that many texts never come under one.

Needs the package `cryptography`; importing this module loads it.
"""

import base64
import binascii
import logging
import os
import re
import struct
import time
from collections.abc import Callable
from typing import Final

from attrs import astuple, define, field, frozen

from authflow.errors import MisuseError, SealError
from authflow.keys.key_ring import KeyProvider, KeyRing, encoded, ring_of
from authflow.secret import Secret

try:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
except ImportError as error:
    from authflow.extras import UnavailableImportError

    msg = "sealing needs the package cryptography: run `pip install cryptography`"
    raise UnavailableImportError(msg) from error

MOST_BYTES: Final = 1024
"""The most bytes that can be sealed. Cognito keeps the metadata of all rounds in the session and
sends it in every event, so it must stay small."""

LONGEST: Final = 24 * 3600.0
"""The longest time for which state stays sealed, in seconds."""

_VERSION: Final = "af1"
_PURPOSE: Final = "sealing"
_FORM: Final = re.compile(r"af1\.(?P<key_id>[A-Za-z0-9_-]{1,32})\.(?P<body>[A-Za-z0-9_-]+)")
_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16
_EXPIRY: Final = struct.Struct(">d")
_MOST_CHARS: Final = 2048

_log = logging.getLogger(__name__)


@frozen(kw_only=True)
class Binding:
    """The place in a sign-in that sealed state belongs to. The state opens nowhere else.

    Args:
        user_pool_id: The user pool.
        client_id: The app client.
        username: The user's canonical name.
        challenge: The label of the challenge's step in the policy.
        round: Which round of the sign-in it is, from 1.
        sign_in: What tells this sign-in from others of the same user: a name that was drawn in its
            first round. Without it, state of one opens in another one.
    """

    user_pool_id: str
    client_id: str
    username: str
    challenge: str
    round: int
    sign_in: str = ""

    def context(self) -> tuple[str, ...]:
        """Return the parts of the binding as strings."""
        return tuple(map(str, astuple(self)))


class _RefusedError(Exception):
    """The reason why a text is refused, for the log alone."""


@define(kw_only=True, eq=False)
class Sealer:
    """Seals state, and opens it again.

    Args:
        keys: The keys. The current one seals; any in the ring opens.
        clock: Gives seconds since the epoch.
    """

    keys: KeyProvider
    clock: Callable[[], float] = field(default=time.time, repr=False)

    async def seal(self, content: Secret[bytes], binding: Binding, *, seconds: float) -> str:
        """Seal bytes.

        Args:
            content: What to seal, at most 1024 bytes.
            binding: Where it belongs.
            seconds: For how long it can be opened, at most a day.

        Returns:
            A text of ASCII letters, digits, `.`, `-` and `_`, of at most 1,500 characters.

        Raises:
            MisuseError: There is too much to seal, or the time is not in its range.
            KeysUnavailableError: The keys cannot be read now.
        """
        if len(content.reveal()) > MOST_BYTES:
            msg = f"at most {MOST_BYTES} bytes can be sealed: keep what is larger in a store"
            raise MisuseError(msg)
        if not 0 < seconds <= LONGEST:
            msg = f"sealed state is kept for more than 0 and at most {LONGEST:g} seconds"
            raise MisuseError(msg)
        ring = await ring_of(self.keys)
        plain = _EXPIRY.pack(self.clock() + seconds) + content.reveal()
        nonce = os.urandom(_NONCE_BYTES)
        cipher, associated = (
            _cipher(ring, ring.current, binding),
            _associated(ring.current, binding),
        )
        body = nonce + cipher.encrypt(nonce, plain, associated)
        return f"{_VERSION}.{ring.current}.{_base64url(body)}"

    async def open(self, sealed: str, binding: Binding) -> Secret[bytes]:
        """Open state that was sealed for the same binding.

        Args:
            sealed: The text.
            binding: Where it was found.

        Raises:
            SealError: It was altered, belongs elsewhere, has expired, or its key is gone. The error
                does not say which of these.
            KeysUnavailableError: The keys cannot be read now.
        """
        try:
            return await self._open(sealed, binding)
        except _RefusedError as refused:
            _log.warning("sealed state was refused: %s", refused)
            msg = "the state of this sign-in cannot be opened: begin again"
            raise SealError(msg) from refused

    async def _open(self, sealed: str, binding: Binding) -> Secret[bytes]:
        form = None
        if isinstance(sealed, str) and len(sealed) <= _MOST_CHARS:
            form = _FORM.fullmatch(sealed)
        if form is None:
            raise _RefusedError("it is not of the form of sealed state")
        body = _from_base64url(form["body"])
        if len(body) < _NONCE_BYTES + _EXPIRY.size + _TAG_BYTES:
            raise _RefusedError("it is too short")
        key_id = form["key_id"]
        ring = await ring_of(self.keys, having=key_id)
        if key_id not in ring.keys:
            raise _RefusedError("its key is not in the key ring")
        nonce, ciphertext = body[:_NONCE_BYTES], body[_NONCE_BYTES:]
        associated = _associated(key_id, binding)
        try:
            plain = _cipher(ring, key_id, binding).decrypt(nonce, ciphertext, associated)
        except InvalidTag:
            raise _RefusedError("it was altered, or sealed for another place") from None
        (expires_at,) = _EXPIRY.unpack_from(plain)
        if not self.clock() < expires_at:
            raise _RefusedError("it has expired")
        return Secret(plain[_EXPIRY.size :])


def _cipher(ring: KeyRing, key_id: str, binding: Binding) -> AESGCM:
    return AESGCM(ring.subkey(_PURPOSE, *binding.context(), key_id=key_id))


def _associated(key_id: str, binding: Binding) -> bytes:
    return encoded(_VERSION, key_id, *binding.context())


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _from_base64url(text: str) -> bytes:
    """Decode base64url strictly, so that no two texts decode to the same state."""
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        raise _RefusedError("it is not base64url") from None
    if _base64url(data) != text:
        raise _RefusedError("it is not base64url as it was written")
    return data
