"""The trigger half of a challenge plugin: it makes a challenge and verifies its answer."""

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, ClassVar, Final, Protocol

from attrs import field, frozen

from authflow.errors import MisuseError
from authflow.keys.randomness import Randomness
from authflow.plugins.admission import EMAIL, Admitted, AlreadySent, SendRefused
from authflow.plugins.outcomes import Outcome
from authflow.secret import Secret
from authflow.string_map import string_map
from authflow.unframed import whole

if TYPE_CHECKING:
    from authflow.keys.key_ring import KeyProvider, KeyRing

_STAND_IN: Final = "authflow.stand-in"
_MARK: Final = "authflow.mark"


class Sends(Protocol):
    """The part of the triggers that sends the messages of `CreateContext.deliver`."""

    async def deliver(
        self,
        destination: str | None,
        send: Callable[[], Awaitable[object]],
        *,
        medium: str,
        message: str,
    ) -> Admitted | AlreadySent | SendRefused:
        """Send the message, unless that was done or is not allowed."""

    async def repeat(
        self, destination: str | None, send: Callable[[], Awaitable[object]], *, message: str
    ) -> None:
        """Send a message that was counted before, if it failed then."""


class Uses(Protocol):
    """The part of the triggers that serves `once` and `claim`."""

    async def once(self, *name: str, value: bytes, seconds: float) -> bytes:
        """Store a value, unless one is stored already."""

    async def claim(self, *name: str, seconds: float) -> bool:
        """Claim something that may be used only once."""


@frozen(kw_only=True)
class _Context:
    """The data and the services that both hooks get."""

    username: str
    user_attributes: Mapping[str, str] = field(repr=False, hash=False)
    user_not_found: bool
    attempt: int = 1
    attempts: int = 1
    user_pool_id: str = ""
    now: float = field(factory=time.time)
    uses: Uses | None = field(default=None, repr=False, hash=False)
    keys: "KeyProvider | None" = field(default=None, repr=False, hash=False)
    case_sensitive: bool = False

    @property
    def plain_name(self) -> str:
        """The user's name in one spelling, by which to name what must look alike for unknown users.

        In a pool that ignores case, an unknown user's name still comes as it was typed. Where case
        counts, each spelling is a name of its own, for users who exist and for others.
        """
        return self.username if self.case_sensitive else self.username.casefold()

    async def once(self, *name: str, value: bytes, seconds: float) -> bytes:
        """Store a value unless one is stored already, and return the stored one: the first wins.

        All runs of Create and Verify for this user and this challenge share it, also those of other
        sign-ins: what is for one of them alone has a name of its own in `name`.

        Args:
            *name: What the value is; it is this user's and this challenge's own.
            value: The value, not empty. It stands in the store as it is, so it must not be secret.
            seconds: For how long it is kept.

        Raises:
            MisuseError: There are no limits.
            StateError: Nobody knows what is kept.
        """
        return await self._counted().once(*name, value=value, seconds=seconds)

    async def claim(self, *name: str, seconds: float) -> bool:
        """Claim something that may be used only once, such as a time step of TOTP.

        Cognito may run a hook three times for one challenge: they all get the same reply. In
        Verify the answer's challenge is who claims, in Create whoever shares its draws.

        Args:
            *name: What is used; it is this user's and this challenge's own.
            seconds: For how long it stays used.

        Returns:
            Whether this challenge is the first to use it.

        Raises:
            MisuseError: There are no limits.
            StateError: Nobody knows.
        """
        return await self._counted().claim(*name, seconds=seconds)

    async def stand_in(self, purpose: str) -> Randomness:
        """Return randomness for a stand-in, for users without an address, a question or a secret.

        The same name draws the same in every sign-in, on every machine, and after `rotated()` too;
        who has not the keys can neither compute it nor compare it with another pool's. Ask for it
        for everybody, so that it costs the same, and show it to those who need it.

        Args:
            purpose: What it stands in for, such as "pager number"; no two uses share one.

        Raises:
            MisuseError: There are no keys.
            KeysUnavailableError: They cannot be read now.
        """
        ring = await self.key_ring()
        whose = (self.user_pool_id, self.plain_name)
        return Randomness.seeded(ring.subkey(_STAND_IN, purpose, *whose, key_id=ring.lookup))

    async def mark(self, *what: str) -> str:
        """Return a mark of this very account and of something of it, such as an address.

        Keep the mark of the address that a code went to beside the code: where it is another later,
        the address is, or the account, and what the code proves it proves of somebody else. An
        account is known by its `sub`: one that is made anew under an old name has another. Without
        the keys a mark tells nothing.

        Args:
            *what: What is marked.

        Raises:
            MisuseError: There are no keys.
            KeysUnavailableError: They cannot be read now.
        """
        ring = await self.key_ring()
        sub = self.user_attributes.get("sub", "")
        return ring.entry_name(_MARK, self.user_pool_id, self.plain_name, sub, *what)

    async def key_ring(self, *, having: str | None = None) -> "KeyRing":
        """Return the keys of the triggers, for subkeys with a purpose of the plugin's own.

        Args:
            having: The id of a key that is needed.

        Raises:
            MisuseError: There are no keys.
            KeysUnavailableError: They cannot be read now.
        """
        if self.keys is None:
            msg = "there are no keys here: give Triggers(keys=...), or limits, which have some"
            raise MisuseError(msg)
        from authflow.keys.key_ring import ring_of  # noqa: PLC0415  # not for slim starts

        return await ring_of(self.keys, having=having)

    def _counted(self) -> Uses:
        if self.uses is None:
            msg = "what is used or kept once is kept by limits: give Triggers(limits=...)"
            raise MisuseError(msg)
        return self.uses


