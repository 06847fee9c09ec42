"""Who floods a pool with InitiateAuth, in a process of its own.

Started by `benchmarks.flood`, with its task as one line of JSON on standard input. It speaks HTTP
by hand, so that it costs little of the machine that it shares with the pool. It ends when standard
input does; then what became of its requests goes to standard output as JSON.
"""

import asyncio
import collections
import itertools
import json
import os
import secrets
import sys
from typing import Any, Final

TICK: Final = 0.01
FAR_FROM_ZERO: Final = 2**3000


def request(task: dict[str, Any], number: int) -> bytes:
    """Spell a request that makes the pool work: A is a number that SRP takes."""
    name = task["name"] or f"ghost-{number}-{secrets.token_hex(4)}"
    parameters = {"USERNAME": name, "SRP_A": f"{FAR_FROM_ZERO + number:x}"}
    body = json.dumps(
        {
            "AuthFlow": "USER_SRP_AUTH",
            "ClientId": task["client_id"],
            "AuthParameters": parameters,
        }
    )
    return (
        "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        "X-Amz-Target: AWSCognitoIdentityProviderService.InitiateAuth\r\n"
        "Content-Type: application/x-amz-json-1.1\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


class Line(asyncio.Protocol):
    """A connection, with one request at a time."""

    def __init__(self, idle: collections.deque["Line"], outcomes: collections.Counter[str]) -> None:
        self._idle, self._outcomes = idle, outcomes
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Be ready."""
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport
        self._idle.append(self)

    def send(self, text: bytes) -> None:
        """Send a request."""
        assert self._transport is not None
        self._outcomes["sent"] += 1
        self._transport.write(text)

    def data_received(self, data: bytes) -> None:
        """Count a reply. They are short, and come in one piece."""
        if b"TooManyRequestsException" in data:
            outcome = "refused"
        elif b"PASSWORD_VERIFIER" in data:
            outcome = "served"
        else:
            outcome = "other"
        self._outcomes[outcome] += 1
        self._idle.append(self)

    def connection_lost(self, _error: Exception | None) -> None:
        """Count what the server has closed."""
        self._outcomes["closed"] += 1


async def flood(task: dict[str, Any]) -> dict[str, float]:
    """Send so many requests a second, as far as there are connections that wait for no reply."""
    loop = asyncio.get_running_loop()
    outcomes: collections.Counter[str] = collections.Counter()
    idle: collections.deque[Line] = collections.deque()
    host, _, port = task["endpoint"].removeprefix("http://").rpartition(":")
    for _ in range(task["connections"]):
        source = (task["source"], 0)
        await loop.create_connection(
            lambda: Line(idle, outcomes), host, int(port), local_addr=source
        )
    texts = [request(task, number) for number in range(2000)]
    over = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
    print("ready", flush=True)
    began, numbers, due = loop.time(), itertools.count(), 0.0
    while not over.done():
        # What finds no connection is not made up for later.
        due = min(due + TICK * task["per_second"], len(idle))
        for _ in range(int(due)):
            idle.popleft().send(texts[next(numbers) % len(texts)])
        due -= int(due)
        await asyncio.sleep(TICK)
    passed = loop.time() - began
    return {name: outcomes[name] / passed for name in ("sent", "served", "refused", "other")}


def main() -> None:
    """Do the task that stands on standard input."""
    task = json.loads(sys.stdin.readline())
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # the server has the first one
    print(json.dumps(asyncio.run(flood(task))))


if __name__ == "__main__":
    main()
