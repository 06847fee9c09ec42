"""Whether a clock tells who exists: known names beside unknown ones, at a pool that hides users.

    make existence                                  5,000 of each, some twenty minutes
    python -m benchmarks.existence --quick          a glance: 300 of each

A pool runs in one process, the client in another. Each operation is asked for a known name, for
another known name (the control) and for an unknown one, in an order drawn anew each time, so that a
machine whose speed drifts is fair to all. "Unconfirmed" are people who wait for the code of their
sign-up; of a sign-up it is the address that is somebody's or nobody's, since of names SignUp tells
by itself, as Cognito's does. Welch's t compares the times, the slowest tenth left out, since that
tells of the machine. The control says what t comes to by chance; and a leak that is planted, a
trigger that takes longer for users who exist, says that this would find one.
"""

import argparse
import json
import math
import os
import platform
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import anyio
from attrs import define, frozen

from authflow.pool import PoolServer
from benchmarks.hidden_people import (
    ALIASES,
    JUMP_SECONDS,
    KINDS,
    LEAK,
    OPERATIONS,
    PEOPLE,
    WAITING,
    Client,
    make_pool,
    set_up,
)

RESULTS: Final = Path(__file__).parent / "results" / "existence.json"
FOUND: Final = 4.5
"""The |t| from which a difference counts as found."""
KEPT: Final = 0.9
"""The part of the times that is compared: the fastest."""
NAMES: Final = 40
"""How many names of each kind take turns."""
TURNS: Final = 4
"""How often a name is asked for before the pool's clock moves on, so that none is locked."""
PLANTED_US: Final = 100
"""Microseconds that the planted trigger takes longer for a user who exists."""
SOURCES: Final = (
    *("PreAuthentication", "CustomMessage"),
    *("DefineAuthChallenge", "CreateAuthChallenge", "VerifyAuthChallengeResponse"),
)


@define
class Triggers:
    """The pool's triggers: a riddle, a message, and the planted leak."""

    planted_us: int
    sources: frozenset[str] = frozenset(SOURCES)

    async def handle(self, event: dict[str, Any]) -> dict[str, Any]:
        """Answer as whoever wrote the trigger would."""
        source, request, response = event["triggerSource"], event["request"], event["response"]
        if source.startswith("PreAuthentication") and event["userName"].startswith(LEAK):
            longer = 0.0 if request["userNotFound"] else 1e-6 * self.planted_us
            until = time.perf_counter() + longer
            while time.perf_counter() < until:
                pass
        elif source.startswith("CustomMessage"):
            response["emailMessage"] = f"{request['codeParameter']} is your code"
        elif source.startswith("Define"):
            response["challengeName"] = "CUSTOM_CHALLENGE"
        elif source.startswith("Create"):
            response["publicChallengeParameters"] = {"question": "2 + 2"}
            response["privateChallengeParameters"] = {"answer": "4"}
        elif source.startswith("Verify"):
            response["answerCorrect"] = request["challengeAnswer"] == "4"
        return event


async def serve(planted_us: int) -> None:
    """Serve a pool whose clock moves on by two hours for each line on standard input."""
    jumps: list[str] = []
    async with PoolServer(
        triggers=Triggers(planted_us), clock=lambda: time.time() + JUMP_SECONDS * len(jumps)
    ) as pool:
        print(pool.endpoint, flush=True)

        def read() -> None:
            for line in sys.stdin:
                jumps.append(line)
                print("moved on", flush=True)

        await anyio.to_thread.run_sync(read)


@contextmanager
def running_pool(planted_us: int) -> Iterator[Client]:
    """Run a pool in a process of its own, on a processor of its own where there are two."""
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.existence", "--serve", "--planted", str(planted_us)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            processors = os.sched_getaffinity(0)
            os.sched_setaffinity(process.pid, {min(processors)})
            os.sched_setaffinity(0, processors - {min(processors)} or processors)
            assert process.stdout is not None
            yield Client(process, process.stdout.readline().strip().removeprefix("http://"))
        finally:
            process.terminate()


PLANTED: Final = "planted leak"


