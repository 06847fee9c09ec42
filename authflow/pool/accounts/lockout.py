"""The password lockout: after five failures, each further failure locks for longer.

Cognito locks for one second after the fifth failure and doubles that with each further one, up to
about 15 minutes; attempts while locked are refused and do not count; a success, or 15 minutes
without a failure, forgets them ("Authentication with Amazon Cognito user pools", lockout behaviour
for failed sign-in attempts). Custom challenges are not covered, as there.

Each attempt counts twice: for the account, which has five guesses whatever names lead to it, and
for the name as it was typed. Where the app client hides users, only the name's lock is told: a name
and an alias that were locked together would be told to lead to one account, and so to somebody. An
account that is locked by another of its names refuses there as if the password were wrong.

Guesses at an old directory count so, too: for the name as it was typed, and, in place of an
account, for what a directory may take for the same name, whatever the pool takes for it.

Nothing is kept of a name but a keyed hash, since what is typed there may be a password. Rows of
accounts are as many as there are users; those of names make room for newer ones, and an account's
count is not lost with them. What the directory was asked is forgotten with the silence alone.

These functions run inside the transaction that also compares the password, so that attempts made
side by side see one another.
"""

import unicodedata
from typing import Final, Self

from attrs import frozen

from authflow.pool.accounts.callers import Caller
from authflow.pool.accounts.masking import bucket, keyed
from authflow.pool.accounts.user_pool import UserPool
from authflow.pool.accounts.users import User
from authflow.pool.cognito_errors import CognitoError, not_authorized
from authflow.pool.store.sqlite_connection import Connection, Row

_FREE_FAILURES: Final = 5
_LONGEST: Final = 900.0
"""The longest lock in seconds, and the time without failures after which they are forgotten."""
_UNSEEN: Final = frozenset({"Mn", "Me", "Cf"})
"""Unicode's categories of accents and of characters without width."""
MOST_NAMES: Final = 100_000
"""The most typed names that are remembered for a pool."""


@frozen(kw_only=True)
class Counted:
    """The names under which an attempt at a password is counted.

    Args:
        pool_id: The user pool.
        name: The name as it was typed, keyed.
        account: The account, keyed; for a name that nobody has one of a few that tell nothing.
        exists: Whether there is an account.
        hidden: Whether the app client hides which.
    """

    pool_id: str
    name: str
    account: str
    exists: bool
    hidden: bool

    @classmethod
    def of(cls, caller: Caller, typed: str, sub: str | None) -> Self:
        """Return the names under which an attempt is counted.

        Args:
            caller: Who asks.
            typed: The name as it was typed.
            sub: The user's id; None for a name that nobody has.
        """
        pool = caller.pool
        name = keyed(pool, "failures", pool.fold(typed))
        return cls(
            pool_id=pool.id,
            name=name,
            account=bucket(name) if sub is None else keyed(pool, "failures of", sub),
            exists=sub is not None,
            hidden=caller.client.hides_users,
        )

    @classmethod
    def of_own(cls, pool: UserPool, user: User) -> Self:
        """Return the names under which a user's own guess is counted, who is signed in.

        Args:
            pool: The user pool.
            user: The user, who knows that there is the account.
        """
        return cls(
            pool_id=pool.id,
            name=keyed(pool, "failures", pool.fold(user.username)),
            account=keyed(pool, "failures of", user.sub),
            exists=True,
            hidden=False,
        )

    @classmethod
    def of_directory(cls, caller: Caller, typed: str) -> Self:
        """Return the names under which a guess at the old directory is counted.

        Args:
            caller: Who asks.
            typed: The name as it was typed.
        """
        pool = caller.pool
        return cls(
            pool_id=pool.id,
            name=keyed(pool, "failures", pool.fold(typed)),
            account=keyed(pool, "failures at the directory", directory_name(typed)),
            exists=True,
            hidden=caller.client.hides_users,
        )


def directory_name(typed: str) -> str:
    """Return one form for all spellings that an old directory may treat as one name.

    Directories mostly mind neither letter case nor white space at the ends (RFC 4518 §2), and SQL's
    collations often not accents either. Who has two such names there has five guesses for both.
    """
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", typed).casefold())
    kept = (each for each in plain if unicodedata.category(each) not in _UNSEEN)
    return " ".join("".join(kept).split())


@frozen(kw_only=True)
class Standing:
    """The failures that count against an attempt at this moment.

    Args:
        of_name: The failures of the name.
        of_account: Those of the account.
        barred: Whether the account is locked, which is not told: no password is right.
    """

    of_name: int
    of_account: int
    barred: bool


def _locked_seconds(failures: int) -> float:
    if failures < _FREE_FAILURES:
        return 0.0
    return float(min(_LONGEST, 2.0 ** min(failures - _FREE_FAILURES, 10)))


