"""Stores of limits, each a real one: in memory, a redis-server, and moto's DynamoDB over HTTP."""

import subprocess
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from attrs import define
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from redis import Redis
from redis.exceptions import ConnectionError as NotUpYetError
from werkzeug.serving import make_server

from authflow.triggers.limits.dynamodb_store import DynamoDbLimitStore
from authflow.triggers.limits.redis_store import RedisLimitStore
from authflow.triggers.limits.stores import LimitStore, MemoryLimitStore


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
