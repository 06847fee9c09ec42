import inspect
import json
import logging
import os
import subprocess
import sys
from collections import Counter
from typing import Any

import anyio
import pytest
from attrs import define, field

from authflow.errors import (
    ConfigError,
    KeysUnavailableError,
    MisuseError,
    NextStep,
    StoreEntryError,
    StoreUnavailableError,
)
from authflow.keys.key_ring import KeyRing
from authflow.plugins.admission import Admitted, AlreadySent, LockedOut, SendRefused
from authflow.secret import Secret
from authflow.stores.store import MemoryStore, Store, Stored
from authflow.triggers.limits.limits import Limits, Subject
from authflow.triggers.limits.rules import GuessLimit

ADA = Subject(user_pool_id="eu-central-1_Abc", username="ada", challenge="otp")
BOB = Subject(user_pool_id="eu-central-1_Abc", username="bob", challenge="otp")
RING = KeyRing.generate()


@define(kw_only=True)
class WatchedStore:
    """Passes everything on, and notes what was called."""

    store: Store = field(factory=MemoryStore)
    calls: list[str] = field(factory=list)
    seen: list[str] = field(factory=list)

    async def read(self, key: str) -> Stored | None:
        self.calls.append("read")
        self.seen.append(key)
        return await self.store.read(key)

    async def replace(
        self, key: str, value: bytes, *, expected: str | None, seconds: float
    ) -> bool:
        self.calls.append("replace")
        self.seen += [key, value.decode()]
        return await self.store.replace(key, value, expected=expected, seconds=seconds)


@pytest.fixture
def limits(store: Store, clock: Any) -> Limits:
    return Limits(store=store, keys=RING, clock=clock, timeout=30)


@pytest.fixture
def fast(clock: Any) -> Limits:
    return Limits(store=MemoryStore(clock=clock), keys=RING, clock=clock)


def test_limits_are_made_of_a_store_keys_rules_and_a_clock_alone():
    made_of = ["store", "keys", "guesses", "sends", "timeout", "clock"]
    assert list(inspect.signature(Limits).parameters) == made_of


async def guess(limits: Limits, number: int, subject: Subject = ADA) -> Admitted | LockedOut:
    return await limits.admit_guess(subject, nonce="n", answer=Secret(f"{number:06}"))


async def fail(limits: Limits, times: int) -> None:
    """Fail, waiting as long as it takes."""
    for number in range(times):
        verdict = await limits.admit_guess(ADA, nonce="fail", answer=Secret(str(number)))
        if isinstance(verdict, LockedOut):
            limits.clock.now += verdict.retry_after
            verdict = await limits.admit_guess(ADA, nonce="fail", answer=Secret(str(number)))
        assert verdict == Admitted()


