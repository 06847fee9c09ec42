"""One code, one message, counted guesses and sealed state, however often Cognito runs a trigger."""

import asyncio
import os
from collections.abc import Callable
from itertools import count
from typing import Any, ClassVar

import anyio
import pytest
from attrs import define, evolve, field

from authflow.errors import (
    ConfigError,
    EventError,
    NextStep,
    PluginFailedError,
    SealError,
    StateError,
    StoreUnavailableError,
)
from authflow.keys.key_ring import KeyRing
from authflow.secret import Secret
from authflow.stores.store import MemoryStore
from authflow.triggers import (
    CreateEvent,
    Issued,
    SessionEntry,
    Triggers,
    VerifyEvent,
    challenge,
    password,
    sequence,
)
from authflow.triggers.events.trigger_replies import CreateReply
from authflow.triggers.limits.limits import Limits
from authflow.triggers.limits.rules import GuessLimit, SendLimit

KEYS = KeyRing.generate()
POOL = "eu-central-1_Abc123def"


@define
class Clock:
    now: float = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@define
class CountingStore:
    """A memory store that counts what it is asked."""

    inner: MemoryStore
    calls: list[str] = field(factory=list)

    async def read(self, key: str) -> Any:
        self.calls.append("read")
        await anyio.lowlevel.checkpoint()
        return await self.inner.read(key)

    async def replace(self, key: str, value: bytes, **how: Any) -> bool:
        self.calls.append("replace")
        await anyio.lowlevel.checkpoint()
        return await self.inner.replace(key, value, **how)


@define
class Outbox:
    """What was sent; `fails` says what happens to the next message."""

    sent: list[tuple[str, str]] = field(factory=list)
    fails: list[Callable[[], Any]] = field(factory=list)

    async def send(self, destination: str, code: str) -> None:
        if self.fails:
            await self.fails.pop(0)()
        self.sent.append((destination, code))


def mailed(outbox: Outbox) -> type[Any]:
    """Make a challenge that mails a code, and keeps it for the next attempt."""

    class Mailed:
        name: ClassVar[str] = "mailed"
        metadata: ClassVar[str] = "MAILED"
        needs: ClassVar[tuple[str, ...]] = ("limits", "keys")
        evaluated: ClassVar[list[str]] = []

        async def create(self, context: Any) -> Issued:
            if context.state is not None:
                code = context.state.reveal().decode()
                return Issued(public={"sent": "before"}, private={"c": code}, state=context.state)
            code = context.randomness.digits(6)
            address = context.user_attributes.get("email")

            async def send() -> None:
                await outbox.send(address, code)

            verdict = await context.deliver(address, send)
            return Issued(
                public={"sent": type(verdict).__name__},
                private={"c": code},
                state=Secret(code.encode()),
            )

        async def verify(self, context: Any) -> bool:
            self.evaluated.append(context.answer.reveal())
            return context.answer.reveal() == context.private["c"] and not context.user_not_found

    Mailed.evaluated = []
    return Mailed


@define
class Bench:
    """Triggers with limits, and their events."""

    outbox: Outbox = field(factory=Outbox)
    clock: Clock = field(factory=Clock)
    guesses: GuessLimit = field(factory=GuessLimit)
    store: CountingStore = field(init=False)
    plugin: Any = field(init=False)
    triggers: Triggers = field(init=False)
    limits: Limits = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.store = CountingStore(MemoryStore(clock=self.clock))
        self.limits = Limits(
            store=self.store,
            keys=KEYS,
            guesses=self.guesses,
            sends=SendLimit(),
            clock=self.clock,
        )
        self.plugin = mailed(self.outbox)
        self.triggers = Triggers(
            policy=sequence(password(), challenge("mailed", attempts=3)),
            challenges=[self.plugin],
            limits=self.limits,
        )

    def about(self, username: str = "ada", *, unknown: bool = False) -> dict[str, Any]:
        return {
            "user_pool_id": POOL,
            "client_id": "client",
            "username": username,
            "user_attributes": {} if unknown else {"email": f"{username}@example.com"},
            "user_not_found": unknown,
        }

    def session(self, *metadata: str) -> tuple[SessionEntry, ...]:
        begin = [
            SessionEntry(challenge_name=name, challenge_result=True)
            for name in ("SRP_A", "PASSWORD_VERIFIER")
        ]
        wrong = [
            SessionEntry(
                challenge_name="CUSTOM_CHALLENGE", challenge_result=False, challenge_metadata=told
            )
            for told in metadata
        ]
        return (*begin, *wrong)

    async def create(
        self, *metadata: str, username: str = "ada", unknown: bool = False
    ) -> CreateReply:
        about = self.about(username, unknown=unknown)
        event = CreateEvent(**about, session=self.session(*metadata))
        return event.read_reply(await self.triggers.handle(event.to_json()))

    async def verify(
        self, made: CreateReply, answer: str, *, username: str = "ada", unknown: bool = False
    ) -> bool:
        about = self.about(username, unknown=unknown)
        event = VerifyEvent(**about, private=made.private, answer=Secret(answer))
        return event.read_reply(await self.triggers.handle(event.to_json()))


