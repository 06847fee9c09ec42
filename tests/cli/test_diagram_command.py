"""`authflow diagram`, as a person types it."""

import subprocess
import sys

import pytest

SOURCE = """
from authflow.triggers import Policy, Triggers, challenge, password, sequence

step = sequence(password(), challenge("captcha"))
policy = Policy(step)
triggers = Triggers(policy=step, lazy=True)
"""


@pytest.fixture
def draw(tmp_path):
    (tmp_path / "drawn_policies.py").write_text(SOURCE)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "authflow", "diagram", *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
        )

    return run


def test_a_step_a_policy_and_triggers_are_drawn_alike(draw):
    drawn = {draw(f"drawn_policies:{name}").stdout for name in ("step", "policy", "triggers")}
    assert len(drawn) == 1
    assert "captcha 3/3" in drawn.pop()


@pytest.mark.system("dot")
@pytest.mark.parametrize("subject", ["drawn_policies:policy", "CUSTOM_AUTH"])
def test_both_kinds_of_table_are_drawn_as_svg(draw, subject):
    assert "<svg" in draw(subject, "--svg").stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["USER_MAGIC_AUTH"], "USER_SRP_AUTH"),
        (["drawn_policies:nothing"], "nothing"),
        (["json:dumps"], "policy"),
    ],
)
def test_what_cannot_be_drawn_is_a_usage_error_that_says_why(draw, arguments, told):
    done = draw(*arguments)
    assert done.returncode == 2
    assert told in done.stderr
    assert done.stdout == ""
