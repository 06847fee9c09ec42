"""The suite for client challenges convicts impure forms, and none that only look so."""

import importlib
import os
import runpy
import time
from pathlib import Path
from typing import Any

import pytest

from authflow.testing import ClientChallengeSuite, TriggerChallengeSuite, run_suite
from authflow.testing.cases import case_names
from authflow.testing.form_cases import FormCases

FOLDER = Path(__file__).parent / "bad_plugins"
CODE = runpy.run_path(str(FOLDER / "triggers.py"))["Code"]
INNOCENT = ["WaitsForATap", "ImportsLate", "KeepsItsPatterns", "LogsItsWork"]
IMPURE = [
    *("SaysTheDay", "SaysTheHour", "SaysTheYear", "SaysTheMinute", "SaysTheMonth"),
    *("SaysItsProcess", "SaysByItsHashes", "SaysItsLanguage", "SaysAVariable"),
    *("ReadsAFileOnce", "ReadsAFileInAThread", "ReadsAFileInAPool"),
    *("CountsInItsModule", "CountsAGlobal", "NotesForItsReading", "KeepsWhatItReads"),
    *("ListsWhatItReads", "ReadsUntilADay", "ReadsByAVariable", "ReadsByItsProcess"),
    *("ShowsItInCapitals", "ShowsItSpaced", "ShowsItBackwards", "ShowsItInHex"),
]
OTHERS = 3
"""One in so many of the cases is tried on an impure form beside those that must convict it."""
ALL = "AUTHFLOW_ALL_CASES" in os.environ


class CodeSuite(TriggerChallengeSuite):
    challenge = CODE

    def make_settings(self):
        return {"sender": self.outbox.send}


@pytest.fixture(autouse=True)
def can_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process imports these plugins by their names, as it does installed ones."""
    monkeypatch.syspath_prepend(str(FOLDER))


def suite_of(plugin: type[Any]) -> type[ClientChallengeSuite]:
    class Suite(ClientChallengeSuite):
        challenge = plugin
        trigger = CodeSuite

    return Suite


@pytest.mark.parametrize("name", INNOCENT)
def test_what_only_looks_impure_is_acquitted_however_often_it_is_judged(name: str):
    suite = suite_of(getattr(importlib.import_module("innocent_forms"), name))
    names = [one for one in case_names(suite) if not one.endswith("over_the_protocol")]
    names.remove("test_the_event_loop_is_never_blocked")
    if not ALL:  # the others look at no form
        names = [one for one in names if one in vars(FormCases)]
    for _ in range(2):
        results = run_suite(suite, names)
        assert [result for result in results if result.outcome == "failed"] == []


@pytest.mark.parametrize("name", IMPURE)
def test_an_impure_form_is_convicted_of_its_fault_and_of_no_other(name: str):
    suite = suite_of(getattr(importlib.import_module("impure_forms"), name))
    names = [one for one in case_names(suite) if one in vars(FormCases)]
    names = [one for one in names if not one.endswith("over_the_protocol")]
    if not ALL:
        names = names[IMPURE.index(name) % OTHERS :: OTHERS]
    results = run_suite(suite, {*names, *suite.challenge.convicted_by})
    found = {result.case: result.reason for result in results if result.outcome == "failed"}
    assert sorted(found) == sorted(suite.challenge.convicted_by), found


def test_the_suite_does_not_wait_for_what_is_done_elsewhere():
    innocent = importlib.import_module("innocent_forms")
    suite, began = suite_of(innocent.WaitsForATap), time.monotonic()
    results = run_suite(suite, ["test_it_signs_in_over_the_protocol"])
    assert [result.outcome for result in results] == ["passed"]
    assert time.monotonic() - began < innocent.SECONDS
