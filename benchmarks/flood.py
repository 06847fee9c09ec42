"""A flood of InitiateAuth at ten times what a pool can serve, and an honest client beside it.

    make flood                                   some two minutes
    python -m benchmarks.flood --quick           a glance
    python -m benchmarks.flood --authflow PATH   the same for another checkout of authflow

The pool, who floods and who signs in honestly are processes of their own; the pool has one
processor, the others share another. First it is measured how many InitiateAuth a second the pool
serves; then somebody sends ten times as many. Each flood is of another kind: the honest client's
address is another one than the flood's or the same, and the flood names one user or a new one each
time; once its address has a budget.
"""

import argparse
import json
import math
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import boto3

from benchmarks.sign_in import set_up

RESULTS: Final = Path(__file__).parent / "results" / "flood.json"
HERE: Final = "127.0.0.1"
ELSEWHERE: Final = "127.0.0.2"
FLOODS: Final[dict[str, dict[str, Any] | None]] = {
    "none": None,
    "from elsewhere, a new name each, beyond a budget": {
        "source": ELSEWHERE,
        "name": "",
        "serve": ("--address-budget", "100:200"),
    },
    "from elsewhere, a new name each": {"source": ELSEWHERE, "name": ""},
    "from elsewhere, one name": {"source": ELSEWHERE, "name": "ghost"},
    "from the same address, one name": {"source": HERE, "name": "ghost"},
    "from the same address, a new name each": {"source": HERE, "name": ""},
}
FIGURES: Final = ("sign_ins", "failed", "p50_ms", "p99_ms", "sent", "served", "refused")


@contextmanager
def running_pool(checkout: Path | None, arguments: Sequence[str]) -> Iterator[str]:
    """Run a pool in a process and on a processor of its own; give its endpoint."""
    path = {} if checkout is None else {"PYTHONPATH": str(checkout)}
    command = [sys.executable, "-m", "authflow", "serve", "--port", "0", *arguments]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # it tells of refused sign-ins
        text=True,
        env={**os.environ, **path},
        cwd=checkout,
    ) as process:
        try:
            os.sched_setaffinity(process.pid, {min(os.sched_getaffinity(0))})
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())["endpoint"]
        finally:
            process.terminate()


@contextmanager
def flooded(task: dict[str, Any], results: dict[str, float]) -> Iterator[None]:
    """Flood the pool while the block runs; then put in what became of the flood, a second."""
    command = [sys.executable, "-m", "benchmarks.flooding_client"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        print(json.dumps(task), file=process.stdin, flush=True)
        process.stdout.readline()
        yield
        process.stdin.close()
        results.update(json.loads(process.stdout.read()))


def honest(task: dict[str, Any]) -> dict[str, float]:
    """Sign in for some seconds in a process of its own, one after the other."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.honest_client"],
        input=json.dumps(task),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"the honest client failed:\n{done.stderr}")
    told = json.loads(done.stdout)
    latencies = sorted(told["latencies"]) or [math.inf]
    return {
        "sign_ins": len(told["latencies"]),
        "failed": told["failed"],
        "p50_ms": latencies[len(latencies) // 2] * 1000,
        "p99_ms": latencies[math.ceil(len(latencies) * 0.99) - 1] * 1000,
    }


def set_up_hiding(endpoint: str) -> dict[str, Any]:
    """Make what is needed for sign-ins, and have the pool work as much for names nobody has."""
    task = set_up(endpoint)
    boto3.client(
        "cognito-idp",
        region_name=task["region"],
        endpoint_url=endpoint,
        aws_access_key_id="any",
        aws_secret_access_key="any",
    ).update_user_pool_client(
        UserPoolId=task["user_pool_id"],
        ClientId=task["client_id"],
        PreventUserExistenceErrors="ENABLED",
    )
    return task


def measure(options: argparse.Namespace) -> tuple[float, list[dict[str, Any]]]:
    """Give how many InitiateAuth a second are served, and a row for each flood."""
    with running_pool(options.authflow, options.serve) as endpoint:
        task = {**set_up_hiding(endpoint), "connections": 20, "per_second": 1e6}
        found: dict[str, float] = {}
        with flooded({**task, "source": ELSEWHERE, "name": ""}, found):
            time.sleep(min(2.0, options.seconds))
        capacity = found["served"]
    rows = []
    for name, flood in FLOODS.items():
        if options.only not in name:
            continue
        # Another checkout may know no budgets.
        further = () if flood is None or options.authflow else flood.get("serve", ())
        with running_pool(options.authflow, [*options.serve, *further]) as endpoint:
            task = {**set_up_hiding(endpoint), "seconds": options.seconds}
            honest({**task, "seconds": min(0.5, options.seconds)})
            row: dict[str, Any] = {"flood": name, **dict.fromkeys(FIGURES, 0.0)}
            if flood is None:
                row.update(honest(task))
            else:
                several = {"connections": options.connections, "per_second": 10 * capacity}
                with flooded({**task, **several, **flood}, row):
                    row.update(honest(task))
            rows.append(row)
    return capacity, rows


def table(rows: list[dict[str, Any]]) -> str:
    """Lay the figures out in Markdown."""
    headings = ["flood", "honest sign-ins", "failed", "p50 ms", "p99 ms"]
    headings += ["flood: sent/s", "served/s", "refused/s"]
    lines = [f"| {' | '.join(headings)} |", "|---" * len(headings) + "|"]
    for row in rows:
        figures = [f"{row[name]:.0f}" for name in FIGURES]
        lines.append(f"| {row['flood']} | {' | '.join(figures)} |")
    return "\n".join(lines)


def main() -> None:
    """Measure, print the table, and keep the figures as JSON."""
    parser = argparse.ArgumentParser(description="Measure honest sign-ins beside a flood.")
    parser.add_argument("--quick", action="store_true", help="a few seconds of each flood")
    parser.add_argument("--seconds", type=float, help="how long each flood is (20)")
    parser.add_argument("--connections", type=int, default=500, help="of who floods (%(default)s)")
    parser.add_argument("--only", default="", help="the floods whose names have this in them")
    parser.add_argument("--authflow", type=Path, help="another checkout, whose pool is flooded")
    parser.add_argument("--serve", nargs="*", default=[], help="further options of the pool")
    parser.add_argument("--json", type=Path, default=RESULTS, help="where to write the figures")
    options = parser.parse_args()
    options.seconds = options.seconds or (4.0 if options.quick else 20.0)
    capacity, rows = measure(options)
    report = {
        "machine": f"{platform.machine()}, {platform.system()}",
        "python": platform.python_version(),
        "capacity": capacity,
        "connections": options.connections,
        "rows": rows,
    }
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(report, indent=2) + "\n")
    print(f"InitiateAuth served a second, without a flood: {capacity:.0f}\n")
    print(table(rows))


if __name__ == "__main__":
    main()
