"""The stored trace of a password: a salt and a verifier, and nothing else."""

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
        verifier: SRP's v for the username, big-endian; behind it the one for the name by which
            clients are told of the user where the app client hides users, if it is made.
    """

    salt: bytes
    verifier: bytes = field(repr=False)

    @classmethod
    def make(
        cls, pool_id: str, username: str, password: Secret[str], shown: str | None = None
    ) -> Self:
        """Make the trace of a new password. Each name takes a millisecond: keep it off the loop.

        Args:
            pool_id: The user pool.
            username: The canonical name.
            password: The password.
            shown: A further name by which a client may know the user; None for none.
        """
        salt = new_salt()
        names = (username,) if shown is None else (username, shown)
        verifiers = (_verifier(pool_id, name, salt, password) for name in names)
        return cls(salt=salt, verifier=b"".join(verifiers))

    @classmethod
    def of_nobody(cls, *, two_names: bool) -> Self:
        """Draw the trace of no password: nothing proves it, and it takes no arithmetic.

        Args:
            two_names: Whether there is also a verifier for a shown name.
        """
        size = VERIFIER_BYTES * (2 if two_names else 1)
        return cls(salt=new_salt(), verifier=secrets.token_bytes(size))

    @property
    def version(self) -> str:
        """An identifier of this trace; setting the same password again gives another one."""
        return self.salt.hex()

    @property
    def v(self) -> int:
        """The verifier for the username, as a number."""
        return int.from_bytes(self.verifier[:VERIFIER_BYTES], "big")

    @property
    def v_shown(self) -> int:
        """The verifier for the shown name, as a number; if there is only one, that one."""
        return int.from_bytes(self.verifier[-VERIFIER_BYTES:], "big")

    @property
    def is_for_two_names(self) -> bool:
        """Whether there is also a verifier for the shown name."""
        return len(self.verifier) > VERIFIER_BYTES

    @property
    def srp_salt(self) -> str:
        """The salt as SALT is sent."""
        return self.salt.hex()

    def recomputed(self, pool_id: str, username: str, password: Secret[str]) -> Secret[bytes]:
        """Return the verifier for a password with this salt: equal if the passwords are equal.

        It takes a millisecond, whatever the password is: keep it off the loop.
        """
        return Secret(_verifier(pool_id, username, self.salt, password))

    def matches(self, recomputed: Secret[bytes]) -> bool:
        """Return whether the verifiers are equal, in constant time."""
        return hmac.compare_digest(self.verifier[:VERIFIER_BYTES], recomputed.reveal())


def _verifier(pool_id: str, username: str, salt: bytes, password: Secret[str]) -> bytes:
    number = int.from_bytes(salt, "big")
    v = srp.password_verifier(srp.pool_name(pool_id), username, number, password)
    return v.to_bytes(VERIFIER_BYTES, "big")


def random_password() -> Secret[str]:
    """Draw a password that nobody knows."""
    return Secret(secrets.token_urlsafe(32))