def code_of(made: CreateReply) -> str:
    return made.private["c"]


@pytest.mark.parametrize("times", [1, 2, 3])
async def test_create_gives_one_code_and_sends_it_once_however_often_it_runs(times):
    bench = Bench()
    made = [await bench.create() for _ in range(times)]
    assert len({code_of(each) for each in made}) == 1
    assert bench.outbox.sent == [("ada@example.com", code_of(made[0]))]


@pytest.mark.parametrize("times", [2, 3])
async def test_runs_of_create_at_the_same_time_send_once_too(times):
    bench, made = Bench(), []

    async def run() -> None:
        made.append(await bench.create())

    async with anyio.create_task_group() as runs:
        for _ in range(times):
            runs.start_soon(run)
    assert len({code_of(each) for each in made}) == 1
    assert len(bench.outbox.sent) == 1


async def test_a_run_that_timed_out_while_it_sent_is_not_followed_by_a_second_message():
    bench = Bench()
    bench.outbox.fails = [anyio.sleep_forever]
    with anyio.move_on_after(0.05):
        await bench.create()
    made = await bench.create()
    assert made.public["sent"] == "AlreadySent"
    assert bench.outbox.sent == []  # nobody knows whether it went out: it is not sent twice


@pytest.mark.parametrize("error", [ConnectionRefusedError, asyncio.CancelledError])
async def test_a_message_that_was_not_accepted_is_sent_by_the_next_run_and_stays_counted(error):
    async def refuse() -> None:
        raise error("mail server")

    bench = Bench()
    bench.outbox.fails = [refuse]
    with pytest.raises(PluginFailedError) as refused:
        await bench.create()
    assert "mail server" not in str(refused.value)
    made = await bench.create()
    assert bench.outbox.sent == [("ada@example.com", code_of(made))]
    assert (await bench.create()).public["sent"] == "AlreadySent"
    assert len(bench.outbox.sent) == 1


@pytest.mark.parametrize("times", [1, 2, 3])
async def test_verify_gives_one_verdict_however_often_it_runs(times):
    bench = Bench(guesses=GuessLimit(failures=2))
    made = await bench.create()
    assert [await bench.verify(made, "wrong") for _ in range(times)] == [False] * times
    assert [await bench.verify(made, code_of(made)) for _ in range(times)] == [True] * times


async def test_a_code_is_used_up_by_the_first_sign_in_that_gives_it():
    bench = Bench()
    one, other = await bench.create(), await bench.create()  # two sign-ins, side by side
    assert code_of(one) == code_of(other)
    assert await bench.verify(one, code_of(one)) is True
    assert await bench.verify(other, code_of(other)) is False
    assert await bench.verify(one, code_of(one)) is True  # Cognito tries Verify again


async def test_a_sign_in_right_after_one_that_succeeded_has_a_code_of_its_own():
    bench = Bench()
    made = await bench.create()
    assert await bench.verify(made, code_of(made)) is True
    again = await bench.create()
    assert code_of(again) != code_of(made)
    assert await bench.verify(again, code_of(again)) is True
    assert await bench.verify(made, code_of(made)) is True  # Cognito tries Verify again


async def test_another_round_another_user_and_a_later_sign_in_have_other_codes():
    bench = Bench()
    first = await bench.create()
    second = await bench.create(first.metadata.partition("#")[0])
    grace = await bench.create(username="grace")
    bench.clock.now += 60
    later = await bench.create()
    assert len({code_of(each) for each in (first, second, grace, later)}) == 4


