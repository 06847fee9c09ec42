"""The gate: every operation passes it before any work and before any write.

Arithmetic is what a sign-in costs, and anybody may ask for it. So a bounded line stands before it:
a request that would have to wait too long is refused, by the error that Cognito has for it, and
SDKs come again by themselves. Room is kept for sign-ins that have begun, or everybody would begin
and nobody end.
"""

import contextlib
import hashlib
import ipaddress
import math
import os
import random
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from enum import StrEnum, auto
from functools import lru_cache
from typing import Final

import anyio
from attrs import define, field

from authflow.pool.admission.budgets import Buckets, Budget
from authflow.pool.admission.lane import Lane, Ticket, at_work
from authflow.pool.admission.outside_waits import OutsideWaits
from authflow.pool.cognito_errors import CognitoError, too_many_requests

NAME_BUDGET: Final = Budget(per_second=50, burst=500)
"""Generous: an attacker who uses up a user's budget locks the user out, as wrong passwords do."""
ADDRESS_BUDGET: Final = Budget(per_second=100, burst=1000)
"""For one address that is not this machine: many users may share it."""
MAX_WAIT: Final = 0.5
_PLACES_PER_PROCESSOR: Final = 4
"""Enough places for the threads to have work while the event loop is busy with others."""
_KEY_SECONDS: Final = 0.2
_FIRST_PAUSE: Final = 0.2
_LONGEST_PAUSE: Final = 5.0
"""In seconds; shorter than any client's time-out."""
_GROWTH: Final = 4
_MOST_TIMES: Final = 3
_MOST_CONNECTIONS: Final = 10_000
_IPV6: Final = 6
_IPV6_NETWORK: Final = 64

_LINE_SHARE: Final = 4
"""A line may hold one of so many requests that the server may serve."""

Peer = tuple[str, int]
"""The address and the port of the client of a connection."""
KeepBack = Callable[[float], Awaitable[None]]
"""Delays a refusal by some seconds, or fewer if its connection must be closed."""


class RequestKind(StrEnum):
    """The kinds of requests that the gate distinguishes."""

    BEGINNING = auto()
    """A sign-in, or anything else."""
    GOING_ON = auto()
    """A further step of work that has begun: it has priority."""
    KEY = auto()
    """A signing key, which takes as long as a hundred sign-ins."""


_GOING_ON: Final = frozenset(
    {
        *("RespondToAuthChallenge", "AdminRespondToAuthChallenge"),
        *("GetTokensFromRefreshToken", "GetUser", "GlobalSignOut", "ConfirmDevice"),
        *("AssociateSoftwareToken", "VerifySoftwareToken"),
    }
)


_WORK_FOR_A_NAME: Final = frozenset(
    {
        *("InitiateAuth", "RespondToAuthChallenge"),
        *("AdminInitiateAuth", "AdminRespondToAuthChallenge"),
        *("ForgotPassword", "ConfirmForgotPassword", "AdminSetUserPassword"),
        *("SignUp", "ConfirmSignUp", "ResendConfirmationCode"),
    }
)
"""The costly operations that can be repeated for one name."""


def kind_of(operation: str) -> RequestKind:
    """Return the kind of an operation. An unknown operation passes the gate like a sign-in."""
    if operation == "CreateUserPool":
        return RequestKind.KEY
    return RequestKind.GOING_ON if operation in _GOING_ON else RequestKind.BEGINNING


