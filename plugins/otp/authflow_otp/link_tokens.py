"""Tokens of sign-in links: what a link holds, signed by a key of the key ring.

    link<link id><base32 of: key id, expiry, owner, tag>

The link id is 130 bits that the triggers draw for one challenge of one user, pool and app client;
Verify compares the whole token with that of the challenge that is answered. The rest is for the
page behind the link, which knows no challenge: it sees by the tag that we made the link, for whom,
and until when it is good. The owner is a keyed digest of the pool and the username, and tells
neither.

Base32 without capital letters, since people paste tokens and mail programs break lines and case.
Sources: RFC 2104 (HMAC; section 5 on shorter tags), RFC 4648 section 6 (base32).
"""

import base64
import binascii
import hmac
from typing import Final, Self

from attrs import field, frozen

from authflow.keys import KeyProvider, KeyRing, ring_with
from authflow.plugins import Randomness, Secret
from authflow_otp.pasted_links import ID_SIGNS, PREFIX, token_of

_ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz234567"
_OWNER_BYTES: Final = 16
_TIME_BYTES: Final = 5
_TAG_BYTES: Final = 16

_PURPOSE: Final = "authflow-otp link tokens"
_OWNERS: Final = "authflow-otp link owners"


def new_link_id(drawn: Randomness) -> str:
    """Draw the id of a link: 26 letters and digits of base32, 130 bits.

    Args:
        drawn: What to draw it from.
    """
    return drawn.text(_ALPHABET, ID_SIGNS)


def owner_of(ring: KeyRing, user_pool_id: str, username: str) -> str:
    """Return the name of a user for links; it tells nothing without the key, and stays.

    Args:
        ring: The keys.
        user_pool_id: The user pool.
        username: The user's name, in one spelling: `context.plain_name`.

    Returns:
        32 hexadecimal digits.
    """
    name = ring.entry_name(_OWNERS, user_pool_id, username)
    return base64.urlsafe_b64decode(name + "=")[:_OWNER_BYTES].hex()


@frozen(kw_only=True)
class SignInLink:
    """The content of a link.

    Args:
        link_id: Names it: from `new_link_id`. Nobody can guess it.
        until: When it expires, in seconds since the epoch.
        owner: Whose it is: from `owner_of`.
    """

    link_id: str = field(repr=False)
    until: int
    owner: str

    def signed(self, ring: KeyRing, key_id: str) -> Secret[str]:
        """Return the token. The same content has the same token, in every run of Create.

        Args:
            ring: The keys.
            key_id: Which of them signs.

        Raises:
            KeyError: The ring has no such key.
        """
        key = key_id.encode()
        body = (
            bytes([len(key)])
            + key
            + self.until.to_bytes(_TIME_BYTES, "big")
            + bytes.fromhex(self.owner)
        )
        signed = base64.b32encode(body + _tag(ring, key_id, self.link_id, body))
        return Secret(PREFIX + self.link_id + signed.decode().rstrip("=").lower())

    @classmethod
    async def opened(cls, pasted: str | Secret[str], keys: KeyProvider) -> Self | None:
        """Return what a link holds; None if it is not one of ours. Whether it expired is not asked.

        Args:
            pasted: The token, or the link.
            keys: The keys.

        Raises:
            KeysUnavailableError: They cannot be read now.
            ConfigError: They are not set up.
        """
        token = token_of(pasted).removeprefix(PREFIX)
        link_id, data = token[:ID_SIGNS], _decoded(token[ID_SIGNS:])
        if not data:
            return None
        size = data[0]
        key_id = data[1 : 1 + size].decode("ascii", "replace")
        ring = await ring_with(keys, key_id)  # anybody may name one
        body, tag = data[:-_TAG_BYTES], data[-_TAG_BYTES:]
        if key_id not in ring.keys or not hmac.compare_digest(
            _tag(ring, key_id, link_id, body), tag
        ):
            return None
        content = body[1 + size :]
        return cls(
            link_id=link_id,
            until=int.from_bytes(content[:_TIME_BYTES], "big"),
            owner=content[_TIME_BYTES:].hex(),
        )


def _tag(ring: KeyRing, key_id: str, link_id: str, body: bytes) -> bytes:
    signed = link_id.encode() + body  # the id has one length, so this has one reading
    return hmac.digest(ring.subkey(_PURPOSE, key_id=key_id), signed, "sha256")[:_TAG_BYTES]


def _decoded(text: str) -> bytes:
    """Decode base32 strictly, so that no two tokens are the same link; nothing if it is none."""
    try:
        data = base64.b32decode(text.upper() + "=" * (-len(text) % 8))
    except binascii.Error:
        return b""
    return data if base64.b32encode(data).decode().rstrip("=").lower() == text else b""
