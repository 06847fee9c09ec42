"""The limits of custom challenges, counted atomically in a `Store`.

Entries have names that are HMACs under a key of the key ring, and so are the ids in them: who reads
the store learns neither usernames nor destinations nor answers, and cannot try them out either.
Users who do not exist go through the same calls as all others.
"""

import hmac
import logging
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final, TypeVar

import anyio
import anyio.lowlevel
from attrs import define, field, frozen

from authflow.errors import (
    ConfigError,
    MisuseError,
    StoreEntryError,
    StoreUnavailableError,
)
from authflow.given_numbers import LONGEST, check_seconds, is_number
from authflow.given_services import check_store, stray_cancel_fails
from authflow.keys.key_ring import KeyProvider, KeyRing, check_provider, ring_of
from authflow.plugins.admission import EMAIL, Admitted, AlreadySent, LockedOut, SendRefused
from authflow.secret import Secret
from authflow.stores.store import KeepsStrangersApart, Store
from authflow.triggers.limits.rules import RETRIED, GuessLimit, GuessRecord, SendLimit, SendRecord
from authflow.unframed import whole

T = TypeVar("T")

_PURPOSE: Final = "limits"
_TRIES: Final = 16
"""The most attempts to write. Of several writers one always succeeds, and the lock-out
stops them after a few."""

_Change = tuple[T, bytes | None, float]
"""The result for the caller, the text to write (None: nothing), and the seconds to keep it."""

_log = logging.getLogger(__name__)


@frozen(kw_only=True)
class Subject:
    """The owner of limits: one user at one challenge.

    Args:
        user_pool_id: The user pool.
        username: The user's canonical name.
        challenge: The label of the challenge's step in the policy.
        user_not_found: There is no such user. What is kept then is kept apart, and not for long.
        case_sensitive: Whether names that differ by case are different ones in this pool.
        sub: The account's own id, if the pool tells it. Limits are counted by the name, so that no
            account escapes them by being made anew; what codes prove belongs to the account.
    """

    user_pool_id: str
    username: str
    challenge: str
    user_not_found: bool = False
    case_sensitive: bool = False
    sub: str = field(default="", repr=False)

    def parts(self) -> tuple[str, str, str]:
        """Return the parts of the owner's name."""
        # In a pool that ignores case, a known user has one name, and an unknown one as many as
        # there are ways to write it: with counts of their own they would show who is unknown.
        # Where case counts, each way to write it is a name of its own, known or not.
        folded = self.user_not_found and not self.case_sensitive
        name = self.username.casefold() if folded else self.username
        return self.user_pool_id, name, self.challenge


