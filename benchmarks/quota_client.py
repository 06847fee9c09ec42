"""A process with many sign-ins at once, paced or not. Started by `benchmarks.quota_storm`.

Its task comes as JSON on the first line of standard input, and a second line says when to begin.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from contextlib import AsyncExitStack
from typing import Any

from authflow import AuthClient, AuthConfig, AuthFlowError, ChallengeRequired, Code
from authflow.client import Pacing, RequestBudgets
from authflow.stores import RedisStore


async def signed_in(task: dict[str, Any]) -> dict[str, Any]:
    """Sign in, all at once."""
    config = AuthConfig(
        user_pool_id="eu-central-1_Abc123def",
        client_id="1example23456789",
        endpoint=task["endpoint"],
        verify_tokens=False,
        flow=task["flow"],
    )
    failed: Counter[str] = Counter()
    async with AsyncExitStack() as resources:
        pacing = store = None
        if task["redis"]:
            store = await resources.enter_async_context(RedisStore(redis=task["redis"]))
        if task["paced"]:
            budgets = RequestBudgets({"UserAuthentication": task["per_second"]})
            pacing = Pacing(budgets=budgets, store=store)
        auth = await resources.enter_async_context(AuthClient(config, pacing=pacing))

        async def one(number: int) -> None:
            try:
                result = await auth.sign_in(f"user-{number}", "Correct-horse-1")
                if isinstance(result, ChallengeRequired):
                    await auth.answer(result, Code("123456"))
            except AuthFlowError as error:
                failed[type(error).__name__] += 1

        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        began = time.perf_counter()
        await asyncio.gather(*map(one, range(task["sign_ins"])))
        seconds = time.perf_counter() - began
    return {"failed": failed, "seconds": seconds}


def main() -> None:
    """Do the task that stands on standard input."""
    json.dump(asyncio.run(signed_in(json.loads(sys.stdin.readline()))), sys.stdout)


if __name__ == "__main__":
    main()
