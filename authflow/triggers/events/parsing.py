"""Cognito's trigger events read into typed values, tolerantly; they are written strictly.

Each kind of event stands in a file with its like; here a raw event becomes one of them. A trigger
gives back the event that it got with `response` filled in. The methods that fill it in leave the
event itself as it is, and keep every member that they do not know.
"""

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from authflow.errors import EventError
from authflow.lazy_names import lazy_names
from authflow.triggers.events.envelope import EventObject, HandledEvent, TriggerEvent, WrappedEvent

if TYPE_CHECKING:
    from authflow.triggers.events.challenge_events import (
        CreateEvent,
        DefineEvent,
        SessionEntry,
        VerifyEvent,
    )
    from authflow.triggers.events.user_events import MigrationEvent

    AnyEvent = DefineEvent | CreateEvent | VerifyEvent | MigrationEvent | HandledEvent
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "authflow.triggers.events.challenge_events": (
                "CreateEvent DefineEvent SessionEntry VerifyEvent"
            ),
            "authflow.triggers.events.user_events": "MigrationEvent",
        },
    )

__all__ = [
    "HANDLED_EVENTS",
    "CreateEvent",
    "DefineEvent",
    "HandledEvent",
    "MigrationEvent",
    "SessionEntry",
    "TriggerEvent",
    "VerifyEvent",
    "WrappedEvent",
    "is_handled",
    "parse_event",
]

# The module and class of an event, by the beginning of its triggerSource. A class is imported when
# the first event of its kind comes, since no deployment serves all of them.
_DECIDED: Final = {
    "DefineAuthChallenge": "authflow.triggers.events.challenge_events:DefineEvent",
    "CreateAuthChallenge": "authflow.triggers.events.challenge_events:CreateEvent",
    "VerifyAuthChallengeResponse": "authflow.triggers.events.challenge_events:VerifyEvent",
    "UserMigration": "authflow.triggers.events.user_events:MigrationEvent",
}
_HANDLED: Final = {
    "PreSignUp": "authflow.triggers.events.user_events:PreSignUpEvent",
    "PostConfirmation": "authflow.triggers.events.user_events:PostConfirmationEvent",
    "PreAuthentication": "authflow.triggers.events.sign_in_events:PreAuthenticationEvent",
    "PostAuthentication": "authflow.triggers.events.sign_in_events:PostAuthenticationEvent",
    "TokenGeneration": "authflow.triggers.events.token_events:PreTokenGenerationEvent",
    "CustomMessage": "authflow.triggers.events.message_events:CustomMessageEvent",
    "CustomEmailSender": "authflow.triggers.events.message_events:CustomEmailSenderEvent",
    "CustomSMSSender": "authflow.triggers.events.message_events:CustomSMSSenderEvent",
}
_PLACES: Final = {**_DECIDED, **_HANDLED}

HANDLED_EVENTS: Final = tuple(place.partition(":")[2] for place in _HANDLED.values())
"""The names of the classes of events that an owner's functions serve."""


def is_handled(kind: object) -> bool:
    """Return whether a class is one of `HANDLED_EVENTS`, without importing the others."""
    return isinstance(kind, type) and f"{kind.__module__}:{kind.__qualname__}" in _HANDLED.values()


def parse_event(raw: Mapping[str, Any] | WrappedEvent) -> "AnyEvent":
    """Read a trigger's event.

    Args:
        raw: The event as Cognito sends it: a dictionary, any other mapping, or an event object of
            AWS Lambda Powertools.

    Raises:
        EventError: The triggerSource is none of those served here, or a member is not of its form.
    """
    event = EventObject.of(getattr(raw, "raw_event", raw), "the event")
    kind = _kind(event.text("triggerSource"))
    if event.members.get("response") is not None:
        event.object("response")
    return kind.read(event)


@cache
def _kind(source: str) -> "type[AnyEvent]":
    """Return the class of a triggerSource; errors are not cached."""
    place = _PLACES.get(source.partition("_")[0])
    if place is not None:
        module, _, name = place.partition(":")
        kind: type[AnyEvent] = getattr(import_module(module), name)
        if source in kind.sources:
            return kind
    msg = f"the event's triggerSource is not served; there are {'_..., '.join(_PLACES)}_..."
    raise EventError(msg)
