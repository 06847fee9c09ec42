"""The test bench of a trigger challenge: its own policy, with limits, keys and a clock.

It is driven in two ways: by Cognito's events, one by one, and by a user pool over HTTP.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from attrs import define, evolve, field, frozen

from authflow.client import AuthClient
from authflow.errors import AuthFlowError, PluginFailedError
from authflow.machine import State
from authflow.secret import Secret
from authflow.testing.clock import MovableClock
from authflow.testing.hooks import HookLog, watched_trigger
from authflow.testing.made import Made
from authflow.testing.outbox import Outbox
from authflow.testing.plugin_code import PluginCode
from authflow.testing.running_pool import RunningPool, run_pool
from authflow.triggers import (
    CreateEvent,
    DefineEvent,
    GuessLimit,
    KeyRing,
    Limits,
    MemoryStore,
    SendLimit,
    SessionEntry,
    TriggerEvent,
    Triggers,
    VerifyEvent,
    challenge,
    parse_event,
)
from authflow.triggers.events.trigger_replies import CreateReply
from authflow.unframed import whole

POOL_ID: Final = "eu-central-1_EXAMPLE01"
CLIENT_ID: Final = "1example23456789"
ATTEMPTS: Final = 3
COOL_DOWN: Final = 30.0
NEXT_SIGN_IN: Final = 1000.0
"""Seconds after which no limit remembers a sign-in's code, and a further message is allowed."""

_KEPT_BY_THE_CORE: Final = "authflow."


@frozen(kw_only=True)
class SuiteUser:
    """A user of a suite.

    Args:
        name: The canonical name.
        attributes: The attributes; none if there is no such user.
        exists: Whether there is such a user.
    """

    name: str
    attributes: Mapping[str, str]
    exists: bool = True


@frozen(kw_only=True)
class Judged:
    """The judgement of an answer.

    Args:
        right: Whether it was taken for right.
        error: What kept it from being judged.
    """

    right: bool
    error: Exception | None = None


@define(eq=False)
class CountedStore:
    """A store of limits that counts its calls.

    Args:
        store: The store itself.
    """

    store: MemoryStore
    calls: list[str] = field(factory=list, init=False)

    async def read(self, key: str) -> Any:
        """Return an entry."""
        self.calls.append("read")
        return await self.store.read(key)

    async def replace(
        self, key: str, value: bytes, *, expected: str | None, seconds: float
    ) -> bool:
        """Write an entry, unless another task has changed it in between."""
        self.calls.append("replace")
        return await self.store.replace(key, value, expected=expected, seconds=seconds)


@frozen(kw_only=True)
class Served:
    """An event that was served, and its reply.

    Args:
        event: The event.
        given: The JSON of it, with its response filled in.
    """

    event: TriggerEvent
    given: dict[str, Any] = field(repr=False)


@define(eq=False)
class _Recorded:
    """Triggers that record the events that they served."""

    _triggers: Triggers
    served: list[Served] = field(factory=list, init=False)

    @property
    def sources(self) -> frozenset[str]:
        return self._triggers.sources

    async def handle(self, event: Mapping[str, Any]) -> dict[str, Any]:
        filled_in = await self._triggers.handle(event)
        self.served.append(Served(event=parse_event(event), given=filled_in))
        return filled_in


