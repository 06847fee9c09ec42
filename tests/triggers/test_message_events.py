from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authflow.errors import MisuseError
from authflow.secret import Secret
from authflow.triggers import (
    CustomEmailSenderEvent,
    CustomMessage,
    CustomMessageEvent,
    CustomSMSSenderEvent,
    parse_event,
)

LoadEvent = Callable[..., dict[str, Any]]

SIZES = {"sms": (6, 140), "email": (6, 20_000), "subject": (1, 140)}


def test_a_message_event_tells_the_placeholders(load_event: LoadEvent):
    event = parse_event(load_event("custom_message"))
    assert isinstance(event, CustomMessageEvent)
    assert event.code_parameter == "{####}"
    assert event.link_parameter == "{##Click Here##}"
    assert event.username_parameter is None
    assert event.client_metadata == {"language": "de"}


def test_a_message_is_written_and_what_is_left_out_is_null(load_event: LoadEvent):
    event = parse_event(load_event("custom_message"))
    message = CustomMessage(email="Ihr Code ist {####}.", subject="Willkommen")
    assert event.filled(message)["response"] == {
        "smsMessage": None,
        "emailMessage": "Ihr Code ist {####}.",
        "emailSubject": "Willkommen",
    }


@pytest.mark.parametrize("name", ["sms", "email"])
def test_a_message_without_its_code_is_refused(load_event: LoadEvent, name: str):
    event = parse_event(load_event("custom_message", linkParameter=None))
    for text in ("Welcome to us!", "{##Confirm##}"):
        with pytest.raises(MisuseError, match=f"the {name} message must hold {{####}}"):
            event.filled(CustomMessage(**{name: text}))


def test_an_email_may_hold_a_link_in_place_of_the_code(load_event: LoadEvent):
    event = parse_event(load_event("custom_message"))
    text = "Please {##confirm your address##}."
    assert event.filled(CustomMessage(email=text))["response"]["emailMessage"] == text
    for unfinished in ("Please {##confirm", "Please ##} {##confirm"):
        with pytest.raises(MisuseError, match="email"):
            event.filled(CustomMessage(email=unfinished))
    with pytest.raises(MisuseError, match="sms"):
        event.filled(CustomMessage(sms=text))


@pytest.mark.parametrize("text", ["Use {####}.", "You are {username}.", "Welcome!"])
def test_an_invitation_holds_the_username_and_the_password(load_event: LoadEvent, text: str):
    event = parse_event(load_event("custom_message_invitation"))
    with pytest.raises(MisuseError, match="must hold"):
        event.filled(CustomMessage(sms=text))
    whole = CustomMessage(sms="You are {username}, with {####}.")
    assert event.filled(whole)["response"]["smsMessage"] == "You are {username}, with {####}."


@pytest.mark.parametrize("name", SIZES)
def test_the_sizes_are_cognitos(name: str):
    least, most = SIZES[name]
    for size in (least, most):
        assert getattr(CustomMessage(**{name: "x" * size}), name) == "x" * size
    for size in (least - 1, most + 1):
        with pytest.raises(MisuseError, match=name):
            CustomMessage(**{name: "x" * size})


@given(st.sampled_from(sorted(SIZES)), st.one_of(st.integers(), st.booleans(), st.binary()))
def test_a_message_that_is_no_string_is_refused(name: str, junk: Any):
    with pytest.raises(MisuseError, match=name):
        CustomMessage(**{name: junk})


@pytest.mark.parametrize(
    ("name", "kind"),
    [("custom_email_sender", CustomEmailSenderEvent), ("custom_sms_sender", CustomSMSSenderEvent)],
)
def test_the_code_to_deliver_is_kept_secret(load_event: LoadEvent, name: str, kind: Any):
    event = parse_event(load_event(name, code="canary-11"))
    assert isinstance(event, kind)
    assert event.code == Secret("canary-11")
    assert "canary-11" not in repr(event)


def test_a_notification_has_no_code(load_event: LoadEvent):
    raw = load_event("custom_email_sender", code=None)
    raw["triggerSource"] = "CustomEmailSender_AccountTakeOverNotification"
    assert parse_event(raw).code is None
