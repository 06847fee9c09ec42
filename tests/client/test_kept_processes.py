"""One refresh at a time across real processes, which share a real store and a real user pool."""

import asyncio
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from attrs import define, evolve, field

from authflow import AuthClient, AuthConfig, SignedInUser, SignedOutError
from authflow.keys import KeyRing
from authflow.testing import PASSWORD
from testbed.listening import listen

ROOT = Path(__file__).parents[2]
PROCESSES = 4
TASKS = 50
KEYS = KeyRing.generate()

PROGRAM = """
import asyncio, hashlib, json, os, signal, sys
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
import botocore.session
from authflow import AuthClient, AuthConfig, AuthFlowError
from authflow.keys import KeyRing
from authflow.stores import DynamoDbStore, KeyringStore, RedisStore
from testbed.folder_keyring import FolderKeyring

# What each would read anew is read once, before they come of this one.
botocore.session.create_loader = cache(botocore.session.create_loader)

async def warm():
    names = {"user_pool_id": "eu-central-1_A", "client_id": "1", "endpoint": "http://127.0.0.1:1"}
    async with AuthClient(AuthConfig(**names)):
        pass

def store(told):
    kind, where = told["store"]
    if kind == "RedisStore":
        return RedisStore(redis=where, prefix=told["prefix"])
    if kind == "DynamoDbStore":
        return DynamoDbStore(table=told["prefix"], endpoint=where)
    folder = Path(where)
    lock = folder / "locks" / "keyring.lock"
    return KeyringStore(backend=FolderKeyring(folder / "keyring"), lock=lock)

async def main(told, start):
    config = AuthConfig(**told["config"])
    clock = lambda: datetime.fromtimestamp(told["now"], UTC)
    async with AsyncExitStack() as stack:
        kept = store(told)
        if told["store"][0] != "KeyringStore":
            await stack.enter_async_context(kept)
        auth = AuthClient(config, keys=KeyRing.parse(told["keys"]), store=kept, clock=clock)
        await stack.enter_async_context(auth)
        auth._users._turns.lease = told["lease"]
        user = await auth.kept(told["handle"])
        os.write(start[1], b"x")
        os.read(start[0], 1)  # until all are ready
        calls = (user.access_token() for _ in range(told["tasks"]))
        got = await asyncio.gather(*calls, return_exceptions=True)
    return sorted(
        {type(each).__name__ if isinstance(each, AuthFlowError)
         else hashlib.sha256(each.reveal().encode()).hexdigest() for each in got}
    ), len(got)

def run(told):
    ready = os.pipe()
    results, children, starts = [], [], []
    for _ in range(told["processes"]):
        result, go, child = os.pipe(), os.pipe(), os.fork()
        if not child:
            try:
                os.environ.update(told["environ"])
                got = asyncio.run(main(told, (go[0], ready[1])))
            except BaseException as error:
                got = repr(error)
            os.write(ready[1], b"x")
            os.write(result[1], json.dumps(got).encode())
            os._exit(0)
        os.close(result[1])
        children.append(child)
        results.append(result[0])
        starts.append(go[1])
    for _ in children:
        os.read(ready[0], 1)
    if told["kill"]:
        os.write(starts.pop(0), b"x")
        sys.stdin.readline()
        os.kill(children[0], signal.SIGKILL)
    for start in starts:
        os.write(start, b"x")
    print(json.dumps([json.loads(os.read(each, 10**6) or "null") for each in results]), flush=True)
    for child in children:
        os.waitpid(child, 0)

asyncio.run(warm())
while line := sys.stdin.readline():
    run(json.loads(line))
"""
"""What the processes do. They come of one, which has imported what they need."""


@define(eq=False)
class Forge:
    """The process that all others come of."""

    process: "subprocess.Popen[str]"

    def say(self, text: str = "") -> None:
        self.process.stdin.write(f"{text}\n")
        self.process.stdin.flush()

    async def results(self) -> list[Any]:
        told: list[Any] = json.loads(await asyncio.to_thread(self.process.stdout.readline))
        return told


@pytest.fixture(scope="module")
def forge() -> Iterator[Forge]:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield Forge(process)
        process.stdin.close()


@define(eq=False)
class Door:
    """A door in front of the pool, which notes the requests, and may keep the replies to them."""

    port: int
    operations: list[str] = field(factory=list)
    keeps: bool = False
    kept: anyio.Event = field(factory=anyio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self.port)

        async def reply() -> None:
            while data := await there.read(65536):
                if self.keeps:
                    self.kept.set()
                    continue
                writer.write(data)
                await writer.drain()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(reply)
            while data := await reader.read(65536):
                _, found, rest = data.decode("latin-1").lower().partition("x-amz-target:")
                if found:
                    self.operations.append(rest.partition("\r\n")[0].rpartition(".")[2])
                back.write(data)
            back.close()
            tasks.cancel_scope.cancel()


