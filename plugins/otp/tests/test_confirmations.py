"""What was confirmed in another browser is kept for one link and one window."""

import asyncio
from typing import Any
from uuid import uuid4

import anyio
import pytest
from attrs import evolve
from authflow_otp import confirmations
from authflow_otp.confirmations import Confirmations, is_number, new_number
from authflow_otp.link_tokens import SignInLink, new_link_id, owner_of

from authflow.errors import KeysUnavailableError, MisuseError, StoreUnavailableError
from authflow.keys import KeyRing
from authflow.plugins import Challenge, Randomness, Secret
from authflow.stores import DynamoDbStore, MemoryStore

POOL = "eu-central-1_Abc123def"
RING = KeyRing.generate()
NUMBERS = ["000098", *(f"{each:04}{98 - each * 100 % 97:02}" for each in (1, 42, 9999, 1234))]


def a_link(username: str = "ada", seed: bytes = b"1") -> SignInLink:
    return SignInLink(
        link_id=new_link_id(Randomness.seeded(seed)),
        until=1_800_000_000,
        owner=owner_of(RING, POOL, username),
    )


async def waiting(kept: Confirmations, link: SignInLink, number: str) -> Challenge:
    name = await kept.name_of_wait(link, number, user_pool_id=POOL)
    return Challenge(
        name="CUSTOM_CHALLENGE", kind="link", parameters={"waitsFor": name, "number": number}
    )


def test_numbers_have_six_digits_and_are_drawn():
    drawn = [new_number() for _ in range(200)]
    assert all(is_number(each) for each in drawn)
    assert len({*drawn}) > 150


@pytest.mark.parametrize("number", NUMBERS[1:])
def test_a_mistyped_number_is_none(number: str):
    assert is_number(number)
    for place in range(6):
        for digit in "0123456789":
            if digit != number[place]:
                assert not is_number(number[:place] + digit + number[place + 1 :])
    for place in range(5):
        one, other = number[place : place + 2]
        if one != other:
            assert not is_number(number[:place] + other + one + number[place + 2 :])


def test_a_number_is_one_that_some_window_can_have():
    shown = {f"{each:04}{98 - each * 100 % 97:02}" for each in range(10_000)}
    assert {text for each in range(10**6) if is_number(text := f"{each:06}")} == shown


@pytest.mark.parametrize("number", [None, 5, b"000098"])
async def test_what_is_no_link_or_number_is_confirmed_by_nobody(number: Any):
    kept = Confirmations(entries=MemoryStore(), keys=RING)
    for call in (kept.confirm(a_link(), number, seconds=9), kept.has(a_link(), number)):
        with pytest.raises(MisuseError, match="a number as text"):
            await call
    for stray in (None, "link", Secret("link")):
        for call in (
            kept.confirm(stray, "000098", seconds=9),
            kept.has(stray, "000098"),
            kept.use_up(stray, seconds=9),
        ):
            with pytest.raises(MisuseError, match="SignInLink"):
                await call
        with pytest.raises(MisuseError, match="Challenge"):
            await kept.wait_is_over(stray, user_pool_id=POOL)


@pytest.mark.parametrize(
    "text", ["", "1", "00001", "0000010", "\u0660" * 5 + "\u0661", "00000x", "-00001", "1e5"]
)
def test_what_is_no_six_digits_is_no_number(text: str):
    assert not is_number(text)


async def test_a_confirmation_is_for_its_link_its_user_and_its_window():
    kept = Confirmations(entries=MemoryStore(), keys=RING)
    link, number, other = a_link(), NUMBERS[1], NUMBERS[2]
    assert not await kept.has(link, number)
    waits = await waiting(kept, link, number)
    assert not await kept.wait_is_over(waits, user_pool_id=POOL)
    assert await kept.confirm(link, number, seconds=60)
    assert await kept.has(link, number)
    assert not await kept.has(link, other)
    assert not await kept.has(a_link(seed=b"2"), number)
    assert not await kept.has(evolve(link, owner=a_link("grace").owner), number)
    assert await kept.wait_is_over(waits, user_pool_id=POOL)
    for another in (
        await waiting(kept, link, other),
        await waiting(kept, a_link(seed=b"2"), number),
        await waiting(kept, a_link("grace"), number),
        evolve(waits, parameters={**waits.parameters, "number": other}),
        evolve(waits, parameters={**waits.parameters, "waitsFor": "\ud800.\ud800"}),
        Challenge(name="X"),
    ):
        assert not await kept.wait_is_over(another, user_pool_id=POOL)
    assert not await kept.wait_is_over(waits, user_pool_id="other")


async def test_no_window_waits_for_a_link_that_was_used_and_none_confirms_it():
    kept = Confirmations(entries=MemoryStore(), keys=RING)
    link = a_link()
    waits = await waiting(kept, link, NUMBERS[1])
    assert await kept.confirm(link, NUMBERS[1], seconds=60)
    await kept.use_up(a_link(seed=b"2"), seconds=60)
    assert await kept.wait_is_over(waits, user_pool_id=POOL)
    await kept.use_up(link, seconds=60)
    await kept.use_up(link, seconds=60)
    assert not await kept.wait_is_over(waits, user_pool_id=POOL)
    assert not await kept.confirm(link, NUMBERS[2], seconds=60)
    assert not await kept.has(link, NUMBERS[2])