def t_of(one: list[float], other: list[float]) -> float:
    """Give Welch's t of two samples, their slowest tenths left out by one limit."""
    limit = statistics.quantiles(one + other, n=100)[round(100 * KEPT) - 1]
    kept = [[each for each in sample if each <= limit] for sample in (one, other)]
    first, second = kept
    spread = statistics.variance(first) / len(first) + statistics.variance(second) / len(second)
    return (statistics.fmean(first) - statistics.fmean(second)) / math.sqrt(spread)


@frozen
class Row:
    """What was found for an operation; times in microseconds, t positive where known is slower."""

    operation: str
    samples: int
    known_us: float
    unknown_us: float
    t: float
    t_control: float


def measure(client: Client, label: str, names: dict[str, list[str]], samples: int) -> Row:
    """Time one operation for each kind of name, in turn."""
    operation, prepare = OPERATIONS.get(label, OPERATIONS["SRP, first step"])
    taken: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for turn in range(samples):
        if turn % (len(names["known"]) * TURNS) == 0:
            client.move_on()
        for kind in random.sample(KINDS, len(KINDS)):
            request = prepare(client, names[kind][turn % len(names[kind])])
            began = time.perf_counter()
            client(operation, **request)
            taken[kind].append(1e6 * (time.perf_counter() - began))
    return Row(
        operation=label,
        samples=samples,
        known_us=statistics.median(taken["known"]),
        unknown_us=statistics.median(taken["unknown"]),
        t=t_of(taken["known"], taken["unknown"]),
        t_control=t_of(taken["known"], taken["control"]),
    )


def run(samples: int, planted_us: int) -> list[Row]:
    """Measure all operations, and the planted leak."""
    with running_pool(planted_us) as client:
        make_pool(client, "pool", "client")
        make_pool(client, "alias pool", ALIASES, AliasAttributes=["email"])
        made = {
            prefix: set_up(client, prefix, min(NAMES, samples))
            for prefix in ("", WAITING, ALIASES, LEAK)
        }
        rows = [
            measure(client, label, made[PEOPLE.get(label, "")], samples) for label in OPERATIONS
        ]
        return [*rows, measure(client, PLANTED, made[LEAK], samples)]


def table(rows: list[Row]) -> str:
    """Lay the figures out in Markdown."""
    headings = ["operation", "known µs", "unknown µs", "difference", "t", "t of the control"]
    lines = [f"| {' | '.join(headings)} |", "|---" * len(headings) + "|"]
    lines += [
        f"| {row.operation} | {row.known_us:.0f} | {row.unknown_us:.0f} "
        f"| {100 * (row.known_us / row.unknown_us - 1):+.1f} % "
        f"| {row.t:+.1f} | {row.t_control:+.1f} |"
        for row in rows
    ]
    return "\n".join(lines)


def verdict(rows: list[Row]) -> list[str]:
    """Say what is wrong: a leak that was found, or one that should have been."""
    said = [
        f"{row.operation}: |t| = {abs(row.t):.1f} tells who exists"
        for row in rows
        if row.operation != PLANTED and abs(row.t) >= FOUND
    ]
    said += [
        f"the planted leak was not found: |t| = {abs(row.t):.1f}"
        for row in rows
        if row.operation == PLANTED and abs(row.t) < FOUND
    ]
    return said


def main() -> None:
    """Measure, print the table, keep the figures as JSON, and fail where somebody is told apart."""
    parser = argparse.ArgumentParser(description="Look for who exists, by the clock.")
    parser.add_argument("--samples", type=int, default=5000, help="how many of each kind")
    parser.add_argument("--quick", action="store_true", help="300 of each, and a leak of 1 ms")
    parser.add_argument("--planted", type=int, default=PLANTED_US, help="the leak's microseconds")
    parser.add_argument("--json", type=Path, default=RESULTS, help="where to write the figures")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        anyio.run(serve, options.planted)
        return
    samples, planted = (300, 1000) if options.quick else (options.samples, options.planted)
    rows = run(samples, planted)
    report = {
        "machine": f"{platform.machine()}, {platform.system()}",
        "python": platform.python_version(),
        "samples": samples,
        "planted_us": planted,
        "rows": [{name: getattr(row, name) for name in Row.__annotations__} for row in rows],
    }
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(report, indent=2) + "\n")
    print(table(rows))
    said = verdict(rows)
    if said:
        sys.exit("\n".join(said))


if __name__ == "__main__":
    main()
