"""`make docs`: the site is built without a warning, and what is added to the pages is right."""

import importlib
import inspect
import os
import re
import shutil
import subprocess
import sys
from types import ModuleType

import pytest

from authflow import errors
from authflow.integrations.web import request_errors
from testbed.pages import ROOT

pytest.importorskip("sphinx", reason="it is a tool of `make docs`")
sys.path.append(str(ROOT / ".ci"))  # as of a program that is there
try:
    site: ModuleType = importlib.import_module("docs_site")
    reference: ModuleType = importlib.import_module("reference_pages")
finally:
    sys.path.remove(str(ROOT / ".ci"))

PUBLIC = reference.PublicNames(reference.LIST.read_text(encoding="utf-8"))
COMMANDS = ["serve", "demo", "check", "diagram", "plugins", "keys", "doctor"]
NAMES = [
    (package, name) for package, rows in PUBLIC.rows.items() for _, names in rows for name in names
]


@pytest.mark.timeout(300)
def test_the_site_is_built_without_a_warning(tmp_path):
    """The one build of the suite. It reads every page and docstring, and writes nothing."""
    done = subprocess.run(
        [sys.executable, ROOT / ".ci" / "docs_site.py", tmp_path, "dummy"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.stderr == ""
    assert done.returncode == 0


def test_what_leads_nowhere_fails_the_build(tmp_path):
    sources = tmp_path / "docs"
    (sources / "reference").mkdir(parents=True)
    shutil.copy(ROOT / "docs" / "conf.py", sources)
    (sources / "reference" / "index.md").write_text("---\norphan: true\n---\n# `AuthClient`\n")
    (sources / "index.md").write_text(
        "# A page\n\n[a](#nowhere) [b](no-page.md) {py:obj}`AuthClient <authflow.AuthClient>`\n"
    )
    program = (
        "import sys, docs_site, pathlib;"
        "sys.exit(docs_site.build(*map(pathlib.Path, sys.argv[1:]), builder='dummy'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, sources, tmp_path / "out"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT / ".ci")},
    )
    assert done.returncode == 1
    for said in ("nowhere", "no-page.md", "authflow.AuthClient"):
        assert said in done.stderr
    assert done.stderr.count("WARNING") == 3, done.stderr


def test_a_public_name_in_the_text_leads_to_its_description_and_code_stays():
    page = (
        "# `Store`\n\nA `Store`, a `Stored.x`, no `Shop`, [`Store`](x), ``Store``:\n\n"
        "```python\nx = `Store`\n```\n\n| `Store` |\n"
    )
    leads = "{py:obj}`Store <authflow.stores.Store>`"
    assert site.linked(page, {"Store": "authflow.stores"}) == page.replace(
        "A `Store`", f"A {leads}"
    ).replace("| `Store` |", f"| {leads} |")


def test_a_diagram_is_a_picture_or_without_graphviz_its_text(tmp_path, monkeypatch):
    page = (ROOT / "docs" / "state-machine.md").read_text(encoding="utf-8")
    monkeypatch.setattr(site.shutil, "which", lambda _: None)
    assert "```text\nstateDiagram-v2" in site.drawn(page, tmp_path)
    assert "```mermaid" not in site.drawn(page, tmp_path)
    assert not [*tmp_path.iterdir()]


@pytest.mark.system("dot")
def test_every_diagram_has_a_picture_of_its_own(tmp_path):
    page = (ROOT / "docs" / "state-machine.md").read_text(encoding="utf-8")
    drawn = site.drawn(page, tmp_path)
    shown = re.findall(r"!\[.*?\]\((.*?)\)", drawn)
    assert len(shown) == page.count("```mermaid") == 3
    assert all("<svg" in (tmp_path / name).read_text() for name in shown)


@pytest.mark.parametrize(
    ("page", "found"),
    [
        ('<script src="_static/a.js">', []),
        ('<a href="https://x.example">', []),
        ('<script async src="https://x.example/a.js">', ["https://x.example/a.js"]),
        ('<link rel="stylesheet" href="//x.example/a.css">', ["//x.example/a.css"]),
        ('<img alt="a" src="http://x.example/a.svg">', ["http://x.example/a.svg"]),
    ],
)
def test_what_a_browser_would_fetch_from_elsewhere_is_found(page, found):
    assert site.fetched(page) == found


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("https://github.com/example/x", False),
        ("https://docs.example.org.uk", True),
        ("mailto:a***&#64;e***", True),
        ("http://localhost", True),
        ("https://api.example.com", True),
        ("http://127.0.0.1:9229", True),
        ("guides/fastapi.html#example", False),
    ],
)
def test_a_link_to_an_address_that_was_made_up_is_found(address, found):
    page = f'<a class="reference external" href="{address}">it</a>'
    assert site.invented(page) == [address] * found