class TestGuesses:
    async def test_after_five_failures_the_challenge_is_locked(self, limits: Limits):
        verdicts = [await guess(limits, number) for number in range(7)]
        assert verdicts == [Admitted()] * 5 + [LockedOut(retry_after=30)] * 2

    async def test_another_user_and_another_challenge_and_pool_are_not_locked(self, fast: Limits):
        await fail(fast, 5)
        for subject in (
            BOB,
            Subject(user_pool_id=ADA.user_pool_id, username="ada", challenge="captcha"),
            Subject(user_pool_id="eu-central-1_Xyz", username="ada", challenge="otp"),
        ):
            assert await guess(fast, 1, subject) == Admitted()
        assert isinstance(await guess(fast, 1), LockedOut)

    async def test_waits_grow_and_end_with_an_administrators_reset(self, fast: Limits):
        waits = []
        for number in range(100):
            verdict = await guess(fast, number)
            if isinstance(verdict, LockedOut):
                waits.append(verdict.retry_after)
                fast.clock.now += verdict.retry_after
                assert await guess(fast, number) == Admitted()
        assert waits[:9] == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]
        assert len(waits) == 95
        assert await guess(fast, 1000) == LockedOut(retry_after=None)
        fast.clock.now += 5 * 365 * 86400
        assert await guess(fast, 1000) == LockedOut(retry_after=None)
        await fast.reset(ADA)
        assert await guess(fast, 1000) == Admitted()

    async def test_the_wait_has_no_gap_and_no_excess(self, fast: Limits):
        await fail(fast, 5)
        fast.clock.now += 29.5
        assert await guess(fast, 1) == LockedOut(retry_after=0.5)
        fast.clock.now += 0.5
        assert await guess(fast, 1) == Admitted()

    async def test_while_locked_nothing_counts(self, fast: Limits):
        await fail(fast, 5)
        for number in range(50):
            await guess(fast, number)
        fast.clock.now += 30
        assert await guess(fast, 77) == Admitted()
        assert await guess(fast, 78) == LockedOut(retry_after=60)

    async def test_one_guess_counts_once_however_often_it_is_tried(self, limits: Limits):
        for number in range(5):
            async with anyio.create_task_group() as tasks:
                for _ in range(3):
                    tasks.start_soon(guess, limits, number)
        # The last one started the lock-out, and is still the guess that was admitted.
        assert await guess(limits, 4) == Admitted()
        assert await guess(limits, 5) == LockedOut(retry_after=30)

    async def test_one_answer_to_two_challenges_is_two_guesses(self, fast: Limits):
        for nonce in "abcde":
            assert await fast.admit_guess(ADA, nonce=nonce, answer=Secret("1")) == Admitted()
        verdict = await fast.admit_guess(ADA, nonce="f", answer=Secret("1"))
        assert isinstance(verdict, LockedOut)

    async def test_a_nonce_and_an_answer_do_not_run_together(self, fast: Limits):
        for nonce, answer in [("a", "bc"), ("ab", "c"), ("abc", ""), ("", "abc"), ('a","', "bc")]:
            await fast.admit_guess(ADA, nonce=nonce, answer=Secret(answer))
        assert isinstance(await guess(fast, 1), LockedOut)

    async def test_a_right_answer_resets(self, limits: Limits):
        for number in range(5):
            assert await guess(limits, number) == Admitted()
        await limits.forget(ADA)
        assert await guess(limits, 4) == Admitted(), "the same run of Verify, tried again"
        for number in range(5, 10):
            assert await guess(limits, number) == Admitted()
        assert isinstance(await guess(limits, 10), LockedOut)

    async def test_an_administrator_ends_a_lock_out(self, limits: Limits):
        for number in range(6):
            await guess(limits, number)
        await limits.reset(ADA)
        assert await guess(limits, 6) == Admitted()

    async def test_a_reset_mends_what_cannot_be_read(self, fast: Limits):
        key = await spoil(fast, b"not ours")
        with pytest.raises(StoreEntryError):
            await guess(fast, 1)
        with pytest.raises(StoreEntryError):
            await fast.forget(ADA)
        await fast.reset(ADA)
        assert await guess(fast, 1) == Admitted()
        assert key in fast.store._entries

    async def test_a_resend_resets_nothing(self, fast: Limits):
        await fail(fast, 5)
        await fast.admit_send(ADA, destination="ada@example.org", send_id="1")
        assert isinstance(await guess(fast, 99), LockedOut)

    async def test_failures_are_forgotten_after_a_long_silence(self, fast: Limits):
        await fail(fast, 4)
        fast.clock.now += fast.guesses.memory
        await fail(fast, 5)
        assert isinstance(await guess(fast, 99), LockedOut)

    async def test_other_rules_hold_for_what_was_counted_before(self, fast: Limits):
        await fail(fast, 3)
        stricter = Limits(
            store=fast.store, keys=RING, clock=fast.clock, guesses=GuessLimit(failures=3)
        )
        assert isinstance(await guess(stricter, 99), LockedOut)


async def spoil(limits: Limits, value: bytes) -> str:
    """Write something else over ADA's guesses, and give the key."""
    await guess(limits, 0)
    (key,) = limits.store._entries
    stored = await limits.store.read(key)
    assert await limits.store.replace(key, value, expected=stored.version, seconds=60)
    return key


