"""CSRF tokens: a signed double submit, bound to the browser and to the session.

A cookie that no script reads stands for the browser; it is a random value. A token is sealed for
the user pool, the app client, that value and the session's handle, so it is good with these cookies
alone, and a new value or a new handle ends it. It goes to the page in a reply's JSON, which pages
of other origins cannot read, and comes back in a header, which they cannot set.

So is a ticket bound to the browser: its cookie has a code behind it that no other value gives.

Source: "Cross-Site Request Forgery Prevention Cheat Sheet" of OWASP (signed double-submit cookie,
custom request headers).
"""

import secrets
from collections.abc import Callable
from typing import Final

from attrs import field, frozen

from authflow.integrations.web.request_errors import (
    CsrfMismatchError,
    CsrfMissingError,
    CsrfStaleError,
)
from authflow.keys.key_ring import KeyProvider, ring_of
from authflow.keys.sealed_text import ExpiredTextError, RefusedTextError, SealedText
from authflow.secret import Secret

HEADER: Final = "x-csrf-token"
SECONDS: Final = 12 * 3600.0
"""The time for which a token is good: a page that is open longer asks for another one."""
_BROWSER_BYTES: Final = 32
CODE_CHARS: Final = 43
_STEP_CHARS: Final = 22
"""The characters of a step's name: 132 bits of a code."""
_TOKEN: Final = SealedText(version="ac1", purpose="web.csrf", most_chars=200)


def new_browser() -> Secret[str]:
    """Draw what stands for a browser."""
    return Secret(secrets.token_urlsafe(_BROWSER_BYTES))


@frozen(kw_only=True)
class BrowserSeals:
    """Seals for one browser: of CSRF tokens, and of the cookies of tickets.

    Args:
        keys: Seal and open.
        place: The user pool and the app client.
        clock: Gives seconds since the epoch.
    """

    keys: KeyProvider = field(repr=False)
    place: tuple[str, ...]
    clock: Callable[[], float] = field(repr=False)

    async def token(self, browser: Secret[str], session: Secret[str] | None) -> Secret[str]:
        """Make a CSRF token.

        Args:
            browser: What stands for the browser.
            session: The handle of the session, if there is one.

        Raises:
            KeysUnavailableError: The keys cannot be read now.
        """
        until = self.clock() + SECONDS
        place = self._bound(browser, session)
        return Secret(await _TOKEN.seal(self.keys, Secret(b""), place, until=until))

    async def check(
        self, token: Secret[str] | None, browser: Secret[str] | None, session: Secret[str] | None
    ) -> None:
        """Refuse a token that does not go with the cookies.

        Args:
            token: What the request has in its header.
            browser: What its cookie has.
            session: The handle that its cookie has.

        Raises:
            CsrfMissingError: There is no token, or no cookie.
            CsrfMismatchError: It is another browser's or session's, or was altered.
            CsrfStaleError: It is too old.
            KeysUnavailableError: The keys cannot be read now.
        """
        if token is None or browser is None:
            msg = (
                "this request needs a CSRF token and its cookie: ask for it by GET .../csrf, and"
                " send it in the header X-CSRF-Token. The cookie goes over https alone, but for"
                " localhost where insecure_loopback is set"
            )
            raise CsrfMissingError(msg)
        place, now = self._bound(browser, session), self.clock()
        try:
            await _TOKEN.open(self.keys, token, place, now=now)
        except ExpiredTextError:
            stale = True
        except RefusedTextError:
            stale = False
        else:
            return
        del place
        if stale:
            msg = "the CSRF token is too old: ask for another one by GET .../csrf, and try again"
            raise CsrfStaleError(msg)
        msg = (
            "the CSRF token is not of this browser's sign-in or session, or not any more: ask for"
            " another one by GET .../csrf, and try again"
        )
        raise CsrfMismatchError(msg)

    async def bind(self, ticket: Secret[str], browser: Secret[str]) -> Secret[str]:
        """Return the cookie of a ticket: the ticket, and a code that the browser's value gives.

        Args:
            ticket: The ticket.
            browser: What stands for the browser.

        Raises:
            KeysUnavailableError: The keys cannot be read now.
        """
        code = await self._code("web.ticket", ticket, browser)
        return Secret(f"{code.reveal()}{ticket.reveal()}")

    async def ticket(self, cookie: Secret[str], browser: Secret[str] | None) -> Secret[str] | None:
        """Return the ticket in a cookie; None if it is another browser's.

        Args:
            cookie: The cookie's value.
            browser: What stands for the browser.

        Raises:
            KeysUnavailableError: The keys cannot be read now.
        """
        if browser is None:
            return None
        code = Secret(cookie.reveal()[:CODE_CHARS])
        ticket = Secret(cookie.reveal()[CODE_CHARS:])
        return ticket if code == await self._code("web.ticket", ticket, browser) else None

    async def step(self, ticket: Secret[str]) -> str:
        """Return the name of the step that a ticket waits at. It tells nothing of the ticket.

        Args:
            ticket: The ticket.

        Raises:
            KeysUnavailableError: The keys cannot be read now.
        """
        return (await self._code("web.step", ticket)).reveal()[:_STEP_CHARS]

    async def _code(self, purpose: str, *parts: Secret[str]) -> Secret[str]:
        ring = await ring_of(self.keys)
        return Secret(ring.entry_name(purpose, *self.place, *(each.reveal() for each in parts)))

    def _bound(self, browser: Secret[str], session: Secret[str] | None) -> tuple[str, ...]:
        handle = "" if session is None else session.reveal()
        return (*self.place, browser.reveal(), handle)
