"""The trace of a device's password, as ConfirmDevice brings it.

The client makes it, with the device group key in the place of the pool's name and the device key in
that of the user id: a salt and a verifier, each in base64 of Java's BigInteger.toByteArray(). Some
clients pad no further than that, some have leading zeros, and AWS's example has no `=` at its end.
Source: "Getting a device key" in "Working with user devices in your user pool", developer guide.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Final, Self

from attrs import field, frozen

from authflow.pool.accounts.passwords import VERIFIER_BYTES
from authflow.pool.cognito_errors import CognitoError, invalid_parameter
from authflow.srp import COGNITO, SALT_DIGITS

_SALT_BYTES: Final = SALT_DIGITS // 2
"""The longest salt that clients read: authflow's own takes no longer one."""


@frozen(kw_only=True)
class DeviceSecret:
    """A salt and a verifier.

    Args:
        salt: SRP's salt, as a number.
        v: SRP's verifier.
    """

    salt: int = field(repr=False)
    v: int = field(repr=False)

    @property
    def srp_salt(self) -> str:
        """The salt as SALT is sent."""
        return f"{self.salt:x}"

    @property
    def columns(self) -> tuple[bytes, bytes]:
        """The columns in which it is stored."""
        return self.salt.to_bytes(_SALT_BYTES, "big"), self.v.to_bytes(VERIFIER_BYTES, "big")

    @classmethod
    def from_columns(cls, salt: bytes, verifier: bytes) -> Self:
        """Read the result of `columns`."""
        return cls(salt=int.from_bytes(salt, "big"), v=int.from_bytes(verifier, "big"))

    @classmethod
    def read(cls, config: Mapping[str, str]) -> Self:
        """Read a DeviceSecretVerifierConfig.

        Raises:
            CognitoError: A member is missing, no base64, or no number that SRP can use: one that is
                too long, a salt of 0, or a verifier that anybody can prove.
        """
        salt = _number(config, "Salt", _SALT_BYTES)
        v = _number(config, "PasswordVerifier", VERIFIER_BYTES)
        if salt == 0:
            raise _unusable("Salt")
        # Powers of 1 and N - 1 are known to everybody, whatever the password is.
        if not 1 < v < COGNITO.prime - 1:
            raise _unusable("PasswordVerifier")
        return cls(salt=salt, v=v)


def _number(config: Mapping[str, str], name: str, most_bytes: int) -> int:
    text = config.get(name, "")
    try:
        decoded = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise _unusable(name) from None
    number = int.from_bytes(decoded, "big")
    # One byte more: 00 is in front where the top bit is set.
    if len(decoded) > most_bytes + 1 or number.bit_length() > 8 * most_bytes:
        raise _unusable(name)
    return number


def _unusable(name: str) -> CognitoError:
    message = f"Invalid {name} given in DeviceSecretVerifierConfig."
    return invalid_parameter(message, reason=message)