class TestSends:
    async def test_three_runs_of_create_at_once_send_one_message(self, limits: Limits):
        verdicts: Counter[Any] = Counter()

        async def create() -> None:
            verdicts[await limits.admit_send(ADA, destination="ada@example.org", send_id="1")] += 1

        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(create)
        assert verdicts == {Admitted(): 1, AlreadySent(): 2}

    async def test_a_send_that_failed_may_be_tried_again_and_stays_counted(self, limits: Limits):
        message = {"destination": "ada@example.org", "send_id": "1"}
        assert await limits.admit_send(ADA, **message) == Admitted()
        await limits.send_failed(ADA, send_id="1")
        other = {**message, "send_id": "2"}
        assert await limits.admit_send(ADA, **other) == SendRefused(retry_after=30)
        assert await limits.admit_send(ADA, **message) == Admitted()
        assert await limits.admit_send(ADA, **message) == AlreadySent()
        assert await limits.admit_send(ADA, **other) == SendRefused(retry_after=30)

    async def test_a_send_that_failed_is_repeated_by_one_and_not_counted_again(
        self, limits: Limits
    ):
        message = {"destination": "ada@example.org", "send_id": "1"}
        assert not await limits.admit_repeat(ADA, send_id="1")
        await limits.admit_send(ADA, **message)
        assert not await limits.admit_repeat(ADA, send_id="1")
        await limits.send_failed(ADA, send_id="1")
        limits.clock.now += 29
        assert not await limits.admit_repeat(BOB, send_id="1")
        assert not await limits.admit_repeat(ADA, send_id="2")
        due = []

        async def ask() -> None:
            due.append(await limits.admit_repeat(ADA, send_id="1"))

        async with anyio.create_task_group() as tasks:
            for _ in range(9):
                tasks.start_soon(ask)
        assert sorted(due) == [*[False] * 8, True]
        limits.clock.now += 1
        again = {**message, "send_id": "2"}
        assert await limits.admit_send(ADA, **again) == Admitted()  # the cool-down is the first's

    async def test_a_failed_send_that_is_counted_anew_is_not_repeated(self, limits: Limits):
        message = {"destination": "ada@example.org", "send_id": "1"}
        await limits.admit_send(ADA, **message)
        await limits.send_failed(ADA, send_id="1")
        limits.clock.now += 30
        assert await limits.admit_send(ADA, **message) == Admitted()
        assert not await limits.admit_repeat(ADA, send_id="1")

    async def test_a_send_of_unknown_outcome_is_not_repeated_before_the_cool_down_is_over(
        self, fast: Limits
    ):
        message = {"destination": "ada@example.org", "send_id": "1"}
        assert await fast.admit_send(ADA, **message) == Admitted()
        fast.clock.now += 29
        assert await fast.admit_send(ADA, **message) == AlreadySent()
        fast.clock.now += 1
        assert await fast.admit_send(ADA, **message) == Admitted()
        assert await fast.admit_send(ADA, **message) == AlreadySent()

    async def test_messages_to_a_user_have_a_cool_down_and_a_cap(self, limits: Limits):
        start = limits.clock.now
        for number in range(5):
            message = {"destination": f"{number}@example.org", "send_id": str(number)}
            assert await limits.admit_send(ADA, **message) == Admitted()
            message["send_id"] += "x"
            again = await limits.admit_send(ADA, **message)
            assert again == SendRefused(retry_after=30 if number < 4 else 3600 - 4 * 30)
            limits.clock.now += 30
        verdict = await limits.admit_send(ADA, destination="x@example.org", send_id="x")
        assert verdict == SendRefused(retry_after=start + 3600 - limits.clock.now)
        limits.clock.now = start + 3600
        verdict = await limits.admit_send(ADA, destination="x@example.org", send_id="x")
        assert verdict == Admitted()

    async def test_messages_to_a_destination_have_a_cool_down_and_a_cap(self, fast: Limits):
        async def send(username: str, pool: str = "p_1") -> Any:
            subject = Subject(user_pool_id=pool, username=username, challenge="otp")
            return await fast.admit_send(subject, destination="+491700000000", send_id="1")

        start = fast.clock.now
        for number in range(10):
            assert await send(str(number)) == Admitted()
            again = await send("other")
            assert again == SendRefused(retry_after=30 if number < 9 else 3600 - 9 * 30)
            fast.clock.now += 30
        assert await send("other") == SendRefused(retry_after=start + 3600 - fast.clock.now)
        assert await send("other", pool="p_2") == Admitted()
        fast.clock.now = start + 3600
        assert await send("other") == Admitted()

    async def test_a_message_that_the_destination_refuses_costs_the_user_nothing(
        self, fast: Limits
    ):
        for user in (ADA, BOB):
            await fast.admit_send(user, destination="shared@example.org", send_id="1")
        verdict = await fast.admit_send(BOB, destination="own@example.org", send_id="2")
        assert verdict == Admitted()

    async def test_a_destinations_case_and_blanks_are_the_same_mailbox(self, fast: Limits):
        await fast.admit_send(ADA, destination="Ada@Example.org", send_id="1")
        verdict = await fast.admit_send(BOB, destination=" ada@example.ORG", send_id="1")
        assert isinstance(verdict, SendRefused)

    async def test_nobodys_destination_is_not_shared(self, fast: Limits):
        assert await fast.admit_send(ADA, destination=None, send_id="1") == Admitted()
        assert await fast.admit_send(BOB, destination=None, send_id="1") == Admitted()

    @pytest.mark.parametrize("unknown", [False, True])
    @pytest.mark.parametrize("names", [("otp", "link"), ("link", "otp"), ("a", "b")])
    async def test_nobodys_destination_counts_over_all_challenges_as_an_address_does(
        self, fast: Limits, unknown: bool, names: tuple[str, str]
    ):
        verdicts = []
        for to, who in (("ada@example.org", "ada"), (None, "eve")):
            limits = Limits(store=MemoryStore(clock=fast.clock), keys=RING, clock=fast.clock)
            told = []
            for medium in ("EMAIL", "SMS", "EMAIL"):
                for label in names:
                    subject = Subject(
                        user_pool_id="p_1",
                        username=who.upper() if unknown and to is None and told else who,
                        challenge=label,
                        user_not_found=unknown and to is None,
                    )
                    number = None if to is None else "+491700000000"
                    told.append(
                        await limits.admit_send(
                            subject,
                            destination=number if medium == "SMS" else to,
                            send_id=f"{len(told)}",
                            medium=medium,
                        )
                    )
                    fast.clock.now += 5
            verdicts.append(told)
        assert verdicts[0] == verdicts[1]
        assert SendRefused(retry_after=25) in verdicts[0]


