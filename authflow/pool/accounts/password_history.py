"""PasswordHistorySize: the former passwords of a user, none of which may be set again.

"Users can't set a password that matches any of n previous passwords" (PasswordPolicyType in the API
reference). That leaves open whether the password that is to be replaced is one of the n: here it
is refused, and so are the n before it. Only what the policy asks for is kept, and it is kept as
passwords are: as a salt and a verifier. A pool that asks for nothing has no former passwords.

Every password that replaces another one comes as a `ProposedPassword`, and `change_password`
judges it in its transaction: after a code or an old password was proved, so that nobody else
learns which passwords a user has had.
"""

from typing import Final, Self

from attrs import frozen

from authflow.pool.accounts.masking import second_name
from authflow.pool.accounts.passwords import VERIFIER_BYTES, StoredPassword
from authflow.pool.accounts.user_pool import UserPool, find_pool
from authflow.pool.accounts.users import User
from authflow.pool.cognito_errors import CognitoError, too_many_requests
from authflow.pool.ground import Ground
from authflow.pool.store.sqlite_connection import Connection
from authflow.secret import Secret

_SPARE: Final = StoredPassword(salt=b"\x01" * 16, verifier=bytes(VERIFIER_BYTES))
"""A password to compare where a user has had fewer: the work tells of nobody how many."""


@frozen(kw_only=True)
class ProposedPassword:
    """A password that shall replace another one.

    Args:
        stored: The trace of it.
        compared: The versions of the passwords that it was compared with; None if it is not to be
            compared, as an invitation that is sent again has the same password.
        reused: Whether it is one of them.
    """

    stored: StoredPassword
    compared: frozenset[str] | None = None
    reused: bool = False

    @classmethod
    def make(
        cls,
        pool_id: str,
        username: str,
        password: Secret[str],
        second: str | None,
        before: tuple[StoredPassword, ...],
    ) -> Self:
        """Make the trace, and compare the password with others.

        It takes a millisecond for each name and each other password: keep it off the loop.

        Args:
            pool_id: The user pool.
            username: The canonical name.
            password: The password.
            second: A further name by which a client may know the user; None for none.
            before: The passwords that it must not be.
        """
        found = [each.matches(each.recomputed(pool_id, username, password)) for each in before]
        return cls(
            stored=StoredPassword.make(pool_id, username, password, second),
            compared=frozenset(each.version for each in before),
            reused=any(found),
        )


def _before(connection: Connection, pool_id: str, sub: str | None) -> tuple[StoredPassword, ...]:
    """Return the passwords that a user may not set again, and fill them up to the same number."""
    size = find_pool(connection, pool_id).password_policy.history_size
    if not size:
        return ()
    found = [*_current(connection, sub), *_former(connection, sub, size)]
    return (*found, *([_SPARE] * (size + 1 - len(found))))


def _current(connection: Connection, sub: str | None) -> list[StoredPassword]:
    rows = connection.execute("SELECT salt, verifier FROM users WHERE sub = ?", (sub or "",))
    return [StoredPassword(salt=salt, verifier=verifier) for salt, verifier in rows]


def _former(connection: Connection, sub: str | None, size: int) -> list[StoredPassword]:
    rows = connection.execute(
        "SELECT salt, verifier FROM former_passwords WHERE sub = ? ORDER BY place DESC LIMIT ?",
        (sub or "", size),
    )
    return [StoredPassword(salt=salt, verifier=verifier) for salt, verifier in rows]


async def propose_password(
    ground: Ground, pool: UserPool, username: str, sub: str, password: Secret[str]
) -> ProposedPassword:
    """Check a password against the pool's policy, and prepare to set it.

    Args:
        ground: The parts that all services share.
        pool: The user pool.
        username: The canonical name of the user, or of who stands for one.
        sub: The user's id, or that of who stands for one.
        password: The password.

    Raises:
        CognitoError: It does not conform to the policy, or the pool is gone. What it has to do with
            former passwords is not told yet.
    """
    pool.password_policy.check(password)
    before = await ground.database.read(_before, pool.id, sub)
    second = second_name(pool, username, sub)
    return await ground.workers.run(
        ProposedPassword.make, pool.id, username, password, second, before
    )


def replace_in_history(connection: Connection, user: User, proposed: ProposedPassword) -> None:
    """Judge a password that replaces a user's, and keep the one that it replaces.

    Args:
        connection: The database.
        user: The user as stored now, with the password that is replaced.
        proposed: The password.

    Raises:
        CognitoError: It is one of those that must not be set again; or the user got another one
            after they were compared, and the request may come again.
    """
    size = find_pool(connection, user.pool_id).password_policy.history_size
    if size and proposed.compared is not None:
        before = {each.version for each in (user.password, *_former(connection, user.sub, size))}
        if proposed.reused:
            raise _used_before()
        if not before <= proposed.compared:
            raise too_many_requests()
    if size:
        connection.execute(
            "INSERT INTO former_passwords (sub, place, salt, verifier) VALUES (?,"
            " (SELECT coalesce(max(place), 0) + 1 FROM former_passwords WHERE sub = ?), ?, ?)",
            (user.sub, user.sub, user.password.salt, user.password.verifier[:VERIFIER_BYTES]),
        )
    connection.execute(
        "DELETE FROM former_passwords WHERE sub = ? AND place <="
        " (SELECT max(place) FROM former_passwords WHERE sub = ?) - ?",
        (user.sub, user.sub, size),
    )


def _used_before() -> CognitoError:
    message = "Password has previously been used."
    return CognitoError("PasswordHistoryPolicyViolationException", message, reason=message)
