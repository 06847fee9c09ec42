"""`authflow check`: its report, its exit codes, and the guide's examples of it."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from authflow.cli import main
from authflow.cli.check_report import PROVES
from authflow.triggers.check.define_paths import TIMEOUT
from authflow.triggers.check.define_probe import DEPTH

ROOT = Path(__file__).parents[2]
HANDLERS = ROOT / "tests" / "triggers" / "handlers"
GUIDES = ROOT / "docs" / "guides"
PAGE = (GUIDES / "prove-a-policy.md").read_text()

POLICIES = """
from authflow.triggers import (
    Policy, Triggers, attribute, challenge, in_group, password, sequence, when
)

policy = Policy(sequence(password(), challenge("not-installed", attempts=2)))
step = policy.step
strict = Policy(
    sequence(challenge("totp"), when(in_group("staff"), challenge("not-installed"))),
    rounds=1,
)
strange = sequence(step, when(attribute("tier", "gold") & ~attribute("tier"), step.steps[1],
                              unknown=True))
triggers = Triggers(policy=policy, lazy=True)

class Moody(Triggers):
    pass

moody = Moody(policy=policy, lazy=True)
nothing = None

def golden(event, context):
    request, session = event["request"], event["request"]["session"]
    known = not request["userNotFound"]
    if known and request["userAttributes"].get("custom:tier") != "gold=best":
        raise ValueError("no such tier")
    passed = len(session) == 1 and session[0]["challengeName"] == "CUSTOM_CHALLENGE"
    passed = passed and session[0]["challengeResult"] and known
    event["response"] = {
        "challengeName": None if session else "CUSTOM_CHALLENGE",
        "issueTokens": passed,
        "failAuthentication": bool(session) and not passed,
    }
    return event

def unspeakable(event, context):
    class Unspeakable(Exception):
        def __str__(self):
            raise SystemExit(0)

    raise Unspeakable

def rude(event, context):
    print("printed")
    raise ValueError("\\x1b[2Jgone")
