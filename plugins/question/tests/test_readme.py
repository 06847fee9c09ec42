"""The README says what is so, and its examples work together."""

import io
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from attrs import fields
from authflow_question.dynamodb_answers import DynamoDbAnswerStore
from authflow_question.enrolment import LONGEST, SHORTEST, Enrolment
from authflow_question.questions import DEFAULT_QUESTIONS
from authflow_question.trigger import Question

from authflow.plugins import settings_schema
from authflow.triggers import DynamoDbStore, KeyRing, Triggers

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
ENROLMENT, TRIGGER, CLIENT = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
ADA = {"first-film": "Metropolis", "first-dish": "Omelette", "childhood-job": "Astronaut"}


def run(example: str) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "example"}
    exec(compile(example, "README.md", "exec"), names)  # noqa: S102  # our own README
    return names


def row(name: str, told: dict[str, Any], *, required: bool) -> str:
    """Write a setting's row of the table."""
    default = "required" if required else f"{len(DEFAULT_QUESTIONS)} questions"
    if "default" in told:
        default = f"`{told['default']}`"
    allowed = f" {told['minimum']} to {told['maximum']} " if "minimum" in told else "  "
    return f"| `{name}` | {default} |{allowed}| {told['description']} |"


def test_the_settings_table_is_generated_from_the_settings() -> None:
    schema = settings_schema(Question)
    rows = (
        row(name, told, required=name in schema["required"])
        for name, told in schema["properties"].items()
    )
    head = "| setting | default | allowed | meaning |\n|---|---|---|---|\n"
    assert f"\n\n{head}{chr(10).join(rows)}\n\n" in README


def test_the_enrolment_has_the_settings_and_defaults_of_the_trigger_half() -> None:
    defaults = {setting.name: setting.default for setting in fields(Question) if setting.init}
    del defaults["answers"]
    asked = {setting.name: setting.default for setting in fields(Enrolment) if setting.init}
    del asked["keys"]  # the challenge has those of the triggers
    assert defaults == asked
    assert f"shorter than {SHORTEST} letters" in README
    assert f"longer than {LONGEST} characters" in README


@pytest.fixture
async def tables(aws_environment: None) -> None:
    async with (
        DynamoDbAnswerStore(table="answers") as answers,
        DynamoDbStore(table="limits") as limits,
    ):
        await answers.create_table()
        await limits.create_table()


async def test_the_examples_enrol_a_user_serve_a_policy_and_sign_the_user_in(
    tables: None,
    live_pool: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("AUTHFLOW_KEYS", KeyRing.generate().to_json().reveal())
    triggers = run(TRIGGER)["triggers"]
    assert isinstance(triggers, Triggers)
    assert triggers.limits is not None
    try:
        async with live_pool(triggers) as pool:
            config = pool.config
            monkeypatch.setenv("AUTHFLOW_USER_POOL_ID", config.user_pool_id)
            monkeypatch.setenv("AUTHFLOW_CLIENT_ID", config.client_id)
            monkeypatch.setenv("AUTHFLOW_ENDPOINT", config.endpoint)
            await run(ENROLMENT)["enrol"](config.user_pool_id, "ada", "ada@example.com", ADA)
            # Three tries, and one of the three answers is right, whichever question it is.
            typed = "".join(f"{answer.upper()}\n" for answer in ADA.values())
            monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
            await run(CLIENT)["main"]("ada", "Correct-horse-1")
    finally:
        await triggers.limits.store.aclose()  # type: ignore[attr-defined]  # DynamoDB's has it
        (step,) = (step for step in triggers.policy.challenges if step.name == "question")
        await step.settings["answers"].aclose()
    assert capsys.readouterr().out == "signed in\n"
