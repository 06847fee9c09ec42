"""Codes that confirm something: six digits, for one purpose, for a time and for one use.

A code resets a password, confirms a sign-up or verifies an address. Each purpose has a code, a
lifetime and a count of attempts of its own ("Quotas in Amazon Cognito" in the developer guide: one
hour for a forgotten password, 24 hours for a sign-up and for an attribute).

Cognito allows 5 to 20 attempts an hour to ask for a code or to enter one ("Forgot password
behavior" in the developer guide). Here they are ten for each purpose, counted before anything is
compared; a new code replaces the old one and gives no new attempts, and a code ends with the
address that it went to, and one that resets a password with the password that it was asked for to
replace. A name that nobody has gets a code, too, which matches nothing, so that it is not told from
a name that somebody has.
"""

import hmac
import secrets
from collections.abc import Iterable
from typing import Final, Self

from attrs import field, frozen

from authflow.pool.accounts.masking import bucket, keyed
from authflow.pool.accounts.user_pool import UserPool
from authflow.pool.accounts.users import User
from authflow.pool.cognito_errors import CognitoError, limit_exceeded
from authflow.pool.messages.destination import Destination
from authflow.pool.store.sqlite_connection import Connection
from authflow.secret import Secret

_HOUR: Final = 3600.0
_DAY: Final = 86400.0
_WINDOW: Final = 3600.0
_MOST_ATTEMPTS: Final = 10
_DIGITS: Final = 6
_REMEMBERED: Final = _DAY
"""Seconds for which a code that has expired is told from a wrong one."""
_MOST_GROUNDS: Final = 2
"""An e-mail address and a phone number."""
MOST_NAMES: Final = 100_000
"""The most typed names that are remembered for a purpose in a pool; the oldest are forgotten."""


@frozen(kw_only=True)
class CodePurpose:
    """The purpose of a code.

    Args:
        name: What it is called in the database.
        seconds: How long a code is good.
        replaces_password: Whether a code ends with the password of the time when it was asked for,
            and with the times that the user was disabled.
        sent_unasked: Whether a code comes without being asked for. Where the app client hides users
            any code is said to be wrong then, for a name that somebody has may have been sent one.
    """

    name: str
    seconds: float
    replaces_password: bool = False
    sent_unasked: bool = False


RESET: Final = CodePurpose(name="reset", seconds=_HOUR, replaces_password=True)
"""To set a new password for a forgotten one."""
SIGN_UP: Final = CodePurpose(name="sign-up", seconds=_DAY, sent_unasked=True)
"""To confirm a user who has signed up."""
VERIFY: Final = {
    attribute: CodePurpose(name=f"verify {attribute}", seconds=_DAY)
    for attribute in ("email", "phone_number")
}
"""To verify an address, by the name of its attribute."""


@frozen(kw_only=True)
class Requester:
    """The requester of a code: the name and the account that attempts are counted for.

    Args:
        pool: The user pool.
        purpose: What the code is for.
        name: The name as it was typed, keyed.
        owner: The account; for a name that nobody has one of a few that tell nothing.
        exists: Whether there is an account.
        hidden: Whether the app client hides which.
    """

    pool: UserPool = field(repr=False)
    purpose: CodePurpose
    name: str
    owner: str
    exists: bool
    hidden: bool

    @classmethod
    def of(
        cls, pool: UserPool, user: User | None, typed: str, *, purpose: CodePurpose, hidden: bool
    ) -> Self:
        """Return the name and the account that an attempt is counted for.

        Args:
            pool: The user pool.
            user: The user; None for a name that nobody has.
            typed: The name as it was typed; the `sub` of a user who has an access token.
            purpose: What the code is for.
            hidden: Whether the app client hides which.
        """
        name = keyed(pool, purpose.name, pool.fold(typed))
        return cls(
            pool=pool,
            purpose=purpose,
            name=name,
            owner=bucket(name) if user is None else f"user:{user.sub}",
            exists=user is not None,
            hidden=hidden,
        )

    @property
    def by_name(self) -> tuple[str, str, str]:
        """The key of the row for what was typed."""
        return self.pool.id, self.purpose.name, self.name

    @property
    def by_owner(self) -> tuple[str, str, str]:
        """The key of the rows for the account."""
        return self.pool.id, self.purpose.name, self.owner


