"""docs/security.md names tests that there are."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")


def names_of_tests() -> set[str]:
    files = [*ROOT.glob("tests/**/test_*.py"), *ROOT.glob("plugins/*/tests/test_*.py")]
    return {
        node.name
        for file in files
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def rows() -> list[list[str]]:
    lines = [line for line in PAGE.splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return [row for row in cells if row[0] != "threat"]


def test_every_threat_has_a_countermeasure_and_a_test():
    assert len(rows()) > 40
    for row in rows():
        assert len(row) == 3, row
        assert all(row), row
        assert "`test_" in row[2], row


def test_every_test_that_is_named_is_there():
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert named <= names_of_tests()
