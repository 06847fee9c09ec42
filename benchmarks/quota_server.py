"""A server that takes so many sign-ins a second as a Cognito account does, and throttles the rest.

Cognito cannot be had here, and our own pool has no quotas; so this one stands for it. It counts
strictly: in no second, whenever it begins, does it take more than the quota, and of answers three
times as many. What it throttles is a TooManyRequestsException, and does not count. It proves no
password: it answers as a pool would that finds it right, after some milliseconds.

    python -m benchmarks.quota_server --per-second 120

It writes its endpoint, and at the end of its input the counts.
"""

import argparse
import asyncio
import json
import sys
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from aiohttp import web
from attrs import define, field

ANSWER: Final = "RespondToAuthChallenge"
ANSWERS: Final = 3
JSON: Final = "application/x-amz-json-1.1"
TOKENS: Final = {"AuthenticationResult": {"AccessToken": "a", "IdToken": "i", "ExpiresIn": 3600}}


def asked(parameters: dict[str, str]) -> dict[str, Any]:
    """Ask for a code, or for the proof of a password by values that are well-formed, no more."""
    username = parameters["USERNAME"]
    if "PASSWORD" in parameters:
        told = {"CODE_DELIVERY_DELIVERY_MEDIUM": "SMS", "USER_ID_FOR_SRP": username}
        return {"ChallengeName": "SMS_MFA", "Session": "s" * 200, "ChallengeParameters": told}
    return {
        "ChallengeName": "PASSWORD_VERIFIER",
        "Session": "s" * 200,
        "ChallengeParameters": {
            "USERNAME": username,
            "USER_ID_FOR_SRP": username,
            "SALT": "7d" * 16,
            "SRP_B": "3c" * 380,
            "SECRET_BLOCK": "c2VjcmV0IGJsb2Nr" * 20,
        },
    }


@define
class QuotaServer:
    """Answers sign-ins of two requests, within a quota: by SRP, or by password and a code.

    Args:
        per_second: The quota of UserAuthentication, in requests a second.
        latency: Seconds before each answer.
    """

    per_second: int = 120
    latency: float = 0.02
    counts: Counter[str] = field(factory=Counter, init=False)
    _taken: dict[str, deque[float]] = field(factory=dict, init=False)

    def takes(self, operation: str, now: float) -> bool:
        """Count a request, and return whether it is within the quota."""
        quota = self.per_second * (ANSWERS if operation == ANSWER else 1)
        taken = self._taken.setdefault(ANSWER if operation == ANSWER else "", deque())
        while taken and taken[0] <= now - 1:
            taken.popleft()
        within = len(taken) < quota
        if within:
            taken.append(now)
        self.counts["requests"] += 1
        self.counts["throttled"] += not within
        self.counts[operation] += within
        return within

    async def serve(self, request: web.Request) -> web.Response:
        """Answer one request."""
        operation = request.headers["x-amz-target"].rpartition(".")[2]
        within = self.takes(operation, asyncio.get_running_loop().time())
        members = json.loads(await request.read())
        await asyncio.sleep(self.latency)
        status, reply = 200, dict[str, Any](TOKENS)
        if not within:
            status, reply = 400, {"__type": "TooManyRequestsException", "message": "Rate exceeded"}
        elif operation != ANSWER:
            reply = asked(members["AuthParameters"])
        return web.Response(status=status, text=json.dumps(reply), content_type=JSON)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        """Serve on a port that is free, and give the endpoint."""
        app = web.Application()
        app.router.add_post("/", self.serve)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()


async def serve(per_second: int, latency: float) -> None:
    """Serve until standard input ends."""
    server = QuotaServer(per_second, latency)
    async with server.listening() as endpoint:
        print(json.dumps({"endpoint": endpoint}), flush=True)
        await asyncio.to_thread(sys.stdin.read)
    print(json.dumps(server.counts), flush=True)


def main() -> None:
    """Serve as the arguments say."""
    parser = argparse.ArgumentParser(description="Serve sign-ins within a quota.")
    parser.add_argument("--per-second", type=int, default=120)
    parser.add_argument("--latency", type=float, default=0.02)
    options = parser.parse_args()
    asyncio.run(serve(options.per_second, options.latency))


if __name__ == "__main__":
    main()