@frozen(kw_only=True)
class CreateContext(_Context):
    """The context in which a plugin makes a challenge: few data, and never the raw event.

    Args:
        username: The user's canonical name.
        user_attributes: The user's attributes; empty for an unknown user.
        user_not_found: The pool hides that this user does not exist: make a challenge of the same
            shape, and send nothing to anybody.
        attempt: Which try the answer will be, from 1.
        attempts: How many tries there are in all.
        user_pool_id: The user pool.
        now: Seconds since the epoch.
        uses: What `once` and `claim` ask; None without limits.
        keys: The keys of the triggers, if there are some: `key_ring` asks them.
        case_sensitive: Whether the pool takes names that differ by case for different ones.
        randomness: Draw codes from this and from nothing else: with `Triggers(limits=...)` every
            run of Create for one challenge draws the same.
        state: What was given as `Issued.state` when this challenge was made for the last attempt.
        sends: What `deliver` sends by.
    """

    randomness: Randomness = field(factory=Randomness.system, hash=False)
    state: Secret[bytes] | None = field(default=None, hash=False)
    sends: Sends | None = field(default=None, repr=False, hash=False)

    async def deliver(
        self,
        destination: str | None,
        send: Callable[[], Awaitable[object]],
        *,
        medium: str = EMAIL,
        message: str = "",
    ) -> Admitted | AlreadySent | SendRefused:
        """Send the challenge's message, once for all runs of Create and within the limits.

        A plugin that sends says so by `needs = ("limits",)`.

        Args:
            destination: The address or number; None if the user has none, or does not exist.
            send: Sends it. It is not called for an unknown user, nor if it was sent already, nor
                if it is not allowed now. If it raises, another run for the same message sends it;
                it stays counted, since for an unknown user it would.
            medium: How it travels, such as EMAIL or SMS: for a user without a destination, all
                messages of one medium count as if they went to one, at whatever challenge.
            message: Names the message, for `repeat`; by default it is this challenge's own.

        Returns:
            Admitted if it was sent just now, AlreadySent, or SendRefused with the seconds to wait.
            Show the first two alike: which of them it is depends on whether sending failed. For an
            unknown user it is what it would be for a known one.

        Raises:
            MisuseError: There are no limits.
            StateError: Nobody knows whether it is allowed.
        """
        if self.sends is None:
            msg = "messages are counted: give Triggers(limits=...)"
            raise MisuseError(msg)
        return await self.sends.deliver(destination, send, medium=medium, message=message)

    async def repeat(
        self, destination: str | None, send: Callable[[], Awaitable[object]], *, message: str
    ) -> None:
        """Send a message of an earlier attempt, if that was allowed and has failed.

        It was counted then, and is not again. Call it for everybody, and let `create` take as long
        whether or not it sends.

        Args:
            destination: As for `deliver`.
            send: As for `deliver`.
            message: Names it, as it did for `deliver`.

        Raises:
            MisuseError: There are no limits.
            StateError: Nobody knows whether it has failed.
        """
        if self.sends is None:
            msg = "messages are counted: give Triggers(limits=...)"
            raise MisuseError(msg)
        await self.sends.repeat(destination, send, message=message)


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
class VerifyContext(_Context):
    """The context in which a plugin verifies an answer.

    Args:
        username: The user's canonical name.
        user_attributes: The user's attributes; empty for an unknown user.
        user_not_found: The pool hides that this user does not exist. An answer that only the user
            can know is wrong then; one that anybody can give, such as what a picture shows, is
            judged as always: a difference would tell who exists. No tokens are issued either way.
        attempt: Which try this is, from 1.
        attempts: How many tries there are in all.
        user_pool_id: The user pool.
        now: Seconds since the epoch.
        uses: What `once` and `claim` ask; None without limits.
        keys: The keys of the triggers, if there are some: `key_ring` asks them.
        case_sensitive: Whether the pool takes names that differ by case for different ones.
        private: What `create` kept for this very challenge.
        answer: What the client answered.
    """

    private: Mapping[str, str] = field(repr=False, hash=False)
    answer: Secret[str] = field(hash=False)


class TriggerChallenge(Protocol):
    """Makes one kind of challenge and verifies its answers.

    Register it under the entry-point group `authflow.trigger_challenges`; the entry point's name
    is the challenge's name. It is made with the settings that the policy names for it, as keyword
    arguments.

    Beside what is below, a class states in `interface` the version it was written for, 1 or 2. It
    may say in `needs`, a tuple, what `Triggers` must be given for it: "keys" if it seals state,
    shows stand-ins or asks for the key ring, "limits" if it sends messages or keeps or claims
    something. Then `Triggers` without them is refused. One that sets `suffices` to False is an
    extra: `authflow check` convicts a policy that lets somebody in by extras alone. One whose
    settings must fit the limits has a method `check_limits(limits)`, which raises a `ConfigError`
    if they do not.

    A class or an object may say in `sends_to`, a tuple, which user attributes it sends to; it is
    empty if it sends to none. Then sign-ins share what is drawn while these, `email` and
    `phone_number` are the same, and a message to another attribute is refused. Where it does not
    say, they share it only while all attributes are the same that may be addresses.
    """

    name: ClassVar[str]
    """The challenge's name, equal to the client half's."""
    metadata: ClassVar[str]
    """The challengeMetadata in Cognito of every challenge of this kind. Later triggers know by it
    which challenge was answered, so no two kinds share one. It holds no "#"."""

    async def create(self, context: CreateContext) -> Issued:
        """Make a challenge. Cognito may run Create up to three times for one challenge."""

    async def verify(self, context: VerifyContext) -> bool | Outcome:
        """Return whether the answer is right. Any other result is a failure of the plugin."""
