"""AccountRecoverySetting: the addresses at which a user with a forgotten password is reached.

Only verified addresses count. Without the setting a phone number is preferred ("Recovering user
accounts" in the developer guide).

An address that a user's second factor goes to recovers no password: whoever reads it would need
nothing else ("Passwords, account recovery, and password policies" in the developer guide). Without
the setting a phone number does both, which AWS calls the legacy behavior, and does not recommend.
It is so for codes that an administrator has sent, too, and looked at again when a code is entered.
"""

import contextlib
from collections.abc import Iterator
from typing import Final

from authflow.machine import State
from authflow.pool.accounts.attribute_values import is_address
from authflow.pool.accounts.masking import StandIn
from authflow.pool.accounts.user_pool import UserPool
from authflow.pool.accounts.users import FORCE_CHANGE_PASSWORD, User
from authflow.pool.cognito_errors import CognitoError, not_authorized
from authflow.pool.messages.destination import Destination, reach
from authflow.pool.sign_ins.second_factor import addresses_of_factors

_MECHANISMS: Final = {"verified_email": "email", "verified_phone_number": "phone_number"}
_LEGACY: Final = "phone_number"
_WITHOUT_SETTING: Final = (_LEGACY, "email")
_FACTORS: Final = {"email": State.EMAIL_OTP, "phone_number": State.SMS_MFA}


def recovery_attributes(pool: UserPool, *, by_administrator: bool = False) -> tuple[str, ...]:
    """Return the attributes by which users of a pool are reached, the preferred first.

    Args:
        pool: The user pool.
        by_administrator: Whether an administrator asks, who may do it in any pool.

    Raises:
        CognitoError: Only an administrator resets passwords there.
    """
    setting = pool.settings.get("AccountRecoverySetting") or {}
    options = sorted(setting.get("RecoveryMechanisms") or (), key=lambda each: each["Priority"])
    admin_only = any(each["Name"] == "admin_only" for each in options)
    if admin_only and not by_administrator:
        raise not_authorized("Contact administrator to reset password.")
    if admin_only or not options:
        return _WITHOUT_SETTING
    return tuple(_MECHANISMS[each["Name"]] for each in options)


def check_may_reset(user: User) -> None:
    """Refuse a user whose password cannot be reset by a code.

    Raises:
        CognitoError: The user is disabled, or has a temporary password.
    """
    if not user.enabled:
        raise not_authorized("User is disabled.")
    if user.status == FORCE_CHANGE_PASSWORD:
        raise not_authorized("User password cannot be reset in the current state.")


def may_reset(user: User) -> bool:
    """Return whether a user's password can be reset by a code; see `check_may_reset`."""
    return user.enabled and user.status != FORCE_CHANGE_PASSWORD


def reach_to_recover(pool: UserPool, user: User, attributes: tuple[str, ...]) -> Destination:
    """Return the address at which a user who has forgotten the password is reached.

    Args:
        pool: The user pool.
        user: The user.
        attributes: Those by which users of the pool are reached, the preferred first.

    Raises:
        CognitoError: There is no verified address, apart from those of second factors.
    """
    return reach(user, _free(pool, user, attributes))


def ways_to_recover(pool: UserPool, user: User) -> Iterator[Destination]:
    """Yield the addresses of which a user who has a code from there may set a new password.

    Args:
        pool: The user pool, as stored now.
        user: The user, as stored now.
    """
    for name in _free(pool, user, recovery_attributes(pool, by_administrator=True)):
        with contextlib.suppress(CognitoError):
            yield reach(user, [name])


def _free(pool: UserPool, user: User, attributes: tuple[str, ...]) -> list[str]:
    """Return those of the attributes that no second factor of the user goes to."""
    setting = pool.settings.get("AccountRecoverySetting") or {}
    legacy = frozenset() if setting.get("RecoveryMechanisms") else frozenset({_LEGACY})
    turned_on = {name for name, factor in _FACTORS.items() if factor in user.factors.enabled}
    # Where every user needs a factor, an address may be one though nobody has turned it on.
    taken = (turned_on | addresses_of_factors(pool, user)) - legacy
    return [name for name in attributes if name not in taken]


def pretend_to_reach(made: StandIn, attributes: tuple[str, ...]) -> Destination:
    """Return a made-up destination, for a user who does not exist or must look like one.

    Its medium follows the form of the name and what the pool verifies ("Managing user existence
    error responses" in the developer guide); the same name has always the same.

    Args:
        made: Who stands for the user.
        attributes: Those by which users of the pool are reached.
    """
    verified = made.pool.settings.get("AutoVerifiedAttributes") or ()
    likely = (
        *(each for each in attributes if is_address(each, made.name)),
        *(each for each in attributes if each in verified),
        *attributes,
    )[0]
    return Destination(attribute=likely, address=made.address(likely))
