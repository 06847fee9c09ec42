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
from authflow.triggers import Found, MigratedUser, Triggers, UnknownUser, WrongPassword
from authflow.triggers.directories.callable_directory import CallableDirectory

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


@pytest.mark.parametrize(
    "function",
    [
        authenticate,
        functools.partial(authenticate),
        Rest(),
        lambda username, password: authenticate(username.strip(), password),
    ],
)
async def test_any_async_callable_is_a_directory(function: Any):
    directory = CallableDirectory(authenticate=function, look_up=look_up)
    assert await directory.authenticate("ada", Secret("right")) is ADA
    assert await directory.authenticate("ada", Secret("wrong")) == WrongPassword()
    assert await directory.authenticate("eve", Secret("right")) == UnknownUser()
    assert await directory.look_up("ada") is ADA


async def test_nobody_is_looked_up_without_a_function_for_it():
    directory = CallableDirectory(authenticate=authenticate)
    assert await directory.look_up("ada") == UnknownUser()


@pytest.mark.parametrize("outcome", [None, True, ADA.user, "ada", {}, Found])
async def test_what_is_no_outcome_fails_closed(outcome: Any):
    directory = CallableDirectory(authenticate=gives(outcome), look_up=gives(outcome))
    with pytest.raises(DirectoryError, match="authenticate gave"):
        await directory.authenticate("ada", Secret("right"))
    with pytest.raises(DirectoryError, match="look_up gave"):
        await directory.look_up("ada")


async def test_a_look_up_knows_nothing_of_passwords():
    directory = CallableDirectory(authenticate=authenticate, look_up=gives(WrongPassword()))
    with pytest.raises(DirectoryError, match="WrongPassword"):
        await directory.look_up("ada")


async def test_a_function_that_is_not_async_fails_closed():
    directory = CallableDirectory(authenticate=lambda *_: True)
    with pytest.raises(DirectoryError, match="authenticate gave bool"):
        await directory.authenticate("ada", Secret("right"))


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (RuntimeError("canary"), DirectoryError),
        (DirectoryUnavailableError("later"), DirectoryUnavailableError),
        (DirectoryRecordError("odd"), DirectoryRecordError),
        (TimeoutError("canary"), DirectoryUnavailableError),
    ],
)
async def test_what_a_function_raises_is_a_directorys_error(raised: Any, expected: Any):
    directory = CallableDirectory(authenticate=gives(raised), look_up=gives(raised))
    for asked in (directory.look_up("ada"), directory.authenticate("ada", Secret("right"))):
        with pytest.raises(DirectoryError) as caught:
            await asked
        assert type(caught.value) is expected
        assert "canary" not in str(caught.value)


async def test_a_function_that_takes_too_long_is_unavailable():
    async def never(*_: object):
        await anyio.sleep_forever()

    directory = CallableDirectory(authenticate=never, look_up=never, timeout=0.05)
    with pytest.raises(DirectoryUnavailableError, match=r"0\.05 seconds"):
        await directory.authenticate("ada", Secret("right"))
    with pytest.raises(DirectoryUnavailableError, match=r"0\.05 seconds"):
        await directory.look_up("ada")


async def test_who_asks_can_be_cancelled():
    directory = CallableDirectory(authenticate=gives(ADA), look_up=lambda _: anyio.sleep_forever())
    with anyio.move_on_after(0.05) as scope:
        await directory.look_up("ada")
    assert scope.cancelled_caught


@pytest.mark.parametrize(
    "settings",
    [
        {"authenticate": None},
        {"authenticate": "ada"},
        {"look_up": 1},
        {"timeout": 0},
        {"timeout": -1},
        {"timeout": None},
        {"timeout": float("inf")},
        {"timeout": float("nan")},
    ],
)
def test_settings_that_make_no_sense_are_refused_at_once(settings: dict[str, Any]):
    with pytest.raises(ConfigError):
        CallableDirectory(**{"authenticate": authenticate, **settings})


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
            await Triggers(directory=CallableDirectory(authenticate=function)).handle(event)
        assert "canary" not in str(caught.value) + caplog.text
