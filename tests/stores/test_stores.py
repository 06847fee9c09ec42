import json
import logging
import math
from typing import Any

import anyio
import pytest
from aiobotocore.session import get_session
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis

from authflow.errors import ConfigError, StoreEntryError, StoreUnavailableError
from authflow.stores.dynamodb import DynamoDbStore
from authflow.stores.redis import RedisStore
from authflow.stores.store import MemoryStore, Store, Stored

KEY = "k" * 43
redis_server = pytest.mark.system("redis-server")


async def read(store: Store, key: str = KEY) -> Stored:
    stored = await store.read(key)
    assert stored is not None
    return stored


async def wait_until_expired(store: Store) -> None:
    with anyio.fail_after(30):
        while await store.read(KEY) is not None:
            await anyio.sleep(0.02)


class TestEveryStore:
    async def test_what_was_never_written_is_not_there(self, store: Store):
        assert await store.read(KEY) is None

    async def test_what_was_written_is_read(self, store: Store):
        assert await store.replace(KEY, b"\x00\xff one", expected=None, seconds=60)
        assert (await read(store)).value == b"\x00\xff one"

    async def test_keys_do_not_meet(self, store: Store):
        assert await store.replace(KEY, b"one", expected=None, seconds=60)
        assert await store.read("x" * 43) is None
        assert await store.replace("x" * 43, b"two", expected=None, seconds=60)
        assert (await read(store)).value == b"one"

    async def test_an_entry_is_made_once(self, store: Store):
        assert await store.replace(KEY, b"one", expected=None, seconds=60)
        assert not await store.replace(KEY, b"two", expected=None, seconds=60)
        assert (await read(store)).value == b"one"

    async def test_a_known_version_is_replaced_and_an_outdated_one_is_not(self, store: Store):
        assert await store.replace(KEY, b"one", expected=None, seconds=60)
        first = await read(store)
        assert await store.replace(KEY, b"two", expected=first.version, seconds=60)
        assert not await store.replace(KEY, b"three", expected=first.version, seconds=60)
        assert (await read(store)).value == b"two"

    async def test_a_value_that_comes_back_is_still_another_version(self, store: Store):
        assert await store.replace(KEY, b"one", expected=None, seconds=60)
        first = await read(store)
        assert await store.replace(KEY, b"two", expected=first.version, seconds=60)
        assert await store.replace(KEY, b"one", expected=(await read(store)).version, seconds=60)
        assert not await store.replace(KEY, b"three", expected=first.version, seconds=60)

    async def test_a_version_of_nothing_replaces_nothing(self, store: Store):
        assert not await store.replace(KEY, b"one", expected="1" * 32, seconds=60)
        assert await store.read(KEY) is None

    async def test_an_expired_entry_is_gone_and_can_be_made_anew(self, store: Store):
        assert await store.replace(KEY, b"one", expected=None, seconds=0.05)
        await wait_until_expired(store)
        assert await store.replace(KEY, b"two", expected=None, seconds=60)
        assert (await read(store)).value == b"two"

    async def test_an_expired_version_is_not_replaced(self, store: Store):
        # DynamoDB counts whole seconds: an entry of a second is still there when it is read.
        assert await store.replace(KEY, b"one", expected=None, seconds=1)
        stored = await read(store)
        await wait_until_expired(store)
        assert not await store.replace(KEY, b"two", expected=stored.version, seconds=60)

    async def test_writing_again_gives_a_new_time(self, store: Store):
        assert await store.replace(KEY, b"one", expected=None, seconds=60)
        stored = await read(store)
        assert await store.replace(KEY, b"two", expected=stored.version, seconds=0.05)
        await wait_until_expired(store)

    async def test_of_many_who_write_at_once_one_wins(self, store: Store):
        assert await store.replace(KEY, b"start", expected=None, seconds=60)
        version = (await read(store)).version
        winners = []

        async def write(name: int) -> None:
            if await store.replace(KEY, b"%d" % name, expected=version, seconds=60):
                winners.append(name)

        async with anyio.create_task_group() as tasks:
            for name in range(30):
                tasks.start_soon(write, name)
        assert len(winners) == 1
        assert (await read(store)).value == b"%d" % winners[0]

    async def test_of_many_who_make_an_entry_at_once_one_wins(self, store: Store):
        winners = []

        async def write(name: int) -> None:
            if await store.replace(KEY, b"%d" % name, expected=None, seconds=60):
                winners.append(name)

        async with anyio.create_task_group() as tasks:
            for name in range(30):
                tasks.start_soon(write, name)
        assert len(winners) == 1

    async def test_neither_a_repr_nor_the_log_shows_a_value(
        self, store: Store, caplog: pytest.LogCaptureFixture
    ):
        caplog.set_level(logging.INFO)
        assert await store.replace(KEY, b"canary", expected=None, seconds=60)
        assert "canary" not in repr(await read(store)) + repr(store) + caplog.text

    @pytest.mark.parametrize(
        "seconds", [0, -1, math.nan, math.inf, 10**400, 1e12, True, "60", None, b"60"]
    )
    async def test_an_entry_is_kept_for_a_number_of_seconds(self, store: Store, seconds: Any):
        with pytest.raises(ConfigError, match="seconds, for which a store keeps an entry"):
            await store.replace(KEY, b"one", expected=None, seconds=seconds)
        assert await store.read(KEY) is None


