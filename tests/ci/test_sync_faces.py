"""authflow/sync says what the asynchronous classes say."""

import ast
import importlib.util
import inspect
import sys
from pathlib import Path
from types import ModuleType

import pytest

import authflow
from authflow import sync
from authflow.tokens import TokenVerifier

ROOT = Path(__file__).parents[2]
TWINS = {
    sync.AuthClient: authflow.AuthClient,
    sync.AdminClient: authflow.AdminClient,
    sync.SignedInUser: authflow.SignedInUser,
    sync.TokenVerifier: TokenVerifier,
}


@pytest.fixture(scope="module")
def program() -> ModuleType:
    path = ROOT / ".ci" / "sync_faces.py"
    spec = importlib.util.spec_from_file_location("sync_faces", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["sync_faces"] = module  # attrs looks there
    spec.loader.exec_module(module)
    return module


def statements(source: str) -> list[str]:
    """A module's statements, in whatever order and form its imports and texts are."""
    body = ast.parse(source).body
    for node in (each for statement in body for each in ast.walk(statement)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            node.value.value = inspect.cleandoc(str(node.value.value))
        elif isinstance(node, ast.Delete) and isinstance(node.targets[0], ast.Tuple):
            node.targets = node.targets[0].elts  # what is wrapped has parentheses
    imports = [each for each in body if isinstance(each, ast.Import | ast.ImportFrom)]
    names = sorted(
        f"{getattr(each, 'module', '')} {alias.name} {alias.asname}"
        for each in imports
        for alias in each.names
    )
    return [*names, *(ast.dump(each) for each in body if each not in imports)]


def test_every_module_is_what_the_asynchronous_class_makes_of_it(program):
    for face in program.FACES:
        committed = (program.FOLDER / f"{face.module}.py").read_text(encoding="utf-8")
        assert statements(committed) == statements(program.written(face)), "run `make sync-faces`"


@pytest.mark.parametrize("face", TWINS, ids=lambda face: face.__name__)
def test_a_face_has_every_public_name_of_its_class_and_waits_where_that_is_awaited(face):
    twin = TWINS[face]
    names = {name for name in dir(twin) if not name.startswith("_")}
    names -= {each.name for each in getattr(twin, "__attrs_attrs__", ())} | {
        "context_kind",
        "does_without_app_client",
    }
    assert names <= {*dir(face)}
    for name in names:
        method = getattr(face, name)
        assert not inspect.iscoroutinefunction(method)
        assert not inspect.isasyncgenfunction(method)
        assert inspect.getdoc(method)


@pytest.mark.parametrize("face", TWINS, ids=lambda face: face.__name__)
def test_a_face_takes_what_its_class_takes(face):
    twin = TWINS[face]
    for name, method in inspect.getmembers(twin, inspect.isfunction):
        if not name.startswith("_") or (name == "__init__" and face is not sync.SignedInUser):
            given = inspect.signature(method).parameters
            taken = inspect.signature(getattr(face, name)).parameters
            assert [*taken] == [*given]
            assert [each.kind for each in taken.values()] == [each.kind for each in given.values()]
            if name != "__init__":
                assert [each.default for each in taken.values()] == [
                    each.default for each in given.values()
                ]


def test_a_docstring_that_speaks_of_asynchronous_code_is_refused(program):
    said = program.said(
        "    async with it:\n        await auth.x()\n        await anyio.sleep(1)", "x"
    )
    assert said == "    with it:\n        auth.x()\n        time.sleep(1)"
    for left in ("Any number of tasks", "an event loop", "async code"):
        with pytest.raises(ValueError, match=r"x: the docstring says '(tasks|event loop|async)'"):
            program.said(left, "x")


def test_no_page_of_help_speaks_of_asynchronous_code(program):
    for face in TWINS:
        for name, method in inspect.getmembers(face, inspect.isroutine):
            if not name.startswith("_"):
                assert program.LEFT.search(inspect.getdoc(method)) is None, name
        assert program.LEFT.search(inspect.getdoc(face)) is None


def test_a_change_by_hand_is_found(program):
    face = program.FACES[0]
    written = program.written(face)
    for old, new in ((" = True", " = False"), ("Sign a user in", "Log a user in")):
        assert old in written
        assert statements(written.replace(old, new)) != statements(written)
