"""Credentials of a user for botocore's clients, which renew them when an identity pool says so.

botocore asks its own clock how long credentials are good, and has its own times ahead of that. Here
both are those of the identity pool, whether botocore is asynchronous or not.

Source: `RefreshableCredentials` of `botocore.credentials`, which aiobotocore's are made of.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar

from attrs import define, field

if TYPE_CHECKING:
    from authflow.aws.identity_pool import IdentityPool, LentCredentials

T = TypeVar("T")

METHOD: Final = "cognito-identity"
"""As botocore names providers in its logs."""


@define(eq=False)
class RenewedCredentials:
    """The credentials that botocore was given last, and the time by which it judges their end.

    Args:
        pool: Lends them.
    """

    pool: "IdentityPool"
    _lent: "LentCredentials" = field(init=False, repr=False)

    def given(self, lent: "LentCredentials") -> dict[str, str]:
        """Note credentials, and return them as botocore takes them.

        Args:
            lent: The credentials.
        """
        self._lent = lent
        return lent.as_botocore()

    def made(self, kind: Callable[..., T], first: dict[str, str], fetch: Callable[[], Any]) -> T:
        """Return credentials of botocore's that renew themselves.

        Args:
            kind: Their class.
            first: The first ones, as `given` returned them.
            fetch: Returns others, as `given` returns them.
        """
        return kind(
            first["access_key"],
            first["secret_key"],
            first["token"],
            datetime.fromisoformat(first["expiry_time"]),
            fetch,
            METHOD,
            time_fetcher=self._time,
            advisory_timeout=float(self.pool.ahead),
            mandatory_timeout=float(self.pool.ahead),
        )

    def _time(self) -> datetime:
        """Return the time at which the credentials have as long to their end as the pool says."""
        left = self._lent.left(self.pool.clock(), self.pool.ticks())
        return self._lent.credentials.expires_at - timedelta(seconds=left)
