"""An observer only watches: whatever becomes of it, the sign-in goes on."""

import asyncio
import functools
import logging
from typing import Any

import pytest

from authflow import AuthClient, AuthConfig, AuthFlow
from authflow.client.exchange import Exchange
from authflow.client.observation import Observation
from authflow.errors import AuthFlowError, MisuseError, PluginFailedError
from authflow.wire import Request

REPLY = {"AuthenticationResult": {"AccessToken": "a", "IdToken": "i", "ExpiresIn": 300}}
SENT = Request(operation="InitiateAuth", body={"ClientId": "1"})


class Asynchronous:
    async def __call__(self, exchange: Exchange) -> None: ...


async def coroutine_function(exchange: Exchange, _: int = 0) -> None: ...


@pytest.mark.parametrize(
    "observer",
    [
        coroutine_function,
        functools.partial(coroutine_function, _=1),
        Asynchronous(),
        Asynchronous().__call__,
        "print",
        5,
        object(),
    ],
    ids=["function", "partial", "object", "method", "text", "number", "no function"],
)
def test_what_cannot_be_called_and_waited_for_is_refused_when_the_client_is_made(observer: Any):
    config = AuthConfig(user_pool_id="eu-central-1_A", client_id="1")
    with pytest.raises(MisuseError, match="observer must be"):
        AuthClient(config, observer=observer)


@pytest.mark.parametrize(
    "error",
    [
        ValueError("canary"),
        KeyError("canary"),
        PluginFailedError("canary"),
        MisuseError("canary"),
        RecursionError("canary"),
        StopIteration("canary"),
        ExceptionGroup("canary", [ValueError()]),
        AssertionError(),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_an_observer_that_raises_loses_no_sign_in_and_is_logged_once(scripted, caplog, error):
    def observer(exchange: Exchange) -> None:
        raise error

    async with (
        scripted.serve(REPLY, REPLY) as server,
        AuthClient(server.config(), observer=observer) as auth,
    ):
        for _ in range(2):
            await auth.sign_in("ada", "hunter2", flow=AuthFlow.USER_PASSWORD_AUTH)
    told = [each for each in caplog.records if each.name.startswith("authflow")]
    assert [each.levelno for each in told] == [logging.WARNING]
    assert type(error).__name__ in told[0].getMessage()
    assert "canary" not in caplog.text
    assert "hunter2" not in caplog.text


async def test_an_observer_that_raises_hides_no_refusal(scripted):
    def observer(exchange: Exchange) -> None:
        raise exchange.error or ValueError

    no = scripted.error("NotAuthorizedException", "Incorrect username or password.")
    async with (
        scripted.serve(no) as server,
        AuthClient(server.config(), observer=observer) as auth,
    ):
        with pytest.raises(AuthFlowError, match="wrong username, password or answer"):
            await auth.sign_in("ada", "hunter2", flow=AuthFlow.USER_PASSWORD_AUTH)


@pytest.mark.parametrize("error", [asyncio.CancelledError, KeyboardInterrupt, SystemExit])
def test_what_ends_a_task_or_the_process_passes(error: type[BaseException]):
    def observer(exchange: Exchange) -> None:
        raise error

    with pytest.raises(error):
        Observation(observer)(SENT, REPLY)


@pytest.mark.filterwarnings("error")
def test_a_coroutine_that_comes_of_it_is_closed_and_told_of(caplog):
    Observation(lambda exchange: coroutine_function(exchange, 1))(SENT, REPLY)
    assert "gave a coroutine" in caplog.text


def test_a_reply_that_cannot_be_shown_loses_no_sign_in_either(caplog):
    nested: dict[str, Any] = {}
    for _ in range(2_000):
        nested = {"ChallengeParameters": nested}
    Observation(print)(SENT, nested)
    assert "RecursionError" in caplog.text


def test_an_observer_may_be_any_callable(caplog):
    seen: list[Exchange] = []
    for observer in (seen.append, functools.partial(seen.insert, 0)):
        Observation(observer)(SENT, REPLY)
    assert [each.operation for each in seen] == ["InitiateAuth"] * 2
    assert caplog.text == ""


@pytest.mark.parametrize("secret", ["hunter2-secret", "zebra-otter-77", "x" * 40])
def test_an_observer_sees_nothing_of_what_was_sent_in_what_came(secret):
    sent = Request(
        operation="InitiateAuth",
        body={"AuthParameters": {"USERNAME": "ada", "PASSWORD": secret}, "ClientId": "1"},
    )
    replies: list[dict[str, Any]] = [
        {"ChallengeName": secret},
        {"ChallengeName": f"of {secret}"},
        {"ChallengeName": "SMS_MFA", "ChallengeParameters": {"USERNAME": secret.upper()}},
        {secret: "x"},
        {"ChallengeParameters": {secret: "x", "USERNAME": "ada"}},
        {"ChallengeParameters": {"attempt": secret, f"no-{secret}": "x"}},
        {"AuthenticationResult": {"TokenType": secret, secret: 1}},
    ]
    seen: list[Exchange] = []
    for reply in replies:
        Observation(seen.append)(sent, reply)
    assert secret not in repr([each.received for each in seen]).lower()
    assert seen[2].received["ChallengeName"] == "SMS_MFA"
    assert seen[4].received["ChallengeParameters"] == {"***": "***", "USERNAME": "ada"}


def test_names_that_cognito_documents_are_shown_whatever_was_sent():
    sent = Request(operation="InitiateAuth", body={"AuthParameters": {"PASSWORD": "SMS_MFA"}})
    seen: list[Exchange] = []
    Observation(seen.append)(sent, {"ChallengeName": "SMS_MFA", "Session": "s" * 20})
    assert seen[0].received == {"ChallengeName": "SMS_MFA", "Session": "***"}
