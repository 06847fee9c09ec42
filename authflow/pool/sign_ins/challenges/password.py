"""Passwords that are sent as they are: USER_PASSWORD_AUTH and its form for administrators."""

from collections.abc import Callable

from attrs import define, frozen

from authflow.pool.accounts.callers import Caller, check_may_sign_in
from authflow.pool.accounts.lockout import check_lock, count_attempt
from authflow.pool.accounts.masking import stand_in
from authflow.pool.accounts.passwords import StoredPassword
from authflow.pool.accounts.users import User, find_user, find_user_by_sub
from authflow.pool.cognito_errors import (
    NO_SUCH_USER,
    CognitoError,
    not_authorized,
    user_not_found,
)
from authflow.pool.sign_ins.decision import Decision, decide
from authflow.pool.sign_ins.migration import Migration
from authflow.pool.sign_ins.sessions import Progress
from authflow.pool.sign_ins.sign_in_triggers import SignInTriggers
from authflow.pool.store.connection import Connection
from authflow.pool.store.database import Database
from authflow.pool.workers import Workers
from authflow.secret import Secret


@frozen(kw_only=True)
class _Attempt:
    """A password that was sent, on its way to be judged."""

    caller: Caller
    progress: Progress
    password: StoredPassword
    """The user's, as it was before the arithmetic, or a stand-in's."""
    recomputed: Secret[bytes]
    held: bool
    """Whether triggers are asked before tokens are granted."""


def _judge(connection: Connection, attempt: _Attempt, now: float) -> Decision | None:
    """Compare and count in one transaction.

    Returns:
        What follows; None if the password is wrong.

    Raises:
        CognitoError: The user may not sign in, or is locked; or the app client or the user pool is
            gone.
    """
    caller, progress = attempt.caller.again(connection), attempt.progress
    user = None
    if progress.sub is not None:
        user = find_user_by_sub(connection, caller.pool.id, progress.sub)
    passed = attempt.password.matches(attempt.recomputed) and user is not None
    # What was right for the password of a moment ago is wrong for another one.
    passed = passed and user is not None and user.password == attempt.password
    name = caller.pool.fold(progress.username)
    count_attempt(connection, caller.pool.id, name, now, passed=passed)
    if not passed or user is None:
        return None
    check_may_sign_in(user)
    return decide(connection, caller, user, progress, now, held=attempt.held)


@define(kw_only=True)
class PasswordChecks:
    """Checks passwords.

    Args:
        database: Where users are kept.
        workers: Threads for the arithmetic.
        migration: Brings in users whom the pool does not know.
        triggers: What is asked around a sign-in.
        clock: Gives the time, in seconds since the epoch.
    """

    database: Database
    workers: Workers
    migration: Migration
    triggers: SignInTriggers
    clock: Callable[[], float]

    async def find_or_migrate(
        self, caller: Caller, user: User | None, typed: str, password: Secret[str]
    ) -> User | None:
        """Give the user; one who is not known may be brought in.

        Returns:
            None for a user who does not exist, which the app client hides.

        Raises:
            CognitoError: There is no such user and the app client says so, or the user may not
                sign in.
        """
        if user is None and self.migration.serves(caller):
            try:
                user = await self.migration.bring_in(caller, typed, password)
            except CognitoError:
                # Of two sign-ins that bring one user in side by side, the second finds the first's.
                user = await self.database.read(find_user, caller.pool, typed)
                if user is None:
                    # Whoever is hidden meets this trigger as those do who exist: if it refuses, it
                    # refuses both.
                    if caller.client.hides_users:
                        await self.triggers.before(caller, typed, None)
                    raise
        if user is not None:
            check_may_sign_in(user)
        elif not caller.client.hides_users:
            raise user_not_found()
        return user

    async def check(
        self, caller: Caller, progress: Progress, user: User | None, password: Secret[str]
    ) -> Decision:
        """Check a password, with the same work for a user who does not exist.

        Raises:
            CognitoError: The password is wrong, or the user is locked.
        """
        pool, now = caller.pool, self.clock()
        await self.database.read(check_lock, pool.id, pool.fold(progress.username), now)
        known = stand_in(pool, progress.typed) if user is None else user
        recomputed = await self.workers.run(
            known.password.recomputed, pool.id, known.username, password
        )
        attempt = _Attempt(
            caller=caller,
            progress=progress,
            password=known.password,
            recomputed=recomputed,
            held=self.triggers.hold_tokens(pool),
        )
        decision = await self.database.write(_judge, attempt, self.clock())
        if decision is None:
            raise not_authorized(reason=NO_SUCH_USER if user is None else "wrong password")
        return decision
