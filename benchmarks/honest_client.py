"""An honest client in a process of its own: signs in by SRP, one sign-in after the other.

Started by `benchmarks.flood`, with its task as JSON on standard input; how long each took goes to
standard output as JSON. Where the pool is busy it is told so, and comes again, as any client does.
"""

import asyncio
import json
import os
import sys
import time
from typing import Any

from authflow import AuthClient, AuthConfig, SignedIn, TransportError

PAUSE = 0.02


async def signed_in(task: dict[str, Any]) -> dict[str, Any]:
    """Sign in until the time is over."""
    latencies: list[float] = []
    failed = number = 0
    config = AuthConfig(
        user_pool_id=task["user_pool_id"],
        client_id=task["client_id"],
        endpoint=task["endpoint"],
    )
    until = time.monotonic() + task["seconds"]
    async with AuthClient(config) as auth:
        while not number or time.monotonic() < until:
            user = task["usernames"][number % len(task["usernames"])]
            number += 1
            began = time.perf_counter()
            try:
                assert isinstance(await auth.sign_in(user, task["password"]), SignedIn)
            except TransportError:
                failed += 1
            else:
                latencies.append(time.perf_counter() - began)
            await asyncio.sleep(PAUSE)
    return {"latencies": latencies, "failed": failed}


def main() -> None:
    """Do the task that stands on standard input."""
    task = json.load(sys.stdin)
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # the server has the first one
    json.dump(asyncio.run(signed_in(task)), sys.stdout)


if __name__ == "__main__":
    main()
