import asyncio
import functools
import logging
import threading
from collections.abc import Callable
from typing import Any

import anyio
import pytest

from authflow.errors import (
    BadCredentialsError,
    ConfigError,
    DeniedError,
    EventError,
    TriggerFailedError,
)
from authflow.triggers import (
    ClaimChanges,
    CustomEmailSenderEvent,
    CustomMessage,
    CustomMessageEvent,
    CustomSMSSenderEvent,
    DefineEvent,
    HandledEvent,
    MigrationEvent,
    PostAuthenticationEvent,
    PostConfirmationEvent,
    PreAuthenticationEvent,
    PreSignUpEvent,
    PreTokenGenerationEvent,
    SignUpDecision,
    TokenChanges,
    Triggers,
    password,
    sequence,
)

LoadEvent = Callable[..., dict[str, Any]]

KINDS: dict[str, type[HandledEvent]] = {
    "custom_email_sender": CustomEmailSenderEvent,
    "custom_message": CustomMessageEvent,
    "custom_sms_sender": CustomSMSSenderEvent,
    "post_authentication": PostAuthenticationEvent,
    "post_confirmation": PostConfirmationEvent,
    "pre_authentication": PreAuthenticationEvent,
    "pre_sign_up": PreSignUpEvent,
    "pre_token_generation_v1": PreTokenGenerationEvent,
    "pre_token_generation_v2": PreTokenGenerationEvent,
    "pre_token_generation_v3": PreTokenGenerationEvent,
}
kinds = pytest.mark.parametrize(("name", "kind"), KINDS.items())


async def nothing(_event: Any) -> None:
    """Change nothing."""


def raising(error: BaseException) -> Callable[[Any], Any]:
    async def handler(_event: Any) -> None:
        raise error

    return handler


# --- what serves ---------------------------------------------------------------------------------


@kinds
async def test_a_coroutine_function_serves_its_kind_of_event(
    load_event: LoadEvent, name: str, kind: type[HandledEvent]
):
    seen = []

    async def handler(event: HandledEvent) -> None:
        seen.append(event)

    raw = load_event(name)
    filled = await Triggers(on={kind: handler}).handle(raw)
    assert filled == {**raw, "response": raw["response"] or {}}
    assert [type(event) for event in seen] == [kind]


async def test_what_a_function_gives_fills_the_event_in(load_event: LoadEvent):
    triggers = Triggers(
        on={
            PreSignUpEvent: lambda _event: SignUpDecision(confirm=True),
            PreTokenGenerationEvent: lambda event: TokenChanges(
                id_token=ClaimChanges(claims={"first": event.groups[0]})
            ),
            CustomMessageEvent: lambda event: CustomMessage(
                sms=f"Your code: {event.code_parameter}"
            ),
        }
    )
    signed_up = await triggers.handle(load_event("pre_sign_up"))
    assert signed_up["response"]["autoConfirmUser"] is True
    tokens = await triggers.handle(load_event("pre_token_generation_v1"))
    changed = tokens["response"]["claimsOverrideDetails"]["claimsToAddOrOverride"]
    assert changed == {"first": "editors"}
    worded = await triggers.handle(load_event("custom_message"))
    assert worded["response"]["smsMessage"] == "Your code: {####}"


async def test_a_plain_function_runs_in_a_thread_of_its_own(load_event: LoadEvent):
    threads = []
    triggers = Triggers(
        on={PostAuthenticationEvent: lambda _event: threads.append(threading.get_ident())}
    )
    await triggers.handle(load_event("post_authentication"))
    assert threads
    assert threading.get_ident() not in threads


