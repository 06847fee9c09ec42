"""A harness that is set up wrongly says so, whatever is wrong and wherever it is given."""

import re
from asyncio import sleep
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
from attrs import fields

from authflow.errors import ConfigError, MisuseError
from authflow.pool import Budget, PoolServer
from authflow.secret import Secret
from authflow.testing import PASSWORD, CognitoCalls, pool_at, run_pool
from authflow.testing.harness_arguments import attribute_names
from authflow.triggers import Triggers

ODD = [
    *(5, -1, 0.5, True, "x", "", b"x", ["x"], ("x", 5), {"x"}, {"x": 5}, {5: "x"}, [["x"]]),
    *(object(), type, Triggers, lambda: "x", lambda _: 5.0, datetime.now, [None]),
]
"""Something of each kind; what an argument may be is in RIGHT."""
RIGHT: dict[str, list[Any]] = {
    "triggers": [{}],
    "users": [{}, {"ada": PASSWORD}, {"ada": None}],
    "clock": [lambda: 5.0, lambda: 5],
    "pool": [{"x": 5}, {}],
    "app_client": [{"x": 5}, {}],
    "custom_attributes": [["x"], {"x"}, [], ("custom:x",)],
    "db": ["x", ""],
    "host": ["x"],
    "port": [5],
    "lambda_endpoint": [""],
    "kms_endpoint": [""],
    "issuer": [""],
    "region": ["x"],
    "allow_hosts": [["x"], {"x"}, {"x": 5}],
    "allow_insecure_lambda_endpoint": [True],
    "allow_insecure_kms_endpoint": [True],
    "allow_remote": [True],
    "tokens_survive": [True],
    "max_connections": [5],
    "trigger_timeout": [5, 0.5],
    "most_sessions": [5],
    "max_wait": [5, 0.5],
    "name_budget": [Budget(per_second=1, burst=1)],
    "address_budget": [Budget(per_second=1, burst=1)],
    "on_message": [print],
}
FUNCTIONS = [each for each in ODD if callable(each)]
OF_POOLS = ("users", "pool", "app_client", "custom_attributes")
OF_SERVERS = [each.alias for each in fields(PoolServer) if each.init]


def is_right(name: str, value: object) -> bool:
    if name in {"on_message", "clock"} and name not in OF_POOLS and value in FUNCTIONS:
        return name == "on_message"
    return value in RIGHT[name] and type(value) in map(type, RIGHT[name])


