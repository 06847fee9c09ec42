import ast
import importlib
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from authflow.lazy_names import lazy_names

ROOT = Path(__file__).parents[1]
LAZY = sorted(
    path
    for path in (ROOT / "authflow").rglob("*.py")
    if re.search(r"= _?lazy_names\(", path.read_text(encoding="utf-8"))
)


def module_of(path: Path) -> ModuleType:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return importlib.import_module(".".join(parts).removesuffix(".__init__"))


def own_names(body: list[ast.stmt]) -> set[str]:
    """What a module has as soon as it is loaded: what it defines, and what it imports at once."""
    names = set()
    for node in body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {each.id for each in targets if isinstance(each, ast.Name)}
        elif isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
    return names


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    made = ModuleType("made_here")
    monkeypatch.setitem(sys.modules, "made_here", made)
    made.__getattr__, made.__dir__ = lazy_names("made_here", {"colorsys": "rgb_to_hsv hsv_to_rgb"})
    return made


def test_a_name_is_loaded_when_it_is_asked_for(package: ModuleType):
    sys.modules.pop("colorsys", None)
    assert "rgb_to_hsv" in dir(package)
    assert "colorsys" not in sys.modules
    assert package.rgb_to_hsv is importlib.import_module("colorsys").rgb_to_hsv
    assert "rgb_to_hsv" in vars(package), "the second time must not ask again"


def test_an_unknown_name_is_an_attribute_error_that_names_the_package(package: ModuleType):
    with pytest.raises(AttributeError, match="module 'made_here' has no attribute 'ONE_THIRD'"):
        package.ONE_THIRD  # noqa: B018  # looking is what is tested


def test_every_room_that_is_shared_is_lazy():
    rooms = {path.parent.name for path in LAZY if path.name == "__init__.py"}
    assert {"authflow", "client", "triggers", "plugins", "prompts", "keys", "stores"} <= rooms
    assert {"aws", "tokens", "testing", "wire"} <= rooms


@pytest.mark.parametrize("path", LAZY, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_a_type_checker_sees_is_what_a_process_gets(path: Path):
    """The names stand three times: under TYPE_CHECKING, for `lazy_names`, and in `__all__`."""
    module = module_of(path)
    tree = ast.parse(path.read_text(encoding="utf-8"))
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    seen = {
        (node.module, alias.name)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        # A module, unlike a package, may need further names in its annotations.
        if path.name == "__init__.py" or alias.name in module.__all__
    }
    table = next(node for node in ast.walk(block.orelse[0]) if isinstance(node, ast.Dict))
    places: dict[str, str] = ast.literal_eval(table)
    assert {(place, each) for place, names in places.items() for each in names.split()} == seen
    assert {each for _, each in seen} == set(module.__all__) - own_names(tree.body)
    assert len(module.__all__) == len(set(module.__all__))
    for place, each in seen:
        assert getattr(module, each) is getattr(importlib.import_module(str(place)), each)
