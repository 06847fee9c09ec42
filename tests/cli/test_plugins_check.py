"""`authflow plugins check`: the suites of an installed plugin, by name."""

import json
import re
import sys
from pathlib import Path

import pytest

from authflow.cli import main, plugin_check
from authflow.testing import run_suite

GROUPS = {"client": "authflow.client_challenges", "trigger": "authflow.trigger_challenges"}
PLUGIN = """
import hmac

from attrs import field, frozen
from authflow.errors import PluginFailedError
from authflow.testing import ClientChallengeSuite, TriggerChallengeSuite
from authflow.triggers import Issued

print("canary-13")


@frozen(kw_only=True)
class Word:
    name, metadata, interface = "word", "WORD", 1

    words: tuple = ("seven-seas", "open-sesame", "tin-drum", "night-train")
    hint: str = "a word"
    leak: bool = False

    async def create(self, context):
        word = context.randomness.choice(self.words) + context.randomness.digits(6)
        return Issued(public={"hint": word if self.leak else self.hint}, private={"answer": word})

    async def verify(self, context):
        right = context.private.get("answer", "").encode()
        answer = context.answer.reveal().encode("utf-8", "replace")
        return hmac.compare_digest(answer, right) and not context.user_not_found


class Prompter:
    name, interface = "word", 1

    async def answer(self, challenge, prompt):
        hint = challenge.parameters.get("hint", "")
        if not hint.isprintable():
            raise PluginFailedError("word: the hint is no text")
        return await prompt.ask(hint)


class WordSuite(TriggerChallengeSuite):
    challenge = Word

    def make_settings(self):
        return {"hint": "another hint"}


class LeakySuite(TriggerChallengeSuite):
    challenge = Word
    settings = {"leak": True}


class PrompterSuite(ClientChallengeSuite):
    challenge, trigger = Prompter, WordSuite


class Named(Word):
    conformance = "MODULE:NamedSuite"


class NamedSuite(WordSuite):
    challenge = Named


class NamesAnotherSuite(Word):
    conformance = "MODULE:WordSuite"


class NamesNoSuite(Word):
    conformance = "MODULE:Word"
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Install a plugin of that module in a folder of its own, beside what is there."""
    monkeypatch.syspath_prepend(str(tmp_path))
    module = f"word_{tmp_path.name.replace('-', '_')}"

    def install(**halves: str) -> str:
        (tmp_path / f"{module}.py").write_text(PLUGIN.replace("MODULE", module))
        info = tmp_path / "acme-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(
            "".join(f"[{GROUPS[side]}]\nword = {module}:{half}\n" for side, half in halves.items())
        )
        return module

    yield install
    sys.modules.pop(module, None)


def test_both_halves_of_a_plugin_are_checked_without_a_word_of_theirs(
    install, capsys: pytest.CaptureFixture[str]
):
    install(client="Prompter", trigger="Word")
    assert main(["plugins", "check", "word"]) == 0
    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    assert lines[0] == "trigger half"
    assert "client half" in lines
    assert "  ok    nothing public lets the answer be found" in lines
    assert lines[-1] == "43 passed, 0 failed, 8 skipped"
    assert "canary-13" not in captured.out


def test_a_fault_is_told_and_makes_the_exit_code_1(install, capsys: pytest.CaptureFixture[str]):
    install(trigger="Word")
    assert main(["plugins", "check", "word", "--settings", '{"leak": true}', "--json"]) == 1
    results = json.loads(capsys.readouterr().out)["results"]
    failed = [result for result in results["trigger"] if result["outcome"] == "failed"]
    assert [result["case"] for result in failed] == [
        "test_nothing_public_lets_the_answer_be_found",
        "test_nothing_public_changes_with_the_code",
    ]
    what, _, where = failed[0]["reason"].partition(" (")
    assert what.endswith("in hint, as: plain")
    assert re.fullmatch(r"create at attempt 1, word_\w+\.py:\d+\)", where)


