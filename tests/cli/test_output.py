"""What a command found out is its exit code, whatever becomes of its output."""

import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

import pytest

from authflow.cli import main
from authflow.cli.output import Output
from authflow.keys import KeyRing

MODULE = """
from authflow.triggers import password
proved = password()

def lets_in(event, context):
    event["response"] = {"challengeName": None, "issueTokens": True, "failAuthentication": False}
    return event

def ends(event, context):
    raise SystemExit(0)
"""

CALLS = {
    "help": (["--help"], 0),
    "version": (["--version"], 0),
    "no command": ([], 2),
    "diagram": (["diagram", "CUSTOM_AUTH"], 0),
    "no such diagram": (["diagram", "USER_MAGIC_AUTH"], 2),
    "plugins": (["plugins"], 0),
    "doctor": (["doctor"], 0),
    "proved": (["check", "judged_here:proved"], 0),
    "broken in JSON": (["check", "judged_here:lets_in", "--json"], 1),
    "nothing to check": (["check", "judged_here:missing"], 2),
    "no such plugin": (["plugins", "check", "nope"], 2),
    "keys": (["keys", "add", "2"], 0),
    "keys of nothing": (["keys", "drop", "2"], 2),
}


@pytest.fixture
def judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "judged_here.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "judged_here", raising=False)
    monkeypatch.setenv("AUTHFLOW_KEYS", KeyRing.generate().to_json().reveal())


def unread() -> TextIO:
    """A pipe whose reader has gone."""
    reader, writer = os.pipe()
    os.close(reader)
    return os.fdopen(writer, "w", encoding="utf-8")


def full() -> TextIO:
    return Path("/dev/full").open("w", encoding="utf-8")


def closed() -> None:
    """What Python has for a stream that was closed when the process began."""


def closed_since() -> TextIO:
    stream = io.StringIO()
    stream.close()
    return stream


Made = Callable[[], TextIO | None]


def called(arguments: list[str]) -> int:
    try:
        return main(arguments)
    except SystemExit as end:
        return int(str(end.code))


@pytest.fixture
def quiet() -> Iterator[list[TextIO]]:
    """Streams that are closed in the end, whatever stands in their buffers."""
    streams: list[TextIO] = []
    yield streams
    for stream in streams:
        stream.close()


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("made", [unread, full, closed, closed_since], ids=lambda m: m.__name__)
def test_a_verdict_stands_whoever_reads_it_and_lost_output_is_no_success(
    judged: None,
    monkeypatch: pytest.MonkeyPatch,
    quiet: list[TextIO],
    *,
    call: str,
    made: Made,
):
    arguments, code = CALLS[call]
    stream, told = made(), io.StringIO()
    if stream is not None:
        quiet.append(stream)
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setattr(sys, "stderr", told)
    nobody_needs_it = made is unread and arguments[0:1] != ["keys"]
    wanted = code or (0 if nobody_needs_it else 1)
    assert called(arguments) == wanted
    assert "Traceback" not in told.getvalue()
    complained = "standard output cannot be written" in told.getvalue()
    assert complained == (code != 2 and made is not unread)


@pytest.mark.parametrize("call", ["proved", "no command", "nothing to check", "no such plugin"])
@pytest.mark.parametrize("made", [unread, full, closed, closed_since], ids=lambda m: m.__name__)
def test_nor_does_a_standard_error_that_takes_nothing_change_a_verdict(
    judged: None,
    monkeypatch: pytest.MonkeyPatch,
    quiet: list[TextIO],
    *,
    call: str,
    made: Made,
):
    arguments, code = CALLS[call]
    stream, out = made(), io.StringIO()
    if stream is not None:
        quiet.append(stream)
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", stream)
    assert called(arguments) == code
    assert (out.getvalue() == "") == (code == 2), "what was for standard error stays out of it"


def test_what_an_encoding_has_not_is_escaped():
    bytes_ = io.BytesIO()
    out = Output(io.TextIOWrapper(bytes_, encoding="ascii"))
    print("→ é a", file=out)
    assert out.code(0) == 0
    assert bytes_.getvalue() == b"\\u2192 \\xe9 a\n"


def test_a_process_says_by_its_code_what_it_found_out_though_its_output_is_cut(tmp_path: Path):
    """The interpreter writes what is left at its end, and must not fail of it either."""
    (tmp_path / "judged_here.py").write_text(MODULE)
    script = """
        "$0" -m authflow check judged_here:lets_in | true; echo "pipe ${PIPESTATUS[0]}"
        "$0" -m authflow --version > /dev/full; echo "full $?"
        "$0" -m authflow keys new >&-; echo "closed $?"
    """
    done = subprocess.run(
        ["bash", "-c", script, sys.executable],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        # With buffers, as a process has them unless this variable is set.
        env={name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"},
    )
    assert done.stdout.splitlines() == ["pipe 1", "full 1", "closed 1"]
    assert done.stderr.splitlines() == [
        "authflow: standard output cannot be written: No space left on device",
        "authflow: standard output cannot be written: it is closed",
    ]


def test_code_that_ends_the_process_while_a_command_runs_acquits_nobody(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def ends(**_: object) -> int:
        raise SystemExit(0)

    monkeypatch.setattr("authflow.cli.plugins_command.run", ends)
    assert main(["plugins"]) == 1
    assert "ended the process" in capsys.readouterr().err


def test_a_handler_that_ends_the_process_is_not_acquitted(judged: None):
    assert main(["check", "judged_here:ends"]) == 1
