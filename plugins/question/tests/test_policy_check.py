"""`authflow check` lets no policy rest on a question."""

import sys
from pathlib import Path

import pytest

from authflow.cli import main

POLICIES = """
from authflow.triggers import (
    KeyRing, Limits, MemoryLimitStore, Triggers, any_of, challenge, password, sequence
)
from authflow_question.answers import MemoryAnswerStore

keys = KeyRing.generate()
question = challenge("question", answers=MemoryAnswerStore(), keys=keys)


def served(policy):
    return Triggers(policy=policy, limits=Limits(store=MemoryLimitStore(), keys=keys))


alone = served(question)
an_option = served(any_of(password(), question))
after_a_password = served(sequence(password(), question))
"""


@pytest.fixture
def policies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "question_policies.py").write_text(POLICIES)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "question_policies", raising=False)


@pytest.mark.parametrize("policy", ["alone", "an_option"])
def test_a_policy_that_a_question_alone_can_pass_is_refused(
    policies: None, capsys: pytest.CaptureFixture[str], policy: str
) -> None:
    assert main(["check", f"question_policies:{policy}"]) == 1
    assert "question never suffices alone" in capsys.readouterr().out


def test_a_policy_that_asks_a_question_after_the_password_is_proved(
    policies: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", "question_policies:after_a_password"]) == 0
    assert "BROKEN" not in capsys.readouterr().out
