"""The suite for trigger challenges: it acquits the good, and convicts each bad one of its fault."""

import os
import re
import runpy
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from authflow.testing import Made, TriggerChallengeSuite, run_suite
from authflow.testing.cases import case_names

PLUGINS = runpy.run_path(str(Path(__file__).parent / "bad_plugins" / "triggers.py"))
CODE = PLUGINS["Code"]
BAD = [
    plugin
    for plugin in PLUGINS.values()
    if isinstance(plugin, type) and issubclass(plugin, CODE) and plugin is not CODE
]


OTHERS = 4
"""One in so many of the cases is tried on a bad plugin beside those that must convict it."""
OVER_THE_PROTOCOL = {
    "test_a_right_answer_signs_in_over_the_protocol",
    "test_a_wrong_answer_is_asked_again_over_the_protocol",
    "test_an_answer_is_right_in_one_sign_in_only",
    "test_an_unknown_user_is_refused_over_the_protocol",
}


def suite_of(plugin: type[Any], **more: Any) -> type[TriggerChallengeSuite]:
    class Suite(TriggerChallengeSuite):
        challenge = plugin
        lifetime = PLUGINS["LIFETIME"]

        def make_settings(self):
            return {"sender": self.outbox.send}

    for name, value in more.items():
        setattr(Suite, name, value)
    return Suite


def convictions(suite: type[TriggerChallengeSuite], *names: str) -> dict[str, str]:
    results = run_suite(suite, names or None)
    return {result.case: result.reason for result in results if result.outcome == "failed"}


def test_a_good_plugin_is_acquitted():
    results = run_suite(suite_of(CODE))
    assert [result for result in results if result.outcome != "passed"] == []
    assert len(results) == 32


@pytest.mark.parametrize("plugin", BAD, ids=lambda plugin: plugin.__name__)
def test_a_bad_plugin_is_convicted_of_its_fault_and_of_no_other(plugin: type[Any]):
    suite = suite_of(plugin, timeout=0.3 if plugin.__name__ == "Hangs" else 4.0)
    names = case_names(suite)
    if "AUTHFLOW_ALL_CASES" not in os.environ:
        # A pool for each of them takes minutes; nearly all of their faults show without one.
        names = tuple(name for name in names if name not in OVER_THE_PROTOCOL)
        # And that no other case convicts it is tried with some for each: all of them take as long.
        names = names[BAD.index(plugin) % OTHERS :: OTHERS]
    found = convictions(suite, *{*names, *plugin.convicted_by})
    assert sorted(found) == sorted(plugin.convicted_by), found
    assert all(found.values())


def test_no_reason_tells_an_answer():
    suite = suite_of(PLUGINS["TakesAPrefix"])
    (reason,) = convictions(suite, "test_wrong_and_strange_answers_are_never_right").values()
    what, _, where = reason.partition(" (")
    assert what.startswith("a wrong answer is right: the right one without its end; ")
    assert re.fullmatch(r"verify at attempt 1, triggers\.py:\d+\)", where)


def test_a_plugin_that_compares_elsewhere_can_say_so():
    suite = suite_of(PLUGINS["ComparesSlice"], compared_elsewhere="a service compares")
    assert convictions(suite, "test_answers_are_compared_in_constant_time") == {}


def test_codes_that_are_sent_must_have_a_lifetime_of_ten_minutes_at_most():
    for lifetime, reason in ((None, "set `lifetime`"), (601.0, "more than 600 seconds")):
        suite = suite_of(CODE, lifetime=lifetime)
        (found,) = convictions(suite, "test_a_late_answer_is_not_right").values()
        assert reason in found


def test_answers_that_may_be_used_again_are_not_replayed():
    suite = suite_of(PLUGINS["AcceptsAReplay"], single_use=False)
    (result,) = run_suite(suite, ["test_an_answer_is_right_in_one_sign_in_only"])
    assert (result.outcome, result.reason) == (
        "skipped",
        "the suite says that answers may be used again",
    )


def test_an_answer_that_anybody_can_give_must_be_right_for_unknown_users():
    suite = suite_of(CODE, anybody_can_answer=True)
    (reason,) = convictions(
        suite, "test_an_answer_of_an_unknown_user_is_judged_as_it_should"
    ).values()
    assert "anybody can give it" in reason


def test_a_suite_that_knows_no_right_answer_says_what_to_do():
    class Secretive(CODE):
        async def create(self, context: Any):
            issued = await super().create(context)
            return evolve(issued, private={"sealed": "x"})

    results = run_suite(suite_of(Secretive), ["test_hooks_give_what_they_should"])
    assert "override right_answer(self, made)" in results[0].reason
    assert "sealed" in results[0].reason


def test_settings_that_a_plugin_does_not_take_are_named():
    suite = suite_of(CODE, make_settings=lambda self: {"colour": "red"})
    results = run_suite(suite, ["test_hooks_give_what_they_should"])
    assert "colour" in results[0].reason


def test_a_suite_without_a_plugin_says_so():
    class Empty(TriggerChallengeSuite):
        pass

    results = run_suite(Empty, ["test_hooks_give_what_they_should"])
    assert results[0].reason == "the suite lacks `challenge`: name the plugin's class"


def test_what_is_made_shows_no_answer():
    made = Made(
        username="ada",
        user_attributes={},
        user_not_found=False,
        public={},
        private={"code": "canary-1"},
        metadata="CODE",
        now=0.0,
    )
    assert "canary-1" not in repr(made)
