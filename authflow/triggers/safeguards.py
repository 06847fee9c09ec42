"""The protection of a challenge between Cognito's calls: one code, one message, counted guesses.

Cognito may run Create and Verify up to three times each for one call of the client, and starting
over gives an attacker as many new sign-ins as he likes. With `limits` every run of Create for the
same user, round and challenge draws the same code, one of them sends it, guesses are counted before
they are compared, and a code is used up by its first right answer. "The same user" is the same
account with the same addresses (`addressees.py`): a name alone is nobody. With `keys` a challenge's
state travels sealed from round to round of one sign-in.

Source: "Important considerations" of Lambda triggers in the Amazon Cognito developer guide.
"""

import hmac
import logging
import os
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from attrs import define, field, frozen

from authflow.errors import ConfigError, EventError, MisuseError, StateError
from authflow.given_services import stray_cancel_fails
from authflow.keys.randomness import Randomness
from authflow.machine import State
from authflow.secret import Secret
from authflow.triggers.addressees import SUB, addressee, is_still, reach_mark, unbound
from authflow.triggers.events.challenge_events import CreateEvent, SessionEntry, VerifyEvent
from authflow.triggers.policies.steps import ChallengeStep
from authflow.triggers.policies.table import Owed
from authflow.triggers.round_metadata import RoundMetadata, new_sign_in, sign_in_of
from authflow.unframed import whole

if TYPE_CHECKING:
    from authflow.keys.key_ring import KeyProvider, KeyRing
    from authflow.keys.sealing import Binding, Sealer
    from authflow.plugins.admission import Admitted, AlreadySent, SendRefused
    from authflow.triggers.limits.limits import Limits, Subject

ISSUE: Final = "authflow.issue"
"""The private challenge parameter that names the drawn code; one right answer uses it up."""
TURN: Final = "authflow.turn"
"""The private challenge parameter that differs between the challenges of two sign-ins."""
WHOSE: Final = "authflow.whose"
"""The private challenge parameter that marks the account, and where its messages went."""
DRAWN: Final = "authflow.drawn"
"""The private challenge parameter that names the round which shares the draw."""

RETRY_SECONDS: Final = 20.0
"""Seconds in which runs of Create count as one round: three times five, and some more."""
STATE_SECONDS: Final = 900.0
"""Seconds for which sealed state is valid: Cognito's longest session is 15 minutes."""
USED_SECONDS: Final = 3600.0
"""Seconds for which the use of a code is stored."""

_log: Final = logging.getLogger("authflow.triggers")


@frozen(kw_only=True)
class ChallengeInputs:
    """The data from which a challenge is made.

    Args:
        randomness: Where its code comes from.
        state: What the challenge sealed in its last round.
        sends: Sends its messages; None without limits, and then nothing is shared either.
        uses: Keeps and claims for it; None without limits.
        ring: The keys by which it is bound to the account; None without keys.
        reached: The mark of the account and its addresses; empty without keys.
        sends_to: The attributes that its plugin sends to; None if it does not say.
        private: What Verify needs to know of it.
    """

    randomness: Randomness
    state: Secret[bytes] | None
    sends: "CountedSends | None" = None
    uses: "CountedUses | None" = None
    ring: "KeyRing | None" = field(default=None, repr=False)
    reached: str = ""
    sends_to: Collection[str] | None = None
    private: Mapping[str, str] = field(factory=dict, repr=False)

    def bound(self, event: CreateEvent) -> dict[str, str]:
        """Return the private parameters, once it is known where the messages went.

        Args:
            event: Cognito's question.
        """
        if self.sends is None or self.ring is None:
            return dict(self.private)
        pool, attributes = event.user_pool_id, event.user_attributes
        # What came with the state may have gone out at an earlier attempt, to any of the addresses.
        carried = self.state is not None
        whose = addressee(
            self.ring,
            pool,
            attributes,
            self.sends.sent_to,
            sends_to=self.sends_to,
            carried=carried,
        )
        return {**self.private, WHOSE: whose}