async def test_a_confirmation_is_found_after_a_rotation_and_not_with_other_keys():
    store = MemoryStore()
    await Confirmations(entries=store, keys=RING).confirm(a_link(), NUMBERS[1], seconds=60)
    assert await Confirmations(entries=store, keys=RING.rotated("2")).has(a_link(), NUMBERS[1])
    others = Confirmations(entries=store, keys=KeyRing.generate())
    assert not await others.has(a_link(), NUMBERS[1])


async def test_a_confirmation_is_forgotten_in_time(clock: Any):
    kept = Confirmations(entries=MemoryStore(clock=clock), keys=RING)
    await kept.confirm(a_link(), NUMBERS[1], seconds=60)
    clock.advance(61)
    assert not await kept.has(a_link(), NUMBERS[1])


async def test_a_hundred_clicks_at_once_confirm_once():
    kept = Confirmations(entries=MemoryStore(), keys=RING)
    async with anyio.create_task_group() as group:
        for _ in range(100):
            group.start_soon(lambda: kept.confirm(a_link(), NUMBERS[1], seconds=60))
    assert await kept.has(a_link(), NUMBERS[1])
    assert len(kept.entries) == 1  # type: ignore[arg-type]


async def test_the_store_learns_neither_the_link_nor_its_user_nor_the_number():
    store = MemoryStore()
    await Confirmations(entries=store, keys=RING).confirm(a_link(), NUMBERS[1], seconds=60)
    written = repr([(key, stored.value) for key, (stored, _) in store._entries.items()])
    for secret in (a_link().link_id, a_link().owner, "ada", NUMBERS[1]):
        assert secret not in written


async def test_confirmations_are_kept_for_all_processes(aws: str):
    async with DynamoDbStore(table=f"t-{uuid4()}", endpoint=aws) as entries:
        await entries.create_table()
        here, there = (Confirmations(entries=entries, keys=RING) for _ in range(2))
        async with anyio.create_task_group() as group:
            for _ in range(4):
                group.start_soon(lambda: here.confirm(a_link(), NUMBERS[1], seconds=60))
        assert await there.has(a_link(), NUMBERS[1])
        assert not await there.has(a_link(), NUMBERS[2])


async def test_without_the_store_nobody_knows(down: DynamoDbStore):
    kept = Confirmations(entries=down, keys=RING)
    with pytest.raises(StoreUnavailableError):
        await kept.confirm(a_link(), NUMBERS[1], seconds=60)
    with pytest.raises(StoreUnavailableError):
        await kept.has(a_link(), NUMBERS[1])
    with pytest.raises(StoreUnavailableError):
        await kept.wait_is_over(await waiting(kept, a_link(), NUMBERS[1]), user_pool_id=POOL)


class Lost:
    """Stands for a provider of keys that hangs, or raises what it likes."""

    def __init__(self, how: str) -> None:
        self.how = how

    async def key_ring(self, *, having: str | None = None) -> KeyRing:
        if self.how == "hangs":
            await anyio.sleep_forever()
        raise OSError(self.how)


@pytest.mark.parametrize("how", ["raises", "hangs"])
async def test_keys_that_cannot_be_had_are_told_as_such(how: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("authflow.keys.key_ring.RING_TIMEOUT", 0.01)
    kept = Confirmations(entries=MemoryStore(), keys=Lost(how))
    known = Confirmations(entries=MemoryStore(), keys=RING)
    waits = await waiting(known, a_link(), NUMBERS[1])
    for asked in (
        lambda: kept.confirm(a_link(), NUMBERS[1], seconds=60),
        lambda: kept.has(a_link(), NUMBERS[1]),
        lambda: kept.use_up(a_link(), seconds=60),
        lambda: kept.wait_is_over(waits, user_pool_id=POOL),
        lambda: waiting(kept, a_link(), NUMBERS[1]),
    ):
        with anyio.fail_after(1), pytest.raises(KeysUnavailableError):
            await asked()


class Stuck:
    """Stands for a store that hangs, raises what it likes, or whose entries never stop changing."""

    def __init__(self, how: str) -> None:
        self.how = how

    async def read(self, key: str) -> None:
        if self.how == "hangs":
            await anyio.sleep_forever()
        if self.how == "raises":
            raise OSError(key)
        if self.how == "ends":
            raise asyncio.CancelledError(key)

    async def replace(self, *_args: Any, **_named: Any) -> bool:
        return False


@pytest.mark.parametrize("how", ["raises", "ends", "hangs", "changes"])
async def test_a_store_that_fails_is_told_as_such(how: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(confirmations, "STORE_TIMEOUT", 0.01)
    kept = Confirmations(entries=Stuck(how), keys=RING)
    with anyio.fail_after(1), pytest.raises(StoreUnavailableError, match="try again later"):
        await kept.confirm(a_link(), NUMBERS[1], seconds=60)
