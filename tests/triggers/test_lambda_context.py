"""The context of a Python handler, as AWS documents it."""

import time

import pytest

from authflow.triggers import lambda_context
from authflow.triggers.lambda_context import LambdaContext

DOCUMENTED = {
    "function_name": str,
    "function_version": str,
    "invoked_function_arn": str,
    "memory_limit_in_mb": str,
    "aws_request_id": str,
    "log_group_name": str,
    "log_stream_name": str,
}


@pytest.mark.parametrize("name", DOCUMENTED)
def test_it_has_each_attribute_that_is_documented(name):
    assert isinstance(getattr(LambdaContext.of("define"), name), DOCUMENTED[name])


def test_nobody_is_said_to_have_invoked_a_trigger_from_a_telephone():
    context = LambdaContext.of("define")
    assert context.identity.cognito_identity_id is None
    assert context.identity.cognito_identity_pool_id is None
    assert context.client_context is None


def test_it_names_the_function_and_how_it_was_invoked():
    context = LambdaContext.of("define", arn="arn:aws:lambda:eu-west-1:1:function:define:live")
    assert context.function_name == "define"
    assert context.invoked_function_arn.endswith(":define:live")
    assert LambdaContext.of("define").invoked_function_arn.endswith(":function:define")


def test_each_invocation_has_an_id_of_its_own():
    assert len({LambdaContext.of("define").aws_request_id for _ in range(9)}) == 9


@pytest.mark.parametrize(
    ("seconds", "at_first"), [(2.0, 2000), (5.0, 5000), (60.0, 5000), (float("inf"), 5000)]
)
def test_the_time_that_is_left_runs_out(seconds, at_first, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(lambda_context.time, "monotonic", lambda: now[0])
    context = LambdaContext.of("define", seconds=seconds)
    assert context.get_remaining_time_in_millis() == at_first
    now[0] += 1.5
    assert context.get_remaining_time_in_millis() == at_first - 1500
    now[0] += 99
    assert context.get_remaining_time_in_millis() == 0


def test_a_handler_may_put_things_on_it_and_log_by_it(capsys):
    context = LambdaContext.of("define", seconds=time.monotonic())
    context.callback_waits = False  # type: ignore[attr-defined]
    context.log("seen\n")
    assert capsys.readouterr().out == "seen\n"
