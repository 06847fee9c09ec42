"""amazon-cognito-identity-js, AWS's own client for JavaScript, installed and driven."""

import base64
import json
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream
from attrs import define, field

from testbed.node_packages import node_modules

FOLDER = Path(__file__).parent
LONGEST_LINE = 1 << 20


@pytest.fixture(scope="session")
def node_path() -> Path:
    """Install the client, unless that was done before."""
    return node_modules(FOLDER)


@define
class Client:
    """The driver in its process."""

    process: Process
    _lines: BufferedByteReceiveStream = field(init=False)

    def __attrs_post_init__(self) -> None:
        assert self.process.stdout is not None
        self._lines = BufferedByteReceiveStream(self.process.stdout)

    async def __call__(self, command: str, **members: Any) -> dict[str, Any]:
        """Give a command and wait for the event that comes of it."""
        assert self.process.stdin is not None
        line = json.dumps({"command": command, **members}) + "\n"
        await self.process.stdin.send(line.encode())
        with anyio.fail_after(30):
            event: dict[str, Any] = json.loads(await self._lines.receive_until(b"\n", LONGEST_LINE))
        return event

    async def answer(self, text: str) -> dict[str, Any]:
        """Answer a custom challenge."""
        return await self("sendCustomChallengeAnswer", answer=text)


@pytest.fixture
def identity_js(node_path: Path) -> Callable[..., Any]:
    """Run the client against a pool."""

    @asynccontextmanager
    async def run(pool: Any) -> AsyncIterator[Client]:
        config = await pool.app_client()
        environment = {"PATH": os.environ["PATH"], "NODE_PATH": str(node_path)}
        process = await anyio.open_process(
            ["node", str(FOLDER / "driver.cjs")], env=environment, stderr=None
        )
        async with process:
            client = Client(process)
            begun = await client(
                "begin",
                endpoint=config.endpoint,
                userPoolId=config.user_pool_id,
                clientId=config.client_id,
                username="ada",
            )
            assert begun == {"event": "begun"}
            yield client
            await process.stdin.aclose()
            assert await process.wait() == 0

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
