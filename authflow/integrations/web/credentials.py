"""Proofs of whoever sends a request: a bearer token, or the cookie of a session.

A token in the Authorization header goes first: no page of another site can send one. A session's
cookie is sent by the browser itself, so a request by it that changes something must come from a
page that may ask, with a CSRF token (`csrf`, `request_origins`).

Sources: RFC 6750 §2.1 (the header), RFC 9110 §11.6.2 (schemes in any case), RFC 6455 §10.2 (the
origin of a WebSocket).
"""

import re
from typing import TYPE_CHECKING, Final

from attrs import field, frozen

from authflow.errors import SealError, SignedOutError
from authflow.integrations.web.cookies import read_cookies
from authflow.integrations.web.csrf import HEADER, BrowserSeals
from authflow.integrations.web.request_errors import (
    CsrfError,
    MalformedRequestError,
    NotSignedInError,
)
from authflow.integrations.web.web_request import WebRequest
from authflow.integrations.web.web_settings import WebSettings
from authflow.integrations.web.web_user import WebUser
from authflow.secret import Secret
from authflow.tokens.verifier import TokenVerifier

if TYPE_CHECKING:
    from authflow.client import AuthClient

MOST_TOKEN_CHARS: Final = 16_384
_SCHEME: Final = re.compile(r"bearer(?![^ ])", re.IGNORECASE)
_TOKEN: Final = re.compile(r"bearer +([A-Za-z0-9._~+/-]+=*)", re.IGNORECASE)


@frozen(kw_only=True)
class BrowserCookies:
    """The cookies of a browser, as they came.

    Args:
        browser: What stands for the browser.
        sign_in: The pending sign-in's.
        session: The session's handle.
    """

    browser: Secret[str] | None = None
    sign_in: Secret[str] | None = None
    session: Secret[str] | None = None

    @classmethod
    def of(cls, request: WebRequest, settings: WebSettings) -> "BrowserCookies":
        """Read a request's cookies.

        Args:
            request: The request.
            settings: Say what they are called.

        Raises:
            MalformedRequestError: One is there twice, or there are too many.
        """
        names = settings.cookies
        found = read_cookies(request, (names.browser, names.sign_in, names.session))
        return cls(
            browser=found.get(names.browser),
            sign_in=found.get(names.sign_in),
            session=found.get(names.session),
        )


@frozen(kw_only=True)
class Credentials:
    """Reads who sends a request.

    Args:
        settings: The settings.
        verifier: Verifies tokens that came; it says what they must be for.
        session_verifier: Verifies the access tokens of sessions.
        client: Has the sessions; None where there are none.
        seals: Check CSRF tokens; None where there are no sessions.
    """

    settings: WebSettings
    verifier: TokenVerifier
    session_verifier: TokenVerifier
    client: "AuthClient | None" = field(repr=False)
    seals: BrowserSeals | None = field(repr=False)

    async def user(self, request: WebRequest) -> WebUser | None:
        """Return who sends a request; None if nobody is signed in, or not any more.

        Args:
            request: The request.

        Raises:
            MalformedRequestError: The header or the cookies do not have their form.
            TokenError: The token must not be trusted.
            CsrfError: The session's request may come from a page of another site.
            AuthFlowError: Nobody knows now: the keys or the store cannot be asked.
        """
        token = bearer_token(request)
        if token is not None:
            return WebUser(claims=await self.verifier.claims(token), token=token)
        if self.client is None:  # it has no cookies: none is read
            return None
        return await self.session_user(request, BrowserCookies.of(request, self.settings))

    async def session_user(self, request: WebRequest, cookies: BrowserCookies) -> WebUser | None:
        """Return whose session a request comes with; None if there is none, or none any more.

        Args:
            request: The request.
            cookies: Its cookies.

        Raises:
            AuthFlowError: As `user`.
        """
        if self.client is None or cookies.session is None:
            return None
        await self.check_page(request, cookies)
        try:
            session = await self.client.kept(cookies.session)
            access = await session.access_token()
        except (SignedOutError, SealError):
            return None
        claims = await self.session_verifier.claims(access, "access")
        return WebUser(claims=claims, session=session)

    async def required_user(self, request: WebRequest) -> WebUser:
        """Return who sends a request.

        Args:
            request: The request.

        Raises:
            NotSignedInError: Nobody is signed in, or not any more.
            AuthFlowError: As `user`.
        """
        user = await self.user(request)
        if user is None:
            msg = "nobody is signed in: sign in, or send a token (Authorization: Bearer ...)"
            raise NotSignedInError(msg)
        return user

    async def check_page(self, request: WebRequest, cookies: BrowserCookies) -> None:
        """Refuse a request by cookies that may come from a page of another site.

        Args:
            request: The request. One that changes nothing is taken: a page of another site cannot
                read its reply.
            cookies: Its cookies.

        Raises:
            CsrfError: It may, or nothing is there to check it by.
        """
        if not request.changes:
            return
        if self.seals is None:
            raise CsrfError("this app has no sessions, and so no CSRF token can be checked")
        is_socket = request.method == "WEBSOCKET"
        self.settings.allowed.check(request, told=is_socket)
        if not is_socket:  # a browser opens one without headers of ours, and says its origin
            given = request.value(HEADER)
            token = Secret(given) if given else None
            await self.seals.check(token, cookies.browser, cookies.session)


def bearer_token(request: WebRequest) -> Secret[str] | None:
    """Return the token of a request; None if it has none, or another kind of credentials.

    Args:
        request: The request.

    Raises:
        MalformedRequestError: The header is there twice, or the token has not its form.
    """
    values = request.values("authorization")
    given = [Secret(each) for each in values if _SCHEME.match(each.strip())]
    if len(values) > 1:
        del values
        msg = "the header authorization stands twice in the request: send it once"
        raise MalformedRequestError(msg, is_of_token=True)
    del values
    if not given:
        return None
    found = _TOKEN.fullmatch(given[0].reveal().strip())
    token = None if found is None else Secret(found[1])
    del found
    if token is None or len(token.reveal()) > MOST_TOKEN_CHARS:
        msg = "the Authorization header must be: Bearer, a blank, and a token"
        raise MalformedRequestError(msg, is_of_token=True)
    return token
