"""The result of a refresh, and how it gets into the store (see `kept_users`)."""

import asyncio
import copy
import random
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import anyio
from attrs import define, evolve, field

from authflow.client.kept_entry import KeptEntries, KeptEntry
from authflow.client.kept_sign_out import LEFT, KeptSignOut
from authflow.client.kept_user import KeptUser, Refreshing
from authflow.client.lost_writes import LostWrites
from authflow.errors import AuthFlowError, JwksUnreachableError, SignedOutError, StateError
from authflow.own_task import own_task
from authflow.unframed import bare

READY_TIMEOUT: Final = 0.5
"""Seconds for which tokens that are ready wait for the store."""
FIRST_POLL: Final = 0.02
_LAST_POLL: Final = 0.5
_SETTLE_TIMEOUT: Final = 60.0
"""Seconds for which a result is tried to be written: the longest grace period."""


@define(kw_only=True, eq=False)
class RefreshResults:
    """Writes what Cognito gave: it is neither lost, nor given after a sign-out.

    Args:
        entries: The entries of all users.
        sign_out: Revokes what comes when nobody is signed in any more.
        ticks: Gives seconds that never go back.
    """

    entries: KeptEntries
    sign_out: KeptSignOut
    ticks: Callable[[], float] = field(repr=False)

    async def stored(self, user: KeptUser, result: KeptEntry) -> KeptEntry:
        """Write a result, unless there is one of that turn; return what is in the store then.

        Raises:
            SignedOutError: The user signed out meanwhile: the new tokens are revoked, or owed.
            StateError: The store cannot be asked.
        """
        entry, lost = result, LostWrites()
        while True:
            over: str | None = None
            too_late = result.own_tokens()[:1]  # what else it has was in the store before
            try:
                found = await self.entries.read(user.of)
                over = found.entry.over
            except SignedOutError as error:
                over, too_late = error.message, result.own_tokens()  # and is there no more
            except StateError:
                if not user.over:
                    raise
            if user.over or over is not None:
                user.owe((*too_late, *result.owed))
                await self._revoked(user, result, over)
                raise signed_out(over)
            entry = _merged(result, found.entry)
            if entry is found.entry or await self.entries.write(
                user.of, entry, expected=found.version
            ):
                break
            await lost.note()
        if user.unwritten is result:
            user.unwritten = None
        user.note(entry)
        return entry

    async def _revoked(self, user: KeptUser, result: KeptEntry, why: str | None) -> None:
        """Revoke the tokens of a result for which it is too late, which are owed by now."""
        user.forget()
        await self.sign_out.attempt(user, why or LEFT, result)

    async def settle(
        self, user: KeptUser, attempt: Refreshing, result: KeptEntry, error: AuthFlowError | None
    ) -> KeptEntry:
        """Write a result; if the store fails or is slow, all who wait get it before.

        Args:
            user: Whose.
            attempt: Who waits for it.
            result: It.
            error: What they get instead.

        Returns:
            What is in the store then.

        Raises:
            SignedOutError: The user signed out meanwhile.
        """
        user.unwritten = result
        writing = own_task(self._written(user, attempt, result, error))
        try:
            await asyncio.wait({writing}, timeout=READY_TIMEOUT)
            if not writing.done():
                _pass_on(user, attempt, result, error)
                await asyncio.wait({writing})
            return writing.result()
        finally:
            await stopped(writing)

    async def _written(
        self, user: KeptUser, attempt: Refreshing, result: KeptEntry, error: AuthFlowError | None
    ) -> KeptEntry:
        until, pause = self.ticks() + _SETTLE_TIMEOUT, FIRST_POLL
        while True:
            with suppress(StateError):
                return await self.stored(user, result)
            _pass_on(user, attempt, result, error)
            if self.ticks() > until:
                return result
            pause = await paused(pause)


def _merged(result: KeptEntry, found: KeptEntry) -> KeptEntry:
    """Return what is to be in the store: of two results of one turn the one that came first.

    With rotation each has a refresh token of its own, and both are good. So the sign-out owes the
    revocation of the one that is not kept.
    """
    if found.turn < result.turn:
        return result.owing(*found.owed, *found.own_tokens()[: found.unproved is not None])
    came = result.own_tokens()[:1]  # what else it has was in the store before
    if result.unproved is not None or found.unproved is None:
        return found.owing(*came)  # another process has refreshed
    # It has what nobody may be given yet, and here is what everybody may: both are kept.
    return evolve(
        found.owing(*came),  # what is verified later takes its place
        turn=found.turn + 1,
        tokens=result.tokens,
        access=result.access,
        identity=result.identity,
    )


def _pass_on(
    user: KeptUser, attempt: Refreshing, result: KeptEntry, error: AuthFlowError | None
) -> None:
    if not user.over and not attempt.outcome.done():
        user.note(result)
        attempt.give(result if error is None else another(error))


async def stopped(task: "asyncio.Task[Any]") -> None:
    """Cancel a task unless it has ended, and wait until it has."""
    task.cancel()
    with anyio.CancelScope(shield=True):  # it ends, whether or not asyncio cancels this waiting
        await asyncio.wait({task})


async def paused(pause: float) -> float:
    """Pause, and return how long the next pause may be."""
    await anyio.sleep(random.uniform(pause / 2, pause))  # noqa: S311  # spreads load
    return min(pause * 1.6, _LAST_POLL)


def signed_out(why: str | None = None) -> SignedOutError:
    """Return the error for a user who is signed out."""
    return SignedOutError(why or "the user is signed out: sign in again")


def another(error: AuthFlowError) -> AuthFlowError:
    """Return an error that says the same: one that many raise would collect the frames of all.

    It has no tokens: those that could not be verified are kept, and given to nobody.
    """
    copied = bare(copy.copy(error))
    if isinstance(copied, JwksUnreachableError):
        copied.tokens = copied.signed_in = None
    return copied
