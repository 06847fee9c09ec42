"""A user pool for synchronous tests: what it gives, and what it gives to event loops."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import boto3
import pytest

from authflow import SignedIn, sync
from authflow.errors import ConfigError, MisuseError
from authflow.testing import ALL_FLOWS, PASSWORD, MovableClock, SyncRunningPool, run_pool_in_thread
from authflow.triggers import CreateContext, Issued, Triggers, VerifyContext, challenge

CLOCK = MovableClock()


@pytest.fixture(scope="module")
def pool() -> Iterator[SyncRunningPool]:
    with run_pool_in_thread(users={"ada": PASSWORD}, clock=CLOCK, region="eu-west-1") as pool:
        yield pool


async def signs_in(pool: SyncRunningPool, name: str, **settings: Any) -> bool:
    async with pool.asynchronous.client(**settings) as auth:
        return isinstance(await auth.sign_in(name, PASSWORD), SignedIn)


def test_users_app_clients_calls_and_refusals_are_those_of_the_asynchronous_one(
    pool: SyncRunningPool,
):
    made = pool.add_user("grace", PASSWORD, {"email": "grace@example.com"})
    assert made["Username"] == "grace"
    config = pool.app_client(flows=ALL_FLOWS[1:], secret=True, flow="USER_PASSWORD_AUTH")
    assert config.client_secret is not None
    assert pool.app_client().client_secret is None
    named = {"UserPoolId": pool.user_pool_id, "Username": "nobody"}
    assert pool.refused("AdminGetUser", **named).code == "UserNotFoundException"
    with pytest.raises(ConfigError, match="AdminGetUser was refused: UserNotFoundException"):
        pool.call("AdminGetUser", **named)
    with pytest.raises(ConfigError, match="AdminGetUser was not refused"):
        pool.refused("AdminGetUser", **{**named, "Username": "grace"})
    with pytest.raises(ConfigError, match="there is no argument 'flo'"):
        pool.app_client(flo="USER_PASSWORD_AUTH")
    assert anyio.run(signs_in, pool, "grace")
    assert pool.asynchronous.server is pool.server
    assert pool.client_id == pool.asynchronous.client_id == pool.config.client_id
    assert pool.clock is CLOCK


def test_its_client_is_synchronous_and_has_the_pools_clock(pool: SyncRunningPool):
    config = pool.app_client(members={"AccessTokenValidity": 2})
    with pool.client() as auth, pool.client(config) as other:
        assert isinstance(auth, sync.AuthClient)
        assert not auth.asynchronous.discover
        assert isinstance(auth.sign_in("ada", PASSWORD), SignedIn)
        result: Any = other.sign_in("ada", PASSWORD)
        assert result.tokens.expires_in == 2 * 3600
        CLOCK.advance(86_400)
        assert isinstance(auth.sign_in("ada", PASSWORD), SignedIn)
    with pytest.raises(ConfigError, match=r"builtins\.object must have a `name`"):
        pool.client(challenges=[object])  # type: ignore[list-item]  # which is the test


def test_an_sdk_is_told_all_that_it_needs(pool: SyncRunningPool):
    cognito = boto3.client("cognito-idp", **pool.sdk_settings)
    user = cognito.admin_get_user(UserPoolId=pool.user_pool_id, Username="ada")
    assert user["UserStatus"] == "CONFIRMED"
    assert cognito.meta.region_name == "eu-west-1"
    assert cognito.meta.endpoint_url == pool.endpoint == pool.config.endpoint


async def test_other_event_loops_await_its_methods_while_they_block(pool: SyncRunningPool):
    address = {"email": "eve@example.com", "email_verified": "true"}
    await pool.asynchronous.add_user("eve", PASSWORD, address)
    pool.call("ForgotPassword", ClientId=pool.client_id, Username="eve")
    (message,) = await pool.asynchronous.messages("eve")
    assert message == pool.messages("eve")[0]
    assert await signs_in(pool, "eve")


def test_a_clock_is_moved_by_many_threads():
    clock = MovableClock(0.0)

    def move() -> None:
        for _ in range(1000):
            clock.advance(1)

    threads = [threading.Thread(target=move) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert clock() == 8000


def test_its_errors_at_the_start_are_those_of_run_pool():
    with pytest.raises(ConfigError, match=r"did you mean users=\?"), run_pool_in_thread(user={}):
        pass
    with (
        pytest.raises(ConfigError, match="AdminSetUserPassword was refused: InvalidPassword"),
        run_pool_in_thread(users={"ada": "short"}),
    ):
        pass


def test_asynchronous_triggers_run_on_one_loop_of_its_own_and_cannot_call_it():
    seen: set[int] = set()
    told: list[str] = []

    class Word:
        name = "word"
        metadata = "WORD"
        interface = 1

        async def create(self, context: CreateContext) -> Issued:
            seen.add(threading.get_ident())
            try:
                pool.messages()
            except MisuseError as error:
                told.append(str(error))
            return Issued(public={"hint": "a door"}, private={"answer": "open sesame"})

        async def verify(self, context: VerifyContext) -> bool:
            await anyio.sleep(0)
            seen.add(threading.get_ident())
            return context.answer.reveal() == context.private["answer"]

    triggers = Triggers(policy=challenge("word"), challenges=[Word])
    with run_pool_in_thread(triggers=triggers, users={"ada": PASSWORD}) as pool:

        async def sign_in() -> bool:
            async with pool.asynchronous.client() as auth:
                asked: Any = await auth.sign_in("ada", flow="CUSTOM_AUTH")
                return isinstance(await auth.answer(asked, "open sesame"), SignedIn)

        assert anyio.run(sign_in)
    assert len(seen) == 1
    assert seen != {threading.get_ident()}
    assert "would wait for itself" in told[0]


def test_run_again_on_its_file_it_was_restarted(tmp_path: Path):
    db = str(tmp_path / "users.sqlite")
    with run_pool_in_thread(users={"ada": PASSWORD}, db=db) as pool:
        before = pool.client_id
    with run_pool_in_thread(db=db) as pool:
        assert pool.client_id == before
        assert pool.call("AdminGetUser", UserPoolId=pool.user_pool_id, Username="ada")
    with pytest.raises(MisuseError, match="this pool does not run any more"):
        pool.messages()
