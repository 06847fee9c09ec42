"""The settings of second factors: what may be set by which operation, and what stays.

CreateUserPool and UpdateUserPool know text messages alone. SetUserPoolMfaConfig knows all factors;
it replaces what was set before, and what it leaves out is gone, MfaConfiguration included. An
UpdateUserPool that leaves MfaConfiguration out changes none of this.

The rules and their texts are those that Cognito was measured to have (go-to-k/cdkd#1920, #1923 and
#1968, floci-io/floci#2831, anomalyco/sst#5177, aws-amplify/amplify-backend#1481, and
aws-cloudformation/cloudformation-coverage-roadmap#1176) where AWS does not document them.
"""

from collections.abc import Mapping
from typing import Any, Final

from authflow.pool.accounts.user_pool import FACTOR_SETTINGS
from authflow.pool.cognito_errors import CognitoError, invalid_parameter

MFA: Final = "MfaConfiguration"
_OFF: Final = "OFF"
_SMS: Final = "SmsConfiguration"
_SMS_TEXT: Final = "SmsAuthenticationMessage"
_SMS_FACTOR: Final = "SmsMfaConfiguration"
_TOTP: Final = "SoftwareTokenMfaConfiguration"
_PASSKEYS: Final = "WebAuthnConfiguration"
"""Passkeys are no second factor: they go with MFA that is off, and do not make up for others."""
_FACTORS: Final = frozenset(FACTOR_SETTINGS) - {_PASSKEYS}


def check_new(settings: Mapping[str, Any]) -> None:
    """Check what CreateUserPool was given.

    Raises:
        CognitoError: There is to be MFA, and no way to send text messages.
    """
    if settings.get(MFA, _OFF) != _OFF and _SMS not in settings:
        raise _no_factor()


def updated(old: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what UpdateUserPool was given, with the settings of factors that stay.

    While there is MFA, what sends text messages stays, too.

    Args:
        old: The pool's settings.
        given: What the operation was given.

    Raises:
        CognitoError: MFA is to be turned on, or there is to be MFA and no factor.
    """
    before = old.get(MFA, _OFF)
    mode = given.get(MFA, before)
    if mode == "ON" != before:
        raise _refused("Cannot turn MFA functionality ON, once the user pool has been created.")
    staying = (_PASSKEYS,) if mode == _OFF else (*FACTOR_SETTINGS, _SMS, _SMS_TEXT)
    kept = {name: old[name] for name in staying if name in old}
    settings = {**kept, MFA: mode, **given}
    if mode not in {_OFF, before} and not settings.keys() & {_SMS, *_FACTORS}:
        raise _no_factor()
    return settings


def configured(old: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a pool's settings after SetUserPoolMfaConfig.

    Text messages have one configuration, whichever operation sets it. A factor counts as soon as
    it is named, also if what it says of itself is that it is disabled; but where there is to be
    MFA, one must not be.

    Args:
        old: The pool's settings.
        given: What the operation was given.

    Raises:
        CognitoError: The settings contradict one another.
    """
    mode, sms = given.get(MFA, _OFF), given.get(_SMS_FACTOR)
    if sms is not None and not _sends(sms.get(_SMS) or old.get(_SMS) or {}):
        raise _refused(
            "Invalid SMS MFA configuration given, external id and a valid caller arn are required"
        )
    named = given.keys() & _FACTORS
    if mode == _OFF and named:
        raise _refused(
            "Invalid MFA configuration given, can't turn off MFA and configure an MFA together."
        )
    if mode != _OFF and not named:
        raise _refused(
            "Invalid MFA Configuration given. SMS MFA, Email MFA, or Software Token MFA must be "
            "enabled."
        )
    if mode != _OFF and named == {_TOTP} and not (given[_TOTP] or {}).get("Enabled"):
        raise _refused(
            "Invalid MFA configuration given, can't disable all MFAs with a required or optional "
            "configuration."
        )
    if mode != _OFF and sms is None and old.get(_SMS) is not None:
        raise _refused("Can't turn off SMS_MFA when SMS configuration is set for the user pool")
    kept = {name: value for name, value in old.items() if name not in {*_FACTORS, _SMS_TEXT}}
    settings = {name: given[name] for name in FACTOR_SETTINGS if name in given}
    if sms is not None:
        # Both members are the pool's own, which other operations tell and set.
        settings |= {_SMS_FACTOR: {}, **sms}
    return {**kept, **settings, MFA: mode}


def described(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return a pool's settings as GetUserPoolMfaConfig tells them; what is not set is left out."""
    sms = {name: settings[name] for name in (_SMS_TEXT, _SMS) if name in settings}
    told = {name: settings[name] for name in FACTOR_SETTINGS if name in settings}
    return {
        **told,
        **({_SMS_FACTOR: sms} if _SMS in settings else {}),
        MFA: settings.get(MFA, _OFF),
    }


def _sends(sms: Mapping[str, Any]) -> bool:
    return bool(sms.get("EumsSms")) or bool(sms.get("SnsCallerArn") and sms.get("ExternalId"))


def _no_factor() -> CognitoError:
    return _refused(
        "SMS configuration and Auto verification for phone_number are required when MFA is "
        "required/optional"
    )


def _refused(message: str) -> CognitoError:
    return invalid_parameter(message, reason=message)