class TestOnceAndClaims:
    async def test_the_first_value_wins_and_everybody_gets_it(self, limits: Limits):
        got = []

        async def ask(number: int) -> None:
            got.append(await limits.once("nonce", "ada", value=b"%d" % number, seconds=60))

        async with anyio.create_task_group() as tasks:
            for number in range(20):
                tasks.start_soon(ask, number)
        assert len(got) == 20
        assert len(set(got)) == 1

    async def test_names_are_apart(self, fast: Limits):
        names = [("a",), ("a", ""), ("", "a"), ("a", "b"), ("ab",), ('a", "b',), ("a,b",)]
        for number, name in enumerate(names):
            value = b"%d" % number
            assert await fast.once(*name, value=value, seconds=60) == value
        assert await fast.claim("a", claimer="x", seconds=60)

    async def test_a_value_is_forgotten_in_time(self, fast: Limits):
        assert await fast.once("n", value=b"1", seconds=60) == b"1"
        fast.clock.now += 60
        assert await fast.once("n", value=b"2", seconds=60) == b"2"

    @pytest.mark.parametrize("stranger", [False, True])
    async def test_who_gives_a_value_up_leaves_its_place_to_the_next_and_no_other(
        self, fast: Limits, stranger: bool
    ):
        async def once(name: str, value: bytes, *, of_stranger: bool = stranger) -> bytes:
            return await fast.once(name, value=value, seconds=60, user_not_found=of_stranger)

        for name in ("n", "other"):
            assert await once(name, b"1") == b"1"
        await fast.give_up("n", value=b"another", user_not_found=stranger)
        assert await once("n", b"2") == b"1"
        await fast.give_up("n", value=b"1", user_not_found=stranger)
        assert [await once("n", b"2"), await once("other", b"2")] == [b"2", b"1"]
        await fast.give_up("nothing", value=b"1", user_not_found=stranger)
        assert await once("nothing", b"3") == b"3"

    @pytest.mark.parametrize("stranger", [False, True])
    async def test_what_is_given_up_is_looked_for_where_it_was_kept(self, stranger: bool):
        store = WatchedStore()
        limits = Limits(store=store, keys=RING)
        await limits.once("n", value=b"1", seconds=60, user_not_found=stranger)
        kept = set(store.seen) - {"1"}
        store.seen.clear()
        await limits.give_up("n", value=b"1", user_not_found=stranger)
        assert set(store.seen) - {""} == kept
        assert len(kept) == 1

    async def test_the_first_claimer_has_it_and_keeps_it(self, limits: Limits):
        winners = []

        async def claim(name: str) -> None:
            if await limits.claim("totp", "ada", "52", claimer=name, seconds=60):
                winners.append(name)

        async with anyio.create_task_group() as tasks:
            for number in range(20):
                tasks.start_soon(claim, str(number))
        (winner,) = winners
        assert await limits.claim("totp", "ada", "52", claimer=winner, seconds=60)
        assert not await limits.claim("totp", "ada", "52", claimer="other", seconds=60)
        assert await limits.claim("totp", "ada", "53", claimer="other", seconds=60)

    @pytest.mark.parametrize("seconds", [0, -1, float("nan")])
    async def test_a_time_that_is_over_is_refused(self, fast: Limits, seconds: float):
        with pytest.raises(MisuseError):
            await fast.once("n", value=b"1", seconds=seconds)

    async def test_a_name_that_is_no_string_is_refused(self, fast: Limits):
        with pytest.raises(MisuseError):
            await fast.once("n", 1, value=b"1", seconds=60)


