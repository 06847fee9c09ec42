"""Sign-ins: how many a second, and what one costs client and server; SRP beside pycognito's.

By the other ways there is nobody to compare with: a plain password, custom challenges (one wrong
answer, one right), SRP with an authenticator's code, SRP with a remembered device, a refresh.

    make bench                                          all of it, a few minutes
    python -m benchmarks.sign_in --rounds 1 --quick     a glance

A pool runs in one process, a client in another, both on this machine; the kernel's accounting says
what each of them used. The clients take turns, so that a machine whose speed drifts is fair to all,
and the figures are medians over the rounds. Compare the ratios: absolute figures are one machine's.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from itertools import count
from pathlib import Path
from typing import Any, Final

import boto3
from pyotp import TOTP

from authflow.testing import ALL_FLOWS
from benchmarks.measured_client import WARM_UP

PASSWORD: Final = "Correct-horse-1"
REGION: Final = "us-east-1"
USERS: Final = 20
NUMBERS: Final = count(1)
RESULTS: Final = Path(__file__).parent / "results" / "sign_in.json"
SRP: Final = ("authflow", "authflow, tokens unverified", "pycognito")
OTHERS: Final = {
    "authflow, USER_PASSWORD_AUTH": "USER_PASSWORD_AUTH",
    "authflow, CUSTOM_AUTH, wrong and right": "CUSTOM_AUTH",
    "authflow, SRP with TOTP": "TOTP",
    "authflow, SRP with a remembered device": "device",
    "authflow, refresh": "refresh",
}
CLIENTS: Final = (*SRP, *OTHERS)
MOST_TOTP: Final = 100
"""The most sign-ins with a code in one measurement: each has a user of its own, since the code of a
half minute is good once."""
FIGURES: Final = ("per_second", "client_cpu_ms", "server_cpu_ms", "p50_ms", "p99_ms")


@contextmanager
def running_pool() -> Iterator[tuple[str, int]]:
    """Run an embedded pool in a process of its own; give its endpoint and process id."""
    command = [sys.executable, "-m", "authflow", "serve", "--port", "0"]
    command += ["--triggers", "benchmarks.word_triggers:triggers"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            os.sched_setaffinity(process.pid, {min(os.sched_getaffinity(0))})
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())["endpoint"], process.pid
        finally:
            process.terminate()


def owner(endpoint: str) -> Any:
    """Make the owner's client."""
    return boto3.client(
        "cognito-idp",
        region_name=REGION,
        endpoint_url=endpoint,
        aws_access_key_id="any",
        aws_secret_access_key="any",
    )


def set_up(endpoint: str, **settings: Any) -> dict[str, Any]:
    """Make a user pool, an app client and users."""
    cognito = owner(endpoint)
    pool_id = cognito.create_user_pool(PoolName="benchmark", **settings)["UserPool"]["Id"]
    client = cognito.create_user_pool_client(
        UserPoolId=pool_id, ClientName="benchmark", ExplicitAuthFlows=list(ALL_FLOWS)
    )
    cognito.set_user_pool_mfa_config(
        UserPoolId=pool_id,
        MfaConfiguration="OPTIONAL",
        SoftwareTokenMfaConfiguration={"Enabled": True},
    )
    usernames = [f"user-{number}" for number in range(USERS)]
    for username in usernames:
        add_user(cognito, pool_id, username)
    return {
        "user_pool_id": pool_id,
        "client_id": client["UserPoolClient"]["ClientId"],
        "usernames": usernames,
        "password": PASSWORD,
        "region": REGION,
        "endpoint": endpoint,
    }


def add_user(cognito: Any, pool_id: str, username: str) -> None:
    """Make a user."""
    cognito.admin_create_user(UserPoolId=pool_id, Username=username, MessageAction="SUPPRESS")
    cognito.admin_set_user_password(
        UserPoolId=pool_id, Username=username, Password=PASSWORD, Permanent=True
    )


def with_authenticators(task: dict[str, Any], users: int) -> dict[str, Any]:
    """Make users who have an authenticator each, and return the task with them and their keys."""
    cognito, pool_id, keys = owner(task["endpoint"]), task["user_pool_id"], {}
    for _ in range(users):
        username = f"totp-{next(NUMBERS)}"
        add_user(cognito, pool_id, username)
        token = cognito.initiate_auth(
            ClientId=task["client_id"],
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": username, "PASSWORD": PASSWORD},
        )["AuthenticationResult"]["AccessToken"]
        keys[username] = cognito.associate_software_token(AccessToken=token)["SecretCode"]
        cognito.verify_software_token(AccessToken=token, UserCode=TOTP(keys[username]).now())
        cognito.set_user_mfa_preference(
            AccessToken=token,
            SoftwareTokenMfaSettings={"Enabled": True, "PreferredMfa": True},
        )
    return {**task, "usernames": list(keys), "keys": keys}


