"""The attributes that Cognito writes itself, and takes from no directory.

A migrated user's `sub` is drawn by the pool, and what begins with `cognito:` tells how a user came
into it. Cognito fails the whole migration of a user with one of them, without telling why, so a
directory that is to bring one is refused when it is set up.

Source: "Working with user attributes" and "Migrate user Lambda trigger" in the Amazon Cognito
developer guide.
"""

from collections.abc import Iterable
from typing import Any

from authflow.errors import ConfigError
from authflow.printable import one_line
from authflow.triggers.events.migrated_user import MigratedUser

_SUB = "sub"
_PREFIX = "cognito:"


def cognitos_own(names: Iterable[str]) -> str | None:
    """Find an attribute that no directory can bring, in whatever case it is written.

    Args:
        names: The names of attributes.

    Returns:
        The first one, so that it can be shown; None if there is none.
    """
    for name in names:
        folded = name.strip().casefold()
        if folded == _SUB or folded.startswith(_PREFIX):
            return one_line(name, 80)
    return None


def refuse_cognitos_own(names: Iterable[str]) -> None:
    """Check the attributes that a directory is set up to bring.

    Args:
        names: Their names in the pool.

    Raises:
        ConfigError: Cognito writes one of them itself.
    """
    name = cognitos_own(names)
    if name is not None:
        msg = (
            f"Cognito writes the attribute {name!r} itself, and takes it from no directory: leave"
            " it out, or bring it as one of your own, such as custom:old_id"
        )
        raise ConfigError(msg)


def common_to_all(_directory: object, _field: Any, defaults: MigratedUser) -> None:
    """Check what all users of a directory have in common; a validator.

    Args:
        _directory: Not used.
        _field: Not used.
        defaults: The setting.

    Raises:
        ConfigError: Cognito writes one of the attributes itself.
    """
    refuse_cognitos_own(defaults.attributes)
