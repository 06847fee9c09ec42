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


def install_riddle(site: Path, body: str = "") -> str:
    """Install a plugin of two halves, under a module name of its own. Gives that."""
    module = f"riddle_{site.name.replace('-', '_')}"
    (site / f"{module}.py").write_text(body)
    install(site, "acme", "riddle", f"{module}:Half")
    return module


def test_the_table_shows_both_sides_aligned(site: Path) -> None:
    install_riddle(site)
    code, text = printed(as_json=False)
    assert code == 0
    heading, client, trigger = text.splitlines()
    assert heading.split() == [
        *("name", "side", "distribution", "version", "entry", "point", "status")
    ]
    assert client.split()[:4] == ["riddle", "client", "acme", "1.0"]
    assert trigger.split()[:4] == ["riddle", "trigger", "acme", "1.0"]
    assert client.rindex("ok") == trigger.rindex("ok") == heading.index("status")


def test_json_is_a_list_of_objects(site: Path) -> None:
    module = install_riddle(site)
    code, text = printed(as_json=True)
    assert code == 0
    client, trigger = json.loads(text)
    assert (client["side"], trigger["side"]) == ("client", "trigger")
    assert client == {
        "name": "riddle",
        "side": "client",
        "distribution": "acme",
        "version": "1.0",
        "entry_point": f"{module}:Half",
        "status": "ok",
    }


@pytest.mark.parametrize(
    "body",
    [
        "print('canary-12')",
        "import sys; sys.stderr.write('canary-12'); sys.exit(3)",
        "import os; os._exit(7)",
        "raise KeyboardInterrupt",
        "raise RuntimeError('canary-12')",
        "import authflow.cli.plugins_command as c; c.run = None",
        "while True: pass",
        "def Half(:",
        "import not_there",
        "Half = None",
    ],
)
@pytest.mark.parametrize("as_json", [True, False])
def test_no_plugin_is_imported_so_none_disturbs_the_list(
    site: Path, capfd: pytest.CaptureFixture[str], body: str, as_json: bool
) -> None:
    module = install_riddle(site, body)
    install(site, "zoo", "zebra", "not_there.either:Half")
    before = set(sys.modules)
    code, text = printed(as_json=as_json)
    assert code == 0
    assert text.count(f"{module}:Half") == text.count("not_there.either:Half") == 2
    assert module not in set(sys.modules) - before
    assert capfd.readouterr() == ("", "")


def test_what_is_not_allowed_is_shown_and_not_imported(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(site, "acme", "riddle", "not_there:Half")
    monkeypatch.setenv("AUTHFLOW_PLUGINS", "other")
    code, text = printed(as_json=True)
    assert code == 0
    assert {each["status"] for each in json.loads(text)} == {"not_allowed"}


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


@pytest.mark.parametrize("as_json", [True, False])
@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"\xff\xfe\x00", "UnicodeDecodeError"),
        (f"[{GROUPS[0]}]\nno equals sign\n".encode(), "TypeError"),
        (f"[{GROUPS[1]}]\nx = y:Z\nno equals sign\n".encode(), "TypeError"),
        (None, ""),
    ],
)
def test_what_cannot_be_read_is_told_once_with_the_reason_and_disturbs_nothing(
    site: Path, capsys: pytest.CaptureFixture[str], raw: bytes | None, why: str, as_json: bool
) -> None:
    install(site, "acme", "riddle", "one:Half")
    install(site, "dam\x1baged", "puzzle", "one:Half")
    damaged = site / "dam\x1baged-1.0.dist-info"
    if raw is None:
        (damaged / "METADATA").unlink()  # and nobody knows its name
    else:
        (damaged / "entry_points.txt").write_bytes(raw)
    code, text = printed(as_json=as_json)
    assert code == 0
    assert text.count("riddle") == 2
    assert "puzzle" not in text
    assert not as_json or len(json.loads(text)) == 2
    out, told = capsys.readouterr()
    assert out == ""
    (line,) = told.splitlines()
    assert line.startswith("Not readable, and skipped: a distribution in ")
    assert str(site) in line
    assert "aged-1.0.dist-info" in line
    assert why in line
    assert line.isprintable()


@pytest.mark.parametrize("place", ["", "a b c!!", "module_alone", ":Half", "mod:", "\x1b[2J:Half"])
def test_an_entry_point_that_names_no_class_is_listed_and_told_with_the_reason(
    site: Path, capsys: pytest.CaptureFixture[str], place: str
) -> None:
    install(site, "acme", "riddle", place)
    install(site, "zoo", "zebra", "not_there.either:Half.inner [extra]")
    code, text = printed(as_json=True)
    assert code == 0
    assert [each["name"] for each in json.loads(text)] == ["riddle", "riddle", "zebra", "zebra"]
    lines = capsys.readouterr().err.splitlines()
    assert [line.split("'")[0] for line in lines] == [
        "Cannot be loaded: the client plugin ",
        "Cannot be loaded: the trigger plugin ",
    ]
    for line in lines:
        assert "of acme 1.0" in line
        assert "is not package.module:Class" in line
        assert line.isprintable()


def test_a_name_cannot_steer_the_terminal(site: Path) -> None:
    install(site, "acme", "\x1b[2Jriddle", "one:Half")
    code, text = printed(as_json=False)
    assert code == 1
    assert "\x1b" not in text
    assert "bad_name" in text
