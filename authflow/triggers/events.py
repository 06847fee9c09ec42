"""Cognito's trigger events as typed values: tolerant in what they read, strict in what they write.

Each kind of event stands in a file with its like; here a raw event becomes one of them. A trigger
gives back the event that it got with `response` filled in. The methods that fill it in leave the
event itself as it is, and keep every member that they do not know.
"""

from collections.abc import Mapping
from typing import Any, Final

from authflow.errors import EventError
from authflow.triggers.challenge_events import CreateEvent, DefineEvent, SessionEntry, VerifyEvent
from authflow.triggers.envelope import EventObject, HandledEvent, TriggerEvent, WrappedEvent
from authflow.triggers.message_events import (
    CustomEmailSenderEvent,
    CustomMessageEvent,
    CustomSMSSenderEvent,
)
from authflow.triggers.sign_in_events import PostAuthenticationEvent, PreAuthenticationEvent
from authflow.triggers.token_events import PreTokenGenerationEvent
from authflow.triggers.user_events import MigrationEvent, PostConfirmationEvent, PreSignUpEvent

__all__ = [
    "HANDLED_EVENTS",
    "AnyEvent",
    "CreateEvent",
    "DefineEvent",
    "HandledEvent",
    "MigrationEvent",
    "SessionEntry",
    "TriggerEvent",
    "VerifyEvent",
    "WrappedEvent",
    "parse_event",
]

AnyEvent = DefineEvent | CreateEvent | VerifyEvent | MigrationEvent | HandledEvent

HANDLED_EVENTS: Final[tuple[type[HandledEvent], ...]] = (
    PreSignUpEvent,
    PostConfirmationEvent,
    PreAuthenticationEvent,
    PostAuthenticationEvent,
    PreTokenGenerationEvent,
    CustomMessageEvent,
    CustomEmailSenderEvent,
    CustomSMSSenderEvent,
)
"""The events that an owner's functions serve."""

_EVENTS: Final[tuple[type[AnyEvent], ...]] = (
    *(DefineEvent, CreateEvent, VerifyEvent, MigrationEvent),
    *HANDLED_EVENTS,
)
_KINDS: Final = {source: kind for kind in _EVENTS for source in kind.sources}


def parse_event(raw: Mapping[str, Any] | WrappedEvent) -> AnyEvent:
    """Read a trigger's event.

    Args:
        raw: The event as Cognito sends it: a dictionary, any other mapping, or an event object of
            AWS Lambda Powertools.

    Raises:
        EventError: The triggerSource is none of those served here, or a member is not of its form.
    """
    event = EventObject.of(getattr(raw, "raw_event", raw), "the event")
    kind = _KINDS.get(event.text("triggerSource"))
    if kind is None:
        msg = f"the event's triggerSource is not served; there are {', '.join(_KINDS)}"
        raise EventError(msg)
    if event.members.get("response") is not None:
        event.object("response")
    return kind.read(event)
