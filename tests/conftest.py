"""What all tests share: vectors, a real pool over real HTTP, and real stores.

The stores are in memory, a redis-server, and moto's DynamoDB over HTTP. PostgreSQL is real, too.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from types import (
    CoroutineType,
    FrameType,
    FunctionType,
    GeneratorType,
    MethodType,
    ModuleType,
)
from typing import Any, ClassVar, Final
from uuid import uuid4

import anyio
import asyncpg
import pytest
from aiobotocore.session import get_session
from attrs import define, frozen
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from redis import Redis
from redis.exceptions import ConnectionError as NotUpYetError
from werkzeug.serving import make_server

from authflow import AuthConfig, Secret
from authflow.pool import PoolServer
from authflow.pool.log_limit import LIMIT
from authflow.stores.dynamodb import DynamoDbLimitStore
from authflow.stores.redis import RedisLimitStore
from authflow.stores.store import LimitStore, MemoryLimitStore
from authflow.triggers import CreateContext, Issued, VerifyContext

# Debian puts servers where only an administrator's path leads, and PostgreSQL's nowhere on it.
os.environ["PATH"] = os.pathsep.join(
    [os.environ["PATH"], "/usr/sbin", *map(str, Path("/usr/lib/postgresql").glob("*/bin"))]
)

_SESSION: Final = get_session()
"""One for all tests: each reads the service's model anew."""

VECTORS = Path(__file__).parent / "vectors"
PASSWORD = "Correct-horse-1"
ALL_FLOWS = [
    "ALLOW_USER_SRP_AUTH",
    "ALLOW_USER_PASSWORD_AUTH",
    "ALLOW_CUSTOM_AUTH",
    "ALLOW_REFRESH_TOKEN_AUTH",
]


def load_vectors(name: str) -> Any:
    """Read a file of test vectors."""
    return json.loads((VECTORS / f"{name}.json").read_text())


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def _no_line_was_written_before() -> None:
    """What other tests wrote holds back none of a test's log lines."""
    LIMIT.forget()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that is marked `both_loops` on asyncio's own event loop and on uvloop."""
    if metafunc.definition.get_closest_marker("both_loops"):
        loops = ["asyncio"] if sys.platform == "win32" else ["asyncio", "uvloop"]
        backends = [("asyncio", {"use_uvloop": loop == "uvloop"}) for loop in loops]
        metafunc.parametrize("anyio_backend", backends, ids=loops)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose programs or files are missing, and say so; in CI they must be there."""
    for mark in item.iter_markers("system"):
        for needed in mark.args:
            there = Path(needed).exists() if needed.startswith("/") else shutil.which(needed)
            if there:
                continue
            reason = f"{needed} is not installed: run `make test-deps`"
            if os.environ.get("CI"):
                pytest.fail(reason, pytrace=False)
            pytest.skip(reason)


class Word:
    """A challenge for tests: the word is always the same."""

    name: ClassVar[str] = "word"
    metadata: ClassVar[str] = "WORD"

    async def create(self, context: CreateContext) -> Issued:
        return Issued(public={"hint": "a door of thieves"}, private={"answer": "open sesame"})

    async def verify(self, context: VerifyContext) -> bool:
        return context.answer.reveal() == context.private["answer"]


@frozen(kw_only=True)
class LivePool:
    """A running pool with one user pool in it, and its owner's client."""

    endpoint: str
    user_pool_id: str
    owner: Any
    server: PoolServer

    async def app_client(self, **settings: Any) -> AuthConfig:
        """Make an app client and give the settings for it."""
        flows = settings.pop("flows", ALL_FLOWS)
        secret = settings.pop("secret", False)
        made = await self.owner.create_user_pool_client(
            UserPoolId=self.user_pool_id,
            ClientName="test",
            ExplicitAuthFlows=flows,
            GenerateSecret=secret,
            **settings.pop("cognito", {}),
        )
        client = made["UserPoolClient"]
        return AuthConfig(
            user_pool_id=self.user_pool_id,
            client_id=client["ClientId"],
            client_secret=client.get("ClientSecret"),
            endpoint=self.endpoint,
            **settings,
        )

    async def user(self, username: str = "ada", password: str = PASSWORD, **more: Any) -> None:
        """Make a confirmed user."""
        await self.owner.admin_create_user(
            UserPoolId=self.user_pool_id, Username=username, MessageAction="SUPPRESS", **more
        )
        await self.owner.admin_set_user_password(
            UserPoolId=self.user_pool_id, Username=username, Password=password, Permanent=True
        )


