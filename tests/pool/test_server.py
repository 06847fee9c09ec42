import asyncio
import json
import os
import signal
import socket
import sys

import aiohttp
import anyio
import pytest

from authflow.errors import ConfigError
from authflow.pool import PoolServer

PROGRAM = """
import anyio
from authflow.pool import serve
anyio.run(lambda: serve(port=0, db={db!r}, triggers={triggers}))
"""
LIST = {"X-Amz-Target": "AWSCognitoIdentityProviderService.ListUserPools"}
KIND = {"Content-Type": "application/x-amz-json-1.1"}


async def started(db=":memory:", triggers="None", **environment):
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PROGRAM.format(db=db, triggers=triggers)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **environment},
    )
    line = await asyncio.wait_for(process.stdout.readline(), 30)
    return process, json.loads(line)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_says_when_it_is_ready_and_ends_cleanly(tmp_path, number):
    path = str(tmp_path / "pool.db")
    process, ready = await started(path)
    assert ready["endpoint"].startswith("http://127.0.0.1:")
    assert ready["db"] == path
    async with aiohttp.ClientSession() as http:
        body = b'{"MaxResults": 1}'
        async with http.post(ready["endpoint"], data=body, headers=LIST | KIND) as reply:
            assert reply.status == 200
        process.send_signal(number)
        out, err = await asyncio.wait_for(process.communicate(), 30)
    assert (process.returncode, out, err) == (0, b"", b"")


async def test_requests_in_flight_are_finished_before_the_end(tmp_path):
    handler = tmp_path / "slow_triggers.py"
    handler.write_text(
        "import asyncio, sys\n"
        "class Slow:\n"
        "    sources = frozenset({'UserMigration'})\n"
        "    async def handle(self, event):\n"
        "        print('begun', flush=True)\n"
        "        await asyncio.sleep(0.5)\n"
        "        return {**event, 'response': {'userAttributes': {'name': 'Old'}}}\n"
    )
    process, ready = await started(
        triggers="__import__('slow_triggers').Slow()", PYTHONPATH=str(tmp_path)
    )

    async with aiohttp.ClientSession() as http:

        async def call(operation, **request):
            target = {"X-Amz-Target": f"AWSCognitoIdentityProviderService.{operation}"}
            body = json.dumps(request)
            async with http.post(ready["endpoint"], data=body, headers=target | KIND) as reply:
                return json.loads(await reply.read())

        pool = (await call("CreateUserPool", PoolName="x"))["UserPool"]["Id"]
        made = await call(
            "CreateUserPoolClient",
            UserPoolId=pool,
            ClientName="x",
            ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"],
        )
        signing_in = asyncio.create_task(
            call(
                "InitiateAuth",
                AuthFlow="USER_PASSWORD_AUTH",
                ClientId=made["UserPoolClient"]["ClientId"],
                AuthParameters={"USERNAME": "old", "PASSWORD": "x"},
            )
        )
        assert await process.stdout.readline() == b"begun\n"
        process.send_signal(signal.SIGTERM)
        assert "AuthenticationResult" in await signing_in
    assert await asyncio.wait_for(process.wait(), 30) == 0
    await process.communicate()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])
async def test_the_network_is_refused_unless_it_is_allowed(host):
    with pytest.raises(ConfigError, match="loopback"):
        async with PoolServer(host=host):
            pass


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "0::0"])
async def test_every_address_of_a_machine_wants_a_name(host):
    with pytest.raises(ConfigError, match="--allow-host NAME"):
        async with PoolServer(host=host, allow_remote=True):
            pass


async def test_the_network_can_be_allowed():
    server = PoolServer(host="0.0.0.0", allow_remote=True, allow_hosts=["Pool.internal."])
    async with server as pool, aiohttp.ClientSession() as http:
        port = pool.endpoint.rpartition(":")[2]
        asked = {}
        for host in ("pool.internal", f"POOL.internal:{port}", f"0.0.0.0:{port}", "evil.example"):
            body = b'{"MaxResults": 1}'
            headers = LIST | KIND | {"Host": host}
            async with http.post(f"http://127.0.0.1:{port}", data=body, headers=headers) as reply:
                asked[host] = reply.status
    assert list(asked.values()) == [200, 200, 200, 403]


@pytest.mark.parametrize(
    "names", ["pool.internal", ["*"], [""], ["a:80"], ["http://a"], [7], ["."]]
)
async def test_a_name_that_is_none_is_told_of(names):
    with pytest.raises(ConfigError, match="allow_hosts"):
        PoolServer(allow_hosts=names)


async def test_a_port_that_is_taken_or_impossible_is_told_of():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server = PoolServer(port=taken.getsockname()[1])
        with pytest.raises(ConfigError, match=r"cannot listen.*another port \(--port\), or 0"):
            await server.__aenter__()
    with pytest.raises(ConfigError, match="port is a whole number from 0 to 65535"):
        PoolServer(port=70000)


async def test_triggers_of_another_form_are_told_of():
    with pytest.raises(ConfigError, match="triggers must be"):
        async with PoolServer(triggers=print):
            pass


async def test_an_error_of_the_caller_comes_out_as_it_is():
    with pytest.raises(ZeroDivisionError):
        async with PoolServer():
            raise ZeroDivisionError


async def test_a_cancelled_caller_ends_the_server():
    with anyio.CancelScope() as scope:
        async with PoolServer() as pool:
            scope.cancel()
            await anyio.sleep_forever()
    assert scope.cancelled_caught
    host, _, port = pool.endpoint.removeprefix("http://").rpartition(":")
    with pytest.raises(OSError, match="refused"):
        socket.create_connection((host, int(port)), 1)


async def test_servers_live_side_by_side():
    async with PoolServer() as one, PoolServer() as two:
        assert one.endpoint != two.endpoint


async def test_the_ids_of_new_pools_begin_with_the_region(live_pool):
    async with live_pool(region="eu-central-1") as pool:
        assert pool.user_pool_id.startswith("eu-central-1_")
        assert (await pool.app_client()).region == "eu-central-1"
