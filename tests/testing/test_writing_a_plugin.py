"""docs/writing-a-plugin.md says what is so: its commands are run, in order, without a network."""

import os
import re
import subprocess
import sys
import sysconfig
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from authflow.testing.trigger_subject import TriggerSubject

ROOT = Path(__file__).parents[2]
OF_THE_SUITES = {
    *("ada", "grace", "nobody", "bench", "challenge", "timeout", "longest_block"),
    *("at", "begin_anew", "lacking", "place_of", "tried", "whereabouts"),
}
"""What authors need not say, or the suites ask themselves."""
pytest_plugins = ["pytester"]
PAGE = (ROOT / "docs" / "writing-a-plugin.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.timeout(240)
@pytest.mark.skipif(sys.platform == "win32", reason="the page is written for a POSIX shell")
@pytest.mark.skipif(
    find_spec("ensurepip") is None, reason="this Python makes no environments: see `make test-deps`"
)
def test_its_commands_lead_from_an_empty_folder_to_a_sign_in(tmp_path: Path):
    site = sysconfig.get_path("purelib")
    inherited = {name: os.environ[name] for name in ("HOME", "LANG") if name in os.environ}
    environment = {
        **inherited,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), "/usr/bin", "/bin"]),
        # What an index would give: the fresh environment sees the packages of this one.
        "PYTHONPATH": os.pathsep.join([str(ROOT), site]),
        "AUTHFLOW_PLUGINS": "authflow-pager",  # ours, which are editable here, it does not see
        "PIP_NO_INDEX": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    script = "\n".join(["set -eu", *blocks("sh")])
    done = subprocess.run(
        ["sh", "-c", script],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1:] == ["signed in as ada"]
    assert re.search(
        r"^pager +trigger +authflow-pager +0\.1\.0 +authflow_pager", done.stdout, re.MULTILINE
    )
    assert re.search(r"^\d\d passed, 0 failed, 0 skipped$", done.stdout, re.MULTILINE)
    assert re.search(r"^=+ \d\d passed in ", done.stdout, re.MULTILINE)
    installed = tmp_path / "authflow-pager" / "fresh"
    assert [*installed.glob("lib/python*/site-packages/authflow_pager/py.typed")]


def test_its_table_names_what_a_suite_can_be_told():
    proving = PAGE.partition("## 3.")[2].partition("## 4.")[0]
    rows = re.findall(r"^\| (`.*?) \|", proving, re.MULTILINE)
    told = {name for row in rows for name in re.findall(r"`(\w+)", row)}
    public = {name for name in vars(TriggerSubject) if not name.startswith("_")}
    annotated = set(TriggerSubject.__annotations__)
    assert told == {
        name
        for name in {*public, *annotated, "prepare"}
        if not name.startswith("_") and name not in OF_THE_SUITES
    }


def test_its_python_example_runs(pytester: Any):
    (example,) = blocks("python")
    pytester.makepyfile(example)
    pytester.runpytest_inprocess("-p", "no:asyncio").assert_outcomes(passed=1)
