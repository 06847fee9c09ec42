"""Docstrings are read by people whose first language is not English, too: they begin simply."""

import ast
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
QUESTIONS = frozenset({"How", "What", "When", "Where", "Which", "Who", "Whose", "Why"})
NOT_OF_A_FUNCTION = QUESTIONS | {"Give", "Gives", "Have", "Let", "Say", "Says", "Spell", "Tell"}
"""A function returns, checks or makes something, and says so. A property is whether, or a noun."""
NOT_OF_A_THING = QUESTIONS | {"Whether", "Those"}
"""A module or a class is a thing, and a noun names it."""
NOT_OF_A_VARIABLE = QUESTIONS | {"So", "Those"}
"""A variable has a noun, too, unless it is one of yes or no."""

Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def product_files() -> list[str]:
    """Return the paths of the modules of all distributions."""
    packages = (ROOT / "authflow", ROOT / "cognito_authflow", *ROOT.glob("plugins/*/authflow_*"))
    paths = (path for package in packages for path in package.rglob("*.py"))
    return sorted(path.relative_to(ROOT).as_posix() for path in paths)


def definitions(
    node: ast.AST, name: str, *, public: bool
) -> Iterator[tuple[Documented, str, bool]]:
    """Yield what may have a docstring, with its full name, and whether it is public."""
    if isinstance(node, Documented):
        yield node, name, public
    inside_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            is_public = public and not inside_function and not child.name.startswith("_")
            yield from definitions(child, f"{name}.{child.name}", public=is_public)
        else:
            yield from definitions(child, name, public=public and not inside_function)


def of_variables(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield the texts under variables and attributes, with the names of these."""
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        for line, text in pairwise(body if isinstance(body, list) else []):
            match line, text:
                case (
                    ast.Assign(targets=[target]) | ast.AnnAssign(target=target),
                    ast.Expr(value=ast.Constant(value=str(written))),
                ):
                    yield ast.unparse(target), written


def faults(source: str) -> list[str]:
    """Return what is wrong with the docstrings of a module, each fault in one line."""
    tree = ast.parse(source)
    found = [
        f"{name} begins with {opening!r}"
        for name, text in of_variables(tree)
        if (opening := opening_of(text)) in NOT_OF_A_VARIABLE
    ]
    for node, name, public in definitions(tree, "module", public=True):
        text = ast.get_docstring(node)
        if not text:
            overloaded = any("overload" in ast.unparse(each) for each in _decorators(node))
            if public and not overloaded:
                found.append(f"{name} has no docstring")
            continue
        is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        opening = opening_of(text)
        if opening in (NOT_OF_A_FUNCTION if is_function else NOT_OF_A_THING):
            found.append(f"{name} begins with {opening!r}")
    return found


def opening_of(text: str) -> str:
    """Return the first word of a docstring."""
    return (*text.split(maxsplit=1), "")[0].rstrip(",.:;")


def _decorators(node: Documented) -> list[ast.expr]:
    return [] if isinstance(node, ast.Module) else node.decorator_list


def test_docstrings_name_a_thing_or_what_a_function_does():
    found = {path: faults((ROOT / path).read_text(encoding="utf-8")) for path in product_files()}
    assert {path: wrong for path, wrong in found.items() if wrong} == {}


def test_the_files_of_all_packages_are_found():
    files = {*product_files()}
    assert {"authflow/pool/http/app.py", "authflow/secret.py"} <= files
    assert {"cognito_authflow/__init__.py", "cognito_authflow/shadowing.py"} <= files
    assert {
        f"plugins/{name}/authflow_{name}/trigger.py" for name in ("captcha", "otp", "question")
    } <= files


@pytest.mark.parametrize("opening", sorted(NOT_OF_A_FUNCTION))
@pytest.mark.parametrize("kind", ["def", "async def"])
def test_a_function_that_begins_with_a_riddle_is_found(kind: str, opening: str):
    source = (
        f'"""Keys."""\nclass A:\n    """A key."""\n    {kind} _f():\n        """{opening} it."""'
    )
    assert faults(source) == [f"module.A._f begins with {opening!r}"]


@pytest.mark.parametrize("opening", sorted(NOT_OF_A_THING))
def test_a_thing_that_begins_with_a_riddle_is_found(opening: str):
    assert faults(f'"""{opening} keys are."""') == [f"module begins with {opening!r}"]
    assert faults(f'"""Keys."""\nclass _A:\n    """{opening}: keys."""') == [
        f"module._A begins with {opening!r}"
    ]


@pytest.mark.parametrize("opening", sorted(NOT_OF_A_VARIABLE))
def test_a_variable_that_begins_with_a_riddle_is_found(opening: str):
    for owner, indent in (("", ""), ("class A:\n    ", "    "), ("def _f():\n    ", "    ")):
        for variable in ("key = 1", "key: int"):
            source = f'"""Keys."""\n{owner}{variable}\n{indent}"""{opening} keys there are."""'
            assert f"key begins with {opening!r}" in faults(source)


@pytest.mark.parametrize("name", ["f", "_f"])
def test_a_public_name_without_a_docstring_is_found(name: str):
    expected = [f"module.{name} has no docstring"] if name == "f" else []
    assert faults(f'"""Keys."""\ndef {name}():\n    pass') == expected
    assert faults(f'"""Keys."""\nif x:\n    class {name}:\n        pass') == expected
    assert faults(f'"""Keys."""\nclass A:\n    """A key."""\n    async def {name}(self): ...') == [
        each.replace("module.", "module.A.") for each in expected
    ]


def test_what_is_private_or_inside_a_function_needs_no_docstring():
    assert faults('"""Keys."""\ndef _f():\n    def g(): ...\nclass _A:\n    def f(self): ...') == []
    within = '"""Keys."""\ndef f():\n    """Count."""\n    if x:\n        def g(): ...'
    assert faults(within) == []
    assert faults("x = 1") == faults('""""""') == ["module has no docstring"]
    assert faults('"""Keys."""\nx = 1\n""""""') == []
