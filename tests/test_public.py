"""What is public stands in the site's reference; plugins, templates and pages use no more."""

import ast
import importlib
import inspect
import re
import traceback
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import attrs
import pytest

from authflow.cli.new_plugin import write_plugin

ROOT = Path(__file__).parents[1]
REFERENCE = (ROOT / "docs" / "reference" / "index.md").read_text()


def listed() -> dict[str, list[str]]:
    """The list: the names of each public package. A package may have several rows."""
    names: dict[str, list[str]] = {}
    for package, row in re.findall(r"^\| `([\w.]+)` \| (.*) \|$", REFERENCE, re.MULTILINE):
        names.setdefault(package, []).extend(re.findall(r"`(\w+)`", row))
    return names


PUBLIC = listed()
PACKAGES = [*PUBLIC]

ONE_PLACE = "authflow.plugins"
"""Where authors of plugins find everything that a half is written with."""

SHOWN = [
    *sorted(ROOT.glob("plugins/**/*.py")),
    *sorted(ROOT.glob("plugins/*/README.md")),
    *sorted(ROOT.glob("docs/**/*.md")),
    *sorted(ROOT.glob("docs/examples/**/*.py")),
    ROOT / "README.md",
]
HALVES = sorted(ROOT.glob("plugins/*/authflow_*/**/*.py"))


IMPORTERS = ("import_module", "importorskip", "__import__")
"""Functions whose first argument is a module's name."""


def sources(path: Path) -> Iterator[str]:
    """The Python in a file: all of it, or the blocks of a page."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        yield text
    else:
        yield from re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def dotted(node: ast.expr) -> str:
    """The text of `a.b.c`; nothing for what is no such chain."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (before := dotted(node.value)):
        return f"{before}.{node.attr}"
    return ""


