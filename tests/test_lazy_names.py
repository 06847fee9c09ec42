import ast
import importlib
import sys
from pathlib import Path
from types import ModuleType

import pytest

from authflow.lazy_names import lazy_names

PACKAGES = ["authflow", "authflow.plugins", "authflow.triggers", "authflow.triggers.events.parsing"]
PACKAGES += ["authflow.wire"]


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


@pytest.mark.parametrize("name", PACKAGES)
def test_what_a_type_checker_sees_is_what_a_process_gets(name: str):
    """The names stand twice: under TYPE_CHECKING, and for `lazy_names`."""
    module = importlib.import_module(name)
    tree = ast.parse(Path(str(module.__file__)).read_text())
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    seen = {
        (node.module, alias.name)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.name in module.__all__
    }
    table = next(node for node in ast.walk(block.orelse[0]) if isinstance(node, ast.Dict))
    places: dict[str, str] = ast.literal_eval(table)
    assert {(place, each) for place, names in places.items() for each in names.split()} == seen
    for place, each in seen:
        assert getattr(module, each) is getattr(importlib.import_module(str(place)), each)
