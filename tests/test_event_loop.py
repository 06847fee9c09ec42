"""What keeps connections on an event loop says so on another one: after it, and beside it."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from functools import cache
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from authflow import AuthClient, AuthConfig, AuthFlow, Secret
from authflow.aws import AwsConnection
from authflow.aws.client_session import open_session
from authflow.client import transport
from authflow.errors import (
    AuthFlowError,
    DirectoryUnavailableError,
    MisuseError,
    StoreUnavailableError,
)
from authflow.event_loop import HomeLoop
from authflow.pool import PoolServer
from authflow.results import Challenge, ChallengeRequired
from authflow.sign_in import SignIn, State
from authflow.stores.dynamodb import DynamoDbStore
from authflow.stores.redis import RedisStore
from authflow.tokens import key_source
from authflow.triggers.cognito_groups import CognitoGroups
from authflow.triggers.directories.sql_directory import SqlDirectory

CONFIG = AuthConfig(
    user_pool_id="eu-central-1_A",
    client_id="1",
    endpoint="http://127.0.0.1:1",
    connect_timeout=0.2,
    verify_tokens=False,
)


_session = cache(open_session)


@pytest.fixture(autouse=True)
def _nothing_is_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "_PAUSES", ())
    monkeypatch.setattr(key_source, "_PAUSES", ())
    monkeypatch.setattr(transport, "open_session", _session)  # it reads the model once


def pending() -> ChallengeRequired:
    sign_in = SignIn(
        flow=AuthFlow.USER_SRP_AUTH,
        state=State.SMS_MFA,
        username="ada",
        canonical_username="ada",
        session=Secret("s" * 20),
        expires_at=1e12,
    )
    return ChallengeRequired(challenge=Challenge(name="SMS_MFA"), sign_in=sign_in)


CALLS: dict[str, Callable[[AuthClient], Coroutine[Any, Any, Any]]] = {
    "sign_in": lambda auth: auth.sign_in("ada", "x"),
    "sign_in without a password": lambda auth: auth.sign_in("ada", flow=AuthFlow.CUSTOM_AUTH),
    "answer": lambda auth: auth.answer(pending(), "123456"),
    "refresh": lambda auth: auth.refresh("r"),
    "revoke": lambda auth: auth.revoke("r"),
    "sign_out": lambda auth: auth.sign_out("a"),
    "open": lambda auth: auth.__aenter__(),
    "close": lambda auth: auth.__aexit__(None, None, None),
}
calls = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)


def in_a_thread(work: Coroutine[Any, Any, Any]) -> Exception | None:
    """Run a coroutine on a loop of its own, in a thread; give what it raised."""
    raised: list[Exception] = []

    def run() -> None:
        try:
            asyncio.run(work)
        except Exception as error:  # noqa: BLE001  # the test looks at it
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return raised[0] if raised else None


async def test_every_call_of_a_client_says_on_another_loop_beside_its_own_what_to_do():
    async with AuthClient(CONFIG) as auth:
        for name, call in CALLS.items():
            error = in_a_thread(call(auth))
            assert isinstance(error, MisuseError), name
            assert "open one client per event loop" in str(error), name
        assert auth._transport is not None, "its own loop can still use it, and close it"
        with pytest.raises(AuthFlowError, match="cannot be reached"):
            await auth.revoke("r")


def test_every_call_of_a_client_says_on_a_loop_after_its_own_what_to_do():
    auth = AuthClient(CONFIG)
    asyncio.run(auth.__aenter__())
    for name, call in CALLS.items():
        with pytest.raises(MisuseError, match="which is closed: open one client per event loop"):
            asyncio.run(call(auth))
        assert name


def test_a_client_that_is_closed_can_be_opened_on_another_loop():
    auth = AuthClient(CONFIG)

    async def use() -> None:
        async with auth:
            with pytest.raises(AuthFlowError, match="cannot be reached"):
                await auth.revoke("r")

    for _ in range(2):
        asyncio.run(use())


def test_a_client_that_could_not_be_opened_belongs_to_no_loop():
    broken = AuthClient(
        AuthConfig(
            user_pool_id="eu-central-1_A",
            client_id="1",
            endpoint="http://127.0.0.1:1",
            fetch_jwks_on_open=True,
        )
    )
    for _ in range(2):
        with pytest.raises(AuthFlowError, match=r"keys cannot be read"):
            asyncio.run(broken.__aenter__())


class Sqs(AwsConnection):
    service = "sqs"


class Recorder:
    """A client of the caller's, on no loop of its own."""

    def get_encoder(self) -> Any:
        return type("Encoder", (), {"decode_responses": False})

    def register_script(self, _script: str) -> Any:
        return self._say

    async def _say(self, *_: Any, **__: Any) -> Any:
        return {} if not __.get("keys") else 1

    def __getattr__(self, _name: str) -> Any:
        async def get(*_: Any, **__: Any) -> Any:
            return None

        return get if _name == "get" else self._say


