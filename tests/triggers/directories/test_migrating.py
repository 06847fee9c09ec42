"""Directories of functions, and the time limit that all directories have alike."""

import asyncio
import functools
import logging
from collections.abc import Callable
from typing import Any

import anyio
import pytest

from authflow.errors import (
    BadCredentialsError,
    ConfigError,
    DirectoryError,
    DirectoryRecordError,
    DirectoryUnavailableError,
)
from authflow.secret import Secret
from authflow.triggers import (
    Found,
    MigratedUser,
    Triggers,
    UnknownUser,
    WrongPassword,
    migrating,
)

LoadEvent = Callable[..., dict[str, Any]]

ADA = Found(MigratedUser(attributes={"email": "ada@example.com"}))


async def authenticate(username: str, password: Secret[str]):
    if username != "ada":
        return UnknownUser()
    return ADA if password.reveal() == "right" else WrongPassword()


async def look_up(username: str):
    return ADA if username == "ada" else UnknownUser()


def gives(outcome: Any):
    async def function(*_: object):
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    return function


class Rest:
    async def __call__(self, username: str, password: Secret[str]):
        return await authenticate(username, password)


class Both:
    """A directory as an object."""

    def __init__(self, function: Any) -> None:
        self.authenticate = self.look_up = function


def as_functions(function: Any, **more: Any):
    return migrating(authenticate=function, look_up=function, **more)


def as_object(function: Any, **more: Any):
    return migrating(Both(function), **more)


EITHER = pytest.mark.parametrize("made_of", [as_functions, as_object])


@pytest.fixture(params=["migration_authentication", "migration_forgot_password"])
def event(request: pytest.FixtureRequest, load_event: LoadEvent):
    return load_event(request.param)


@pytest.mark.parametrize(
    "function",
    [
        authenticate,
        functools.partial(authenticate),
        Rest(),
        lambda username, password: authenticate(username.strip(), password),
    ],
)
@pytest.mark.parametrize("pair", [True, False])
async def test_any_two_async_callables_are_a_directory(
    load_event: LoadEvent, function: Any, pair: bool
):
    directory = (function, look_up) if pair else migrating(authenticate=function, look_up=look_up)
    triggers = Triggers(directory=directory)
    for told in ({"password": "right"}, {}):
        name = "migration_authentication" if told else "migration_forgot_password"
        filled = await triggers.handle(load_event(name, **told))
        assert filled["response"]["userAttributes"] == {"email": "ada@example.com"}
    with pytest.raises(BadCredentialsError):
        await triggers.handle(load_event("migration_authentication", password="wrong"))


async def test_nobody_is_looked_up_without_a_function_for_it(load_event: LoadEvent):
    triggers = Triggers(directory=migrating(authenticate=authenticate))
    with pytest.raises(BadCredentialsError):
        await triggers.handle(load_event("migration_forgot_password"))


@EITHER
@pytest.mark.parametrize("outcome", [None, True, ADA.user, "ada", {}, Found])
async def test_what_is_no_outcome_fails_closed(event: dict[str, Any], made_of: Any, outcome: Any):
    with pytest.raises(DirectoryError, match="gave no outcome"):
        await Triggers(directory=made_of(gives(outcome))).handle(event)


async def test_a_function_that_is_not_async_fails_closed(event: dict[str, Any]):
    with pytest.raises(DirectoryError, match="gave no outcome"):
        await Triggers(directory=as_functions(lambda *_: True)).handle(event)


@EITHER
@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (RuntimeError("canary"), DirectoryError),
        (asyncio.CancelledError("canary"), DirectoryError),
        (DirectoryUnavailableError("later"), DirectoryUnavailableError),
        (DirectoryRecordError("odd"), BadCredentialsError),
        (TimeoutError("canary"), DirectoryUnavailableError),
    ],
)
async def test_what_is_raised_is_a_directorys_error(
    event: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
    made_of: Any,
    raised: Any,
    expected: Any,
):
    with pytest.raises((DirectoryError, BadCredentialsError)) as caught:
        await Triggers(directory=made_of(gives(raised))).handle(event)
    assert type(caught.value) is expected
    assert "canary" not in str(caught.value) + caplog.text