@define(kw_only=True)
class CountedSends:
    """Sends the message of one challenge, once for all runs of Create.

    Args:
        limits: Count it.
        subject: Whom it is for.
        send_id: The message.
        user_not_found: There is no such user: count, and send nothing.
        attributes: The user's attributes.
        sends_to: Those that the plugin sends to; None if it does not say.
    """

    limits: "Limits"
    subject: "Subject"
    send_id: str = field(repr=False)
    user_not_found: bool
    attributes: Mapping[str, str] = field(factory=dict, repr=False)
    sends_to: Collection[str] | None = None
    sent_to: set[str] = field(factory=set, init=False, repr=False)

    async def deliver(
        self,
        destination: str | None,
        send: Callable[[], Awaitable[object]],
        *,
        medium: str,
        message: str = "",
    ) -> "Admitted | AlreadySent | SendRefused":
        """Send the message, unless that was done or is not allowed.

        Args:
            destination: The address or number; None if the user has none.
            send: Sends it.
            medium: How it travels.
            message: Names it; by default it is the challenge's own.

        Raises:
            MisuseError: It goes to an attribute that the plugin does not send to by its own words.
        """
        from authflow.plugins.admission import Admitted  # noqa: PLC0415  # not for slim starts

        to = None if self.user_not_found else destination
        send_id = self._to(destination, message or self.send_id)
        verdict = await self.limits.admit_send(
            self.subject, destination=to, send_id=send_id, medium=medium
        )
        if isinstance(verdict, Admitted) and to is not None:
            await self._send(send, send_id)
        return verdict

    async def repeat(
        self, destination: str | None, send: Callable[[], Awaitable[object]], *, message: str
    ) -> None:
        """Send a message that was counted before, if it failed then.

        Args:
            destination: The address or number; None if the user has none.
            send: Sends it.
            message: Names it, as for `deliver`.

        Raises:
            MisuseError: As for `deliver`.
        """
        send_id = self._to(destination, message)
        due = await self.limits.admit_repeat(self.subject, send_id=send_id)
        if due and destination is not None and not self.user_not_found:
            await self._send(send, send_id)

    def _to(self, destination: str | None, message: str) -> str:
        """Name a message by where it goes: one that went elsewhere is another."""
        if destination is not None:
            if name := unbound(destination, self.attributes, self.sends_to):
                msg = (
                    f"a message of {self.subject.challenge!r} goes to the attribute {name!r}, after"
                    " a change of which the old code would still count: name it in `sends_to`"
                )
                _log.error(msg)
                raise MisuseError(msg)
            self.sent_to.add(destination)
        return f"{message} to {destination or ''}"

    async def _send(self, send: Callable[[], Awaitable[object]], send_id: str) -> None:
        try:
            with stray_cancel_fails():
                await send()
        except Exception:
            # A time-out is not caught here: the message may have been sent, and counts as sent.
            await self.limits.send_failed(self.subject, send_id=send_id)
            raise


@define(kw_only=True)
class CountedUses:
    """Stores values that the runs of a challenge's hooks share, and claims single uses.

    Args:
        limits: Keep it.
        subject: Whose it is.
        claimer: Who claims: the challenge that was answered, or the draws of the one to be made.
    """

    limits: "Limits"
    subject: "Subject"
    claimer: str = field(repr=False)

    async def once(self, *name: str, value: bytes, seconds: float) -> bytes:
        """Store a value unless one is stored already, and return the stored one.

        Args:
            *name: What the value is.
            value: The value. It stands in the store as it is.
            seconds: For how long it is kept.
        """
        return await self.limits.once(
            *("plugin", *self.subject.parts(), self.subject.sub, *name),
            value=value,
            seconds=seconds,
            user_not_found=self.subject.user_not_found,
        )

    async def claim(self, *name: str, seconds: float) -> bool:
        """Claim something that may be used only once.

        Args:
            *name: What is used.
            seconds: For how long it stays used.
        """
        return await self.limits.claim(
            *("plugin", *self.subject.parts(), self.subject.sub, *name),
            claimer=self.claimer,
            seconds=seconds,
            user_not_found=self.subject.user_not_found,
        )


