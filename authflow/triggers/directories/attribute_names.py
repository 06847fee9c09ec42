"""The names of the attributes that a directory can provide.

Cognito fails the whole migration of a user with an attribute that it does not take, without telling
why. So a directory that is to bring one is refused when it is set up. There are three kinds:

1. What Cognito writes itself. A migrated user's `sub` is drawn by the pool, `identities` tells of
   other providers, and what begins with `cognito:` how a user came into the pool.
2. What no user pool has: neither a standard attribute nor one of a pool's own, which is `custom:`
   or `dev:custom:` and a name of 1 to 20 characters. Case counts, and so does every character:
   a name that only looks like another is another.
3. Everything else can be in some pool, and whether it is in this one only the pool knows.

Sources: "Working with user attributes" and "Migrate user Lambda trigger" in the Amazon Cognito
developer guide, where `username` is among the attributes; CustomAttributeNameType in the API's
model.
"""

import unicodedata
from collections.abc import Iterable
from typing import Any, Final

from authflow.errors import ConfigError
from authflow.printable import one_line
from authflow.triggers.events.migrated_user import MigratedUser

_OWN: Final = frozenset({"sub", "identities"})
_OWN_PREFIX: Final = "cognito:"
STANDARD: Final = frozenset(
    {
        *("name", "given_name", "family_name", "middle_name", "nickname", "preferred_username"),
        *("profile", "picture", "website", "email", "email_verified", "gender", "birthdate"),
        *("zoneinfo", "locale", "phone_number", "phone_number_verified", "address", "updated_at"),
    }
)
"""The standard attributes, without those that Cognito itself writes."""
_USERNAME: Final = "username"
"""The name under which the user is created, which is no attribute of the profile."""
_PREFIXES: Final = ("custom:", "dev:custom:")
_CUSTOM_CHARS: Final = 20
_CUSTOM_CATEGORIES: Final = frozenset("LMSNP")
"""Letters, marks, symbols, numbers and punctuation: no spaces or invisible characters."""
_SHOWN_CHARS: Final = 80


def cognitos_own(names: Iterable[str]) -> str | None:
    """Return the first attribute that only Cognito writes, whatever its case.

    Args:
        names: The names of attributes.

    Returns:
        The first one, so that it can be shown; None if there is none.
    """
    for name in names:
        folded = name.strip().casefold()
        if folded in _OWN or folded.startswith(_OWN_PREFIX):
            return one_line(name, _SHOWN_CHARS)
    return None


def refuse_impossible(names: Iterable[str]) -> None:
    """Refuse attributes that a directory cannot provide.

    Args:
        names: Their names in the pool.

    Raises:
        ConfigError: Cognito writes one of them itself, or no user of any pool can have it.
    """
    names = tuple(names)
    own = cognitos_own(names)
    if own is not None:
        msg = (
            f"Cognito writes the attribute {own!r} itself, and takes it from no directory: leave"
            " it out, or bring it as one of your own, such as custom:old_id"
        )
        raise ConfigError(msg)
    for name in names:
        if not _can_be(name):
            msg = (
                f"no user can have the attribute {name[:_SHOWN_CHARS]!a}: name one of Cognito's"
                f" ({', '.join(sorted(STANDARD))}), or one of your pool's own as custom:NAME, where"
                f" NAME has 1 to {_CUSTOM_CHARS} characters and no white space"
            )
            raise ConfigError(msg)


def _can_be(name: str) -> bool:
    """Return whether a pool can have an attribute of this name."""
    if name in STANDARD or name == _USERNAME:
        return True
    for prefix in _PREFIXES:
        if name.startswith(prefix):
            own = name.removeprefix(prefix)
            return 1 <= len(own) <= _CUSTOM_CHARS and all(
                unicodedata.category(sign)[0] in _CUSTOM_CATEGORIES for sign in own
            )
    return False


def common_to_all(_directory: object, _field: Any, defaults: MigratedUser) -> None:
    """Check the values that all users of a directory have in common; a validator.

    Args:
        _directory: Not used.
        _field: Not used.
        defaults: The setting.

    Raises:
        ConfigError: As `refuse_impossible` says.
    """
    refuse_impossible(defaults.attributes)
