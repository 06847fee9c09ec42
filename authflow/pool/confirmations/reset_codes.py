"""Codes that reset a password: six digits, valid for one hour and for one use.

Cognito allows 5 to 20 attempts an hour to ask for a code or to enter one ("Forgot password
behavior" in the developer guide). Here they are ten, counted before anything is compared; a new
code replaces the old one and gives no new attempts, and a code ends with the password that it was
asked for to replace, and with the address that it went to. A name that nobody has gets a code, too,
which matches nothing, so that it is not told from a name that somebody has.
"""

import hmac
import secrets
from collections.abc import Iterable
from typing import Final, Self

from attrs import field, frozen

from authflow.pool.accounts.masking import bucket, keyed
from authflow.pool.accounts.user_pool import UserPool
from authflow.pool.accounts.users import User
from authflow.pool.cognito_errors import CognitoError
from authflow.pool.messages.destination import Destination
from authflow.pool.store.sqlite_connection import Connection
from authflow.secret import Secret

_SECONDS: Final = 3600.0
_WINDOW: Final = 3600.0
_MOST_ATTEMPTS: Final = 10
_DIGITS: Final = 6
_MOST_GROUNDS: Final = 2
"""An e-mail address and a phone number."""
MOST_NAMES: Final = 100_000
"""The most typed names that are remembered for a pool; the oldest are forgotten."""


@frozen(kw_only=True)
class Requester:
    """The requester of a code: the name and the account that attempts are counted for.

    Args:
        pool: The user pool.
        name: The name as it was typed, keyed.
        owner: The account; for a name that nobody has one of a few that tell nothing.
        exists: Whether there is an account.
        hidden: Whether the app client hides which.
    """

    pool: UserPool = field(repr=False)
    name: str
    owner: str
    exists: bool
    hidden: bool

    @classmethod
    def of(cls, pool: UserPool, user: User | None, typed: str, *, hidden: bool) -> Self:
        """Return the name and the account that an attempt is counted for.

        Args:
            pool: The user pool.
            user: The user; None for a name that nobody has.
            typed: The name as it was typed.
            hidden: Whether the app client hides which.
        """
        name = keyed(pool, "reset", pool.fold(typed))
        return cls(
            pool=pool,
            name=name,
            owner=bucket(name) if user is None else f"user:{user.sub}",
            exists=user is not None,
            hidden=hidden,
        )


def count_reset_attempt(connection: Connection, requester: Requester, now: float) -> bool:
    """Count an attempt to ask for a code or to enter one.

    Returns:
        Whether it may succeed: not if the account has had too many by other names, and the app
        client hides that they are one account's.

    Raises:
        CognitoError: There were too many in this hour.
    """
    pool_id, over = requester.pool.id, now - _WINDOW
    connection.execute("DELETE FROM reset_attempts WHERE began_at <= ?", (over,))
    connection.execute(
        "DELETE FROM typed_resets WHERE began_at <= ? AND coalesce(asked_at, 0) <= ?",
        (over, now - _SECONDS),
    )
    by_name: int
    ((by_name,),) = connection.execute(
        "INSERT INTO typed_resets (pool_id, name, attempts, began_at, place) VALUES (?, ?, 1, ?,"
        " (SELECT coalesce(max(place), 0) + 1 FROM typed_resets WHERE pool_id = ?))"
        " ON CONFLICT (pool_id, name) DO UPDATE SET place = excluded.place, attempts ="
        " CASE WHEN typed_resets.began_at <= ? THEN 1 ELSE typed_resets.attempts + 1 END,"
        " began_at ="
        " CASE WHEN typed_resets.began_at <= ? THEN ? ELSE typed_resets.began_at END"
        " RETURNING attempts",
        (pool_id, requester.name, now, pool_id, over, over, now),
    )
    connection.execute(
        "DELETE FROM typed_resets WHERE pool_id = ? AND place <="
        " (SELECT max(place) FROM typed_resets WHERE pool_id = ?) - ?",
        (pool_id, pool_id, MOST_NAMES),
    )
    by_account: int
    ((by_account,),) = connection.execute(
        "INSERT INTO reset_attempts (pool_id, owner, attempts, began_at) VALUES (?, ?, 1, ?)"
        " ON CONFLICT (pool_id, owner) DO UPDATE SET attempts = reset_attempts.attempts + 1"
        " RETURNING attempts",
        (pool_id, requester.owner, now),
    )
    too_many = requester.exists and by_account > _MOST_ATTEMPTS
    if by_name > _MOST_ATTEMPTS or (too_many and not requester.hidden):
        message = "Attempt limit exceeded, please try after some time."
        raise CognitoError("LimitExceededException", message, reason=message)
    return not too_many


