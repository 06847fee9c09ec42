"""Stand-ins for users who do not exist, so that clients cannot learn who exists.

With PreventUserExistenceErrors an unknown name gets the same reply as a known one: a salt and a
user id that stay the same for the same name and pool (RFC 5054 §2.5.1.3), and the same work. They
are made of the name with a key that never leaves the pool, in every spelling that the pool takes
for the same name.

What users are called there has one form, too, whether they exist or not. A username with capitals
would be a user's own in a pool that does not mind them, and a username that an address leads to
tells that the address is somebody's. So where names fold, users are called by the folded name; and
where aliases lead to users, by an id ("internal user id in UUID format", "Managing user existence
error responses" in the developer guide).
"""

import hmac
import uuid
from typing import Final

from attrs import field, frozen

from authflow.pool.accounts.attribute_values import is_address
from authflow.pool.accounts.passwords import SALT_BYTES, VERIFIER_BYTES, StoredPassword
from authflow.pool.accounts.user_pool import UserPool
from authflow.pool.accounts.users import CONFIRMED, User
from authflow.srp import COGNITO

_DIGEST_BYTES: Final = 64
_SPARE_BYTES: Final = 8
_KEYED_BYTES: Final = 24


def _derived(pool: UserPool, purpose: str, name: str, size: int) -> bytes:
    """Derive bytes from a name."""
    blocks = [
        hmac.digest(pool.mask_key, f"{purpose}\0{block}\0{name}".encode(), "sha512")
        for block in range(-(-size // _DIGEST_BYTES))
    ]
    return b"".join(blocks)[:size]


def keyed(pool: UserPool, purpose: str, name: str) -> str:
    """Return the keyed hash stored in place of a name, which may be a password by mistake."""
    return _derived(pool, f"keyed {purpose}", name, _KEYED_BYTES).hex()


def bucket(key: str) -> str:
    """Return the database row for a name without an account, written as an account's would be.

    It decides nothing. There are 65,536 of them, however many names are tried.

    Args:
        key: From `keyed`.
    """
    return f"nobody:{key[:4]}"


@frozen(kw_only=True)
class StandIn:
    """A stand-in for a user who does not exist.

    Args:
        sub: The user's id.
        username: The username, of the form that the pool's usernames have.
        shown: What a client that hides users is told instead of the username.
        password: A salt and a verifier that no password matches.
        pool: The user pool.
        name: The name, folded.
    """

    sub: str
    username: str
    shown: str
    password: StoredPassword = field(repr=False)
    pool: UserPool = field(repr=False)
    name: str = field(repr=False)

    def address(self, attribute: str) -> str:
        """Return the address of the stand-in: the name itself, if it is an address.

        Args:
            attribute: email or phone_number.
        """
        if is_address(attribute, self.name):
            return self.name
        drawn = _derived(self.pool, attribute, self.name, 10)
        if attribute == "email":
            return "@".join(chr(ord("a") + byte % 26) for byte in drawn[:2])
        return "+1" + "".join(str(byte % 10) for byte in drawn)

    def as_user(self, attribute: str, now: float) -> User:
        """Return the stand-in as a user, as triggers receive it.

        Args:
            attribute: The address that the user is reached by: email or phone_number.
            now: Seconds since the epoch.
        """
        return User(
            sub=self.sub,
            pool_id=self.pool.id,
            username=self.username,
            status=CONFIRMED,
            attributes={attribute: self.address(attribute), f"{attribute}_verified": "true"},
            password=self.password,
            created_at=now,
            modified_at=now,
        )


def stand_in(pool: UserPool, typed: str) -> StandIn:
    """Make the stand-in for a name that no user has.

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
    looks_like_alias = "@" in name or name.startswith("+")
    sub = str(uuid.UUID(bytes=_derived(pool, "sub", name, 16), version=4))
    named_by_id = pool.username_attributes or (pool.alias_attributes and looks_like_alias)
    username = sub if named_by_id else name
    return StandIn(
        sub=sub,
        username=username,
        shown=shown_name(pool, username, sub),
        password=StoredPassword(salt=salt, verifier=v.to_bytes(VERIFIER_BYTES, "big")),
        pool=pool,
        name=name,
    )


def shown_name(pool: UserPool, username: str, sub: str) -> str:
    """Return the name that a client that hides users receives instead of the username.

    Args:
        pool: The user pool.
        username: The canonical name.
        sub: The user's id.
    """
    return sub if pool.alias_attributes else pool.fold(username)


def second_name(pool: UserPool, username: str, sub: str) -> str | None:
    """Return the second name that a password is hashed with; None if there is none.

    It is the same question for all users of a pool, so that a new password takes as long for each.
    """
    one_form = pool.username_attributes or (not pool.alias_attributes and pool.fold("A") == "A")
    return None if one_form else shown_name(pool, username, sub)


def name_for_client(user: User | StandIn, pool: UserPool, *, hidden: bool) -> str:
    """Return the name of a user that the client receives.

    Args:
        user: The user, or who stands for one.
        pool: The user pool.
        hidden: Whether the app client hides users.
    """
    if not hidden:
        return user.username
    if isinstance(user, StandIn):
        return user.shown
    shown = shown_name(pool, user.username, user.sub)
    # A password that was set before there was a second name has a verifier for the username only.
    return shown if user.password.is_for_two_names else user.username