class TestMemory:
    @pytest.mark.parametrize("most", [0, -1, 1.5, True, "9"])
    def test_a_store_without_room_is_refused(self, most: Any):
        with pytest.raises(ConfigError, match="most_entries is a whole number from 1"):
            MemoryStore(most_entries=most)

    async def test_a_full_store_refuses_rather_than_forgets(self, clock: Any):
        store = MemoryStore(most_entries=2, clock=clock)
        for key in "ab":
            assert await store.replace(key, b"", expected=None, seconds=60)
        with pytest.raises(StoreUnavailableError, match="full"):
            await store.replace("c", b"", expected=None, seconds=60)
        stored = await read(store, "a")
        assert await store.replace("a", b"new", expected=stored.version, seconds=60)
        clock.now += 60
        assert await store.replace("c", b"", expected=None, seconds=60)
        assert len(store) == 1

    @pytest.mark.parametrize("most", [0, -1, 1.5, True, "9"])
    def test_a_place_for_strangers_without_room_is_refused(self, most: Any):
        with pytest.raises(ConfigError, match="most_strangers is a whole number from 1"):
            MemoryStore(most_strangers=most)

    @pytest.mark.parametrize("most", [1, 2, 7])
    async def test_strangers_take_the_place_of_strangers_alone_the_oldest_first(
        self, clock: Any, most: int
    ):
        store = MemoryStore(most_entries=1, most_strangers=most, clock=clock)
        assert await store.replace("known", b"locked", expected=None, seconds=60)
        strangers = store.for_strangers()
        assert store.for_strangers() is strangers
        for number in range(most):
            assert await strangers.replace(str(number), b"", expected=None, seconds=60)
        first = await read(strangers, "0")
        assert await strangers.replace("0", b"again", expected=first.version, seconds=60)
        for number in range(most, 2 * most):
            assert await strangers.replace(str(number), b"", expected=None, seconds=60)
            assert len(store) == 1 + most
        assert (await read(store, "known")).value == b"locked"
        # What was written again is no longer the oldest.
        left = [n for n in range(2 * most) if await strangers.read(str(n)) is not None]
        assert left == list(range(most, 2 * most))
        assert await store.read("0") is None

    async def test_what_strangers_left_goes_when_its_time_is_over(self, clock: Any):
        store = MemoryStore(clock=clock)
        for number in range(100):
            await store.for_strangers().replace(str(number), b"", expected=None, seconds=60)
        clock.now += 60
        assert await store.replace("known", b"", expected=None, seconds=60)
        assert len(store) == 1


