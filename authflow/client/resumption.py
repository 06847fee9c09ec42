"""Going on with a sign-in elsewhere: a client's tickets, and the claims of its answers."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext

from attrs import frozen

from authflow.client.answer_claims import Claims
from authflow.client.arguments import checked_keys, checked_store
from authflow.client.ticket_store import TicketStore
from authflow.client.tickets import Tickets
from authflow.client.transport import Passage
from authflow.errors import MisuseError
from authflow.given_secrets import Unfit
from authflow.keys.key_ring import KeyProvider
from authflow.results import ChallengeRequired
from authflow.secret import Secret
from authflow.stores.store import Store


@frozen(kw_only=True)
class Resumption:
    """The tickets and claims of a client with keys.

    Args:
        tickets: Seals and opens.
        claims: Keeps two answers apart; None if the client has no store.
    """

    tickets: Tickets
    claims: Claims | None

    async def resume(self, ticket: Secret[str]) -> ChallengeRequired:
        """Open a ticket.

        Args:
            ticket: What `wrapped` made of what the caller gave.

        Raises:
            MisuseError: It is no text.
            AuthFlowError: As `Tickets.resume`.
        """
        if isinstance(ticket, Unfit) and not ticket.text:
            msg = f"a ticket is a text or a Secret of one, {ticket.why}"
            raise MisuseError(msg)
        return await self.tickets.resume(ticket)  # of a text that is none, `Unfit` holds nothing

    async def aclose(self) -> None:
        """Wait for the claims that are being given back."""
        if self.claims is not None:
            await self.claims.aclose()


def resumption(
    keys: KeyProvider | None,
    store: Store | None,
    place: tuple[str, str],
    clock: Callable[[], float],
) -> Resumption | None:
    """Make what a client needs to go on elsewhere; None if it has no keys.

    Args:
        keys: Seal tickets.
        store: Keeps claims, and what is too long.
        place: The user pool and the app client.
        clock: Gives seconds since the epoch.

    Raises:
        ConfigError: The keys or the store are none, or there is a store without keys.
    """
    checked_keys(keys)
    checked_store(store, keys=keys is not None)
    if keys is None:
        return None
    kept = None if store is None else TicketStore(store=store, clock=clock)
    return Resumption(
        tickets=Tickets(keys=keys, store=kept, place=place, clock=clock),
        claims=None if kept is None else Claims(keys=keys, store=kept, place=place),
    )


def claimed(
    resumption: Resumption | None, answered: ChallengeRequired | None, passage: Passage
) -> AbstractAsyncContextManager[None]:
    """Return the scope in which an answer is sent: with a claim, if the client has a store.

    Args:
        resumption: The client's.
        answered: What is answered; None at the beginning of a sign-in.
        passage: Records how far the answer came.
    """
    if resumption is None or resumption.claims is None or answered is None:
        return nullcontext()
    return resumption.claims.claimed(answered, lambda: passage.is_in_flight)
