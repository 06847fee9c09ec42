"""Claims on names: only one migration of a name is in flight at a time.

Whoever holds the claim asks the old directory; the others wait, and then find the user whom the
first has brought in, or take their own turn. So guesses reach the directory one after another, each
counted before it is asked, whatever their number and their order, and in whatever spelling a
directory may take for the same name (`directory_name`). A claim stands in the database,
so that it holds for all processes, and ends by itself if its holder does.
"""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import anyio
from attrs import define, field, frozen

from authflow.duties import Duties
from authflow.pool.accounts.callers import Caller
from authflow.pool.accounts.lockout import (
    Counted,
    check_lock,
    count_attempt,
    directory_name,
    forget_failures,
    lock_from_now,
)
from authflow.pool.accounts.masking import keyed
from authflow.pool.accounts.user_pool import UserPool
from authflow.pool.accounts.users import User, find_user
from authflow.pool.admission.lane import waiting_outside
from authflow.pool.cognito_errors import CognitoError, not_authorized
from authflow.pool.ground import Ground
from authflow.pool.store.sqlite_connection import Connection

_PAUSE: Final = 0.05
"""Seconds before another process's claim is checked again."""
_TIMEOUT: Final = 15.0
"""Seconds to wait for a turn."""
_SLACK: Final = 10.0
"""Seconds for which a claim lasts after the trigger's time limit, for the rest of a migration."""
_GIVE_UP_TIMEOUT: Final = 10.0
_KEPT: Final = "the claim on a migration could not be given up, and ends by itself"


@frozen(kw_only=True)
class Claim:
    """The right to migrate the user with a name.

    Args:
        pool: The user pool.
        typed: The name as it was typed.
        name: The name that the directory is asked for, keyed.
        token: Tells this claim from those before and after it.
        counted: What a failure counts for; None where attempts are counted elsewhere.
    """

    pool: UserPool = field(repr=False)
    typed: str
    name: str
    token: str = field(repr=False)
    counted: Counted | None


def _take(
    connection: Connection, claim: Claim, now: float, seconds: float
) -> Claim | User | CognitoError | None:
    """Take a claim, and count a failure in advance, in one transaction.

    Returns:
        The claim; the user, if the name is somebody's by now; None while another one has the
        claim. A refusal, so that the attempt stays counted, if the directory is not asked since
        the name is locked by another spelling, which is not told.

    Raises:
        CognitoError: The name is locked.
    """
    user = find_user(connection, claim.pool, claim.typed)
    if user is not None:
        return user
    if claim.counted is not None and check_lock(connection, claim.counted, now).barred:
        count_attempt(connection, claim.counted, now, passed=False)
        return not_authorized(reason="too many guesses at the directory in other spellings")
    held = connection.execute(
        "SELECT 1 FROM migrations WHERE pool_id = ? AND name = ? AND expires_at > ?",
        (claim.pool.id, claim.name, now),
    )
    if held:
        return None
    if claim.counted is not None:
        count_attempt(connection, claim.counted, now, passed=False)
    connection.execute("DELETE FROM migrations WHERE expires_at <= ?", (now,))
    connection.execute(
        "INSERT INTO migrations (pool_id, name, claim, expires_at) VALUES (?, ?, ?, ?)",
        (claim.pool.id, claim.name, claim.token, now + seconds),
    )
    return claim


def redeem(connection: Connection, claim: Claim) -> None:
    """End a claim in the transaction that stores the user, and take back the counted failure.

    Raises:
        CognitoError: It has expired, and others may have been asked meanwhile.
    """
    if not _end(connection, claim):
        raise CognitoError("UnexpectedLambdaException", "The user migration took too long.")
    if claim.counted is not None:
        forget_failures(connection, claim.counted)


def _give_up(connection: Connection, claim: Claim, now: float) -> None:
    """End a claim without a migration; the failure stays, and its lock begins now."""
    if _end(connection, claim) and claim.counted is not None:
        lock_from_now(connection, claim.counted, now)


def _end(connection: Connection, claim: Claim) -> bool:
    ended = connection.execute(
        "DELETE FROM migrations WHERE pool_id = ? AND name = ? AND claim = ? RETURNING 1",
        (claim.pool.id, claim.name, claim.token),
    )
    return bool(ended)


@define(kw_only=True)
class MigrationClaims:
    """Hands out claims.

    Args:
        ground: The parts that all services share.
    """

    ground: Ground
    _turns: dict[str, "_Turn"] = field(factory=dict, init=False, repr=False)
    _duties: Duties = field(factory=Duties, init=False, repr=False)

    @asynccontextmanager
    async def hold(
        self, caller: Caller, typed: str, *, counting: bool
    ) -> AsyncIterator[Claim | User]:
        """Hold the claim on a name while the scope lasts, once the claim is free.

        Args:
            caller: Who asks.
            typed: The name.
            counting: Whether a failure counts for the lock-out of passwords.

        Returns:
            The claim, which ends with this unless it was redeemed; or the user who has the name.

        Raises:
            CognitoError: The name is locked, told or not, or others did not let it go in time.
        """
        claim = Claim(
            pool=caller.pool,
            typed=typed,
            name=keyed(caller.pool, "migration", directory_name(typed)),
            token=secrets.token_hex(16),
            counted=Counted.of_directory(caller, typed) if counting else None,
        )
        async with self._turn(claim) as in_time:
            taken = await self._taken(claim) if in_time else None
            if taken is None:
                raise _too_many()
            try:
                yield taken
            finally:
                if isinstance(taken, Claim):
                    await self._duties.run(
                        self.ground.database.write(_give_up, claim, self.ground.clock()),
                        about=claim.name,
                        failed=_KEPT,
                        work_timeout=_GIVE_UP_TIMEOUT,
                    )

    async def _taken(self, claim: Claim) -> Claim | User | None:
        seconds = self.ground.triggers.longest + _SLACK
        with anyio.move_on_after(_TIMEOUT):
            while True:
                taken = await self.ground.database.write(_take, claim, self.ground.clock(), seconds)
                if isinstance(taken, CognitoError):
                    raise taken
                if taken is not None:
                    return taken
                with waiting_outside(claim.pool.id, _too_many()):
                    await anyio.sleep(_PAUSE)
        return None

    @asynccontextmanager
    async def _turn(self, claim: Claim) -> AsyncIterator[bool]:
        """Admit one request of this process at a time to a claim; yield whether it was in time.

        This only saves work: what counts is the claim.
        """
        turn = self._turns.setdefault(claim.name, _Turn())
        turn.waiting += 1
        in_time = False
        try:
            # The request in front needs a place for arithmetic, so those that wait must hold none.
            with waiting_outside(claim.pool.id, _too_many()), anyio.move_on_after(_TIMEOUT):
                await turn.lock.acquire()
                in_time = True
            yield in_time
        finally:
            if in_time:
                turn.lock.release()
            turn.waiting -= 1
            if not turn.waiting:
                del self._turns[claim.name]


def _too_many() -> CognitoError:
    return CognitoError("TooManyRequestsException", "Too many requests.")


@define(eq=False)
class _Turn:
    """The lock of a name, and the number of requests that hold it or wait for it."""

    lock: anyio.Lock = field(factory=anyio.Lock)
    waiting: int = 0
