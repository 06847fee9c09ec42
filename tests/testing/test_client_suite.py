"""The suite for client challenges: it acquits the good, and convicts each bad one of its fault."""

import os
import runpy
from pathlib import Path
from typing import Any

import pytest

from authflow.testing import ClientChallengeSuite, TriggerChallengeSuite, run_suite
from authflow.testing.cases import case_names

FOLDER = Path(__file__).parent / "bad_plugins"
CODE = runpy.run_path(str(FOLDER / "triggers.py"))["Code"]
PLUGINS = runpy.run_path(str(FOLDER / "clients.py"))
PROMPTER = PLUGINS["CodePrompter"]
BAD = [
    plugin
    for plugin in PLUGINS.values()
    if isinstance(plugin, type) and issubclass(plugin, PROMPTER) and plugin is not PROMPTER
]


class CodeSuite(TriggerChallengeSuite):
    challenge = CODE

    def make_settings(self):
        return {"sender": self.outbox.send}


def suite_of(plugin: type[Any]) -> type[ClientChallengeSuite]:
    class Suite(ClientChallengeSuite):
        challenge = plugin
        trigger = CodeSuite
        timeout = 0.5

    return Suite


def test_a_good_plugin_is_acquitted():
    results = run_suite(suite_of(PROMPTER))
    assert [result for result in results if result.outcome != "passed"] == []
    assert len(results) == 12


@pytest.mark.parametrize("plugin", BAD, ids=lambda plugin: plugin.__name__)
def test_a_bad_plugin_is_convicted_of_its_fault_and_of_no_other(plugin: type[Any]):
    suite = suite_of(plugin)
    names = case_names(suite)
    if "AUTHFLOW_ALL_CASES" not in os.environ:  # a pool for each of them takes minutes
        names = tuple(name for name in names if not name.endswith("over_the_protocol"))
    results = run_suite(suite, {*names, *plugin.convicted_by})
    found = {result.case: result.reason for result in results if result.outcome == "failed"}
    assert sorted(found) == sorted(plugin.convicted_by), found
    assert all(found.values())