@pytest.mark.parametrize("name", RIGHT)
async def test_an_argument_of_another_kind_is_refused_before_a_server_runs(
    name: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("authflow.pool.server.serving", lambda *_: pytest.fail("it runs"))
    wrong = [value for value in ODD if not is_right(name, value)]
    assert len(wrong) > 9
    for value in wrong:
        with pytest.raises(ConfigError) as told:
            await run_pool(**{name: value}).__aenter__()
        assert re.search(name.replace("_", "[_ ]"), told.value.message, re.IGNORECASE), value


def test_the_arguments_of_the_server_are_tried_too():
    assert RIGHT.keys() == {*OF_SERVERS, *OF_POOLS}


@pytest.mark.parametrize("name", OF_POOLS)
async def test_a_pool_at_a_server_is_made_of_the_same(name: str, monkeypatch: pytest.MonkeyPatch):
    async def no_call(*_: Any, **__: Any) -> None:
        pytest.fail("it is called")

    monkeypatch.setattr(CognitoCalls, "__call__", no_call)
    server = PoolServer()
    server.endpoint = "http://127.0.0.1:1"
    for value in ODD:
        if not is_right(name, value):
            with pytest.raises(ConfigError, match=f"^{name}= is a "):
                await pool_at(server, **{name: value})


async def test_a_pool_is_made_at_a_server_that_runs_and_called_by_a_session():
    for odd in (None, "http://127.0.0.1:1", PoolServer, object()):
        with pytest.raises(ConfigError, match="server= is a PoolServer"):
            await pool_at(odd)
    with pytest.raises(ConfigError, match=r"does not run: enter it first, `async with"):
        await pool_at(PoolServer())
    server = PoolServer()
    server.endpoint = "http://127.0.0.1:1"
    for http in (5, aiohttp.ClientSession, "x"):
        with pytest.raises(ConfigError, match="http= is an aiohttp"):
            await pool_at(server, http=http)


@pytest.mark.parametrize(
    ("stray", "meant"),
    [
        *(("user", "users"), ("Clock", "clock"), ("custom_atributes", "custom_attributes")),
        *(("trigger", "triggers"), ("on_mesage", "on_message"), ("app_clients", "app_client")),
    ],
)
async def test_a_misspelt_argument_is_told_with_the_one_that_was_meant(stray: str, meant: str):
    with pytest.raises(ConfigError, match=f"no argument '{stray}'; did you mean {meant}="):
        await run_pool(**{stray: None}).__aenter__()


async def test_what_is_nothing_like_an_argument_is_told_with_all_there_are():
    with pytest.raises(ConfigError, match="'qqq'; run_pool takes triggers, users, clock, pool"):
        await run_pool(qqq=1).__aenter__()


async def test_no_error_shows_a_password():
    for users in ({"ada": Secret("canary-1")}, {"ada": ["canary-1"]}, ["canary-1"], "canary-1"):
        with pytest.raises(ConfigError) as told:
            await run_pool(users=users).__aenter__()
        assert "canary" not in str(told.value)


@pytest.mark.parametrize("tells", [lambda: datetime.now(UTC), lambda: None, lambda: 1 / 0, sleep])
async def test_a_clock_gives_seconds(tells: Any):
    with pytest.raises(
        ConfigError, match="clock= is a function that gives seconds since the epoch"
    ):
        await run_pool(clock=tells).__aenter__()


def test_names_of_attributes_may_have_their_prefix_and_come_one_by_one():
    assert attribute_names(each for each in ("custom:tier", "level")) == ("tier", "level")


async def test_what_a_pool_does_with_its_flows_and_users_is_checked():
    async with run_pool(custom_attributes=("tier",), users={"ada": None}) as pool:
        with pytest.raises(ConfigError, match="flows= is a collection of texts"):
            await pool.app_client(flows="ALLOW_USER_SRP_AUTH")
        made = await pool.add_user("bob", PASSWORD, {"custom:tier": "gold"})
    assert {"Name": "custom:tier", "Value": "gold"} in made["Attributes"]


@pytest.mark.parametrize("now", [float("nan"), float("inf"), -1.0, 1e30, 1.8e12, 10**300, True])
async def test_a_clock_gives_a_time_that_a_date_can_have(now: Any):
    with pytest.raises(ConfigError, match="clock= is a function that gives seconds"):
        await run_pool(clock=lambda: now).__aenter__()


async def _clients(pool: Any) -> int:
    listed = await pool.call("ListUserPoolClients", UserPoolId=pool.user_pool_id, MaxResults=60)
    return len(listed["UserPoolClients"])


async def test_what_an_app_client_and_a_user_are_made_of_is_checked_first():
    async with run_pool(users={"ada": PASSWORD}) as pool:
        for members in (
            {"GenerateSecret": True},
            {"ExplicitAuthFlows": ["ALLOW_CUSTOM_AUTH"]},
            {"ClientName": "z"},
            {"PreventUserExistenceErrors": "LEGACY"},
        ):
            config = await pool.app_client(members=members)
            described = await pool.call(
                "DescribeUserPoolClient",
                UserPoolId=pool.user_pool_id,
                ClientId=config.client_id,
            )
            assert bool(config.client_secret) == ("GenerateSecret" in members)
            for name, value in members.items():
                if name != "GenerateSecret":
                    assert described["UserPoolClient"][name] == value
        before = await _clients(pool)
        for wrong, says in (
            ({"members": ["x"]}, "members= is a mapping"),
            ({"members": {5: 1}}, "members= is a mapping"),
            ({"sercet": True}, "did you mean secret="),
            ({"qqq": 1}, "there is no argument 'qqq'; app_client takes"),
            ({"flow": "X"}, "flow"),
        ):
            with pytest.raises(MisuseError, match=says):
                await pool.app_client(**wrong)
        assert await _clients(pool) == before, "nothing was made"
        for wrong in ([("email", "x")], "email", {"email": 5}, {5: "x"}, {"email": Secret(5)}):
            with pytest.raises(ConfigError, match="attributes= is a mapping of names to texts"):
                await pool.add_user("grace", attributes=wrong)
        for wrong in (5, b"x", ["x"], Secret(5)):
            with pytest.raises(ConfigError, match="password= is a text"):
                await pool.add_user("grace", wrong)
        await pool.add_user("grace", Secret(PASSWORD), {"email": Secret("grace@example.com")})
        async with pool.client() as client:
            await client.sign_in("grace", PASSWORD)


@pytest.mark.parametrize("strange", [b"canary", object(), {1, 2}, [b"canary"], Secret(b"canary")])
async def test_what_json_cannot_have_is_refused(strange: Any):
    async with run_pool() as pool:
        for call in (pool.call, pool.refused):
            with pytest.raises(ConfigError, match="AdminGetUser cannot be written") as told:
                await call("AdminGetUser", UserPoolId=strange, Username="ada")
            assert "canary" not in str(told.value)


async def test_a_server_that_has_ended_takes_no_pool():
    async with PoolServer() as server:
        await pool_at(server)
    with pytest.raises(ConfigError, match="server= does not run any more"):
        await pool_at(server)