class TestRedis:
    @pytest.mark.parametrize("url", ["localhost:6379", "http://localhost", "redis://h:hunter2x/0"])
    def test_an_unreadable_url_is_refused_and_not_shown(self, url: str):
        with pytest.raises(ConfigError, match="redis://") as caught:
            RedisStore(redis=url)
        assert "hunter2x" not in str(caught.value)
        assert caught.value.__suppress_context__

    def test_what_is_no_client_is_refused(self):
        with pytest.raises(ConfigError, match=r"redis\.asyncio\.Redis, not int"):
            RedisStore(redis=6379)

    def test_a_client_that_decodes_is_refused(self):
        with pytest.raises(ConfigError, match="decode_responses=False"):
            RedisStore(redis=Redis(decode_responses=True))

    def test_a_repr_does_not_show_the_password_in_a_url(self):
        assert "hunter2" not in repr(RedisStore(redis="redis://:hunter2@localhost/0"))

    async def test_a_server_that_is_not_there_is_a_typed_error(self, tmp_path):
        async with RedisStore(redis=f"unix://{tmp_path}/none.sock") as store:
            with pytest.raises(StoreUnavailableError):
                await store.read(KEY)
            with pytest.raises(StoreUnavailableError):
                await store.replace(KEY, b"", expected=None, seconds=1)

    @redis_server
    @pytest.mark.parametrize("entry", [b"", b"short", b"{" * 40, b"\xff" * 40])
    async def test_a_foreign_entry_is_a_typed_error(self, redis_store: RedisStore, entry: bytes):
        await redis_store._redis.set(redis_store.prefix + KEY, entry)
        with pytest.raises(StoreEntryError, match="change the prefix"):
            await redis_store.read(KEY)

    @redis_server
    async def test_a_foreign_type_is_a_typed_error(self, redis_store: RedisStore):
        await redis_store._redis.lpush(redis_store.prefix + KEY, "x")
        with pytest.raises(StoreUnavailableError):
            await redis_store.read(KEY)

    @redis_server
    async def test_a_write_that_the_driver_repeats_is_one_write(self, redis_store: RedisStore):
        """Its reply may be lost after it was carried out."""
        again = {"keys": [redis_store.prefix + KEY], "args": ["", b"a" * 32 + b"value", 60_000]}
        assert await redis_store._replace(**again) == 1
        assert await redis_store._replace(**again) == 1
        assert await redis_store._replace(keys=again["keys"], args=["", b"b" * 32, 60_000]) == 0
        assert (await read(redis_store)).value == b"value"

    @redis_server
    async def test_entries_expire_in_the_server(self, redis_store: RedisStore):
        assert await redis_store.replace(KEY, b"", expected=None, seconds=60)
        assert 0 < await redis_store._redis.pttl(redis_store.prefix + KEY) <= 60_000

    @redis_server
    async def test_a_client_of_the_callers_is_used_and_left_open(self, redis_url: str):
        async with Redis.from_url(redis_url) as client:
            async with RedisStore(redis=client, prefix="shared:") as store:
                assert await store.read(KEY) is None
            assert await client.ping()

    @redis_server
    async def test_a_flushed_script_cache_is_no_failure(self, redis_store: RedisStore):
        assert await redis_store.replace(KEY, b"", expected=None, seconds=60)
        await redis_store._redis.script_flush()
        version = (await read(redis_store)).version
        assert await redis_store.replace(KEY, b"new", expected=version, seconds=60)


