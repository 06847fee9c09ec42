"""What `make mutants` runs: a mutant that no test notices is a test that is missing.

cosmic-ray makes the mutants and runs the tests of each; here stand what it is asked to do, and what
is said of it. Of each module's mutants a sample is taken: places in the module by chance, all
equally likely, and at each place one of the mutants there. A seed names the sample.

Each worker has a copy of the checkout, so that nobody else sees a mutant. What no test can tell
from the module, or only by its text for people, is listed with the reason in survivors.toml.

    make mutants                                 # 12 mutants of each module
    make mutants SAMPLE=30 SEED=7 MODULES='wire srp'
"""

import argparse
import ast
import multiprocessing
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any, Self

from attrs import field, frozen
from cosmic_ray.commands import execute, init
from cosmic_ray.config import ConfigDict
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import OPERATOR_PROVIDERS, get_operator
from cosmic_ray.work_db import WorkDB, use_db
from cosmic_ray.work_item import MutationSpec, WorkItem, WorkResult
from mutant_operators import Chosen
from mutant_tests import TestServer

HERE = Path(__file__).resolve().parent
NOT_COPIED = (".git", ".venv*", ".*_cache", ".hypothesis", "node_modules", "build")


@frozen(kw_only=True)
class Module:
    """A module to mutate, and the tests that must notice.

    Attributes:
        path: Its file, from the checkout.
        tests: Their files or folders.
    """

    path: str
    tests: tuple[str, ...]


@frozen(kw_only=True)
class Change:
    """What a mutant changes, wherever its lines stand by now.

    Attributes:
        module: The module's file.
        was: The lines that are no longer there, without the blanks around them.
        becomes: The lines in their place.
    """

    module: str
    was: str
    becomes: str

    @classmethod
    def of(cls, module: str, diff: str) -> Self:
        """Read a mutant's unified diff."""
        lines = [line for line in diff.splitlines() if not line.startswith(("---", "+++"))]

        def signed(sign: str) -> str:
            return " ".join(line[1:].strip() for line in lines if line.startswith(sign)).strip()

        return cls(module=module, was=signed("-"), becomes=signed("+"))


@frozen(kw_only=True)
class Tried:
    """What came of the mutants of one module.

    Attributes:
        module: Its file.
        killed: How many a test noticed.
        timeouts: How many of those by never ending.
        survivors: The diffs of those that no test noticed.
        seconds: How long it took.
    """

    module: str
    killed: int
    timeouts: int
    survivors: tuple[str, ...]
    seconds: float


@frozen(kw_only=True)
class Plan:
    """What is mutated and how much of it.

    Attributes:
        root: The checkout.
        modules: The modules.
        sample: How many mutants of each; 0 for all.
        seed: The seed of the sample.
        python: The interpreter that has pytest.
    """

    root: Path
    modules: tuple[Module, ...]
    sample: int
    seed: int
    python: Path = field(default=Path(sys.executable))


class BrokenTestsError(Exception):
    """The tests fail, or there are none, before anything was mutated."""


def modules(root: Path, wanted: Iterable[str] = ()) -> Iterator[Module]:
    """Read which modules are mutated: a pattern that comes later leaves what came before.

    Args:
        root: The checkout.
        wanted: Parts of the paths of those that are; none means all.
    """
    listed = tomllib.loads((root / ".ci" / "mutants.toml").read_text(encoding="utf-8"))["modules"]
    parts, seen = tuple(wanted), set[str]()
    for pattern, tests in listed.items():
        found = sorted(path.relative_to(root).as_posix() for path in root.glob(pattern))
        if not found:
            msg = f".ci/mutants.toml names {pattern}, which is not there"
            raise ValueError(msg)
        for path in found:
            if path not in seen and (not parts or any(part in path for part in parts)):
                yield Module(path=path, tests=tuple(tests))
            seen.add(path)


def accepted(root: Path) -> dict[Change, str]:
    """Read the survivors that are known, with the reason why no test can kill each."""
    listed = tomllib.loads((root / ".ci" / "survivors.toml").read_text(encoding="utf-8"))
    return {
        Change(module=each["module"], was=each["was"], becomes=each["becomes"]): each["reason"]
        for each in listed.get("survivor", ())
    }


