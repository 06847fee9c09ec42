import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from authflow.errors import (
    BadCredentialsError,
    DirectoryError,
    DirectoryRecordError,
    DirectoryUnavailableError,
    MisuseError,
    NextStep,
)
from authflow.secret import Secret
from authflow.triggers import (
    Found,
    MigratedUser,
    Triggers,
    UnknownUser,
    WrongPassword,
)

LoadEvent = Callable[..., dict[str, Any]]

ADA = MigratedUser(attributes={"email": "ada@example.com", "email_verified": "true"})


class Told:
    """A directory that gives one outcome, or raises it, and keeps what it was asked."""

    def __init__(self, outcome: Any) -> None:
        self.outcome = outcome
        self.asked = []

    async def authenticate(self, username: str, password: Any):
        self.asked.append((username, password))
        return await self.look_up(username)

    async def look_up(self, _username: str):
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        return self.outcome


@pytest.fixture(params=["migration_authentication", "migration_forgot_password"])
def event(request: pytest.FixtureRequest, load_event: LoadEvent):
    return load_event(request.param)


def test_a_user_who_is_found_is_given_to_cognito(event: dict[str, Any]):
    filled = Triggers(directory=Told(Found(ADA))).lambda_handler(event, None)
    assert filled["request"] == event["request"]
    assert filled["response"] == {
        **event["response"],
        "userAttributes": {"email": "ada@example.com", "email_verified": "true"},
        "finalUserStatus": "CONFIRMED",
        "messageAction": "SUPPRESS",
    }


async def test_the_directory_is_asked_with_a_secret(load_event: LoadEvent):
    directory = Told(Found(ADA))
    await Triggers(directory=directory).handle(load_event("migration_authentication"))
    assert directory.asked == [("ada", Secret("correct horse"))]


async def test_a_forgotten_password_is_not_asked_about(load_event: LoadEvent):
    directory = Told(Found(ADA))
    await Triggers(directory=directory).handle(load_event("migration_forgot_password"))
    assert directory.asked == []


def all_members(**more: Any):
    return {
        "attributes": {"phone_number": "+15550100", "username": "ada"},
        "status": "RESET_REQUIRED",
        "send_welcome": True,
        "delivery_mediums": ["EMAIL", "SMS"],
        "force_alias_creation": True,
        "enable_sms_mfa": True,
        **more,
    }


async def test_all_that_can_be_said_of_a_user_is_said_to_cognito(event: dict[str, Any]):
    user = MigratedUser(**all_members())
    filled = await Triggers(directory=Told(Found(user))).handle(event)
    assert filled["response"] == {
        "userAttributes": {"phone_number": "+15550100", "username": "ada"},
        "finalUserStatus": "RESET_REQUIRED",
        "messageAction": None,
        "desiredDeliveryMediums": ["EMAIL", "SMS"],
        "forceAliasCreation": True,
        "enableSMSMFA": True,
    }
    assert json.loads(json.dumps(filled)) == filled


@pytest.mark.parametrize(
    ("user", "why"),
    [
        (MigratedUser(attributes={}), "attribute"),
        *(
            (MigratedUser(attributes={"email": "canary@example.com", name: "canary"}), name)
            for name in ("sub", "Sub", "identities", "cognito:user_status", "COGNITO:x")
        ),
        (MigratedUser(**all_members(attributes={"email": "canary@example.com"})), "phone_number"),
    ],
)
async def test_a_user_whom_cognito_would_not_take_is_refused_like_an_unknown_one(
    event: dict[str, Any], caplog: pytest.LogCaptureFixture, user: MigratedUser, why: str
):
    with pytest.raises(BadCredentialsError, match=r"^Bad username or password$"):
        await Triggers(directory=Told(Found(user))).handle(event)
    assert why in caplog.text
    assert "canary" not in caplog.text


REFUSALS = {
    "does not know the name": UnknownUser(),
    "does not take the password": WrongPassword(),
    "cannot be used: two of them": DirectoryRecordError("two of them"),
}


async def test_nobody_can_tell_why_a_user_is_refused(load_event: LoadEvent):
    errors = set()
    for outcome in REFUSALS.values():
        with pytest.raises(BadCredentialsError) as caught:
            await Triggers(directory=Told(outcome)).handle(load_event("migration_authentication"))
        errors.add((type(caught.value), caught.value.args))
    assert len(errors) == 1