@EITHER
async def test_a_directory_that_takes_too_long_is_unavailable(
    event: dict[str, Any], caplog: pytest.LogCaptureFixture, made_of: Any
):
    async def never(*_: object):
        await anyio.sleep_forever()

    with pytest.raises(DirectoryUnavailableError, match="try again later"):
        await Triggers(directory=made_of(never, timeout=0.02)).handle(event)
    assert "did not answer within 0.02 seconds" in caplog.text


def test_every_directory_has_a_time_limit_unless_another_one_is_given():
    for directory in (Both(look_up), (authenticate, look_up), migrating(Both(look_up))):
        assert Triggers(directory=directory).directory.timeout == 3.0
    assert Triggers(directory=migrating(Both(look_up), timeout=1)).directory.timeout == 1.0


@EITHER
async def test_a_directorys_own_time_out_is_not_told_as_this_one(event, made_of, caplog):
    with pytest.raises(DirectoryUnavailableError):
        await Triggers(directory=made_of(gives(TimeoutError("own")))).handle(event)
    assert "it raised TimeoutError" in caplog.text
    assert "within" not in caplog.text


async def test_who_asks_can_be_cancelled(event: dict[str, Any]):
    triggers = Triggers(directory=as_functions(lambda *_: anyio.sleep_forever()))
    with anyio.move_on_after(0.02) as scope:
        await triggers.handle(event)
    assert scope.cancelled_caught


def at_once(*_: object) -> Found:
    return ADA


@pytest.mark.parametrize(
    "settings",
    [
        {"authenticate": None},
        {"authenticate": "ada"},
        {"look_up": 1},
        {"timeout": 0},
        {"timeout": -1},
        {"timeout": None},
        {"timeout": "3"},
        {"timeout": True},
        {"timeout": float("inf")},
        {"timeout": float("nan")},
        {"timeout": 10**400},
        {"timeout": 3601},
        {"authenticate": at_once},
        {"look_up": at_once},
        {"look_up": functools.partial(at_once)},
    ],
)
def test_settings_that_make_no_sense_are_refused_at_once(settings: dict[str, Any]):
    with pytest.raises(ConfigError):
        migrating(**{"authenticate": authenticate, **settings})


@pytest.mark.parametrize(
    ("directory", "says"),
    [
        (object(), "object has no method authenticate and no look_up"),
        (Both(None), "Both has no method"),
        (Rest(), "Rest has no method authenticate"),
        (authenticate, "function has no method"),
        (Both, "Both is a class"),
        ((authenticate, None, look_up), "two async functions"),
        ((authenticate,), "two async functions"),
        ((), "two async functions"),
        ((authenticate, 1), "async functions"),
        ((None, look_up), "async functions"),
        ((at_once, look_up), "write at_once by `async def`"),
        (Both(at_once), "write at_once by `async def`"),
    ],
)
def test_what_is_no_directory_is_refused_when_triggers_are_built(directory: Any, says: str):
    with pytest.raises(ConfigError, match=says):
        Triggers(directory=directory)


def test_a_directory_and_functions_beside_it_are_refused():
    for beside in ({"authenticate": authenticate}, {"look_up": look_up}):
        with pytest.raises(ConfigError, match="not both"):
            migrating(Both(look_up), **beside)


async def test_no_output_shows_what_was_typed(
    load_event: LoadEvent, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)

    async def talkative(username: str, password: Secret[str]):
        msg = f"{username} {password.reveal()}"
        raise RuntimeError(msg)

    event = load_event("migration_authentication", password="canary-password")
    event["userName"] = "canary-user"
    for function, error in ((talkative, DirectoryError), (authenticate, BadCredentialsError)):
        with pytest.raises(error) as caught:
            await Triggers(directory=migrating(authenticate=function)).handle(event)
        assert "canary" not in str(caught.value) + caplog.text
