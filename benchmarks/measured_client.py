"""One client in a process of its own: signs users in, many times, and tells what that cost.

Started by `benchmarks.sign_in`, with its task as JSON on standard input. The result, as JSON, goes
to standard output. Only the sign-ins are measured: not the imports, not the client's making, and
not a few sign-ins before, which warm both sides up.
"""

import asyncio
import json
import math
import os
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

WARM_UP = 3


def server_cpu_seconds(pid: int) -> float:
    """Read a process's user and system time from the kernel (Linux's /proc, see proc(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def own_cpu_seconds() -> float:
    """Read this process's user and system time from the kernel."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


class Meter:
    """Measures what happens between `start` and `result`."""

    def __init__(self, server_pid: int) -> None:
        self._server_pid = server_pid
        self.latencies: list[float] = []

    def start(self) -> None:
        """Begin."""
        self.latencies.clear()
        self._server = server_cpu_seconds(self._server_pid)
        self._client = own_cpu_seconds()
        self._wall = time.perf_counter()

    def result(self) -> dict[str, float]:
        """Give the figures per sign-in."""
        wall = time.perf_counter() - self._wall
        client = own_cpu_seconds() - self._client
        server = server_cpu_seconds(self._server_pid) - self._server
        done = sorted(self.latencies)
        return {
            "sign_ins": len(done),
            "per_second": len(done) / wall,
            "client_cpu_ms": client / len(done) * 1000,
            "server_cpu_ms": server / len(done) * 1000,
            "p50_ms": done[len(done) // 2] * 1000,
            "p99_ms": done[math.ceil(len(done) * 0.99) - 1] * 1000,
        }


async def authflow(task: dict[str, Any]) -> dict[str, float]:
    """Sign in, or refresh, with authflow: one client, many tasks."""
    from authflow import AuthClient, AuthConfig  # noqa: PLC0415

    meter = Meter(task["server_pid"])
    config = AuthConfig(
        user_pool_id=task["user_pool_id"],
        client_id=task["client_id"],
        endpoint=task["endpoint"],
        max_concurrency=task["concurrency"],
        verify_tokens=task["verify_tokens"],
    )
    remembers = task["way"] == "device"
    async with AuthClient(config, remember_device="always" if remembers else "never") as auth:
        measured = await _ways(auth, task)

        async def one(number: int) -> None:
            began = time.perf_counter()
            await measured(task["usernames"][number % len(task["usernames"])])
            meter.latencies.append(time.perf_counter() - began)

        numbers = iter(range(WARM_UP, WARM_UP + task["sign_ins"]))

        async def worker() -> None:
            for number in numbers:
                await one(number)

        for number in range(WARM_UP):
            await one(number)
        meter.start()
        async with asyncio.TaskGroup() as tasks:
            for _ in range(task["concurrency"]):
                tasks.create_task(worker())
        return meter.result()


async def _ways(auth: Any, task: dict[str, Any]) -> Callable[[str], Awaitable[None]]:
    """Return what is measured, as a function of the user's name."""
    from pyotp import HOTP  # noqa: PLC0415

    from authflow import AuthFlow, SignedIn  # noqa: PLC0415

    way, password = task["way"], task["password"]
    first: Any = None
    devices: dict[str, Any] = {}
    if way == "refresh":
        first = await auth.sign_in(task["usernames"][0], password)
    if way == "device":
        for user in task["usernames"]:
            devices[user] = (await auth.sign_in(user, password)).tokens.device

    async def refresh(_user: str) -> None:
        assert (await auth.refresh(first.tokens.refresh_token)).access_token

    async def by_custom_challenges(user: str) -> None:
        pending = await auth.sign_in(user, flow=AuthFlow.CUSTOM_AUTH)
        pending = await auth.answer(pending, "open barley")
        assert isinstance(await auth.answer(pending, "open sesame"), SignedIn)

    async def with_totp(user: str) -> None:
        pending = await auth.sign_in(user, password)
        # The code of this half minute was used up as the authenticator was set up.
        code = HOTP(task["keys"][user]).at(int(time.time() // 30) + 1)
        assert isinstance(await auth.answer(pending, code), SignedIn)

    async def with_device(user: str) -> None:
        signed_in = await auth.sign_in(user, password)
        assert signed_in.tokens.device == devices[user]  # another one where it was not proved

    async def by_flow(user: str) -> None:
        assert isinstance(await auth.sign_in(user, password, flow=AuthFlow(way)), SignedIn)

    others = {
        "refresh": refresh,
        "CUSTOM_AUTH": by_custom_challenges,
        "TOTP": with_totp,
        "device": with_device,
    }
    return others.get(way, by_flow)


def pycognito(task: dict[str, Any]) -> dict[str, float]:
    """Sign in with pycognito: one shared boto3 client, many threads."""
    import boto3  # noqa: PLC0415
    from botocore import UNSIGNED  # noqa: PLC0415
    from botocore.config import Config  # noqa: PLC0415
    from pycognito.aws_srp import AWSSRP  # noqa: PLC0415

    meter = Meter(task["server_pid"])
    client = boto3.client(
        "cognito-idp",
        region_name=task["region"],
        endpoint_url=task["endpoint"],
        config=Config(signature_version=UNSIGNED, max_pool_connections=task["concurrency"]),
    )

    def one(number: int) -> None:
        began = time.perf_counter()
        user = task["usernames"][number % len(task["usernames"])]
        srp = AWSSRP(
            username=user,
            password=task["password"],
            pool_id=task["user_pool_id"],
            client_id=task["client_id"],
            client=client,
        )
        assert srp.authenticate_user()["AuthenticationResult"]["AccessToken"]
        meter.latencies.append(time.perf_counter() - began)

    for number in range(WARM_UP):
        one(number)
    with ThreadPoolExecutor(task["concurrency"]) as threads:
        meter.start()
        list(threads.map(one, range(task["sign_ins"])))
    return meter.result()


def main() -> None:
    """Do the task that stands on standard input."""
    task = json.load(sys.stdin)
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # the server has the first one
    result = pycognito(task) if task["client"] == "pycognito" else asyncio.run(authflow(task))
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    main()
