"""`authflow check` lets no policy rest on a question."""

import subprocess
import sys
from pathlib import Path

import pytest

POLICIES = """
from authflow.triggers import (
    KeyRing, Limits, MemoryStore, Triggers, any_of, challenge, password, sequence
)
from authflow_question.answers import MemoryAnswerStore

keys = KeyRing.generate()
question = challenge("question", answers=MemoryAnswerStore())


def served(policy):
    return Triggers(policy=policy, limits=Limits(store=MemoryStore(), keys=keys))


alone = served(question)
an_option = served(any_of(password(), question))
after_a_password = served(sequence(password(), question))
"""


def check(folder: Path, policy: str) -> tuple[int, str]:
    """Run `authflow check` on a policy: its exit code, and what it says."""
    (folder / "question_policies.py").write_text(POLICIES)
    done = subprocess.run(
        [sys.executable, "-m", "authflow", "check", f"question_policies:{policy}"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("policy", ["alone", "an_option"])
def test_a_policy_that_a_question_alone_can_pass_is_refused(tmp_path: Path, policy: str) -> None:
    code, said = check(tmp_path, policy)
    assert code == 1, said
    assert "question never suffices alone" in said


def test_a_policy_that_asks_a_question_after_the_password_is_proved(tmp_path: Path) -> None:
    code, said = check(tmp_path, "after_a_password")
    assert code == 0, said
    assert "Proved" in said
    assert "BROKEN" not in said
