"""Tickets: a pending sign-in as a text, with which any process of a service goes on.

    <"at" and the version>.<key id>.<base64url of what is sealed>

A ticket is sealed (AES-256-GCM, see `keys.sealed_text`) for one user pool, one app client and this
purpose, and ends when its challenge does. Nobody can read or change it; whoever has it and knows
the answer is signed in, as with Cognito's session: keep it as you keep a session's cookie.

A ticket that would have more than 3,800 characters, which is what a cookie has room for, is a
handle: its content is sealed in the store, under a name that only the handle's own seal gives.

Versions: a release opens tickets of its own version and of the one before, so that processes can be
replaced one by one. It seals in its own version, which changes when the content's form does.
"""

import logging
import re
import secrets
from collections.abc import Callable
from typing import Final

from attrs import field, frozen

from authflow.client.ticket_content import read_content, write_content
from authflow.client.ticket_store import TicketStore
from authflow.errors import (
    ConfigError,
    MisuseError,
    SealError,
    SessionExpiredError,
    StoreUnavailableError,
    TicketVersionError,
)
from authflow.keys.key_ring import KeyProvider, ring_of
from authflow.keys.sealed_text import ExpiredTextError, RefusedTextError, SealedText
from authflow.results import ChallengeRequired
from authflow.secret import Secret

MOST_CHARS: Final = 3_800
"""The longest ticket. A browser keeps at least 4,096 bytes of a cookie, its name and attributes
among them (RFC 6265 §6.1)."""

MOST_STORED: Final = 256 * 1024
"""The longest content of a handle: a store's longest value."""

VERSION: Final = 1
OPENED: Final = (1,)
"""The versions that are opened: this one, and the one before once there is one."""

_DIRECT, _HANDLE = b"\x00", b"\x01"
_HANDLE_BYTES: Final = 16
_VERSION: Final = re.compile(r"at([0-9]{1,4})\.")
_LONGEST_VERSION: Final = len("at9999.")
_TICKETS: Final = {
    version: SealedText(version=f"at{version}", purpose="ticket", most_chars=MOST_CHARS)
    for version in OPENED
}
_STORED: Final = {
    version: SealedText(version=f"at{version}", purpose="ticket.stored", most_chars=MOST_STORED)
    for version in OPENED
}

_log = logging.getLogger(__name__)


