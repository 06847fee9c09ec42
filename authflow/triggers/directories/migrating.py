"""The UserMigration trigger, served with any directory and within one time limit.

What a directory says of a user goes to the log alone: Cognito may send the text of an error to the
client. So all who cannot be brought in get one error, whether the name is unknown, the password is
wrong or the user's record is damaged; only a directory that failed as a whole gives another one.

Source: "Migrate user Lambda trigger" in the Amazon Cognito developer guide.
"""

import inspect
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final, overload

import anyio
from attrs import field, frozen

from authflow.coroutines import is_plain
from authflow.errors import (
    BadCredentialsError,
    ConfigError,
    DirectoryError,
    DirectoryRecordError,
    DirectoryUnavailableError,
)
from authflow.given_numbers import check_seconds
from authflow.given_services import stray_cancel_fails
from authflow.secret import Secret
from authflow.triggers.directories.attribute_names import cognitos_own
from authflow.triggers.directories.migration import Found, UnknownUser, UserDirectory, WrongPassword
from authflow.triggers.events.migrated_user import MigratedUser
from authflow.triggers.events.user_events import MigrationEvent
from authflow.unframed import whole

Authenticate = Callable[[str, Secret[str]], Awaitable[Found | UnknownUser | WrongPassword]]
"""Checks a password, for a name as the user typed it; `password.reveal()` returns it."""
LookUp = Callable[[str], Awaitable[Found | UnknownUser]]
"""Finds a user who has forgotten the password."""

TIMEOUT: Final = 3.0
"""The default seconds for a directory: Cognito waits 5 for the whole trigger."""

LONGEST_TIMEOUT: Final = 3600.0
"""The longest time in seconds that a directory may be given, where nobody waits for it."""

_log: Final = logging.getLogger(__name__)
_GIVEN_AWAY: Final = 4
"""A text that contains so many characters of a password is not logged."""


async def _nobody(_username: str) -> UnknownUser:
    return UnknownUser()


def _function(function: Any) -> Any:
    if not callable(function):
        msg = f"a directory is made of async functions, not of {type(function).__name__}"
        raise ConfigError(msg)
    if is_plain(function):
        name = getattr(function, "__qualname__", type(function).__name__)
        msg = f"a directory is made of async functions: write {name} by `async def`"
        raise ConfigError(msg)
    return function


def _time_limit(timeout: float) -> float:
    check_seconds("a directory's timeout", timeout, most=LONGEST_TIMEOUT)
    return float(timeout)


@whole
@frozen(kw_only=True, eq=False)
class Migrating:
    """Migrates users; `migrating` makes it."""

    authenticate: Authenticate = field(converter=_function, repr=False)
    look_up: LookUp = field(converter=_function, repr=False)
    timeout: float = field(converter=_time_limit)

    async def migrate(self, event: MigrationEvent) -> dict[str, Any]:
        """Ask the directory for a user.

        Args:
            event: Cognito's question.

        Returns:
            The event with the user in its response.

        Raises:
            BadCredentialsError: The directory does not know the user, or not by this password, or
                the user's record cannot be used.
            DirectoryUnavailableError: The directory cannot be asked now, or not in time.
            DirectoryError: The directory failed in another way.
        """
        outcome = await self._ask(event)
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

    async def _ask(self, event: MigrationEvent) -> object:
        try:
            with anyio.fail_after(self.timeout) as limit, stray_cancel_fails():
                if event.password is None:
                    given: object = self.look_up(event.username)
                else:
                    given = self.authenticate(event.username, event.password)
                return await given if inspect.isawaitable(given) else given
        except DirectoryRecordError as error:
            _log.error("a user's record in the directory cannot be used: %s", _words(error, event))
            raise _refused() from error
        except (DirectoryUnavailableError, TimeoutError) as error:
            why = "it raised TimeoutError"
            if isinstance(error, DirectoryError):
                why = _words(error, event)
            elif limit.cancelled_caught:
                why = f"it did not answer within {self.timeout:g} seconds"
            _log.error("the user directory is not available: %s", why)
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


@overload
def migrating(directory: UserDirectory, /, *, timeout: float = TIMEOUT) -> Migrating: ...
@overload
def migrating(
    *, authenticate: Authenticate, look_up: LookUp | None = None, timeout: float = TIMEOUT
) -> Migrating: ...
def migrating(
    directory: UserDirectory | None = None,
    /,
    *,
    authenticate: Authenticate | None = None,
    look_up: LookUp | None = None,
    timeout: float = TIMEOUT,
) -> Migrating:
    """Return a `Migrating` from two async functions, or from a directory, with a time limit.

    Args:
        directory: What has both as methods, such as an `SqlDirectory`.
        authenticate: Checks a password, all of it: the pool keeps what was typed, and bcrypt reads
            72 bytes. It should take as long for an unknown user as for a wrong password.
        look_up: Finds a user who has forgotten the password. Without it, nobody is brought in who
            has.
        timeout: How many seconds an answer may take; Cognito waits 5 for the whole trigger.

    Raises:
        ConfigError: There is neither a directory nor a function, or there are both, or something
            that cannot be called or is not async, or the timeout is no number above zero.
    """
    if directory is None:
        return Migrating(
            authenticate=authenticate,  # its validator refuses None
            look_up=_nobody if look_up is None else look_up,
            timeout=timeout,
        )
    if authenticate is not None or look_up is not None:
        msg = "give a directory, or functions in place of one, and not both"
        raise ConfigError(msg)
    missing = [
        name for name in ("authenticate", "look_up") if not callable(getattr(directory, name, None))
    ]
    if missing or isinstance(directory, type):
        found = f"{type(directory).__name__} has no method {' and no '.join(missing)}"
        if isinstance(directory, type):
            found = f"{directory.__name__} is a class"
        msg = (
            f"users are brought in by an object such as SqlDirectory(...), and {found};"
            " of functions, write migrating(authenticate=..., look_up=...)"
        )
        raise ConfigError(msg)
    return Migrating(
        authenticate=directory.authenticate, look_up=directory.look_up, timeout=timeout
    )


def _words(error: DirectoryError, event: MigrationEvent) -> str:
    """Return an error's text for the log, unless a directory has put the password into it."""
    text, typed = str(error), "" if event.password is None else event.password.reveal()
    written = (typed, repr(typed)[1:-1], ascii(typed)[1:-1])
    if typed and any(each[:_GIVEN_AWAY] in text for each in written):
        return type(error).__qualname__
    return text


def _taken_by_cognito(user: MigratedUser) -> MigratedUser:
    """Check the values for which Cognito would fail the migration without telling why."""
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
    """Return the error, which is the same for all users."""
    return BadCredentialsError("Bad username or password")
