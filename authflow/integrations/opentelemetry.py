"""Events as spans and metrics of OpenTelemetry: a client's, a verifier's, and triggers'.

    async with AuthClient(config, observer=OpenTelemetryObserver()) as auth: ...

SPANS. Each call is a span, `authflow.sign_in`, `authflow.answer`, `authflow.refresh` and so on, a
child of whatever span is current where the client is called; what runs in it, another library's
spans too, are its children. In it are a span for each request, `Cognito Identity
Provider.InitiateAuth`, and one for each challenge, `authflow.challenge`, from when it was asked to
when it was answered. The calls of one sign-in are as many traces as there are requests to your
service: in one process each has a link to the one before, and `authflow.sign_in.id` is the same in
all, in other processes too. A user is `enduser.pseudo.id`, a keyed hash.

METRICS. Their attributes have few values: calls, flows, challenges, operations and codes.

    authflow.client.calls               counter     {call}    call, flow, outcome, error.type
    authflow.client.call.duration       histogram   s         call, flow, outcome
    authflow.client.request.duration    histogram   s         rpc.method, error.type
    authflow.client.answers             counter     {answer}  challenge's name and kind, outcome,
                                                              error.type
    authflow.client.turn.duration       histogram   s         rpc.method, error.type
    authflow.verifier.tokens            counter     {token}   outcome, error.type
    authflow.verifier.token.duration    histogram   s         outcome
    authflow.triggers.rounds            counter     {round}   challenge's name, outcome, error.type
    authflow.triggers.round.duration    histogram   s         challenge's name, outcome
    authflow.triggers.sign_ins          counter     {sign_in} outcome
    authflow.triggers.failures          counter     {failure} error.type

`error.type` is the `code` of the error. A call that is refused, by a wrong password for example, is
no error of the span's status; one that fails is.

It follows the semantic conventions for AWS SDK spans, for `error.type` and for `enduser.pseudo.id`.
Needs the extra `opentelemetry`: `pip install 'cognito-authflow[opentelemetry]'`, and an SDK of your
choice, without which nothing is recorded.
"""

from collections import OrderedDict
from collections.abc import Mapping
from contextlib import ExitStack
from contextvars import Token
from typing import Final

from attrs import define, field

from authflow.client.events import (
    AnswerAwaited,
    AnswerGiven,
    AnswerRefused,
    CallBegan,
    CallEnded,
    CallFailed,
    ChallengeAsked,
    ClientEvent,
    RequestBegan,
    RequestEnded,
    TicketResumed,
    TurnAwaited,
    UserSignedIn,
)
from authflow.extras import UnavailableImportError, advice
from authflow.integrations.event_fields import Event, Field, outcome_of
from authflow.telemetry.flow_events import FlowEvent
from authflow.telemetry.verified_tokens import TokenEvent
from authflow.unframed import whole

try:
    from opentelemetry import context, trace
    from opentelemetry.context import Context
    from opentelemetry.metrics import MeterProvider, get_meter
    from opentelemetry.trace import Link, Span, SpanContext, SpanKind, StatusCode, TracerProvider
except ImportError as error:
    raise UnavailableImportError(advice(error, extra="opentelemetry")) from error

from authflow.integrations.decision_metrics import (
    CHALLENGE,
    ERROR,
    OUTCOME,
    SECONDS,
    DecisionMetrics,
)

__all__ = ["OpenTelemetryObserver"]

_SCOPE: Final = "authflow"
_SERVICE: Final = "Cognito Identity Provider"
"""The service's name as AWS's SDKs have it (`serviceId` of its model)."""
MOST_LINKED: Final = 10_000
"""The number of sign-ins whose last span is known, some 300 bytes each."""
_CALL, _FLOW, _KIND = "authflow.call", "authflow.flow", "authflow.challenge.kind"
_ATTEMPT: Final = "authflow.challenge.attempt"
_SIGN_IN, _USER = "authflow.sign_in.id", "enduser.pseudo.id"
_METHOD: Final = "rpc.method"
_ENTERED: Final = context.create_key("authflow-entered")


@define(eq=False)
class _Entered:
    """A span that is the current one of the task in which it was entered."""

    span: Span
    token: Token[Context] = field(init=False)

    def __attrs_post_init__(self) -> None:
        entered = context.set_value(_ENTERED, self, trace.set_span_in_context(self.span))
        self.token = context.attach(entered)

    def end(self) -> None:
        try:
            self.span.end()  # a span processor may raise anything
        finally:
            # In another task it is not, and nothing is left there: a request that was broken off.
            if context.get_value(_ENTERED) is self:
                context.detach(self.token)


@define(eq=False)
class _OpenCall:
    """The open spans of one call."""

    entered: _Entered
    request: _Entered | None = None
    challenge: Span | None = None


