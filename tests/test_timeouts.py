"""Time limits have one name, `timeout`, wherever they are set, passed on or kept."""

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from attrs import frozen

ROOT = Path(__file__).parents[1]
SCOPES = {"fail_after", "move_on_after", "timeout", "ClientTimeout"}
"""What ends a wait: its first argument, or `total`, is a time limit."""
OTHER_NAMES = ("patience", "deadline", "trigger_seconds", "time_out")
ANYIOS = {"current_effective_deadline"}
NO_LIMITS = {"_TICK"}
"""What nothing is given up after: the pool's server sleeps so long between two ticks."""


@frozen
class Words:
    """The names in a program, and those of its time limits."""

    names: frozenset[str]
    limits: frozenset[str]

    @classmethod
    def of(cls, source: str) -> "Words":
        nodes = [*ast.walk(ast.parse(source))]
        return cls(frozenset(names(nodes)), frozenset(limits(nodes)))


@pytest.fixture(scope="module")
def sources() -> dict[str, Words]:
    """All modules. Every worker collects this file, and one of them parses, which takes seconds."""
    return {
        path.relative_to(ROOT).as_posix(): Words.of(path.read_text(encoding="utf-8"))
        for folder in ("authflow", "plugins", "benchmarks")
        for path in sorted((ROOT / folder).rglob("*.py"))
    }


def names(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """What is defined: parameters, attributes, variables, functions and keywords."""
    for node in nodes:
        match node:
            case ast.arg(arg=str(name)) | ast.keyword(arg=str(name)):
                yield name
            case ast.Name(id=name) | ast.Attribute(attr=name):
                yield name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name


def limits(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """The names of what is used as a time limit; numbers, and what is computed, have none."""
    for node in nodes:
        if not isinstance(node, ast.Call):
            continue
        called = getattr(node.func, "attr", getattr(node.func, "id", ""))
        values = [word.value for word in node.keywords if (word.arg or "").endswith("timeout")]
        if called in SCOPES:
            values += node.args[:1] + [word.value for word in node.keywords if word.arg == "total"]
        for value in values:
            match value:
                case ast.Attribute(attr=name):
                    yield name
                case ast.Name(id=name) if called in SCOPES or name.isupper():
                    yield name


def test_a_time_limit_has_no_other_name(sources: dict[str, Words]):
    used = {
        (path, name)
        for path, words in sources.items()
        for name in words.limits - NO_LIMITS
        if not name.lower().endswith("timeout")
    }
    assert used == set()


def test_nothing_else_is_defined_that_means_a_time_limit(sources: dict[str, Words]):
    others = {
        (path, name)
        for path, words in sources.items()
        for name in words.names
        if any(other in name.lower() for other in OTHER_NAMES) and name not in ANYIOS
    }
    assert others == set()


def test_the_search_finds_what_is_used_today(sources: dict[str, Words]):
    found = {name for words in sources.values() for name in words.limits}
    assert {"timeout", "_TIMEOUT", "_BODY_TIMEOUT", "CONNECT_TIMEOUT", "read_timeout"} <= found
    wrong = Words.of("async with anyio.fail_after(self.patience): go(timeout=_SECONDS, deadline=1)")
    assert wrong.limits == {"patience", "_SECONDS"}
    assert {"patience", "deadline"} <= wrong.names
