"""The suite convicts plugins whose fault shows to some answers, users or attempts alone."""

import hmac
import runpy
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from authflow.plugins import Secret
from authflow.testing import TriggerChallengeSuite, run_suite

PLUGINS = runpy.run_path(str(Path(__file__).parent / "bad_plugins" / "elsewhere.py"))
CODE = PLUGINS["Code"]
ALL = [
    plugin
    for plugin in PLUGINS.values()
    if isinstance(plugin, type) and issubclass(plugin, CODE) and plugin is not CODE
]
BAD = [
    plugin for plugin in ALL if plugin.convicted_by and plugin.__name__ not in {"Takes", "Shows"}
]
GOOD = [plugin for plugin in ALL if not plugin.convicted_by]
FORM, GUESSED, STRANGE = (PLUGINS[name] for name in ("FORM", "GUESSED", "STRANGE"))
ELSEWHERE = PLUGINS["ELSEWHERE"]


def verdict(plugin: type[Any], case: str, **more: Any) -> tuple[str, str]:
    class Suite(TriggerChallengeSuite):
        challenge = plugin
        lifetime = PLUGINS["LIFETIME"]
        timeout = 0.2 if "Sleeps" in plugin.__name__ else 4.0

        def make_settings(self):
            return {"sender": self.outbox.send}

        def right_answer(self, made):
            sent = [one.text.reveal() for one in made.sent]
            return made.private.get("code") or sent[-1]

    for name, value in more.items():
        setattr(Suite, name, value)
    (result,) = run_suite(Suite, [case])
    return result.outcome, result.reason


@pytest.mark.parametrize("plugin", BAD, ids=lambda plugin: plugin.__name__)
def test_a_hidden_fault_is_found(plugin: type[Any]):
    outcome, reason = verdict(plugin, plugin.convicted_by)
    assert outcome == "failed"
    assert " at attempt " in reason


@pytest.mark.parametrize("plugin", GOOD, ids=lambda plugin: plugin.__name__)
def test_what_is_alike_for_all_users_is_no_fault(plugin: type[Any]):
    assert verdict(plugin, FORM) == ("passed", "")


class Sum(CODE):
    """Asks for a number."""

    async def verify(self, context: Any):
        answer, code = context.answer.reveal(), context.private.get("code", "")
        if answer.isascii() and answer.isdigit() and len(answer) < 20 and code:
            same = hmac.compare_digest(str(int(answer)), str(int(code)))
            context = evolve(context, answer=Secret(code)) if same else context
        return await super().verify(context)


def test_an_author_can_say_which_spellings_are_the_same():
    def as_number(self: Any, made: Any, answer: str):
        return str(int(answer)) if answer.isascii() and answer[:30].isdigit() else answer

    def cut(self: Any, made: Any, answer: str):
        short = answer if len(answer) < 30 else ""
        return as_number(self, made, short)

    assert verdict(Sum, STRANGE)[0] == "failed"
    assert "say so by `same`" in verdict(Sum, STRANGE)[1]
    assert verdict(Sum, STRANGE, same=cut) == ("passed", "")


class Tiles(CODE):
    """Takes its signs in any order, as tiles that are chosen."""

    async def verify(self, context: Any):
        answer, code = context.answer.reveal(), context.private.get("code", "")
        same = bool(code) and sorted(answer) == sorted(code)
        return await super().verify(evolve(context, answer=Secret(code)) if same else context)


@pytest.mark.parametrize("case", [STRANGE, GUESSED])
def test_an_author_can_say_that_the_order_does_not_matter(case: str):
    def in_order(self: Any, made: Any, answer: str):
        return "".join(sorted(answer))

    assert verdict(Tiles, case, same=in_order) == ("passed", "")


def test_a_plugin_that_keeps_nothing_works_in_another_process():
    assert verdict(CODE, ELSEWHERE) == ("passed", "")
