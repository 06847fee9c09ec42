"""The rules of the limits: they decide from what has happened. Pure: no store, no clock.

Cognito's own lock-out does not cover custom challenges, so these rules do. Failures are counted in
advance, before anything is compared, and a right answer takes them back.

Sources: NIST SP 800-63B-4, "Rate Limiting (Throttling)": at most 100 consecutive failures, waits
that grow from 30 seconds up to an hour, and a new code does not reset the count; "Lockout behavior
for failed sign-in attempts" in the Amazon Cognito developer guide.
"""

import json
import math
from collections.abc import Mapping
from typing import Any, Final, Self

from attrs import evolve, field, frozen

from authflow.errors import StoreEntryError
from authflow.given_numbers import LONGEST, check_count, check_seconds
from authflow.plugins.admission import Admitted, AlreadySent, LockedOut, SendRefused
from authflow.unframed import whole

RETRIED: Final = 60.0
"""Seconds for which a guess's id is stored. Cognito runs a trigger up to three times, for 5 seconds
each; the rest is for clocks that differ."""

MOST_FAILURES: Final = 100
_LEAST_COOL_DOWN: Final = 15.0
_FOREVER: Final = LONGEST
_END_OF_TIME: Final = 1e12
_MOST_IDS: Final = 50  # so that a record stays small, even at thousands of sign-ins a minute


@frozen(kw_only=True)
class GuessRecord:
    """The record of a user's guesses at one challenge.

    Args:
        failures: Consecutive failures, guesses that are being compared included.
        counted_at: When the last one was counted.
        admitted: For each recent guess's id, when it was admitted.
    """

    failures: int = 0
    counted_at: float = 0.0
    admitted: Mapping[str, float] = field(factory=dict, hash=False)

    def to_json(self) -> bytes:
        """Write it down."""
        return json.dumps(
            {"n": self.failures, "at": self.counted_at, "ids": dict(self.admitted)}
        ).encode()

    @classmethod
    def from_json(cls, text: bytes | None) -> Self:
        """Read what was written down; None is a clean slate.

        Raises:
            StoreEntryError: It is something else.
        """
        match _read(text, {"n": 0, "at": 0.0, "ids": {}}):
            case {"n": int(n), "at": float() | int() as at, "ids": dict(ids)} if (
                n >= 0 and _is_time(at) and all(map(_is_time, ids.values()))
            ):
                return cls(failures=n, counted_at=at, admitted=ids)
        raise _foreign()


@whole
@frozen(kw_only=True)
class GuessLimit:
    """The limit of a user's wrong answers to one challenge, in all sign-ins together.

    Anybody can lock a user out of a challenge by guessing wrong; that is the price of every
    lock-out. It shuts the challenge alone, and for a while.

    Args:
        failures: How many consecutive failures there may be before the first wait.
        first_wait: Seconds to wait then. Each further failure doubles the wait.
        longest_wait: The most seconds to wait.
        most_failures: How many consecutive failures shut the challenge until an administrator
            resets it; at most 100, as NIST demands.
        memory: After how many seconds without a guess the failures are forgotten.
        strangers_memory: The same for the first failure of a user who does not exist. Each further
            one doubles it, up to `memory`. No client can tell: to all who are hidden a lock-out
            looks like a wrong answer.

    Raises:
        ConfigError: A number is out of its range.
    """

    failures: int = 5
    first_wait: float = 30.0
    longest_wait: float = 3600.0
    most_failures: int = MOST_FAILURES
    memory: float = 30 * 86400.0
    strangers_memory: float = 600.0

    def __attrs_post_init__(self) -> None:
        check_count("most_failures", self.most_failures, most=MOST_FAILURES)
        check_count("failures", self.failures, most=self.most_failures)
        check_seconds("first_wait", self.first_wait, least=1)
        check_seconds("longest_wait", self.longest_wait, least=self.first_wait)
        check_seconds("memory", self.memory, least=max(self.longest_wait, RETRIED))
        check_seconds("strangers_memory", self.strangers_memory, least=RETRIED)

    def wait(self, failures: int) -> float:
        """Return the seconds to wait after so many consecutive failures; infinite until a reset."""
        if failures < self.failures:
            return 0.0
        if failures >= self.most_failures:
            return math.inf
        return min(self.first_wait * 2.0 ** (failures - self.failures), self.longest_wait)

    def admit(
        self, record: GuessRecord, guess_id: str, now: float
    ) -> tuple[Admitted | LockedOut, GuessRecord | None]:
        """Decide about a guess.

        Args:
            record: What has happened.
            guess_id: The guess. One that was admitted stays admitted, and counts once.
            now: Seconds since the epoch.

        Returns:
            The decision, and the new record if it changes.
        """
        if now - record.admitted.get(guess_id, -math.inf) < RETRIED:
            return Admitted(), None
        wait = self.wait(record.failures)
        left = record.counted_at + wait - now
        if wait and left > 0:  # without a wait, `left` only shows that clocks differ
            return LockedOut(retry_after=left if math.isfinite(left) else None), None
        counted = GuessRecord(
            failures=record.failures + 1,
            counted_at=now,
            admitted={**_recent(record, now), guess_id: now},
        )
        return Admitted(), counted

    def forgive(self, record: GuessRecord, now: float) -> GuessRecord:
        """Reset the count. Guesses that Cognito may still repeat stay in the record.

        Args:
            record: What has happened.
            now: Seconds since the epoch.
        """
        return GuessRecord(admitted=_recent(record, now))

    def lifetime(self, record: GuessRecord, *, stranger: bool = False) -> float:
        """Return the seconds for which a record must be stored.

        Args:
            record: The record.
            stranger: Whether it is of a user who does not exist.
        """
        if not record.failures:
            return RETRIED
        if stranger:
            grown = self.strangers_memory * 2.0 ** (record.failures - 1)
            return min(self.memory, max(grown, self.wait(record.failures)))
        return _FOREVER if math.isinf(self.wait(record.failures)) else self.memory


