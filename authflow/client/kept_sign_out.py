"""The sign-out of a kept user: each refresh token that may live is revoked, by whoever finishes it.

Which tokens are to be revoked yet stands in the entry (`owed`), beside what says that the user is
signed out, before the first of them is revoked. So a sign-out that failed, was cancelled or died is
finished by any process that has the handle. What the store has not taken is owed by this process
alone, until it has.

A token comes to be owed from the entry, from what this process has seen or could not write, and
from a refresh that was on its way: its tokens come when nobody is signed in any more, and whoever
gets them has them revoked like all others.
"""

import logging
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from typing import Final

from attrs import define, evolve, field

from authflow.client.kept_entry import KeptEntries, KeptEntry, once
from authflow.client.kept_user import KeptUser
from authflow.client.lost_writes import LostWrites
from authflow.errors import AuthFlowError, PoolSetupError, SignedOutError, TokenRevokedError
from authflow.secret import Secret

LEFT: Final = "the user has signed out: sign in again"
FORGOTTEN_SECONDS: Final = 3600.0
"""Seconds for which an entry says why its user is signed out."""

_log = logging.getLogger(__name__)


@define(kw_only=True, eq=False)
class KeptSignOut:
    """Signs kept users out.

    Args:
        entries: The entries of all users.
        clock: Gives seconds since the epoch.
        revoke: Revokes a refresh token.
    """

    entries: KeptEntries
    clock: Callable[[], float] = field(repr=False)
    revoke: Callable[[Secret[str]], Awaitable[None]] = field(repr=False)

    async def finish(self, user: KeptUser, why: str, known: KeptEntry | None = None) -> None:
        """Sign a user out for all processes, and revoke all tokens that may live.

        Args:
            user: Who. What `user.owed` has is revoked as well.
            why: The reason, for whoever asks for a token.
            known: What this process knows of the user, where the store has lost the entry.

        Raises:
            PoolSetupError: The app client lets no token be revoked, and the rest is done.
            AuthFlowError: Some process may not learn it, or a token may still be good.
        """
        user.unfinished = True
        gone: list[Secret[str]] = []
        unknown: AuthFlowError | None = None
        failed: AuthFlowError | None = None
        never: PoolSetupError | None = None
        is_told = False
        while True:
            try:
                owed = await self._told(user, why, known, gone)
                is_told = True
            except AuthFlowError as error:
                if is_told:  # whether the store forgets them now or when they expire is the same
                    break
                unknown, owed = error, user.owed
            if not owed:
                break
            for token in owed:
                try:
                    await self.revoke(token)
                except TokenRevokedError:
                    pass
                except PoolSetupError as error:  # no later call is answered otherwise
                    never = error
                except AuthFlowError as error:
                    failed = failed or error
                    continue
                gone.append(token)
                user.paid(token)
            if unknown is not None or failed is not None:
                if is_told and gone:
                    with suppress(AuthFlowError):  # then they are revoked once more
                        await self._told(user, why, known, gone)
                break
        if unknown is not None:
            raise unknown
        if failed is not None:
            raise failed
        user.forget()
        user.unfinished = bool(user.owed)  # by a refresh, meanwhile
        if never is not None:
            raise never

    async def attempt(self, user: KeptUser, why: str, known: KeptEntry | None = None) -> None:
        """Finish a sign-out that nobody here asked for.

        What fails is owed: `kept` finds the user in each process, and `sign_out` says so.

        Args:
            user: Who.
            why: As of `finish`.
            known: Likewise.
        """
        try:
            await self.finish(user, why, known)
        except AuthFlowError as error:
            _log.warning(
                "tokens of a user who is signed out could not be revoked yet: %s",
                type(error).__qualname__,
            )

    async def _told(
        self, user: KeptUser, why: str, known: KeptEntry | None, gone: Collection[Secret[str]]
    ) -> tuple[Secret[str], ...]:
        """Write that a user is signed out, and what is to be revoked yet; return that.

        Raises:
            StateError: The store cannot be asked.
        """
        lost = LostWrites()
        while True:
            try:
                found = await self.entries.read(user.of)
            except SignedOutError:
                if known is None:  # nor is there anything that an entry could be made of
                    return user.owed
                entry, version = known, None
                kept: tuple[Secret[str], ...] = ()  # whoever knows it has owed all of it
            else:
                entry, version = found.entry, found.version
                kept = entry.refresh_tokens()
            owed = tuple(each for each in once(*user.owed, *kept) if each not in gone)
            if version is not None and entry.over is not None and owed == entry.owed:
                user.paid(*owed)
                return owed
            over = ended(entry, entry.over or why, owed, now=self.clock())
            if await self.entries.write(user.of, over, expected=version):
                user.paid(*owed)
                return owed
            await lost.note()


def ended(entry: KeptEntry, why: str, owed: tuple[Secret[str], ...], *, now: float) -> KeptEntry:
    """Return what stays of an entry whose user is signed out: no token but what is owed.

    Args:
        entry: The entry.
        why: The reason, for whoever asks for a token.
        owed: What is to be revoked yet. As long as something is, the entry is kept.
        now: In seconds since the epoch.
    """
    over = evolve(entry, over=why, lease=None, tokens=None, unproved=None, owed=owed)
    if owed:
        return over
    return evolve(
        over,
        until=now + FORGOTTEN_SECONDS,
        seconds=FORGOTTEN_SECONDS,
    )
