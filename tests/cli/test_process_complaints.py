"""What a handler's process says on its standard error."""

import subprocess

import pytest

from authflow.cli.process_complaints import Complaints


def said(text: bytes, heard: set[tuple[str, ...]] | None = None) -> Complaints:
    complaints = Complaints(heard=set() if heard is None else heard)
    with complaints.open() as errors:
        subprocess.run(["cat"], input=text, stderr=errors, stdout=errors, check=True)
    complaints.finish()
    return complaints


def test_every_line_is_shown_and_none_can_steer_a_terminal(capsys):
    said(b"first\n\tindented\n\x1b[2J\x07gone\r\nlast \xff\xe2\x80\xae")
    assert capsys.readouterr().err == (
        "first\n        indented\n\\x1b[2J\\x07gone\nlast \N{REPLACEMENT CHARACTER}\\u202e\n"
    )


NODE = b"""node:internal/modules/cjs/loader:1143
  throw err;
  ^

Error: Cannot find module '/srv/nonexist.mjs'
    at Module._resolveFilename (node:internal/modules/cjs/loader:1140:15)
  code: 'MODULE_NOT_FOUND',
  requireStack: []
}

Node.js v20.1.0
"""
PYTHON = b"""Traceback (most recent call last):
  File "define.py", line 1, in <module>
    import nothing
ModuleNotFoundError: No module named 'nothing'
"""


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"", ""),
        (b"\n \n", ""),
        (NODE, "Error: Cannot find module '/srv/nonexist.mjs'"),
        (PYTHON, "ModuleNotFoundError: No module named 'nothing'"),
        (b"sh: 1: nodee: not found\n", "sh: 1: nodee: not found"),
        (b"starting\npanic: no luck\n\ngoroutine 1 [running]:\n\tmain.go:7\n", "panic: no luck"),
        (b"one\ntwo", "two"),
        (b"oops \x1b[2J\n", "oops \\x1b[2J"),
    ],
)
def test_the_line_that_says_why_is_found(text, told, capsys):
    assert said(text).last() == told


def test_of_very_much_only_the_end_is_kept(capsys):
    complaints = said(b"x" * 100_000 + b"\n" + b"line\n" * 1000 + b"the end\n")
    assert complaints.last() == "the end"
    assert len(capsys.readouterr().err) > 100_000


@pytest.mark.parametrize(
    ("texts", "shown"),
    [
        ([b"a\nb\n"] * 4, "a\nb\n"),
        ([b"a\nb\n", b"a\nc\n", b"a\nb\n", b"a\nc\n"], "a\nb\na\nc\n"),
        ([b"a\nb\n", b"a\n", b"a\n"], "a\nb\na\n"),
        ([b"a\n", b"a\nb\n", b"a\nb\n"], "a\na\nb\n"),
        ([b"a\na\na\n"] * 2, "a\na\na\n"),
        ([b"", b"a\n", b"", b"a\n"], "a\n"),
    ],
)
def test_what_processes_say_one_like_the_other_is_shown_once(texts, shown, capsys):
    heard: set[tuple[str, ...]] = set()
    told = [said(text, heard).last() for text in texts]
    assert told == [text.decode().rpartition("\n")[0].rpartition("\n")[2] for text in texts]
    assert capsys.readouterr().err == shown


def test_lines_that_nobody_said_before_are_shown_as_they_come(capsys):
    heard = {("a", "b")}
    complaints = Complaints(heard=heard)
    with complaints.open() as errors:
        for line in (b"a\n", b"c\n"):
            errors.write(line)
            errors.flush()
        shown = ""
        while "c" not in shown:
            shown += capsys.readouterr().err
    complaints.finish()
    assert shown == "a\nc\n"


def test_of_what_many_processes_say_only_so_much_is_kept(capsys):
    heard: set[tuple[str, ...]] = set()
    for number in range(40):
        said(b"%d\n" % number, heard)
    said(b"line\n" * 1000, heard)
    assert len(heard) <= 16
    assert max(map(len, heard)) <= 100
    assert capsys.readouterr().err.count("line\n") == 1000
