"""The end of a sign-in: a session in a cookie, or tokens as JSON; who is signed in; sign-outs.

A session is a user whom the client keeps (`AuthClient.keep`); its cookie is the handle, which is
drawn anew at each sign-in, and so is what stands for the browser: whatever a page had before, in
whosever name, opens nothing of the new session ("Session Management Cheat Sheet" of OWASP, session
fixation).
"""

import logging
from collections.abc import Coroutine, Mapping
from typing import TYPE_CHECKING, Any, Final

from attrs import field, frozen

from authflow.device import Device, UnconfirmedDevice
from authflow.duties import Duties
from authflow.errors import AuthFlowError, PoolSetupError, SealError, SignedOutError
from authflow.integrations.web.cookies import NewCookie
from authflow.integrations.web.credentials import BrowserCookies, Credentials
from authflow.integrations.web.csrf import BrowserSeals, new_browser
from authflow.integrations.web.json_body import JsonBody, read_json
from authflow.integrations.web.request_errors import MalformedRequestError
from authflow.integrations.web.web_reply import WebReply
from authflow.integrations.web.web_request import WebRequest
from authflow.integrations.web.web_settings import WebSettings
from authflow.integrations.web.web_user import WebUser
from authflow.results import SignedIn, Tokens
from authflow.secret import Secret

if TYPE_CHECKING:
    from authflow.client import AuthClient

MOST_REFRESH_TOKEN: Final = 8_192
MOST_OF_DEVICE: Final = 1_024
"""The longest key of a device, by Cognito's service model; its password is of our own making."""
UNDOING_TIMEOUT: Final = 10.0
"""Seconds in which tokens that nobody has got are revoked, while a failed request waits for it."""
_STAYS: Final = "tokens or a session that nobody has got may still be good"

_log = logging.getLogger(__name__)


@frozen(kw_only=True)
class Sessions:
    """Users who are signed in.

    Args:
        client: Keeps them.
        settings: The settings.
        seals: Make CSRF tokens.
        credentials: Reads who asks.
        duties: Ends what nobody has got, although a request was cancelled.
    """

    client: "AuthClient"
    settings: WebSettings
    seals: BrowserSeals
    credentials: Credentials
    duties: Duties = field(factory=Duties, repr=False)

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
            await self._leave(cookies.session)
        except BaseException:  # cancelled, too: the browser never gets what is new
            await self._undone(
                self._revoke(signed_in.tokens) if session is None else self._leave(session)
            )
            raise
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

    async def ended(self, request: WebRequest, cookies: BrowserCookies) -> WebReply | None:
        """Return the reply to whoever asks for a step, and is signed in by a session already.

        Args:
            request: The request.
            cookies: Its cookies.

        Returns:
            The reply; None if there is no session, or none any more.

        Raises:
            AuthFlowError: As `Credentials.user`.
        """
        user = await self.credentials.session_user(request, cookies)
        session = None if user is None else user.session
        if session is None:
            return None
        members: dict[str, Any] = {
            "status": "signed_in",
            "user": {"username": session.username},
        }
        if cookies.browser is not None:
            members["csrf_token"] = await self.csrf_token(cookies)
            return WebReply(members=members)
        new = BrowserCookies(browser=new_browser(), session=cookies.session)
        members["csrf_token"] = await self.csrf_token(new)
        return WebReply(members=members, cookies=(self._browser(new),))

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
        body = await self._body(request, "refresh_token", "device")
        token = body.secret("refresh_token", most=MOST_REFRESH_TOKEN)
        device = device_of(body)
        del body
        return WebReply(members={"tokens": _shown(await self.client.refresh(token, device=device))})

    async def sign_out(self, request: WebRequest, cookies: BrowserCookies) -> WebReply:
        """Sign out: the session ends in all processes, and its tokens are revoked.

        Args:
            request: The request.
            cookies: Its cookies.

        Raises:
            AuthFlowError: The tokens may still be good. The cookie stays, to be sent again.
        """
        if self.settings.after_sign_in == "tokens":
            body = await self._body(request, "refresh_token")
            await self.client.revoke(body.secret("refresh_token", most=MOST_REFRESH_TOKEN))
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
        except BaseException:  # cancelled, too: nobody has the tokens any more
            await self._undone(self._revoke(signed_in.tokens))
            raise

    async def _undone(self, undoing: Coroutine[Any, Any, None]) -> None:
        """End what nobody has got, also where the request was cancelled."""
        await self.duties.run(undoing, about=_STAYS, failed=_STAYS, work_timeout=UNDOING_TIMEOUT)

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

    async def _body(self, request: WebRequest, *names: str) -> JsonBody:
        body = await read_json(
            request, most=self.settings.most_body_bytes, body_timeout=self.settings.body_timeout
        )
        body.only(*names)
        return body

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
    """Return tokens as OAuth spells them (RFC 6749 §5.1). The page gets them in clear.

    In a pool that remembers devices their device goes with them.
    """
    refresh, device = tokens.refresh_token, tokens.device
    with_device = {} if device is None else {"device": _shown_device(device)}
    return {
        **with_device,
        "access_token": tokens.access_token.reveal(),
        "id_token": tokens.id_token.reveal(),
        "refresh_token": None if refresh is None else refresh.reveal(),
        "expires_in": tokens.expires_in,
        "token_type": tokens.token_type,
    }


def _shown_device(device: Device | UnconfirmedDevice) -> Mapping[str, str]:
    password = device.password if isinstance(device, Device) else None
    proof = {} if password is None else {"password": password.reveal()}
    return {"key": device.key, "group_key": device.group_key, **proof}


def device_of(body: JsonBody) -> Device | None:
    """Return the device in a body, as it stood among the tokens; None if there is none.

    Args:
        body: The body.

    Raises:
        MalformedRequestError: It is of another form.
    """
    given = body.texts("device", most=MOST_OF_DEVICE)
    if given is None:
        return None
    is_whole = {"key", "group_key"} <= given.keys() <= {"key", "group_key", "password"}
    if is_whole and all(given.values()):
        password = Secret(given["password"]) if "password" in given else None
        return Device(key=given["key"], group_key=given["group_key"], password=password)
    del given
    msg = "device must be what stood among the tokens: key, group_key and, for a sign-in, password"
    raise MalformedRequestError(msg)


def _profile(user: WebUser) -> Mapping[str, Any]:
    return {
        "username": user.username,
        "sub": user.sub,
        "groups": sorted(user.groups),
        "scopes": sorted(user.scopes),
    }
