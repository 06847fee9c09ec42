"""A sign-in goes on in another process after each of its steps, and the one before was killed.

Real processes, over HTTP at the embedded pool; what they share is keys and a redis-server.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from attrs import define

from authflow.keys import KeyRing
from authflow.testing import PASSWORD
from authflow.triggers import Triggers, any_of, challenge, optional, password, sequence

pytestmark = pytest.mark.system("redis-server")

KEYS = KeyRing.generate().to_json().reveal()
NEW = {"new_password": True, "answer": "Another-horse-2"}
FLOWS: dict[str, tuple[dict[str, Any], list[tuple[str, dict[str, Any]]]]] = {
    "custom challenges, with a choice and a wrong answer": (
        {"username": "ada", "flow": "CUSTOM_AUTH"},
        [
            ("CUSTOM_CHALLENGE", {"answer": "word"}),
            ("CUSTOM_CHALLENGE", {"answer": "wrong"}),
            ("CUSTOM_CHALLENGE", {"answer": "open sesame"}),
        ],
    ),
    "custom challenges after SRP": (
        {"username": "bob", "password": PASSWORD, "flow": "CUSTOM_AUTH"},
        [
            ("CUSTOM_CHALLENGE", {"answer": "other"}),
            ("CUSTOM_CHALLENGE", {"answer": "open sesame"}),
        ],
    ),
    "a new password after SRP": (
        {"username": "cid", "password": PASSWORD, "flow": "USER_SRP_AUTH"},
        [("NEW_PASSWORD_REQUIRED", NEW)],
    ),
    "a new password after one that was sent": (
        {"username": "dan", "password": PASSWORD, "flow": "USER_PASSWORD_AUTH"},
        [("NEW_PASSWORD_REQUIRED", NEW)],
    ),
    "a password by SRP": ({"username": "eve", "password": PASSWORD, "flow": "USER_SRP_AUTH"}, []),
}


@define
class Processes:
    """Starts processes, one after the other, and kills them."""

    starter: "subprocess.Popen[str]"
    store: str | None

    async def start(self, jobs: list[dict[str, Any]]) -> int:
        line = {"keys": KEYS, "store": self.store, "jobs": jobs}
        self.starter.stdin.write(f"{json.dumps(line)}\n")
        self.starter.stdin.flush()
        return int(await self.line())

    async def line(self) -> str:
        return await anyio.to_thread.run_sync(self.starter.stdout.readline)

    async def kill(self, pid: int) -> None:
        os.kill(pid, signal.SIGKILL)
        with anyio.fail_after(60):
            while True:
                try:
                    os.kill(pid, 0)
                except ProcessLookupError:
                    return
                await anyio.sleep(0.001)

    async def do(self, jobs: list[dict[str, Any]]) -> list[dict[str, str]]:
        """Do jobs in a new process, and kill it."""
        pid = await self.start(jobs)
        results: list[dict[str, str]] = json.loads(await self.line())
        await self.kill(pid)
        return results


@pytest.fixture(scope="module")
def processes(redis_url: str) -> Iterator[Processes]:
    program = Path(__file__).with_name("ticket_worker.py")
    with subprocess.Popen(
        [sys.executable, program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as starter:
        yield Processes(starter, redis_url)
        starter.stdin.close()


def settings(config: Any) -> dict[str, Any]:
    return {
        "user_pool_id": config.user_pool_id,
        "client_id": config.client_id,
        "endpoint": str(config.endpoint),
    }


async def test_every_flow_goes_on_in_a_new_process_after_each_step(processes, live_pool, word):
    class Other(word):
        name, metadata = "other", "OTHER"

    policy = sequence(
        optional(password()),
        any_of(challenge("word", attempts=2), challenge("other", attempts=2)),
    )
    triggers = Triggers(policy=policy, challenges=[word, Other])
    async with live_pool(triggers=triggers) as pool:
        for begin, _ in FLOWS.values():
            await pool.add_user(begin["username"])
        for name in ("cid", "dan"):
            await pool.call(
                "AdminSetUserPassword",
                UserPoolId=pool.user_pool_id,
                Username=name,
                Password=PASSWORD,
                Permanent=False,
            )
        config = settings(pool.config)
        running = {name: {"config": config, "begin": begin} for name, (begin, _) in FLOWS.items()}
        finished: list[str] = []
        for step in range(5):
            results = await processes.do([*running.values()])
            for name, result in zip([*running], results, strict=True):
                _, answers = FLOWS[name]
                if step == len(answers):
                    assert result == {"signed_in": FLOWS[name][0]["username"]}, name
                    finished.append(name)
                    del running[name]
                    continue
                asked, answer = answers[step]
                assert result["asked"] == asked, name
                running[name] = {"config": config, "ticket": result["ticket"], **answer}
            if not running:
                break
        assert sorted(finished) == sorted(FLOWS)


async def test_a_process_that_dies_with_an_answer_on_its_way_leaves_it_claimed(processes, scripted):
    asked = {"ChallengeName": "CUSTOM_CHALLENGE", "Session": "s" * 40}
    async with scripted.serve(asked, scripted.hang) as server:
        config = settings(server.config())
        begin = {"username": "ada", "flow": "CUSTOM_AUTH"}
        (begun,) = await processes.do([{"config": config, "begin": begin}])
        answer = {"config": config, "ticket": begun["ticket"], "answer": "open sesame"}
        pid = await processes.start([answer])
        with anyio.fail_after(60):
            while len(server.requests) < 2:
                await anyio.sleep(0.001)
        await processes.kill(pid)
        for _ in range(2):
            assert await processes.do([answer]) == [{"error": "SessionSpentError"}]
    assert server.operations == ["InitiateAuth", "RespondToAuthChallenge"]
