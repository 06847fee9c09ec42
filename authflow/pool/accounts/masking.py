"""Stand-ins for users who do not exist, so that nobody learns who does.

With PreventUserExistenceErrors an unknown name gets the same reply as a known one: a salt and a
user id that stay the same for the same name and pool (RFC 5054 §2.5.1.3), and the same work. They
are made of the name with a key that never leaves the pool.
"""

import hmac
import uuid
from typing import Final

from attrs import field, frozen

from authflow.pool.accounts.passwords import SALT_BYTES, VERIFIER_BYTES, StoredPassword
from authflow.pool.accounts.user_pools import UserPool
from authflow.srp import COGNITO

_DIGEST_BYTES: Final = 64
_SPARE_BYTES: Final = 8


def _derived(pool: UserPool, purpose: str, name: str, size: int) -> bytes:
    """Derive bytes from a name."""
    blocks = [
        hmac.digest(pool.mask_key, f"{purpose}\0{block}\0{name}".encode(), "sha512")
        for block in range(-(-size // _DIGEST_BYTES))
    ]
    return b"".join(blocks)[:size]


@frozen(kw_only=True)
class StandIn:
    """What stands for a user who does not exist.

    Args:
        username: What USER_ID_FOR_SRP says, of the form that the pool's usernames have.
        password: A salt and a verifier that no password matches.
    """

    username: str
    password: StoredPassword = field(repr=False)


def stand_in(pool: UserPool, typed: str) -> StandIn:
    """Make the stand-in for a name that nobody has.

    Args:
        pool: The user pool.
        typed: The name.
    """
    name = pool.fold(typed)
    drawn = _derived(pool, "salt", name, SALT_BYTES + _SPARE_BYTES)
    # The first byte is never 0, and each other value is as frequent as in the salts of users.
    first = 1 + int.from_bytes(drawn[SALT_BYTES:], "big") % 255
    salt = bytes([first]) + drawn[1:SALT_BYTES]
    v = int.from_bytes(_derived(pool, "verifier", name, VERIFIER_BYTES), "big") % COGNITO.prime
    looks_like_alias = "@" in typed or typed.startswith("+")
    username = typed
    if pool.username_attributes or (pool.alias_attributes and looks_like_alias):
        username = str(uuid.UUID(bytes=_derived(pool, "sub", name, 16), version=4))
    return StandIn(
        username=username,
        password=StoredPassword(salt=salt, verifier=v.to_bytes(VERIFIER_BYTES, "big")),
    )


def stand_in_address(pool: UserPool, typed: str, attribute: str) -> str:
    """Make the address that a user who does not exist would have, the same for the same name.

    Args:
        pool: The user pool.
        typed: The name.
        attribute: email or phone_number.
    """
    drawn = _derived(pool, attribute, pool.fold(typed), 10)
    if attribute == "email":
        return "@".join(chr(ord("a") + byte % 26) for byte in drawn[:2])
    return "+1" + "".join(str(byte % 10) for byte in drawn)
