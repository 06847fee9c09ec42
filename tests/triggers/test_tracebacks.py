"""What a trigger raises leads to no answer, no private parameter and no password, whoever fails.

The owner's own code, for which the functions of this file stand, keeps its frames.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import anyio
import pytest

from authflow.errors import (
    AuthFlowError,
    DeniedError,
    DirectoryRecordError,
    DirectoryUnavailableError,
    EventError,
    PluginFailedError,
)
from authflow.plugins import Issued, Outcome
from authflow.triggers import (
    PostAuthenticationEvent,
    PreAuthenticationEvent,
    Triggers,
    challenge,
    migrating,
)

LoadEvent = Callable[..., dict[str, Any]]
PRIVATE = {"authflow.round": "odd 1/3", "answer": "canary-private"}
ENDS: dict[str, Any] = {
    "an error": ZeroDivisionError("of the owner's"),
    "an error of ours": DirectoryUnavailableError("no"),
    "a refusal": DeniedError("no"),
    "a record of no use": DirectoryRecordError("no"),
    "something else": ["canary-result"],
    "a sign-in that ends": Outcome.failed("tired"),
    "too large a parameter": Issued(public={"a": "x" * 200_000}, private={"b": "canary-private"}),
    "a reserved parameter": Issued(public={"challenge": "x"}, private={"b": "canary-private"}),
    "an end": asyncio.CancelledError(),
}
EVENTS = {
    "create_first": {},
    "verify": {"privateChallengeParameters": PRIVATE, "challengeAnswer": "canary-answer"},
    "migration_authentication": {"password": "canary-password"},
    "post_authentication": {"clientMetadata": {"x": "canary-metadata"}},
}
MALFORMED = {
    "verify": {"privateChallengeParameters": PRIVATE, "challengeAnswer": ["canary-answer"]},
    "migration_authentication": {"password": ["canary-password"]},
}


def triggers_that(end: Any) -> Triggers:
    """Triggers of which everything that the owner can write ends so."""

    async def ends(*_: object) -> Any:
        if isinstance(end, BaseException):
            raise type(end)(*end.args)  # a new one: what was raised before keeps its frames
        if end == "wait":
            await anyio.sleep_forever()
        return end

    class Odd:
        name = "odd"
        metadata = "ODD"
        interface = 1
        create = ends
        verify = ends

    return Triggers(
        policy=challenge("odd"),
        challenges=[Odd],
        directory=migrating(authenticate=ends),
        on={PostAuthenticationEvent: ends, PreAuthenticationEvent: ends},
    )


def leak(told: str) -> str:
    found = told.find("canary")
    return "" if found < 0 else told[max(0, found - 300) : found + 40]


@pytest.mark.parametrize("name", EVENTS)
@pytest.mark.parametrize("end", ENDS)
async def test_no_error_of_a_trigger_leads_to_a_secret(
    load_event: LoadEvent, everything_told, name: str, end: str
):
    event = load_event(name, **EVENTS[name])
    ended: BaseException | None = None
    try:
        await triggers_that(ENDS[end]).handle(event)
    except BaseException as error:  # noqa: BLE001  # whatever it is, it must not leak
        ended = error
    if ended is not None:
        # A cancellation keeps all frames: what they hold does not show what is in it.
        ours = isinstance(ended, AuthFlowError)
        assert not leak(everything_told(ended, attributes=ours))


@pytest.mark.parametrize("name", EVENTS)
@pytest.mark.parametrize("by", ["cancel", "asyncio.timeout", "anyio"])
async def test_no_cancellation_of_a_trigger_leads_to_a_secret(
    load_event: LoadEvent, everything_told, name: str, by: str
):
    serving = triggers_that("wait").handle(load_event(name, **EVENTS[name]))
    caught: list[BaseException] = []

    async def run() -> None:
        try:
            await serving
        except BaseException as error:
            caught.append(error)
            raise

    if by == "cancel":
        task = asyncio.ensure_future(run())
        await anyio.wait_all_tasks_blocked()
        task.cancel()
        await asyncio.wait([task])
    elif by == "asyncio.timeout":
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await run()
    else:
        with anyio.move_on_after(0.02):
            await run()
    assert not leak(everything_told(caught[0], attributes=False))


@pytest.mark.parametrize("name", MALFORMED)
async def test_no_malformed_event_is_told(load_event: LoadEvent, everything_told, name: str):
    with pytest.raises(EventError) as malformed:
        await triggers_that(None).handle(load_event(name, **MALFORMED[name]))
    assert not leak(everything_told(malformed.value))


@pytest.mark.parametrize("name", EVENTS)
def test_the_handler_on_lambda_holds_no_event(load_event: LoadEvent, everything_told, name: str):
    with pytest.raises(AuthFlowError) as failed:
        triggers_that(ENDS["an error"]).lambda_handler(load_event(name, **EVENTS[name]), None)
    assert not leak(everything_told(failed.value))


async def test_the_owners_own_frames_stay(load_event: LoadEvent):
    """Whoever wrote the plugin finds in the cause where it went wrong."""
    with pytest.raises(PluginFailedError) as failed:
        await triggers_that(ENDS["an error"]).handle(load_event("verify", **EVENTS["verify"]))
    cause = failed.value.__cause__
    assert isinstance(cause, ZeroDivisionError)
    assert cause.__traceback__.tb_frame.f_code.co_name == "ends"
