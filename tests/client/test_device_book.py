"""The devices that a client keeps: who finds them, how long, and what a store can do to them."""

import asyncio

import pytest
from attrs import evolve

from authflow import Device, Secret
from authflow.client.device_book import KEPT_SECONDS, DeviceBook
from authflow.errors import (
    KeysUnavailableError,
    StateError,
    StoreEntryError,
    StoreUnavailableError,
)
from authflow.keys import KeyRing
from authflow.stores import MemoryStore, Stored
from authflow.testing import MovableClock
from testbed.kept_bench import Breakable

KEYS = KeyRing.generate()
MINE = Device(key="k1", group_key="g", password=Secret("canary-pässword"), sub="sub-of-ada")
NEWER = evolve(MINE, key="k2")
ADA, BOB = "ada@example.org", "bob@example.org"
HERS = evolve(MINE, key="k3", sub="sub-of-bob")


def book_of(store, clock, keys=KEYS, client="client"):
    return DeviceBook(
        place=("eu-central-1_A", client),
        keys=keys,
        store=store,
        clock=lambda: clock.utc().timestamp(),
    )


@pytest.fixture
def clock():
    return MovableClock()


@pytest.fixture
def book(store, clock):
    return book_of(store, clock)


async def test_every_name_leads_to_the_one_device_of_its_user(book):
    await book.keep(MINE, ["ada@example.org", "ada-1"])
    await book.keep(HERS, ["bob"])
    for name in ("ada@example.org", "ada-1", "sub-of-ada"):
        assert await book.find(name) == MINE
    assert await book.find("bob") == await book.of("sub-of-bob") == HERS
    for name in ("ADA-1", "ada-1 ", "carol", ""):
        assert await book.find(name) is None


async def test_a_newer_device_takes_the_place_and_the_older_one_is_not_forgotten_in_its_stead(book):
    await book.keep(MINE, ["ada"])
    await book.keep(NEWER, ["ada"])
    await book.forget(MINE, "sub-of-ada")
    assert await book.find("ada") == NEWER
    await book.forget(NEWER, "sub-of-ada")
    assert await book.find("ada") is None
    await book.forget(NEWER, "sub-of-ada")
    await book.keep(MINE, ["ada"])
    assert await book.find("ada") == MINE


async def test_a_name_that_moves_to_another_user_leads_there(book):
    await book.keep(MINE, ["shared"])
    await book.keep(HERS, ["shared"])
    assert await book.find("shared") == HERS
    assert await book.find("sub-of-ada") == MINE


async def test_a_use_has_a_new_name_lead_to_the_device_that_is_kept_and_to_no_other(book):
    await book.keep(MINE, ["ada"])
    await book.note_use(NEWER, ["intruder"])
    await book.note_use(MINE, ["+49151"])
    assert await book.find("intruder") is None
    assert await book.find("+49151") == MINE


async def test_a_device_without_a_user_is_not_kept(book):
    nobodys = evolve(MINE, sub=None)
    await book.keep(nobodys, ["ada"])
    await book.note_use(nobodys, ["ada"])
    assert await book.find("ada") is None


async def test_other_app_clients_and_other_keys_find_nothing(clock):
    store = MemoryStore()
    await book_of(store, clock).keep(MINE, ["ada"])
    assert await book_of(store, clock, client="other").find("ada") is None
    assert await book_of(store, clock, keys=KeyRing.generate()).find("ada") is None
    assert await book_of(store, clock, keys=KEYS.rotated("2")).find("ada") == MINE


async def test_a_device_lasts_as_long_as_it_is_used(clock):
    ticks = [0.0]
    store = MemoryStore(clock=lambda: ticks[0])
    book = book_of(store, clock)

    def wait(seconds: float) -> None:
        ticks[0] += seconds
        clock.advance(seconds)

    await book.keep(MINE, ["ada"])
    for _ in range(3):
        wait(KEPT_SECONDS - 1)
        assert await book.find("ada") == MINE
        await book.note_use(MINE, ["ada"])
    wait(KEPT_SECONDS + 1)
    assert await book.find("ada") is None


async def test_a_use_within_a_month_writes_nothing(clock):
    store = Breakable()
    book = book_of(store, clock)
    await book.keep(MINE, ["ada"])
    store.calls.clear()
    await book.note_use(MINE, ["ada"])
    assert "replace" not in store.calls


async def test_the_store_tells_nothing_and_copies_open_nowhere_else(clock):
    kept: dict[str, bytes] = {}

    class Seen(MemoryStore):
        async def replace(self, key, value, **given):
            kept[key] = value
            return await super().replace(key, value, **given)

    store = Seen()
    book = book_of(store, clock)
    await book.keep(MINE, [ADA])
    await book.keep(HERS, [BOB])
    everything = " ".join(f"{key} {value!r}" for key, value in kept.items())
    for secret in ("canary", "example", "sub-of"):
        assert secret not in everything
    for name, value in kept.items():
        for other in kept:
            stored = await store.read(other)
            await MemoryStore.replace(store, other, value, expected=stored.version, seconds=60)
        assert [await book.find(each) for each in (ADA, BOB)].count(None) >= 1, name
        for each, whole in kept.items():
            stored = await store.read(each)
            await MemoryStore.replace(store, each, whole, expected=stored.version, seconds=60)
    assert await book.find(ADA) == MINE


