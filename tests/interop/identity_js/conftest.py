"""amazon-cognito-identity-js, AWS's own client for JavaScript, installed and driven."""

import base64
import json
import os
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio.to_thread import run_sync
from attrs import frozen

from testbed.node_packages import node_modules

FOLDER = Path(__file__).parent


@pytest.fixture(scope="session")
def node_path() -> Path:
    """Install the client, unless that was done before."""
    return node_modules(FOLDER)


@frozen
class Client:
    """The driver in its process."""

    process: subprocess.Popen[str]

    async def __call__(self, command: str, **members: Any) -> dict[str, Any]:
        """Give a command and wait for the event that comes of it."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(json.dumps({"command": command, **members}), file=self.process.stdin, flush=True)
        try:
            with anyio.fail_after(30):
                line = await run_sync(self.process.stdout.readline, abandon_on_cancel=True)
        except TimeoutError:
            self.process.kill()  # an answer that comes later would be another test's
            raise
        event: dict[str, Any] = json.loads(line)
        return event

    async def answer(self, text: str) -> dict[str, Any]:
        """Answer a custom challenge."""
        return await self("sendCustomChallengeAnswer", answer=text)


@pytest.fixture(scope="session")
def _identity_js(node_path: Path) -> Iterator[Client]:
    """Run the client: one process for all tests, each of which has a pool and a user of its own."""
    environment = {"PATH": os.environ["PATH"], "NODE_PATH": str(node_path)}
    with subprocess.Popen(
        ["node", str(FOLDER / "driver.cjs")],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield Client(process)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(timeout=20) == 0


@pytest.fixture
def identity_js(_identity_js: Client) -> Callable[..., Any]:
    """Begins with the client anew, against a pool; `members` are CreateUserPoolClient's."""

    @asynccontextmanager
    async def run(pool: Any, **members: Any) -> AsyncIterator[Client]:
        config = await pool.app_client(members=members)
        begun = await _identity_js(
            "begin",
            endpoint=config.endpoint,
            userPoolId=config.user_pool_id,
            clientId=config.client_id,
            username="ada",
        )
        assert begun == {"event": "begun"}
        yield _identity_js

    return run


def claims_of(token: str) -> dict[str, Any]:
    """Read a token's claims; whether it is genuine is tested where tokens are."""
    part = token.split(".")[1]
    read: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return read


@pytest.fixture
def claims() -> Callable[[str], dict[str, Any]]:
    return claims_of


@pytest.fixture
def signed_in() -> Callable[[dict[str, Any]], bool]:
    """Says whether an event is ada's sign-in, with all tokens."""

    def signed_in(event: dict[str, Any]) -> bool:
        assert event["event"] == "onSuccess", event
        return (
            event["valid"]
            and claims_of(event["accessToken"])["username"] == "ada"
            and claims_of(event["idToken"])["cognito:username"] == "ada"
            and bool(event["refreshToken"])
        )

    return signed_in
