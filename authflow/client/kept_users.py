"""Signed-in users who are kept fresh: one refresh at a time, in a process and across processes.

A user is kept as an entry of a store (see `kept_entry`), which is the truth: every call reads it.
So what one process did, a refresh or a sign-out, the next call in any other one knows. Nothing runs
in the background: what is due is done in a call, and all that outlives a call that was cancelled is
a refresh that it has begun.

WHEN. A token is refreshed in the last part of its life: from a tenth to a fifth of it, ten minutes
at most, drawn for each process and refresh, so that neither processes nor users meet. It is
still good then: one caller refreshes, and all others go on with it. Its own `exp` counts, and never
more than its whole life since it was first seen here, by a clock that cannot be set. (That is known
of some thousand users: see `known_users`.)

ONE AT A TIME. Who refreshes writes a lease into the entry first, by compare and set, and prolongs
it until the result is written. All tasks of a process share one attempt; a caller who is cancelled,
or whose time is over, leaves it to the others. Processes without the lease read the entry again and
again, with growing pauses, until the result is there. A lease is over for a process that has seen
it unchanged for `LEASE` seconds by its own ticks: no time of day is compared, as the clocks of two
machines differ. So a leader that died costs each process one lease: 5 seconds from when it first
saw it, in which tokens that are still good are given.

What Cognito gave is written before it is verified, and given to nobody until then: with rotation
it has the only refresh token that is good, and keys may be slow. A store has half a second for
what is ready; then it is given, and the store is asked further behind the callers' backs.

WHAT HAPPENS IF. R1 is the refresh token in the entry. Without rotation it stays good. With rotation
Cognito gives R2 for it; R1 is still good for the app client's grace period (0 to 60 seconds,
`RetryGracePeriodSeconds`), and gives R3 then. Beyond it Cognito says RefreshTokenReuseException,
and ends all tokens of the sign-in.

    the leader dies before it has       one lease later another one sends R1
    sent R1
    it dies after that, and R2 is       the same: R1 is good without rotation, and with it in the
    lost before it was written          grace period; beyond that SignedOutError
    the reply is lost                   R1 is sent once more at once, and by the next call: if it
    (OutcomeUnknownError)               was used only the grace period helps, and trying costs
                                        nothing, as nobody has R2; UnreachableError meanwhile
    the store fails before the lease    nothing is sent; StoreUnavailableError, unless the old token
    is written                          is still good
    the store fails or hangs when the   all who wait get the new tokens; they are written as soon as
    result is to be written             the store can be asked, for a minute, and by the next call
                                        in this process; who sends R1 meanwhile is in the grace
                                        period
    the store hangs                     a token that is good is given after half a second, and for
                                        as long as that read lasts after a twentieth; what it says
                                        counts for the next call
    the leader stands still, and        two send R1: the result that is written first is kept, and
    loses its lease                     with rotation both are good within the grace period; the
                                        other one's refresh token is owed: `sign_out` revokes it
    throttled, unreachable, 5xx, a      the old token, if it is still good, and no further try ahead
    trigger failed                      of time for some seconds; else the error
    the new tokens cannot be verified   they are kept, so that R2 is not lost, given to nobody, and
    (no keys; a clock that is wrong)    verified by the next call; JwksUnreachableError, TokenError,
                                        unless the old token is still good
    Cognito refuses R1 for good         the entry is forgotten: every process gets SignedOutError,
    (revoked, expired, no such user)    and none asks Cognito again
    it refuses the user (disabled, a    the same; R1 is good again when the user is, so it is
    password to be reset, not           revoked, or owed as after a sign-out that failed
    confirmed)
    the new tokens are another user's   TokenError, nothing is kept, unless the old token is good
    the user signs out meanwhile        SignedOutError; the new tokens are revoked, also those that
                                        a process could not write
    a sign-out fails, or is cancelled,  no tokens any more; what is to be revoked yet stands in the
    or the revocation of what came      entry, `kept` finds the user all the same, and `sign_out`
    after it fails                      goes on, in each process
    the store has lost the entry        SignedOutError; a process that knows the tokens still finds
                                        the user, and `sign_out` revokes them
    a clock is ahead                    for that process it is over before its time; it takes no
                                        time from the others, and forgets nothing
    the time is over, by any clock, and no tokens any more; `kept` finds the user all the same, and
    the store has the entry             `sign_out` revokes R1: others, and Cognito, may go on longer
    the entry was tampered with         SealError, StoreEntryError: nothing is given, nothing sent

Sources: "Refresh tokens" and `RefreshTokenRotationType` of Amazon Cognito; RFC 9700 §4.14.2.
"""

