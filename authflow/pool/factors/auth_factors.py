"""The factors of a user, first and second ones, as GetUserAuthFactors tells them."""

from typing import Any, Final

from authflow.machine import State
from authflow.pool.accounts.second_factors import MfaConfig
from authflow.pool.accounts.user_pool import UserPool
from authflow.pool.accounts.users import User
from authflow.pool.factors.preferences import ADDRESSES_OF

_PASSWORD: Final = "PASSWORD"
_NAMES: Final = {
    State.EMAIL_OTP: "EMAIL_OTP",
    State.SMS_MFA: "SMS_OTP",
    State.SOFTWARE_TOKEN_MFA: "SOFTWARE_TOKEN",
}
"""The second factors, as AuthFactorType calls them."""


def auth_factors(pool: UserPool, user: User) -> dict[str, Any]:
    """Return a user's factors, as GetUserAuthFactors and AdminGetUserAuthFactors do.

    A first factor other than the password needs a verified address; who has, or must have, a second
    factor begins with the password. Passkeys are never among them: nobody can register one here.

    Source: GetUserAuthFactors in the API reference; for the second rule "Authentication flows" in
    the developer guide, which gives no codes as first factors to users with MFA.
    """
    policy = (pool.settings.get("Policies") or {}).get("SignInPolicy") or {}
    first = policy.get("AllowedFirstAuthFactors") or (_PASSWORD,)
    has_mfa = MfaConfig.of(pool).required or bool(user.factors.enabled)
    found = {_PASSWORD} & {*first}
    for factor, attribute in ADDRESSES_OF.items():
        verified = user.attributes.get(f"{attribute}_verified") == "true"
        as_first = not has_mfa and verified and bool(user.attributes.get(attribute))
        if (as_first and _NAMES[factor] in first) or factor in user.factors.enabled:
            found.add(_NAMES[factor])
    if user.authenticator is not None:
        found.add(_NAMES[State.SOFTWARE_TOKEN_MFA])
    told = user.factors.described()
    told.pop("MFAOptions", None)  # GetUser alone has this older member
    order = (_PASSWORD, *_NAMES.values())
    return {
        "Username": user.username,
        **told,
        "ConfiguredUserAuthFactors": [name for name in order if name in found],
    }
