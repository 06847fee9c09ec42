"""What `make mutants` says of tests, tried on a module and tests that are made here."""

import importlib.util
import os
import re
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

import pytest

pytest.importorskip("cosmic_ray", reason="`make lowest` installs no mutation testing")

ROOT = Path(__file__).parents[2]
PLUGINS = "_hypothesis_pytestplugin,pytest_timeout"
MODULE = '''"""Of age or not."""

LIMIT = 18


def is_of_age(years: int) -> bool:
    """Say whether somebody is of age."""
    return years >= LIMIT
'''
THOROUGH = """
from mature.age import is_of_age

def test_the_age_is_what_it_is_about():
    assert [is_of_age(years) for years in (17, 18, 19)] == [False, True, True]
"""
CARELESS = """
from mature.rest import is_of_age

def test_it_can_be_called():
    is_of_age(20)
"""


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return load(monkeypatch, "mutants")


def load(monkeypatch: pytest.MonkeyPatch, name: str) -> ModuleType:
    monkeypatch.syspath_prepend(ROOT / ".ci")
    spec = importlib.util.spec_from_file_location(name, ROOT / ".ci" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, name, module)
    spec.loader.exec_module(module)
    return module


@pytest.mark.timeout(300)  # it starts pytest nine times
def test_what_tests_notice_is_killed_what_none_notices_is_shown_and_broken_tests_are_told(
    tmp_path: Path,
):
    for name, text in {
        "mature/__init__.py": "",
        "mature/age.py": MODULE,
        "mature/rest.py": MODULE,
        "tests/test_age.py": THOROUGH,
        "tests/test_rest.py": CARELESS,
        "mature/odd.py": "A = 1\n",
        "tests/test_odd.py": "def test_of_nothing():\n    assert 2 < 1\n",
        "pytest.toml": "[pytest]\n",
        ".ci/mutants.toml": """
            [modules]
            "mature/odd.py" = ["tests/test_odd.py"]
            "mature/a*.py" = ["tests/test_age.py"]
            "mature/*t.py" = ["tests/test_rest.py"]
        """,
        ".ci/survivors.toml": """
            [[survivor]]
            module = "mature/rest.py"
            was = "return years >= LIMIT"
            becomes = "pass"
            reason = "to show it"
        """,
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    command = [sys.executable, ROOT / ".ci" / "mutants.py", "--root", tmp_path, "--jobs", "1"]
    command += ["--sample", "0"]
    # Only the plugins whose options it gives: to load all of ours takes most of the time.
    few = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_PLUGINS": PLUGINS}
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ | few
    )
    thorough, careless = done.stdout.split("mature/rest.py", 1)
    assert re.search(r"^mature/age\.py +3 +0 +0 +0 ", thorough, re.MULTILINE), done
    assert re.match(r" +0 +1 +2 +0 ", careless)
    assert "known: return years >= LIMIT  ->  pass: to show it" in careless
    assert "-LIMIT = 18\n+LIMIT = 1" in careless
    # What cannot be tried is told, and stops no others.
    assert "The tests of mature/odd.py fail before it is mutated" in done.stderr
    assert "assert 2 < 1" in done.stderr
    assert done.returncode == 1
    assert (tmp_path / "mature" / "rest.py").read_text() == MODULE


def started_at(folder: Path) -> set[int]:
    """The processes that were begun with a path in a folder."""
    found = set()
    for each in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if os.fsencode(folder) in each.read_bytes():
                found.add(int(each.parent.name))
    return found