@asynccontextmanager
async def run_pool(*, pool: dict[str, Any] | None = None, **server: Any) -> AsyncIterator[LivePool]:
    """Run a pool.

    Args:
        pool: Settings for CreateUserPool.
        **server: Settings for PoolServer.
    """
    async with (
        PoolServer(**server) as running,
        _SESSION.create_client(
            "cognito-idp",
            region_name="us-east-1",
            endpoint_url=running.endpoint,
            aws_access_key_id="any",
            aws_secret_access_key="any",
        ) as owner,
    ):
        made = await owner.create_user_pool(PoolName="test", **(pool or {}))
        yield LivePool(
            endpoint=running.endpoint,
            user_pool_id=made["UserPool"]["Id"],
            owner=owner,
            server=running,
        )


@pytest.fixture
def live_pool() -> Callable[..., AbstractAsyncContextManager[LivePool]]:
    """Gives `run_pool`, since tests do not import each other's files."""
    return run_pool


@pytest.fixture
def word() -> type[Word]:
    """Gives the challenge `Word`."""
    return Word


@define(kw_only=True)
class Clock:
    """A clock that stands still until it is told otherwise."""

    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """Run a redis-server of our own, on a socket, that writes nothing to disk."""
    with tempfile.TemporaryDirectory(prefix="authflow-redis-") as folder:  # a short path: sun_path
        socket = Path(folder) / "redis.sock"
        server = subprocess.Popen(
            [
                *("redis-server", "--port", "0", "--unixsocket", socket, "--dir", folder),
                *("--save", "", "--appendonly", "no"),
            ],
            stdout=subprocess.DEVNULL,
        )
        try:
            with Redis(unix_socket_path=str(socket)) as client:
                for _ in range(200):
                    try:
                        client.ping()
                        break
                    except NotUpYetError:
                        time.sleep(0.05)
                client.ping()
            yield f"unix://{socket}"
        finally:
            server.terminate()
            server.wait(10)


