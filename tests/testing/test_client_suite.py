"""The suite for client challenges: it acquits the good, and convicts each bad one of its fault."""

import importlib
import os
import runpy
from pathlib import Path
from typing import Any

import pytest

from authflow.plugins import Secret
from authflow.results import Challenge
from authflow.testing import ClientChallengeSuite, TriggerChallengeSuite, run_suite
from authflow.testing.cases import CaseResult, case_names
from authflow.testing.form_cases import FormCases

FOLDER = Path(__file__).parent / "bad_plugins"
CODE = runpy.run_path(str(FOLDER / "triggers.py"))["Code"]
PLUGINS = runpy.run_path(str(FOLDER / "clients.py"))
FORM_PLUGINS = runpy.run_path(str(FOLDER / "form_clients.py"))
PROMPTER, FORM_PROMPTER = PLUGINS["CodePrompter"], FORM_PLUGINS["FormPrompter"]
BAD = [
    plugin
    for plugins, good in ((PLUGINS, PROMPTER), (FORM_PLUGINS, FORM_PROMPTER))
    for plugin in plugins.values()
    if isinstance(plugin, type) and issubclass(plugin, good) and plugin is not good
]


class CodeSuite(TriggerChallengeSuite):
    challenge = CODE

    def make_settings(self):
        return {"sender": self.outbox.send}


OTHERS = 3
"""One in so many of the cases is tried on a bad plugin beside those that must convict it."""


def suite_of(plugin: type[Any]) -> type[ClientChallengeSuite]:
    class Suite(ClientChallengeSuite):
        challenge = plugin
        trigger = CodeSuite
        timeout = 0.5

    return Suite


