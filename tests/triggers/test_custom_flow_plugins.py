"""Plugins at work that fail, are missing, or do not fit: all of it fails closed."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest

from authflow.errors import (
    ConfigError,
    EventError,
    PluginConflictError,
    PluginFailedError,
    PluginNotFoundError,
)
from authflow.triggers import Issued, challenge, password

LoadEvent = Callable[..., dict[str, Any]]


async def test_no_challenge_is_made_that_is_not_owed(triggers_of, load_event: LoadEvent):
    with pytest.raises(EventError, match="owed"):
        await triggers_of(password(), challenge("sum")).handle(load_event("create_first"))


@pytest.mark.parametrize(
    "private",
    [
        None,
        {},
        {"answer": "5"},
        {"authflow.round": "word 1/3"},
        {"authflow.round": "password"},
        {"authflow.round": "begin"},
    ],
)
async def test_an_answer_to_a_challenge_of_somebody_else_is_refused(
    triggers_of, load_event: LoadEvent, private: Any
):
    with pytest.raises(EventError, match="not made by these triggers"):
        await triggers_of(challenge("sum")).handle(
            load_event("verify", privateChallengeParameters=private)
        )


async def test_the_plugin_judges_the_answer_of_an_unknown_user_too(
    triggers_of, load_event: LoadEvent
):
    triggers = triggers_of(challenge("sum"))
    filled = await triggers.handle(load_event("verify", userNotFound=True))
    assert filled["response"]["answerCorrect"] is True  # anybody can answer it: Define has the say
    assert len(triggers._flow.plugins.made["sum"].verified) == 1


# --- plugins that fail ---------------------------------------------------------------------------


def broken(sums: Any, *, create: Any = None, verify: Any = None):
    """Make a plugin class whose methods give what they are told, or raise it."""

    async def give(result: Any):
        if isinstance(result, BaseException):
            raise result
        return result

    class Broken(sums):
        async def create(self, _context: Any):
            return await give(create)

        async def verify(self, _context: Any):
            return await give(verify)

    return Broken


@pytest.mark.parametrize(
    "issued",
    [
        RuntimeError("canary-5"),
        asyncio.CancelledError("canary-5"),
        None,
        {"public": {}, "private": {}},
        Issued(public={"challenge": "other"}, private={}),
        Issued(public={"attempt": "1"}, private={}),
        Issued(public={"attempts": "9"}, private={}),
        Issued(public={"USERNAME": "eve"}, private={}),
        Issued(public={"USER_ID_FOR_SRP": "eve"}, private={}),
        Issued(public={}, private={"authflow.round": "word"}),
    ],
)
async def test_a_plugin_that_cannot_create_fails_closed(
    triggers_of, sums, load_event: LoadEvent, caplog: pytest.LogCaptureFixture, issued: Any
):
    caplog.set_level(logging.DEBUG)
    triggers = triggers_of(challenge("sum"), challenges=[broken(sums, create=issued)])
    with pytest.raises(PluginFailedError, match=r"^the challenge 'sum' failed$"):
        await triggers.handle(load_event("create_first"))
    assert "'sum'" in caplog.text
    assert "canary-5" not in caplog.text


async def test_parameters_that_are_no_strings_fail_where_the_plugin_makes_them(
    triggers_of, sums, load_event: LoadEvent
):
    class Numbers(sums):
        async def create(self, _context: Any):
            return Issued(public={"sum": 5}, private={})

    triggers = triggers_of(challenge("sum"), challenges=[Numbers])
    with pytest.raises(PluginFailedError, match="'sum'") as caught:
        await triggers.handle(load_event("create_first"))
    assert "mapping of strings" in str(caught.value.__cause__)


@pytest.mark.parametrize(
    "result",
    [ValueError("canary-6"), asyncio.CancelledError("canary-6"), None, "yes", 1, 0, [True]],
)
async def test_a_plugin_that_cannot_verify_fails_closed(
    triggers_of, sums, load_event: LoadEvent, caplog: pytest.LogCaptureFixture, result: Any
):
    caplog.set_level(logging.DEBUG)
    triggers = triggers_of(challenge("sum"), challenges=[broken(sums, verify=result)])
    with pytest.raises(PluginFailedError, match=r"^the challenge 'sum' failed$") as caught:
        await triggers.handle(load_event("verify"))
    if isinstance(result, Exception):
        assert caught.value.__cause__ is result
    assert "canary-6" not in caplog.text


@pytest.mark.parametrize("name", ["create_first", "verify"])
async def test_a_plugins_own_time_out_is_not_told_as_ours(
    triggers_of, sums, load_event: LoadEvent, caplog: pytest.LogCaptureFixture, name: str
):
    failing = broken(sums, create=TimeoutError("own"), verify=TimeoutError("own"))
    triggers = triggers_of(challenge("sum"), challenges=[failing])
    with pytest.raises(PluginFailedError):
        await triggers.handle(load_event(name))
    assert "it raised TimeoutError" in caplog.text
    assert "took longer" not in caplog.text


@pytest.mark.parametrize("name", ["create_first", "verify"])
async def test_cancelling_a_plugin_cancels_the_trigger(
    triggers_of, sums, load_event: LoadEvent, name: str
):
    started = asyncio.Event()

    class Slow(sums):
        async def create(self, _context: Any):
            started.set()
            await asyncio.Event().wait()

        verify = create

    triggers = triggers_of(challenge("sum"), challenges=[Slow])
    task = asyncio.create_task(triggers.handle(load_event(name)))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_settings_that_an_explicit_plugin_does_not_take_are_refused_at_once(triggers_of):
    with pytest.raises(ConfigError, match=r"'sum'.*\(depth\)") as caught:
        triggers_of(challenge("sum", depth="canary-7"))
    assert "canary-7" not in str(caught.value)


@pytest.mark.parametrize("metadata", [None, "", 7])
def test_a_plugin_without_metadata_is_refused(triggers_of, sums, metadata: Any):
    unmarked = type("Unmarked", (sums,), {"metadata": metadata})
    with pytest.raises(Exception, match="metadata"):
        triggers_of(challenge("sum"), challenges=[unmarked])


def test_two_kinds_that_share_one_metadata_are_refused(triggers_of, sums):
    twin = type("Twin", (sums,), {"name": "twin"})
    with pytest.raises(PluginConflictError, match="metadata"):
        triggers_of(challenge("sum"), challenge("twin"), challenges=[sums, twin])


async def test_a_missing_plugin_is_named_to_the_owner_and_not_to_the_client(
    triggers_of, load_event: LoadEvent, caplog: pytest.LogCaptureFixture
):
    triggers = triggers_of(challenge("no-such-plugin"), lazy=True)
    with pytest.raises(PluginNotFoundError, match="no-such-plugin"):
        triggers.load()
    with pytest.raises(PluginFailedError) as caught:
        await triggers.handle(load_event("define_first"))
    assert "no-such-plugin" not in str(caught.value)
    assert "no-such-plugin" in caplog.text