"""


@pytest.fixture
def policies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "the_policies.py").write_text(POLICIES)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "the_policies", raising=False)


@pytest.fixture
def samples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(HANDLERS)
    monkeypatch.syspath_prepend(str(HANDLERS))


@pytest.mark.usefixtures("policies")
@pytest.mark.parametrize("name", ["policy", "step"])
def test_a_policy_is_proved_though_its_plugins_are_not_installed(name, capsys):
    assert main(["check", f"the_policies:{name}"]) == 0
    told = capsys.readouterr()
    assert told.err == ""
    lines = told.out.splitlines()
    assert [line.partition(" ")[0] for line in lines] == ["ok"] * 3 + ["note", "Proved;"]
    assert "every user can sign in within 3 rounds" in told.out
    assert lines[-1].endswith(PROVES)


@pytest.mark.usefixtures("policies")
def test_json_tells_the_same(capsys):
    assert main(["check", "the_policies:policy", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["holds"] is True
    assert told["complete"] is True
    assert [each["path"] for each in told["properties"]] == [None] * 3
    assert all(each["tried"] for each in told["properties"])
    assert [note.partition(":")[0] for note in told["notes"]] == [
        "users with MFA skip what follows the password"
    ]


@pytest.mark.usefixtures("policies")
def test_the_report_says_which_users_a_path_is_of(capsys):
    assert main(["check", "the_policies:strict"]) == 1
    told = capsys.readouterr().out
    assert "a user in group staff, an empty session\n        -> fails" in told
    assert "1 of 3 properties are broken" in told
    assert main(["check", "the_policies:strict", "--json"]) == 1
    (broken,) = [
        each for each in json.loads(capsys.readouterr().out)["properties"] if not each["holds"]
    ]
    assert broken["path"]["who"] == "a user in group staff"


@pytest.mark.usefixtures("policies")
def test_an_unknown_user_like_none_who_exists_is_reported(capsys):
    assert main(["check", "the_policies:strange"]) == 1
    told = capsys.readouterr().out
    assert "no user who exists is like this one: see unknown= of when():" in told
    assert "an unknown user, an empty session" in told


@pytest.mark.usefixtures("samples")
def test_json_of_a_conviction_holds_the_path(capsys):
    assert main(["check", "half_corrected_define:handler", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["holds"], told["complete"]) == (False, False)
    broken = [each for each in told["properties"] if not each["holds"]]
    assert broken[0]["path"] == {
        "session": [{"challengeName": "SRP_A", "challengeResult": True, "challengeMetadata": None}],
        "userNotFound": False,
        "who": "",
        "reply": "issues tokens",
    }


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "name either"),
        (["the_policies:policy", "--command", "node x"], "name either"),
        (["the_policies:triggers"], "not-installed"),
        (["the_policies:moody"], "no subclass"),
        (["the_policies:nothing"], "NoneType"),
        (["the_policies:no_such"], "no_such"),
        (["the_policies:policy", "--depth", "3"], "--depth"),
        (["the_policies:policy", "--metadata", "X"], "--metadata"),
        (["the_policies:policy", "--attribute", "tier=gold"], "--attribute"),
        (["the_policies:policy", "--timeout", "3"], "--timeout"),
        (["the_policies:rude", "--attribute", "tier"], "--attribute 'tier' must be"),
        (["the_policies:rude", "--attribute", "=gold\x1b[2J"], "of the form NAME=VALUE"),
        (["the_policies:rude", "--depth", "0"], "depth"),
        (["--command", "no-such-program-anywhere"], "cannot run"),
        (["--command", "node x", "--timeout", "0"], "timeout"),
    ],
)
@pytest.mark.usefixtures("policies")
def test_what_cannot_be_checked_is_a_usage_error_in_one_line(arguments, told, capsys):
    assert main(["check", *arguments]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert told in printed.err
    assert printed.err.count("\n") == 1


def test_help_tells_the_defaults_that_count(capsys):
    with pytest.raises(SystemExit):
        main(["check", "--help"])
    told = " ".join(capsys.readouterr().out.split())
    assert f"on each path of a handler ({DEPTH})" in told
    assert f"for one answer ({TIMEOUT:g})" in told


@pytest.mark.usefixtures("policies")
def test_a_handlers_error_cannot_steer_the_terminal(capsys):
    assert main(["check", "the_policies:rude"]) == 1
    told = capsys.readouterr().out
    assert "\x1b" not in told
    assert "gone" in told


@pytest.mark.usefixtures("policies")
def test_what_was_not_tried_is_said_so_and_is_neither_ok_nor_broken(capsys):
    assert main(["check", "the_policies:rude"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert sum(line.startswith("not tried  ") for line in lines) == 6
    assert sum(line.startswith("BROKEN  ") for line in lines) == 1
    assert not any(line.startswith("ok") for line in lines)
    assert lines[-1] == (
        "1 of 7 properties are broken, 6 were not tried: mend what is BROKEN, and check again;"
        " 4 sessions were tried, 4 without a reply that Cognito accepts."
    )
    assert main(["check", "the_policies:rude", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert [each["holds"] for each in told["properties"]] == [False, *[None] * 6]
    assert [each["tried"] for each in told["properties"]] == [True, *[False] * 6]
    assert (told["holds"], told["unusable"]) == (False, 4)


@pytest.mark.usefixtures("policies")
def test_an_error_that_ends_the_process_while_it_is_told_does_not_end_the_check(capsys):
    assert main(["check", "the_policies:unspeakable"]) == 1
    told = capsys.readouterr()
    assert "-> raises Unspeakable\n" in told.out
    assert told.err == ""


@pytest.mark.usefixtures("policies")
def test_attributes_of_the_user_can_be_given(capsys):
    assert main(["check", "the_policies:golden"]) == 1
    assert main(["check", "the_policies:golden", "--attribute", "custom:tier=gold=best"]) == 0


@pytest.mark.usefixtures("policies")
def test_what_a_handler_prints_is_no_part_of_the_report(capsys):
    assert main(["check", "the_policies:rude", "--json"]) == 1
    told = capsys.readouterr()
    assert json.loads(told.out)["holds"] is False
    assert told.err == "printed\n" * json.loads(told.out)["sessions"]


@pytest.mark.usefixtures("samples")
def test_paths_tell_metadata_and_repetitions(capsys):
    assert (
        main(["check", "documented_define:handler", "--depth", "2", "--metadata", "CAPTCHA"]) == 1
    )
    assert "SRP_A passed, CUSTOM_CHALLENGE (CAPTCHA) failed 2 times\n" in capsys.readouterr().out


@pytest.mark.system("node")
@pytest.mark.usefixtures("samples")
@pytest.mark.parametrize(("name", "code"), [("documented", 1), ("corrected", 0)])
def test_javascript_and_python_are_judged_alike(name, code, capsys):
    assert main(["check", f"{name}_define:handler"]) == code
    python = capsys.readouterr().out
    assert main(["check", "--command", f"node lines.mjs ./{name}_define.mjs"]) == code
    assert capsys.readouterr().out == python


@pytest.mark.system("node")
@pytest.mark.usefixtures("samples")
def test_the_commonest_javascript_handler_is_acquitted(capsys):
    handler = "./popular/password_then_captcha.mjs"
    assert main(["check", "--command", f"node lines.mjs {handler}"]) == 0
    told = [line.partition(" ")[0] for line in capsys.readouterr().out.splitlines()]
    assert told == ["ok"] * 7 + ["note"] * 3 + ["No"]


@pytest.mark.system("node")
@pytest.mark.usefixtures("samples")
def test_a_javascript_handler_that_throws_is_convicted(tmp_path, capsys):
    thrower = tmp_path / "thrower.mjs"
    thrower.write_text('export const handler = () => { throw new Error("no luck"); };')
    assert main(["check", "--command", f"node lines.mjs {shlex.quote(thrower.as_uri())}"]) == 1
    assert "-> raises: Error: no luck" in capsys.readouterr().out


@pytest.mark.system("node")
@pytest.mark.usefixtures("samples")
def test_a_javascript_handler_that_prints_and_calls_back_is_acquitted(tmp_path, capfd):
    module = tmp_path / "define.mjs"
    module.write_text(
        """
      import { handler as inner } from "CORRECTED";
      export const handler = (event, context, callback) => {
        console.log("seen", context.awsRequestId);
        inner(event).then((filled) => callback(null, filled));
      };""".replace("CORRECTED", (HANDLERS / "corrected_define.mjs").as_uri())
    )
    assert main(["check", "--command", f"node lines.mjs {shlex.quote(module.as_uri())}"]) == 0
    told = capfd.readouterr()
    assert "seen" not in told.out
    assert told.err.count("seen") == 8


EXAMPLES = dict(re.findall(r"^```console\n\$ ([^\n]+)\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE))


def example(command: str) -> Any:
    node = [pytest.mark.system("node")] if "node " in command else []
    return pytest.param(command, id=command, marks=node)


@pytest.mark.parametrize("command", [example(command) for command in EXAMPLES])
def test_the_guide_shows_what_is_printed(command, tmp_path):
    triggers = (GUIDES / "triggers.md").read_text()
    program = re.search(r"^```python\n(.*?)^```", triggers, re.DOTALL | re.MULTILINE)
    assert program is not None
    (tmp_path / "my_triggers.py").write_text(program[1])
    for path in HANDLERS.glob("*.*"):
        (tmp_path / path.name).write_text(path.read_text())
    words = shlex.split(command)
    assert words[:2] == ["authflow", "check"]
    done = subprocess.run(
        [sys.executable, "-m", *words], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.stderr == ""
    assert done.stdout == EXAMPLES[command]


def test_the_guide_shows_a_policy_a_conviction_and_an_acquittal():
    commands = " ".join(EXAMPLES)
    for named in ("my_triggers:triggers", "documented_define", "corrected_define"):
        assert named in commands


def test_the_guide_shows_how_a_javascript_handler_speaks_lines():
    shown = re.search(r"^```js\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    assert shown is not None
    assert shown[1] == (HANDLERS / "lines.mjs").read_text()


def test_what_could_not_be_tried_is_told_with_its_reason(tmp_path, monkeypatch, capsys):
    (tmp_path / "the_untried.py").write_text(
        'from authflow.triggers import challenge\nstep = challenge("not-installed")\n'
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    assert main(["check", "the_untried:step"]) == 1
    told = capsys.readouterr().out
    assert "not tried  extra challenges never suffice alone" in told
    assert "no trigger plugin 'not-installed' is installed" in told
    assert "1 were not tried: mend what kept it from that" in told
