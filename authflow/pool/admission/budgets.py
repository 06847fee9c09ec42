"""Budgets: the number of requests that a name or an address may send, by token buckets."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from math import inf
from typing import Any, Final

from attrs import define, field, frozen

from authflow.errors import ConfigError
from authflow.given_numbers import MOST, is_number
from authflow.unframed import whole

_MOST_BUCKETS: Final = 10_000
"""The most buckets that are kept; beyond it the least recently used are dropped, full again."""


def _positive(_instance: Any, attribute: Any, value: float) -> None:
    if not is_number(value) or not (0 < value <= MOST or value == inf):
        msg = f"a budget's {attribute.name} is a number above 0 and up to {MOST}, or inf for all"
        raise ConfigError(msg)


@whole
@frozen(kw_only=True)
class Budget:
    """The requests allowed for one name or one address; those beyond it are refused.

    `Budget(per_second=inf, burst=inf)` refuses nobody.

    Args:
        per_second: How many a second for as long as it goes on.
        burst: How many at once, after a time of silence.

    Raises:
        ConfigError: One is no number above 0.
    """

    per_second: float = field(validator=_positive)
    burst: float = field(validator=_positive)


@define(kw_only=True)
class Buckets:
    """Counts requests by key against one budget, in bounded memory.

    Args:
        budget: Everybody's budget.
        clock: Gives seconds that never go back.
        most: How many are remembered.
    """

    budget: Budget
    clock: Callable[[], float]
    most: int = _MOST_BUCKETS
    _left: OrderedDict[Hashable, tuple[float, float]] = field(factory=OrderedDict, init=False)
    """The rest of each key's budget, and the time of that. The last used key is last."""

    def take(self, key: Hashable) -> bool:
        """Count a request, and return whether the budget allows it.

        Args:
            key: Whose it is.

        Returns:
            Whether the budget allows it. One that is refused costs nothing.
        """
        now = self.clock()
        left, at = self._left.pop(key, (self.budget.burst, now))
        left = min(self.budget.burst, left + (now - at) * self.budget.per_second)
        allowed = left >= 1
        self._left[key] = (left - 1 if allowed else left, now)
        if len(self._left) > self.most:
            self._left.popitem(last=False)
        return allowed
