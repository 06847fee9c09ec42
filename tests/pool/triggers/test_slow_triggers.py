"""Triggers that hold sign-ins: whoever does not wait for them, does not wait."""

import asyncio
import json
import threading

import anyio
import pytest
from attrs import evolve

from authflow.pool.admission.lane import Ticket, at_work
from authflow.pool.admission.outside_waits import OutsideWaits
from authflow.pool.cognito_errors import CognitoError
from authflow.pool.triggers.invokers import InProcess
from authflow.pool.triggers.lambda_endpoint import LambdaEndpoint
from authflow.pool.triggers.runner import TriggerRunner
from authflow.triggers import (
    CustomMessageEvent,
    PostAuthenticationEvent,
    PreAuthenticationEvent,
    PreTokenGenerationEvent,
    Triggers,
)
from authflow.triggers.places import Places
from tests.pool.triggers.conftest import ARN, SOURCES
from tests.pool.triggers.test_occasion import POOL, occasion

HELD = 60
"""More than the threads that all others share."""


class Gate:
    """Handlers wait here for the test."""

    def __init__(self):
        self.opened = threading.Event()
        self.come = 0

    def __call__(self, event, context=None):
        self.come += 1
        self.opened.wait()
        return event

    async def held(self, count):
        with anyio.fail_after(50):
            while self.come < count:
                await anyio.sleep(0.005)


@pytest.fixture
def gate():
    gate = Gate()
    yield gate
    gate.opened.set()


def plainly(gate):
    return gate


def by_our_triggers(gate):
    """As functions of the owner's, which are no coroutine functions either."""

    def function(event):
        gate(event)

    kinds = (
        PreAuthenticationEvent,
        PostAuthenticationEvent,
        PreTokenGenerationEvent,
        CustomMessageEvent,
    )
    return Triggers(on=dict.fromkeys(kinds, function))


BEGINNINGS = {
    "DefineAuthChallenge": lambda house, _: ("InitiateAuth", house.begin("CUSTOM_AUTH")),
    # Of one name one is asked about at a time.
    "UserMigration": lambda house, number: ("InitiateAuth", house.by_password(f"old{number}")),
    "PreAuthentication": lambda house, _: ("InitiateAuth", house.by_password()),
    "PostAuthentication": lambda house, _: ("InitiateAuth", house.by_password()),
    "PreTokenGeneration": lambda house, _: ("InitiateAuth", house.by_password()),
}


@pytest.mark.parametrize(
    "case",
    [
        *((source, plainly) for source in BEGINNINGS),
        *((source, by_our_triggers) for source in BEGINNINGS if source.startswith("P")),
    ],
)
async def test_who_is_held_by_a_slow_trigger_stalls_nobody_else(
    start, settle, gate, python_function, case
):
    source, made = case
    handlers = {"slow": made(gate), "one": python_function("riddle.py")}
    api = await start(triggers=handlers, trigger_timeout=40)
    slow = await settle(api, {"LambdaConfig": {s: ARN.format("slow") for s in (*SOURCES, source)}})
    quick = await settle(api, {"LambdaConfig": dict.fromkeys(SOURCES, ARN.format("one"))})
    await slow.add_user()
    await quick.add_user()
    requests = [BEGINNINGS[source](slow, number) for number in range(HELD)]
    held = [
        asyncio.create_task(api.post(operation, json.dumps(request)))
        for operation, request in requests
    ]
    await gate.held(HELD)
    asked = await quick.api("InitiateAuth", **quick.begin("CUSTOM_AUTH"))
    answer = quick.answer("CUSTOM_CHALLENGE", "ann", asked["Session"], ANSWER="4")
    assert "AuthenticationResult" in await quick.api("RespondToAuthChallenge", **answer)
    gate.opened.set()
    await asyncio.gather(*held)


def runner(gate, most, **settings):
    invoker = InProcess(triggers={"slow": gate}, places=Places(most))
    return TriggerRunner(invokers=[invoker], **settings)


def pool_of(number):
    config = {"LambdaConfig": {"PreAuthentication": ARN.format("slow")}}
    return evolve(POOL, id=f"us-east-1_{number}", settings=config)


EVENT = PreAuthenticationEvent(**occasion().about_user)


async def consult(triggers, pool):
    await triggers.consult(pool, evolve(EVENT, user_pool_id=pool.id))


async def test_beyond_its_places_a_trigger_is_throttled_once_its_time_is_over(gate):
    triggers = runner(gate, 2, timeout=30)
    pool = pool_of(1)
    async with asyncio.TaskGroup() as tasks:
        for _ in range(2):
            tasks.create_task(triggers.consult(pool, EVENT))
        await gate.held(2)
        triggers.timeout = 0.1
        with pytest.raises(CognitoError) as refused:
            await triggers.consult(pool, EVENT)
        assert (refused.value.code, refused.value.message) == (
            "UnexpectedLambdaException",
            "PreAuthentication invocation failed: it is throttled.",
        )
        assert gate.come == 2
        triggers.timeout = 30
        waiting = tasks.create_task(triggers.consult(pool, EVENT))
        other = tasks.create_task(triggers.consult(pool_of(2), EVENT))
        await gate.held(3)  # another pool has places of its own
        assert not waiting.done()
        gate.opened.set()
    assert waiting.done()
    assert other.done()


async def test_where_too_many_wait_for_a_pools_triggers_it_is_throttled_at_once(gate):
    full = OutsideWaits(room=1)
    ticket = Ticket(lane=None, address="a", name=b"", outside_waits=full)
    with (
        full.waiting(pool_of(2).id, CognitoError("", "")),
        at_work(ticket),
        pytest.raises(CognitoError) as refused,
    ):
        await consult(runner(gate, 2), pool_of(1))
    assert (refused.value.code, refused.value.message) == (
        "UnexpectedLambdaException",
        "PreAuthentication invocation failed: it is throttled.",
    )
    assert gate.come == 0


async def test_what_was_abandoned_counts_until_it_ends(gate):
    triggers = runner(gate, 3, timeout=0.1)
    pool = pool_of(1)
    with pytest.raises(CognitoError, match="it took too long"):
        await triggers.consult(pool, EVENT)
    await gate.held(3)  # it was tried three times; the last thread may still be on its way
    with pytest.raises(CognitoError, match="it is throttled"):
        await triggers.consult(pool, EVENT)
    assert gate.come == 3
    gate.opened.set()
    triggers.timeout = 30
    await triggers.consult(pool, EVENT)
    assert gate.come == 4


async def test_a_slow_function_at_the_endpoint_has_places_of_its_own_too(local_lambda):
    opened, begun = asyncio.Event(), []

    async def slow(event, context):
        begun.append(event)
        await opened.wait()
        return event

    local_lambda.functions["slow"] = slow
    endpoint = LambdaEndpoint(url=local_lambda.url, region="us-east-1", places=Places(2))
    async with endpoint, asyncio.TaskGroup() as tasks:
        triggers = TriggerRunner(invokers=[endpoint], timeout=30)
        for _ in range(3):
            tasks.create_task(consult(triggers, pool_of(1)))
        tasks.create_task(consult(triggers, pool_of(2)))
        with anyio.fail_after(30):
            while len(begun) < 3:
                await anyio.sleep(0.005)
        pools = sorted(event["userPoolId"] for event in begun)
        assert pools == ["us-east-1_1", "us-east-1_1", "us-east-1_2"]
        opened.set()
    assert len(begun) == 4
