"""Where in a plugin something happened is told by its file and line."""

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from authflow.testing.cases import Violation
from authflow.testing.plugin_code import PluginCode

SOURCES = {
    "__init__.py": "",
    "deeper.py": "def fail():\n    raise LookupError\n\n\ndef here(look):\n    return look()\n",
    "trigger.py": (
        "from {name}.deeper import fail, here\n\n\nclass Plugin:\n"
        "    async def create(self, context):\n        return here(context)\n\n"
        "    async def verify(self, context):\n        fail()\n"
    ),
}


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    name = f"acme_{tmp_path.name.replace('-', '_')}"
    (tmp_path / name).mkdir()
    for file, text in SOURCES.items():
        (tmp_path / name / file).write_text(text.replace("{name}", name))
    monkeypatch.syspath_prepend(str(tmp_path))
    yield import_module(f"{name}.trigger").Plugin
    for module in [one for one in sys.modules if one.partition(".")[0] == name]:
        del sys.modules[module]


async def test_an_error_is_told_by_the_innermost_line_that_is_the_plugins(plugin: type[Any]):
    code = PluginCode.of(plugin)
    package = plugin.__module__.partition(".")[0]
    with pytest.raises(LookupError) as raised:
        await plugin().verify(None)
    assert code.of_error(raised.value) == f"{package}/deeper.py:2"
    wrapped = ValueError()
    wrapped.__cause__ = raised.value
    assert code.of_error(wrapped) == f"{package}/deeper.py:2"
    assert code.of_error(KeyError()) is None


async def test_what_runs_is_told_through_what_the_plugin_calls(plugin: type[Any]):
    code = PluginCode.of(plugin)
    seen = []

    def look() -> None:
        seen.append(code.of_stack(sys._getframe()))

    await plugin().create(look)
    assert seen == [f"{plugin.__module__.partition('.')[0]}/deeper.py:6"]
    assert code.of_stack(sys._getframe()) is None


def test_a_hook_is_told_by_its_definition_that_of_a_base_included(plugin: type[Any]):
    package = plugin.__module__.partition(".")[0]

    class Derived(plugin):
        pass

    for kind in (plugin, Derived):
        assert PluginCode.of(kind).of_hook("verify") == f"{package}/trigger.py:8"
    assert "Plugin" in PluginCode.of(plugin).of_hook("nothing")


def test_a_violation_says_where():
    assert str(Violation("it is bad", "create at attempt 2, a.py:7")) == (
        "it is bad (create at attempt 2, a.py:7)"
    )
    assert str(Violation("it is bad")) == "it is bad"