@whole
@define(kw_only=True, eq=False)
class Limits:
    """Decides whether an answer may be compared, and whether a code may be sent.

    Every operation fails closed: without the store or the keys nothing is allowed. Processes that
    share a store need clocks that agree to within seconds.

    Args:
        store: Where to count.
        keys: The key ring, of which `lookup` names the entries.
        guesses: The limit of wrong answers.
        sends: The limit of messages.
        timeout: How many seconds an operation may wait for the store. Cognito gives a
            trigger 5 in all.
        clock: Gives seconds since the epoch.

    Raises:
        ConfigError: The store is none, or the keys, or the timeout is no number of seconds above
            zero.
    """

    store: Store
    keys: KeyProvider
    guesses: GuessLimit = field(factory=GuessLimit)
    sends: SendLimit = field(factory=SendLimit)
    timeout: float = 3.0
    clock: Callable[[], float] = field(default=time.time, repr=False)
    _turns: dict[object, "_EntryLock"] = field(factory=dict, init=False, repr=False)
    _for_strangers: Store = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        check_store("Limits: store", self.store)
        check_provider("Limits: keys", self.keys)
        check_seconds("Limits: timeout", self.timeout)
        store = self.store
        self._for_strangers = (
            store.for_strangers() if isinstance(store, KeepsStrangersApart) else store
        )

    async def admit_guess(
        self, subject: Subject, *, nonce: str, answer: Secret[str]
    ) -> Admitted | LockedOut:
        """Count a failure before the answer is compared. A right answer takes it back.

        Cognito may run Verify three times for one answer, also at the same time: the same answer
        to the same challenge counts once, and once admitted it stays so. While locked out nothing
        counts, so waiting always helps.

        Args:
            subject: Whose guess it is.
            nonce: Which challenge was answered: something that Create made for it alone.
            answer: The answer. It becomes part of the guess's id, so that many answers that come
                at once for one challenge are many guesses.

        Raises:
            StateError: Nobody knows whether the guess is allowed: compare nothing.
        """
        ring = await self._ring()
        guess_id = _name(ring, "guess id", *subject.parts(), nonce, answer.reveal())

        def change(value: bytes | None) -> _Change[Admitted | LockedOut]:
            record = GuessRecord.from_json(value)
            verdict, counted = self.guesses.admit(record, guess_id, self.clock())
            return verdict, *self._guess_entry(counted, subject)

        return await self._update(
            _name(ring, "guesses", *subject.parts()), change, stranger=subject.user_not_found
        )

    async def forget(self, subject: Subject) -> None:
        """Delete a user's failures at a challenge, because an admitted answer was right.

        Args:
            subject: Whose failures.

        Raises:
            StateError: It cannot be done now: the answer must not count as right.
        """
        ring = await self._ring()

        def change(value: bytes | None) -> _Change[None]:
            record = GuessRecord.from_json(value)
            return None, *self._guess_entry(self.guesses.forgive(record, self.clock()), subject)

        await self._update(
            _name(ring, "guesses", *subject.parts()), change, stranger=subject.user_not_found
        )

    async def reset(self, subject: Subject) -> None:
        """End a lock-out, as an administrator; the only way out after `most_failures`.

        Args:
            subject: Whose lock-out.

        Raises:
            StateError: It cannot be done now.
        """
        ring = await self._ring()
        await self._update(  # whatever the entry holds, readable or not
            _name(ring, "guesses", *subject.parts()),
            lambda _: (None, *self._guess_entry(GuessRecord(), subject)),
            stranger=subject.user_not_found,
        )

    async def admit_send(
        self, subject: Subject, *, destination: str | None, send_id: str, medium: str = EMAIL
    ) -> Admitted | AlreadySent | SendRefused:
        """Reserve a message, before it is sent.

        Cognito may run Create three times for one challenge, also at the same time: one of them
        is Admitted, and the others have AlreadySent. If sending raises, call `send_failed`. If
        nobody knows what came of it, because the process ended or the time was over, the message
        counts as sent, and is not repeated before the cool-down is over.

        Args:
            subject: For whom it is.
            destination: The address or number; None for a user that does not exist. Then nothing
                must be sent, whatever this gives, but it is counted all the same.
            send_id: The message: the same for all runs of Create for one challenge.
            medium: How it travels. A user without a destination counts as if all messages of one
                medium went to one: a difference would tell who exists.

        Raises:
            StateError: Nobody knows whether it is allowed: send nothing.
        """
        ring = await self._ring()
        users, sent = _send_names(ring, subject, send_id)
        destinations = _destination_name(ring, subject, destination, medium)
        verdict = await self._reserve(users, self.sends.per_user, sent, subject)
        if not isinstance(verdict, Admitted):
            return verdict
        there = await self._reserve(destinations, self.sends.per_destination, sent, subject)
        if isinstance(there, SendRefused):
            await self._take_back(users, sent, subject)
            return there
        return verdict  # only the run that reserved the user's entry sends

    async def send_failed(self, subject: Subject, *, send_id: str) -> None:
        """Record that an admitted message was certainly not sent, so that it may be tried again.

        It stays counted, as it does for users to whom nothing is sent: else whoever begins another
        sign-in while the mail server fails would see who exists.

        Args:
            subject: For whom it was.
            send_id: As for `admit_send`.

        Raises:
            StateError: It cannot be done now; the message counts as sent.
        """
        users, sent = _send_names(await self._ring(), subject, send_id)

        def change(value: bytes | None) -> _Change[None]:
            record = SendRecord.from_json(value)
            return None, record.failed(sent).to_json(), self.sends.window

        await self._update(users, change, stranger=subject.user_not_found)

    async def admit_repeat(self, subject: Subject, *, send_id: str) -> bool:
        """Return whether a message that was admitted before must be sent again, since it failed.

        It is counted already. Of several callers one is told to.

        Args:
            subject: For whom it is.
            send_id: As for `admit_send`.

        Raises:
            StateError: Nobody knows.
        """
        users, sent = _send_names(await self._ring(), subject, send_id)

        def change(value: bytes | None) -> _Change[bool]:
            repeated = SendRecord.from_json(value).repeated(sent)
            if repeated is None:
                return False, None, 0.0
            return True, repeated.to_json(), self.sends.window

        return await self._update(users, change, stranger=subject.user_not_found)

    async def once(
        self, *name: str, value: bytes, seconds: float, user_not_found: bool = False
    ) -> bytes:
        """Store a value unless one is stored already, and return the stored one: the first wins.

        Args:
            *name: What the value is.
            value: What to keep. It stands in the store as it is, so it must tell nothing by itself.
            seconds: For how long.
            user_not_found: Whether it is about a user who does not exist: it is kept apart then.

        Raises:
            StateError: Nobody knows what the value is.
        """
        return await self._first(
            _name(await self._ring(), "once", *name), value, seconds, stranger=user_not_found
        )

    async def give_up(self, *name: str, value: bytes, user_not_found: bool = False) -> None:
        """Delete a value that `once` stored, if it is still this one; the next run stores another.

        Args:
            *name: What the value is.
            value: The value.
            user_not_found: As for `once`.

        Raises:
            StateError: It cannot be done now.
        """

        def change(kept: bytes | None) -> _Change[None]:
            return None, b"" if kept == value else None, RETRIED

        await self._update(
            _name(await self._ring(), "once", *name), change, stranger=user_not_found
        )

    async def claim(
        self, *name: str, claimer: str, seconds: float, user_not_found: bool = False
    ) -> bool:
        """Claim something that may be used only once: the first claimer has it, and may ask again.

        Args:
            *name: What is claimed.
            claimer: Who claims it.
            seconds: For how long it stays claimed.
            user_not_found: As for `once`.

        Returns:
            Whether it is this claimer's.

        Raises:
            StateError: Nobody knows whose it is.
        """
        ring = await self._ring()
        mine = _name(ring, "claimer", *name, claimer).encode()
        first = await self._first(
            _name(ring, "claim", *name), mine, seconds, stranger=user_not_found
        )
        return hmac.compare_digest(first, mine)

    async def _ring(self) -> KeyRing:
        return await ring_of(self.keys)

    def _guess_entry(
        self, record: GuessRecord | None, subject: Subject
    ) -> tuple[bytes | None, float]:
        if record is None:
            return None, 0.0
        lifetime = self.guesses.lifetime(record, stranger=subject.user_not_found)
        return record.to_json(), lifetime

    async def _reserve(
        self, key: str, most: int, send_id: str, subject: Subject
    ) -> Admitted | AlreadySent | SendRefused:
        def change(value: bytes | None) -> _Change[Admitted | AlreadySent | SendRefused]:
            record = SendRecord.from_json(value)
            verdict, sent = self.sends.admit(record, most, send_id, self.clock())
            return verdict, None if sent is None else sent.to_json(), self.sends.window

        return await self._update(key, change, stranger=subject.user_not_found)

    async def _take_back(self, key: str, send_id: str, subject: Subject) -> None:
        def change(value: bytes | None) -> _Change[None]:
            record = SendRecord.from_json(value)
            return None, record.without(send_id).to_json(), self.sends.window

        await self._update(key, change, stranger=subject.user_not_found)

    async def _first(self, key: str, value: bytes, seconds: float, *, stranger: bool) -> bytes:
        if not value or not is_number(seconds) or not 0 < seconds <= LONGEST:
            msg = "what is kept is a value that is not empty, for a positive number of seconds"
            raise MisuseError(msg)
        # An empty entry was given up.
        return await self._update(
            key,
            lambda kept: (kept, None, 0.0) if kept else (value, value, seconds),
            stranger=stranger,
        )

    async def _update(
        self,
        key: str,
        change: Callable[[bytes | None], _Change[T]],
        *,
        stranger: bool,
    ) -> T:
        """Change an entry with compare and set."""
        store = self._for_strangers if stranger else self.store
        async with self._turn(key):
            try:
                with anyio.fail_after(self.timeout), stray_cancel_fails():
                    for _ in range(_TRIES):
                        stored = await store.read(key)
                        result, value, seconds = change(None if stored is None else stored.value)
                        if value is None:
                            return result
                        expected = None if stored is None else stored.version
                        if await store.replace(key, value, expected=expected, seconds=seconds):
                            return result
                        await anyio.sleep(random.uniform(0, 0.01))  # noqa: S311  # spreads them out
            except StoreEntryError as error:  # the store's own words may tell an address
                msg = "an entry of the limits was not written by authflow: nothing is allowed"
                raise StoreEntryError(msg) from error
            except ConfigError as error:  # to wait would not mend it
                _log.error("the store of the limits is not set up: %s", error.message)
                msg = "the limits cannot be checked: their store is not set up"
                raise ConfigError(msg) from error
            except Exception as error:
                _log.error("the store of the limits failed: %s", type(error).__qualname__)
                raise _unavailable() from error
        _log.error("the store of the limits changes too fast: %d tries failed", _TRIES)
        raise _unavailable()

    @asynccontextmanager
    async def _turn(self, key: str) -> AsyncIterator[None]:
        """Wait for an entry's lock, so that the tasks of a process do not compete for it.

        This only saves work: what counts is the store's compare and set.
        """
        here = (anyio.lowlevel.current_token(), key)  # a lock belongs to one event loop
        turn = self._turns.setdefault(here, _EntryLock())
        turn.waiting += 1
        try:
            async with turn.lock:
                yield
        finally:
            turn.waiting -= 1
            if not turn.waiting:
                del self._turns[here]