def test_a_folders_place_in_the_contents_is_taken_by_those_pages_that_are_not_named(tmp_path):
    (tmp_path / "guides").mkdir()
    for name in ("a", "b", "c"):
        (tmp_path / "guides" / f"{name}.md").touch()
    contents = site.with_every_page("guides/b\npool\nguides/*\nexamples/*\n", tmp_path)
    assert contents == "guides/b\npool\nguides/a\nguides/c\n"


def test_every_public_name_is_described_at_one_home_that_has_it():
    for package, name in NAMES:
        home = PUBLIC.home(package, name)
        assert PUBLIC.value(home, name) is PUBLIC.value(package, name)
        assert (home, name) in NAMES
    assert PUBLIC.home("authflow", "AuthFlowError") == "authflow.errors"
    assert PUBLIC.home("authflow.client", "AuthClient") == "authflow"
    assert PUBLIC.home("authflow.triggers", "KeyRing") == "authflow.keys"


def test_two_things_of_one_name_have_a_home_each_and_the_first_is_meant_in_the_text():
    public = reference.PublicNames("| `os.path` | a: `join` |\n| `shlex` | another: `join` |\n")
    assert [public.home(each, "join") for each in public.rows] == ["os.path", "shlex"]
    assert public.homes() == {"join": "os.path"}


@pytest.mark.parametrize("package", PUBLIC.rows)
def test_the_page_of_a_package_describes_what_is_at_home_there_and_leads_to_the_rest(package):
    page = reference.package_page(PUBLIC, package)
    for name in (name for each, name in NAMES if each == package):
        if PUBLIC.home(package, name) == package:
            assert re.search(rf"^\.\. \S+:: ({package}\.)?{name}$", page, re.MULTILINE), name
        else:
            assert f"`{name} <{PUBLIC.home(package, name)}.{name}>`" in page


def test_every_public_value_that_is_no_class_and_no_function_is_described():
    for package, name in NAMES:
        value = PUBLIC.value(package, name)
        if not inspect.isclass(value) and not inspect.isroutine(value):
            assert reference.attribute_docstring(package, name), name
    assert "password" in reference.attribute_docstring("authflow.testing", "PASSWORD")


def test_the_members_of_a_class_are_its_own_and_those_of_its_bases_here():
    members = {*reference.members_of(PUBLIC.value("authflow", "AuthClient"))}
    assert {"sign_in", "sign_up", "devices"} <= members
    assert {*reference.members_of(errors.NextStep)} == {*errors.NextStep.__members__}


def test_the_table_of_errors_has_each_with_its_code_and_next_step():
    table = reference.errors()
    for name in {*errors.__all__} - {"NextStep"}:
        kind = getattr(errors, name)
        assert f"`{name}` | `{kind.code}` | `{kind.next_step}` |" in table
    assert table.count("\n") == len(errors.__all__)
    assert "| `token_permission` | `give_up` | 403 |" in table
    assert "| `throttled` | `wait` | 503 |" in table
    page = (ROOT / "docs" / "reference" / "errors.md").read_text(encoding="utf-8")
    assert page.count(site.ERRORS) == 1
    steps = re.findall(r"^\| `(\w+)` \|", page.partition("## ")[0], re.MULTILINE)
    assert steps == ["next_step", *errors.NextStep]


def test_what_the_routes_find_wrong_has_a_table_too():
    table = reference.request_errors()
    named = {getattr(request_errors, each) for each in request_errors.__all__}
    named.remove(request_errors.RequestError)
    assert all(
        f"| `{each.code}` | `{each.next_step}` | {each.http_status} |" in table for each in named
    )
    page = (ROOT / "docs" / "reference" / "errors.md").read_text(encoding="utf-8")
    assert page.count(site.REQUEST_ERRORS) == 1


def test_the_help_of_every_command_is_shown():
    shown = reference.commands()
    for command in ("serve", "plugins new", "keys use", "doctor"):
        assert f"usage: authflow {command} " in shown
    assert {*re.findall(r"^## (\w+)", shown, re.MULTILINE)} == {*COMMANDS}
    page = (ROOT / "docs" / "reference" / "commands.md").read_text(encoding="utf-8")
    assert page.count(site.COMMANDS) == 1
    assert [each for each in COMMANDS if f"| `authflow {each}` |" not in page] == []