def directory() -> SqlDirectory:
    engine = create_async_engine("sqlite+aiosqlite://", hide_parameters=True)
    return SqlDirectory(
        engine=engine, username_column="name", hash_column="hash", attributes={"email": "email"}
    )


KEEPERS: dict[str, tuple[Callable[[], Any], Callable[[Any], Coroutine[Any, Any, Any]]]] = {
    "AwsConnection": (lambda: Sqs(client=Recorder()), lambda it: it.call("list_queues")),
    "DynamoDbStore": (
        lambda: DynamoDbStore(table="t", client=Recorder()),
        lambda it: it.read("k"),
    ),
    "CognitoGroups": (
        lambda: CognitoGroups(client=Recorder()),
        lambda it: it.connected(),
    ),
    "RedisStore, read": (lambda: RedisStore(redis=Recorder()), lambda it: it.read("k")),
    "RedisStore, write": (
        lambda: RedisStore(redis=Recorder()),
        lambda it: it.replace("k", b"v", expected=None, seconds=1),
    ),
}
keepers = pytest.mark.parametrize(("make", "use"), KEEPERS.values(), ids=KEEPERS)


@keepers
def test_what_keeps_connections_says_so_on_the_next_loop_and_beside_its_own(make, use):
    kept = make()
    asyncio.run(use(kept))
    for call in (use, lambda it: it.aclose()):
        with pytest.raises(MisuseError, match="closed: close it where it was used, by aclose"):
            asyncio.run(call(kept))
    kept = make()

    async def beside() -> None:
        await use(kept)
        assert isinstance(in_a_thread(use(kept)), MisuseError)
        assert isinstance(in_a_thread(kept.aclose()), MisuseError)
        await use(kept)

    asyncio.run(beside())


@keepers
def test_what_was_closed_where_it_was_used_serves_the_next_loop(make, use):
    kept = make()

    async def serve() -> None:
        async with kept:
            await use(kept)

    for _ in range(2):
        asyncio.run(serve())


def test_a_store_in_redis_serves_one_loop_after_the_other_if_each_closes_it():
    store = RedisStore(redis="redis://127.0.0.1:1")

    async def serve() -> None:
        async with store:
            with pytest.raises(StoreUnavailableError):
                await store.read("k")

    for _ in range(2):
        asyncio.run(serve())


async def test_a_directory_of_an_engine_that_keeps_connections_says_so_beside_its_own_loop():
    async with directory() as kept:
        for _ in range(2):
            with pytest.raises(DirectoryUnavailableError):  # there is no table; it was looked for
                await kept.look_up("ada")
            for call in (kept.look_up("ada"), kept.aclose()):
                error = in_a_thread(call)
                assert isinstance(error, MisuseError)
                assert "close it where it was used" in str(error)


async def test_a_server_is_not_closed_nor_opened_on_another_loop():
    server = PoolServer()
    async with server:
        for act in (server.__aexit__(None, None, None), server.__aenter__()):
            error = in_a_thread(act)
            assert isinstance(error, MisuseError)
            assert "this server belongs to another event loop" in str(error)
    assert in_a_thread(opened(server)) is None


async def opened(server: PoolServer) -> None:
    async with server:
        assert server.endpoint


async def test_a_loop_is_home_until_it_is_left():
    home = HomeLoop("this thing", "make another")
    home.leave()
    home.claim()
    home.claim()
    assert isinstance(in_a_thread(claiming(home)), MisuseError)
    home.leave()
    assert in_a_thread(claiming(home)) is None
    with pytest.raises(MisuseError, match="this thing belongs to another event loop, which is"):
        home.claim()


async def claiming(home: HomeLoop) -> None:
    home.claim()
