"""User migration: where users come from that Cognito does not know yet.

Cognito asks when an unknown user signs in with USER_PASSWORD_AUTH or has forgotten the password,
never in USER_SRP_AUTH: only then does it have a password to ask about. A user that a directory
finds is created in the pool with the password just given, and later signs in by SRP.

Source: "Migrate user Lambda trigger" in the Amazon Cognito developer guide.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import inf
from typing import Final, Protocol

import anyio
from attrs import frozen

from authflow.errors import ConfigError, DirectoryUnavailableError
from authflow.secret import Secret
from authflow.triggers.events.migrated_user import MigratedUser

DIRECTORY_TIMEOUT: Final = 3.0
"""How long a directory may take by default: Cognito waits 5 s for the whole trigger."""

NO_DEFAULTS: Final = MigratedUser(attributes={})
"""What all users of a directory have in common, where nothing is said."""


@frozen
class Found:
    """The directory knows the user, and the password is right where one was asked about."""

    user: MigratedUser


@frozen
class UnknownUser:
    """The directory does not know the user."""


@frozen
class WrongPassword:
    """The directory does not let the user in by this password: it is wrong, or has expired."""


class UserDirectory(Protocol):
    """A place that knows users and their passwords.

    Both methods raise `DirectoryUnavailableError` when the place cannot be asked, and
    `DirectoryRecordError` when it is one user's record that cannot be used. A user who is disabled
    there must not be found.
    """

    async def authenticate(
        self, username: str, password: Secret[str]
    ) -> Found | UnknownUser | WrongPassword:
        """Check a password. An unknown user takes as long as a wrong password."""

    async def look_up(self, username: str) -> Found | UnknownUser:
        """Find a user who has forgotten the password."""


@asynccontextmanager
async def answered_within(timeout: float) -> AsyncIterator[None]:  # noqa: ASYNC109  # a scope, no wait
    """Give a directory some time to answer.

    Args:
        timeout: How many seconds it may take.

    Raises:
        DirectoryUnavailableError: It took longer.
    """
    try:
        with anyio.fail_after(timeout):
            yield
    except TimeoutError as error:
        msg = f"the user directory did not answer within {timeout:g} seconds"
        raise DirectoryUnavailableError(msg) from error


def time_limit(timeout: float) -> float:
    """Check the setting that says how long a directory may take.

    Args:
        timeout: The setting, in seconds.

    Raises:
        ConfigError: It is no positive number.
    """
    if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not 0 < timeout < inf:
        msg = "a directory's timeout is a number of seconds above zero"
        raise ConfigError(msg)
    return float(timeout)
