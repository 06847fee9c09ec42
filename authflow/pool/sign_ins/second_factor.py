"""The second factor that a sign-in asks for once the password is proved. Only decided here.

A pool with MFA asks for a factor that the user has: an authenticator, a phone number, an e-mail
address. Where MFA is optional, it is one that the user has turned on. Where it is required, all
count that the pool has; the e-mail address does not, unless the user turned it on, where it is
also what a forgotten password is recovered by first. Who has none sets one up.

An address need not be verified: the code proves it. A factor that the user has turned on is asked
for even if the pool no longer offers it, which AWS documents for authenticators: it is safer than
none.

Source: "Details of MFA logic at user runtime" and "User MFA preferences" under "Adding MFA to a
user pool" in the developer guide, and "TOTP software token MFA".
"""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from attrs import field, frozen

from authflow.machine import State
from authflow.pool.accounts.attribute_access import may_set
from authflow.pool.accounts.second_factors import FACTORS, MfaConfig
from authflow.pool.accounts.user_pool import UserPool
from authflow.pool.accounts.users import User
from authflow.pool.cognito_errors import CognitoError
from authflow.pool.devices.device_config import skips_second_factor
from authflow.pool.devices.device_state import DeviceState
from authflow.pool.factors.preferences import ADDRESSES_OF
from authflow.pool.messages.destination import Destination
from authflow.pool.sign_ins.factor_state import GivenFactor
from authflow.wire import Members, codes, mfa_choice, mfa_setup

_BY_EMAIL: Final = "verified_email"


@frozen(kw_only=True)
class FactorOwed:
    """A challenge of a second factor: for a code, for a choice, or to set one up.

    Args:
        state: The challenge.
        destination: Where a code must be sent first; None if none is sent.
        parameters: What the client is told.
    """

    state: State
    destination: Destination | None = None
    parameters: Members = field(repr=False)


def factor_after_password(
    pool: UserPool, user: User, client: Mapping[str, Any]
) -> FactorOwed | None:
    """Return what is asked of a user who has proved the password; None if nothing is.

    Args:
        pool: The user pool.
        user: The user.
        client: The settings of the app client.

    Raises:
        CognitoError: A factor is required, and the user neither has one nor could set one up.
    """
    options, preferred = factors_of(pool, user), user.factors.preferred
    if preferred in options:
        return asked_factor(user, preferred)
    if len(options) == 1:
        return asked_factor(user, options[0])
    if options:
        asked = mfa_choice.Asked(options=tuple(map(str, options)))
        return FactorOwed(state=State.SELECT_MFA_TYPE, parameters=asked.write())
    if not MfaConfig.of(pool).required:
        return None
    possible = factors_to_set_up(pool, user, client)
    if not possible:
        raise _without_way()
    asked_setup = mfa_setup.Asked(options=tuple(map(str, possible)))
    return FactorOwed(state=State.MFA_SETUP, parameters=asked_setup.write())


def factors_of(pool: UserPool, user: User) -> tuple[State, ...]:
    """Return the factors that a sign-in of the user may ask for.

    Args:
        pool: The user pool.
        user: The user.
    """
    config = MfaConfig.of(pool)
    if not config.on:
        return ()
    counting = user.factors.enabled
    if config.required:
        counting |= _offered(pool, config)
    return tuple(factor for factor in FACTORS if factor in counting and _has(user, factor))


def factors_to_set_up(pool: UserPool, user: User, client: Mapping[str, Any]) -> tuple[State, ...]:
    """Return the factors that a user can set up in a sign-in who needs one; none for who has one.

    A phone number is set up in none, and an e-mail address where the user may write it.

    Args:
        pool: The user pool.
        user: The user.
        client: The settings of the app client.
    """
    config = MfaConfig.of(pool)
    if not config.required or factors_of(pool, user):
        return ()
    possible = {State.SOFTWARE_TOKEN_MFA}
    if may_set(pool, client, ADDRESSES_OF[State.EMAIL_OTP]):
        possible.add(State.EMAIL_OTP)
    possible &= _offered(pool, config)
    return tuple(factor for factor in FACTORS if factor in possible)


