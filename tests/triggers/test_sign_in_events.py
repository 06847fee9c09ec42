from collections.abc import Callable
from typing import Any

from authflow.triggers import PostAuthenticationEvent, PreAuthenticationEvent, parse_event

LoadEvent = Callable[..., dict[str, Any]]


def test_a_pre_authentication_event_tells_what_the_client_sent_along(load_event: LoadEvent):
    event = parse_event(load_event("pre_authentication"))
    assert isinstance(event, PreAuthenticationEvent)
    assert event.validation_data == {"country": "CH"}
    assert event.client_metadata == {}
    assert event.user_not_found is False
    assert event.user_attributes["email"] == "ada@example.com"


def test_a_pre_authentication_event_tells_that_a_user_is_unknown(load_event: LoadEvent):
    event = parse_event(load_event("pre_authentication", userNotFound=True, userAttributes={}))
    assert event.user_not_found is True
    assert event.user_attributes == {}


def test_a_post_authentication_event_tells_of_a_new_device(load_event: LoadEvent):
    event = parse_event(load_event("post_authentication"))
    assert isinstance(event, PostAuthenticationEvent)
    assert event.new_device_used is True
    assert event.client_metadata == {"device": "phone"}


def test_what_is_about_a_person_is_not_shown(load_event: LoadEvent):
    for name in ("pre_authentication", "post_authentication"):
        assert "ada@example.com" not in repr(parse_event(load_event(name)))