def _recent(record: GuessRecord, now: float) -> dict[str, float]:
    """Return the ids that must stay in the record. A dropped one would only be counted again."""
    newest = list(record.admitted.items())[-_MOST_IDS:]
    return {key: at for key, at in newest if now - at < RETRIED}


@frozen(kw_only=True)
class SendRecord:
    """The record of the messages that were sent for one user, or to one destination.

    Args:
        sent: For each recent message's id, when it was allowed.
        unsent: The ids of those that are counted, and that surely were not sent.
    """

    sent: Mapping[str, float] = field(factory=dict, hash=False)
    unsent: frozenset[str] = frozenset()

    def without(self, send_id: str) -> Self:
        """Return the record without a message."""
        return type(self)(
            sent={key: at for key, at in self.sent.items() if key != send_id},
            unsent=self.unsent - {send_id},
        )

    def failed(self, send_id: str) -> Self:
        """Return the record with a message that stays counted, and was not sent."""
        return evolve(self, unsent=(self.unsent & self.sent.keys()) | {send_id})

    def repeated(self, send_id: str) -> Self | None:
        """Return the record in which a message that was not sent is as good as sent; or None."""
        if send_id not in self.unsent:
            return None
        return evolve(self, unsent=self.unsent - {send_id})

    def to_json(self) -> bytes:
        """Write it down."""
        unsent = {"unsent": sorted(self.unsent)} if self.unsent else {}
        return json.dumps({"sent": dict(self.sent), **unsent}).encode()

    @classmethod
    def from_json(cls, text: bytes | None) -> Self:
        """Read what was written down; None is a clean slate.

        Raises:
            StoreEntryError: It is something else.
        """
        match _read(text, {"sent": {}}):
            case {"sent": dict(sent), **more} if all(map(_is_time, sent.values())):
                unsent = more.get("unsent", [])
                if isinstance(unsent, list) and all(isinstance(each, str) for each in unsent):
                    return cls(sent=sent, unsent=frozenset(unsent))
        raise _foreign()


@whole
@frozen(kw_only=True)
class SendLimit:
    """The limit of messages with codes.

    The caps are ours: enough for a person whose messages get lost, too few to flood a mailbox or
    to earn from text messages to numbers that cost.

    Args:
        cool_down: The least seconds between two messages, for one user and challenge as well as to
            one destination. At least 15: for so long Cognito may repeat a call.
        per_user: The most messages for one user and challenge within the window.
        per_destination: The most messages to one destination within the window.
        window: The window's seconds.

    Raises:
        ConfigError: A number is out of its range.
    """

    cool_down: float = 30.0
    per_user: int = 5
    per_destination: int = 10
    window: float = 3600.0

    def __attrs_post_init__(self) -> None:
        check_seconds("cool_down", self.cool_down, least=_LEAST_COOL_DOWN)
        check_seconds("window", self.window, least=self.cool_down)
        check_count("per_user", self.per_user, most=1000)
        check_count("per_destination", self.per_destination, most=1000)

    def admit(
        self, record: SendRecord, most: int, send_id: str, now: float
    ) -> tuple[Admitted | AlreadySent | SendRefused, SendRecord | None]:
        """Decide about a message.

        Args:
            record: What has happened.
            most: How many messages the window may hold.
            send_id: The message. It is not allowed a second time before the cool-down is over.
            now: Seconds since the epoch.

        Returns:
            The decision, and the new record if it changes.
        """
        if now - record.sent.get(send_id, -math.inf) < self.cool_down:
            repeated = record.repeated(send_id)
            return (AlreadySent(), None) if repeated is None else (Admitted(), repeated)
        sent = {key: at for key, at in record.sent.items() if now - at < self.window}
        times = sorted(sent.values())
        free_at = max(
            times[-1] + self.cool_down if times else now,
            times[-most] + self.window if len(times) >= most else now,
        )
        if now < free_at:
            return SendRefused(retry_after=free_at - now), None
        # An id has only one entry, so the entry of an earlier sending becomes anonymous.
        if send_id in sent:
            before = sent.pop(send_id)
            sent[f"{send_id}@{before}"] = before
        counted = {**sent, send_id: now}
        # A message that is counted anew is not open any more, nor is one that is forgotten.
        return Admitted(), SendRecord(sent=counted, unsent=record.unsent & sent.keys())


def _read(text: bytes | None, clean: dict[str, Any]) -> Any:
    if text is None:
        return clean
    try:
        return json.loads(text)
    except ValueError:
        return None


def _is_time(value: object) -> bool:
    """Return whether a value is seconds since the epoch; NaN and infinity are not."""
    return isinstance(value, int | float) and 0 <= value < _END_OF_TIME


def _foreign() -> StoreEntryError:
    return StoreEntryError("an entry of the limits was not written by authflow: nothing is allowed")
