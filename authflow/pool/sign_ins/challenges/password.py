"""Passwords that are sent in clear: USER_PASSWORD_AUTH and its form for administrators."""

from typing import Final

from attrs import define, evolve, frozen

from authflow.pool.accounts.callers import Caller, check_may_begin, check_may_sign_in
from authflow.pool.accounts.lockout import Counted, check_lock, count_attempt
from authflow.pool.accounts.masking import StandIn
from authflow.pool.accounts.passwords import StoredPassword
from authflow.pool.accounts.users import User, find_user_by_sub
from authflow.pool.cognito_errors import (
    NO_SUCH_USER,
    CognitoError,
    not_authorized,
    too_many_requests,
    user_not_found,
)
from authflow.pool.devices.device_naming import named_device
from authflow.pool.ground import Ground
from authflow.pool.sign_ins.decision import Decision, decide
from authflow.pool.sign_ins.sessions import Progress
from authflow.pool.sign_ins.sign_in_triggers import SignInTriggers
from authflow.pool.sign_ins.user_migration import Migration
from authflow.pool.store.sqlite_connection import Connection
from authflow.secret import Secret

_TRIES: Final = 3
"""The most passwords of a user that one that was sent is compared with."""


@frozen(kw_only=True)
class _Attempt:
    """A password that was sent, before it is judged."""

    caller: Caller
    progress: Progress
    password: StoredPassword
    """The user's password as stored before the arithmetic, or a stand-in's."""
    recomputed: Secret[bytes]
    held: bool
    """Whether triggers are asked before tokens are granted."""


def _judge(connection: Connection, attempt: _Attempt, now: float) -> Decision | User | None:
    """Compare the password and count the attempt, in one transaction.

    Returns:
        What follows; None if the password is wrong. The user as stored now, and nothing is
        counted, if the password was changed during the arithmetic: what was compared with the
        former one says nothing about the new one.

    Raises:
        CognitoError: The user may not sign in, is locked, or has no such device; or the app client
            or the user pool is gone.
    """
    caller, progress = attempt.caller.again(connection), attempt.progress
    user = find_user_by_sub(connection, caller.pool.id, progress.sub)
    if user is not None and user.password != attempt.password:
        return user
    passed = attempt.password.matches(attempt.recomputed) and user is not None
    counted = Counted.of(caller, progress.typed, progress.sub)
    passed = count_attempt(connection, counted, now, passed=passed)
    if not passed or user is None:
        return None
    check_may_sign_in(user)
    if progress.device is not None:
        # Raised, so that nothing of it counts: the client sends the password again without it.
        key = progress.device.key
        device = named_device(connection, caller.pool, user, progress.device, key)
        progress = evolve(progress, device=device)
    return decide(connection, caller, user, progress, now, held=attempt.held)


@define(kw_only=True)
class PasswordChecks:
    """Checks passwords.

    Args:
        ground: The parts that all services share.
        migration: Brings in users whom the pool does not know.
        triggers: What is asked around a sign-in.
    """

    ground: Ground
    migration: Migration
    triggers: SignInTriggers

    async def find_or_migrate(
        self,
        caller: Caller,
        user: User | None,
        stand_in: StandIn | None,
        typed: str,
        password: Secret[str],
    ) -> User | None:
        """Return the user; an unknown user may be migrated.

        Args:
            caller: Who asks.
            user: The user, if the name is somebody's.
            stand_in: Who stands for a user whom the app client hides.
            typed: The name.
            password: What was typed.

        Returns:
            None for a user who does not exist, which the app client hides.

        Raises:
            CognitoError: There is no such user and the app client says so, or the user may not
                sign in.
        """
        if user is None and self.migration.serves(caller):
            try:
                brought = await self.migration.bring_in(caller, typed, password)
            except CognitoError:
                # Unknown users pass this trigger as known ones do, so that it refuses both
                # alike.
                if stand_in is not None:
                    await self.triggers.before(caller, stand_in.username, None)
                raise
            user = brought.user
            if brought.proved:
                check_may_sign_in(user)
        if user is not None:
            check_may_begin(caller, user)
        elif not caller.client.hides_users:
            raise user_not_found()
        return user

    async def check(
        self, caller: Caller, progress: Progress, known: User | StandIn, password: Secret[str]
    ) -> Decision:
        """Check a password; a user who does not exist takes the same work.

        Args:
            caller: Who asks.
            progress: Where the sign-in stands.
            known: The user, or who stands for one.
            password: What was typed.

        Raises:
            CognitoError: The password is wrong, or the user is locked; or the user's password was
                changed again and again meanwhile.
        """
        pool, now = caller.pool, self.ground.clock()
        counted = Counted.of(caller, progress.typed, progress.sub)
        await self.ground.database.read(check_lock, counted, now)
        for _ in range(_TRIES):
            recomputed = await self.ground.workers.run(
                known.password.recomputed, pool.id, known.username, password
            )
            attempt = _Attempt(
                caller=caller,
                progress=progress,
                password=known.password,
                recomputed=recomputed,
                held=self.triggers.hold_tokens(pool),
            )
            judged = await self.ground.database.write(_judge, attempt, self.ground.clock())
            if judged is None:
                nobody = progress.sub is None
                raise not_authorized(reason=NO_SUCH_USER if nobody else "wrong password")
            if not isinstance(judged, User):
                return judged
            known = judged
        raise too_many_requests()
