"""User migration: directories of users that Cognito does not know yet.

Cognito asks when an unknown user signs in with USER_PASSWORD_AUTH or has forgotten the password,
never in USER_SRP_AUTH: only then does it have a password to ask about. A user that a directory
finds is created in the pool with the password just given, and later signs in by SRP.

Source: "Migrate user Lambda trigger" in the Amazon Cognito developer guide.
"""

from typing import Final, Protocol

from attrs import frozen

from authflow.secret import Secret
from authflow.triggers.events.migrated_user import MigratedUser

NO_DEFAULTS: Final = MigratedUser(attributes={})
"""The default of the attributes that all users of a directory have in common: none."""


@frozen
class Found:
    """The directory knows the user; if there was a password, it is right."""

    user: MigratedUser


@frozen
class UnknownUser:
    """The directory does not know the user."""


@frozen
class WrongPassword:
    """The directory refuses this password: it is wrong, or has expired."""


class UserDirectory(Protocol):
    """A directory of users and their passwords.

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
