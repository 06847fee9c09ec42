"""The refresh of a kept user: whose turn it is, and what becomes of it (see `kept_users`)."""

import asyncio
import random
import secrets
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

import anyio
from attrs import define, evolve, field

from authflow.client.kept_entry import BoundDevice, FoundEntry, KeptEntries, KeptEntry, Lease
from authflow.client.kept_sign_out import KeptSignOut, ended
from authflow.client.kept_user import MARGIN, KeptUser, Refreshing
from authflow.client.lost_writes import LostWrites
from authflow.client.refresh_result import (
    FIRST_POLL,
    READY_TIMEOUT,
    RefreshResults,
    another,
    paused,
    signed_out,
    stopped,
)
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
from authflow.own_task import own_task
from authflow.results import Tokens
from authflow.secret import Secret
from authflow.tokens.token_life import life_of
from authflow.tokens.usernames import unverified_claims

LEASE: Final = 5.0
"""Seconds after which a lease is over that its holder does not prolong."""
PAUSE: Final = 15.0
"""Seconds without another refresh ahead of time after one that failed, where Cognito names none."""
_JOIN_TIMEOUT: Final = 60.0
"""Seconds for which an attempt waits for others' leases."""
_DEAD: Final = (TokenRevokedError, WrongTokenError)
"""Refusals of a refresh token that is good for nothing any more."""
_ENDS: Final = (
    *_DEAD,
    UserDisabledError,
    UserNotConfirmedError,
    PasswordResetRequiredError,
)
"""Refusals that no later request changes. Those of a user leave his refresh token alive: it is good
again when he is enabled, or has another password."""


