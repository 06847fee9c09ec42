"""docs/guides/lambda.md: its example counts what Cognito does not."""

from typing import Any

from authflow.triggers import KeyRing, RedisStore
from testbed.pages import examples

EXAMPLES = examples(
    "docs/guides/lambda.md",
    "limits",
)


def test_the_example_of_limits_gives_triggers_with_limits(monkeypatch):
    monkeypatch.setenv("AUTHFLOW_KEYS", KeyRing.generate().to_json().reveal())
    namespace: dict[str, Any] = {}
    exec(EXAMPLES["limits"], namespace)  # noqa: S102  # it is our own page
    assert isinstance(namespace["triggers"].limits.store, RedisStore)
