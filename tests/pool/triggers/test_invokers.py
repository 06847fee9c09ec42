"""Handlers in the pool's own process: what they get beside the event."""

import asyncio

import pytest

ARN = "arn:aws:lambda:us-east-1:000000000000:function:{}"


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize(("timeout", "most"), [({}, 5000), ({"trigger_timeout": 2}, 2000)])
async def test_a_handler_gets_a_context_like_lambdas(start, settle, is_async, timeout, most):
    contexts, left = [], []

    def handler(event, context):
        contexts.append(context)
        left.append(context.get_remaining_time_in_millis())
        return event

    async def awaited(event, context):
        return handler(event, context)

    triggers = {"one": awaited if is_async else handler}
    config = {"PreAuthentication": ARN.format("one"), "PostAuthentication": ARN.format("one")}
    house = await settle(await start(triggers=triggers, **timeout), {"LambdaConfig": config})
    await house.add_user()
    await house.tokens()
    assert [context.function_name for context in contexts] == ["one", "one"]
    assert [context.invoked_function_arn for context in contexts] == [ARN.format("one")] * 2
    assert len({context.aws_request_id for context in contexts}) == 2
    assert all(0 < each <= most for each in left)


async def test_a_handler_that_ends_by_a_cancellation_of_nobodys_has_raised(start, settle):
    async def ends(_event, _context):
        raise asyncio.CancelledError

    config = {"LambdaConfig": {"PreAuthentication": ARN.format("one")}}
    house = await settle(await start(triggers={"one": ends}), config)
    await house.add_user()
    refusal = await house.api.refused("InitiateAuth", **house.by_password())
    assert refusal.code == "UserLambdaValidationException"
