"""A user pool for tests, used as a stranger would use it."""

from pathlib import Path
from typing import Any

import aiohttp
import pytest
from attrs import evolve

from authflow import AuthClient, AuthConfig, SignedIn
from authflow.errors import BadCredentialsError, ConfigError
from authflow.pool import PoolServer
from authflow.testing import ALL_FLOWS, PASSWORD, MovableClock, RunningPool, pool_at, run_pool


async def signs_in(auth: AuthClient, username: str = "ada", password: str = PASSWORD) -> bool:
    return isinstance(await auth.sign_in(username, password), SignedIn)


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def server(anyio_backend: str) -> Any:
    async with PoolServer(clock=MovableClock()) as server:
        yield server


@pytest.fixture
async def pool(server: PoolServer) -> RunningPool:
    return await pool_at(server, users={"ada": PASSWORD})


async def test_its_users_sign_in(pool: RunningPool):
    made = await pool.add_user("grace", "Another-horse-1", {"email": "grace@example.com"})
    assert {"Name": "email", "Value": "grace@example.com"} in made["Attributes"]
    async with pool.client() as auth:
        assert await signs_in(auth)
        assert await signs_in(auth, "grace", "Another-horse-1")
        with pytest.raises(BadCredentialsError):
            await auth.sign_in("grace", PASSWORD)


async def test_a_client_without_the_pools_clock_is_refused_and_the_log_says_why(
    pool: RunningPool, caplog: pytest.LogCaptureFixture
):
    async with AuthClient(pool.config) as auth:
        with pytest.raises(BadCredentialsError) as told:
            await auth.sign_in("ada", PASSWORD)
    assert "clock" not in str(told.value)
    assert "Have the client use the pool's clock" in caplog.text
    async with AuthClient(pool.config, clock=pool.clock.utc) as auth:
        assert await signs_in(auth)


async def test_nobody_knows_the_password_of_a_user_without_one(pool: RunningPool):
    await pool.add_user("grace", None)
    async with pool.client() as auth:
        with pytest.raises(BadCredentialsError):
            await auth.sign_in("grace", PASSWORD)


async def test_an_app_client_of_its_own_is_what_was_asked_for(pool: RunningPool):
    config = await pool.app_client(
        secret=True,
        flows=ALL_FLOWS[1:],
        members={"AccessTokenValidity": 2},
        flow="USER_PASSWORD_AUTH",
    )
    assert config.client_id != pool.client_id
    assert config.client_secret is not None
    async with pool.client(config) as auth:
        result = await auth.sign_in("ada", PASSWORD)
    assert isinstance(result, SignedIn)
    assert result.tokens.expires_in == 2 * 3600


async def test_the_id_of_its_app_client_is_there_or_is_asked_for(pool: RunningPool):
    client = await pool.call(
        "DescribeUserPoolClient", UserPoolId=pool.user_pool_id, ClientId=pool.client_id
    )
    assert client["UserPoolClient"]["ClientId"] == pool.config.client_id
    with pytest.raises(ConfigError, match="has no client_id"):
        _ = evolve(pool, config=AuthConfig(user_pool_id=pool.user_pool_id)).client_id


async def test_a_call_gives_the_reply_or_says_why_it_was_refused(pool: RunningPool):
    ada = {"UserPoolId": pool.user_pool_id, "Username": "ada"}
    assert (await pool.call("AdminGetUser", **ada))["Username"] == "ada"
    with pytest.raises(ConfigError, match="AdminGetUser was refused: UserNotFoundException: "):
        await pool.call("AdminGetUser", **{**ada, "Username": "eve"})
    with pytest.raises(ConfigError, match="was refused: InvalidPassword"):
        await pool.add_user("eve", "short")


async def test_a_refusal_is_given_where_one_is_wanted(pool: RunningPool):
    ada = {"UserPoolId": pool.user_pool_id, "Username": "ada"}
    refused = await pool.refused("AdminGetUser", **{**ada, "Username": "eve"})
    assert (refused.status, refused.code) == (400, "UserNotFoundException")
    assert refused.message == "User does not exist."
    with pytest.raises(ConfigError, match="AdminGetUser was not refused"):
        await pool.refused("AdminGetUser", **ada)


@pytest.mark.parametrize("shared", [True, False])
async def test_anything_can_be_posted(server: PoolServer, shared: bool):
    async with aiohttp.ClientSession() as http:
        pool = await pool_at(server, http=http if shared else None)
        status, reply, headers = await pool.calls.post("AdminGetUser", b"{", accept="x/y")
    assert (status, reply["__type"]) == (400, "SerializationException")
    assert headers["x-amzn-errortype"] == "SerializationException"


async def test_what_is_no_refusal_of_cognitos_is_told(listening: Any):
    async def serve(reader: Any, writer: Any) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b'HTTP/1.1 400 X\r\ncontent-length: 12\r\n\r\n{"error": 1}')
        await writer.drain()

    from authflow.testing import CognitoCalls

    async with listening(serve) as port:
        with pytest.raises(ConfigError, match="AdminGetUser was refused by other members"):
            await CognitoCalls(f"http://127.0.0.1:{port}").refused("AdminGetUser")


async def test_the_owner_has_awss_sdk(pool: RunningPool):
    async with pool.owner() as owner:
        user = await owner.admin_get_user(UserPoolId=pool.user_pool_id, Username="ada")
        assert user["UserStatus"] == "CONFIRMED"
        assert owner.meta.region_name == pool.server.region


async def test_pools_at_one_server_know_nothing_of_each_other(
    server: PoolServer, pool: RunningPool
):
    other = await pool_at(server, users={"grace": PASSWORD}, pool={"PoolName": "other"})
    assert other.endpoint == pool.endpoint
    assert (await other.call("DescribeUserPool", UserPoolId=other.user_pool_id))["UserPool"][
        "Name"
    ] == "other"
    async with other.client() as auth:
        with pytest.raises(BadCredentialsError):
            await auth.sign_in("ada", PASSWORD)
        assert await signs_in(auth, "grace")


async def test_run_again_on_its_file_it_was_restarted(tmp_path: Path):
    settings: dict[str, Any] = {"db": str(tmp_path / "users.sqlite"), "region": "eu-west-1"}
    async with run_pool(
        users={"ada": PASSWORD}, app_client={"GenerateSecret": True}, **settings
    ) as pool:
        before = pool.config
        assert before.region == "eu-west-1"
        async with pool.client() as auth:
            result = await auth.sign_in("ada", PASSWORD)
        assert isinstance(result, SignedIn)
    async with run_pool(users={"ada": PASSWORD}, **settings) as pool:
        assert (pool.client_id, pool.config.client_secret) == (
            before.client_id,
            before.client_secret,
        )
        assert pool.user_pool_id == before.user_pool_id
        async with pool.client() as auth:
            await auth.refresh(result.tokens.refresh_token)
            assert await signs_in(auth)


async def test_a_file_without_an_app_client_is_not_gone_on_with(tmp_path: Path):
    file = str(tmp_path / "users.sqlite")
    async with run_pool(db=file) as pool:
        await pool.call(
            "DeleteUserPoolClient", UserPoolId=pool.user_pool_id, ClientId=pool.client_id
        )
    with pytest.raises(ConfigError, match="has no app client: give a file of run_pool"):
        async with run_pool(db=file):
            pass