import asyncio
import re
import secrets
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Final

from attrs import define, field

from authflow.client.events import TokensRefreshed, TokensShared, UserSignedOut
from authflow.client.kept_entry import (
    BoundDevice,
    FoundEntry,
    KeptEntries,
    KeptEntry,
    entry_id,
)
from authflow.client.kept_sign_out import LEFT, KeptSignOut
from authflow.client.kept_user import MARGIN, KeptUser, Needed, Refreshing, both
from authflow.client.known_users import KnownUsers
from authflow.client.observed_calls import ObservedCalls
from authflow.client.refresh_result import READY_TIMEOUT, another, signed_out
from authflow.client.refresh_turn import LEASE, PAUSE, RefreshTurn
from authflow.errors import (
    AuthFlowError,
    MisuseError,
    SealError,
    SignedOutError,
    StateError,
    StoreEntryError,
    StoreUnavailableError,
    TokenExpiredError,
    UnreachableError,
)
from authflow.keys.key_ring import KeyProvider, KeyRing
from authflow.own_task import own_task
from authflow.results import SignedIn, Tokens
from authflow.secret import Secret
from authflow.stores.store import MemoryStore, Store
from authflow.tokens.token_life import life_of
from authflow.tokens.usernames import unverified_claims
from authflow.unframed import bare

_CLOSE_TIMEOUT: Final = 5.0
_LONGEST: Final = timedelta(days=3650)
"""The longest that a refresh token can be valid."""
_HANDLE: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_HANDLE_BYTES: Final = 32
_FINAL: Final = (SignedOutError, MisuseError, SealError, StoreEntryError)
"""Errors after which no token is given that is still good: the user is signed out, or somebody has
tampered with the entry."""
_SALT_BYTES: Final = 16


