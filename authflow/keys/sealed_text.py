"""Sealed texts, which hide what they hold, open in their place alone, and expire.

    <version>.<key id>.<base64url of salt, nonce, ciphertext and tag>

AES-256-GCM (NIST SP 800-38D), which common processors have instructions for. Its nonces are random
and must not repeat under one key, which is safe for 2^32 texts. So every text has a key of its own,
where there may be more of one place: it is derived from a random salt, as in the AWS Encryption SDK
("Algorithm suites reference") and XAES-256-GCM.

Needs the package `cryptography`; importing this module loads it.
"""

import binascii
import os
import re
import string
import struct
from typing import Final

from attrs import field, frozen

from authflow.keys.key_ring import KeyProvider, KeyRing, encoded, ring_of, ring_with
from authflow.secret import Secret

try:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
except ImportError as error:
    from authflow.extras import UnavailableImportError

    msg = "sealing needs the package cryptography: run `pip install cryptography`"
    raise UnavailableImportError(msg) from error

_HEAD: Final = re.compile(r"(?P<version>[a-z]{2}[0-9]{1,4})\.(?P<key_id>[A-Za-z0-9_-]{1,32})\.")
"""The part before the body, whose characters are looked at as it is decoded."""
_ALPHABET: Final = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
_LAST: Final = (_ALPHABET, "", _ALPHABET[::16], _ALPHABET[::4])
"""The last characters of base64url, by how many stand in the last group: its spare bits are 0."""
_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16
_EXPIRY: Final = struct.Struct(">d")


class RefusedTextError(Exception):
    """The reason why a text is refused. It is for logs and for the caller's own error alone."""


class ExpiredTextError(RefusedTextError):
    """A text that was sealed here, in this place, and has expired."""


@frozen(kw_only=True)
class Opened:
    """A text's content.

    Args:
        content: What was sealed.
        expires_at: When the text expires, in seconds since the epoch.
    """

    content: Secret[bytes]
    expires_at: float


@frozen(kw_only=True)
class SealedText:
    """The form of the sealed texts of one purpose.

    Args:
        version: What a text begins with: two small letters and a number, such as "af1".
        purpose: What the texts are for; no two uses of a key ring share one.
        most_chars: The longest text that is read.
        salt_bytes: Random bytes that give each text a key of its own; 0 only where a place has
            few texts.
    """

    version: str
    purpose: str
    most_chars: int
    salt_bytes: int = field(default=16)

    async def seal(
        self, keys: KeyProvider, content: Secret[bytes], place: tuple[str, ...], *, until: float
    ) -> str:
        """Seal bytes.

        Args:
            keys: The keys. The current one seals.
            content: What to seal.
            place: Where it belongs; it opens nowhere else.
            until: When it expires, in seconds since the epoch.

        Returns:
            A text of ASCII letters, digits, `.`, `-` and `_`.

        Raises:
            KeysUnavailableError: The keys cannot be read now.
        """
        ring = await ring_of(keys)
        drawn = os.urandom(self.salt_bytes + _NONCE_BYTES)
        salt, nonce = drawn[: self.salt_bytes], drawn[self.salt_bytes :]
        cipher = self._cipher(ring, ring.current, place, salt)
        plain = _EXPIRY.pack(until) + content.reveal()
        sealed = cipher.encrypt(nonce, plain, self._associated(ring.current, place))
        return f"{self.version}.{ring.current}.{_base64url(drawn + sealed)}"

    async def open(
        self, keys: KeyProvider, text: object, place: tuple[str, ...], *, now: float
    ) -> Opened:
        """Open a text that was sealed for the same place.

        Args:
            keys: The keys; any of the ring opens.
            text: The text, from wherever it came; in a `Secret`, no frame that waits shows it.
            place: Where it was found.
            now: The time, in seconds since the epoch.

        Raises:
            ExpiredTextError: It has expired, and is otherwise in order.
            RefusedTextError: It was altered, belongs elsewhere, or its key is gone.
            KeysUnavailableError: The keys cannot be read now.
        """
        key_id, sealed = self._read(text.reveal() if isinstance(text, Secret) else text)
        ring = await ring_with(keys, key_id)
        if key_id not in ring.keys:
            raise RefusedTextError("its key is not in the key ring")
        return self._opened(ring, key_id, sealed.reveal(), place, now)

    def _read(self, text: object) -> tuple[str, Secret[bytes]]:
        """Return a text's key id and its body."""
        if not isinstance(text, str) or len(text) > self.most_chars:
            raise RefusedTextError("it is not of the form of sealed state")
        head = _HEAD.match(text)
        if head is None or head["version"] != self.version:
            raise RefusedTextError("it is not of the form of sealed state")
        body = _from_base64url(text[head.end() :])
        if len(body) < self.salt_bytes + _NONCE_BYTES + _EXPIRY.size + _TAG_BYTES:
            raise RefusedTextError("it is too short")
        return head["key_id"], Secret(body)

    def _opened(
        self, ring: KeyRing, key_id: str, body: bytes, place: tuple[str, ...], now: float
    ) -> Opened:
        salt, sealed = body[: self.salt_bytes], body[self.salt_bytes :]
        nonce, ciphertext = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        cipher = self._cipher(ring, key_id, place, salt)
        try:
            plain = cipher.decrypt(nonce, ciphertext, self._associated(key_id, place))
        except InvalidTag:
            raise RefusedTextError("it was altered, or sealed for another place") from None
        (until,) = _EXPIRY.unpack_from(plain)
        if not now < until:
            raise ExpiredTextError("it has expired")
        return Opened(content=Secret(plain[_EXPIRY.size :]), expires_at=until)

    def _cipher(self, ring: KeyRing, key_id: str, place: tuple[str, ...], salt: bytes) -> AESGCM:
        salted = (salt.hex(),) if salt else ()
        return AESGCM(ring.subkey(self.purpose, *place, *salted, key_id=key_id))

    def _associated(self, key_id: str, place: tuple[str, ...]) -> bytes:
        return encoded(self.version, key_id, *place)


def _base64url(data: bytes) -> str:
    standard = binascii.b2a_base64(data, newline=False)
    return standard.rstrip(b"=").replace(b"+", b"-").replace(b"/", b"_").decode()


def _from_base64url(text: str) -> bytes:
    """Decode base64url strictly, so that no two texts decode to the same state."""
    if text[-1:] not in _LAST[len(text) % 4] or "+" in text or "/" in text:
        raise RefusedTextError("it is not base64url as it was written")
    standard = text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4)
    try:
        return binascii.a2b_base64(standard, strict_mode=True)
    except ValueError:  # of a text that is not ASCII, too
        raise RefusedTextError("it is not base64url") from None
