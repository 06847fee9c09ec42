"""An observer only watches: whatever becomes of it, the sign-in goes on."""

import asyncio
import functools
import hashlib
import logging
from collections.abc import Collection
from contextlib import suppress
from typing import Any

import botocore.session
import pytest

from authflow import AuthClient, AuthConfig, AuthFlow
from authflow.client.events import CallBegan, ClientEvent, UserSignedIn
from authflow.client.exchange import Exchange
from authflow.client.observation import Observation
from authflow.errors import AuthFlowError, MisuseError, PluginFailedError
from authflow.integrations.logging import LoggingObserver
from authflow.wire import Request
from testbed.client_operations import CLIENT_OPERATIONS
from testbed.told_events import Told

REPLY = {"AuthenticationResult": {"AccessToken": "a", "IdToken": "i", "ExpiresIn": 300}}
SENT = Request(operation="InitiateAuth", body={"ClientId": "1"})


class Asynchronous:
    async def __call__(self, exchange: Exchange) -> None: ...


class AsynchronousObserver:
    async def observe(self, event: ClientEvent) -> None: ...


class NoObserver:
    observe = "canary"


class Yielding:
    def observe(self, event: ClientEvent) -> Any:
        yield event


class YieldingLater:
    async def observe(self, event: ClientEvent) -> Any:
        yield event


def yielding(exchange: Exchange) -> Any:
    yield exchange


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
        AsynchronousObserver(),
        NoObserver(),
        Told,
        [Told(), 5],
        [[Told()]],
        b"canary",
        {"canary": 1},
        Yielding(),
        YieldingLater(),
        yielding,
    ],
    ids=[
        *("function", "partial", "object", "method", "text", "number", "no function"),
        *("asynchronous observer", "no method", "class", "list", "list of lists", "bytes", "map"),
        *("generator", "asynchronous generator", "generator function"),
    ],
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
        asyncio.CancelledError("canary"),
        GeneratorExit("canary"),
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


