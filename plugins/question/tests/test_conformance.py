"""The conformance suites, over the real protocol."""

import subprocess
import sys
from pkgutil import resolve_name
from typing import Any

import pytest
from authflow_question.client import QuestionPrompter
from authflow_question.conformance import QuestionClientSuite, QuestionSuite
from authflow_question.trigger import Question


class TestQuestion(QuestionSuite):
    pass


class TestQuestionPrompter(QuestionClientSuite):
    pass


@pytest.mark.parametrize("half", [Question, QuestionPrompter])
def test_a_half_names_the_suite_that_is_made_for_it(half: Any):
    assert resolve_name(half.conformance).challenge is half


def test_the_halves_can_be_imported_without_what_tests_them():
    code = (
        "import sys, authflow_question.client, authflow_question.trigger;"
        "sys.exit(any(name.startswith('authflow.testing') for name in sys.modules))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)