@frozen(kw_only=True)
class Tickets:
    """The tickets of one app client.

    Args:
        keys: Seal and open them, and name their entries in the store.
        store: Keeps what is too long for a ticket; None if nothing is kept.
        place: The user pool and the app client.
        clock: Gives seconds since the epoch.
    """

    keys: KeyProvider
    store: TicketStore | None
    place: tuple[str, ...]
    clock: Callable[[], float] = field(repr=False)

    async def seal(self, pending: ChallengeRequired, *, pictures: bool) -> str:
        """Seal a pending sign-in.

        Args:
            pending: What a client gave.
            pictures: Whether pictures and sounds come along.

        Raises:
            SessionExpiredError: The time for an answer is over.
            MisuseError: It cannot be sealed; the text says why.
            ConfigError: It is too long for a ticket, and there is no store.
            StateError: The keys or the store cannot be asked.
        """
        until = pending.sign_in.expires_at
        if not self.clock() < until:
            raise _over()
        content = write_content(pending, pictures=pictures)
        ticket = Secret(await self._sealed(_TICKETS[VERSION], _DIRECT, content, self.place, until))
        chars = len(ticket.reveal())
        if chars <= MOST_CHARS:
            return ticket.reveal()
        return await self._handle(content, until, chars, pictures=pictures)

    async def resume(self, ticket: Secret[str]) -> ChallengeRequired:
        """Open a ticket.

        Args:
            ticket: The text, from wherever it came.

        Raises:
            SessionExpiredError: The time for an answer is over.
            TicketVersionError: It is of a version that is not opened here.
            SealError: It was altered, or is not for this app client. Which one is not told.
            ConfigError: It is a handle, and there is no store.
            StateError: The keys or the store cannot be asked.
        """
        version = _version_of(ticket)
        content = await self._opened(_TICKETS[version], ticket, self.place)
        kind, rest = content.reveal()[:1], Secret(content.reveal()[1:])
        if kind == _HANDLE:
            rest = await self._fetched(version, rest)
        try:
            return read_content(rest)
        except MisuseError:
            pass
        raise _refused("its content is of another form")

    async def _handle(
        self, content: Secret[bytes], until: float, chars: int, *, pictures: bool
    ) -> str:
        """Keep the content in the store, and return a handle for it."""
        if self.store is None:
            msg = (
                f"a ticket has at most {MOST_CHARS:,} characters, and this one needs {chars:,}:"
                " pass AuthClient(..., store=...), which keeps what is longer"
            )
            raise ConfigError(msg)
        handle = Secret(secrets.token_bytes(_HANDLE_BYTES))
        place = (*self.place, handle.reveal().hex())
        text = await self._sealed(_STORED[VERSION], _DIRECT, content, place, until)
        sealed = Secret(text.encode())
        if len(text) > MOST_STORED:
            instead = "seal it without pictures" if pictures else "its triggers must ask with less"
            msg = (
                f"a store keeps {MOST_STORED:,} characters of a ticket, and this one needs"
                f" {len(text):,}: {instead}"
            )
            del text
            raise MisuseError(msg)
        del text
        name = (await ring_of(self.keys)).entry_name("ticket", *place)
        kept = await self.store.replace(name, sealed.reveal(), expected=None, until=until)
        if not kept:  # a driver may have repeated its write
            stored = await self.store.read(name)
            kept = stored is not None and stored.value == sealed.reveal()
        if not kept:
            msg = "the store of tickets keeps nothing under a new name; try again"
            raise StoreUnavailableError(msg)
        return await self._sealed(_TICKETS[VERSION], _HANDLE, handle, self.place, until)

    async def _fetched(self, version: int, handle: Secret[bytes]) -> Secret[bytes]:
        """Read the content of a handle from the store."""
        if self.store is None:
            msg = "this ticket is a handle: pass AuthClient(..., store=...), as where it was sealed"
            raise ConfigError(msg)
        place = (*self.place, handle.reveal().hex())
        name = (await ring_of(self.keys)).entry_name("ticket", *place)
        stored = await self.store.read(name)
        if stored is None:
            raise _refused("the store has no entry of its handle")
        text = Secret(stored.value.decode("ascii", "replace"))
        return Secret((await self._opened(_STORED[version], text, place)).reveal()[1:])

    async def _sealed(
        self,
        form: SealedText,
        kind: bytes,
        content: Secret[bytes],
        place: tuple[str, ...],
        until: float,
    ) -> str:
        return await form.seal(self.keys, Secret(kind + content.reveal()), place, until=until)

    async def _opened(
        self, form: SealedText, text: Secret[str], place: tuple[str, ...]
    ) -> Secret[bytes]:
        try:
            return (await form.open(self.keys, text, place, now=self.clock())).content
        except ExpiredTextError:
            error: SealError | SessionExpiredError = _over()
        except RefusedTextError as refused:
            error = _refused(str(refused))
        raise error


def _version_of(ticket: Secret[str]) -> int:
    """Return a ticket's version.

    Raises:
        TicketVersionError: It is none that is opened here.
        SealError: It has none.
    """
    told = _VERSION.match(ticket.reveal()[:_LONGEST_VERSION])
    if told is None:
        raise _refused("it is not of the form of a ticket")
    version = int(told[1])
    if version > VERSION:
        msg = (
            f"this ticket is of version {version}, and {VERSION} is the newest that is opened here:"
            " upgrade authflow in this process, or begin the sign-in anew"
        )
        raise TicketVersionError(msg)
    if version not in OPENED:
        msg = (
            f"this ticket is of version {version}, and {OPENED[0]} is the oldest that is opened"
            " here: begin the sign-in anew"
        )
        raise TicketVersionError(msg)
    return version


def _over() -> SessionExpiredError:
    return SessionExpiredError("the time for an answer is over; start a new sign-in")


def _refused(why: str) -> SealError:
    """Return the one error for every ticket that is none; the log says what is wrong with it.

    That is no warning, since anybody may send many.
    """
    _log.info("a ticket was refused: %s", why)
    return SealError("this ticket cannot be opened: begin the sign-in anew")
