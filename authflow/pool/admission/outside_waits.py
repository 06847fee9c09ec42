"""Requests that wait for something outside of the pool, and the limit of their number.

Who waits for a trigger takes no processor, but his connection is one of those that are served. So
one slow trigger could take them all from the users of every other pool.
"""

import contextlib
from collections import Counter
from collections.abc import Iterator
from typing import Final

from attrs import define, field

from authflow.pool.cognito_errors import CognitoError
from authflow.pool.log_limit import limited_logger

_LOG: Final = limited_logger("authflow.pool")


@define(kw_only=True)
class OutsideWaits:
    """Requests that wait for something outside of the pool, counted by user pool.

    A pool may have as many as places are left free: one alone gets half of the room, one that
    comes later half of the rest, and so on.

    Source: Choudhury and Hahne, "Dynamic queue length thresholds for shared-memory packet
    switches", with the factor 1.

    Args:
        room: How many may wait in all.
    """

    room: float
    _waiting: Counter[str] = field(factory=Counter, init=False)

    @contextlib.contextmanager
    def waiting(self, pool_id: str, otherwise: CognitoError) -> Iterator[None]:
        """Count a request that waits for something outside, while the scope lasts.

        Args:
            pool_id: The user pool that the request is about.
            otherwise: What the client hears if too many wait.

        Raises:
            CognitoError: `otherwise`.
        """
        if self._waiting[pool_id] >= self.room - self._waiting.total():
            _LOG.warning("%s: too many requests wait for its triggers; one is refused", pool_id)
            raise otherwise
        self._waiting[pool_id] += 1
        try:
            yield
        finally:
            self._waiting[pool_id] -= 1
            if not self._waiting[pool_id]:
                del self._waiting[pool_id]