def count_code_attempt(connection: Connection, requester: Requester, now: float) -> bool:
    """Count an attempt to ask for a code or to enter one.

    Returns:
        Whether it may succeed: not if the account has had too many by other names, and the app
        client hides that they are one account's.

    Raises:
        CognitoError: There were too many in this hour.
    """
    over = now - _WINDOW
    by_purpose = (requester.pool.id, requester.purpose.name)
    connection.execute("DELETE FROM code_attempts WHERE began_at <= ?", (over,))
    connection.execute(
        "DELETE FROM typed_codes WHERE began_at <= ? AND coalesce(asked_until, 0) <= ?",
        (over, now),
    )
    by_name: int
    ((by_name,),) = connection.execute(
        "INSERT INTO typed_codes (pool_id, purpose, name, attempts, began_at, place)"
        " VALUES (?, ?, ?, 1, ?, (SELECT coalesce(max(place), 0) + 1 FROM typed_codes"
        " WHERE pool_id = ? AND purpose = ?))"
        " ON CONFLICT (pool_id, purpose, name) DO UPDATE SET place = excluded.place, attempts ="
        " CASE WHEN typed_codes.began_at <= ? THEN 1 ELSE typed_codes.attempts + 1 END,"
        " began_at ="
        " CASE WHEN typed_codes.began_at <= ? THEN ? ELSE typed_codes.began_at END"
        " RETURNING attempts",
        (*requester.by_name, now, *by_purpose, over, over, now),
    )
    connection.execute(
        "DELETE FROM typed_codes WHERE pool_id = ? AND purpose = ? AND place <="
        " (SELECT max(place) FROM typed_codes WHERE pool_id = ? AND purpose = ?) - ?",
        (*by_purpose, *by_purpose, MOST_NAMES),
    )
    by_account: int
    ((by_account,),) = connection.execute(
        "INSERT INTO code_attempts (pool_id, purpose, owner, attempts, began_at)"
        " VALUES (?, ?, ?, 1, ?)"
        " ON CONFLICT (pool_id, purpose, owner)"
        " DO UPDATE SET attempts = code_attempts.attempts + 1"
        " RETURNING attempts",
        (*requester.by_owner, now),
    )
    too_many = requester.exists and by_account > _MOST_ATTEMPTS
    if by_name > _MOST_ATTEMPTS or (too_many and not requester.hidden):
        raise limit_exceeded()
    return not too_many


def new_code() -> Secret[str]:
    """Draw a code."""
    return Secret(f"{secrets.randbelow(10**_DIGITS):0{_DIGITS}}")


def ground_of(purpose: CodePurpose, user: User, destination: Destination) -> str:
    """Return what a code rests on: the address that it goes to, and maybe the password.

    Args:
        purpose: What the code is for.
        user: The user.
        destination: The address.
    """
    replaced = user.credentials if purpose.replaces_password else ""
    return f"{replaced}\0{destination.attribute}\0{destination.address}"


def _mac(requester: Requester, code: Secret[str], ground: str) -> bytes:
    # A plain hash of six digits could be searched in a second; this one needs the pool's key.
    told = f"authflow {requester.purpose.name} code\0{requester.owner}\0{ground}\0{code.reveal()}"
    return hmac.digest(requester.pool.mask_key, told.encode(), "sha256")


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
    drawn = secrets.token_bytes(32)
    mac = _mac(requester, Secret(drawn.hex()) if code is None else code, ground)
    until = now + requester.purpose.seconds
    connection.execute("DELETE FROM confirmation_codes WHERE expires_at <= ?", (now - _REMEMBERED,))
    connection.execute(
        "INSERT INTO confirmation_codes (pool_id, purpose, owner, mac, expires_at)"
        " VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (pool_id, purpose, owner)"
        " DO UPDATE SET mac = excluded.mac, expires_at = excluded.expires_at",
        (*requester.by_owner, mac, until),
    )
    connection.execute(
        "UPDATE typed_codes SET asked_until = ? WHERE pool_id = ? AND purpose = ? AND name = ?",
        (until, *requester.by_name),
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
) -> str:
    """Compare a code; if it is right, delete it and the attempts that it took.

    A code is an account's, whichever name is typed. Where the app client hides users, a wrong one
    is said to be wrong where a code was asked for by the same name, as for a name that nobody has.

    Args:
        connection: The database.
        requester: Who enters it.
        code: The code; None for one that matches nothing.
        now: Seconds since the epoch.
        grounds: All that a code of the account may rest on now, by `ground_of`: two at most.

    Returns:
        The one of the grounds that the code rests on.

    Raises:
        CognitoError: It is wrong, or there is none (any more).
    """
    asked = connection.execute(
        "SELECT 1 FROM typed_codes WHERE pool_id = ? AND purpose = ? AND name = ?"
        " AND asked_until > ?",
        (*requester.by_name, now),
    )
    row = connection.execute(
        "SELECT mac, expires_at FROM confirmation_codes"
        " WHERE pool_id = ? AND purpose = ? AND owner = ?",
        requester.by_owner,
    ).first()
    is_live = row is not None and row[1] > now
    # Whoever has no code to compare costs the same work.
    given, most = new_code() if code is None else code, [*grounds, "", ""][:_MOST_GROUNDS]
    macs = [_mac(requester, given, ground) for ground in most]
    compared = [row is not None and hmac.compare_digest(row[0], each) for each in macs]
    right = any(compared) and requester.exists and code is not None
    if right and not is_live:
        raise _no_code()
    if not right:
        sent = (asked or requester.purpose.sent_unasked) if requester.hidden else is_live
        raise code_mismatch() if sent else _no_code()
    connection.execute(
        "DELETE FROM confirmation_codes WHERE pool_id = ? AND purpose = ? AND owner = ?",
        requester.by_owner,
    )
    connection.execute(
        "DELETE FROM code_attempts WHERE pool_id = ? AND purpose = ? AND owner = ?",
        requester.by_owner,
    )
    connection.execute(
        "DELETE FROM typed_codes WHERE pool_id = ? AND purpose = ? AND name = ?",
        requester.by_name,
    )
    return most[compared.index(True)]


def _no_code() -> CognitoError:
    message = "Invalid code provided, please request a code again."
    return CognitoError("ExpiredCodeException", message, reason=message)
