"""The command line, as a process."""

import json
import subprocess
import sys

import pytest

from authflow.cli import main
from authflow.flow_diagram import picture
from authflow.machine import AuthFlow


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "authflow", *arguments], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("flow", list(AuthFlow))
def test_diagram_prints_the_flows_table(flow, capsys):
    assert main(["diagram", flow]) == 0
    assert capsys.readouterr().out == picture(flow).mermaid() + "\n"


def test_an_unknown_flow_is_a_usage_error():
    done = run("diagram", "USER_MAGIC_AUTH")
    assert done.returncode == 2
    assert "USER_SRP_AUTH" in done.stderr


def test_no_command_is_a_usage_error_that_lists_them():
    done = run()
    assert done.returncode == 2
    assert "COMMAND" in done.stderr


def test_the_version_is_told():
    assert run("--version").stdout.startswith("authflow 0.")


def test_plugins_lists_both_halves_of_the_captcha(capsys):
    assert main(["plugins", "--json"]) == 0
    listed = {(p["name"], p["side"]) for p in json.loads(capsys.readouterr().out)}
    assert {("captcha", "client"), ("captcha", "trigger")} <= listed


def test_a_mistake_in_the_call_is_told_in_one_line_without_a_traceback():
    done = run("serve", "--port", "0", "--triggers", "no_such_module:triggers")
    assert done.returncode == 2
    assert done.stdout == ""
    assert "no_such_module" in done.stderr
    assert "Traceback" not in done.stderr
