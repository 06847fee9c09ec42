"""Builds the site of the documentation, offline: `make docs`.

The pages of docs/ are plain Markdown, as a repository shows them. They are copied, and what a
machine can add is added to the copies: the reference (`reference_pages.py`), links from the public
names in the text to their descriptions, and pictures of the state machines, which Graphviz draws if
it is installed. Then Sphinx builds, and every warning is an error.
"""

import gc
import re
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from reference_pages import (
    LIST,
    PublicNames,
    commands,
    errors,
    package_page,
    request_errors,
)
from sphinx.cmd.build import build_main

from authflow.flow_diagram import picture
from authflow.machine import AuthFlow

ROOT = Path(__file__).resolve().parents[1]
ERRORS = "<!-- every error -->\n"
REQUEST_ERRORS = "<!-- every error of a request -->\n"
COMMANDS = "<!-- every command -->\n"
_FENCE = re.compile(r"^( *)(`{3,})[^\n]*\n.*?^\1\2 *$", re.DOTALL | re.MULTILINE)
_DIAGRAM = re.compile(r"<!-- diagram (\w+) -->\n```mermaid\n(.*?)```\n<!-- /diagram -->", re.DOTALL)
_INVENTED = re.compile(r"mailto:|https?://(localhost|127\.|([\w-]+\.)*example\b)")
_NAME = re.compile(r"(?<![`\[])`([A-Z]\w*[a-z]\w*)`(?!`|\])")


def linked(page: str, homes: dict[str, str]) -> str:
    """Lead from the public names in a page's text to their descriptions.

    Args:
        page: Its text. Blocks of code and headings stay as they are.
        homes: The package in which each name is described.
    """

    def link(name: re.Match[str]) -> str:
        home = homes.get(name[1])
        return f"{{py:obj}}`{name[1]} <{home}.{name[1]}>`" if home else name[0]

    parts, at = [], 0
    for code in _FENCE.finditer(page):
        parts += [page[at : code.start()], code[0]]
        at = code.end()
    parts.append(page[at:])
    for number in range(0, len(parts), 2):
        lines = parts[number].splitlines(keepends=True)
        parts[number] = "".join(
            line if line.startswith("#") else _NAME.sub(link, line) for line in lines
        )
    return "".join(parts)


def drawn(page: str, folder: Path) -> str:
    """Put pictures in the places of a page's diagrams.

    Args:
        page: Its text.
        folder: Where the pictures are put.
    """

    def draw(block: re.Match[str]) -> str:
        if shutil.which("dot") is None:
            return f"```text\n{block[2]}```"
        (folder / f"{block[1]}.svg").write_text(picture(AuthFlow(block[1])).svg(), "utf-8")
        return f"![The states and arrows of {block[1]}]({block[1]}.svg)"

    return _DIAGRAM.sub(draw, page)


def with_every_page(index: str, sources: Path) -> str:
    """Put the pages that an index does not name in the place of their folder, such as `guides/*`.

    Args:
        index: Its text.
        sources: Where the pages are.
    """
    named = set(re.findall(r"^[\w./-]+$", index, re.MULTILINE))

    def pages(place: re.Match[str]) -> str:
        found = {f"{place[1]}{path.stem}" for path in (sources / place[1]).glob("*.*")}
        return "".join(f"{page}\n" for page in sorted(found - named))

    return re.sub(r"^([\w-]+/)\*\n", pages, index, flags=re.MULTILINE)


def prepare(sources: Path) -> None:
    """Copy docs/, and add what a machine can add.

    Args:
        sources: The copy's folder. It is made.
    """
    shutil.copytree(ROOT / "docs", sources)
    public = PublicNames(LIST.read_text(encoding="utf-8"))
    homes = public.homes()
    for path in sources.rglob("*.md"):
        page = linked(drawn(path.read_text(encoding="utf-8"), path.parent), homes)
        page = page.replace(ERRORS, f"{linked(errors(), homes)}\n").replace(COMMANDS, commands())
        page = page.replace(REQUEST_ERRORS, f"{request_errors()}\n")
        path.write_text(page, encoding="utf-8")
    for package in public.rows:
        path = sources / "reference" / f"{package}.rst"
        path.write_text(package_page(public, package), encoding="utf-8")
    index = sources / "index.md"
    index.write_text(with_every_page(index.read_text(encoding="utf-8"), sources), "utf-8")


def build(sources: Path, into: Path, builder: str = "html") -> int:
    """Have Sphinx build what was prepared.

    Args:
        sources: The pages.
        into: Where the site goes.
        builder: How it is built; "dummy" looks for mistakes and writes nothing.

    Returns:
        The exit code: 0 if nothing was warned of.
    """
    options = ["-b", builder, "-W", "-n", "-q", "--keep-going", "-d", f"{sources}-read"]
    return build_main([*options, str(sources), str(into)])


def fetched(page: str) -> list[str]:
    """Find what a reader's browser would fetch from elsewhere for a page that it shows."""
    loaded = re.findall(r"<(?:script|img|iframe|source)\b[^>]*?\ssrc=\"([^\"]*)\"", page)
    loaded += re.findall(r"<link\b[^>]*?\shref=\"([^\"]*)\"", page)
    return [address for address in loaded if "//" in address]


def invented(page: str) -> list[str]:
    """Find the links of a page that lead nowhere: to an example, or to the reader's own machine."""
    links = re.findall(r"<a\b[^>]*?\shref=\"([^\"]*)\"", page)
    return [each for each in links if _INVENTED.match(each)]


def main(into: str = "build/docs", builder: str = "html") -> int:
    """Build the site.

    Args:
        into: Its folder.
        builder: As for `build`.

    Returns:
        The exit code: 0 if nothing was warned of, the site needs nothing from elsewhere, and no
            link leads to an address that was made up.
    """
    gc.disable()  # a quarter of the time, for a process that ends with this
    with TemporaryDirectory() as folder:
        sources = Path(folder) / "docs"
        prepare(sources)
        code = build(sources, Path(into), builder)
    for path in sorted(Path(into).rglob("*.html")):
        page = path.read_text(encoding="utf-8")
        for address in fetched(page):
            print(f"{path} is shown with what is at {address}", file=sys.stderr)
            code = 1
        for address in invented(page):
            print(f"{path} has a link to {address}: write it as code", file=sys.stderr)
            code = 1
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
