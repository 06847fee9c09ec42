"""The page of the state machine: its diagrams are the tables, and are renewed by one command."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from authflow.errors import ConfigError
from authflow.flow_diagram import picture
from authflow.machine import AuthFlow

ROOT = Path(__file__).parents[2]


def program() -> ModuleType:
    path = ROOT / ".ci" / "state_machine_page.py"
    spec = importlib.util.spec_from_file_location("state_machine_page", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def mermaid(flow: AuthFlow) -> str:
    return picture(flow).mermaid()


PAGE, update = program().PAGE, program().update


def test_the_diagrams_of_the_page_are_the_tables():
    text = PAGE.read_text(encoding="utf-8")
    for flow in AuthFlow:
        assert f"<!-- diagram {flow} -->\n```mermaid\n{mermaid(flow)}\n```\n" in text
    assert update(text) == text, "run `make state-machine-page`"


def test_update_redraws_what_is_old_and_leaves_the_rest():
    old = "one\n<!-- diagram CUSTOM_AUTH -->\nold\n<!-- /diagram -->\ntwo\n"
    new = update(old)
    drawn = mermaid(AuthFlow.CUSTOM_AUTH)
    assert new == (
        f"one\n<!-- diagram CUSTOM_AUTH -->\n```mermaid\n{drawn}\n```\n<!-- /diagram -->\ntwo\n"
    )
    assert update(new) == new


def test_a_text_without_markers_stays_as_it_is():
    assert update("# authflow\n") == "# authflow\n"


def test_a_marker_for_an_unknown_flow_is_refused():
    with pytest.raises(ConfigError, match="no auth flow USER_AUTHX; there are USER_SRP_AUTH"):
        update("<!-- diagram USER_AUTHX -->\n<!-- /diagram -->")


@pytest.mark.parametrize(
    "text",
    [
        "<!-- diagram CUSTOM_AUTH -->\n",
        "<!-- /diagram -->\n",
        "<!-- diagram CUSTOM_AUTH -->\nkept?\n<!-- diagram CUSTOM_AUTH -->\n<!-- /diagram -->\n",
        "<!-- diagram -->\n<!-- /diagram -->\n",
    ],
)
def test_a_marker_that_stands_alone_is_refused(text: str):
    with pytest.raises(ConfigError, match="stands alone"):
        update(text)