class TestDynamoDb:
    def test_a_table_needs_a_name(self):
        with pytest.raises(ConfigError, match="name the table"):
            DynamoDbStore(table="")

    async def test_a_table_that_is_there_is_not_made_again(self, dynamodb_store):
        assert await dynamodb_store.replace("k", b"v", expected=None, seconds=60)
        await dynamodb_store.create_table()
        assert (await dynamodb_store.read("k")).value == b"v"

    def test_a_client_has_its_endpoint_already(self):
        with pytest.raises(ConfigError, match="endpoint already"):
            DynamoDbStore(table="t", client=object(), endpoint="http://localhost")

    async def test_a_server_that_is_not_there_is_a_typed_error(self, aws_credentials: None):
        async with DynamoDbStore(table="t", endpoint="http://127.0.0.1:9") as store:
            with pytest.raises(StoreUnavailableError):
                await store.read(KEY)

    async def test_a_table_that_is_not_there_is_a_typed_error(
        self, aws_url: str, aws_credentials: None, caplog: pytest.LogCaptureFixture
    ):
        async with DynamoDbStore(table="nowhere", endpoint=aws_url) as store:
            with pytest.raises(StoreUnavailableError):
                await store.replace(KEY, b"", expected=None, seconds=1)
        assert "put_item: ResourceNotFoundException" in caplog.text

    async def test_a_region_that_nobody_names_is_a_typed_error(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path
    ):
        for name in ("AWS_DEFAULT_REGION", "AWS_REGION", "AWS_PROFILE"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
        async with DynamoDbStore(table="t") as store:
            with pytest.raises(StoreUnavailableError):
                await store.read(KEY)

    async def test_a_foreign_entry_is_a_typed_error(self, dynamodb_store: DynamoDbStore):
        client = await dynamodb_store.connected()
        await client.put_item(TableName=dynamodb_store.table, Item={"name": {"S": KEY}})
        with pytest.raises(StoreEntryError):
            await dynamodb_store.read(KEY)

    async def test_an_entry_that_dynamodb_has_not_deleted_yet_is_gone_all_the_same(
        self, dynamodb_store: DynamoDbStore, clock: Any
    ):
        dynamodb_store.clock = clock
        assert await dynamodb_store.replace(KEY, b"one", expected=None, seconds=60)
        stored = await read(dynamodb_store)
        clock.now += 60
        assert await dynamodb_store.read(KEY) is None
        assert not await dynamodb_store.replace(KEY, b"two", expected=stored.version, seconds=60)
        assert await dynamodb_store.replace(KEY, b"two", expected=None, seconds=60)

    async def test_what_was_written_a_moment_ago_is_asked_for(self, dynamodb_store: DynamoDbStore):
        """DynamoDB may answer a read with what was there before, unless it is told not to.

        Moto always knows the last write, so it is the request that shows it.
        """
        client, bodies = await dynamodb_store.connected(), []

        def note(request: Any, **_: Any) -> None:
            bodies.append(json.loads(request.body))

        client.meta.events.register("before-send.dynamodb.GetItem", note)
        assert await dynamodb_store.replace(KEY, b"one", expected=None, seconds=60)
        assert (await read(dynamodb_store)).value == b"one"
        assert [body["ConsistentRead"] for body in bodies] == [True]

    async def test_the_table_is_the_one_that_is_documented(self, dynamodb_store: DynamoDbStore):
        client = await dynamodb_store.connected()
        table = await client.describe_table(TableName=dynamodb_store.table)
        assert table["Table"]["KeySchema"] == [{"AttributeName": "name", "KeyType": "HASH"}]
        ttl = await client.describe_time_to_live(TableName=dynamodb_store.table)
        assert ttl["TimeToLiveDescription"] == {
            "TimeToLiveStatus": "ENABLED",
            "AttributeName": "expires_at",
        }

    async def test_a_client_of_the_callers_is_used_and_left_open(
        self, dynamodb_store: DynamoDbStore, aws_url: str
    ):
        async with get_session().create_client("dynamodb", endpoint_url=aws_url) as client:
            async with DynamoDbStore(table=dynamodb_store.table, client=client) as store:
                assert await store.replace(KEY, b"one", expected=None, seconds=60)
            assert (await client.list_tables())["TableNames"]
        assert (await read(dynamodb_store)).value == b"one"


@given(
    writes=st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(1, 50), st.integers(0, 20), st.booleans()),
        max_size=200,
    )
)
async def test_it_agrees_with_a_plain_model_and_keeps_no_more_than_it_must(writes):
    now = 0.0
    store = MemoryStore(clock=lambda: now)
    model: dict[str, tuple[bytes, float]] = {}
    for number, (key, seconds, passed, outdated) in enumerate(writes):
        now += passed
        model = {name: kept for name, kept in model.items() if now < kept[1]}
        stored = await store.read(key)
        assert (None if stored is None else stored.value) == model.get(key, (None,))[0]
        expected = "outdated" if outdated else None if stored is None else stored.version
        value = b"%d" % number
        written = await store.replace(key, value, expected=expected, seconds=seconds)
        assert written is not outdated
        if written:
            model[key] = value, now + seconds
        assert len(store) == len(model)
        assert len(store._expiries) <= 2 * len(store) + 65
