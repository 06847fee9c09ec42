"""docs/guides/testing.md: its examples are tests, which pytest runs as it runs a newcomer's."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from testbed.pages import examples, text_of

pytest_plugins = ["pytester"]

PAGE = "docs/guides/testing.md"
EXAMPLES = examples(
    PAGE, "boto3", "sync", "fastapi", "django", "asyncio", "anyio", "module", "notebook"
)
LOCUST = os.environ.get("AUTHFLOW_LOCUST")


def test_all_examples_pass_in_one_run_of_pytest_as_it_comes(pytester: Any):
    pytester.makepyfile(
        **{f"test_{name}": text for name, text in EXAMPLES.items() if name != "notebook"}
    )
    result = pytester.runpytest_subprocess(
        "-p", "no:cacheprovider", "-W", "error::pytest.PytestUnhandledThreadExceptionWarning"
    )
    result.assert_outcomes(passed=9)


def test_the_notebooks_cells_run_and_end_the_pool(capsys: pytest.CaptureFixture[str]):
    namespace: dict[str, Any] = {}
    exec(EXAMPLES["notebook"], namespace)  # noqa: S102  # it is our own page
    assert capsys.readouterr().out == "CONFIRMED\n"
    with pytest.raises(Exception, match="does not run any more"):
        namespace["pool"].messages()


@pytest.mark.skipif(LOCUST is None, reason="it is opt-in: run `make locust`")
def test_locust_runs_its_file(tmp_path: Path):
    (locustfile,) = re.findall(r"^```text\n(.*?)^```", text_of(PAGE), re.DOTALL | re.MULTILINE)
    (tmp_path / "locustfile.py").write_text(locustfile)
    done = subprocess.run(
        [str(LOCUST), "--headless", "-u", "4", "-r", "4", "-t", "4s", "--json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=80,
    )
    assert done.returncode == 0, done.stderr
    assert '"num_requests"' in done.stdout
    assert '"num_failures": 0' in done.stdout