def _counting(row: Row | None, now: float) -> tuple[int, bool]:
    """Return the number of failures that still count, and whether they lock."""
    if row is None:
        return 0, False
    failures: int
    failures, failed_at = row
    # A failure that has not been yet was counted by a clock that was ahead, or out of turn. It
    # counts as one of now; but it locks no longer than a lock may, until the next one is counted.
    seconds = _locked_seconds(failures)
    locked = seconds > 0 and failed_at - _LONGEST < now < failed_at + seconds
    return (0 if now >= failed_at + _LONGEST else failures), locked


def failures_of(connection: Connection, pool_id: str, account: str, now: float) -> tuple[int, bool]:
    """Return the number of an account's failures that still count, and whether they lock it.

    Args:
        connection: The database.
        pool_id: The user pool.
        account: The account, keyed.
        now: Seconds since the epoch.
    """
    row = connection.execute(
        "SELECT failures, failed_at FROM password_failures WHERE pool_id = ? AND name = ?",
        (pool_id, account),
    ).first()
    return _counting(row, now)


def put_failures(
    connection: Connection, pool_id: str, account: str, failures: int, now: float
) -> None:
    """Store the number of an account's failures, the last of which is now; see `failures_of`."""
    connection.execute(
        "INSERT INTO password_failures (pool_id, name, failures, failed_at)"
        " VALUES (?, ?, ?, ?) ON CONFLICT (pool_id, name)"
        " DO UPDATE SET failures = excluded.failures, failed_at = excluded.failed_at",
        (pool_id, account, failures, now),
    )


def attempts_exceeded() -> CognitoError:
    """Return the refusal of an attempt at something locked."""
    return not_authorized("Password attempts exceeded")


def check_lock(connection: Connection, counted: Counted, now: float) -> Standing:
    """Refuse an attempt at a locked name.

    Args:
        connection: The database.
        counted: What it counts for.
        now: Seconds since the epoch.

    Raises:
        CognitoError: The name is locked; or the account, where that may be told.
    """
    of_name = connection.execute(
        "SELECT failures, failed_at FROM typed_failures WHERE pool_id = ? AND name = ?",
        (counted.pool_id, counted.name),
    ).first()
    failures, locked = _counting(of_name, now)
    failures_of_account, barred = failures_of(connection, counted.pool_id, counted.account, now)
    if counted.exists and not counted.hidden:
        locked, barred = barred, False
    barred = barred and counted.exists
    if locked:
        raise attempts_exceeded()
    return Standing(of_name=failures, of_account=failures_of_account, barred=barred)


def count_attempt(connection: Connection, counted: Counted, now: float, *, passed: bool) -> bool:
    """Count an attempt that was not locked out.

    Args:
        connection: The database.
        counted: What it counts for.
        now: Seconds since the epoch.
        passed: Whether the password was right.

    Returns:
        Whether it counts as right.

    Raises:
        CognitoError: The name is locked: whether the password was right does not matter then.
    """
    standing = check_lock(connection, counted, now)
    if passed and not standing.barred:
        if standing.of_name or standing.of_account:
            forget_failures(connection, counted)
        return True
    connection.execute(
        "INSERT INTO typed_failures (pool_id, name, failures, failed_at, place)"
        " VALUES (?, ?, ?, ?,"
        " (SELECT coalesce(max(place), 0) + 1 FROM typed_failures WHERE pool_id = ?))"
        " ON CONFLICT (pool_id, name) DO UPDATE SET failures = excluded.failures,"
        " failed_at = excluded.failed_at, place = excluded.place",
        (counted.pool_id, counted.name, standing.of_name + 1, now, counted.pool_id),
    )
    if not standing.barred:
        put_failures(connection, counted.pool_id, counted.account, standing.of_account + 1, now)
    _forget_the_rest(connection, counted.pool_id, now)
    return False


def forget_failures(connection: Connection, counted: Counted) -> None:
    """Delete the failures, since an attempt succeeded."""
    connection.execute(
        "DELETE FROM typed_failures WHERE pool_id = ? AND name = ?", (counted.pool_id, counted.name)
    )
    connection.execute(
        "DELETE FROM password_failures WHERE pool_id = ? AND name = ?",
        (counted.pool_id, counted.account),
    )


def lock_from_now(connection: Connection, counted: Counted, now: float) -> None:
    """Start the lock of a failure that was counted in advance, now that it has failed."""
    connection.execute(
        "UPDATE typed_failures SET failed_at = ? WHERE pool_id = ? AND name = ?",
        (now, counted.pool_id, counted.name),
    )
    connection.execute(
        "UPDATE password_failures SET failed_at = ? WHERE pool_id = ? AND name = ?",
        (now, counted.pool_id, counted.account),
    )


def _forget_the_rest(connection: Connection, pool_id: str, now: float) -> None:
    """Delete failures that no longer count, and the names that were typed longest ago."""
    connection.execute("DELETE FROM password_failures WHERE failed_at < ?", (now - _LONGEST,))
    connection.execute("DELETE FROM typed_failures WHERE failed_at < ?", (now - _LONGEST,))
    connection.execute(
        "DELETE FROM typed_failures WHERE pool_id = ? AND place <="
        " (SELECT max(place) FROM typed_failures WHERE pool_id = ?) - ?",
        (pool_id, pool_id, MOST_NAMES),
    )
