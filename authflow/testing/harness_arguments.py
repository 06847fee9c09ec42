"""The arguments of `run_pool`, `pool_at` and the marker `authflow_pool`, checked before all else.

A test that is set up wrongly should say so, and not fail at its end for another reason. No error
shows a value: there are passwords among them.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import aiohttp
from attrs import evolve, fields

from authflow.config import AuthConfig
from authflow.errors import ConfigError
from authflow.given_numbers import is_number
from authflow.plugins.names import nearest
from authflow.pool import PoolServer
from authflow.secret import Secret
from authflow.testing.clock import is_a_time

_CUSTOM: Final = "custom:"


def check_users(users: object) -> None:
    """Check the passwords of users by their names.

    Raises:
        ConfigError: It is no such mapping.
    """
    if users is None:
        return
    if not isinstance(users, Mapping):
        raise _unfit("users", 'a mapping of names to passwords, as {"ada": PASSWORD}', users)
    for name, password in users.items():
        if not isinstance(name, str):
            raise _unfit("users", "a mapping whose keys are names, each a str", name)
        if not isinstance(password, str | None):
            wanted = f"a mapping to passwords: for {name!r:.40} a str, or None if nobody knows it"
            raise _unfit("users", wanted, password)


def check_members(argument: str, members: object) -> None:
    """Check members of an operation's request.

    Args:
        argument: The argument's name.
        members: What was given for it.

    Raises:
        ConfigError: It is no mapping of names to values.
    """
    if members is None:
        return
    if not isinstance(members, Mapping) or not all(isinstance(name, str) for name in members):
        operation = "CreateUserPool" if argument == "pool" else "CreateUserPoolClient"
        wanted = f"a mapping of members of {operation} to their values"
        raise _unfit(argument, wanted, members)


def client_settings(settings: Mapping[str, Any], config: AuthConfig) -> None:
    """Check further settings of a client, before there is an app client for it.

    Args:
        settings: What `app_client` puts into its `AuthConfig`.
        config: Another client's settings at the same pool.

    Raises:
        ConfigError: There is no such setting, or it cannot be so.
    """
    known = [each.alias for each in fields(AuthConfig) if each.init and each.alias]
    for stray in settings.keys() - {*known}:
        meant = nearest(stray, ["flows", "secret", "members", *known])
        guess = f"did you mean {meant}=? " if meant else ""
        msg = (
            f"there is no argument {stray!r:.40}; {guess}app_client takes flows, secret, members,"
            " and what AuthConfig takes"
        )
        raise ConfigError(msg)
    evolve(config, **settings)


def told_attributes(attributes: object) -> list[dict[str, str]]:
    """Return a user's attributes as AdminCreateUser takes them.

    Raises:
        ConfigError: It is no mapping of names to texts.
    """
    wanted = 'a mapping of names to texts, as {"email": "ada@example.com"}'
    if attributes is None:
        return []
    if not isinstance(attributes, Mapping):
        raise _unfit("attributes", wanted, attributes)
    told = []
    for name, given in attributes.items():
        value = given.reveal() if isinstance(given, Secret) else given
        for each in (name, value):
            if not isinstance(each, str):
                raise _unfit("attributes", wanted, each)
        told.append({"Name": name, "Value": value})
    return told


def told_password(password: object) -> str | None:
    """Return a password as AdminSetUserPassword takes it, of a text or a Secret of one.

    Raises:
        ConfigError: It is something else.
    """
    told = password.reveal() if isinstance(password, Secret) else password
    if told is None or isinstance(told, str):
        return told
    raise _unfit("password", "a text, or None if nobody knows it", told)


def attribute_names(names: object) -> tuple[str, ...]:
    """Return the names of attributes beside the standard ones, without "custom:".

    Args:
        names: As they were given.

    Raises:
        ConfigError: It is no collection of names: one text would be taken letter by letter.
    """
    return tuple(name.removeprefix(_CUSTOM) for name in texts("custom_attributes", names))


def texts(argument: str, given: object) -> tuple[str, ...]:
    """Return the texts of a collection.

    Args:
        argument: The argument's name.
        given: What was given for it.

    Raises:
        ConfigError: It is no collection, or a single text, or has another thing in it.
    """
    wanted = f'a collection of texts, as ["{_CUSTOM if "attributes" in argument else "ALLOW_"}..."]'
    if isinstance(given, str | bytes | Mapping) or not isinstance(given, Iterable):
        raise _unfit(argument, wanted, given)
    found = tuple(given)
    for each in found:
        if not isinstance(each, str) or not each:
            raise _unfit(argument, wanted, each)
    return found


def check_clock(clock: object) -> None:
    """Check a clock, by asking it once.

    Raises:
        ConfigError: It does not give seconds since the epoch.
    """
    wanted = "a function that gives seconds since the epoch, such as a MovableClock"
    if not callable(clock) or isinstance(clock, type):
        raise _unfit("clock", wanted, clock)
    try:
        told = clock()
    except Exception as error:
        msg = f"clock= is {wanted}, and raised {type(error).__qualname__} when it was asked"
        raise ConfigError(msg) from error
    if not is_number(told):
        if hasattr(told, "close"):
            told.close()  # a coroutine, which nobody will await
        msg = f"clock= is {wanted}, and gave {type(told).__name__}"
        raise ConfigError(msg)
    if not is_a_time(told):
        msg = (
            f"clock= is {wanted}, and gave what is no time from 1970 to 9999: it may be"
            " milliseconds"
        )
        raise ConfigError(msg)


def check_server_settings(settings: Mapping[str, object]) -> None:
    """Check that `PoolServer` has such settings.

    Args:
        settings: What `run_pool` passes on to it.

    Raises:
        ConfigError: It has none of some name.
    """
    own = ("triggers", "users", "clock", "pool", "app_client", "custom_attributes")
    known = [*own, *(each.name for each in fields(PoolServer) if each.init)]
    for stray in settings.keys() - {*known}:
        meant = nearest(stray, known)
        guess = f"did you mean {meant}=? " if meant else ""
        msg = (
            f"there is no argument {stray!r:.40}; {guess}run_pool takes {', '.join(own)}, and what"
            " PoolServer takes"
        )
        raise ConfigError(msg)


def check_server(server: object, http: object) -> None:
    """Check the server of `pool_at`, and what is to call it.

    Raises:
        ConfigError: It is no server that runs, or that is no session of aiohttp's.
    """
    if not isinstance(server, PoolServer):
        raise _unfit("server", "a PoolServer, entered by `async with`", server)
    if not server.endpoint:
        msg = "server= does not run: enter it first, `async with PoolServer(...) as server:`"
        raise ConfigError(msg)
    if http is not None and not isinstance(http, aiohttp.ClientSession):
        raise _unfit("http", "an aiohttp.ClientSession, or None", http)


def _unfit(argument: str, wanted: str, given: object) -> ConfigError:
    kind = given.__name__ if isinstance(given, type) else type(given).__name__
    return ConfigError(f"{argument}= is {wanted}, not {kind}")
