"""The events of triggers: values of a known vocabulary, and one for each thing that is waited for.

What triggers tell of whole sign-ins is in tests/triggers/test_observed_triggers.py.
"""

import re
from typing import Any, get_args, get_type_hints

import pytest

from authflow.errors import DeniedError, StoreUnavailableError
from authflow.telemetry import FlowEvent, HookFailed, TriggerFailed, flow_events
from authflow.telemetry.flow_events import FlowWatch

EVENTS = [
    each
    for each in vars(flow_events).values()
    if isinstance(each, type) and issubclass(each, FlowEvent)
]


class Seen:
    def __init__(self) -> None:
        self.events: list[FlowEvent] = []

    def observe(self, event: FlowEvent) -> None:
        self.events.append(event)


async def given(value: Any) -> Any:
    if isinstance(value, BaseException):
        raise value
    return value


@pytest.mark.parametrize(
    ("hook", "value", "name", "code"),
    [
        ("create", object(), "challenge_made", None),
        ("verify", True, "answer_passed", None),
        ("verify", False, "answer_failed", None),
        ("verify", DeniedError("canary"), "answer_failed", "denied"),
        ("create", DeniedError("canary"), "hook_failed", "denied"),
        ("verify", StoreUnavailableError("canary"), "hook_failed", "store_unavailable"),
        ("create", GeneratorExit(), "hook_failed", "cancelled"),
    ],
)
async def test_what_is_waited_for_is_given_and_told(hook: Any, value: Any, name: str, code: Any):
    told = Seen()
    work = FlowWatch.of(told).round(hook, "otp", 2, given(value))
    if isinstance(value, BaseException):
        with pytest.raises(type(value)):
            await work
    else:
        assert await work is value
    (event,) = told.events
    assert (event.name, getattr(event, "code", None)) == (name, code)
    assert (event.challenge, event.attempt) == ("otp", 2)
    assert event.seconds >= 0


async def test_a_trigger_that_is_served_is_told_by_nothing_and_one_that_fails_by_its_code():
    told = Seen()
    assert await FlowWatch.of(told).served(given("reply")) == "reply"
    assert told.events == []
    with pytest.raises(ValueError, match="canary"):
        await FlowWatch.of(told).served(given(ValueError("canary")))
    assert [type(each) for each in told.events] == [TriggerFailed]
    assert told.events[0].code == "error"


def test_an_event_is_named_by_its_class_and_has_no_room_for_texts_of_others():
    allowed = {float, int, str, type(None), *get_args(flow_events.Hook)}
    for each in EVENTS:
        assert each.name == re.sub(r"(?<!^)(?=[A-Z])", "_", each.__name__).lower()
        for name, kind in get_type_hints(each, vars(flow_events)).items():
            if name != "name":
                assert set(get_args(kind) or [kind]) <= allowed, (each, name)
    assert HookFailed in EVENTS