async def test_failures_count_across_sign_ins_and_then_nothing_is_compared():
    bench = Bench(guesses=GuessLimit(failures=3))
    for number in count():
        bench.clock.now += 0.01
        made = await bench.create()
        guess = f"wrong {number}"
        await bench.verify(made, guess)
        if guess not in bench.plugin.evaluated:
            break
    assert len(bench.plugin.evaluated) == 3
    made = await bench.create()
    assert await bench.verify(made, code_of(made)) is False
    bench.clock.now += 31
    made = await bench.create()
    assert await bench.verify(made, code_of(made)) is True


async def test_a_right_answer_takes_the_failures_back():
    """Or who mistypes a code now and then is locked out one day, having passed every time."""
    bench = Bench(guesses=GuessLimit(failures=3))
    for number in range(8):
        for attempt in range(2):
            bench.clock.now += 100
            made = await bench.create()
            assert await bench.verify(made, f"wrong {number} {attempt}") is False
        bench.clock.now += 100
        made = await bench.create()
        assert await bench.verify(made, code_of(made)) is True, number


async def test_a_right_answer_takes_no_failures_of_others_back():
    bench = Bench(guesses=GuessLimit(failures=3))
    for number in range(3):
        bench.clock.now += 0.01
        await bench.verify(await bench.create(), f"wrong {number}")
    grace = await bench.create(username="grace")
    assert await bench.verify(grace, code_of(grace), username="grace") is True
    made = await bench.create()
    assert await bench.verify(made, code_of(made)) is False


async def test_an_answer_that_is_used_up_takes_no_failures_back():
    """Or who has seen one code may guess for ever: it stays right, and counts no more."""
    bench = Bench(guesses=GuessLimit(failures=3))
    waiting = [await bench.create() for _ in range(6)]  # of sign-ins side by side, with one code
    used = waiting.pop()
    assert await bench.verify(used, code_of(used)) is True
    compared = []
    for number, made in enumerate(waiting):
        bench.clock.now += 0.01
        before = len(bench.plugin.evaluated)
        assert await bench.verify(made, code_of(used)) is False, number
        compared.append(len(bench.plugin.evaluated) > before)
    assert compared == [True, True, True, False, False]


