"""`authflow plugins new`: a distribution that works, is typed, and lint-clean; or nothing."""

import io
import subprocess
import sys
import tomllib
from pathlib import Path
from pkgutil import resolve_name

import pytest

from authflow.cli import main
from authflow.cli.new_plugin import run, write_plugin
from authflow.errors import ConfigError
from authflow.plugins.names import NAME

# A cache of its own: with another project's settings it would spoil this one's.
MYPY = ["mypy", f"--cache-dir={Path(__file__).parents[2] / '.mypy_cache' / 'new-plugin'}"]
UNREAD = """
[[tool.mypy.overrides]]
module = [
    "_pytest.*", "aiohttp.*", "asyncpg.*", "cattrs.*", "cryptography.*", "httpx.*", "hypothesis.*",
    "joserfc.*", "pytest.*", "redis.*", "sqlalchemy.*", "starlette.*", "uvicorn.*",
]
follow_imports = "skip"
"""
"""What authflow is made with, and no plugin sees: to read it takes most of the time."""
FILES = {
    "LICENSE",
    "README.md",
    "authflow_pager_duty/__init__.py",
    "authflow_pager_duty/client.py",
    "authflow_pager_duty/conformance.py",
    "authflow_pager_duty/py.typed",
    "authflow_pager_duty/trigger.py",
    "pyproject.toml",
    "tests/test_plugin.py",
    "try_it.py",
}


def files_of(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_it_writes_a_distribution_and_says_what_it_wrote(tmp_path: Path):
    out = io.StringIO()
    assert run("pager-duty", tmp_path / "plugin", out=out) == 0
    assert files_of(tmp_path / "plugin") == FILES
    for name in FILES:
        assert str(tmp_path / "plugin" / name) in out.getvalue()


def test_nothing_of_the_templates_own_words_is_left(tmp_path: Path):
    for path in write_plugin("pager-duty", tmp_path):
        text = path.read_text(encoding="utf-8")
        assert "$" not in text
        assert "pager" in text.lower() or path.name == "py.typed"


@pytest.mark.parametrize(
    ("name", "distribution", "package", "class_name"),
    [
        ("pager", "authflow-pager", "authflow_pager", "Pager"),
        ("pager-duty", "authflow-pager-duty", "authflow_pager_duty", "PagerDuty"),
        ("a_b--c1_", "authflow-a-b-c1", "authflow_a_b_c1", "ABC1"),
        ("class", "authflow-class", "authflow_class", "Class"),
    ],
)
def test_both_halves_are_where_the_entry_points_say(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    name: str,
    distribution: str,
    package: str,
    class_name: str,
):
    write_plugin(name, tmp_path)
    project = tomllib.loads((tmp_path / "pyproject.toml").read_text())["project"]
    assert NAME.fullmatch(name)
    assert project["name"] == distribution
    assert project["entry-points"] == {
        "authflow.client_challenges": {name: f"{package}.client:{class_name}Prompter"},
        "authflow.trigger_challenges": {name: f"{package}.trigger:{class_name}"},
    }
    monkeypatch.syspath_prepend(tmp_path)
    # What was imported is taken out again: another test may have a plugin of this name.
    before = {each: sys.modules.pop(each) for each in [*sys.modules] if each.startswith(package)}
    try:
        client, trigger = (
            resolve_name(f"{package}.{half}")
            for half in (f"client:{class_name}Prompter", f"trigger:{class_name}")
        )
        for suite in (f"{class_name}Suite", f"{class_name}ClientSuite"):
            assert resolve_name(f"{package}.conformance:{suite}").challenge in {client, trigger}
        assert client.name == trigger.name == name
        assert Path(sys.modules[package].__file__ or "").is_relative_to(tmp_path)
    finally:
        for each in [each for each in sys.modules if each.startswith(package)]:
            del sys.modules[each]
        sys.modules.update(before)


@pytest.mark.parametrize("command", [["ruff", "check"], ["ruff", "format", "--check"], MYPY])
def test_it_is_lint_clean_and_typed(tmp_path: Path, command: list[str]):
    write_plugin("pager-duty", tmp_path)
    if command is MYPY:
        with (tmp_path / "pyproject.toml").open("a") as project:
            project.write(UNREAD)
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "name", ["", "p", "Pager", "1st", "pa ger", "../evil", "a" * 33, "käfig", "x\n", "$name"]
)
def test_a_name_that_no_challenge_can_have_is_refused(tmp_path: Path, name: str):
    with pytest.raises(ConfigError, match="a name is 2 to 32"):
        write_plugin(name, tmp_path / "plugin")
    assert not (tmp_path / "plugin").exists()


@pytest.mark.parametrize("name", ["choice", "condition", "skip", "captcha", "otp", "question"])
def test_a_name_of_authflows_own_is_refused(tmp_path: Path, name: str):
    with pytest.raises(ConfigError, match="of its own"):
        write_plugin(name, tmp_path / "plugin")
    assert not (tmp_path / "plugin").exists()


def test_a_folder_in_use_is_left_as_it_is(tmp_path: Path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ConfigError, match="not empty"):
        write_plugin("pager", tmp_path)
    assert files_of(tmp_path) == {"mine.txt"}


def test_an_empty_folder_is_taken(tmp_path: Path):
    write_plugin("pager", tmp_path)
    assert "pyproject.toml" in files_of(tmp_path)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be written"):
        write_plugin("pager", tmp_path / "file")


def test_the_command_line_makes_one_and_refuses_with_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert main(["plugins", "new", "pager", str(tmp_path / "plugin")]) == 0
    assert main(["plugins", "new", "pager", str(tmp_path / "plugin")]) == 2
    assert "not empty" in capsys.readouterr().err
