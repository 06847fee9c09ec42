"""`authflow doctor` tells what is installed, and what is wrong with it."""

import importlib.util
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from authflow.cli import main
from authflow.extras import EXTRAS


def test_it_names_versions_extras_and_plugins_and_finds_no_fault(
    capsys: pytest.CaptureFixture[str],
):
    assert main(["doctor"]) == 0
    told = capsys.readouterr().out
    assert f"cognito-authflow {version('cognito-authflow')}, at " in told
    assert sys.executable in told
    assert f"aiobotocore {version('aiobotocore')}" in told
    for extra in EXTRAS:
        assert f"extra {extra}: " in told
    assert "plugins of authflow-captcha 0.1.0: captcha, hcaptcha" in told
    assert told.endswith("Nothing is wrong.\n")


@pytest.mark.parametrize("extra", EXTRAS)
def test_an_extra_that_is_missing_is_no_fault_and_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], extra: str
):
    hidden = EXTRAS[extra][-1]
    found = importlib.util.find_spec
    monkeypatch.setattr(
        "authflow.cli.doctor_command.find_spec",
        lambda name: None if name == hidden else found(name),
    )
    assert main(["doctor"]) == 0
    told = capsys.readouterr().out
    assert f"extra {extra}: without {hidden}; `pip install 'cognito-authflow[{extra}]'`" in told


def installed(site: Path, name: str, entry_points: str = "") -> None:
    info = site / f"{name.replace('-', '_')}-9.9.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 9.9\n")
    (info / "entry_points.txt").write_text(entry_points)


def test_the_other_distribution_of_this_name_is_told(
    tmp_path: Path, monkeypatch: Any, capsys: pytest.CaptureFixture[str]
):
    installed(tmp_path, "authflow")
    monkeypatch.syspath_prepend(tmp_path)
    assert main(["doctor"]) == 1
    told = capsys.readouterr().out
    assert "WRONG: the distribution authflow 9.9 is installed too" in told
    assert "pip uninstall -y authflow" in told


def test_a_plugin_whose_name_two_distributions_claim_is_told(
    tmp_path: Path, monkeypatch: Any, capsys: pytest.CaptureFixture[str]
):
    installed(
        tmp_path, "authflow-other", "[authflow.trigger_challenges]\ncaptcha = other:Captcha\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert main(["doctor"]) == 1
    assert "WRONG: plugin captcha: conflict" in capsys.readouterr().out
