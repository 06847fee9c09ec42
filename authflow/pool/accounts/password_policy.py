"""A pool's password policy: the rules for new passwords."""

import secrets
import string
from collections.abc import Mapping
from typing import Any, Final, Self

from attrs import frozen

from authflow.pool.cognito_errors import CognitoError
from authflow.secret import Secret

_SYMBOLS: Final = frozenset("^$*.[]{}()?-\"!@#%&/\\,><':;|_~`+=")
_LONGEST: Final = 256
_DAY: Final = 86400.0
_DRAWN: Final = 12
"""The fewest characters of a password that is drawn: 71 bits and more."""
_DRAWN_KINDS: Final = (string.ascii_uppercase, string.ascii_lowercase, string.digits, "!@#%*?-_")


def _rejected(reason: str) -> CognitoError:
    message = f"Password did not conform with policy: {reason}"
    return CognitoError("InvalidPasswordException", message, reason=message)


@frozen(kw_only=True)
class PasswordPolicy:
    """A password policy, with the defaults of CreateUserPool.

    Args:
        minimum_length: In characters.
        uppercase: Whether an upper-case letter is needed.
        lowercase: Whether a lower-case letter is needed.
        numbers: Whether a digit is needed.
        symbols: Whether a symbol is needed.
        temporary_days: How long a temporary password is good for; 0 means the default.
        history_size: How many former passwords may not be set again.
    """

    minimum_length: int = 8
    uppercase: bool = True
    lowercase: bool = True
    numbers: bool = True
    symbols: bool = True
    temporary_days: int = 7
    history_size: int = 0

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any] | None) -> Self:
        """Read Cognito's PasswordPolicy. Rules that a given policy leaves out are off."""
        if settings is None:
            return cls()
        return cls(
            minimum_length=settings.get("MinimumLength", 8),
            uppercase=settings.get("RequireUppercase", False),
            lowercase=settings.get("RequireLowercase", False),
            numbers=settings.get("RequireNumbers", False),
            symbols=settings.get("RequireSymbols", False),
            temporary_days=settings.get("TemporaryPasswordValidityDays", 7) or 7,
            history_size=settings.get("PasswordHistorySize", 0),
        )

    @property
    def settings(self) -> dict[str, Any]:
        """The policy as Cognito writes it."""
        return {
            "MinimumLength": self.minimum_length,
            "RequireUppercase": self.uppercase,
            "RequireLowercase": self.lowercase,
            "RequireNumbers": self.numbers,
            "RequireSymbols": self.symbols,
            "TemporaryPasswordValidityDays": self.temporary_days,
            # "isn't displayed ... when you set this value to 0" (PasswordPolicyType).
            **({"PasswordHistorySize": self.history_size} if self.history_size else {}),
        }

    @property
    def temporary_seconds(self) -> float:
        """The seconds for which a temporary password is valid."""
        return self.temporary_days * _DAY

    def temporary(self) -> Secret[str]:
        """Draw a temporary password that conforms to the policy.

        It has a letter of each case, a digit and a symbol, which no policy forbids.
        """
        length = max(self.minimum_length, _DRAWN)
        kinds = [*_DRAWN_KINDS, *["".join(_DRAWN_KINDS)] * (length - len(_DRAWN_KINDS))]
        drawn = [secrets.choice(kind) for kind in kinds]
        secrets.SystemRandom().shuffle(drawn)
        return Secret("".join(drawn))

    def check(self, password: Secret[str]) -> None:
        """Refuse a password that does not conform to the policy.

        Raises:
            CognitoError: InvalidPasswordException, with what is missing.
        """
        text = password.reveal()
        if len(text) < self.minimum_length:
            raise _rejected("Password not long enough")
        if len(text) > _LONGEST:
            raise _rejected("Password too long")
        if any(c.isspace() for c in text):
            raise _rejected("Password must not have white space")
        for needed, kind, found in (
            (self.uppercase, "uppercase", any("A" <= c <= "Z" for c in text)),
            (self.lowercase, "lowercase", any("a" <= c <= "z" for c in text)),
            (self.numbers, "numeric", any("0" <= c <= "9" for c in text)),
            (self.symbols, "symbol", not _SYMBOLS.isdisjoint(text)),
        ):
            if needed and not found:
                raise _rejected(f"Password must have {kind} characters")