def with_devices(task: dict[str, Any]) -> dict[str, Any]:
    """Make a user pool that remembers devices, and return the task with that one."""
    remembers = {"ChallengeRequiredOnNewDevice": True, "DeviceOnlyRememberedOnUserPrompt": False}
    return {**task, **set_up(task["endpoint"], DeviceConfiguration=remembers)}


def measure(client: str, concurrency: int, sign_ins: int, task: dict[str, Any]) -> dict[str, float]:
    """Run one client in a process of its own."""
    way = OTHERS.get(client, "USER_SRP_AUTH")
    sign_ins = max(sign_ins, concurrency)
    if way == "TOTP":
        sign_ins = max(min(sign_ins, MOST_TOTP), concurrency)
        task = with_authenticators(task, sign_ins + WARM_UP)
    if way == "device":
        task = with_devices(task)
    own = {
        "client": client.partition(",")[0],
        "way": way,
        "verify_tokens": "unverified" not in client,
        "concurrency": concurrency,
        "sign_ins": sign_ins,
    }
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.measured_client"],
        input=json.dumps({**task, **own}),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{client} failed:\n{done.stderr}")
    result: dict[str, float] = json.loads(done.stdout)
    return result


def run(
    clients: list[str], concurrencies: list[int], rounds: int, sign_ins: dict[str, int]
) -> list[dict[str, Any]]:
    """Measure every client at every concurrency, in turn, `rounds` times; give the medians."""
    rows = []
    with running_pool() as (endpoint, server_pid):
        task = {**set_up(endpoint), "server_pid": server_pid}
        for concurrency in concurrencies:
            taken: dict[str, list[dict[str, float]]] = {client: [] for client in clients}
            for _ in range(rounds):
                for client in clients:
                    wanted = sign_ins[client.partition(",")[0]]
                    taken[client].append(measure(client, concurrency, wanted, task))
            for client, results in taken.items():
                medians = {name: statistics.median(r[name] for r in results) for name in FIGURES}
                rows.append({"client": client, "concurrency": concurrency, **medians})
    return rows


def table(rows: list[dict[str, Any]]) -> str:
    """Lay the figures out in Markdown, with the ratio to pycognito at the same concurrency."""
    headings = ["client", "concurrent", "sign-ins/s", "client CPU ms", "server CPU ms"]
    headings += ["p50 ms", "p99 ms", "client CPU, pycognito = 1"]
    lines = [f"| {' | '.join(headings)} |", "|---" * len(headings) + "|"]
    peers = {r["concurrency"]: r["client_cpu_ms"] for r in rows if r["client"] == "pycognito"}

    def ratio(row: dict[str, Any]) -> str:
        if row["client"] not in SRP or row["concurrency"] not in peers:
            return "-"
        return f"1/{peers[row['concurrency']] / row['client_cpu_ms']:.1f}"

    lines += [
        f"| {row['client']} | {row['concurrency']} | {row['per_second']:.0f} "
        f"| {row['client_cpu_ms']:.2f} | {row['server_cpu_ms']:.2f} "
        f"| {row['p50_ms']:.1f} | {row['p99_ms']:.1f} "
        f"| {ratio(row)} |"
        for row in rows
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure, print the table, and keep the figures as JSON."""
    parser = argparse.ArgumentParser(description="Measure sign-ins.")
    parser.add_argument("--rounds", type=int, default=5, help="how often each is measured")
    parser.add_argument("--quick", action="store_true", help="a fifth of the sign-ins")
    parser.add_argument("--sign-ins", type=int, help="how many a measurement, for every client")
    parser.add_argument("--concurrent", type=int, nargs="+", default=[1, 10, 100])
    parser.add_argument("--only", nargs="+", default=CLIENTS, choices=CLIENTS, metavar="CLIENT")
    parser.add_argument("--json", type=Path, default=RESULTS, help="where to write the figures")
    options = parser.parse_args()
    counts = (
        {"authflow": 60, "pycognito": 6} if options.quick else {"authflow": 400, "pycognito": 30}
    )
    if options.sign_ins is not None:
        counts = dict.fromkeys(counts, options.sign_ins)
    rows = run(options.only, options.concurrent, options.rounds, counts)
    report = {
        "machine": f"{platform.machine()}, {platform.system()}",
        "python": platform.python_version(),
        "versions": {n: version(n) for n in ("cognito-authflow", "pycognito", "aiobotocore")},
        "rounds": options.rounds,
        "rows": rows,
    }
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(report, indent=2) + "\n")
    print(table(rows))


if __name__ == "__main__":
    main()
