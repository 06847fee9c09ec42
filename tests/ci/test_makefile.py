"""The commands that a newcomer types, and what continuous integration runs."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAKEFILE = (ROOT / "Makefile").read_text()


def dry_run(*targets: str) -> str:
    """What a make would do that is none of the make that may run these tests."""
    environment = {name: value for name, value in os.environ.items() if "MAKE" not in name}
    command = ["make", "--dry-run", "PYTHON=python3", *targets]
    return subprocess.check_output(command, cwd=ROOT, env=environment, text=True)


@pytest.mark.parametrize("fails", [False, True], ids=["installed", "not installed"])
def test_what_the_system_lacks_is_installed_by_a_make_of_its_own(tmp_path: Path, fails: bool):
    """One make looks for what is there before it runs anything."""
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", tmp_path / ".ci")
    make = tmp_path / "make"
    make.write_text(f'#!/bin/sh\necho "$@" >> told\n[ "$1" != test-deps ] || exit {int(fails)}\n')
    make.chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    subprocess.run(["bash", tmp_path / ".ci" / "run"], env=environment, check=True)
    assert (tmp_path / "told").read_text().splitlines() == ["test-deps", "lint test"]


@pytest.mark.parametrize(
    "target", re.findall(r"^([a-z-]+):.* environment\b", MAKEFILE, re.MULTILINE)
)
@pytest.mark.system("make")
def test_what_runs_python_mends_its_environment_first(target: str):
    commands = dry_run(target).splitlines()
    assert commands[0].endswith(" .ci/environment.py")
    assert all(line.startswith((".venv/bin/", "AUTHFLOW_", " ")) for line in commands[1:])


def test_every_target_that_runs_python_depends_on_the_environment():
    rules = re.findall(r"^([a-z-]+):(.*)\n((?:\t.*\n)*)", MAKEFILE, re.MULTILINE)
    using = {target for target, _, recipe in rules if "$(BIN)/" in recipe}
    assert using >= {"demo", "test", "lint", "format", "bench"}
    assert using == {target for target, needs, _ in rules if "environment" in needs.split()}


@pytest.mark.system("make")
def test_the_systems_part_comes_before_the_environment_in_one_make_too():
    told = dry_run("lint", "test-deps")
    assert told.index("apt-get") < told.index(".ci/environment.py")
