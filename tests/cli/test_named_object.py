"""A module that cannot be loaded is told in one line, with the place in the user's own file."""

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from authflow.cli.named_object import load_object
from authflow.errors import ConfigError

NO_CLASS_OF_OURS = "class Own(BaseException): ...\n"
FAULTS: dict[str, tuple[str, str]] = {
    "syntax": ("x = 1\ndef def", "{file}, line 2: SyntaxError: invalid syntax"),
    "indentation": ("if x:\ny", "{file}, line 2: IndentationError: expected an indented block"),
    "null byte": ("x = '\0'", "source code string cannot contain null bytes"),
    "arithmetic": ("\n\n1 / 0", "{file}, line 3: ZeroDivisionError: division by zero"),
    "deep in it": (
        "def f(n):\n    return f(n - 1) if n else [][0]\nf(9)",
        "{file}, line 2: IndexError: list index out of range",
    ),
    "in a library": ("import json\njson.loads('{')", "{file}, line 2: JSONDecodeError: Expecting"),
    "in authflow": (
        "from authflow.triggers import Policy, sequence\nPolicy(sequence())",
        "{file}, line 2: ConfigError: ",
    ),
    "no such import": (
        "\nimport no_such_module",
        "{file}, line 2: ModuleNotFoundError: No module named 'no_such_module'",
    ),
    "no such name": ("from json import no", "{file}, line 1: ImportError: cannot import name 'no'"),
    "no such attribute": ("import json\njson.no", "{file}, line 2: AttributeError: module 'json'"),
    "exit": ("import sys\nsys.exit('no licence')", "{file}, line 2: SystemExit: no licence"),
    "exit with 0": ("import sys\nsys.exit(0)", "{file}, line 2: SystemExit: 0"),
    "exit of nothing": ("raise SystemExit", "{file}, line 1: SystemExit"),
    "a base of all": ("raise BaseException('all')", "{file}, line 1: BaseException: all"),
    "a class of its own": (f"{NO_CLASS_OF_OURS}raise Own", "{file}, line 2: Own"),
    "a group": (
        "raise BaseExceptionGroup('g', [SystemExit(0)])",
        "{file}, line 1: BaseExceptionGroup: g (1 sub-exception)",
    ),
    "generator's end": ("raise GeneratorExit", "{file}, line 1: GeneratorExit"),
    "recursion": ("def f(): f()\nf()", "{file}, line 1: RecursionError: maximum recursion depth"),
    "many lines": (r"raise ValueError('a\nb\x1b[2J')", r"line 1: ValueError: a b\x1b[2J"),
    "no words": (
        "class Mute(Exception):\n    def __str__(self): 1 / 0\nraise Mute",
        "{file}, line 3: Mute",
    ),
    "words that end the process": (
        "class Mute(Exception):\n    def __str__(self): raise SystemExit(0)\nraise Mute",
        "{file}, line 3: Mute",
    ),
    "a file that is no text": (
        "error = SyntaxError('odd')\nerror.filename = 7\nraise error",
        "{file}, line 3: SyntaxError: odd",
    ),
    "a lazy attribute": (
        "def __getattr__(name):\n    1 / 0",
        "{file}, line 2: ZeroDivisionError: division by zero",
    ),
    "missing": ("x = 1", "module '{module}' has no attribute 'triggers'"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_a_module_does_is_one_line_that_says_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
):
    source, told = FAULTS[fault]
    module = f"fault_{fault.replace(' ', '_').replace(chr(39), '_')}"
    (tmp_path / f"{module}.py").write_text(source)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ConfigError) as caught:
        load_object(f"{module}:triggers")
    text = str(caught.value)
    assert text.startswith(f"cannot load {module}:triggers: ")
    assert told.format(file=f"{module}.py", module=module) in text
    assert text.isprintable()
    assert len(text) < 500


@pytest.mark.parametrize(
    "spec", ["", "json", "json:", ":x", "no_such_module:x", "json:no_such", "json:dumps.no_such"]
)
def test_an_object_that_cannot_be_loaded_is_named(spec: str):
    with pytest.raises(ConfigError):
        load_object(spec)


@pytest.mark.parametrize("spec", [".x:y", "a..b:c", "a\0b:c", "\x1b[2J:x", "\x1b[2J", "json:\nx"])
def test_a_text_that_can_name_nothing_steers_no_terminal(spec: str):
    with pytest.raises(ConfigError) as caught:
        load_object(spec)
    assert str(caught.value).isprintable()


def test_an_object_is_loaded_by_its_name():
    assert load_object("json:decoder.JSONDecoder") is sys.modules["json"].JSONDecoder


def test_ctrl_c_while_a_module_is_loaded_is_no_fault_of_the_module(monkeypatch: Any):
    def interrupted(name: str) -> None:
        raise KeyboardInterrupt

    slow = ModuleType("slow")
    slow.__getattr__ = interrupted
    monkeypatch.setitem(sys.modules, "slow", slow)
    try:
        load_object("slow:x")
    except BaseException as error:  # noqa: BLE001  # pytest itself would end by the right one
        caught = error
    assert isinstance(caught, KeyboardInterrupt)


def test_what_a_module_prints_is_no_part_of_a_commands_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "talks_here.py").write_text("print('hello')\nx = 1")
    monkeypatch.syspath_prepend(tmp_path)
    assert load_object("talks_here:x") == 1
    assert capsys.readouterr() == ("", "hello\n")
