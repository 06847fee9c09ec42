"""What holds for every page: its links lead somewhere, its commands exist, its examples are run."""

import io
import pydoc
import re
import shlex
from contextlib import redirect_stdout
from functools import cache
from pathlib import Path, PurePosixPath

import pytest

from authflow.cli import main
from authflow.plugins import CLIENT_CHALLENGES, TRIGGER_CHALLENGES, PluginRegistry
from testbed.pages import HOME, ROOT, checked_by_lint, pages, text_of

GROUPS = (CLIENT_CHALLENGES, TRIGGER_CHALLENGES)
ON_AN_INDEX = [
    "README.md",
    *(f"plugins/{each}/README.md" for each in ("captcha", "otp", "question")),
]
"""Pages that an index shows: there are no files beside them, and no anchors in them."""
PAGES = [*pages(), *ON_AN_INDEX[1:], "CONTRIBUTING.md", "SECURITY.md"]
FENCE = re.compile(r"^( *)(`{3,}|:{3,})([^\n`]*)\n(.*?)^\1\2 *$", re.DOTALL | re.MULTILINE)
RUN = {"python", "sh", "console", "js"}
"""Languages of what is run, or compared with what is printed."""
NOT_RUN = {"text", "mermaid"}


def without_code(text: str) -> str:
    return re.sub(r"`[^`\n]+`", "", FENCE.sub("", text))


def links_of(page: str) -> list[tuple[str, str]]:
    """The links of a page, each with its title: the test that shows what is said."""
    return re.findall(r'\]\(([^) ]+)(?: "(\w+)")?\)', without_code(text_of(page)))


def anchors_of(page: Path) -> set[str]:
    """What GitHub, and the site, call the headings of a page."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in titles}


@pytest.mark.parametrize("page", PAGES)
def test_every_link_of_a_page_leads_somewhere(page):
    for link, title in links_of(page):
        target, _, anchor = link.partition("#")
        if target.startswith(HOME):
            path = ROOT / target.removeprefix(HOME)
            assert page in ON_AN_INDEX or not path.is_relative_to(ROOT / "docs"), link
        elif "://" in target:
            assert target.startswith("https://"), link
            continue
        else:
            assert page not in ON_AN_INDEX, link
            path = ROOT / PurePosixPath(page).parent / target if target else ROOT / page
        assert path.exists(), link
        if page.startswith("docs/") and not target.startswith(HOME):
            assert path.resolve().is_relative_to(ROOT / "docs"), f"no file of the site: {link}"
        if anchor:
            assert anchor in anchors_of(path), link
        if title:
            assert f"def {title}(" in path.read_text(encoding="utf-8"), title


@cache
def other_tests() -> str:
    files = [*ROOT.glob("tests/**/test_*.py"), *ROOT.glob("plugins/*/tests/test_*.py")]
    return "".join(each.read_text("utf-8") for each in files if each.name != Path(__file__).name)


@pytest.mark.parametrize(
    "page", [page for page in pages() if checked_by_lint().examples(text_of(page))]
)
def test_the_examples_of_a_page_are_run_by_a_test_that_names_it(page):
    name = PurePosixPath(page).name
    assert any(f'"{each}"' in other_tests() for each in (page, name, f"guides/{name}"))


@pytest.mark.parametrize("page", pages())
def test_every_block_of_a_page_says_whether_it_is_run(page):
    blocks = FENCE.findall(text_of(page))
    languages = {language.strip() for _, _, language, _ in blocks}
    assert {each for each in languages if not each.startswith("{")} <= RUN | NOT_RUN
    if page != "README.md":  # its first lines are commands of the checkout
        assert not re.findall(r"\n\n    \S.*", without_code(text_of(page)))


def test_few_blocks_are_not_run():
    found = [
        (page, body)
        for page in pages()
        for _, _, language, body in FENCE.findall(text_of(page))
        if language.strip() == "text"
    ]
    assert len(found) <= 8, found


COMMANDS = ["serve", "demo", "diagram", "check", "plugins", "keys", "doctor"]


def help_of(*words: str) -> str:
    told = io.StringIO()
    with redirect_stdout(told), pytest.raises(SystemExit) as ended:
        main([*words, "--help"])
    assert ended.value.code == 0, words
    return told.getvalue()


@pytest.mark.parametrize("page", [*pages(), *ON_AN_INDEX[1:]])
def test_every_command_and_option_that_a_page_names_is_there(page):
    text = text_of(page)
    named = {*re.findall(rf"\bauthflow ((?:{'|'.join(COMMANDS)})\b[^`|\n;&>)]*)", text)}
    installed = {info.name for group in GROUPS for info in PluginRegistry(group).listed()}
    for call in sorted(named):
        words = shlex.split(call)
        below = words[1:2] if re.match(r"(plugins (new|check)|keys \w)", call) else []
        told = help_of(words[0], *below)
        assert [word for word in words if word.startswith("--") and word not in told] == [], call
        if call.startswith("plugins check") and len(words) > 2:
            assert words[2] in installed | {"pager"}, "the tutorial's own"
    every = " ".join([*map(help_of, COMMANDS), help_of("plugins", "check"), help_of("keys", "use")])
    options = {*re.findall(r"`(--[a-z-]+)", text)}
    assert [option for option in options if option not in every] == []


@pytest.mark.parametrize("page", ["docs/start-here.md", "docs/writing-a-plugin.md", "README.md"])
def test_commands_are_found_where_there_are_some(page):
    assert re.search(r"\bauthflow (serve|plugins)\b", text_of(page))


@pytest.mark.parametrize("name", ["authflow", "authflow.AuthClient", "authflow.triggers.Triggers"])
def test_what_the_reference_says_of_pydoc_is_so(name):
    told = pydoc.render_doc(name, renderer=pydoc.plaintext)
    assert "Args:" in told
