"""What holds for every kind of event."""

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from authflow import triggers
from authflow.errors import EventError, MisuseError
from authflow.triggers import HandledEvent, parse_event
from authflow.triggers.events.parsing import HANDLED_EVENTS, is_handled

LoadEvent = Callable[..., dict[str, Any]]

HANDLED = [
    "custom_email_sender",
    "custom_message",
    "custom_message_invitation",
    "custom_sms_sender",
    "post_authentication",
    "post_confirmation",
    "pre_authentication",
    "pre_sign_up",
    "pre_token_generation_v1",
    "pre_token_generation_v2",
    "pre_token_generation_v3",
]
handled = pytest.mark.parametrize("name", HANDLED)


class EventObject(Mapping):
    """What AWS Lambda Powertools makes of an event: a mapping that also keeps it as it came."""

    def __init__(self, data: Any) -> None:
        self._data = data

    @property
    def raw_event(self) -> Any:
        return self._data

    def __getitem__(self, name: str) -> Any:
        return self._data[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._data)

    def __len__(self) -> int:
        return len(self._data)


class OlderEventObject:
    """The same of older releases, in which it was no mapping."""

    def __init__(self, data: Any) -> None:
        self.raw_event = data


@pytest.mark.parametrize("wrap", [EventObject, OlderEventObject])
def test_an_event_object_is_read_as_the_event_in_it(every_event: dict[str, Any], wrap: Any):
    assert parse_event(wrap(every_event)) == parse_event(every_event)


def test_an_event_object_around_nothing_is_refused():
    with pytest.raises(EventError, match="the event must be an object"):
        parse_event(OlderEventObject(None))


def test_each_source_is_of_one_kind_of_event():
    kinds = [getattr(triggers, name) for name in HANDLED_EVENTS]
    sources = [source for kind in kinds for source in kind.sources]
    assert len(sources) == len(set(sources)) == 35


def test_only_these_kinds_are_served_by_functions():
    assert all(is_handled(getattr(triggers, name)) for name in HANDLED_EVENTS)

    class Own(triggers.PreSignUpEvent):
        """Somebody's own kind of event, which no source is read as."""

    for other in (Own, HandledEvent, triggers.DefineEvent, triggers.MigrationEvent, "PreSignUp"):
        assert not is_handled(other)


@handled
def test_every_source_of_a_kind_is_read_as_that_kind(load_event: LoadEvent, name: str):
    raw = load_event(name)
    kind = type(parse_event(raw))
    for source in kind.sources:
        event = parse_event({**raw, "triggerSource": source})
        assert type(event) is kind
        assert event.source == source


@handled
def test_a_handler_may_change_nothing(load_event: LoadEvent, name: str):
    raw = load_event(name)
    before = copy.deepcopy(raw)
    filled = parse_event(raw).filled()
    assert filled == {**raw, "response": raw["response"] or {}}
    assert raw == before
    json.dumps(filled)


@handled
def test_members_that_are_unknown_are_kept(load_event: LoadEvent, name: str):
    raw = load_event(name, news="of 2031")
    raw["more"] = [1]
    raw["response"] = {**(raw["response"] or {}), "also": "kept"}
    assert parse_event(raw).filled() == raw


@handled
@pytest.mark.parametrize("absent", [True, False])
def test_everything_in_the_request_may_be_null_or_absent(
    load_event: LoadEvent, name: str, absent: bool
):
    raw = load_event(name)
    raw["request"] = {} if absent else dict.fromkeys(raw["request"])
    event = parse_event(raw)
    assert isinstance(event, HandledEvent)
    assert (event.user_attributes, event.client_metadata) == ({}, {})
    json.dumps(event.filled())


@handled
@pytest.mark.parametrize("absent", [True, False])
def test_a_request_that_is_null_or_absent_is_an_empty_one(
    load_event: LoadEvent, name: str, absent: bool
):
    raw = load_event(name)
    raw["request"] = None
    if absent:
        del raw["request"]
    event = parse_event(raw)
    assert isinstance(event, HandledEvent)
    assert (event.user_attributes, event.client_metadata) == ({}, {})
    assert event.to_json() == raw
    given = event.gives() if event.gives else None
    json.dumps(event.filled(given))


def test_the_developer_guides_test_event_of_post_authentication_is_read():
    event = parse_event(
        {
            "triggerSource": "PostAuthentication_Authentication",
            "userPoolId": "testPool",
            "userName": "testName",
            "callerContext": {"clientId": "12345"},
            "response": {},
        }
    )
    assert isinstance(event, triggers.PostAuthenticationEvent)
    assert (event.username, event.client_id) == ("testName", "12345")
    assert event.new_device_used is False


@handled
@pytest.mark.parametrize("result", [True, False, "yes", "", 0, {}, [], {"autoConfirmUser": True}])
def test_what_a_handler_cannot_give_is_refused(load_event: LoadEvent, name: str, result: Any):
    event = parse_event(load_event(name))
    with pytest.raises(MisuseError, match=f"a handler of {event.trigger} gives"):
        event.filled(result)


@handled
@pytest.mark.parametrize(
    ("member", "junk"),
    [
        ("userAttributes", {"email_verified": {}}),
        ("userAttributes", ["email"]),
        ("clientMetadata", {"n": {"of": 5}}),
        ("clientMetadata", "a=b"),
    ],
)
def test_a_malformed_member_that_all_share_is_refused_by_its_name(
    load_event: LoadEvent, name: str, member: str, junk: Any
):
    with pytest.raises(EventError, match=member):
        parse_event(load_event(name, **{member: junk}))


@pytest.mark.parametrize(
    ("name", "member", "junk"),
    [
        ("pre_authentication", "validationData", [1]),
        ("pre_authentication", "userNotFound", "false"),
        ("post_authentication", "newDeviceUsed", 1),
        ("pre_sign_up", "validationData", {"n": [None]}),
        ("custom_message", "codeParameter", 5),
        ("custom_message", "linkParameter", ["x"]),
        ("custom_message", "usernameParameter", {}),
        ("custom_email_sender", "code", 123456),
        ("custom_sms_sender", "code", ["123456"]),
        ("pre_token_generation_v1", "groupConfiguration", ["editors"]),
        ("pre_token_generation_v1", "groupsToOverride", "editors"),
        ("pre_token_generation_v2", "scopes", "openid email"),
        ("pre_token_generation_v3", "scopes", [1]),
    ],
)
def test_a_malformed_member_of_one_kind_is_refused_by_its_name(
    load_event: LoadEvent, name: str, member: str, junk: Any
):
    request = {member: junk}
    if member == "groupsToOverride":
        request = {"groupConfiguration": request}
    with pytest.raises(EventError, match=member) as caught:
        parse_event(load_event(name, **request))
    assert "123456" not in str(caught.value)