async def test_a_hundred_sign_ins_of_a_hundred_guesses_at_once_are_cut_off_at_the_limit():
    bench = Bench(guesses=GuessLimit(failures=5))
    wanted = int(os.environ.get("AUTHFLOW_GUESSES", "2000"))
    sessions = [await bench.create() for _ in range(wanted // 100)]

    async def guess(made: Any, number: int) -> None:
        assert await bench.verify(made, f"wrong {number}") is False

    async with anyio.create_task_group() as storm:
        for made in sessions:
            for number in range(100):
                storm.start_soon(guess, made, number)
    assert len(bench.plugin.evaluated) <= 5


async def test_an_unknown_user_gets_the_same_shape_by_the_same_calls_and_no_message():
    bench = Bench()
    known = await bench.create()
    calls = [*bench.store.calls]
    bench.store.calls.clear()
    unknown = await bench.create(username="nobody", unknown=True)
    assert bench.store.calls == calls
    assert len(bench.outbox.sent) == 1
    assert known.public == unknown.public
    for part in ("public", "private"):
        assert getattr(known, part).keys() == getattr(unknown, part).keys()
    assert len(known.metadata) == len(unknown.metadata)
    bench.store.calls.clear()
    assert await bench.verify(known, "wrong") is False
    calls = [*bench.store.calls]
    bench.store.calls.clear()
    assert await bench.verify(unknown, "wrong", username="nobody", unknown=True) is False
    assert bench.store.calls == calls
    assert await bench.verify(unknown, code_of(unknown), username="nobody", unknown=True) is False


async def test_state_travels_sealed_to_the_next_attempt_and_no_code_with_it_in_clear():
    bench = Bench()
    first = await bench.create()
    metadata = first.metadata
    assert metadata.startswith("MAILED#")
    assert code_of(first) not in metadata
    second = await bench.create(metadata)
    assert code_of(second) == code_of(first)
    assert second.public["attempt"] == "2"
    third = await bench.create(metadata, second.metadata)
    assert code_of(third) == code_of(first)
    assert len(bench.outbox.sent) == 1


async def test_sealed_state_of_another_user_round_or_hand_ends_the_sign_in():
    bench = Bench()
    metadata = (await bench.create()).metadata
    second = (await bench.create(metadata)).metadata
    with pytest.raises(SealError):
        await bench.create(metadata, username="grace")
    with pytest.raises(SealError):
        await bench.create(second)
    with pytest.raises(SealError):
        await bench.create("MAILED#af1.1.AAAA")


async def test_a_store_that_fails_lets_nobody_in_and_says_to_wait():
    bench = Bench()
    made = await bench.create()

    class Failing:
        async def read(self, key: str) -> Any:
            raise OSError("10.0.0.7 refused")

    bench.limits.store = Failing()
    with pytest.raises(StoreUnavailableError) as unavailable:
        await bench.verify(made, code_of(made))
    assert "10.0.0.7" not in str(unavailable.value)
    with pytest.raises(StoreUnavailableError):
        await bench.create()


@pytest.mark.parametrize(("seals", "places"), [(True, 6), (False, 4)])
async def test_keys_that_are_not_set_up_are_the_owners_to_mend_whoever_asks_for_them(seals, places):
    """A provider says so at the first question, the second, and so on: each is another place."""

    class Keys:
        left = 0

        async def key_ring(self, *, having: str | None = None) -> KeyRing:
            self.left -= 1
            if self.left < 0:
                raise ConfigError("the canary of a setting")
            return KEYS

    bench = Bench()
    kind = type("Plain", (bench.plugin,), {} if seals else {"create": _plain})
    keys = Keys()
    limits = Limits(store=bench.store, keys=keys, clock=bench.clock)
    policy = sequence(password(), challenge("mailed", attempts=3))
    triggers = Triggers(policy=policy, challenges=[kind], limits=limits)
    event = CreateEvent(**bench.about(), session=bench.session())
    for asked in range(places):
        keys.left = asked
        with pytest.raises(ConfigError) as told:
            await triggers.handle(event.to_json())
        assert told.value.next_step is NextStep.GIVE_UP
        assert "canary" not in str(told.value)
    keys.left = places
    await triggers.handle(event.to_json())


async def _plain(_plugin: Any, _context: Any) -> Issued:
    return Issued(public={}, private={"c": "1"})


async def test_a_challenge_made_without_limits_is_not_verified_under_limits():
    bench = Bench()
    made = await bench.create()
    bare = {name: value for name, value in made.private.items() if name != "authflow.turn"}
    assert len(bare) == len(made.private) - 1
    made = evolve(made, private=bare)
    with pytest.raises(EventError, match="new sign-in"):
        await bench.verify(made, "any")


def test_a_challenge_that_needs_limits_is_refused_without_them_when_triggers_are_built():
    with pytest.raises(ConfigError, match=r"limits=\.\.\., keys=\.\.\."):
        Triggers(policy=challenge("mailed"), challenges=[mailed(Outbox())])


async def test_without_limits_a_plugin_that_delivers_or_seals_fails_closed():
    class Hasty(mailed(Outbox())):  # type: ignore[misc]
        needs = ()

    triggers = Triggers(policy=challenge("mailed"), challenges=[Hasty])
    event = CreateEvent(**Bench().about(), session=())
    with pytest.raises(PluginFailedError):
        await triggers.handle(event.to_json())


async def test_a_plugin_that_seals_without_keys_is_to_blame_itself():
    class Sealing(mailed(Outbox())):  # type: ignore[misc]
        needs = ()

        async def create(self, context: Any) -> Issued:
            return Issued(public={}, private={}, state=Secret(b"x"))

    triggers = Triggers(policy=challenge("mailed"), challenges=[Sealing])
    event = CreateEvent(**Bench().about(), session=())
    with pytest.raises(PluginFailedError):
        await triggers.handle(event.to_json())


async def test_too_much_state_is_the_plugins_failure():
    class Large(mailed(Outbox())):  # type: ignore[misc]
        async def create(self, context: Any) -> Issued:
            return Issued(public={}, private={}, state=Secret(b"x" * 1025))

    bench = Bench()
    triggers = Triggers(policy=challenge("mailed"), challenges=[Large], limits=bench.limits)
    event = CreateEvent(**bench.about(), session=())
    with pytest.raises(PluginFailedError):
        await triggers.handle(event.to_json())


async def test_a_code_whose_key_was_taken_away_is_no_mistake_of_the_caller():
    bench = Bench()
    newer = Limits(store=bench.store, keys=KEYS.rotated("new"), clock=bench.clock)
    policy = sequence(password(), challenge("mailed", attempts=3))
    ahead = Triggers(policy=policy, challenges=[bench.plugin], limits=newer)
    event = CreateEvent(**bench.about(), session=bench.session())
    await ahead.handle(event.to_json())
    with pytest.raises(StateError, match="its key is gone") as failed:
        await bench.create()
    assert type(failed.value) is StateError
