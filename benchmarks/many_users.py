"""Whether a pool's memory grows with its users: many imported, listed, searched and exported.

    make many-users                                10,000 and 20,000 users, some three minutes
    python -m benchmarks.many_users --users 500    a glance: 500 and 1,000

For each number of users there is a pool in a process of its own, with a file for its database. Its
owner imports a CSV file, lists all users page by page, searches them by two filters, one of which
finds nobody and so looks at all, and exports them to a CSV file again. The kernel tells the most
memory that the pool had during each step. More users may make that longer, and no bigger: the run
fails where twice as many users take more than a little more.
"""

import argparse
import csv
import http.client
import json
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any, Final

from attrs import define, field, frozen

from benchmarks.sign_in import owner

RESULTS: Final = Path(__file__).parent / "results" / "many_users.json"
ALLOWED_MB: Final = 4.0
"""How much more twice as many users may take, in 10^6 bytes: what caches of a fixed size fill, and
a third of what 10,000 further users take in the database."""
TENTH: Final = 10
"""Of so many users one has the family name that is searched."""
EXPORTED: Final = ("username", "status", "email", "name", "family_name")
_ROLE: Final = "arn:aws:iam::000000000000:role/logs"
_ENDED: Final = {"Succeeded", "Failed", "Stopped"}
_PEAK: Final = re.compile(r"^VmHWM:\s+([0-9]+) kB$", re.MULTILINE)
_PAUSE: Final = 0.2


@frozen(kw_only=True)
class Step:
    """A step, and what it came to.

    Args:
        name: What the owner did.
        users: How many the pool has.
        found: How many the step dealt with.
        seconds: How long it took.
        peak_mb: The most memory of the pool meanwhile, in 10^6 bytes.
    """

    name: str
    users: int
    found: int
    seconds: float
    peak_mb: float


@frozen(kw_only=True)
class Memory:
    """The memory of a process, as Linux tells it (`proc_pid_status(5)`).

    Args:
        pid: The process.
    """

    pid: int

    def forget(self) -> None:
        """Let the peak begin anew."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def peak_mb(self) -> float:
        """Return the most that it had, in 10^6 bytes."""
        found = _PEAK.search(Path(f"/proc/{self.pid}/status").read_text())
        assert found is not None
        return 1024 * int(found[1]) / 1e6


@contextmanager
def running_pool(path: Path) -> Iterator[tuple[str, int]]:
    """Run a pool on a database file in a process of its own; give its endpoint and process id."""
    command = [sys.executable, "-m", "authflow", "serve", "--port", "0", "--db", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())["endpoint"], process.pid
        finally:
            process.terminate()


def rows(header: Sequence[str], users: int) -> Iterator[str]:
    """Give the lines of a file that is imported, one at a time."""
    yield ",".join(header) + "\n"
    for number in range(users):
        row = {
            "cognito:username": f"user{number:07}",
            "cognito:mfa_enabled": "false",
            "email": f"user{number:07}@example.org",
            "email_verified": "true",
            "name": f"Person {number:07}",
            "family_name": "Tenth" if number % TENTH == 0 else "Other",
        }
        yield ",".join(row.get(column, "") for column in header) + "\n"


@define(kw_only=True)
class PoolOwner:
    """The owner of a user pool with many users.

    Args:
        endpoint: The pool's server.
        folder: Where files are written.
        tell: Is told how far an import has come.
    """

    endpoint: str
    folder: Path
    tell: Callable[[str], None]
    pool_id: str = field(default="", init=False)
    _cognito: Any = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._cognito = owner(self.endpoint)

    def make_pool(self) -> int:
        """Make the user pool."""
        settings = {"PoolName": "many", "AutoVerifiedAttributes": ["email"]}
        self.pool_id = self._cognito.create_user_pool(**settings)["UserPool"]["Id"]
        return 0

    def bring_in(self, users: int) -> int:
        """Import users, tell of it as it goes on, and return how many came in."""
        header = self._cognito.get_csv_header(UserPoolId=self.pool_id)["CSVHeader"]
        path = self.folder / "imported.csv"
        with path.open("w") as file:
            file.writelines(rows(header, users))
        job = self._cognito.create_user_import_job(
            UserPoolId=self.pool_id, JobName="many", CloudWatchLogsRoleArn=_ROLE
        )["UserImportJob"]
        self._send(job["PreSignedUrl"], path)
        one = {"UserPoolId": self.pool_id, "JobId": job["JobId"]}
        self._cognito.start_user_import_job(**one)
        told = 0
        while True:
            job = self._cognito.describe_user_import_job(**one)["UserImportJob"]
            ended = job["Status"] in _ENDED
            if ended or job["ImportedUsers"] >= told + users / TENTH:
                told = job["ImportedUsers"]
                self.tell(f"{job['Status']}: {told} of {users} users imported")
            if ended:
                return int(told)
            time.sleep(_PAUSE)

    def _send(self, address: str, path: Path) -> None:
        """Send a file to the address of an import job, piece by piece."""
        connection = http.client.HTTPConnection(self.endpoint.removeprefix("http://"))
        with path.open("rb") as file:
            size = {"Content-Length": str(path.stat().st_size)}
            connection.request("PUT", address.removeprefix(self.endpoint), file, size)
            status = connection.getresponse().status
        connection.close()
        if status != http.client.OK:
            sys.exit(f"the file of the import was refused: {status}")

    def listed(self, text: str = "") -> Iterator[dict[str, Any]]:
        """Give the users that a filter finds, all without one, as their pages come."""
        pages = self._cognito.get_paginator("list_users").paginate(
            UserPoolId=self.pool_id, **({"Filter": text} if text else {})
        )
        return chain.from_iterable(page["Users"] for page in pages)

    def export(self) -> int:
        """Write all users into a CSV file, page by page, and return how many these are."""
        written = 0
        with (self.folder / "exported.csv").open("w", newline="") as file:
            table = csv.DictWriter(file, EXPORTED, extrasaction="ignore")
            table.writeheader()
            for user in self.listed():
                attributes = {each["Name"]: each["Value"] for each in user["Attributes"]}
                known = {"username": user["Username"], "status": user["UserStatus"]}
                table.writerow({**attributes, **known})
                written += 1
        return written

    def steps(self, users: int) -> Iterator[tuple[str, Callable[[], int]]]:
        """Give what is done, one after the other."""
        yield "a user pool made", self.make_pool
        yield "imported", lambda: self.bring_in(users)
        yield "listed", lambda: _count(self.listed())
        yield "a tenth found", lambda: _count(self.listed('family_name = "tenth"'))
        yield "nobody found", lambda: _count(self.listed('name ^= "nobody"'))
        yield "exported", self.export


def _count(users: Iterable[dict[str, Any]]) -> int:
    return sum(1 for _ in users)


def measure(users: int) -> Iterator[Step]:
    """Do all steps with so many users at a pool of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        with running_pool(path / "pool.db") as (endpoint, pid):
            memory = Memory(pid=pid)
            theirs = PoolOwner(endpoint=endpoint, folder=path, tell=print)
            for name, act in theirs.steps(users):
                memory.forget()
                began = time.perf_counter()
                found = act()
                seconds = time.perf_counter() - began
                yield Step(
                    name=name, users=users, found=found, seconds=seconds, peak_mb=memory.peak_mb()
                )