def given_factor(user: User, factor: State) -> GivenFactor:
    """Return a factor as given now, to be kept with what it rests on.

    Args:
        user: The user.
        factor: One of `FACTORS`.
    """
    if factor in ADDRESSES_OF:
        basis = user.attributes.get(ADDRESSES_OF[factor], "").encode()
    else:
        basis = b"" if user.authenticator is None else user.authenticator.sealed
    return GivenFactor(state=factor, rests_on=hashlib.sha256(basis).hexdigest())


def is_still_good(pool: UserPool, user: User, given: GivenFactor | None) -> bool:
    """Return whether a factor that was given is one that the user has still.

    Args:
        pool: The user pool, as stored now.
        user: The user, as stored now.
        given: What was given; None if nothing was.
    """
    if given is None or given.state not in factors_of(pool, user):
        return False
    return given == given_factor(user, given.state)


def is_spared(pool: UserPool, user: User, device: DeviceState | None) -> bool:
    """Return whether the proof of a device stands in for the user's second factor.

    It stands in for one that the user has. Who has none, and needs one, sets one up first: the
    device's proof would be the only one for good.

    Args:
        pool: The user pool.
        user: The user.
        device: The device that the client named; None if it named none.
    """
    return skips_second_factor(pool, device) and bool(factors_of(pool, user))


def addresses_of_factors(pool: UserPool, user: User) -> frozenset[str]:
    """Return the attributes with the addresses to which a sign-in of the user sends codes.

    Args:
        pool: The user pool.
        user: The user.
    """
    options, preferred = factors_of(pool, user), user.factors.preferred
    asked = {preferred} if preferred in options else set(options)
    return frozenset(ADDRESSES_OF[factor] for factor in asked if factor in ADDRESSES_OF)


def asked_factor(user: User, factor: State) -> FactorOwed:
    """Return the challenge that asks for a factor.

    Args:
        user: The user, who has the factor.
        factor: One of `FACTORS`.
    """
    if factor in ADDRESSES_OF:
        attribute = ADDRESSES_OF[factor]
        return sent_to(attribute, user.attributes[attribute])
    name = None if user.authenticator is None else user.authenticator.name
    return FactorOwed(state=factor, parameters=codes.Asked(device=name).write())


def sent_to(attribute: str, address: str) -> FactorOwed:
    """Return the challenge that asks for a code sent to an address.

    Args:
        attribute: email or phone_number.
        address: The address.
    """
    destination = Destination(attribute=attribute, address=address)
    shown = destination.details["Destination"]
    asked = codes.Asked(medium=destination.medium, destination=shown)
    state = next(each for each, named in ADDRESSES_OF.items() if named == attribute)
    return FactorOwed(state=state, destination=destination, parameters=asked.write())


def _has(user: User, factor: State) -> bool:
    if factor in ADDRESSES_OF:
        return bool(user.attributes.get(ADDRESSES_OF[factor]))
    return user.authenticator is not None


def _offered(pool: UserPool, config: MfaConfig) -> frozenset[State]:
    """Return the factors that count though the user has turned none on."""
    setting = pool.settings.get("AccountRecoverySetting") or {}
    mechanisms = sorted(
        setting.get("RecoveryMechanisms") or (), key=lambda each: int(each["Priority"])
    )
    first = mechanisms[0]["Name"] if mechanisms else None
    return config.allowed - ({State.EMAIL_OTP} if first == _BY_EMAIL else frozenset())


def _without_way() -> CognitoError:
    """Return the refusal of a user who needs a factor and can have none.

    AWS documents that there is an error, and not which.
    """
    message = (
        "The user pool requires MFA, the user has no factor that counts, and none can be set up in"
        " this sign-in: a phone number never can, and an e-mail address only where the app client"
        " may write it, it is mutable, and passwords are not recovered by it first. Turn"
        " authenticators on by SetUserPoolMfaConfig, or give the user's address with"
        " AdminCreateUser."
    )
    return CognitoError("InvalidUserPoolConfigurationException", message, reason=message)
