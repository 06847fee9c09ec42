"""The devices that refresh tokens were given to, as far as this process has seen it.

Cognito takes such a token from its device alone, and a caller who refreshes by the token itself
need not know that. Another process is told the device, or keeps users by `AuthClient.keep`.
"""

import hashlib
from collections import OrderedDict
from typing import Final

from attrs import define, field

from authflow.results import Tokens
from authflow.secret import Secret

MOST_BOUND: Final = 4096
"""The number of refresh tokens that are known, some 200 bytes each."""


@define(eq=False)
class BoundTokens:
    """The devices of the refresh tokens that were given last.

    Args:
        most: How many are known.
    """

    most: int = MOST_BOUND
    _keys: "OrderedDict[bytes, str]" = field(factory=OrderedDict, init=False, repr=False)

    def note(self, tokens: Tokens, device_key: str | None = None) -> None:
        """Note the device that came with tokens, if there is one.

        Args:
            tokens: The tokens.
            device_key: The key of the device, where the tokens do not tell it.
        """
        key = device_key if tokens.device is None else tokens.device.key
        if tokens.refresh_token is None or key is None:
            return
        of = _digest(tokens.refresh_token)
        self._keys[of] = key
        self._keys.move_to_end(of)
        while len(self._keys) > self.most:
            self._keys.popitem(last=False)

    def device_key(self, refresh_token: Secret[str]) -> str | None:
        """Return the key of the device that a refresh token was given to; None if it is unknown."""
        return self._keys.get(_digest(refresh_token))


def _digest(token: Secret[str]) -> bytes:
    return hashlib.sha256(token.reveal().encode()).digest()