@define(kw_only=True, eq=False)
class RefreshTurn:
    """Refreshes users when it is this process's turn, and waits for others when it is theirs.

    Args:
        entries: The entries of all users.
        clock: Gives seconds since the epoch.
        renew: Asks Cognito for new tokens, which are not verified yet.
        verify: Verifies them.
        sign_out: Revokes what comes when nobody is signed in any more.
        lease: Seconds after which a lease is over that its holder does not prolong.
        ticks: Gives seconds that never go back.
    """

    entries: KeptEntries
    clock: Callable[[], float] = field(repr=False)
    renew: Callable[[Secret[str], BoundDevice], Awaitable[Tokens]] = field(repr=False)
    verify: Callable[[Tokens], Awaitable[Tokens]] = field(repr=False)
    sign_out: KeptSignOut
    lease: float = LEASE
    ticks: Callable[[], float] = field(default=time.monotonic, repr=False)
    _results: RefreshResults = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._results = RefreshResults(
            entries=self.entries, sign_out=self.sign_out, ticks=self._ticked
        )

    def _ticked(self) -> float:
        return self.ticks()

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
        user.may_leave = False
        try:
            found = await self.entries.read(user.of)
        except SignedOutError:
            if user.unwritten is not None:
                await self.write(user, user.unwritten)  # which says so, and revokes it
            elif not user.over and user.seen is not None:
                user.owe(user.seen.refresh_tokens())  # whoever signs out here has them revoked
                user.forget()
            user.may_leave = bool(user.owed)
            raise
        except StateError as error:
            raise signed_out() if user.over else error from None
        if found.entry.over is not None or user.over:
            user.username, user.sub = found.entry.username, found.entry.sub
            if user.unwritten is not None:
                await self.write(user, user.unwritten)  # likewise
            if not user.over:
                user.forget()
            user.unfinished = bool(user.owed or found.entry.refresh_tokens())
            raise signed_out(found.entry.over)
        if user.unwritten is not None:
            # The version that was read is outdated now, and whoever compares by it reads again.
            found = evolve(found, entry=await self.write(user, user.unwritten))
        if found.entry.until <= self.clock():  # which may be wrong: so nothing is forgotten
            user.username, user.sub = found.entry.username, found.entry.sub
            user.may_leave = True
            raise signed_out("the time for which this user was kept is over: sign in again")
        user.note(found.entry)
        return found

    async def write(self, user: KeptUser, result: KeptEntry) -> KeptEntry:
        """Write a result that the store has not taken yet; return what is in the store then.

        Raises:
            SignedOutError: The user signed out meanwhile: the new tokens are revoked.
            StateError: The store cannot be asked.
        """
        return await self._results.stored(user, result)

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
        began, pause, lost = self.ticks(), FIRST_POLL, LostWrites()
        while True:
            found = await self.look(user)
            entry = found.entry
            if entry.turn > turn and entry.unproved is None:
                return entry
            if not user.is_held(entry.lease, self.lease):
                attempt.leading = True
                mine = Lease(holder=secrets.token_hex(8))
                leased = evolve(entry, lease=mine)
                if await self.entries.write(user.of, leased, expected=found.version):
                    led = await self._lead(user, attempt, leased, mine)
                    if led is not None:
                        return led
                attempt.leading = False
                await lost.note()
                continue
            if not attempt.waiting or self.ticks() - began > _JOIN_TIMEOUT:
                msg = "others refresh this user's tokens, and do not end: try later"
                raise TimedOutError(msg)
            pause = await paused(pause)

    async def _lead(
        self, user: KeptUser, attempt: Refreshing, entry: KeptEntry, mine: Lease
    ) -> KeptEntry | None:
        """Refresh while holding the lease, which is prolonged until all is done.

        Returns:
            The entry with the new tokens; None if another process has written its result.

        Raises:
            AuthFlowError: There are no new tokens that can be given.
        """
        prolonging = own_task(self._prolong(user, mine))
        try:
            try:
                tokens = await self._asked(entry)
            except _ENDS as error:
                await self._ended(user, entry, error)
                return None
            except AuthFlowError as error:
                await self._release(user, mine, error.retry_after)
                raise
            return await self._proved(user, attempt, entry, tokens)
        finally:
            await stopped(prolonging)

    async def _proved(
        self, user: KeptUser, attempt: Refreshing, entry: KeptEntry, tokens: Tokens
    ) -> KeptEntry | None:
        """Keep new tokens before they are verified, since that may take long, and then verify them.

        Raises:
            AuthFlowError: They cannot be given.
        """
        is_new, failed = tokens is not entry.unproved, None
        if is_new:
            entry = user.unwritten = evolve(entry, turn=entry.turn + 1, unproved=tokens)
        keeping = own_task(self._kept(user, entry, is_new=is_new))
        try:
            await asyncio.wait({keeping}, timeout=READY_TIMEOUT)
            if keeping.done() and keeping.result() != tokens:
                return None
            verified = await self.verify(tokens)
        except (TokenError, JwksUnreachableError) as error:
            failed = another(error)
            later = self.clock() + (error.retry_after or PAUSE)
            result = evolve(entry, lease=None, retry_at=later)
        else:
            result = entry.renewed(verified, now=self.clock())
        finally:
            await stopped(keeping)
        if failed is not None:
            # It is a turn of its own: with the lease in it, the entry is in the store already.
            result = evolve(result, turn=result.turn + 1)
        settled = await self._results.settle(user, attempt, result, failed)
        if failed is not None:
            raise failed
        return settled

    async def _kept(self, user: KeptUser, entry: KeptEntry, *, is_new: bool) -> Tokens | None:
        """Write tokens that are not verified yet. Return those that are in the store then.

        Raises:
            SignedOutError: The user signed out meanwhile.
        """
        with suppress(StateError):  # it is written with what comes of it
            return (await self.write(user, entry)).unproved if is_new else entry.unproved
        return entry.unproved

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
        for token in entry.own_tokens():
            try:
                tokens = await self._asked_twice(token, entry.device)
            except _DEAD as error:
                refused = refused or error
            else:
                _check_person(entry, tokens)
                return tokens
        raise refused or signed_out()

    async def _asked_twice(self, token: Secret[str], device: BoundDevice) -> Tokens:
        """Ask Cognito, and once more if the reply was lost: that is what the grace period is for.

        Raises:
            AuthFlowError: There are no new tokens.
        """
        with suppress(OutcomeUnknownError):
            return await self.renew(token, device)
        try:
            return await self.renew(token, device)
        except OutcomeUnknownError as error:
            lost = error.message
        msg = f"two replies to a refresh were lost, and the next call tries again: {lost}"
        raise UnreachableError(msg)

    async def _prolong(self, user: KeptUser, mine: Lease) -> None:
        """Prolong the lease again and again, as long as it is ours.

        By its holder it is known: a write whose reply was lost may have prolonged it.
        """
        while True:
            await anyio.sleep(self.lease / 3)
            with suppress(AuthFlowError):
                found = await self.entries.read(user.of)
                lease = found.entry.lease
                if lease is None or lease.holder != mine.holder or found.entry.over is not None:
                    return
                entry = evolve(found.entry, lease=evolve(lease, times=lease.times + 1))
                await self.entries.write(user.of, entry, expected=found.version)

    async def _release(self, user: KeptUser, mine: Lease, wait: float | None) -> None:
        """Return the lease after a failure, and ask all to wait before the next try."""
        drawn = random.uniform(PAUSE / 2, PAUSE)  # noqa: S311  # spreads load
        retry_at = self.clock() + min(drawn if wait is None else wait, 10 * PAUSE)
        lost = LostWrites()
        with suppress(AuthFlowError):
            while True:
                found = await self.entries.read(user.of)
                lease = found.entry.lease
                if lease is None or lease.holder != mine.holder or found.entry.over is not None:
                    return
                free = evolve(found.entry, lease=None, retry_at=retry_at)
                if await self.entries.write(user.of, free, expected=found.version):
                    return
                await lost.note()

    async def _ended(self, user: KeptUser, entry: KeptEntry, error: AuthFlowError) -> None:
        """Forget a user whom Cognito refuses for good, unless another process got new tokens.

        What may still be good is revoked, or owed as after a sign-out that failed.

        Raises:
            SignedOutError: The user is signed out.
        """
        dead = entry.own_tokens() if isinstance(error, _DEAD) else ()  # each was refused
        why = f"{error.message.removesuffix(': sign in again')}: sign in again"
        lost = LostWrites()
        while True:
            found = await self.entries.read(user.of)
            if found.entry.over is None and found.entry.turn > entry.turn:
                return
            owed = tuple(each for each in found.entry.refresh_tokens() if each not in dead)
            over = ended(found.entry, why, owed, now=self.clock())
            if found.entry.over is not None or await self.entries.write(
                user.of, over, expected=found.version
            ):
                user.forget()
                if found.entry.over is None and owed:
                    await self.sign_out.attempt(user, why)
                raise signed_out(found.entry.over or why)
            await lost.note()


def _check_person(entry: KeptEntry, tokens: Tokens) -> None:
    """Refuse tokens of somebody else.

    Raises:
        TokenError: They are.
    """
    told = {unverified_claims(each).get("sub") for each in (tokens.access_token, tokens.id_token)}
    if entry.sub is not None and told != {entry.sub}:
        msg = "the new tokens are not of the user who signed in, and were given to nobody"
        raise TokenError(msg)
