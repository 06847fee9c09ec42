"""The second factors that a user has turned on: what may be chosen, and how it is stored.

An address for codes need not be verified: the first code that comes back from there verifies it
("SMS and email message MFA" in the developer guide).
"""

from collections.abc import Mapping
from typing import Any, Final

from authflow.machine import State
from authflow.pool.accounts.second_factors import BY_TEXT, MfaConfig, UserFactors
from authflow.pool.accounts.user_pool import UserPool
from authflow.pool.accounts.users import User, find_user_by_sub
from authflow.pool.cognito_errors import CognitoError, invalid_parameter, user_not_found
from authflow.pool.store.sqlite_connection import Connection

ADDRESSES_OF: Final[Mapping[State, str]] = {
    State.SMS_MFA: "phone_number",
    State.EMAIL_OTP: "email",
}
"""The factors whose codes are sent, and the attribute that says where to."""
_MEMBERS: Final[Mapping[State, str]] = {
    State.SMS_MFA: "SMSMfaSettings",
    State.SOFTWARE_TOKEN_MFA: "SoftwareTokenMfaSettings",
    State.EMAIL_OTP: "EmailMfaSettings",
}


def may_have(pool: UserPool, user: User, factor: State) -> bool:
    """Return whether a user may turn a factor on.

    Args:
        pool: The user's pool, which must allow it.
        user: The user, who needs a verified authenticator or an address.
        factor: The factor.
    """
    if factor not in MfaConfig.of(pool).allowed:
        return False
    if factor is State.SOFTWARE_TOKEN_MFA:
        return user.authenticator is not None
    return bool(user.attributes.get(ADDRESSES_OF[factor]))


def chosen_factors(pool: UserPool, user: User, request: Mapping[str, Any]) -> UserFactors:
    """Return a user's factors after SetUserMFAPreference or AdminSetUserMFAPreference.

    What is not named stays as it is. Where every user needs a factor, none can be turned off: the
    request succeeds and does not do it, as Cognito is reported to behave (panther-labs/panther#317;
    API reference, SMSMfaSettingsType).

    Args:
        pool: The user's pool.
        user: The user, as read in the transaction that stores the choice.
        request: The request.

    Raises:
        CognitoError: The user may not have a factor that is to be on, or the wishes contradict one
            another.
    """
    required = MfaConfig.of(pool).required
    enabled, preferred = set(user.factors.enabled), user.factors.preferred
    if sum(_wish(request, factor).get("PreferredMfa", False) for factor in _MEMBERS) > 1:
        raise _contradiction("Only one MFA factor can be set as preferred")
    for factor in _MEMBERS:
        wish = _wish(request, factor)
        on, first = wish.get("Enabled", factor in enabled), wish.get("PreferredMfa")
        if wish.get("Enabled") and not may_have(pool, user, factor):
            raise _cannot_have(factor)
        if first and not on:
            raise _contradiction(f"{factor} cannot be preferred unless it is enabled")
        if on:
            enabled.add(factor)
        elif not required:
            enabled.discard(factor)
        if first:
            preferred = factor
        elif preferred is factor and (first is False or factor not in enabled):
            preferred = None
    if request.get("WebAuthnMfaSettings", {}).get("Enabled"):
        raise _contradiction("WebAuthn MFA has not been enabled for this user pool")
    return UserFactors(enabled=frozenset(enabled), preferred=preferred)


def settings_as_wishes(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return what SetUserSettings asks for, as SetUserMFAPreference would ask for it.

    It knows text messages alone: its only option turns them on, and without it they are off
    (SetUserSettings and MFAOptionType in the API reference; "enableMFA" and "disableMFA" of
    amazon-cognito-identity-js).

    Args:
        request: The request, or that of AdminSetUserSettings.

    Raises:
        CognitoError: It has another option.
    """
    if any(option != BY_TEXT for option in request["MFAOptions"]):
        raise _contradiction(
            "MFAOptions can only be DeliveryMedium SMS with AttributeName phone_number"
        )
    return {_MEMBERS[State.SMS_MFA]: {"Enabled": bool(request["MFAOptions"])}}


def set_factors(connection: Connection, user: User, factors: UserFactors, now: float) -> User:
    """Store which second factors a user has turned on, and which is preferred.

    Args:
        connection: The database.
        user: The user.
        factors: The factors.
        now: Seconds since the epoch.

    Returns:
        The user as he is now.

    Raises:
        CognitoError: The user is gone.
    """
    connection.execute(
        "UPDATE users SET factors = ?, modified_at = ? WHERE sub = ?",
        (factors.to_json(), now, user.sub),
    )
    stored = find_user_by_sub(connection, user.pool_id, user.sub)
    if stored is None:
        raise user_not_found()
    return stored


def _wish(request: Mapping[str, Any], factor: State) -> Mapping[str, bool]:
    wish: Mapping[str, bool] = request.get(_MEMBERS[factor], {})
    return wish


def _cannot_have(factor: State) -> CognitoError:
    return _contradiction(f"User does not have delivery config set to turn on {factor}")


def _contradiction(message: str) -> CognitoError:
    return invalid_parameter(message, reason=message)