async def test_a_log_that_fails_as_an_observer_writes_to_it_loses_no_sign_in(scripted, caplog):
    """The same handler would have to say that the observer failed."""

    class Full(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise OSError("no space left on device")

    caplog.set_level(logging.INFO, "authflow")
    full, told, ours = Full(), Told(), logging.getLogger("authflow")
    ours.addHandler(full)
    try:
        async with (
            scripted.serve(REPLY) as server,
            AuthClient(server.config(), observer=[LoggingObserver(), told]) as auth,
        ):
            await auth.sign_in("ada", "hunter2", flow=AuthFlow.USER_PASSWORD_AUTH)
    finally:
        ours.removeHandler(full)
    assert told.lines()[-1] == "user_signed_in"


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


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_what_ends_the_process_passes(error: type[BaseException]):
    def observer(exchange: Exchange) -> None:
        raise error

    with pytest.raises(error):
        Observation(observer)(SENT, REPLY)


EVENT = CallBegan(call="sign_in", call_id="1")


@pytest.mark.parametrize("error", [ValueError("canary"), asyncio.CancelledError, KeyboardInterrupt])
def test_of_several_observers_each_is_told_whatever_the_others_do(caplog, error: Any):
    class Failing:
        def observe(self, event: ClientEvent) -> None:
            raise error

    first, last, exchanges = Told(), Told(), []
    observation = Observation([first, Failing(), exchanges.append, Failing(), last])
    for _ in range(2):
        with suppress(BaseException):
            observation.tell(EVENT)
        observation(SENT, REPLY)
    assert first.events == last.events == [EVENT] * 2
    assert len(exchanges) == 2
    warned = 0 if error is KeyboardInterrupt else 2  # once for each that fails
    assert len([each for each in caplog.records if each.levelno == logging.WARNING]) == warned
    assert "canary" not in caplog.text


async def test_an_interruption_in_an_observer_ends_the_call_once(scripted):
    """Ctrl-C may come while an observer runs: also at the first event, and at the last."""
    for interrupted in (ClientEvent, UserSignedIn):

        class Interrupted:
            def observe(self, event: ClientEvent, kind: Any = interrupted) -> None:
                if isinstance(event, kind):
                    raise SystemExit

        told = Told()
        async with (
            scripted.serve(REPLY) as server,
            AuthClient(server.config(), observer=[Interrupted(), told]) as auth,
        ):
            signing = auth.sign_in("ada", "hunter2", flow=AuthFlow.USER_PASSWORD_AUTH)
            with pytest.raises(SystemExit):
                signing.send(None) if interrupted is ClientEvent else await signing
        told.check()


async def test_an_observer_that_fails_loses_no_sign_in_and_no_other_observer(scripted, caplog):
    class Failing:
        def observe(self, event: ClientEvent) -> None:
            raise ValueError("canary")

    told = Told()
    async with (
        scripted.serve(REPLY, REPLY) as server,
        AuthClient(server.config(), observer=(Failing(), told)) as auth,
    ):
        for _ in range(2):
            await auth.sign_in("ada", "hunter2", flow=AuthFlow.USER_PASSWORD_AUTH)
    assert [type(each) for each in told.events].count(UserSignedIn) == 2
    assert caplog.text.count("the observer raised ValueError") == 1
    assert "canary" not in caplog.text


async def test_an_observer_may_call_the_client_again_and_each_call_has_its_own_events(scripted):
    class Again(Told):
        def observe(self, event: ClientEvent) -> None:
            super().observe(event)
            if isinstance(event, UserSignedIn) and len(tasks) < 3:
                tasks.append(asyncio.ensure_future(sign_in()))

    tasks: list[Any] = []
    told = Again()
    async with (
        scripted.serve(*[REPLY] * 4) as server,
        AuthClient(server.config(), observer=told) as auth,
    ):

        async def sign_in() -> None:
            await auth.sign_in("ada", "hunter2", flow=AuthFlow.USER_PASSWORD_AUTH)

        await sign_in()
        while len(tasks) < 3 or not all(each.done() for each in tasks):
            await asyncio.sleep(0.001)
    told.check()
    assert len({each.sign_in_id for each in told.events}) == 4


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


NAMES = {
    *("Name", "AttributeName", "UserAttributeNames", "Username", "UserPoolId", "GroupName"),
    *("Description", "RoleArn", "Filter", "AttributesToGet", "DesiredDeliveryMediums"),
    "MessageAction",
}
"""Members that name or describe what an operation is about: no secret is among them."""


def filled(shape: Any, told: list[str], *, but: Collection[str] = ()) -> Any:
    """A value of a shape of Cognito's model, each text of which is another canary.

    Args:
        shape: The shape.
        told: The canaries are added to it.
        but: Members whose canaries are not.
    """
    if shape.type_name == "structure":
        return {
            name: filled(each, [f"{name}-"] if name in but else told, but=but)
            for name, each in shape.members.items()
        }
    if shape.type_name == "map":
        return {f"N{len(told)}": filled(shape.value, told, but=but)}
    if shape.type_name == "list":
        return [filled(shape.member, told, but=but)]
    if shape.type_name != "string":
        return 7
    told.append(hashlib.sha256(f"{len(told)} {shape.name}".encode()).hexdigest()[:24])
    return told[-1]  # of two no parts are alike


OPEN = {"AuthFlow", "ClientId", "ChallengeName", "ExpiresIn", "TokenType"}
"""The members that an observer sees, at the top of a request or a reply."""


def test_of_every_operation_an_observer_sees_only_what_is_harmless():
    model = botocore.session.Session().get_service_model("cognito-idp")
    for operation in CLIENT_OPERATIONS:
        shapes = model.operation_model(operation)
        told: list[str] = []
        body = filled(shapes.input_shape, told)
        reply = filled(shapes.output_shape, told) if shapes.output_shape else {}
        harmless = {str(each[name]) for each in (body, reply) for name in OPEN & each.keys()}
        harmless |= {
            str(value)
            for name, value in (reply.get("AuthenticationResult") or {}).items()
            if name in OPEN
        }
        seen = repr(Exchange.of(Request(operation=operation, body=body), reply))
        assert {each for each in told if each in seen} <= harmless, operation


def test_of_every_operation_nothing_that_was_sent_is_seen_in_what_came():
    model = botocore.session.Session().get_service_model("cognito-idp")
    for operation in CLIENT_OPERATIONS:
        told: list[str] = []
        body = filled(model.operation_model(operation).input_shape, told, but=NAMES)
        hidden = set(told) - {str(body.get(name)) for name in OPEN}
        request = Request(operation=operation, body=body)
        for each in hidden - _short_of(body):
            replies: list[dict[str, Any]] = [
                {"TokenType": each},
                {"ChallengeName": f"of {each.upper()}"},
                {each: "x"},
                {"AuthenticationResult": {"TokenType": each, each: "x"}},
            ]
            for reply in replies:
                seen = repr(Exchange.of(request, reply).received)
                assert each not in seen.lower(), (operation, each)


def _short_of(body: dict[str, Any]) -> set[str]:
    """What goes with an analysis of the sign-ins alone."""
    return {str(each) for each in (body.get("AnalyticsMetadata") or {}).values()}
