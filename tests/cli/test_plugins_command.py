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


HALVES = """
print("canary-12")


class Client:
    name, interface = "riddle", 1

    async def answer(self, challenge, prompt): ...


class Trigger:
    name, interface, metadata = "riddle", 1, "RIDDLE"

    async def create(self, context): ...

    async def verify(self, context): ...


class Newer(Client):
    interface = 99
"""


def install_riddle(site: Path, client: str = "Client") -> None:
    """Install a plugin whose two halves can be imported, under a module name of its own."""
    module = f"riddle_{site.name.replace('-', '_')}"
    (site / f"{module}.py").write_text(HALVES)
    info = site / "acme-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        f"[{GROUPS[0]}]\nriddle = {module}:{client}\n[{GROUPS[1]}]\nriddle = {module}:Trigger\n"
    )


def test_the_table_shows_both_sides_aligned(site: Path) -> None:
    install_riddle(site)
    code, text = printed(as_json=False)
    assert code == 0
    heading, client, trigger = text.splitlines()
    assert heading.split() == [
        *("name", "side", "distribution", "version", "interface", "entry", "point", "status")
    ]
    assert client.split()[:5] == ["riddle", "client", "acme", "1.0", "1"]
    assert trigger.split()[:5] == ["riddle", "trigger", "acme", "1.0", "1"]
    assert client.rindex("ok") == trigger.rindex("ok") == heading.index("status")


def test_json_is_a_list_of_objects(site: Path) -> None:
    install_riddle(site)
    code, text = printed(as_json=True)
    assert code == 0
    client, trigger = json.loads(text)
    assert (client["side"], trigger["side"]) == ("client", "trigger")
    assert client.pop("entry_point").endswith(":Client")
    assert client == {
        "name": "riddle",
        "side": "client",
        "distribution": "acme",
        "version": "1.0",
        "interface": "1",
        "status": "ok",
        "reason": "",
    }


def test_a_plugin_that_cannot_be_imported_is_broken_and_harms_no_other(site: Path) -> None:
    install_riddle(site)
    install(site, "zoo", "zebra", "not_there:Half")
    code, text = printed(as_json=True)
    assert code == 1
    listed = {(each["name"], each["status"]) for each in json.loads(text)}
    assert listed == {("riddle", "ok"), ("zebra", "broken")}
    assert "upgrade or uninstall zoo" in printed(as_json=False)[1]


def test_a_plugin_for_another_interface_is_broken_and_says_what_to_upgrade(site: Path) -> None:
    install_riddle(site, client="Newer")
    code, text = printed(as_json=True)
    assert code == 1
    client, trigger = json.loads(text)
    assert (client["status"], trigger["status"]) == ("broken", "ok")
    assert "interface 99" in client["reason"]


def test_what_a_plugin_prints_at_its_import_is_no_part_of_the_list(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    install_riddle(site)
    _, text = printed(as_json=True)
    assert "canary-12" not in text
    captured = capsys.readouterr()
    assert "canary-12" not in captured.out
    assert "canary-12" in captured.err


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


def test_a_name_cannot_steer_the_terminal(site: Path) -> None:
    install(site, "acme", "\x1b[2Jriddle", "one:Half")
    code, text = printed(as_json=False)
    assert code == 1
    assert "\x1b" not in text
    assert "bad_name" in text