@define(eq=False)
class _EntryLock:
    """The lock of an entry, and the number of tasks that hold it or wait for it."""

    lock: anyio.Lock = field(factory=anyio.Lock)
    waiting: int = 0


def _name(ring: KeyRing, kind: str, *parts: str) -> str:
    """Return a name for an entry or a value in it, which reveals nothing without the key."""
    if not all(isinstance(part, str) for part in parts):
        msg = "the names of limits are made of strings"
        raise MisuseError(msg)
    return ring.entry_name(_PURPOSE, kind, *parts)


def _send_names(ring: KeyRing, subject: Subject, send_id: str) -> tuple[str, str]:
    """Return the names of the user's entry, and of the message in it and in the destination's."""
    return (
        _name(ring, "sends", *subject.parts()),
        _name(ring, "send id", *subject.parts(), send_id),
    )


def _destination_name(ring: KeyRing, subject: Subject, destination: str | None, medium: str) -> str:
    """Return the name of the destination's entry, or of the one that stands in for it."""
    if destination is None:
        # An address is the same at all challenges and app clients, and so is what stands in.
        pool, name, _ = subject.parts()
        return _name(ring, "nobody", pool, name, medium)
    # Mailboxes ignore the case of letters.
    return _name(ring, "somebody", subject.user_pool_id, destination.strip().casefold())


def _unavailable() -> StoreUnavailableError:
    return StoreUnavailableError("the limits cannot be checked now; try again later")