@pytest.fixture(scope="session")
def dynamodb_url() -> Iterator[str]:
    app = OneAtATime(create_backend_app)
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=MotoRequestHandler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A real PostgreSQL server with nothing in it. Gives its URL."""
    with tempfile.TemporaryDirectory(prefix="authflow-postgres-") as folder:
        yield from postgres_in(Path(folder))


def postgres_in(folder: Path) -> Iterator[str]:
    # The server refuses to run as root, so it runs as somebody else then, in a folder of theirs:
    # not below pytest's, which every run of pytest closes to others.
    somebody: dict[str, Any] = {}
    if os.geteuid() == 0:
        import pwd

        nobody = pwd.getpwnam("nobody")
        somebody = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    made = ["-D", str(folder / "data"), "-U", "owner", "-A", "trust", "--no-sync", "-E", "UTF8"]
    program = shutil.which("initdb") or ""
    subprocess.run(
        [program, *made, "--locale=C"], check=True, capture_output=True, cwd=folder, **somebody
    )
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    settings = ["-D", str(folder / "data"), "-h", "127.0.0.1", "-p", str(port)]
    settings += ["-c", "fsync=off", "-c", f"unix_socket_directories={folder}"]
    server = subprocess.Popen(
        [shutil.which("postgres") or "", *settings],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=folder,
        **somebody,
    )
    url = f"postgresql://owner@127.0.0.1:{port}/postgres"
    try:
        anyio.run(_answer, url)
        yield url
    finally:
        server.send_signal(2)  # SIGINT: PostgreSQL's fast shutdown
        server.wait()


async def _answer(url: str) -> None:
    for _ in range(200):
        try:
            connection = await asyncpg.connect(url)
        except (OSError, asyncpg.CannotConnectNowError):
            await anyio.sleep(0.05)
        else:
            await connection.close()
            return
    pytest.fail("PostgreSQL does not listen")


class OneAtATime(DomainDispatcherApplication):
    """Moto looks at an item and then writes it, without a lock; in DynamoDB this is one step."""

    turn = threading.Lock()

    def __call__(self, *request: Any) -> Any:
        with self.turn:
            return super().__call__(*request)


@pytest.fixture
def aws_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")


@pytest.fixture
async def redis_store(redis_url: str) -> AsyncIterator[RedisLimitStore]:
    async with RedisLimitStore(redis=redis_url, prefix=f"{uuid4()}:") as store:
        yield store


@pytest.fixture
async def dynamodb_store(
    dynamodb_url: str, aws_credentials: None
) -> AsyncIterator[DynamoDbLimitStore]:
    async with DynamoDbLimitStore(table=f"t-{uuid4()}", endpoint=dynamodb_url) as store:
        await store.create_table()
        yield store


@pytest.fixture(
    params=[
        "memory",
        pytest.param("redis", marks=pytest.mark.system("redis-server")),
        "dynamodb",
    ]
)
def store(request: pytest.FixtureRequest) -> LimitStore:
    if request.param == "memory":
        return MemoryLimitStore()
    made: Any = request.getfixturevalue(f"{request.param}_store")
    return made


_TESTS: Final = str(Path(__file__).parent)
_WALKED: Final = ("authflow", "botocore.awsrequest", "aiohttp.client_reqrep")
"""Whose objects are looked into: ours, and those of the libraries that hold what is sent."""


def _everything_told(error: BaseException, *, attributes: bool = True) -> str:
    """All that a crash reporter can find in an error: its chain, its frames, what these hold.

    Frames of the tests themselves are left out: they stand for the user's own code.

    Args:
        error: The error.
        attributes: Whether to look into objects, too, and not only into containers.
    """
    walked = _WALKED if attributes else ()
    told: list[str] = []
    errors, seen = [error], set[int]()
    while errors:
        each = errors.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        told += _told_of(each, seen, walked, depth=2)
        errors += [link for link in (each.__cause__, each.__context__) if link is not None]
        for frame, line in traceback.walk_tb(each.__traceback__):
            if not frame.f_code.co_filename.startswith(_TESTS):
                told.append(f"\n{frame.f_code.co_qualname}:{line} ")
                for name, value in frame.f_locals.items():
                    told += [f"\n    {name} = ", *_told_of(value, seen, walked, depth=3)]
    return "".join(told)


def _told_of(value: Any, seen: set[int], walked: tuple[str, ...], depth: int) -> Iterator[str]:
    """What a value shows, and what is in it."""
    if isinstance(value, str | bytes | int | float | None):
        yield repr(value)
        return
    if id(value) in seen and not isinstance(value, BaseException):
        return
    seen.add(id(value))
    yield repr(value)
    if isinstance(value, Secret | type | ModuleType | FunctionType) or not depth:
        return
    parts: list[Any] = []
    match value:
        case Mapping():
            parts = [*value.keys(), *value.values()]
        case list() | tuple() | set() | frozenset() | deque():
            parts = [*value]
        case _ if not walked:
            return
        case GeneratorType(gi_frame=FrameType() as frame):
            parts = [*frame.f_locals.values()]
        case CoroutineType(cr_frame=FrameType() as frame):
            parts = [*frame.f_locals.values()]
        case MethodType():
            parts = [value.__self__]
        case partial():
            parts = [*value.args, *value.keywords.values()]
        case _ if type(value).__module__.startswith(walked):
            names = [*getattr(value, "__dict__", {})]
            for kind in type(value).__mro__:
                slots = vars(kind).get("__slots__", ())
                names += [slots] if isinstance(slots, str) else slots
            parts = [getattr(value, name, None) for name in names if name != "__weakref__"]
    for part in parts:
        yield " "
        yield from _told_of(part, seen, walked, depth - 1)


@pytest.fixture
def everything_told() -> Callable[..., str]:
    """Gives what a crash reporter can find in an error, without the frames of tests."""
    return _everything_told
