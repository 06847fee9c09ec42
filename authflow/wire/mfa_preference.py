"""SetUserMFAPreference, and what GetUser tells of a user's second factors.

Source: SetUserMFAPreference and GetUser in the API reference.
"""

from collections.abc import Collection, Mapping
from typing import Any, Final

from authflow.errors import MalformedReplyError
from authflow.mfa import MfaPreference, SecondFactor
from authflow.secret import Secret
from authflow.wire.requests import Request, spelt

_SETTINGS: Final[Mapping[SecondFactor, str]] = {
    SecondFactor.SMS_MFA: "SMSMfaSettings",
    SecondFactor.SOFTWARE_TOKEN_MFA: "SoftwareTokenMfaSettings",
    SecondFactor.EMAIL_OTP: "EmailMfaSettings",
}


def set_preference(
    access_token: Secret[str],
    *,
    on: Collection[SecondFactor],
    off: Collection[SecondFactor],
    preferred: SecondFactor | None,
) -> Request:
    """Return a SetUserMFAPreference request; factors that are in neither list stay as they are."""
    return spelt(
        "SetUserMFAPreference",
        lambda: {
            **{
                _SETTINGS[factor]: {"Enabled": factor in on, "PreferredMfa": factor == preferred}
                for factor in SecondFactor
                if factor in {*on, *off}
            },
            "AccessToken": access_token.reveal(),
        },
    )


def get_user(access_token: Secret[str]) -> Request:
    """Return a GetUser request."""
    return spelt("GetUser", lambda: {"AccessToken": access_token.reveal()})


def read_preference(reply: Mapping[str, Any]) -> MfaPreference:
    """Read a user's second factors in a reply to GetUser. A factor that is unknown is left out.

    Raises:
        MalformedReplyError: A member is not of its form.
    """
    on, preferred = reply.get("UserMFASettingList") or [], reply.get("PreferredMfaSetting")
    if (
        not isinstance(on, list)
        or not all(isinstance(each, str) for each in on)
        or not (preferred is None or isinstance(preferred, str))
    ):
        msg = "UserMFASettingList is no array of strings, or PreferredMfaSetting no string"
        raise MalformedReplyError(msg)
    known = {str(factor): factor for factor in SecondFactor}
    return MfaPreference(
        on=frozenset(known[each] for each in on if each in known),
        preferred=None if preferred is None else known.get(preferred),
    )