def per_user(few: Step, many: Step) -> float:
    """Return the bytes that a further user costs."""
    return 1e6 * (many.peak_mb - few.peak_mb) / (many.users - few.users)


def table(few: Sequence[Step], many: Sequence[Step]) -> str:
    """Lay the figures out in Markdown."""
    headings = ["step", f"s, {few[0].users} users", f"s, {many[0].users}"]
    headings += ["peak MB", f"peak MB, {many[0].users}", "ratio", "bytes a further user"]
    lines = [f"| {' | '.join(headings)} |", "|---" * len(headings) + "|"]
    lines += [
        f"| {one.name} | {one.seconds:.1f} | {other.seconds:.1f} | {one.peak_mb:.1f} "
        f"| {other.peak_mb:.1f} | {other.peak_mb / one.peak_mb:.3f} | {per_user(one, other):.0f} |"
        for one, other in zip(few, many, strict=True)
    ]
    return "\n".join(lines)


def verdict(few: Sequence[Step], many: Sequence[Step]) -> list[str]:
    """Say where memory grows with the users, and where users are missing."""
    said = [
        f"{one.name}: {other.users} users take {other.peak_mb - one.peak_mb:.1f} MB more"
        for one, other in zip(few, many, strict=True)
        if other.peak_mb - one.peak_mb > ALLOWED_MB
    ]
    whole = {"imported": 1, "listed": 1, "a tenth found": TENTH, "exported": 1}
    said += [
        f"{step.name}: {step.found} of {step.users} users"
        for step in (*few, *many)
        if step.found != (-(-step.users // whole[step.name]) if step.name in whole else 0)
    ]
    return said


def main() -> None:
    """Measure, print the table, keep the figures as JSON, and fail where memory grows."""
    parser = argparse.ArgumentParser(description="Measure a pool's memory beside its users.")
    parser.add_argument("--users", type=int, default=10_000, help="and twice as many (%(default)s)")
    parser.add_argument("--json", type=Path, default=RESULTS, help="where to write the figures")
    options = parser.parse_args()
    few, many = (list(measure(users)) for users in (options.users, 2 * options.users))
    report = {
        "machine": f"{platform.machine()}, {platform.system()}",
        "python": platform.python_version(),
        "rows": [
            {name: getattr(step, name) for name in Step.__annotations__} for step in (*few, *many)
        ],
    }
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(report, indent=2) + "\n")
    print(table(few, many))
    said = verdict(few, many)
    if said:
        sys.exit("\n".join(said))


if __name__ == "__main__":
    main()