@define(eq=False)
class Service:
    """A user who is kept, and whose token has expired; and the door that processes go through."""

    user: SignedInUser
    door: Door
    told: dict[str, Any]

    def program(self, **more: Any) -> str:
        return json.dumps(self.told | more)


@pytest.fixture
def service(live_pool: Any, clock: Any, request: Any, store: Any, tmp_path: Path) -> Any:
    kind = type(store).__name__
    fixture = {"RedisStore": "redis_url", "DynamoDbStore": "aws_url"}.get(kind)
    place = request.getfixturevalue(fixture) if fixture else str(tmp_path)

    @asynccontextmanager
    async def made(rotation: int | None) -> AsyncIterator[Service]:
        members = {"Feature": "ENABLED", "RetryGracePeriodSeconds": rotation or 0}
        async with live_pool(users={"ada": PASSWORD}, clock=clock) as pool:
            config: AuthConfig = await pool.app_client(
                flows=["ALLOW_USER_PASSWORD_AUTH"],
                flow="USER_PASSWORD_AUTH",
                members={} if rotation is None else {"RefreshTokenRotation": members},
            )
            door = Door(int(pool.endpoint.rpartition(":")[2]))
            async with (
                listen(door.serve) as port,
                AuthClient(config, keys=KEYS, store=store, clock=clock.utc) as auth,
            ):
                user = await auth.keep(await auth.sign_in("ada", PASSWORD))
                clock.advance(3700)
                through = evolve(config, endpoint=f"http://127.0.0.1:{port}", issuer=config.issuer)
                names = ("endpoint", "issuer", "user_pool_id", "client_id")
                yield Service(
                    user,
                    door,
                    {
                        "config": {name: str(getattr(through, name)) for name in names},
                        "handle": user.handle.reveal(),
                        "keys": KEYS.to_json().reveal(),
                        "store": [kind, place],
                        "prefix": getattr(store, "prefix", getattr(store, "table", "")),
                        "environ": {k: v for k, v in os.environ.items() if k.startswith("AWS_")},
                        "now": clock(),
                        "processes": PROCESSES,
                        "tasks": TASKS,
                        "lease": 5.0,
                        "kill": False,
                    },
                )

    return made


def digest(token: Any) -> str:
    return hashlib.sha256(token.reveal().encode()).hexdigest()


redis_server = pytest.mark.system("redis-server")


@pytest.mark.parametrize(
    ("store", "rotation"),
    [
        pytest.param("redis", None, marks=redis_server),
        pytest.param("redis", 0, marks=redis_server),
        ("dynamodb", 0),
        ("keyring", 0),
    ],
    indirect=["store"],
)
async def test_200_tasks_in_4_processes_with_an_expired_token_send_one_request(
    service, forge, clock, rotation
):
    async with service(rotation) as kept:
        before = kept.user._kept.seen.tokens
        forge.say(kept.program())
        results = await forge.results()
        after = await kept.user.tokens()
        assert results == [[[digest(after.access_token)], TASKS]] * PROCESSES
        assert kept.door.operations == ["gettokensfromrefreshtoken"]
        assert after.access_token != before.access_token
        assert (after.refresh_token != before.refresh_token) == (rotation is not None)
        clock.advance(3700)  # and no refresh has ended the sign-in
        assert await kept.user.access_token() != after.access_token


@redis_server
@pytest.mark.parametrize("store", ["redis"], indirect=True)
@pytest.mark.parametrize("grace", [0, 60])
async def test_after_a_leader_that_was_killed_another_process_goes_on(service, forge, grace):
    """It had sent its refresh token, and nobody has the reply: the grace period decides."""
    async with service(grace) as kept:
        kept.door.keeps = True
        forge.say(kept.program(kill=True, processes=3, tasks=5, lease=0.3))
        await kept.door.kept.wait()
        kept.door.keeps = False
        forge.say()
        dead, *others = await forge.results()
        assert dead is None
        assert kept.door.operations == ["gettokensfromrefreshtoken"] * 2
        if not grace:
            assert others == [[["SignedOutError"], 5]] * 2
            with pytest.raises(SignedOutError):
                await kept.user.access_token()
        else:
            assert others == [[[digest(await kept.user.access_token())], 5]] * 2
