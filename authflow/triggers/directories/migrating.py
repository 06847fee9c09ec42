"""Serves the UserMigration trigger by a directory.

What a directory says of a user goes to the log alone: Cognito may send the text of an error to the
client. So all who cannot be brought in get one error, whether the name is unknown, the password is
wrong or the user's record is damaged; only a directory that failed as a whole gives another one.

Source: "Migrate user Lambda trigger" in the Amazon Cognito developer guide.
"""

import logging
from typing import Any, Final

from authflow.errors import (
    BadCredentialsError,
    DirectoryError,
    DirectoryRecordError,
    DirectoryUnavailableError,
)
from authflow.triggers.directories.attribute_names import cognitos_own
from authflow.triggers.directories.migration import Found, UnknownUser, UserDirectory, WrongPassword
from authflow.triggers.events.migrated_user import MigratedUser
from authflow.triggers.events.user_events import MigrationEvent

_log: Final = logging.getLogger(__name__)
_GIVEN_AWAY: Final = 4
"""A text that holds so many characters of a password is not logged."""


async def migrate(directory: UserDirectory, event: MigrationEvent) -> dict[str, Any]:
    """Ask a directory for a user.

    Args:
        directory: The directory.
        event: Cognito's question.

    Returns:
        The event with the user in its response.

    Raises:
        BadCredentialsError: The directory does not know the user, or not by this password, or the
            user's record cannot be used.
        DirectoryUnavailableError: The directory cannot be asked now.
        DirectoryError: The directory failed in another way.
    """
    outcome = await _ask(directory, event)
    match outcome:
        case Found(user=MigratedUser() as user):
            return event.migrated(_taken_by_cognito(user))
        case UnknownUser():
            _log.info("a user was not migrated: the directory does not know the name")
            raise _refused()
        case WrongPassword():
            _log.info("a user was not migrated: the directory does not take the password")
            raise _refused()
        case _:
            _log.error("the user directory gave %s, no outcome", type(outcome).__name__)
            msg = "the user directory gave no outcome"
            raise DirectoryError(msg)


async def _ask(directory: UserDirectory, event: MigrationEvent) -> object:
    try:
        if event.password is None:
            return await directory.look_up(event.username)
        return await directory.authenticate(event.username, event.password)
    except DirectoryRecordError as error:
        _log.error("a user's record in the directory cannot be used: %s", _words(error, event))
        raise _refused() from error
    except DirectoryUnavailableError as error:
        _log.error("the user directory is not available: %s", _words(error, event))
        msg = "users cannot be looked up now; try again later"
        raise DirectoryUnavailableError(msg) from error
    except DirectoryError as error:
        _log.error("the user directory failed: %s", _words(error, event))
        msg = "the user directory failed"
        raise DirectoryError(msg) from error
    except Exception as error:
        _log.error("the user directory raised %s", type(error).__qualname__)
        msg = "the user directory failed"
        raise DirectoryError(msg) from error


def _words(error: DirectoryError, event: MigrationEvent) -> str:
    """Give an error's text for the log, unless a directory has put the password into it."""
    text, typed = str(error), "" if event.password is None else event.password.reveal()
    written = (typed, repr(typed)[1:-1], ascii(typed)[1:-1])
    if typed and any(each[:_GIVEN_AWAY] in text for each in written):
        return type(error).__qualname__
    return text


def _taken_by_cognito(user: MigratedUser) -> MigratedUser:
    """Check what Cognito would fail the migration for, without telling why."""
    if not user.attributes:
        _log.error("a user cannot be migrated without any attribute")
        raise _refused()
    if (name := cognitos_own(user.attributes)) is not None:
        _log.error("a user cannot be migrated with %s, an attribute that Cognito writes", name)
        raise _refused()
    if user.enable_sms_mfa and not user.attributes.get("phone_number"):
        _log.error("a user has no phone_number: codes cannot be sent by SMS as it is wanted")
        raise _refused()
    return user


def _refused() -> BadCredentialsError:
    """Give the error that is the same for everybody."""
    return BadCredentialsError("Bad username or password")
