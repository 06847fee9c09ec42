"""Second factors: their names, a user's choice among them, and a new authenticator app."""

from enum import StrEnum
from urllib.parse import quote, urlencode

from attrs import frozen

from authflow.given_secrets import wraps_secrets
from authflow.secret import Secret


class SecondFactor(StrEnum):
    """The second factors that Cognito has, as its challenges are called."""

    SMS_MFA = "SMS_MFA"
    """A code by text message."""
    SOFTWARE_TOKEN_MFA = "SOFTWARE_TOKEN_MFA"
    """A code of an authenticator app (TOTP, RFC 6238)."""
    EMAIL_OTP = "EMAIL_OTP"
    """A code by e-mail."""


@frozen(kw_only=True)
class MfaPreference:
    """The second factors of a user.

    Args:
        on: Those that may be asked for.
        preferred: The one that is asked for without a choice; None if there is none.
    """

    on: frozenset[SecondFactor] = frozenset()
    preferred: SecondFactor | None = None


@wraps_secrets("key")
@frozen(kw_only=True)
class NewAuthenticator:
    """The key of an authenticator app that is being set up: the person's app is to have it.

    Args:
        key: The key, in base32, for those who type it. Whoever sees it can make the codes.
        account: The account's name, as the app lists it.
        app_name: The name of what the account is for.
    """

    key: Secret[str]
    account: str
    app_name: str

    @property
    def uri(self) -> Secret[str]:
        """The key as a link of the scheme `otpauth`, for the app or as a QR code.

        Source: "Key Uri Format" in the wiki of Google Authenticator.
        """
        label = f"{quote(self.app_name, safe='')}:{quote(self.account, safe='')}"
        members = {"secret": self.key.reveal().rstrip("="), "issuer": self.app_name}
        return Secret(f"otpauth://totp/{label}?{urlencode(members, quote_via=quote)}")
