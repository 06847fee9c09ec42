"""`authflow keys`: rings that work, told once, and written where only their owner reads."""

import json
import stat
from pathlib import Path

import pytest

from authflow.cli import main
from authflow.errors import ConfigError
from authflow.keys import KeyRing


def printed(capsys: pytest.CaptureFixture[str]) -> KeyRing:
    told = capsys.readouterr()
    assert told.err == ""
    (line,) = told.out.splitlines()
    return KeyRing.parse(line)


def test_a_new_ring_is_one_line_that_the_environment_variable_takes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    assert main(["keys", "new"]) == 0
    line = capsys.readouterr().out
    assert "***" not in line
    monkeypatch.setenv("AUTHFLOW_KEYS", line)
    assert KeyRing.from_environment().current == "1"
    assert main(["keys", "new", "2026-11"]) == 0
    assert printed(capsys).keys.keys() == {"2026-11"}


def test_no_two_rings_are_alike(capsys: pytest.CaptureFixture[str]):
    rings = set()
    for _ in range(3):
        assert main(["keys", "new"]) == 0
        rings.add(capsys.readouterr().out)
    assert len(rings) == 3


def test_a_rotation_goes_by_three_commands_and_forgets_no_count(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def step(*arguments: str) -> KeyRing:
        assert main(["keys", *arguments]) == 0
        ring = printed(capsys)
        monkeypatch.setenv("AUTHFLOW_KEYS", ring.to_json().reveal())
        return ring

    first = step("new")
    added = step("add", "2")
    assert (added.current, added.lookup, {*added.keys}) == ("1", "1", {"1", "2"})
    used = step("use", "2")
    assert (used.current, used.lookup, {*used.keys}) == ("2", "1", {"1", "2"})
    assert used.entry_name("x", "ada") == first.entry_name("x", "ada")
    step("add", "3")
    step("use", "3")
    dropped = step("drop", "2")
    assert (dropped.current, dropped.lookup, {*dropped.keys}) == ("3", "1", {"1", "3"})


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["add", "1"], "has a key '1' already"),
        (["use", "9"], "no key '9': name one of 1"),
        (["drop", "9"], "no key '9'"),
        (["drop", "1"], "`current`"),
        (["new", "not an id"], "no key id"),
        (["new", "--to", "/no/such/folder/keys"], "No such file"),
        (["new", "--to", "a\0b"], "null byte"),
        (["use", "1", "--from", "/no/such/file"], "cannot be read"),
    ],
)
def test_what_makes_no_ring_is_refused_with_code_2(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *,
    arguments: list[str],
    told: str,
):
    monkeypatch.setenv("AUTHFLOW_KEYS", KeyRing.generate().to_json().reveal())
    assert main(["keys", *arguments]) == 2
    said = capsys.readouterr()
    assert told in said.err
    assert said.out == ""


def test_the_key_of_counts_is_not_dropped(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("AUTHFLOW_KEYS", KeyRing.generate().rotated("2").to_json().reveal())
    assert main(["keys", "drop", "1"]) == 2
    assert "`lookup`" in capsys.readouterr().err


def test_a_file_is_its_owners_alone_and_is_never_written_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    file = tmp_path / "keys.json"
    assert main(["keys", "new", "--to", str(file)]) == 0
    assert capsys.readouterr() == ("", "")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    before = file.read_text()
    assert main(["keys", "new", "--to", str(file)]) == 2
    assert "not written over" in capsys.readouterr().err
    assert file.read_text() == before
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "elsewhere")
    assert main(["keys", "new", "--to", str(link)]) == 2
    assert not (tmp_path / "elsewhere").exists()
    assert main(["keys", "add", "2", "--from", str(file), "--to", str(tmp_path / "two")]) == 0
    assert {*KeyRing.parse((tmp_path / "two").read_text()).keys} == {"1", "2"}


def test_a_file_that_cannot_be_written_whole_is_not_left_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def full(_number: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("authflow.cli.keys_command.os.fsync", full)
    assert main(["keys", "new", "--to", str(tmp_path / "keys")]) == 2
    assert "No space left" in capsys.readouterr().err
    assert not (tmp_path / "keys").exists()


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", json.dumps({"current": "1"}).encode()])
def test_a_ring_that_cannot_be_read_is_told_by_the_command_that_makes_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes
):
    file = tmp_path / "keys"
    file.write_bytes(content)
    assert main(["keys", "use", "1", "--from", str(file)]) == 2
    told = capsys.readouterr().err
    assert "authflow keys new" in told or "it is no text" in told


@pytest.mark.parametrize("text", ["", "no JSON", "[]", '{"keys": {}}', '{"keys": {"1": "!"}}'])
def test_errors_about_rings_name_the_command(monkeypatch: pytest.MonkeyPatch, text: str):
    monkeypatch.setenv("AUTHFLOW_KEYS", text)
    with pytest.raises(ConfigError, match="authflow keys new"):
        KeyRing.from_environment()
