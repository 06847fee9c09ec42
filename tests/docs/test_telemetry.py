"""The examples of docs/guides/telemetry.md run, and its tables are whole."""

import logging
import re
from typing import Any

import pytest
from attrs import fields

from authflow import AuthClient, AuthFlow
from authflow.client import events
from authflow.integrations import opentelemetry as integration
from authflow.keys import KeyRing
from authflow.telemetry import flow_events, verified_tokens
from authflow.testing import PASSWORD
from testbed.pages import examples, text_of

PAGE = "docs/guides/telemetry.md"
GUIDE = text_of(PAGE)
EXAMPLES = examples(PAGE, "together", "own", "deciding", "structlog", "function")


def run(example: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(compile(example, PAGE, "exec"), names)  # noqa: S102  # our own
    return names


async def test_every_example_runs(live_pool, caplog, capsys):
    caplog.set_level(logging.INFO, "authflow.events")
    together, mine, deciding, structlog, function = map(run, EXAMPLES.values())
    assert deciding["verifier"].observer == deciding["triggers"].observer == deciding["observers"]
    async with live_pool() as pool:
        await pool.add_user("ada", PASSWORD)
        config = await pool.app_client()
        await together["main"](config, KeyRing.generate())
        assert caplog.records[-1].getMessage().startswith("user_signed_in call=sign_in call_id=")
        figures = mine["Figures"]()
        async with AuthClient(config, observer=figures) as auth:
            await auth.sign_in("ada", PASSWORD, flow=AuthFlow.USER_SRP_AUTH)
        assert figures.ends == {("sign_in", "user_signed_in", None): 1}
        assert figures.asked == {"PASSWORD_VERIFIER": 1}
        await structlog["log_by_structlog"](config)
        assert "user_signed_in" in capsys.readouterr().out
        await function["look"](config)
        assert "RespondToAuthChallenge" in capsys.readouterr().out


def test_the_password_of_the_examples_is_the_one_that_the_test_has_made():
    assert GUIDE.count(f'"{PASSWORD}"') == len(EXAMPLES) - 2


EVENTS = [
    each
    for each in vars(events).values()
    if isinstance(each, type) and issubclass(each, events.ClientEvent)
]


@pytest.mark.parametrize("event", [each for each in EVENTS if each is not events.ClientEvent])
def test_every_event_stands_in_the_table_with_its_fields(event: Any):
    if event is events.CallEnded:
        return
    (row,) = [each for each in GUIDE.splitlines() if re.match(rf"\|.*`{event.__name__}`.*\|", each)]
    base = events.CallEnded if issubclass(event, events.CallEnded) else events.ClientEvent
    own = {each.name for each in fields(event)} - {each.name for each in fields(base)}
    assert own <= set(re.findall(r"`(\w+)`", row.rsplit("|", 2)[1]))


DECIDED = [
    each
    for module in (verified_tokens, flow_events)
    for each in vars(module).values()
    if isinstance(each, type)
    and issubclass(each, verified_tokens.TokenEvent | flow_events.FlowEvent)
]


@pytest.mark.parametrize("event", [each for each in DECIDED if not each.__subclasses__()])
def test_so_does_every_event_of_verifiers_and_triggers(event: Any):
    (row,) = [each for each in GUIDE.splitlines() if re.match(rf"\|.*`{event.__name__}`.*\|", each)]
    own = {each.name for each in fields(event)}
    if issubclass(event, flow_events.RoundEvent) and event is not flow_events.ChallengeMade:
        own -= {each.name for each in fields(flow_events.RoundEvent)}
    assert own <= set(re.findall(r"`(\w+)`", row.split("|", 2)[2]))


def test_every_metric_stands_in_the_table():
    names = re.findall(r"authflow\.(?:client|verifier|triggers)\.[a-z_.]+", integration.__doc__)
    assert len(names) == 11
    for name in names:
        assert f"| `{name}`" in GUIDE