def test_a_class_may_name_its_suite_and_settings_are_added_to_the_suites(
    install, capsys: pytest.CaptureFixture[str]
):
    install(trigger="Named")
    assert main(["plugins", "check", "word", "--settings", '{"colour": 1}', "--json"]) == 1
    results = json.loads(capsys.readouterr().out)["results"]["trigger"]
    reason = next(each["reason"] for each in results if "hooks_give" in each["case"])
    assert "hint" in reason
    assert "colour" in reason


def test_a_suite_can_be_named_on_the_command_line(install, capsys: pytest.CaptureFixture[str]):
    module = install(trigger="Word")
    assert main(["plugins", "check", "word", "--suite", f"{module}:WordSuite"]) == 0
    assert "client half" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("half", "arguments", "said"),
    [
        ("NamesNoSuite", [], "is no suite"),
        ("NamesAnotherSuite", [], "WordSuite tests"),
        ("Named", ["--suite", "MODULE:WordSuite"], "set `challenge` to that"),
        ("Word", ["--suite", "MODULE:NamedSuite"], "set `challenge` to that"),
        ("Word", ["--suite", "MODULE:WordSuite", "--suite", "MODULE:NamedSuite"], "NamedSuite"),
        ("Word", ["--suite", "MODULE:PrompterSuite"], "the client half of 'word' is not installed"),
        ("Word", ["--suite", "authflow.testing:TriggerChallengeSuite"], "tests no class"),
        ("Word", ["--suite", "json:JSONDecoder"], "is no suite"),
        ("Word", ["--suite", "json:nothing"], "cannot load"),
        ("Word", ["--settings", "{"], "must be a JSON object"),
        ("Word", ["--settings", "[1]"], "must be a JSON object"),
        ("Word", ["--settings", "[" * 100_000], "must be a JSON object"),
    ],
)
def test_a_call_that_makes_no_sense_is_refused_with_code_2(
    install, capsys: pytest.CaptureFixture[str], half: str, arguments: list[str], said: str
):
    module = install(trigger=half)
    arguments = [argument.replace("MODULE", module) for argument in arguments]
    assert main(["plugins", "check", "word", *arguments]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("order", [1, -1])
def test_all_suites_of_a_half_are_run(
    install, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, order: int
):
    case = "test_nothing_public_lets_the_answer_be_found"
    monkeypatch.setattr(
        plugin_check, "run_suite", lambda suite: run_suite(suite, [case])
    )  # the others take their time
    module = install(trigger="Word")
    specs = [f"{module}:LeakySuite", f"{module}:WordSuite"][::order]
    suites = [part for spec in specs for part in ("--suite", spec)]
    assert main(["plugins", "check", "word", *suites]) == 1
    lines = capsys.readouterr().out.splitlines()
    heads = [line for line in lines if line.startswith("trigger half")]
    assert heads == [f"trigger half, {spec}" for spec in specs]
    assert lines[-1] == "1 passed, 1 failed, 0 skipped"
    assert main(["plugins", "check", "word", "--json", *suites]) == 1
    results = json.loads(capsys.readouterr().out)["results"]
    assert [*results] == [f"trigger {spec}" for spec in specs]


def test_a_suite_does_not_stand_for_a_plugin_that_is_not_installed(
    install, capsys: pytest.CaptureFixture[str]
):
    module = install(trigger="Word")
    assert main(["plugins", "check", "nope", "--suite", f"{module}:WordSuite"]) == 2
    assert "'nope' is installed" in capsys.readouterr().err


def test_a_client_half_alone_needs_a_suite(install, capsys: pytest.CaptureFixture[str]):
    install(client="Prompter")
    assert main(["plugins", "check", "word"]) == 2
    assert "--suite" in capsys.readouterr().err


def test_a_plugin_that_is_not_installed_is_a_call_that_is_not_understood(
    capsys: pytest.CaptureFixture[str],
):
    assert main(["plugins", "check", "no-such-plugin"]) == 2
    assert "'no-such-plugin' is installed" in capsys.readouterr().err