@pytest.mark.parametrize("logged", REFUSALS)
async def test_the_owner_is_told_in_the_log_why_a_user_is_refused(
    load_event: LoadEvent, caplog: pytest.LogCaptureFixture, logged: str
):
    caplog.set_level(logging.DEBUG)
    event = load_event("migration_authentication", password="canary-password")
    event["userName"] = "canary-user"
    with pytest.raises(BadCredentialsError):
        await Triggers(directory=Told(REFUSALS[logged])).handle(event)
    assert logged in caplog.text
    assert "canary" not in caplog.text


@pytest.mark.parametrize("error", [DirectoryError, DirectoryUnavailableError])
async def test_a_directory_that_fails_is_neither_and_keeps_its_reason_inside(
    event: dict[str, Any], caplog: pytest.LogCaptureFixture, error: type[DirectoryError]
):
    with pytest.raises(DirectoryError) as caught:
        await Triggers(directory=Told(error("the disk of db7 is full"))).handle(event)
    assert type(caught.value) is error
    assert "db7" not in str(caught.value)
    assert "the disk of db7 is full" in caplog.text


async def test_an_unavailable_directory_can_be_asked_again(event: dict[str, Any]):
    with pytest.raises(DirectoryUnavailableError) as caught:
        await Triggers(directory=Told(DirectoryUnavailableError("later"))).handle(event)
    assert caught.value.next_step is NextStep.WAIT


@pytest.mark.parametrize(
    "outcome", [None, True, ADA, Found("ada"), Found(None), RuntimeError("canary-8")]
)
async def test_a_directory_that_breaks_its_promise_fails_closed(
    event: dict[str, Any], caplog: pytest.LogCaptureFixture, outcome: Any
):
    caplog.set_level(logging.DEBUG)
    with pytest.raises(DirectoryError) as caught:
        await Triggers(directory=Told(outcome)).handle(event)
    assert "canary-8" not in str(caught.value) + caplog.text


@pytest.mark.parametrize(
    "members",
    [
        {"attributes": {"email_verified": True}},
        {"attributes": None},
        {"attributes": {"": "x"}},
        {"attributes": {"x" * 33: "x"}},
        {"attributes": {"email": "x" * 2049}},
        {"attributes": {}, "status": "FORCE_CHANGE_PASSWORD"},
        {"attributes": {}, "status": None},
        {"attributes": {}, "delivery_mediums": "SMS"},
        {"attributes": {}, "delivery_mediums": ["PIGEON"]},
        {"attributes": {}, "send_welcome": 1},
        {"attributes": {}, "force_alias_creation": "true"},
        {"attributes": {}, "enable_sms_mfa": None},
    ],
)
def test_a_user_that_cognito_would_not_take_cannot_be_made(members: dict[str, Any]):
    with pytest.raises(MisuseError):
        MigratedUser(**members)


def test_attributes_may_be_as_long_as_cognito_takes_them():
    user = MigratedUser(attributes={"x" * 32: "x" * 2048})
    assert user.attributes == {"x" * 32: "x" * 2048}


def test_an_attribute_that_is_too_long_is_in_no_error():
    with pytest.raises(MisuseError, match="'email' has 2049") as caught:
        MigratedUser(attributes={"email": "y" * 2049})
    assert "yy" not in str(caught.value)


def test_a_users_attributes_are_not_shown():
    assert "ada@example.com" not in repr(Found(ADA))


@pytest.mark.parametrize("password", ["canary-password", "canary\\n'\n\"-é", "x"])
@pytest.mark.parametrize("form", [str, repr, ascii])
@pytest.mark.parametrize(
    "kind", [DirectoryError, DirectoryUnavailableError, DirectoryRecordError, RuntimeError]
)
async def test_a_password_in_the_words_of_a_directory_is_not_logged(
    load_event: LoadEvent,
    caplog: pytest.LogCaptureFixture,
    kind: type[Exception],
    form: Callable[[str], str],
    password: str,
):
    event = load_event("migration_authentication", password=password)
    error = kind(f"it does not take <{form(password)}>")
    with pytest.raises((DirectoryError, BadCredentialsError)):
        await Triggers(directory=Told(error)).handle(event)
    assert kind.__name__ in caplog.text
    assert "it does not take" not in caplog.text
