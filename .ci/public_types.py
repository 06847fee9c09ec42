"""Checks what our users' type checkers see: the pages' examples, and the public interface.

Both by basedpyright, which is pyright with an engine of its own. The examples are checked in
pyright's standard mode, as an editor does that was told nothing. Of the public interface at least
98 % must have a type that every type checker sees alike; what comes from packages that have no
types themselves is not counted (`--verifytypes authflow --ignoreexternal`).
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LEAST = 0.98


def pages() -> list[str]:
    """Give the paths, in the checkout, of README and of all pages of the site."""
    found = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [path.relative_to(ROOT).as_posix() for path in found]


def examples(page: str) -> dict[int, str]:
    """Find the Python examples of a page in Markdown.

    Args:
        page: The page's text.

    Returns:
        Each example by the number of its first line.
    """
    found = re.finditer(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    return {page.count("\n", 0, each.start(1)) + 1: each[1] for each in found}


class TypeChecker:
    """A run of basedpyright, in a folder of its own. It begins at once; `result` waits for it.

    Args:
        options: What it is told.
        files: What is in the folder.
    """

    def __init__(self, *options: str, files: Mapping[str, str] = MappingProxyType({})) -> None:
        self._folder = TemporaryDirectory()
        for name, text in files.items():
            Path(self._folder.name, name).write_text(text, encoding="utf-8")
        # The environment's Python is a link, and `--pythonpath` would follow it.
        path = os.pathsep.join([str(Path(sys.executable).parent), *os.get_exec_path()])
        self._process = subprocess.Popen(
            [sys.executable, "-m", "basedpyright", "--outputjson", *options],
            cwd=self._folder.name,
            env={**os.environ, "PATH": path},
            stdout=subprocess.PIPE,
            text=True,
        )

    def result(self) -> Any:
        """Wait, and give what it printed."""
        with self._folder:
            return json.loads(self._process.communicate()[0])


def faults_of_examples(pages: Mapping[str, str]) -> Callable[[], list[str]]:
    """Begin to check the examples of pages, each as a program of its own.

    Args:
        pages: Their texts, by what they are called.

    Returns:
        What waits, and gives what is wrong; nothing if all of it is right.
    """
    titles: dict[str, str] = {}
    # As many empty lines go before each that its lines have the numbers that they have in the page.
    files: dict[str, str] = {}
    for number, (title, page) in enumerate(pages.items()):
        for at, text in examples(page).items():
            titles[f"example_{number}_{at}"] = title
            files[f"example_{number}_{at}.py"] = "\n" * (at - 1) + text
    checker = TypeChecker(files={**files, "pyrightconfig.json": '{"typeCheckingMode": "standard"}'})

    def faults() -> list[str]:
        result = checker.result()
        if result["summary"]["filesAnalyzed"] != len(files):
            return ["Not every example was checked"]
        return [
            f"{titles[Path(each['file']).stem]}:{each['range']['start']['line'] + 1}: "
            f"{each['message']}"
            for each in result["generalDiagnostics"]
            if each["severity"] == "error"
        ]

    return faults


def faults_of_package(package: str) -> Callable[[], list[str]]:
    """Begin to measure how much of a package's public interface has types.

    Args:
        package: Its name. It must be installed.

    Returns:
        What waits, and gives what is wrong, with the names that lack a type; nothing if at least
        `LEAST` of them have one.
    """
    checker = TypeChecker("--verifytypes", package, "--ignoreexternal")

    def faults() -> list[str]:
        measured = checker.result()["typeCompleteness"]
        share = measured["completenessScore"]
        if share >= LEAST:
            return []
        lacking = [
            symbol["name"]
            for symbol in measured["symbols"]
            if symbol["isExported"] and not symbol["isTypeKnown"]
        ]
        return [f"{share:.1%} of {package} has types, and {LEAST:.0%} must:", *lacking]

    return faults


def main() -> int:
    """Check everything at the same time; print what is wrong."""
    texts = {page: (ROOT / page).read_text(encoding="utf-8") for page in pages()}
    begun = [faults_of_examples(texts), faults_of_package("authflow")]
    faults = [fault for each in begun for fault in each()]
    for fault in faults:
        print(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