@pytest.mark.parametrize("value", [b"", b"x", b"dv1.1.AAAA", b"\xff" * 50, b"dv9.1." + b"A" * 99])
async def test_what_cannot_be_opened_is_no_device_and_is_replaced(clock, value):
    store = MemoryStore()
    book = book_of(store, clock)
    await book.keep(MINE, ["ada"])
    for name in list(store._entries):
        stored = await store.read(name)
        await store.replace(name, value, expected=stored.version, seconds=60)
    assert await book.find("ada") is None
    await book.keep(MINE, ["ada"])
    assert await book.find("ada") == MINE


@pytest.mark.parametrize("error", [OSError("canary"), asyncio.CancelledError()], ids=["", "stray"])
@pytest.mark.parametrize("at", ["read", "replace"])
async def test_a_store_that_fails_says_so(clock, at, error):
    store = Breakable()
    book = book_of(store, clock)
    await book.keep(MINE, ["ada"])
    store.error, store.fails_from = error, at
    calls = [book.keep(MINE, ["ada"]), book.forget(MINE, "sub-of-ada"), book.note_word(MINE)]
    calls += [book.forget_of(MINE, "ada")]
    if at == "read":
        calls += [book.find("ada"), book.of("sub-of-ada"), book.note_use(MINE, [])]
    for call in calls:
        with pytest.raises(StoreUnavailableError, match="try later"):
            await call


async def test_keys_that_end_by_a_stray_cancellation_cannot_be_asked(clock):
    class Closing:
        async def ring(self, key_id=None):
            raise asyncio.CancelledError

    book = book_of(MemoryStore(), clock, keys=Closing())
    for call in (book.find("ada"), book.keep(MINE, ["ada"]), book.forget(MINE, "sub-of-ada")):
        with pytest.raises(KeysUnavailableError):
            await call


async def test_a_caller_who_is_cancelled_is_cancelled(clock):
    asked = asyncio.Event()

    class Hangs(MemoryStore):
        async def read(self, key):
            asked.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(book_of(Hangs(), clock).find("ada"))
    await asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("name", ["bob", "b@example.org", "sub-of-bob", "nobody"])
async def test_what_the_pool_says_to_another_user_forgets_no_device(book, name):
    await book.keep(MINE, ["ada"])
    await book.keep(HERS, ["bob", "b@example.org"])
    await book.forget_of(MINE, name)
    await book.forget(MINE, "sub-of-bob")
    assert await book.find("ada") == MINE
    assert await book.find("bob") == HERS
    await book.forget_of(evolve(MINE, sub=None), "ada")
    assert await book.find("ada") is None


async def test_another_password_is_another_device_and_a_key_alone_is_enough(book):
    await book.keep(MINE, ["ada"])
    await book.forget(evolve(MINE, password=Secret("wrong")), "sub-of-ada")
    assert await book.find("ada") == MINE
    await book.forget(evolve(MINE, password=None), "sub-of-ada")
    assert await book.find("ada") is None


async def test_the_word_of_a_person_is_owed_until_it_is_noted(book, clock):
    await book.keep(MINE, ["ada"], word_owed=True)
    assert await book.note_use(MINE, ["ada"])
    clock.advance(KEPT_SECONDS / 2)
    assert await book.note_use(MINE, ["ada"])  # which keeps it anew
    assert await book.note_use(MINE, ["ada"])
    await book.note_word(MINE)
    assert not await book.note_use(MINE, ["ada"])
    assert await book.find("ada") == MINE


async def test_a_store_that_hangs_is_given_up(clock, monkeypatch):
    monkeypatch.setattr("authflow.client.device_book.STORE_TIMEOUT", 0.01)

    class Hangs(MemoryStore):
        async def read(self, key):
            import anyio

            await anyio.sleep_forever()

    with pytest.raises(StoreUnavailableError):
        await book_of(Hangs(), clock).find("ada")


@pytest.mark.parametrize("given", ["text", Stored(value="text", version="1"), 5], ids=str)
async def test_a_store_that_is_none_is_told(clock, given):
    class Odd(MemoryStore):
        async def read(self, key):
            return given

    with pytest.raises(StoreEntryError):
        await book_of(Odd(), clock).find("ada")


async def test_a_store_that_always_changes_is_given_up(clock):
    class Changing(MemoryStore):
        async def replace(self, key, value, **given):
            return False

    with pytest.raises(StateError, match="too many at once"):
        await book_of(Changing(), clock).keep(MINE, ["ada"])
