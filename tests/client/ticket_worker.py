"""Processes of a service: for each line of jobs a new one, which then waits to be killed.

What starts them has imported everything, and opened a client once, so that a process costs little.
It holds nothing of a sign-in: what a process knows is in its line, and what it gives is its line of
results.
"""

import asyncio
import json
import os
import signal
import sys
from contextlib import AsyncExitStack
from functools import cache
from typing import Any

import botocore.session

from authflow import AuthClient, AuthConfig, AuthFlow, ChallengeRequired, NewPassword
from authflow.keys import KeyRing
from authflow.stores import RedisStore

NOWHERE = "http://127.0.0.1:9"


async def done(auth: AuthClient, job: dict[str, Any]) -> dict[str, str]:
    """Do one step of a sign-in: begin it, or answer a ticket."""
    try:
        if "begin" in job:
            begin = {**job["begin"], "flow": AuthFlow(job["begin"]["flow"])}
            result = await auth.sign_in(**begin)
        else:
            answer = job["answer"]
            if job.get("new_password"):
                answer = NewPassword(answer)
            result = await auth.answer(await auth.resume(job["ticket"]), answer)
        if isinstance(result, ChallengeRequired):
            return {"asked": result.challenge.name, "ticket": await auth.seal(result)}
        return {"signed_in": result.username}
    except Exception as error:  # noqa: BLE001  # the test looks at it
        return {"error": type(error).__name__}


async def work(line: dict[str, Any]) -> list[dict[str, str]]:
    """Do a line of jobs."""
    results = []
    async with AsyncExitStack() as stack:
        clients: dict[str, AuthClient] = {}
        store = None
        if line["store"] is not None:
            store = await stack.enter_async_context(RedisStore(redis=line["store"]))
        for job in line["jobs"]:
            config = json.dumps(job["config"])
            if config not in clients:
                auth = AuthClient(
                    AuthConfig(**job["config"]),
                    keys=KeyRing.parse(line["keys"]),
                    store=store,
                    discover=False,
                )
                clients[config] = await stack.enter_async_context(auth)
            results.append(await done(clients[config], job))
    return results


async def warm_up() -> None:
    """Import and read what a client needs: most of what a process would cost."""
    botocore.session.create_loader = cache(botocore.session.create_loader)
    config = AuthConfig(user_pool_id="eu-central-1_Abc123def", client_id="1", endpoint=NOWHERE)
    async with AuthClient(config, discover=False):
        pass


def main() -> None:
    """Make a process for each line."""
    asyncio.run(warm_up())
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    for line in sys.stdin:
        if (pid := os.fork()) != 0:
            sys.stdout.write(f"{pid}\n")
            sys.stdout.flush()
            continue
        results = asyncio.run(work(json.loads(line)))
        sys.stdout.write(f"{json.dumps(results)}\n")
        sys.stdout.flush()
        while True:
            signal.pause()


if __name__ == "__main__":
    main()
