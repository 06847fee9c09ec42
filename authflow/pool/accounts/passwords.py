"""What a pool keeps of a password: a salt and a verifier, and nothing else."""

import hmac
import secrets
from typing import Final, Self

from attrs import field, frozen

from authflow import srp
from authflow.secret import Secret

SALT_BYTES: Final = 16
VERIFIER_BYTES: Final = 384
"""The size of SRP's N: verifiers are kept at full width."""


def new_salt() -> bytes:
    """Draw a salt. Its first byte is never 0.

    Clients disagree on leading zeros: some hash the salt's integer, some its hexadecimal text.
    """
    return bytes([1 + secrets.randbelow(255)]) + secrets.token_bytes(SALT_BYTES - 1)


@frozen(kw_only=True)
class StoredPassword:
    """The trace of a password.

    Args:
        salt: SRP's salt.
        verifier: SRP's v, big-endian.
    """

    salt: bytes
    verifier: bytes = field(repr=False)

    @classmethod
    def make(cls, pool_id: str, username: str, password: Secret[str]) -> Self:
        """Make the trace of a new password. This takes a millisecond: keep it off the loop."""
        salt = new_salt()
        return cls(salt=salt, verifier=_verifier(pool_id, username, salt, password))

    @property
    def version(self) -> str:
        """Tells this password's trace from that of any other, also of the same password again."""
        return self.salt.hex()

    @property
    def v(self) -> int:
        """The verifier as a number."""
        return int.from_bytes(self.verifier, "big")

    @property
    def srp_salt(self) -> str:
        """SALT as it is sent."""
        return self.salt.hex()

    def recomputed(self, pool_id: str, username: str, password: Secret[str]) -> Secret[bytes]:
        """Give the verifier that another password would have; equal if it is the same password.

        It takes a millisecond, whatever the password is: keep it off the loop.
        """
        return Secret(_verifier(pool_id, username, self.salt, password))

    def matches(self, recomputed: Secret[bytes]) -> bool:
        """Compare verifiers, in constant time."""
        return hmac.compare_digest(self.verifier, recomputed.reveal())


def _verifier(pool_id: str, username: str, salt: bytes, password: Secret[str]) -> bytes:
    number = int.from_bytes(salt, "big")
    v = srp.password_verifier(srp.pool_name(pool_id), username, number, password)
    return v.to_bytes(VERIFIER_BYTES, "big")


def random_password() -> Secret[str]:
    """Draw a password that nobody knows."""
    return Secret(secrets.token_urlsafe(32))
