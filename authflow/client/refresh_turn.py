"""The refresh of a kept user: whose turn it is, and what becomes of it (see `kept_users`)."""

import asyncio
import copy
import random
import secrets
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, Final

import anyio
from attrs import define, evolve, field

from authflow.client.kept_entry import FoundEntry, KeptEntries, KeptEntry, Lease
from authflow.client.kept_user import MARGIN, KeptUser, Refreshing
from authflow.errors import (
    AuthFlowError,
    JwksUnreachableError,
    OutcomeUnknownError,
    PasswordResetRequiredError,
    SignedOutError,
    StateError,
    TimedOutError,
    TokenError,
    TokenRevokedError,
    UnreachableError,
    UserDisabledError,
    UserNotConfirmedError,
    WrongTokenError,
)
from authflow.results import Tokens
from authflow.secret import Secret
from authflow.tokens.token_life import life_of
from authflow.unframed import bare

LEASE: Final = 5.0
"""Seconds after which a lease is over that its holder does not prolong."""
PAUSE: Final = 15.0
"""Seconds without another refresh ahead of time after one that failed, where Cognito names none."""
FORGOTTEN_SECONDS: Final = 3600.0
"""Seconds for which an entry says why its user is signed out."""
_FIRST_POLL, _LAST_POLL = 0.02, 0.5
_JOIN_TIMEOUT: Final = 60.0
"""Seconds for which an attempt waits for others' leases."""
_SETTLE_TIMEOUT: Final = 60.0
"""Seconds for which a result is tried to be written: the longest grace period."""
_ENDS: Final = (
    TokenRevokedError,
    WrongTokenError,
    UserDisabledError,
    UserNotConfirmedError,
    PasswordResetRequiredError,
)
"""Refusals that no later request changes."""


