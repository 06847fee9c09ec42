"""`Pacing`: has requests to Cognito wait for their turn, within the quotas of the account."""

import base64
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import anyio
from attrs import define, field

from authflow.client.pacing.request_budgets import BURST, WINDOW, RequestBudgets, budget_of
from authflow.client.pacing.shared_rate import SharedRate, StoreOutage
from authflow.client.pacing.token_bucket import TokenBucket
from authflow.client.pacing.waiting_line import WaitingLine
from authflow.duties import Duties
from authflow.errors import ConfigError
from authflow.event_loop import HomeLoop, keep_for_ever
from authflow.stores.store import Store
from authflow.unframed import whole

if TYPE_CHECKING:
    import asyncio

_LEAVE_TIMEOUT: Final = 1.0
_KEPT: Final = "shares of the quota could not be given back, and are free in some seconds"


@whole
@define(kw_only=True, eq=False)
class Pacing:
    """Has requests wait for their turn, so that Cognito need not throttle them.

        pacing = Pacing(budgets=RequestBudgets({"UserAuthentication": 240}), store=store)
        async with AuthClient(config, pacing=pacing) as auth: ...

    Each request, and each repetition of one, draws from the budget of its quota category before it
    is sent: a second's quota in 1.04 seconds, a twentieth of it at once after a time of silence.
    Requests wait in the order in which they came, within `request_timeout` and within the deadline
    of an anyio scope around the call; one whose turn would come too late is a ThrottledError at
    once, with `retry_after`. (A deadline of `asyncio.timeout` cannot be seen from within: there the
    wait is ended by it.) Where processes share the quota, that is known only once all have told
    what they want: then those in the line are refused whose turn would come too late. Answers have
    a budget of their own, so a sign-in that has begun does not wait behind those that begin. If
    Cognito throttles several users within a second all the same, since others use the quota too,
    the pace is lowered for some seconds; one user whom it throttles slows nobody else down. (Who
    that is can be told by the name that was typed, in whatever case, or by the token that is sent:
    whoever signs in by a name and an address at once, or refreshes three tokens, seems several.)

    Use one for all clients of a service, whatever their user pools are: a quota belongs to an AWS
    account and region. It belongs to an event loop as they do.

    Args:
        budgets: The quotas; by default Cognito's own.
        store: Where several processes share them; by default this process has them alone. While it
            cannot be asked, this process goes on with the share that it had last, or with a
            quarter if it had none, and the log says so once. All that share one give the same
            budgets: of unlike ones the least counts for all, as long as its process sends.
        account: The AWS account, or any other name for it, where one store serves several.

    Raises:
        ConfigError: The budgets, the store or the account are none.
    """

    budgets: RequestBudgets = field(factory=RequestBudgets)
    store: Store | None = None
    account: str = ""
    _lines: dict[tuple[str, str], WaitingLine] = field(factory=dict, init=False, repr=False)
    _shared: list[SharedRate] = field(factory=list, init=False, repr=False)
    _outage: StoreOutage = field(factory=StoreOutage, init=False, repr=False)
    _users: int = field(default=0, init=False, repr=False)
    _loop: HomeLoop = field(init=False, repr=False)
    _duties: Duties = field(factory=Duties, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.budgets, RequestBudgets):
            msg = f"Pacing: budgets are RequestBudgets, not {type(self.budgets).__name__}"
            raise ConfigError(msg)
        if self.store is not None and (
            isinstance(self.store, type)
            or not all(callable(getattr(self.store, each, None)) for each in ("read", "replace"))
        ):
            msg = "Pacing: the store is one of authflow.stores, such as RedisStore(redis=...)"
            raise ConfigError(msg)
        if not isinstance(self.account, str):
            msg = f"Pacing: the account is a text, not {type(self.account).__name__}"
            raise ConfigError(msg)
        self._loop = HomeLoop(
            "this Pacing",
            "make one for each event loop, for all clients that run on it",
            renew=self._renew,
        )

    def _renew(self) -> None:
        """Begin anew, in a process made by `fork`: the shares are the parent's."""
        keep_for_ever((self._lines, self._shared))
        self._lines, self._shared, self._users = {}, [], 0
        self._outage, self._duties = StoreOutage(), Duties()

    @asynccontextmanager
    async def in_use(self) -> AsyncIterator[None]:
        """Keep it in use by one client. After the last one the shares are given back.

        Raises:
            MisuseError: It belongs to another event loop.
        """
        self._loop.claim()
        self._users += 1
        try:
            yield
        finally:
            self._users -= 1
            if not self._users:
                # All at once: what another client begins from here on is not ended.
                ended = [(shared, shared.stop()) for shared in self._shared]
                try:
                    await self._duties.run(
                        _leave(ended),
                        about=self.account,
                        failed=_KEPT,
                        work_timeout=_LEAVE_TIMEOUT,
                    )
                finally:
                    if not self._users:  # else another client has come meanwhile
                        self._loop.leave()

    def line(self, region: str, operation: str) -> WaitingLine:
        """Return the line in which requests for an operation wait.

        Args:
            region: The user pool's.
            operation: Such as "InitiateAuth".
        """
        budget = budget_of(operation)
        line = self._lines.get((region, budget))
        if line is None:
            line = self._lines[region, budget] = self._open(region, budget, operation)
        return line

    def _open(self, region: str, budget: str, operation: str) -> WaitingLine:
        now, quota = anyio.current_time(), self.budgets.of(operation)
        rate, burst = quota / WINDOW, max(1.0, quota * BURST)
        if self.store is None:
            bucket = TokenBucket(rate=rate, burst=burst, window=WINDOW, now=now, left=burst)
            return WaitingLine(budget=budget, bucket=bucket)
        # What a process was not granted it has not, but for one request.
        line = WaitingLine(
            budget=budget, bucket=TokenBucket(rate=0.0, burst=1.0, window=WINDOW, now=now, left=1.0)
        )
        name = json.dumps(["authflow.pacing", self.account, region, budget]).encode()
        key = base64.urlsafe_b64encode(hashlib.sha256(name).digest()).decode().rstrip("=")
        self._shared.append(
            SharedRate(
                store=self.store, key=key, rate=rate, burst=burst, line=line, outage=self._outage
            )
        )
        return line


async def _leave(ended: "list[tuple[SharedRate, asyncio.Task[None] | None]]") -> None:
    """Return shares to the store, side by side: each with what kept it up."""
    async with anyio.create_task_group() as tasks:
        for shared, keeper in ended:
            tasks.start_soon(shared.leave, keeper)