@whole
class OpenTelemetryObserver:
    """Records events. One may serve several clients, verifiers and triggers.

    Args:
        tracer_provider: Where spans go; by default the global one.
        meter_provider: Where metrics go; by default the global one.
    """

    def __init__(
        self,
        *,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
    ) -> None:
        self._tracer = trace.get_tracer(_SCOPE, tracer_provider=tracer_provider)
        meter = get_meter(_SCOPE, meter_provider=meter_provider)
        self._calls = meter.create_counter(
            "authflow.client.calls", unit="{call}", description="Calls of a client that ended."
        )
        self._answers = meter.create_counter(
            "authflow.client.answers",
            unit="{answer}",
            description="Answers to challenges: those that were given, and those that were wrong.",
        )
        self._call_seconds, self._request_seconds, self._turn_seconds = (
            meter.create_histogram(
                f"authflow.client.{what}.duration",
                unit="s",
                description=description,
                explicit_bucket_boundaries_advisory=SECONDS,
            )
            for what, description in (
                ("call", "Duration of the calls of a client."),
                ("request", "Duration of requests to the user pool."),
                ("turn", "Time that requests waited for their turn."),
            )
        )
        self._decisions = DecisionMetrics(meter)
        self._open: dict[str, _OpenCall] = {}
        self._last: OrderedDict[str, SpanContext] = OrderedDict()

    def observe(self, event: Event) -> None:
        """Record an event.

        Args:
            event: What happened.
        """
        match event:
            case TokenEvent():
                self._decisions.token(event)
            case FlowEvent():
                self._decisions.flow(event)
            case CallBegan():
                self._began(event)
            case _:
                self._in_call(event)

    def _in_call(self, event: ClientEvent) -> None:
        call = self._open.get(event.call_id)
        if call is None:
            return
        match event:
            case RequestBegan():
                self._request_began(call, event)
            case RequestEnded():
                self._request_ended(call, event)
            case TurnAwaited():
                told = _told({_METHOD: event.operation, ERROR: event.code})
                self._turn_seconds.record(event.seconds, told)
                call.entered.span.add_event("authflow.turn_awaited", told)
            case ChallengeAsked():
                _end(call.challenge)
                call.challenge = self._tracer.start_span(
                    "authflow.challenge",
                    attributes=_told({**_challenge(event), _ATTEMPT: event.attempt}),
                )
            case AnswerGiven():
                challenge, call.challenge = call.challenge, None
                _end(challenge)
                self._answers.add(1, _told({**_challenge(event), OUTCOME: "given"}))
            case AnswerRefused():
                told = _told({**_challenge(event), OUTCOME: "refused", ERROR: event.code})
                self._answers.add(1, told)
                call.entered.span.add_event(
                    "authflow.answer_refused", {**told, _ATTEMPT: event.attempt}
                )
            case CallEnded():
                self._ended(call, event)

    def _began(self, event: CallBegan) -> None:
        before = None if event.sign_in_id is None else self._last.get(event.sign_in_id)
        span = self._tracer.start_span(
            f"authflow.{event.call}",
            kind=SpanKind.INTERNAL,
            attributes=_told(
                {
                    _CALL: event.call,
                    _FLOW: event.flow,
                    _SIGN_IN: event.sign_in_id,
                    _USER: event.user,
                }
            ),
            links=() if before is None else (Link(before),),
        )
        self._open[event.call_id] = _OpenCall(_Entered(span))

    def _request_began(self, call: _OpenCall, event: RequestBegan) -> None:
        span = self._tracer.start_span(
            f"{_SERVICE}.{event.operation}",
            kind=SpanKind.CLIENT,
            attributes={
                "rpc.system": "aws-api",
                "rpc.service": _SERVICE,
                _METHOD: event.operation,
                "authflow.request.attempt": event.attempt,
            },
        )
        call.request = _Entered(span)

    def _request_ended(self, call: _OpenCall, event: RequestEnded) -> None:
        entered, call.request = call.request, None
        with ExitStack() as ends:
            if entered is not None:
                ends.callback(entered.end)
                if event.request_id is not None:
                    entered.span.set_attribute("aws.request_id", event.request_id)
                if event.code is not None:
                    entered.span.set_attribute(ERROR, event.code)
                    entered.span.set_status(StatusCode.ERROR, event.code)
            if not event.broken_off:
                told = _told({_METHOD: event.operation, ERROR: event.code})
                self._request_seconds.record(event.seconds, told)

    def _ended(self, call: _OpenCall, event: CallEnded) -> None:
        del self._open[event.call_id]
        # The task goes on after the call: whatever raises, no span of ours stays its current one.
        with ExitStack() as ends:
            ends.callback(call.entered.end)
            if call.request is not None:
                ends.callback(call.request.end)
            ends.callback(_end, call.challenge)
            self._record_end(call.entered.span, event)
        self._remember(event, call.entered.span.get_span_context())

    def _record_end(self, span: Span, event: CallEnded) -> None:
        outcome = outcome_of(event)
        told = _told({_CALL: event.call, _FLOW: event.flow, OUTCOME: outcome})
        self._call_seconds.record(event.seconds, told)
        self._calls.add(1, _told({**told, ERROR: event.code}))
        if isinstance(event, TicketResumed) and event.sign_in_id is not None:
            before = self._last.get(event.sign_in_id)
            if before is not None:
                span.add_link(before)
        challenge = _challenge(event) if isinstance(event, AnswerAwaited) else {}
        span.set_attributes(
            _told(
                {
                    **challenge,
                    _SIGN_IN: event.sign_in_id,
                    _USER: event.user,
                    _FLOW: event.flow,
                    OUTCOME: outcome,
                    ERROR: event.code,
                    "authflow.next_step": event.next_step,
                }
            )
        )
        if isinstance(event, CallFailed):
            span.set_status(StatusCode.ERROR, event.code)

    def _remember(self, event: CallEnded, last: SpanContext) -> None:
        if event.sign_in_id is None:
            return
        self._last[event.sign_in_id] = last
        self._last.move_to_end(event.sign_in_id)
        if isinstance(event, UserSignedIn):
            del self._last[event.sign_in_id]
        elif len(self._last) > MOST_LINKED:
            self._last.popitem(last=False)


def _challenge(
    event: ChallengeAsked | AnswerGiven | AnswerRefused | AnswerAwaited,
) -> dict[str, Field | None]:
    return {CHALLENGE: event.challenge, _KIND: event.kind}


def _told(attributes: Mapping[str, Field | None]) -> dict[str, Field]:
    """Return those attributes that have a value."""
    return {
        name: str(value) if isinstance(value, str) else value
        for name, value in attributes.items()
        if value is not None
    }


def _end(span: Span | None) -> None:
    if span is not None:
        span.end()