class TestStorm:
    """100 sessions x 100 parallel guesses never evaluate more than the limit."""

    async def test_no_more_guesses_are_admitted_than_the_limit_allows(
        self, store: Store, clock: Any
    ):
        # The full size everywhere by AUTHFLOW_GUESSES=10000, which takes minutes on DynamoDB.
        shorter = {"RedisStore": 3000, "DynamoDbStore": 100, "KeyringStore": 200}
        wanted = shorter.get(type(store).__name__, 10_000)
        sessions = min(100, wanted // 4)
        guesses = int(os.environ.get("AUTHFLOW_GUESSES", wanted)) // sessions
        # Two services with one store, as two processes have: their own locks do not hold there.
        services = [Limits(store=store, keys=RING, clock=clock, timeout=600) for _ in range(2)]
        admitted: list[tuple[int, int]] = []

        async def session(number: int) -> None:
            async with anyio.create_task_group() as tasks:
                for guessed in range(guesses):
                    tasks.start_soon(one, number, guessed)

        async def one(number: int, guessed: int) -> None:
            verdict = await services[guessed % 2].admit_guess(
                ADA, nonce=str(number), answer=Secret(str(guessed))
            )
            if verdict == Admitted():
                admitted.append((number, guessed))

        async with anyio.create_task_group() as tasks:
            for number in range(sessions):
                tasks.start_soon(session, number)
        assert len(admitted) == 5
        assert all(not service._turns for service in services)

    @pytest.mark.system("redis-server")
    def test_two_processes_share_one_limit(self, redis_url: str):
        program = f"""
import anyio, sys
from authflow.secret import Secret
from authflow.keys.key_ring import KeyRing
from authflow.triggers.limits.rules import Admitted
from authflow.triggers.limits.limits import Limits, Subject
from authflow.stores.redis import RedisStore

SUBJECT = Subject(user_pool_id="p_1", username="ada", challenge="otp")

async def main(name):
    store = RedisStore(redis={redis_url!r}, prefix="processes:")
    limits = Limits(store=store, keys=KeyRing.parse(sys.stdin.readline()))
    admitted = []
    async def guess(number):
        answer = Secret(f"{{name}} {{number}}")
        if await limits.admit_guess(SUBJECT, nonce="n", answer=answer) == Admitted():
            admitted.append(number)
    print("ready", flush=True)
    sys.stdin.readline()
    async with store, anyio.create_task_group() as tasks:
        for number in range(300):
            tasks.start_soon(guess, number)
    print(len(admitted))

anyio.run(main, sys.argv[1])
"""
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        processes = [
            subprocess.Popen([sys.executable, "-c", program, name], **pipes) for name in "ab"
        ]
        for process in processes:
            process.stdin.write(RING.to_json().reveal() + "\n")
            process.stdin.flush()
        for process in processes:
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            process.stdin.write("go\n")
            process.stdin.flush()
        counts = [int(process.communicate(timeout=30)[0]) for process in processes]
        assert sum(counts) == 5


class TestUnknownUsers:
    async def test_a_user_who_does_not_exist_costs_the_same_calls(self, clock: Any):
        calls = []
        for destination in ("ada@example.org", None):
            store = WatchedStore()
            limits = Limits(store=store, keys=RING, clock=clock)
            for number in range(7):
                await guess(limits, number)
            for _ in range(2):
                await limits.admit_send(ADA, destination=destination, send_id="1")
            await limits.admit_send(ADA, destination=destination, send_id="2")
            await limits.once("nonce", "ada", value=b"n", seconds=60)
            calls.append(store.calls)
        assert calls[0] == calls[1]
        assert calls[0][:3] == ["read", "replace", "read"]


class TestWhatTheStoreShows:
    async def test_neither_names_nor_destinations_nor_answers_stand_in_it(
        self, clock: Any, caplog: pytest.LogCaptureFixture
    ):
        caplog.set_level(logging.DEBUG)
        store = WatchedStore()
        limits = Limits(store=store, keys=RING, clock=clock)
        subject = Subject(user_pool_id="pool-canary", username="user-canary", challenge="label")
        await limits.admit_guess(subject, nonce="nonce-canary", answer=Secret("answer-canary"))
        await limits.admit_send(subject, destination="canary@example.org", send_id="send-canary")
        await limits.once("name-canary", value=b"nonce", seconds=60)
        await limits.claim("claim-canary", claimer="claimer-canary", seconds=60)
        shown = " ".join([*store.seen, caplog.text, repr(limits)])
        assert "canary" not in shown
        assert "label" not in " ".join(store.seen)

    async def test_keys_are_made_of_the_characters_that_stores_are_promised(self, clock: Any):
        store = WatchedStore()
        limits = Limits(store=store, keys=RING, clock=clock)
        await guess(limits, 1, Subject(user_pool_id="p", username="\ud800 ü\0", challenge=""))
        assert len(store.seen[0]) == 43
        assert store.seen[0].replace("-", "").replace("_", "").isalnum()

    async def test_entries_keep_their_names_or_a_release_would_forget_every_lock_out(
        self, clock: Any
    ):
        store = WatchedStore()
        limits = Limits(store=store, keys=RING, clock=clock)
        await guess(limits, 1)
        await limits.admit_send(ADA, destination=" Ada@Example.org", send_id="s")
        await limits.admit_send(ADA, destination=None, send_id="t")
        await limits.once("a", "b", value=b"v", seconds=1)
        await limits.claim("a", "b", claimer="c", seconds=1)
        named = {
            RING.entry_name("limits", *parts)
            for parts in (
                ("guesses", *ADA.parts()),
                ("sends", *ADA.parts()),
                ("somebody", ADA.user_pool_id, "ada@example.org"),
                ("once", "a", "b"),
                ("claim", "a", "b"),
            )
        }
        assert named <= set(store.seen)

    async def test_another_ring_finds_nothing(self, fast: Limits):
        await fail(fast, 5)
        other = Limits(store=fast.store, keys=KeyRing.generate(), clock=fast.clock)
        assert await guess(other, 1) == Admitted()

    async def test_a_lock_out_outlives_the_rotation_of_keys(self, fast: Limits):
        await fail(fast, 5)
        rotated = Limits(store=fast.store, keys=RING.rotated("2"), clock=fast.clock)
        assert isinstance(await guess(rotated, 99), LockedOut)

    async def test_what_is_kept_is_small_json(self, clock: Any):
        store = WatchedStore()
        await guess(Limits(store=store, keys=RING, clock=clock), 1)
        assert json.loads(store.seen[-1])["n"] == 1


class BrokenStore:
    """A store of somebody else's that fails in a way of its own."""

    def __init__(self, how: BaseException | None) -> None:
        self.how = how

    async def read(self, key: str) -> Stored | None:
        if self.how is None:
            await anyio.sleep_forever()
        raise self.how

    async def replace(self, key: str, value: bytes, **_: Any) -> bool:
        raise AssertionError


class TestImports:
    def test_the_limits_load_nothing_heavy(self):
        program = """
import sys
from authflow.keys import key_ring, randomness
from authflow.triggers.limits import limits
print(*{name.partition(".")[0] for name in sys.modules})
"""
        printed = subprocess.run(
            [sys.executable, "-c", program], check=True, capture_output=True, text=True
        ).stdout
        heavy = {"aiobotocore", "aiohttp", "botocore", "cryptography", "Crypto", "redis"}
        assert "anyio" in printed.split()
        assert not heavy & set(printed.split())

    @pytest.mark.parametrize(
        ("module", "missing", "says"),
        [
            ("stores.redis", "redis", "cognito-authflow[redis]"),
            ("keys.sealing", "cryptography", "pip install cryptography"),
        ],
    )
    def test_a_missing_package_is_named(self, module: str, missing: str, says: str):
        program = f"""
import sys
sys.modules[{missing!r}] = None
try:
    import authflow.{module}
except Exception as error:
    print(type(error).__name__, error)
"""
        printed = subprocess.run(
            [sys.executable, "-c", program], check=True, capture_output=True, text=True
        ).stdout
        assert printed.startswith("UnavailableImportError")
        assert says in printed


class TestFailingClosed:
    OPERATIONS = pytest.mark.parametrize(
        "operation",
        [
            lambda limits: guess(limits, 1),
            lambda limits: limits.forget(ADA),
            lambda limits: limits.reset(ADA),
            lambda limits: limits.admit_send(ADA, destination="a@b.c", send_id="1"),
            lambda limits: limits.send_failed(ADA, send_id="1"),
            lambda limits: limits.admit_repeat(ADA, send_id="1"),
            lambda limits: limits.once("n", value=b"1", seconds=1),
            lambda limits: limits.claim("n", claimer="c", seconds=1),
        ],
    )

    @OPERATIONS
    @pytest.mark.parametrize("how", [RuntimeError("canary"), OSError(), TimeoutError(), None])
    async def test_a_store_that_fails_or_hangs_allows_nothing(
        self, operation: Any, how: Any, caplog: pytest.LogCaptureFixture
    ):
        limits = Limits(store=BrokenStore(how), keys=RING, timeout=0.01)
        with pytest.raises(StoreUnavailableError, match="cannot be checked now") as caught:
            await operation(limits)
        assert caught.value.__cause__ is not None
        assert "canary" not in caplog.text + str(caught.value)
        assert not limits._turns

    @OPERATIONS
    async def test_keys_that_cannot_be_read_allow_nothing(self, operation: Any):
        class NoKeys:
            async def key_ring(self, *, having: str | None = None) -> KeyRing:
                raise KeysUnavailableError("no")

        store = WatchedStore()
        with pytest.raises(KeysUnavailableError):
            await operation(Limits(store=store, keys=NoKeys()))
        assert not store.calls

    @OPERATIONS
    @pytest.mark.parametrize("of", ["store", "keys"])
    async def test_a_store_or_keys_that_are_not_set_up_are_the_owners_to_mend(
        self, operation: Any, of: str, caplog: pytest.LogCaptureFixture
    ):
        class NotSetUp(BrokenStore):
            async def key_ring(self, *, having: str | None = None) -> KeyRing:
                raise self.how

        broken = NotSetUp(ConfigError("which region?"))
        with pytest.raises(ConfigError, match=r"not set up$") as caught:
            await operation(Limits(**{"store": MemoryStore(), "keys": RING} | {of: broken}))
        assert caught.value.next_step is NextStep.GIVE_UP
        assert "which region?" in caplog.text

    async def test_a_store_that_always_finds_somebody_faster_is_given_up_on(self):
        class Busy(MemoryStore):
            async def replace(self, *_: Any, **__: Any) -> bool:
                return False

        with pytest.raises(StoreUnavailableError):
            await guess(Limits(store=Busy(), keys=RING), 1)

    async def test_cancelling_is_passed_on_and_leaves_no_lock(self):
        limits = Limits(store=BrokenStore(None), keys=RING)
        with anyio.move_on_after(0.01) as scope:
            await guess(limits, 1)
        assert scope.cancelled_caught
        assert not limits._turns

    @pytest.mark.parametrize("timeout", [0, -1, float("nan")])
    def test_a_timeout_that_is_none_is_refused(self, timeout: float):
        with pytest.raises(ConfigError, match="timeout"):
            Limits(store=MemoryStore(), keys=RING, timeout=timeout)

    def test_limits_serve_one_event_loop_after_the_other(self):
        """As on Lambda, where every event may have a loop of its own."""
        limits = Limits(store=MemoryStore(), keys=RING)
        verdicts = [anyio.run(guess, limits, number) for number in range(6)]
        assert verdicts[:5] == [Admitted()] * 5
        assert isinstance(verdicts[5], LockedOut)


class TestStrangers:
    async def test_names_that_nobody_has_fill_no_store_and_end_no_lock_out(self, clock: Any):
        store = MemoryStore(most_entries=10, most_strangers=20, clock=clock)
        limits = Limits(store=store, keys=RING, clock=clock)
        await fail(limits, 5)
        for number in range(50):
            nobody = Subject(
                user_pool_id="p", username=str(number), challenge="otp", user_not_found=True
            )
            assert await guess(limits, 1, nobody) == Admitted()
            await limits.admit_send(nobody, destination=None, send_id="1")
            await limits.once("draw", str(number), value=b"n", seconds=60, user_not_found=True)
            await limits.claim("code", str(number), claimer="c", seconds=60, user_not_found=True)
            assert len(store) <= 30
        assert isinstance(await guess(limits, 1), LockedOut)
        assert await guess(limits, 1, BOB) == Admitted()

    async def test_a_strangers_single_failure_is_gone_in_minutes_and_five_are_not(self, clock: Any):
        store = MemoryStore(clock=clock)
        limits = Limits(store=store, keys=RING, clock=clock)
        for name, times in (("one", 1), ("five", 5)):
            nobody = Subject(user_pool_id="p", username=name, challenge="otp", user_not_found=True)
            for number in range(times):
                await guess(limits, number, nobody)
        clock.now += 601
        assert await guess(limits, 1, BOB) == Admitted()
        assert len(store) == 2
        clock.now += 30 * 86400 - 602
        assert await guess(limits, 2, BOB) == Admitted()
        assert len(store) == 1


@pytest.mark.parametrize("name", ["ghost", "straße", "ada@example.com"])
async def test_an_unknown_user_has_one_count_however_the_name_is_written(clock: Any, name: str):
    limits = Limits(store=MemoryStore(clock=clock), keys=KeyRing.generate(), clock=clock)
    spelled = [name, name.upper(), name.title(), name.swapcase(), name.casefold()]
    users = [
        Subject(user_pool_id="p", username=each, challenge="otp", user_not_found=True)
        for each in spelled
    ]
    assert len({user.parts() for user in users}) == 1
    verdicts = [
        await limits.admit_send(user, destination=None, send_id=str(number))
        for number, user in enumerate(users)
    ]
    assert isinstance(verdicts[0], Admitted)
    assert all(isinstance(each, SendRefused) for each in verdicts[1:])
    known = [Subject(user_pool_id="p", username=each, challenge="otp") for each in spelled[:2]]
    assert len({user.parts() for user in known}) == 2  # a pool may tell them apart


@pytest.mark.parametrize("unknown", [True, False])
async def test_where_case_counts_every_spelling_is_a_user_known_or_not(clock: Any, unknown: bool):
    limits = Limits(store=MemoryStore(), keys=KeyRing.generate(), clock=clock)
    for name in ("ada", "ADA", "Ada"):
        user = Subject(
            user_pool_id="p",
            username=name,
            challenge="otp",
            user_not_found=unknown,
            case_sensitive=True,
        )
        assert isinstance(await limits.admit_send(user, destination=None, send_id=name), Admitted)