class Audit:
    """A handler that is an object."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    async def __call__(self, event: HandledEvent) -> None:
        await asyncio.sleep(0)
        self.seen.append(event.username)

    async def note(self, prefix: str, event: HandledEvent) -> None:
        self.seen.append(prefix + event.username)


async def test_objects_methods_and_partials_serve_too(load_event: LoadEvent):
    audit = Audit()
    for handler in (audit, functools.partial(audit.note, "by ")):
        await Triggers(on={PostAuthenticationEvent: handler}).handle(
            load_event("post_authentication")
        )
    assert audit.seen == ["ada", "by ada"]


def test_lambda_calls_functions_too(load_event: LoadEvent):
    handler = Triggers(on={PreAuthenticationEvent: nothing}).lambda_handler
    raw = load_event("pre_authentication")
    assert handler(raw, object()) == raw


def test_the_triggers_that_functions_serve_are_named_as_in_lambda_config():
    triggers = Triggers(on=dict.fromkeys(KINDS.values(), nothing))
    assert triggers.sources == {
        "CustomEmailSender",
        "CustomMessage",
        "CustomSMSSender",
        "PostAuthentication",
        "PostConfirmation",
        "PreAuthentication",
        "PreSignUp",
        "PreTokenGeneration",
    }
    both = Triggers(policy=sequence(password()), on={PreSignUpEvent: nothing})
    assert both.sources > {"PreSignUp", "DefineAuthChallenge"}


# --- what is refused -----------------------------------------------------------------------------


@kinds
async def test_what_is_refused_on_purpose_reaches_the_client(
    load_event: LoadEvent, name: str, kind: type[HandledEvent]
):
    def deny(_event: Any) -> None:
        raise DeniedError("Sign in from the office, please.")

    for handler in (deny, raising(DeniedError("Sign in from the office, please."))):
        with pytest.raises(DeniedError, match=r"^Sign in from the office, please\.$"):
            await Triggers(on={kind: handler}).handle(load_event(name))


@kinds
@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("canary-13"),
        BadCredentialsError("canary-13"),
        EventError("canary-13"),
        TriggerFailedError("canary-13"),
        StopIteration("canary-13"),
        asyncio.CancelledError("canary-13"),
        ExceptionGroup("canary-13", [DeniedError("canary-13")]),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_any_other_error_refuses_and_stays_inside(
    load_event: LoadEvent,
    caplog: pytest.LogCaptureFixture,
    name: str,
    kind: type[HandledEvent],
    error: Exception,
):
    caplog.set_level(logging.DEBUG)

    def plain(_event: Any) -> None:
        raise error

    for handler in (plain, raising(error)):
        with pytest.raises(TriggerFailedError) as caught:
            await Triggers(on={kind: handler}).handle(load_event(name))
        assert str(caught.value) == f"the handler of {kind.trigger} failed"
        assert caught.value.__cause__ is not None
    assert kind.trigger in caplog.text
    assert "canary-13" not in caplog.text


@kinds
@pytest.mark.parametrize("result", [True, False, "yes", 0, {}, [], {"response": {}}])
async def test_a_result_of_another_form_refuses(
    load_event: LoadEvent, name: str, kind: type[HandledEvent], result: Any
):
    with pytest.raises(TriggerFailedError, match=kind.trigger) as caught:
        await Triggers(on={kind: lambda _event: result}).handle(load_event(name))
    assert type(result).__name__ in str(caught.value.__cause__)


async def test_a_result_that_cognito_would_not_take_refuses(load_event: LoadEvent):
    triggers = Triggers(on={CustomMessageEvent: lambda _event: CustomMessage(sms="no code in it")})
    with pytest.raises(TriggerFailedError) as caught:
        await triggers.handle(load_event("custom_message"))
    assert "{####}" in str(caught.value.__cause__)
    assert "{####}" not in str(caught.value)


@kinds
async def test_an_event_that_no_function_serves_is_refused(
    load_event: LoadEvent, name: str, kind: type[HandledEvent]
):
    others = dict.fromkeys(set(KINDS.values()) - {kind}, nothing)
    with pytest.raises(EventError, match=kind.trigger):
        await Triggers(on=others).handle(load_event(name))


@kinds
async def test_functions_serve_no_foreign_pool_or_app_client(
    load_event: LoadEvent, name: str, kind: type[HandledEvent]
):
    called = []
    on = {kind: called.append}
    with pytest.raises(EventError, match="user pool"):
        await Triggers(on=on, user_pool_id="eu-central-1_OTHER").handle(load_event(name))
    with pytest.raises(EventError, match="app client"):
        await Triggers(on=on, client_ids=["other"]).handle(load_event(name))
    assert called == []


async def test_an_administrators_event_names_no_app_client(load_event: LoadEvent):
    raw = load_event("custom_message_invitation")
    on = {CustomMessageEvent: nothing}
    with pytest.raises(EventError, match="app client"):
        await Triggers(on=on, client_ids=["1example23456789"]).handle(raw)
    served = Triggers(on=on, client_ids=["1example23456789", "CLIENT_ID_NOT_APPLICABLE"])
    assert await served.handle(raw) == raw


@pytest.mark.parametrize(
    "on",
    [
        None,
        [PreSignUpEvent],
        {DefineEvent: nothing},
        {MigrationEvent: nothing},
        {HandledEvent: nothing},
        {"PreSignUp": nothing},
        {PreSignUpEvent: None},
        {PreSignUpEvent: "my_module.check"},
    ],
)
def test_what_cannot_serve_is_refused_at_once(on: Any):
    with pytest.raises(ConfigError, match="on="):
        Triggers(policy=sequence(password()), on=on)


def test_the_mapping_may_change_later_without_effect():
    on = {PreSignUpEvent: nothing}
    triggers = Triggers(on=on)
    on.clear()
    assert triggers.sources == {"PreSignUp"}


async def test_cancelling_cancels_a_function(load_event: LoadEvent):
    started = asyncio.Event()

    async def slow(_event: Any) -> None:
        started.set()
        await asyncio.Event().wait()

    triggers = Triggers(on={PreAuthenticationEvent: slow})
    task = asyncio.create_task(triggers.handle(load_event("pre_authentication")))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_time_limit_does_not_wait_for_a_plain_function(load_event: LoadEvent):
    started, end, finished = threading.Event(), threading.Event(), threading.Event()

    def slow(_event: Any) -> None:
        started.set()
        end.wait(5)
        finished.set()

    triggers = Triggers(on={PreAuthenticationEvent: slow})
    try:
        async with anyio.create_task_group() as group:
            group.start_soon(triggers.handle, load_event("pre_authentication"))
            while not started.is_set():
                await anyio.sleep(0)
            group.cancel_scope.cancel()
        assert not finished.is_set()
    finally:
        end.set()
