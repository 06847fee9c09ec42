"""What a worker of pytest-xdist compiles, others find."""

from pathlib import Path
from typing import Any

import pytest

pytest_plugins = ["pytester"]
ROOT = Path(__file__).parents[2]
CONFTEST = f"""
import sys
from pathlib import Path
sys.path.append({str(ROOT)!r})
from testbed.compilation import compile_in_turns
compile_in_turns(Path(__file__).parent)
"""


def compiled(folder: Path) -> set[str]:
    return {path.name.split(".")[0] for path in folder.rglob("*-pytest-*.pyc")}


@pytest.fixture
def checkout(pytester: Any) -> Any:
    pytester.makeconftest(CONFTEST)
    tests = pytester.mkdir("tests")
    for name in ("one", "two", "three"):
        (tests / f"test_{name}.py").write_text(f"def test_it():\n    assert {name!r}\n")
    (tests / "test_none.py").write_text("def test_it(:\n")
    (tests / "part_of_one.py").write_text("assert 1\n")
    product = pytester.mkdir("authflow")
    (product / "__init__.py").touch()
    return pytester


def run(checkout: Any) -> None:
    """Run one test, in this process."""
    done = checkout.runpytest_inprocess("tests/test_one.py", "-p", "no:xdist", "-p", "no:asyncio")
    done.assert_outcomes(passed=1)


@pytest.mark.parametrize("worker", ["gw0", "gw1", "gw2"])
def test_a_worker_compiles_what_no_other_has_and_leaves_what_cannot_be(
    checkout: Any, monkeypatch: pytest.MonkeyPatch, worker: str
):
    monkeypatch.setattr("sys.dont_write_bytecode", False)
    monkeypatch.setenv("PYTEST_XDIST_WORKER", worker)
    monkeypatch.setenv("PYTEST_XDIST_WORKER_COUNT", "3")
    run(checkout)
    assert compiled(checkout.path) == {"conftest", "test_one", "test_two", "test_three", "__init__"}
    found = {path: path.stat().st_mtime_ns for path in checkout.path.rglob("*-pytest-*.pyc")}
    run(checkout)
    assert found == {path: path.stat().st_mtime_ns for path in found}


@pytest.mark.parametrize("writes", [False, True])
def test_a_single_process_compiles_what_it_imports_alone(
    checkout: Any, monkeypatch: pytest.MonkeyPatch, *, writes: bool
):
    monkeypatch.setattr("sys.dont_write_bytecode", not writes)
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    run(checkout)
    assert compiled(checkout.path) == ({"conftest", "test_one"} if writes else set())
