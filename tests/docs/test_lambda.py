"""docs/guides/lambda.md: its example counts, in DynamoDB, what Cognito does not."""

import re
import sys
from contextlib import suppress
from types import ModuleType
from typing import Any
from uuid import uuid4

from authflow import AuthFlow, ChallengeRequired
from authflow.cli import main
from authflow.errors import RefusedError
from authflow.keys import KeyRing
from authflow.stores import DynamoDbStore
from authflow.testing import PASSWORD
from testbed.pages import examples

EXAMPLES = examples("docs/guides/lambda.md", "limits")


async def test_the_example_of_limits_counts_wrong_answers_over_all_sign_ins(
    live_pool, monkeypatch, caplog, aws_url, aws_credentials
):
    table = f"limits-{uuid4()}"
    async with DynamoDbStore(table=table, endpoint=aws_url) as store:
        await store.create_table()
    for name, value in {
        "LIMITS_TABLE": table,
        "AUTHFLOW_KEYS": KeyRing.generate().to_json().reveal(),
        "AWS_ENDPOINT_URL_DYNAMODB": aws_url,
    }.items():
        monkeypatch.setenv(name, value)
    namespace: dict[str, Any] = {}
    exec(EXAMPLES["limits"], namespace)  # noqa: S102  # it is our own page
    triggers = namespace["triggers"]
    async with (
        triggers.limits.store,
        live_pool(triggers=triggers, users={"ada": PASSWORD}) as pool,
        pool.client() as auth,
    ):
        for _ in range(4):
            result = await auth.sign_in("ada", PASSWORD, flow=AuthFlow.CUSTOM_AUTH)
            with suppress(RefusedError):
                for _ in range(3):
                    assert isinstance(result, ChallengeRequired)
                    result = await auth.answer(result, "WRONG")
            if "the user is locked out" in caplog.text:
                break
        client = await triggers.limits.store.connected()
        kept = (await client.scan(TableName=table))["Items"]
    assert "the user is locked out" in caplog.text
    assert kept
    assert not re.search(r"\bada\b", str(kept))  # digests may have the letters


def test_the_example_is_proved(monkeypatch, capsys):
    monkeypatch.setenv("LIMITS_TABLE", "limits")
    monkeypatch.setenv("AUTHFLOW_KEYS", KeyRing.generate().to_json().reveal())
    module = ModuleType("my_triggers_on_lambda")
    exec(EXAMPLES["limits"], vars(module))  # noqa: S102  # it is our own page
    monkeypatch.setitem(sys.modules, module.__name__, module)
    assert main(["check", f"{module.__name__}:triggers"]) == 0
    assert "Proved" in capsys.readouterr().out