@define(kw_only=True, eq=False)
class KeptUsers:
    """Keeps users fresh, for one client.

    Args:
        place: The user pool and the app client.
        keys: What seals the entries; without keys and store, they live in this process alone.
        store: Where they are. A store has keys: the client sees to it.
        clock: Gives seconds since the epoch.
        enter: Called first; raises MisuseError if the client is closed.
        renew: Asks Cognito for new tokens, which are not verified yet.
        verify: Verifies them.
        revoke: Revokes a refresh token.
        calls: Tells observers of refreshes and sign-outs.
        lease: Seconds after which a lease is over that its holder does not prolong.
        ticks: Gives seconds that never go back.
    """

    place: tuple[str, str]
    keys: KeyProvider | None = field(repr=False)
    store: Store | None
    clock: Callable[[], float] = field(repr=False)
    enter: Callable[[], object] = field(repr=False)
    renew: Callable[[Secret[str], BoundDevice], Awaitable[Tokens]] = field(repr=False)
    verify: Callable[[Tokens], Awaitable[Tokens]] = field(repr=False)
    revoke: Callable[[Secret[str]], Awaitable[None]] = field(repr=False)
    calls: ObservedCalls = field(factory=ObservedCalls, repr=False)
    lease: float = LEASE
    ticks: Callable[[], float] = field(default=time.monotonic, repr=False)
    _turns: RefreshTurn = field(init=False, repr=False)
    _sign_out: KeptSignOut = field(init=False, repr=False)
    _known: KnownUsers = field(factory=KnownUsers, init=False, repr=False)
    _salt: bytes = field(init=False, repr=False)
    _attempts: "set[Refreshing]" = field(factory=set, init=False, repr=False)
    _late: "set[asyncio.Task[FoundEntry]]" = field(factory=set, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._salt = secrets.token_bytes(_SALT_BYTES)
        entries = KeptEntries(
            place=self.place,
            keys=KeyRing.generate() if self.keys is None else self.keys,
            store=MemoryStore() if self.store is None else self.store,
        )
        self._sign_out = KeptSignOut(entries=entries, clock=self.clock, revoke=self.revoke)
        self._turns = RefreshTurn(
            entries=entries,
            clock=self.clock,
            renew=self.renew,
            verify=self.verify,
            sign_out=self._sign_out,
            lease=self.lease,
            ticks=self.ticks,
        )

    async def keep(self, signed_in: SignedIn, validity: timedelta) -> KeptUser:
        """Keep a user who has just signed in.

        Args:
            signed_in: The result of the sign-in.
            validity: For how long.

        Raises:
            MisuseError: There is no refresh token, or the time is not in its range.
            StateError: The store or the keys cannot be asked.
        """
        self.enter()
        tokens = signed_in.tokens
        if tokens.refresh_token is None:
            msg = "there is no refresh token to keep this user fresh with"
            raise MisuseError(msg)
        if not isinstance(validity, timedelta) or not timedelta() < validity <= _LONGEST:
            msg = "validity is a timedelta above zero: the app client's RefreshTokenValidity"
            raise MisuseError(msg)
        now, sub = self.clock(), unverified_claims(tokens.access_token).get("sub")
        entry = KeptEntry(
            username=signed_in.username,
            sub=sub if isinstance(sub, str) else None,
            flow=signed_in.flow,
            until=now + validity.total_seconds(),
            seconds=validity.total_seconds(),
            tokens=tokens,
            access=life_of(tokens.access_token, expires_in=tokens.expires_in, now=now),
            identity=life_of(tokens.id_token, expires_in=tokens.expires_in, now=now),
        )
        user = self._user(Secret(secrets.token_urlsafe(_HANDLE_BYTES)))
        if not await self._turns.entries.write(user.of, entry, expected=None):
            msg = "the store has an entry under a new handle: it does not compare and set"
            raise StateError(msg)
        user.note(entry)
        self._known.hold(user)
        return user

    async def find(self, handle: Secret[str]) -> KeptUser:
        """Find a kept user, also one who gets no tokens any more, but has something to revoke.

        Args:
            handle: From `keep`, in this or another process.

        Raises:
            SignedOutError: There is none of this handle, or not any more.
            SealError: The entry cannot be opened.
            StateError: The store or the keys cannot be asked.
        """
        self.enter()
        if not _HANDLE.fullmatch(handle.reveal()):
            raise signed_out("nobody is signed in under this handle: sign in again")
        user = self._user(handle)
        try:
            await self._look(user, both)
        except SignedOutError:
            if not (user.unfinished or user.may_leave):
                raise
        except _FINAL:
            raise
        except AuthFlowError as error:
            self._good_anyway(user, both, error)
        self._known.hold(user)
        return user

    async def tokens(self, user: KeptUser, needed: Needed) -> Tokens:
        """Return tokens that are good, and refresh them if that is due.

        Args:
            user: Whose.
            needed: Which of them must be good.

        Raises:
            SignedOutError: The user is signed out.
            AuthFlowError: They are not good any more, and could not be refreshed now.
        """
        self.enter()
        self._known.hold(user)
        try:
            entry = await self._look(user, needed)
            left = user.left(entry, needed)
            is_good = left > MARGIN and (
                left > user.ahead(entry, needed)
                or user.refreshing is not None
                or user.is_held(entry.lease, self.lease)
                or 0 < entry.retry_at - self.clock() <= 10 * PAUSE
            )
            turn, expired = entry.turn, 0
            while not is_good:
                entry = await self._join(user, turn)
                if entry.turn > turn:  # else it was an attempt for an older turn
                    is_good = user.left(entry, needed) > 0
                    turn, expired = entry.turn, expired + 1
                if not is_good and expired > 1:
                    msg = "the new tokens have expired already: check the clock of this machine"
                    raise TokenExpiredError(msg)
        except _FINAL:
            raise
        except AuthFlowError as error:
            return self._good_anyway(user, needed, error)
        return _tokens_of(entry)

    async def sign_out(self, user: KeptUser) -> None:
        """Sign a user out: all processes learn it, then the tokens are revoked.

        Args:
            user: Who.

        Raises:
            PoolSetupError: The app client lets no token be revoked: the user is signed out, and
                what was given out stays good to its end.
            AuthFlowError: Some process may not learn it, or the tokens may still be good: call it
                again. This process gives none of them any more.
        """
        self.enter()
        self._known.hold(user)
        try:
            with self.calls.other("sign_out", user.username) as call:
                call.ends(UserSignedOut)
                await self._sign_out.finish(user, LEFT, user.leave())
        finally:
            if not user.unfinished:
                self._known.drop(user)

    async def aclose(self) -> None:
        """End the attempts that wait for others, and wait for those that have asked Cognito."""
        for reading in self._late:
            reading.cancel()
        tasks = {each.task for each in self._attempts if each.task is not None}
        for attempt in self._attempts:
            if attempt.task is not None and not attempt.leading:
                attempt.task.cancel()
        try:
            if tasks:
                await asyncio.wait(tasks, timeout=_CLOSE_TIMEOUT)
        finally:
            for task in tasks:
                task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        with suppress(TimeoutError):
            async with asyncio.timeout(READY_TIMEOUT):
                for user in self._known.unwritten():
                    with suppress(AuthFlowError):
                        if user.owed:
                            await self._sign_out.finish(user, LEFT)
                        else:
                            await self._turns.look(user)  # which writes it

    def _user(self, handle: Secret[str]) -> KeptUser:
        of = entry_id(handle)
        user = self._known.get(of)
        if user is None:
            user = KeptUser(
                handle=handle, of=of, salt=self._salt, clock=self.clock, ticks=self.ticks
            )
            self._known.meet(user)
        return user

    async def _look(self, user: KeptUser, needed: Needed) -> KeptEntry:
        """Read the entry; for one whose tokens are good do not wait long.

        Raises:
            SignedOutError: The user is signed out.
            StateError: Nobody knows, or not in time.
        """
        known = user.seen
        if known is None or user.over or user.left(known, needed) <= MARGIN:
            return (await self._turns.look(user)).entry
        if user.late is not None:
            # The store hangs. A read that is waited for by many is not begun anew by each.
            await asyncio.wait({user.late}, timeout=READY_TIMEOUT / 10)
        if user.late is None or user.late.done():
            reading = own_task(self._turns.look(user))
            try:
                await asyncio.wait({reading}, timeout=READY_TIMEOUT)
            except asyncio.CancelledError:
                reading.cancel()
                raise
            if reading.done():
                return reading.result().entry
            user.late = reading
            self._late.add(reading)
            reading.add_done_callback(self._late.discard)
        msg = "the store of signed-in users is slow now; try later"
        raise StoreUnavailableError(msg)

    def _good_anyway(self, user: KeptUser, needed: Needed, error: AuthFlowError) -> Tokens:
        """Return what is known, if it is still good: what failed signs nobody out.

        Raises:
            AuthFlowError: It is not.
        """
        seen = user.seen
        if seen is None or user.over or user.left(seen, needed) <= 0 or seen.until <= self.clock():
            raise error
        return _tokens_of(seen)

    async def _join(self, user: KeptUser, turn: int) -> KeptEntry:
        """Wait for this process's attempt to refresh; begin it if there is none.

        Raises:
            AuthFlowError: It failed.
        """
        attempt = user.refreshing
        if attempt is None or attempt.outcome.done():
            attempt = user.refreshing = Refreshing()
            attempt.task = own_task(self._attempt(user, attempt, turn))
            # By a callback: a task that is cancelled before its first step runs nothing of its own.
            attempt.task.add_done_callback(partial(self._ended, user, attempt))
            self._attempts.add(attempt)
        attempt.waiting += 1
        try:
            await asyncio.wait({attempt.outcome})
        finally:
            attempt.waiting -= 1
            if not (attempt.waiting or attempt.leading or attempt.outcome.done()):
                user.refreshing = None  # nobody joins it any more
                assert attempt.task is not None  # noqa: S101  # for the type checker
                attempt.task.cancel()
        if attempt.outcome.cancelled():
            msg = "the refresh was broken off, since the client was closed"
            raise UnreachableError(msg)
        outcome = attempt.outcome.result()
        if isinstance(outcome, AuthFlowError):
            raise another(outcome)
        return outcome

    async def _attempt(self, user: KeptUser, attempt: Refreshing, turn: int) -> None:
        """Refresh, or get what another process has refreshed."""
        try:
            with self.calls.other("refresh", user.username) as call:
                entry = await self._turns.run(user, attempt, turn)
                call.ends(TokensRefreshed if attempt.leading else TokensShared)
                attempt.give(entry)
        except AuthFlowError as error:
            attempt.give(bare(error))
        except Exception as error:  # noqa: BLE001  # all who wait must hear of it
            attempt.give(StateError(f"the refresh failed: {type(error).__qualname__}"))

    def _ended(self, user: KeptUser, attempt: Refreshing, _task: "asyncio.Task[None]") -> None:
        """Forget an attempt, and release those who wait for it and have no outcome."""
        attempt.outcome.cancel()
        self._attempts.discard(attempt)
        if user.is_owing:
            self._known.hold(user)
        if user.refreshing is attempt:
            user.refreshing = None


def _tokens_of(entry: KeptEntry) -> Tokens:
    if entry.tokens is None:
        raise signed_out(entry.over)
    return entry.tokens
