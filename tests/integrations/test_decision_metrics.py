"""What verifiers and triggers decide, as OpenTelemetry's SDK records it."""

import time
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from authflow import AuthConfig, AuthFlowError
from authflow.integrations.opentelemetry import OpenTelemetryObserver
from authflow.telemetry import (
    AnswerFailed,
    AnswerPassed,
    ChallengeMade,
    HookFailed,
    PolicyFailed,
    PolicyPassed,
    TokenUnjudged,
    TriggerFailed,
)
from authflow.tokens import TokenVerifier

KEY = RSAKey.generate_key(2048, {"kid": "k1", "alg": "RS256", "use": "sig"})
CONFIG = AuthConfig(
    user_pool_id="eu-central-1_Abc123def",
    client_id="1example23456789",
    jwks={"keys": [KEY.as_dict(private=False)]},
)
ROUND = {"challenge": "otp", "attempt": 2, "seconds": 0.1}


class Recorded:
    """An observer, and what it recorded."""

    def __init__(self) -> None:
        self.exporter, self.reader = InMemorySpanExporter(), InMemoryMetricReader()
        self.tracers = TracerProvider()
        self.tracers.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.observer = OpenTelemetryObserver(
            tracer_provider=self.tracers, meter_provider=MeterProvider([self.reader])
        )

    def points(self) -> dict[str, int]:
        """Return what was counted, by the metric's name and its attributes."""
        data = self.reader.get_metrics_data()
        return {
            " ".join((metric.name, *map(str, point.attributes.values()))): getattr(
                point, "value", None
            )
            or point.count
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
            for point in metric.data.data_points
        }

    def notes(self) -> list[tuple[str, dict[str, Any]]]:
        """Return the events of the span that was current."""
        (span,) = self.exporter.get_finished_spans()
        return [(each.name, dict(each.attributes)) for each in span.events]


def token(expires: float) -> str:
    claims = {
        "iss": CONFIG.issuer,
        "sub": "canary",
        "username": "canary",
        "token_use": "access",
        "client_id": CONFIG.client_id,
        "iat": 1,
        "exp": int(expires),
    }
    return jwt.encode({"alg": "RS256", "kid": "k1"}, claims, KEY)


async def test_tokens_are_counted_by_code_and_one_that_is_not_good_is_noted_in_the_request():
    recorded = Recorded()
    verifier = TokenVerifier(config=CONFIG, observer=recorded.observer)
    with recorded.tracers.get_tracer("service").start_as_current_span("GET /orders"):
        for _ in range(2):
            await verifier.claims(token(time.time() + 60), "access")
        for bad in (token(1), "canary"):
            with pytest.raises(AuthFlowError):
                await verifier.claims(bad, "access")
        recorded.observer.observe(TokenUnjudged(seconds=0.1, code="jwks_unreachable"))
    assert recorded.points() == {
        "authflow.verifier.tokens accepted": 2,
        "authflow.verifier.tokens refused token_expired": 1,
        "authflow.verifier.tokens refused token_malformed": 1,
        "authflow.verifier.tokens unjudged jwks_unreachable": 1,
        "authflow.verifier.token.duration accepted": 2,
        "authflow.verifier.token.duration refused": 2,
        "authflow.verifier.token.duration unjudged": 1,
    }
    assert [name for name, _ in recorded.notes()] == [
        *("authflow.token_refused", "authflow.token_refused", "authflow.token_unjudged"),
    ]
    assert recorded.notes()[0][1]["error.type"] == "token_expired"


def test_rounds_are_counted_by_challenge_and_what_fails_is_noted_in_the_functions_span():
    recorded = Recorded()
    with recorded.tracers.get_tracer("service").start_as_current_span("lambda"):
        for event in (
            ChallengeMade(**ROUND),
            AnswerFailed(**ROUND),
            AnswerFailed(**ROUND, code="denied"),
            AnswerPassed(**ROUND),
            HookFailed(**ROUND, hook="create", code="plugin_failed"),
            TriggerFailed(seconds=0.1, code="plugin_failed"),
            PolicyPassed(),
            PolicyFailed(),
        ):
            recorded.observer.observe(event)
    points = recorded.points()
    assert {name: of for name, of in points.items() if "duration" not in name} == {
        "authflow.triggers.rounds otp challenge_made": 1,
        "authflow.triggers.rounds otp answer_failed": 1,
        "authflow.triggers.rounds otp answer_failed denied": 1,
        "authflow.triggers.rounds otp answer_passed": 1,
        "authflow.triggers.rounds otp hook_failed plugin_failed": 1,
        "authflow.triggers.failures plugin_failed": 1,
        "authflow.triggers.sign_ins passed": 1,
        "authflow.triggers.sign_ins failed": 1,
    }
    assert points["authflow.triggers.round.duration otp answer_failed"] == 2
    assert [name for name, _ in recorded.notes()] == [
        *("authflow.answer_failed", "authflow.answer_failed", "authflow.hook_failed"),
        "authflow.trigger_failed",
    ]
    assert recorded.notes()[0][1]["authflow.challenge.attempt"] == 2