@lru_cache(maxsize=4096)
def _network(address: str) -> str:
    """Return what counts as one address: for IPv6 a whole network, as every user has one."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    ip = getattr(ip, "ipv4_mapped", None) or ip
    if ip.version == _IPV6 and not ip.is_loopback:
        return str(ipaddress.ip_network((ip, _IPV6_NETWORK), strict=False))
    return str(ip)


def _is_here(address: str) -> bool:
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(address).is_loopback
    return not address


@define(kw_only=True)
class Gate:
    """Admits requests.

    Args:
        name_budget: What is taken of requests about one name.
        address_budget: What is taken of one address; if it is not given, `ADDRESS_BUDGET`, and of
            this machine everything.
        max_wait: How many seconds a sign-in that begins may have to wait for its turn.
        clock: Gives seconds that never go back.
        processors: How many requests' arithmetic runs side by side.
        first_pause: For how many seconds a refusal is kept back; the next one of a connection for
            four times as long, and so on, up to five seconds. To read a request and refuse it takes
            a millisecond of the only loop there is: whoever is refused must not come again at once.
        room: How many requests the server may serve at a time. Those who stand in a line or wait
            for a trigger get a part of it each, so that there is room for others.
    """

    name_budget: Budget = NAME_BUDGET
    address_budget: Budget | None = None
    max_wait: float = MAX_WAIT
    clock: Callable[[], float] = time.monotonic
    processors: int = field(factory=lambda: os.cpu_count() or 1)
    first_pause: float = _FIRST_PAUSE
    room: float = math.inf
    _refused: OrderedDict[Peer, int] = field(factory=OrderedDict, init=False)
    """The number of refusals of each connection, less the requests served since then."""
    _names: Buckets = field(init=False)
    _addresses: Buckets = field(init=False)
    _arithmetic: Lane = field(init=False)
    _keys: Lane = field(init=False)
    _outside_waits: OutsideWaits = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._names = Buckets(budget=self.name_budget, clock=self.clock)
        budget = self.address_budget or ADDRESS_BUDGET
        self._addresses = Buckets(budget=budget, clock=self.clock)
        self._arithmetic = Lane(
            places=_PLACES_PER_PROCESSOR * self.processors,
            max_wait=self.max_wait,
            clock=self.clock,
            most=max(1, self.room / _LINE_SHARE),
        )
        self._keys = Lane(
            places=1,
            max_wait=self.max_wait,
            clock=self.clock,
            held=_KEY_SECONDS,
            most=max(1, self.room / _LINE_SHARE),
        )
        self._outside_waits = OutsideWaits(room=self.room)

    async def check_address(self, peer: Peer, keep_back: KeepBack | None = None) -> None:
        """Count a request of an address, as soon as the head is read.

        Args:
            peer: Who has opened the connection.
            keep_back: How a refusal waits, if not by sleeping.

        Raises:
            CognitoError: The address has sent too many.
        """
        network = _network(peer[0])
        if self.address_budget is None and _is_here(network):
            return
        if not self._addresses.take(network):
            await self._pause(peer, keep_back)
            raise too_many_requests()

    @contextlib.asynccontextmanager
    async def admitted(
        self,
        operation: str,
        peer: Peer,
        realm: str,
        name: str,
        keep_back: KeepBack | None = None,
    ) -> AsyncIterator[Ticket]:
        """Admit a request while the scope lasts.

        Args:
            operation: The operation.
            peer: Who has opened the connection.
            realm: The app client or user pool that it names.
            name: Whom it is about, as it was typed; whether there is such a user does not matter.
            keep_back: How a refusal waits, if not by sleeping.

        Yields:
            The request's ticket.

        Raises:
            CognitoError: The name's budget is spent, or the line is too long.
        """
        kind, network = kind_of(operation), _network(peer[0])
        # The typed text may be long, or a password in the wrong place: only its hash is kept.
        text = f"{kind}\0{realm}\0{name.casefold()}".encode("utf-8", "replace")
        digest = hashlib.blake2b(text, digest_size=16).digest()
        lane = self._keys if kind is RequestKind.KEY else self._arithmetic
        ticket = Ticket(lane=lane, address=network, name=digest, outside_waits=self._outside_waits)
        try:
            if name and operation in _WORK_FOR_A_NAME and not self._names.take(digest):
                raise too_many_requests()
            await ticket.enter(going_on=kind is RequestKind.GOING_ON)
        except CognitoError:
            await self._pause(peer, keep_back)
            raise
        self._forgive(peer)
        with at_work(ticket):
            yield ticket

    async def _pause(self, peer: Peer, keep_back: KeepBack | None) -> None:
        """Delay a refusal."""
        times = self._refused.pop(peer, 0)
        self._refused[peer] = min(times + 1, _MOST_TIMES)
        if len(self._refused) > _MOST_CONNECTIONS:
            self._refused.popitem(last=False)
        pause = min(_LONGEST_PAUSE, self.first_pause * _GROWTH**times)
        # Clients that were refused together must not come again together.
        pause *= random.uniform(0.5, 1)  # noqa: S311  # it hides nothing
        await (keep_back or anyio.sleep)(pause)

    def _forgive(self, peer: Peer) -> None:
        times = self._refused.pop(peer, 0)
        if times > 1:
            self._refused[peer] = times - 1
