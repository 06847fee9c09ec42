"""Many sign-ins at once behind Cognito's quota: from one process and from four, paced and not.

    make quota-storm                             a minute
    python -m benchmarks.quota_storm --sign-ins 200 --per-second 240     a glance

The server and each client are processes of their own. The four share the quota by a redis-server
that runs meanwhile. A sign-in needs two requests: a password and a code, which take the clients
little work; `--flow USER_SRP_AUTH` takes them all that two processors can do.
"""

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, Final

RESULTS: Final = Path(__file__).parent / "results" / "quota_storm.json"
STORMS: Final = {
    "1 process, not paced": (1, False),
    "4 processes, not paced": (4, False),
    "1 process, paced": (1, True),
    "4 processes, paced by Redis": (4, True),
}
EACH: Final = 2
"""The requests that a sign-in needs."""


@contextmanager
def running(module: str, *arguments: str) -> Iterator[tuple[IO[str], IO[str]]]:
    """Run a part of the benchmark; give its standard input and output."""
    command = [sys.executable, "-m", f"benchmarks.{module}", *arguments]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield process.stdin, process.stdout
        finally:
            process.kill()


@contextmanager
def running_redis() -> Iterator[str]:
    """Run a redis-server that writes nothing to disk; give its address."""
    with tempfile.TemporaryDirectory(prefix="storm-") as folder:
        socket = Path(folder) / "redis.sock"
        command = ["redis-server", "--port", "0", "--unixsocket", str(socket), "--save", ""]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
            try:
                while not socket.exists():
                    time.sleep(0.05)
                yield f"unix://{socket}"
            finally:
                server.terminate()


def storm(
    options: argparse.Namespace, processes: int, *, paced: bool, redis: str
) -> dict[str, Any]:
    """Sign in from some processes, and give what became of it."""
    with ExitStack() as running_parts:
        arguments = ["--per-second", str(options.per_second)]
        asked, told = running_parts.enter_context(running("quota_server", *arguments))
        task = {
            "endpoint": json.loads(told.readline())["endpoint"],
            "redis": redis if paced and processes > 1 else "",
            "paced": paced,
            "flow": options.flow,
            "per_second": options.per_second,
            "sign_ins": options.sign_ins // processes,
        }
        clients = [running_parts.enter_context(running("quota_client")) for _ in range(processes)]
        for given, _ in clients:
            print(json.dumps(task), file=given, flush=True)
        for _, printed in clients:
            printed.readline()
        began = time.perf_counter()
        for given, _ in clients:
            print("go", file=given, flush=True)
        results = [json.loads(printed.read()) for _, printed in clients]
        seconds = time.perf_counter() - began
        asked.close()
        counts = json.loads(told.read())
    failed: Counter[str] = Counter()
    for result in results:
        failed.update(result["failed"])
    return {
        "signed_in": counts.get("RespondToAuthChallenge", 0),
        "failed": sum(failed.values()),
        "errors": failed,
        "requests": counts["requests"],
        "throttled": counts.get("throttled", 0),
        "seconds": max(result["seconds"] for result in results),
        "with_their_end": seconds,
    }


def table(rows: list[dict[str, Any]], options: argparse.Namespace) -> str:
    """Lay the figures out in Markdown."""
    headings = ["sign-ins at once", "signed in", "failed", "requests", "of those needed"]
    headings += ["throttled", "seconds", "of N / quota"]
    lines = [f"| {' | '.join(headings)} |", "|---" * len(headings) + "|"]
    needed, least = options.sign_ins * EACH, options.sign_ins / options.per_second
    for row in rows:
        cells = [row["storm"], row["signed_in"], row["failed"], row["requests"]]
        cells += [f"{row['requests'] / needed:.3f}", row["throttled"]]
        cells += [f"{row['seconds']:.2f}", f"{row['seconds'] / least:.3f}"]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def main() -> None:
    """Measure, print the table, and keep the figures as JSON."""
    parser = argparse.ArgumentParser(description="Sign in many users at once behind a quota.")
    parser.add_argument("--sign-ins", type=int, default=1000, help="in all (%(default)s)")
    parser.add_argument("--per-second", type=int, default=120, help="the quota (%(default)s)")
    parser.add_argument("--flow", default="USER_PASSWORD_AUTH", help="(%(default)s)")
    parser.add_argument("--only", default="", help="the storms whose names have this in them")
    parser.add_argument("--json", type=Path, default=RESULTS, help="where to write the figures")
    options = parser.parse_args()
    rows = []
    with running_redis() as redis:
        for name, (processes, paced) in STORMS.items():
            if options.only in name:
                result = storm(options, processes, paced=paced, redis=redis)
                rows.append({"storm": name, **result})
    report = {
        "machine": f"{platform.machine()}, {platform.system()}",
        "python": platform.python_version(),
        "sign_ins": options.sign_ins,
        "per_second": options.per_second,
        "rows": rows,
    }
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(report, indent=2) + "\n")
    print(table(rows, options))


if __name__ == "__main__":
    main()