@whole
@define(kw_only=True, eq=False)
class Safeguards:
    """Stores the state that must survive between the runs of triggers.

    Args:
        limits: Count guesses and messages.
        keys: Seal state; by default those of the limits.
        clock: Gives seconds since the epoch.
        case_sensitive: Whether names that differ by case are different ones in the pool.
    """

    limits: "Limits | None" = None
    keys: "KeyProvider | None" = None
    clock: Callable[[], float] = field(default=time.time, repr=False)
    case_sensitive: bool = False
    _sealer: "Sealer | None" = field(default=None, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        if self.keys is None and self.limits is not None:
            self.keys = self.limits.keys

    def check(self, name: str, needs: Sequence[str]) -> None:
        """Check that a plugin has what it needs.

        Raises:
            ConfigError: It has not.
        """
        given_here = {"limits": self.limits, "keys": self.keys}
        missing = [need for need in needs if given_here.get(need) is None]
        if missing:
            given = ", ".join(f"{need}=..." for need in missing)
            msg = f"the challenge {name!r} needs Triggers({given})"
            raise ConfigError(msg)

    def suit(self, plugin: object) -> None:
        """Ask a plugin whether its settings fit the limits, if it has a check for that.

        Raises:
            ConfigError: They do not.
        """
        check_limits = getattr(plugin, "check_limits", None)
        if self.limits is not None and callable(check_limits):
            check_limits(self.limits)

    async def draw(
        self,
        step: ChallengeStep,
        owed: Owed,
        event: CreateEvent,
        *,
        sends_to: Collection[str] | None = None,
    ) -> ChallengeInputs:
        """Return the data from which a challenge is made.

        Args:
            step: The challenge.
            owed: Which attempt at it is owed.
            event: Cognito's question.
            sends_to: The attributes that its plugin sends to; None if it does not say.

        Raises:
            StateError: It cannot be told now, or the state was altered or has expired.
            ConfigError: The keys or the store are not set up.
        """
        ring, reached = None, ""
        if self.keys is not None:
            ring = await self._ring()
            reached = reach_mark(ring, event.user_pool_id, event.user_attributes, sends_to)
        state = await self._open(step, owed, event, reached)
        if self.limits is None or self.keys is None:
            return ChallengeInputs(
                randomness=Randomness.system(), state=state, ring=ring, reached=reached
            )
        subject = self._subject(step, event)
        this_round = _round(subject, event, owed, reached)
        nonce = await self.limits.once(
            *this_round,
            value=(await Randomness.new_nonce(self.keys)).encode(),
            seconds=max(RETRY_SECONDS, self.limits.sends.cool_down),
            user_not_found=event.user_not_found,
        )
        issue = nonce.decode()
        try:
            randomness = await Randomness.derived(self.keys, issue, *this_round)
        except ConfigError:
            raise
        except MisuseError as error:
            msg = "what was drawn for this challenge cannot be drawn again: its key is gone"
            raise StateError(msg) from error
        sends = CountedSends(
            limits=self.limits,
            subject=subject,
            send_id=issue,
            user_not_found=event.user_not_found,
            attributes=event.user_attributes,
            sends_to=sends_to,
        )
        return ChallengeInputs(
            randomness=randomness,
            state=state,
            sends=sends,
            uses=CountedUses(limits=self.limits, subject=subject, claimer=issue),
            ring=ring,
            reached=reached,
            sends_to=sends_to,
            private={ISSUE: issue, TURN: os.urandom(16).hex(), DRAWN: reached},
        )

    async def admits(self, step: ChallengeStep, event: VerifyEvent) -> bool:
        """Count an answer, and return whether it may be compared.

        Raises:
            EventError: The challenge was made without limits.
            StateError: Nobody knows.
        """
        if self.limits is None:
            return True
        from authflow.plugins.admission import Admitted  # noqa: PLC0415  # not for slim starts

        whose = _kept(event, WHOSE)
        verdict = await self.limits.admit_guess(
            self._subject(step, event), nonce=_kept(event, TURN), answer=event.answer
        )
        if isinstance(verdict, Admitted):
            ring = await self._ring()
            if is_still(whose, ring, event.user_pool_id, event.user_attributes):
                return True
            _log.warning(
                "an answer to %r was not compared: the account, or the address to which the message"
                " went, is another by now",
                step.label,
            )
            return False
        _log.warning("an answer to %r was not compared: the user is locked out", step.label)
        return False

    def uses(self, step: ChallengeStep, event: VerifyEvent) -> CountedUses | None:
        """Return the object for `once` and `claim` in Verify; None without limits."""
        if self.limits is None:
            return None
        return CountedUses(
            limits=self.limits, subject=self._subject(step, event), claimer=_kept(event, TURN)
        )

    async def use_up(
        self, step: ChallengeStep, owed: Owed, event: VerifyEvent, *, claimed: bool
    ) -> bool:
        """Record a right answer, and return whether it is the first use of its code.

        The user's next sign-in draws another one.

        Args:
            step: The challenge.
            owed: Which attempt was answered.
            event: Cognito's question.
            claimed: The plugin has claimed by itself what the answer uses up.

        Raises:
            StateError: Nobody knows.
        """
        if self.limits is None:
            return True
        subject = self._subject(step, event)
        first = claimed or await self.limits.claim(
            "used",
            *subject.parts(),
            _kept(event, ISSUE),
            claimer=_kept(event, TURN),
            seconds=USED_SECONDS,
            user_not_found=event.user_not_found,
        )
        if first:
            issue = _kept(event, ISSUE).encode()
            await self.limits.give_up(
                *_round(subject, event, owed, _kept(event, DRAWN)),
                value=issue,
                user_not_found=event.user_not_found,
            )
            await self.limits.forget(subject)
        return first

    def new_sign_in(self, event: CreateEvent) -> str | None:
        """Draw a name for a sign-in without one; None if it is not needed."""
        if self.keys is None or sign_in_of(event.session) is not None:
            return None
        return new_sign_in()

    async def seal(
        self,
        state: Secret[bytes],
        step: ChallengeStep,
        event: CreateEvent,
        drawn: str | None,
        reached: str,
    ) -> str:
        """Seal a challenge's state for its next round.

        Args:
            state: The state.
            step: The challenge.
            event: Cognito's question.
            drawn: The sign-in's name, if this round gives it one.
            reached: The mark of the account and its addresses: for others the state is nothing.

        Raises:
            StateError: The keys cannot be read now.
            MisuseError: It is too much.
        """
        sign_in = drawn or sign_in_of(event.session) or ""
        binding = _binding(step, event, len(event.session), sign_in)
        return await self._the_sealer().seal(
            state, binding, seconds=STATE_SECONDS, heading=reached.encode()
        )

    async def _open(
        self, step: ChallengeStep, owed: Owed, event: CreateEvent, reached: str
    ) -> Secret[bytes] | None:
        """Open the state that this challenge sealed in its last round of this sign-in.

        A code in it went to an address that may be another by now: then there is no state, and the
        challenge is made anew.
        """
        if owed.attempt == 1:
            return None
        position, entry = _last_custom_round(event.session)
        sealed = RoundMetadata.read(entry.challenge_metadata or "").state
        if sealed is None:
            return None
        # Sealed state is bound to the sign-in's name: without one in the session, none opens.
        sign_in = sign_in_of(event.session) or ""
        binding = _binding(step, event, position, sign_in)
        content = (await self._the_sealer().open(sealed, binding)).reveal()
        heading = reached.encode()
        if not hmac.compare_digest(content[: len(heading)], heading):
            _log.info("the state of %r is for another account or address by now", step.label)
            return None
        return Secret(content[len(heading) :])

    async def _ring(self) -> "KeyRing":
        from authflow.keys.key_ring import ring_of  # noqa: PLC0415  # not for slim starts

        if self.keys is None:
            msg = "challenges are bound by keys: give Triggers(keys=...)"
            raise ConfigError(msg)
        return await ring_of(self.keys)

    def _subject(self, step: ChallengeStep, event: CreateEvent | VerifyEvent) -> "Subject":
        from authflow.triggers.limits.limits import Subject  # noqa: PLC0415  # as above

        return Subject(
            user_pool_id=event.user_pool_id,
            username=event.username,
            challenge=step.label,
            user_not_found=event.user_not_found,
            case_sensitive=self.case_sensitive,
            sub=event.user_attributes.get(SUB, ""),
        )

    def _the_sealer(self) -> "Sealer":
        from authflow.keys.sealing import Sealer  # noqa: PLC0415  # loads `cryptography`

        if self.keys is None:
            msg = "state is sealed by keys: give Triggers(keys=...)"
            raise ConfigError(msg)
        if self._sealer is None:
            self._sealer = Sealer(keys=self.keys, clock=self.clock)
        return self._sealer


def _round(
    subject: "Subject", event: CreateEvent | VerifyEvent, owed: Owed, drawn: str
) -> tuple[str, str, str, str, str, str, str]:
    """Return the name that all runs of Create for one challenge share.

    Args:
        subject: Whose.
        event: Cognito's question.
        owed: Which attempt.
        drawn: The mark of the account and its addresses, by which others draw something else.
    """
    return ("draw", *subject.parts(), event.client_id, str(owed.attempt), drawn)


def _binding(step: ChallengeStep, event: CreateEvent, position: int, sign_in: str) -> "Binding":
    from authflow.keys.sealing import Binding  # noqa: PLC0415  # loads `cryptography`

    return Binding(
        user_pool_id=event.user_pool_id,
        client_id=event.client_id,
        username=event.username,
        challenge=step.label,
        round=position + 1,
        sign_in=sign_in,
    )


def _last_custom_round(session: Sequence[SessionEntry]) -> tuple[int, SessionEntry]:
    """Find the last challenge; before a second attempt, this is the first attempt."""
    for position in range(len(session) - 1, -1, -1):
        if session[position].challenge_name == State.CUSTOM_CHALLENGE:
            return position, session[position]
    msg = "a second attempt is owed, and the session holds no first"
    raise EventError(msg)


def _kept(event: VerifyEvent, name: str) -> str:
    value = event.private.get(name)
    if not value:
        msg = "the challenge was made before there were limits: start a new sign-in"
        raise EventError(msg)
    return value
