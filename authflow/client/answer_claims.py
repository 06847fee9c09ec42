"""Claims: of two answers to one pending sign-in, one is sent, whichever processes they are in.

An answer claims before Cognito is asked: it writes an entry in the store that nobody else has
written, under a name that is made of the user pool, the app client and the session. So all tickets
of a pending sign-in share one claim, with the pending sign-in itself in memory.

Only what is sent is claimed: a choice after which the client asks something else, before it sends
both, claims nothing.

A claim is given back when the same pending sign-in can be answered again: the answer was refused
before it counted (`refused_answer`), or surely was not sent, whatever went wrong. After anything
else it stays until Cognito has forgotten the session: a reply that was lost, an answer that
counted, a process that died.

Giving back is a duty: it is done although its caller is cancelled again, and the next answer of
this process waits for it.
"""

import secrets
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from attrs import field, frozen

from authflow.client.refused_answer import can_be_answered_again
from authflow.client.ticket_store import TicketStore
from authflow.duties import Duties
from authflow.errors import AuthFlowError, SessionSpentError
from authflow.keys.key_ring import KeyProvider, ring_of
from authflow.results import ChallengeRequired

RETURN_TIMEOUT: Final = 2.0
"""Seconds in which a claim is given back, while an error waits for it."""

MOST_ON_ITS_WAY: Final = 30.0
"""Seconds after a claim in which the answer of whoever has it may still be on its way."""
ASK_AGAIN_AFTER: Final = 1.0
"""Seconds after which the other answer has mostly come to its end."""

_FREE: Final = b"free"
_TOKEN_BYTES: Final = 16
_TIME: Final = struct.Struct(">d")
_TRIES: Final = 5
_FAILED: Final = "a claim could not be given back, and stays until its ticket ends"


@frozen
class _Claim:
    """A claim: the entry's name, and what tells it from others' and says when it was made."""

    name: str
    token: bytes = field(repr=False)

    @classmethod
    def drawn(cls, name: str, now: float) -> "_Claim":
        return cls(name, secrets.token_bytes(_TOKEN_BYTES) + _TIME.pack(now))


@frozen(kw_only=True)
class Claims:
    """The claims on the pending sign-ins of one app client.

    Args:
        keys: Name the entries.
        store: Where they are.
        place: The user pool and the app client.
    """

    keys: KeyProvider
    store: TicketStore
    place: tuple[str, ...]
    _duties: Duties = field(factory=Duties, init=False, repr=False)

    @asynccontextmanager
    async def claimed(
        self, pending: ChallengeRequired, is_sent: Callable[[], bool]
    ) -> AsyncIterator[None]:
        """Claim a pending sign-in while its answer is sent.

        Args:
            pending: What is answered.
            is_sent: Says whether Cognito may have the answer; asked at the end.

        Raises:
            SessionSpentError: Another answer has the claim. It has a `retry_after` for as long as
                that one may be on its way.
            StoreUnavailableError: Nobody knows whether one has.
            KeysUnavailableError: Likewise.
        """
        ring = await ring_of(self.keys)
        name = ring.entry_name("claim", *self.place, *_named(pending))
        claim = _Claim.drawn(name, self.store.clock())
        until = pending.sign_in.expires_at
        await self._duties.ended(claim.name)
        try:
            holder = await self._take(claim, until)
        except BaseException:
            await self._give_back(claim, until)  # it may be written, and nothing was sent
            raise
        if holder != claim.token:
            msg = "this challenge is answered already, by another request: look at what came of it"
            raise SessionSpentError(msg, retry_after=self._wait(holder))
        try:
            yield
        except BaseException as error:
            stands = isinstance(error, AuthFlowError) and can_be_answered_again(error)
            if stands or not is_sent():
                await self._give_back(claim, until)
            raise
        if not is_sent():  # it was refused, and whoever typed it is asked again
            await self._give_back(claim, until)

    async def _take(self, claim: _Claim, until: float) -> bytes | None:
        """Return the token of whoever has the claim now; None if others give and take it."""
        expected = None
        for _ in range(_TRIES):
            if await self.store.replace(claim.name, claim.token, expected=expected, until=until):
                return claim.token
            stored = await self.store.read(claim.name)
            if stored is not None and stored.value != _FREE:
                # A driver may have repeated a write whose reply was lost: then it is this one.
                return stored.value
            expected = None if stored is None else stored.version
        return None

    def _wait(self, holder: bytes | None) -> float | None:
        """Return the seconds after which to look again; None if the other answer has ended."""
        if holder is None:
            return ASK_AGAIN_AFTER
        if len(holder) != _TOKEN_BYTES + _TIME.size:  # of a release that wrote no time
            return None
        (since,) = _TIME.unpack(holder[_TOKEN_BYTES:])
        is_on_its_way = abs(self.store.clock() - since) < MOST_ON_ITS_WAY
        return ASK_AGAIN_AFTER if is_on_its_way else None

    async def _give_back(self, claim: _Claim, until: float) -> None:
        """Free an entry, unless it is another answer's.

        One that is missing or free is written, too: this claim's own write may be on its way, and
        would come after all. It is for the version that it knows, and every write makes a new one.
        """
        await self._duties.run(
            self._free(claim, until), about=claim.name, failed=_FAILED, work_timeout=RETURN_TIMEOUT
        )

    async def aclose(self) -> None:
        """Wait for the claims that are being given back."""
        await self._duties.aclose()

    async def _free(self, claim: _Claim, until: float) -> None:
        for _ in range(_TRIES):
            stored = await self.store.read(claim.name)
            if stored is not None and stored.value not in {claim.token, _FREE}:
                return
            expected = None if stored is None else stored.version
            if await self.store.replace(claim.name, _FREE, expected=expected, until=until):
                return


def _named(pending: ChallengeRequired) -> tuple[str, ...]:
    """Return what tells a pending sign-in from all others, as often as it is sealed."""
    sign_in = pending.sign_in
    if sign_in.session is not None:
        return "session", sign_in.session.reveal(), str(sign_in.rounds)
    return "name", sign_in.canonical_username, str(sign_in.rounds), repr(float(sign_in.expires_at))