@pytest.fixture
def asking(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Import forms by a name of their own: another process need not import these tests for them."""
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module("asking_forms")


def test_a_good_plugin_with_forms_is_acquitted():
    results = run_suite(suite_of(FORM_PROMPTER))
    assert [result for result in results if result.outcome != "passed"] == []
    assert len(results) == 19


def test_a_good_plugin_of_interface_1_is_acquitted_and_its_forms_are_not_asked_for():
    results = run_suite(suite_of(PROMPTER))
    assert [result for result in results if result.outcome == "failed"] == []
    skipped = [result for result in results if result.outcome == "skipped"]
    assert {result.reason for result in skipped} == {"it has no forms, as of interface 1"}
    assert (len(results), len(skipped)) == (19, 7)


def test_a_plugin_that_has_forms_and_answers_by_itself_is_judged_by_both():
    class Both(FORM_PROMPTER):
        async def answer(self, challenge: Any, prompt: Any) -> str:
            form = self.form(challenge)
            return await prompt.ask(form.fields[0].label, hidden=True)

    results = run_suite(suite_of(Both))
    assert [result for result in results if result.outcome != "passed"] == []


FITS = "test_what_a_person_types_fills_in_its_form"


@pytest.mark.parametrize("typed", [None, ["by pigeon", ""], ["by post"]], ids=repr)
def test_a_suite_that_does_not_say_what_is_chosen_is_told_so_once(asking, typed):
    suite = suite_of(asking.ChoosesHow)
    if typed is not None:
        suite.typed = lambda _self, answer: [*typed, answer]  # type: ignore[method-assign]
    results = run_suite(suite)
    (failed,) = [each for each in results if each.outcome == "failed"]
    assert failed == CaseResult(
        case=FITS,
        outcome="failed",
        reason="say by `typed` what is chosen and what is typed, field by field: how, one of by"
        " e-mail, by post; here, an empty text, for it is done; soon, nothing, for seconds pass by"
        " themselves; code, what is typed (typed in the suite)",
    )
    skipped = {each.reason for each in results if each.outcome == "skipped"}
    assert skipped == {"`typed` does not fill in its form: another case tells what it must say"}


NO_SEQUENCE = "`typed` must give a tuple or list of texts, one a field, and not "


def raises(_suite: Any, answer: str) -> Any:
    raise LookupError(answer)


@pytest.mark.parametrize("plugin", [FORM_PROMPTER, PROMPTER])
@pytest.mark.parametrize(
    ("typed", "says"),
    [
        (lambda _self, answer: None, NO_SEQUENCE + "NoneType"),
        (lambda _self, answer: answer, NO_SEQUENCE + "str"),
        (lambda _self, answer: (each for each in [answer]), NO_SEQUENCE + "generator"),
        (lambda _self, answer: {answer}, NO_SEQUENCE + "set"),
        (raises, "`typed` raised LookupError at "),
    ],
)
def test_what_nobody_can_type_is_the_suites_fault_and_told_once(plugin, typed, says):
    suite = suite_of(plugin)
    suite.typed = typed  # type: ignore[method-assign]
    results = run_suite(suite)
    (failed,) = [each for each in results if each.outcome == "failed"]
    assert failed.case == FITS
    assert failed.reason.startswith(says)
    assert failed.reason.endswith("(typed in the suite)")


def test_more_texts_than_fields_are_the_suites_fault():
    suite = suite_of(FORM_PROMPTER)
    suite.typed = lambda _self, answer: (answer, answer, answer)  # type: ignore[method-assign]
    (failed,) = [each for each in run_suite(suite) if each.outcome == "failed"]
    assert failed.case == FITS
    assert failed.reason.startswith("`typed` gives 2 more than the form asks for")


def test_a_form_that_asks_for_more_later_is_judged_by_what_is_typed_there(asking):
    suite = suite_of(asking.AsksMore)
    (failed,) = [each for each in run_suite(suite) if each.outcome == "failed"]
    assert failed.case == FITS
    assert failed.reason.startswith("at attempt 2 there is more: say by `typed` ")
    suite = suite_of(asking.AsksMore)
    suite.typed = lambda _self, answer: (answer, "a typo")  # type: ignore[method-assign]
    names = (FITS, "test_it_asks_again_after_a_wrong_answer_over_the_protocol")
    assert {each.outcome for each in run_suite(suite, names)} == {"passed"}


@pytest.mark.parametrize(
    ("members", "lacks"),
    [
        ({}, "challenge"),
        ({"trigger": CodeSuite}, "challenge"),
        ({"challenge": FORM_PROMPTER(), "trigger": CodeSuite}, "challenge"),
        ({"challenge": FORM_PROMPTER}, "trigger"),
        ({"challenge": PROMPTER, "trigger": CODE}, "trigger"),
        ({"challenge": PROMPTER, "trigger": TriggerChallengeSuite}, "challenge"),
    ],
)
def test_a_suite_that_lacks_something_is_told_so_once(members, lacks):
    results = run_suite(type("Suite", (ClientChallengeSuite,), members))
    assert results[0].outcome == "failed"
    assert results[0].reason.startswith(f"the suite lacks `{lacks}`: name ")
    assert {each.outcome for each in results[1:]} == {"skipped"}


def test_a_suite_of_a_trigger_half_that_lacks_it_is_told_so_once():
    results = run_suite(type("Suite", (TriggerChallengeSuite,), {}))
    assert (results[0].outcome, results[0].reason) == (
        "failed",
        "the suite lacks `challenge`: name the plugin's class",
    )
    assert {each.outcome for each in results[1:]} == {"skipped"}


class ReadsASecret(FORM_PROMPTER):
    """Reads a Secret, as clients take it."""

    def read(self, challenge: Challenge, filled: Any) -> Any:
        return Secret(super().read(challenge, filled))


def test_an_answer_may_be_a_secret_of_a_text():
    names = ("test_it_gives_text_or_an_outcome", "test_it_asks_by_its_prompt_alone")
    results = run_suite(suite_of(ReadsASecret), (*names, "test_it_signs_in_over_the_protocol"))
    assert {each.outcome for each in results} == {"passed"}


def test_a_suite_that_says_what_is_chosen_judges_the_plugin(asking):
    suite = suite_of(asking.ChoosesHow)
    suite.typed = lambda _self, answer: ["by post", "", answer]  # type: ignore[method-assign]
    names = [name for name in case_names(suite) if name in vars(FormCases)]
    assert {result.outcome for result in run_suite(suite, names)} == {"passed"}


@pytest.mark.parametrize("method", ["form", "read"])
def test_a_form_that_is_awaited_is_convicted(method: str):
    async def waits(self: Any, *_told: Any) -> None: ...

    plugin = type("Waits", (FORM_PROMPTER,), {method: waits})
    (result,) = run_suite(suite_of(plugin), ["test_it_says_what_it_is"])
    assert result.outcome == "failed"
    assert "plain functions" in result.reason


@pytest.mark.parametrize("plugin", BAD, ids=lambda plugin: plugin.__name__)
def test_a_bad_plugin_is_convicted_of_its_fault_and_of_no_other(plugin: type[Any]):
    suite = suite_of(plugin)
    names = case_names(suite)
    if "AUTHFLOW_ALL_CASES" not in os.environ:  # a pool for each of them takes minutes
        names = tuple(name for name in names if not name.endswith("over_the_protocol"))
        if issubclass(plugin, FORM_PROMPTER):
            names = tuple(name for name in names if name in vars(FormCases))
        # And that no other case convicts it is tried with some for each.
        names = names[BAD.index(plugin) % OTHERS :: OTHERS]
    results = run_suite(suite, {*names, *plugin.convicted_by})
    found = {result.case: result.reason for result in results if result.outcome == "failed"}
    assert sorted(found) == sorted(plugin.convicted_by), found
    assert all(found.values())