@define(kw_only=True, eq=False)
class RefreshTurn:
    """Refreshes users when it is this process's turn, and waits for others when it is theirs.

    Args:
        entries: The entries of all users.
        clock: Gives seconds since the epoch.
        renew: Asks Cognito for new tokens, which are not verified yet.
        verify: Verifies them.
        revoke: Revokes a refresh token.
        lease: Seconds after which a lease is over that its holder does not prolong.
        ticks: Gives seconds that never go back.
    """

    entries: KeptEntries
    clock: Callable[[], float] = field(repr=False)
    renew: Callable[[Secret[str]], Awaitable[Tokens]] = field(repr=False)
    verify: Callable[[Tokens], Awaitable[Tokens]] = field(repr=False)
    revoke: Callable[[Secret[str]], Awaitable[None]] = field(repr=False)
    lease: float = LEASE
    ticks: Callable[[], float] = field(default=time.monotonic, repr=False)

    async def look(self, user: KeptUser) -> FoundEntry:
        """Read the entry, and note what it says.

        Callers share reads, but none is given what was read before it has called: at most two reads
        serve all who come at one time.

        Raises:
            SignedOutError: The user is signed out.
            StateError: Nobody knows.
        """
        user.asked += 1
        turn = user.asked
        async with user.reading:
            if user.answered < turn:
                turn = user.asked
                try:
                    user.found = await self._read(user)
                except AuthFlowError as error:
                    user.found = another(error)
                user.answered = turn
            found = user.found
        if user.over:
            raise signed_out()
        if not isinstance(found, FoundEntry):
            raise signed_out() if found is None else another(found)
        return found

    async def _read(self, user: KeptUser) -> FoundEntry:
        if user.over:
            raise signed_out()
        try:
            found = await self.entries.read(user.of)
        except SignedOutError:
            user.forget()
            raise
        if found.entry.over is not None or user.over:
            user.forget()
            raise signed_out(found.entry.over)
        if user.unwritten is not None:
            # The version that was read is outdated now, and whoever compares by it reads again.
            return evolve(found, entry=await self.stored(user, user.unwritten))
        user.note(found.entry)
        return found

    async def run(self, user: KeptUser, attempt: Refreshing, turn: int) -> KeptEntry:
        """Take the lease and refresh, or wait until whoever has it is done.

        Args:
            user: Whose tokens.
            attempt: Who waits for it here.
            turn: The turn whose tokens are not good enough.

        Returns:
            An entry of a later turn.

        Raises:
            AuthFlowError: There are no new tokens.
        """
        began, pause = self.ticks(), _FIRST_POLL
        while True:
            found = await self.look(user)
            entry = found.entry
            if entry.turn > turn and entry.unproved is None:
                return entry
            if not user.is_held(entry.lease, self.lease):
                attempt.leading = True
                mine = Lease(holder=secrets.token_hex(8), until=self.clock() + self.lease)
                leased = evolve(entry, lease=mine)
                if await self.entries.write(user.of, leased, expected=found.version):
                    return await self._lead(user, attempt, leased, mine)
                attempt.leading = False
                continue
            if not attempt.waiting or self.ticks() - began > _JOIN_TIMEOUT:
                msg = "others refresh this user's tokens, and do not end: try later"
                raise TimedOutError(msg)
            pause = await _paused(pause)

    async def stored(self, user: KeptUser, entry: KeptEntry) -> KeptEntry:
        """Write a result, unless there is one of that turn; return what is in the store then.

        Raises:
            SignedOutError: The user signed out meanwhile: the new tokens are revoked.
            StateError: The store cannot be asked.
        """
        while True:
            over: str | None = None
            try:
                found = await self.entries.read(user.of)
                over = found.entry.over
            except SignedOutError as error:
                over = error.message
            if user.over or over is not None:
                user.forget()
                for token in entry.refresh_tokens():
                    with suppress(AuthFlowError):
                        await self.revoke(token)
                raise signed_out(over)
            if found.entry.turn >= entry.turn:
                entry = found.entry  # another process has refreshed
                break
            if await self.entries.write(user.of, entry, expected=found.version):
                break
        user.unwritten = None
        user.note(entry)
        return entry

    async def end(self, user: KeptUser, why: str, *, forget: bool) -> KeptEntry | None:
        """Write that a user is signed out.

        Args:
            user: Who.
            why: The reason, for whoever asks for a token.
            forget: Whether the tokens are forgotten; else they are to be revoked yet.

        Returns:
            The entry as it was; None if there was none.

        Raises:
            StateError: The store cannot be asked.
        """
        while True:
            try:
                found = await self.entries.read(user.of)
            except SignedOutError:
                return None
            if found.entry.tokens is None or (found.entry.over is not None and not forget):
                return found.entry
            over = self._over(found.entry, why, forget=forget)
            if await self.entries.write(user.of, over, expected=found.version):
                return found.entry

    async def _lead(
        self, user: KeptUser, attempt: Refreshing, entry: KeptEntry, mine: Lease
    ) -> KeptEntry:
        """Refresh while holding the lease.

        Raises:
            AuthFlowError: There are no new tokens that can be given.
        """
        try:
            tokens = await self._while_prolonged(user, mine, self._asked(entry))
        except _ENDS as error:
            return await self._ended(user, entry, error)
        except AuthFlowError as error:
            await self._release(user, mine, error.retry_after)
            raise
        try:
            verified = await self.verify(tokens)
        except (TokenError, JwksUnreachableError) as error:
            unproved = evolve(
                entry,
                lease=None,
                turn=entry.turn + 1,
                unproved=tokens,
                retry_at=self.clock() + (error.retry_after or PAUSE),
            )
            await self._settle(user, attempt, unproved, error)
            raise
        return await self._settle(user, attempt, entry.renewed(verified, now=self.clock()), None)

    async def _asked(self, entry: KeptEntry) -> Tokens:
        """Get new tokens from Cognito, or those that could not be verified before.

        Raises:
            AuthFlowError: There are none.
        """
        unproved, now = entry.unproved, self.clock()
        if unproved is not None:
            life = life_of(unproved.access_token, expires_in=unproved.expires_in, now=now)
            if life.until - now > MARGIN:
                return unproved
        refused: AuthFlowError | None = None
        for token in entry.refresh_tokens():
            try:
                return await self._asked_twice(token)
            except TokenRevokedError as error:
                refused = refused or error
        raise refused or signed_out()

    async def _asked_twice(self, token: Secret[str]) -> Tokens:
        """Ask Cognito, and once more if the reply was lost: that is what the grace period is for.

        Raises:
            AuthFlowError: There are no new tokens.
        """
        with suppress(OutcomeUnknownError):
            return await self.renew(token)
        try:
            return await self.renew(token)
        except OutcomeUnknownError as error:
            lost = error.message
        msg = f"two replies to a refresh were lost, and the next call tries again: {lost}"
        raise UnreachableError(msg)

    async def _while_prolonged(
        self, user: KeptUser, mine: Lease, work: Coroutine[Any, Any, Tokens]
    ) -> Tokens:
        """Do some work, and prolong the lease meanwhile."""
        task = asyncio.get_running_loop().create_task(work)
        try:
            while not task.done():
                await asyncio.wait({task}, timeout=self.lease / 3)
                if not task.done():
                    with suppress(AuthFlowError):
                        mine = await self._prolonged(user, mine)
            return task.result()
        finally:
            if not task.done():
                task.cancel()
                with anyio.CancelScope(shield=True):
                    await asyncio.wait({task})

    async def _prolonged(self, user: KeptUser, mine: Lease) -> Lease:
        """Prolong the lease. Return it as it is now, if it is ours still."""
        found = await self.entries.read(user.of)
        if found.entry.lease != mine or found.entry.over is not None:
            return mine
        # It is another one for those who watch it, even where the clock stands still.
        longer = evolve(mine, until=max(self.clock() + self.lease, mine.until + 1e-3))
        entry = evolve(found.entry, lease=longer)
        written = await self.entries.write(user.of, entry, expected=found.version)
        return longer if written else mine

    async def _release(self, user: KeptUser, mine: Lease, wait: float | None) -> None:
        """Return the lease after a failure, and ask all to wait before the next try."""
        drawn = random.uniform(PAUSE / 2, PAUSE)  # noqa: S311  # spreads load
        retry_at = self.clock() + min(drawn if wait is None else wait, 10 * PAUSE)
        with suppress(AuthFlowError):
            found = await self.entries.read(user.of)
            lease = found.entry.lease
            if lease is not None and lease.holder == mine.holder and found.entry.over is None:
                free = evolve(found.entry, lease=None, retry_at=retry_at)
                await self.entries.write(user.of, free, expected=found.version)

    async def _settle(
        self, user: KeptUser, attempt: Refreshing, entry: KeptEntry, error: AuthFlowError | None
    ) -> KeptEntry:
        """Write the result. If the store fails, all who wait get it at once, and it is tried again.

        Raises:
            SignedOutError: The user signed out meanwhile.
        """
        until, pause = self.ticks() + _SETTLE_TIMEOUT, _FIRST_POLL
        while True:
            try:
                return await self.stored(user, entry)
            except StateError:
                if user.over:
                    raise
            user.note(entry)
            user.unwritten = entry
            attempt.give(entry if error is None else another(error))
            if self.ticks() > until:
                return entry
            pause = await _paused(pause)

    async def _ended(self, user: KeptUser, entry: KeptEntry, error: AuthFlowError) -> KeptEntry:
        """Forget a user whom Cognito refuses for good, unless another process got new tokens.

        Raises:
            SignedOutError: The user is signed out.
        """
        why = f"{error.message.removesuffix(': sign in again')}: sign in again"
        while True:
            found = await self.entries.read(user.of)
            if found.entry.over is None and found.entry.turn > entry.turn:
                return found.entry
            over = self._over(entry, why, forget=True)
            if found.entry.over is not None or await self.entries.write(
                user.of, over, expected=found.version
            ):
                user.forget()
                raise signed_out(found.entry.over or why)

    def _over(self, entry: KeptEntry, why: str, *, forget: bool) -> KeptEntry:
        if not forget:
            return evolve(entry, over=why, lease=None)
        until = self.clock() + FORGOTTEN_SECONDS
        return evolve(entry, over=why, lease=None, tokens=None, unproved=None, until=until)


async def _paused(pause: float) -> float:
    """Pause, and return how long the next pause may be."""
    await anyio.sleep(random.uniform(pause / 2, pause))  # noqa: S311  # spreads load
    return min(pause * 1.6, _LAST_POLL)


def signed_out(why: str | None = None) -> SignedOutError:
    """Return the error for a user who is signed out."""
    return SignedOutError(why or "the user is signed out: sign in again")


def another(error: AuthFlowError) -> AuthFlowError:
    """Return an error that says the same: one that many raise would collect the frames of all."""
    return bare(copy.copy(error))