def wait_until(condition: Callable[[], object]) -> None:
    ends = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.02)


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="processes are listed by Linux")
@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL])
def test_when_it_is_ended_nothing_that_it_began_goes_on(tmp_path: Path, ending: signal.Signals):
    root = tmp_path / "project"
    test = "import time, pathlib\n\ndef test_long():\n    pathlib.Path({!r}).touch()\n    {}\n"
    for name, text in {
        "mature/__init__.py": "",
        "mature/age.py": MODULE,
        "tests/test_age.py": test.format(str(tmp_path / "begun"), "time.sleep(600)"),
        "pytest.toml": "[pytest]\n",
        ".ci/mutants.toml": '[modules]\n"mature/age.py" = ["tests/test_age.py"]\n',
        ".ci/survivors.toml": "",
        "../copies/.keep": "",
    }.items():
        (root / name).parent.mkdir(exist_ok=True, parents=True)
        (root / name).write_text(text)
    command = [sys.executable, ROOT / ".ci" / "mutants.py", "--root", root, "--jobs", "1"]
    few = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_PLUGINS": PLUGINS}
    elsewhere = {"TMPDIR": str(tmp_path / "copies")}
    program = subprocess.Popen(
        command, env=os.environ | few | elsewhere, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    wait_until((tmp_path / "begun").exists)
    # The program, a worker, its server, the tests that it runs, and what asks for them.
    assert len(started_at(tmp_path)) >= 5
    program.send_signal(ending)
    program.communicate()
    wait_until(lambda: not started_at(tmp_path))
    assert program.returncode in {-ending, 128 + ending}
    wait_until(lambda: [each.name for each in (tmp_path / "copies").iterdir()] == [".keep"])


def test_our_operators_do_what_their_examples_show(monkeypatch: pytest.MonkeyPatch):
    from cosmic_ray.mutating import mutate_code

    operators = load(monkeypatch, "mutant_operators")
    for operator in operators.OURS:
        assert operator.examples()
        for each in operator.examples():
            mutant = mutate_code(each.pre_mutation_code, operator(), each.occurrence)
            assert mutant == each.post_mutation_code


def mutated_places(program: ModuleType, source: str, folder: Path, seed: int) -> list[Any]:
    """Where a sample of ten mutants of a module is."""
    from cosmic_ray.commands import init
    from cosmic_ray.plugins import OPERATOR_PROVIDERS
    from cosmic_ray.work_db import WorkDB, use_db

    path = folder / "module.py"
    path.write_text(source)
    with pytest.MonkeyPatch.context() as patch, use_db(":memory:", WorkDB.Mode.create) as session:
        patch.setitem(OPERATOR_PROVIDERS, "chosen", program.CHOSEN)
        patch.delitem(OPERATOR_PROVIDERS, "core")
        init([path], session, {})
        items = list(session.work_items)
        return _places(program, items, source, seed)


def _places(program: ModuleType, items: list[Any], source: str, seed: int) -> list[Any]:
    chosen = program.sampled(items, source, 10, Random(seed))
    found = [each.mutations[0] for each in items if each.job_id in chosen]
    return sorted((each.start_pos, each.operator_name, each.occurrence) for each in found)


def test_a_seed_names_the_sample(program: ModuleType, tmp_path: Path):
    source = (ROOT / "authflow" / "table_machine.py").read_text()
    first, again, other = (mutated_places(program, source, tmp_path, seed) for seed in (1, 1, 2))
    assert first == again != other
    assert len({place for place, *_ in first}) == len(first) == 10


@pytest.mark.parametrize(
    "nothing",
    [
        "def f(a: int | None = a) -> int | str: ...",
        "a: int | None = b",
        "if TYPE_CHECKING:\n    from a import b\n    c = 1 + 2",
        '__all__ = ["a", "b"]',
        'a = cast("b", c)',
        'A = Literal["a", "b"]',
        "@frozen(kw_only=True)\nclass A: ...",
    ],
)
def test_what_does_not_run_is_not_mutated(program: ModuleType, tmp_path: Path, nothing: str):
    assert not [
        place
        for place, name, _ in mutated_places(program, nothing, tmp_path, 1)
        if "ForgetArgument" not in name
    ]


def test_modules_are_chosen_by_parts_of_their_paths(program: ModuleType):
    everything = [each.path for each in program.modules(ROOT)]
    assert len(everything) == len(set(everything)) > 20
    some = [each.path for each in program.modules(ROOT, ["srp", "wire/"])]
    assert some == [path for path in everything if "srp" in path or "wire/" in path]
    assert "authflow/srp.py" in some
    for each in program.modules(ROOT):
        assert each.tests
        for path, _, name in (test.partition("::") for test in each.tests if "tests/" in test):
            assert (ROOT / path).exists(), path
            assert not name or f"def {name}(" in (ROOT / path).read_text(), name


def test_a_module_that_has_gone_is_missed(program: ModuleType, tmp_path: Path):
    (tmp_path / ".ci").mkdir()
    (tmp_path / ".ci" / "mutants.toml").write_text('[modules]\n"mature/a*.py" = ["tests"]\n')
    with pytest.raises(ValueError, match=r"mature/a\*\.py, which is not there"):
        list(program.modules(tmp_path))


def test_a_survivor_is_known_wherever_its_line_stands(program: ModuleType):
    diff = "--- a/m.py\n+++ b/m.py\n@@ -1,3 +1,3 @@\n x\n-    a < b\n+    a <= b\n y"
    there = diff.replace("-1,3 +1,3", "-9,3 +9,3").replace("    a", "        a")
    known = program.Change(module="m.py", was="a < b", becomes="a <= b")
    assert program.Change.of("m.py", diff) == program.Change.of("m.py", there) == known


def test_every_accepted_survivor_has_a_reason_and_its_line_is_still_there():
    listed = tomllib.loads((ROOT / ".ci" / "survivors.toml").read_text())["survivor"]
    for each in listed:
        assert len(each["reason"]) > 10, each
        lines = (ROOT / each["module"]).read_text().splitlines()
        text = " ".join(" ".join(map(str.strip, lines)).split())
        assert " ".join(each["was"].split()) in text, each
