"""What all tests share: vectors, a real pool over real HTTP, and real stores.

The stores are in memory, a redis-server, and moto's DynamoDB over HTTP. PostgreSQL is real, too.
"""

import json
import os
import shutil
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from authflow.pool.log_limit import LIMIT
from authflow.stores.dynamodb import DynamoDbStore
from authflow.stores.keyring import KeyringStore
from authflow.stores.redis import RedisStore
from authflow.stores.store import MemoryStore, Store
from authflow.testing import RunningPool, run_pool
from testbed.crash_report import *  # noqa: F403  # fixtures
from testbed.folder_keyring import FolderKeyring
from testbed.postgres_server import *  # noqa: F403  # fixtures
from testbed.redis_server import *  # noqa: F403  # fixtures

# Debian puts servers where only an administrator's path leads, and PostgreSQL's nowhere on it.
os.environ["PATH"] = os.pathsep.join(
    [os.environ["PATH"], "/usr/sbin", *map(str, Path("/usr/lib/postgresql").glob("*/bin"))]
)

VECTORS = Path(__file__).parent / "vectors"


def load_vectors(name: str) -> Any:
    """Read a file of test vectors."""
    return json.loads((VECTORS / f"{name}.json").read_text())


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


@pytest.fixture
def live_pool() -> Callable[..., AbstractAsyncContextManager[RunningPool]]:
    """Runs a user pool."""
    return run_pool


@pytest.fixture
async def redis_store(redis_url: str) -> AsyncIterator[RedisStore]:
    async with RedisStore(redis=redis_url, prefix=f"{uuid4()}:") as store:
        yield store


@pytest.fixture
async def dynamodb_store(aws_url: str, aws_credentials: None) -> AsyncIterator[DynamoDbStore]:
    async with DynamoDbStore(table=f"t-{uuid4()}", endpoint=aws_url) as store:
        await store.create_table()
        yield store


@pytest.fixture
def keyring_store(tmp_path: Path) -> KeyringStore:
    folder = tmp_path / "keyring"
    folder.mkdir()
    return KeyringStore(backend=FolderKeyring(folder), lock=tmp_path / "locks" / "keyring.lock")


@pytest.fixture(
    params=[
        "memory",
        pytest.param("redis", marks=pytest.mark.system("redis-server")),
        "dynamodb",
        "keyring",
    ]
)
def store(request: pytest.FixtureRequest) -> Store:
    if request.param == "memory":
        return MemoryStore()
    made: Any = request.getfixturevalue(f"{request.param}_store")
    return made
