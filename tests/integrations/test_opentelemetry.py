"""Spans and metrics of a client at the embedded pool, as OpenTelemetry's SDK exports them."""

import asyncio
from typing import Any
from unittest.mock import Mock

import pytest
from opentelemetry import trace
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from authflow import AuthClient, AuthConfig, AuthFlow, AuthFlowError
from authflow.client import ScriptedPrompt, events
from authflow.integrations import opentelemetry as integration
from authflow.integrations.opentelemetry import OpenTelemetryObserver
from authflow.keys import KeyRing
from authflow.testing import PASSWORD
from authflow.triggers import Triggers, challenge, password, sequence
from testbed.told_events import Told

INITIATE = "Cognito Identity Provider.InitiateAuth"
RESPOND = "Cognito Identity Provider.RespondToAuthChallenge"
KEYS = KeyRing.generate()


class WordClient:
    name = "word"

    async def answer(self, challenge: Any, prompt: Any) -> str:
        return await prompt.ask("?")


class Recorded:
    """An observer, and what it recorded."""

    def __init__(self) -> None:
        self.exporter, self.reader = InMemorySpanExporter(), InMemoryMetricReader()
        self.tracers = TracerProvider()
        self.tracers.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.meters = MeterProvider([self.reader])
        self.observer = OpenTelemetryObserver(
            tracer_provider=self.tracers, meter_provider=self.meters
        )

    def spans(self) -> list[ReadableSpan]:
        return sorted(self.exporter.get_finished_spans(), key=lambda each: each.start_time)

    def named(self, name: str) -> list[ReadableSpan]:
        return [each for each in self.spans() if each.name == name]

    def points(self) -> dict[tuple[str, tuple[tuple[str, Any], ...]], Any]:
        """Return the points of all metrics, by their names and attributes."""
        data = self.reader.get_metrics_data()
        return {
            (metric.name, tuple(sorted(point.attributes.items()))): point
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
            for point in metric.data.data_points
        }

    def counted(self, name: str, **attributes: Any) -> int:
        """Return what a counter has counted with these attributes, each without "authflow."."""
        total = 0
        for (metric, told), point in self.points().items():
            short = {key.removeprefix("authflow.").replace(".", "_"): of for key, of in told}
            if metric == name and attributes.items() <= short.items():
                total += getattr(point, "value", None) or getattr(point, "count", 0)
        return total


@pytest.fixture
def recorded() -> Recorded:
    return Recorded()


@pytest.fixture
def words(word) -> Triggers:
    policy = sequence(password(), challenge("word", attempts=3))
    return Triggers(policy=policy, challenges=[word])


async def test_a_sign_in_over_several_calls_is_a_span_for_each_with_its_steps_in_it(
    live_pool, words, recorded
):
    async with live_pool(triggers=words) as pool:
        await pool.add_user()
        config = await pool.app_client()
        async with AuthClient(
            config, challenges=[WordClient], observer=recorded.observer, keys=KEYS
        ) as auth:
            pending = await auth.sign_in("ada", PASSWORD, flow=AuthFlow.CUSTOM_AUTH)
            pending = await auth.resume(await auth.seal(pending))
            pending = await auth.answer(pending, "wrong")
            await auth.answer(pending, "open sesame")
    calls = [each for each in recorded.spans() if each.parent is None]
    assert [each.name for each in calls] == [
        *("authflow.sign_in", "authflow.seal", "authflow.resume"),
        *("authflow.answer", "authflow.answer"),
    ]
    assert len({each.attributes["authflow.sign_in.id"] for each in calls}) == 1
    assert len({each.attributes["enduser.pseudo.id"] for each in calls}) == 1
    assert len({each.context.trace_id for each in calls}) == 5
    before = [each.context.span_id for each in calls]
    links = [[link.context.span_id for link in each.links] for each in calls]
    assert links == [[], *([each] for each in before[:-1])]
    outcomes = [each.attributes["authflow.outcome"] for each in calls]
    assert outcomes == [
        *("answer_awaited", "ticket_sealed", "ticket_resumed"),
        *("answer_awaited", "user_signed_in"),
    ]
    steps = [each for each in recorded.spans() if each.parent is not None]
    assert [each.name for each in steps] == [
        *(INITIATE, "authflow.challenge", RESPOND, "authflow.challenge"),
        *(RESPOND, "authflow.challenge", RESPOND),
    ]
    assert [calls.index(_parent(each, calls)) for each in steps] == [0, 0, 0, 0, 3, 3, 4]
    request = steps[0]
    assert (request.kind, request.attributes["rpc.system"]) == (SpanKind.CLIENT, "aws-api")
    assert request.attributes["rpc.method"] == "InitiateAuth"
    assert len(request.attributes["aws.request_id"]) == 36
    (refused,) = calls[3].events
    assert refused.name == "authflow.answer_refused"
    assert refused.attributes["authflow.challenge.kind"] == "word"
    assert all(each.status.status_code is StatusCode.UNSET for each in recorded.spans())
    assert recorded.counted("authflow.client.calls", call="answer") == 2
    assert recorded.counted("authflow.client.answers", outcome="given") == 3
    assert (
        recorded.counted("authflow.client.answers", challenge_kind="word", outcome="refused") == 1
    )
    assert recorded.counted("authflow.client.request.duration", rpc_method="InitiateAuth") == 1
    assert recorded.counted("authflow.client.call.duration", outcome="user_signed_in") == 1


