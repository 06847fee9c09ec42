"""The marks of users: keyed hashes that stand for their names where nobody is to be named.

With the client's `keys` a user has one mark in all processes, for as long as the key of `lookup`
stays; without them, a mark of this process's own. Either is of this purpose and one user pool
alone, so that it is found in no store, and another pool's user of the same name has another one.
"""

import hmac
import logging
import secrets
from functools import cache
from typing import Final

from attrs import field, frozen

from authflow.errors import AuthFlowError
from authflow.keys.key_ring import KeyProvider, encoded, ring_of
from authflow.secret import Secret
from authflow.tokens.usernames import unverified_claims
from authflow.wire import Request

_log: Final = logging.getLogger(__name__)
_PURPOSE: Final = "telemetry.user"
_BYTES: Final = 16
_KEY_BYTES: Final = 32


@cache
def _own_key() -> bytes:
    """Return this process's own key."""
    return secrets.token_bytes(_KEY_BYTES)


@frozen
class UserMarks:
    """The marks of one user pool's users."""

    _key: Secret[bytes] | None = field(repr=False)

    @classmethod
    async def of(cls, keys: KeyProvider | None, user_pool_id: str) -> "UserMarks":
        """Make the marks of a user pool; if the keys cannot be asked, nobody has one.

        Args:
            keys: The client's keys; None if it has none.
            user_pool_id: The user pool.
        """
        if keys is None:
            purpose = encoded(_PURPOSE, user_pool_id)
            return cls(Secret(hmac.digest(_own_key(), purpose, "sha256")))
        try:
            ring = await ring_of(keys)
        except AuthFlowError as error:
            _log.warning("observers are told no users: %s", error.message)
            return cls(None)
        return cls(Secret(ring.subkey(_PURPOSE, user_pool_id, key_id=ring.lookup)))

    def mark(self, username: str | None) -> str | None:
        """Return the mark of a user, in whatever case the name is typed.

        Args:
            username: The name; None if it is not known.
        """
        if self._key is None or not username:
            return None
        typed = username.casefold().encode("utf-8", "surrogatepass")
        return hmac.digest(self._key.reveal(), typed, "sha256")[:_BYTES].hex()


def name_in(request: Request) -> str | None:
    """Return the user's name as a request tells it: itself, or its access token.

    Args:
        request: What is sent on an account.
    """
    body = request.body
    name, token = body.get("Username"), body.get("AccessToken")
    del body  # it holds what is sent in clear
    if not name and isinstance(token, str):
        name = unverified_claims(Secret(token)).get("username")
    return name if isinstance(name, str) else None
