"""`authflow plugins`, with distributions of its own on sys.path."""

import io
import json
import sys
from pathlib import Path

import pytest

from authflow.cli.plugins_command import run

GROUPS = ("authflow.client_challenges", "authflow.trigger_challenges")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    return tmp_path


def install(site: Path, distribution: str, name: str, value: str) -> None:
    info = site / f"{distribution}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "".join(f"[{group}]\n{name} = {value}\n" for group in GROUPS)
    )


def printed(*, as_json: bool) -> tuple[int, str]:
    out = io.StringIO()
    return run(as_json=as_json, out=out), out.getvalue()


def test_the_table_shows_both_sides_aligned_and_imports_nothing(site: Path) -> None:
    install(site, "acme", "riddle", "not_there:Half")
    install(site, "zoo", "a-much-longer-name", "nor_here:Half")
    code, text = printed(as_json=False)
    assert code == 0
    assert text.splitlines() == [
        "name                side     distribution  version  entry point     status",
        "a-much-longer-name  client   zoo           1.0      nor_here:Half   ok",
        "a-much-longer-name  trigger  zoo           1.0      nor_here:Half   ok",
        "riddle              client   acme          1.0      not_there:Half  ok",
        "riddle              trigger  acme          1.0      not_there:Half  ok",
    ]


def test_json_is_a_list_of_objects(site: Path) -> None:
    install(site, "acme", "riddle", "not_there:Half")
    code, text = printed(as_json=True)
    assert code == 0
    assert json.loads(text) == [
        {
            "name": "riddle",
            "side": side,
            "distribution": "acme",
            "version": "1.0",
            "entry_point": "not_there:Half",
            "status": "ok",
        }
        for side in ("client", "trigger")
    ]


@pytest.mark.parametrize("as_json", [True, False])
def test_a_conflict_is_shown_and_makes_the_exit_code_1(site: Path, as_json: bool) -> None:
    install(site, "acme", "riddle", "one:Half")
    install(site, "rival", "riddle", "two:Half")
    code, text = printed(as_json=as_json)
    assert code == 1
    assert text.count("conflict") == 4


def test_nothing_installed_is_said_in_words_and_is_an_empty_list_in_json(site: Path) -> None:
    code, text = printed(as_json=False)
    assert code == 0
    assert "No challenge plugins are installed" in text
    assert printed(as_json=True) == (0, "[]\n")


def test_a_name_cannot_steer_the_terminal(site: Path) -> None:
    install(site, "acme", "\x1b[2Jriddle", "one:Half")
    code, text = printed(as_json=False)
    assert code == 1
    assert "\x1b" not in text
    assert "bad_name" in text
