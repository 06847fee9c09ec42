"""amazon-cognito-identity-js, AWS's own client for JavaScript, installed and driven.

npm installs it into the user's cache, at the versions and hashes of package-lock.json. To renew
these: `npm install --package-lock-only --omit-lockfile-registry-resolved`, which records no
registry's address.
"""

import base64
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream
from attrs import define, field

FOLDER = Path(__file__).parent
LOCK = FOLDER / "package-lock.json"
LONGEST_LINE = 1 << 20


@pytest.fixture(scope="session")
def node_path() -> Path:
    """Install the client, unless that was done before."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "authflow-tests"
    installed = cache / f"identity-js-{hashlib.sha256(LOCK.read_bytes()).hexdigest()[:16]}"
    if not installed.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            fresh = Path(folder) / "fresh"
            fresh.mkdir()
            for name in ("package.json", LOCK.name):
                shutil.copy(FOLDER / name, fresh)
            _npm_ci(fresh)
            try:
                fresh.rename(installed)
            except OSError:
                assert installed.exists()  # another run of the tests was faster
    return installed / "node_modules"


def _npm_ci(folder: Path) -> None:
    """Install what the lock file says, by its hashes. Nothing of it is run."""
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, timeout=50)
    except (subprocess.SubprocessError, OSError) as error:
        said = (getattr(error, "stderr", None) or str(error))[-1000:]
        reason = f"npm cannot install amazon-cognito-identity-js: {said}"
        if os.environ.get("CI") or "EINTEGRITY" in reason:  # what was tampered with is no bad line
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)


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