@whole
@define(kw_only=True, eq=False)
class TriggerBench:
    """A trigger challenge on a test bench.

    Args:
        plugin: Its class.
        settings: What it is made with.
        clock: The time, for it and for all around it.
        outbox: What its sender put where the suite can see it.
        timeout: Seconds for a hook.
        attempt: At which attempt challenges are made, unless it is said otherwise.
        keys: The key ring of the triggers.

    Raises:
        ConfigError: It does not take its settings.
        PluginError: It is no trigger challenge.
    """

    plugin: type[Any]
    settings: Mapping[str, Any]
    clock: MovableClock
    outbox: Outbox
    timeout: float
    attempt: int = 1
    keys: KeyRing = field(factory=KeyRing.generate, repr=False)
    log: HookLog = field(init=False)
    store: CountedStore = field(init=False)
    triggers: _Recorded = field(init=False)

    def __attrs_post_init__(self) -> None:
        code = PluginCode.of(self.plugin)
        self.log = HookLog(clock=self.clock, timeout=self.timeout, code=code)
        self.store = CountedStore(MemoryStore(clock=self.clock))
        limits = Limits(
            store=self.store,
            keys=self.keys,
            # Suites make many guesses; the limits themselves are tested elsewhere.
            guesses=GuessLimit(failures=99, most_failures=100),
            sends=SendLimit(cool_down=COOL_DOWN, per_user=1000, per_destination=1000),
            clock=self.clock,
        )
        triggers = Triggers(
            policy=challenge(self.plugin.name, attempts=ATTEMPTS, **self.settings),
            challenges=[watched_trigger(self.plugin, self.log)],
            limits=limits,
        )
        self.triggers = _Recorded(triggers)

    @property
    def sent(self) -> int:
        """The number of messages that were sent, as far as can be seen."""
        return max(self.log.sent, len(self.outbox))

    async def earlier(self, user: SuiteUser) -> tuple[str, ...]:
        """Begin a sign-in, with wrong answers up to the attempt of this bench.

        Args:
            user: Who signs in.

        Returns:
            The metadata of its challenges so far.
        """
        rounds: tuple[str, ...] = ()
        while len(rounds) < self.attempt - 1:
            rounds += ((await self.create(user, rounds)).metadata,)
        return rounds

    async def create(self, user: SuiteUser, rounds: tuple[str, ...] | None = None) -> Made:
        """Ask Create for a challenge.

        Args:
            user: For whom.
            rounds: The metadata of the challenges of this sign-in that were answered wrong; None
                for a sign-in of its own, at this bench's attempt.

        Raises:
            PluginFailedError: It makes none.
        """
        if rounds is None:
            rounds = await self.earlier(user)
        event = CreateEvent(
            **_about(user),
            session=tuple(
                SessionEntry(
                    challenge_name=State.CUSTOM_CHALLENGE.value,
                    challenge_result=False,
                    challenge_metadata=metadata,
                )
                for metadata in rounds
            ),
        )
        created = await self.triggers.handle(event.to_json())
        return self._made(user, event.read_reply(created))

    def _made(self, user: SuiteUser, created: CreateReply) -> Made:
        return Made(
            username=user.name,
            user_attributes=user.attributes,
            user_not_found=not user.exists,
            public=created.public,
            private=created.private,
            metadata=created.metadata or "",
            now=self.clock(),
            sent=tuple(self.outbox),
        )

    async def attempts(self, user: SuiteUser) -> AsyncIterator[Made]:
        """Make the challenges of all attempts of a sign-in, as if each answer was wrong.

        Args:
            user: Who signs in.
        """
        rounds: tuple[str, ...] = ()
        for _ in range(ATTEMPTS):
            made = await self.create(user, rounds)
            yield made
            rounds += (made.metadata,)

    async def verify(self, user: SuiteUser, made: Made, answer: str) -> Judged:
        """Ask Verify about an answer.

        Args:
            user: Whose it is.
            made: The challenge.
            answer: The answer.
        """
        event = VerifyEvent(**_about(user), private=made.private, answer=Secret(answer))
        try:
            judged = await self.triggers.handle(event.to_json())
        except AuthFlowError as error:
            return Judged(right=False, error=error)
        return Judged(right=event.read_reply(judged))

    async def verify_alone(self, answer: str, private: Mapping[str, str]) -> Any:
        """Call `verify` of a new plugin object directly, without the triggers.

        It is told what it was told last by the core, but for the arguments.

        Args:
            answer: The answer, handed on as the object that it is.
            private: The private parameters.
        """
        context = evolve(self.log.of("verify")[-1].context, answer=Secret(answer), private=private)
        return await self.plugin(**self.settings).verify(context)

    @asynccontextmanager
    async def pool(self, *users: SuiteUser) -> AsyncIterator[tuple[RunningPool, AuthClient]]:
        """Run a user pool with the challenge in it, and a client.

        Args:
            *users: The users to make.
        """
        custom = {name for user in users for name in user.attributes if name.startswith("custom:")}
        async with run_pool(
            triggers=self.triggers, clock=self.clock, custom_attributes=sorted(custom)
        ) as pool:
            for user in users:
                own = {
                    name: value
                    for name, value in user.attributes.items()
                    if name != "sub" and not name.startswith("cognito:")
                }
                await pool.add_user(user.name, None, own)
            async with pool.client() as client:
                yield pool, client

    def last_made(self, user: SuiteUser) -> Made:
        """Return the last challenge that Create made for the pool.

        Args:
            user: For whom it was.

        Raises:
            PluginFailedError: It made none.
        """
        for served in reversed(self.triggers.served):
            if isinstance(served.event, CreateEvent):
                there = evolve(user, attributes=served.event.user_attributes)
                return self._made(there, served.event.read_reply(served.given))
        msg = "Create was not called"
        raise PluginFailedError(msg)

    def last_round(self) -> SessionEntry:
        """Return the last round in the pool's last event for Define.

        Raises:
            PluginFailedError: It told of none.
        """
        for served in reversed(self.triggers.served):
            if isinstance(served.event, DefineEvent) and served.event.session:
                return served.event.session[-1]
        msg = "Define was told of no round"
        raise PluginFailedError(msg)


def own_private(made: Made) -> dict[str, str]:
    """Return the private parameters that are the plugin's own.

    Args:
        made: The challenge.
    """
    return {
        name: value
        for name, value in made.private.items()
        if not name.startswith(_KEPT_BY_THE_CORE)
    }


def _about(user: SuiteUser) -> dict[str, Any]:
    """Return the members that all events about a user contain."""
    return {
        "user_pool_id": POOL_ID,
        "client_id": CLIENT_ID,
        "username": user.name,
        "user_attributes": user.attributes,
        "user_not_found": not user.exists,
    }
