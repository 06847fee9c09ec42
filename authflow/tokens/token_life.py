"""The life of a token: from when and until when it is good, as the token itself tells it.

Source: "Using tokens with user pools" in the Amazon Cognito developer guide: `iat` and `exp`, and
the validity of access and id tokens, which is set apart for each, from 5 minutes to 1 day.
"""

from typing import Any, Final, TypeGuard

from attrs import frozen

from authflow.secret import Secret
from authflow.tokens.usernames import unverified_claims

LONGEST_LIFE: Final = 86_400.0
"""The longest validity that Cognito lets a token have, in seconds."""
_LATEST: Final = 2.0**53


@frozen(kw_only=True)
class TokenLife:
    """The life of a token.

    Args:
        seconds: How long it is good in all.
        until: When it expires, in seconds since the epoch.
    """

    seconds: float
    until: float

    def left(self, *, now: float, age: float) -> float:
        """Return how many seconds are left.

        A clock may be set back, and then a token would seem good long after it has expired. So no
        token has more left than its whole life without the time for which it has been here.

        Args:
            now: The time of day, in seconds since the epoch.
            age: For how many seconds it has been known here, by a clock that is never set.
        """
        return min(self.until - now, self.seconds - age)


def life_of(token: Secret[str], *, expires_in: float, now: float) -> TokenLife:
    """Return the life of a token that was just issued.

    Args:
        token: The token.
        expires_in: Its life in seconds where it does not tell that itself, as Cognito's reply has
            it.
        now: When it was received, in seconds since the epoch.
    """
    claims = unverified_claims(token)
    issued, expires = claims.get("iat"), claims.get("exp")
    if not _is_time(expires):
        return TokenLife(seconds=min(expires_in, LONGEST_LIFE), until=now + expires_in)
    seconds = expires - issued if _is_time(issued) and issued < expires else expires_in
    return TokenLife(seconds=min(float(seconds), LONGEST_LIFE), until=float(expires))


def _is_time(value: Any) -> TypeGuard[float]:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return 0 <= value < _LATEST  # not a number is in no range
