"""The trigger half of a challenge plugin: it makes a challenge and verifies its answer."""

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import ClassVar, Protocol

from attrs import field, frozen

from authflow.errors import MisuseError
from authflow.keys.randomness import Randomness
from authflow.plugins.admission import Admitted, AlreadySent, SendRefused
from authflow.plugins.outcomes import Outcome
from authflow.secret import Secret
from authflow.string_map import string_map
from authflow.unframed import whole


class Sends(Protocol):
    """What `CreateContext.deliver` sends by."""

    async def deliver(
        self, destination: str | None, send: Callable[[], Awaitable[object]]
    ) -> Admitted | AlreadySent | SendRefused:
        """Send the message, unless that was done or is not allowed."""


class Uses(Protocol):
    """What `VerifyContext.use_once` and `first` ask."""

    async def use_once(self, *name: str, seconds: float) -> bool:
        """Claim something for one answer."""

    async def first(self, *name: str, value: bytes, seconds: float) -> bytes:
        """Keep a value for the runs of Verify for one answer, unless there is one."""


@frozen(kw_only=True)
class CreateContext:
    """What a plugin is told when it makes a challenge: little, and never the raw event.

    Args:
        username: The user's canonical name.
        user_attributes: The user's attributes; empty for an unknown user.
        user_not_found: The pool hides that this user does not exist: make a challenge of the same
            shape, and send nothing to anybody.
        attempt: Which try the answer will be, from 1.
        attempts: How many tries there are in all.
        user_pool_id: The user pool.
        now: Seconds since the epoch.
        randomness: Draw codes from this and from nothing else: with `Triggers(limits=...)` every
            run of Create for one challenge draws the same.
        state: What was given as `Issued.state` when this challenge was made for the last attempt.
        sends: What `deliver` sends by.
    """

    username: str
    user_attributes: Mapping[str, str] = field(repr=False, hash=False)
    user_not_found: bool
    attempt: int
    attempts: int
    user_pool_id: str = ""
    now: float = field(factory=time.time)
    randomness: Randomness = field(factory=Randomness.system, hash=False)
    state: Secret[bytes] | None = field(default=None, hash=False)
    sends: Sends | None = field(default=None, repr=False, hash=False)

    async def deliver(
        self, destination: str | None, send: Callable[[], Awaitable[object]]
    ) -> Admitted | AlreadySent | SendRefused:
        """Send the challenge's message: once for all runs of Create, and within the limits.

        A plugin that sends says so by `needs = ("limits",)`.

        Args:
            destination: The address or number; None if the user has none, or does not exist.
            send: Sends it. It is not called for an unknown user, nor if it was sent already, nor
                if it is not allowed now. If it raises, the message may be sent again.

        Returns:
            Admitted if it was sent just now, AlreadySent, or SendRefused with the seconds to wait.
            For an unknown user it is what it would be for a known one.

        Raises:
            MisuseError: There are no limits.
            TriggerStateError: Nobody knows whether it is allowed.
        """
        if self.sends is None:
            msg = "messages are counted: give Triggers(limits=...)"
            raise MisuseError(msg)
        return await self.sends.deliver(destination, send)


@whole
@frozen(kw_only=True)
class Issued:
    """A challenge that was made.

    Args:
        public: Goes to the client. Nothing in it may let the answer be found, hashes included.
        private: Goes to `verify`, and nowhere else.
        state: Goes to `create` when this challenge is made for the next attempt, sealed in the
            challenge metadata; at most 1,024 bytes. It needs `Triggers(keys=...)`.

    Raises:
        MisuseError: A parameter's name or value is not a string.
    """

    public: Mapping[str, str] = field(converter=string_map, hash=False)
    private: Mapping[str, str] = field(converter=string_map, repr=False, hash=False)
    state: Secret[bytes] | None = field(default=None, hash=False)


@frozen(kw_only=True)
class VerifyContext:
    """What a plugin is told when it verifies an answer.

    Args:
        username: The user's canonical name.
        user_attributes: The user's attributes; empty for an unknown user.
        user_not_found: The pool hides that this user does not exist. An answer that only the user
            can know is wrong then; one that anybody can give, such as what a picture shows, is
            judged as always: a difference would tell who exists. No tokens are issued either way.
        private: What `create` kept for this very challenge.
        answer: What the client answered.
        attempt: Which try this is, from 1.
        attempts: How many tries there are in all.
        now: Seconds since the epoch.
        uses: What `use_once` asks.
    """

    username: str
    user_attributes: Mapping[str, str] = field(repr=False, hash=False)
    user_not_found: bool
    private: Mapping[str, str] = field(repr=False, hash=False)
    answer: Secret[str] = field(hash=False)
    attempt: int = 1
    attempts: int = 1
    now: float = field(factory=time.time)
    uses: Uses | None = field(default=None, repr=False, hash=False)

    async def use_once(self, *name: str, seconds: float) -> bool:
        """Claim something that may be used for one answer only, such as a time step of TOTP.

        Cognito may run Verify three times for one answer: they all get the same reply.

        Args:
            *name: What is used; it is this user's and this challenge's own.
            seconds: For how long it stays used.

        Returns:
            Whether this answer is the first to use it.

        Raises:
            MisuseError: There are no limits.
            TriggerStateError: Nobody knows.
        """
        if self.uses is None:
            msg = "what is used once is kept by limits: give Triggers(limits=...)"
            raise MisuseError(msg)
        return await self.uses.use_once(*name, seconds=seconds)

    async def first(self, *name: str, value: bytes, seconds: float) -> bytes:
        """Keep a value for all of Cognito's runs of Verify for this answer: the first one wins.

        For what may be asked for only once, such as a service's word on a token.

        Args:
            *name: What the value is.
            value: The value; it must not be secret.
            seconds: For how long it is kept.

        Returns:
            What the first run kept.

        Raises:
            MisuseError: There are no limits.
            TriggerStateError: Nobody knows.
        """
        if self.uses is None:
            msg = "what runs of Verify share is kept by limits: give Triggers(limits=...)"
            raise MisuseError(msg)
        return await self.uses.first(*name, value=value, seconds=seconds)


class TriggerChallenge(Protocol):
    """Makes one kind of challenge and verifies its answers.

    Register it under the entry-point group `authflow.trigger_challenges`; the entry point's name
    is the challenge's name. It is made with the settings that the policy names for it, as keyword
    arguments.

    Beside what is below, a class states in `interface` the version it was written for, 1 or 2. It
    may say in `needs`, a tuple, what `Triggers` must be given for it: "keys" if it seals state,
    "limits" if it sends messages. One that sets `suffices` to False is an extra: `authflow check`
    convicts a policy that lets somebody in by extras alone.
    """

    name: ClassVar[str]
    """The challenge's name, equal to the client half's."""
    metadata: ClassVar[str]
    """What stands in Cognito's challengeMetadata for every challenge of this kind. Later triggers
    know by it which challenge was answered, so no two kinds share one. It holds no "#"."""

    async def create(self, context: CreateContext) -> Issued:
        """Make a challenge. Cognito may call up to three times for one challenge."""

    async def verify(self, context: VerifyContext) -> bool | Outcome:
        """Say whether the answer is right. Anything else is a failure of the plugin."""