def sampled(items: Iterable[WorkItem], source: str, size: int, chance: Random) -> set[str]:
    """Choose mutants: places first, so that none counts more for having many mutants.

    Args:
        items: All the mutants of a module.
        source: Its code.
        size: How many; 0 for one at each place.
        chance: What draws them.

    Returns:
        Their numbers.
    """
    nowhere = _where_nothing_runs(source)
    places: dict[tuple[int, int], list[WorkItem]] = {}
    for item in items:
        (mutation,) = item.mutations
        start = tuple(mutation.start_pos)
        if not any(first <= start < last for first, last in nowhere):
            places.setdefault(start, []).append(item)
    order = [places[place] for place in sorted(places)]
    chance.shuffle(order)
    chosen: set[str] = set()
    for here in order:
        here.sort(key=lambda each: (each.mutations[0].operator_name, each.mutations[0].occurrence))
        chance.shuffle(here)
        item = next((each for each in here if _differs(source, each.mutations[0])), None)
        if item is not None:
            chosen.add(item.job_id)
        if size and len(chosen) == size:
            break
    return chosen


def _where_nothing_runs(source: str) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Find annotations, and what only a type checker reads."""
    found: list[ast.AST] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.returns:
            found.append(node.returns)
        elif isinstance(node, ast.arg | ast.AnnAssign) and node.annotation:
            found.append(node.annotation)
        elif (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING") or (
            isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
        ):
            found.append(node)
        elif isinstance(node, ast.keyword) and node.arg == "kw_only":
            found.append(node)  # that calls name their parts, the type checker watches
        elif isinstance(node, ast.Subscript) and ast.unparse(node.value) == "Literal":
            found.append(node)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in {"cast", "TypeVar"}:
            found.append(node.args[0])
    return [
        ((each.lineno, each.col_offset), (each.end_lineno, each.end_col_offset))  # type: ignore[attr-defined]
        for each in found
    ]


def _differs(source: str, mutation: MutationSpec) -> bool:
    """Say whether a mutant is Python, and another program."""
    operator = get_operator(mutation.operator_name)()
    mutant = mutate_code(source, operator, mutation.occurrence)
    try:
        return mutant is not None and ast.dump(ast.parse(mutant)) != ast.dump(ast.parse(source))
    except SyntaxError:
        return False


def settle(
    folder: str, root: str, turns: "multiprocessing.Queue[int]", line: tuple[int, int]
) -> None:
    """Give a worker a copy of the checkout to itself, and make it the place where tests run.

    Args:
        folder: Where the copies are.
        root: The checkout.
        turns: The copies' names.
        line: The ends of a pipe. The whole program holds the one that is written to: when it has
            gone, however it was ended, so have the workers.
    """
    copy = Path(folder) / str(turns.get())
    os.close(line[1])
    threading.Thread(target=_end_with, args=(line[0], copy), daemon=True).start()
    shutil.copytree(root, copy, ignore=shutil.ignore_patterns(*NOT_COPIED), symlinks=True)
    os.chdir(copy)
    found = [str(copy), str(HERE)]
    os.environ["PYTHONPATH"] = os.pathsep.join(found)  # the editable checkout comes after these
    # What the first run compiles serves the others: those write nothing, lest a mutant stays.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    OPERATOR_PROVIDERS.clear()
    OPERATOR_PROVIDERS["chosen"] = CHOSEN


def _end_with(line: int, copy: Path) -> None:
    """Wait for the end of the program, and end this worker with all that it has begun."""
    os.read(line, 1)
    for server in [*TestServer.running]:
        server.end()
    shutil.rmtree(copy, ignore_errors=True)
    with suppress(OSError):
        copy.parent.rmdir()
    os._exit(1)


CHOSEN = Chosen()


def try_module(module: Module, sample: int, seed: int, python: str) -> Tried:
    """Try a sample of a module's mutants, in the folder where the worker is.

    Args:
        module: The module.
        sample: How many; 0 for all.
        seed: The seed.
        python: The interpreter that has pytest.

    Raises:
        BrokenTestsError: The tests fail without any mutant.
    """
    began = time.monotonic()
    with use_db(":memory:", WorkDB.Mode.create) as session:
        init([Path(module.path)], session, {})
        items = list(session.work_items)
        chance = Random(f"{seed} {module.path}")  # noqa: S311  # a sample, not a secret
        source = Path(module.path).read_text(encoding="utf-8")
        chosen = sampled(items, source, sample, chance)
        session.clear()
        session.add_work_items(each for each in items if each.job_id in chosen)
        if chosen:
            with TestServer(module.tests, Path.cwd() / ".tests", python) as server:
                execute(session, _config(module, server))
        results = [result for _, result in session.results]
    return _summary(module.path, results, time.monotonic() - began)


def _config(module: Module, server: TestServer) -> ConfigDict:
    """Say how the tests are run, once they have passed."""
    began = time.monotonic()
    done = subprocess.run(server.command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        told = f"{done.stdout}{done.stderr}"
        msg = f"The tests of {module.path} fail before it is mutated:\n{told}"
        raise BrokenTestsError(msg)
    return ConfigDict(
        {
            "test-command": shlex.join(server.command),
            "timeout": 15 + 4 * (time.monotonic() - began),
            "distributor": {"name": "local"},
        }
    )


def _summary(path: str, results: list[WorkResult], seconds: float) -> Tried:
    outcomes = Counter(result.test_outcome.value for result in results)
    if outcomes["incompetent"]:
        msg = next(each.output for each in results if each.test_outcome.value == "incompetent")
        raise RuntimeError(msg)
    return Tried(
        module=path,
        killed=outcomes["killed"],
        timeouts=sum(result.output == "timeout" for result in results),
        survivors=tuple(
            result.diff for result in results if result.test_outcome.value == "survived"
        ),
        seconds=seconds,
    )


def carry_out(plan: Plan, jobs: int) -> Iterator[Tried | BrokenTestsError]:
    """Try the mutants of all modules, several modules at once; broken tests stop no others.

    Args:
        plan: What is mutated.
        jobs: How many workers.
    """
    context = multiprocessing.get_context("fork")  # each has all loaded
    turns = context.Queue()
    for turn in range(jobs):
        turns.put(turn)
    line = os.pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        setting = (folder, str(plan.root), turns, line)
        with ProcessPoolExecutor(jobs, context, settle, setting) as workers:
            tried = [
                workers.submit(try_module, each, plan.sample, plan.seed, str(plan.python))
                for each in plan.modules
            ]
            try:
                for each in tried:
                    try:
                        yield each.result()
                    except BrokenTestsError as error:
                        yield error
            except BaseException:
                os.close(line[1])  # else this would wait for what they are trying
                raise
            finally:
                workers.shutdown(cancel_futures=True)
    os.close(line[0])
    with suppress(OSError):
        os.close(line[1])


def report(tried: Tried, known: dict[Change, str]) -> int:
    """Print a module's line and its survivors.

    Returns:
        How many survivors are not known.
    """
    changes = [(Change.of(tried.module, diff), diff) for diff in tried.survivors]
    strangers = [diff for change, diff in changes if change not in known]
    print(
        f"{tried.module:<46}{tried.killed:>7}{len(changes) - len(strangers):>9}"
        f"{len(strangers):>10}{tried.timeouts:>9}{tried.seconds:>8.0f} s",
        flush=True,
    )
    for change, diff in changes:
        if change in known:
            print(f"    known: {change.was}  ->  {change.becomes}: {known[change]}")
        else:
            print(diff, flush=True)
    return len(strangers)


def main() -> int:
    """Run what was asked for, and say what survived.

    Returns:
        0 unless something survived that survivors.toml does not list, or tests were broken before.
    """
    parser = argparse.ArgumentParser(description="Mutation testing")
    parser.add_argument("modules", nargs="*", help="parts of paths; all modules unless given")
    parser.add_argument("--sample", type=int, default=12, help="mutants of each module; 0: all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--root", type=Path, default=HERE.parent, help="another checkout")
    given: Any = parser.parse_args()
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, lambda number, _: sys.exit(128 + number))
    root = given.root.resolve()
    chosen = tuple(modules(root, given.modules))
    known = accepted(root)
    print(f"{'':<46}{'killed':>7}{'accepted':>9}{'survived':>10}{'timeout':>9}", flush=True)
    plan = Plan(root=root, modules=chosen, sample=given.sample, seed=given.seed)
    killed = accounted = strangers = broken = 0
    for tried in carry_out(plan, given.jobs):
        if isinstance(tried, BrokenTestsError):
            print(tried, file=sys.stderr)
            broken += 1
            continue
        new = report(tried, known)
        killed += tried.killed
        accounted += len(tried.survivors) - new
        strangers += new
    if not killed + accounted + strangers:
        print("No mutants: nothing was tried", file=sys.stderr)
        return 1
    share = killed / (killed + accounted + strangers)
    print(
        f"seed {given.seed}: {killed} killed ({share:.1%}), {accounted} accepted, "
        f"{strangers} survived that survivors.toml does not list"
    )
    return int(strangers + broken > 0)


if __name__ == "__main__":
    sys.exit(main())
