"""Events of verifiers and triggers for their observers; a client's are in `authflow.client`."""

from typing import TYPE_CHECKING

from authflow.lazy_names import lazy_names as _lazy_names

if TYPE_CHECKING:
    from authflow.telemetry.flow_events import (
        AnswerFailed,
        AnswerPassed,
        ChallengeMade,
        FlowEvent,
        FlowObserver,
        HookFailed,
        PolicyFailed,
        PolicyPassed,
        RoundEvent,
        TriggerFailed,
    )
    from authflow.telemetry.verified_tokens import (
        TokenAccepted,
        TokenEvent,
        TokenObserver,
        TokenRefused,
        TokenUnjudged,
    )
else:
    __getattr__, __dir__ = _lazy_names(
        __name__,
        {
            "authflow.telemetry.flow_events": (
                "AnswerFailed AnswerPassed ChallengeMade FlowEvent FlowObserver HookFailed "
                "PolicyFailed PolicyPassed RoundEvent TriggerFailed"
            ),
            "authflow.telemetry.verified_tokens": (
                "TokenAccepted TokenEvent TokenObserver TokenRefused TokenUnjudged"
            ),
        },
    )

__all__ = [
    "AnswerFailed",
    "AnswerPassed",
    "ChallengeMade",
    "FlowEvent",
    "FlowObserver",
    "HookFailed",
    "PolicyFailed",
    "PolicyPassed",
    "RoundEvent",
    "TokenAccepted",
    "TokenEvent",
    "TokenObserver",
    "TokenRefused",
    "TokenUnjudged",
    "TriggerFailed",
]
