"""Users as the rows of a CSV file tell of them.

They have no password until they reset it. Sources: "Creating the user import CSV file" and
"Requiring imported users to reset their passwords" in the developer guide. What is refused is told
in words that repeat nothing of the row.
"""

import re
from collections.abc import Mapping
from datetime import date
from typing import Final

from authflow.machine import State
from authflow.pool.accounts.attribute_values import check_flags, read_attributes
from authflow.pool.accounts.masking import second_name
from authflow.pool.accounts.passwords import StoredPassword
from authflow.pool.accounts.second_factors import MfaConfig, UserFactors
from authflow.pool.accounts.user_pool import UserPool
from authflow.pool.accounts.users import RESET_REQUIRED, User, new_sub, new_username
from authflow.pool.cognito_errors import invalid_parameter
from authflow.pool.imports.csv_rows import MFA_ENABLED, USERNAME

_BIRTHDATE: Final = re.compile(r"([0-9]{2})/([0-9]{2})/([0-9]{4})", re.ASCII)
_FLAGS: Final = {"true": True, "false": False}


def imported_user(pool: UserPool, record: Mapping[str, str], now: float) -> User:
    """Return the user of a row.

    Args:
        pool: The user pool.
        record: The row, "" for what it leaves out.
        now: Seconds since the epoch.

    Raises:
        CognitoError: There can be no such user.
    """
    given = {name: value for name, value in record.items() if value}
    username = given.pop(USERNAME, "")
    has_factor = _FLAGS.get(given.pop(MFA_ENABLED, "").lower())
    if "birthdate" in given:
        given["birthdate"] = _birthdate(given["birthdate"])
    sub = new_sub()
    username, attributes = new_username(pool, username, sub, read_attributes(pool, given.items()))
    check_flags(attributes)
    for name in pool.required_attributes:
        if not attributes.get(name):
            raise invalid_parameter(f"The User Record does not set the required attribute {name}.")
    if not any(attributes.get(f"{name}_verified") == "true" for name in auto_verified(pool)):
        raise invalid_parameter(
            "The User Record does not set any of the auto verified attributes to true. (Example:"
            " email_verified to true)."
        )
    two_names = second_name(pool, username, sub) is not None
    return User(
        sub=sub,
        pool_id=pool.id,
        username=username,
        status=RESET_REQUIRED,
        attributes=attributes,
        password=StoredPassword.of_nobody(two_names=two_names),
        factors=_factors(pool, attributes, has_factor=has_factor),
        created_at=now,
        modified_at=now,
    )


def auto_verified(pool: UserPool) -> tuple[str, ...]:
    """Return the addresses of which a pool's users must have a verified one to be imported."""
    return tuple(pool.settings.get("AutoVerifiedAttributes", ()))


def _birthdate(text: str) -> str:
    """Return a date of the file as attributes have it."""
    found = _BIRTHDATE.fullmatch(text)
    try:
        month, day, year = map(int, found.groups()) if found else (0, 0, 0)
        return date(year, month, day).isoformat()
    except ValueError:
        raise invalid_parameter("birthdate must be a date of the form mm/dd/yyyy.") from None


def _factors(
    pool: UserPool, attributes: Mapping[str, str], *, has_factor: bool | None
) -> UserFactors:
    """Return the second factors of a user: the one that a file knows is a text message.

    Raises:
        CognitoError: The pool does not have it so, or nobody could be asked for the factor.
    """
    config = MfaConfig.of(pool)
    if has_factor is None:
        raise invalid_parameter(f"{MFA_ENABLED} must be true or false.")
    if config.required and not has_factor:
        raise invalid_parameter(f"{MFA_ENABLED} must be true, since MFA is required.")
    if has_factor and not config.allowed:
        raise invalid_parameter(f"{MFA_ENABLED} must be false, since MFA is off.")
    can_be_asked = State.SMS_MFA in config.allowed and bool(attributes.get("phone_number"))
    if has_factor and can_be_asked:
        return UserFactors(enabled=frozenset({State.SMS_MFA}))
    if has_factor and not config.required:
        raise invalid_parameter(
            f"{MFA_ENABLED} is true, and the user could not be sent a text message."
        )
    return UserFactors()
