"""The second factors of a user, and those that a user pool allows.

Cognito has three: a code by text message, one by e-mail, and one of an authenticator app. A pool
says by MfaConfiguration whether users need one (ON), may have one (OPTIONAL), or neither; and by
SetUserPoolMfaConfig which. Source: "Adding MFA to a user pool" in the developer guide.
"""

import json
from collections.abc import Mapping
from typing import Any, Final, Self

from attrs import evolve, field, frozen

from authflow.machine import State
from authflow.pool.accounts.user_pool import FACTOR_SETTINGS, UserPool

FACTORS: Final = (State.SMS_MFA, State.SOFTWARE_TOKEN_MFA, State.EMAIL_OTP)
"""The second factors that Cognito has, as its challenges are called."""
BY_TEXT: Final[Mapping[str, str]] = {"DeliveryMedium": "SMS", "AttributeName": "phone_number"}
"""The only MFAOptionType, an older way to speak of text messages."""
MFA_SETTINGS: Final = ("MfaConfiguration", *FACTOR_SETTINGS)
"""The members of SetUserPoolMfaConfig that are kept with a pool's settings."""


@frozen(kw_only=True)
class UserFactors:
    """The second factors that a user has turned on.

    Args:
        enabled: The factors, of `FACTORS`.
        preferred: The one that is asked for without a choice; None if there is no such wish.
    """

    enabled: frozenset[State] = frozenset()
    preferred: State | None = None

    def to_json(self) -> str:
        """Return the factors as they are stored."""
        enabled = [str(each) for each in FACTORS if each in self.enabled]
        preferred = {} if self.preferred is None else {"preferred": str(self.preferred)}
        return json.dumps({"enabled": enabled, **preferred} if enabled or preferred else {})

    def without(self, factor: State) -> Self:
        """Return the factors without one."""
        preferred = None if self.preferred is factor else self.preferred
        return evolve(self, enabled=self.enabled - {factor}, preferred=preferred)

    def described(self) -> dict[str, Any]:
        """Return the factors as GetUser tells them; without any, nothing.

        MFAOptions is the older member, which knows text messages alone.
        """
        if not self.enabled:
            return {}
        return {
            "UserMFASettingList": [str(each) for each in FACTORS if each in self.enabled],
            **({} if self.preferred is None else {"PreferredMfaSetting": str(self.preferred)}),
            **({"MFAOptions": [dict(BY_TEXT)]} if State.SMS_MFA in self.enabled else {}),
        }

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read the result of `to_json`."""
        values = json.loads(text)
        preferred = values.get("preferred")
        return cls(
            enabled=frozenset(map(State, values.get("enabled", ()))),
            preferred=None if preferred is None else State(preferred),
        )


@frozen(kw_only=True)
class Authenticator:
    """An authenticator app whose first code was right.

    Args:
        sealed: The secret that makes the codes, sealed with a key of the pool's.
        name: What the user calls the device (FriendlyDeviceName).
        step: The last time step whose code was accepted: it and those before are used up
            (RFC 6238 §5.2).
    """

    sealed: bytes = field(repr=False)
    name: str | None = None
    step: int = 0

    @staticmethod
    def columns(authenticator: "Authenticator | None") -> tuple[bytes | None, str | None, int]:
        """Return the columns in which an authenticator, or none, is stored."""
        if authenticator is None:
            return None, None, 0
        return authenticator.sealed, authenticator.name, authenticator.step

    @classmethod
    def from_columns(cls, sealed: bytes | None, name: str | None, step: int) -> Self | None:
        """Read the result of `columns`."""
        return None if sealed is None else cls(sealed=sealed, name=name, step=step)


@frozen(kw_only=True)
class MfaConfig:
    """The second factors of a user pool.

    Args:
        on: Whether the pool has MFA.
        required: Whether every user needs one.
        allowed: Those that users may have, of `FACTORS`; none where the pool has no MFA.
    """

    on: bool
    required: bool
    allowed: frozenset[State]

    @classmethod
    def of(cls, pool: UserPool) -> Self:
        """Return the second factors that a pool's settings ask for.

        A pool that CreateUserPool gave MFA sends text messages, if it can send any; so it was
        before there were other factors. SetUserPoolMfaConfig says which ones there are.
        """
        settings = pool.settings
        wanted = settings.get("MfaConfiguration", "OFF")
        if wanted == "OFF":
            return cls(on=False, required=False, allowed=frozenset())
        totp: dict[str, Any] = settings.get("SoftwareTokenMfaConfiguration") or {}
        named = {
            State.SMS_MFA: settings.get("SmsMfaConfiguration") is not None,
            State.SOFTWARE_TOKEN_MFA: bool(totp.get("Enabled")),
            State.EMAIL_OTP: settings.get("EmailMfaConfiguration") is not None,
        }
        allowed = frozenset(factor for factor, is_on in named.items() if is_on)
        if not allowed and settings.get("SmsConfiguration") is not None:
            allowed = frozenset({State.SMS_MFA})
        return cls(on=True, required=wanted == "ON", allowed=allowed)