def _parent(span: ReadableSpan, calls: list[ReadableSpan]) -> ReadableSpan:
    return next(each for each in calls if each.context.span_id == span.parent.span_id)


async def test_spans_stand_below_the_callers_and_above_what_is_recorded_meanwhile(
    live_pool, words, recorded
):
    tracer = recorded.tracers.get_tracer("service")

    class Prompt(ScriptedPrompt):
        async def ask(self, *asked: Any, **more: Any) -> str:
            with tracer.start_as_current_span("person"):
                return await super().ask(*asked, **more)

    async with live_pool(triggers=words) as pool:
        await pool.add_user()
        config = await pool.app_client()
        async with AuthClient(config, challenges=[WordClient], observer=recorded.observer) as auth:
            with tracer.start_as_current_span("GET /sign-in") as page:
                await auth.sign_in(
                    "ada", PASSWORD, flow=AuthFlow.CUSTOM_AUTH, prompt=Prompt(["open sesame"])
                )
                assert trace.get_current_span() is page
            assert not trace.get_current_span().get_span_context().is_valid
    (sign_in,), (person,) = recorded.named("authflow.sign_in"), recorded.named("person")
    assert sign_in.parent.span_id == page.get_span_context().span_id
    assert person.parent.span_id == sign_in.context.span_id
    assert len({each.context.trace_id for each in recorded.spans()}) == 1


async def test_a_refusal_is_counted_by_its_code_and_no_error_of_the_call(live_pool, recorded):
    async with live_pool() as pool:
        await pool.add_user()
        config = await pool.app_client()
        async with AuthClient(config, observer=recorded.observer) as auth:
            for name in ("ada", "nobody"):
                with pytest.raises(AuthFlowError):
                    await auth.sign_in(name, f"{PASSWORD}?")
    for each in recorded.named("authflow.sign_in"):
        assert each.attributes["error.type"] == "bad_credentials"
        assert each.status.status_code is StatusCode.UNSET
    (_, last) = recorded.named(RESPOND)
    assert last.status.status_code is StatusCode.ERROR
    calls = {
        told: point.value
        for (name, told), point in recorded.points().items()
        if name == "authflow.client.calls"
    }
    assert calls == {
        (
            ("authflow.call", "sign_in"),
            ("authflow.flow", "USER_SRP_AUTH"),
            ("authflow.outcome", "refused"),
            ("error.type", "bad_credentials"),
        ): 2
    }


@pytest.mark.parametrize("sdk", [True, False], ids=["with an SDK", "without"])
async def test_a_failure_sets_the_status_and_a_cancellation_leaves_no_span_open(
    listening, recorded, caplog, sdk: bool
):
    observer = recorded.observer if sdk else OpenTelemetryObserver()
    reached = asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        reached.set()
        await reader.read()

    async with listening(hang) as port:
        config = AuthConfig(
            user_pool_id="eu-central-1_Abc123def",
            client_id="1",
            endpoint=f"http://127.0.0.1:{port}",
            verify_tokens=False,
        )
        async with AuthClient(config, observer=observer) as auth:
            task = asyncio.ensure_future(auth.sign_in("ada", PASSWORD))
            await reached.wait()
            task.cancel()
            await asyncio.wait([task])
            with pytest.raises(AuthFlowError):
                await auth.resume("none")
    assert observer._open == {}
    assert caplog.text == ""  # such as a context that is left where it never was
    if not sdk:
        return
    assert [each.name for each in recorded.spans()] == [
        *("authflow.sign_in", INITIATE, "authflow.resume"),
    ]
    cancelled, _, failed = recorded.spans()
    assert cancelled.attributes["authflow.outcome"] == "cancelled"
    assert cancelled.status.status_code is StatusCode.UNSET
    assert failed.status.status_code is StatusCode.ERROR


