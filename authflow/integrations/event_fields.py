"""The fields of an event, as logs and spans have them, and how much it matters."""

import logging
from enum import Enum
from typing import Any, Final

from attrs import fields

from authflow.client.events import (
    AnswerRefused,
    CallCancelled,
    CallEnded,
    CallFailed,
    CallRefused,
    ClientEvent,
    RequestEnded,
    TurnAwaited,
)
from authflow.errors import DeniedError
from authflow.telemetry.flow_events import (
    AnswerFailed,
    FlowEvent,
    HookFailed,
    PolicyFailed,
    PolicyPassed,
    TriggerFailed,
)
from authflow.telemetry.verified_tokens import TokenEvent, TokenRefused, TokenUnjudged

Event = ClientEvent | TokenEvent | FlowEvent
"""An event that observers here are told, of a client, a verifier or triggers."""
Field = str | int | float | bool
_SECONDS_DIGITS: Final = 6


def event_fields(event: Event) -> dict[str, Field]:
    """Return what an event has, by its names; what it has not is left out.

    Every value is a number or a text of a known vocabulary, a code of authflow's or hexadecimal
    digits: none needs to be escaped.

    Args:
        event: The event.
    """
    told: dict[str, Field] = {}
    for each in fields(type(event)):
        value: Any = getattr(event, each.name)
        if value is None or value is False:
            continue
        if isinstance(value, Enum):
            value = str(value)
        told[each.name] = round(value, _SECONDS_DIGITS) if isinstance(value, float) else value
    return told


def level_of(event: Event) -> int:
    """Return the level of `logging` that an event has.

    WARNING for what failed, INFO for the end of each call or custom sign-in, a refused answer or
    token, and a request that was refused or lost, DEBUG for all else: what leads there, and each
    token that is good.

    Args:
        event: The event.
    """
    match event:
        case TriggerFailed(code=DeniedError.code):
            return logging.INFO
        case CallFailed() | TokenUnjudged() | HookFailed() | TriggerFailed():
            return logging.WARNING
        case TurnAwaited(code=str()):
            return logging.WARNING
        case CallEnded() | AnswerRefused() | TokenRefused():
            return logging.INFO
        case AnswerFailed() | PolicyPassed() | PolicyFailed():
            return logging.INFO
        case RequestEnded(code=str()):
            return logging.INFO
    return logging.DEBUG


def outcome_of(event: CallEnded) -> str:
    """Return what became of a call, in one word or two: "ok", "refused", "failed", "cancelled"...

    Args:
        event: The end of the call.
    """
    match event:
        case CallRefused():
            return "refused"
        case CallFailed():
            return "failed"
        case CallCancelled():
            return "cancelled"
    return "ok" if event.name == "call_succeeded" else event.name
