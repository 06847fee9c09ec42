"""A user directory of two functions, for what is neither SQL nor LDAP: a REST API, a file."""

import inspect
from collections.abc import Awaitable, Callable
from typing import Any

from attrs import define, field
from attrs.converters import optional

from authflow.errors import ConfigError, DirectoryError
from authflow.secret import Secret
from authflow.triggers.directories.migration import (
    DIRECTORY_TIMEOUT,
    Found,
    UnknownUser,
    WrongPassword,
    answered_within,
    time_limit,
)
from authflow.unframed import whole

Authenticate = Callable[[str, Secret[str]], Awaitable[Found | UnknownUser | WrongPassword]]
"""Checks a password; `password.reveal()` gives it."""
LookUp = Callable[[str], Awaitable[Found | UnknownUser]]
"""Finds a user who has forgotten the password."""


def _function(function: Any) -> Any:
    if not callable(function):
        msg = f"a directory is made of async functions, not of {type(function).__name__}"
        raise ConfigError(msg)
    return function


@whole
@define(kw_only=True, eq=False)
class CallableDirectory:
    """Users that functions of the owner's know.

    Args:
        authenticate: Checks a password, all of it: the pool keeps what was typed, and bcrypt reads
            72 bytes. It should take as long for an unknown user as for a wrong password.
        look_up: Finds a user who has forgotten the password. Without it, nobody is brought in who
            has.
        timeout: How many seconds a function may take.

    Raises:
        ConfigError: What was given cannot be called, or the timeout is no positive number.
    """

    _authenticate: Authenticate = field(alias="authenticate", converter=_function)
    _look_up: LookUp | None = field(default=None, alias="look_up", converter=optional(_function))
    timeout: float = field(default=DIRECTORY_TIMEOUT, converter=time_limit)

    async def authenticate(
        self, username: str, password: Secret[str]
    ) -> Found | UnknownUser | WrongPassword:
        """Have the function check a password.

        Args:
            username: The name as the user typed it.
            password: The password.

        Raises:
            DirectoryUnavailableError: The function took too long, or says so itself.
            DirectoryError: It raised something else, or gave no outcome.
        """
        outcome = await self._ask(self._authenticate, username, password)
        if isinstance(outcome, Found | UnknownUser | WrongPassword):
            return outcome
        raise _no_outcome("authenticate", outcome)

    async def look_up(self, username: str) -> Found | UnknownUser:
        """Have the function find a user.

        Args:
            username: The name as the user typed it.

        Raises:
            DirectoryUnavailableError: The function took too long, or says so itself.
            DirectoryError: It raised something else, or gave no outcome.
        """
        if self._look_up is None:
            return UnknownUser()
        outcome = await self._ask(self._look_up, username)
        if isinstance(outcome, Found | UnknownUser):
            return outcome
        raise _no_outcome("look_up", outcome)

    async def _ask(self, function: Callable[..., object], *asked: object) -> object:
        async with answered_within(self.timeout):
            try:
                given = function(*asked)
                return await given if inspect.isawaitable(given) else given
            except (DirectoryError, TimeoutError):
                raise
            except Exception as error:
                msg = f"the directory's function raised {type(error).__qualname__}"
                raise DirectoryError(msg) from error


def _no_outcome(name: str, given: object) -> DirectoryError:
    return DirectoryError(
        f"the directory's function {name} gave {type(given).__name__}, which is no outcome of it"
    )
