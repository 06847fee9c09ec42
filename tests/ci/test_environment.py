"""How `.venv` is made and mended.

uv is played by a script that notes what it is told to install: the real thing takes minutes, and a
registry.
"""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
UV = """#!/bin/sh
echo "$@" >> {told}
case "$*" in *{fails}*) exit 1;; esac
"""


def program() -> ModuleType:
    spec = importlib.util.spec_from_file_location("environment", ROOT / ".ci" / "environment.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Checkout:
    """A checkout with one plugin, and what was installed into its environment since last asked."""

    def __init__(self, root: Path, tools: Path) -> None:
        self.root, self.told, self.uv = root, tools / "told", tools / "uv"
        (root / ".ci").mkdir(parents=True)
        (root / "plugins" / "quiz").mkdir(parents=True)
        for name in ("constraints.txt", "constraints-ldap.txt", ".ci/environment.py"):
            (root / name).write_text(name)
        for folder in (root, root / "plugins" / "quiz"):
            (folder / "pyproject.toml").write_text("")
        self.breaks_at("nothing")

    def breaks_at(self, word: str) -> None:
        self.uv.write_text(UV.format(told=self.told, fails=word))
        self.uv.chmod(0o755)

    def mend(self) -> list[str]:
        self.told.write_text("")
        program().Environment(self.root).mend()
        return [
            "ldap"
            if "constraints-ldap" in line
            else "pins"
            if "--require-hashes" in line
            else "ours"
            for line in self.told.read_text().splitlines()
        ]


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    tools = tmp_path / "tools"
    tools.mkdir()
    path = [each for each in os.get_exec_path() if not (Path(each) / "uv").exists()]
    monkeypatch.setenv("PATH", os.pathsep.join([str(tools), *path]))
    monkeypatch.setenv("CC", "false")  # a compiler that finds no header
    return Checkout(tmp_path / "checkout", tools)


def test_all_is_installed_once(checkout: Checkout):
    assert checkout.mend() == ["pins", "ours"]
    python = checkout.root / ".venv" / "bin" / "python"
    prefix = subprocess.check_output([python, "-c", "import sys; print(sys.prefix)"], text=True)
    assert Path(prefix.strip()) == checkout.root / ".venv"
    assert checkout.mend() == []


@pytest.mark.parametrize(
    "name",
    [
        *("pyproject.toml", "constraints.txt", "constraints-ldap.txt", ".ci/environment.py"),
        *("plugins/quiz/pyproject.toml", "plugins/new/pyproject.toml"),
    ],
)
def test_what_decides_it_has_it_installed_again_when_it_changes(checkout: Checkout, name: str):
    checkout.mend()
    (checkout.root / name).parent.mkdir(exist_ok=True)
    (checkout.root / name).write_text("changed")
    assert checkout.mend() == ["pins", "ours"]
    assert checkout.mend() == []


@pytest.mark.parametrize("at", ["constraints.txt", "--no-deps"])
def test_what_was_broken_off_begins_with_an_empty_environment(checkout: Checkout, at: str):
    checkout.breaks_at(at)
    with pytest.raises(subprocess.CalledProcessError):
        checkout.mend()
    half = checkout.root / ".venv" / "half"
    half.touch()
    checkout.breaks_at("nothing")
    assert checkout.mend() == ["pins", "ours"]
    assert not half.exists()


def test_an_environment_that_was_broken_off_before_its_python_is_made_anew(checkout: Checkout):
    (checkout.root / ".venv" / "bin").mkdir(parents=True)
    assert checkout.mend() == ["pins", "ours"]


@pytest.mark.parametrize("how", ["gone", "of another version", "of another checkout"])
def test_an_environment_whose_python_is_another_is_made_anew(checkout: Checkout, how: str):
    checkout.mend()
    python = checkout.root / ".venv" / "bin" / "python"
    match how:
        case "gone":
            python.unlink()
            python.symlink_to("/nowhere/python")
        case "of another version":
            (lib,) = (checkout.root / ".venv" / "lib").iterdir()
            lib.rename(lib.with_name("python3.1"))
        case _:
            moved = checkout.root.with_name("moved")
            checkout.root.rename(moved)
            checkout.root = moved
            python.parents[2].parent.mkdir(exist_ok=True)
    assert checkout.mend() == ["pins", "ours"]
    assert checkout.mend() == []


def test_the_ldap_client_is_installed_as_soon_as_it_can_be_compiled(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch, capfd: Any
):
    assert checkout.mend() == ["pins", "ours"]
    monkeypatch.setenv("CC", "true")  # a compiler that finds every header
    checkout.breaks_at("constraints-ldap")
    for _ in range(2):  # what failed is tried again
        assert checkout.mend() == ["ldap"]
        assert "its tests skip" in capfd.readouterr().err
    checkout.breaks_at("nothing")
    (lib,) = (checkout.root / ".venv" / "lib").iterdir()
    assert checkout.mend() == ["ldap"]
    installed = lib / "site-packages" / "bonsai"
    installed.mkdir()
    (installed / "_bonsai.so").touch()
    assert checkout.mend() == []
    monkeypatch.setenv("CC", "false")  # it stays, and is renewed, where the headers are gone again
    (checkout.root / "constraints-ldap.txt").write_text("changed")
    assert checkout.mend() == ["pins", "ldap", "ours"]


@pytest.mark.skipif(sys.platform == "win32", reason="there is no C compiler by that name")
def test_a_compiler_that_is_missing_compiles_nothing(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("CC", "no-such-compiler")
    assert checkout.mend() == ["pins", "ours"]


@pytest.mark.parametrize("ends", [0, 1])
def test_without_uv_pip_installs_from_within_or_where_python_gives_none_from_outside(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, ends: int
):
    checkout.mend()
    checkout.uv.unlink()
    (tmp_path / "ensurepip.py").write_text(f"raise SystemExit({ends})")  # 1 as on Debian
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    python = str(checkout.root / ".venv" / "bin" / "python")
    command = program().Environment(checkout.root).installer()
    assert command[-1] == "install"
    if ends == 0:
        assert command[:3] == [python, "-m", "pip"]
        assert "--python" not in command
    else:
        assert command[:3] == [sys.executable, "-m", "pip"]
        assert command[-3:-1] == ["--python", python]