def reached(source: str) -> Iterator[tuple[str, str]]:
    """What a program reaches in authflow: modules, and names in them ("" for the module itself).

    Programs in strings count, such as those that a test has another process run.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            yield from ((node.module or "", alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.Attribute) and dotted(node).startswith("authflow."):
            yield dotted(node.value), node.attr
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            if re.search(r"\bimport\b", node.value):
                try:
                    yield from reached(node.value)
                except SyntaxError:  # prose
                    continue
        elif isinstance(node, ast.Call) and dotted(node.func).endswith(IMPORTERS):
            yield from (
                (str(each.value), "") for each in node.args[:1] if isinstance(each, ast.Constant)
            )


def is_public(module: str, name: str) -> bool:
    if f"{module}.{name}" in PUBLIC:
        return True
    return module in PUBLIC and (not name or name in PUBLIC[module])


def beyond(source: str) -> list[str]:
    """What a program reaches in authflow that is not public."""
    return [
        f"{module}: {name}"
        for module, name in reached(source)
        if module.split(".")[0] == "authflow" and not is_public(module, name)
    ]


def elsewhere(source: str) -> list[str]:
    """What a program imports from another place, though authors of plugins have it in theirs."""
    return [
        f"{module}: {name}"
        for module, name in reached(source)
        if name in PUBLIC[ONE_PLACE] and module.split(".")[0] == "authflow" and module != ONE_PLACE
    ]


def test_the_reference_lists_the_faces_and_what_plugins_are_written_with():
    assert {"authflow", "authflow.client", "authflow.triggers", "authflow.pool"} <= set(PACKAGES)
    assert {ONE_PLACE, "authflow.testing", "authflow.errors"} <= set(PACKAGES)


def test_the_files_of_all_three_plugins_and_their_tests_are_read():
    read = {str(path.relative_to(ROOT)) for path in SHOWN}
    for plugin in ("captcha", "otp", "question"):
        for name in (f"authflow_{plugin}/trigger.py", "tests/conftest.py", "README.md"):
            assert f"plugins/{plugin}/{name}" in read
    assert {"README.md", "docs/writing-a-plugin.md"} <= read
    pages = {"README.md", "start-here.md", "tickets.md", "triggers.md", "writing-a-plugin.md"}
    assert all([*sources(path)] for path in SHOWN if path.name in pages)


@pytest.mark.parametrize("package", PACKAGES)
def test_the_reference_has_the_very_names_that_a_package_exports(package: str):
    room = importlib.import_module(package)
    assert room.__doc__
    assert sorted(PUBLIC[package]) == sorted(room.__all__)


def test_every_error_is_public():
    errors = importlib.import_module("authflow.errors")
    made = {name for name, value in vars(errors).items() if isinstance(value, type)}
    assert {name for name in made if vars(errors)[name].__module__ == errors.__name__} == set(
        errors.__all__
    )


SYNCHRONOUS = "authflow.sync"
"""The package whose classes are named as the asynchronous ones, of which they are made."""


def in_both(pair: tuple[str, str]) -> set[str]:
    return set() if SYNCHRONOUS in pair else set(PUBLIC[pair[0]]) & set(PUBLIC[pair[1]])


PAIRS = [pair for pair in combinations(PACKAGES, 2) if in_both(pair)]


@pytest.mark.parametrize("pair", PAIRS, ids=" and ".join)
def test_a_name_that_two_packages_have_is_the_same_thing_in_both(pair: tuple[str, str]):
    one, other = map(importlib.import_module, pair)
    for name in in_both(pair):
        assert getattr(one, name) is getattr(other, name), name


def test_the_faces_share_names_with_the_place_of_authors():
    assert {"ClientChallenge", "Prompt"} <= in_both(("authflow.client", ONE_PLACE))
    assert {"TriggerChallenge", "Issued"} <= in_both(("authflow.triggers", ONE_PLACE))


@pytest.mark.parametrize("path", SHOWN, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_authors_and_users_are_shown_imports_nothing_but_what_is_public(path: Path):
    assert [each for source in sources(path) for each in beyond(source)] == []


@pytest.mark.parametrize("path", HALVES, ids=lambda path: str(path.relative_to(ROOT)))
def test_our_plugins_import_what_authors_have_in_one_place_from_there(path: Path):
    assert [each for source in sources(path) for each in elsewhere(source)] == []


def test_a_new_plugin_imports_what_is_public_and_its_halves_from_one_place(tmp_path: Path):
    written = [
        path for path in write_plugin("pager-duty", tmp_path) if path.suffix in {".py", ".md"}
    ]
    programs = {path.name: [*sources(path)] for path in written}
    assert {"trigger.py", "client.py", "conformance.py", "try_it.py", "README.md"} <= set(programs)
    for name, texts in programs.items():
        assert [each for text in texts for each in beyond(text)] == [], name
    for half in ("trigger.py", "client.py"):
        rooms = {module for text in programs[half] for module, _ in reached(text)}
        assert {module for module in rooms if module.startswith("authflow")} == {ONE_PLACE}
    assert elsewhere("\n".join(programs["test_plugin.py"])) == []


@pytest.mark.parametrize(
    "program",
    [
        "from authflow import AuthClient, Secret as S, triggers",
        "from authflow.plugins import Prompt",
        "import authflow, authflow.triggers",
        "import authflow\nauthflow.triggers.Triggers",
        "from authflow_otp.enrolments import Owner",
        "import json\nfrom os import path",
        "importlib.import_module('authflow.errors')",
        "logging.getLogger('authflow.captcha')",
        "'from authflow import what is public'",
    ],
)
def test_a_program_that_keeps_to_the_list_is_not_accused(program: str):
    assert beyond(program) == []


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("from authflow.keys.key_ring import KeyRing", "authflow.keys.key_ring: KeyRing"),
        ("from authflow.keys import Prompt", "authflow.keys: Prompt"),
        ("from authflow import *", "authflow: *"),
        ("from authflow import cli", "authflow: cli"),
        ("import json, authflow.wire as w", "authflow.wire: "),
        ("def late():\n    from authflow.secret import Secret", "authflow.secret: Secret"),
        ("if TYPE_CHECKING:\n    import authflow.machine", "authflow.machine: "),
        ("import authflow\nauthflow.lazy_names.x", "authflow: lazy_names"),
        ("importlib.import_module('authflow.results')", "authflow.results: "),
        ("run('import os; from authflow.srp import g')", "authflow.srp: g"),
    ],
)
def test_a_program_that_reaches_beyond_the_list_is_told_where(program: str, said: str):
    assert said in beyond(program)


def test_an_author_who_imports_from_a_face_is_told_what_stands_in_one_place():
    program = "from authflow.triggers import Issued, Limits\nfrom authflow.plugins import Prompt"
    assert elsewhere(program) == ["authflow.triggers: Issued"]


def values() -> dict[str, type]:
    """The public values and services: all that attrs wrote an `__init__` for."""
    made = {
        f"{package}.{name}": getattr(importlib.import_module(package), name)
        for package, names in PUBLIC.items()
        for name in names
        if not name.startswith("_")
    }
    return {name: kind for name, kind in made.items() if inspect.isclass(kind) and attrs.has(kind)}


def checks(kind: type) -> bool:
    return hasattr(kind, "__attrs_post_init__") or any(
        each.validator or each.converter for each in attrs.fields(kind)
    )


ODD = [None, 5, -1, 1e400, b"x", "\ud800", "zz", object(), [object()], {"a": object()}, type]


def failures(kind: type) -> Iterator[Exception]:
    """What is raised where a value is made of odd arguments: all odd, and each in its turn."""
    names = [each.alias for each in attrs.fields(kind) if each.init]
    for odd in ODD:
        for given in (dict.fromkeys(names, odd), *({name: odd} for name in names)):
            needed = [
                each.alias
                for each in attrs.fields(kind)
                if each.init and each.default is attrs.NOTHING
            ]
            for other in ("x", 1):
                try:
                    kind(**{**dict.fromkeys(needed, other), **given})
                except Exception as error:  # noqa: BLE001  # the test looks at it
                    yield error


@pytest.mark.parametrize("name", [name for name, kind in values().items() if checks(kind)])
def test_a_value_that_cannot_be_made_breaks_no_report_of_the_crash(name):
    """A half-made value in a frame would: its `__repr__` fails, and with it the whole report."""
    raised = [*failures(values()[name])]
    for error in raised:
        links = [error, error.__cause__, error.__context__]
        for link in filter(None, links):
            traceback.TracebackException.from_exception(link, capture_locals=True)
            for frame, _ in traceback.walk_tb(link.__traceback__):
                for value in frame.f_locals.values():
                    repr(value)


def test_most_public_values_check_what_they_are_made_of():
    raising = [name for name, kind in values().items() if checks(kind) and [*failures(kind)]]
    assert len(raising) > 25
