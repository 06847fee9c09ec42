"""Decisions of verifiers and triggers, as metrics of OpenTelemetry and as events of spans.

Neither has spans of its own: a token is judged in a part of a millisecond, and a trigger is the
whole of what its function does. So whatever is not as it should be is an event of the span that is
current, which is that of the request, or of the function.
"""

from collections.abc import Mapping
from typing import Final

from attrs import define, field
from opentelemetry import trace
from opentelemetry.metrics import Counter, Histogram, Meter

from authflow.integrations.event_fields import Field
from authflow.telemetry.flow_events import (
    AnswerFailed,
    FlowEvent,
    HookFailed,
    PolicyFailed,
    PolicyPassed,
    RoundEvent,
    TriggerFailed,
)
from authflow.telemetry.verified_tokens import TokenAccepted, TokenEvent

SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
"""Bounds of durations, as the conventions for those of HTTP requests have them."""
CHALLENGE: Final = "authflow.challenge.name"
OUTCOME: Final = "authflow.outcome"
ERROR: Final = "error.type"


@define(eq=False)
class DecisionMetrics:
    """Records the events of verifiers and triggers.

    Args:
        meter: Where to.
    """

    meter: Meter = field(repr=False)
    _tokens: Counter = field(init=False, repr=False)
    _token_seconds: Histogram = field(init=False, repr=False)
    _rounds: Counter = field(init=False, repr=False)
    _round_seconds: Histogram = field(init=False, repr=False)
    _sign_ins: Counter = field(init=False, repr=False)
    _failures: Counter = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._tokens = self.meter.create_counter(
            "authflow.verifier.tokens", unit="{token}", description="Tokens that were judged."
        )
        self._rounds = self.meter.create_counter(
            "authflow.triggers.rounds", unit="{round}", description="Calls of challenge plugins."
        )
        self._sign_ins = self.meter.create_counter(
            "authflow.triggers.sign_ins",
            unit="{sign_in}",
            description="Sign-ins that a policy has decided.",
        )
        self._failures = self.meter.create_counter(
            "authflow.triggers.failures",
            unit="{failure}",
            description="Triggers that gave Cognito an error in place of a reply.",
        )
        self._token_seconds, self._round_seconds = (
            self.meter.create_histogram(
                name, unit="s", description=what, explicit_bucket_boundaries_advisory=SECONDS
            )
            for name, what in (
                ("authflow.verifier.token.duration", "Time in which a token was judged."),
                ("authflow.triggers.round.duration", "Duration of the calls of plugins."),
            )
        )

    def token(self, event: TokenEvent) -> None:
        """Record what became of a token."""
        outcome = event.name.removeprefix("token_")
        told: dict[str, Field] = {OUTCOME: outcome}
        self._token_seconds.record(event.seconds, told)
        if not isinstance(event, TokenAccepted):
            told = {**told, ERROR: _code(event)}
            _note(event, told)
        self._tokens.add(1, told)

    def flow(self, event: FlowEvent) -> None:
        """Record what happened in triggers."""
        match event:
            case RoundEvent():
                self._round(event)
            case PolicyPassed() | PolicyFailed():
                self._sign_ins.add(1, {OUTCOME: event.name.removeprefix("policy_")})
            case TriggerFailed(code=code):
                told = {ERROR: code}
                self._failures.add(1, told)
                _note(event, told)

    def _round(self, event: RoundEvent) -> None:
        told: dict[str, Field] = {CHALLENGE: event.challenge, OUTCOME: event.name}
        self._round_seconds.record(event.seconds, told)
        if code := _code(event):
            told = {**told, ERROR: code}
        self._rounds.add(1, told)
        if isinstance(event, AnswerFailed | HookFailed):
            _note(event, {**told, "authflow.challenge.attempt": event.attempt})


def _code(event: TokenEvent | FlowEvent) -> str:
    code: str | None = getattr(event, "code", None)
    return code or ""


def _note(event: TokenEvent | FlowEvent, told: Mapping[str, Field]) -> None:
    trace.get_current_span().add_event(f"authflow.{event.name}", told)
