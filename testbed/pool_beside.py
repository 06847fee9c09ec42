"""A real pool for synchronous code: in this process, on a loop of its own, over real HTTP."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from attrs import define, frozen

from authflow import AuthConfig
from authflow.sync import AuthClient
from authflow.testing import RunningPool, run_pool
from authflow.triggers import Triggers, challenge, sequence
from testbed.word import Word

__all__ = ["auth", "pool", "run"]

ROOT = Path(__file__).parents[1]
TRIGGERS = Triggers(policy=sequence(challenge("word")), challenges=[Word])
PROGRAMS = ROOT / "tests" / "sync" / "programs"


@frozen
class PoolBeside:
    """A pool that runs beside synchronous code."""

    running: RunningPool
    portal: BlockingPortal

    @property
    def config(self) -> AuthConfig:
        return self.running.config

    @property
    def client_id(self) -> str:
        return self.running.client_id

    def call(self, operation: str, **members: Any) -> dict[str, Any]:
        async def call() -> dict[str, Any]:
            return await self.running.call(operation, **members)

        return self.portal.call(call)

    def add_user(self, username: str) -> None:
        self.portal.call(self.running.add_user, username)

    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "AUTHFLOW_ENDPOINT": self.running.endpoint,
            "AUTHFLOW_USER_POOL_ID": self.running.user_pool_id,
            "AUTHFLOW_CLIENT_ID": self.client_id,
            "PYTHONPATH": str(ROOT),
        }


@pytest.fixture(scope="session")
def pool() -> Iterator[PoolBeside]:
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(
            run_pool(users={"ada": "Correct-horse-1"}, triggers=TRIGGERS)
        ) as running,
    ):
        yield PoolBeside(running, portal)


@pytest.fixture
def auth(pool: PoolBeside) -> Iterator[AuthClient]:
    client = AuthClient(pool.config)
    yield client
    client.close()


@define
class Program:
    """A program in a process of its own, at the pool."""

    process: "subprocess.Popen[str]"

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def lines(self) -> list[str]:
        """What it prints until its end, which must be a good one."""
        printed, failed = self.process.communicate(timeout=40)
        assert self.process.returncode == 0, failed
        assert "Error" not in failed, failed
        return printed.splitlines()

    def interrupt(self) -> None:
        self.process.send_signal(signal.SIGINT)


@pytest.fixture
def run(pool: PoolBeside) -> Iterator[Callable[..., Program]]:
    """Runs a program, given as text or by its name in `programs`."""
    begun: list[subprocess.Popen[str]] = []

    def begin(program: str, *args: str, env: Mapping[str, str] | None = None) -> Program:
        what = ["-c", program] if "\n" in program else [str(PROGRAMS / f"{program}.py")]
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore::DeprecationWarning", *what, *args],
            env={**pool.environment(), **(env or {})},
            cwd=PROGRAMS,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        begun.append(process)
        return Program(process)

    yield begin
    for process in begun:
        if process.poll() is None:
            process.kill()
        process.communicate()