async def test_many_sign_ins_side_by_side_have_their_own_spans_and_few_metrics(live_pool, recorded):
    told = Told()
    async with live_pool() as pool:
        names = [f"user-{number}" for number in range(30)]
        for name in names:
            await pool.add_user(name)
        config = await pool.app_client()
        async with AuthClient(config, observer=[recorded.observer, told]) as auth:

            async def sign_in(name: str) -> None:
                flow = AuthFlow.USER_PASSWORD_AUTH
                if name.endswith("3"):
                    with pytest.raises(AuthFlowError):
                        await auth.sign_in(name, f"{PASSWORD}?", flow=flow)
                else:
                    await auth.sign_in(name, PASSWORD, flow=flow)

            await asyncio.gather(*map(sign_in, names))
    told.check()
    users = {each.sign_in_id: each.user for each in told.events}
    calls = recorded.named("authflow.sign_in")
    assert {
        each.attributes["authflow.sign_in.id"]: each.attributes["enduser.pseudo.id"]
        for each in calls
    } == users
    assert len(set(users.values())) == len(names)
    by_id = {each.context.span_id: each for each in calls}
    for request in recorded.named(INITIATE):
        call = by_id.pop(request.parent.span_id)
        assert request.attributes.get("error.type") == call.attributes.get("error.type")
    assert by_id == {}
    assert len(recorded.points()) <= 6
    assert "user-" not in repr([told for _, told in recorded.points()])


class Raising(SpanProcessor):
    def on_end(self, span: ReadableSpan) -> None:
        raise OSError("canary")


class RaisingMeters(NoOpMeterProvider):
    def get_meter(self, *_: Any, **__: Any) -> Any:
        meter = Mock()
        meter.create_counter().add.side_effect = OSError("canary")
        meter.create_histogram().record.side_effect = OSError("canary")
        return meter


@pytest.mark.parametrize("what", ["spans", "metrics"])
async def test_where_recording_fails_the_task_goes_on_below_no_span_of_ours(
    live_pool, recorded, caplog, what: str
):
    """A worker's task lives on after the call, and so would a span that stays its current one."""
    if what == "spans":
        recorded.tracers.add_span_processor(Raising())
    observer = OpenTelemetryObserver(
        tracer_provider=recorded.tracers,
        meter_provider=RaisingMeters() if what == "metrics" else recorded.meters,
    )
    async with live_pool() as pool:
        await pool.add_user()
        async with AuthClient(await pool.app_client(), observer=observer) as auth:
            for _ in range(2):
                await auth.sign_in("ada", PASSWORD)
                assert not trace.get_current_span().get_span_context().is_valid
    assert observer._open == {}
    assert [each.parent for each in recorded.named("authflow.sign_in")] == [None, None]
    assert len(recorded.named(INITIATE)) == len(recorded.named(RESPOND)) == 2
    assert caplog.text.count("the observer raised OSError") == 1


def test_a_sign_in_that_nobody_ends_is_forgotten_in_time(recorded, monkeypatch):
    monkeypatch.setattr(integration, "MOST_LINKED", 3)
    for number in range(5):
        known = {"call": "sign_in", "call_id": str(number), "sign_in_id": f"{number:032}"}
        recorded.observer.observe(events.SignInBegan(**known))
        recorded.observer.observe(
            events.AnswerAwaited(**known, seconds=0.1, challenge="CUSTOM_CHALLENGE")
        )
    assert [*recorded.observer._last] == [f"{number:032}" for number in (2, 3, 4)]


def test_of_a_sign_in_that_is_over_and_of_other_calls_nothing_is_kept(recorded):
    call = {"call": "sign_in", "call_id": "1"}
    known = {**call, "sign_in_id": f"{1:032}"}
    for began, ended in (
        (events.CallBegan(**call), events.CallSucceeded(**call, seconds=0.1)),
        (
            events.SignInBegan(**known),
            events.AnswerAwaited(**known, seconds=0.1, challenge="CUSTOM_CHALLENGE"),
        ),
        (events.CallBegan(**known), events.UserSignedIn(**known, seconds=0.1)),
    ):
        recorded.observer.observe(began)
        recorded.observer.observe(ended)
    assert recorded.observer._last == {}
    first, asked, last = recorded.spans()
    assert (first.links, asked.links) == ((), ())
    assert [each.context for each in last.links] == [asked.context]
    assert None not in {value for _, told in recorded.points() for _, value in told}


def test_a_request_that_is_open_as_its_call_ends_ends_with_it(recorded):
    call = {"call": "x", "call_id": "1"}
    recorded.observer.observe(events.CallBegan(**call))
    recorded.observer.observe(events.RequestBegan(**call, operation="InitiateAuth"))
    recorded.observer.observe(events.CallCancelled(**call, seconds=0.1))
    assert [each.name for each in recorded.spans()] == ["authflow.x", INITIATE]


def test_events_of_a_call_that_began_before_are_passed_over(recorded):
    recorded.observer.observe(events.RequestBegan(call="x", call_id="1", operation="InitiateAuth"))
    recorded.observer.observe(events.CallSucceeded(call="x", call_id="1", seconds=0.1))
    assert recorded.spans() == []


async def test_without_an_sdk_nothing_is_recorded_and_nothing_fails(live_pool, caplog):
    async with live_pool() as pool:
        await pool.add_user()
        async with AuthClient(await pool.app_client(), observer=OpenTelemetryObserver()) as auth:
            await auth.sign_in("ada", PASSWORD)
    assert "observer" not in caplog.text
