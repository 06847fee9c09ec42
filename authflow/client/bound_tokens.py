"""The devices that refresh tokens were given to, as far as this process has seen it.

Cognito takes such a token from its device alone, and a caller who refreshes by the token itself
need not know that. Another process is told the device, or keeps users by `AuthClient.keep`.
"""

import hashlib
from collections import OrderedDict
from typing import Final

from attrs import define, field

from authflow.device import Device, UnconfirmedDevice
from authflow.results import Tokens
from authflow.secret import Secret

MOST_BOUND: Final = 4096
"""The number of refresh tokens that are known, some 800 bytes each."""


@define(eq=False)
class BoundTokens:
    """The devices of the refresh tokens that were given last, each as it came with them.

    Args:
        most: How many are known.
    """

    most: int = MOST_BOUND
    _devices: "OrderedDict[bytes, Device | UnconfirmedDevice]" = field(
        factory=OrderedDict, init=False, repr=False
    )

    def note(self, tokens: Tokens) -> None:
        """Note the device that came with tokens, if there is one.

        Args:
            tokens: The tokens.
        """
        if tokens.refresh_token is None or tokens.device is None:
            return
        of = _digest(tokens.refresh_token)
        self._devices[of] = tokens.device
        self._devices.move_to_end(of)
        while len(self._devices) > self.most:
            self._devices.popitem(last=False)

    def device(self, refresh_token: Secret[str]) -> Device | UnconfirmedDevice | None:
        """Return the device that a refresh token was given to; None if it is unknown."""
        return self._devices.get(_digest(refresh_token))


def _digest(token: Secret[str]) -> bytes:
    return hashlib.sha256(token.reveal().encode()).digest()