def new_code() -> Secret[str]:
    """Draw a code."""
    return Secret(f"{secrets.randbelow(10**_DIGITS):0{_DIGITS}}")


def ground_of(user: User, destination: Destination) -> str:
    """Return what a code rests on: the password that it replaces, and the address that it goes to.

    Args:
        user: The user.
        destination: The address.
    """
    return f"{user.credentials}\0{destination.attribute}\0{destination.address}"


def _mac(pool: UserPool, owner: str, code: Secret[str], ground: str) -> bytes:
    # A plain hash of six digits could be searched in a second; this one needs the pool's key.
    told = f"authflow reset code\0{owner}\0{ground}\0{code.reveal()}"
    return hmac.digest(pool.mask_key, told.encode(), "sha256")


def put_code(
    connection: Connection,
    requester: Requester,
    code: Secret[str] | None,
    now: float,
    ground: str = "",
) -> None:
    """Store a code in place of the one before.

    Args:
        connection: The database.
        requester: Who asked for it.
        code: The code; None for one that matches nothing.
        now: Seconds since the epoch.
        ground: What the code rests on, by `ground_of`; it ends with it.
    """
    pool = requester.pool
    drawn = secrets.token_bytes(32)
    mac = _mac(pool, requester.owner, Secret(drawn.hex()) if code is None else code, ground)
    connection.execute("DELETE FROM reset_codes WHERE expires_at <= ?", (now,))
    connection.execute(
        "INSERT INTO reset_codes (pool_id, owner, mac, expires_at) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (pool_id, owner)"
        " DO UPDATE SET mac = excluded.mac, expires_at = excluded.expires_at",
        (pool.id, requester.owner, mac, now + _SECONDS),
    )
    connection.execute(
        "UPDATE typed_resets SET asked_at = ? WHERE pool_id = ? AND name = ?",
        (now, pool.id, requester.name),
    )


def code_mismatch() -> CognitoError:
    """Return the refusal of a wrong code."""
    message = "Invalid verification code provided, please try again."
    return CognitoError("CodeMismatchException", message, reason=message)


def use_up_code(
    connection: Connection,
    requester: Requester,
    code: Secret[str] | None,
    now: float,
    grounds: Iterable[str] = (),
) -> None:
    """Compare a code; if it is right, delete it and the attempts that it took.

    A code is an account's, whichever name is typed. Where the app client hides users, a wrong one
    is said to be wrong where a code was asked for by the same name, as for a name that nobody has.

    Args:
        connection: The database.
        requester: Who enters it.
        code: The code; None for one that matches nothing.
        now: Seconds since the epoch.
        grounds: All that a code of the account may rest on now, by `ground_of`.

    Raises:
        CognitoError: It is wrong, or there is none (any more).
    """
    pool = requester.pool
    asked = connection.execute(
        "SELECT 1 FROM typed_resets WHERE pool_id = ? AND name = ? AND asked_at > ?",
        (pool.id, requester.name, now - _SECONDS),
    )
    row = connection.execute(
        "SELECT mac FROM reset_codes WHERE pool_id = ? AND owner = ? AND expires_at > ?",
        (pool.id, requester.owner, now),
    ).first()
    # Whoever has no code to compare costs the same work.
    given, most = new_code() if code is None else code, [*grounds, "", ""][:_MOST_GROUNDS]
    macs = [_mac(pool, requester.owner, given, ground) for ground in most]
    compared = [row is not None and hmac.compare_digest(row[0], each) for each in macs]
    right = any(compared)
    if not (right and requester.exists and code is not None):
        raise code_mismatch() if (asked if requester.hidden else row) else _no_code()
    whose = (pool.id, requester.owner)
    connection.execute("DELETE FROM reset_codes WHERE pool_id = ? AND owner = ?", whose)
    connection.execute("DELETE FROM reset_attempts WHERE pool_id = ? AND owner = ?", whose)
    connection.execute(
        "DELETE FROM typed_resets WHERE pool_id = ? AND name = ?", (pool.id, requester.name)
    )


def _no_code() -> CognitoError:
    message = "Invalid code provided, please request a code again."
    return CognitoError("ExpiredCodeException", message, reason=message)
