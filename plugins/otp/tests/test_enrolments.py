"""Where authenticators' secrets are kept: in memory, and in moto's DynamoDB over HTTP."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from attrs import evolve
from authflow_otp.enrolments import (
    AuthenticatorEnrolment,
    Kind,
    Owner,
    SealedSecretStore,
    from_store,
)
from hypothesis import given
from hypothesis import strategies as st

from authflow.errors import ConfigError, SealError, StateError, StoreUnavailableError
from authflow.plugins import Secret
from authflow.triggers import DynamoDbStore, KeyRing, MemoryStore, Store

ADA = Owner(user_pool_id="eu-central-1_A", username="ada", kind=Kind.TOTP)
SECRET = b"12345678901234567890"
ENROLMENT = AuthenticatorEnrolment(secret=Secret(SECRET), confirmed=True)


@pytest.fixture
async def dynamodb(aws: str) -> AsyncIterator[DynamoDbStore]:
    async with DynamoDbStore(table=f"t-{uuid4()}", endpoint=aws) as entries:
        await entries.create_table()
        yield entries


@pytest.fixture(params=["memory", "dynamodb"])
def entries(request: pytest.FixtureRequest) -> Store:
    if request.param == "memory":
        return MemoryStore()
    made: Store = request.getfixturevalue("dynamodb")
    return made


async def test_what_was_written_is_given_back(entries: Store, keys: KeyRing) -> None:
    store = SealedSecretStore(entries=entries, keys=keys)
    assert await store.get(ADA) is None
    assert await store.replace(ADA, ENROLMENT, expected=None)
    kept = await SealedSecretStore(entries=entries, keys=keys).get(ADA)
    assert kept is not None
    assert kept.enrolment == ENROLMENT
    assert kept.enrolment.secret.reveal() == SECRET


async def test_of_two_who_write_at_once_one_wins(entries: Store, keys: KeyRing) -> None:
    store = SealedSecretStore(entries=entries, keys=keys)
    assert await store.replace(ADA, ENROLMENT, expected=None)
    assert not await store.replace(ADA, evolve(ENROLMENT, next_place=9), expected=None)
    kept = await store.get(ADA)
    assert kept is not None
    assert await store.replace(ADA, evolve(ENROLMENT, next_place=1), expected=kept.version)
    assert not await store.replace(ADA, evolve(ENROLMENT, next_place=2), expected=kept.version)
    after = await store.get(ADA)
    assert after is not None
    assert after.enrolment.next_place == 1


async def test_users_pools_and_kinds_are_kept_apart(keys: KeyRing) -> None:
    store = SealedSecretStore(entries=MemoryStore(), keys=keys)
    await store.replace(ADA, ENROLMENT, expected=None)
    for change in ({"username": "bob"}, {"user_pool_id": "x"}, {"kind": Kind.HOTP}):
        assert await store.get(evolve(ADA, **change)) is None


class Spied(MemoryStore):
    """Keeps what is written, and can give it under another name."""

    given: dict[str, bytes]
    swap: dict[str, str]

    async def read(self, key: str) -> Any:
        return await super().read(self.swap.get(key, key))

    async def replace(self, key: str, value: bytes, **how: Any) -> bool:
        self.given[key] = value
        return await super().replace(key, value, **how)


@pytest.fixture
def spied() -> Spied:
    entries = Spied()
    entries.given, entries.swap = {}, {}
    return entries


async def test_the_store_learns_neither_the_user_nor_the_secret(
    spied: Spied, keys: KeyRing
) -> None:
    await SealedSecretStore(entries=spied, keys=keys).replace(ADA, ENROLMENT, expected=None)
    ((key, value),) = spied.given.items()
    assert len(key) == 43
    for told in (b"ada", SECRET, b"SHA1", b"eu-central"):
        assert told not in value + key.encode()


async def test_an_entry_keeps_the_name_that_it_had(spied: Spied) -> None:
    """Another name would shut every user out: the secrets that are kept would not be found."""
    ring = KeyRing(
        keys={"1": Secret(bytes(range(32))), "2": Secret(bytes(range(32, 64)))},
        current="2",
        lookup="1",
    )
    await SealedSecretStore(entries=spied, keys=ring).replace(ADA, ENROLMENT, expected=None)
    assert list(spied.given) == ["K-JK7RYjKg-8K31efirPJBcaGOteXdVow2Kx9c-kM74"]


async def test_another_users_enrolment_does_not_open(spied: Spied, keys: KeyRing) -> None:
    store = SealedSecretStore(entries=spied, keys=keys)
    bob = evolve(ADA, username="bob")
    await store.replace(ADA, ENROLMENT, expected=None)
    await store.replace(bob, evolve(ENROLMENT, digits=8), expected=None)
    adas, bobs = spied.given
    spied.swap[adas] = bobs
    with pytest.raises(SealError):
        await store.get(ADA)


@pytest.mark.parametrize("place", [0, 1, 2, 5, 20, -1])
async def test_an_altered_enrolment_does_not_open(spied: Spied, keys: KeyRing, place: int) -> None:
    store = SealedSecretStore(entries=spied, keys=keys)
    await store.replace(ADA, ENROLMENT, expected=None)
    ((key, value),) = spied.given.items()
    stored = await spied.read(key)
    altered = bytearray(value)
    altered[place] ^= 1
    await spied.replace(key, bytes(altered), expected=stored.version, seconds=60)
    with pytest.raises(SealError):
        await store.get(ADA)


@given(value=st.binary(max_size=100))
async def test_whatever_else_stands_in_the_store_is_refused(value: bytes) -> None:
    spied = Spied()
    spied.given, spied.swap = {}, {}
    store = SealedSecretStore(entries=spied, keys=RING)
    await store.replace(ADA, ENROLMENT, expected=None)
    (key,) = spied.given
    stored = await spied.read(key)
    assert stored is not None
    await spied.replace(key, value, expected=stored.version, seconds=60)
    with pytest.raises(SealError):
        await store.get(ADA)


RING = KeyRing.generate()


async def test_after_a_rotation_old_entries_open_and_reseal_moves_them(keys: KeyRing) -> None:
    entries = MemoryStore()
    await SealedSecretStore(entries=entries, keys=keys).replace(ADA, ENROLMENT, expected=None)
    rotated = keys.rotated("2")
    store = SealedSecretStore(entries=entries, keys=rotated)
    assert await store.get(ADA) is not None
    assert await store.reseal(ADA)
    assert not await store.reseal(evolve(ADA, username="bob"))
    # The old key names the entries still, and opens none any more.
    stranger = KeyRing(
        keys={"1": rotated.keys["1"], "2": Secret(bytes(range(32)))}, current="2", lookup="1"
    )
    with pytest.raises(SealError):
        await SealedSecretStore(entries=entries, keys=stranger).get(ADA)


async def test_without_the_store_there_is_an_error_and_no_answer(aws: str, keys: KeyRing) -> None:
    async with DynamoDbStore(table="absent", endpoint=aws) as entries:
        store = SealedSecretStore(entries=entries, keys=keys)
        with pytest.raises(StoreUnavailableError):
            await store.get(ADA)


def test_an_enrolment_does_not_show_its_secret() -> None:
    assert "1234567890" not in repr(ENROLMENT)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"secret": Secret(b"short")}, "at least 16 bytes"),
        ({"secret": Secret("x" * 20)}, "bytes in a Secret"),
        ({"secret": SECRET}, "bytes in a Secret"),
        ({"algorithm": "MD5"}, "algorithm"),
        ({"digits": 5}, "6 to 8"),
        ({"digits": 9}, "6 to 8"),
        ({"digits": True}, "6 to 8"),
        ({"next_place": -1}, "not below 0"),
        ({"next_place": 0.5}, "not below 0"),
    ],
)
def test_an_enrolment_out_of_bounds_is_refused(change: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        evolve(ENROLMENT, **change)


@pytest.mark.parametrize("stray", [None, 5, b"x"])
@pytest.mark.parametrize("name", ["user_pool_id", "username", "sub", "kind"])
def test_an_owner_is_made_of_texts(name: str, stray: Any) -> None:
    with pytest.raises(ConfigError, match=f"Owner: {name} is"):
        evolve(ADA, **{name: stray})
    if name != "sub":
        with pytest.raises(ConfigError, match=f"Owner: {name} is"):
            evolve(ADA, **{name: ""})


async def test_what_was_enrolled_before_accounts_were_told_opens_and_is_nobodys(
    spied: Spied, keys: KeyRing
) -> None:
    store = SealedSecretStore(entries=spied, keys=keys)
    await store.replace(ADA, ENROLMENT, expected=None)
    kept = await store.get(evolve(ADA, sub="1"))
    assert kept is not None
    older = json.loads(ENROLMENT.to_json())
    del older["sub"]
    assert AuthenticatorEnrolment.from_json(json.dumps(older).encode()) == kept.enrolment
    assert kept.enrolment.belongs_to("1")
    assert not evolve(kept.enrolment, sub="2").belongs_to("1")
    assert not evolve(kept.enrolment, sub="2").belongs_to("")


async def test_a_key_that_a_provider_denies_by_an_error_is_gone(
    spied: Spied, keys: KeyRing
) -> None:
    class Strict:
        async def key_ring(self, *, having: str | None = None) -> KeyRing:
            if having is not None and having not in keys.keys:
                raise LookupError(having)
            return keys

    store = SealedSecretStore(entries=spied, keys=Strict())
    await store.replace(ADA, ENROLMENT, expected=None)
    ((key, value),) = spied.given.items()
    stored = await spied.read(key)
    await spied.replace(
        key, b"1.gone." + value.split(b".", 2)[2], expected=stored.version, seconds=60
    )
    with pytest.raises(SealError):
        await store.get(ADA)


async def test_a_store_that_ends_by_a_cancellation_of_nobodys_has_failed() -> None:
    async def ends() -> None:
        raise asyncio.CancelledError

    with pytest.raises(StateError, match="StrayCancelError"):
        await from_store(Kind.TOTP, ends())
    task = asyncio.create_task(from_store(Kind.TOTP, asyncio.Event().wait()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
