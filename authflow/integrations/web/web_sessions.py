"""The end of a sign-in: a session in a cookie, or tokens as JSON; who is signed in; sign-outs.

A session is a user whom the client keeps (`AuthClient.keep`); its cookie is the handle, which is
drawn anew at each sign-in, and so is what stands for the browser: whatever a page had before, in
whosever name, opens nothing of the new session ("Session Management Cheat Sheet" of OWASP, session
fixation).
"""

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from authflow.errors import AuthFlowError, PoolSetupError, SealError, SignedOutError
from authflow.integrations.web.cookies import NewCookie
from authflow.integrations.web.credentials import BrowserCookies, Credentials
from authflow.integrations.web.csrf import BrowserSeals, new_browser
from authflow.integrations.web.json_body import read_json
from authflow.integrations.web.web_reply import WebReply
from authflow.integrations.web.web_request import WebRequest
from authflow.integrations.web.web_settings import WebSettings
from authflow.integrations.web.web_user import WebUser
from authflow.results import SignedIn, Tokens
from authflow.secret import Secret

if TYPE_CHECKING:
    from authflow.client import AuthClient

MOST_REFRESH_TOKEN: Final = 8_192

_log = logging.getLogger(__name__)


@frozen(kw_only=True)
class Sessions:
    """Users who are signed in.

    Args:
        client: Keeps them.
        settings: The settings.
        seals: Make CSRF tokens.
        credentials: Reads who asks.
    """

    client: "AuthClient"
    settings: WebSettings
    seals: BrowserSeals
    credentials: Credentials

    async def csrf_token(self, cookies: BrowserCookies) -> str:
        """Return a CSRF token for a page.

        Args:
            cookies: The cookies that the browser has, or is about to have.

        Raises:
            KeysUnavailableError: The keys cannot be read now.
        """
        browser = cookies.browser or new_browser()
        return (await self.seals.token(browser, cookies.session)).reveal()

    async def csrf(self, _request: WebRequest, cookies: BrowserCookies) -> WebReply:
        """Return a CSRF token, and the cookie that it goes with if the browser has none.

        Args:
            cookies: The request's cookies.

        Raises:
            KeysUnavailableError: The keys cannot be read now.
        """
        if cookies.browser is not None:
            return WebReply(members={"csrf_token": await self.csrf_token(cookies)})
        cookies = BrowserCookies(browser=new_browser(), session=cookies.session)
        token = await self.csrf_token(cookies)
        return WebReply(members={"csrf_token": token}, cookies=(self._browser(cookies),))

    async def begin(self, signed_in: SignedIn, cookies: BrowserCookies) -> WebReply:
        """Return the reply to a user who has just signed in: with a session, or the tokens.

        Args:
            signed_in: The result of the sign-in.
            cookies: The cookies of the request that ended it.

        Raises:
            StateError: The user cannot be kept, or nothing can be sealed for the page; the tokens
                are revoked.
        """
        names, browser = self.settings.cookies, new_browser()
        session, tokens = None, None
        if self.settings.after_sign_in == "session":
            session = (await self._kept(signed_in)).handle
        else:
            tokens = _shown(signed_in.tokens)
        new = BrowserCookies(browser=browser, session=session)
        try:
            csrf_token = await self.csrf_token(new)
        except AuthFlowError:
            await (self._revoke(signed_in.tokens) if session is None else self._leave(session))
            raise
        await self._leave(cookies.session)
        members: dict[str, Any] = {
            "status": "signed_in",
            "user": {"username": signed_in.username},
            "csrf_token": csrf_token,
        }
        if tokens is not None:
            members["tokens"] = tokens
        seconds = int(self.settings.session_validity.total_seconds())
        return WebReply(
            members=members,
            cookies=(
                NewCookie(name=names.sign_in, secure=names.secure),
                self._browser(new),
                self._session(session, seconds),
            ),
        )

    async def who(self, request: WebRequest, _cookies: BrowserCookies) -> WebReply:
        """Return who is signed in.

        Args:
            request: The request.

        Raises:
            NotSignedInError: Nobody is.
            AuthFlowError: As `Credentials.user`.
        """
        user = await self.credentials.required_user(request)
        return WebReply(members={"status": "signed_in", "user": _profile(user)})

    async def refresh(self, request: WebRequest, _cookies: BrowserCookies) -> WebReply:
        """Refresh a session's tokens if that is due, or get new tokens for a refresh token.

        Args:
            request: The request.

        Raises:
            NotSignedInError: Nobody is signed in.
            AuthFlowError: There are no new tokens.
        """
        if self.settings.after_sign_in == "session":
            return await self.who(request, _cookies)
        token = await self._refresh_token(request)
        return WebReply(members={"tokens": _shown(await self.client.refresh(token))})

    async def sign_out(self, request: WebRequest, cookies: BrowserCookies) -> WebReply:
        """Sign out: the session ends in all processes, and its tokens are revoked.

        Args:
            request: The request.
            cookies: Its cookies.

        Raises:
            AuthFlowError: The tokens may still be good. The cookie stays, to be sent again.
        """
        if self.settings.after_sign_in == "tokens":
            await self.client.revoke(await self._refresh_token(request))
        elif cookies.session is not None:
            try:
                await (await self.client.kept(cookies.session)).sign_out()
            except (SignedOutError, SealError):
                pass  # there is no such session, or not any more
            except PoolSetupError as error:
                _log.warning("a user is signed out, and the tokens stay good: %s", error.message)
        names, new = self.settings.cookies, BrowserCookies(browser=new_browser())
        return WebReply(
            members={"status": "none", "csrf_token": await self.csrf_token(new)},
            cookies=(
                self._session(None, 0),
                NewCookie(name=names.sign_in, secure=names.secure),
                self._browser(new),
            ),
        )

    async def _kept(self, signed_in: SignedIn) -> Any:
        try:
            return await self.client.keep(signed_in, validity=self.settings.session_validity)
        except AuthFlowError:
            await self._revoke(signed_in.tokens)
            raise

    async def _revoke(self, tokens: Tokens) -> None:
        """Revoke tokens that nobody has got."""
        if tokens.refresh_token is not None:
            try:
                await self.client.revoke(tokens.refresh_token)
            except AuthFlowError as error:
                _log.warning("tokens that nobody has got stay good: %s", error.message)

    async def _leave(self, handle: Secret[str] | None) -> None:
        """End a session that nobody can reach any more: as the one that the browser had before."""
        if handle is None:
            return
        try:
            await (await self.client.kept(handle)).sign_out()
        except (SignedOutError, SealError):
            pass
        except AuthFlowError as error:
            _log.warning("a session that nobody can reach may still be good: %s", error.message)

    async def _refresh_token(self, request: WebRequest) -> Secret[str]:
        body = await read_json(request, most=self.settings.most_body_bytes)
        body.only("refresh_token")
        return body.secret("refresh_token", most=MOST_REFRESH_TOKEN)

    def _browser(self, cookies: BrowserCookies) -> NewCookie:
        names = self.settings.cookies
        return NewCookie(name=names.browser, value=cookies.browser, secure=names.secure)

    def _session(self, handle: Secret[str] | None, seconds: int) -> NewCookie:
        names = self.settings.cookies
        return NewCookie(
            name=names.session,
            value=handle,
            seconds=seconds,
            same_site=self.settings.same_site,
            secure=names.secure,
        )


def _shown(tokens: Tokens) -> Mapping[str, Any]:
    """Return tokens as OAuth spells them (RFC 6749 §5.1). The page gets them in clear."""
    refresh = tokens.refresh_token
    return {
        "access_token": tokens.access_token.reveal(),
        "id_token": tokens.id_token.reveal(),
        "refresh_token": None if refresh is None else refresh.reveal(),
        "expires_in": tokens.expires_in,
        "token_type": tokens.token_type,
    }


def _profile(user: WebUser) -> Mapping[str, Any]:
    return {
        "username": user.username,
        "sub": user.sub,
        "groups": sorted(user.groups),
        "scopes": sorted(user.scopes),
    }
